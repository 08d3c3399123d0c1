//! Reads files piece by piece, hashes them while copying, and creates them.

use std::cmp::min;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::dir::{flags, set_mode};
use super::{Digest, Dir, Entry, HashingWriter};
use crate::error::{Cannot, Result, failed, refused};
use crate::layout::{MAX_SMALL, PUBLIC};
use crate::text::nearest;

/// How many bytes of a file are in memory at once when it is copied or hashed.
const PIECE: u64 = 64 << 10;

/// Reusable memory for pieces of files, no larger than the largest file needs.
#[derive(Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Room for the next piece of a file with `left` bytes to go.
    fn room(&mut self, left: u64) -> &mut [u8] {
        let size = usize::try_from(min(left, PIECE)).unwrap_or_default();
        if self.0.len() < size {
            self.0.resize(size, 0);
        }
        self.0.get_mut(..size).unwrap_or_default()
    }
}

impl Dir {
    /// Reads the file `name`, which must exist and have at most 1 MiB.
    pub(crate) fn read_needed(&self, name: &str) -> Result<Vec<u8>> {
        if let Some(entry) = self.find_file(name)? {
            return self.read(&entry, MAX_SMALL);
        }
        let near = self.near_name(name);
        let near = near.map_or_else(String::new, |near| format!(", rename {near}"));
        refused(format!("{} not found{near}", self.relative(name)))
    }

    /// The file whose author probably meant to call it `name`.
    fn near_name(&self, name: &str) -> Option<String> {
        // This is only a hint, so it does not matter if the listing fails.
        let entries = self.list().unwrap_or_default().into_iter();
        let mut names = entries
            .filter(|entry| entry.fault().is_none())
            .map(|entry| entry.name);
        names.find(|found| nearest(&found.to_ascii_lowercase(), iter::once(name)).is_some())
    }

    /// Reads a file of at most `limit` bytes.
    pub(crate) fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let (name, size) = (self.relative(&entry.name), entry.size());
        if size > limit {
            return refused(format!(
                "{name}: has {size} bytes, more than the {limit} allowed"
            ));
        }
        let mut content = Vec::new();
        self.pieces(entry, &mut Buffer::default(), |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    /// The digest of a file's content.
    pub(crate) fn digest(&self, entry: &Entry, buffer: &mut Buffer) -> Result<Digest> {
        let mut hasher = HashingWriter::new(io::sink());
        self.pieces(entry, buffer, |piece| {
            hasher
                .write_all(piece)
                .cannot("hash", &self.path_of(&entry.name))
        })?;
        Ok(hasher.digest())
    }

    /// Copies a file to `target` under the same name, with mode 0644, and returns the digest of the
    /// copy.
    pub(crate) fn copy(&self, entry: &Entry, target: &Self, buffer: &mut Buffer) -> Result<Digest> {
        let path = target.path_of(&entry.name);
        let mut copy = HashingWriter::new(target.create(&entry.name, PUBLIC)?);
        self.pieces(entry, buffer, |piece| {
            copy.write_all(piece).cannot("write", &path)
        })?;
        Ok(copy.digest())
    }

    /// Passes a file's content to `take`, piece by piece. A file that changes meanwhile, or has
    /// changed since it was listed, is an error.
    pub(crate) fn pieces(
        &self,
        entry: &Entry,
        buffer: &mut Buffer,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let path = self.path_of(&entry.name);
        let mut file = self.open_file(entry)?;
        let mut left = entry.size();
        while left > 0 {
            let piece = buffer.room(left);
            match file.read(piece) {
                Ok(0) => break,
                Ok(count) => {
                    take(piece.get(..count).unwrap_or_default())?;
                    left = left.saturating_sub(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).cannot("read", &path),
            }
        }
        // This also detects something else put in the file's place before it was opened.
        if !entry.is_still(&file.metadata().cannot("read", &path)?) {
            let name = self.relative(&entry.name);
            return failed(format!("{name}: changed while it was read"));
        }
        Ok(())
    }

    /// Opens a file, without following a link or waiting for the other end of a FIFO.
    pub(crate) fn open_file(&self, entry: &Entry) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(flags::NOFOLLOW | flags::NONBLOCK)
            .open(self.reach(&entry.name))
            .cannot("read", &self.path_of(&entry.name))
    }

    /// Creates the file `name` with `content` and exactly `mode`, regardless of the umask.
    pub(crate) fn write(&self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.create(name, mode)?
            .write_all(content)
            .cannot("write", &self.path_of(name))
    }

    /// Creates the file `name`, which must not exist, with exactly `mode`, regardless of the umask.
    pub(crate) fn create(&self, name: &str, mode: u32) -> Result<File> {
        self.open_to_write(name, mode, OpenOptions::new().create_new(true))
    }

    /// Creates the file `name`, or opens the existing one, whose content stays until it is
    /// overwritten.
    pub(crate) fn write_over(&self, name: &str, mode: u32) -> Result<File> {
        self.open_to_write(name, mode, OpenOptions::new().create(true).truncate(false))
    }

    fn open_to_write(&self, name: &str, mode: u32, options: &mut OpenOptions) -> Result<File> {
        options.write(true).mode(mode).custom_flags(flags::NOFOLLOW);
        let file = options.open(self.reach(name)).and_then(|file| {
            set_mode(&file, mode)?;
            Ok(file)
        });
        file.cannot("create", &self.path_of(name))
    }
}

/// Reads the text file at `path`, of at most 1 MiB. A user chose it: links are followed.
pub fn read_text(path: &Path) -> Result<String> {
    let shown = path.display();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags::NONBLOCK)
        .open(path)
        .cannot("read", path)?;
    if !file.metadata().cannot("read", path)?.is_file() {
        return refused(format!("{shown}: is not a regular file"));
    }
    let mut content = Vec::new();
    let read = file.take(MAX_SMALL + 1).read_to_end(&mut content);
    if read.cannot("read", path)? as u64 > MAX_SMALL {
        return refused(format!(
            "{shown}: has more than the {MAX_SMALL} bytes allowed"
        ));
    }
    String::from_utf8(content).or_else(|_| {
        refused(format!(
            "{shown}: is not UTF-8, convert it to PEM with openssl if it is DER"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_has_changed_since_it_was_listed_is_refused() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("a"), "one").unwrap();
        let dir = Dir::open(place.path()).unwrap();
        let entry = dir.find_file("a").unwrap().unwrap();
        assert_eq!(dir.read(&entry, 3).unwrap(), b"one");
        for content in ["longer", "on", ""] {
            fs::write(place.path().join("a"), content).unwrap();
            let error = dir.read(&entry, 3).unwrap_err().to_string();
            assert_eq!(error, "a: changed while it was read");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        dir.write("a", PUBLIC, b"one").unwrap();
        let error = dir.write("a", PUBLIC, b"two").unwrap_err().to_string();
        assert!(error.contains("cannot create"), "{error}");
        assert!(error.contains("File exists"), "{error}");
        assert_eq!(fs::read(place.path().join("a")).unwrap(), b"one");
    }
}
