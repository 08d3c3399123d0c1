//! What the programs `build` and `release` do to directories, for the peer and for `check`. Both
//! give the lines of the log: warnings, then what was made and what the peer will do with it.

mod build;
mod release;

pub use build::build;
pub use release::release;

use crate::files::Digest;
use crate::formats::connection::Connection;
use crate::layout::CONNECTION;
use crate::log::Warnings;

/// The lines of the log for what was `made`, with a connection.json of this digest.
fn lines(warnings: &Warnings, made: &str, digest: Digest, connection: &Connection) -> Vec<String> {
    let dial = connection.dial();
    let made = format!("{made}, {CONNECTION} sha256:{digest}, the peer will {dial}");
    warnings.lines().chain([made]).collect()
}
