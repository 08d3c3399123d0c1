use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::peer::{Peer, program};

fn run(name: &str, args: &[&str]) -> (i32, String, String) {
    let output = Command::new(program())
        .arg0(name)
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

const PEERS: [&str; 3] = ["detect", "build", "release"];

const PEOPLES: [&str; 5] = ["init", "check", "package", "install", "verify"];

#[test]
fn every_command_has_help_with_synopsis_exit_status_and_example() {
    for word in PEERS.into_iter().chain(PEOPLES) {
        for option in ["--help", "-h"] {
            let (status, help, stderr) = run("fabric-ccs-builder", &[word, option]);
            assert_eq!((status, stderr.as_str()), (0, ""), "{word}");
            assert!(help.starts_with("Usage: ") && help.contains(word), "{help}");
            assert!(
                help.contains("\nExit status: 0 ") && help.contains("\nExample: "),
                "{help}"
            );
            assert!(help.lines().all(|line| line.len() <= 80), "{help}");
        }
    }
    for word in PEERS {
        assert_eq!(
            run(&format!("/opt/bin/{word}"), &["--help"]),
            run("x", &[word, "--help"])
        );
    }
    let (status, help, _) = run("fabric-ccs-builder", &["--help"]);
    assert_eq!(status, 0);
    assert!(
        PEERS
            .into_iter()
            .chain(PEOPLES)
            .all(|word| help.contains(&format!("\n  {word} "))),
        "{help}"
    );
}

#[test]
fn every_command_has_the_version() {
    let version = format!("fabric-ccs-builder {}\n", env!("CARGO_PKG_VERSION"));
    let expected = (0, version, String::new());
    assert_eq!(run("x", &["--version"]), expected);
    assert_eq!(run("x", &["-V"]), expected);
    for word in PEERS {
        assert_eq!(run(word, &["--version"]), expected);
        assert_eq!(run("x", &[word, "--version"]), expected);
    }
    for word in PEOPLES {
        assert_eq!(run("x", &[word, "--version"]), expected);
    }
}

#[test]
fn help_and_version_are_commands_too() {
    assert_eq!(run("x", &["help"]), run("x", &["--help"]));
    assert_eq!(run("x", &["help", "help"]), run("x", &["--help"]));
    for word in PEERS.into_iter().chain(PEOPLES) {
        assert_eq!(run("x", &["help", word]), run("x", &[word, "--help"]));
    }
    assert_eq!(run("x", &["help", "version"]), run("x", &["--help"]));
    assert_eq!(run("x", &["version", "--help"]), run("x", &["--help"]));
    for args in [["version", "x"], ["--version", "x"]] {
        let line = "fabric-ccs-builder: unexpected argument \"x\"; see fabric-ccs-builder --help\n";
        assert_eq!(run("x", &args), (2, String::new(), line.to_owned()));
    }
    let (status, details, stderr) = run("x", &["version"]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert_eq!(run("x", &["--version", "--verbose"]).1, details);
    let lines: Vec<&str> = details.lines().collect();
    let [version, target, libc, record] = lines[..] else {
        panic!("{details}");
    };
    assert_eq!(format!("{version}\n"), run("x", &["--version"]).1);
    let os = if cfg!(target_os = "linux") {
        "linux"
    } else {
        ""
    };
    assert!(
        target.starts_with("target   ") && target.ends_with(os),
        "{target}"
    );
    assert!(
        libc.contains("c, linked ") || libc.contains("musl, linked "),
        "{libc}"
    );
    assert!(record.starts_with("record   SHA256SUMS "), "{record}");
}

#[test]
fn help_of_a_command_with_arguments_does_not_run_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().to_str().unwrap();
    let help = run("x", &["install", "--help"]);
    assert_eq!(run("x", &["help", "install", path, "--name"]), help);
    assert_eq!(fs::read_dir(path).unwrap().count(), 0);
}

#[test]
fn too_many_or_too_few_arguments_are_an_error() {
    let paths = ["/a", "/b", "/c", "/d"];
    for (word, count, last) in [
        ("detect", 2, "CHAINCODE_METADATA_DIR"),
        ("build", 3, "BUILD_OUTPUT_DIR"),
        ("release", 2, "RELEASE_OUTPUT_DIR"),
    ] {
        let extra = paths[count];
        let line = format!("{word}: unexpected argument \"{extra}\"; see {word} --help\n");
        assert_eq!(run(word, &paths[..=count]), (1, String::new(), line));
        let line = format!("{word}: missing argument {last}; see {word} --help\n");
        assert_eq!(run(word, &paths[..count - 1]), (1, String::new(), line));
        let line = format!("{word}: invalid option '--force'; see {word} --help\n");
        assert_eq!(run(word, &["--force"]), (1, String::new(), line));
        let see = format!("see fabric-ccs-builder {word} --help");
        let line = format!("{word}: invalid option '--force'; {see}\n");
        assert_eq!(run("x", &[word, "--force"]), (1, String::new(), line));
    }
}

#[test]
fn an_empty_argument_is_an_error() {
    for word in PEERS.into_iter().chain(PEOPLES) {
        let is_peers = PEERS.contains(&word);
        let see = format!("see fabric-ccs-builder {word} --help");
        let line = format!("{word}: an argument is empty; a path is needed; {see}\n");
        let status = if is_peers { 1 } else { 2 };
        assert_eq!(run("x", &[word, ""]), (status, String::new(), line));
    }
}

#[test]
fn the_programs_name_may_come_before_a_command() {
    for name in ["fabric-ccs-builder", "/usr/bin/fabric-ccs-builder"] {
        for args in [
            &["--version"][..],
            &["help", "install"],
            &["install", "a", "b"],
        ] {
            assert_eq!(run("x", &[&[name], args].concat()), run("x", args));
        }
        assert_eq!(run("x", &[name]), run("x", &[]));
    }
    let line = "fabric-ccs-builder: unknown command other-fabric-ccs-builder; see fabric-ccs-builder --help\n";
    assert_eq!(
        run("x", &["other-fabric-ccs-builder"]),
        (2, String::new(), line.to_owned())
    );
}

#[test]
fn an_unknown_command_is_an_error() {
    let see = "see fabric-ccs-builder --help";
    for (args, line) in [
        (
            &[][..],
            format!("fabric-ccs-builder: missing command; {see}\n"),
        ),
        (
            &["run"],
            format!("fabric-ccs-builder: unknown command run; {see}\n"),
        ),
        (
            &["--force"],
            format!("fabric-ccs-builder: unknown command --force; {see}\n"),
        ),
        (
            &["a\nb"],
            format!("fabric-ccs-builder: unknown command a\\u{{a}}b; {see}\n"),
        ),
        (
            &["chekc"],
            format!("fabric-ccs-builder: unknown command chekc (did you mean check?); {see}\n"),
        ),
        (
            &["uninstall"],
            format!("fabric-ccs-builder: unknown command uninstall; {see}\n"),
        ),
        (
            &["help", "relase"],
            format!("fabric-ccs-builder: unknown command relase (did you mean release?); {see}\n"),
        ),
    ] {
        assert_eq!(run("fabric-ccs-builder", args), (2, String::new(), line));
    }
}

#[test]
fn an_option_with_a_typing_error_is_named() {
    for (word, wrong, meant) in [
        ("verify", "--quite", " (did you mean --quiet?)"),
        ("init", "--labl=a", " (did you mean --label?)"),
        ("rebuild", "--dryrun", " (did you mean --dry-run?)"),
        ("package", "--force-it", ""),
        ("verify", "--force", ""),
    ] {
        let (option, _) = wrong.split_once('=').unwrap_or((wrong, ""));
        let line = format!(
            "{word}: invalid option '{option}'{meant}; see fabric-ccs-builder {word} --help\n"
        );
        assert_eq!(run("x", &[word, wrong]), (2, String::new(), line));
    }
}

#[test]
fn the_sub_commands_do_what_the_programs_do() {
    let peer = Peer::new();
    let path = |name: &str| peer.path(name).to_str().unwrap().to_owned();
    let (src, metadata, bld, release) =
        (path("src"), path("metadata"), path("bld"), path("release"));
    assert_eq!(run("x", &["detect", &src, &metadata]).0, 0);
    assert_eq!(run("x", &["build", &src, &metadata, &bld]).0, 0);
    assert_eq!(run("x", &["release", &bld, &release]).0, 0);
    assert_eq!(peer.modes("release").len(), 3);
}
