//! Walks through a tree of directories, within limits that no real package meets.

use anyhow::{Result, ensure};

use super::{Dir, Entry, MAX_ENTRIES};

/// The most bytes that the files of one tree may have together.
pub const MAX_TOTAL: u64 = 4 << 30;

/// The most directories inside each other.
pub const MAX_DEPTH: usize = 64;

/// The longest path below the directory that a caller named, in bytes: the peer puts its own folders in front of it, and
/// Linux allows 4096 in all.
pub const MAX_PATH: usize = 2048;

impl Dir {
    /// Visits this directory and every one below it, parents first and in bytewise order of names: `visit` gets each open
    /// directory and the regular files in it.
    ///
    /// # Errors
    /// When something must not be copied, a limit is passed, or `visit` fails.
    pub fn walk(&self, mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>) -> Result<()> {
        Walk {
            visit: &mut visit,
            list: Self::entries,
            entries: 0,
            bytes: 0,
        }
        .enter(self, 0)
    }

    /// As [`Dir::walk`], but what must not be copied is given to `visit` among the files, with its [`Entry::fault`].
    ///
    /// # Errors
    /// When a limit is passed, or `visit` fails.
    pub fn walk_all(&self, mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>) -> Result<()> {
        Walk {
            visit: &mut visit,
            list: Self::list,
            entries: 0,
            bytes: 0,
        }
        .enter(self, 0)
    }
}

/// A walk under way, with what it has met so far.
struct Walk<'a> {
    list: fn(&Dir) -> Result<Vec<Entry>>,
    visit: &'a mut dyn FnMut(&Dir, &[Entry]) -> Result<()>,
    entries: usize,
    bytes: u64,
}

impl Walk<'_> {
    fn enter(&mut self, dir: &Dir, depth: usize) -> Result<()> {
        let here = dir.path.display();
        ensure!(
            depth <= MAX_DEPTH,
            "{here}: more than {MAX_DEPTH} directories inside each other"
        );
        let is_open = |entry: &Entry| entry.is_dir() && entry.fault.is_none();
        let (dirs, files): (Vec<_>, Vec<_>) = (self.list)(dir)?.into_iter().partition(is_open);
        self.entries += dirs.len() + files.len();
        ensure!(
            self.entries <= MAX_ENTRIES,
            "{here}: more than {MAX_ENTRIES} files, the most that are copied"
        );
        for file in &files {
            self.bytes = self.bytes.saturating_add(file.size());
            ensure!(
                self.bytes <= MAX_TOTAL,
                "{}: more than {MAX_TOTAL} bytes in all, the most that are copied",
                dir.relative(&file.name)
            );
            ensure!(
                dir.relative.len() + 1 + file.name.len() <= MAX_PATH,
                "{here}: holds a path of more than {MAX_PATH} bytes, which a peer may be unable to copy"
            );
        }
        (self.visit)(dir, &files)?;
        drop(files);
        for entry in dirs {
            self.enter(&dir.subdir(&entry.name)?, depth + 1)?;
        }
        Ok(())
    }
}
