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
//! leaves at most 155 bytes for the prefix field. Paths are in strictly increasing byte order, so
//! there is one archive for a set of files and none names a file twice. GNU tar writes the same
//! bytes for the same list of files with `--format=ustar --mtime=@0 --owner=0 --group=0
//! --numeric-owner --mode=0644`.

use std::io::{self, Read, Write};

use anyhow::Result;

use super::header::{self, BLOCK, shown};
use super::{ends_early, expect_end, invalid, read_array};
use crate::error::{self, failed};

const BLOCK_SIZE: u64 = BLOCK as u64;
const RECORD_SIZE: u64 = 20 * BLOCK_SIZE;

/// Writes a tar archive.
pub struct Writer<W> {
    inner: W,
    written: u64,
    last: Last,
}

impl<W: Write> Writer<W> {
    /// Writes nothing yet.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            written: 0,
            last: Last::default(),
        }
    }

    /// Writes the next file, whose content `write` writes. `path` is relative, with `/` between its
    /// components, and greater than the one before in byte order (which is not the order of
    /// `std::path::Path`).
    ///
    /// # Errors
    /// When the path or the size cannot be in the archive, the content is not `size` bytes, `write`
    /// fails, or `inner` cannot be written.
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        write: impl FnOnce(&mut dyn Write) -> error::Result<()>,
    ) -> error::Result<()> {
        let header = header::encode(path, size)?;
        self.last.advance(path)?;
        self.inner.write_all(&header)?;
        let mut content = Content {
            inner: &mut self.inner,
            left: Some(size),
        };
        let written = write(&mut content);
        // When there is too much, that is why `write` has failed.
        if content.left.is_some() {
            written?;
        }
        if content.left != Some(0) {
            return failed(format!(
                "{}: changed while it was read (not {size} bytes any more)",
                shown(path)
            ));
        }
        self.written += BLOCK_SIZE + size;
        self.pad(BLOCK_SIZE)
    }

    /// Writes the end of the archive, and flushes. Without it the archive is incomplete.
    ///
    /// # Errors
    /// When `inner` cannot be written.
    pub fn finish(mut self) -> error::Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        self.written += 2 * BLOCK_SIZE;
        self.pad(RECORD_SIZE)?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn pad(&mut self, multiple: u64) -> error::Result<()> {
        let padding = padding(self.written, multiple);
        io::copy(&mut io::repeat(0).take(padding), &mut self.inner)?;
        self.written += padding;
        Ok(())
    }
}

/// Where the content of one file goes.
struct Content<'a, W> {
    inner: &'a mut W,
    /// How many bytes are still to be written, or `None` when there were more.
    left: Option<u64>,
}

impl<W: Write> Write for Content<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self
            .left
            .and_then(|left| left.checked_sub(bytes.len() as u64));
        if self.left.is_none() {
            return Err(invalid("more content than announced"));
        }
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes [`Writer`] writes for a file, before the end of the archive.
///
/// # Errors
/// When the path or the size cannot be in an archive.
pub fn length_of_file(path: &str, size: u64) -> error::Result<u64> {
    header::encode(path, size)?;
    Ok(BLOCK_SIZE + size.next_multiple_of(BLOCK_SIZE))
}

/// How many bytes [`Writer`] writes in all, for `files` bytes as [`length_of_file`] gives them.
#[must_use]
pub fn length(files: u64) -> u64 {
    (files + 2 * BLOCK_SIZE).next_multiple_of(RECORD_SIZE)
}

/// Reads what [`Writer`] writes and refuses everything else.
pub struct Reader<R> {
    inner: R,
    read: u64,
    /// Of the current entry, content that nobody has read yet.
    left: u64,
    last: Last,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        Self {
            inner,
            read: 0,
            left: 0,
            last: Last::default(),
            ended: false,
        }
    }

    /// The next entry, or `None` at the end, when `inner` has been read to its end too. What
    /// was not read of the entry before is skipped.
    ///
    /// # Errors
    /// When `inner` cannot be read or is not what [`Writer`] writes.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_, R>>> {
        if self.ended {
            return Ok(None);
        }
        self.skip_content()?;
        let block = read_array(&mut self.inner)?;
        self.read += BLOCK_SIZE;
        if block == [0; BLOCK] {
            self.read_end()?;
            return Ok(None);
        }
        let (path, size) = header::decode(&block)?;
        self.last.advance(&path)?;
        self.left = size;
        self.read += size;
        Ok(Some(Entry {
            path,
            size,
            archive: self,
        }))
    }

    fn skip_content(&mut self) -> Result<()> {
        // If it ends early, so does what has to follow.
        io::copy(&mut self.inner.by_ref().take(self.left), &mut io::sink())?;
        self.read_padding(BLOCK_SIZE)
    }

    fn read_end(&mut self) -> Result<()> {
        if read_array(&mut self.inner)? != [0; BLOCK] {
            return Err(invalid("damaged: a block of zeros inside the tar archive").into());
        }
        self.read += BLOCK_SIZE;
        self.read_padding(RECORD_SIZE)?;
        expect_end(&mut self.inner)?;
        self.ended = true;
        Ok(())
    }

    fn read_padding(&mut self, multiple: u64) -> Result<()> {
        let expected = padding(self.read, multiple);
        let mut zeros = Vec::new();
        let mut padding = self.inner.by_ref().take(expected);
        padding.read_to_end(&mut zeros)?;
        if padding.limit() > 0 {
            return Err(ends_early().into());
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(invalid("damaged: padding of the tar archive is not zero").into());
        }
        self.read += expected;
        Ok(())
    }
}

/// One regular file of an archive; reads as its content.
pub struct Entry<'a, R> {
    /// Relative, without empty, `.` and `..` components and without NUL.
    pub path: String,
    /// Of the content, in bytes.
    pub size: u64,
    archive: &'a mut Reader<R>,
}

impl<R: Read> Read for Entry<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut content = self.archive.inner.by_ref().take(self.archive.left);
        let read = content.read(out)?;
        self.archive.left = content.limit();
        if read == 0 && self.archive.left > 0 && !out.is_empty() {
            return Err(ends_early());
        }
        Ok(read)
    }
}

/// The path before the current one.
#[derive(Default)]
struct Last(String);

impl Last {
    fn advance(&mut self, path: &str) -> error::Result<()> {
        if path <= self.0.as_str() {
            let (path, last) = (shown(path), shown(&self.0));
            return error::refused(format!("{path}: not after {last} in byte order"));
        }
        path.clone_into(&mut self.0);
        Ok(())
    }
}

fn padding(length: u64, multiple: u64) -> u64 {
    length.next_multiple_of(multiple) - length
}

#[cfg(test)]
mod tests;
