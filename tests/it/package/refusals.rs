//! What is refused, and warnings about packages that are accepted.

use std::os::unix::net::UnixListener;

use super::super::peer::{INDEX, Peer, quoted, tls};
use super::super::user;
use super::{bare, failed, files, folder, package};

#[track_caller]
fn refused(peer: &Peer, line: &str) {
    for args in [&[][..], &["--id"], &["-o", "-"]] {
        assert_eq!(package(peer, args), failed(1, line));
    }
    assert_eq!(files(peer), [""; 0]);
}

/// A package with this content in one of its files.
fn with(name: &str, content: &str) -> Peer {
    let peer = bare();
    peer.put(format!("package/{name}"), content);
    peer
}

#[test]
fn what_build_refuses() {
    for (name, content, line) in [
        (
            "metadata.json",
            "null",
            "metadata.json: is null, not a JSON object",
        ),
        (
            "metadata.json",
            r#"{"type":"golang","label":"basic_1.0"}"#,
            r#"metadata.json: type: "golang" is for another builder; write "ccaas" or "external""#,
        ),
        (
            "connection.json",
            "[]",
            "connection.json: is an array, not a JSON object",
        ),
        (
            "connection.json",
            r#"{"address":"a:1","dial_timeout":"10"}"#,
            r#"connection.json: dial_timeout: "10" has no unit; write for example "10s""#,
        ),
        (
            "connection.json",
            r#"{"address":"{{.a}}:1","tls_required":true}"#,
            "connection.json: root_cert: is required with tls_required; write the PEM of the CA certificate",
        ),
        (
            "META-INF/statedb/couchdb/indexes/a.json",
            r#"{"index":{"fields":[{"a":"up"}]}}"#,
            r#"META-INF/statedb/couchdb/indexes/a.json: index: fields: "a": the direction must be "asc" or "desc""#,
        ),
        (
            "metadata/statedb/couchdb/collections/c/indexes/a.json",
            "{}",
            r#"metadata/statedb/couchdb/collections/c/indexes/a.json: index: is missing; write for example "index": {"fields": ["owner"]}"#,
        ),
        (
            "META-INF/statedb/couchdb/collections/a.b/indexes/a.json",
            INDEX,
            "META-INF/statedb/couchdb/collections/a.b: is not a collection name: only letters, digits, _ and - are allowed",
        ),
        (
            "META-INF/statedb",
            "",
            "META-INF/statedb: is a file, not a directory",
        ),
        ("META-INF", "", "META-INF: is a file, not a directory"),
    ] {
        refused(&with(name, content), line);
    }
    let link = folder();
    link.put_link("package/META-INF/link", "statedb");
    refused(
        &link,
        "META-INF/link: is a symbolic link, but only regular files and directories are copied",
    );
    let socket = folder();
    UnixListener::bind(socket.path("package/META-INF/socket")).unwrap();
    refused(
        &socket,
        "META-INF/socket: is a socket, but only regular files and directories are copied",
    );
}

