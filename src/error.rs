//! Why a command could not do its work. The kind decides the exit status and the wording, in
//! [`crate::cli`] and nowhere else.

use std::fmt::{self, Display};
use std::io;
use std::path::Path;

/// An error, by what it says about the input. Messages are one line, without the program's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The command line is wrong.
    Usage(String),
    /// The input is wrong, and stays wrong until somebody changes it.
    Refused(String),
    /// Something could not be done, which says nothing about the input: another try may succeed.
    Failed(String),
    /// Whoever reads standard output has closed it, having seen enough. There is nothing to say.
    Closed,
}

/// A result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The same error, with the name of its place in front.
    pub fn at(self, place: impl Display) -> Self {
        match self {
            Self::Usage(message) => Self::Usage(format!("{place}: {message}")),
            Self::Refused(message) => Self::Refused(format!("{place}: {message}")),
            Self::Failed(message) => Self::Failed(format!("{place}: {message}")),
            Self::Closed => Self::Closed,
        }
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Refused(message) | Self::Failed(message) => {
                f.write_str(message)
            }
            Self::Closed => f.write_str("standard output is closed"),
        }
    }
}

impl std::error::Error for Error {}

/// For writers that name the place themselves.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// A refusal with this message.
pub fn refused<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Refused(message.into()))
}

/// A failure with this message.
pub fn failed<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Failed(message.into()))
}

/// For results of the system's calls.
pub trait Cannot<T> {
    /// Turns the system's error into "cannot VERB PATH: ERROR".
    fn cannot(self, verb: &str, path: &Path) -> Result<T>;
}

impl<T> Cannot<T> for io::Result<T> {
    fn cannot(self, verb: &str, path: &Path) -> Result<T> {
        self.map_err(|error| Error::Failed(format!("cannot {verb} {}: {error}", path.display())))
    }
}

/// For results of the formats, whose errors are always about the content.
pub trait Refuse<T> {
    /// Turns the error into a refusal of the file or directory `name`.
    fn refuse(self, name: impl Display) -> Result<T>;
}

impl<T> Refuse<T> for anyhow::Result<T> {
    fn refuse(self, name: impl Display) -> Result<T> {
        self.map_err(|error| Error::Refused(format!("{name}: {error:#}")))
    }
}
