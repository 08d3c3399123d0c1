use super::peer::{CONFIG, Peer, quoted, tls};

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
        r#"{"address":"{{.peer}}_basic:9999","domain":"{{ .peer }}.example.com","dial_timeout":"{{.wait}}s","tls_required":true,"client_auth_required":true,"root_cert":"{{.tls.root}}","client_key":"{{- .tls.key -}}","client_cert":"{{/* ours */}}{{.tls.cert}}"}"#,
    )
    .config(&config);
    peer.build().succeeds(&[]);
    assert_eq!(
        peer.get("bld/connection.json"),
        format!(
            r#"{{"address":"org1_basic:9999","domain":"org1.example.com","dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
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
        "build: connection.json: address: {{{{.peername}}}}: {CONFIG} is not set, it must hold a JSON object with this key"
    ));
}

#[test]
fn refuses_what_it_cannot_fill_in() {
    for (connection, config, line) in [
        (
            r#"{"address":"{{.peer}}:1"}"#,
            "",
            format!("connection.json: address: {{{{.peer}}}}: {CONFIG} is not set, it must hold a JSON object with this key"),
        ),
        (
            r#"{"address":"{{.peer}}:1"}"#,
            r#"{"peername":"secret","b":{"c":1}}"#,
            format!(r#"connection.json: address: {{{{.peer}}}}: no key "peer" in {CONFIG}, which has "b", "peername""#),
        ),
        (
            r#"{"address":"a:1","dial_timeout":"{{.wait}}"}"#,
            r#"{"wait":null}"#,
            format!(r#"connection.json: dial_timeout: {{{{.wait}}}}: "wait" in {CONFIG} is null, a string, number or boolean is needed"#),
        ),
        (
            r#"{"address":"a:1","dial_timeout":"{{.wait}}"}"#,
            r#"{"wait":"soon"}"#,
            r#"connection.json: dial_timeout: "{{.wait}}", filled in, is not a duration, write for example "10s""#.to_owned(),
        ),
        (
            r#"{"address":"{{if .a}}b{{end}}:1"}"#,
            r#"{"a":1}"#,
            r#"connection.json: address: template action not supported: "if"; only fields such as {{.peername}} are"#.to_owned(),
        ),
        (r#"{"address":"{{.a:1"}"#, r#"{"a":1}"#, "connection.json: address: {{ is not closed by }}".to_owned()),
        (r#"{"address":"a:1"}"#, "[]", format!(r#"{CONFIG}: is an array, a JSON object is needed, for example {{"peername":"org1peer1"}}"#)),
        (r#"{"address":"a:1"}"#, "{", format!(r#"{CONFIG}: is not JSON: it ends too early, for example {{"peername":"org1peer1"}}"#)),
    ] {
        let peer = Peer::with_connection(connection).config(config);
        peer.build().refuses(&format!("build: {line}"));
        peer.has_nothing_in("bld");
    }
}
