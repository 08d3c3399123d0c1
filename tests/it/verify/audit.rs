//! What an auditor relies on: no build matches that its package does not prove, and each line says
//! what to do.

use std::fs;

use super::super::peer::PLAIN;
use super::packages::{
    BUILDS, PACKAGES, PRODUCTION, TEMPLATE, id, install, keep, names_of, plain, production, three,
    unlisted,
};
use super::{FROM_PACKAGE, run, summary, verify};
use crate::user;

const CONFIG: [&str; 2] = ["--config", r#"{"peername":"org1"}"#];
const NO_PACKAGE: &str = "cannot tell: its package is not there: ask its developer for it, or get it with peer lifecycle chaincode getinstalledpackage from another peer, and give its folder with --packages";

/// The result of a run, without notes.
fn quick(peer: &super::Peer, args: &[&str]) -> (i32, Vec<String>, Vec<String>) {
    let seen = run(peer, args);
    let lines = seen.stdout.lines().map(str::to_owned);
    let (notes, lines) = lines.partition(|line| line.starts_with("note "));
    (seen.status, lines, notes)
}

#[test]
fn templates_need_a_config() {
    let peer = production().config(CONFIG[1]);
    let package = plain("basic", TEMPLATE);
    let build = install(&peer, "basic", &package);
    let id = id("basic", &package);
    let installed = format!(r#"{{"installed_chaincodes":[{{"package_id":"{id}"}}]}}"#);
    peer.put("installed.json", installed);
    let line = format!(
        "{build}: cannot tell: it matches, but the templated fields of connection.json (address) were compared only with the record: give this peer's config with --config"
    );
    for option in [
        &[][..],
        &["--package-id", &id],
        &["--installed", "installed.json"],
    ] {
        let expected = (2, vec![line.clone(), summary(1, [0, 0, 1], 0)]);
        let seen = verify(&peer, &[option, &[PRODUCTION]].concat());
        assert_eq!(seen, expected);
        let seen = verify(&peer, &[option, &CONFIG, &[PRODUCTION]].concat());
        assert_eq!(seen.0, 0, "{seen:?}");
    }
}

/// Whoever writes the peer's folder could remove a package, and forge its build and record.
#[test]
fn a_build_whose_package_is_gone_does_not_match() {
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    fs::remove_file(names_of(&peer, &package, "basic").1).unwrap();
    let line = format!("{build}: {NO_PACKAGE}");
    let expected = (2, vec![line.clone(), summary(1, [0, 0, 1], 0)]);
    let id = id("basic", &package);
    for args in [
        &[PRODUCTION][..],
        &["--packages", PACKAGES, BUILDS],
        &["--packages", PACKAGES, &build],
        &["--package-id", &id, &build],
    ] {
        assert_eq!(verify(&peer, args), expected, "{args:?}");
    }
    // It is not known which package it is of.
    let bld = format!("{build}/bld");
    let (status, lines) = verify(&peer, &["--packages", PACKAGES, &bld]);
    let line = format!(
        "{bld}: cannot tell: the name of its folder is not LABEL-HASH, which would say what its package is"
    );
    assert_eq!((status, &lines[0]), (2, &line));
    for path in [BUILDS, &build, &bld] {
        assert_eq!(verify(&peer, &[path]).0, 0, "{path}");
    }
    // A difference is still found.
    peer.put(format!("{build}/bld/added"), "x");
    assert_eq!(verify(&peer, &[PRODUCTION]).0, 1);
}

#[test]
fn quiet_keeps_every_finding() {
    let (peer, [a, b, c], build) = three();
    fs::remove_dir_all(peer.path(format!("{build}/bld"))).unwrap();
    let args = ["--package-id", &a, "--package-id", &c, PRODUCTION];
    let (status, lines, notes) = quick(&peer, &args);
    assert_eq!((status, lines.len()), (2, 4), "{lines:?}");
    assert_eq!(lines[2], unlisted(&b));
    for quiet in ["--quiet", "-q"] {
        let seen = quick(&peer, &[&[quiet], &args[..]].concat());
        assert_eq!(seen, (2, lines[1..].to_vec(), notes.clone()));
    }
    keep(&peer, "more", &plain("more", PLAIN));
    let (_, lines, _) = quick(&peer, &["-q", PRODUCTION]);
    assert!(lines[1].contains(": not built: "), "{lines:?}");
    let (_, lines, notes) = quick(&peer, &["-q", BUILDS]);
    assert_eq!((lines.len(), notes.len()), (2, 1), "{lines:?}");
    let seen = run(&peer, &["-q", "--json", "nowhere"]);
    assert!(
        seen.stdout.starts_with(r#"{"build":"nowhere","#),
        "{seen:?}"
    );
}

#[test]
fn another_config_is_not_called_tampering() {
    let peer = production().config(CONFIG[1]);
    let build = install(&peer, "basic", &plain("basic", TEMPLATE));
    let other = ["--config", r#"{"peername":"org2"}"#, PRODUCTION];
    let note = "note     a build that differs only in what templates fill in was changed, or made with another config: give this peer's config with --config, or run rebuild if that has changed since; keep a copy first if you want to find out who changed it";
    let (status, lines, notes) = quick(&peer, &other);
    assert_eq!((status, lines.len()), (1, 5), "{lines:?}");
    assert_eq!(notes, [note]);
    // Something else differs too.
    peer.put(format!("{build}/bld/added"), "x");
    let (_, _, notes) = quick(&peer, &other);
    assert!(
        notes.len() == 1 && notes[0].contains("let rebuild"),
        "{notes:?}"
    );
}

/// `rebuild` leaves it where it is.
#[test]
fn a_file_beside_bld_and_release_is_to_be_removed() {
    let peer = production().config(CONFIG[1]);
    let build = install(&peer, "basic", &plain("basic", TEMPLATE));
    peer.put(format!("{build}/x.sh"), "x");
    let (status, lines, notes) = quick(&peer, &[&CONFIG[..], &[PRODUCTION]].concat());
    assert_eq!(status, 1);
    let line = format!("{build}: x.sh: unexpected, found a regular file");
    assert_eq!(lines[0], line);
    let note = "note     an unrecorded or unexpected entry among the builds, or beside a build's bld and release, belongs to no build: find out whose it is, and remove it";
    assert_eq!(notes, [note]);
}

#[test]
fn a_build_info_that_names_no_builder_is_reported() {
    for content in ["", "x", "{}", r#"{"builder_name":""}"#] {
        let peer = production();
        let build = install(&peer, "basic", &plain("basic", PLAIN));
        peer.put(format!("{build}/build-info.json"), content);
        let line = format!(
            "{build}: mismatch: build-info.json: does not name a builder, so the peer cannot start the chaincode: run rebuild"
        );
        let expected = (1, vec![line, summary(1, [0, 1, 0], 1)]);
        for path in [PRODUCTION, BUILDS] {
            assert_eq!(verify(&peer, &[path]), expected, "{content}");
        }
        // It hides no damage.
        let sums = format!("{build}/bld/SHA256SUMS");
        let good = peer.get(&sums);
        peer.put(&sums, "x");
        let seen = verify(&peer, &[BUILDS]);
        assert!(seen.1[0].contains(": damaged: "), "{seen:?}");
        peer.put(&sums, good);
        let seen = user::run(&peer.path(""), &["rebuild", PRODUCTION]);
        let warning = ": warning: had an unusable build-info.json, which now names the builder \"ccaas_builder\"; restart the peer if it started meanwhile\n";
        assert!(seen.stderr.ends_with(warning), "{seen:?}");
        assert!(verify(&peer, &[PRODUCTION]).1[0].contains(FROM_PACKAGE));
    }
    // Without a config too, this line is the only one.
    let peer = production().config(CONFIG[1]);
    let build = install(&peer, "basic", &plain("basic", TEMPLATE));
    peer.put(format!("{build}/build-info.json"), "");
    let (status, lines) = verify(&peer, &[PRODUCTION]);
    let start = format!("{build}: mismatch: build-info.json: ");
    assert_eq!((status, lines.len()), (1, 2), "{lines:?}");
    assert!(lines[0].starts_with(&start), "{lines:?}");
}

/// Without it, the peer cannot run the chaincode once it restarts.
#[test]
fn a_package_that_only_another_folder_has_is_missing() {
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    let shown = file.strip_prefix(peer.path("")).unwrap().to_owned();
    peer.put("elsewhere/basic.tar.gz", &package);
    fs::remove_file(file).unwrap();
    let (status, lines, notes) = quick(&peer, &["--packages", "elsewhere", PRODUCTION]);
    assert!(
        lines[0].starts_with(&format!("{build}{FROM_PACKAGE}")),
        "{lines:?}"
    );
    let line = format!(
        "{}: missing: the peer cannot run the chaincode once it restarts: install the package again",
        shown.display()
    );
    let last =
        "result   1 build: 1 match (1 from the package), 0 mismatch, 0 cannot tell; 1 difference";
    assert_eq!(
        (status, &lines[1..], notes.len()),
        (1, &[line, last.to_owned()][..], 0)
    );
    // A folder of builds has no packages of its own.
    assert_eq!(quick(&peer, &["--packages", "elsewhere", BUILDS]).0, 0);
}

#[test]
fn builders_that_differ_are_named() {
    let peer = production();
    let add = |label: &str, name: &str| {
        let build = install(&peer, label, &plain(label, PLAIN));
        let info = format!(r#"{{"builder_name":"{name}"}}"#);
        peer.put(format!("{build}/build-info.json"), info);
    };
    let told = |count: usize, names: &str| {
        let (status, _, notes) = quick(&peer, &[PRODUCTION]);
        let note = format!(
            "note     the builds name {count} builders, {names}: a peer starts only the chaincode of those in its externalBuilders, so find out who wrote any other into a build-info.json"
        );
        assert_eq!((status, notes), (0, vec![note]));
    };
    add("a", "a");
    add("b", "a");
    assert_eq!(quick(&peer, &[PRODUCTION]).2, [""; 0]);
    add("c", r#"a \"b\"\u2028"#);
    told(2, r#""a", "a "b"\u{2028}""#);
    for number in 0..8 {
        add(&format!("n{number}"), &format!("n{number}"));
    }
    let most = r#""a", "a "b"\u{2028}", "n0", "n1", "n2", "n3", "n4", "n5", and others"#;
    told(10, most);
}

#[test]
fn what_is_no_path_for_verify_is_named() {
    let peer = production();
    let package = plain("basic", PLAIN);
    keep(&peer, "basic", &package);
    peer.put("p.tgz", &package);
    peer.put("source/connection.json", PLAIN)
        .put("source/metadata.json", "{}");
    let file = "p.tgz: is a file; use check for a package, or give --packages its folder";
    let told = |args: &[&str], line: &str| {
        let seen = run(&peer, args);
        assert_eq!((seen.status, seen.stderr), (2, format!("verify: {line}\n")));
    };
    told(&["p.tgz"], file);
    told(&["--packages", "p.tgz", PRODUCTION], file);
    for name in ["externalbuilder", "lifecycle", "lifecycle/chaincodes"] {
        let path = format!("{PRODUCTION}/{name}");
        let line = format!("{path}: is in a peer's file system path; give that instead");
        told(&[&path], &line);
    }
    let (status, lines) = verify(&peer, &["source"]);
    let line = "source: cannot tell: there is no record: another builder made it, or the record was removed; use check if it is a source folder";
    assert_eq!((status, lines[0].as_str()), (2, line));
    for wrong in ["foo", "aa:bb"] {
        let line = format!(
            "--package-id {wrong}: is not a package ID; write LABEL:HASH; see fabric-ccs-builder verify --help"
        );
        told(&["--package-id", wrong, PRODUCTION], &line);
    }
}

#[test]
fn unlisted_packages_are_counted() {
    let (peer, [a, ..], _) = three();
    let args = ["--package-id", &a, "--metrics", "m", PRODUCTION];
    let (_, lines, _) = quick(&peer, &args);
    let last = "result   2 builds: 2 match (2 from the package), 0 mismatch, 0 cannot tell, 2 unlisted; 0 differences";
    assert_eq!(lines.last().unwrap(), last);
    let metrics = peer.get("m");
    assert!(
        metrics.contains("\nfabric_ccs_builder_verify_unlisted 2\n"),
        "{metrics}"
    );
    let seen = run(&peer, &["--json", "--package-id", &a, PRODUCTION]);
    assert!(seen.stdout.contains(r#","unlisted":2,"#), "{seen:?}");
    let start = format!(r#","result":"match","package_id":"{a}","#);
    assert!(seen.stdout.contains(&start), "{seen:?}");
}

#[test]
fn a_connection_that_other_users_may_read_or_write_is_noted() {
    let peer = production();
    let build = install(&peer, "basic", &plain("basic", PLAIN));
    let released = format!("{build}/release/chaincode/server/connection.json");
    for (mode, is_noted) in [(0o666, true), (0o644, true), (0o602, true), (0o660, false)] {
        peer.set_mode(&released, mode);
        let (status, lines, notes) = quick(&peer, &[PRODUCTION]);
        let note = format!(
            "note     {released}: other users may read or write it, and there may be a private key in it: run chmod 600 on it"
        );
        assert_eq!(notes, if is_noted { vec![note] } else { vec![] });
        assert!(status == 0 && lines[0].contains(FROM_PACKAGE), "{lines:?}");
    }
    // `rebuild` closes what another builder left open.
    peer.set_mode(&released, 0o644);
    for name in ["SHA256SUMS", "build.intoto.json"] {
        fs::remove_file(peer.path(format!("{build}/bld/{name}"))).unwrap();
    }
    assert_eq!(quick(&peer, &[PRODUCTION]).2, [""; 0]);
}

#[test]
fn a_difference_counts_more_than_metrics_that_cannot_be_written() {
    let peer = production();
    let build = install(&peer, "basic", &plain("basic", PLAIN));
    peer.put(format!("{build}/bld/added"), "x");
    let seen = run(&peer, &["--metrics", "none/m", PRODUCTION]);
    let line = "verify: cannot create none/m: No such file or directory (os error 2)\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (1, line));
}

#[test]
fn a_package_file_that_no_peer_reads_is_noted() {
    let peer = production();
    install(&peer, "basic", &plain("basic", PLAIN));
    peer.put(format!("{PACKAGES}/basic.tar.gz"), "x");
    let (status, _, notes) = quick(&peer, &[PRODUCTION]);
    let note = format!(
        "note     {PACKAGES}/basic.tar.gz: its name is not LABEL.HASH.tar.gz, so no peer reads it: package --id says what it is; give it that name, or remove it"
    );
    assert_eq!((status, notes), (0, vec![note]));
}

#[test]
fn whoever_may_not_read_is_told_who_may() {
    let peer = production();
    let package = plain("basic", PLAIN);
    let build = install(&peer, "basic", &package);
    let (_, file) = names_of(&peer, &package, "basic");
    let file = file.strip_prefix(peer.path("")).unwrap().to_str().unwrap();
    peer.set_mode(file, 0);
    let peer = peer.run_by_nobody();
    let denied = "Permission denied (os error 13); run this as the folder's owner or as root";
    let seen = user::run_by_nobody(&peer.path(""), &["verify", PRODUCTION]);
    let line = format!("{build}: cannot tell: cannot read {file}: {denied}\n");
    assert!(seen.stdout.starts_with(&line), "{seen:?}");
    let seen = user::run_by_nobody(&peer.path(""), &["rebuild", PRODUCTION]);
    assert!(
        seen.stdout.contains(&format!("{file}: {denied}\n")),
        "{seen:?}"
    );
    peer.set_mode(PACKAGES, 0);
    for word in ["verify", "rebuild"] {
        let seen = user::run_by_nobody(&peer.path(""), &[word, PRODUCTION]);
        let line = format!("{word}: cannot open {PACKAGES}: {denied}\n");
        assert_eq!((seen.status, seen.stderr), (2, line));
    }
    peer.set_mode(PACKAGES, 0o755);
}
