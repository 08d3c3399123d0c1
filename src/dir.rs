//! Directories held open, and how files in them are opened, listed, copied and created.
//!
//! A package is hostile until it is checked, so nothing in here follows a symbolic link below a directory that a caller
//! named: names are looked up relative to an open directory handle (through `/proc/PROCESS/fd`, the way to openat(2) that safe
//! Rust has) without following links, and what was opened is compared with what was listed, once it is read.
//! Where `/proc` cannot be used names are looked up by path; SECURITY.md says what that leaves open.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;

use anyhow::{Context, Result, bail, ensure};

use crate::parallel;

mod entry;
mod file;
mod output;
mod walk;
mod write_behind;

pub use entry::{Entry, Fault};
pub use file::{Buffer, MAX_RECORD, MAX_SMALL};
pub use output::{Staging, Tree};
pub use walk::{Limits, MAX_PATH};

/// Flags of open(2), whose values differ between systems and processors (Linux: `asm/fcntl.h`). A wrong one would follow links
/// without a word, so other processors are refused until their values are known here.
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "arm")))]
mod flags {
    pub const NONBLOCK: i32 = 0o4_000;
    pub const DIRECTORY: i32 = 0o40_000;
    pub const NOFOLLOW: i32 = 0o100_000;
}
#[cfg(all(
    target_os = "linux",
    any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "riscv64",
        target_arch = "s390x"
    )
))]
mod flags {
    pub const NONBLOCK: i32 = 0o4_000;
    pub const DIRECTORY: i32 = 0o200_000;
    pub const NOFOLLOW: i32 = 0o400_000;
}
#[cfg(target_os = "macos")]
mod flags {
    pub const NONBLOCK: i32 = 0x4;
    pub const DIRECTORY: i32 = 0x10_0000;
    pub const NOFOLLOW: i32 = 0x100;
}

/// An open directory.
pub struct Dir {
    handle: File,
    /// A path that leads to what `handle` has open.
    itself: PathBuf,
    /// Where it was found: for messages, and for looking names up where `/proc` cannot be used.
    path: PathBuf,
    /// Its path below the directory that a caller named, which is `""` itself.
    relative: String,
    hard_links: bool,
    /// The mode that new files in here are known to get when they ask for it, or 0.
    kept_mode: AtomicU32,
}

impl Dir {
    fn new(handle: File, path: PathBuf, relative: String, hard_links: bool) -> Self {
        Self {
            itself: path_to(&handle, &path),
            handle,
            path,
            relative,
            hard_links,
            kept_mode: AtomicU32::new(0),
        }
    }

