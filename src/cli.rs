//! The command line: selects the command. This is the one place that turns an error that ends a
//! command into a line and an exit status.

use std::env::consts;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use lexopt::{Arg, Parser};

use crate::commands::{check, init, install, package, peer, rebuild, verify};
use crate::error::{Error, Outcome, Result, usage};
use crate::formats::statement::{PREDICATE_TYPE, STATEMENT_TYPE};
use crate::layout::{PROGRAM, PROGRAMS, STATEMENT, SUMS, VERSION_LINE};
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
  verify   compares what a peer keeps with its packages or its record
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
    let has_file_name =
        |arg: &OsString, name: &str| Path::new(arg).file_name() == Some(OsStr::new(name));
    // The peer calls its programs by their own names.
    let called = PROGRAMS
        .into_iter()
        .find(|name| has_file_name(&program, name));
    // Whoever starts a container may name the program before its command, as on a host.
    let mut name = match called {
        Some(name) => Some(name.into()),
        None => args.find(|arg| !has_file_name(arg, PROGRAM)),
    };
    let mut args: Vec<OsString> = args.collect();
    if name.as_ref().is_some_and(|name| name == "help") {
        // `help COMMAND` is `COMMAND --help`.
        let help = OsString::from("--help");
        name = Some(args.into_iter().next().unwrap_or_else(|| help.clone()));
        args = vec![help];
    }
    let find = |name: &OsString| COMMANDS.iter().find(|(command, ..)| name == command);
    let command = name.as_ref().and_then(find);
    let (word, help) = command.map_or((PROGRAM, HELP), |(name, help, _)| (name, help));
    let ended = match (command, name) {
        (Some((_, _, run)), _) => run(Parser::from_args(args)),
        (None, Some(name)) => of_program(&name, &args),
        (None, None) => usage("missing command"),
    };
    let ended = match ended {
        Err(Error::Help) => print(help),
        Err(Error::Version) => print(VERSION_LINE),
        Err(Error::UnknownOption(name)) => unknown_option(&name, help),
        ended => ended,
    };
    ExitCode::from(match ended {
        Ok(outcome) => outcome as u8,
        Err(error) => report(&error, word, called.is_some()),
    })
}

/// What the program itself does, without a command.
fn of_program(name: &OsStr, args: &[OsString]) -> Result<Outcome> {
    match name.to_str() {
        Some("--help" | "-h" | "help") => return Err(Error::Help),
        Some("version") if args == ["--help"] || args == ["-h"] => return Err(Error::Help),
        Some("--version" | "-V") if args == ["--verbose"] => return print(&details()),
        Some("version" | "--version" | "-V") => {
            return match args.first() {
                Some(arg) => Err(Error::of(Arg::Value(arg.clone()))),
                None if name == "version" => print(&details()),
                None => Err(Error::Version),
            };
        }
        _ => {}
    }
    let mut names = COMMANDS.iter().map(|&(name, ..)| name);
    let shown = name.to_string_lossy();
    // Not "install" for "uninstall".
    let meant = nearest(&shown, &mut names).filter(|meant| !shown.ends_with(meant));
    let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean {meant}?)"));
    usage(format!("unknown command {}{meant}", name.display()))
}

fn print(text: &str) -> Result<Outcome> {
    log::print(text).map(|()| Outcome::Yes)
}

/// Suggests the option in the command's `help` text that was probably meant.
fn unknown_option(name: &str, help: &str) -> Result<Outcome> {
    let words = help.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-');
    let mut options = words.filter_map(|word| word.strip_prefix("--"));
    let meant = nearest(name, &mut options);
    let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean --{meant}?)"));
    usage(format!("invalid option '--{name}'{meant}"))
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
        "{VERSION_LINE}target   {arch}-{os}\nlibc     {libc}, linked {linked}\n\
         record   {SUMS} of sha256sum, {STATEMENT} of {STATEMENT_TYPE} with {PREDICATE_TYPE}\n"
    )
}

/// Prints what went wrong and returns the exit status. For the peer that is always 1. For people, 1
/// means that the input is wrong, and 2 that something could not be done. A peer's program may have
/// been called by its own name.
fn report(error: &Error, word: &str, has_own_name: bool) -> u8 {
    let is_the_peers = PROGRAMS.contains(&word);
    match error {
        Error::Usage(message) if has_own_name || word == PROGRAM => {
            log::line(word, format_args!("{message}; see {word} --help"));
        }
        Error::Usage(message) => {
            log::line(word, format_args!("{message}; see {PROGRAM} {word} --help"));
        }
        Error::Help | Error::Version | Error::Closed => {}
        _ if is_the_peers => log::line(word, error),
        _ => log::line(word, error.advised()),
    }
    if is_the_peers || matches!(error, Error::Refused(_)) {
        1
    } else {
        2
    }
}
