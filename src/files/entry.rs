//! The entries of a directory.

use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::text::is_unsafe;

/// Something in a directory, as listed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name. If it is not UTF-8, it has replacement characters here, and the entry has a fault.
    pub name: String,
    /// Whether the name is UTF-8, so that it can be looked up again.
    pub is_utf8: bool,
    listed: Metadata,
    hard_links: bool,
}

impl Entry {
    /// The entry `name`, with what lstat(2) returned for it. Several hard links are a fault unless
    /// `hard_links` are allowed.
    pub fn new(name: OsString, listed: Metadata, hard_links: bool) -> Self {
        let (name, is_utf8) = match name.into_string() {
            Ok(name) => (name, true),
            Err(name) => (name.to_string_lossy().into_owned(), false),
        };
        Self {
            name,
            is_utf8,
            listed,
            hard_links,
        }
    }

    pub fn is_dir(&self) -> bool {
        self.listed.is_dir()
    }

    pub fn listed(&self) -> &Metadata {
        &self.listed
    }

    pub fn size(&self) -> u64 {
        self.listed.len()
    }

    /// Why it must not be copied.
    pub fn fault(&self) -> Option<String> {
        Some(if !self.is_utf8 {
            "its name is not UTF-8; rename it".to_owned()
        } else if let Some(fault) = fault_of_name(&self.name) {
            fault.to_owned()
        } else if self.has_hard_link() {
            "has another hard link; replace it with a copy".to_owned()
        } else if self.listed.is_file() || self.listed.is_dir() {
            return None;
        } else {
            let kind = self.kind();
            format!("is {kind}, but only regular files and directories are copied")
        })
    }

    fn has_hard_link(&self) -> bool {
        self.listed.is_file() && self.listed.nlink() > 1 && !self.hard_links
    }

    pub fn kind(&self) -> &'static str {
        let kind = self.listed.file_type();
        if self.has_hard_link() {
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

    /// Whether `now` is the same file with the same content, as far as the file system can tell.
    /// This relies on the change time, which programs cannot set.
    pub fn is_still(&self, now: &Metadata) -> bool {
        let state = |file: &Metadata| {
            let changed = (file.ctime(), file.ctime_nsec());
            (file.dev(), file.ino(), file.len(), changed)
        };
        state(&self.listed) == state(now)
    }
}

/// Why something with this name must not be copied.
pub fn fault_of_name(name: &str) -> Option<&'static str> {
    let is_unsafe = name.chars().any(is_unsafe);
    is_unsafe.then_some("its name contains a control or invisible character; rename it")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::SystemTime;

    use super::*;

    /// Whether a file is still the same one after `change`.
    fn is_still_after(change: impl Fn(&std::path::Path)) -> bool {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "abc").unwrap();
        let entry = Entry::new("a".into(), fs::symlink_metadata(&path).unwrap(), true);
        change(&path);
        entry.is_still(&fs::metadata(&path).unwrap())
    }

    #[test]
    fn a_file_is_still_the_same_only_when_nothing_has_touched_it() {
        assert!(is_still_after(|path| drop(fs::read(path))));
        let set_time = |path: &std::path::Path, time: SystemTime| {
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        // The size stays the same, and the modification time, which programs can set, is restored.
        assert!(!is_still_after(|path| {
            let before = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, "xyz").unwrap();
            set_time(path, before);
        }));
        assert!(!is_still_after(|path| fs::write(path, "abcd").unwrap()));
        assert!(!is_still_after(|path| {
            let other = path.with_file_name("b");
            fs::write(&other, "abc").unwrap();
            fs::rename(other, path).unwrap();
        }));
    }

    /// Two files made one right after the other often have the same change time.
    #[test]
    fn another_file_of_the_same_size_and_time_is_not_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| dir.path().join(name));
        let (a, b) = (0..10_000)
            .find_map(|_| {
                fs::write(&a, "abc").unwrap();
                fs::write(&b, "abc").unwrap();
                let [a, b] = [&a, &b].map(|path| fs::metadata(path).unwrap());
                let time = |file: &Metadata| (file.ctime(), file.ctime_nsec());
                (time(&a) == time(&b)).then_some((a, b))
            })
            .unwrap();
        assert!(!Entry::new("a".into(), a, true).is_still(&b));
    }
}
