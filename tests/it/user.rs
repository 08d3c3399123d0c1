//! The program as users run it: a subcommand, in some working directory.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::peer::{Seen, program};

/// A user other than root, who owns nothing.
pub const NOBODY: u32 = 65_534;

/// Imitates a full disk: no file can grow beyond 4 KiB.
pub const FULL_DISK: &str = "trap '' XFSZ; ulimit -f 8";

/// Runs the program with `args` in `dir`.
pub fn run(dir: &Path, args: &[&str]) -> Seen {
    run_after(":", dir, args)
}

/// Like [`run`], after shell commands that set limits or a umask.
pub fn run_after(setup: &str, dir: &Path, args: &[&str]) -> Seen {
    Seen::of(&command(setup, dir, program(), args).output().unwrap())
}

/// Like [`run`], but as a user other than root if we are root.
pub fn run_by_nobody(dir: &Path, args: &[&str]) -> Seen {
    run_by_nobody_after(":", dir, args)
}

/// Like [`run_by_nobody`], after shell commands.
pub fn run_by_nobody_after(setup: &str, dir: &Path, args: &[&str]) -> Seen {
    let place = tempfile::tempdir().unwrap();
    let copy = place.path().join("program");
    // See Peer::run.
    let script = format!(
        "cp \"$0\" \"$1\" && chmod 755 \"$1\" {}",
        place.path().display()
    );
    let copied = Command::new("sh")
        .args(["-c", &script])
        .args([program(), &copy])
        .status()
        .unwrap();
    assert!(copied.success());
    let mut command = command(setup, dir, &copy, args);
    if fs::metadata(place.path()).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    Seen::of(&command.output().unwrap())
}

/// Runs `setup` and then the program, with nothing of the tests' environment but a search path.
pub fn command(setup: &str, dir: &Path, program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")])
        .arg(program)
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}
