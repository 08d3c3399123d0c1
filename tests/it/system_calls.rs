//! Every call that opens, reads, writes, looks up, lists, makes, links or renames fails once:
//! `strace` counts them in a first run, and injects an error into one of them in each later run, or
//! into one in each thread if there are several. Of the program that cargo built, only a sample
//! fails; `TESTED_PROGRAM` names another one, of which all do. If `strace` is missing or not
//! allowed, the tests are skipped, except in continuous integration.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs};

use super::peer::{INDEX, Peer, Seen, program, skip, tls};
use super::rebuild::{self, BUILDS, LAST, NEW};
use super::user;

/// What a program asks the system for, the calls that do it on different processors, and the errors
/// that each gets. Without `close`, `unlink` and `rmdir`: they clean up, and reporting a failure
/// would help nobody.
const CALLS: [(&str, &[&str], &[&str]); 13] = [
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
];

/// The calls of a traced run, as `strace` wrote them, in one piece: if another thread interrupts a
/// call, `strace` writes it in two lines.
fn calls(trace: &str) -> Vec<(&str, String)> {
    let mut calls: Vec<(&str, String)> = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        match call.strip_prefix("<... ") {
            None => calls.push((thread, call.to_owned())),
            Some(rest) => {
                let begun = calls.iter_mut().rfind(|(begun, _)| *begun == thread);
                let (_, end) = rest.split_once("resumed>").unwrap();
                begun.unwrap().1.push_str(end);
            }
        }
    }
    calls
}

/// For each call, the largest count in any thread, and the count before the program itself began to
/// work. `strace` also counts per thread.
#[derive(Default)]
struct Counts(BTreeMap<String, (usize, usize)>);

impl Counts {
    /// The loader's calls come before the first one that names something in `peer`, or something of
    /// the program's own.
    fn of(peer: &Peer, trace: &str) -> Self {
        let mut counts = Self::default();
        let mut made: BTreeMap<(&str, String), usize> = BTreeMap::new();
        let root = peer.path("").display().to_string();
        let mut is_loading = true;
        // The first call starts the program.
        for (thread, call) in calls(trace).into_iter().skip(1) {
            is_loading &= !call.contains(&root) && !call.contains("/proc/self/maps");
            let Some((name, _)) = call.split_once('(') else {
                continue;
            };
            let made = made.entry((thread, name.to_owned())).or_default();
            *made += 1;
            let (before, most) = counts.0.entry(name.to_owned()).or_default();
            *most = (*most).max(*made);
            *before += usize::from(is_loading);
        }
        counts
    }

    /// The faults to inject: the purpose of the call, the call, its number, the error. Every call of
    /// a given program fails, with one of the errors that `is_tried` in turn, or with each if there
    /// are few such calls. The program that cargo built, which is slower, has the same code: of its
    /// calls with one name, only one in every so many fails.
    fn faults(
        &self,
        is_tried: impl Fn(&str) -> bool,
    ) -> Vec<(&'static str, &'static str, usize, &'static str)> {
        let is_given = env::var_os("TESTED_PROGRAM").is_some();
        let mut faults = Vec::new();
        for (what, names, errors) in CALLS {
            let errors: Vec<_> = errors.iter().filter(|error| is_tried(error)).collect();
            for name in names {
                let (before, made) = self.0.get(*name).copied().unwrap_or_default();
                let count = made - before;
                let step = 1 + count / if is_given { usize::MAX } else { 16 };
                for (turn, number) in (before + 1..=made).step_by(step).enumerate() {
                    for (place, error) in errors.iter().enumerate() {
                        if count <= 4 || place == turn % errors.len() {
                            faults.push((what, *name, number, **error));
                        }
                    }
                }
            }
        }
        faults
    }
}

/// The path of `strace`.
fn strace() -> Option<&'static Path> {
    static FOUND: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let path = env::var_os("PATH")?;
        let mut places = env::split_paths(&path).map(|dir| dir.join("strace"));
        places.find(|place| place.is_file())
    });
    FOUND.as_deref()
}

