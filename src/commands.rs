//! What the program does, one module a command but for the three of the peer. They read their
//! arguments, call what is below them, and print.

pub mod check;
pub mod install;
pub mod package;
pub mod peer;
pub mod verify;

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser};

/// How a command ended, where there was no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes: claimed, built, released, fine, match. Exit status 0.
    Yes,
    /// No: another builder's, refused, mismatch. Exit status 1.
    No,
    /// It could not be determined. Exit status 2.
    Undetermined,
}

/// Why there is nothing to run.
pub enum Stop {
    /// The command's help is asked for.
    Help,
    /// The program's version is asked for.
    Version,
    /// The command line is wrong.
    Usage(String),
}

impl Stop {
    /// For an argument that the command does not know.
    pub fn of(arg: Arg) -> Self {
        match arg {
            Arg::Short('h') | Arg::Long("help") => Self::Help,
            Arg::Short('V') | Arg::Long("version") => Self::Version,
            _ => arg.unexpected().into(),
        }
    }
}

impl From<lexopt::Error> for Stop {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<&str> for Stop {
    fn from(message: &str) -> Self {
        Self::Usage(message.to_owned())
    }
}

/// A path from the command line. An empty one is what an unset variable of a shell gives.
pub fn path(value: OsString) -> Result<PathBuf, Stop> {
    if value.is_empty() {
        return Err("an argument is empty, a path is needed".into());
    }
    Ok(value.into())
}

/// Reads a command line of exactly the arguments `names`, in their order, without options.
pub fn paths<const COUNT: usize>(
    mut parser: Parser,
    names: [&str; COUNT],
) -> Result<[PathBuf; COUNT], Stop> {
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(value) if paths.len() < COUNT => paths.push(path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    paths.try_into().map_err(|paths: Vec<PathBuf>| {
        let missing = names.get(paths.len()).unwrap_or(&"");
        Stop::Usage(format!("missing argument {missing}"))
    })
}
