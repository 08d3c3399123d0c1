//! A file and its digest, as records list them.

use crate::files::Digest;

/// A file by its path below some directory and its content's digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The path, with `/` between its parts.
    pub path: String,
    /// The digest of the content.
    pub digest: Digest,
}
