//! tar: the ustar interchange format of POSIX.1-2017 (IEEE Std 1003.1, utility `pax`, "ustar
//! Interchange Format"), regular files only.
//!
//! ```text
//! archive = entry* end
//! entry   = header (512 bytes), content, zero bytes up to a multiple of 512
//! end     = 1,024 zero bytes, zero bytes up to a multiple of 10,240
//! header  = path, size, mode 0644, user and group 0 without names, modification time 0,
//!           type 0, device 0
//! ```
//!
//! A path of up to 100 bytes is in the name field; a longer one is split at the last slash that
//! leaves at most 155 bytes for the prefix field. Paths are in strictly increasing byte order, so a
//! set of files has only one archive, and no archive names a file twice. GNU tar writes the same
//! bytes for the same list of files with `--format=ustar --mtime=@0 --owner=0 --group=0
//! --numeric-owner --mode=0644`.

use std::io::{self, Read as _, Write};

use super::header::{self, BLOCK};
use crate::error::{Result, failed, refused};

const BLOCK_SIZE: u64 = BLOCK as u64;
const RECORD_SIZE: u64 = 20 * BLOCK_SIZE;

/// Writes a tar archive.
pub struct Writer<W> {
    inner: Counted<W>,
    last: String,
}

impl<W: Write> Writer<W> {
    /// Writes nothing yet.
    pub fn new(inner: W) -> Self {
        let (inner, last) = (Counted(inner, 0), String::new());
        Self { inner, last }
    }

    /// Writes the next file, whose content `write` writes. `path` is relative, with `/` between its
    /// components, and greater than the one before in byte order (which is not the order of
    /// `std::path::Path`).
    ///
    /// # Errors
    /// If the path or size does not fit into an archive, the content is not `size` bytes, `write`
    /// fails, or `inner` cannot be written.
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let header = header::encode(path, size)?;
        advance(&mut self.last, path)?;
        self.inner.write_all(&header)?;
        let start = self.inner.1;
        write(&mut self.inner)?;
        if self.inner.1 - start != size {
            return failed(format!(
                "{}: changed while it was read (no longer {size} bytes)",
                path.escape_debug()
            ));
        }
        self.pad(BLOCK_SIZE)
    }

    /// Writes the end of the archive, and flushes. Without it the archive is incomplete.
    ///
    /// # Errors
    /// If `inner` cannot be written.
    pub fn finish(mut self) -> Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        self.pad(RECORD_SIZE)?;
        self.inner.flush()?;
        Ok(self.inner.0)
    }

    fn pad(&mut self, multiple: u64) -> Result<()> {
        let padding = padding(self.inner.1, multiple);
        io::copy(&mut io::repeat(0).take(padding), &mut self.inner)?;
        Ok(())
    }
}

/// A writer, and how many bytes it has written.
struct Counted<W>(W, u64);

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.1 += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How many bytes [`Writer`] writes for a file, before the end of the archive.
///
/// # Errors
/// If the path or size does not fit into an archive.
pub fn length_of_file(path: &str, size: u64) -> Result<u64> {
    header::encode(path, size)?;
    Ok(BLOCK_SIZE + size.next_multiple_of(BLOCK_SIZE))
}

/// How many bytes [`Writer`] writes in all, for `files` bytes as [`length_of_file`] gives them.
#[must_use]
pub fn length(files: u64) -> u64 {
    (files + 2 * BLOCK_SIZE).next_multiple_of(RECORD_SIZE)
}

/// Advances from the last path to the next one, which must be greater.
fn advance(last: &mut String, path: &str) -> Result<()> {
    if path <= last.as_str() {
        let (path, last) = (path.escape_debug(), last.escape_debug());
        return refused(format!("{path}: not after {last} in byte order"));
    }
    path.clone_into(last);
    Ok(())
}

fn padding(length: u64, multiple: u64) -> u64 {
    length.next_multiple_of(multiple) - length
}

#[cfg(test)]
mod tests;
