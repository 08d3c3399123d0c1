use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use fabric_ccs_builder::testing::{Config, Draft};

use super::peer::{Peer, quoted, tls};
use super::user;

/// A connection.json with TLS on both sides, with these three fields.
fn mutual(root_cert: &str, client_cert: &str, client_key: &str) -> String {
    let [root_cert, client_cert, client_key] = [root_cert, client_cert, client_key].map(quoted);
    format!(
        r#"{{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":{root_cert},"client_key":{client_key},"client_cert":{client_cert}}}"#
    )
}

/// A config whose `key`, and `tls.key`, is the file at `path`.
fn with_key(path: &Path) -> String {
    let file = format!(r#"{{"file":{}}}"#, quoted(path.to_str().unwrap()));
    format!(r#"{{"key":{file},"tls":{{"key":{file}}},"peer":"org1"}}"#)
}

/// The connection.json that is made, or why none is.
fn resolve(connection: &str, config: &str) -> Result<String, String> {
    let (draft, _) = Draft::parse(connection.as_bytes()).map_err(|error| format!("{error:#}"))?;
    let resolved = draft.resolve(&Config::parse(config).unwrap());
    let connection = resolved.map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(connection.json().to_vec()).unwrap())
}

#[test]
fn a_file_gives_the_same_build_as_its_content() {
    let (cert, key) = (tls("P-256.pem"), tls("P-256.key"));
    let connection = mutual("{{.ca}}\n{{.ca}}", "{{.cert}}", "{{.key}}");
    let peer = |config: &str| Peer::with_connection(&connection).config(config);

    let values = peer(&format!(
        r#"{{"ca":{0},"cert":{0},"key":{1}}}"#,
        quoted(&cert),
        quoted(&key)
    ));
    let secrets = tempfile::tempdir().unwrap();
    let path = |name: &str| secrets.path().join(name).display().to_string();
    fs::write(path("cert.pem"), &cert).unwrap();
    fs::write(path("basic.key"), &key).unwrap();
    // As sops-nix, agenix and Kubernetes put them there.
    std::os::unix::fs::symlink("basic.key", path("link")).unwrap();
    let files = peer(&format!(
        r#"{{"ca":{{"file":"{cert}"}},"cert":{{"file":"{cert}"}},"key":{{"file":"{}"}},"unused":{{"file":"/nowhere"}}}}"#,
        path("link"),
        cert = path("cert.pem"),
    ));
    for peer in [&values, &files] {
        peer.build().succeeds(&[]);
        peer.release().succeeds(&[]);
    }
    for dir in ["bld", "release"] {
        assert_eq!(files.listing(dir), values.listing(dir));
    }
    assert_eq!(
        files.get("bld/connection.json"),
        mutual(&format!("{cert}\n{cert}"), &cert, &key)
    );
}

#[test]
fn no_file_is_read_for_a_field_that_is_left_out() {
    let connection = r#"{"address":"a:1","root_cert":"{{.key}}"}"#;
    let config = with_key(Path::new("/nowhere"));
    assert_eq!(
        resolve(connection, &config).as_deref(),
        Ok(r#"{"address":"a:1"}"#)
    );
}

#[test]
fn check_reads_files_too() {
    let peer = Peer::with_connection(mutual(&tls("P-256.pem"), &tls("P-256.pem"), "{{.key}}"));
    let package = peer.path("src");
    fs::copy(
        peer.path("metadata/metadata.json"),
        package.join("metadata.json"),
    )
    .unwrap();
    let key = peer.path("a.key");
    let check = || user::run(&package, &["check", "--config", &with_key(&key), "."]);
    let line = format!(
        "fault    connection.json: client_key: {{{{.key}}}}: cannot read {}: No such file or directory",
        key.display()
    );
    assert!(check().stdout.contains(&line), "{}", check().stdout);
    fs::write(&key, tls("P-256.key")).unwrap();
    assert_eq!(check().status, 0, "{}", check().stdout);
}

/// What is alone in the field, however it gets there.
#[test]
fn an_action_prints_a_file() {
    let secrets = tempfile::tempdir().unwrap();
    let path = secrets.path().join("key");
    let (cert, key) = (tls("P-256.pem"), tls("P-256.key"));
    fs::write(&path, &key).unwrap();
    for template in [
        "{{.key}}",
        "{{.tls.key}}",
        "{{with .tls}}{{.key}}{{end}}",
        "{{with .key}}{{.}}{{end}}",
        "{{if .key}}{{.key}}{{end}}",
        "{{$k := .key}}{{$k}}",
        r#"{{index . "tls" "key"}}"#,
        r#"{{or (index . "none") .key}}"#,
        r#"{{if eq .peer "org1"}}{{.key}}{{else}}none{{end}}"#,
        "{{(.key)}}",
        "\n{{- .key}}{{/* ours */}}",
    ] {
        let written = resolve(&mutual(&cert, &cert, template), &with_key(&path));
        assert_eq!(written, Ok(mutual(&cert, &cert, &key)), "{template}");
    }
    let written = resolve(&mutual(&cert, &cert, "\n{{.key}}\t\n"), &with_key(&path));
    assert_eq!(written, Ok(mutual(&cert, &cert, &format!("\n{key}\t\n"))));
    // As in Go, the object's member is the path.
    let written = resolve(
        r#"{"address":"{{.key.file}}:1"}"#,
        r#"{"key":{"file":"a"}}"#,
    );
    assert_eq!(written.as_deref(), Ok(r#"{"address":"a:1"}"#));
}

#[test]
fn what_is_not_a_readable_text_file_has_its_message() {
    let cert = tls("P-256.pem");
    let mut peer = Peer::with_connection(mutual(&cert, &cert, "{{.key}}"));
    peer.put("large", vec![b'x'; (1 << 20) + 1])
        .put("full", vec![b'x'; 1 << 20])
        .put("latin", b"-----BEGIN \xe9")
        .put("empty", "")
        .put("nul", tls("P-256.key").replacen("MI", "M\0", 1))
        .put("closed", tls("P-256.key"))
        .set_mode("closed", 0)
        .put("shut/key", tls("P-256.key"))
        .set_mode("shut", 0);
    let fifo = Command::new("mkfifo").arg(peer.path("fifo")).status();
    assert!(fifo.unwrap().success());
    let _socket = UnixListener::bind(peer.path("socket")).unwrap();
    peer = peer.run_by_nobody();
    for (name, reason) in [
        (
            "none",
            "cannot read PATH: No such file or directory (os error 2)",
        ),
        (
            "closed",
            "cannot read PATH: Permission denied (os error 13)",
        ),
        (
            "shut/key",
            "cannot read PATH: Permission denied (os error 13)",
        ),
        (
            "closed/key",
            "cannot read PATH: Not a directory (os error 20)",
        ),
        ("src", "PATH: is not a regular file"),
        ("fifo", "PATH: is not a regular file"),
        (
            "socket",
            "cannot read PATH: No such device or address (os error 6)",
        ),
        ("/dev/zero", "PATH: is not a regular file"),
        ("large", "PATH: has more than the 1048576 bytes allowed"),
        (
            "latin",
            "PATH: is not UTF-8; convert it to PEM with openssl if it is DER",
        ),
    ] {
        let path = peer.path(name);
        let reason = reason.replace("PATH", path.to_str().unwrap());
        peer = peer.config(&with_key(&path));
        peer.build().refuses(&format!(
            "build: connection.json: client_key: {{{{.key}}}}: {reason}"
        ));
    }
    for (name, reason) in [
        (
            "full",
            "is not PEM; it must contain \"-----BEGIN PRIVATE KEY-----\" and line breaks",
        ),
        ("empty", "is empty; a PEM PRIVATE KEY is needed"),
        ("nul", "the private key's base64 is damaged; copy it again"),
    ] {
        let path = peer.path(name);
        peer = peer.config(&with_key(&path));
        peer.build()
            .refuses(&format!("build: connection.json: client_key: {reason}"));
    }
    peer.has_nothing_in("bld");
}

#[test]
fn an_object_that_does_not_name_a_file_has_its_message() {
    let cert = tls("P-256.pem");
    let connection = mutual(&cert, &cert, "{{.key}}");
    let needed = "not a string, number or boolean";
    let file = r#"; a file is {"file": "/PATH"} and nothing else"#;
    for (value, reason) in [
        (
            r#"{"file":""}"#,
            r#"has "" as its path, which must begin with /"#.to_owned(),
        ),
        (
            r#"{"file":"keys/a"}"#,
            r#"has "keys/a" as its path, which must begin with /"#.to_owned(),
        ),
        (
            r#"{"file":"~/a"}"#,
            r#"has "~/a" as its path, which must begin with /"#.to_owned(),
        ),
        (
            r#"{"file":"-----BEGIN PRIVATE KEY-----"}"#,
            "has the text as its path, which must begin with /".to_owned(),
        ),
        (
            r#"{"file":"/a\u0000b"}"#,
            r"cannot read /a\u{0}b: file name contained an unexpected NUL byte".to_owned(),
        ),
        (
            r#"{"file":"/nowhere\nforged"}"#,
            r"cannot read /nowhere\u{a}forged: No such file or directory (os error 2)".to_owned(),
        ),
        (
            r#"{"file":"/a","mode":"0400"}"#,
            format!("is an object, {needed}{file}"),
        ),
        (r#"{"file":1}"#, format!("is an object, {needed}{file}")),
        (
            r#"{"file":{"file":"/a"}}"#,
            format!("is an object, {needed}{file}"),
        ),
        (r#"{"File":"/a"}"#, format!("is an object, {needed}{file}")),
        (r#"[{"file":"/a"}]"#, format!("is an array, {needed}")),
    ] {
        let config = format!(r#"{{"key":{value}}}"#);
        let peer = Peer::with_connection(&connection).config(&config);
        peer.build().refuses(&format!(
            "build: connection.json: client_key: {{{{.key}}}}: {reason}"
        ));
    }
}

/// How a package may try to send away a key in one of these fields, in place of the first `T`, or to
/// choose by it what to send.
fn open_fields() -> [String; 3] {
    let used = mutual(&tls("P-256.pem"), &tls("P-256.pem"), &tls("P-256.key"));
    [
        r#"{"address":"T:1"}"#.to_owned(),
        r#"{"address":"a:1","dial_timeout":"T"}"#.to_owned(),
        used.replacen('{', r#"{"domain":"T","#, 1),
    ]
}

#[test]
fn a_hostile_package_cannot_print_a_file_elsewhere() {
    let elsewhere = "is a file, which only root_cert, client_cert and client_key may hold";
    let unprinted = "a file cannot be an argument; write its key alone, as in {{.ca}}";
    let secrets = tempfile::tempdir().unwrap();
    let path = secrets.path().join("key");
    fs::write(&path, "1s").unwrap();
    for (template, reason) in [
        ("{{.key}}", elsewhere),
        ("{{.key}}:1", elsewhere),
        ("{{with .key}}{{.}}{{end}}", elsewhere),
        ("{{with .tls}}{{.key}}{{end}}", elsewhere),
        ("{{$k := .key}}{{$k}}", elsewhere),
        ("{{$k := 1}}{{$k = .key}}{{$k}}", elsewhere),
        (r#"{{index . "key"}}"#, elsewhere),
        (r#"{{or .key "x"}}"#, elsewhere),
        (r#"{{and "x" .key}}"#, elsewhere),
        ("{{if .key}}{{.key}}{{end}}", elsewhere),
        ("{{print .key}}", unprinted),
        ("{{println .key}}", unprinted),
        ("{{.key | print}}", unprinted),
        (r#"{{print "x" (print .key)}}"#, unprinted),
        (r#"{{printf "%s" .key}}"#, unprinted),
        (r#"{{printf "%.1s" .key}}"#, unprinted),
        (r#"{{printf "%q" .key}}"#, unprinted),
        (r#"{{printf "%v" .key}}"#, unprinted),
        (r"{{printf .key}}", "does not take (a file)"),
        (
            "{{slice .key 0 1}}",
            "does not take (a file, a whole number, a whole number)",
        ),
        ("{{slice .key}}", "does not take (a file)"),
        ("{{index .key 0}}", "a file has nothing there"),
        (
            r#"{{if eq .key "1s"}}a{{end}}"#,
            "cannot compare a file with a string",
        ),
        (
            r#"{{if ne "1s" .key}}a{{end}}"#,
            "cannot compare a string with a file",
        ),
        (
            "{{if eq .key .key}}a{{end}}",
            "cannot compare a file with a file",
        ),
        (
            "{{if eq .key .tls.key}}a{{end}}",
            "cannot compare a file with a file",
        ),
        (
            r#"{{if lt .key "2"}}a{{end}}"#,
            "cannot compare a file with a string",
        ),
        (
            r#"{{if ge .key "1"}}a{{end}}"#,
            "cannot compare a file with a string",
        ),
        (
            r"{{with $k := .key}}{{if gt $k `0`}}a{{end}}{{end}}",
            "cannot compare a file with a string",
        ),
        ("{{.key.content}}", r#"no key "content""#),
        ("{{.key.file.a}}", r#"a string has no key "a""#),
    ] {
        for field in open_fields() {
            let error = resolve(
                &field.replacen('T', quoted(template).trim_matches('"'), 1),
                &with_key(&path),
            );
            let error = error.expect_err(template);
            assert!(error.contains(reason), "{field} {template}: {error}");
        }
    }
}

/// Whatever a package does with a file, the outcome is the same for every content, unless the
/// content is alone in a field that may have it.
#[test]
fn nothing_depends_on_what_is_in_a_file() {
    const VALUES: [&str; 10] = [
        ".key",
        "$.key",
        "(.key)",
        r#"(index . "key")"#,
        "(or .key 1)",
        "(and 1 .key)",
        ".tls.key",
        ".tls",
        ".",
        ".key.file",
    ];
    const USES: [&str; 25] = [
        "{{V}}",
        "{{V}}:1",
        "x{{V}}",
        "{{V}}{{V}}",
        "{{print V}}",
        "{{V | println}}",
        "{{len V}}s",
        r#"{{printf "%s" V}}"#,
        r#"{{printf "%.1v" V}}"#,
        "{{slice V 0 1}}",
        "{{index V 0}}",
        r#"{{index V "key"}}"#,
        r#"{{if eq V "1s"}}1s{{else}}2s{{end}}"#,
        r#"{{if lt "1s" V}}1s{{else}}2s{{end}}"#,
        "{{if V}}1s{{else}}2s{{end}}",
        "{{with V}}{{.}}{{else}}2s{{end}}",
        r#"{{with V}}{{if eq . "1s"}}1s{{end}}{{end}}"#,
        r#"{{$x := V}}{{if eq $x "1s" "2s"}}1s{{end}}"#,
        "{{$x := V}}{{len $x}}s",
        "{{not V}}",
        "{{or V 1}}",
        "{{and V 1}}",
        "{{if eq V V}}1s{{end}}",
        "{{V.key}}",
        "-----BEGIN CERTIFICATE-----\nx: {{V}}\n-----END CERTIFICATE-----\n",
    ];
    let secrets = tempfile::tempdir().unwrap();
    let path = secrets.path().join("key");
    let config = with_key(&path);
    let closed_field = mutual("{{.key}}", "T", "{{.key}}");
    let outcomes = |content: &str, field: &str| -> Vec<_> {
        fs::write(&path, content).unwrap();
        let templates = VALUES.map(|value| USES.map(|usage| usage.replace('V', value)));
        let fields = templates
            .as_flattened()
            .iter()
            .map(|template| field.replacen('T', quoted(template).trim_matches('"'), 1));
        fields
            .map(|connection| resolve(&connection, &config))
            .collect()
    };
    let (cert, key) = (tls("P-256.pem"), tls("P-256.key"));
    for field in open_fields() {
        let outcome = outcomes("1s", &field);
        assert!(outcome.iter().filter(|outcome| outcome.is_ok()).count() > 10);
        for content in ["2s", "", &cert] {
            assert_eq!(outcomes(content, &field), outcome);
        }
    }
    let both = cert + &key;
    let written: BTreeSet<_> = outcomes(&both, &closed_field)
        .into_iter()
        .flatten()
        .collect();
    let alone =
        [both.clone(), both.repeat(2)].map(|client_cert| mutual(&both, &client_cert, &both));
    assert_eq!(written, alone.into());
}

/// The peer sends all certificates of `client_cert` to the chaincode's server, which may be the
/// package's author: none may be made from what is in a file.
#[test]
fn no_text_of_a_package_is_beside_a_file() {
    let secrets = tempfile::tempdir().unwrap();
    let path = secrets.path().join("key");
    fs::write(&path, "c2VjcmV0").unwrap();
    let (cert, line) = (
        tls("P-256.pem"),
        "contains a file and other text, but only white space may be beside a file",
    );
    for template in [
        format!("{cert}-----BEGIN CERTIFICATE-----\n{{{{.key}}}}\n-----END CERTIFICATE-----\n"),
        format!("{cert}{{{{.key}}}}"),
        format!("{{{{.key}}}}{cert}"),
        "{{.begin}}{{.key}}".to_owned(),
        "{{.key}}{{print 1}}".to_owned(),
        "{{if .key}}{{.key}}-{{end}}".to_owned(),
    ] {
        let begin = r#"{"begin":"-----BEGIN CERTIFICATE-----\n","#;
        let config = with_key(&path).replacen('{', begin, 1);
        let error = resolve(&mutual(&cert, &template, &tls("P-256.key")), &config);
        assert_eq!(error.unwrap_err(), format!("client_cert: {line}"));
    }
}
