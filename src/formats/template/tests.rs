use nix::sys::resource::{UsageWho, getrusage};

use super::*;

fn render(template: &str, config: &str) -> Result<String, String> {
    let config = Config::parse(config).map_err(|error| format!("{VARIABLE}: {error:#}"))?;
    let template = Template::parse(template);
    let text = template.and_then(|template| template.render(&config));
    text.map_err(|error| format!("{error:#}"))
}

// What is rendered is in tests/fixtures/templates.jsonl, with Go's answers. Here are the
// differences.
#[test]
fn numbers_are_printed_as_they_are_written() {
    let config = r#"{"big":10000000,"e":1E5,"long":1.50}"#;
    for (template, text) in [
        ("{{.big}} {{.e}} {{.long}}", "10000000 1E5 1.50"),
        ("{{print .big 1e7}}", "10000000 1e7"),
        (r#"{{printf "%v %.0f" .e .e}}"#, "1E5 100000"),
        ("{{eq .big 1e7}}", "true"),
    ] {
        assert_eq!(render(template, config), Ok(text.to_owned()), "{template}");
    }
}

#[test]
fn names_what_is_missing_and_never_a_value() {
    let config = r#"{"z":"secret","a":1,"o":{"b":"secret"},"n":null,"l":["secret"],"é":"secret"}"#;
    let has = r#"in the config, which has "a", "l", "n", "o", "z", "é""#;
    let printable = "not a string, number or boolean";
    for (template, message) in [
        ("{{.b}}", format!(r#"{{{{.b}}}}: no key "b" {has}"#)),
        ("{{ .Z -}} x", format!(r#"{{{{ .Z -}}}}: no key "Z" {has}; write {{{{.z}}}}"#)),
        ("{{if .z}}{{$.b}}{{end}}", format!(r#"{{{{$.b}}}}: no key "b" {has}"#)),
        ("{{if eq .b 1}}{{end}}", format!(r#"{{{{if eq .b 1}}}}: no key "b" {has}"#)),
        ("{{.o.c}}", r#"{{.o.c}}: no key "c" in the config, which has "b""#.into()),
        ("{{.z.b}}", r#"{{.z.b}}: a string has no key "b""#.into()),
        ("{{.n}}", format!("{{{{.n}}}}: is null, {printable}")),
        ("{{.o}}", format!(r#"{{{{.o}}}}: is an object, {printable}; a file is {{"file": "/PATH"}} and nothing else"#)),
        ("{{print .l}}", format!("{{{{print .l}}}}: print: is an array, {printable}")),
        ("{{eq .z .a}}", "{{eq .z .a}}: eq: cannot compare a string with a number".into()),
        ("{{lt .o .o}}", "{{lt .o .o}}: lt: cannot compare an object with an object".into()),
        (
            "{{eq .a 1}}",
            "{{eq .a 1}}: eq: compare a number of the config with one that has a decimal point, such as 1.0".into(),
        ),
        (
            r#"{{printf "%d" .a}}"#,
            r#"{{printf "%d" .a}}: printf: has a verb that does not fit a number as it is written; %v fits"#.into(),
        ),
        (r#"{{printf "%s"}}"#, r#"{{printf "%s"}}: printf: has more verbs than values"#.into()),
        (r#"{{printf "" .z}}"#, r#"{{printf "" .z}}: printf: has more values than verbs"#.into()),
        ("{{printf .a .z}}", "{{printf .a .z}}: printf: does not take (a number, a string)".into()),
        ("{{index .l 1}}", "{{index .l 1}}: index: an array has nothing there".into()),
        ("{{index .l -1}}", "{{index .l -1}}: index: an array has nothing there".into()),
        ("{{slice .é 1}}", "{{slice .é 1}}: slice: a position is outside the string, or inside a character".into()),
        ("{{len .a}}", "{{len .a}}: len: does not take (a number)".into()),
        ("{{not}}", "{{not}}: not: does not take ()".into()),
        ("{{.a .z}}", "{{.a .z}}: has arguments for something that is not a function".into()),
        ("{{$x = 1}}", "{{$x = 1}}: has $x, which has no value".into()),
    ] {
        let config = config.replace(r#""é":"secret""#, r#""é":"é""#);
        assert_eq!(render(template, &config), Err(message), "{template}");
    }
    let unset = format!(
        "{{{{.b}}}}: {VARIABLE} is unset, empty or null; give the peer a JSON object with this key in it, and name the variable in this builder's propagateEnvironment"
    );
    for config in ["", "null", " null\n"] {
        assert_eq!(render("{{.b}}", config), Err(unset.clone()));
        assert_eq!(render("{{if .}}x{{end}}", config), Ok(String::new()));
    }
    let empty = r#"{{.b}}: no key "b" in the config, which is empty"#.to_owned();
    assert_eq!(render("{{.b}}", "{}"), Err(empty));
}

#[test]
fn names_what_is_not_a_template() {
    let known =
        "if, with, else, end and or not eq ne lt le gt ge index len slice print println printf are";
    for (template, message) in [
        (
            "{{range .a}}{{end}}",
            format!(r#"{{{{range .a}}}}: "range" is not supported here; {known}"#),
        ),
        (
            "{{a}}",
            r#"{{a}}: "a" is not supported here; write {{.a}} for a key of the config"#.into(),
        ),
        (
            "{{js .a}}",
            format!(r#"{{{{js .a}}}}: "js" is not supported here; {known}"#),
        ),
        ("{{.a", "{{.a: is not closed by }}".into()),
        ("a{{", "{{: is not closed by }}".into()),
        ("{{.a:9999", "{{.a:9999: is not closed by }}".into()),
        ("{{\"}}", "{{\"}}: \" is not closed".into()),
        ("{{.a:1}}", "{{.a:1}}: has ':' without '='".into()),
        ("{{/*/}}", "a comment is not closed by */".into()),
        ("{{/* a */  -}}", "a comment must end with */}}".into()),
        ("{{/* a */ }}", "a comment must end with */}}".into()),
        ("{{if .a}}x", "{{if .a}}: is not closed by {{end}}".into()),
        ("x{{end}}", "{{end}}: belongs to no block".into()),
        (
            "{{if .a}}{{else}}{{else}}{{end}}",
            "{{else}}: does not fit {{if .a}}".into(),
        ),
        (
            "{{if .a}}{{else with .a}}{{end}}",
            "{{else with .a}}: does not fit {{if .a}}".into(),
        ),
        ("{{}}", "{{}}: has no value".into()),
        ("{{if}}{{end}}", "{{if}}: has no value".into()),
        ("{{(.a}}", "{{(.a}}: ( is not closed".into()),
        ("{{.a)}}", "{{.a)}}: has ) without (".into()),
        ("{{$x}}", "{{$x}}: has $x, which is not declared".into()),
        (
            "{{.peer-name}}",
            r#"{{.peer-name}}: has a name with characters other than letters, digits and _; for such a key, write {{index . \"a-b\"}}"#.into(),
        ),
        ("{{\"a}}", "{{\"a}}: \" is not closed".into()),
        (
            "{{\"\\q\"}}",
            "{{\"\\q\"}}: has an unknown \\ escape in a string".into(),
        ),
        (
            "{{0x1f}}",
            "{{0x1f}}: has a number that is not decimal, or is too large".into(),
        ),
        ("{{.a | .}}", "{{.a | .}}: has no function after |".into()),
        (
            "{{-----BEGIN PRIVATE KEY-----}}",
            "the text: has a number that is not decimal, or is too large".into(),
        ),
    ] {
        assert_eq!(render(template, "{}"), Err(message), "{template}");
    }
}

#[test]
fn a_config_that_go_cannot_read_is_refused() {
    for (config, message) in [
        ("[]", "is an array, not a JSON object"),
        (
            "{",
            "is not JSON: it ends too early; a closing } or \" is needed",
        ),
        (r#"{"a":[1e999]}"#, "has a number over 1.8e308"),
    ] {
        let example = r#"write for example {"peername":"org1peer1"}"#;
        let message = format!("{VARIABLE}: {message}; {example}");
        assert_eq!(render("x", config), Err(message));
    }
}

#[test]
fn what_a_hostile_template_makes_and_nests_has_limits() {
    let most = 1 << 20;
    let long = |count: usize, text: &str| text.repeat(count / text.len());
    let error = |template: &str| render(template, r#"{"a":{"b":"x"}}"#).unwrap_err();
    for (open, close) in [
        ("(", ")"),
        ("{{if .a}}", "{{end}}"),
        ("{{with .a}}{{else}}", "{{end}}"),
    ] {
        let nested = |depth| match open {
            "(" => format!("{{{{{}.a.b{}}}}}", open.repeat(depth), close.repeat(depth)),
            _ => format!("{}x{}", open.repeat(depth), close.repeat(depth)),
        };
        assert!(render(&nested(100), r#"{"a":{"b":"x"}}"#).is_ok(), "{open}");
        for depth in [101, most / 20] {
            let error = error(&nested(depth));
            assert!(error.ends_with("is nested more than 100 deep"), "{error}");
        }
    }
    let doubled = format!(
        "{{{{$x := \"{}\"}}}}{}",
        "x".repeat(1000),
        "{{$x = print $x $x}}".repeat(60)
    );
    assert!(
        error(&doubled).ends_with(&format!("works on more than {WORK} bytes")),
        "{}",
        error(&doubled)
    );
    let compared = format!(
        "{{{{$x := \"{}\"}}}}{}",
        "x".repeat(most / 2),
        long(most / 2, "{{if eq $x $x}}{{end}}")
    );
    assert!(error(&compared).ends_with(&format!("works on more than {WORK} bytes")));
    let printed = format!(
        "{{{{$x := \"{}\"}}}}{}",
        "x".repeat(most / 2),
        "{{$x}}".repeat(3)
    );
    assert_eq!(
        error(&printed),
        format!("is more than {most} bytes once filled in")
    );
    let declared = |count| "{{$x := 1}}".repeat(count);
    assert!(render(&declared(99), "").is_ok());
    assert!(error(&declared(100)).ends_with("has more than 100 variables"));
    let wide = format!(
        "{{{{printf \"{}\" {}}}}}",
        "%1000v".repeat(1100),
        "1 ".repeat(1100)
    );
    assert!(error(&wide).ends_with(&format!("makes more than {most} bytes")));
    assert!(error("{{printf \"%1001v\" 1}}").ends_with("has a width or precision over 1000"));
}

#[test]
fn the_time_is_linear_in_the_text() {
    let members: Vec<_> = (0..1000).map(|key| format!(r#""k{key}":"""#)).collect();
    let config = format!(r#"{{"a":{{"b":"",{}}}}}"#, members.join(","));
    let branches = format!(
        "{{{{if .a.b}}}}{}{{{{end}}}}",
        "{{else if .a.b}}".repeat(60_000)
    );
    for template in [
        "{{.a.b}}".repeat(130_000),
        format!(
            "{}{}",
            "{{$x := .a}}".repeat(40_000),
            "{{$x.b}}".repeat(60_000)
        ),
        "{{/**/}}".repeat(130_000),
        "{{".repeat(500_000),
        "{{if .a.b}}{{else}}{{end}}".repeat(40_000),
        format!("{}{branches}{}", "x".repeat(10_000), "y".repeat(10_000)),
    ] {
        let began = processor_time();
        let _ = render(&template, &config);
        if let Ok(template) = Template::parse(&template) {
            assert!(template.keys().len() <= 2);
            let made: usize = template.texts().iter().map(String::len).sum();
            assert!(made <= WORK, "{made}");
        }
        // Quadratic, this takes minutes without optimisation.
        let seconds = processor_time() - began;
        assert!(seconds < 20, "{seconds}");
    }
}

/// The seconds for which this thread has kept a processor busy, whatever else the machine does.
fn processor_time() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.user_time().tv_sec()
}

#[test]
fn says_which_keys_it_needs_on_all_branches() {
    for (template, keys) in [
        ("plain", vec![]),
        ("{{.a}}{{$.b.c}}{{.a}}", vec!["a", "b.c"]),
        (
            r#"{{if eq .peer "x"}}{{.a}}{{else if .b}}{{else}}{{(print .c).d}}{{end}}"#,
            vec!["a", "b", "c", "peer"],
        ),
        (
            "{{with .tls}}{{.root}}{{$.x}}{{else}}{{.y}}{{end}}",
            vec!["tls", "tls.root", "x", "y"],
        ),
        (
            "{{with print .a}}{{.root}}{{end}}{{$x := .b}}{{$x.c}}",
            vec!["a", "b"],
        ),
        ("{{index . \"a\"}}{{with $}}{{.b}}{{end}}", vec!["b"]),
    ] {
        let found = Template::parse(template).unwrap().keys();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), keys, "{template}");
    }
}

#[test]
fn says_which_branches_are_plain_text() {
    for (template, texts) in [
        ("plain", vec!["plain"]),
        ("{{/* a */}}", vec![]),
        ("{{.a}}", vec![]),
        (
            "{{if .a}}x{{else if .b}}{{.b}}{{else}}z{{end}}",
            vec!["x", "z"],
        ),
        (
            "a{{with .a}}{{if .b}}x{{else}}y{{end}}{{end}}:1{{$x := 1}}",
            vec!["ax:1", "ay:1"],
        ),
        ("{{if .a}}x{{end}}{{if .b}}y{{end}}", vec![]),
        ("{{if .a}}x{{end}}{{.b}}", vec![]),
    ] {
        assert_eq!(
            Template::parse(template).unwrap().texts(),
            texts,
            "{template}"
        );
    }
}

#[test]
fn may_make_what_begins_and_ends_with_its_own_text() {
    let config = Config::parse(r#"{"a":"x"}"#).unwrap();
    for (template, others) in [
        ("plain", vec!["plai", "plainplain", ""]),
        ("{{.a}}", vec![]),
        ("{{.a}}-b:9999", vec!["x-b:9998", "-c:9999", ":9999"]),
        ("ab{{.a}}ba", vec!["aba", "abxb", "bxba"]),
        ("ab {{- .a -}} ba", vec!["ab ba x"]),
        (
            "a{{/* b */}}c{{if .a}}d{{end}}e{{.a}}f{{/* g */}}h",
            vec!["acf", "abch", "ach"],
        ),
        ("é{{with .a}}{{.}}{{else}}y{{end}}", vec!["e", "xé"]),
    ] {
        let parsed = Template::parse(template).unwrap();
        assert!(
            parsed.may_make(&parsed.render(&config).unwrap()),
            "{template}"
        );
        for other in others {
            assert!(!parsed.may_make(other), "{template}: {other}");
        }
    }
}
