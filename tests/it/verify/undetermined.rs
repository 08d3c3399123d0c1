//! Cases in which it cannot be determined whether there is a difference.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use super::super::peer::Seen;
use super::super::user;
use super::{
    BUILD, Change, INDEX_A, OTHER, all, copy, digest, installed, matching, remove, run, summary,
    two_installed, verify,
};

#[test]
fn cannot_tell_without_a_record() {
    let no_record = "cannot tell: there is no record: another builder made it, or the record was removed; verify it from its package with --packages";
    let no_bld = "cannot tell: there is no folder bld: the peer is still copying it, or could not; if it could not, run rebuild, after installing the package again if it is no longer there";
    let changes: [(Change, &str); 4] = [
        (
            all(vec![
                remove("bld/SHA256SUMS"),
                remove("bld/build.intoto.json"),
            ]),
            no_record,
        ),
        // What a peer leaves when it is stopped in the middle: it writes build-info.json, release
        // and bld in this order.
        (remove("bld"), no_bld),
        (all(vec![remove("bld"), remove("release")]), no_bld),
        (
            all(vec![
                remove("bld"),
                remove("release"),
                remove("build-info.json"),
            ]),
            no_bld,
        ),
    ];
    for (change, reason) in changes {
        let peer = two_installed();
        change(&peer);
        let line = format!("{BUILD}: {reason}");
        assert_eq!(
            verify(&peer, &["builds"]),
            (
                2,
                vec![
                    line.clone(),
                    matching(&peer, OTHER, &format!("{OTHER}/bld")),
                    summary(2, [1, 0, 1], 0),
                ]
            )
        );
        assert_eq!(
            verify(&peer, &[BUILD]),
            (2, vec![line.clone(), summary(1, [0, 0, 1], 0)])
        );
        // A difference takes precedence.
        peer.put(format!("{OTHER}/bld/added"), "new");
        assert_eq!(
            verify(&peer, &["builds"]),
            (
                1,
                vec![
                    line,
                    format!("{OTHER}: bld/added: unrecorded, found {}", digest("new")),
                    summary(2, [0, 1, 1], 1),
                ]
            )
        );
    }
    let peer = installed();
    remove("bld/SHA256SUMS")(&peer);
    remove("bld/build.intoto.json")(&peer);
    let bld = format!("{BUILD}/bld");
    let end = "verify it from its package with --packages";
    let of_output = no_record.replace(end, "use check if it is a source folder");
    assert_eq!(
        verify(&peer, &[&bld]),
        (
            2,
            vec![format!("{bld}: {of_output}"), summary(1, [0, 0, 1], 0)]
        )
    );
}

/// Something unreadable does not hide a difference.
#[test]
fn continues_after_what_it_may_not_read() {
    for (closed, reason) in [
        (format!("bld/{INDEX_A}"), "cannot read"),
        ("bld/META-INF/statedb".to_owned(), "cannot open"),
        ("bld/SHA256SUMS".to_owned(), "cannot read"),
        ("bld".to_owned(), "cannot open"),
        ("release/statedb".to_owned(), "cannot open"),
    ] {
        let peer = two_installed();
        let place = format!("{BUILD}/{closed}");
        peer.set_mode(&place, 0);
        let peer = peer.run_by_nobody();
        let as_nobody = || user::run_by_nobody(&peer.path(""), &["verify", "builds"]);
        let told = |path: &str| {
            format!(
                "{BUILD}: cannot tell: {reason} {path}: Permission denied (os error 13); run this as the folder's owner or as root"
            )
        };
        let seen = as_nobody();
        let lines: Vec<&str> = seen.stdout.lines().collect();
        assert_eq!((seen.status, seen.stderr.as_str()), (2, ""), "{seen:?}");
        assert_eq!(lines[0], told(&place));
        assert_eq!(lines[3], summary(2, [1, 0, 1], 0));

        peer.put(format!("{OTHER}/added"), "x");
        assert_eq!(as_nobody().status, 1);
        if closed == format!("bld/{INDEX_A}") {
            peer.put(format!("{BUILD}/bld/metadata.json"), "x");
            let seen = as_nobody();
            let lines: Vec<&str> = seen.stdout.lines().collect();
            assert!(
                lines[0].contains(": bld/metadata.json: mismatch, "),
                "{seen:?}"
            );
            assert_eq!(lines[1], told(&place));
        }
        peer.set_mode(&place, 0o700);
    }
}

