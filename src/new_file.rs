//! Files that appear under their names only when they are whole.
//!
//! Each is written under a temporary name in the folder of its final one, and renamed. A failure removes it; a killed process
//! leaves at most a file whose name begins with `.fabric-ccs-builder-`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::{Context, Result};

use crate::dir::Dir;

/// A file that has not its final name yet.
pub struct NewFile {
    /// Where it will be.
    path: PathBuf,
    /// The same, for messages.
    shown: PathBuf,
    temporary: PathBuf,
    /// Open until all is written. A program whose file is open for writing anywhere cannot be run, so it is closed before it
    /// gets its name.
    file: Option<File>,
    is_committed: bool,
}

impl NewFile {
    /// Begins the file at `path`, with `mode` whatever the umask.
    ///
    /// # Errors
    /// When no file can be created in its folder.
    pub fn create(path: &Path, mode: u32) -> Result<Self> {
        Self::begin(path, path, mode)
    }

    /// Begins the file `name` in `dir`, in this very directory whatever happens to its path.
    ///
    /// # Errors
    /// When no file can be created in there.
    pub fn create_in(dir: &Dir, name: &str, mode: u32) -> Result<Self> {
        Self::begin(&dir.reach(name), &dir.path_of(name), mode)
    }

    fn begin(path: &Path, shown: &Path, mode: u32) -> Result<Self> {
        let create = |temporary: &Path| {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(temporary)
        };
        let (temporary, file) =
            under_temporary_name(path, create).with_context(|| cannot_create(shown))?;
        // From here on it is removed on failure.
        let mut begun = Self {
            path: path.to_owned(),
            shown: shown.to_owned(),
            temporary,
            file: None,
            is_committed: false,
        };
        file.set_permissions(Permissions::from_mode(mode))
            .with_context(|| cannot_create(shown))?;
        begun.file = Some(file);
        Ok(begun)
    }

    /// Ends the writing, and brings the content to the disk.
    ///
    /// # Errors
    /// When it cannot be brought there: some file systems say only now that they are full.
    pub fn close(&mut self) -> Result<()> {
        match self.file.take() {
            Some(file) => file.sync_all().with_context(|| cannot_create(&self.shown)),
            None => Ok(()),
        }
    }

    /// The same file a second time, to be `name` in the same folder.
    ///
    /// # Errors
    /// When the file system has no hard links, or no more room.
    pub fn link(&self, name: &str) -> io::Result<Self> {
        let path = self.path.with_file_name(name);
        let link = |temporary: &Path| fs::hard_link(&self.temporary, temporary);
        let (temporary, ()) = under_temporary_name(&path, link)?;
        Ok(Self {
            path,
            shown: self.shown.with_file_name(name),
            temporary,
            file: None,
            is_committed: false,
        })
    }

    /// Gives the file its final name; what had that name is replaced.
    ///
    /// # Errors
    /// When its content cannot be brought to the disk, or the name is a directory's.
    pub fn commit(mut self) -> Result<()> {
        self.close()?;
        fs::rename(&self.temporary, &self.path).with_context(|| cannot_create(&self.shown))?;
        self.is_committed = true;
        Ok(())
    }

    fn open(&mut self) -> io::Result<&mut File> {
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("is closed already"))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_committed {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn cannot_create(path: &Path) -> String {
    format!("cannot create {}", path.display())
}

/// Creates something under a name beside `path` that nothing else has.
fn under_temporary_name<T>(
    path: &Path,
    create: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    let mut attempt = 0;
    loop {
        let name = format!(".fabric-ccs-builder-{}-{attempt}", process::id());
        let temporary = path.with_file_name(name);
        match create(&temporary) {
            // Of a run that was killed, or of one in a container with the same process ID.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {
                attempt += 1;
            }
            created => return created.map(|created| (temporary, created)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let listed = fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = listed
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn has_its_name_only_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let mut file = NewFile::create(&path, 0o644).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!names(dir.path()).contains(&"a".to_owned()));
        file.commit().unwrap();
        assert_eq!(names(dir.path()), ["a"]);
        assert_eq!(fs::read(path).unwrap(), b"one");
    }

    #[test]
    fn leaves_nothing_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let file = NewFile::create(&dir.path().join("a"), 0o644).unwrap();
        let link = file.link("b").unwrap();
        assert_eq!(names(dir.path()).len(), 2);
        drop((file, link));
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn passes_over_what_a_killed_run_has_left() {
        let dir = tempfile::tempdir().unwrap();
        let left = format!(".fabric-ccs-builder-{}-0", process::id());
        fs::write(dir.path().join(&left), "left").unwrap();
        let file = NewFile::create(&dir.path().join("a"), 0o644).unwrap();
        file.commit().unwrap();
        assert_eq!(names(dir.path()), [left.as_str(), "a"]);
        assert_eq!(fs::read(dir.path().join(left)).unwrap(), b"left");
    }
}
