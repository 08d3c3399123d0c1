//! What the program does, one module a command.

pub mod build;
pub mod check;
pub mod detect;
pub mod install;
pub mod package;
pub mod release;
pub mod verify;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use lexopt::{Arg, Parser};

/// How a command ended, where there was no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Yes: claimed, built, released, fine, match. Exit status 0.
    Yes,
    /// No: another builder's, refused, mismatch. Exit status 1.
    No,
    /// It could not be told, or not be done. Exit status 2.
    CannotTell,
}

/// Whether the system has caused an error, so that it says nothing about what a file holds.
#[must_use]
pub fn is_of_the_system(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<io::Error>)
}

/// What the command line asks for.
pub enum Request<T> {
    /// Run the command.
    Run(T),
    /// Print the command's help.
    Help,
    /// Print the program's version.
    Version,
}

/// A path from the command line.
///
/// # Errors
/// When it is empty, as an unset variable of a shell is.
pub fn path(value: OsString) -> Result<PathBuf, lexopt::Error> {
    if value.is_empty() {
        return Err("an argument is empty, a path is needed".into());
    }
    Ok(value.into())
}

/// Reads a command line that has exactly the `names` as arguments, in their order, and no option of its own.
///
/// # Errors
/// When an argument is missing, or there is one too many.
pub fn paths<const COUNT: usize>(
    mut parser: Parser,
    names: [&str; COUNT],
) -> Result<Request<[PathBuf; COUNT]>, lexopt::Error> {
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Request::Version),
            Arg::Value(value) if paths.len() < COUNT => paths.push(path(value)?),
            _ => return Err(arg.unexpected()),
        }
    }
    match <[PathBuf; COUNT]>::try_from(paths) {
        Ok(paths) => Ok(Request::Run(paths)),
        Err(paths) => {
            let missing = names.get(paths.len()).unwrap_or(&"");
            Err(format!("missing argument {missing}").into())
        }
    }
}
