use super::peer::{Peer, Seen, tls};
use super::user;

/// Runs `init` with `args` in a folder that also contains PEM files.
fn init(peer: &Peer, args: &[&str]) -> Seen {
    for name in ["P-256.pem", "P-256.key", "other.P-256.key"] {
        peer.put(format!("bld/{name}"), tls(name));
    }
    let args = [&["init"], args].concat();
    user::run_after("umask 077", &peer.path("bld"), &args)
}

fn check(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path("bld"), &[&["check"], args].concat())
}

#[test]
fn what_it_writes_is_accepted() {
    let peer = Peer::empty();
    let seen = init(&peer, &["a/basic"]);
    let wrote = "wrote    a/basic/metadata.json\nwrote    a/basic/connection.json\nwrote    a/basic/META-INF/statedb/couchdb/indexes/indexOwner.json\nnext     write the chaincode server's address in a/basic/connection.json, edit or delete the index definitions, then run fabric-ccs-builder check a/basic\n";
    assert_eq!(
        (seen.status, seen.stdout.as_str(), seen.stderr.as_str()),
        (0, wrote, "")
    );
    assert_eq!(
        peer.get("bld/a/basic/metadata.json"),
        "{\n  \"type\": \"ccaas\",\n  \"label\": \"basic_1.0\"\n}\n"
    );
    assert_eq!(
        peer.get("bld/a/basic/connection.json"),
        "{\n  \"address\": \"basic.example.com:9999\",\n  \"dial_timeout\": \"10s\",\n  \"tls_required\": false\n}\n"
    );
    let seen = check(&peer, &["a/basic"]);
    assert!(
        seen.status == 0 && !seen.stdout.contains("warning"),
        "{seen:?}"
    );
}

