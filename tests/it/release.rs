use fabric_ccs_builder::testing::Digest;

use super::peer::{INDEX, PLAIN, Peer};

const PLACE: &str = "META-INF/statedb/couchdb/indexes/a.json";

/// A change to a build output.
type Change<'a> = &'a dyn Fn(&Peer);

/// A built package with two index definitions and other files.
fn built() -> Peer {
    let peer = Peer::new();
    peer.put(format!("src/{PLACE}"), INDEX)
        .put(
            "src/META-INF/statedb/couchdb/collections/c/indexes/b.json",
            INDEX,
        )
        .put(
            "src/META-INF/statedb/couchdb/collections/c/indexes/.keep",
            "x",
        )
        .put("src/META-INF/statedb/couchdb/README", "x")
        .put("src/META-INF/MANIFEST.MF", "x");
    assert_eq!(peer.build().status, 0);
    peer
}

const RELEASED: [&str; 11] = [
    "chaincode/ 755",
    "chaincode/server/ 755",
    "chaincode/server/connection.json 600",
    "statedb/ 755",
    "statedb/couchdb/ 755",
    "statedb/couchdb/collections/ 755",
    "statedb/couchdb/collections/c/ 755",
    "statedb/couchdb/collections/c/indexes/ 755",
    "statedb/couchdb/collections/c/indexes/b.json 644",
    "statedb/couchdb/indexes/ 755",
    "statedb/couchdb/indexes/a.json 644",
];

#[test]
fn publishes_index_definitions_and_connection_json() {
    let peer = built();
    let seen = peer.release();
    let digest = Digest::of(PLAIN.as_bytes());
    assert_eq!(
        (seen.status, seen.stderr),
        (
            0,
            format!(
                "release: basic_1.0: 3 artifacts, connection.json sha256:{digest}, \
                 the peer will dial basic.example.com:9999 without TLS\n"
            )
        )
    );
    assert_eq!(peer.modes("release"), RELEASED);
    assert_eq!(peer.get("release/chaincode/server/connection.json"), PLAIN);
    assert_eq!(peer.get("release/statedb/couchdb/indexes/a.json"), INDEX);
}

#[test]
fn refuses_a_build_that_is_not_what_was_recorded() {
    let (old, new) = (Digest::of(INDEX.as_bytes()), Digest::of(b"new"));
    let changes: [(Change, String); 10] = [
        (
            &|peer| {
                peer.put(format!("bld/{PLACE}"), "new");
            },
            format!("{PLACE}: mismatch, recorded {old}, found {new}"),
        ),
        (
            &|peer| std::fs::remove_file(peer.path(format!("bld/{PLACE}"))).unwrap(),
            format!("{PLACE}: missing, recorded {old}"),
        ),
        (
            &|peer| {
                peer.put("bld/META-INF/added", "new");
            },
            format!("META-INF/added: unrecorded, found {new}"),
        ),
        (
            &|peer| {
                peer.put_link("bld/link", "connection.json");
            },
            "link: unrecorded, found a symbolic link".to_owned(),
        ),
        (
            &|peer| {
                peer.put("bld/connection.json", "new");
            },
            format!(
                "connection.json: mismatch, recorded {}, found {new}",
                Digest::of(PLAIN.as_bytes())
            ),
        ),
        (
            &|peer| std::fs::remove_file(peer.path("bld/SHA256SUMS")).unwrap(),
            "SHA256SUMS: is missing, though there is a build.intoto.json".to_owned(),
        ),
        (
            &|peer| std::fs::remove_file(peer.path("bld/build.intoto.json")).unwrap(),
            "build.intoto.json: is missing, though there is a SHA256SUMS".to_owned(),
        ),
        (
            &|peer| {
                peer.put("bld/SHA256SUMS", "");
            },
            "SHA256SUMS: does not end with a line feed".to_owned(),
        ),
        (
            &|peer| {
                peer.put("bld/build.intoto.json", "{}");
            },
            "build.intoto.json: is not an in-toto statement".to_owned(),
        ),
        (
            &|peer| {
                {
                    peer.put("bld/added", "new");
                };
                {
                    peer.put("bld/more", "x");
                };
            },
            format!("added: unrecorded, found {new}, and 1 more difference"),
        ),
    ];
    for (change, line) in changes {
        let peer = built();
        change(&peer);
        let advice = if line.contains(", found ") || line.contains(", recorded ") {
            ": it was changed after it was built; install the package again"
        } else {
            ""
        };
        peer.release().refuses(&format!("release: {line}{advice}"));
        peer.has_nothing_in("release");
    }
}

