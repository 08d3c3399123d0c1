//! What others do to a peer's folders before or during a run, and what the system does not allow.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::thread;

use fabric_ccs_builder::testing::Digest;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::super::peer::{INDEX, Peer, Seen, index, meanwhile};
use super::super::user::{self, NOBODY};
use super::{
    BUILDS, LAST, MOVING, NEW, PACKAGES, build_of, install, installed, is_new, production, rebuild,
    state,
};

/// The options and the path for a host.
fn host(name: &str) -> [String; 3] {
    [
        "--config".to_owned(),
        format!(r#"{{"host":"{name}"}}"#),
        ".".to_owned(),
    ]
}

fn rebuild_with_host(peer: &Peer, name: &str) -> Seen {
    rebuild(peer, &host(name).each_ref().map(String::as_str))
}

#[test]
fn a_peer_reads_a_whole_connection_at_every_moment() {
    let (peer, id) = installed();
    let path = peer.path(format!("{}/{LAST}", build_of(&id)));
    let mut seen = BTreeSet::new();
    meanwhile(
        || {
            seen.insert(fs::read_to_string(&path).unwrap());
        },
        || {
            for name in ["new", "old"].repeat(10) {
                assert_eq!(rebuild_with_host(&peer, name).status, 0);
            }
        },
    );
    let whole = ["new", "old"].map(|name| format!(r#"{{"address":"{name}:9999"}}"#));
    assert_eq!(seen, whole.into());
}

#[test]
fn simultaneous_runs_do_no_harm() {
    let (peer, first) = installed();
    let other = install(&peer, "other", "ccaas");
    for _ in 0..10 {
        fs::remove_dir_all(peer.path(build_of(&other))).unwrap();
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let peer = &peer;
                scope.spawn(move || {
                    let seen = rebuild_with_host(peer, name);
                    assert_eq!(seen.status, 0, "{seen:?}");
                });
            }
        });
        assert_eq!(peer.names(BUILDS).len(), 2);
        let seen = user::run(&peer.path(""), &["verify", BUILDS]);
        assert_eq!(seen.status, 0, "{seen:?}");
    }
    rebuild(&peer, &NEW);
    is_new(&peer, &other);
    is_new(&peer, &first);
}

#[test]
fn a_folder_that_may_not_be_written_changes_nothing() {
    let (peer, id) = installed();
    let server = format!("{}/release/chaincode/server", build_of(&id));
    peer.set_mode(&server, 0o555);
    let peer = peer.run_by_nobody();
    let before = state(&peer);
    let args = [&["rebuild"], &NEW[..]].concat();
    let seen = user::run_by_nobody(&peer.path(""), &args);
    let reason = format!(
        "cannot create ./{server}/.fabric-ccs-builder-0: Permission denied (os error 13); run this as the folder's owner or as root"
    );
    assert_eq!(without_times(&state(&peer)), without_times(&before));
    seen.prints(2, &[&format!("failed    {id}: {reason}")]);
    peer.set_mode(&server, 0o755);
    assert_eq!(user::run_by_nobody(&peer.path(""), &args).status, 0);
    is_new(&peer, &id);
}

/// Without the change times of folders, in which files were made and removed again.
fn without_times(state: &BTreeSet<String>) -> Vec<String> {
    let cut = |line: &String| line.split(' ').take(6).collect::<Vec<_>>().join(" ");
    state.iter().map(cut).collect()
}

