//! Directories held open, and the only place that opens, lists, copies or creates files in them.
//!
//! A package is hostile until it is checked, so nothing in here follows a symbolic link below a directory that a caller
//! named: names are looked up relative to an open directory handle (through `/proc/self/fd`, the way to openat(2) that safe
//! Rust has) without following links, and what was opened is compared with what was listed, before and after it is read.
//! Where `/proc` is not mounted names are looked up by path; SECURITY.md says what that leaves open.

use std::cmp::min;
use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

use crate::digest::{Digest, Hasher};
use crate::log::is_unsafe;
use crate::parallel;

mod output;
mod walk;
mod write_behind;

pub use output::{Staging, Tree};
pub use walk::{MAX_DEPTH, MAX_PATH, MAX_TOTAL};
use write_behind::WriteBehind;

/// The most entries that one tree may have.
pub const MAX_ENTRIES: usize = 200_000;

/// The largest file that is read into memory (metadata.json, connection.json, an index definition), in bytes.
pub const MAX_SMALL: u64 = 1 << 20;

/// The largest record file that is read, in bytes: that of more files than any real package has.
pub const MAX_RECORD: u64 = 256 << 20;

/// The most bytes of a file that are in memory at once when it is copied or hashed.
const PIECE: u64 = 128 << 10;

/// Files of at least so many bytes are written by a thread of their own.
const WORTH_A_THREAD: u64 = 1 << 20;

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
    /// Where it was found: for messages, and for looking names up where `/proc` is not mounted.
    path: PathBuf,
    /// Its path below the directory that a caller named, which is `""` itself.
    relative: String,
    hard_links: bool,
}

/// Something in a directory, as it was listed.
#[derive(Clone)]
pub struct Entry {
    /// The name; where it is not UTF-8, with replacement characters, and then [`Entry::fault`] says so.
    pub name: String,
    listed: Metadata,
    /// Why this entry must not be copied.
    pub fault: Option<Fault>,
}

/// Why an entry must not be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its name is not UTF-8.
    NotUtf8,
    /// Its name holds a control character, or one that hides or reorders text.
    ControlCharacter,
    /// It is a regular file with another name somewhere.
    HardLink,
    /// It is neither a regular file nor a directory, but this.
    Special(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("its name is not UTF-8, rename it"),
            Self::ControlCharacter => {
                f.write_str("its name holds a control or invisible character, rename it")
            }
            Self::HardLink => f.write_str("has another hard link, copy the file instead"),
            Self::Special(kind) => {
                write!(
                    f,
                    "is {kind}, only regular files and directories are copied"
                )
            }
        }
    }
}

impl Entry {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.listed.is_dir()
    }

    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.listed.is_file()
    }

    /// What it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let kind = self.listed.file_type();
        if self.fault == Some(Fault::HardLink) {
            "a file with another hard link"
        } else if kind.is_file() {
            "a regular file"
        } else if kind.is_dir() {
            "a directory"
        } else if kind.is_symlink() {
            "a symbolic link"
        } else if kind.is_fifo() {
            "a FIFO"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        }
    }

    /// The file's length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.listed.len()
    }

    /// Whether `now` is the same file with the same content, as far as the file system's own records tell.
    fn is_still(&self, now: &Metadata) -> bool {
        let identity = |file: &Metadata| {
            let changed = (file.ctime(), file.ctime_nsec());
            (
                file.dev(),
                file.ino(),
                file.len(),
                file.mtime(),
                file.mtime_nsec(),
                changed,
            )
        };
        identity(&self.listed) == identity(now)
    }
}

