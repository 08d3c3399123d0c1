//! Output directories: trees that are made in the order of a walk, and appear under their final
//! names when they are whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Dir;
use super::dir::names;
use crate::error::{Cannot, Result, refused};
use crate::layout::{CLOSED, UNFINISHED};

/// Directories below a root, made when they are needed. Those on the way to the last one stay
/// open, so that a tree can be written in the order of a walk without further look-ups.
pub struct Tree<'a> {
    root: &'a Dir,
    open: Vec<(String, Dir)>,
}

impl<'a> Tree<'a> {
    /// Starts at `root`.
    pub fn new(root: &'a Dir) -> Self {
        let open = Vec::new();
        Self { root, open }
    }

    /// The directory at `path`, with `/` between names; `""` is the root. What is missing on the
    /// way is created, with mode 0755.
    pub fn dir(&mut self, path: &str) -> Result<&Dir> {
        let names: Vec<&str> = names(path).collect();
        let same = |((open, _), name): &(&(String, Dir), &&str)| open == *name;
        let common = self.open.iter().zip(&names).take_while(same).count();
        self.open.truncate(common);
        for name in names.into_iter().skip(common) {
            let (made, _) = self.last().make_dir(name)?;
            self.open.push((name.to_owned(), made));
        }
        Ok(self.last())
    }

    fn last(&self) -> &Dir {
        self.open.last().map_or(self.root, |(_, dir)| dir)
    }
}

/// A hidden directory in `target` in which everything is made; [`Staging::commit`] gives it its
/// final names. Without a commit it is removed, so a failure leaves nothing behind, and a killed
/// process nothing under a final name.
pub struct Staging<'a> {
    target: &'a Dir,
    /// Where to write.
    pub dir: Dir,
}

impl<'a> Staging<'a> {
    /// Starts in `target`, which must be empty.
    pub fn new(target: &'a Dir) -> Result<Self> {
        if let Some(found) = target.list()?.first() {
            let what = if found.name == UNFINISHED {
                "is of a run that was killed or is still under way"
            } else {
                "exists already"
            };
            return refused(format!(
                "{}: {what}, the output directory must be empty",
                target.path_of(&found.name).display()
            ));
        }
        let dir = target.create_dir(UNFINISHED, CLOSED)?.into_root();
        Ok(Self { target, dir })
    }

    /// Moves what was made to its final names, in the order given: all of them must be there.
    pub fn commit(self, names: &[&str]) -> Result<()> {
        for (moved, name) in names.iter().enumerate() {
            let renamed = fs::rename(self.dir.reach(name), self.target.reach(name));
            if renamed.is_err() {
                // Back, to be removed with the rest.
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
        let path = self.target.reach(UNFINISHED);
        // When this fails, the exit status still tells the peer not to use the directory.
        let _ = fs::remove_dir(&path).or_else(|_| remove_tree(&path));
    }
}

/// Removes a directory that nobody else writes to, with no more than one open at a time: the
/// standard library keeps one for each level, and the process may be out of them.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    let mut open = vec![path.to_owned()];
    while let Some(dir) = open.last() {
        let listed = fs::read_dir(dir)?.map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?.is_dir()))
        });
        let listed: io::Result<Vec<(PathBuf, bool)>> = listed.collect();
        let (dirs, files): (Vec<_>, Vec<_>) = listed?.into_iter().partition(|(_, is_dir)| *is_dir);
        for (file, _) in files {
            fs::remove_file(file)?;
        }
        if dirs.is_empty() {
            fs::remove_dir(dir)?;
            open.pop();
        } else {
            open.extend(dirs.into_iter().map(|(dir, _)| dir));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
        std::os::unix::fs::symlink(place.path(), tree.join("a/link")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(place.path().join("kept").exists());
        assert!(remove_tree(&tree).is_err());
    }
}
