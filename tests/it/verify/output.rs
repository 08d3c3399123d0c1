//! The output: names, order, and the resources it takes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use super::super::peer::{Peer, Seen, program};
use super::super::user;
use super::{BUILD, INDEX_A, copy, installed, run, summary, verify};

#[test]
fn names_cannot_deceive() {
    let peer = installed();
    for name in [
        &b"a\nbuilds: match"[..],
        b"\x1b[2J",
        b"\xff",
        "\u{202e}gpj".as_bytes(),
    ] {
        let path = Path::new(OsStr::from_bytes(name));
        peer.put(Path::new(BUILD).join("bld").join(path), "x")
            .put(Path::new("builds").join(path), "x");
    }
    // Also asserts that the JSON says the same.
    let (status, lines) = verify(&peer, &["builds"]);
    assert_eq!(status, 1);
    let names = [
        "\\u{1b}[2J",
        "a\\u{a}builds: match",
        "\\u{202e}gpj",
        "\u{fffd}",
    ];
    for name in names {
        let line = format!("{BUILD}: bld/{name}: unrecorded, found a regular file");
        assert!(lines.contains(&line), "{line}: {lines:?}");
        let line = format!("builds: {name}: unrecorded, found a regular file");
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert_eq!(lines.len(), 9);
    let json = run(&peer, &["--json", "builds"]).stdout;
    assert!(
        !json.contains(|c: char| c != '\n' && fabric_ccs_builder::testing::is_unsafe(c)),
        "{json}"
    );
}

#[test]
fn many_builds_are_reported_in_order() {
    let peer = installed();
    for number in 0..60 {
        copy(&peer, BUILD, &format!("builds/many-{number:064x}"));
    }
    peer.put(format!("builds/many-{:064x}/bld/added", 37), "x");
    let (status, lines) = verify(&peer, &["builds"]);
    assert_eq!(status, 1);
    assert!(lines[..61].is_sorted(), "{lines:?}");
    assert!(
        lines[38].contains(": bld/added: unrecorded, "),
        "{}",
        lines[38]
    );
    assert_eq!(lines[61..], [summary(61, [60, 1, 0], 1)]);
}

#[test]
fn a_reader_that_goes_away_causes_no_panic() {
    let peer = installed();
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let no_space =
        "verify: cannot write to standard output: No space left on device (os error 28)\n";
    for (stdout, line) in [(Stdio::from(writer), ""), (Stdio::from(full), no_space)] {
        let mut command = user::command(":", &peer.path(""), program(), &["verify", "builds"]);
        let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
        let seen = Seen::of(&child.unwrap().wait_with_output().unwrap());
        assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
    }
}

#[test]
fn reads_each_file_once_in_little_memory() {
    let index = format!("{BUILD}/bld/{INDEX_A}");
    let peer = installed();
    let file = fs::File::create(peer.path(&index)).unwrap();
    file.set_len(32 << 20).unwrap();
    is_read_once(&peer, "ulimit -v 24000", 32 << 20);

    // The statement is also parsed.
    let statement = format!("{BUILD}/bld/build.intoto.json");
    let peer = installed();
    peer.put(&statement, peer.get(&statement) + &" ".repeat(8 << 20));
    is_read_once(&peer, ":", 8 << 20);
}

/// Asserts that a changed file of this size is read only once, and otherwise only small files.
fn is_read_once(peer: &Peer, setup: &str, size: u64) {
    // What the shell's children have read is counted as its own once they have ended.
    let script = format!("{setup}; \"$@\"; grep ^rchar /proc/$$/io");
    let program = program().to_str().unwrap();
    let args = ["-c", &script, "sh", program, "verify", BUILD];
    let mut shell = user::command(":", &peer.path(""), Path::new("/bin/sh"), &args);
    let seen = Seen::of(&shell.output().unwrap());
    assert!(seen.stdout.contains(": mismatch, "), "{seen:?}");
    let Some((_, read)) = seen.stdout.split_once("rchar: ") else {
        eprintln!("the kernel does not count what is read: not tested: {seen:?}");
        return;
    };
    let read: u64 = read.trim().parse().unwrap();
    assert!((size..size + (1 << 20)).contains(&read), "{read}");
}
