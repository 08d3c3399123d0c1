//! The one place that prints: to standard error, which is the peer's log, and to standard output
//! for people.
//!
//! The peer reads standard error line by line. It stops reading at a line of 64 KiB, and a program
//! that keeps writing then blocks for ever. So a line has at most [`MAX_LINE`] bytes, and a run
//! prints at most [`MAX_WARNINGS`] warnings.
//!
//! [`MAX_LINE`]: crate::layout::MAX_LINE

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::error::{Error, Result};
use crate::layout::MAX_WARNINGS;
use crate::text::{escaped_line, plural};

/// Writes `word: text` as one line to standard error.
pub fn line(word: &str, text: impl Display) {
    let line = escaped_line(&format!("{word}: {text}"));
    // If the peer's log is gone, there is nobody left to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Writes `text` to standard output as it is.
pub fn print(text: &str) -> Result<()> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Error::Closed,
            _ => cannot_print(&error),
        })
}

/// Standard output without the standard library's line buffering. It is an error if it is closed.
pub fn stdout() -> Result<File> {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let stdout = stdout.map_err(|error| cannot_print(&error))?;
    if is_closed(&stdout) {
        return Err(cannot_print(&"it is closed"));
    }
    Ok(stdout)
}

/// Whether standard output was closed when this process began: the standard library then opens
/// `/dev/null` in its place, readable as well as writable. Some programs start their children like
/// that, so only a command whose whole purpose is to print fails.
fn is_closed(mut stdout: &File) -> bool {
    let is_null = |found: &fs::Metadata| {
        let null = fs::metadata("/dev/null").map(|null| null.rdev());
        found.file_type().is_char_device() && null.is_ok_and(|null| null == found.rdev())
    };
    stdout.metadata().is_ok_and(|found| is_null(&found)) && stdout.read(&mut [0]).is_ok()
}

fn cannot_print(why: &dyn Display) -> Error {
    Error::Failed(format!("cannot write to standard output: {why}"))
}

/// What a package's author should know, one line each. A hostile package can cause any number of
/// warnings, so only those that will be shown are kept.
#[derive(Debug, Default)]
pub struct Warnings {
    kept: Vec<Warning>,
    more: usize,
    fault: Option<String>,
}

/// One warning.
#[derive(Debug)]
pub enum Warning {
    /// Something that the package's author should know.
    Note(String),
    /// A path that is not published, and its fault.
    Withheld(String, String),
}

impl Warnings {
    /// Adds a warning.
    pub fn push(&mut self, warning: String) {
        self.keep(Warning::Note(warning));
    }

    fn keep(&mut self, warning: Warning) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(warning);
        } else {
            self.more += 1;
        }
    }

    /// Adds that `path` is not published because of a fault, which the author can fix.
    pub fn withhold(&mut self, path: &str, fault: &str) {
        self.fault.get_or_insert(format!("{path}: {fault}"));
        self.keep(Warning::Withheld(path.to_owned(), fault.to_owned()));
    }

    /// The first fault of something that is not published.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Each warning as it is printed, without the word in front.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| {
            let warnings = plural(self.more, "more warning is", "more warnings are");
            format!("{warnings} not shown")
        });
        let kept = self.kept.iter().map(|warning| match warning {
            Warning::Note(text) => text.clone(),
            Warning::Withheld(path, fault) => format!("{path}: is not published: {fault}"),
        });
        kept.chain(more)
            .map(|warning| format!("warning: {warning}"))
    }

    /// Those that were kept, and how many more there were.
    pub fn into_kept(self) -> (Vec<Warning>, usize) {
        (self.kept, self.more)
    }

    /// Writes each warning as one line to standard error.
    pub fn write(&self, word: &str) {
        self.lines().for_each(|warning| line(word, warning));
    }
}

impl Extend<String> for Warnings {
    fn extend<T: IntoIterator<Item = String>>(&mut self, warnings: T) {
        warnings.into_iter().for_each(|warning| self.push(warning));
    }
}
