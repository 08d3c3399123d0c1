//! Builds verified from the packages that a peer keeps.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use fabric_ccs_builder::testing::Digest;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use proptest::collection::btree_map;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::package::ids;
use super::super::peer::{INDEX, PLAIN, Peer, Seen, index};
use super::super::properties::cases;
use super::super::user;
use super::{FROM_PACKAGE, copy, run, summary, text_of, verify};

/// A peer's file system path in the folder of a test.
pub const PRODUCTION: &str = "production";
pub const BUILDS: &str = "production/externalbuilder/builds";
pub const PACKAGES: &str = "production/lifecycle/chaincodes";
/// A template that needs a config.
pub const TEMPLATE: &str =
    r#"{"address":"{{.peername}}.example.com:9999","dial_timeout":"10s","tls_required":false}"#;

/// A peer that has installed nothing.
pub fn production() -> Peer {
    let peer = Peer::empty();
    peer.put_dir(BUILDS).put_dir(PACKAGES);
    peer
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// A package with this metadata.json and these files in its code.tar.gz, in this order.
pub fn packed(package_type: &str, label: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let metadata = format!(r#"{{"path":"","type":"{package_type}","label":"{label}"}}"#);
    archive(&[
        ("metadata.json", metadata.as_bytes()),
        ("code.tar.gz", &archive(files)),
    ])
}

/// A package with a connection.json alone.
pub fn plain(label: &str, connection: &str) -> Vec<u8> {
    packed(
        "ccaas",
        label,
        &[("connection.json", connection.as_bytes())],
    )
}

fn unpack(archive: &[u8], target: &Path) {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(archive));
    archive.unpack(target).unwrap();
}

/// The name of a build's folder, and the path of the package's file.
pub fn names_of(peer: &Peer, package: &[u8], label: &str) -> (String, std::path::PathBuf) {
    let digest = Digest::of(package);
    let file = peer.path(format!("{PACKAGES}/{label}.{digest}.tar.gz"));
    (format!("{BUILDS}/{label}-{digest}"), file)
}

/// Keeps a package as a peer does at install.
pub fn keep(peer: &Peer, label: &str, package: &[u8]) {
    let (_, file) = names_of(peer, package, label);
    fs::write(file, package).unwrap();
}

/// Runs the programs on a package as a peer does, and returns the status of `build`.
fn build(peer: &Peer, package: &[u8]) -> Seen {
    for dir in ["src", "metadata", "bld", "release", "outer"] {
        fs::create_dir_all(peer.path(dir)).unwrap();
        peer.clear(dir);
    }
    unpack(package, &peer.path("outer"));
    unpack(
        &fs::read(peer.path("outer/code.tar.gz")).unwrap(),
        &peer.path("src"),
    );
    let metadata = peer.get("outer/metadata.json");
    peer.put("metadata/metadata.json", metadata);
    peer.build()
}

/// Installs a package as a peer does, and returns the path of the build.
#[track_caller]
pub fn install(peer: &Peer, label: &str, package: &[u8]) -> String {
    let built = build(peer, package);
    assert_eq!(built.status, 0, "{built:?}");
    let released = peer.release();
    assert_eq!(released.status, 0, "{released:?}");
    keep(peer, label, package);
    let (path, _) = names_of(peer, package, label);
    peer.put_dir(&path);
    for name in ["bld", "release"] {
        fs::rename(peer.path(name), peer.path(&path).join(name)).unwrap();
    }
    let info = r#"{"builder_name":"ccaas_builder"}"#;
    peer.put(format!("{path}/build-info.json"), info);
    path
}

pub fn id(label: &str, package: &[u8]) -> String {
    format!("{label}:{}", Digest::of(package))
}

/// The line of a build that matches its package, with this in the middle.
fn matches(peer: &Peer, build: &str, artifacts: usize) -> String {
    let sums = fs::read(peer.path(format!("{build}/bld/SHA256SUMS"))).unwrap();
    let s = if artifacts == 1 { "" } else { "s" };
    let digest = Digest::of(&sums);
    format!("{build}{FROM_PACKAGE}, {artifacts} artifact{s}, SHA256SUMS sha256:{digest}")
}

#[test]
fn every_known_package_is_made_again_from_its_file() {
    for (name, folder, id) in ids::IDS {
        let folder = folder();
        let made = user::run(&folder.path("bld"), &["package", "-o", "p", "../package"]);
        assert_eq!(made.status, 0, "{made:?}");
        let (label, _) = id.split_once(':').unwrap();
        let package = fs::read(folder.path("bld/p")).unwrap();
        is_made_again(name, label, &package);
    }
}

/// Asserts that what `build` and `release` make of the unpacked package is what is computed from
/// its file.
#[track_caller]
pub fn is_made_again(name: &str, label: &str, package: &[u8]) {
    let peer = production();
    install(&peer, label, package);
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    assert!(lines[0].contains(FROM_PACKAGE), "{name}: {lines:?}");
    assert_eq!((status, lines.len()), (0, 2), "{name}: {lines:?}");
}

/// What is exactly within a limit is made again, and what is beyond it by one is refused, as `build`
/// refuses it.
#[test]
fn the_limits_of_a_package_file_are_those_of_its_folder() {
    let padded = |size| {
        let mut content = PLAIN.as_bytes().to_vec();
        content.resize(size, b' ');
        content
    };
    let nested = |depth| format!("META-INF/{}file", "d/".repeat(depth));
    let folder = format!("META-INF/{}", format!("{}/", "x".repeat(255)).repeat(7));
    // More than 16 MiB of paths in all.
    let long = (0..8300).map(|number| format!("{folder}{number:0239}"));
    for (size, paths, is_within) in [
        (1 << 20, vec![], true),
        ((1 << 20) + 1, vec![], false),
        (PLAIN.len(), vec![nested(64)], true),
        (PLAIN.len(), vec![nested(65)], false),
        (PLAIN.len(), long.collect(), false),
    ] {
        let connection = padded(size);
        let mut files = vec![("connection.json", connection.as_slice())];
        files.extend(paths.iter().map(|path| (path.as_str(), &b""[..])));
        let package = packed("ccaas", "basic", &files);
        if is_within {
            is_made_again("limits", "basic", &package);
            continue;
        }
        let peer = production();
        let built = build(&peer, &package);
        let (_, fault) = built.stderr.trim_end().rsplit_once(": ").unwrap();
        assert_eq!(built.status, 1, "{built:?}");
        keep(&peer, "basic", &package);
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        assert!(lines[0].ends_with(fault), "{lines:?} {built:?}");
        assert_eq!(status, 2, "{lines:?}");
    }
}

#[test]
fn a_build_is_verified_from_the_package_wherever_both_are() {
    let peer = production();
    let index = INDEX.as_bytes();
    let package = packed(
        "External",
        "a-b_1.0",
        &[
            ("./META-INF/statedb/couchdb/indexes/a.json", index),
            ("META-INF/statedb/couchdb/indexes/.DS_Store", b"x"),
            ("src/main.go", b"x"),
            ("./connection.json", PLAIN.as_bytes()),
        ],
    );
    let build = install(&peer, "a-b_1.0", &package);
    // The system's own file is left out.
    let line = matches(&peer, &build, 3);
    let counted =
        "result   1 build: 1 match (1 from the package), 0 mismatch, 0 cannot tell; 0 differences";
    let expected = (0, vec![line, counted.to_owned()]);
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);
    // Whatever its name is.
    let (_, file) = names_of(&peer, &package, "a-b_1.0");
    for name in [
        file.file_name().unwrap().to_str().unwrap(),
        "x.tgz",
        "x.tar.gz",
    ] {
        peer.put("elsewhere/other.tar.gz", "x")
            .put("elsewhere/folder.tar.gz/x", "x")
            .put("elsewhere/readme", "x");
        peer.put(format!("elsewhere/{name}"), &package);
        for path in [BUILDS, &build] {
            let seen = verify(&peer, &["--packages", "elsewhere", path]);
            assert_eq!(seen, expected, "{name} {path}");
        }
        peer.clear("elsewhere");
    }
}

