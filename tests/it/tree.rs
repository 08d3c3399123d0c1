//! Odd things in a package's folders, and file system problems.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::peer::{INDEX, PLAIN, Peer};

#[track_caller]
fn refuses(peer: &Peer, line: &str) {
    peer.build().refuses(&format!("build: {line}"));
    peer.has_nothing_in("bld");
}

#[test]
fn a_file_where_meta_inf_must_be() {
    let peer = Peer::new();
    // The Go builders fail too, in release: what is below a file is "not a directory".
    peer.put("src/META-INF", "x");
    refuses(&peer, "META-INF: is a file, not a directory");
}

#[test]
fn both_layouts_at_once() {
    let peer = Peer::new();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("src/metadata/statedb/couchdb/indexes/a.json", INDEX);
    // As with Fabric's builder, which knows no other layout.
    peer.build().succeeds(&["build: warning: metadata/statedb: is ignored, index definitions belong in META-INF/statedb/couchdb/indexes, a collection's in META-INF/statedb/couchdb/collections/NAME/indexes"]);
    assert_eq!(peer.names("bld/META-INF/statedb/couchdb"), ["indexes"]);
}

#[test]
fn anything_else_called_metadata_is_another_file_that_packages_may_hold() {
    let fifo = |peer: &Peer| {
        let made = Command::new("mkfifo")
            .arg(peer.path("src/metadata"))
            .status();
        assert!(made.unwrap().success());
    };
    let things: [&dyn Fn(&Peer); 5] = [
        &|peer| _ = peer.put("src/metadata", "x"),
        &|peer| _ = peer.put_dir("src/metadata/other"),
        &|peer| _ = peer.put_link("src/metadata", "/etc"),
        &|peer| _ = peer.put_link("src/metadata", "nowhere"),
        &fifo,
    ];
    for put in things {
        let peer = Peer::new();
        put(&peer);
        peer.build().succeeds(&[]);
        assert!(!peer.names("bld").contains(&"META-INF".to_owned()));
    }
}

#[test]
fn anything_but_files_and_folders() {
    let only = "but only regular files and directories are copied";
    let place = "META-INF/statedb/couchdb/indexes/a.json";
    let prepared = || {
        let peer = Peer::new();
        peer.put_dir("src/META-INF/statedb/couchdb/indexes");
        peer
    };

    let peer = prepared();
    peer.put_link(&format!("src/{place}"), "/etc/passwd");
    refuses(&peer, &format!("{place}: is a symbolic link, {only}"));

    let peer = Peer::new();
    peer.put_link("src/META-INF", "/etc");
    refuses(&peer, &format!("META-INF: is a symbolic link, {only}"));

    let peer = prepared();
    let made = Command::new("mkfifo")
        .arg(peer.path(format!("src/{place}")))
        .status()
        .unwrap();
    assert!(made.success());
    refuses(&peer, &format!("{place}: is a FIFO, {only}"));

    let peer = Peer::new();
    peer.put_dir("src/META-INF");
    let _socket = UnixListener::bind(peer.path("src/META-INF/s")).unwrap();
    refuses(&peer, &format!("META-INF/s: is a socket, {only}"));

    let peer = prepared();
    peer.put("elsewhere", INDEX);
    fs::hard_link(peer.path("elsewhere"), peer.path(format!("src/{place}"))).unwrap();
    refuses(
        &peer,
        &format!("{place}: has another hard link; replace it with a copy"),
    );
}

#[test]
fn a_device() {
    let peer = Peer::new();
    peer.put_dir("src/META-INF");
    let device = peer.path("src/META-INF/d");
    let made = Command::new("mknod")
        .arg(&device)
        .args(["c", "1", "3"])
        .output()
        .unwrap();
    if !made.status.success() {
        eprintln!("only root may make a device: not tested");
        return;
    }
    refuses(
        &peer,
        "META-INF/d: is a device, but only regular files and directories are copied",
    );
}

