//! Inputs that the Go builders let through, or that no builder can accept: exit status 1, one line,
//! and an empty `BUILD_OUTPUT_DIR`.

use super::peer::{PLAIN, Peer, quoted, tls};

#[track_caller]
fn refuses(peer: &Peer, line: &str) {
    peer.build().refuses(&format!("build: {line}"));
    peer.has_nothing_in("bld");
}

#[test]
fn metadata_json() {
    for (metadata, line) in [
        (
            "{",
            r#"metadata.json: is not JSON: it ends too early; a closing } or " is needed"#,
        ),
        ("null", "metadata.json: is null, not a JSON object"),
        (
            r#"{"label":"basic_1.0"}"#,
            r#"metadata.json: type: is missing; write "type": "ccaas""#,
        ),
        (
            r#"{"type":"golang"}"#,
            r#"metadata.json: type: "golang" is for another builder; write "ccaas" or "external""#,
        ),
    ] {
        refuses(&Peer::with_metadata(metadata), line);
    }
    refuses(&Peer::empty(), "metadata.json not found");
    let peer = Peer::empty();
    peer.put_dir("metadata/metadata.json");
    refuses(&peer, "metadata.json: is a directory, not a regular file");
}

#[test]
fn connection_json_itself() {
    let deep = format!(
        "{{\"address\":\"a:1\",\"x\":{}1{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let large = format!("{{\"address\":\"a:1\",\"x\":\"{}\"}}", "x".repeat(1 << 20));
    let too_large = format!(
        "connection.json: has {} bytes, more than the 1048576 allowed",
        large.len()
    );
    for (connection, line) in [
        ("", "connection.json: is empty; a JSON object is needed"),
        (
            "address: a",
            "connection.json: is not JSON: expected value at line 1 column 1; a JSON object is needed",
        ),
        ("null", "connection.json: is null, not a JSON object"),
        ("[]", "connection.json: is an array, not a JSON object"),
        (
            "{} {}",
            "connection.json: is not JSON: trailing characters at line 1 column 4; leave out what follows the JSON object",
        ),
        (
            "\u{feff}{}",
            "connection.json: starts with a byte order mark; save it as UTF-8 without one",
        ),
        (&deep, "connection.json: is nested more than 100 deep"),
        (&large, &too_large),
    ] {
        refuses(&Peer::with_connection(connection), line);
    }
    refuses(
        &Peer::with_connection(b"{\"address\":\"\xff:1\"}"),
        "connection.json: is not UTF-8; save it as UTF-8",
    );

    let peer = Peer::with_metadata(r#"{"type":"ccaas"}"#);
    std::fs::remove_file(peer.path("src/connection.json")).unwrap();
    refuses(&peer, "connection.json not found");
    peer.put_dir("src/connection.json");
    refuses(&peer, "connection.json: is a directory, not a regular file");
    std::fs::remove_dir(peer.path("src/connection.json")).unwrap();
    peer.put("elsewhere", PLAIN)
        .put_link("src/connection.json", "../elsewhere");
    refuses(
        &peer,
        "connection.json: is a symbolic link, but only regular files and directories are copied",
    );
}

#[test]
fn addresses() {
    let example = "write for example basic.example.com:9999";
    let missing =
        r#"address: is missing or null; write for example "address": "basic.example.com:9999""#;
    for (field, line) in [
        ("", missing.to_owned()),
        (r#""address":null"#, missing.to_owned()),
        (
            r#""address":"""#,
            format!(r#"address: "" is empty; {example}"#),
        ),
        (
            r#""address":9999"#,
            "address: is a number, not a string".to_owned(),
        ),
        (
            r#""address":"basic""#,
            format!(r#"address: "basic" has no port; {example}"#),
        ),
        (
            &format!(r#""address":"{}:1""#, "a".repeat(64)),
            format!(
                r#"address: "{}:1" has an invalid host name; {example}"#,
                "a".repeat(64)
            ),
        ),
        (
            r#""address":"basic:0""#,
            format!(r#"address: "basic:0" has port 0; {example}"#),
        ),
        (
            r#""address":"basic:65536""#,
            format!(r#"address: "basic:65536" has a port above 65535; {example}"#),
        ),
        (
            r#""address":"http://basic:9999""#,
            r#"address: "http://basic:9999" is a URL, not host:port; write basic:9999"#.to_owned(),
        ),
        (
            r#""address":"basic :9999""#,
            format!(r#"address: "basic :9999" contains white space; {example}"#),
        ),
        (
            r#""address":"[::1:9999""#,
            r#"address: "[::1:9999" has a [ without ]; write [::1]:9999"#.to_owned(),
        ),
    ] {
        refuses(
            &Peer::with_connection(format!("{{{field}}}")),
            &format!("connection.json: {line}"),
        );
    }
}

#[test]
fn dial_timeouts() {
    let example = r#"write for example "10s""#;
    for (timeout, line) in [
        (r#""""#, format!(r#""" is empty; {example}"#)),
        (r#""10""#, format!(r#""10" has no unit; {example}"#)),
        (r#""ten""#, format!(r#""ten" is not a duration; {example}"#)),
        (r#""-10s""#, format!(r#""-10s" is negative; {example}"#)),
        ("-1", format!("-1 is negative; {example}")),
        (
            "10",
            format!("10 is a number of nanoseconds and too short to dial; {example}"),
        ),
        (
            "null",
            r#"is null; leave it out or write for example "10s""#.to_owned(),
        ),
        (
            "true",
            r#"is a boolean; leave it out or write for example "10s""#.to_owned(),
        ),
        (
            "[]",
            r#"is an array; leave it out or write for example "10s""#.to_owned(),
        ),
    ] {
        let connection = format!(r#"{{"address":"a:1","dial_timeout":{timeout}}}"#);
        refuses(
            &Peer::with_connection(connection),
            &format!("connection.json: dial_timeout: {line}"),
        );
    }
}

#[test]
fn booleans_in_quotes() {
    for field in ["tls_required", "client_auth_required"] {
        for (value, line) in [
            (
                r#""true""#,
                "is a string; write true or false without quotes",
            ),
            ("1", "is a number; write true or false"),
        ] {
            let connection = format!(r#"{{"address":"a:1","{field}":{value}}}"#);
            refuses(
                &Peer::with_connection(connection),
                &format!("connection.json: {field}: {line}"),
            );
        }
    }
}

#[test]
fn root_certificates() {
    let certificate = tls("P-256.pem");
    let damaged = certificate.replacen("MI", "M!", 1);
    let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (root_cert, line) in [
        (
            None,
            "is required with tls_required; write the PEM of the CA certificate",
        ),
        (Some(""), "is empty; a PEM CERTIFICATE is needed"),
        (
            Some("certificate"),
            r#"is not PEM; it must contain "-----BEGIN CERTIFICATE-----" and line breaks"#,
        ),
        (
            Some("/etc/hyperledger/ca.pem"),
            r#"looks like a file path; put the file's content here, or write {{.pem}} and add "pem": {"file": "/PATH"} to the peer's CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"#,
        ),
        (
            Some(tls("P-256.key").as_str()),
            "contains a PRIVATE KEY, not a CERTIFICATE",
        ),
        (
            Some(damaged.as_str()),
            "the certificate's base64 is damaged; copy it again",
        ),
        (Some(not_x509), "the certificate is not X.509 DER"),
    ] {
        let field = root_cert.map_or_else(String::new, |pem| {
            format!(r#","root_cert":{}"#, quoted(pem))
        });
        let connection = format!(r#"{{"address":"a:1","tls_required":true{field}}}"#);
        refuses(
            &Peer::with_connection(connection),
            &format!("connection.json: root_cert: {line}"),
        );
    }
}

#[test]
fn client_keys_and_certificates() {
    let (certificate, key) = (tls("P-256.pem"), tls("P-256.key"));
    let (certificate, key) = (certificate.as_str(), key.as_str());
    let (damaged_certificate, damaged_key) = (
        certificate.replacen("MI", "M!", 1),
        key.replacen("MI", "M!", 1),
    );
    for (client_cert, client_key, line) in [
        (
            Some(certificate),
            None,
            "client_key: is required with client_auth_required; write the PEM of the private key",
        ),
        (
            None,
            Some(key),
            "client_cert: is required with client_auth_required; write the PEM of the certificate",
        ),
        (
            Some(certificate),
            Some(""),
            "client_key: is empty; a PEM PRIVATE KEY is needed",
        ),
        (
            Some(""),
            Some(key),
            "client_cert: is empty; a PEM CERTIFICATE is needed",
        ),
        (
            Some(certificate),
            Some("key"),
            r#"client_key: is not PEM; it must contain "-----BEGIN PRIVATE KEY-----" and line breaks"#,
        ),
        (
            Some("cert"),
            Some(key),
            r#"client_cert: is not PEM; it must contain "-----BEGIN CERTIFICATE-----" and line breaks"#,
        ),
        (
            Some(certificate),
            Some(certificate),
            "client_key: contains a CERTIFICATE, not a PRIVATE KEY",
        ),
        (
            Some(key),
            Some(key),
            "client_cert: contains a PRIVATE KEY, not a CERTIFICATE",
        ),
        (
            Some(certificate),
            Some(damaged_key.as_str()),
            "client_key: the private key's base64 is damaged; copy it again",
        ),
        (
            Some(damaged_certificate.as_str()),
            Some(key),
            "client_cert: the certificate's base64 is damaged; copy it again",
        ),
        (
            Some(certificate),
            Some(tls("P-256.encrypted.key").as_str()),
            r#"client_key: is encrypted, but the peer has no passphrase; decrypt it with "openssl pkey""#,
        ),
        (
            Some(key),
            Some(certificate),
            "client_cert: is the private key, and client_key the certificate; swap them",
        ),
        (
            Some((tls("rsa.pem") + certificate).as_str()),
            Some(key),
            "client_key: belongs to a later certificate in client_cert; put that one first",
        ),
        (
            Some(certificate),
            Some(tls("other.P-256.key").as_str()),
            "client_key: does not belong to client_cert, whose public key is different",
        ),
    ] {
        let field = |name, value: Option<&str>| {
            value.map_or_else(String::new, |pem| format!(r#","{name}":{}"#, quoted(pem)))
        };
        let connection = format!(
            r#"{{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":{}{}{}}}"#,
            quoted(certificate),
            field("client_cert", client_cert),
            field("client_key", client_key),
        );
        refuses(
            &Peer::with_connection(connection),
            &format!("connection.json: {line}"),
        );
    }
}
