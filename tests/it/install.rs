use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;

use super::peer::{Peer, Seen, meanwhile, pauses, program};
use super::user::{self, FULL_DISK, NOBODY};

const NAMES: [&str; 4] = ["build", "detect", "fabric-ccs-builder", "release"];

/// What a program that is linked dynamically says in addition, whatever else it says.
const DYNAMIC: &str = "install: warning: this program is linked dynamically and may not run in a peer's image; install a release there\n";

/// `install ARGS` in `bld`, which is empty.
fn install(peer: &Peer, args: &[&str]) -> Seen {
    plain(user::run(&peer.path("bld"), &[&["install"], args].concat()))
}

/// Asserts that an install said [`DYNAMIC`] if that is so, and removes it.
#[track_caller]
fn plain(mut seen: Seen) -> Seen {
    let version = user::run(Path::new("/"), &["version"]).stdout;
    let is_dynamic = version.contains("linked dynamically");
    let parts: Vec<&str> = seen.stderr.split(DYNAMIC).collect();
    let has_installed = seen.status == 0 && !seen.stderr.contains(" again, in place of ");
    assert_eq!(parts.len() == 2, is_dynamic && has_installed, "{seen:?}");
    seen.stderr = parts.concat();
    seen
}

/// What an install into `bld` says.
fn said(before: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("install: ./bin: now has fabric-ccs-builder {version}, {before}\n")
}

/// Asserts that `bld/bin` has the program under its names, and these other files, in the format of
/// [`Peer::modes`].
#[track_caller]
fn has_programs(peer: &Peer, others: &[&str]) {
    let modes = NAMES.map(|name| format!("{name} 755"));
    let mut modes: Vec<&str> = modes.iter().map(String::as_str).collect();
    modes.extend(others);
    modes.sort_unstable();
    assert_eq!(peer.modes("bld/bin"), modes);
    let content = fs::read(program()).unwrap();
    for name in NAMES {
        let found = fs::read(peer.path("bld/bin").join(name)).unwrap();
        assert!(found == content, "{name}");
    }
}

/// Another builder's programs, each one different.
fn put_other(peer: &Peer) {
    for name in ["build", "detect", "release"] {
        peer.put(format!("bld/bin/{name}"), format!("#!/bin/sh\n# {name}\n"));
        peer.set_mode(&format!("bld/bin/{name}"), 0o555);
    }
}

/// Asserts that `folder` has what [`put_other`] puts into `bld/bin`.
#[track_caller]
fn has_other(peer: &Peer, folder: &str) {
    for name in ["build", "detect", "release"] {
        let path = format!("{folder}/{name}");
        assert_eq!(peer.get(&path), format!("#!/bin/sh\n# {name}\n"));
        assert_eq!(
            fs::metadata(peer.path(&path)).unwrap().mode() & 0o777,
            0o555
        );
    }
}

/// This program with one more line, and with another version in its bytes.
fn of_version(version: &str) -> Vec<u8> {
    let program = fs::read(program()).unwrap();
    let line = |version: &str| format!("fabric-ccs-builder {version}\n").into_bytes();
    let (own, new) = (line(env!("CARGO_PKG_VERSION")), line(version));
    let at = program.windows(own.len()).position(|found| found == own);
    let (before, after) = program.split_at(at.expect("its version is not in its bytes"));
    [before, &new, &after[own.len()..], b"\n"].concat()
}

fn failed(line: &str) -> Seen {
    Seen {
        status: 2,
        stdout: String::new(),
        stderr: format!("install: {line}\n"),
    }
}

#[test]
fn puts_the_program_under_four_names() {
    for umask in ["umask 000", "umask 077", "umask 777"] {
        let peer = Peer::empty();
        let seen = plain(user::run_after(
            umask,
            &peer.path("bld"),
            &["install", "--quiet", "."],
        ));
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{umask}");
        assert_eq!(peer.modes("bld")[0], "bin/ 755");
        has_programs(&peer, &[]);
        // Copying another program over one name does not change the others.
        let is_one = |name: &&str| {
            fs::metadata(peer.path("bld/bin").join(name))
                .unwrap()
                .nlink()
                == 1
        };
        assert!(NAMES.iter().all(is_one));
    }
}

