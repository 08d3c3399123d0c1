//! A file and its digest, as records list them.

use crate::error::Result;
use crate::files::{Digest, Dir, sort_by_path};
use crate::layout::BUILD_LIMITS;

/// A file by its path below some directory and its content's digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The path, with `/` between its parts.
    pub path: String,
    /// The digest of the content.
    pub digest: Digest,
}

impl Artifact {
    /// The file at `path` with this digest.
    pub fn new(path: impl Into<String>, digest: Digest) -> Self {
        let path = path.into();
        Self { path, digest }
    }
}

/// The files in and below `dir`, sorted.
pub fn list(dir: &Dir) -> Result<Vec<Artifact>> {
    let mut files = Vec::new();
    dir.walk(BUILD_LIMITS, |dir, found| {
        for file in found {
            files.push(Artifact::new(dir.relative(&file.name), dir.digest(file)?));
        }
        Ok(())
    })?;
    sort_by_path(&mut files, |file: &Artifact| &file.path);
    Ok(files)
}
