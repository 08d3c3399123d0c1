//! Reads files piece by piece, hashes them while copying, and creates them.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::dir::flags;
use super::{Digest, Dir, Entry, Hashing};
use crate::error::{Cannot, Result, failed, refused};
use crate::layout::{MAX_SMALL, PUBLIC};
use crate::text::nearest;

/// Passes the content of `file` to `take`, piece by piece; `explain` says which file that is.
pub fn pieces(
    file: &mut dyn Read,
    explain: &dyn Fn(io::Result<usize>) -> Result<usize>,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        match file.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => match explain(read)? {
                0 => return Ok(()),
                count => take(piece.get(..count).unwrap_or_default())?,
            },
        }
    }
}

impl Dir {
    /// Reads the file `name`, which must exist and have at most 1 MiB.
    pub(crate) fn read_needed(&self, name: &str) -> Result<Vec<u8>> {
        if let Some(entry) = self.find_file(name)? {
            return self.read(&entry, MAX_SMALL);
        }
        let near = self.near_name(name);
        let near = near.map_or_else(String::new, |near| format!("; rename {near}"));
        refused(format!("{} not found{near}", self.relative(name)))
    }

    /// The file whose author probably meant to call it `name`.
    fn near_name(&self, name: &str) -> Option<String> {
        // This is only a hint, so it does not matter if the listing fails.
        let entries = self.list().unwrap_or_default().into_iter();
        let mut names = entries
            .filter(|entry| entry.fault().is_none() && !entry.is_dir())
            .map(|entry| entry.name);
        let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        names.find(|found| {
            let found = found.to_ascii_lowercase();
            let is_file = found.contains('.') && stem(&found) == stem(name);
            is_file || nearest(&found, &mut iter::once(name)).is_some()
        })
    }

    pub(crate) fn read(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let (name, size) = (self.relative(&entry.name), entry.size());
        if size > limit {
            return refused(format!(
                "{name}: has {size} bytes, more than the {limit} allowed"
            ));
        }
        let mut content = Vec::new();
        self.pieces(entry, &mut |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    pub(crate) fn digest(&self, entry: &Entry) -> Result<Digest> {
        let mut hasher = Hashing::new(io::sink());
        self.pieces(entry, &mut |piece| Ok(hasher.write_all(piece)?))?;
        Ok(hasher.digest())
    }

    /// Copies a file to `target` under the same name, with mode 0644, and returns the digest of the
    /// copy.
    pub(crate) fn copy(&self, entry: &Entry, target: &Self) -> Result<Digest> {
        let path = target.path_of(&entry.name);
        let mut copy = Hashing::new(target.create(&entry.name, PUBLIC)?);
        self.pieces(entry, &mut |piece| {
            copy.write_all(piece).cannot("write", &path)
        })?;
        Ok(copy.digest())
    }

    /// Passes a file's content to `take`, piece by piece. A file that changes meanwhile, or has
    /// changed since it was listed, is an error.
    pub(crate) fn pieces(
        &self,
        entry: &Entry,
        take: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let path = self.path_of(&entry.name);
        let file = self.open_file(entry)?;
        let explain = |read: io::Result<usize>| read.cannot("read", &path);
        pieces(&mut (&file).take(entry.size()), &explain, take)?;
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
        let opened = options.open(self.reach(name));
        let set = opened.and_then(|file| {
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        });
        set.cannot("create", &self.path_of(name))
    }
}

/// Reads the PEM file at `path`, of at most 1 MiB. A user chose it: links are followed.
pub fn read_pem(path: &Path) -> Result<String> {
    String::from_utf8(read_small(path)?).or_else(|_| {
        let shown = path.display();
        refused(format!(
            "{shown}: is not UTF-8; convert it to PEM with openssl if it is DER"
        ))
    })
}

/// The same for any file.
pub fn read_small(path: &Path) -> Result<Vec<u8>> {
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
    Ok(content)
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
