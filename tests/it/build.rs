use fabric_ccs_builder::testing::Digest;

use super::peer::{INDEX, PLAIN, Peer, quoted, tls};

/// The connection.json that `build` writes.
#[track_caller]
fn written(connection: &str, warnings: &[&str]) -> String {
    let peer = Peer::with_connection(connection);
    peer.build().succeeds(warnings);
    peer.get("bld/connection.json")
}

#[test]
fn writes_exactly_these_files() {
    let peer = Peer::new();
    peer.put(
        "src/META-INF/statedb/couchdb/indexes/indexOwner.json",
        INDEX,
    )
    .put(
        "src/META-INF/statedb/couchdb/collections/c_1/indexes/a.json",
        INDEX,
    )
    .put("src/META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
    .put("src/README.md", "other files are tolerated, and not copied");
    let seen = peer.build();
    let connection = Digest::of(PLAIN.as_bytes());
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        (seen.status, seen.stderr),
        (
            0,
            format!(
                "build: basic_1.0: 5 artifacts by fabric-ccs-builder {version}, connection.json sha256:{connection}, \
                 the peer will dial basic.example.com:9999 without TLS\n"
            )
        )
    );
    assert_eq!(
        peer.modes("bld"),
        [
            "META-INF/ 755",
            "META-INF/MANIFEST.MF 644",
            "META-INF/statedb/ 755",
            "META-INF/statedb/couchdb/ 755",
            "META-INF/statedb/couchdb/collections/ 755",
            "META-INF/statedb/couchdb/collections/c_1/ 755",
            "META-INF/statedb/couchdb/collections/c_1/indexes/ 755",
            "META-INF/statedb/couchdb/collections/c_1/indexes/a.json 644",
            "META-INF/statedb/couchdb/indexes/ 755",
            "META-INF/statedb/couchdb/indexes/indexOwner.json 644",
            "SHA256SUMS 644",
            "build.intoto.json 644",
            "connection.json 600",
            "metadata.json 644",
        ]
    );
    assert_eq!(
        peer.get("bld/META-INF/statedb/couchdb/indexes/indexOwner.json"),
        INDEX
    );
    assert_eq!(
        peer.get("bld/META-INF/MANIFEST.MF"),
        "Manifest-Version: 1.0\n"
    );
}

#[test]
fn keeps_metadata_json_byte_for_byte() {
    let metadata =
        "{ \"path\":\"\",\t\"TYPE\":\"External\",\n \"label\" : \"basic_1.0\", \"more\":[1] }\n";
    let peer = Peer::with_metadata(metadata);
    peer.build().succeeds(&[]);
    assert_eq!(peer.get("bld/metadata.json"), metadata);
}

