//! The command line: which command is meant, and the one place that prints errors.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use lexopt::Parser;

use crate::commands::{
    Outcome, Request, build, check, detect, install, package, paths, release, verify,
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

/// The commands.
#[derive(Clone, Copy)]
enum Command {
    Detect,
    Build,
    Release,
    Check,
    Package,
    Verify,
    Install,
}

impl Command {
    const ALL: [(&'static str, Self); 7] = [
        ("detect", Self::Detect),
        ("build", Self::Build),
        ("release", Self::Release),
        ("check", Self::Check),
        ("package", Self::Package),
        ("verify", Self::Verify),
        ("install", Self::Install),
    ];

    /// The command with this name.
    fn named(name: &OsStr) -> Option<(&'static str, Self)> {
        Self::ALL.into_iter().find(|(known, _)| name == *known)
    }

    /// The command that the peer means when it calls the program by this path.
    fn called(program: &OsStr) -> Option<(&'static str, Self)> {
        Self::named(Path::new(program).file_name()?).filter(|(_, command)| command.is_the_peers())
    }

    fn is_the_peers(self) -> bool {
        matches!(self, Self::Detect | Self::Build | Self::Release)
    }

    fn help(self) -> &'static str {
        match self {
            Self::Detect => detect::HELP,
            Self::Build => build::HELP,
            Self::Release => release::HELP,
            Self::Check => check::HELP,
            Self::Package => package::HELP,
            Self::Verify => verify::HELP,
            Self::Install => install::HELP,
        }
    }

    fn run(self, word: &str, args: impl Iterator<Item = OsString>) -> Result<Outcome> {
        let parser = Parser::from_args(args);
        self.run_parsed(parser)
            .map_err(|error| match error.downcast::<lexopt::Error>() {
                Ok(error) => {
                    let program = if self.is_the_peers() {
                        ""
                    } else {
                        "fabric-ccs-builder "
                    };
                    lexopt::Error::from(format!("{error}, see {program}{word} --help")).into()
                }
                Err(error) => error,
            })
    }

    fn run_parsed(self, parser: Parser) -> Result<Outcome> {
        const SOURCE: &str = "CHAINCODE_SOURCE_DIR";
        const METADATA: &str = "CHAINCODE_METADATA_DIR";
        const BUILD: &str = "BUILD_OUTPUT_DIR";
        const RELEASE: &str = "RELEASE_OUTPUT_DIR";
        let help = self.help();
        match self {
            Self::Detect => {
                let request = paths(parser, [SOURCE, METADATA])?;
                run_or_print(request, help, |[source, metadata]| {
                    detect::run(&source, &metadata)
                })
            }
            Self::Build => {
                let request = paths(parser, [SOURCE, METADATA, BUILD])?;
                run_or_print(request, help, |[source, metadata, output]| {
                    build::run(&source, &metadata, &output)
                })
            }
            Self::Release => {
                let request = paths(parser, [BUILD, RELEASE])?;
                run_or_print(request, help, |[build, release]| {
                    release::run(&build, &release)
                })
            }
            Self::Check => {
                run_or_print(check::Args::parse(parser)?, help, |args| check::run(&args))
            }
            Self::Package => {
                let request = package::Args::parse(parser)?;
                run_or_print(request, help, |args| package::run(&args))
            }
            Self::Install => {
                let request = install::Args::parse(parser)?;
                run_or_print(request, help, |args| install::run(&args))
            }
            Self::Verify => run_or_print(verify::Args::parse(parser)?, help, |args| {
                verify::run(&args)
            }),
        }
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
    let (word, outcome) = match (called, first) {
        (Some((word, command)), _) => (word, command.run(word, args)),
        (None, Some(first)) => match (Command::named(&first), first.to_str()) {
            (Some((word, command)), _) => (word, command.run(word, args)),
            (None, Some("--help" | "-h")) => (PROGRAM, print(HELP)),
            (None, Some("--version" | "-V")) => (PROGRAM, print(&version())),
            _ => (
                PROGRAM,
                Err(usage(&format!("unknown command {}", first.display()))),
            ),
        },
        (None, None) => (PROGRAM, Err(usage("missing command"))),
    };
    ExitCode::from(match outcome {
        Ok(Outcome::Yes) => 0,
        Ok(Outcome::No) => 1,
        Ok(Outcome::CannotTell) => 2,
        Err(error) => {
            match error.downcast_ref::<lexopt::Error>() {
                // Its source repeats it.
                Some(error) => log::line(word, error),
                // Who reads the output has seen enough of it.
                None if is_broken_pipe(&error) => {}
                None => log::line(word, format_args!("{error:#}")),
            }
            status(word, &error)
        }
    })
}

/// The exit status of an error. The peer knows only 1; people are told apart what is wrong with the package (1) from what could
/// not be done (2), which has an error of the system or of the command line underneath.
fn status(word: &str, error: &anyhow::Error) -> u8 {
    let could_not = error
        .chain()
        .any(|cause| cause.is::<io::Error>() || cause.is::<lexopt::Error>());
    let is_the_peers = Command::called(OsStr::new(word)).is_some();
    if could_not && !is_the_peers { 2 } else { 1 }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::BrokenPipe)
}

fn usage(what: &str) -> anyhow::Error {
    lexopt::Error::from(format!("{what}, see {PROGRAM} --help")).into()
}