/// A command line that traces another.
fn tracing(peer: &Peer, options: &[&str]) -> Vec<String> {
    let (strace, trace) = (strace().unwrap().display(), peer.path("trace"));
    let fixed = [
        &strace.to_string(),
        "-f",
        "-qq",
        "-o",
        trace.to_str().unwrap(),
    ];
    let words = fixed.iter().chain(options);
    words.map(|&word| word.to_owned()).collect()
}

/// Whether calls can be traced here, and made to fail.
fn can_trace() -> bool {
    static CAN_TRACE: LazyLock<bool> = LazyLock::new(|| {
        let peer = Peer::empty();
        strace().is_some() && {
            let words = tracing(
                &peer,
                &["-e", "inject=chdir:error=EIO", "env", "-C", "/", "true"],
            );
            let traced = Command::new(&words[0]).args(&words[1..]).output();
            traced.is_ok_and(|seen| String::from_utf8_lossy(&seen.stderr).contains("Input/output"))
        }
    });
    if !*CAN_TRACE {
        skip("strace");
    }
    *CAN_TRACE
}

/// The calls that were made to fail.
#[derive(Default)]
struct Tried {
    /// Calls whose failure stopped the work.
    stopped: BTreeSet<&'static str>,
    /// Calls whose failure did not.
    survived: BTreeSet<&'static str>,
}

impl Tried {
    /// Asserts that all of these were tried, and that failures stopped the work where they should.
    #[track_caller]
    fn has(&self, stopped: &[&str], survived: &[&str]) {
        let missing = |expected: &[&'_ str], found: &BTreeSet<&str>| {
            let missing = expected.iter().filter(|what| !found.contains(*what));
            missing.map(|&what| what.to_owned()).collect::<Vec<_>>()
        };
        let (stopped, survived) = (
            missing(stopped, &self.stopped),
            missing(survived, &self.survived),
        );
        assert!(
            stopped.is_empty() && survived.is_empty(),
            "not stopped by {stopped:?}, not without {survived:?}; but by {:?}, and without {:?}",
            self.stopped,
            self.survived
        );
    }
}

/// Makes calls of `run` fail, one in each run, and passes the result and the call to `check`, which
/// returns whether the program did its work nevertheless.
fn disturb(
    peer: &Peer,
    run: impl Fn(&[String]) -> Seen,
    check: impl Fn(&str, &Seen) -> bool,
) -> Tried {
    disturb_some(peer, |_| true, run, check)
}

/// The same, but only with the errors that `is_tried`.
fn disturb_some(
    peer: &Peer,
    is_tried: impl Fn(&str) -> bool,
    run: impl Fn(&[String]) -> Seen,
    check: impl Fn(&str, &Seen) -> bool,
) -> Tried {
    run(&tracing(peer, &[]));
    let counts = Counts::of(peer, &fs::read_to_string(peer.path("trace")).unwrap());
    let mut tried = Tried::default();
    for (what, name, number, error) in counts.faults(is_tried) {
        let traced = format!("trace={name}");
        let injected = format!("inject={name}:error={error}:when={number}");
        // With the filter, other calls do not stop for strace: a run takes a third of the time.
        let options = ["--seccomp-bpf", "-e", &traced, "-e", &injected];
        let seen = run(&tracing(peer, &options));
        let trace = fs::read_to_string(peer.path("trace")).unwrap();
        // One in each thread, or none if the work was divided differently than in the first run.
        let failed: Vec<String> = calls(&trace)
            .into_iter()
            .filter_map(|(_, call)| call.ends_with("(INJECTED)").then_some(call))
            .collect();
        let call = failed.join(", ");
        if error == "EINTR" {
            assert_eq!(seen.status, 0, "{call}: is not done again: {seen:?}");
        }
        let has_done_it = check(&call, &seen);
        if has_done_it && !failed.is_empty() {
            tried.survived.insert(what);
        } else if !has_done_it {
            tried.stopped.insert(what);
        }
    }
    tried
}

