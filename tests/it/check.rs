use std::path::Path;
use std::process::{Command, Output};

use super::peer::{CONFIG, INDEX, PLAIN, Peer, program, quoted, tls};
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
fn the_embedded_sample_is_taken() {
    let output = check(&[]);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert_eq!(output.stderr, b"");
    for line in [
        "package  asset-transfer_1.0, type ccaas: the embedded sample",
        "detect   exit status: 0",
        "build    exit status: 0",
        "release  exit status: 0",
        "dialled  the peer would dial asset-transfer.example.com:9999 without TLS",
        "result   a peer would take this package",
    ] {
        assert!(
            stdout.lines().any(|printed| printed == line),
            "{line}: {stdout}"
        );
    }
    let published: Vec<&str> = stdout
        .lines()
        .filter(|line| line.starts_with("released "))
        .map(|line| &line[75..])
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
    let after_first_line = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .split_once('\n')
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(after_first_line(folder), after_first_line(embedded));
}

#[test]
fn a_package_with_client_auth_and_a_domain_is_taken() {
    let peer = folder(&format!(
        r#"{{"address":"{{{{.peername}}}}.example.com:9999","domain":"basic.example.com","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
        quoted(&tls("rsa.pem")),
        quoted(&tls("P-256.key")),
        quoted(&tls("P-256.pem")),
    ));
    let (status, stdout, stderr) = check_folder(&peer, &["--config", r#"{"peername":"basic"}"#]);
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    let dialled = "dialled  the peer would dial basic.example.com:9999 with TLS, from Fabric 3.0 on for the domain basic.example.com, and a client certificate\n";
    assert!(stdout.contains(dialled), "{stdout}");
    assert!(!stdout.contains("warning"), "{stdout}");
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
            "build    exit status: 1\n         build: connection.json: dial_timeout: \"10\" has no unit, write for example \"10s\"\nresult   a peer would not take this package\n"
        ),
        "{stdout}"
    );
}

#[test]
fn another_builders_package_is_not_taken() {
    let peer = folder(PLAIN);
    peer.put(
        "package/metadata.json",
        r#"{"type":"golang","label":"basic_1.0"}"#,
    );
    let (status, stdout, _) = check_folder(&peer, &[]);
    assert_eq!(status, 1);
    assert!(stdout.contains("detect   exit status: 1\n"), "{stdout}");
}

#[test]
fn what_the_peer_refuses_before_it_calls_us_is_refused() {
    for (change, line) in [
        (
            r#"{"type":"ccaas","label":"basic 1.0"}"#,
            r#"check: metadata.json: label: "basic 1.0" is refused by Fabric, begin with a letter or digit and go on with those or . + - _"#,
        ),
        (
            r#"{"type":"ccaas"}"#,
            r#"check: metadata.json: label: is missing, write for example "label": "basic_1.0""#,
        ),
    ] {
        let peer = folder(PLAIN);
        peer.put("package/metadata.json", change);
        assert_eq!(
            check_folder(&peer, &[]),
            (1, String::new(), format!("{line}\n"))
        );
    }
    let peer = folder(PLAIN);
    peer.put_link("package/META-INF/link", "statedb");
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    let line =
        "build: META-INF/link: is a symbolic link, only regular files and directories are copied\n";
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
        .put("package/README.md", "x");
    let misplaced = "         build: warning: indexes: is not looked at, index definitions belong in META-INF/statedb/couchdb/indexes\n";
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    let only = "is not packaged, only metadata.json, connection.json and META-INF are";
    assert_eq!(
        (status, stderr),
        (0, format!("check: warning: README.md: {only}\n")),
        "{stdout}"
    );
    assert!(stdout.contains(misplaced), "{stdout}");
}

#[test]
fn says_when_it_cannot_tell() {
    let output = check(&["/nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        output.stderr,
        b"check: cannot open /nowhere: No such file or directory (os error 2)\n"
    );

    let output = check(&["--nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        output.stderr,
        b"check: invalid option '--nonsense', see fabric-ccs-builder check --help\n"
    );

    let peer = folder(PLAIN);
    std::fs::remove_file(peer.path("package/connection.json")).unwrap();
    let (status, stdout, stderr) = check_folder(&peer, &[]);
    assert_eq!((status, stderr.as_str()), (1, ""), "{stdout}");
    assert!(
        stdout.contains("\n         build: connection.json not found\n"),
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
fn says_that_it_checks_the_sample_and_not_the_folder_around_it() {
    let peer = folder(r#"{"address":"a"}"#);
    let seen = user::run(&peer.path("package"), &["check"]);
    let line = "check: warning: metadata.json: is not looked at, for this folder write: fabric-ccs-builder check .\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (0, line));
    let seen = user::run(&peer.path("package"), &["check", "."]);
    assert_eq!((seen.status, seen.stderr.as_str()), (1, ""));
}

#[test]
fn cannot_tell_where_too_much_is_left_of_other_runs() {
    let peer = Peer::empty();
    let setup = "export TMPDIR=.; for number in $(seq 0 99); do mkdir fabric-check-$$-$number; done; echo $$";
    let seen = user::run_after(setup, &peer.path("bld"), &["check"]);
    let process = seen.stdout.trim();
    let place = peer.path("bld").canonicalize().unwrap();
    let line = format!(
        "check: cannot create fabric-check-{process}-0 to -99 in {}: all exist\n",
        place.display()
    );
    assert_eq!((seen.status, seen.stderr), (2, line));
}

#[test]
fn names_the_variable_of_a_folder_that_is_missing() {
    let peer = Peer::empty();
    let seen = user::run_after("export TMPDIR=no", &peer.path(""), &["check"]);
    let line = "check: TMPDIR: cannot open no: No such file or directory (os error 2)\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
}

#[test]
fn an_empty_tmpdir_is_none() {
    let peer = Peer::empty();
    let seen = user::run_after("export TMPDIR=''", &peer.path("bld"), &["check"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    peer.has_nothing_in("bld");
}

#[test]
fn a_full_disk_is_no_refusal() {
    let peer = folder(PLAIN);
    peer.put("package/META-INF/large", vec![b'x'; 100_000])
        .put_dir("temporary");
    let setup = format!("{}; export TMPDIR=temporary", user::FULL_DISK);
    let seen = user::run_after(&setup, &peer.path(""), &["check", "package"]);
    assert_eq!(seen.status, 2, "{seen:?}");
    assert!(
        seen.stderr.starts_with("check: cannot write ")
            && seen.stderr.ends_with(": File too large (os error 27)\n"),
        "{seen:?}"
    );
    assert!(!seen.stdout.contains("result"), "{seen:?}");
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
