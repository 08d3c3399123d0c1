//! The command line: selects the command. This is the one place that turns an error into a line and
//! an exit status.

use std::env::consts;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use lexopt::Parser;

use crate::commands::{
    Outcome, Result, Stop, check, init, install, package, peer, rebuild, verify,
};
use crate::error::Error;
use crate::formats::statement::{PREDICATE_TYPE, STATEMENT_TYPE};
use crate::layout::{PROGRAM, PROGRAMS, STATEMENT, SUMS, VERSION};
use crate::log;
use crate::text::nearest;

const HELP: &str = "\
Usage: fabric-ccs-builder COMMAND [ARGUMENT...]

A Hyperledger Fabric external builder for chaincode as a service.

For the peer, which calls the program by these names:
  detect   says whether a chaincode package is for this builder
  build    checks a package, copies it and records what was copied
  release  publishes a build's connection.json and index definitions

For people:
  init     writes a source folder for a package to start from
  check    finds every fault in a package or its source folder
  package  makes a chaincode package from a source folder, and prints its ID
  verify   compares what a peer runs with its packages, or with what build
           recorded
  rebuild  builds a peer's installed packages again, with the current config
  install  puts the program where a peer looks for it

  help     prints this, or the help of a COMMAND; so does --help
  version  prints the version and how the program was built; --version prints
           only the version

Example: fabric-ccs-builder check
";

type Run = fn(Parser) -> Result<Outcome>;

/// Every command: its name, its help text, and the function that parses its arguments and runs it.
const COMMANDS: [(&str, &str, Run); 9] = [
    ("detect", peer::DETECT_HELP, peer::detect),
    ("build", peer::BUILD_HELP, peer::build),
    ("release", peer::RELEASE_HELP, peer::release),
    ("init", init::HELP, init::run),
    ("check", check::HELP, check::run),
    ("package", package::HELP, package::run),
    ("verify", verify::HELP, verify::run),
    ("rebuild", rebuild::HELP, rebuild::run),
    ("install", install::HELP, install::run),
];

/// Runs the command named by `args`, which begin with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let program = args.next().unwrap_or_default();
    // The peer calls its programs by their own names.
    let called = Path::new(&program).file_name();
    let called = called.filter(|name| PROGRAMS.iter().any(|program| name == program));
    let name = called.map(OsStr::to_owned).or_else(|| args.next());
    let mut args: Vec<OsString> = args.collect();
    let name = match name.as_deref().and_then(OsStr::to_str) {
        // `help COMMAND` is `COMMAND --help`.
        Some("help") => {
            args.push("--help".into());
            Some(args.remove(0))
        }
        Some("version") => {
            args.push("--verbose".into());
            Some("--version".into())
        }
        _ => name,
    };
    let named = |name| COMMANDS.iter().find(|(command, ..)| name == *command);
    let command = name.as_deref().and_then(named);
    let (word, help) = command.map_or((PROGRAM, HELP), |(name, help, _)| (name, help));
    let ended = match (command, name) {
        (Some((_, _, run)), _) => run(Parser::from_args(args)),
        (None, Some(name)) => Err(match name.to_str() {
            Some("--help" | "-h") => Stop::Help,
            Some("--version" | "-V") if args == ["--verbose"] => Stop::Details,
            Some("--version" | "-V") => Stop::Version,
            _ => unknown(&name),
        }),
        (None, None) => Err(Stop::usage("missing command")),
    };
    let printed = |text: &str| log::print(text).map(|()| Outcome::Yes);
    let ended = ended.or_else(|stop| match stop {
        Stop::Help => printed(help),
        Stop::Version => printed(&format!("{VERSION}\n")),
        Stop::Details => printed(&details()),
        Stop::Error(error) => Err(error),
    });
    ExitCode::from(match ended {
        Ok(outcome) => outcome as u8,
        Err(error) => say(&error, word),
    })
}

fn unknown(name: &OsStr) -> Stop {
    let names = COMMANDS.iter().map(|&(name, ..)| name);
    let meant = nearest(&name.to_string_lossy(), names);
    let meant = meant.map_or_else(String::new, |meant| format!(", did you mean {meant}?"));
    Stop::usage(format!("unknown command {}{meant}", name.display()))
}

/// The version and how the program was built.
fn details() -> String {
    let libc = if cfg!(target_env = "musl") {
        "musl"
    } else {
        "glibc"
    };
    let linked = if cfg!(target_feature = "crt-static") {
        "statically"
    } else {
        "dynamically"
    };
    let (arch, os) = (consts::ARCH, consts::OS);
    format!(
        "{VERSION}\ntarget   {arch}-{os}\nlibc     {libc}, linked {linked}\n\
         record   {SUMS} of sha256sum, {STATEMENT} of {STATEMENT_TYPE} with {PREDICATE_TYPE}\n"
    )
}

/// Prints what went wrong and returns the exit status. For the peer that is always 1. For people, 1
/// means that the input is wrong, and 2 that something could not be done.
fn say(error: &Error, word: &str) -> u8 {
    let is_the_peers = PROGRAMS.contains(&word);
    match error {
        Error::Usage(message) if is_the_peers || word == PROGRAM => {
            log::line(word, format_args!("{message}, see {word} --help"));
        }
        Error::Usage(message) => {
            log::line(word, format_args!("{message}, see {PROGRAM} {word} --help"));
        }
        Error::Refused(message) | Error::Failed(message) => log::line(word, message),
        Error::Closed => {}
    }
    if is_the_peers || matches!(error, Error::Refused(_)) {
        1
    } else {
        2
    }
}