/// Asserts that a program wrote one line to stderr, unless the call that failed was that write.
fn said_one_line(call: &str, word: &str, seen: &Seen) {
    let is_line = seen.stderr.lines().count() == 1 && seen.stderr.starts_with(&format!("{word}: "));
    assert!(is_line || call.contains("write(2, "), "{call}: {seen:?}");
}

/// Makes each call of one of the peer's programs fail once. The program must make the whole output,
/// or say why it cannot and leave nothing.
fn disturb_programs(peer: &Peer, word: &str, dirs: &[&str], output: &str) -> Tried {
    peer.clear(output);
    assert_eq!(peer.run(word, dirs).status, 0);
    let whole = peer.listing(output);
    let run = |wrapper: &[String]| {
        peer.clear(output);
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

/// Calls whose failure stops a program that copies.
const COPYING: [&str; 7] = [
    "open",
    "read",
    "write",
    "look up",
    "list",
    "make a folder",
    "rename",
];

/// Calls whose failure stops a program that reads and reports what it found.
const READING: [&str; 5] = ["open", "read", "write", "look up", "list"];

/// A package with an index definition and a file of several pieces.
fn package() -> Peer {
    let peer = Peer::in_memory();
    peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("src/META-INF/large", vec![b'x'; 40 << 10]);
    peer
}

/// The same, with everything that a source folder has.
fn source_folder() -> Peer {
    let peer = package();
    peer.put("src/metadata.json", r#"{"type":"ccaas","label":"a"}"#);
    peer
}

#[test]
fn detect_reports_every_call_that_fails() {
    if !can_trace() {
        return;
    }
    let tried = disturb_programs(&Peer::in_memory(), "detect", &["src", "metadata"], "bld");
    tried.has(&["open", "read", "look up"], &["read"]);
}

#[test]
fn build_makes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let tried = disturb_programs(&package(), "build", &["src", "metadata", "bld"], "bld");
    tried.has(&COPYING, &["read"]);
}

#[test]
fn build_reads_a_file_of_the_config_or_says_why_not() {
    if !can_trace() {
        return;
    }
    let connection = r#"{"address":"a:1","tls_required":true,"root_cert":"{{.ca}}{{.ca}}"}"#;
    let mut peer = Peer::with_connection(connection);
    peer.put("ca.pem", tls("P-256.pem"));
    let path = peer.path("ca.pem").display().to_string();
    peer = peer.config(&format!(r#"{{"ca":{{"file":"{path}"}}}}"#));
    let tried = disturb_programs(&peer, "build", &["src", "metadata", "bld"], "bld");
    tried.has(&["open", "read", "look up"], &[]);
}

#[test]
fn a_umask_that_removes_bits_is_overridden_or_reported() {
    if !can_trace() {
        return;
    }
    let peer = package().umask("077");
    let tried = disturb_programs(&peer, "build", &["src", "metadata", "bld"], "bld");
    tried.has(&["set a mode"], &[]);
}

#[test]
fn release_publishes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = package();
    peer.build().succeeds(&[]);
    let tried = disturb_programs(&peer, "release", &["bld", "release"], "release");
    tried.has(&COPYING, &["read"]);
}

/// The program as users run it. Names in `peer` become absolute paths, so that a trace shows when
/// the work begins.
fn run_as_user(peer: &Peer, wrapper: &[String], args: &[&str]) -> Seen {
    let program = program().to_str().unwrap();
    let mut words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    words.push(program);
    let args = args.iter().map(|&arg| {
        if arg.starts_with("./") {
            peer.path(arg).display().to_string()
        } else {
            arg.to_owned()
        }
    });
    let args: Vec<String> = args.collect();
    words.extend(args.iter().map(String::as_str));
    let command = user::command(":", &peer.path(""), words[0].as_ref(), &words[1..]).output();
    Seen::of(&command.unwrap())
}

/// Makes calls of `verify` fail on a build of this package. It must not report something unreadable
/// as a difference or a match.
fn disturb_verify(peer: &Peer) -> Tried {
    peer.build().succeeds(&[]);
    let args = ["verify", "./bld"];
    let whole = run_as_user(peer, &[], &args);
    disturb(
        peer,
        |wrapper| run_as_user(peer, wrapper, &args),
        |call, seen| {
            if seen.status == 0 {
                assert_eq!(seen, &whole, "{call}");
                return true;
            }
            assert_eq!(seen.status, 2, "{call}: {seen:?}");
            let is_reported = !seen.stdout.is_empty() || seen.stderr.starts_with("verify: cannot ");
            let is_undetermined = seen.stdout.is_empty()
                || seen
                    .stdout
                    .contains(" 0 match, 0 mismatch, 1 cannot tell; 0 ");
            // What was written before that call is correct.
            assert!(
                (is_reported && is_undetermined) || call.contains("write("),
                "{call}: {seen:?}"
            );
            false
        },
    )
}

#[test]
fn verify_never_mistakes_what_cannot_be_read_for_a_difference_or_a_match() {
    if !can_trace() {
        return;
    }
    let tried = disturb_verify(&package());
    tried.has(&READING, &["read"]);
}

#[test]
fn package_writes_all_or_nothing_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = source_folder();
    let args = ["package", "--quiet", "--output", "./bld/a.tar.gz", "./src"];
    let whole = run_as_user(&peer, &[], &args);
    let listing = peer.listing("bld");
    let run = |wrapper: &[String]| {
        peer.clear("bld");
        run_as_user(&peer, wrapper, &args)
    };
    let tried = disturb(&peer, run, |call, seen| {
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
        // The ID is printed once the package exists.
        if !seen.stderr.contains("standard output") {
            assert_eq!(peer.listing("bld"), [""; 0], "{call}: {seen:?}");
        }
        false
    });
    tried.has(&READING, &["read"]);
    tried.has(&["set a mode", "sync", "open again"], &["link"]);
}

const PROGRAMS: [&str; 3] = ["build", "detect", "release"];

/// Puts other programs where `install` puts its own.
fn put_old(peer: &Peer) {
    let _ = fs::remove_dir_all(peer.path("bld/bin"));
    for name in PROGRAMS {
        peer.put(format!("bld/bin/{name}"), "old");
    }
}

/// The number of new and of old programs. The new ones are there under four names, and the old ones
/// are kept, all of them or none. There is nothing else.
fn new_and_old(peer: &Peer, new: &[u8]) -> (usize, usize) {
    let in_folder = |folder: &str| {
        let names = peer.names(folder).into_iter();
        let is_program = |name: &String| PROGRAMS.contains(&name.as_str());
        let (programs, others): (Vec<_>, Vec<_>) = names.partition(is_program);
        let read = |name: &String| fs::read(peer.path(format!("{folder}/{name}"))).unwrap();
        (programs.iter().map(read).collect::<Vec<_>>(), others)
    };
    let (found, others) = in_folder("bld/bin");
    let are_new = found.iter().filter(|&content| content == new).count();
    let are_old = found.iter().filter(|&content| content == b"old").count();
    assert_eq!(are_new + are_old, 3);
    let has = |name: &str| others.iter().any(|other| other == name);
    assert_eq!(
        others.len(),
        usize::from(has("fabric-ccs-builder")) + usize::from(has(".previous"))
    );
    let mut are_kept = 0;
    if has(".previous") {
        let (kept, others) = in_folder("bld/bin/.previous");
        assert!(kept.iter().all(|content| content == b"old"));
        assert_eq!(others, [""; 0]);
        let counts = peer.path("bld/bin/.previous/detect").exists();
        are_kept = if counts { kept.len() } else { 0 };
    }
    assert!(
        are_kept >= are_new,
        "{are_kept} are kept, {are_new} are new"
    );
    (are_new, are_old)
}

#[test]
fn install_leaves_old_or_new_programs_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    let args = ["install", "--quiet", "./bld"];
    let new = fs::read(program()).unwrap();
    let run = |wrapper: &[String]| {
        put_old(&peer);
        run_as_user(&peer, wrapper, &args)
    };
    let tried = disturb(&peer, run, |call, seen| {
        let (are_new, are_old) = new_and_old(&peer, &new);
        if seen.status == 0 {
            assert_eq!(are_new, 3, "{call}: {seen:?}");
            return true;
        }
        assert_eq!(seen.status, 2, "{call}: {seen:?}");
        said_one_line(call, "install", seen);
        // Each is replaced separately, so only a failure while replacing can leave a mixture.
        assert!(are_old == 3 || call.contains("rename"), "{call}: {seen:?}");
        // Nothing was replaced, so there is nothing to roll back to.
        let is_kept = peer.path("bld/bin/.previous").exists();
        assert!(are_new > 0 || !is_kept, "{call}: {seen:?}");
        false
    });
    tried.has(
        &[
            "open",
            "write",
            "make a folder",
            "set a mode",
            "sync",
            "rename",
        ],
        &["link", "read", "read a link"],
    );
}

#[test]
fn a_roll_back_is_completed_by_another_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    let new = b"new";
    let args = ["install", "--quiet", "--rollback", "./bld"];
    let run = |wrapper: &[String]| {
        let _ = fs::remove_dir_all(peer.path("bld/bin"));
        for name in PROGRAMS {
            peer.put(format!("bld/bin/{name}"), new);
            peer.put(format!("bld/bin/.previous/{name}"), "old");
        }
        run_as_user(&peer, wrapper, &args)
    };
    let tried = disturb(&peer, run, |call, seen| {
        if seen.status == 0 {
            assert_eq!(new_and_old(&peer, new), (0, 3), "{call}: {seen:?}");
            return true;
        }
        assert_eq!(seen.status, 2, "{call}: {seen:?}");
        said_one_line(call, "install", seen);
        let (are_new, _) = new_and_old(&peer, new);
        assert!(are_new == 3 || call.contains("rename"), "{call}: {seen:?}");
        assert_eq!(run_as_user(&peer, &[], &args).status, 0, "{call}");
        assert_eq!(new_and_old(&peer, new), (0, 3), "{call}: {seen:?}");
        false
    });
    tried.has(&["open", "rename"], &["read"]);
}

