use std::fs;

use fabric_ccs_builder::testing::{Config, Template};

use super::peer::{CONFIG, Peer, quoted, tls};
use super::user;

/// `templates.jsonl` has a template, a config and Go's output on each line, null where Go refuses.
/// It was made by a Go program that reads the config into a `map[string]interface{}` with
/// `json.Unmarshal`, unless it is the empty text, and renders the template by
/// `template.New("").Option("missingkey=error")`, `Parse` and `Execute`, with Go 1.27.3, and the
/// last five lines with Go 1.19.
#[test]
fn renders_what_go_renders_and_refuses_what_go_refuses() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/templates.jsonl"
    );
    let lines = fs::read_to_string(path).unwrap();
    let (mut rendered, mut refused) = (0, 0);
    for line in lines.lines() {
        let [template, config, expected]: [Option<String>; 3] = serde_json::from_str(line).unwrap();
        let text = Config::parse(&config.unwrap())
            .and_then(|config| Template::parse(&template.unwrap())?.render(&config));
        assert_eq!(
            text.as_deref().ok(),
            expected.as_deref(),
            "{line}: {text:?}"
        );
        *if text.is_ok() {
            &mut rendered
        } else {
            &mut refused
        } += 1;
    }
    assert!(rendered > 200 && refused > 100, "{rendered} {refused}");
}

