//! Walks through a tree of directories, within limits that no real package meets.

use super::{Dir, Entry};
use crate::error::{Result, refused};
use crate::layout::{BUILD, Limits, MAX_PATH};

impl Dir {
    /// Visits this directory and every one below it, parents first and in bytewise order of names:
    /// `visit` gets each open directory and the regular files in it.
    ///
    /// # Errors
    /// When something must not be copied, a limit is passed, or `visit` fails.
    pub fn walk(
        &self,
        limits: Limits,
        mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>,
    ) -> Result<()> {
        let list = |dir: &Self| {
            let entries = dir.list()?.into_iter();
            entries.map(|entry| dir.sound(entry)).collect()
        };
        Walk::new(&list, limits, &mut visit).enter(self, 0)
    }

    /// As [`Dir::walk`] of a build, but what must not be copied is among the files, with its
    /// fault.
    pub fn walk_all(&self, mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>) -> Result<()> {
        Walk::new(&Self::list, BUILD, &mut visit).enter(self, 0)
    }
}

type List<'a> = &'a dyn Fn(&Dir) -> Result<Vec<Entry>>;
type Visit<'a> = &'a mut dyn FnMut(&Dir, &[Entry]) -> Result<()>;

/// A walk under way, with what it has met so far.
struct Walk<'a> {
    list: List<'a>,
    visit: Visit<'a>,
    limits: Limits,
    entries: usize,
    bytes: u64,
    path_bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(list: List<'a>, limits: Limits, visit: Visit<'a>) -> Self {
        Self {
            list,
            visit,
            limits,
            entries: 0,
            bytes: 0,
            path_bytes: 0,
        }
    }

    fn enter(&mut self, dir: &Dir, depth: usize) -> Result<()> {
        let is_entered = |entry: &Entry| entry.is_dir() && entry.fault().is_none();
        let (dirs, files): (Vec<_>, Vec<_>) = (self.list)(dir)?.into_iter().partition(is_entered);
        if let Some(excess) = self.excess(dir, depth, &dirs, &files) {
            return refused(format!("{}: {excess}", dir.path_of("").display()));
        }
        (self.visit)(dir, &files)?;
        drop(files);
        for entry in dirs {
            self.enter(&dir.subdir(&entry.name)?, depth + 1)?;
        }
        Ok(())
    }

    /// Counts what is in `dir`, and says which limit is passed.
    fn excess(
        &mut self,
        dir: &Dir,
        depth: usize,
        dirs: &[Entry],
        files: &[Entry],
    ) -> Option<String> {
        let limits = self.limits;
        self.entries += dirs.len() + files.len();
        let folder = dir.relative("").len() + 1;
        let mut longest = 0;
        for entry in dirs.iter().chain(files) {
            let path = folder + entry.name.len();
            longest = longest.max(path);
            self.path_bytes += path;
        }
        for file in files {
            self.bytes = self.bytes.saturating_add(file.size());
        }
        Some(if depth > limits.depth {
            format!("more than {} directories inside each other", limits.depth)
        } else if self.entries > limits.entries {
            format!(
                "more than {} files and folders in all, the most that are copied",
                limits.entries
            )
        } else if longest > MAX_PATH {
            format!(
                "holds a path of more than {MAX_PATH} bytes, which a peer may be unable to copy"
            )
        } else if self.path_bytes > limits.path_bytes {
            format!(
                "the paths have more than {} bytes in all, the most that are recorded",
                limits.path_bytes
            )
        } else if self.bytes > limits.bytes {
            format!(
                "more than {} bytes in all, the most that are copied",
                limits.bytes
            )
        } else {
            return None;
        })
    }
}
