use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::process::Command;
use std::thread;

use super::peer::{Peer, Seen, meanwhile, pauses, program};
use super::user::{self, FULL_DISK, NOBODY};

/// `install ARGS` in `bld`, which is empty.
fn install(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path("bld"), &[&["install"], args].concat())
}

/// Asserts that `bld/bin` has the program under its three names, and these other files, in the
/// format of [`Peer::modes`].
#[track_caller]
fn has_programs(peer: &Peer, others: &[&str]) {
    let mut modes = [&["build 755", "detect 755", "release 755"], others].concat();
    modes.sort_unstable();
    assert_eq!(peer.modes("bld/bin"), modes);
    let content = fs::read(program()).unwrap();
    for name in ["build", "detect", "release"] {
        let found = fs::read(peer.path("bld/bin").join(name)).unwrap();
        assert!(found == content, "{name}");
    }
}

fn failed(line: &str) -> Seen {
    Seen {
        status: 2,
        stdout: String::new(),
        stderr: format!("install: {line}\n"),
    }
}

#[test]
fn puts_one_program_under_three_names() {
    for umask in ["umask 000", "umask 077", "umask 777"] {
        let peer = Peer::empty();
        let seen = user::run_after(umask, &peer.path("bld"), &["install", "--quiet", "."]);
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{umask}");
        assert_eq!(peer.modes("bld")[0], "bin/ 755");
        has_programs(&peer, &[]);
        let inode = |name: &str| fs::metadata(peer.path("bld/bin").join(name)).unwrap().ino();
        assert_eq!(inode("detect"), inode("build"));
        assert_eq!(inode("detect"), inode("release"));
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
    assert_eq!(
        seen.stderr,
        "install: ../bld/./bin: detect, build, release\n"
    );
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
        has_programs(&peer, &["other 644"]);
        assert_eq!(peer.get("bld/bin/other"), "mine");
    }
    assert_eq!(peer.get("running"), "old");
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let peer = Peer::empty();
    peer.put("old", "old")
        .put_link("bld/bin/build", "../../old");
    assert_eq!(install(&peer, &["-q", "."]).status, 0);
    has_programs(&peer, &[]);
    assert_eq!(peer.get("old"), "old");
}

#[test]
fn a_link_called_bin_is_not_followed() {
    let peer = Peer::empty();
    peer.put("elsewhere/detect", "mine");
    for target in ["../elsewhere", "../nowhere"] {
        peer.put_link("bld/bin", target);
        let line = "./bin: is a link or file and is left alone, put a directory in its place";
        assert_eq!(install(&peer, &["."]), failed(line));
        fs::remove_file(peer.path("bld/bin")).unwrap();
    }
    assert_eq!(peer.modes("elsewhere"), ["detect 644"]);
    assert_eq!(peer.get("elsewhere/detect"), "mine");
    // The folder itself may be a link: the user chose it.
    peer.put_link("linked", "bld");
    let seen = user::run(&peer.path(""), &["install", "-q", "linked"]);
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
        (0..500).map(run).collect::<BTreeSet<i32>>()
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
        let seen = user::run_by_nobody(&peer.path("bld"), &["install", "-q", "."]);
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
        has_programs(&peer, &[]);
    }
    // A user who may not write there gets a message.
    peer.set_mode("bld/bin", 0o555);
    let seen = user::run_by_nobody(&peer.path("bld"), &["install", "-q", "."]);
    assert_eq!(
        seen,
        failed("cannot create ./bin/detect: Permission denied (os error 13)")
    );
    has_programs(&peer, &[]);
}

#[test]
fn warns_of_a_run() {
    let peer = Peer::empty();
    peer.put_link("bld/bin/run", "/nowhere");
    let seen = install(&peer, &["--quiet", "."]);
    let line = "install: warning: ./bin/run: belongs to another builder, the peer does not call it for this one's packages\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (0, line));
    assert_eq!(seen.stdout, "");
}

#[test]
fn says_what_is_not_possible() {
    let peer = Peer::empty();
    peer.put("bld/file", "")
        .put("bld/no-bin/bin", "")
        .put_dir("bld/dir/bin/release");
    for (args, line) in [
        (
            &["no"][..],
            "cannot open no: No such file or directory (os error 2)",
        ),
        (&["file"], "cannot open file: Not a directory (os error 20)"),
        (
            &["no-bin"],
            "no-bin/bin: is a link or file and is left alone, put a directory in its place",
        ),
        (&["dir"], "cannot create dir/bin/release: is a directory"),
        (
            &[],
            "missing argument DIR, see fabric-ccs-builder install --help",
        ),
        (
            &["a", "b"],
            r#"unexpected argument "b", see fabric-ccs-builder install --help"#,
        ),
        (
            &["--force", "."],
            "invalid option '--force', see fabric-ccs-builder install --help",
        ),
        (
            &["--name", "", "."],
            "--name: is empty, see fabric-ccs-builder install --help",
        ),
        (
            &["--name", "a\nb", "."],
            "--name: contains a control character, see fabric-ccs-builder install --help",
        ),
        (
            &["--path", "opt", "."],
            r#"--path: "opt" does not begin with a /, see fabric-ccs-builder install --help"#,
        ),
        (
            &["--path", "", "."],
            "--path: is empty, see fabric-ccs-builder install --help",
        ),
        (
            &["a\u{7f}"],
            "DIR: contains a control character, say with --path what the peer calls it, see fabric-ccs-builder install --help",
        ),
    ] {
        assert_eq!(install(&peer, args), failed(line));
    }
    let modes = [
        "dir/ 755",
        "dir/bin/ 755",
        "dir/bin/release/ 755",
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
            assert_eq!(install(&peer, &["--quiet", "."]).status, 0);
        }
    });
    assert!(failures.is_empty(), "{failures:?}");
}
