//! Thousands of generated inputs: nothing panics, and what is accepted is what a peer accepts by
//! [`super::rules`]. For more of them, run `PROPTEST_CASES=100000 PROPTEST_RNG_SEED=1 cargo test
//! --release properties`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use fabric_ccs_builder::testing::{
    Address, Artifact, Config, Connection, Definition, DialTimeout, Digest, Dir, Draft, Inputs,
    Metadata, Record, Template, check_key_pair, check_root_certificates, escaped_line, gunzip,
    gzip, tar, untar,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::indexes::{FOLDER, published};
use super::peer::{INDEX, Peer, program, quoted, tls};
use super::rules;

/// JSON texts: values that are valid for some field, and values that are valid for none.
fn values() -> impl Strategy<Value = String> {
    let pem = |name: &str| quoted(&tls(name));
    let fixed = vec![
        "null".to_owned(),
        "true".into(),
        "false".into(),
        "10000000000".into(),
        "-1".into(),
        "10".into(),
        "1e400".into(),
        "[]".into(),
        "{}".into(),
        r#""true""#.into(),
        r#""""#.into(),
        r#""basic.example.com:9999""#.into(),
        r#""[::1]:9999""#.into(),
        r#""{{.peername}}:9999""#.into(),
        r#""{{.none}}""#.into(),
        r#""{{.braces}}""#.into(),
        r#""{{- .root -}}""#.into(),
        r#""10s""#.into(),
        r#""1m30s""#.into(),
        r#""10""#.into(),
        pem("P-256.pem"),
        pem("P-256.key"),
        pem("other.P-256.key"),
        pem("rsa.pem"),
        pem("rsa.key"),
        pem("chain.pem"),
        pem("ed25519.pem"),
        pem("ed25519.key"),
        pem("secp256k1.pem"),
        pem("v1.pem"),
        pem("request.pem"),
        pem("public.pem"),
        pem("P-256.encrypted.key"),
    ];
    prop_oneof![4 => select(fixed), 1 => ".{0,12}".prop_map(|text| quoted(&text))]
}

fn names() -> impl Strategy<Value = String> {
    const NAMES: [&str; 12] = [
        "address",
        "address",
        "Address",
        "domain",
        "dial_timeout",
        "DIAL_TIMEOUT",
        "tls_required",
        "client_auth_required",
        "root_cert",
        "client_key",
        "client_cert",
        "unknown",
    ];
    select(NAMES.to_vec()).prop_map(str::to_owned)
}