#[test]
fn many_paths_that_cannot_be_verified_do_not_flood_the_log() {
    let peer = installed();
    let names: Vec<String> = (0..100).map(|number| format!("no{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let seen = run(&peer, &names);
    assert_eq!(seen.stdout, format!("{}\n", summary(0, [0, 0, 100], 0)));
    assert_eq!(seen.stderr.lines().count(), 60);

    // Builds have lines of their own, which do not count.
    for number in 0..61 {
        peer.put_dir(&format!("builds/a-{number:064x}"));
    }
    let seen = run(&peer, &["builds", "no"]);
    assert_eq!(seen.stderr.lines().count(), 1, "{seen:?}");
}

#[test]
fn a_path_that_cannot_be_verified() {
    let peer = installed();
    let like_a_build = format!("basic-{:064}", 0);
    peer.put("file", "x")
        .put("folder/file", "x")
        .put(format!("{like_a_build}/file"), "x");
    let seen = run(&peer, &[&like_a_build]);
    let line = format!("verify: {like_a_build}: is neither a peer's file system path ");
    assert!(
        seen.status == 2 && seen.stderr.starts_with(&line),
        "{seen:?}"
    );
    for (name, reason) in [
        (
            "nowhere",
            "cannot open nowhere: No such file or directory (os error 2)",
        ),
        (
            "file",
            "file: is a file; use check for a package, or give --packages its folder",
        ),
        (
            "folder",
            "folder: is neither a peer's file system path (no lifecycle/chaincodes), nor a folder of builds, nor one of them (no build-info.json, no bld), nor a build output (no SHA256SUMS)",
        ),
    ] {
        let line = format!("verify: {reason}\n");
        assert_eq!(
            run(&peer, &[name]),
            Seen {
                status: 2,
                stdout: format!("{}\n", summary(0, [0, 0, 1], 0)),
                stderr: line.clone()
            }
        );
        let object = serde_json::json!({
            "build": name, "result": "cannot tell", "reason": reason,
        });
        let summary = serde_json::json!({
            "result": "summary", "builds": 0, "match": 0, "from_package": 0, "mismatch": 0, "unrecorded": 0,
            "other_builder": 0, "cannot_tell": 1, "unlisted": 0, "differences": 0,
        });
        let seen = run(&peer, &["--json", name]);
        let objects: Vec<Value> = seen
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!((seen.status, &seen.stderr), (2, &line));
        assert_eq!(objects, [object, summary]);

        // The others are still verified.
        let seen = run(&peer, &[name, BUILD]);
        assert_eq!((seen.status, &seen.stderr), (2, &line));
        assert!(
            seen.stdout
                .ends_with("result   1 build: 1 match, 0 mismatch, 1 cannot tell; 0 differences\n"),
            "{seen:?}"
        );
    }
    for (args, line) in [
        (
            &[][..],
            "verify: missing argument PATH; see fabric-ccs-builder verify --help\n",
        ),
        (
            &["--force", "x"],
            "verify: invalid option '--force'; see fabric-ccs-builder verify --help\n",
        ),
    ] {
        let seen = run(&peer, args);
        assert_eq!(
            (seen.status, seen.stdout.as_str(), seen.stderr.as_str()),
            (2, "", line)
        );
    }
}

#[test]
fn builds_that_come_and_go_meanwhile_are_not_differences() {
    let peer = installed();
    for number in 0..16 {
        copy(&peer, BUILD, &format!("builds/many-{number:064x}"));
    }
    peer.put_dir("away");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for number in (0..16).rev() {
                    let name = format!("many-{number:064x}");
                    let (here, away) = (
                        peer.path("builds").join(&name),
                        peer.path("away").join(&name),
                    );
                    fs::rename(&here, &away).unwrap();
                    fs::rename(&away, &here).unwrap();
                }
            }
        });
        let seen: Vec<Seen> = (0..30).map(|_| run(&peer, &["builds"])).collect();
        done.store(true, Ordering::Relaxed);
        for seen in seen {
            let fine = seen.stdout.lines().all(|line| {
                line.contains(": match, ")
                    || line.contains(": cannot tell: ")
                    || line.starts_with("note ")
                    || line.starts_with("result ")
            });
            assert!(
                fine && seen.stderr.is_empty() && seen.status != 1,
                "{seen:?}"
            );
        }
    });
}

/// Fabric makes the peer's folders 0750 and 0700: that a user may not look does not mean that there
/// is nothing.
#[test]
fn a_peer_whose_folders_may_not_be_entered() {
    let peer = installed();
    peer.put_dir("peer/lifecycle/chaincodes")
        .put_dir("peer/externalbuilder/builds");
    for name in ["lifecycle", "externalbuilder"] {
        peer.set_mode(&format!("peer/{name}"), 0);
    }
    let peer = peer.run_by_nobody();
    for (word, name) in [("verify", "externalbuilder"), ("rebuild", "lifecycle")] {
        let seen = user::run_by_nobody(&peer.path(""), &[word, "peer"]);
        let line = format!(
            "{word}: cannot open peer/{name}: Permission denied (os error 13); run this as the folder's owner or as root\n"
        );
        assert_eq!((seen.status, seen.stderr), (2, line));
    }
    for name in ["lifecycle", "externalbuilder"] {
        peer.set_mode(&format!("peer/{name}"), 0o700);
    }
}
