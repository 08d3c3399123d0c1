//! Output directories: trees that are made in the order of a walk, and appear under their final names when they are whole.

use std::fs;
use std::io;

use anyhow::{Context, Result, bail, ensure};

use super::{Dir, is_kind};

impl Dir {
    /// Opens the directory `name`, and creates it first, with mode 0755, when it is not there; whether it did.
    ///
    /// # Errors
    /// When it cannot be created or opened, or is a symbolic link.
    pub fn make_dir(&self, name: &str) -> Result<(Self, bool)> {
        match self.create_dir(name, 0o755) {
            Err(error) if is_kind(&error, io::ErrorKind::AlreadyExists) => {
                Ok((self.subdir(name)?, false))
            }
            created => Ok((created?, true)),
        }
    }
}

/// Directories below a root, made when they are needed. Those on the way to the last one stay open, so that a tree can be written
/// in the order of a walk without looking anything up again.
pub struct Tree<'a> {
    root: &'a Dir,
    open: Vec<(String, Dir)>,
}

impl<'a> Tree<'a> {
    /// Starts at `root`.
    #[must_use]
    pub fn new(root: &'a Dir) -> Self {
        Self {
            root,
            open: Vec::new(),
        }
    }

    /// The directory at `path`, with `/` between names; `""` is the root. What is missing on the way is created, with mode 0755.
    ///
    /// # Errors
    /// When one of them cannot be opened or created.
    pub fn dir(&mut self, path: &str) -> Result<&Dir> {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
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

/// A hidden directory in `target` in which everything is made; [`Staging::commit`] gives it its final names. Without a
/// commit it is removed, so a failure leaves nothing behind, and a killed process nothing under a final name.
pub struct Staging<'a> {
    target: &'a Dir,
    is_done: bool,
    /// Where to write.
    pub dir: Dir,
}

impl<'a> Staging<'a> {
    const NAME: &'static str = ".fabric-ccs-builder";

    /// Starts in `target`, which must be empty.
    ///
    /// # Errors
    /// When there is anything in it, or it may not be written.
    pub fn new(target: &'a Dir) -> Result<Self> {
        if let Some(found) = target.list()?.first() {
            let path = target.path_of(&found.name);
            ensure!(
                found.name != Self::NAME,
                "{}: is of a run that was killed or is still under way, the output directory must be empty",
                path.display()
            );
            bail!(
                "{}: exists already, the output directory must be empty",
                path.display()
            );
        }
        let dir = target.create_dir(Self::NAME, 0o700)?.as_root();
        Ok(Self {
            target,
            is_done: false,
            dir,
        })
    }

    /// Moves what was made to its final names, in the order given: all of them must be there.
    ///
    /// # Errors
    /// When one cannot be moved.
    pub fn commit(mut self, names: &[&str]) -> Result<()> {
        for (moved, name) in names.iter().enumerate() {
            if let Err(error) = fs::rename(self.dir.reach(name), self.target.reach(name)) {
                // Back, to be removed with the rest.
                for name in names.iter().take(moved) {
                    let _ = fs::rename(self.target.reach(name), self.dir.reach(name));
                }
                return Err(error).with_context(|| {
                    format!("cannot create {}", self.target.path_of(name).display())
                });
            }
        }
        // It is empty now; if it cannot be removed, drop tries again, with what it holds.
        self.is_done = fs::remove_dir(self.target.reach(Self::NAME)).is_ok();
        Ok(())
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            // When this fails too, the exit status still tells the peer not to use the directory.
            let _ = fs::remove_dir_all(self.target.reach(Self::NAME));
        }
    }
}