#[test]
fn refuses_records_that_disagree_or_lie() {
    let sums = |peer: &Peer, change: &dyn Fn(String) -> String| {
        peer.put("bld/SHA256SUMS", change(peer.get("bld/SHA256SUMS")));
    };
    let bad_line = |number| {
        format!("SHA256SUMS: line {number}: is not a digest, two spaces and a relative path")
    };
    let changes: [(&dyn Fn(String) -> String, String); 9] = [
        (&|text| text.replacen("  ", " *", 1), bad_line(1)),
        (
            &|text| text.replacen("META-INF", "/META-INF", 1),
            bad_line(1),
        ),
        (
            &|text| text.replacen("META-INF/", "META-INF/../", 1),
            bad_line(1),
        ),
        (&|text| text.to_uppercase(), bad_line(1)),
        (
            &|text| text.trim_end().to_owned(),
            "SHA256SUMS: does not end with a line feed".to_owned(),
        ),
        (
            &|text| format!("{text}{text}"),
            "SHA256SUMS: line 9: is not in bytewise order of paths".to_owned(),
        ),
        (
            &|text| text.replacen("MANIFEST", "MANIFESU", 1),
            "build.intoto.json: disagrees with SHA256SUMS about META-INF/MANIFESU.MF".to_owned(),
        ),
        (
            &|text| {
                text.lines()
                    .filter(|line| !line.ends_with("connection.json"))
                    .fold(String::new(), |all, line| all + line + "\n")
            },
            "SHA256SUMS: has no line for connection.json".to_owned(),
        ),
        (
            &|text| {
                text.lines()
                    .filter(|line| !line.ends_with("MANIFEST.MF"))
                    .fold(String::new(), |all, line| all + line + "\n")
            },
            "build.intoto.json: disagrees with SHA256SUMS about META-INF/statedb/couchdb/README"
                .to_owned(),
        ),
    ];
    for (change, line) in changes {
        let peer = built();
        sums(&peer, change);
        peer.release().refuses(&format!("release: {line}"));
        peer.has_nothing_in("release");
    }

    for (from, to, line) in [
        (
            "Statement/v1",
            "Statement/v0.1",
            "its _type is not https://in-toto.io/Statement/v1",
        ),
        (
            "link/v0.3",
            "link/v9",
            "its predicateType is not https://in-toto.io/attestation/link/v0.3",
        ),
        (
            r#""subject":["#,
            r#""subject":[{"name":"x","digest":{"sha256":"0"}},"#,
            "disagrees with SHA256SUMS about META-INF/MANIFEST.MF",
        ),
    ] {
        let peer = built();
        peer.put(
            "bld/build.intoto.json",
            peer.get("bld/build.intoto.json").replacen(from, to, 1),
        );
        peer.release()
            .refuses(&format!("release: build.intoto.json: {line}"));
    }
}

#[test]
fn releases_the_output_of_another_builder_and_says_so() {
    let peer = Peer::empty();
    // As Fabric's own builder writes it.
    let connection = r#"{"address":"a:1","dial_timeout":"10s","tls_required":false,"client_auth_required":false,"root_cert":"","client_key":"","client_cert":""}"#;
    peer.put("bld/connection.json", connection)
        .put(
            "bld/metadata.json",
            r#"{"type":"ccaas","label":"basic_1.0"}"#,
        )
        .put(format!("bld/{PLACE}"), INDEX)
        .put(
            "bld/META-INF/statedb/couchdb/collections/c/indexes/b.json",
            INDEX,
        );
    peer.release().succeeds(&[
        "release: warning: there is no record: another builder made it, or the record was removed",
    ]);
    assert_eq!(peer.modes("release"), RELEASED);
    assert_eq!(
        peer.get("release/chaincode/server/connection.json"),
        connection
    );
}

#[test]
fn another_builders_metadata_is_only_for_the_log() {
    for metadata in ["metadata.json/", "metadata.json", "other.json"] {
        let peer = Peer::new();
        peer.put("bld/connection.json", PLAIN);
        match metadata.strip_suffix('/') {
            Some(folder) => peer.put_dir(&format!("bld/{folder}")),
            None => peer.put(format!("bld/{metadata}"), "not JSON"),
        };
        let seen = peer.release();
        let last = seen.stderr.lines().last().unwrap_or_default();
        assert_eq!(seen.status, 0, "{seen:?}");
        assert!(
            last.starts_with("release: package without a label: 1 artifact, "),
            "{seen:?}"
        );
    }
}

#[test]
fn unreadable_metadata_is_not_missing_metadata() {
    let peer = Peer::new();
    peer.put("bld/connection.json", PLAIN)
        .put("bld/metadata.json", "{}")
        .set_mode("bld/metadata.json", 0);
    let peer = peer.run_by_nobody();
    let path = peer.path("bld/metadata.json");
    peer.release().refuses(&format!(
        "release: cannot read {}: Permission denied (os error 13)",
        path.display()
    ));
    peer.has_nothing_in("release");
}

#[test]
fn refuses_the_output_of_another_builder_when_the_peer_could_not_use_it() {
    let peer = Peer::empty();
    peer.release().refuses("release: connection.json not found");
    peer.put(
        "bld/connection.json",
        r#"{"address":"a:1","dial_timeout":""}"#,
    );
    peer.release()
        .refuses(r#"release: connection.json: dial_timeout: "" is empty; write for example "10s""#);
    peer.put("bld/connection.json", r#"{"address":"{{.peer}}:1"}"#);
    peer.release().refuses(
        r#"release: connection.json: address: "{{.peer}}:1" has an invalid host name; write for example basic.example.com:9999"#,
    );
    peer.has_nothing_in("release");
}

#[test]
fn a_package_without_indexes_publishes_connection_json_alone() {
    let peer = Peer::new();
    peer.put_dir("src/META-INF/statedb/couchdb/indexes");
    peer.build().succeeds(&[]);
    peer.release().succeeds(&[]);
    assert_eq!(peer.modes("release"), &RELEASED[..3]);
}

#[test]
fn never_overwrites() {
    let peer = built();
    peer.put("release/chaincode/server/connection.json", "old");
    let path = peer.path("release/chaincode");
    peer.release().refuses(&format!(
        "release: {}: already exists, but the output directory must be empty",
        path.display()
    ));
    assert_eq!(peer.get("release/chaincode/server/connection.json"), "old");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let peer = Peer::new();
    peer.put(
        "src/META-INF/statedb/couchdb/indexes/a.json",
        INDEX.to_owned() + &" ".repeat(100_000),
    );
    peer.build().succeeds(&[]);
    let peer = peer.file_limit(8);
    let path = peer.path("release/.fabric-ccs-builder/statedb/couchdb/indexes/a.json");
    peer.release().refuses(&format!(
        "release: cannot write {}: File too large (os error 27)",
        path.display()
    ));
    peer.has_nothing_in("release");
}