#[test]
fn options_go_where_they_belong() {
    let peer = Peer::empty();
    let address = ["--address", "{{.peername}}_basic:9999"];
    let others = "--label other_2 --type External --domain basic.example.com --dial-timeout 5s";
    let others: Vec<_> = others.split(' ').collect();
    let collections = ["--collections", "one", "--collections", "two"];
    let tls = [
        "--root-cert",
        "P-256.pem",
        "--client-cert",
        "P-256.pem",
        "--client-key",
        "P-256.key",
    ];
    let seen = init(
        &peer,
        &[&address[..], &others, &collections, &tls, &["x"]].concat(),
    );
    let next = "\nnext     edit or delete the index definitions, then run fabric-ccs-builder check --config '{\"peername\": \"...\"}' x\n";
    assert!(seen.status == 0 && seen.stdout.ends_with(next), "{seen:?}");
    let seen = check(&peer, &["--config", r#"{"peername":"p"}"#, "x"]);
    assert_eq!(seen.status, 0, "{seen:?}");
    for line in [
        "package  other_2, type External: x\n",
        "released statedb/couchdb/collections/one/indexes/indexAppraisedValue.json\n",
        "released statedb/couchdb/collections/two/indexes/indexAppraisedValue.json\n",
        "released statedb/couchdb/indexes/indexOwner.json\n",
        "the peer would dial p_basic:9999 with TLS, from Fabric 3.0 on for the domain basic.example.com, and a client certificate\n",
    ] {
        assert!(seen.stdout.contains(line), "{line}: {seen:?}");
    }
    let connection = peer.get("bld/x/connection.json");
    assert!(
        connection.contains("\n  \"dial_timeout\": \"5s\",\n"),
        "{connection}"
    );
    // Nobody else may read the private key.
    let modes = peer.modes("bld/x");
    assert!(
        modes.contains(&"connection.json 600".to_owned()),
        "{modes:?}"
    );
    assert!(modes.contains(&"metadata.json 644".to_owned()), "{modes:?}");

    let others = [
        "--type",
        "external",
        "--domain",
        "server",
        "--dial-timeout",
        "5s",
    ];
    let seen = init(&peer, &[&others[..], &tls, &["w"]].concat());
    assert_eq!(seen.status, 0, "{seen:?}");
    let written = peer.get("bld/w/connection.json");
    for member in ["\"domain\": \"server\"", "\"dial_timeout\": \"5s\""] {
        assert!(written.contains(member), "{written}");
    }
    assert!(
        check(&peer, &["w"])
            .stdout
            .contains("_1.0, type external: w\n")
    );

    assert_eq!(init(&peer, &["--tls", "y"]).status, 0);
    let needs = "templates need values; write --config '{\"root_cert\": {\"file\": \"...\"}}'";
    assert!(check(&peer, &["y"]).stdout.contains(needs));
    assert_eq!(
        init(&peer, &["--tls", "--root-cert", "P-256.pem", "z"]).status,
        0
    );
    assert!(
        check(&peer, &["z"])
            .stdout
            .contains("the peer would dial basic.example.com:9999 with TLS\n")
    );
}

#[test]
fn a_collection_that_is_named_twice_is_one() {
    let peer = Peer::empty();
    let seen = init(&peer, &["--collections", "a", "--collections", "a", "x"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
    let paths = seen.stdout.matches("/collections/a/indexes/").count();
    assert_eq!((paths, check(&peer, &["x"]).status), (1, 0));
}

#[test]
fn overwrites_nothing() {
    for name in [
        "metadata.json",
        "connection.json",
        "META-INF/statedb/couchdb/indexes/indexOwner.json",
    ] {
        let peer = Peer::empty();
        peer.put(format!("bld/x/{name}"), "mine");
        let before = peer.modes("bld/x");
        let seen = init(&peer, &["x"]);
        let line = format!("init: x/{name}: already exists and is left alone\n");
        assert_eq!((seen.status, seen.stderr), (2, line));
        assert_eq!(
            (peer.get(&format!("bld/x/{name}")), peer.modes("bld/x")),
            ("mine".into(), before)
        );
    }
    let peer = Peer::empty();
    peer.put("bld/x/README.md", "mine")
        .put_link("bld/y/connection.json", "nowhere");
    assert_eq!(init(&peer, &["x"]).status, 0);
    assert_eq!(init(&peer, &["y"]).status, 2);
    peer.put("bld/META-INF", "a file");
    let seen = init(&peer, &["--label", "a", "."]);
    let line =
        "init: cannot create ./META-INF/statedb/couchdb/indexes: Not a directory (os error 20)\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
    assert!(!peer.names("bld").contains(&"metadata.json".to_owned()));
}

#[test]
fn what_it_refuses_is_not_written() {
    let example = "see fabric-ccs-builder init --help";
    for (args, status, line) in [
        (&["--root-cert", "P-256.key", "x"][..], 1, "--root-cert: P-256.key holds a private key; give a file with certificates only".to_owned()),
        (&["--root-cert", "both", "x"], 1, "--root-cert: both holds a private key; give a file with certificates only".into()),
        (&["--type", "golang", "x"], 1, r#"--type: metadata.json: type: "golang" is for another builder; write "ccaas" or "external""#.into()),
        (&["--client-cert", "P-256.pem", "--client-key", "other.P-256.key", "x"], 1, "connection.json: client_key: does not belong to client_cert, whose public key is different".into()),
        (&["--root-cert", "der", "x"], 1, "der: is not UTF-8; convert it to PEM with openssl if it is DER".into()),
        (&["--root-cert", "none", "x"], 2, "cannot read none: No such file or directory (os error 2)".into()),
        (&["--root-cert", ".", "x"], 2, format!("--root-cert: . is a folder; give a file; {example}")),
        (&["--client-cert", "P-256.pem", "x"], 2, format!("--client-cert and --client-key belong together; give both; {example}")),
        (&["--collections", "a.b", "x"], 1, "--collections: \"a.b\" is not a collection name; use letters, digits, _ and -".into()),
        (&["--collections", "", "x"], 1, "--collections: \"\" is not a collection name; use letters, digits, _ and -".into()),
        (&["--address", "basic", "x"], 1, "connection.json: address: \"basic\" has no port; write for example basic.example.com:9999".into()),
        (&["a b"], 1, "--label: metadata.json: label: \"a b_1.0\" is refused by Fabric; begin with a letter or digit and continue with those or . + - _".into()),
        (&["--type", "go", "x"], 1, "--type: metadata.json: type: \"go\" is for another builder; write \"ccaas\" or \"external\"".into()),
        (&[], 2, format!("missing argument DIR; {example}")),
        (&["x", "y"], 2, format!("unexpected argument \"y\"; {example}")),
    ] {
        let peer = Peer::empty();
        peer.put("bld/der", b"\x30\x82\x01");
        peer.put("bld/both", tls("P-256.pem") + &tls("P-256.key"));
        let seen = init(&peer, args);
        assert_eq!((seen.status, seen.stdout.as_str(), seen.stderr), (status, "", format!("init: {line}\n")));
        assert_eq!(peer.names("bld"), ["P-256.key", "P-256.pem", "both", "der", "other.P-256.key"]);
    }
}
