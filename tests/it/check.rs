use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output};

use fabric_ccs_builder::testing::Digest;
use serde_json::{Value, json};

use super::peer::{BELONGS, CONFIG, INDEX, PLAIN, Peer, program, quoted, skip, tls};
use super::user;

fn check(args: &[&str]) -> Output {
    Command::new(program())
        .arg("check")
        .args(args)
        .env_remove(CONFIG)
        .output()
        .unwrap()
}

/// A package's source folder.
fn folder(connection: &str) -> Peer {
    let peer = Peer::empty();
    peer.put(
        "package/metadata.json",
        r#"{"type":"ccaas","label":"basic_1.0"}"#,
    )
    .put("package/connection.json", connection)
    .put("package/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    peer
}

fn check_folder(peer: &Peer, options: &[&str]) -> (i32, String, String) {
    let path = peer.path("package");
    let output = check(&[options, &[path.to_str().unwrap()]].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_built_in_sample_is_accepted() {
    let output = check(&[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert_eq!(output.stderr, b"");
    for line in [
        "package  asset-transfer_1.0, type ccaas: the built-in sample",
        "address  the peer would dial asset-transfer.example.com:9999 without TLS",
        "result   a peer would accept the sample; this folder holds no package",
    ] {
        assert!(
            stdout.lines().any(|printed| printed == line),
            "{line}: {stdout}"
        );
    }
    let published: Vec<&str> = stdout
        .lines()
        .filter(|line| line.starts_with("released "))
        .map(|line| &line["released ".len()..])
        .collect();
    assert_eq!(
        published,
        [
            "chaincode/server/connection.json",
            "statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json",
            "statedb/couchdb/indexes/indexOwner.json",
        ]
    );
}

#[test]
fn the_sample_is_the_folder_beside_the_source() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sample");
    let folder = check(&[sample.to_str().unwrap()]).stdout;
    let embedded = check(&[]).stdout;
    let between = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap();
        let (_, rest) = text.split_once('\n').unwrap();
        let (between, last) = rest.split_once("result ").unwrap();
        (between.to_owned(), last.to_owned())
    };
    let (folder, embedded) = (between(folder), between(embedded));
    assert_eq!(folder.0, embedded.0);
    assert_eq!(folder.1, "  a peer would accept this package\n");
    // Whoever asks for it need not be told.
    let asked = between(check(&["--sample"]).stdout);
    assert_eq!(
        asked,
        (embedded.0, "  a peer would accept the sample\n".to_owned())
    );
}

#[test]
fn a_package_with_client_auth_and_a_domain_is_accepted() {
    let peer = folder(&format!(
        r#"{{"address":"{{{{.peername}}}}.example.com:9999","domain":"basic.example.com","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
        quoted(&tls("rsa.pem")),
        quoted(&tls("P-256.key")),
        quoted(&tls("P-256.pem")),
    ));
    let (status, stdout, stderr) = check_folder(&peer, &["--config", r#"{"peername":"basic"}"#]);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    let dialled = "address  the peer would dial basic.example.com:9999 with TLS, from Fabric 3.0 on for the domain basic.example.com, and a client certificate\n";
    assert!(stdout.contains(dialled), "{stdout}");
    let key = "\nwarning  connection.json: a private key goes into the package; write \"{{.client_key}}\" for it, and \"client_key\": {\"file\": \"/PATH\"} in each peer's config\n";
    assert!(stdout.contains(key), "{stdout}");
    assert_eq!(stdout.matches("warning").count(), 1, "{stdout}");
}

#[test]
fn the_environment_fills_templates_too() {
    let peer = folder(r#"{"address":"{{.a}}:1"}"#);
    let output = Command::new(program())
        .args(["check".as_ref(), peer.path("package").as_os_str()])
        .env(CONFIG, r#"{"a":"b"}"#)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_refusal_shows_its_line() {
    let peer = folder(r#"{"address":"a:1","dial_timeout":"10"}"#);
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    assert!(
        stdout.ends_with(
            "\nfault    connection.json: dial_timeout: \"10\" has no unit; write for example \"10s\"\nresult   a peer would refuse this package\n"
        ),
        "{stdout}"
    );
}

#[test]
fn another_builders_package_is_not_accepted() {
    let peer = folder(PLAIN);
    peer.put(
        "package/metadata.json",
        r#"{"type":"golang","label":"basic_1.0"}"#,
    );
    let (status, stdout, _) = check_folder(&peer, &[]);
    assert_eq!(status, 1);
    let line = r#"fault    metadata.json: type: "golang" is for another builder; write "ccaas" or "external""#;
    assert!(stdout.contains(line), "{stdout}");
}

#[test]
fn what_the_peer_refuses_before_it_calls_us_is_refused() {
    for (change, line) in [
        (
            r#"{"type":"ccaas","label":"basic 1.0"}"#,
            r#"fault    metadata.json: label: "basic 1.0" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#,
        ),
        (
            r#"{"type":"ccaas"}"#,
            r#"fault    metadata.json: label: is missing; write for example "label": "basic_1.0""#,
        ),
    ] {
        let peer = folder(PLAIN);
        peer.put("package/metadata.json", change);
        let (status, stdout, stderr) = check_folder(&peer, &[]);
        assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
        let end = format!("\n{line}\nresult   a peer would refuse this package\n");
        assert!(stdout.ends_with(&end), "{stdout}");
    }
    let peer = folder(PLAIN);
    peer.put_link("package/META-INF/link", "statedb");
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    let line = "fault    META-INF/link: is a symbolic link, but only regular files and directories are copied\n";
    assert!(stdout.contains(line), "{stdout}");
}

#[test]
fn hard_links_in_the_authors_folder_are_fine() {
    let peer = folder(PLAIN);
    std::fs::hard_link(peer.path("package/connection.json"), peer.path("second")).unwrap();
    assert_eq!(check_folder(&peer, &[]).0, 0);
}

#[test]
fn warns_of_what_is_not_packaged() {
    let peer = folder(PLAIN);
    peer.put("package/indexes/a.json", INDEX)
        .put("package/src/statedb/x.go", "x")
        .put("package/README.md", "x");
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    let only = "only metadata.json, connection.json and META-INF are";
    assert_eq!((status, stderr.as_str()), (1, ""));
    let place = format!("is ignored, {BELONGS}");
    for line in [
        format!("\nwarning  README.md: is not packaged: {only}\n"),
        format!("\nfault    indexes: {place}\n"),
        format!("\nwarning  src/statedb: {place}\n"),
        "\nresult   a peer would accept this package, but not all of its index definitions\n"
            .to_owned(),
    ] {
        assert!(stdout.contains(&line), "{stdout}");
    }
}

/// However many other warnings there are.
#[test]
fn an_index_that_is_not_published_decides() {
    let peer = folder(PLAIN);
    let indexes = "package/META-INF/statedb/couchdb/indexes";
    for number in 0..70 {
        let path = format!("{indexes}/{number:02}.json");
        peer.put(path, r#"{"index":{"fields":[]}}"#);
    }
    let (status, stdout, _) = check_folder(&peer, &[]);
    assert_eq!(status, 0, "{stdout}");
    assert!(
        stdout.contains("warning  10 more are not shown\n"),
        "{stdout}"
    );
    peer.put("package/META-INF/statedb/z/x.json", INDEX);
    let (status, stdout, _) = check_folder(&peer, &[]);
    assert_eq!(status, 1, "{stdout}");
    let fault = "\nfault    META-INF/statedb/z/x.json: is not published: ";
    assert!(stdout.contains(fault), "{stdout}");
}

#[test]
fn says_when_it_cannot_tell() {
    let output = check(&["/nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    let line = "package  /nowhere\nresult   cannot tell: cannot open /nowhere: No such file or directory (os error 2)\n";
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (line.as_bytes(), &b""[..])
    );

    let output = check(&["--nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        output.stderr,
        b"check: invalid option '--nonsense'; see fabric-ccs-builder check --help\n"
    );

    let peer = folder(PLAIN);
    std::fs::remove_file(peer.path("package/connection.json")).unwrap();
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    assert!(
        stdout.contains("\nfault    connection.json not found\n"),
        "{stdout}"
    );
}

#[test]
fn leaves_nothing_behind_whatever_the_umask() {
    for umask in ["000", "022", "077", "477", "777"] {
        let peer = Peer::empty().run_by_nobody();
        peer.set_mode("", 0o755);
        let setup = format!("umask {umask}; export TMPDIR=.");
        let seen = user::run_by_nobody_after(&setup, &peer.path("bld"), &["check"]);
        assert_eq!(seen.status, 0, "{umask}: {seen:?}");
        peer.has_nothing_in("bld");
    }
}

#[test]
fn checks_the_folder_around_it_if_that_is_a_package() {
    let sample = "package  asset-transfer_1.0, type ccaas: the built-in sample\n";
    for name in ["metadata.json", "connection.json"] {
        let peer = folder(r#"{"address":"a"}"#);
        let package = peer.path("package");
        std::fs::remove_file(peer.path(format!("package/{name}"))).unwrap();
        let seen = user::run(&package, &["check"]);
        assert_eq!(seen, user::run(&package, &["check", "."]));
        assert_eq!(seen.status, 1, "{seen:?}");
        assert!(
            seen.stdout
                .contains(&format!("\nfault    {name} not found\n")),
            "{seen:?}"
        );
        let seen = user::run(&package, &["check", "--sample"]);
        assert!(
            seen.status == 0 && seen.stdout.starts_with(sample),
            "{seen:?}"
        );
    }
    let seen = user::run(&folder(PLAIN).path(""), &["check"]);
    assert!(
        seen.status == 0 && seen.stdout.starts_with(sample),
        "{seen:?}"
    );
}

#[test]
fn cannot_tell_where_too_much_is_left_of_other_runs() {
    let peer = Peer::empty();
    let setup = "export TMPDIR=.; for number in $(seq 0 99); do mkdir fabric-check-$$-$number; done; echo $$";
    let seen = user::run_after(setup, &peer.path("bld"), &["check"]);
    let (process, stdout) = seen.stdout.split_once('\n').unwrap();
    let place = peer.path("bld").canonicalize().unwrap();
    let line = format!(
        "package  the built-in sample\nresult   cannot tell: cannot create fabric-check-{process}-0 to -99 in {}: all exist\n",
        place.display()
    );
    assert_eq!((seen.status, stdout), (2, line.as_str()));
}

#[test]
fn names_the_variable_of_a_folder_that_is_missing() {
    let peer = Peer::empty();
    let seen = user::run_after("export TMPDIR=no", &peer.path(""), &["check"]);
    let line = "\nresult   cannot tell: TMPDIR: cannot open no: No such file or directory (os error 2); set it to a folder that you may write to\n";
    assert!(seen.status == 2 && seen.stdout.ends_with(line), "{seen:?}");
}

#[test]
fn names_the_variable_of_a_folder_that_it_may_not_write_to() {
    let peer = Peer::empty();
    let seen = user::run_by_nobody_after("export TMPDIR=/proc", &peer.path("/"), &["check"]);
    let start = "\nresult   cannot tell: TMPDIR: cannot create /proc/fabric-check-";
    assert!(seen.status == 2 && seen.stdout.contains(start), "{seen:?}");
}

#[test]
fn an_empty_tmpdir_is_none() {
    let peer = Peer::empty();
    let seen = user::run_after("export TMPDIR=''", &peer.path("bld"), &["check"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    peer.has_nothing_in("bld");
}

#[test]
fn a_full_disk_is_not_a_refusal() {
    let peer = folder(PLAIN);
    peer.put("package/META-INF/large", vec![b'x'; 100_000])
        .put_dir("temporary");
    let setup = format!("{}; export TMPDIR=temporary", user::FULL_DISK);
    let seen = user::run_after(&setup, &peer.path(""), &["check", "package"]);
    assert_eq!(seen.status, 2, "{seen:?}");
    assert!(
        seen.stdout
            .contains("\nresult   cannot tell: cannot write ")
            && seen.stdout.ends_with(": File too large (os error 27)\n"),
        "{seen:?}"
    );
    peer.has_nothing_in("temporary");
}

#[test]
fn the_programs_of_the_peer_are_not_run() {
    // Nothing can be started: neither a process nor a thread.
    let peer = folder(PLAIN);
    let setup = "ulimit -u 0";
    let seen = user::run_by_nobody_after(setup, &peer.path(""), &["check"]);
    assert_eq!(seen.status, 0, "{seen:?}");
}

/// A folder with a fault in everything.
fn faulty() -> Peer {
    let peer = folder(
        r#"{"address":"basic","dial_timeout":"10","tls_required":"true","timeout":1,"root_cert":"ca.pem","client_auth_required":true,"client_key":"x","domain":"{{"}"#,
    );
    peer.put("package/metadata.json", r#"{"label":"a b","path":1}"#)
        .put("package/META-INF/statedb/couchdb/indexes/b.json", "{}")
        .put("package/META-INF/statedb/couchdb/indexes/c.json", "[]")
        .put_link("package/META-INF/a", "b")
        .put_link("package/META-INF/b", "a");
    peer
}

/// What `check` says about [`faulty`]: the file, the field and the message of each fault.
const FAULTS: [[&str; 4]; 14] = [
    [
        "metadata.json",
        "type",
        "is missing",
        r#"write "type": "ccaas""#,
    ],
    ["metadata.json", "path", "is a number, not a string", ""],
    [
        "metadata.json",
        "label",
        r#""a b" is refused by Fabric"#,
        "begin with a letter or digit and continue with those or . + - _",
    ],
    [
        "connection.json",
        "tls_required",
        "is a string",
        "write true or false without quotes",
    ],
    ["connection.json", "domain", "{{: is not closed by }}", ""],
    [
        "connection.json",
        "dial_timeout",
        r#""10" has no unit"#,
        r#"write for example "10s""#,
    ],
    [
        "connection.json",
        "address",
        r#""basic" has no port"#,
        "write for example basic.example.com:9999",
    ],
    [
        "connection.json",
        "root_cert",
        "looks like a file path",
        r#"put the file's content here, or write {{.pem}} and add "pem": {"file": "/PATH"} to the peer's CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"#,
    ],
    [
        "connection.json",
        "client_cert",
        "is required with client_auth_required",
        "write the PEM of the certificate",
    ],
    [
        "connection.json",
        "client_key",
        "is not PEM",
        r#"it must contain "-----BEGIN PRIVATE KEY-----" and line breaks"#,
    ],
    [
        "META-INF/a",
        "",
        "is a symbolic link, but only regular files and directories are copied",
        "",
    ],
    [
        "META-INF/b",
        "",
        "is a symbolic link, but only regular files and directories are copied",
        "",
    ],
    [
        "META-INF/statedb/couchdb/indexes/b.json",
        "index",
        "is missing",
        r#"write for example "index": {"fields": ["owner"]}"#,
    ],
    [
        "META-INF/statedb/couchdb/indexes/c.json",
        "",
        "is an array",
        "write one definition per file",
    ],
];

#[test]
fn all_faults_are_found_in_one_run() {
    let peer = faulty();
    let line = |[file, field, message, hint]: &[&str; 4]| {
        let field = if field.is_empty() {
            String::new()
        } else {
            format!("{field}: ")
        };
        let hint = if hint.is_empty() {
            String::new()
        } else {
            format!("; {hint}")
        };
        format!("fault    {file}: {field}{message}{hint}\n")
    };
    let faults: String = FAULTS.iter().map(line).collect();
    let timeout = r#"warning  connection.json: "timeout": is not a field that the peer knows, and is left out; did you mean "dial_timeout"?"#;
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    let path = peer.path("package");
    let expected = format!(
        "package  {}\n{faults}{timeout}\nresult   a peer would refuse this package\n",
        path.display()
    );
    assert_eq!((status, stdout, stderr.as_str()), (1, expected, ""));
    // The first is the one in a peer's log.
    let log = user::run(&path, &["build", ".", ".", "../bld"]).stderr;
    assert_eq!(log.replacen("build: ", "fault    ", 1), line(&FAULTS[0]));
}

/// The object that `check --json` prints.
fn object(peer: &Peer, options: &[&str]) -> (i32, Value) {
    let (status, stdout, stderr) = check_folder(peer, &[&["--json"], options].concat());
    assert_eq!(
        (stdout.lines().count(), stderr.as_str()),
        (1, ""),
        "{stdout}"
    );
    (status, serde_json::from_str(&stdout).unwrap())
}

#[test]
fn an_object_has_each_fault_in_its_parts() {
    let (status, seen) = object(&faulty(), &[]);
    assert_eq!((status, &seen["result"]), (1, &json!("refused")));
    let text = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            json!(text)
        }
    };
    let part = |[file, field, message, hint]: &[&str; 4]| json!({"file": file, "field": text(field), "message": message, "hint": text(hint)});
    let expected: Vec<Value> = FAULTS.iter().map(part).collect();
    assert_eq!(seen["faults"], json!(expected));
    let message = r#""timeout": is not a field that the peer knows, and is left out"#;
    let hint = r#"did you mean "dial_timeout"?"#;
    let expected =
        json!({"file": "connection.json", "field": null, "message": message, "hint": hint});
    assert_eq!(seen["warnings"], json!([expected]));
    assert_eq!(seen["released"], json!([]));
}

#[test]
fn nothing_of_a_package_is_taken_for_the_name_of_a_file_or_field() {
    let peer = folder(r#"{"address":"domain: b, write c","a\": ":1}"#);
    let index = "META-INF/statedb/couchdb/indexes/a: index: b.json";
    peer.put(
        format!("package/{index}"),
        r#"{"index":{"fields":[{"a: b":1}]}}"#,
    )
    .put("package/META-INF/statedb/couchdb/indexes/.DS_Store", "x")
    .put("package/label: b", "x");
    let (_, seen) = object(&peer, &[]);
    let part = |file: &str, field: Option<&str>, message: &str| json!({"file": file, "field": field, "message": message, "hint": null});
    let mut address = part(
        "connection.json",
        Some("address"),
        r#""domain: b, write c" contains white space"#,
    );
    address["hint"] = json!("write for example basic.example.com:9999");
    let direction = r#""a: b": the direction must be "asc" or "desc""#;
    assert_eq!(seen["faults"][0], address);
    assert_eq!(
        seen["faults"][1],
        part(index, Some("index.fields"), direction)
    );
    let unknown = r#""a": ": is not a field that the peer knows, and is left out; it knows address, domain, dial_timeout, tls_required, client_auth_required, root_cert, client_key, client_cert"#;
    let stray = "META-INF/statedb/couchdb/indexes/.DS_Store";
    for warning in [
        part(
            "label: b",
            None,
            "is not packaged: only metadata.json, connection.json and META-INF are",
        ),
        part("connection.json", None, unknown),
        part(stray, None, "is left out, made by an operating system"),
    ] {
        let warnings = seen["warnings"].as_array().unwrap();
        assert!(warnings.contains(&warning), "{warning}: {seen}");
    }
}

#[test]
fn an_object_has_what_is_published() {
    let peer = folder(r#"{"address":"a\u202e{{.b}}:1"}"#);
    let (status, seen) = object(&peer, &[]);
    assert_eq!((status, &seen["result"]), (1, &json!("refused")));
    assert_eq!(
        seen["faults"][0]["hint"],
        r#"write --config '{"b": "..."}'"#
    );

    let peer = folder(PLAIN);
    let (status, seen) = object(&peer, &[]);
    let index = Digest::of(INDEX.as_bytes()).to_string();
    let expected = json!({
        "source": peer.path("package").to_str().unwrap(),
        "package": "basic_1.0",
        "type": "ccaas",
        "faults": [],
        "warnings": [],
        "recorded": seen["recorded"],
        "released": [
            {"path": "chaincode/server/connection.json", "sha256": Digest::of(PLAIN.as_bytes()).to_string()},
            {"path": "statedb/couchdb/indexes/a.json", "sha256": index},
        ],
        "address": "basic.example.com:9999",
        "dial": "dial basic.example.com:9999 without TLS",
        "dialled": null,
        "packaged": null,
        "result": "accepted",
        "reason": null,
    });
    assert_eq!((status, &seen), (0, &expected));
    assert_eq!(
        seen["recorded"][0],
        json!({"path": "META-INF/statedb/couchdb/indexes/a.json", "sha256": index})
    );

    peer.put("package/META-INF/statedb/couchdb/indexes/b.json", "{}");
    let (status, seen) = object(&peer, &[]);
    assert_eq!((status, &seen["result"]), (1, &json!("incomplete")));
    let output = check(&["--json", "/nowhere"]);
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &seen["result"]),
        (Some(2), &json!("cannot tell"))
    );
    assert_eq!(
        seen["reason"],
        "cannot open /nowhere: No such file or directory (os error 2)"
    );
}

#[test]
fn digests_and_the_log_are_for_those_who_ask() {
    let peer = folder(PLAIN);
    let (_, short, _) = check_folder(&peer, &[]);
    let (_, long, _) = check_folder(&peer, &["--verbose"]);
    let digest = Digest::of(PLAIN.as_bytes()).to_string();
    assert_eq!(short.matches(&digest).count(), 0, "{short}");
    assert_eq!(short.matches("basic.example.com").count(), 1, "{short}");
    for line in [
        "build    exit status: 0\n         build: basic_1.0: ",
        "release  exit status: 0\n         release: basic_1.0: ",
        &format!("recorded {digest}  connection.json\n"),
        &format!("released {digest}  chaincode/server/connection.json\n"),
    ] {
        assert!(long.contains(line), "{line}: {long}");
    }
}

/// What `check` prints in a terminal.
fn in_a_terminal(setup: &str) -> String {
    let command = format!("{setup} {} check", program().display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_remove("NO_COLOR")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_terminal_gets_colours_unless_they_are_unwanted() {
    if Command::new("script").arg("--version").output().is_err() {
        return skip("script");
    }
    let green = "\x1b[32mresult  \x1b[0m a peer would accept the sample";
    assert!(in_a_terminal("").contains(green));
    assert!(in_a_terminal("NO_COLOR=").contains(green));
    let seen = in_a_terminal("NO_COLOR=1");
    assert!(
        seen.contains("\nresult   a peer would") && !seen.contains('\x1b'),
        "{seen:?}"
    );
    assert!(!check(&[]).stdout.contains(&0x1b));
}

#[test]
fn warns_of_an_address_that_is_rarely_meant() {
    let machine = "is the peer's own machine, or in a container or pod only the peer itself; write the name by which a peer reaches the chaincode server";
    let listen = "is one to listen on; write the name by which a peer reaches the chaincode server";
    let port = |port: &str, owner: &str| {
        format!("port {port} is {owner} by default; write the chaincode server's")
    };
    for (address, warning) in [
        ("localhost:9999", machine),
        ("LocalHost.:9999", machine),
        ("a.localhost:9999", machine),
        ("127.0.0.1:9999", machine),
        ("127.8.0.1:7051", machine),
        ("[::1]:9999", machine),
        ("dns:///localhost:9999", machine),
        ("passthrough:///127.0.0.1:1", machine),
        ("0.0.0.0:9999", listen),
        ("[::]:9999", listen),
        (":9999", listen),
        ("a:7050", &port("7050", "an orderer's")),
        ("a:7051", &port("7051", "a peer's")),
        ("a:7053", &port("7053", "an orderer's")),
        ("a:7054", &port("7054", "a CA's")),
        ("dns://1.2.3.4:53/a:7051", &port("7051", "a peer's")),
        ("a:7052", ""),
        ("localhost.example.com:9999", ""),
        ("128.0.0.1:17051", ""),
        ("[fe80::1%25eth0]:9999", ""),
        ("unix:/run/localhost:7051", ""),
        ("Unix:/run/localhost:7051", ""),
        ("unixhost:7051", &port("7051", "a peer's")),
        ("dns:localhost:9999", machine),
        ("dns:///localhost", machine),
        ("dns:///::1", machine),
        ("dns:127.0.0.1", machine),
        ("dns:a", ""),
    ] {
        let peer = folder(&format!(r#"{{"address":"{address}"}}"#));
        let (status, stdout, _) = check_folder(&peer, &[]);
        let line = format!("\nwarning  connection.json: address: {warning}\n");
        assert_eq!(
            stdout.contains(&line),
            !warning.is_empty(),
            "{address}: {stdout}"
        );
        assert_eq!(
            (status, stdout.contains("warning")),
            (0, !warning.is_empty()),
            "{stdout}"
        );
        let seen = user::run(&peer.path(""), &["package", "--id", "package"]);
        let said = line.replace("\nwarning  ", "package: warning: ");
        let expected = if warning.is_empty() { "" } else { &said };
        assert_eq!((seen.status, seen.stderr.as_str()), (0, expected));
    }
    let peer = folder(r#"{"address":"{{.host}}:9999"}"#);
    let seen = check_folder(&peer, &["--config", r#"{"host":"localhost"}"#]);
    assert!(seen.0 == 0 && seen.1.contains(machine), "{seen:?}");
}

#[test]
fn warns_of_a_certificate_that_is_not_for_clients() {
    for (client, is_warned) in [("for-servers.pem", true), ("P-256.pem", false)] {
        let peer = folder(&format!(
            r#"{{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":{0},"client_cert":{0},"client_key":{1}}}"#,
            quoted(&tls(client)),
            quoted(&tls("P-256.key"))
        ));
        let (status, stdout, _) = check_folder(&peer, &[]);
        let line = "warning  connection.json: client_cert: is not for a TLS client (extended key usage), so a server would refuse it; issue one with clientAuth\n";
        assert_eq!((status, stdout.contains(line)), (0, is_warned), "{stdout}");
    }
}

#[test]
fn warns_of_a_certificate_that_has_expired_and_build_does_not() {
    let (expired, good) = (tls("expired.pem"), tls("P-256.pem"));
    let both = format!("{expired}{good}");
    for (root, client, fields) in [
        (&good, &good, &[][..]),
        (&expired, &good, &["root_cert"]),
        (&good, &expired, &["client_cert"]),
        (&expired, &both, &["root_cert", "client_cert"]),
        // One good root is enough.
        (&both, &good, &[]),
    ] {
        let peer = folder(&format!(
            r#"{{"address":"{{{{.a}}}}:1","tls_required":true,"client_auth_required":true,"root_cert":{},"client_cert":{},"client_key":{}}}"#,
            quoted(root),
            quoted(client),
            quoted(&tls("P-256.key"))
        ));
        let lines = fields.iter().map(|field| {
            format!("warning  connection.json: {field}: expired on 2020-01-01; put a new certificate here\n")
        });
        let expected: String = lines.collect();
        for options in [&[][..], &["--config", r#"{"a":"b"}"#]] {
            let (_, stdout, _) = check_folder(&peer, options);
            let warnings = stdout
                .split_inclusive('\n')
                .filter(|line| line.starts_with("warning") && !line.contains("private key"));
            assert_eq!(warnings.collect::<String>(), expected, "{stdout}");
        }
        let setup = format!(r#"export {CONFIG}='{{"a":"b"}}'"#);
        let words = ["build", ".", ".", "../bld"];
        user::run_after(&setup, &peer.path("package"), &words).succeeds(&[]);
    }
}

#[test]
fn a_config_can_be_in_a_file() {
    let peer = folder(r#"{"address":"{{.a}}:1"}"#);
    peer.put("package/cfg.json", r#"{"a":"b"}"#)
        .put("package/bad.json", "a: b");
    let run = |config: &str| user::run(&peer.path("package"), &["check", "--config", config]);
    assert_eq!(run("@cfg.json").status, 0);
    let example = r#"write for example {"peername":"org1peer1"}"#;
    for (config, line) in [
        (
            "cfg.json",
            "cfg.json is a file; write --config @cfg.json".to_owned(),
        ),
        (
            "{a: b}",
            r#"has no quotes left; put single quotes around it: '{"peername": "org1peer1"}'"#
                .to_owned(),
        ),
        ("[]", format!("is an array, not a JSON object; {example}")),
        (
            "{'peername': 'a'}",
            format!(
                "is not JSON: key must be a string at line 1 column 2; write straight double quotes; {example}"
            ),
        ),
        (
            "{",
            format!(r#"is not JSON: it ends too early; a closing }} or " is needed; {example}"#),
        ),
        (
            "a",
            format!(
                "is not JSON: expected value at line 1 column 1; a JSON object is needed; {example}"
            ),
        ),
        (
            "@bad.json",
            format!(
                "@bad.json is not JSON: expected value at line 1 column 1; a JSON object is needed; {example}"
            ),
        ),
    ] {
        let seen = run(config);
        let line = format!("check: --config: {line}; see fabric-ccs-builder check --help\n");
        assert_eq!(
            (seen.status, seen.stdout.as_str(), seen.stderr),
            (2, "", line)
        );
    }
}

/// In no command may it look like a refused package or a difference, which have the status 1.
#[test]
fn a_config_file_that_cannot_be_read_is_a_wrong_argument() {
    let peer = folder(r#"{"address":"{{.a}}:1"}"#);
    peer.put("large", vec![b' '; (1 << 20) + 1])
        .put("latin1", b"{\"a\":\"\xe9\"}");
    for (file, what) in [
        (
            "none",
            "cannot read none: No such file or directory (os error 2)",
        ),
        ("/dev/null", "/dev/null: is not a regular file"),
        ("large", "large: has more than the 1048576 bytes allowed"),
        ("latin1", "latin1: is not UTF-8"),
    ] {
        for word in ["check", "verify", "rebuild"] {
            let config = format!("@{file}");
            let seen = user::run(&peer.path(""), &[word, "--config", &config, "package"]);
            let line = format!("{word}: --config: {what}; see fabric-ccs-builder {word} --help\n");
            assert_eq!(
                (seen.status, seen.stdout.as_str(), seen.stderr),
                (2, "", line)
            );
        }
    }
}

#[test]
fn a_config_that_is_not_utf_8_is_not_changed_silently() {
    let peer = folder(r#"{"address":"{{.a}}:1","dial_timeout":"{{.b}}"}"#);
    let config = OsStr::from_bytes(b"{\"a\":\"h\",\"b\":\"1s\",\"c\":\"\xe9\"}");
    let mut command = Command::new(program());
    command.args(["check", "--config"]).arg(config);
    let seen = command.arg(peer.path("package")).output().unwrap();
    let line = "check: --config: is not UTF-8; see fabric-ccs-builder check --help\n";
    assert_eq!(String::from_utf8(seen.stderr).unwrap(), line);
    assert_eq!(
        (seen.status.code(), seen.stdout.as_slice()),
        (Some(2), &b""[..])
    );
}

/// Another builder's package is reviewed too if it has a connection.json: its type may be wrong.
#[test]
fn a_package_of_another_type_with_a_connection_has_the_faults_of_both() {
    let peer = folder(r#"{"address":"a"}"#);
    peer.put(
        "package/metadata.json",
        r#"{"type":"golang","label":"basic_1.0"}"#,
    );
    let (status, stdout, _) = check_folder(&peer, &[]);
    for fault in ["metadata.json: type: ", "connection.json: address: "] {
        assert!(stdout.contains(&format!("\nfault    {fault}")), "{stdout}");
    }
    assert_eq!(status, 1, "{stdout}");
    fs::remove_file(peer.path("package/connection.json")).unwrap();
    let (_, stdout, _) = check_folder(&peer, &[]);
    assert_eq!(stdout.matches("\nfault ").count(), 1, "{stdout}");
}

#[test]
fn a_template_that_needs_no_value_needs_no_config() {
    for template in [
        r#"basic:{{or (index . "port") "9999"}}"#,
        "basic:{{if eq 1 2}}{{.port}}{{else}}9999{{end}}",
    ] {
        let peer = folder(&format!(r#"{{"address":{}}}"#, quoted(template)));
        let (status, stdout, _) = check_folder(&peer, &[]);
        let dialled = "\naddress  the peer would dial basic:9999 without TLS\n";
        assert!(status == 0 && stdout.contains(dialled), "{stdout}");
    }
}

/// `package` knows no config, so it checks every branch.
#[test]
fn a_branch_that_package_refuses_is_said_of_package() {
    let branch = r#"{{if eq .peer "p0"}}basic:9999{{else}}unused{{end}}"#;
    let config = ["--config", r#"{"peer":"p0"}"#];
    let fault = r#"fault    connection.json: address: "unused" has no port; write for example basic.example.com:9999"#;
    let peer = folder(&format!(r#"{{"address":{}}}"#, quoted(branch)));
    let (status, stdout, _) = check_folder(&peer, &config);
    let end = format!("\n{fault}\nresult   the command package would refuse this folder\n");
    assert!(status == 1 && stdout.ends_with(&end), "{stdout}");
    // Whatever else there is.
    let long = format!("META-INF/{}", "x".repeat(101));
    let peer = folder(&format!(
        r#"{{"address":{},"dial_timeout":"10"}}"#,
        quoted(branch)
    ));
    peer.put(format!("package/{long}"), "x");
    let (status, stdout, _) = check_folder(&peer, &config);
    let faults = stdout.matches("\nfault ").count();
    assert_eq!((status, faults), (1, 3), "{stdout}");
    assert!(stdout.contains(fault), "{stdout}");
}

/// What needs no values is checked without them, and a branch is the package's own text.
#[test]
fn other_faults_are_said_beside_missing_values() {
    let tls = r#","tls_required":true,"root_cert":"{{.r}}""#;
    let no_port = r#"address: "bad" has no port; write for example basic.example.com:9999"#;
    for (address, more, config, faults) in [
        (
            "{{printf `%s` `bad`}}",
            tls,
            None,
            &["address: ", "templates need values"][..],
        ),
        (
            "{{if true}}a:1{{else}}{{.x}}{{end}}",
            r#","dial_timeout":"{{print `bad`}}""#,
            None,
            &["dial_timeout: "],
        ),
        (
            "{{if .x}}bad{{else}}{{.y}}{{end}}",
            "",
            None,
            &["templates need values", no_port],
        ),
        (
            "{{if .x}}bad{{else}}basic:1{{end}}",
            "",
            Some(r#"{"x":"1"}"#),
            &[no_port],
        ),
    ] {
        let peer = folder(&format!(r#"{{"address":{}{more}}}"#, quoted(address)));
        let options = config.map_or_else(Vec::new, |config| vec!["--config", config]);
        let (status, stdout, _) = check_folder(&peer, &options);
        let count = stdout.matches("\nfault ").count();
        assert_eq!((status, count), (1, faults.len()), "{stdout}");
        for fault in faults {
            let line = format!("\nfault    connection.json: {fault}");
            assert!(stdout.contains(&line), "{stdout}");
        }
    }
}

#[test]
fn values_are_asked_for_only_if_a_template_needs_them() {
    let address = quoted(r#"{{if index . "host"}}{{.host}}{{else}}localhost{{end}}:9999"#);
    let peer = folder(&format!(
        r#"{{"address":{address},"dial_timeout":"10","foo":1,"foo":2}}"#
    ));
    let (status, stdout, _) = check_folder(&peer, &[]);
    let faults = stdout.matches("\nfault ").count();
    assert_eq!((status, faults), (1, 1), "{stdout}");
    assert_eq!(stdout.matches("is not a field").count(), 1, "{stdout}");
}

/// Only a text that means true asks for what true needs.
#[test]
fn a_boolean_in_quotes_is_what_its_author_meant() {
    for (text, faults) in [("true", 2), ("True", 2), ("false", 1), ("no", 1)] {
        let connection = format!(r#"{{"address":"a:1","tls_required":"{text}"}}"#);
        let (status, stdout, _) = check_folder(&folder(&connection), &[]);
        let found = stdout.matches("\nfault ").count();
        assert_eq!((status, found), (1, faults), "{text}: {stdout}");
    }
}

/// `package` makes a package from a folder, so what it refuses is not a package.
#[test]
fn refuses_a_folder_that_package_refuses() {
    let peer = folder(PLAIN);
    let name = format!("META-INF/{}", "x".repeat(101));
    peer.put(format!("package/{name}"), "x");
    let fault = format!(
        "{name}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it)"
    );
    let seen = user::run(&peer.path(""), &["package", "--id", "package"]);
    assert_eq!(
        (seen.status, seen.stderr),
        (1, format!("package: {fault}\n"))
    );
    let (status, stdout, _) = check_folder(&peer, &[]);
    let end =
        format!("\nfault    {fault}\nresult   the command package would refuse this folder\n");
    assert!(status == 1 && stdout.ends_with(&end), "{stdout}");
    // It is said once, whatever other faults there are.
    for (path, count) in [("index/a.json", 2), ("indexes/a.json", 3)] {
        peer.put(format!("package/META-INF/statedb/couchdb/{path}"), "x");
        let (status, stdout, _) = check_folder(&peer, &[]);
        let faults = stdout.matches("\nfault ").count();
        assert_eq!((status, faults), (1, count), "{stdout}");
        assert!(stdout.contains(&fault), "{stdout}");
    }
}
