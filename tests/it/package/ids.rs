//! The package ID depends only on the content, in every version.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fabric_ccs_builder::testing::Digest;

use super::super::peer::{INDEX, PLAIN, Peer, index};
use super::super::user;
use super::{bare, failed, files, folder, id, package, package_after, packaged};

/// Bytes that look random but are always the same (a linear congruential generator).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

pub fn sample() -> Peer {
    let peer = Peer::empty();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sample");
    let copied = Command::new("cp")
        .arg("-R")
        .args([sample, peer.path("package")])
        .status()
        .unwrap();
    assert!(copied.success());
    peer
}

/// Content of every kind, and sizes around the blocks of tar and gzip.
pub fn binary() -> Peer {
    let peer = folder();
    for size in [
        0, 1, 511, 512, 513, 65_534, 65_535, 65_536, 131_070, 200_000,
    ] {
        peer.put(format!("package/META-INF/noise/{size}"), noise(size));
    }
    peer.put("package/META-INF/empty", "");
    peer
}

/// Names whose order or encoding is easy to get wrong.
pub fn names() -> Peer {
    let peer = folder();
    let (x, y) = ("x".repeat(100), "y".repeat(60));
    for name in [
        "a-b",
        "a/b",
        "a.b",
        "a b",
        "a\\b",
        "é",
        "e\u{301}",
        "Z",
        "~",
        &x,
        &format!("{y}/{y}/z"),
    ] {
        peer.put(format!("package/META-INF/{name}"), name);
    }
    peer
}

/// The layout of Fabric's `cc_service.md`.
pub fn cc_service() -> Peer {
    let peer = bare();
    peer.put("package/metadata/statedb/couchdb/indexes/a.json", INDEX);
    peer.put("package/metadata/LICENSE", "none");
    peer
}

/// With 48,640 bytes here, the code archive has 51,200 bytes, a whole number of tar's records.
fn near_a_record(size: usize) -> Peer {
    let peer = bare();
    peer.put("package/META-INF/noise", noise(size));
    peer
}

/// A description, a function that makes the folder, and the package ID.
type Known = (&'static str, fn() -> Peer, &'static str);

/// The IDs in this table must never change: organisations approve a package by its ID, and check it
/// by making it again. tests/it/package/reference.py computes the same IDs.
pub const IDS: [Known; 7] = [
    (
        "sample",
        sample,
        "asset-transfer_1.0:bc32ca9cca0fb48bcf0276406f2152241aa3cde880bd4aaee29b01699059d3db",
    ),
    (
        "bare",
        bare,
        "basic_1.0:297b0a7c813bff9f82239cf8fb7d8131a960f6340d3ac499cf29e3cc923698ed",
    ),
    (
        "binary",
        binary,
        "basic_1.0:a37d3c668e531bfb9447702efdab0583fb60ef75b1f3df351cf9ec564b91669b",
    ),
    (
        "names",
        names,
        "basic_1.0:7ebb6568c3a26c995dfe4899fa6c0d97a6bb1eeb80ffe91091626e0435c94509",
    ),
    (
        "cc_service",
        cc_service,
        "basic_1.0:6afec2c3b2808840eee127a23ea8cbf0f0821e3c422d66c117ecda98b193c564",
    ),
    (
        "51,200 bytes of code",
        || near_a_record(48_640),
        "basic_1.0:98b7733d3588604f21c35f792a7c6b9850f4828d0873895af8649c4019baad1d",
    ),
    (
        "one byte more",
        || near_a_record(48_641),
        "basic_1.0:ab7e45487ffcc39b0c41c2bc3c5ead29a9f656002f6e74008ebaa987f86b768d",
    ),
];

#[test]
fn known_ids_never_change() {
    let known = IDS.map(|(name, _, id)| (name, id.to_owned()));
    assert_eq!(IDS.map(|(name, folder, _)| (name, id(&folder()))), known);
}

#[test]
fn the_id_is_the_labels_and_the_files_digest() {
    let peer = binary();
    let digest = Digest::of(&fs::read(packaged(&peer)).unwrap());
    assert_eq!(id(&peer), format!("basic_1.0:{digest}"));
}

