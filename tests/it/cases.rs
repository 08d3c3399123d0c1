//! What people have trouble with, in the order in which they meet it. Most is known from public
//! bug reports; what a peer and the Go builders do was observed.

use super::peer::{BELONGS, CONFIG, INDEX, PLAIN, Peer, quoted, tls};
use super::user;

/// The only line of a build that succeeds, apart from the last.
#[track_caller]
fn warns(peer: &Peer, line: &str) {
    peer.build().succeeds(&[&format!("build: warning: {line}")]);
}

#[test]
fn a_package_with_a_certificate_for_each_peer() {
    let of_peer = |number: usize| format!("peer{number}.org1.example.com");
    let field = |name: &str| {
        let pem = tls(name).replace('\n', "\\n");
        let (one, other) = (of_peer(0), of_peer(1));
        format!(
            r#""{{{{if eq .peer_hostname \"{one}\"}}}}{pem}{{{{else if eq .peer_hostname \"{other}\"}}}}{pem}\n{{{{end}}}}""#
        )
    };
    let connection = format!(
        r#"{{"address":"cc_{{{{.peer_hostname}}}}:7052","dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_cert":{},"client_key":{}}}"#,
        field("rsa.pem"),
        field("P-256.pem"),
        field("P-256.key")
    );
    for number in 0..2 {
        let config = format!(r#"{{"peer_hostname":{:?}}}"#, of_peer(number));
        let peer = Peer::with_connection(&connection).config(&config);
        peer.build().succeeds(&[]);
        peer.release().succeeds(&[]);
        let written = peer.get("release/chaincode/server/connection.json");
        let root_cert = quoted(&(tls("rsa.pem") + &"\n".repeat(number)));
        assert!(written.contains(&root_cert), "{written}");
    }
}

#[test]
fn a_config_of_null() {
    Peer::new().config("null").build().succeeds(&[]);
    Peer::with_connection(r#"{"address":"{{.a}}:1"}"#)
        .config(" null\n")
        .build()
        .refuses(&not_propagated("address: {{.a}}"));
}

#[test]
fn a_variable_that_the_peer_does_not_pass_on() {
    Peer::with_connection(r#"{"address":"{{.peername}}_basic:9999"}"#)
        .build()
        .refuses(&not_propagated("address: {{.peername}}"));
}

fn not_propagated(place: &str) -> String {
    format!(
        "build: connection.json: {place}: {CONFIG} is unset, empty or null; give the peer a JSON object with \
         this key in it, and name the variable in this builder's propagateEnvironment"
    )
}

/// A connection.json with mutual TLS.
fn with_tls(address: &str, domain: &str, root_cert: &str) -> String {
    format!(
        r#"{{"address":{address:?},"domain":{domain:?},"dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
        quoted(&tls(root_cert)),
        quoted(&tls("P-256.key")),
        quoted(&tls("P-256.pem"))
    )
}

#[test]
fn a_domain_copied_from_the_documentation() {
    for (address, domain, root_cert, warning) in [
        // A CA's certificate does not say which names its servers have.
        (
            "127.0.0.1:9999",
            "your.chaincode.host.com",
            "rsa.pem",
            r#"domain: "your.chaincode.host.com" is not the host in address; from Fabric 3.0 on the server's certificate must be for it, before that for the host"#,
        ),
        ("basic.example.com:1", "Basic.example.com", "rsa.pem", ""),
        ("[::1]:1", "::1", "rsa.pem", ""),
        ("unix:/run/basic", "basic.example.com", "rsa.pem", ""),
        ("basic.example.com:1", "", "rsa.pem", ""),
        // A server's own certificate does.
        (
            "127.0.0.1:1",
            "your.chaincode.host.com",
            "server.pem",
            r#"domain: root_cert seems to be the server's own certificate, but none of its alternative names (SAN) is "your.chaincode.host.com": from Fabric 3.0 on the peer would refuse it"#,
        ),
        (
            "basic:1",
            "",
            "server-ca.pem",
            "root_cert: seems to be the server's own certificate, but none of its alternative names (SAN) is the host in address: the peer would refuse it",
        ),
        ("127.0.0.1:1", "basic.example.com", "server.pem", ""),
        ("BASIC.example.com.:1", "", "server.pem", ""),
        ("a.wild.example.com:1", "", "server-ca.pem", ""),
        ("127.0.0.1:1", "", "server-ca.pem", ""),
        ("[::1]:1", "", "server.pem", ""),
        // Nor is anything said of a host that no certificate can name.
        (":9999", "", "server.pem", ""),
        ("[fe80::1%25eth0]:1", "", "server.pem", ""),
        (
            "a.b.wild.example.com:1",
            "",
            "server.pem",
            "root_cert: seems to be the server's own certificate, but none of its alternative names (SAN) is the host in address: the peer would refuse it",
        ),
        (
            "127.0.0.2:1",
            "",
            "server.pem",
            "root_cert: seems to be the server's own certificate, but none of its alternative names (SAN) is the host in address: the peer would refuse it",
        ),
        (
            "[::2]:1",
            "",
            "server.pem",
            "root_cert: seems to be the server's own certificate, but none of its alternative names (SAN) is the host in address: the peer would refuse it",
        ),
        ("basic:1", "", "v1.pem", ""),
        // Go does not look at the common name.
        (
            "Basic.example.com:1",
            "",
            "common-name.pem",
            "root_cert: seems to be the server's own certificate, but none of its alternative names (SAN) is the host in address: the peer would refuse it",
        ),
        ("basic:1", "", "common-name.pem", ""),
    ] {
        let peer = Peer::with_connection(with_tls(address, domain, root_cert));
        if warning.is_empty() {
            peer.build().succeeds(&[]);
        } else {
            warns(&peer, &format!("connection.json: {warning}"));
        }
    }
    // What a template fills in is not shown.
    let peer = Peer::with_connection(with_tls("a:1", "{{.d}}", "rsa.pem")).config(r#"{"d":"b"}"#);
    warns(
        &peer,
        r#"connection.json: domain: "{{.d}}", filled in, is not the host in address; from Fabric 3.0 on the server's certificate must be for it, before that for the host"#,
    );
    // Without a client certificate the domain does not count.
    let connection = with_tls("a:1", "b", "rsa.pem").replace("\"client_auth_required\":true,", "");
    let line =
        "connection.json: domain: is ignored by the peer unless client_auth_required is true";
    let seen = Peer::with_connection(connection).build();
    assert!(seen.stderr.contains(line), "{seen:?}");
    assert!(!seen.stderr.contains("is not the host"), "{seen:?}");
}

#[test]
fn package_warns_of_a_domain_when_it_has_no_templates() {
    for (address, is_warned) in [("a:1", true), ("{{.a}}:1", false)] {
        let peer = Peer::empty();
        peer.put("bld/metadata.json", r#"{"type":"ccaas","label":"a"}"#)
            .put("bld/connection.json", with_tls(address, "b", "rsa.pem"));
        let seen = user::run(&peer.path("bld"), &["package", "--id", "."]);
        assert_eq!(
            seen.stderr.contains("is not the host"),
            is_warned,
            "{seen:?}"
        );
    }
}

#[test]
fn connection_json_in_another_place() {
    for (places, line) in [
        (&[][..], ""),
        (
            &["src/connection.json"],
            ", but src/connection.json is there: move it to the top, beside META-INF",
        ),
        (
            &[
                "org1/peer0/connection.json",
                "org2/peer0/connection.json",
                "org2/x",
            ],
            ", but org1/peer0/connection.json and 1 other are there: move one, with templates for what differs between peers, to the top, beside META-INF",
        ),
    ] {
        let peer = Peer::empty();
        peer.put("metadata/metadata.json", r#"{"type":"ccaas","label":"a"}"#);
        for place in places {
            peer.put(format!("src/{place}"), PLAIN);
        }
        peer.build()
            .refuses(&format!("build: connection.json not found{line}"));
    }
}

#[test]
fn an_index_definition_in_the_wrong_place() {
    for (folder, named) in [
        ("statedb/couchdb/indexes", "statedb"),
        ("couchdb/indexes", "couchdb"),
        ("indexes", "indexes"),
        ("src/META-INF/statedb/couchdb/indexes", "src/META-INF"),
        ("src/basic/META-INF/x", "src/basic/META-INF"),
        ("src/indexes", "src/indexes"),
        ("collections/c/indexes", "collections/c/indexes"),
        ("meta-inf/statedb/couchdb/indexes", "meta-inf"),
        ("META_INF/statedb/couchdb/indexes", "META_INF"),
        ("metadata/couchdb/indexes", "metadata/couchdb"),
    ] {
        let peer = Peer::new();
        peer.put(format!("src/{folder}/o.json"), INDEX);
        warns(&peer, &format!("{named}: is ignored, {BELONGS}"));
    }
    for folder in [
        "META-INF",
        "META-INF/indexes",
        "META-INF/couchdb/indexes",
        "META-INF/statedb/indexes",
        "META-INF/statedb/couchdb",
        "META-INF/statedb/couchdb/index",
        "META-INF/statedb/CouchDB/indexes",
        "META-INF/META-INF/statedb/couchdb/indexes",
    ] {
        let peer = Peer::new();
        peer.put(format!("src/{folder}/o.json"), INDEX);
        warns(
            &peer,
            &format!("{folder}/o.json: is not published: {BELONGS}"),
        );
    }
    // Deeper down is the chaincode's own source.
    let peer = Peer::new();
    peer.put("src/a/b/c/indexes/o.json", INDEX);
    peer.build().succeeds(&[]);
}

#[test]
fn files_of_operating_systems() {
    let names = [
        ".DS_Store",
        "._a.json",
        "Thumbs.db",
        "Desktop.ini",
        "desktop.ini",
    ];
    let folders = [
        "META-INF",
        "META-INF/statedb/couchdb/indexes",
        "META-INF/x/y/z",
    ];
    let clean = Peer::new();
    clean.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    clean.put_dir("src/META-INF/x/y/z");
    let peer = Peer::new();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    for folder in folders {
        for name in names {
            peer.put(format!("src/{folder}/{name}"), "x");
        }
    }
    clean.build().succeeds(&[]);
    let line = "META-INF/.DS_Store: and 14 more are left out, made by an operating system";
    warns(&peer, line);
    assert_eq!(peer.listing("bld"), clean.listing("bld"));
    peer.release().succeeds(&[]);
    // `package` gives the same ID with and without them.
    let ids = [&clean, &peer].map(|peer| {
        std::fs::copy(
            peer.path("metadata/metadata.json"),
            peer.path("src/metadata.json"),
        )
        .unwrap();
        user::run(&peer.path("src"), &["package", "--id", "."])
    });
    assert_eq!(ids[0].stdout, ids[1].stdout);
    assert_eq!(ids[1].stderr, format!("package: warning: {line}\n"));

    let peer = Peer::new();
    peer.put("src/META-INF/statedb/couchdb/indexes/.DS_Store", "x");
    warns(
        &peer,
        "META-INF/statedb/couchdb/indexes/.DS_Store: is left out, made by an operating system",
    );
}

#[test]
fn both_places_of_index_definitions() {
    let peer = Peer::new();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("src/metadata/statedb/couchdb/indexes/b.json", INDEX);
    warns(&peer, &format!("metadata/statedb: is ignored, {BELONGS}"));
    peer.release().succeeds(&[]);
    assert_eq!(peer.names("release/statedb/couchdb/indexes"), ["a.json"]);
}

#[test]
fn two_definitions_in_a_file() {
    let peer = Peer::new();
    let path = "META-INF/statedb/couchdb/indexes/o.json";
    peer.put(format!("src/{path}"), format!("{INDEX}\n{INDEX}"));
    let seen = peer.build();
    let begin = format!("build: warning: {path}: is not published: ");
    assert!(
        seen.status == 0 && seen.stderr.starts_with(&begin),
        "{seen:?}"
    );
}

#[test]
fn names_of_fields_from_elsewhere() {
    let peer = Peer::with_connection(
        r#"{"address":"a:9999","key_path":"k","cert_path":"c","transport_protocol":"grpc","tls":true}"#,
    );
    let line = |key: &str, hint: &str| {
        format!(
            r#"build: warning: connection.json: "{key}": is not a field that the peer knows, and is left out; {hint}"#
        )
    };
    let all = "it knows address, domain, dial_timeout, tls_required, client_auth_required, root_cert, client_key, client_cert";
    let lines = [
        line("key_path", r#"did you mean "client_key"?"#),
        line("cert_path", r#"did you mean "client_cert"?"#),
        line("transport_protocol", all),
        line("tls", r#"did you mean "tls_required"?"#),
    ];
    peer.build().succeeds(&lines.each_ref().map(String::as_str));
}
