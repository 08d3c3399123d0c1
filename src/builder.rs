//! What the programs `build` and `release` do to directories, for the peer and for `check`. Both
//! return the lines of the log: warnings, then what was made and what the peer will do with it.
//! [`recompute`] returns what they would make of a package file.

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
use crate::formats::connection::Connection;
use crate::layout::CONNECTION;
use crate::log::Warnings;

/// What a program did.
pub struct Done {
    /// The lines of the log.
    pub lines: Vec<String>,
}

impl Done {
    /// Says what was `made`, with a connection.json of this digest.
    fn new(warnings: &Warnings, made: &str, digest: Digest, connection: &Connection) -> Self {
        let dial = connection.dial();
        let made = format!("{made}, {CONNECTION} sha256:{digest}, the peer will {dial}");
        Self {
            lines: warnings.lines().chain([made]).collect(),
        }
    }
}