/// The result of a program that is killed instead of making this call for the `number`th time.
fn kill_at(peer: &Peer, calls: &[&str], number: usize, run: impl Fn(&[String]) -> Seen) -> Seen {
    // Each processor has only some of them.
    let calls: Vec<String> = calls.iter().map(|call| format!("?{call}")).collect();
    let calls = calls.join(",");
    let injected = format!("inject={calls}:signal=KILL:when={number}");
    let traced = format!("trace={calls}");
    run(&tracing(peer, &["-e", &traced, "-e", &injected]))
}

const RENAME: [&str; 3] = ["rename", "renameat", "renameat2"];

/// The status that `kill` and `timeout` report.
const KILLED: i32 = 128 + 9;

#[test]
fn a_kill_between_two_renames_leaves_the_names_before_it() {
    if !can_trace() {
        return;
    }
    let peer = package();
    for (word, dirs, order) in [
        (
            "build",
            &["src", "metadata", "bld"][..],
            &[
                "META-INF",
                "metadata.json",
                "build.intoto.json",
                "SHA256SUMS",
                "connection.json",
            ][..],
        ),
        ("release", &["bld", "release"], &["statedb", "chaincode"]),
    ] {
        let output = dirs[dirs.len() - 1];
        for number in 1..=order.len() {
            peer.clear(output);
            let seen = kill_at(&peer, &RENAME, number, |wrapper| {
                peer.run_under(wrapper, word, dirs)
            });
            assert_eq!(seen.status, KILLED, "{seen:?}");
            let mut expected = [&[".fabric-ccs-builder"], &order[..number - 1]].concat();
            expected.sort_unstable();
            assert_eq!(peer.names(output), expected, "{word}, {number}");
            let hidden = fs::metadata(peer.path(output).join(".fabric-ccs-builder"));
            assert_eq!(hidden.unwrap().permissions().mode() & 0o7777, 0o700);
        }
        peer.clear(output);
        assert_eq!(peer.run(word, dirs).status, 0);
    }
}

