//! Directories held open. Their methods for files are in `file.rs`, those that walk in `walk.rs`,
//! and the removal of what is unfinished in `staging.rs`.
//!
//! Names are looked up relative to an open handle, without following links. Rust's standard library
//! has no openat(2), so this goes through `/proc/self/fd`. After a file is read, it is compared with
//! its entry in the listing. Without a usable `/proc`, names are looked up by path; SECURITY.md
//! describes the remaining risk.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::Entry;
use super::sort::sort_by_path;
use crate::error::{Cannot, Result, refused};
use crate::layout::{OPEN, TREE_LIMITS};

/// Flags of open(2), which differ between processors (Linux: `asm/fcntl.h`). A wrong value would
/// silently follow links, so the code does not compile for a processor whose values are not here.
#[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
pub(super) mod flags {
    pub const NONBLOCK: i32 = 0o4_000;
    pub const DIRECTORY: i32 = 0o40_000;
    pub const NOFOLLOW: i32 = 0o100_000;
}
#[cfg(any(
    target_arch = "x86_64",
    target_arch = "x86",
    target_arch = "riscv64",
    target_arch = "s390x"
))]
pub(super) mod flags {
    pub const NONBLOCK: i32 = 0o4_000;
    pub const DIRECTORY: i32 = 0o200_000;
    pub const NOFOLLOW: i32 = 0o400_000;
}

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    pub(super) handle: File,
    /// A path to the directory that `handle` has open.
    by_handle: PathBuf,
    /// Where it was found, for messages and for look-ups when `/proc` cannot be used.
    path: PathBuf,
    /// Its path below the directory that a caller named; `""` for that directory itself.
    relative: String,
    hard_links: bool,
}

impl Dir {
    fn new(handle: File, path: PathBuf, relative: String, hard_links: bool) -> Self {
        let by_handle = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
        // It may be inaccessible, or hidden by another mount.
        let is_usable = fs::metadata(&by_handle).is_ok();
        Self {
            by_handle: if is_usable { by_handle } else { path.clone() },
            handle,
            path,
            relative,
            hard_links,
        }
    }

    /// Opens the directory at `path`, which a user or the peer chose: links to it are followed.
    pub fn open(path: &Path) -> Result<Self> {
        let handle = open_dir(path, flags::DIRECTORY).cannot("open", path)?;
        Ok(Self::new(handle, path.to_owned(), String::new(), false))
    }

    /// Allows files with several hard links. This is right for a user's own folders, which may be
    /// in a Nix store, or in a backup that links identical files.
    pub(crate) fn with_hard_links(mut self) -> Self {
        self.hard_links = true;
        self
    }

    /// Makes this directory the root that relative paths start from.
    pub(crate) fn into_root(self) -> Self {
        self.shown_at("")
    }

    /// Makes relative paths start with `relative`, wherever the directory really is.
    pub(crate) fn shown_at(mut self, relative: &str) -> Self {
        relative.clone_into(&mut self.relative);
        self
    }

    /// The path of this directory below the one that a caller named; `""` for that one.
    pub(crate) fn own_path(&self) -> &str {
        &self.relative
    }

    /// The path of `name` in this directory, below the one that a caller named.
    pub(crate) fn relative(&self, name: &str) -> String {
        join(&self.relative, name)
    }