#[test]
fn what_root_writes_belongs_to_the_peer() {
    let (peer, id) = installed();
    let second = install(&peer, "second", "ccaas");
    let third = install(&peer, "third", "ccaas");
    for gone in [build_of(&second), format!("{}/bld", build_of(&third))] {
        fs::remove_dir_all(peer.path(gone)).unwrap();
    }
    // Files of another group stay that group's, a new one is the folder's.
    let record = format!("{}/bld/SHA256SUMS", build_of(&id));
    let peer = peer.run_by_nobody();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(peer.path(&record), None, Some(1)).unwrap();
    }
    peer.set_mode(&record, 0o640);
    assert_eq!(rebuild(&peer, &NEW).status, 0);
    let owner = fs::metadata(peer.path(BUILDS)).unwrap();
    let owner = format!(" {} {} ", owner.uid(), owner.gid());
    for line in state(&peer).iter().filter(|line| line.starts_with(BUILDS)) {
        if line.starts_with(&record) {
            let expected = if is_root {
                format!("640 {NOBODY} 1 ")
            } else {
                format!("640{owner}")
            };
            assert!(line.contains(&expected), "{line}");
        } else {
            assert!(line.contains(&owner), "{line}");
        }
    }
    peer.set_mode(&record, 0o644);
    for id in [&second, &third, &id] {
        is_new(&peer, id);
    }
}

#[test]
fn no_link_is_followed() {
    for (name, reason) in [
        (
            "",
            "NAME: is a symbolic link, but only regular files and directories are copied",
        ),
        (
            "/bld",
            "bld: is a symbolic link, but only regular files and directories are copied",
        ),
        (
            "/release",
            "release: is a symbolic link, but only regular files and directories are copied",
        ),
        (
            "/release/chaincode",
            "release/chaincode: is not a directory; remove it",
        ),
        (
            "/bld/META-INF",
            "bld/META-INF: is not a directory; remove it",
        ),
    ] {
        let (peer, id) = installed();
        let (build, label_hash) = (build_of(&id), id.replace(':', "-"));
        let place = format!("{build}{name}");
        fs::rename(peer.path(&place), peer.path("moved")).unwrap();
        peer.put_link(&place, peer.path("moved").to_str().unwrap());
        let before = state(&peer);
        let reason = reason.replace("NAME", &label_hash);
        rebuild(&peer, &NEW).prints(1, &[&format!("refused   {id}: {reason}")]);
        assert_eq!(state(&peer), before, "{name}");
    }
}

#[test]
fn a_link_or_special_file_where_a_file_belongs_is_replaced() {
    for name in [
        LAST,
        "bld/connection.json",
        "bld/SHA256SUMS",
        "build-info.json",
    ] {
        let (peer, id) = installed();
        let place = format!("{}/{name}", build_of(&id));
        fs::rename(peer.path(&place), peer.path("moved")).unwrap();
        let content = peer.get("moved");
        peer.put_link(&place, peer.path("moved").to_str().unwrap());
        assert_eq!(rebuild(&peer, &NEW).status, 0);
        assert_eq!(peer.get("moved"), content);
        is_new(&peer, &id);
    }
    let (peer, id) = installed();
    let place = format!("{}/{LAST}", build_of(&id));
    fs::remove_file(peer.path(&place)).unwrap();
    peer.put_dir(&place);
    let before = state(&peer);
    let line = format!("refused   {id}: ./{place}: is a directory where a file belongs; remove it");
    for args in [&NEW[..], &[&["--dry-run"], &NEW[..]].concat()] {
        rebuild(&peer, args).prints(1, &[&line]);
    }
    assert_eq!(without_times(&state(&peer)), without_times(&before));
}

const WRONG: &str = "; put the original back and find out who changed it";

