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

use super::{BLOCK, CHECKSUM, NAME, PREFIX, SIZE};
use crate::error::{Result, failed, refused};

const BLOCK_SIZE: u64 = BLOCK as u64;
const RECORD_SIZE: u64 = 20 * BLOCK_SIZE;
/// The size field has eleven octal digits: 8 GiB and more do not fit.
const MAX_SIZE: u64 = 0o777_7777_7777;

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
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let header = encode(path, size)?;
        if path <= self.last.as_str() {
            return refused(format!("{path}: not after {} in byte order", self.last));
        }
        path.clone_into(&mut self.last);
        self.inner.write_all(&header)?;
        let start = self.inner.1;
        write(&mut self.inner)?;
        if self.inner.1 - start != size {
            return failed(format!(
                "{path}: changed while it was read (no longer {size} bytes)"
            ));
        }
        self.pad(BLOCK_SIZE)
    }

    /// Writes the end of the archive, and flushes. Without it the archive is incomplete.
    pub fn finish(mut self) -> Result<W> {
        self.inner.write_all(&[0; 2 * BLOCK])?;
        self.pad(RECORD_SIZE)?;
        self.inner.flush()?;
        Ok(self.inner.0)
    }

    fn pad(&mut self, multiple: u64) -> Result<()> {
        let padding = self.inner.1.next_multiple_of(multiple) - self.inner.1;
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
pub fn length_of_file(path: &str, size: u64) -> Result<u64> {
    encode(path, size)?;
    Ok(BLOCK_SIZE + size.next_multiple_of(BLOCK_SIZE))
}

/// How many bytes [`Writer`] writes in all, for `files` bytes as [`length_of_file`] gives them.
pub fn length(files: u64) -> u64 {
    (files + 2 * BLOCK_SIZE).next_multiple_of(RECORD_SIZE)
}

/// The one header of the regular file `path` of `size` bytes.
fn encode(path: &str, size: u64) -> Result<[u8; BLOCK]> {
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_plain || path.contains('\0') {
        return refused(format!(
            "{path}: cannot be the path of a file in an archive"
        ));
    }
    let Some((prefix, name)) = split(path) else {
        return refused(format!(
            "{path}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it)"
        ));
    };
    if size > MAX_SIZE {
        return refused(format!(
            "{path}: too large for a tar archive (less than 8 GiB)"
        ));
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, value: &str| {
        block[at..at + value.len()].copy_from_slice(value.as_bytes());
    };
    put(NAME.start, name);
    put(100, "0000644"); // mode
    put(108, "0000000"); // user
    put(116, "0000000"); // group
    put(SIZE.start, &format!("{size:011o}"));
    put(136, "00000000000"); // modification time
    put(156, "0"); // type
    put(257, "ustar\x0000"); // magic and version
    put(329, "0000000"); // device, major
    put(337, "0000000"); // device, minor
    put(PREFIX.start, prefix);
    block[CHECKSUM].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

/// Prefix and name of a path. The prefix is as long as possible, as in GNU tar; so the name is as
/// short as possible, and if it does not fit here, it fits nowhere.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME.len() {
        return Some(("", path));
    }
    let mut start = path.bytes().take(PREFIX.len() + 1);
    let (prefix, name) = path.split_at(start.rposition(|byte| byte == b'/')?);
    let name = name.strip_prefix('/')?;
    (name.len() <= NAME.len()).then_some((prefix, name))
}

#[cfg(test)]
mod tests;
