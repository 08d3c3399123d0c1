//! What the programs `build` and `release` do to directories, for the peer and for `check`.

mod build;
mod release;

pub use build::build;
pub use release::release;

use crate::files::Digest;
use crate::formats::connection::Connection;
use crate::layout::CONNECTION;
use crate::log::Warnings;

/// What a program did.
#[derive(Debug)]
pub struct Done {
    /// What the author of the package, or the operator of the peer, should know.
    pub warnings: Warnings,
    /// The line of the log that says what was made, and what the peer will do with it.
    pub line: String,
}

impl Done {
    /// Of a package with this label, of which `artifacts` were made and the connection.json with
    /// this digest.
    fn new(
        warnings: Warnings,
        label: &str,
        artifacts: &str,
        digest: Digest,
        connection: &Connection,
    ) -> Self {
        let dial = connection.dial();
        let line =
            format!("{label}: {artifacts}, {CONNECTION} sha256:{digest}, the peer will {dial}");
        Self { warnings, line }
    }
}
