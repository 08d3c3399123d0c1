//! How a command ends: with an answer, or with an error, whose kind decides the exit status.
//! [`crate::cli`] prints an error that ends a command; `check`, `verify` and `rebuild` report those
//! that are about one package or build, and go on.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

use lexopt::Arg;

/// A command's answer, which is also its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Claimed, built, released, fine, match.
    Yes = 0,
    /// Another builder's, refused, mismatch.
    No = 1,
    /// It could not be determined.
    Undetermined = 2,
}

/// Why a command has no answer. The kinds differ in what they say about the input. Messages are one
/// line, without the program's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The user asked for its help instead.
    Help,
    /// The user asked for the program's version instead.
    Version,
    /// The command line is wrong.
    Usage(String),
    /// The command has no option of this name.
    UnknownOption(String),
    /// The input is wrong and must be changed.
    Refused(String),
    /// Something could not be done. This says nothing about the input: another try may succeed.
    Failed(String),
    /// The same, because the system does not allow this user to do it.
    Denied(String),
    /// The reader of standard output closed it after seeing enough. No message is printed.
    Closed,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// For an argument that the command does not know.
    pub fn of(arg: Arg) -> Self {
        match arg {
            Arg::Short('h') | Arg::Long("help") => Self::Help,
            Arg::Short('V') | Arg::Long("version") => Self::Version,
            Arg::Long(name) => Self::UnknownOption(name.to_owned()),
            _ => arg.unexpected().into(),
        }
    }

    /// The same error, with `place` in front of its message.
    pub fn at(self, place: impl Display) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{place}: {message}")),
            Self::Refused(message) => Self::Refused(format!("{place}: {message}")),
            Self::Failed(message) => Self::Failed(format!("{place}: {message}")),
            Self::Denied(message) => Self::Denied(format!("{place}: {message}")),
            _ => self,
        }
    }

    /// The message, with advice for a user whom the system denied something.
    pub fn advised(&self) -> String {
        match self {
            Self::Denied(message) => {
                format!("{message}; run this as the folder's owner or as root")
            }
            _ => self.to_string(),
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message)
            | Self::Refused(message)
            | Self::Failed(message)
            | Self::Denied(message) => f.write_str(message),
            Self::Help | Self::Version | Self::UnknownOption(_) | Self::Closed => {
                f.write_str("no message")
            }
        }
    }
}

impl std::error::Error for Error {}

/// For writers whose errors already name the file.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<lexopt::Error> for Error {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

pub fn usage<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Usage(message.into()))
}

pub fn refused<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Refused(message.into()))
}

pub fn failed<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Failed(message.into()))
}

pub trait Cannot<T> {
    /// Turns the system's error into "cannot VERB PATH: ERROR".
    fn cannot(self, verb: &str, path: &Path) -> Result<T>;
}

impl<T> Cannot<T> for io::Result<T> {
    fn cannot(self, verb: &str, path: &Path) -> Result<T> {
        self.map_err(|error| {
            let message = format!("cannot {verb} {}: {error}", path.display());
            match error.kind() {
                io::ErrorKind::PermissionDenied => Error::Denied(message),
                _ => Error::Failed(message),
            }
        })
    }
}

/// For results of parsing a format, whose errors are about the content, or about a file that the
/// config names for it.
pub trait Refuse<T> {
    /// Turns the error into a refusal of the file or directory `name`.
    fn refuse(self, name: impl Display) -> Result<T>;
}

impl<T> Refuse<T> for anyhow::Result<T> {
    fn refuse(self, name: impl Display) -> Result<T> {
        self.map_err(|error| Error::Refused(format!("{name}: {error:#}")))
    }
}