#[test]
fn accepts_the_layout_of_cc_service_as_meta_inf() {
    let peer = Peer::new();
    peer.put("src/metadata/statedb/couchdb/indexes/a.json", INDEX)
        .put("src/metadata/NOTES", "n");
    peer.build().succeeds(&[]);
    assert_eq!(
        peer.get("bld/META-INF/statedb/couchdb/indexes/a.json"),
        INDEX
    );
    assert_eq!(peer.get("bld/META-INF/NOTES"), "n");
    assert!(
        peer.get("bld/build.intoto.json")
            .contains(r#""name":"src/metadata/statedb/couchdb/indexes/a.json""#)
    );
}

#[test]
fn a_metadata_folder_without_statedb_is_one_of_the_other_files() {
    for name in ["src/metadata/notes.txt", "src/metadata"] {
        let peer = Peer::new();
        peer.put(name, "x")
            .put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
        peer.build().succeeds(&[]);
        assert_eq!(
            peer.modes("bld/META-INF/statedb/couchdb/indexes"),
            ["a.json 644"]
        );
    }
}

#[test]
fn rewrites_connection_json_with_known_fields_in_order() {
    for (connection, expected, warnings) in [
        (PLAIN, PLAIN, &[][..]),
        (r#"{"address":"a:1"}"#, r#"{"address":"a:1"}"#, &[]),
        (
            " {\n\"TLS_Required\": false , \"ADDRESS\"\t:\"a:1\"}\n",
            r#"{"address":"a:1","tls_required":false}"#,
            &[],
        ),
        (
            r#"{"address":"x:1","Address":"a:1","ADDRESS":null}"#,
            r#"{"address":"a:1"}"#,
            &[
                "build: warning: connection.json: address: occurs more than once, and the peer reads the last that is not null; leave the others out",
            ],
        ),
        (
            r#"{"tls_required":true,"tls_required":false,"address":"a:1"}"#,
            r#"{"address":"a:1","tls_required":false}"#,
            &[
                "build: warning: connection.json: tls_required: occurs more than once, and the peer reads the last; leave the others out",
            ],
        ),
        (
            r#"{"dial_timeout":"1s","dial_timeout":null,"address":"a:1"}"#,
            r#"{"address":"a:1","dial_timeout":"1s"}"#,
            &[
                "build: warning: connection.json: dial_timeout: occurs more than once, and the peer reads the last that is not null; leave the others out",
            ],
        ),
        (
            r#"{"address":"a:1","tls_required":null,"root_cert":null,"domain":null}"#,
            r#"{"address":"a:1"}"#,
            &[],
        ),
        (
            r#"{"address":"a:1","client_auth_required":false,"root_cert":""}"#,
            r#"{"address":"a:1","client_auth_required":false}"#,
            &[],
        ),
        (
            r#"{"address":"a:1","domain":""}"#,
            r#"{"address":"a:1","domain":""}"#,
            &[],
        ),
        (
            r#"{"address":"a:1","domain":"a.example.com"}"#,
            r#"{"address":"a:1","domain":"a.example.com"}"#,
            &[
                "build: warning: connection.json: domain: is ignored by the peer unless tls_required is true",
            ],
        ),
        (
            r#"{"adress":"b:1","address":"a:1","tls":{"x":[1,{}]}}"#,
            r#"{"address":"a:1"}"#,
            &[
                r#"build: warning: connection.json: "adress": is not a field that the peer knows, and is left out; did you mean "address"?"#,
                r#"build: warning: connection.json: "tls": is not a field that the peer knows, and is left out; did you mean "tls_required"?"#,
            ],
        ),
        (
            r#"{"address":"a:1","client_auth_required":true}"#,
            r#"{"address":"a:1","client_auth_required":true}"#,
            &[
                "build: warning: connection.json: client_auth_required: is ignored by the peer unless tls_required is true",
            ],
        ),
    ] {
        assert_eq!(written(connection, warnings), expected, "{connection}");
    }
}

#[test]
fn accepts_every_dial_timeout_that_the_peer_accepts() {
    for timeout in [
        r#""1m30s""#,
        r#""1.5h""#,
        r#""500ms""#,
        r#""0""#,
        r#""+1s""#,
        "10000000000",
        "1e10",
        "0",
    ] {
        let connection = format!(r#"{{"address":"a:1","dial_timeout":{timeout}}}"#);
        assert_eq!(written(&connection, &[]), connection);
    }
}

#[test]
fn writes_no_key_or_certificate_without_tls() {
    let connection = format!(
        r#"{{"address":"a:1","tls_required":false,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":"{{{{.none}}}}"}}"#,
        quoted(&tls("P-256.pem")),
        quoted(&tls("P-256.key")),
    );
    let left_out = |field| {
        format!(
            "build: warning: connection.json: {field}: is ignored by the peer unless tls_required is true"
        )
    };
    let warnings = [
        "build: warning: connection.json: client_auth_required: is ignored by the peer unless tls_required is true".to_owned(),
        left_out("client_key"),
        left_out("client_cert"),
        left_out("root_cert"),
    ];
    let warnings: Vec<&str> = warnings.iter().map(String::as_str).collect();
    assert_eq!(
        written(&connection, &warnings),
        r#"{"address":"a:1","tls_required":false,"client_auth_required":true}"#
    );
}

#[test]
fn keeps_the_domain_and_says_that_it_counts() {
    let (root, key, certificate) = (tls("rsa.pem"), tls("P-256.key"), tls("P-256.pem"));
    let connection = format!(
        r#"{{"address":"a:1","domain":"basic.example.com","dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
        quoted(&root),
        quoted(&key),
        quoted(&certificate),
    );
    let peer = Peer::with_connection(&connection);
    let seen = peer.build();
    seen.succeeds(&[r#"build: warning: connection.json: domain: "basic.example.com" is not the host in address; from Fabric 3.0 on the server's certificate must be for it, before that for the host"#]);
    assert_eq!(peer.get("bld/connection.json"), connection);
    assert!(
        seen.stderr.ends_with("the peer will dial a:1 with TLS, from Fabric 3.0 on for the domain basic.example.com, and a client certificate\n"),
        "{seen:?}"
    );
    let record = peer.get("bld/build.intoto.json") + &peer.get("bld/SHA256SUMS") + &seen.stderr;
    for secret in key
        .lines()
        .filter(|line| line.len() > 20 && !line.starts_with('-'))
    {
        assert!(!record.contains(secret));
    }
}

#[test]
fn accepts_tls_with_what_the_peer_would_ignore() {
    let connection = format!(
        r#"{{"address":"a:1","domain":"d","tls_required":true,"root_cert":{},"client_key":"no key","client_cert":""}}"#,
        quoted(&tls("P-256.pem"))
    );
    let ignored = |field| {
        format!(
            "build: warning: connection.json: {field}: is ignored by the peer unless client_auth_required is true"
        )
    };
    let peer = Peer::with_connection(&connection);
    let seen = peer.build();
    seen.succeeds(&[&ignored("domain"), &ignored("client_key")]);
    assert!(seen.stderr.ends_with("dial a:1 with TLS\n"), "{seen:?}");
}

#[test]
fn accepts_a_host_name_of_63_letters() {
    let connection = format!(r#"{{"address":"{}:1"}}"#, "a".repeat(63));
    Peer::with_connection(connection).build().succeeds(&[]);
}

#[test]
fn a_domain_is_only_checked_where_the_peer_uses_it() {
    let peer = Peer::with_connection(r#"{"address":"a:1","domain":"not a name"}"#);
    peer.build().succeeds(&[
        "build: warning: connection.json: domain: is ignored by the peer unless tls_required is true",
    ]);
}

#[test]
fn a_template_in_a_domain_that_the_peer_ignores_does_not_matter() {
    let tls = format!(
        r#","tls_required":true,"client_auth_required":false,"root_cert":{}"#,
        quoted(&tls("P-256.pem"))
    );
    for domain in ["{{.missing}}", "{{", "{{.name}}", "{{range .}}"] {
        for (tls, ignored_by) in [("", "tls_required"), (&tls, "client_auth_required")] {
            let connection = format!(r#"{{"address":"a:1","domain":"{domain}"{tls}}}"#);
            let warning = format!(
                "build: warning: connection.json: domain: is ignored by the peer unless {ignored_by} is true"
            );
            let peer = Peer::with_connection(connection).config(r#"{"name":"b"}"#);
            peer.build().succeeds(&[&warning]);
            let written = peer.get("bld/connection.json");
            assert_eq!(written, format!(r#"{{"address":"a:1"{tls}}}"#));
        }
    }
    // Nor does its type.
    let seen = Peer::with_connection(r#"{"address":"a:1","domain":7}"#).build();
    seen.succeeds(&[
        "build: warning: connection.json: domain: is ignored by the peer unless tls_required is true",
    ]);
    // Without TLS there is no client certificate.
    let connection = r#"{"address":"a:1","domain":"{{.missing}}","client_auth_required":true}"#;
    let seen = Peer::with_connection(connection).build();
    assert_eq!(seen.status, 0, "{seen:?}");
}

#[test]
fn a_field_that_nobody_could_mean_gets_the_list_of_fields() {
    let peer = Peer::with_connection(r#"{"address":"a:1","transport_protocol":"grpc"}"#);
    peer.build().succeeds(&[
        r#"build: warning: connection.json: "transport_protocol": is not a field that the peer knows, and is left out; it knows address, domain, dial_timeout, tls_required, client_auth_required, root_cert, client_key, client_cert"#,
    ]);
}

#[test]
fn a_package_without_a_label_is_built() {
    let peer = Peer::with_metadata(r#"{"type":"ccaas"}"#);
    let seen = peer.build();
    seen.succeeds(&[]);
    assert!(
        seen.stderr
            .starts_with("build: package without a label: 2 artifacts by "),
        "{seen:?}"
    );
}