#[test]
fn only_the_content_matters() {
    let known = id(&binary());
    for umask in ["umask 000", "umask 077", "umask 377"] {
        let seen = package_after(umask, &binary(), &["--id"]);
        assert_eq!(seen.stdout, format!("{known}\n"), "{umask}: {seen:?}");
    }
    let environment = "LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo HOME=/ USER=x SOURCE_DATE_EPOCH=5; export LC_ALL TZ HOME USER SOURCE_DATE_EPOCH";
    let seen = package_after(environment, &binary(), &["--id"]);
    assert_eq!(seen.stdout, format!("{known}\n"));

    let peer = binary();
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(9));
    let noise = peer.path("package/META-INF/noise/513");
    File::open(&noise).unwrap().set_times(times).unwrap();
    peer.set_mode("package/META-INF/noise/1", 0o700);
    peer.set_mode("package/connection.json", 0o444);
    fs::hard_link(&noise, peer.path("package/META-INF/link")).unwrap();
    fs::remove_file(&noise).unwrap();
    fs::rename(peer.path("package/META-INF/link"), noise).unwrap();
    fs::hard_link(peer.path("package/META-INF/empty"), peer.path("second")).unwrap();
    assert_eq!(id(&peer), known);
}

#[test]
fn the_order_of_creation_does_not_matter() {
    let create = |names: &mut dyn Iterator<Item = u32>| {
        let peer = bare();
        for name in names {
            peer.put(format!("package/META-INF/{name}/{name}"), name.to_string());
        }
        id(&peer)
    };
    assert_eq!(create(&mut (0..200)), create(&mut (0..200).rev()));
}

#[test]
fn everything_in_the_package_matters() {
    let known = id(&folder());
    let changes: [fn(&Peer); 5] = [
        |peer| {
            peer.put("package/connection.json", format!("{PLAIN}\n"));
        },
        |peer| {
            let metadata = r#"{"type":"ccaas","label":"basic_1.0"}"#;
            peer.put("package/metadata.json", format!("{metadata}\n"));
        },
        |peer| {
            peer.put(
                "package/META-INF/statedb/couchdb/indexes/b.json",
                index("b"),
            );
        },
        |peer| {
            let indexes = peer.path("package/META-INF/statedb/couchdb/indexes");
            fs::rename(indexes.join("a.json"), indexes.join("b.json")).unwrap();
        },
        |peer| {
            peer.put("package/META-INF/a", "");
        },
    ];
    for (number, change) in changes.iter().enumerate() {
        let peer = folder();
        change(&peer);
        assert_ne!(id(&peer), known, "{number}");
    }
}

#[test]
fn what_is_not_packaged_does_not_matter() {
    let peer = folder();
    peer.put("package/chaincode.go", "package main");
    peer.put_dir("package/META-INF/nothing/in/here");
    let seen = package(&peer, &["--id"]);
    assert_eq!(seen.stdout, format!("{}\n", id(&folder())));
}

#[test]
fn prints_the_id_of_a_package_that_it_has_written() {
    for (name, folder, _) in IDS {
        let peer = folder();
        let path = packaged(&peer);
        let seen = user::run(
            &peer.path("src"),
            &["package", "--id", path.to_str().unwrap()],
        );
        // A backslash in a name has a warning.
        let lines = if name == "names" { 2 } else { 1 };
        assert_eq!(
            (seen.status, seen.stderr.lines().count()),
            (0, lines),
            "{name}"
        );
        assert_eq!(seen.stdout, format!("{}\n", id(&peer)), "{name}");
    }
}

#[test]
fn writes_nothing_for_an_id() {
    let peer = folder();
    id(&peer);
    assert_eq!(files(&peer), [""; 0]);
    for option in ["--force", "--output=x"] {
        let line = "--id writes nothing; leave --output, --env and --force out; see fabric-ccs-builder package --help";
        assert_eq!(package(&peer, &["--id", option]), failed(2, line));
    }
}
