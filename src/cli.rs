//! The command line: which command is meant, and the one place where an error becomes a line and an
//! exit status.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use lexopt::Parser;

use crate::commands::{Outcome, Stop, check, install, package, paths, peer, verify};
use crate::error::{Error, Result};
use crate::layout::{PROGRAM, VERSION};
use crate::log;

/// The help text of the program.
const HELP: &str = "\
Usage: fabric-ccs-builder COMMAND [ARGUMENT...]

An external builder of Hyperledger Fabric for chaincode as a service.

For the peer, which calls the program by these names:
  detect   tells whether a chaincode package is one of ours
  build    checks a package, copies it and records what was copied
  release  publishes a build's connection.json and index definitions

For people:
  check    runs the three on a package's source folder, as a peer does
  package  makes the chaincode package of a source folder, and prints its ID
  verify   compares what a peer runs with what build recorded
  install  puts the program where a peer looks for it

  --help     prints this, or the help of COMMAND after its name
  --version  prints the version

Example: fabric-ccs-builder check
";

/// A command.
struct Command {
    name: &'static str,
    /// Whether it is the peer that calls it, by its name alone.
    is_the_peers: bool,
    help: &'static str,
    /// Reads the rest of the command line, and does what it says.
    run: fn(Parser) -> std::result::Result<Result<Outcome>, Stop>,
}

const SOURCE: &str = "CHAINCODE_SOURCE_DIR";
const METADATA: &str = "CHAINCODE_METADATA_DIR";
const BUILD: &str = "BUILD_OUTPUT_DIR";
const RELEASE: &str = "RELEASE_OUTPUT_DIR";

/// All of them.
const COMMANDS: [Command; 7] = [
    Command {
        name: "detect",
        is_the_peers: true,
        help: peer::DETECT_HELP,
        run: |parser| Ok(peer::detect(&paths(parser, [SOURCE, METADATA])?)),
    },
    Command {
        name: "build",
        is_the_peers: true,
        help: peer::BUILD_HELP,
        run: |parser| Ok(peer::build(&paths(parser, [SOURCE, METADATA, BUILD])?)),
    },
    Command {
        name: "release",
        is_the_peers: true,
        help: peer::RELEASE_HELP,
        run: |parser| Ok(peer::release(&paths(parser, [BUILD, RELEASE])?)),
    },
    Command {
        name: "check",
        is_the_peers: false,
        help: check::HELP,
        run: |parser| Ok(check::run(check::Args::parse(parser)?)),
    },
    Command {
        name: "package",
        is_the_peers: false,
        help: package::HELP,
        run: |parser| Ok(package::run(&package::Args::parse(parser)?)),
    },
    Command {
        name: "verify",
        is_the_peers: false,
        help: verify::HELP,
        run: |parser| Ok(verify::run(&verify::Args::parse(parser)?)),
    },
    Command {
        name: "install",
        is_the_peers: false,
        help: install::HELP,
        run: |parser| Ok(install::run(&install::Args::parse(parser)?)),
    },
];

impl Command {
    /// The command with this name.
    fn named(name: &OsStr) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| name == command.name)
    }

    /// The command that the peer means when it calls the program by this path.
    fn called(program: &OsStr) -> Option<&'static Self> {
        Self::named(Path::new(program).file_name()?).filter(|command| command.is_the_peers)
    }

    fn run(&self, args: impl Iterator<Item = OsString>) -> Result<Outcome> {
        match (self.run)(Parser::from_args(args)) {
            Ok(result) => result,
            Err(Stop::Help) => print(self.help),
            Err(Stop::Version) => print_version(),
            Err(Stop::Usage(message)) => Err(Error::Usage(message)),
        }
    }

    /// How people call it.
    fn program(&self) -> String {
        if self.is_the_peers {
            self.name.to_owned()
        } else {
            format!("{PROGRAM} {}", self.name)
        }
    }
}

fn print(text: &str) -> Result<Outcome> {
    log::print(text).map(|()| Outcome::Yes)
}

fn print_version() -> Result<Outcome> {
    print(&format!("{VERSION}\n"))
}

/// Runs the command that `args`, program name first, ask for.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let called = args.next().and_then(|program| Command::called(&program));
    let first = if called.is_none() { args.next() } else { None };
    let command = called.or_else(|| first.as_deref().and_then(Command::named));
    let outcome = match (command, first) {
        (Some(command), _) => command.run(args),
        (None, Some(first)) => match first.to_str() {
            Some("--help" | "-h") => print(HELP),
            Some("--version" | "-V") => print_version(),
            _ => Err(Error::Usage(format!("unknown command {}", first.display()))),
        },
        (None, None) => Err(Error::Usage("missing command".to_owned())),
    };
    ExitCode::from(match outcome {
        Ok(Outcome::Yes) => 0,
        Ok(Outcome::No) => 1,
        Ok(Outcome::Undetermined) => 2,
        Err(error) => say(&error, command),
    })
}

/// Says what went wrong, and gives the exit status. The peer knows only 1; for people 1 means that
/// the input is wrong, 2 that something could not be done.
fn say(error: &Error, command: Option<&Command>) -> u8 {
    let word = command.map_or(PROGRAM, |command| command.name);
    match error {
        Error::Usage(message) => {
            let program = command.map_or_else(|| PROGRAM.to_owned(), Command::program);
            log::line(word, format_args!("{message}, see {program} --help"));
        }
        Error::Refused(message) | Error::Failed(message) => log::line(word, message),
        Error::Closed => {}
    }
    let is_the_peers = command.is_some_and(|command| command.is_the_peers);
    if is_the_peers || matches!(error, Error::Refused(_)) {
        1
    } else {
        2
    }
}
