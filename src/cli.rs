//! The command line: which command is meant, and the one place that prints errors.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use lexopt::Parser;

use crate::commands::{
    Outcome, Request, build, check, detect, install, is_of_the_system, package, paths, release,
    verify,
};
use crate::log;

/// The program's name, where it is not called by the name of a command.
pub const PROGRAM: &str = env!("CARGO_PKG_NAME");

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
    /// Reads the rest of the command line, and does what it says or prints the help.
    run: fn(Parser, &str) -> Result<Outcome>,
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
        help: detect::HELP,
        run: |parser, help| {
            let request = paths(parser, [SOURCE, METADATA])?;
            run_or_print(request, help, |[source, metadata]| {
                detect::run(&source, &metadata)
            })
        },
    },
    Command {
        name: "build",
        is_the_peers: true,
        help: build::HELP,
        run: |parser, help| {
            let request = paths(parser, [SOURCE, METADATA, BUILD])?;
            run_or_print(request, help, |[source, metadata, output]| {
                build::run(&source, &metadata, &output)
            })
        },
    },
    Command {
        name: "release",
        is_the_peers: true,
        help: release::HELP,
        run: |parser, help| {
            let request = paths(parser, [BUILD, RELEASE])?;
            run_or_print(request, help, |[build, release]| {
                release::run(&build, &release)
            })
        },
    },
    Command {
        name: "check",
        is_the_peers: false,
        help: check::HELP,
        run: |parser, help| {
            run_or_print(check::Args::parse(parser)?, help, |args| check::run(&args))
        },
    },
    Command {
        name: "package",
        is_the_peers: false,
        help: package::HELP,
        run: |parser, help| {
            let request = package::Args::parse(parser)?;
            run_or_print(request, help, |args| package::run(&args))
        },
    },
    Command {
        name: "verify",
        is_the_peers: false,
        help: verify::HELP,
        run: |parser, help| {
            let request = verify::Args::parse(parser)?;
            run_or_print(request, help, |args| verify::run(&args))
        },
    },
    Command {
        name: "install",
        is_the_peers: false,
        help: install::HELP,
        run: |parser, help| {
            let request = install::Args::parse(parser)?;
            run_or_print(request, help, |args| install::run(&args))
        },
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
        (self.run)(Parser::from_args(args), self.help).map_err(|error| {
            match error.downcast::<lexopt::Error>() {
                Ok(error) => {
                    let word = self.name;
                    let program = if self.is_the_peers {
                        word.to_owned()
                    } else {
                        format!("{PROGRAM} {word}")
                    };
                    usage(&error.to_string(), &program)
                }
                Err(error) => error,
            }
        })
    }
}

fn run_or_print<T>(
    request: Request<T>,
    help: &str,
    run: impl FnOnce(T) -> Result<Outcome>,
) -> Result<Outcome> {
    match request {
        Request::Run(args) => run(args),
        Request::Help => print(help),
        Request::Version => print(&version()),
    }
}

fn version() -> String {
    format!("{PROGRAM} {}\n", env!("CARGO_PKG_VERSION"))
}

/// Writes `text` to standard output.
///
/// # Errors
/// When it cannot be written.
pub fn print(text: &str) -> Result<Outcome> {
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write to standard output")?;
    Ok(Outcome::Yes)
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
            Some("--version" | "-V") => print(&version()),
            _ => Err(usage(
                &format!("unknown command {}", first.display()),
                PROGRAM,
            )),
        },
        (None, None) => Err(usage("missing command", PROGRAM)),
    };
    let is_the_peers = command.is_some_and(|command| command.is_the_peers);
    ExitCode::from(match outcome {
        Ok(Outcome::Yes) => 0,
        Ok(Outcome::No) => 1,
        Ok(Outcome::CannotTell) => 2,
        Err(error) => {
            let word = command.map_or(PROGRAM, |command| command.name);
            match error.downcast_ref::<lexopt::Error>() {
                // Its source repeats it.
                Some(error) => log::line(word, error),
                // Who reads the output has seen enough of it.
                None if is_broken_pipe(&error) => {}
                None => log::line(word, format_args!("{error:#}")),
            }
            status(&error, is_the_peers)
        }
    })
}

/// The exit status of an error. The peer knows only 1; people are told apart what is wrong with the package (1) from what could
/// not be done (2), which has an error of the system or of the command line underneath.
fn status(error: &anyhow::Error, is_the_peers: bool) -> u8 {
    let could_not = is_of_the_system(error) || error.is::<lexopt::Error>();
    if could_not && !is_the_peers { 2 } else { 1 }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// An error of the command line, with whom to ask for help.
fn usage(what: &str, program: &str) -> anyhow::Error {
    lexopt::Error::from(format!("{what}, see {program} --help")).into()
}
