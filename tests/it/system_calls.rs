//! Every call that opens, reads, writes, looks up, lists, makes, links or renames fails once: `strace` counts them in a first run,
//! and injects an error into one of them in each of the next. Where `strace` is missing or not allowed the tests are skipped, except in continuous integration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use super::peer::{INDEX, Peer, Seen, program, skip};
use super::person;

/// What a program asks the system for, the calls that do it on one processor or another, and the errors that each gets. Not `close`,
/// `unlink` and `rmdir`: they clean up, and nobody would be helped by a failure then.
const CALLS: [(&str, &[&str], &[&str]); 14] = [
    ("open", &["open", "openat"], &["EIO", "EACCES", "EMFILE"]),
    ("read", &["read"], &["EIO", "EINTR"]),
    ("write", &["write"], &["EIO", "ENOSPC", "EINTR"]),
    ("look up", &["statx"], &["EIO", "EACCES"]),
    ("look up", &["fstat", "newfstatat"], &["EIO"]),
    ("list", &["getdents64"], &["EIO"]),
    ("read a link", &["readlink", "readlinkat"], &["EIO"]),
    ("make a folder", &["mkdir", "mkdirat"], &["EIO", "ENOSPC"]),
    ("set a mode", &["chmod", "fchmod", "fchmodat"], &["EIO"]),
    ("sync", &["fsync"], &["EIO", "ENOSPC"]),
    ("link", &["link", "linkat"], &["EIO", "ENOSPC"]),
    (
        "rename",
        &["rename", "renameat", "renameat2"],
        &["EIO", "ENOSPC"],
    ),
    ("open again", &["fcntl"], &["EMFILE"]),
    ("start a thread", &["clone", "clone3"], &["EAGAIN"]),
];

/// Where the programs' own search path has it, too.
const STRACE: &str = "/usr/bin/strace";

/// A traced run: how often each call was made before the program itself began to work, and in all.
struct Counts(BTreeMap<String, (usize, usize)>);

impl Counts {
    /// Reads what `strace` wrote. The loader's calls come before the first one that names something of `peer`, or of the program's own.
    fn of(peer: &Peer, trace: &str) -> Self {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let root = peer.path("").display().to_string();
        let mut is_loading = true;
        for line in trace.lines().skip(1) {
            is_loading &= !line.contains(&root) && !line.contains("/proc/self/maps");
            let call = line.split_once(' ').map_or(line, |(_, call)| call);
            let Some((name, _)) = call.trim_start().split_once('(') else {
                continue;
            };
            let (before, all) = counts.entry(name.to_owned()).or_default();
            *all += 1;
            *before += usize::from(is_loading);
        }
        Self(counts)
    }

    /// What to let fail, and how: what it is for, the call, its number, the error.
    fn faults(&self) -> impl Iterator<Item = (&'static str, &'static str, usize, &'static str)> {
        CALLS.iter().flat_map(move |&(what, names, errors)| {
            names.iter().flat_map(move |&name| {
                let (before, all) = self.0.get(name).copied().unwrap_or_default();
                (before + 1..=all).flat_map(move |number| {
                    errors.iter().map(move |&error| (what, name, number, error))
                })
            })
        })
    }
}

fn strace(peer: &Peer, options: &[&str]) -> Vec<String> {
    let trace = peer.path("trace").display().to_string();
    let fixed = [STRACE, "-f", "-qq", "-o", &trace];
    let words = fixed.iter().chain(options);
    words.map(|&word| word.to_owned()).collect()
}

/// Whether calls can be traced here.
fn can_trace() -> bool {
    let traced = Command::new(STRACE)
        .args(["-qq", "-o", "/dev/null", "true"])
        .output();
    let can_trace = traced.is_ok_and(|output| output.status.success());
    if !can_trace {
        skip(STRACE);
    }
    can_trace
}

/// Lets each call of `run` fail once, and gives what it did to `check`, with the call; that tells whether the program did its work all
/// the same. What stopped it is given.
fn disturb(
    peer: &Peer,
    run: impl Fn(&[String]) -> Seen,
    check: impl Fn(&str, &Seen) -> bool,
) -> BTreeSet<&'static str> {
    run(&strace(peer, &[]));
    let counts = Counts::of(peer, &fs::read_to_string(peer.path("trace")).unwrap());
    let mut stopped = BTreeSet::new();
    for (what, name, number, error) in counts.faults() {
        let traced = format!("trace={name}");
        let injected = format!("inject={name}:error={error}:when={number}");
        let seen = run(&strace(peer, &["-e", &traced, "-e", &injected]));
        let trace = fs::read_to_string(peer.path("trace")).unwrap();
        // One in each thread.
        let failed = trace.lines().filter(|line| line.ends_with("(INJECTED)"));
        let call = failed.collect::<Vec<_>>().join(", ");
        if error == "EINTR" {
            assert_eq!(seen.status, 0, "{call}: is not done again: {seen:?}");
        }
        if !check(&call, &seen) {
            stopped.insert(what);
        }
    }
    stopped
}