    pub(super) fn stat(&self) -> Result<fs::Metadata> {
        self.handle.metadata().cannot("read", &self.path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in this directory, for messages. To open it, use [`reach`](Self::reach),
    /// unless a user's own folder is meant, where links are followed.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A path to `name` in this directory. It stays valid as long as `self` lives, even if the path
    /// that was opened leads elsewhere by now.
    pub(crate) fn reach(&self, name: &str) -> PathBuf {
        self.by_handle.join(name)
    }

    /// Waits until no other process has locked this directory, and locks it until it is dropped.
    /// Not every file system has locks, and a missing lock is not worth failing for; returns whether
    /// it is locked.
    pub(crate) fn lock(&self) -> bool {
        self.handle.lock().is_ok()
    }

    /// Opens the directory `name`, which must not be a symbolic link.
    pub(crate) fn subdir(&self, name: &str) -> Result<Self> {
        self.open_subdir(name).cannot("open", &self.path_of(name))
    }

    fn open_subdir(&self, name: &str) -> io::Result<Self> {
        let handle = open_dir(&self.reach(name), flags::DIRECTORY | flags::NOFOLLOW)?;
        let (path, relative) = (self.path_of(name), self.relative(name));
        Ok(Self::new(handle, path, relative, self.hard_links))
    }

    /// Opens the directory at `path` below this one, without following any link.
    pub(crate) fn descend(&self, path: &str) -> Result<Self> {
        let handle = self.handle.try_clone().cannot("open", &self.path)?;
        let (here, relative) = (self.path.clone(), self.relative.clone());
        let here = Self::new(handle, here, relative, self.hard_links);
        names(path).try_fold(here, |dir, name| dir.subdir(name))
    }

    /// The entry `name`, even if it has a fault, or `None` if there is none.
    pub(crate) fn look_up(&self, name: &str) -> Result<Option<Entry>> {
        match fs::symlink_metadata(self.reach(name)) {
            Ok(listed) => Ok(Some(Entry::new(name.into(), listed, self.hard_links))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).cannot("read", &self.path_of(name)),
        }
    }

    /// The regular file `name`, or `None` if there is none.
    pub(crate) fn find_file(&self, name: &str) -> Result<Option<Entry>> {
        self.find(name, false, "is a directory, not a regular file")
    }

    /// The directory `name`, opened, or `None` if there is none.
    pub(crate) fn find_dir(&self, name: &str) -> Result<Option<Self>> {
        let found = self.find(name, true, "is a file, not a directory")?;
        found.map(|_| self.subdir(name)).transpose()
    }

    fn find(&self, name: &str, is_dir: bool, fault: &str) -> Result<Option<Entry>> {
        let found = self.look_up(name)?;
        if let Some(entry) = &found {
            self.check(entry)?;
            if entry.is_dir() != is_dir {
                return refused(format!("{}: {fault}", self.relative(name)));
            }
        }
        Ok(found)
    }

    /// Every entry, even those with faults, sorted bytewise by name.
    pub(crate) fn list(&self) -> Result<Vec<Entry>> {
        const MOST: usize = TREE_LIMITS.entries;
        let mut entries = Vec::new();
        let listed = fs::read_dir(self.reach("")).cannot("list", &self.path)?;
        for entry in listed {
            let entry = entry.cannot("list", &self.path)?;
            if entries.len() == MOST {
                return refused(format!(
                    "{}: contains more than {MOST} files and folders, the most that are copied",
                    self.path.display()
                ));
            }
            match entry.metadata() {
                Ok(listed) => {
                    entries.push(Entry::new(entry.file_name(), listed, self.hard_links));
                }
                // It has disappeared; if it is needed, that will be noticed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).cannot("list", &self.path),
            }
        }
        sort_by_path(&mut entries, |entry| &entry.name);
        Ok(entries)
    }

    /// Refuses `entry` of this directory when it must not be copied.
    pub(crate) fn check(&self, entry: &Entry) -> Result<()> {
        match entry.fault() {
            Some(fault) => refused(format!("{}: {fault}", self.relative(&entry.name))),
            None => Ok(()),
        }
    }

    /// Creates the directory `name` with exactly `mode`, regardless of the umask, and opens it.
    pub(crate) fn create_dir(&self, name: &str, mode: u32) -> Result<Self> {
        self.try_create_dir(name, mode)
            .cannot("create", &self.path_of(name))
    }

    /// Opens the directory `name`, or creates it with `mode`; returns whether it was created.
    pub(crate) fn make_dir(&self, name: &str, mode: u32) -> Result<(Self, bool)> {
        match self.try_create_dir(name, mode) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok((self.subdir(name)?, false))
            }
            created => Ok((created.cannot("create", &self.path_of(name))?, true)),
        }
    }

    /// Opens the directory at `path` below this one. Missing parts of it are created with mode
    /// 0755.
    pub(crate) fn make_dirs(&self, path: &str) -> Result<Self> {
        let make = |dir: Self, name| Ok(dir.make_dir(name, OPEN)?.0);
        names(path).try_fold(self.descend("")?, make)
    }

    /// Like [`Dir::create_dir`], but returns the system's own error.
    pub(crate) fn try_create_dir(&self, name: &str, mode: u32) -> io::Result<Self> {
        DirBuilder::new().mode(mode).create(self.reach(name))?;
        let open = || {
            let dir = match self.open_subdir(name) {
                // The umask denies even us access.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    fs::set_permissions(self.reach(name), Permissions::from_mode(mode))?;
                    self.open_subdir(name)?
                }
                opened => opened?,
            };
            dir.handle.set_permissions(Permissions::from_mode(mode))?;
            Ok(dir)
        };
        open().inspect_err(|_: &io::Error| {
            // It is of no use, and would block the next run.
            let _ = fs::remove_dir(self.reach(name));
        })
    }
}

fn open_dir(path: &Path, flags: i32) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// The path of `name` in `folder`; either may be `""`.
pub fn join(folder: &str, name: &str) -> String {
    match (folder, name) {
        ("", path) | (path, "") => path.to_owned(),
        _ => [folder, "/", name].concat(),
    }
}

pub fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}