/// Objects whose fields are mostly valid, so that many are accepted.
fn connections() -> impl Strategy<Value = String> {
    let certificate = select(vec!["P-256.pem", "chain.pem", "rsa.pem", "ed25519.pem"]);
    let key = select(vec![
        "P-256.key",
        "other.P-256.key",
        "rsa.key",
        "ed25519.key",
    ]);
    let good = (0..5_usize, certificate, key).prop_map(|(choice, certificate, key)| match choice {
        0 => r#""address":"a:1""#.to_owned(),
        1 => r#""address":"{{.peername}}:1","dial_timeout":"10s""#.to_owned(),
        2 => format!(r#""address":"a:1","tls_required":true,"root_cert":{}"#, quoted(&tls(certificate))),
        _ => format!(
            r#""address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":{},"client_cert":{},"client_key":{}"#,
            quoted(&tls("rsa.pem")),
            quoted(&tls(certificate)),
            quoted(&tls(key)),
        ),
    });
    (good, vec((names(), values()), 0..4)).prop_map(|(good, more)| {
        let more: Vec<_> = more
            .iter()
            .map(|(name, value)| format!(r#""{name}":{value}"#))
            .collect();
        format!("{{{}}}", [&[good], more.as_slice()].concat().join(","))
    })
}

/// Paths of fields, some with empty parts.
fn paths() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[ab](\\.[ab]){0,2}", 1 => "[a.\\\\]{0,2}"].prop_map(|path| quoted(&path))
}

/// Conditions of selectors: every operator with arguments of every kind, which are mostly right.
fn conditions() -> impl Strategy<Value = String> {
    let value = select(vec![
        "1", "0", "-1", "2.0", "true", "null", r#""a""#, r#""[""#, "[]", "[2,0]", "[2,1.0]",
        r#"["a"]"#, "{}",
    ]);
    value
        .prop_map(str::to_owned)
        .prop_recursive(4, 40, 4, |condition| {
            let object = |members: Vec<String>| format!("{{{}}}", members.join(","));
            let array =
                vec(condition.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(",")));
            let field = (paths(), condition.clone())
                .prop_map(|(path, condition)| format!("{path}:{condition}"))
                .boxed();
            let right = prop_oneof![
                (select(vec!["and", "or", "nor", "in", "nin", "all"]), array),
                (
                    select(vec!["not", "elemMatch", "allMatch", "keyMapMatch"]),
                    field.clone().prop_map(|field| format!("{{{field}}}"))
                ),
                (select(vec!["exists"]), Just("true".to_owned())),
                (
                    select(vec!["type", "regex", "beginsWith"]),
                    Just(r#""a""#.to_owned())
                ),
                (select(vec!["size"]), Just("0".to_owned())),
                (select(vec!["mod"]), Just("[2,0]".to_owned())),
                (
                    select(vec!["lt", "lte", "eq", "ne", "gte", "gt", "text", "foo"]),
                    condition.clone()
                ),
            ];
            let any = select(vec![
                "and",
                "or",
                "nor",
                "not",
                "in",
                "nin",
                "all",
                "elemMatch",
                "allMatch",
                "keyMapMatch",
                "exists",
                "type",
                "regex",
                "beginsWith",
                "size",
                "mod",
                "lt",
                "AND",
                "",
            ]);
            let operator = prop_oneof![40 => right, 1 => (any, condition)]
                .prop_map(|(operator, argument)| format!(r#""${operator}":{argument}"#));
            vec(prop_oneof![field, operator], 0..4).prop_map(object)
        })
}

/// What may be beside `index` in a definition.
const MORE: [&str; 20] = [
    "",
    "",
    "",
    r#","ddoc":"d""#,
    r#","ddoc":"_design/d","name":"n""#,
    r#","ddoc":"""#,
    r#","ddoc":"_design/""#,
    r#","ddoc":1"#,
    r#","name":null"#,
    r#","name":"""#,
    r#","name":"lib""#,
    r#","name":"\ud800""#,
    r#","type":"json""#,
    r#","type":"text""#,
    r#","w":0"#,
    r#","w":2"#,
    r#","w":1.5"#,
    r#","partitioned":false"#,
    r#","partitioned":true"#,
    r#","x":1"#,
];

/// Index definitions that are nearly right.
fn definitions() -> impl Strategy<Value = String> {
    let field = (paths(), 0..40_usize).prop_map(|(path, choice)| match choice {
        0 => format!(r#"{{{path}:"desc"}}"#),
        1 => format!(r#"{{{path}:"ASC"}}"#),
        2 => "1".to_owned(),
        3 => "{}".to_owned(),
        4 => r#"{"a":"asc","b":"asc"}"#.to_owned(),
        5..20 => format!(r#"{{{path}:"asc"}}"#),
        _ => path,
    });
    let fields = vec(field, 0..3).prop_map(|fields| format!(r#""fields":[{}]"#, fields.join(",")));
    let inner = (fields, conditions(), 0..20_usize).prop_map(|(fields, selector, choice)| {
        let selector = format!(r#""partial_filter_selector":{selector}"#);
        match choice {
            0 => selector,
            1 => format!(r#"{fields},"x":1"#),
            2 | 3 => fields,
            _ => format!("{fields},{selector}"),
        }
    });
    let index = prop_oneof![19 => Just("index"), 1 => Just("Index")];
    let more = prop_oneof![3 => Just(r#","ddoc":"d","name":"n""#), 1 => select(MORE.to_vec())];
    (inner, more, index)
        .prop_map(|(inner, more, index)| format!(r#"{{"{index}":{{{inner}}}{more}}}"#))
}

/// Objects that are nearly a valid metadata.json.
fn metadata() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        3 => select(vec!["\"ccaas\"", "\"External\"", "\"golang\"", "\"basic_1.0\"", "\"a@b\"", "\"a/b\"", "\"-a\"", "\"\"", "null", "1", "[]"]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_.+@:/ é-]{0,6}".prop_map(|text| quoted(&text)),
    ];
    let members = vec((select(vec!["type", "label", "path", "x"]), value), 0..4);
    members.prop_map(|members| {
        // No duplicates: the last one counts here, but for a peer it is the last that is not null.
        let members: BTreeMap<_, _> = members.into_iter().collect();
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!(r#""{key}":{value}"#))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// Writes the record of a build with a backslash in a name to `dir`, and returns its two files.
fn recorded(dir: &Path) -> (String, String) {
    let digest = Digest::of(b"x");
    let artifact = |path: &str| Artifact {
        path: path.to_owned(),
        digest,
    };
    let inputs = Inputs {
        metadata: digest,
        connection: digest,
        meta_inf_source: "META-INF",
        meta_inf: vec![
            artifact("META-INF/a\\b"),
            artifact("META-INF/statedb/couchdb/indexes/a.json"),
        ],
    };
    let output = Dir::open(dir).unwrap();
    inputs.write_record(&output, digest).unwrap();
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    (read("SHA256SUMS"), read("build.intoto.json"))
}

/// The statement with the subjects listed in `sums`.
fn statement_of(sums: &str, statement: &str) -> String {
    let mut statement: Value = serde_json::from_str(statement).unwrap();
    let sums = rules::checked_by_sha256sum(sums).unwrap_or_default();
    let subjects = sums.iter().filter(|(path, _)| path != "build.intoto.json");
    statement["subject"] = subjects
        .map(|(path, digest)| json!({"name": path, "digest": {"sha256": digest}}))
        .collect();
    statement.to_string()
}

fn config() -> Config {
    let json = format!(
        r#"{{"peername":"org1","a":{{"b":1}},"braces":"{{{{.x}}}}","root":{}}}"#,
        quoted(&tls("P-256.pem"))
    );
    Config::parse(&json).unwrap()
}

/// The files of an archive.
fn unpacked(bytes: &[u8]) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = untar::Reader::new(gunzip::Reader::new(bytes));
    let mut files = BTreeMap::new();
    while let Some(member) = archive.next_member()? {
        let mut content = Vec::new();
        archive.read_to_end(&mut content)?;
        files.insert(member.name, content);
    }
    io::copy(archive.get_mut(), &mut io::sink())?;
    Ok(files)
}

/// The same cases on every run, so that a failure is caused by a change. `PROPTEST_RNG_SEED` gives
/// others.
pub fn cases(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(7051);
    }
    config.failure_persistence = None;
    config
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_accepted_is_what_a_peer_takes(connection in connections()) {
        if let Ok(accepted) = Draft::parse(connection.as_bytes()).and_then(|(draft, _)| draft.resolve(&config())) {
            let written = String::from_utf8(accepted.json().to_vec()).unwrap();
            prop_assert_eq!(rules::peer_takes(&written), Ok(()), "{}", &connection);
            // What was written is accepted again, unchanged.
            let again = Connection::parse_written(written.as_bytes()).unwrap().json().to_vec();
            prop_assert_eq!(String::from_utf8(again).unwrap(), written);
        }
    }

    #[test]
    fn no_bytes_make_a_connection_panic(bytes in vec(any::<u8>(), 0..200), connection in connections(), place in any::<prop::sample::Index>()) {
        let mut damaged = connection.into_bytes();
        let place = place.index(damaged.len());
        damaged.splice(place..place, bytes.iter().copied());
        for content in [&bytes, &damaged] {
            if let Ok((draft, _)) = Draft::parse(content) {
                let _ = draft.resolve(&config());
            }
        }
    }

    #[test]
    fn metadata_is_taken_as_a_peer_takes_it(metadata in metadata(), bytes in vec(any::<u8>(), 0..100)) {
        let _ = Metadata::parse(&bytes);
        let read = rules::peer_reads_metadata(&metadata);
        if let Some((kind, _)) = &read {
            let ours = Metadata::parse(metadata.as_bytes()).is_ok_and(|metadata| metadata.is_ours());
            prop_assert_eq!(ours, ["ccaas", "external"].contains(&kind.to_lowercase().as_str()), "{}", metadata);
        }
        // A peer installs a package without a type, but no builder claims it.
        let has_type = |_: &String| !matches!(&serde_json::from_str::<Value>(&metadata).unwrap()["type"], Value::Null);
        let label = read.map(|(_, label)| label).filter(|label| rules::is_label(label)).filter(has_type);
        let taken = Metadata::parse(metadata.as_bytes()).ok().and_then(|metadata| Some(metadata.label().ok()?.to_string()));
        prop_assert_eq!(taken, label, "{}", metadata);
    }

    #[test]
    fn a_record_is_read_as_sha256sum_reads_it(damages in vec((any::<prop::sample::Index>(), ".{0,3}|\\\\|\n|  |/|\\.\\./", 0..3_usize), 0..3), folder in select(vec!["META-INF/", "", "/", "../", "./", "META-INF/../"]), both in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let (sums, statement) = recorded(dir.path());
        let mut sums = sums.replacen("META-INF/", folder, 1);
        for (place, text, cut) in damages {
            let start = place.index(sums.len() + 1);
            if sums.get(start..start + cut).is_some() {
                sums.replace_range(start..start + cut, &text);
            }
        }
        fs::write(dir.path().join("SHA256SUMS"), &sums).unwrap();
        if both {
            // Keeps the two files in agreement.
            fs::write(dir.path().join("build.intoto.json"), statement_of(&sums, &statement)).unwrap();
        }
        if let Ok(Some(record)) = Record::read(&Dir::open(dir.path()).unwrap()) {
            let read: Vec<_> = record.artifacts.iter().map(|artifact| (artifact.path.clone(), artifact.digest.to_string())).collect();
            let checked = rules::checked_by_sha256sum(&sums);
            prop_assert_eq!(Some(&read), checked.as_ref(), "{}", sums);
            let leads_outside = |path: &str| path.starts_with('/') || path.split('/').any(|part| part == "..");
            prop_assert!(!read.iter().any(|(path, _)| leads_outside(path)), "{}", sums);
        }
    }

    #[test]
    fn no_bytes_make_a_record_panic(sums in vec(any::<u8>(), 0..200), statement in vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut whole) = recorded(dir.path());
        let open = || Record::read(&Dir::open(dir.path()).unwrap());
        whole.insert_str(place.index(whole.len()), &String::from_utf8_lossy(&statement));
        fs::write(dir.path().join("build.intoto.json"), whole).unwrap();
        let _ = open();
        fs::write(dir.path().join("build.intoto.json"), statement).unwrap();
        let _ = open();
        fs::write(dir.path().join("SHA256SUMS"), sums).unwrap();
        let _ = open();
    }

    #[test]
    fn durations_are_gos(text in "[-+]?([0-9]{0,6}[.]?[0-9]{0,3}(ns|us|µs|μs|ms|s|m|h|d|)){0,3}") {
        let taken = DialTimeout::from_text(&text).is_ok();
        prop_assert_eq!(taken, rules::nanoseconds(&text).is_some_and(rules::is_enough));
    }

    #[test]
    fn accepted_addresses_can_be_dialled(text in "(dns:///|Dns://|DNS:|http://|unix:|\\[::1%25|)([a-z0-9.:_@/ %?#\u{1}\\[\\]{}-]{0,12})\\]?(:[0-9]{0,6})?") {
        if Address::parse(&text).is_ok() {
            prop_assert_eq!(rules::peer_dials(&text), Ok(()));
        }
    }

    #[test]
    fn text_without_braces_is_its_own_template(text in "[^{]*") {
        prop_assert_eq!(Template::parse(&text).unwrap().render(&Config::default()).unwrap(), text);
    }

    #[test]
    fn no_text_makes_a_template_panic(text in "([{}.$|()/*\"a-c -]|\\{\\{|\\}\\}|\\{\\{-|-\\}\\}|.){0,16}") {
        if let Ok(template) = Template::parse(&text) {
            let _ = template.render(&config());
        }
    }

    #[test]
    fn index_definitions_are_judged_by_couchdbs_rules(definitions in vec(definitions(), 8)) {
        for definition in definitions {
            prop_assert_eq!(Definition::parse(definition.as_bytes()).is_ok(), rules::couchdb_may_have(&definition), "{}", definition);
        }
    }

    #[test]
    fn no_bytes_make_an_index_or_pem_panic(bytes in vec(any::<u8>(), 0..100), text in ".{0,100}", place in any::<prop::sample::Index>()) {
        let _ = Definition::parse(&bytes);
        let mut pem = tls("P-256.pem");
        let place = place.index(pem.len());
        pem.insert_str(place, &text);
        let _ = check_root_certificates(&pem);
        let _ = check_key_pair(Some(&pem), Some(&tls("P-256.key")));
        let _ = check_key_pair(Some(&tls("P-256.pem")), Some(&text));
    }

    #[test]
    fn an_archive_is_read_as_it_was_written(files in btree_map("[a-z]{1,8}(/[a-z0-9][a-zA-Z0-9._é-]{0,30}){0,3}", vec(any::<u8>(), 0..600), 0..6)) {
        let mut archive = tar::Writer::new(gzip::Writer::new(Vec::new()).unwrap());
        for (path, content) in &files {
            archive.file(path, content.len() as u64, |out| Ok(out.write_all(content)?)).unwrap();
        }
        let bytes = archive.finish().unwrap().finish().unwrap();
        prop_assert_eq!(unpacked(&bytes).unwrap(), files);
    }

    #[test]
    fn a_line_of_the_log_is_one_short_line(
        text in vec(any::<char>(), 0..5000).prop_map(String::from_iter),
    ) {
        let line = escaped_line(&text);
        prop_assert!(line.len() <= 4096 && line.ends_with('\n'));
        prop_assert!(!line[..line.len() - 1].contains(char::is_control));
    }
}

proptest! {
    // Each of these runs programs.
    #![proptest_config(cases(24))]

    #[test]
    fn what_is_published_of_a_package_is_what_couchdb_may_have(definitions in vec(definitions(), 1..40)) {
        let peer = Peer::new();
        for (number, definition) in definitions.iter().enumerate() {
            peer.put(format!("src/{FOLDER}/{number}.json"), definition);
        }
        let sound = definitions.iter().enumerate().filter(|(_, definition)| rules::couchdb_may_have(definition));
        prop_assert_eq!(published(&peer), sound.map(|(number, _)| number.to_string()).collect());
    }

    #[test]
    fn what_release_publishes_is_what_build_recorded(
        files in btree_map("[a-zA-Z0-9._ \\\\é+-]{1,12}", vec(any::<u8>(), 0..300), 0..6),
        indexes in 0..4_usize,
        connection in connections(),
    ) {
        let peer = Peer::with_connection(&connection).config(r#"{"peername":"org1"}"#);
        for (name, content) in &files {
            prop_assume!(name != "." && name != "..");
            peer.put(format!("src/META-INF/{name}"), content);
        }
        for number in 0..indexes {
            peer.put(format!("src/META-INF/statedb/couchdb/indexes/{number}.json"), INDEX);
        }
        let built = peer.build();
        if built.status == 0 {
            prop_assert_eq!(rules::peer_takes(&peer.get("bld/connection.json")), Ok(()));
            let released = peer.release();
            prop_assert_eq!(released.status, 0, "{:?}", released);
            prop_assert_eq!(peer.get("release/chaincode/server/connection.json"), peer.get("bld/connection.json"));
            let recorded = Record::read(&Dir::open(&peer.path("bld")).unwrap()).unwrap().unwrap();
            prop_assert_eq!(recorded.artifacts.len(), files.len() + indexes + 3);
            let digest_in = |line: &str| line.rsplit_once(' ').map(|(_, digest)| digest.to_owned());
            let published: Vec<_> = peer.listing("release").iter().filter_map(|line| digest_in(line)).collect();
            for number in 0..indexes {
                let path = format!("META-INF/statedb/couchdb/indexes/{number}.json");
                let digest = recorded.digest(&path).map(|digest| digest.to_string());
                prop_assert!(published.contains(&digest.unwrap()), "{path}: {published:?}");
            }
        } else {
            prop_assert_eq!(built.stderr.lines().count(), 1);
            peer.has_nothing_in("bld");
        }
    }

    #[test]
    fn what_is_packaged_unpacks_to_the_same_and_is_taken(
        files in btree_map("[a-z][a-zA-Z0-9._-]{0,12}", vec(any::<u8>(), 0..300), 0..6),
        indexes in 0..4_usize,
    ) {
        let peer = Peer::new();
        peer.put("src/metadata.json", r#"{"type":"ccaas","label":"basic_1.0"}"#);
        for (name, content) in &files {
            peer.put(format!("src/META-INF/{name}"), content);
        }
        for number in 0..indexes {
            peer.put(format!("src/META-INF/statedb/couchdb/indexes/{number}.json"), INDEX);
        }
        let packaged = Command::new(program()).args(["package", "--output"]).args([peer.path("p.tar.gz"), peer.path("src")]).output().unwrap();
        prop_assert!(packaged.status.success(), "{:?}", packaged);
        let package = unpacked(&fs::read(peer.path("p.tar.gz")).unwrap()).unwrap();
        for (path, content) in unpacked(&package["code.tar.gz"]).unwrap() {
            peer.put(format!("again/{path}"), content);
        }
        peer.put("again/metadata.json", &package["metadata.json"]);
        prop_assert_eq!(peer.listing("again"), peer.listing("src"));
        let checked = Command::new(program()).arg("check").arg(peer.path("again")).output().unwrap();
        prop_assert!(checked.status.success(), "{:?}", checked);
    }

    #[test]
    fn a_damaged_record_is_never_accepted(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(), file in select(vec!["SHA256SUMS", "build.intoto.json"])) {
        let peer = Peer::new();
        peer.build().succeeds(&[]);
        let path = peer.path(format!("bld/{file}"));
        let mut content = fs::read(&path).unwrap();
        let place = place.index(content.len());
        if cut {
            content.truncate(place);
        } else if content[place] == byte {
            return Ok(());
        } else {
            content[place] = byte;
        }
        fs::write(&path, content).unwrap();
        prop_assert_eq!(peer.release().status, 1);
        peer.has_nothing_in("release");
    }
}
