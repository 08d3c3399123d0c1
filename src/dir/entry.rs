//! What is found in a directory.

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::log::is_unsafe;

/// Something in a directory, as it was listed.
#[derive(Clone)]
pub struct Entry {
    /// The name; where it is not UTF-8, with replacement characters, and then [`Entry::fault`] says so.
    pub name: String,
    kind: Kind,
    state: State,
    /// Why this entry must not be copied.
    pub fault: Option<Fault>,
}

/// What the mode of a file says that it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Dir,
    /// Anything else, in words.
    Special(&'static str),
}

impl Kind {
    fn of(listed: &Metadata) -> Self {
        let kind = listed.file_type();
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Dir
        } else if kind.is_symlink() {
            Self::Special("a symbolic link")
        } else if kind.is_fifo() {
            Self::Special("a FIFO")
        } else if kind.is_socket() {
            Self::Special("a socket")
        } else {
            Self::Special("a device")
        }
    }
}

/// Which file it is, and what its file system says about its content: with the same state it has the same content. Much smaller
/// than [`Metadata`], as there is one for each file of a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
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
    /// The entry `name`, of which lstat(2) says `listed`. Unless `hard_links` are allowed, further ones are a fault.
    pub(super) fn new(name: OsString, listed: &Metadata, hard_links: bool) -> Self {
        let kind = Kind::of(listed);
        let (name, is_utf8) = match name.into_string() {
            Ok(name) => (name, true),
            Err(name) => (name.to_string_lossy().into_owned(), false),
        };
        let fault = match kind {
            _ if !is_utf8 => Some(Fault::NotUtf8),
            _ if name.chars().any(is_unsafe) => Some(Fault::ControlCharacter),
            Kind::File if listed.nlink() > 1 && !hard_links => Some(Fault::HardLink),
            Kind::File | Kind::Dir => None,
            Kind::Special(kind) => Some(Fault::Special(kind)),
        };
        Self {
            name,
            kind,
            state: State::of(listed),
            fault,
        }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.kind == Kind::Dir
    }

    /// What it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.kind {
            Kind::File if self.fault == Some(Fault::HardLink) => "a file with another hard link",
            Kind::File => "a regular file",
            Kind::Dir => "a directory",
            Kind::Special(kind) => kind,
        }
    }

    /// The file's length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.state.size
    }

    /// Whether `now` is the same file with the same content, as far as the file system's own records tell.
    pub(super) fn is_still(&self, now: &Metadata) -> bool {
        self.state == State::of(now)
    }
}
