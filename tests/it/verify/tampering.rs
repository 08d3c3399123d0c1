//! What someone who can write to a peer's folder can do so that a record still fits, and what finds
//! it.

use std::fs;
use std::path::Path;

use fabric_ccs_builder::testing::Digest;

use super::super::peer::{INDEX, Peer, quoted, tls};
use super::packages::{BUILDS, PRODUCTION, install, packed, production};
use super::{digest, summary, verify};

const INDEXES: &str = "META-INF/statedb/couchdb/indexes";
const COLLECTION: &str = "META-INF/statedb/couchdb/collections/c/indexes";
const SERVER: &str = "release/chaincode/server/connection.json";

/// A connection.json with every field, as `build` writes it.
fn connection() -> String {
    format!(
        r#"{{"address":"basic.example.com:9999","domain":"basic.example.com","dial_timeout":"10s","tls_required":true,"client_auth_required":true,"root_cert":{},"client_key":{},"client_cert":{}}}"#,
        quoted(&tls("P-256.pem")),
        quoted(&tls("P-256.key")),
        quoted(&tls("P-256.pem")),
    )
}

fn package(label: &str, connection: &str) -> Vec<u8> {
    let unsound = r#"{"index":{"fields":["a",{"b":"desc"}]}}"#;
    let files = [
        ("connection.json", connection),
        (&format!("{INDEXES}/a.json"), INDEX),
        (&format!("{INDEXES}/unsound.json"), unsound),
        (&format!("{COLLECTION}/c.json"), INDEX),
        ("META-INF/README", "read me"),
    ];
    let files = files.map(|(path, content)| (path, content.as_bytes()));
    packed("ccaas", label, &files)
}

/// A build with its folders `bld` and `release`.
struct Build<'a> {
    peer: &'a Peer,
    path: String,
}

impl<'a> Build<'a> {
    /// The build of a package with this connection.json, on a peer that also keeps the package.
    fn of(peer: &'a Peer, connection: &str) -> Self {
        let path = install(peer, "basic", &package("basic", connection));
        Self { peer, path }
    }

    fn put(&self, name: &str, content: &str) {
        let path = self.peer.path(format!("{}/{name}", self.path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap_or_default(), content);
        fs::write(path, content).unwrap();
    }

    fn get(&self, name: &str) -> String {
        self.peer.get(&format!("{}/{name}", self.path))
    }

    /// An index definition, in `bld` and where it is released.
    fn put_index(&self, name: &str, content: &str) {
        self.put(&format!("bld/{name}"), content);
        let released = name.strip_prefix("META-INF/").unwrap();
        self.put(&format!("release/{released}"), content);
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.peer.path(format!("{}/{name}", self.path))).unwrap();
    }

    fn remove_index(&self, name: &str) {
        self.remove(&format!("bld/{name}"));
        let released = name.strip_prefix("META-INF/").unwrap();
        self.remove(&format!("release/{released}"));
    }

    fn connection(&self, from: &str, to: &str) {
        let before = self.get(SERVER);
        assert_eq!(before.matches(from).count(), 1);
        for name in ["bld/connection.json", SERVER] {
            self.put(name, &before.replace(from, to));
        }
    }

    fn statement(&self, from: &str, to: &str) {
        let before = self.get("bld/build.intoto.json");
        assert!(before.contains(from));
        self.put("bld/build.intoto.json", &before.replacen(from, to, 1));
    }

    /// Makes the record fit what is in `bld`.
    fn record(&self) {
        let bld = self.peer.path(&self.path).join("bld");
        let mut files = Vec::new();
        collect(&bld, "", &mut files);
        files.retain(|(path, _)| !["SHA256SUMS", "build.intoto.json"].contains(&path.as_str()));
        files.sort();
        let subject = |(path, digest): &(String, Digest)| {
            format!(
                r#"{{"name":{},"digest":{{"sha256":"{digest}"}}}}"#,
                quoted(path)
            )
        };
        let subjects: Vec<String> = files.iter().map(subject).collect();
        let statement = self.get("bld/build.intoto.json");
        let (start, rest) = statement.split_once(r#""subject":["#).unwrap();
        let (_, end) = rest.split_once(r#"],"predicateType""#).unwrap();
        let statement = format!(
            r#"{start}"subject":[{}],"predicateType"{end}"#,
            subjects.join(",")
        );
        fs::write(bld.join("build.intoto.json"), &statement).unwrap();
        files.push((
            "build.intoto.json".to_owned(),
            Digest::of(statement.as_bytes()),
        ));
        files.sort();
        let lines = files
            .iter()
            .map(|(path, digest)| format!("{digest}  {path}\n"));
        fs::write(bld.join("SHA256SUMS"), lines.collect::<String>()).unwrap();
    }
}

fn collect(dir: &Path, below: &str, files: &mut Vec<(String, Digest)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, Digest::of(&fs::read(entry.path()).unwrap())));
        }
    }
}