#[test]
fn what_a_peer_refuses_before_it_calls_a_builder() {
    for (metadata, line) in [
        (
            r#"{"type":"ccaas"}"#.to_owned(),
            r#"metadata.json: label: is missing; write for example "label": "basic_1.0""#,
        ),
        (
            r#"{"type":"ccaas","label":"a/b"}"#.to_owned(),
            r#"metadata.json: label: "a/b" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#,
        ),
        (
            format!(r#"{{"type":"ccaas","label":"{}"}}"#, "a".repeat(174)),
            "metadata.json: label: has 174 bytes, but a peer can install at most 173",
        ),
        (
            r#"{"type":"ccaas","label":"a","path":1}"#.to_owned(),
            "metadata.json: path: is a number, not a string",
        ),
    ] {
        refused(&with("metadata.json", &metadata), line);
    }
}

#[test]
fn names_that_a_tar_archive_cannot_hold() {
    let name = format!("META-INF/{}", "x".repeat(101));
    let line = format!(
        "{name}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it)"
    );
    refused(&with(&name, ""), &line);
}

#[test]
fn templates_are_checked_for_their_syntax_only() {
    let peer = bare();
    let key = quoted(&tls("P-256.key"));
    peer.put(
        "package/connection.json",
        format!(r#"{{"address":"{{{{.peername}}}}:9999","tls_required":true,"client_auth_required":true,"root_cert":"{{{{.ca}}}}","client_cert":"{{{{.cert}}}}","client_key":{key},"dial_timeout":"{{{{.t}}}}"}}"#),
    );
    assert_eq!(package(&peer, &[]).status, 0);
    let open = r#"{"address":"{{.peername:9999"}"#;
    let line = "connection.json: address: {{.peername:9999: is not closed by }}";
    refused(&with("connection.json", open), line);
}

#[test]
fn what_is_missing() {
    for name in ["metadata.json", "connection.json"] {
        let peer = folder();
        std::fs::remove_file(peer.path(format!("package/{name}"))).unwrap();
        refused(&peer, &format!("{name} not found"));
        peer.put_dir(&format!("package/{name}"));
        refused(
            &peer,
            &format!("{name}: is a directory, not a regular file"),
        );
    }
}

#[test]
fn what_is_not_possible() {
    let peer = folder();
    let run = |args: &[&str]| user::run(&peer.path("bld"), &[&["package"], args].concat());
    for (args, line) in [
        (
            &[][..],
            "missing argument DIR; see fabric-ccs-builder package --help",
        ),
        (
            &["a", "b"],
            r#"unexpected argument "b"; see fabric-ccs-builder package --help"#,
        ),
        (
            &["--nonsense"],
            "invalid option '--nonsense'; see fabric-ccs-builder package --help",
        ),
        (
            &["-o"],
            "missing argument for option '-o'; see fabric-ccs-builder package --help",
        ),
        (
            &["no"],
            "cannot open no: No such file or directory (os error 2)",
        ),
        (
            &["--id", "no"],
            "cannot open no: No such file or directory (os error 2)",
        ),
        (
            &["--id", "/dev/null"],
            "cannot open /dev/null: Not a directory (os error 20)",
        ),
        (
            &["../package/metadata.json"],
            "../package/metadata.json: is a file; give a source folder; --id prints the ID of a package",
        ),
    ] {
        assert_eq!(run(args), failed(2, line));
    }
    peer.set_mode("bld", 0o755)
        .set_mode("package/META-INF/statedb/couchdb/indexes/a.json", 0)
        .set_mode("", 0o755);
    let seen = user::run_by_nobody(&peer.path("bld"), &["package", "--id", "../package"]);
    let line = "cannot read ../package/META-INF/statedb/couchdb/indexes/a.json: Permission denied (os error 13); run this as the folder's owner or as root";
    assert_eq!(seen, failed(2, line));
}

#[test]
fn warns_as_build_does_and_says_what_is_left_out() {
    let peer = with("connection.json", r#"{"address":"a:1","timeout":"1s"}"#);
    peer.put("package/META-INF/statedb/couchdb/indexes/.DS_Store", "")
        .put("package/chaincode.go", "")
        .put("package/.git/config", "")
        .put("package/metadata/x", "")
        .put_link("package/link", "/nowhere");
    let seen = package(&peer, &[]);
    let left_out = "only metadata.json, connection.json and META-INF are";
    let lines = [
        r#"connection.json: "timeout": is not a field that the peer knows, and is left out; did you mean "dial_timeout"?"#.to_owned(),
        "META-INF/statedb/couchdb/indexes/.DS_Store: is left out, made by an operating system".to_owned(),
        format!(".git: and 3 more are not packaged: {left_out}"),
    ]
    .map(|line| format!("package: warning: {line}\n"));
    assert_eq!((seen.status, seen.stderr), (0, lines.concat()));
}

#[test]
fn other_files_are_one_line() {
    let only = "only metadata.json, connection.json and META-INF are";
    for (count, line) in [
        (1, format!("0: is not packaged: {only}")),
        (2, format!("0: and 1 more are not packaged: {only}")),
        (100, format!("0: and 99 more are not packaged: {only}")),
    ] {
        let peer = bare();
        for number in 0..count {
            peer.put(format!("package/{number}"), "");
        }
        let seen = package(&peer, &["--id"]);
        assert_eq!(
            (seen.status, seen.stderr),
            (0, format!("package: warning: {line}\n"))
        );
    }
}

#[test]
fn does_not_flood_the_terminal() {
    let peer = bare();
    for number in 0..100 {
        peer.put(format!("package/META-INF/statedb/{number}"), "");
    }
    let seen = package(&peer, &["--id"]);
    let lines: Vec<&str> = seen.stderr.lines().collect();
    assert_eq!((seen.status, lines.len()), (0, 61));
    assert_eq!(
        lines[60],
        "package: warning: 40 more warnings are not shown"
    );
}
