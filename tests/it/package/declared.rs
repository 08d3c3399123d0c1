//! Options that replace a source folder.

use std::path::Path;

use super::super::peer::{INDEX, Peer, Seen, tls};
use super::super::user;
use super::{failed, files};

/// `package ARGS`, in the working directory.
fn package(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path("bld"), &[&["package"], args].concat())
}

/// The IDs of the packages that nix/checks/chaincode-package.nix declares.
fn ids() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/declared.package-ids");
    let ids = std::fs::read_to_string(path).unwrap();
    ids.lines().map(|line| format!("{line}\n")).collect()
}

#[test]
fn give_the_package_that_the_nix_function_makes_of_the_same_declarations() {
    let peer = Peer::empty();
    peer.put(
        "meta/statedb/couchdb/indexes/owner.json",
        "{\"ddoc\":\"ownerDoc\",\"index\":{\"fields\":[\"owner\"]},\"type\":\"json\"}\n",
    )
    .put(
        "every/statedb/couchdb/collections/private/indexes/price.json",
        "{\"index\":{\"fields\":[{\"price\":\"desc\"}]},\"type\":\"json\"}\n",
    )
    .put("ca", "{{.root_cert}}")
    .put("cert", "{{.client_cert}}")
    .put("key", "{{ .client_key }}");
    let basic = "--label=basic --address={{.peername}}-basic:9999 --meta-inf=../meta";
    let every = "--label every_1.0 --type external --address basic:9999 --dial-timeout 10s \
                 --root-cert ../ca --client-cert ../cert --client-key ../key --meta-inf ../every";
    for (args, id) in [basic, every].iter().zip(ids()) {
        let args: Vec<&str> = args.split_whitespace().collect();
        let seen = package(&peer, &[&["--id"], &args[..]].concat());
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
        assert_eq!(seen.stdout, id);
    }
    assert_eq!(files(&peer), [""; 0]);
}

#[test]
fn give_the_package_of_a_folder_with_the_same_files() {
    let peer = Peer::empty();
    let pem = tls("P-256.pem");
    peer.put("ca.pem", &pem)
        .put("META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("META-INF/note", "x");
    let args = "--label b --address b:1 --root-cert ../ca.pem --domain b.example.com -q --meta-inf";
    let mut args: Vec<&str> = args.split(' ').collect();
    args.push("../META-INF");
    let seen = package(&peer, &args);
    let warning = "package: warning: connection.json: domain: is ignored by the peer unless client_auth_required is true\n";
    assert_eq!(
        (seen.status, seen.stderr.as_str()),
        (0, warning),
        "{seen:?}"
    );
    assert_eq!(files(&peer), ["b.tar.gz"]);
    // `package` of what a peer unpacks from it.
    let script = "tar -xzf bld/b.tar.gz && tar -xzf code.tar.gz && rm code.tar.gz";
    let unpacked = user::command("cd ..", &peer.path("bld"), Path::new("sh"), &["-c", script]);
    assert!({ unpacked }.status().unwrap().success());
    let connection = serde_json::json!({
        "address": "b:1", "domain": "b.example.com", "root_cert": pem, "tls_required": true
    });
    assert_eq!(peer.get("connection.json"), format!("{connection}\n"));
    let again = user::run(
        peer.path("bld").parent().unwrap(),
        &["package", "--id", "."],
    );
    assert_eq!(again.stdout, seen.stdout, "{again:?}");
}

#[test]
fn are_checked_as_a_folder_is() {
    let peer = Peer::empty();
    peer.put("ca.pem", tls("P-256.key"))
        .put("der", b"\x30\xff")
        .put("large", " ".repeat((1 << 20) + 1))
        .put("meta/statedb/couchdb/indexes/a.json", "[]");
    for (args, line) in [
        (
            "--label=a --address=b",
            r#"connection.json: address: "b" has no port; write for example basic.example.com:9999"#,
        ),
        (
            "--label=.a --address=b:1",
            r#"metadata.json: label: ".a" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#,
        ),
        (
            "--label=a --address=b:1 --type=golang",
            r#"metadata.json: type: "golang" is for another builder; write "ccaas" or "external""#,
        ),
        (
            "--label=a --address=b:1 --root-cert=../ca.pem",
            "--root-cert: ../ca.pem holds a private key; give a file with certificates only",
        ),
        (
            "--label=a --address=b:1 --root-cert=../der",
            "../der: is not UTF-8; convert it to PEM with openssl if it is DER",
        ),
        (
            "--label=a --address=b:1 --root-cert=../large",
            "../large: has more than the 1048576 bytes allowed",
        ),
        (
            "--label=a --address=b:1 --meta-inf=../meta",
            "META-INF/statedb/couchdb/indexes/a.json: is an array; write one definition per file",
        ),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        assert_eq!(package(&peer, &args), failed(1, line));
    }
}

#[test]
fn that_do_not_fit_are_an_error() {
    let peer = Peer::empty();
    peer.put("pem", "x")
        .put("x/connection.json", "{}")
        .put_dir("y/META-INF");
    for (args, message) in [
        ("--label=a", "missing option --address"),
        ("--address=a:1", "missing option --label"),
        ("--meta-inf=..", "missing option --label"),
        (
            "--label=a --address=a:1 --client-key=../pem",
            "missing option --client-cert",
        ),
        (
            "--label=a --address=a:1 --client-cert=../pem",
            "missing option --client-key",
        ),
        (
            "--label=a --address=a:1 --client-cert=../pem --client-key=../pem",
            "missing option --root-cert",
        ),
        (
            "--label=a --address=a:1 ..",
            "DIR is a whole package; leave out either it or the options that replace it",
        ),
        (
            "--label=a --address=a:1 --lable=a",
            "invalid option '--lable' (did you mean --label?)",
        ),
        (
            "--label=a --address=a:1 --meta-inf=../x",
            "--meta-inf: ../x is a source folder; write ../x/META-INF",
        ),
        (
            "--label=a --address=a:1 --meta-inf=../y",
            "--meta-inf: ../y is a source folder; write ../y/META-INF",
        ),
        (
            "--id --env=e ..",
            "--id writes nothing; leave --output, --env and --force out",
        ),
    ] {
        let args: Vec<&str> = args.split(' ').collect();
        let line = format!("{message}; see fabric-ccs-builder package --help");
        assert_eq!(package(&peer, &args), failed(2, &line));
    }
}

#[test]
fn the_id_goes_to_the_variables_that_chaincode_servers_read() {
    let peer = Peer::empty();
    let args = ["--label=a", "--address=b:1", "--env=e", "-q"];
    let seen = package(&peer, &args);
    let id = seen.stdout.trim_end();
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    assert_eq!(
        peer.get("bld/e"),
        format!("CHAINCODE_ID={id}\nCORE_CHAINCODE_ID={id}\nCORE_CHAINCODE_ID_NAME={id}\n")
    );
    assert_eq!(peer.modes("bld"), ["a.tar.gz 644", "e 644"]);
    // The same again is fine; a file with other content stays, unless forced.
    assert_eq!(package(&peer, &args), seen);
    peer.put("bld/e", "mine");
    let line = "e: already exists and is not this environment; --force replaces it";
    assert_eq!(package(&peer, &args), failed(2, line));
    assert_eq!(peer.get("bld/e"), "mine");
    assert_eq!(package(&peer, &[&args[..], &["--force"]].concat()), seen);
    assert!(peer.get("bld/e").starts_with("CHAINCODE_ID=a:"));
}
