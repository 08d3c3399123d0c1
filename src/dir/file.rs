//! Files of a directory: read piece by piece, copied while they are hashed, created.

use std::cmp::min;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use super::write_behind::WriteBehind;
use super::{Dir, Entry, flags, set_mode};
use crate::digest::{Digest, Hasher};

/// The largest file that is read into memory (metadata.json, connection.json, an index definition), in bytes.
pub const MAX_SMALL: u64 = 1 << 20;

/// The largest record file that is read, in bytes: larger than that of any package within [`super::Limits::PACKAGE`].
pub const MAX_RECORD: u64 = 128 << 20;

/// The most bytes of a file that are in memory at once when it is copied or hashed.
const PIECE: u64 = 128 << 10;

/// Files of at least so many bytes are written by a thread of their own.
const WORTH_A_THREAD: u64 = 1 << 20;

impl Dir {
    /// Reads the file `name`, which must be there and have at most [`MAX_SMALL`] bytes.
    ///
    /// # Errors
    /// When it is missing, or as [`Dir::read_small`].
    pub fn read_needed(&self, name: &str) -> Result<Vec<u8>> {
        match self.find_file(name)? {
            Some(entry) => self.read_small(&entry),
            None => bail!("{} not found", self.relative(name)),
        }
    }

    /// Reads a file of at most [`MAX_SMALL`] bytes.
    ///
    /// # Errors
    /// When it is larger, cannot be read, or changes meanwhile.
    pub fn read_small(&self, entry: &Entry) -> Result<Vec<u8>> {
        self.read_whole(entry, MAX_SMALL)
    }

    /// Reads one of the two files of a record, whose size grows with the number of files.
    ///
    /// # Errors
    /// As [`Dir::read_small`], with a limit of [`MAX_RECORD`] bytes.
    pub fn read_record(&self, entry: &Entry) -> Result<Vec<u8>> {
        self.read_whole(entry, MAX_RECORD)
    }

    fn read_whole(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let (name, size) = (self.relative(&entry.name), entry.size());
        ensure!(
            size <= limit,
            "{name}: has {size} bytes, more than the {limit} allowed"
        );
        let mut content = Vec::new();
        self.pieces(entry, &mut Buffer::default(), |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    /// When it cannot be read, or changes meanwhile.
    pub fn digest(&self, entry: &Entry, buffer: &mut Buffer) -> Result<Digest> {
        let mut hasher = Hasher::new();
        self.pieces(entry, buffer, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        Ok(hasher.finish())
    }

    /// Copies a file to a new one of the same name in `target`, mode 0644, and gives the digest of what was copied.
    ///
    /// # Errors
    /// When it cannot be read or written, exists in `target`, or changes meanwhile.
    pub fn copy(&self, entry: &Entry, target: &Self, buffer: &mut Buffer) -> Result<Digest> {
        let cannot_write = || format!("cannot write {}", target.path_of(&entry.name).display());
        let mut copy = target.create(&entry.name, 0o644)?;
        let mut hasher = Hasher::new();
        thread::scope(|scope| {
            let behind = if entry.size() < WORTH_A_THREAD {
                None
            } else {
                // Where the system has no thread to give, this one does both.
                let second = copy.try_clone();
                second
                    .and_then(|second| WriteBehind::start(scope, second))
                    .ok()
            };
            let read = self.pieces(entry, buffer, |piece| {
                match &behind {
                    Some(behind) => behind.write(piece),
                    None => copy.write_all(piece),
                }
                .with_context(cannot_write)?;
                hasher.update(piece);
                Ok(())
            });
            if let Some(behind) = behind {
                // What stopped the writing comes first: it may have stopped the reading.
                behind.finish().with_context(cannot_write)?;
            }
            read
        })?;
        Ok(hasher.finish())
    }

    /// Gives a file's content to `take`, piece by piece.
    ///
    /// # Errors
    /// When it cannot be read, changes meanwhile or has changed since it was listed, or `take` fails.
    pub fn pieces(
        &self,
        entry: &Entry,
        buffer: &mut Buffer,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let cannot_read = || format!("cannot read {}", self.path_of(&entry.name).display());
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(flags::NOFOLLOW | flags::NONBLOCK)
            .open(self.reach(&entry.name))
            .with_context(cannot_read)?;
        let mut left = entry.size();
        while left > 0 {
            let piece = buffer.room(left);
            match file.read(piece) {
                Ok(0) => break,
                Ok(count) => {
                    take(piece.get(..count).unwrap_or_default())?;
                    left = left.saturating_sub(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(cannot_read),
            }
        }
        // Whatever has been put in the file's place before it was opened is told by this, too.
        if entry.is_still(&file.metadata().with_context(cannot_read)?) {
            return Ok(());
        }
        // An error of the system, as it says nothing about the content: another look may succeed.
        Err(io::Error::other("changed while it was read"))
            .with_context(|| self.relative(&entry.name))
    }

    /// Creates the file `name` with `content` and `mode`, whatever the umask.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn write(&self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.create(name, mode)?
            .write_all(content)
            .with_context(|| format!("cannot write {}", self.path_of(name).display()))
    }

    /// Creates the file `name` with `mode`, whatever the umask.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    pub fn create(&self, name: &str, mode: u32) -> Result<File> {
        let create = || {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(self.reach(name))?;
            // The umask is the same for all files, and so is what the directory around them does to modes.
            if self.kept_mode.load(Relaxed) != mode && set_mode(&file, mode)? {
                self.kept_mode.store(mode, Relaxed);
            }
            Ok::<_, io::Error>(file)
        };
        create().with_context(|| format!("cannot create {}", self.path_of(name).display()))
    }
}

/// Memory for pieces of files, used again and again. It is no larger than the largest file needs.
#[derive(Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Room for the next piece of a file of which `left` bytes are left.
    fn room(&mut self, left: u64) -> &mut [u8] {
        let size = usize::try_from(min(left, PIECE)).unwrap_or_default();
        if self.0.len() < size {
            self.0.resize(size, 0);
        }
        self.0.get_mut(..size).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        dir.write("a", 0o644, b"one").unwrap();
        let error = dir.write("a", 0o644, b"two").unwrap_err();
        assert!(super::super::is_kind(&error, io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(place.path().join("a")).unwrap(), b"one");
    }
}
