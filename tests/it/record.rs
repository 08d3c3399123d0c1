use std::path::Path;
use std::process::Command;
use std::{env, fs};

use super::peer::{INDEX, Peer, index, quoted, tls};

fn package() -> Peer {
    let peer =
        Peer::with_connection(r#"{ "address": "{{.peer}}:1" }"#).config(r#"{"peer":"org1"}"#);
    peer.put("src/META-INF/statedb/couchdb/indexes/b.json", index("b"))
        .put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put(
            "src/META-INF/statedb/couchdb/collections/c/indexes/a.json",
            INDEX,
        )
        .put("src/META-INF/a b", "space")
        .put("src/META-INF/a", "shorter")
        .put("src/META-INF/a.b", "dot sorts before slash")
        .put("src/META-INF/a-/x", "x")
        .put("src/META-INF/back\\slash\\n", "backslash")
        .put("src/META-INF/é", "not ASCII")
        .put_dir("src/META-INF/empty");
    peer
}

/// A package with everything it can have, its index definitions in `folder`.
fn golden(folder: &str) -> Peer {
    let peer = Peer::with_connection(format!(
        r#"{{"client_cert":{},"Client_Key":"{{{{.key}}}}","root_cert":{},"client_auth_required":true,"tls_required":true,"dial_timeout":"10s","domain":"{{{{- .peer -}}}}.example.com","address":"{{{{.peer}}}}_basic:9999","other":1}}"#,
        quoted(&tls("P-256.pem")),
        quoted(&tls("rsa.pem")),
    ))
    .config(&format!(r#"{{"peer":"org1","key":{}}}"#, quoted(&tls("P-256.key"))));
    let couchdb = format!("src/{folder}/statedb/couchdb");
    peer.put(format!("{couchdb}/indexes/owner.json"), INDEX)
        .put(
            format!("{couchdb}/collections/private_1/indexes/a.json"),
            INDEX,
        )
        .put(format!("{couchdb}/README"), "not released")
        .put(format!("src/{folder}/back\\slash"), "x")
        .put(format!("src/{folder}/é"), "x");
    peer
}

/// The record must never change: people compare it across peers and versions. After a deliberate
/// change before 0.1.0, run `BLESS=1 cargo test record`.
#[test]
fn every_byte_of_a_build_and_its_record_is_fixed() {
    for folder in ["META-INF", "metadata"] {
        let peer = golden(folder);
        assert_eq!(peer.build().status, 0);
        assert_eq!(peer.release().status, 0);
        let listings = [peer.listing("bld"), peer.listing("release")]
            .concat()
            .join("\n");
        let made = [
            ("listing", listings + "\n"),
            ("SHA256SUMS", peer.get("bld/SHA256SUMS")),
            ("build.intoto.json", peer.get("bld/build.intoto.json")),
            ("connection.json", peer.get("bld/connection.json")),
        ];
        for (name, content) in made {
            let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/fixtures/record/{folder}.{name}"));
            if env::var_os("BLESS").is_some() {
                fs::write(&fixture, &content).unwrap();
            }
            assert_eq!(
                content,
                fs::read_to_string(fixture).unwrap(),
                "{folder} {name}"
            );
        }
    }
}

#[test]
fn sha256sum_checks_every_file() {
    let peer = package();
    peer.build().succeeds(&[]);
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(peer.path("bld"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(checked.stderr, b"", "{checked:?}");
    // Every file but SHA256SUMS itself has a line.
    let files = peer
        .listing("bld")
        .iter()
        .filter(|line| !line.contains("/ 7"))
        .count();
    assert_eq!(
        String::from_utf8(checked.stdout).unwrap().lines().count(),
        files - 1
    );
}

#[test]
fn sha256sums_is_what_sha256sum_would_write() {
    let peer = package();
    peer.build().succeeds(&[]);
    let made = Command::new("sh")
        .args(["-c", "find . -type f ! -name SHA256SUMS | cut -c3- | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum"])
        .current_dir(peer.path("bld"))
        .output()
        .unwrap();
    assert_eq!(
        peer.get("bld/SHA256SUMS"),
        String::from_utf8(made.stdout).unwrap()
    );
}

#[test]
fn the_statement_names_what_was_read_and_written() {
    let peer = Peer::with_connection(r#"{ "address": "a:1" }"#);
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    peer.build().succeeds(&[]);
    let statement: serde_json::Value =
        serde_json::from_str(&peer.get("bld/build.intoto.json")).unwrap();
    let digest =
        |content: &str| fabric_ccs_builder::testing::Digest::of(content.as_bytes()).to_string();
    let file = |name: &str, content: &str| serde_json::json!({"name": name, "digest": {"sha256": digest(content)}});
    let metadata = r#"{"type":"ccaas","label":"basic_1.0"}"#;
    assert_eq!(
        statement,
        serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                file("META-INF/statedb/couchdb/indexes/a.json", INDEX),
                file("connection.json", r#"{"address":"a:1"}"#),
                file("metadata.json", metadata),
            ],
            "predicateType": "https://in-toto.io/attestation/link/v0.3",
            "predicate": {
                "name": "build",
                "command": ["build", "CHAINCODE_SOURCE_DIR", "CHAINCODE_METADATA_DIR", "BUILD_OUTPUT_DIR"],
                "materials": [
                    file("metadata/metadata.json", metadata),
                    file("src/META-INF/statedb/couchdb/indexes/a.json", INDEX),
                    file("src/connection.json", r#"{ "address": "a:1" }"#),
                ],
                "byproducts": {},
                "environment": {},
            },
        })
    );
}

#[test]
fn materials_are_sorted_in_both_layouts() {
    for folder in ["META-INF", "metadata"] {
        let peer = Peer::new();
        peer.put(
            format!("src/{folder}/statedb/couchdb/indexes/a.json"),
            INDEX,
        )
        .put(format!("src/{folder}/A"), "A");
        peer.build().succeeds(&[]);
        let statement: serde_json::Value =
            serde_json::from_str(&peer.get("bld/build.intoto.json")).unwrap();
        let names: Vec<&str> = statement["predicate"]["materials"]
            .as_array()
            .unwrap()
            .iter()
            .map(|material| material["name"].as_str().unwrap())
            .collect();
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(names.len(), 4);
    }
}

#[test]
fn is_the_same_wherever_whenever_and_under_whatever_umask() {
    let first = package();
    first.build().succeeds(&[]);
    for umask in ["000", "022", "077", "277"] {
        let again = package().umask(umask);
        again.build().succeeds(&[]);
        assert_eq!(again.listing("bld"), first.listing("bld"), "{umask}");
        again.release().succeeds(&[]);
        assert_eq!(
            again.modes("release")[..2],
            ["chaincode/ 755", "chaincode/server/ 755"],
            "{umask}"
        );
    }
    for umask in ["022", "477", "777"] {
        let user = package().umask(umask).run_by_nobody();
        user.build().succeeds(&[]);
        assert_eq!(user.listing("bld"), first.listing("bld"), "{umask}");
        user.release().succeeds(&[]);
    }
}