#[test]
fn a_killed_check_leaves_a_build_that_nobody_else_can_read() {
    if !can_trace() {
        return;
    }
    let peer = source_folder();
    peer.put_dir("temporary")
        .set_mode("src/connection.json", 0o644);
    let temporary = peer.path("temporary");
    let renames = ["rename", "renameat", "renameat2"];
    let seen = kill_at(&peer, &renames, 1, |wrapper| {
        let words = [
            &["env".into(), format!("TMPDIR={}", temporary.display())],
            wrapper,
        ]
        .concat();
        run_as_user(&peer, &words, &["check", "./src"])
    });
    assert_eq!(seen.status, KILLED, "{seen:?}");
    let left = peer.modes("temporary");
    let (folder, _) = left[0].split_once('/').unwrap();
    for line in [
        " 700",
        "bld/.fabric-ccs-builder/ 700",
        "bld/.fabric-ccs-builder/connection.json 600",
    ] {
        let line = format!("{folder}/{line}");
        assert!(left.contains(&line), "{line}: {left:?}");
    }
}

/// A peer's folder with a build, and one in which it is made with another config.
struct Rebuilding {
    peer: Peer,
    new: Peer,
    build: String,
}

impl Rebuilding {
    fn new() -> Self {
        let (peer, id) = rebuild::installed();
        let build = rebuild::build_of(&id);
        // One that is to be removed, and one that is missing.
        let indexes = format!("{build}/release/statedb/couchdb/indexes");
        let [gone, new] = ["old", "a"].map(|name| peer.path(format!("{indexes}/{name}.json")));
        fs::rename(new, gone).unwrap();
        let new = Peer::in_memory();
        for dir in [rebuild::PACKAGES, BUILDS] {
            new.put_dir(dir);
            rebuild::copy(&peer.path(dir), &new.path(dir));
        }
        assert_eq!(rebuild::rebuild(&new, &NEW).status, 0);
        rebuild::copy(&peer.path(BUILDS), &peer.path("saved"));
        Self { peer, new, build }
    }