#[test]
fn a_config_of_null_is_unset() {
    Peer::with_connection(r#"{"address":"a:1"}"#)
        .config("null")
        .build()
        .succeeds(&[]);
    Peer::with_connection(r#"{"address":"{{.a}}:1"}"#)
        .config("null")
        .build()
        .refuses(&format!(
            "build: connection.json: address: {{{{.a}}}}: {CONFIG} is unset, empty or null; give the peer a JSON object with this key in it, and name the variable in this builder's propagateEnvironment"
        ));
}

/// The form of the packages that fablo makes: different certificates on each peer.
#[test]
fn one_package_has_different_certificates_on_each_peer() {
    let (one, other) = (["P-256.pem", "P-256.key"], ["P-384.pem", "P-384.key"]);
    let by_peer = |at: usize| {
        quoted(&format!(
            r#"{{{{if eq .peer_hostname "peer0.org1"}}}}{}{{{{else if eq .peer_hostname "peer1.org1"}}}}{}{{{{end}}}}"#,
            tls(one[at]),
            tls(other[at]),
        ))
    };
    let connection = format!(
        r#"{{"address":"ccaas_{{{{.peer_hostname}}}}:7052","tls_required":true,"client_auth_required":true,"root_cert":{},"client_cert":{},"client_key":{}}}"#,
        by_peer(0),
        by_peer(0),
        by_peer(1),
    );
    for (name, [certificate, key]) in [("peer0.org1", one), ("peer1.org1", other)] {
        let peer =
            Peer::with_connection(&connection).config(&format!(r#"{{"peer_hostname":"{name}"}}"#));
        peer.build().succeeds(&[]);
        let (certificate, key) = (quoted(&tls(certificate)), quoted(&tls(key)));
        assert_eq!(
            peer.get("bld/connection.json"),
            format!(
                r#"{{"address":"ccaas_{name}:7052","tls_required":true,"client_auth_required":true,"root_cert":{certificate},"client_key":{key},"client_cert":{certificate}}}"#
            )
        );
    }
    let peer = Peer::with_connection(&connection).config(r#"{"peer_hostname":"peer2.org1"}"#);
    peer.build()
        .refuses("build: connection.json: root_cert: is empty; a PEM CERTIFICATE is needed");
}

#[test]
fn without_a_config_check_says_which_keys_are_looked_for_and_checks_each_branch() {
    let check = |root_cert: &str, config: &[&str]| {
        let connection = format!(
            r#"{{"address":"{{{{.host}}}}:1","tls_required":true,"root_cert":{}}}"#,
            quoted(root_cert)
        );
        let peer = Peer::with_connection(&connection);
        let package = peer.path("src");
        fs::copy(
            peer.path("metadata/metadata.json"),
            package.join("metadata.json"),
        )
        .unwrap();
        let seen = user::run(&package, &[&["check"], config, &["."]].concat());
        (seen.status, seen.stdout)
    };
    let pem = tls("P-256.pem");
    let good = format!("{{{{if .a.b}}}}{pem}{{{{else}}}}{{{{.cert}}}}{{{{end}}}}");
    let keys = r#"fault    connection.json: templates need values; write --config '{"a": {"b": "..."}, "cert": "...", "host": "..."}'"#;
    let (status, stdout) = check(&good, &[]);
    assert_eq!(status, 1);
    let end = "result   a peer without these values would refuse this package\n";
    assert!(stdout.ends_with(&format!("\n{keys}\n{end}")), "{stdout}");
    let (status, stdout) = check(&good, &["--config", r#"{"a":{"b":true},"host":"h"}"#]);
    assert_eq!(status, 0);
    assert!(!stdout.contains("fault"), "{stdout}");

    let bad = format!(
        "{{{{if .a.b}}}}{pem}{{{{else}}}}{}{{{{end}}}}",
        tls("P-256.key")
    );
    let line = "\nfault    connection.json: root_cert: contains a PRIVATE KEY, not a CERTIFICATE\n";
    assert!(check(&bad, &[]).1.contains(line), "{}", check(&bad, &[]).1);
    let bad = format!("{{{{if .a.b}}}}{pem}{{{{else}}}}none{{{{end}}}}");
    let line = "\nfault    connection.json: root_cert: is not PEM";
    assert!(check(&bad, &[]).1.contains(line), "{}", check(&bad, &[]).1);
}

#[test]
fn fills_every_kept_string_field() {
    let (certificate, key) = (tls("P-256.pem"), tls("P-256.key"));
    let config = format!(
        r#"{{"peer":"org1","wait":10,"tls":{{"root":{},"key":{},"cert":{}}}}}"#,
        quoted(&certificate),
        quoted(&key),
        quoted(&certificate),
    );
    let peer = Peer::with_connection(
        r#"{"address":"{{.peer}}.example.com:9999","domain":"{{ .peer }}.example.com","dial_timeout":"{{.wait}}s","tls_required":true,"client_auth_required":true,"root_cert":"{{.tls.root}}","client_key":"{{- .tls.key -}}","client_cert":"{{/* ours */}}{{.tls.cert}}"}"#,
    )
    .config(&config);
    peer.build().succeeds(&[]);
    assert_eq!(
        peer.get("bld/connection.json"),
        format!(
            r#"{{"address":"org1.example.com:9999","domain":"org1.example.com","dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
            quoted(&certificate),
            quoted(&key),
            quoted(&certificate),
        )
    );
    for file in ["SHA256SUMS", "build.intoto.json"] {
        assert!(!peer.get(&format!("bld/{file}")).contains("org1"), "{file}");
    }
}

#[test]
fn the_source_is_recorded_as_it_was_before() {
    let peer = Peer::with_connection(r#"{"address":"{{.a}}:1"}"#).config(r#"{"a":"b"}"#);
    peer.build().succeeds(&[]);
    let read = fabric_ccs_builder::testing::Digest::of(br#"{"address":"{{.a}}:1"}"#);
    let statement = peer.get("bld/build.intoto.json");
    assert!(
        statement.contains(&format!(
            r#"{{"name":"src/connection.json","digest":{{"sha256":"{read}"}}}}"#
        )),
        "{statement}"
    );
}

#[test]
fn nothing_of_the_environment_but_the_variable_reaches_a_template() {
    let peer = Peer::with_connection(r#"{"address":"{{.peername}}:1"}"#)
        .environment("peername", "org1")
        .environment("CONFIG", r#"{"peername":"org1"}"#);
    peer.build().refuses(&format!(
        "build: connection.json: address: {{{{.peername}}}}: {CONFIG} is unset, empty or null; give the peer a JSON object with this key in it, and name the variable in this builder's propagateEnvironment"
    ));
}

#[test]
fn refuses_what_it_cannot_fill_in() {
    for (connection, config, line) in [
        (
            r#"{"address":"{{.peer}}:1"}"#,
            "",
            format!("connection.json: address: {{{{.peer}}}}: {CONFIG} is unset, empty or null; give the peer a JSON object with this key in it, and name the variable in this builder's propagateEnvironment"),
        ),
        (
            r#"{"address":"{{.peer}}:1"}"#,
            r#"{"peername":"secret","b":{"c":1}}"#,
            r#"connection.json: address: {{.peer}}: no key "peer" in the config, which has "b", "peername""#.to_owned(),
        ),
        (
            r#"{"address":"a:1","dial_timeout":"{{.wait}}"}"#,
            r#"{"wait":null}"#,
            "connection.json: dial_timeout: {{.wait}}: is null, not a string, number or boolean".to_owned(),
        ),
        (
            r#"{"address":"a:1","dial_timeout":"{{.wait}}"}"#,
            r#"{"wait":"soon"}"#,
            r#"connection.json: dial_timeout: "{{.wait}}", filled in, is not a duration; correct "wait" in the config"#.to_owned(),
        ),
        (
            r#"{"address":"{{if eq .a `1`}}b{{end}}:1"}"#,
            r#"{"a":1}"#,
            "connection.json: address: {{if eq .a `1`}}: eq: cannot compare a number with a string".to_owned(),
        ),
        (r#"{"address":"{{.a:1"}"#, r#"{"a":1}"#, "connection.json: address: {{.a:1: is not closed by }}".to_owned()),
        (r#"{"address":"a:1"}"#, "[]", format!(r#"{CONFIG}: is an array, not a JSON object; write for example {{"peername":"org1peer1"}}"#)),
        (r#"{"address":"a:1"}"#, "@cfg.json", format!("{CONFIG}: begins with @; write the JSON object itself, because only --config reads a file")),
        (r#"{"address":"a:1"}"#, "{", format!(r#"{CONFIG}: is not JSON: it ends too early; a closing }} or " is needed; write for example {{"peername":"org1peer1"}}"#)),
    ] {
        let peer = Peer::with_connection(connection).config(config);
        peer.build().refuses(&format!("build: {line}"));
        peer.has_nothing_in("bld");
    }
}