#[test]
fn a_package_that_is_not_the_one_in_its_name_is_not_built() {
    let (peer, id) = installed();
    let other = install(&peer, "other", "ccaas");
    let file = |id: &str| format!("{PACKAGES}/{}.tar.gz", id.replace(':', "."));
    let before = peer.listing(BUILDS);
    let shown = |id: &str| format!("./{}", file(id));

    // The same content in another file, another package, one with another label, a link, and
    // something that is not a package.
    let good = fs::read(peer.path(file(&id))).unwrap();
    let mut copied = GzEncoder::new(Vec::new(), Compression::none());
    io::copy(&mut MultiGzDecoder::new(&good[..]), &mut copied).unwrap();
    let copied = copied.finish().unwrap();
    fs::write(peer.path(file(&id)), &copied).unwrap();
    let line = format!(
        "refused   {id}: {}: has the SHA-256 {}, not the one in its name{WRONG}",
        shown(&id),
        Digest::of(&copied)
    );
    let old = ["--config", r#"{"host":"old"}"#, ".", &id];
    rebuild(&peer, &old).prints(1, &[&line]);

    fs::copy(peer.path(file(&other)), peer.path(file(&id))).unwrap();
    let line = format!(
        "refused   {id}: {}: has the SHA-256 {}, not the one in its name{WRONG}",
        shown(&id),
        other.replace("other:", "")
    );
    let args = [&NEW[..], &[&id]].concat();
    rebuild(&peer, &args).prints(1, &[&line]);

    let (_, hash) = other.split_once(':').unwrap();
    let renamed = format!("renamed:{hash}");
    fs::rename(peer.path(file(&id)), peer.path(file(&renamed))).unwrap();
    let line = format!(
        "refused   {renamed}: {}: has the label \"other\", not the one in its name{WRONG}",
        shown(&renamed)
    );
    rebuild(&peer, &[&NEW[..], &[&renamed]].concat()).prints(1, &[&line]);

    peer.put_link(&file(&id), peer.path(file(&other)).to_str().unwrap());
    let name = id.replace(':', ".");
    let line = format!(
        "refused   {id}: {name}.tar.gz: is a symbolic link, but only regular files and directories are copied"
    );
    rebuild(&peer, &args).prints(1, &[&line]);

    fs::remove_file(peer.path(file(&id))).unwrap();
    peer.put(file(&id), "x");
    let seen = rebuild(&peer, &args);
    assert!(
        seen.stdout
            .starts_with(&format!("refused   {id}: {}: has the SHA-256 ", shown(&id))),
        "{seen:?}"
    );
    assert_eq!(peer.listing(BUILDS), before);
}

#[test]
fn other_files_beside_the_packages_are_left_alone() {
    let (peer, id) = installed();
    let hash = Digest::of(b"");
    for name in [
        "a.tar.gz",
        "README",
        &format!("a.{hash}.tar"),
        &format!("{hash}.tar.gz"),
    ] {
        peer.put(format!("{PACKAGES}/{name}"), "x");
    }
    peer.put_dir(&format!("{BUILDS}/other"))
        .put(format!("{BUILDS}/file"), "x");
    let seen = rebuild(&peer, &NEW);
    assert_eq!(
        (seen.status, seen.stdout.lines().count()),
        (0, 2),
        "{seen:?}"
    );
    assert!(seen.stdout.contains(&id));
}

#[test]
fn a_path_that_is_not_a_peers_is_an_error() {
    for missing in [PACKAGES, BUILDS] {
        let (peer, _) = installed();
        let line = format!(
            "rebuild: {missing}: is not a peer's file system path (no {PACKAGES}), which is usually /var/hyperledger/production\n"
        );
        let seen = rebuild(&peer, &[missing]);
        assert_eq!((seen.status, seen.stderr), (2, line));
        fs::remove_dir_all(peer.path(missing)).unwrap();
        let seen = rebuild(&peer, &NEW);
        let line =
            format!("rebuild: cannot open ./{missing}: No such file or directory (os error 2)\n");
        assert_eq!((seen.status, seen.stderr), (2, line));
    }
    let (peer, _) = installed();
    peer.set_mode(PACKAGES, 0);
    let peer = peer.run_by_nobody();
    let args = [&["rebuild"], &NEW[..]].concat();
    let seen = user::run_by_nobody(&peer.path(""), &args);
    let line = format!(
        "rebuild: cannot open ./{PACKAGES}: Permission denied (os error 13); run this as the folder's owner or as root\n"
    );
    assert_eq!((seen.status, seen.stderr), (2, line));
    peer.set_mode(PACKAGES, 0o755);
}

#[test]
fn nothing_stays_in_the_scratch_folder() {
    let (peer, _) = installed();
    peer.put_dir("scratch");
    let setup = format!("export TMPDIR={}", peer.path("scratch").display());
    let args = [&["rebuild"], &NEW[..]].concat();
    assert_eq!(user::run_after(&setup, &peer.path(""), &args).status, 0);
    peer.has_nothing_in("scratch");
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let (peer, id) = installed();
    let build = build_of(&id);
    // Some have the names that this run uses too.
    for number in 0..9 {
        for folder in ["", "bld/", "release/chaincode/server/"] {
            peer.put(format!("{build}/{folder}.fabric-ccs-builder-{number}"), "x");
        }
    }
    peer.put(
        format!("{BUILDS}/.fabric-ccs-builder/bld/connection.json"),
        "x",
    );
    let before = state(&peer);
    rebuild(&peer, &[&["--dry-run"], &NEW[..]].concat());
    assert_eq!(state(&peer), before);
    assert_eq!(rebuild(&peer, &NEW).status, 0);
    assert_eq!(peer.names(BUILDS).len(), 1);
    is_new(&peer, &id);
}

#[test]
fn a_package_may_have_the_names_of_temporary_files() {
    let peer = production(Peer::in_memory());
    let (tree, indexes) = ("META-INF", "META-INF/statedb/couchdb/indexes");
    peer.put("src/connection.json", MOVING);
    for name in [".fabric-ccs-builder-0", ".fabric-ccs-builder-1", "z"] {
        peer.put(format!("src/{tree}/{name}"), name);
    }
    for (name, content) in [
        (".fabric-ccs-builder-0/x.json", &*index("x")),
        ("z.json", INDEX),
    ] {
        peer.put(format!("src/{indexes}/{name}"), content);
    }
    let id = install(&peer, "basic", "ccaas");
    let build = build_of(&id);

    peer.put(format!("{build}/bld/{tree}/z"), "changed");
    assert_eq!(rebuild(&peer, &NEW).status, 0);
    is_new(&peer, &id);

    fs::remove_dir_all(peer.path(&build)).unwrap();
    assert_eq!(rebuild(&peer, &NEW).status, 0);
    is_new(&peer, &id);

    fs::remove_file(peer.path(format!("{build}/bld/{tree}/z"))).unwrap();
    peer.put_dir(&format!("{build}/bld/{tree}/z"));
    let before = peer.listing(&build);
    assert_eq!(
        rebuild(&peer, &["--config", r#"{"host":"other"}"#, "."]).status,
        1
    );
    assert_eq!(peer.listing(&build), before);
}

#[test]
fn what_has_no_name_in_utf_8_is_removed() {
    let (peer, id) = installed();
    let bld = peer.path(format!("{}/bld", build_of(&id)));
    for name in [&b"\xff"[..], b"\xfe", "\u{fffd}".as_bytes(), b"a\xff.json"] {
        fs::write(bld.join(OsStr::from_bytes(name)), "x").unwrap();
    }
    for name in [&b"folder\xff"[..], b"folder\n"] {
        let folder = bld.join(OsStr::from_bytes(name)).join("in");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("file"), "x").unwrap();
    }
    let line = format!(
        "rebuilt   {id}: the peer will dial new:9999 without TLS, before: dial old:9999 without TLS; 10 files differ"
    );
    rebuild(&peer, &NEW).prints(0, &[&line]);
    is_new(&peer, &id);
}

#[test]
fn the_summary_of_a_dry_run_is_english() {
    let (peer, _) = installed();
    let args = [&["--dry-run"], &NEW[..]].concat();
    for (count, next) in [
        ("1 package: 0 unchanged, 1 differs", "second"),
        ("2 packages: 0 unchanged, 2 differ", "third"),
    ] {
        let seen = rebuild(&peer, &args);
        let line = format!("result    {count}, 0 refused, 0 failed\n");
        assert!(seen.stdout.ends_with(&line), "{seen:?}");
        install(&peer, next, "ccaas");
    }
}