#[test]
fn names_that_could_deceive() {
    for (name, shown, fault) in [
        (
            &b"a\nbuild: fine"[..],
            "a\\u{a}build: fine",
            "its name contains a control or invisible character; rename it",
        ),
        (
            b"\x1b[2J",
            "\\u{1b}[2J",
            "its name contains a control or invisible character; rename it",
        ),
        (
            "\u{202e}gpj".as_bytes(),
            "\\u{202e}gpj",
            "its name contains a control or invisible character; rename it",
        ),
        (b"\xff", "\u{fffd}", "its name is not UTF-8; rename it"),
    ] {
        let peer = Peer::new();
        peer.put_dir("src/META-INF");
        fs::write(peer.path("src/META-INF").join(OsStr::from_bytes(name)), "x").unwrap();
        refuses(&peer, &format!("META-INF/{shown}: {fault}"));
    }
}

#[test]
fn folders_too_deep() {
    let peer = Peer::new();
    let deep = format!("META-INF{}", "/d".repeat(65));
    peer.put_dir(&format!("src/{deep}"));
    let refused = peer.path(format!("src/META-INF{}", "/d".repeat(64)));
    refuses(
        &peer,
        &format!(
            "{}: directories nested more than 64 deep",
            refused.display()
        ),
    );
}

#[test]
fn folders_as_deep_as_they_may_be() {
    let peer = Peer::new();
    let deep = format!("META-INF{}", "/d".repeat(64));
    peer.put(format!("src/{deep}/a"), "x");
    peer.build().succeeds(&[]);
    // In the build output, more folders surround it.
    peer.release().succeeds(&[]);
    assert_eq!(peer.get(&format!("bld/{deep}/a")), "x");
}

#[test]
fn paths_that_would_make_a_record_too_large() {
    let peer = Peer::in_memory();
    let folder = format!("META-INF/{}", vec!["x".repeat(250); 7].join("/"));
    let put = |number| {
        let name = format!("src/{folder}/{}{number:04}", "y".repeat(200));
        peer.put(name, "");
    };
    // The paths of seven folders have 7,091 bytes, that of a file 1,970.
    let most = ((16 << 20) - 7_091) / 1_970;
    (0..most).for_each(put);
    peer.build().succeeds(&[]);
    peer.release().succeeds(&[]);
    peer.clear("bld");
    put(most);
    let last = format!("{folder}/{}{most:04}", "y".repeat(200));
    let line = "paths have more than 16777216 bytes in all, the most that are recorded";
    refuses(&peer, &format!("{last}: {line}"));
}

#[test]
fn a_path_too_long_for_a_peer() {
    let peer = Peer::new();
    let folder = format!("META-INF/{}", vec!["x".repeat(250); 8].join("/"));
    let name = "y".repeat(2048 - folder.len() - 1);
    peer.put(format!("src/{folder}/{name}"), "x");
    peer.build().succeeds(&[]);
    peer.clear("bld");
    peer.put(format!("src/{folder}/{name}y"), "x");
    let line = "its path has more than 2048 bytes, which a peer may be unable to copy";
    refuses(&peer, &format!("{folder}/{name}y: {line}"));
}

/// A file of this many bytes that takes no space on disk.
fn put_sparse(peer: &Peer, name: &str, bytes: u64) {
    peer.put(name, "");
    let file = fs::File::options().write(true).open(peer.path(name));
    file.unwrap().set_len(bytes).unwrap();
}

#[test]
fn files_that_are_too_large_without_reading_them() {
    let line = "more than 4294967296 bytes in all, the most that are copied";
    let peer = Peer::new();
    put_sparse(&peer, "src/META-INF/sparse", 1 << 40);
    refuses(&peer, &format!("META-INF/sparse: {line}"));

    let peer = Peer::new();
    for number in 0..5 {
        put_sparse(&peer, &format!("src/META-INF/{number}"), 1 << 30);
    }
    refuses(&peer, &format!("META-INF/4: {line}"));
}