#[test]
fn what_it_puts_there_works() {
    let peer = Peer::new();
    assert_eq!(
        user::run(&peer.path(""), &["install", "--quiet", "."]).status,
        0
    );
    for (word, dirs) in [
        ("detect", &["src", "metadata"][..]),
        ("build", &["src", "metadata", "bld"]),
        ("release", &["bld", "release"]),
    ] {
        let output = Command::new(peer.path("bin").join(word))
            .args(dirs)
            .current_dir(peer.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{word}: {output:?}");
    }
    assert_eq!(peer.modes("release").len(), 3);
}

#[test]
fn prints_what_makes_a_peer_use_it() {
    let peer = Peer::empty();
    let path = peer.path("bld").to_str().unwrap().to_owned();
    let seen = install(&peer, &["../bld/."]);
    let before = "had no builder before";
    assert_eq!(seen.stderr, said(before).replace("./bin", "../bld/./bin"));
    let expected = |name: &str, path: &str| {
        format!(
            r#"# core.yaml:
chaincode:
  externalBuilders:
    - name: {name}
      path: {path}
      propagateEnvironment:
        - CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG
# or the value of CORE_CHAINCODE_EXTERNALBUILDERS in the peer's environment:
[{{"name":{name},"path":{path},"propagateEnvironment":["CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"]}}]
"#
        )
    };
    let up_and_down = format!(r#""{path}/../bld""#);
    assert_eq!(seen.stdout, expected(r#""ccaas_builder""#, &up_and_down));
    let args = ["--name", "a \"b\\: #é", "--path", "/opt/a: b", &path];
    assert_eq!(
        install(&peer, &args).stdout,
        expected(r#""a \"b\\: #é""#, r#""/opt/a: b""#)
    );
}

#[test]
fn a_second_run_replaces_the_programs_and_nothing_else() {
    let peer = Peer::empty();
    peer.put("bld/bin/detect", "old")
        .put("bld/bin/other", "mine");
    fs::hard_link(peer.path("bld/bin/detect"), peer.path("running")).unwrap();
    for _ in 0..3 {
        let seen = install(&peer, &["-q", "."]);
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
        let kept = [".previous/ 755", ".previous/detect 644"];
        has_programs(&peer, &[&kept[..], &["other 644"]].concat());
        assert_eq!(peer.get("bld/bin/other"), "mine");
    }
    assert_eq!(peer.get("running"), "old");
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let peer = Peer::empty();
    peer.put("old", "old")
        .put("bld/bin/detect", "")
        .put_link("bld/bin/build", "../../old");
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    // It is kept as the link that it is.
    let kept = fs::read_link(peer.path("bld/bin/.previous/build")).unwrap();
    assert_eq!(kept.to_str(), Some("../../old"));
    fs::remove_dir_all(peer.path("bld/bin/.previous")).unwrap();
    has_programs(&peer, &[]);
    assert_eq!(peer.get("old"), "old");
}

#[test]
fn a_link_called_bin_is_not_followed() {
    let peer = Peer::empty();
    peer.put("elsewhere/detect", "mine");
    for target in ["../elsewhere", "../nowhere"] {
        peer.put_link("bld/bin", target);
        let line = "./bin: is a link or file and is left alone; put a directory in its place";
        assert_eq!(install(&peer, &["."]), failed(line));
        fs::remove_file(peer.path("bld/bin")).unwrap();
    }
    assert_eq!(peer.modes("elsewhere"), ["detect 644"]);
    assert_eq!(peer.get("elsewhere/detect"), "mine");
    // The folder itself may be a link: the user chose it.
    peer.put_link("linked", "bld");
    let seen = plain(user::run(&peer.path(""), &["install", "-q", "linked"]));
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
    has_programs(&peer, &[]);
}

#[test]
fn a_link_swapped_in_for_bin_never_leads_elsewhere() {
    let peer = Peer::in_memory();
    peer.put_dir("elsewhere");
    let (bin, elsewhere) = (peer.path("bld/bin"), peer.path("elsewhere"));
    let mut pauses = pauses();
    let swap = || {
        thread::sleep(pauses.next().unwrap());
        // A step fails when install was faster; the next round finds everything in place again.
        let _ = fs::create_dir(&bin);
        let _ = fs::rename(&bin, peer.path("moved"));
        let _ = symlink(&elsewhere, &bin);
        let _ = fs::remove_file(&bin);
        let _ = fs::remove_dir_all(peer.path("moved"));
    };
    let statuses = meanwhile(swap, || {
        let run = |_| {
            let seen = install(&peer, &["-q", "."]);
            assert_eq!(peer.names("elsewhere"), [""; 0], "{seen:?}");
            seen.status
        };
        (0..150).map(run).collect::<BTreeSet<i32>>()
    });
    // Some were disturbed. On a busy machine that can be all of them, but left alone it works.
    assert!(statuses.contains(&2), "{statuses:?}");
    assert!(statuses.is_subset(&[0, 2].into()), "{statuses:?}");
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    has_programs(&peer, &[]);
}

#[test]
fn a_user_who_is_not_root_can_install_and_update() {
    let peer = Peer::empty();
    peer.set_mode("", 0o755);
    if fs::metadata(peer.path("bld")).unwrap().uid() == 0 {
        chown(peer.path("bld"), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    for _ in 0..2 {
        let seen = plain(user::run_by_nobody(
            &peer.path("bld"),
            &["install", "-q", "."],
        ));
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
        has_programs(&peer, &[]);
    }
    // A user who may not write there is told who may.
    let refuses = |folder: &str, line: &str| {
        peer.set_mode(folder, 0o555);
        for args in [&["."][..], &["--rollback", "."]] {
            let args = [&["install", "-q"], args].concat();
            let seen = user::run_by_nobody(&peer.path("bld"), &args);
            let line = match args[2] {
                "." => line.to_owned(),
                _ => line.replace("create", "replace"),
            };
            assert_eq!(seen, failed(&line));
        }
        peer.set_mode(folder, 0o755);
    };
    for name in NAMES {
        fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
    }
    peer.put("bld/bin/detect", "old")
        .put("bld/bin/.previous/detect", "older");
    refuses(
        "bld/bin",
        "cannot create ./bin/detect: Permission denied (os error 13); run this as the folder's owner or as root",
    );
    assert_eq!(peer.get("bld/bin/detect"), "old");
    fs::remove_dir_all(peer.path("bld/bin")).unwrap();
    peer.set_mode("bld", 0o555);
    let seen = user::run_by_nobody(&peer.path("bld"), &["install", "-q", "."]);
    let line = "cannot create ./bin: Permission denied (os error 13); run this as the folder's owner or as root";
    assert_eq!(seen, failed(line));
}

#[test]
fn warns_of_a_run() {
    let peer = Peer::empty();
    peer.put_link("bld/bin/run", "/nowhere");
    let seen = install(&peer, &["--quiet", "."]);
    let line = "install: warning: ./bin/run: belongs to another builder, and the peer does not call it for chaincode that this builder built\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (0, line));
    assert_eq!(seen.stdout, "");
}

#[test]
fn says_what_is_not_possible() {
    let peer = Peer::empty();
    peer.put("bld/file", "")
        .put("bld/no-bin/bin", "")
        .put_dir("bld/dir/bin/release")
        .put_dir("bld/empty");
    for (args, line) in [
        (
            &["no"][..],
            "cannot open no: No such file or directory (os error 2); create it first: mkdir -p no",
        ),
        (
            &["--rollback", "no"],
            "cannot open no: No such file or directory (os error 2)",
        ),
        (
            &["file"],
            "file: is a file; give the builder's folder; to install a package, use peer lifecycle chaincode install",
        ),
        (
            &["file/dir"],
            "cannot open file/dir: Not a directory (os error 20)",
        ),
        (
            &["no-bin"],
            "no-bin/bin: is a link or file and is left alone; put a directory in its place",
        ),
        (
            &["dir"],
            "cannot create dir/bin/release: is a directory; move it away",
        ),
        (
            &[],
            "missing argument DIR; see fabric-ccs-builder install --help",
        ),
        (
            &["a", "b"],
            r#"unexpected argument "b"; see fabric-ccs-builder install --help"#,
        ),
        (
            &["--rollback", "empty"],
            "cannot open empty/bin: No such file or directory (os error 2)",
        ),
        (
            &["--rollback", "--name", "n", "."],
            "--rollback only puts programs back; leave out --name; see fabric-ccs-builder install --help",
        ),
        (
            &["--rollback", "--path", "/p", "."],
            "--rollback only puts programs back; leave out --path; see fabric-ccs-builder install --help",
        ),
        (
            &["--force", "."],
            "invalid option '--force'; see fabric-ccs-builder install --help",
        ),
        (
            &["--name", "", "."],
            "--name: is empty; see fabric-ccs-builder install --help",
        ),
        (
            &["--name", "a\nb", "."],
            "--name: contains a control character; see fabric-ccs-builder install --help",
        ),
        (
            &["--path", "opt", "."],
            r#"--path: "opt" does not begin with a /; see fabric-ccs-builder install --help"#,
        ),
        (
            &["--path", "", "."],
            "--path: is empty; see fabric-ccs-builder install --help",
        ),
        (
            &["a\u{7f}"],
            "DIR: contains a control character; say with --path what the peer calls it; see fabric-ccs-builder install --help",
        ),
    ] {
        assert_eq!(install(&peer, args), failed(line));
    }
    let modes = [
        "dir/ 755",
        "dir/bin/ 755",
        "dir/bin/release/ 755",
        "empty/ 755",
        "file 644",
        "no-bin/ 755",
        "no-bin/bin 644",
    ];
    assert_eq!(peer.modes("bld"), modes);
}

#[test]
fn a_full_disk_changes_nothing() {
    let peer = Peer::empty();
    let line = "cannot write ./bin/detect: File too large (os error 27)";
    let run = || user::run_after(FULL_DISK, &peer.path("bld"), &["install", "."]);
    assert_eq!(run(), failed(line));
    peer.has_nothing_in("bld");
    peer.put("bld/bin/detect", "old");
    assert_eq!(run(), failed(line));
    assert_eq!(peer.get("bld/bin/detect"), "old");
    assert_eq!(peer.modes("bld"), ["bin/ 755", "bin/detect 644"]);
}

#[test]
fn a_peer_that_starts_a_program_meanwhile_is_not_disturbed() {
    let peer = Peer::empty();
    assert_eq!(install(&peer, &["--quiet", "."]).status, 0);
    let mut failures = Vec::new();
    let start = || {
        for name in ["detect", "build", "release"] {
            let called = Command::new(peer.path("bld/bin").join(name))
                .arg("--version")
                .output();
            failures.extend(called.err());
        }
    };
    meanwhile(start, || {
        for _ in 0..40 {
            // Otherwise it would replace nothing.
            peer.set_mode("bld/bin/detect", 0o555);
            assert_eq!(install(&peer, &["--quiet", "."]).status, 0);
        }
    });
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn says_what_was_there() {
    let peer = Peer::empty();
    let installs = |before: &str| {
        let seen = install(&peer, &["."]);
        assert_eq!((seen.status, seen.stderr), (0, said(before)));
    };
    let replaces = |other: &str| {
        let name = match other {
            "another builder" => "; keep that builder's name in core.yaml",
            _ => "",
        };
        installs(&format!(
            "in place of {other}, which install --rollback puts back{name}"
        ));
    };
    installs("had no builder before");
    installs("as before");
    peer.put("bld/bin/detect", of_version("0.0.9-rc.1"));
    replaces("fabric-ccs-builder 0.0.9-rc.1");
    installs("as before");
    peer.put("bld/bin/build", of_version(env!("CARGO_PKG_VERSION")));
    replaces("another build of it");
    for other in [
        "#!/bin/sh\n# like fabric-ccs-builder 0.0.9\n",
        "\x7fELF fabric-ccs-builder \nfabric-ccs-builder x\nx-fabric-ccs-builde 1\n",
        "",
    ] {
        peer.put("bld/bin/release", other);
        replaces("another builder");
    }
    // As an image has it, and as `cp -a` copies it from there.
    for name in ["build", "detect", "release"] {
        fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
        peer.put_link(&format!("bld/bin/{name}"), "fabric-ccs-builder");
    }
    installs("as before");
    for name in ["build", "detect", "release"] {
        fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
        peer.put_link(&format!("bld/bin/{name}"), "fabric-ccs-builder");
    }
    peer.put("bld/bin/fabric-ccs-builder", of_version("0.0.9"));
    replaces("fabric-ccs-builder 0.0.9");
}

#[test]
fn rolls_back_to_what_it_replaced() {
    let version = format!("fabric-ccs-builder {}", env!("CARGO_PKG_VERSION"));
    let peer = Peer::empty();
    let rolls_back = |to: &str, from: &str| {
        let seen = install(&peer, &["--rollback", "."]);
        let line = format!("install: ./bin: has {to} again, in place of {from}\n");
        assert_eq!(
            (seen.status, seen.stderr, seen.stdout.as_str()),
            (0, line, "")
        );
        let nothing = "./bin: no earlier builder is kept here; install the version that you want";
        assert_eq!(install(&peer, &["--rollback", "."]), failed(nothing));
    };
    put_other(&peer);
    for _ in 0..2 {
        // A restarted container installs the same again, and that replaces nothing.
        for _ in 0..2 {
            assert_eq!(install(&peer, &["."]).status, 0);
            has_other(&peer, "bld/bin/.previous");
        }
        rolls_back("another builder", &version);
        has_other(&peer, "bld/bin");
        assert_eq!(peer.names("bld/bin"), ["build", "detect", "release"]);
    }
    fs::remove_file(peer.path("bld/bin/release")).unwrap();
    peer.put("bld/bin/release", "mine");
    assert_eq!(install(&peer, &["."]).status, 0);
    // Of several versions, the last one is kept.
    for name in NAMES {
        fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
        peer.put(format!("bld/bin/{name}"), of_version("0.0.9"));
    }
    assert_eq!(install(&peer, &["."]).status, 0);
    has_programs(
        &peer,
        &[
            ".previous/ 755",
            ".previous/build 644",
            ".previous/detect 644",
            ".previous/fabric-ccs-builder 644",
            ".previous/release 644",
        ],
    );
    rolls_back("fabric-ccs-builder 0.0.9", &version);
    peer.put("bld/bin/detect", of_version(env!("CARGO_PKG_VERSION")));
    assert_eq!(install(&peer, &["."]).status, 0);
    rolls_back(&version, "another build of it");
    peer.put("bld/bin/detect", of_version("0.0.9"));
    for name in NAMES {
        let found = fs::read(peer.path("bld/bin").join(name)).unwrap();
        assert!(found == of_version("0.0.9"), "{name}");
    }
}

/// Fabric does without `release`, and a peer would run ours for the other builder's packages.
#[test]
fn a_rollback_leaves_no_program_of_ours_beside_another_builders() {
    let peer = Peer::empty();
    for name in ["detect", "build"] {
        peer.put(format!("bld/bin/{name}"), "old");
    }
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    has_programs(
        &peer,
        &[
            ".previous/ 755",
            ".previous/build 644",
            ".previous/detect 644",
        ],
    );
    assert_eq!(install(&peer, &["--rollback", "."]).status, 0);
    assert_eq!(peer.modes("bld/bin"), ["build 644", "detect 644"]);
    // What is not ours stays.
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    fs::remove_file(peer.path("bld/bin/release")).unwrap();
    peer.put("bld/bin/release", "mine");
    assert_eq!(install(&peer, &["--rollback", "."]).status, 0);
    assert_eq!(peer.names("bld/bin"), ["build", "detect", "release"]);
    assert_eq!(peer.get("bld/bin/release"), "mine");
}

#[test]
fn a_killed_install_or_rollback_is_completed_by_another() {
    let peer = Peer::empty();
    // Killed after each of the renames of an install.
    for count in 0..=NAMES.len() {
        put_other(&peer);
        assert_eq!(install(&peer, &["-q", "."]).status, 0);
        for name in ["release", "build", "detect"].into_iter().skip(count) {
            fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
            let other = peer.path("bld/bin/.previous").join(name);
            fs::copy(other, peer.path("bld/bin").join(name)).unwrap();
        }
        assert_eq!(install(&peer, &["-q", "."]).status, 0);
        has_other(&peer, "bld/bin/.previous");
        // And of a roll-back.
        for name in ["release", "build", "detect"].into_iter().take(count) {
            let back = fs::rename(
                peer.path("bld/bin/.previous").join(name),
                peer.path("bld/bin").join(name),
            );
            back.unwrap();
        }
        let status = if count < 3 { 0 } else { 2 };
        assert_eq!(install(&peer, &["--rollback", "."]).status, status);
        has_other(&peer, "bld/bin");
        peer.clear("bld");
    }
}

#[test]
fn what_a_killed_install_of_another_version_kept_stays() {
    let peer = Peer::empty();
    put_other(&peer);
    for name in ["build", "detect", "release"] {
        let kept = peer.path("bld/bin/.previous").join(name);
        peer.put_dir("bld/bin/.previous");
        fs::copy(peer.path("bld/bin").join(name), kept).unwrap();
    }
    fs::remove_file(peer.path("bld/bin/detect")).unwrap();
    peer.put("bld/bin/detect", of_version("0.0.9"));
    let seen = install(&peer, &["."]);
    let line = "in place of another builder, which install --rollback puts back; keep";
    assert!(seen.stderr.contains(line), "{seen:?}");
    has_other(&peer, "bld/bin/.previous");
    assert_eq!(install(&peer, &["--rollback", "."]).status, 0);
    has_other(&peer, "bld/bin");
}

/// As where an init container starts again.
#[test]
fn an_install_after_a_killed_rollback_loses_nothing() {
    let peer = Peer::empty();
    for count in 1..=2 {
        put_other(&peer);
        assert_eq!(install(&peer, &["-q", "."]).status, 0);
        for name in ["fabric-ccs-builder", "release", "build"]
            .iter()
            .take(count + 1)
        {
            let (from, to) = (peer.path("bld/bin/.previous"), peer.path("bld/bin"));
            if fs::rename(from.join(name), to.join(name)).is_err() {
                fs::remove_file(to.join(name)).unwrap();
            }
        }
        let seen = install(&peer, &["."]);
        assert!(
            seen.stderr.contains("in place of another builder"),
            "{seen:?}"
        );
        has_other(&peer, "bld/bin/.previous");
        assert_eq!(install(&peer, &["--rollback", "."]).status, 0);
        has_other(&peer, "bld/bin");
        peer.clear("bld");
    }
}

/// As in /usr/local.
#[test]
fn a_program_of_the_same_name_that_is_no_builders_is_left_alone() {
    for name in ["build", "release"] {
        let peer = Peer::empty();
        peer.put(format!("bld/bin/{name}"), "mine");
        // Whatever else there is.
        if name == "release" {
            peer.put_link("bld/bin/build", "fabric-ccs-builder");
        }
        let line = format!(
            "./bin/{name}: belongs to no builder, because there is no detect beside it; move it away"
        );
        assert_eq!(install(&peer, &["."]), failed(&line));
        assert_eq!(peer.get(&format!("bld/bin/{name}")), "mine");
        fs::remove_file(peer.path("bld/bin").join(name)).unwrap();
        assert_eq!(install(&peer, &["-q", "."]).status, 0);
    }
}

#[test]
fn a_link_in_the_place_of_what_is_kept_is_not_followed() {
    let peer = Peer::empty();
    put_other(&peer);
    peer.put("elsewhere/detect", "mine");
    peer.put_link("bld/bin/.previous", "../../elsewhere");
    let line = "./bin/.previous: is a link or file and is left alone; remove it";
    for args in [&["."][..], &["--rollback", "."]] {
        assert_eq!(install(&peer, args), failed(line));
    }
    assert_eq!(peer.modes("elsewhere"), ["detect 644"]);
    has_other(&peer, "bld/bin");
    // What is kept may be a link, which is moved and not followed.
    fs::remove_file(peer.path("bld/bin/.previous")).unwrap();
    peer.put_link("bld/bin/.previous/detect", "../../../elsewhere/detect");
    assert_eq!(install(&peer, &["--rollback", "."]).status, 0);
    assert!(
        fs::symlink_metadata(peer.path("bld/bin/detect"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(peer.get("elsewhere/detect"), "mine");
}

#[test]
fn keeps_another_users_programs_without_being_root() {
    let peer = Peer::empty();
    peer.set_mode("", 0o755);
    put_other(&peer);
    if fs::metadata(peer.path("bld")).unwrap().uid() == 0 {
        for path in ["bld", "bld/bin"] {
            chown(peer.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    let run = |args: &[&str]| {
        let args = [&["install"], args].concat();
        let seen = plain(user::run_by_nobody(&peer.path("bld"), &args));
        assert_eq!(seen.status, 0, "{seen:?}");
    };
    run(&["."]);
    has_other(&peer, "bld/bin/.previous");
    run(&["--rollback", "."]);
    has_other(&peer, "bld/bin");
}

#[test]
fn warns_of_a_path_that_ends_in_bin() {
    let peer = Peer::empty();
    peer.put_dir("bld/builder/bin");
    let shown = peer.path("bld/builder/bin").display().to_string();
    let warns = |path: &str, option: &str, args: &[&str]| {
        let line = format!(
            "install: warning: the peer has to find {path}/bin/detect; if its path is the folder above {path}, give {option} without /bin\n"
        );
        assert_eq!(install(&peer, &[&["-q"], args].concat()).stderr, line);
    };
    warns(&shown, "DIR", &["builder/bin/"]);
    warns(&shown, "DIR", &["builder/bin"]);
    warns("/opt/bin", "--path", &["--path", "/opt/bin", "."]);
    warns("/opt/bin", "--path", &["--path", "/opt/bin/", "."]);
    let seen = install(&peer, &["-q", "--path", "/opt", "builder/bin"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
}

#[test]
fn the_same_again_writes_nothing() {
    let peer = Peer::empty();
    peer.set_mode("", 0o755).set_mode("bld", 0o755);
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    peer.set_mode("bld/bin", 0o555);
    let state = || {
        ["", "build", "detect", "fabric-ccs-builder", "release"].map(|name| {
            let found = fs::metadata(peer.path("bld/bin").join(name)).unwrap();
            (found.ino(), found.ctime(), found.ctime_nsec())
        })
    };
    let before = state();
    let again = ["install", "."];
    for seen in [
        user::run_after(FULL_DISK, &peer.path("bld"), &again),
        user::run_by_nobody(&peer.path("bld"), &again),
    ] {
        let seen = plain(seen);
        assert_eq!((seen.status, seen.stderr), (0, said("as before")));
        assert!(state() == before);
    }
    peer.set_mode("bld/bin", 0o755);
    // A wrong mode is corrected, and a missing program is put back.
    for mode in [0o555, 0o1755, 0o700] {
        peer.set_mode("bld/bin/build", mode);
        assert_eq!(install(&peer, &["-q", "."]).status, 0);
        has_programs(&peer, &[]);
    }
    fs::remove_file(peer.path("bld/bin/release")).unwrap();
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    has_programs(&peer, &[]);
}

#[test]
fn refuses_the_folder_bin_of_a_builder() {
    let peer = Peer::empty();
    put_other(&peer);
    let line = "holds a builder's programs; give the folder above it";
    for args in [&["bin"][..], &["../bld/bin/"], &["--rollback", "bin"]] {
        let shown = args[args.len() - 1];
        assert_eq!(install(&peer, args), failed(&format!("{shown}: {line}")));
    }
    let seen = user::run(&peer.path("bld/bin"), &["install", "."]);
    assert_eq!(seen, failed(&format!(".: {line}")));
    assert_eq!(peer.names("bld/bin"), ["build", "detect", "release"]);
    // In a folder of another name, a peer does not look for it.
    peer.put("bld/other/detect", "");
    assert_eq!(install(&peer, &["-q", "other"]).status, 0);
}

#[test]
fn a_failed_install_keeps_nothing_to_roll_back_to() {
    let peer = Peer::empty();
    peer.set_mode("", 0o755).set_mode("bld", 0o755);
    put_other(&peer);
    if fs::metadata(peer.path("bld")).unwrap().uid() != 0 {
        return;
    }
    // Others may create files there, and replace none of root's.
    peer.set_mode("bld/bin", 0o1777);
    let seen = user::run_by_nobody(&peer.path("bld"), &["install", "."]);
    let line = "cannot create ./bin/detect: Operation not permitted (os error 1); run this as the folder's owner or as root";
    assert_eq!(seen, failed(line));
    assert_eq!(peer.names("bld/bin"), ["build", "detect", "release"]);
    has_other(&peer, "bld/bin");
}

#[test]
fn removes_what_a_killed_run_left() {
    let peer = Peer::empty();
    let mine = [
        "bld/bin/.fabric-ccs-builder-1",
        "bld/bin/.fabric-ccs-builder-1-x",
        "bld/bin/.fabric-ccs-builder-1-2-3",
        "bld/bin/.fabric-ccs-builder-1-3/mine",
    ];
    put_other(&peer);
    for args in [&["."][..], &["."], &["--rollback", "."]] {
        for path in mine {
            peer.put(path, "mine");
        }
        peer.put("bld/bin/.fabric-ccs-builder-1-0", "left")
            .put("bld/bin/.fabric-ccs-builder-4194304-11", "left")
            .put("bld/bin/.previous/.fabric-ccs-builder-1-0", "left");
        assert_eq!(install(&peer, args).status, 0);
        let names = peer.names("bld/bin");
        let hidden = names.iter().filter(|name| name.starts_with(".fabric"));
        assert_eq!(hidden.count(), mine.len(), "{names:?}");
        for path in mine {
            assert_eq!(peer.get(path), "mine");
        }
        let previous = peer.path("bld/bin/.previous/.fabric-ccs-builder-1-0");
        assert!(!previous.exists());
    }
    assert!(!peer.path("bld/bin/.previous").exists());
}
