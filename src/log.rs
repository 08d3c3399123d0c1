//! The one place that prints: to standard error, which is the peer's log, and to standard output
//! for people.
//!
//! The peer reads standard error line by line. It stops reading at a line of 64 KiB, and a program
//! that keeps writing then blocks for ever. So a line has at most [`MAX_LINE`] bytes, and of a
//! package's warnings at most one more than [`MAX_FINDINGS`] are printed.
//!
//! [`MAX_LINE`]: crate::layout::MAX_LINE
//! [`MAX_FINDINGS`]: crate::layout::MAX_FINDINGS

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::error::{Error, Result, failed};
use crate::text::escaped_line;

/// Writes `word: text` as one line to standard error.
pub fn line(word: &str, text: impl Display) {
    let line = escaped_line(&format!("{word}: {text}"));
    // If the peer's log is gone, there is nobody left to tell.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Writes `text` to standard output as it is.
pub fn print(text: &str) -> Result<()> {
    Ok(Stdout(io::stdout()).write_all(text.as_bytes())?)
}

/// A writer to standard output, whose errors name it.
pub struct Stdout<W>(W);

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes);
        written.map_err(|error| io::Error::new(error.kind(), cannot_print(&error)))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Standard output without the standard library's line buffering. It is an error if it is closed.
pub fn stdout() -> Result<Stdout<File>> {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let stdout = stdout.map_err(|error| Error::Failed(cannot_print(&error)))?;
    if is_closed(&stdout) {
        return failed(cannot_print(&"it is closed"));
    }
    Ok(Stdout(stdout))
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

fn cannot_print(why: &dyn Display) -> String {
    format!("cannot write to standard output: {why}")
}