/// Empties a directory.
fn empty(peer: &Peer, dir: &str) {
    fs::remove_dir_all(peer.path(dir)).unwrap();
    peer.put_dir(dir);
}

/// Asserts that a program said one thing on stderr, unless that call failed.
fn said_one_line(call: &str, word: &str, seen: &Seen) {
    let is_line = seen.stderr.lines().count() == 1 && seen.stderr.starts_with(&format!("{word}: "));
    assert!(is_line || call.contains("write(2, "), "{call}: {seen:?}");
}

/// Lets each call of a program of the peer's fail once. It must make the whole output, or say why it cannot and leave nothing.
fn disturb_programs(
    peer: &Peer,
    word: &str,
    dirs: &[&str],
    output: &str,
) -> BTreeSet<&'static str> {
    empty(peer, output);
    assert_eq!(peer.run(word, dirs).status, 0);
    let whole = peer.listing(output);
    let run = |wrapper: &[String]| {
        empty(peer, output);
        peer.run_under(wrapper, word, dirs)
    };
    disturb(peer, run, |call, seen| {
        if seen.status == 0 {
            assert_eq!(peer.listing(output), whole, "{call}");
            return true;
        }
        assert_eq!(seen.status, 1, "{call}: {seen:?}");
        said_one_line(call, word, seen);
        assert_eq!(peer.listing(output), [""; 0], "{call}: {seen:?}");
        false
    })
}

/// Asserts that all of these stopped the program, so that they were tried.
#[track_caller]
fn stopped_by(stopped: &BTreeSet<&str>, expected: &[&str]) {
    let missing: Vec<_> = expected
        .iter()
        .filter(|what| !stopped.contains(*what))
        .collect();
    assert!(missing.is_empty(), "not by {missing:?}, but by {stopped:?}");
}

/// What stops a program that copies.
const COPYING: [&str; 7] = [
    "open",
    "read",
    "write",
    "look up",
    "list",
    "make a folder",
    "rename",
];

/// A package with an index definition and a file that is large enough for a thread of its own.
fn package() -> Peer {
    let peer = Peer::in_memory();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("src/META-INF/large", vec![b'x'; 1 << 20]);
    peer
}

#[test]
fn detect_tells_of_every_call_that_fails() {
    if !can_trace() {
        return;
    }
    let stopped = disturb_programs(&Peer::in_memory(), "detect", &["src", "metadata"], "bld");
    stopped_by(&stopped, &["open", "read", "look up"]);
}

#[test]
fn build_makes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let stopped = disturb_programs(&package(), "build", &["src", "metadata", "bld"], "bld");
    stopped_by(&stopped, &COPYING);
}

#[test]
fn a_umask_that_takes_bits_away_is_set_right_or_told_of() {
    if !can_trace() {
        return;
    }
    let peer = package().umask("077");
    let stopped = disturb_programs(&peer, "build", &["src", "metadata", "bld"], "bld");
    stopped_by(&stopped, &["set a mode"]);
}

#[test]
fn release_publishes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = package();
    peer.build().succeeds(&[]);
    let stopped = disturb_programs(&peer, "release", &["bld", "release"], "release");
    stopped_by(&stopped, &COPYING);
}

/// The program as people run it, in the directory of `peer`.
fn run_as_person(peer: &Peer, wrapper: &[String], args: &[&str]) -> Seen {
    let program = program().to_str().unwrap();
    let mut words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    words.push(program);
    words.extend(args);
    let command = person::command(":", &peer.path(""), words[0].as_ref(), &words[1..]).output();
    person::seen(&command.unwrap())
}