impl Dir {
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
        Ok(Self {
            handle,
            path: path.to_owned(),
            relative: String::new(),
            hard_links: false,
        })
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
        if self.relative.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.relative)
        }
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

    /// A path that leads to `name` in this very directory, whatever has happened to the path it was opened by.
    fn reach(&self, name: &str) -> PathBuf {
        static PROC: OnceLock<bool> = OnceLock::new();
        if *PROC.get_or_init(|| fs::metadata("/proc/self/fd").is_ok()) {
            PathBuf::from(format!("/proc/self/fd/{}/{name}", self.handle.as_raw_fd()))
        } else {
            self.path_of(name)
        }
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
        Ok(Self {
            handle,
            path,
            relative: self.relative(name),
            hard_links: self.hard_links,
        })
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
        Ok(Self {
            handle: handle.with_context(|| format!("cannot open {}", self.path.display()))?,
            path: self.path.clone(),
            relative: self.relative.clone(),
            hard_links: self.hard_links,
        })
    }

    /// The entry `name`, or `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be looked up, or must not be copied.
    pub fn find(&self, name: &str) -> Result<Option<Entry>> {
        match fs::symlink_metadata(self.reach(name)) {
            Ok(listed) => self.sound(self.entry(name.to_owned(), listed)).map(Some),
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
    /// When it cannot be listed or has more than [`MAX_ENTRIES`] entries.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let cannot_list = || format!("cannot list {}", self.path.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(self.reach("")).with_context(cannot_list)? {
            ensure!(
                found.len() < MAX_ENTRIES,
                "{}: holds more than {MAX_ENTRIES} files, the most that are copied",
                self.path.display()
            );
            found.push(entry.with_context(cannot_list)?);
        }
        let looked_up = parallel::map(&found, |entry, (): &mut ()| match entry.metadata() {
            // Gone since: whoever needs it will miss it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            listed => listed.map(Some).with_context(cannot_list),
        })?;
        let mut entries: Vec<Entry> = found
            .into_iter()
            .zip(looked_up)
            .filter_map(|(entry, listed)| Some((entry.file_name(), listed?)))
            .map(|(name, listed)| match name.into_string() {
                Ok(name) => self.entry(name, listed),
                Err(name) => Entry {
                    name: name.to_string_lossy().into_owned(),
                    listed,
                    fault: Some(Fault::NotUtf8),
                },
            })
            .collect();
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

    fn entry(&self, name: String, listed: Metadata) -> Entry {
        let mut entry = Entry {
            name,
            listed,
            fault: None,
        };
        if entry.name.chars().any(is_unsafe) {
            entry.fault = Some(Fault::ControlCharacter);
        } else if entry.is_file() && entry.listed.nlink() > 1 && !self.hard_links {
            entry.fault = Some(Fault::HardLink);
        } else if !entry.is_file() && !entry.is_dir() {
            entry.fault = Some(Fault::Special(entry.kind()));
        }
        entry
    }

    fn sound(&self, entry: Entry) -> Result<Entry> {
        match entry.fault {
            Some(fault) => bail!("{}: {fault}", self.relative(&entry.name)),
            None => Ok(entry),
        }
    }

    /// Reads the file `name`, which must be there and have at most [`MAX_SMALL`] bytes.
    ///
    /// # Errors
    /// When it is missing, or as [`Dir::read_small`].
    pub fn read_needed(&self, name: &str) -> Result<Vec<u8>> {
        match self.find_file(name)? {
            Some(entry) => self.read_small(&entry),
            None => bail!("{} not found", self.relative(name)),
        }
    }

    /// Reads a file of at most [`MAX_SMALL`] bytes.
    ///
    /// # Errors
    /// When it is larger, cannot be read, or changes meanwhile.
    pub fn read_small(&self, entry: &Entry) -> Result<Vec<u8>> {
        self.read_whole(entry, MAX_SMALL)
    }

    /// Reads one of the two files of a record, whose size grows with the number of files.
    ///
    /// # Errors
    /// As [`Dir::read_small`], with a limit of [`MAX_RECORD`] bytes.
    pub fn read_record(&self, entry: &Entry) -> Result<Vec<u8>> {
        self.read_whole(entry, MAX_RECORD)
    }

    fn read_whole(&self, entry: &Entry, limit: u64) -> Result<Vec<u8>> {
        let (name, size) = (self.relative(&entry.name), entry.size());
        ensure!(
            size <= limit,
            "{name}: has {size} bytes, more than the {limit} allowed"
        );
        let mut content = Vec::new();
        self.pieces(entry, &mut Buffer::default(), |piece| {
            content.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(content)
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    /// When it cannot be read, or changes meanwhile.
    pub fn digest(&self, entry: &Entry, buffer: &mut Buffer) -> Result<Digest> {
        let mut hasher = Hasher::new();
        self.pieces(entry, buffer, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        Ok(hasher.finish())
    }

    /// Copies a file to a new one of the same name in `target`, mode 0644, and gives the digest of what was copied.
    ///
    /// # Errors
    /// When it cannot be read or written, exists in `target`, or changes meanwhile.
    pub fn copy(&self, entry: &Entry, target: &Self, buffer: &mut Buffer) -> Result<Digest> {
        let cannot_write = || format!("cannot write {}", target.path_of(&entry.name).display());
        let mut copy = target.create(&entry.name, 0o644)?;
        let mut hasher = Hasher::new();
        thread::scope(|scope| {
            let behind = if entry.size() < WORTH_A_THREAD {
                None
            } else {
                // Where the system has no thread to give, this one does both.
                let second = copy.try_clone();
                second
                    .and_then(|second| WriteBehind::start(scope, second))
                    .ok()
            };
            let read = self.pieces(entry, buffer, |piece| {
                match &behind {
                    Some(behind) => behind.write(piece),
                    None => copy.write_all(piece),
                }
                .with_context(cannot_write)?;
                hasher.update(piece);
                Ok(())
            });
            if let Some(behind) = behind {
                // What stopped the writing comes first: it may have stopped the reading.
                behind.finish().with_context(cannot_write)?;
            }
            read
        })?;
        Ok(hasher.finish())
    }

    /// Gives a file's content to `take`, piece by piece.
    ///
    /// # Errors
    /// When it cannot be read, changes meanwhile or has changed since it was listed, or `take` fails.
    pub fn pieces(
        &self,
        entry: &Entry,
        buffer: &mut Buffer,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let cannot_read = || format!("cannot read {}", self.path_of(&entry.name).display());
        let unchanged = |file: &File| -> Result<()> {
            if entry.is_still(&file.metadata().with_context(cannot_read)?) {
                return Ok(());
            }
            // An error of the system, as it says nothing about the content: another look may succeed.
            Err(io::Error::other("changed while it was read"))
                .with_context(|| self.relative(&entry.name))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(flags::NOFOLLOW | flags::NONBLOCK)
            .open(self.reach(&entry.name))
            .with_context(cannot_read)?;
        unchanged(&file)?;
        let mut left = entry.size();
        while left > 0 {
            let piece = buffer.room(left);
            match file.read(piece) {
                Ok(0) => break,
                Ok(count) => {
                    take(piece.get(..count).unwrap_or_default())?;
                    left = left.saturating_sub(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error).with_context(cannot_read),
            }
        }
        unchanged(&file)
    }

    /// Creates the file `name` with `content` and `mode`, whatever the umask.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn write(&self, name: &str, mode: u32, content: &[u8]) -> Result<()> {
        self.create(name, mode)?
            .write_all(content)
            .with_context(|| format!("cannot write {}", self.path_of(name).display()))
    }

    /// Creates the file `name` with `mode`, whatever the umask.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    pub fn create(&self, name: &str, mode: u32) -> Result<File> {
        let create = || {
            let file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode)
                .open(self.reach(name))?;
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok::<_, io::Error>(file)
        };
        create().with_context(|| format!("cannot create {}", self.path_of(name).display()))
    }

    /// Creates the directory `name` with `mode`, whatever the umask, and opens it.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    pub fn create_dir(&self, name: &str, mode: u32) -> Result<Self> {
        let path = self.reach(name);
        DirBuilder::new()
            .mode(mode)
            .create(&path)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(mode)))
            .with_context(|| format!("cannot create {}", self.path_of(name).display()))?;
        self.subdir(name)
    }
}

/// Memory for pieces of files, used again and again. It is no larger than the largest file needs.
#[derive(Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Room for the next piece of a file of which `left` bytes are left.
    fn room(&mut self, left: u64) -> &mut [u8] {
        let size = usize::try_from(min(left, PIECE)).unwrap_or_default();
        if self.0.len() < size {
            self.0.resize(size, 0);
        }
        self.0.get_mut(..size).unwrap_or_default()
    }
}
