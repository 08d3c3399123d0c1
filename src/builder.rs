//! What `build`, `release` and `rebuild` do to directories. [`recompute`] gives what they would
//! produce from a package file, [`review()`] everything that is wrong with a package.

mod build;
mod rebuild;
pub mod recompute;
mod release;
mod review;

pub use build::build;
pub use rebuild::{Rebuild, Rebuilt};
pub use release::release;
pub use review::{Review, review};

use crate::files::Digest;
use crate::findings::Warnings;
use crate::formats::connection::Connection;
use crate::layout::CONNECTION;

/// What a program did.
pub struct Done {
    /// What the package's author should know.
    pub warnings: Warnings,
    /// What was made, and what the peer will do with it.
    made: String,
}

impl Done {
    /// Says what was `made`, with a connection.json that has this digest.
    fn new(warnings: Warnings, made: &str, digest: Digest, connection: &Connection) -> Self {
        let dial = connection.dial_description();
        let made = format!("{made}, {CONNECTION} sha256:{digest}, the peer will {dial}");
        Self { warnings, made }
    }

    /// The lines of the log.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.warnings.lines().chain([self.made.clone()])
    }
}