#[test]
fn an_output_directory_that_is_not_empty() {
    let is_there = "already exists";
    let is_of_a_run = "belongs to a run that was killed or is still under way";
    for (name, what) in [
        ("connection.json", is_there),
        ("foreign", is_there),
        (".hidden", is_there),
        (".fabric-ccs-builder", is_of_a_run),
    ] {
        let peer = Peer::new();
        peer.put(format!("bld/{name}"), "old");
        let path = peer.path(format!("bld/{name}"));
        peer.build().refuses(&format!(
            "build: {}: {what}, but the output directory must be empty",
            path.display()
        ));
        assert_eq!(
            (
                peer.modes("bld").len(),
                peer.get(&format!("bld/{name}")).as_str()
            ),
            (1, "old")
        );
    }
}

#[test]
fn an_output_directory_that_cannot_be_used() {
    let peer = Peer::new();
    peer.put("file", "x");
    let cannot =
        |name: &str, why: &str| format!("build: cannot open {}: {why}", peer.path(name).display());
    peer.run("build", &["src", "metadata", "nowhere"])
        .refuses(&cannot("nowhere", "No such file or directory (os error 2)"));
    peer.run("build", &["src", "metadata", "file"])
        .refuses(&cannot("file", "Not a directory (os error 20)"));

    let peer = Peer::new();
    peer.set_mode("bld", 0o500);
    let peer = peer.run_by_nobody();
    let staging = peer.path("bld/.fabric-ccs-builder");
    peer.build().refuses(&format!(
        "build: cannot create {}: Permission denied (os error 13)",
        staging.display()
    ));
}

#[test]
fn unreadable_input() {
    for name in ["src/connection.json", "src/META-INF/a"] {
        let peer = Peer::new();
        peer.put("src/META-INF/a", "x").set_mode(name, 0);
        let peer = peer.run_by_nobody();
        let path = peer.path(name);
        peer.build().refuses(&format!(
            "build: cannot read {}: Permission denied (os error 13)",
            path.display()
        ));
        peer.has_nothing_in("bld");
    }
    let peer = Peer::new();
    peer.put_dir("src/META-INF").set_mode("src/META-INF", 0);
    let peer = peer.run_by_nobody();
    let path = peer.path("src/META-INF");
    peer.build().refuses(&format!(
        "build: cannot open {}: Permission denied (os error 13)",
        path.display()
    ));
    peer.set_mode("src/META-INF", 0o700);
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let peer = Peer::new();
    peer.put("src/META-INF/large", vec![b'x'; 1 << 20]);
    let peer = peer.file_limit(8);
    let path = peer.path("bld/.fabric-ccs-builder/META-INF/large");
    refuses(
        &peer,
        &format!(
            "cannot write {}: File too large (os error 27)",
            path.display()
        ),
    );
}

#[test]
fn open_files_that_cannot_be_reached_through_proc() {
    let hidden = |what: &str| {
        let script = format!("mount -t tmpfs none {what} && exec \"$@\"");
        ["unshare", "-m", "sh", "-c", &script, "sh"].map(str::to_owned)
    };
    let peer = Peer::new();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    let can_mount = hidden("/proc");
    let can_mount = Command::new(&can_mount[0])
        .args(&can_mount[1..])
        .arg("true")
        .output();
    if !can_mount.is_ok_and(|output| output.status.success()) {
        eprintln!("only root may cover /proc: not tested");
        return;
    }
    for what in ["/proc", "/proc/$$/fd"] {
        let wrapper = hidden(what);
        peer.run_under(&wrapper, "build", &["src", "metadata", "bld"])
            .succeeds(&[]);
        peer.run_under(&wrapper, "release", &["bld", "release"])
            .succeeds(&[]);
        assert_eq!(
            peer.get("release/chaincode/server/connection.json"),
            PLAIN,
            "{what}"
        );
        for dir in ["bld", "release"] {
            peer.clear(dir);
        }
    }
}
