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
        self.enter(0, false, &mut Budget::new(limits), &mut visit)
    }

    /// Like [`Dir::walk`] with the limits of a build, but entries with faults are included among
    /// the files.
    pub(crate) fn walk_all(
        &self,
        mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>,
    ) -> Result<()> {
        self.enter(0, true, &mut Budget::new(BUILD_LIMITS), &mut visit)
    }

    fn enter(
        &self,
        depth: usize,
        takes_faults: bool,
        budget: &mut Budget,
        visit: Visit,
    ) -> Result<()> {
        let entries = self.list()?;
        if !takes_faults {
            entries.iter().try_for_each(|entry| self.check(entry))?;
        }
        let is_entered = |entry: &Entry| entry.is_dir() && entry.fault().is_none();
        let (dirs, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_entered);
        for entry in dirs.iter().chain(&files) {
            let bytes = if entry.is_dir() { 0 } else { entry.size() };
            budget.count(&self.relative(&entry.name), bytes)?;
        }
        visit(self, &files)?;
        drop(files);
        if !dirs.is_empty() && depth == budget.limits.depth {
            let path = self.path().display();
            return refused(format!("{path}: directories nested more than {depth} deep"));
        }
        for entry in dirs {
            let dir = self.subdir(&entry.name)?;
            dir.enter(depth + 1, takes_faults, budget, visit)?;
        }
        Ok(())
    }
}

type Visit<'a> = &'a mut dyn FnMut(&Dir, &[Entry]) -> Result<()>;

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
        let limits = self.limits;
        let (entries, bytes, path_bytes) = (limits.entries, limits.bytes, limits.path_bytes);
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
