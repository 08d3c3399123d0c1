//! Walks a directory tree, within limits that no real package reaches.

use super::{Dir, Entry};
use crate::error::{Result, refused};
use crate::layout::{BUILD_LIMITS, Limits, MAX_PATH};

impl Dir {
    /// Visits this directory and all directories below it, parents first and in bytewise order of
    /// names: `visit` gets each open directory and its regular files.
    pub(crate) fn walk(
        &self,
        limits: Limits,
        mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>,
    ) -> Result<()> {
        self.walk_with(limits, false, &mut visit)
    }

    /// Like [`Dir::walk`] with the limits of a build, but entries with faults are included among
    /// the files.
    pub(crate) fn walk_all(
        &self,
        mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>,
    ) -> Result<()> {
        self.walk_with(BUILD_LIMITS, true, &mut visit)
    }

    fn walk_with(&self, limits: Limits, takes_faults: bool, visit: Visit) -> Result<()> {
        let mut walk = Walk {
            depth: limits.depth,
            budget: Budget::new(limits),
            takes_faults,
            visit,
        };
        walk.enter(self, 0)
    }
}

type Visit<'a> = &'a mut dyn FnMut(&Dir, &[Entry]) -> Result<()>;

/// A walk in progress, with its totals so far.
struct Walk<'a> {
    depth: usize,
    budget: Budget,
    takes_faults: bool,
    visit: Visit<'a>,
}

impl Walk<'_> {
    fn enter(&mut self, dir: &Dir, depth: usize) -> Result<()> {
        let entries = dir.list()?;
        if !self.takes_faults {
            entries.iter().try_for_each(|entry| dir.check(entry))?;
        }
        let is_entered = |entry: &Entry| entry.is_dir() && entry.fault().is_none();
        let (dirs, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_entered);
        for entry in dirs.iter().chain(&files) {
            let bytes = if entry.is_dir() { 0 } else { entry.size() };
            self.budget.count(&dir.relative(&entry.name), bytes)?;
        }
        (self.visit)(dir, &files)?;
        drop(files);
        if !dirs.is_empty() && depth == self.depth {
            return refused(format!(
                "{}: directories nested more than {depth} deep",
                dir.path().display()
            ));
        }
        for entry in dirs {
            self.enter(&dir.subdir(&entry.name)?, depth + 1)?;
        }
        Ok(())
    }
}

pub struct Budget {
    limits: Limits,
    entries: usize,
    bytes: u64,
    path_bytes: usize,
}

impl Budget {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: 0,
            bytes: 0,
            path_bytes: 0,
        }
    }

    /// Counts a file of `size` bytes, or a directory, and refuses whatever exceeds the limits.
    pub fn count(&mut self, path: &str, size: u64) -> Result<()> {
        let Limits {
            entries,
            bytes,
            path_bytes,
            ..
        } = self.limits;
        self.entries += 1;
        self.path_bytes += path.len();
        self.bytes = self.bytes.saturating_add(size);
        let excess = if self.entries > entries {
            format!("more than {entries} files and folders in all, the most that are copied")
        } else if path.len() > MAX_PATH {
            format!("its path has more than {MAX_PATH} bytes, which a peer may be unable to copy")
        } else if self.path_bytes > path_bytes {
            format!("paths have more than {path_bytes} bytes in all, the most that are recorded")
        } else if self.bytes > bytes {
            format!("more than {bytes} bytes in all, the most that are copied")
        } else {
            return Ok(());
        };
        refused(format!("{path}: {excess}"))
    }
}
