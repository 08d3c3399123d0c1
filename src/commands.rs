//! The commands, one module each, except that the peer's three share one. They parse their
//! arguments, call the layers below, and print.

pub mod check;
pub mod declared;
pub mod dial;
pub mod init;
pub mod install;
pub mod package;
pub mod peer;
pub mod rebuild;
pub mod verify;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use crate::error::{self, Error, refused};
use crate::files::{Dir, read_text};
use crate::formats::template::{Config, VARIABLE};
use crate::layout::{CODE, CONNECTION, METADATA};
use crate::text::is_unsafe;

/// A command's answer, which is also its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Ours, built, released, accepted, a match.
    Yes = 0,
    /// Another builder's, refused, a mismatch.
    No = 1,
    /// It could not be determined.
    Undetermined = 2,
}

/// Why a command has no answer.
pub enum Stop {
    /// The user asked for its help.
    Help,
    /// The user asked for the program's version.
    Version,
    /// The user asked for the version and how the program was built.
    Details,
    /// The command could not do its work.
    Error(Error),
}

/// The result of a command, or of parsing its arguments.
pub type Result<T> = std::result::Result<T, Stop>;

impl Stop {
    /// For an argument that the command does not know.
    pub fn of(arg: Arg) -> Self {
        match arg {
            Arg::Short('h') | Arg::Long("help") => Self::Help,
            Arg::Short('V') | Arg::Long("version") => Self::Version,
            _ => arg.unexpected().into(),
        }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Error(Error::Usage(message.into()))
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<lexopt::Error> for Stop {
    fn from(error: lexopt::Error) -> Self {
        Self::usage(error.to_string())
    }
}

/// A path from the command line. An empty one usually comes from an unset shell variable.
pub fn path(value: OsString) -> Result<PathBuf> {
    if value.is_empty() {
        return Err(Stop::usage("an argument is empty, a path is needed"));
    }
    Ok(value.into())
}

/// Text that is safe in a configuration and a log.
pub fn text(what: &str, value: OsString) -> error::Result<String> {
    let fault = match value.into_string() {
        Ok(text) if text.is_empty() => "is empty",
        Ok(text) if text.chars().any(is_unsafe) => "contains a control character",
        Ok(text) => return Ok(text),
        Err(_) => "is not UTF-8",
    };
    Err(Error::Usage(format!("{what}: {fault}")))
}

/// The values for templates, from `--config` or else from the environment.
fn config(option: Option<OsString>) -> Result<Option<OsString>> {
    match option {
        Some(value) => values(&value).map(Some),
        None => Ok(env::var_os(VARIABLE)),
    }
}

/// The config in the value of `--config`.
fn values(value: &OsStr) -> Result<OsString> {
    let text = value.to_string_lossy();
    let config = match text.strip_prefix('@') {
        Some(path) => read_text(Path::new(path))?,
        None => text.clone().into_owned(),
    };
    let Err(error) = Config::parse(&config) else {
        return Ok(config.into());
    };
    let hint = if text.starts_with('@') {
        format!("{text} {error}")
    } else if Path::new(value).is_file() {
        format!("{text} is a file, write --config @{text}")
    } else if text.starts_with('{') && !text.contains('"') {
        "has no quotes left, put single quotes around it: '{\"peername\": \"org1peer1\"}'"
            .to_owned()
    } else {
        error.to_string()
    };
    Err(Stop::usage(format!("--config: {hint}")))
}

/// Opens the source folder of a package.
fn source_folder(path: &Path) -> error::Result<Dir> {
    let dir = Dir::open(path)?.with_hard_links();
    if dir.look_up(CONNECTION)?.is_none() && dir.look_up(CODE)?.is_some() {
        return refused(format!(
            "{CODE}: is already packed; give the package file that it and {METADATA} are in, or \
             the folder that it was made from, with {METADATA} beside {CONNECTION}"
        ));
    }
    Ok(dir)
}

/// Parses a command line that has exactly the arguments `names`, in this order, and no options.
pub fn paths<const COUNT: usize>(
    mut parser: Parser,
    names: [&str; COUNT],
) -> Result<[PathBuf; COUNT]> {
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(value) if paths.len() < COUNT => paths.push(path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    paths.try_into().map_err(|paths: Vec<PathBuf>| {
        let missing = names.get(paths.len()).unwrap_or(&"");
        Stop::usage(format!("missing argument {missing}"))
    })
}