    /// Runs it on what a peer has, or on what it has without the build.
    fn run(&self, wrapper: &[String], is_missing: bool) -> Seen {
        self.peer.clear(BUILDS);
        if !is_missing {
            rebuild::copy(&self.peer.path("saved"), &self.peer.path(BUILDS));
        }
        let scratch = format!("TMPDIR={}", self.peer.path("bld").display());
        let words = [&["env".to_owned(), scratch], wrapper].concat();
        run_as_user(&self.peer, &words, &["rebuild", NEW[0], NEW[1], "./."])
    }

    /// Asserts that a peer finds its old or its new connection, and that another run makes the
    /// rest. Returns the files that are new, or `None` for a build that is not there.
    #[track_caller]
    fn is_mended(&self, call: &str) -> Option<BTreeSet<String>> {
        let (old, new) = (self.peer.listing("saved"), self.new.listing(BUILDS));
        let place = self.peer.path(&self.build);
        let found: Option<BTreeSet<String>> = place.exists().then(|| {
            let found = self.peer.listing(BUILDS).into_iter();
            let is_known = |line: &String| old.contains(line) || new.contains(line);
            let (known, other): (Vec<_>, Vec<_>) = found.partition(is_known);
            for line in other {
                assert!(line.contains(".fabric-ccs-builder-"), "{call}: {line}");
            }
            let connections = known.iter().filter(|line| line.contains(LAST)).count();
            assert_eq!(connections, 1, "{call}: {known:?}");
            known
                .into_iter()
                .filter(|line| !old.contains(line))
                .collect()
        });
        let again = rebuild::rebuild(&self.peer, &NEW);
        assert_eq!(again.status, 0, "{call}: {again:?}");
        assert_eq!(self.peer.listing(BUILDS), new, "{call}");
        found
    }
}