    /// Opens the directory at `path`, which a person or the peer chose: links that lead to it are followed.
    ///
    /// # Errors
    /// When it does not exist, is not a directory or may not be read.
    pub fn open(path: &Path) -> Result<Self> {
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(flags::DIRECTORY)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self::new(handle, path.to_owned(), String::new(), false))
    }

    /// Files in here may have further hard links: right for folders of the person who calls us, who may keep them in a Nix
    /// store or a backup that links equal files.
    #[must_use]
    pub fn with_hard_links(self) -> Self {
        Self {
            hard_links: true,
            ..self
        }
    }

    /// This directory, with paths below it counted from here.
    #[must_use]
    pub fn as_root(self) -> Self {
        Self {
            relative: String::new(),
            ..self
        }
    }

    /// The path of `name` below the directory that a caller named.
    #[must_use]
    pub fn relative(&self, name: &str) -> String {
        join(&self.relative, name)
    }

    /// This directory's path below the directory that a caller named.
    #[must_use]
    pub fn relative_self(&self) -> &str {
        &self.relative
    }

    /// The path of `name` in here, for messages.
    #[must_use]
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A path that leads to `name` in this very directory, whatever has happened to the path it was opened by; for as long as `self`
    /// is there.
    #[must_use]
    pub fn reach(&self, name: &str) -> PathBuf {
        self.itself.join(name)
    }

    /// Opens the directory `name`, which must not be a symbolic link.
    ///
    /// # Errors
    /// When there is no such directory or it may not be read.
    pub fn subdir(&self, name: &str) -> Result<Self> {
        let path = self.path_of(name);
        let handle = OpenOptions::new()
            .read(true)
            .custom_flags(flags::DIRECTORY | flags::NOFOLLOW)
            .open(self.reach(name))
            .with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self::new(
            handle,
            path,
            self.relative(name),
            self.hard_links,
        ))
    }

    /// Opens the directory at `path` below this one, without following a symbolic link on the way.
    ///
    /// # Errors
    /// When one of the directories does not exist or may not be read.
    pub fn descend(&self, path: &str) -> Result<Self> {
        let mut names = path.split('/').filter(|name| !name.is_empty());
        names.try_fold(self.again()?, |dir, name| dir.subdir(name))
    }

    /// A second handle of the same directory.
    fn again(&self) -> Result<Self> {
        let handle = self.handle.try_clone();
        let handle = handle.with_context(|| format!("cannot open {}", self.path.display()))?;
        let (path, relative) = (self.path.clone(), self.relative.clone());
        Ok(Self::new(handle, path, relative, self.hard_links))
    }

    /// The entry `name`, or `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be looked up, or must not be copied.
    pub fn find(&self, name: &str) -> Result<Option<Entry>> {
        match fs::symlink_metadata(self.reach(name)) {
            Ok(listed) => {
                let entry = Entry::new(name.into(), &listed, self.hard_links);
                self.sound(entry).map(Some)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read {}", self.path_of(name).display()))
            }
        }
    }

    /// The regular file `name`, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Dir::find`], and when it is a directory.
    pub fn find_file(&self, name: &str) -> Result<Option<Entry>> {
        let entry = self.find(name)?;
        if entry.as_ref().is_some_and(Entry::is_dir) {
            bail!(
                "{}: is a directory, a regular file is needed",
                self.relative(name)
            );
        }
        Ok(entry)
    }

    /// The directory `name`, opened, or `None` when there is none.
    ///
    /// # Errors
    /// As [`Dir::find`], and when it is not a directory.
    pub fn find_dir(&self, name: &str) -> Result<Option<Self>> {
        match self.find(name)? {
            Some(entry) if entry.is_dir() => self.subdir(name).map(Some),
            Some(_) => bail!("{}: is a file, a directory is needed", self.relative(name)),
            None => Ok(None),
        }
    }

    /// Everything in here, sorted bytewise by name, faults and all.
    ///
    /// # Errors
    /// When it cannot be listed or has more entries than a package may have.
    pub fn list(&self) -> Result<Vec<Entry>> {
        const MOST: usize = Limits::PACKAGE.entries;
        let cannot_list = || format!("cannot list {}", self.path.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(self.reach("")).with_context(cannot_list)? {
            ensure!(
                found.len() < MOST,
                "{}: holds more than {MOST} files and folders, the most that are copied",
                self.path.display()
            );
            found.push(entry.with_context(cannot_list)?);
        }
        let looked_up = parallel::map(&found, |entry, (): &mut ()| match entry.metadata() {
            Ok(listed) => Ok(Some(Entry::new(
                entry.file_name(),
                &listed,
                self.hard_links,
            ))),
            // Gone since: whoever needs it will miss it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(cannot_list),
        })?;
        let mut entries: Vec<Entry> = looked_up.into_iter().flatten().collect();
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Everything in here, sorted bytewise by name, all of it fit to be copied.
    ///
    /// # Errors
    /// As [`Dir::list`], and when an entry must not be copied.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        self.list()?
            .into_iter()
            .map(|entry| self.sound(entry))
            .collect()
    }

    fn sound(&self, entry: Entry) -> Result<Entry> {
        match entry.fault {
            Some(fault) => bail!("{}: {fault}", self.relative(&entry.name)),
            None => Ok(entry),
        }
    }

    /// Creates the directory `name` with `mode`, whatever the umask, and opens it.
    ///
    /// # Errors
    /// When it exists, or cannot be created: then nothing of it is left.
    pub fn create_dir(&self, name: &str, mode: u32) -> Result<Self> {
        let cannot_create = || format!("cannot create {}", self.path_of(name).display());
        DirBuilder::new()
            .mode(mode)
            .create(self.reach(name))
            .with_context(cannot_create)?;
        let open = || {
            let dir = match self.subdir(name) {
                // The umask has closed it to us, too.
                Err(error) if is_kind(&error, io::ErrorKind::PermissionDenied) => {
                    let mode = Permissions::from_mode(mode);
                    fs::set_permissions(self.reach(name), mode).with_context(cannot_create)?;
                    self.subdir(name)?
                }
                opened => opened?,
            };
            set_mode(&dir.handle, mode).with_context(cannot_create)?;
            Ok(dir)
        };
        open().inspect_err(|_| {
            // It is of no use to anybody, and in the way of the next run.
            let _ = fs::remove_dir(self.reach(name));
        })
    }
}

/// Whether the system's error underneath is of this kind.
#[must_use]
pub fn is_kind(error: &anyhow::Error, kind: io::ErrorKind) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == kind)
}

/// The path of `name` in `folder`, which is `""` for the directory that paths are counted from.
#[must_use]
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        [folder, "/", name].concat()
    }
}

/// A path that leads to the open directory `handle`, which was found at `path`.
fn path_to(handle: &File, path: &Path) -> PathBuf {
    // Where the link /proc/self leads: following it at each look-up costs as much as all the rest of such a path.
    static HANDLES: OnceLock<Option<PathBuf>> = OnceLock::new();
    let number = handle.as_raw_fd().to_string();
    let handles = HANDLES.get_or_init(|| {
        let process = fs::read_link("/proc/self").ok()?;
        let handles = Path::new("/proc").join(process).join("fd");
        // It may be closed to us, or covered by something else.
        fs::metadata(handles.join(&number))
            .is_ok()
            .then_some(handles)
    });
    match handles {
        Some(handles) => handles.join(number),
        None => path.to_owned(),
    }
}

/// Gives what was created with `mode` just that, where the umask or the directory around it has changed it; whether it had it
/// already. Looking first is cheaper than setting, which file systems write to their journals.
fn set_mode(created: &File, mode: u32) -> io::Result<bool> {
    let is_kept = created.metadata()?.mode() & 0o7777 == mode;
    if !is_kept {
        created.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(is_kept)
}
