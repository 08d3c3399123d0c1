//! Output directories, whose content appears under its final names only when complete.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::Dir;
use crate::error::{Cannot, Result, failed};
use crate::layout::{CLOSED, UNFINISHED};

/// A hidden directory in `target` in which everything is created, until [`Staging::commit`] moves
/// its content to the final names. It is removed unless the process is killed, so a failure leaves
/// nothing behind. A process that is killed before [`Staging::commit`] leaves nothing under a final
/// name; one that is killed during it leaves the first of its names, so callers put last what the
/// next step needs.
pub struct Staging<'a> {
    target: &'a Dir,
    pub dir: Dir,
}

impl<'a> Staging<'a> {
    /// Starts in `target`, which must be empty.
    pub fn new(target: &'a Dir) -> Result<Self> {
        let taken = |name: &str, what: &str| {
            let path = target.path_of(name);
            failed(format!(
                "{}: {what}, but the output directory must be empty",
                path.display()
            ))
        };
        let dir = match target.try_create_dir(UNFINISHED, CLOSED) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let what = "belongs to a run that was killed or is still under way";
                return taken(UNFINISHED, what);
            }
            created => created.cannot("create", &target.path_of(UNFINISHED))?,
        };
        let dir = dir.into_root();
        let staging = Self { target, dir };
        // Listed only now, because another run may have ended before the directory was made.
        let entries = target.list()?;
        match entries.iter().find(|entry| entry.name != UNFINISHED) {
            Some(found) => taken(&found.name, "already exists"),
            None => Ok(staging),
        }
    }

    /// Moves `names`, all of which must exist, to their final places in the given order.
    pub fn commit(self, names: &[&str]) -> Result<()> {
        for (moved, name) in names.iter().enumerate() {
            let renamed = fs::rename(self.dir.reach(name), self.target.reach(name));
            if renamed.is_err() {
                // Move them back, to be removed with the rest.
                for name in names.iter().take(moved) {
                    let _ = fs::rename(self.target.reach(name), self.dir.reach(name));
                }
            }
            renamed.cannot("create", &self.target.path_of(name))?;
        }
        Ok(())
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // Even if this fails, the exit status tells the peer not to use the directory.
        self.dir.remove(&self.target.reach(UNFINISHED));
    }
}

impl Dir {
    /// Empties this directory, and removes it from where it was made, `path`. Whatever has taken
    /// that name since is left alone, but for an empty directory, and so is whatever cannot be
    /// removed.
    pub(crate) fn remove(&self, path: &Path) {
        let _ = empty(&self.reach(""));
        let _ = fs::remove_dir(path);
    }
}

/// Empties a directory that nobody else writes to, with only one directory open at a time: the
/// standard library opens one per level, and the process may run out of descriptors.
pub(super) fn empty(dir: &Path) -> io::Result<()> {
    let listed = fs::read_dir(dir)?.map(|entry| {
        let entry = entry?;
        Ok((entry.path(), entry.file_type()?.is_dir()))
    });
    for (path, is_dir) in listed.collect::<io::Result<Vec<_>>>()? {
        if is_dir {
            empty(&path)?;
            fs::remove_dir(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn removes_a_tree_with_its_files_and_links_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let tree = place.path().join("tree");
        for dir in ["a/b/c", "a/d", "e"] {
            fs::create_dir_all(tree.join(dir)).unwrap();
            fs::write(tree.join(dir).join("file"), "x").unwrap();
        }
        fs::write(place.path().join("kept"), "x").unwrap();
        symlink(place.path(), tree.join("a/link")).unwrap();
        Dir::open(&tree).unwrap().remove(&tree);
        assert!(!tree.exists());
        assert!(place.path().join("kept").exists());
    }

    #[test]
    fn a_link_named_as_the_hidden_directory_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        fs::create_dir(path("victim")).unwrap();
        fs::write(path("victim/file"), "x").unwrap();
        fs::create_dir(path("output")).unwrap();
        let output = Dir::open(&path("output")).unwrap();
        let staging = Staging::new(&output).unwrap();
        staging.dir.write("ours", CLOSED, b"x").unwrap();
        fs::rename(path("output").join(UNFINISHED), path("moved")).unwrap();
        symlink(path("victim"), path("output").join(UNFINISHED)).unwrap();
        drop(staging);
        assert!(path("victim/file").exists());
        assert_eq!(fs::read_dir(path("moved")).unwrap().count(), 0);
    }
}
