//! Files that appear under their final names only when complete.
//!
//! Each file is written under a temporary name in its final folder, and then renamed or linked. A
//! failure removes it; a killed process leaves at most a file whose name begins with
//! `.fabric-ccs-builder-`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use super::Dir;
use crate::error::{Cannot, Result, failed};
use crate::layout::UNFINISHED;

/// A file that does not have its final name yet.
pub struct NewFile {
    path: PathBuf,
    /// The final path as messages show it.
    shown: PathBuf,
    /// Empty after a rename, because another run may use that name by then.
    temporary: PathBuf,
    /// Open until everything is written. A program cannot be run while any process has its file
    /// open for writing, so the file is closed before it gets its final name.
    file: Option<File>,
}

impl NewFile {
    /// Begins the file at `path` with exactly `mode`, regardless of the umask.
    pub fn create(path: &Path, mode: u32) -> Result<Self> {
        Self::begin(path, path, mode).cannot("create", path)
    }

    /// Begins the file `name` in the directory that `dir` has open, whatever happens to that path.
    /// Returns the system's own error.
    pub fn create_in(dir: &Dir, name: &str, mode: u32) -> io::Result<Self> {
        Self::begin(&dir.reach(name), &dir.path_of(name), mode)
    }

    /// The same for a file that is there at once, such as a link, which `create` makes at a path.
    pub fn made_in(
        dir: &Dir,
        name: &str,
        create: impl Fn(&Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        let path = dir.reach(name);
        let (temporary, ()) = under_temporary_name(&path, create)?;
        Ok(Self {
            path,
            shown: dir.path_of(name),
            temporary,
            file: None,
        })
    }

    /// Whether a file with this name is left over from a killed run, if no run is using it.
    pub fn is_temporary(name: &str) -> bool {
        let numbers = name.strip_prefix(UNFINISHED);
        let numbers = numbers.and_then(|numbers| numbers.strip_prefix('-')?.split_once('-'));
        let is_number = |text: &str| text.parse::<u32>().is_ok();
        numbers.is_some_and(|(process, attempt)| is_number(process) && is_number(attempt))
    }

    fn begin(path: &Path, shown: &Path, mode: u32) -> io::Result<Self> {
        let create = |temporary: &Path| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(mode);
            options.open(temporary)
        };
        let (temporary, file) = under_temporary_name(path, create)?;
        // From here on, a failure removes it.
        let mut begun = Self {
            path: path.to_owned(),
            shown: shown.to_owned(),
            temporary,
            file: None,
        };
        file.set_permissions(Permissions::from_mode(mode))?;
        begun.file = Some(file);
        Ok(begun)
    }

    /// Finishes writing and flushes the content to disk: only then do some file systems report that
    /// they are full.
    pub fn close(&mut self) -> Result<()> {
        match self.file.take() {
            Some(file) => file.sync_all().cannot("create", &self.shown),
            None => Ok(()),
        }
    }

    pub fn replace(mut self) -> Result<()> {
        self.close()?;
        fs::rename(&self.temporary, &self.path).cannot("create", &self.shown)?;
        self.temporary.clear();
        Ok(())
    }

    /// Gives the file its final name, unless something else has that name by now.
    pub fn commit(mut self) -> Result<()> {
        self.close()?;
        let linked = match fs::hard_link(&self.temporary, &self.path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => self.rename_to_new(),
            linked => linked,
        };
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => failed(format!(
                "{}: appeared while the file was written, and is left alone",
                self.shown.display()
            )),
            linked => linked.cannot("create", &self.shown),
        }
    }

    /// For file systems without hard links: reserves the name with an empty file first, so that
    /// nobody else can take it.
    fn rename_to_new(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).open(&self.path)?;
        fs::rename(&self.temporary, &self.path).inspect_err(|_| {
            let _ = fs::remove_file(&self.path);
        })?;
        self.temporary.clear();
        Ok(())
    }
}

/// Its errors name the file.
impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut();
        let file = file.ok_or_else(|| io::Error::other("is already closed"));
        file.and_then(|file| file.write(bytes)).map_err(|error| {
            let message = format!("cannot write {}: {error}", self.shown.display());
            io::Error::new(error.kind(), message)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Creates something under an unused name next to `path`.
fn under_temporary_name<T>(
    path: &Path,
    create: impl Fn(&Path) -> io::Result<T>,
) -> io::Result<(PathBuf, T)> {
    let mut attempt = 0;
    loop {
        let name = format!("{UNFINISHED}-{}-{attempt}", process::id());
        let temporary = path.with_file_name(name);
        match create(&temporary) {
            // Left by a killed run, or in use by a run in another container with the same process
            // ID.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 1000 => {
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
    fn has_its_name_only_when_complete() {
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
    fn replaces_a_file_only_when_it_is_told_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let begin = || {
            let mut file = NewFile::create(&path, 0o644).unwrap();
            file.write_all(b"new").unwrap();
            file
        };
        let late = begin();
        fs::write(&path, "old").unwrap();
        let error = late.commit().unwrap_err().to_string();
        assert!(error.ends_with("and is left alone"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        begin().replace().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a"]);
        assert!(begin().rename_to_new().is_err());
        fs::remove_file(&path).unwrap();
        begin().rename_to_new().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn leaves_nothing_when_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let file = NewFile::create(&dir.path().join("a"), 0o644).unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        drop(file);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn ignores_what_a_killed_run_left() {
        let dir = tempfile::tempdir().unwrap();
        let left = format!(".fabric-ccs-builder-{}-0", process::id());
        fs::write(dir.path().join(&left), "left").unwrap();
        let file = NewFile::create(&dir.path().join("a"), 0o644).unwrap();
        file.commit().unwrap();
        assert_eq!(names(dir.path()), [left.as_str(), "a"]);
        assert_eq!(fs::read(dir.path().join(left)).unwrap(), b"left");
    }
}