/// What is done to a build, and how the line that names it continues.
type Way = (&'static str, fn(&Build), &'static str);

const CHANGED: &str = "bld/connection.json: mismatch, from the package ";

/// The record is rewritten after each of them.
const WAYS: [Way; 22] = [
    (
        "the peer dials another host",
        |build| build.connection("basic.example.com:9999", "evil.example.com:9999"),
        CHANGED,
    ),
    (
        "another port",
        |build| build.connection(":9999", ":9998"),
        CHANGED,
    ),
    (
        "without TLS",
        |build| build.connection(r#""tls_required":true"#, r#""tls_required":false"#),
        CHANGED,
    ),
    (
        "without a client certificate",
        |build| {
            build.connection(
                r#""client_auth_required":true"#,
                r#""client_auth_required":false"#,
            );
        },
        CHANGED,
    ),
    (
        "for another name in the certificate",
        |build| build.connection(r#""domain":"basic."#, r#""domain":"evil."#),
        CHANGED,
    ),
    (
        "for another time",
        |build| build.connection(r#""10s""#, r#""10h""#),
        CHANGED,
    ),
    (
        "with another authority",
        |build| {
            let cert = |name| format!(r#""root_cert":{}"#, quoted(&tls(name)));
            build.connection(&cert("P-256.pem"), &cert("rsa.pem"));
        },
        CHANGED,
    ),
    (
        "with another certificate and key",
        |build| {
            let pair = |key, cert| {
                let (key, cert) = (quoted(&tls(key)), quoted(&tls(cert)));
                format!(r#""client_key":{key},"client_cert":{cert}"#)
            };
            build.connection(&pair("P-256.key", "P-256.pem"), &pair("rsa.key", "rsa.pem"));
        },
        CHANGED,
    ),
    (
        "a field that this peer does not know",
        |build| build.connection(r#"{"address""#, r#"{"x":1,"address""#),
        CHANGED,
    ),
    (
        "a space",
        |build| build.connection(r#"{"address""#, r#"{ "address""#),
        CHANGED,
    ),
    (
        "an index is changed",
        |build| {
            build.put_index(
                &format!("{INDEXES}/a.json"),
                &INDEX.replace("owner", "size"),
            );
        },
        "bld/META-INF/statedb/couchdb/indexes/a.json: mismatch, from the package ",
    ),
    (
        "removed",
        |build| build.remove_index(&format!("{COLLECTION}/c.json")),
        "bld/META-INF/statedb/couchdb/collections/c/indexes/c.json: missing, from the package ",
    ),
    (
        "added",
        |build| build.put_index(&format!("{INDEXES}/b.json"), INDEX),
        "bld/META-INF/statedb/couchdb/indexes/b.json: unexpected, found ",
    ),
    (
        "renamed",
        |build| {
            build.remove_index(&format!("{INDEXES}/a.json"));
            build.put_index(&format!("{INDEXES}/z.json"), INDEX);
        },
        "release/statedb/couchdb/indexes/z.json: unexpected, found ",
    ),
    (
        "moved to another collection",
        |build| {
            build.remove_index(&format!("{COLLECTION}/c.json"));
            build.put_index(
                &format!("{}/c.json", COLLECTION.replace("/c/", "/d/")),
                INDEX,
            );
        },
        "release/statedb/couchdb/collections/d/indexes/c.json: unexpected, found ",
    ),
    (
        "made sound, and released",
        |build| build.put_index(&format!("{INDEXES}/unsound.json"), INDEX),
        "release/statedb/couchdb/indexes/unsound.json: unexpected, found ",
    ),
    (
        "made unsound, and withdrawn",
        |build| {
            build.put(&format!("bld/{INDEXES}/a.json"), "{}");
            build.remove("release/statedb/couchdb/indexes/a.json");
        },
        "release/statedb/couchdb/indexes/a.json: missing, from the package ",
    ),
    (
        "another file of META-INF is changed",
        |build| build.put("bld/META-INF/README", "read it"),
        "bld/META-INF/README: mismatch, from the package ",
    ),
    (
        "the type is the other one",
        |build| {
            let before = build.get("bld/metadata.json");
            build.put("bld/metadata.json", &before.replace("ccaas", "external"));
        },
        "bld/metadata.json: mismatch, from the package ",
    ),
    (
        "a program is added",
        |build| build.put("bld/run", "#!/bin/sh"),
        "bld/run: unexpected, found ",
    ),
    (
        "the record says that it was made from something else",
        |build| {
            let read = Digest::of(connection().as_bytes()).to_string();
            let material = format!(r#"src/connection.json","digest":{{"sha256":"{read}"#);
            let other = material.replace(&read, &"0".repeat(64));
            build.statement(&material, &other);
        },
        "bld/build.intoto.json: mismatch, from the package ",
    ),
    (
        "the record says that something else made it",
        |build| build.statement(r#""name":"build","#, r#""name":"other","#),
        "bld/build.intoto.json: mismatch, from the package ",
    ),
];

fn installed() -> (Peer, String) {
    let peer = production();
    let path = install(&peer, "basic", &package("basic", &connection()));
    (peer, path)
}

#[test]
fn what_no_record_shows_the_package_does() {
    let plain = |peer: &Peer, path: &str| {
        // It also says what it does not prove.
        let (status, lines) = verify(peer, &[BUILDS]);
        assert!(
            lines[0].starts_with(&format!("{path}: match, ")),
            "{lines:?}"
        );
        assert_eq!((status, lines.len()), (0, 2), "{lines:?}");
    };
    let (peer, path) = installed();
    plain(&peer, &path);
    // The record is the same when it is written again.
    let before = peer.listing(&path);
    let build = Build {
        peer: &peer,
        path: path.clone(),
    };
    build.record();
    assert_eq!(peer.listing(&path), before);
    assert_eq!(verify(&peer, &[PRODUCTION]).0, 0);
    for (what, tamper, line) in WAYS {
        let (peer, path) = installed();
        let build = Build {
            peer: &peer,
            path: path.clone(),
        };
        tamper(&build);
        build.record();
        plain(&peer, &path);
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        assert_eq!(status, 1, "{what}: {lines:?}");
        let line = format!("{path}: {line}");
        assert!(
            lines.iter().any(|seen| seen.starts_with(&line)),
            "{what}: {lines:?}"
        );
    }
}

#[test]
fn a_build_of_another_package_is_found() {
    let (peer, path) = installed();
    let other = install(
        &peer,
        "other",
        &package("other", &connection().replace("9999", "9998")),
    );
    fs::remove_dir_all(peer.path(&path)).unwrap();
    fs::rename(peer.path(&other), peer.path(&path)).unwrap();
    assert_eq!(verify(&peer, &[BUILDS]).0, 0);
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    assert_eq!(status, 1);
    let names = [
        "SHA256SUMS",
        "build.intoto.json",
        "connection.json",
        "metadata.json",
    ];
    for (line, name) in lines.iter().zip(names) {
        assert!(
            line.starts_with(&format!("{path}: bld/{name}: mismatch, ")),
            "{lines:?}"
        );
    }
    assert!(lines[5].contains(": not built: "), "{lines:?}");
}

/// Without the config, whatever templates fill in may be there, and nothing else.
#[test]
fn what_is_not_a_template_is_verified_without_a_config() {
    let template = connection().replace("basic.example.com:9999", "{{.host}}:9999");
    for (from, to, is_found) in [
        ("basic.example.com:9999", "other.example.com:9999", false),
        ("basic.example.com:9999", "basic.example.com:9998", true),
        ("basic.example.com:9999", "no port", true),
        (r#""10s""#, r#""10h""#, true),
        (r#""tls_required":true"#, r#""tls_required":false"#, true),
        (r#","dial_timeout":"10s""#, "", true),
        (r#""address":"basic.example.com:9999","#, "", true),
        (r#"{"address""#, r#"{"x":1,"address""#, true),
        (r#"{"address""#, r#"{ "address""#, true),
    ] {
        let peer = production().config(r#"{"host":"basic.example.com"}"#);
        let build = Build::of(&peer, &template);
        let path = &build.path;
        build.connection(from, to);
        build.record();
        assert_eq!(verify(&peer, &[BUILDS]).0, 0, "{to}");
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        let (expected, start) = if is_found {
            (1, "mismatch: bld/connection.json: ")
        } else {
            let start = "cannot tell: it matches, but the templated fields of connection.json (address) \
                         were compared only with the record: give this peer's config with --config";
            (2, start)
        };
        assert_eq!((status, lines.len()), (expected, 2), "{to}: {lines:?}");
        assert!(
            lines[0].starts_with(&format!("{path}: {start}")),
            "{to}: {lines:?}"
        );
        // The released one is the same.
        build.put(SERVER, &template);
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        let last = &lines[lines.len() - 2];
        assert!(
            last.starts_with(&format!("{path}: {SERVER}: mismatch, ")),
            "{lines:?}"
        );
        assert_eq!(status, 1);
    }
    let peer = production().config(r#"{"host":"basic.example.com"}"#);
    let path = install(&peer, "basic", &package("basic", &template));
    fs::remove_file(peer.path(format!("{path}/bld/connection.json"))).unwrap();
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let start = format!("{path}: bld/connection.json: missing, recorded ");
    assert!(lines[0].starts_with(&start), "{lines:?}");
    assert_eq!((status, lines.len()), (1, 2), "{lines:?}");
}

/// The record is right then, whatever the config was.
#[test]
fn of_a_changed_connection_without_a_config_the_record_says_which_files_differ() {
    let template = connection().replace("basic.example.com:9999", "{{.host}}:9999");
    let peer = production().config(r#"{"host":"basic.example.com"}"#);
    let build = Build::of(&peer, &template);
    let path = &build.path;
    let old = digest(&peer.get(&format!("{path}/bld/connection.json")));
    build.connection("basic.example.com:9999", "other.example.com:9999");
    let new = digest(&peer.get(&format!("{path}/bld/connection.json")));
    let changed = ["bld/connection.json", SERVER];
    let differs = |name| format!("{path}: {name}: mismatch, recorded {old}, found {new}");
    let mut expected: Vec<_> = changed.map(differs).into();
    expected.push(summary(1, [0, 1, 0], 2));
    assert_eq!(verify(&peer, &[PRODUCTION]), (1, expected));
}

#[test]
fn a_link_as_connection_json_is_a_mismatch_without_a_record_too() {
    let template = connection().replace("basic.example.com:9999", "{{.host}}:9999");
    let peer = production().config(r#"{"host":"basic.example.com"}"#);
    let build = Build::of(&peer, &template);
    let path = &build.path;
    build.put("bld/SHA256SUMS", "x");
    build.remove("bld/connection.json");
    peer.put_link(&format!("{path}/bld/connection.json"), "/etc/hostname");
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let line = "mismatch: bld/connection.json: is a symbolic link, but only regular files and \
                directories are copied";
    assert_eq!((status, &lines[0]), (1, &format!("{path}: {line}")));
}

/// No template makes a null, which the peer takes for a field that is not there.
#[test]
fn without_a_config_a_field_that_its_template_would_have_made_is_missed() {
    let template = connection().replace("basic.example.com\"", "{{.domain}}\"");
    assert!(template.contains("{{.domain}}"));
    let peer = production().config(r#"{"domain":"basic.example.com"}"#);
    let build = Build::of(&peer, &template);
    let path = &build.path;
    build.connection(r#""domain":"basic.example.com""#, r#""domain":null"#);
    build.record();
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let line = "mismatch: bld/connection.json: domain: is not there, although the package has a \
                template for it";
    assert_eq!((status, lines.len()), (1, 2), "{lines:?}");
    assert_eq!(lines[0], format!("{path}: {line}"));
}