#[test]
fn what_templates_fill_in_is_verified_with_a_config_alone() {
    let peer = production().config(r#"{"peername":"org1"}"#);
    let package = plain("basic_1.0", TEMPLATE);
    let build = install(&peer, "basic_1.0", &package);
    let reason = "it matches, but the templated fields of connection.json (address) were compared only with the record: give this peer's config with --config";
    let line = format!("{build}: cannot tell: {reason}");
    let expected = (2, vec![line, summary(1, [0, 0, 1], 0)]);
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);
    assert_eq!(verify(&peer, &["--quiet", PRODUCTION]), expected);
    assert_eq!(run(&peer, &["--metrics", "m", PRODUCTION]).status, 2);
    let metrics = peer.get("m");
    for count in [
        "builds{result=\"match_package\"} 0\n",
        "builds{result=\"match_record\"} 0\n",
        "verify_cannot_tell 1\n",
    ] {
        assert!(metrics.contains(count), "{metrics}");
    }
    let line = matches(&peer, &build, 2);
    let config = ["--config", r#"{"peername":"org1"}"#, PRODUCTION];
    assert_eq!(verify(&peer, &config).1[0], line);
    peer.put("config", r#"{"peername":"org1"}"#);
    let config = ["--config", "@config", PRODUCTION];
    assert_eq!(verify(&peer, &config).1[0], line);
    let environment = r#"export CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG='{"peername":"org1"}'"#;
    let seen = user::run_after(environment, &peer.path(""), &["verify", PRODUCTION]);
    assert_eq!(seen.stdout.lines().next().unwrap(), line);

    let seen = run(&peer, &["--config", r#"{"peername":"org2"}"#, PRODUCTION]);
    let lines: Vec<_> = seen.stdout.lines().collect();
    assert_eq!((seen.status, lines.len()), (1, 6), "{lines:?}");
    for (line, path) in lines.iter().zip([
        "bld/SHA256SUMS",
        "bld/build.intoto.json",
        "bld/connection.json",
        "release/chaincode/server/connection.json",
    ]) {
        let start = format!("{build}: {path}: mismatch, from the package ");
        assert!(line.starts_with(&start), "{line}");
    }
    // A wrong config is not a difference.
    for config in ["[]", "x"] {
        let seen = run(&peer, &["--config", config, PRODUCTION]);
        assert_eq!((seen.status, seen.stdout.as_str()), (2, ""), "{seen:?}");
    }
}

#[test]
fn a_config_that_lacks_a_key_of_one_package() {
    let peer = production().config(r#"{"peername":"org1","other":"x"}"#);
    for number in 0..4 {
        install(
            &peer,
            &format!("p{number}"),
            &plain(&format!("p{number}"), TEMPLATE),
        );
    }
    let other = TEMPLATE.replace("peername", "other");
    let build = install(&peer, "p4", &plain("p4", &other));
    let (status, lines) = verify(&peer, &["--config", r#"{"peername":"org1"}"#, PRODUCTION]);
    assert_eq!((status, lines.len()), (2, 6), "{lines:?}");
    assert!(lines[..4].iter().all(|line| line.contains(FROM_PACKAGE)));
    let reason = r#"connection.json: address: {{.other}}: no key "other" in the config, which has "peername""#;
    assert_eq!(lines[4], format!("{build}: cannot tell: {reason}"));
}

#[test]
fn other_builders_are_recognised_by_the_type_of_their_package() {
    let peer = production();
    let ours = plain("ours", PLAIN);
    install(&peer, "ours", &ours);
    let theirs = packed("golang", "theirs", &[("src/main.go", b"package main")]);
    let (build, _) = names_of(&peer, &theirs, "theirs");
    keep(&peer, "theirs", &theirs);
    peer.put(format!("{build}/bld/chaincode"), "x")
        .put(format!("{build}/build-info.json"), "{}");
    // Docker builds these.
    keep(
        &peer,
        "docker",
        &packed("node", "docker", &[("src/index.js", b"x")]),
    );
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    assert_eq!(status, 0, "{lines:?}");
    let line = format!("{build}: other builder: its package has the type \"golang\"");
    assert_eq!(lines[1], line);
    let counted = "result   2 builds: 1 match (1 from the package), 0 mismatch, 0 cannot tell, 1 other builder; 0 differences";
    assert_eq!(lines[2..], [counted]);
}

#[test]
fn a_removed_record_cannot_hide() {
    let peer = production();
    let build = install(&peer, "basic", &plain("basic", PLAIN));
    for name in ["SHA256SUMS", "build.intoto.json"] {
        fs::remove_file(peer.path(format!("{build}/bld/{name}"))).unwrap();
    }
    // Whatever else was done to it.
    peer.put(
        format!("{build}/release/chaincode/server/connection.json"),
        "{}",
    );
    assert_eq!(verify(&peer, &[BUILDS]).0, 2);
    let line = format!(
        "{build}: unrecorded build: another builder made it, or the record was removed: rebuild --dry-run says what would change, and rebuild gives it one; keep a copy first if you want to find out who changed it"
    );
    let counted =
        "result   1 build: 0 match, 0 mismatch, 0 cannot tell, 1 unrecorded; 1 difference";
    let expected = (1, vec![line, counted.to_owned()]);
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);
}

#[test]
fn a_package_without_a_build_is_named() {
    let peer = production();
    let package = plain("basic", PLAIN);
    keep(&peer, "basic", &package);
    keep(
        &peer,
        "docker",
        &packed("node", "docker", &[("src/index.js", b"x")]),
    );
    let (_, file) = names_of(&peer, &package, "basic");
    let file = file
        .strip_prefix(peer.path(""))
        .unwrap()
        .display()
        .to_string();
    let line = format!("{file}: not built: rebuild makes it, or the peer at its next start");
    let expected = (0, vec![line.clone(), summary(0, [0, 0, 0], 0)]);
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);
    // A peer that has built nothing yet.
    fs::remove_dir_all(peer.path("production/externalbuilder")).unwrap();
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);
    let seen = verify(&peer, &["--package-id", &id("basic", &package), PRODUCTION]);
    let missing = format!(
        "{}: missing: is installed but has no build; run rebuild or restart the peer",
        id("basic", &package)
    );
    assert_eq!(seen.1[..2], [line, missing]);
    let counted = summary(0, [0, 0, 0], 1).replace(';', ", 1 unlisted;");
    assert_eq!(seen.1[3], counted);
    assert_eq!((seen.0, seen.1.len()), (1, 4), "{seen:?}");
}

#[test]
fn a_build_that_is_being_copied() {
    let peer = production();
    let build = install(&peer, "basic", &plain("basic", PLAIN));
    copy(&peer, &build, "whole");
    let partly = |names: &[&str]| {
        peer.clear(&build);
        for name in names {
            let (folder, _) = name.rsplit_once('/').unwrap_or_default();
            peer.put_dir(&format!("{build}/{folder}"));
            copy(&peer, &format!("whole/{name}"), &format!("{build}/{name}"));
        }
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        assert_eq!(lines.last().unwrap(), &summary(1, [0, 0, 1], 0));
        assert_eq!((status, lines.len()), (2, 2), "{lines:?}");
        lines[0].clone()
    };
    let no_bld = format!(
        "{build}: cannot tell: there is no folder bld: the peer is still copying it, or could not; if it could not, run rebuild, after installing the package again if it is no longer there"
    );
    assert_eq!(partly(&[]), no_bld);
    assert_eq!(partly(&["build-info.json", "release"]), no_bld);
    // In the order in which a peer copies them.
    peer.put("whole/bld/META-INF/a", "x");
    assert_eq!(
        partly(&["build-info.json", "release", "bld/META-INF"]),
        format!(
            "{build}: cannot tell: bld has neither a record nor a connection.json: the peer is still \
             copying it, or could not; if it could not, run rebuild"
        )
    );
}

#[test]
fn a_package_that_is_not_the_one_in_its_name() {
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    let shown = file
        .strip_prefix(peer.path(""))
        .unwrap()
        .display()
        .to_string();
    let last = package.len() - 1;
    let mut flipped = package.clone();
    flipped[last / 2] ^= 1;
    let other = plain("basic", &PLAIN.replace("9999", "9998"));
    for (number, content) in [&package[..last], &flipped, &other, b"", b"PK\x03\x04"]
        .into_iter()
        .enumerate()
    {
        fs::write(&file, content).unwrap();
        let reason = format!(
            "mismatch: {shown}: has the SHA-256 {}, not the one in its name; put the original back and \
             find out who changed it",
            Digest::of(content)
        );
        let expected = (
            1,
            vec![format!("{build}: {reason}"), summary(1, [0, 1, 0], 1)],
        );
        assert_eq!(verify(&peer, &[PRODUCTION]), expected, "{number}");
    }
    // Without a build it is the package that differs.
    fs::remove_dir_all(peer.path(&build)).unwrap();
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    assert!(
        lines[0].starts_with(&format!("{shown}: mismatch: has the SHA-256 ")),
        "{lines:?}"
    );
    assert_eq!(status, 1);
    // The hash is right, and the label is not.
    fs::remove_file(&file).unwrap();
    let build = install(&peer, "basic", &package);
    let evil = peer.path(build.replace("basic-", "evil-"));
    fs::rename(peer.path(&build), &evil).unwrap();
    fs::rename(&file, names_of(&peer, &package, "evil").1).unwrap();
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let reason = r#"has the label "basic", not the one in its name; put the original back"#;
    assert!(lines[0].contains(reason), "{lines:?}");
    assert_eq!(status, 1);
    // There is no label.
    let peer = production();
    install(&peer, "evil", &plain("", PLAIN));
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let reason = "has no label that a peer accepts, but one in its name; put the original back";
    assert!(lines[0].contains(reason), "{lines:?}");
    assert_eq!(status, 1);
}

/// Packages for which this program cannot say what is made from them. Their builds are compared with
/// the record.
#[test]
fn unusable_packages() {
    let whole = plain("basic", PLAIN);
    let connection = ("connection.json", PLAIN.as_bytes());
    let truncated = whole[..whole.len() - 9].to_owned();
    let twice = [connection, ("META-INF/a", b"long"), ("./META-INF//a", b"x")];
    let twice = packed("ccaas", "basic", &twice);
    let again = [connection, ("connection.json", PLAIN.as_bytes())];
    let again = packed("ccaas", "basic", &again);
    let large = "x".repeat((1 << 20) + 1);
    for (package, reason) in [
        (truncated, "the archive ends too early; copy it again"),
        (
            twice,
            "META-INF/a: occurs twice in the archive, and what a peer would unpack is not computed",
        ),
        (
            again,
            "connection.json: occurs twice in the archive, and what a peer would unpack is not computed",
        ),
        (
            packed("ccaas", "basic", &[("a", b"x")]),
            "connection.json not found",
        ),
        (
            packed("ccaas", "basic", &[("connection.json/a", b"x")]),
            "connection.json: is a directory, not a regular file",
        ),
        (
            packed("ccaas", "basic", &[("connection.json", large.as_bytes())]),
            "connection.json: has 1048577 bytes, more than the 1048576 allowed",
        ),
        (
            packed("ccaas", "basic", &[connection, ("META-INF", b"x")]),
            "META-INF: is a file, not a directory",
        ),
        (
            packed("ccaas", "basic", &[connection, ("META-INF/a\u{1}", b"x")]),
            "META-INF/a\\u{1}: its name contains a control or invisible character; rename it",
        ),
        (
            packed(
                "ccaas",
                "basic",
                &[
                    connection,
                    (&format!("META-INF/{}x", "a/".repeat(66)), b"x"),
                ],
            ),
            "/a: directories nested more than 64 deep",
        ),
        (
            packed("ccaas", "basic", &[connection, ("a", b""), ("a/b", b"")]),
            "code.tar.gz: a/b: one of its folders is also a file; rename one",
        ),
        (
            plain("basic", "{}"),
            "connection.json: address: is missing or null",
        ),
    ] {
        let peer = production();
        let build = install(&peer, "basic", &whole);
        let (place, _) = names_of(&peer, &package, "basic");
        fs::rename(peer.path(&build), peer.path(&place)).unwrap();
        fs::remove_file(names_of(&peer, &whole, "basic").1).unwrap();
        keep(&peer, "basic", &package);
        let (status, lines) = verify(&peer, &[PRODUCTION]);
        let start = format!("{place}: cannot tell: {PACKAGES}/basic.");
        assert!(lines[0].contains(reason), "{reason}: {lines:?}");
        assert!(
            lines[0].starts_with(&start) || lines[0].contains("cannot tell: connection.json: "),
            "{lines:?}"
        );
        assert_eq!((status, lines.len()), (2, 2), "{reason}: {lines:?}");
        // A difference is still found.
        peer.put(format!("{place}/bld/added"), "x");
        assert_eq!(verify(&peer, &[PRODUCTION]).0, 1);
    }
}

#[test]
fn packages_that_are_missing_unreadable_or_among_other_files() {
    let peer = production();
    let build = install(&peer, "basic", &plain("basic", PLAIN));
    let expected = verify(&peer, &[PRODUCTION]);
    peer.put(format!("{PACKAGES}/README"), "x")
        .put(format!("{PACKAGES}/.tmp/basic.tar.gz"), "x")
        .put_link(&format!("{PACKAGES}/link"), "README");
    assert_eq!(verify(&peer, &[PRODUCTION]), expected);

    let peer = peer.run_by_nobody();
    let as_nobody = |path| user::run_by_nobody(&peer.path(""), &["verify", path]);
    let told = |seen: &Seen, line: &str| {
        assert_eq!((seen.status, seen.stderr.as_str()), (2, line), "{seen:?}");
        assert!(
            seen.stdout
                .starts_with(&format!("{build}: cannot tell: {NO_FOLDER}\n")),
            "{seen:?}"
        );
        let last = summary(1, [0, 0, 2], 0);
        assert_eq!(seen.stdout.lines().last().unwrap(), last);
    };
    peer.set_mode(PACKAGES, 0);
    let denied = format!(
        "verify: cannot open {PACKAGES}: Permission denied (os error 13); run this as the folder's owner or as root\n"
    );
    told(&as_nobody(PRODUCTION), &denied);
    peer.set_mode(PACKAGES, 0o755);
    let (_, file) = names_of(&peer, &plain("basic", PLAIN), "basic");
    let name = file.strip_prefix(peer.path("")).unwrap().to_str().unwrap();
    peer.set_mode(name, 0);
    let seen = as_nobody(PRODUCTION);
    let line = format!(
        "{build}: cannot tell: cannot read {name}: Permission denied (os error 13); run this as the folder's owner or as root"
    );
    assert_eq!(seen.stdout.lines().next().unwrap(), line);
    assert_eq!((seen.status, seen.stderr.as_str()), (2, ""));
    peer.set_mode(name, 0o644);
    fs::remove_dir_all(peer.path(PACKAGES)).unwrap();
    let missing =
        format!("verify: cannot open {PACKAGES}: No such file or directory (os error 2)\n");
    told(&as_nobody(PRODUCTION), &missing);
    // A FIFO is not waited for.
    peer.put_dir(PACKAGES);
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    let line = format!(
        "{build}: cannot tell: {name}: is a FIFO, not a regular file; put the package itself there"
    );
    assert_eq!(verify(&peer, &[PRODUCTION]).1[0], line);
}

/// A peer with two builds and another builder's package, the package IDs, and the second build.
pub fn three() -> (Peer, [String; 3], String) {
    let peer = production();
    let (first, second) = (plain("first", PLAIN), plain("second", PLAIN));
    let foreign = packed("golang", "foreign", &[("src/main.go", b"x")]);
    install(&peer, "first", &first);
    let build = install(&peer, "second", &second);
    keep(&peer, "foreign", &foreign);
    let ids = [("first", first), ("second", second), ("foreign", foreign)];
    (peer, ids.map(|(label, package)| id(label, &package)), build)
}

pub fn unlisted(id: &str) -> String {
    format!(
        "{id}: unlisted: is here but not among the given package IDs; find out who installed it"
    )
}

fn missing(id: &str) -> String {
    format!("{id}: missing: is not here; install it or look in another peer's folder")
}

#[test]
fn package_ids_are_read_from_what_peer_prints() {
    let (peer, ids, _) = three();
    let not_here = id("none", b"");
    let missing = missing(&not_here);

    let installed = |ids: &[&str]| {
        let entry = |id: &&str| {
            format!(
                r#"{{"package_id":"{id}","label":"x","references":{{"ch":{{"chaincodes":[{{"name":"a"}}]}}}}}}"#
            )
        };
        let entries: Vec<String> = ids.iter().map(entry).collect();
        format!(
            "{{\n\t\"installed_chaincodes\": [{}]\n}}",
            entries.join(",")
        )
    };
    let [a, b, c] = ids.each_ref().map(String::as_str);
    let approved = format!(
        r#"{{"sequence":1,"version":"1.0","source":{{"Type":{{"LocalPackage":{{"package_id":"{a}"}}}}}}}}"#
    );
    for (json, status, expected) in [
        (installed(&[a, b, c]), 0, vec![]),
        (installed(&[a]), 0, vec![unlisted(c), unlisted(b)]),
        (approved.clone(), 0, vec![unlisted(c), unlisted(b)]),
        (installed(&[a, b, c, &not_here]), 1, vec![missing.clone()]),
        (
            installed(&[]),
            0,
            vec![unlisted(a), unlisted(c), unlisted(b)],
        ),
        (
            "{}".to_owned(),
            0,
            vec![unlisted(a), unlisted(c), unlisted(b)],
        ),
    ] {
        peer.put("installed.json", &json);
        let seen = verify(&peer, &["--installed", "installed.json", PRODUCTION]);
        let lines = &seen.1;
        assert_eq!(lines[2..lines.len() - 1], expected, "{json}: {lines:?}");
        assert_eq!(seen.0, status, "{json}: {lines:?}");
        // The same from standard input.
        let pipe = user::run_after(
            "exec < installed.json",
            &peer.path(""),
            &["verify", "--installed", "-", PRODUCTION],
        );
        assert_eq!(pipe.stdout.lines().collect::<Vec<_>>(), *lines);
    }
    // The same ID may be given twice.
    peer.put("installed.json", &approved);
    let args = [
        "--package-id",
        a,
        "--installed",
        "installed.json",
        PRODUCTION,
    ];
    assert_eq!(run(&peer, &args).status, 0);
    for (json, status) in [
        ("", 2),
        ("[]", 2),
        ("{\"a\":1}", 2),
        (r#"{"installed_chaincodes":[{"package_id":"x"}]}"#, 2),
        (r#"{"sequence":1,"source":{"Type":{"Unavailable":{}}}}"#, 2),
    ] {
        peer.put("installed.json", json);
        let seen = run(&peer, &["--installed", "installed.json", PRODUCTION]);
        let line = if json.contains("Unavailable") {
            "verify: --installed installed.json: this organisation approved it without a package\n"
        } else {
            "verify: --installed installed.json: contains no package ID; give the output of peer lifecycle chaincode queryinstalled -O json\n"
        };
        assert_eq!(
            (seen.status, seen.stdout.as_str(), seen.stderr.as_str()),
            (status, "", line)
        );
    }
}

#[test]
fn package_ids_must_be_there_and_match() {
    let (peer, ids, build) = three();
    let [a, b, c] = ids.each_ref().map(String::as_str);
    let not_here = id("none", b"");
    let args = ["--package-id", a, "--package-id", &not_here, PRODUCTION];
    let seen = verify(&peer, &args);
    assert_eq!(seen.1[2..5], [missing(&not_here), unlisted(c), unlisted(b)]);
    assert_eq!((seen.0, seen.1.len()), (1, 6));

    let seen = verify(&peer, &["--package-id", c, "--packages", PACKAGES, BUILDS]);
    assert_eq!(seen.0, 0, "{seen:?}");
    // What differs has already been reported.
    peer.put(format!("{build}/bld/added"), "x");
    let seen = verify(
        &peer,
        &[
            "--package-id",
            a,
            "--package-id",
            b,
            "--package-id",
            c,
            PRODUCTION,
        ],
    );
    assert_eq!((seen.0, seen.1.len()), (1, 3), "{seen:?}");

    // It may be where nobody could look.
    let seen = run(&peer, &["--package-id", &not_here, "nowhere"]);
    let line =
        format!("{not_here}: cannot tell: was not found, but not everything could be read\n");
    assert!(seen.stdout.starts_with(&line), "{seen:?}");
    assert_eq!(seen.status, 2);

    for wrong in ["x".to_owned(), id("../../x", b"")] {
        let seen = run(&peer, &["--package-id", &wrong, PRODUCTION]);
        let line = format!(
            "verify: --package-id {wrong}: is not a package ID; write LABEL:HASH; see fabric-ccs-builder verify --help\n"
        );
        assert_eq!((seen.status, &seen.stderr), (2, &line));
    }
}

/// A peer with a build of each kind; the last has no build.
fn one_of_each() -> Peer {
    let peer = production();
    for label in ["match", "mismatch", "unrecorded", "copied"] {
        let build = install(&peer, label, &plain(label, PLAIN));
        match label {
            "mismatch" => drop(peer.put(format!("{build}/bld/added"), "x")),
            "unrecorded" => {
                fs::remove_file(peer.path(format!("{build}/bld/SHA256SUMS"))).unwrap();
                fs::remove_file(peer.path(format!("{build}/bld/build.intoto.json"))).unwrap();
            }
            "copied" => fs::remove_dir_all(peer.path(format!("{build}/bld"))).unwrap(),
            _ => {}
        }
    }
    let recorded = plain("recorded", PLAIN);
    install(&peer, "recorded", &recorded);
    fs::remove_file(names_of(&peer, &recorded, "recorded").1).unwrap();
    let other = packed("golang", "other", &[("src/main.go", b"x")]);
    keep(&peer, "other", &other);
    peer.put_dir(&names_of(&peer, &other, "other").0);
    keep(&peer, "unbuilt", &plain("unbuilt", PLAIN));
    peer
}

#[test]
fn quiet_prints_all_but_what_is_fine() {
    let peer = one_of_each();
    let (status, all) = verify(&peer, &[PRODUCTION]);
    assert_eq!((status, all.len()), (1, 8), "{all:?}");
    let counted = "result   6 builds: 1 match (1 from the package), 1 mismatch, 2 cannot tell, 1 unrecorded, 1 other builder; 2 differences";
    assert_eq!(all[7], counted);
    for json in [false, true] {
        let args = [
            "--quiet",
            if json { "--json" } else { "--quiet" },
            PRODUCTION,
        ];
        let seen = run(&peer, &args);
        let lines = seen.stdout.lines();
        let lines: Vec<String> = lines
            .filter(|line| !line.starts_with("note ") && !line.starts_with(r#"{"result":"note""#))
            .map(|line| if json { text_of(line) } else { line.to_owned() })
            .collect();
        let is_fine =
            |line: &&String| line.contains(": match, ") || line.contains(": other builder: ");
        let expected: Vec<_> = all.iter().filter(|line| !is_fine(line)).cloned().collect();
        assert_eq!(expected.len(), 6);
        assert_eq!((seen.status, lines), (1, expected));
    }
}

#[test]
fn metrics_are_written_whole() {
    let peer = one_of_each();
    peer.put("metrics.prom", "old");
    let path = peer.path("metrics.prom");
    let held = fs::File::open(&path).unwrap();
    let before = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let seen = run(&peer, &["--metrics", "metrics.prom", PRODUCTION]);
    let after = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    assert_eq!(seen.status, 1);
    let metrics = peer.get("metrics.prom");
    let (counts, time) = metrics.trim_end().rsplit_once(' ').unwrap();
    assert!((before..=after).contains(&time.parse().unwrap()), "{time}");
    assert_eq!(
        counts,
        r#"# HELP fabric_ccs_builder_verify_builds Builds of the peer by result.
# TYPE fabric_ccs_builder_verify_builds gauge
fabric_ccs_builder_verify_builds{result="match_package"} 1
fabric_ccs_builder_verify_builds{result="match_record"} 0
fabric_ccs_builder_verify_builds{result="mismatch"} 1
fabric_ccs_builder_verify_builds{result="unrecorded"} 1
fabric_ccs_builder_verify_builds{result="other_builder"} 1
# HELP fabric_ccs_builder_verify_differences Differences found.
# TYPE fabric_ccs_builder_verify_differences gauge
fabric_ccs_builder_verify_differences 2
# HELP fabric_ccs_builder_verify_cannot_tell What could not be determined.
# TYPE fabric_ccs_builder_verify_cannot_tell gauge
fabric_ccs_builder_verify_cannot_tell 2
# HELP fabric_ccs_builder_verify_unlisted Package IDs that were not asked for.
# TYPE fabric_ccs_builder_verify_unlisted gauge
fabric_ccs_builder_verify_unlisted 0
# HELP fabric_ccs_builder_verify_last_run_timestamp_seconds When it ran.
# TYPE fabric_ccs_builder_verify_last_run_timestamp_seconds gauge
fabric_ccs_builder_verify_last_run_timestamp_seconds"#
    );
    // By rename: a reader that has the old file open still reads that.
    let mut old = String::new();
    { held }.read_to_string(&mut old).unwrap();
    assert_eq!(old, "old");
    peer.put_dir("builds");
    let seen = run(&peer, &["--metrics", "none/metrics.prom", "builds"]);
    let line = "verify: cannot create none/metrics.prom: No such file or directory (os error 2)\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
}

proptest! {
    // Each of these runs programs.
    #![proptest_config(cases(48))]

    /// What is computed from the package is what `build` and `release` write, whatever is in it and
    /// in whatever order; and where `build` refuses, nothing is computed.
    #[test]
    fn a_package_gives_what_build_and_release_write(
        files in btree_map(
            (
                select(vec![
                    "META-INF", "META-INF", "META-INF", "metadata", "src", "META-INF/statedb/couchdb/collections/c.d/indexes",
                    "META-INF/statedb", "META-INF/statedb/couchdb/indexes", "META-INF/statedb/couchdb/collections/c/indexes",
                ]),
                "[a-cA-C._ \\\\é+-]{1,6}(\\.json)?",
            ),
            prop_oneof![".{0,40}", Just(INDEX.to_owned()), Just(index("a")), Just("{}".to_owned())],
            0..8,
        ),
        alternative in any::<bool>(),
        order in any::<prop::sample::Index>(),
        connection in select(vec![PLAIN, TEMPLATE, "{}", r#"{"address":"{{print `a`}}:1","domain":"x"}"#]),
        config in select(vec![r#"{"peername":"org1"}"#, "{}", ""]),
    ) {
        let mut files: BTreeMap<String, String> = files
            .into_iter()
            .filter(|((_, name), _)| ![".", ".."].contains(&name.as_str()))
            .map(|((folder, name), content)| (format!("{folder}/{name}"), content))
            .collect();
        if alternative {
            files = files.into_iter().map(|(path, content)| (path.replace("META-INF", "metadata"), content)).collect();
        }
        // A name may be a file's and a folder's, which cannot be unpacked.
        let paths: Vec<String> = files.keys().cloned().collect();
        files.retain(|path, _| !paths.iter().any(|other| other.starts_with(&format!("{path}/"))));
        files.insert("connection.json".to_owned(), connection.to_owned());
        let mut files: Vec<(&str, &[u8])> = files.iter().map(|(path, content)| (path.as_str(), content.as_bytes())).collect();
        let turn = order.index(files.len());
        files.rotate_left(turn);
        let package = packed("ccaas", "basic", &files);
        let peer = production().config(config);
        let built = build(&peer, &package);
        let args: &[&str] = if config.is_empty() { &[PRODUCTION] } else { &["--config", config, PRODUCTION] };
        if built.status == 0 {
            install(&peer, "basic", &package);
            let (status, lines) = verify(&peer, args);
            let is_without_config = config.is_empty() && connection.contains("{{");
            prop_assert_eq!(lines[0].contains(FROM_PACKAGE), !is_without_config, "{:?}", lines);
            prop_assert_eq!((status, lines.len()), (if is_without_config { 2 } else { 0 }, 2), "{:?}", lines);
        } else {
            keep(&peer, "basic", &package);
            let (status, lines) = verify(&peer, args);
            let reason = built.stderr.strip_prefix("build: ").unwrap().trim_end();
            let is_without_config = config.is_empty() && connection == TEMPLATE;
            prop_assert!(lines[0].ends_with(reason) || is_without_config, "{reason}: {lines:?}");
            prop_assert_eq!(status, if is_without_config { 0 } else { 2 });
        }
    }
}

const NO_FOLDER: &str = "the peer's folder of packages cannot be read";

/// Whoever can write to the peer's folder must not make the auditor read elsewhere.
#[test]
fn no_link_below_a_peers_path_is_followed() {
    for (name, reason) in [
        ("externalbuilder", MOUNT),
        ("externalbuilder/builds", MOUNT),
        ("lifecycle", MOUNT),
        ("lifecycle/chaincodes", MOUNT),
    ] {
        let peer = production();
        let build = install(&peer, "basic", &plain("basic", PLAIN));
        let link = format!("{PRODUCTION}/{name}");
        fs::rename(peer.path(&link), peer.path("moved")).unwrap();
        peer.put_link(&link, peer.path("moved").to_str().unwrap());
        let told = format!("{link}: {reason}\n");
        let seen = run(&peer, &[PRODUCTION]);
        assert_eq!((seen.status, seen.stderr), (2, format!("verify: {told}")));
        let unknown = format!("{build}: cannot tell: {NO_FOLDER}\n");
        let is_found = seen.stdout.contains(&unknown);
        assert_eq!(is_found, name.starts_with("lifecycle"), "{name}");
        let seen = user::run(&peer.path(""), &["rebuild", PRODUCTION]);
        assert_eq!((seen.status, seen.stderr), (2, format!("rebuild: {told}")));
        // A user may name what such a link leads to.
        let seen = verify(&peer, &["--packages", PACKAGES, BUILDS]);
        assert!(seen.0 == 0 && seen.1[0].contains(FROM_PACKAGE), "{seen:?}");
    }
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    fs::rename(&file, peer.path("moved")).unwrap();
    std::os::unix::fs::symlink(peer.path("moved"), &file).unwrap();
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let shown = file.strip_prefix(peer.path("")).unwrap().display();
    let line = format!(
        "{build}: cannot tell: {shown}: is a symbolic link, not a regular file; put the package itself there"
    );
    assert_eq!((status, &lines[0]), (2, &line));
    // In a folder of their own packages, users may have links, as in /etc on NixOS.
    let seen = verify(&peer, &["--packages", PACKAGES, BUILDS]);
    assert!(seen.0 == 0 && seen.1[0].contains(FROM_PACKAGE), "{seen:?}");
}

const MOUNT: &str = "is a symbolic link, which is not followed; mount the folder there instead";

/// `build` looks into a folder `metadata` only where there is no META-INF.
#[test]
fn what_is_wrong_in_an_unused_folder_does_not_matter() {
    let connection = ("connection.json", PLAIN.as_bytes());
    let twice = [("metadata/x", &b"x"[..]), ("metadata/x", b"x")];
    let index = ("statedb/couchdb/indexes/a.json", INDEX.as_bytes());
    let below = |root: &str| format!("{root}/{}", index.0);
    let (used, alternative) = (below("META-INF"), below("metadata"));
    let with = |files: &[(&str, &[u8])]| {
        packed(
            "ccaas",
            "basic",
            &[&[connection], &twice[..], files].concat(),
        )
    };
    is_made_again("META-INF", "basic", &with(&[(&used, index.1)]));
    is_made_again("neither", "basic", &with(&[]));
    is_made_again(
        "both",
        "basic",
        &with(&[(&alternative, index.1), (&used, index.1)]),
    );
    // Where it is used, it does.
    let peer = production();
    let build = install(&peer, "basic", &with(&[(&alternative, index.1)]));
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let reason =
        "metadata/x: occurs twice in the archive, and what a peer would unpack is not computed";
    assert!(
        lines[0].starts_with(&format!("{build}: cannot tell: ")) && lines[0].ends_with(reason),
        "{lines:?}"
    );
    assert_eq!(status, 2);
}

#[test]
fn an_unreadable_file_among_packages_has_one_line() {
    let peer = production();
    let labels = ["one", "two"];
    let builds = labels.map(|label| {
        let package = plain(label, PLAIN);
        let build = install(&peer, label, &package);
        peer.put(format!("elsewhere/{label}.tgz"), &package);
        build
    });
    peer.put("elsewhere/closed.tgz", "x")
        .set_mode("elsewhere/closed.tgz", 0);
    let peer = peer.run_by_nobody();
    let args = ["verify", "--packages", "elsewhere", BUILDS];
    let seen = user::run_by_nobody(&peer.path(""), &args);
    let reason = "cannot open elsewhere/closed.tgz: Permission denied (os error 13); run this as the folder's owner or as root";
    let lines: Vec<&str> = seen.stdout.lines().collect();
    let line = format!("elsewhere/closed.tgz: cannot tell: {reason}");
    assert_eq!((seen.status, lines[0]), (2, line.as_str()), "{seen:?}");
    for (line, build) in lines[1..].iter().zip(builds) {
        assert!(
            line.starts_with(&format!("{build}{FROM_PACKAGE}")),
            "{seen:?}"
        );
    }
    assert_eq!(seen.stderr, "");
}

#[test]
fn a_package_behind_a_broken_link_is_not_taken_for_missing() {
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    let name = file.file_name().unwrap().to_str().unwrap();
    peer.put("elsewhere/readme", "");
    std::os::unix::fs::symlink(name, peer.path(format!("elsewhere/{name}"))).unwrap();
    let (status, lines) = verify(&peer, &["--packages", "elsewhere", BUILDS]);
    let start = format!("{build}: cannot tell: cannot read elsewhere/{name}: ");
    assert!(lines[0].starts_with(&start), "{lines:?}");
    assert_eq!(status, 2);
}

/// `check`, `package --id` and `verify` refuse it with the same words.
#[test]
fn rebuild_refuses_what_no_peer_can_unpack() {
    let peer = production();
    let files = [
        ("connection.json", PLAIN.as_bytes()),
        ("a", b""),
        ("a/b", b""),
    ];
    let package = packed("ccaas", "basic", &files);
    keep(&peer, "basic", &package);
    let seen = user::run(&peer.path(""), &["rebuild", PRODUCTION]);
    let (id, file) = (id("basic", &package), names_of(&peer, &package, "basic").1);
    let shown = file.strip_prefix(peer.path("")).unwrap().display();
    let line = format!(
        "refused   {id}: {shown}: code.tar.gz: a/b: one of its folders is also a file; rename one\n"
    );
    assert!(
        seen.status == 1 && seen.stdout.starts_with(&line),
        "{seen:?}"
    );
}

#[test]
fn a_package_that_cannot_be_read_may_be_another_builders() {
    let peer = production();
    let package = plain("basic", PLAIN);
    keep(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    let shown = file
        .strip_prefix(peer.path(""))
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    peer.set_mode(&shown, 0);
    let peer = peer.run_by_nobody();
    let id = id("basic", &package);
    let args = ["verify", "--package-id", &id, PRODUCTION];
    let seen = user::run_by_nobody(&peer.path(""), &args);
    let lines: Vec<&str> = seen.stdout.lines().collect();
    let start = format!("{shown}: cannot tell: ");
    assert!(lines[0].starts_with(&start), "{seen:?}");
    assert_eq!((seen.status, lines.len()), (2, 2), "{seen:?}");
}
