//! A place for temporary files.

use std::env;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process;

use super::Dir;
use crate::error::{Cannot, Error, Result, failed};
use crate::layout::CLOSED;

/// A folder below `TMPDIR` that only its owner may enter, removed at the end.
pub struct Scratch(Dir);

impl Scratch {
    /// Creates it, for the command `word`.
    pub fn new(word: &str) -> Result<Self> {
        // An empty TMPDIR counts as unset, as it does in Go, and so for the peer.
        let parent = env::var_os("TMPDIR").filter(|path| !path.is_empty());
        let parent = PathBuf::from(parent.unwrap_or_else(|| "/tmp".into()));
        let found = parent.canonicalize().cannot("open", &parent);
        let unusable = |error| {
            let advice = "set it to a folder that you may write to";
            Error::Failed(format!("TMPDIR: {error}; {advice}"))
        };
        let opened = found.and_then(|path| Dir::open(&path));
        let parent = opened.map_err(unusable)?;
        let name = |attempt| format!("fabric-{word}-{}-{attempt}", process::id());
        for name in (0..100).map(name) {
            match parent.try_create_dir(&name, CLOSED) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    let created = created.cannot("create", &parent.path_of(&name));
                    return created.map(Self).map_err(unusable);
                }
            }
        }
        let (first, parent) = (name(0), parent.path().display());
        failed(format!(
            "cannot create {first} to -99 in {parent}: all exist"
        ))
    }

    /// Creates a directory in it, as the peer does.
    pub fn dir(&self, name: &str) -> Result<Dir> {
        self.0.create_dir(name, CLOSED).map(Dir::into_root)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0.remove(self.0.path());
    }
}