/// Makes calls of `rebuild` fail that find a build, or that miss one, with the errors that
/// `is_tried`.
fn disturb_rebuild(is_missing: bool, is_tried: impl Fn(&str) -> bool) -> Tried {
    let rebuilding = Rebuilding::new();
    let all = rebuilding.new.listing(BUILDS);
    let before = if is_missing {
        Vec::new()
    } else {
        rebuilding.peer.listing("saved")
    };
    let run = |wrapper: &[String]| rebuilding.run(wrapper, is_missing);
    disturb_some(&rebuilding.peer, is_tried, run, |call, seen| {
        let found = rebuilding.peer.listing(BUILDS);
        if seen.status == 0 {
            assert_eq!(found, all, "{call}");
            return true;
        }
        assert_eq!(seen.status, 2, "{call}: {seen:?}");
        if found == before {
            return false;
        }
        // Each is replaced separately, and printing comes last.
        let is_late = ["rename", "open", "fcntl", "write(1, "];
        let is_late = is_late.iter().any(|name| call.contains(name));
        assert!(is_late, "{call}: {seen:?} {found:?}");
        rebuilding.is_mended(call);
        false
    })
}

#[test]
fn rebuild_leaves_what_the_peer_needs_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    // Each call costs time, and these errors show the most.
    let tried = disturb_rebuild(false, |error| ["EIO", "ENOSPC", "EINTR"].contains(&error));
    tried.has(&COPYING, &["read"]);
    tried.has(&["sync"], &[]);
}

#[test]
fn a_missing_build_is_made_whole_or_not_at_all_whatever_call_fails() {
    if !can_trace() {
        return;
    }
    let tried = disturb_rebuild(true, |error| ["ENOSPC", "EINTR"].contains(&error));
    tried.has(&["write", "make a folder", "sync", "rename"], &[]);
}

#[test]
fn a_rebuild_that_is_killed_between_two_renames_is_completed_by_the_next() {
    if !can_trace() {
        return;
    }
    let rebuilding = Rebuilding::new();
    for is_missing in [false, true] {
        let mut seen_new = BTreeSet::new();
        for number in 1.. {
            let seen = kill_at(&rebuilding.peer, &RENAME, number, |wrapper| {
                rebuilding.run(wrapper, is_missing)
            });
            rebuilding.peer.clear("bld");
            let found = rebuilding.is_mended(&format!("rename {number}"));
            if seen.status == 0 {
                break;
            }
            assert_eq!(seen.status, KILLED, "{seen:?}");
            if is_missing {
                assert_eq!(found, None);
            } else if let Some(found) = found {
                assert!(!found.iter().any(|line| line.contains(LAST)), "{found:?}");
                seen_new.insert(found.len());
            }
        }
        let expected: &[usize] = if is_missing { &[] } else { &[0, 1, 2, 3, 4] };
        assert_eq!(seen_new, expected.iter().copied().collect());
    }
}

#[test]
fn install_replaces_nothing_before_all_is_on_the_disk() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    let run = |options: &[&str]| {
        put_old(&peer);
        for name in PROGRAMS {
            peer.put(format!("bld/bin/.previous/{name}"), "older");
        }
        let args = ["install", "--quiet", "./bld"];
        run_as_user(&peer, &tracing(&peer, options), &args)
    };
    // Four new files and three that are kept, because links do not work.
    let no_links = "inject=?link,?linkat:error=EPERM";
    for number in 1..=7 {
        let no_sync = format!("inject=fsync:error=EIO:when={number}");
        let seen = run(&["-e", no_links, "-e", &no_sync]);
        assert_eq!(seen.status, 2, "{seen:?}");
        for name in PROGRAMS {
            assert_eq!(peer.get(&format!("bld/bin/{name}")), "old", "{number}");
        }
        // What another install has kept can still be put back.
        assert_eq!(peer.names("bld/bin/.previous"), PROGRAMS, "{number}");
        let kept = peer.get("bld/bin/.previous/detect");
        assert_eq!(kept, "older", "{number}");
    }
    assert_eq!(run(&["-e", no_links]).status, 0);
    assert_eq!(peer.get("bld/bin/.previous/detect"), "old");
}

