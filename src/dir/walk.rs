//! Walks through a tree of directories, within limits that no real package meets.

use anyhow::{Result, ensure};

use super::{Dir, Entry};

/// The longest path below the directory that a caller named, in bytes: the peer puts its own folders in front of it, and
/// Linux allows 4096 in all.
pub const MAX_PATH: usize = 2048;

/// The most that a tree may have.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Directories inside each other.
    pub depth: usize,
    /// Files and directories.
    pub entries: usize,
    /// The bytes of all files.
    pub bytes: u64,
    /// The bytes of all paths below the directory that a caller named: a record holds each of them four times.
    pub path_bytes: usize,
}

impl Limits {
    /// What a package may have below its META-INF.
    pub const PACKAGE: Self = Self {
        depth: 64,
        entries: 200_000,
        bytes: 4 << 30,
        path_bytes: 16 << 20,
    };

    /// What a build may have of such a package, with the peer's and the record's files.
    pub const BUILD: Self = Self {
        depth: Self::PACKAGE.depth + 8,
        entries: Self::PACKAGE.entries + 1000,
        bytes: Self::PACKAGE.bytes + (1 << 30),
        path_bytes: Self::PACKAGE.path_bytes + (1 << 20),
    };
}

impl Dir {
    /// Visits this directory and every one below it, parents first and in bytewise order of names: `visit` gets each open
    /// directory and the regular files in it.
    ///
    /// # Errors
    /// When something must not be copied, a limit is passed, or `visit` fails.
    pub fn walk(
        &self,
        limits: Limits,
        mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>,
    ) -> Result<()> {
        Walk::new(Self::entries, limits, &mut visit).enter(self, 0)
    }

    /// As [`Dir::walk`] of a build, but what must not be copied is given to `visit` among the files, with its [`Entry::fault`].
    ///
    /// # Errors
    /// When a limit is passed, or `visit` fails.
    pub fn walk_all(&self, mut visit: impl FnMut(&Self, &[Entry]) -> Result<()>) -> Result<()> {
        Walk::new(Self::list, Limits::BUILD, &mut visit).enter(self, 0)
    }
}

type Visit<'a> = &'a mut dyn FnMut(&Dir, &[Entry]) -> Result<()>;

/// A walk under way, with what it has met so far.
struct Walk<'a> {
    list: fn(&Dir) -> Result<Vec<Entry>>,
    visit: Visit<'a>,
    limits: Limits,
    entries: usize,
    bytes: u64,
    path_bytes: usize,
}

impl<'a> Walk<'a> {
    fn new(list: fn(&Dir) -> Result<Vec<Entry>>, limits: Limits, visit: Visit<'a>) -> Self {
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
        let Limits {
            depth: max_depth,
            entries: max_entries,
            bytes: max_bytes,
            path_bytes: max_path_bytes,
        } = self.limits;
        let here = dir.path.display();
        ensure!(
            depth <= max_depth,
            "{here}: more than {max_depth} directories inside each other"
        );
        let is_entered = |entry: &Entry| entry.is_dir() && entry.fault.is_none();
        let (dirs, files): (Vec<_>, Vec<_>) = (self.list)(dir)?.into_iter().partition(is_entered);
        self.entries += dirs.len() + files.len();
        ensure!(
            self.entries <= max_entries,
            "{here}: more than {max_entries} files and folders in all, the most that are copied"
        );
        for entry in dirs.iter().chain(&files) {
            let path = dir.relative.len() + 1 + entry.name.len();
            ensure!(
                path <= MAX_PATH,
                "{here}: holds a path of more than {MAX_PATH} bytes, which a peer may be unable to copy"
            );
            self.path_bytes += path;
        }
        ensure!(
            self.path_bytes <= max_path_bytes,
            "{here}: the paths have more than {max_path_bytes} bytes in all, the most that are recorded"
        );
        for file in &files {
            self.bytes = self.bytes.saturating_add(file.size());
            ensure!(
                self.bytes <= max_bytes,
                "{}: more than {max_bytes} bytes in all, the most that are copied",
                dir.relative(&file.name)
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