#[test]
fn verify_never_takes_what_cannot_be_read_for_a_difference_or_a_match() {
    if !can_trace() {
        return;
    }
    let peer = package();
    peer.build().succeeds(&[]);
    let args = ["verify", "bld"];
    let whole = run_as_person(&peer, &[], &args);
    let stopped = disturb(
        &peer,
        |wrapper| run_as_person(&peer, wrapper, &args),
        |call, seen| {
            if seen.status == 0 {
                assert_eq!(seen, &whole, "{call}");
                return true;
            }
            assert_eq!(seen.status, 2, "{call}: {seen:?}");
            let is_told = !seen.stdout.is_empty() || seen.stderr.starts_with("verify: cannot ");
            let is_untold = seen.stdout.is_empty()
                || seen
                    .stdout
                    .contains(" 0 match, 0 mismatch, 1 cannot tell; 0 ");
            // What was written before that call is right.
            assert!(
                (is_told && is_untold) || call.contains("write("),
                "{call}: {seen:?}"
            );
            false
        },
    );
    stopped_by(&stopped, &["open", "read", "write", "look up", "list"]);
}

#[test]
fn package_writes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = package();
    peer.put("src/metadata.json", r#"{"type":"ccaas","label":"a"}"#);
    let args = ["package", "--output", "bld/a.tar.gz", "src"];
    let whole = run_as_person(&peer, &[], &args);
    let listing = peer.listing("bld");
    let run = |wrapper: &[String]| {
        empty(&peer, "bld");
        run_as_person(&peer, wrapper, &args)
    };
    let stopped = disturb(&peer, run, |call, seen| {
        if seen.status == 0 {
            assert_eq!(
                (seen, peer.listing("bld")),
                (&whole, listing.clone()),
                "{call}"
            );
            return true;
        }
        assert_eq!(seen.status, 2, "{call}: {seen:?}");
        said_one_line(call, "package", seen);
        // The ID is printed when the package is there.
        if !seen.stderr.contains("standard output") {
            assert_eq!(peer.listing("bld"), [""; 0], "{call}: {seen:?}");
        }
        false
    });
    let expected = ["open", "read", "write", "look up", "list", "sync", "rename"];
    stopped_by(&stopped, &expected);
}

#[test]
fn install_leaves_old_or_new_programs_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    let args = ["install", "--quiet", "bld"];
    let new = fs::read(program()).unwrap();
    let names = ["build", "detect", "release"];
    let run = |wrapper: &[String]| {
        for name in names {
            peer.put(format!("bld/bin/{name}"), "old");
        }
        run_as_person(&peer, wrapper, &args)
    };
    let stopped = disturb(&peer, run, |call, seen| {
        let found = names.map(|name| fs::read(peer.path(format!("bld/bin/{name}"))).unwrap());
        let are_new = found.iter().filter(|&content| *content == new).count();
        let are_old = found.iter().filter(|&content| content == b"old").count();
        assert_eq!(are_new + are_old, 3, "{call}: {seen:?}");
        assert_eq!(peer.modes("bld/bin").len(), 3, "{call}: {seen:?}");
        if seen.status == 0 {
            assert_eq!(are_new, 3, "{call}: {seen:?}");
            return true;
        }
        assert_eq!(seen.status, 2, "{call}: {seen:?}");
        said_one_line(call, "install", seen);
        // Each is replaced on its own, so it is only the replacing itself that can leave some of each.
        assert!(are_old == 3 || call.contains("rename"), "{call}: {seen:?}");
        false
    });
    stopped_by(&stopped, &["open", "write", "sync", "rename"]);
}

#[test]
fn what_is_refused_is_never_opened() {
    if !can_trace() {
        return;
    }
    let make = |name: &str, command: &mut Command| {
        let peer = Peer::in_memory();
        peer.put("src/META-INF/a", "x");
        let made = command.current_dir(peer.path("src/META-INF")).output();
        made.is_ok_and(|output| output.status.success())
            .then(|| {
                let seen =
                    peer.run_under(&strace(&peer, &[]), "build", &["src", "metadata", "bld"]);
                assert_eq!(seen.status, 1, "{seen:?}");
                let trace = fs::read_to_string(peer.path("trace")).unwrap();
                let opened: Vec<&str> = trace
                    .lines()
                    .filter(|line| line.contains("open") && line.contains(&format!("/{name}\"")))
                    .collect();
                assert_eq!(opened, [""; 0], "{name}");
                assert!(
                    trace.contains(&format!("\"{name}\"")),
                    "{name} was not looked up"
                );
            })
            .is_some()
    };
    assert!(make("fifo", Command::new("mkfifo").arg("fifo")));
    assert!(make("linked", Command::new("ln").args(["a", "linked"])));
    assert!(make(
        "symbolic",
        Command::new("ln").args(["-s", "/etc/passwd", "symbolic"])
    ));
    // Only root may make one, and not everywhere.
    make(
        "device",
        Command::new("mknod").args(["device", "c", "1", "3"]),
    );
}