/// As where a program's file is mounted or immutable.
#[test]
fn an_install_that_replaces_nothing_keeps_the_older_builder() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    // Three programs are kept, and then the first of four is replaced.
    for number in 1..=5 {
        put_old(&peer);
        for name in PROGRAMS {
            peer.put(format!("bld/bin/.previous/{name}"), "older");
        }
        let calls = RENAME.map(|call| format!("?{call}")).join(",");
        let busy = format!("inject={calls}:error=EBUSY:when={number}");
        let args = ["install", "--quiet", "./bld"];
        let seen = run_as_user(&peer, &tracing(&peer, &["-e", &busy]), &args);
        assert_eq!(seen.status, 2, "{seen:?}");
        let kept = if number == 5 { "old" } else { "older" };
        assert_eq!(peer.names("bld/bin/.previous"), PROGRAMS, "{number}");
        for name in PROGRAMS {
            let found = peer.get(&format!("bld/bin/.previous/{name}"));
            assert_eq!(found, kept, "{number}");
        }
    }
}

#[test]
fn init_writes_nothing_before_all_is_on_the_disk() {
    if !can_trace() {
        return;
    }
    let peer = Peer::in_memory();
    let run = |options: &[&str]| {
        let _ = fs::remove_dir_all(peer.path("bld/new"));
        peer.put_dir("bld/new");
        let args = ["init", "./bld/new"];
        run_as_user(&peer, &tracing(&peer, options), &args)
    };
    for number in 1..=3 {
        let seen = run(&["-e", &format!("inject=fsync:error=EIO:when={number}")]);
        assert_eq!(seen.status, 2, "{seen:?}");
        let found = peer.modes("bld/new");
        let is_file = |line: &&String| !line.contains("/ ");
        assert_eq!(found.iter().find(is_file), None, "{number}");
    }
    assert_eq!(run(&[]).status, 0);
}

#[test]
fn what_is_refused_is_never_opened() {
    if !can_trace() {
        return;
    }
    let refused = |put: &dyn Fn(&Path)| {
        let peer = Peer::in_memory();
        peer.put("src/META-INF/a", "x");
        put(&peer.path("src/META-INF/refused"));
        let build = ["src", "metadata", "bld"];
        let seen = peer.run_under(&tracing(&peer, &[]), "build", &build);
        assert_eq!(seen.status, 1, "{seen:?}");
        let trace = fs::read_to_string(peer.path("trace")).unwrap();
        let naming = trace.lines().filter(|line| line.contains("refused\""));
        let (opening, other): (Vec<&str>, Vec<&str>) =
            naming.partition(|line| line.contains("open"));
        assert_eq!(opening, [""; 0]);
        assert_ne!(other, [""; 0], "was not looked up: {seen:?}");
    };
    let run = |command: &mut Command| command.output().unwrap().status.success();
    refused(&|path| assert!(run(Command::new("mkfifo").arg(path))));
    refused(&|path| fs::hard_link(path.with_file_name("a"), path).unwrap());
    refused(&|path| symlink("a", path).unwrap());
    refused(&|path| drop(UnixListener::bind(path).unwrap()));
    let mut is_root = Command::new("sh");
    if run(is_root.args(["-c", "test $(id -u) = 0"])) {
        refused(&|path| {
            let mut make = Command::new("mknod");
            assert!(run(make.arg(path).args(["c", "1", "3"])));
        });
    }
}
