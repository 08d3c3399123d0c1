//! `detect`: is this package ours?

use std::path::Path;

use anyhow::Result;

use super::Outcome;
use crate::dir::Dir;
use crate::metadata::Metadata;

/// The help text.
pub const HELP: &str = "\
Usage: detect CHAINCODE_SOURCE_DIR CHAINCODE_METADATA_DIR

Tells the peer whether this builder takes a chaincode package: it does when the
type in CHAINCODE_METADATA_DIR/metadata.json is ccaas or external, in any letter
case. Prints nothing, unless it cannot tell.

Exit status: 0 it does, 1 it does not, or cannot tell.

Example: detect \"$PWD/src\" \"$PWD/metadata\"
";

/// Runs the command.
///
/// # Errors
/// When metadata.json is missing, cannot be read or has no string `type`.
pub fn run(_source: &Path, metadata: &Path) -> Result<Outcome> {
    let (metadata, _) = Metadata::read(&Dir::open(metadata)?)?;
    Ok(if metadata.is_ours() {
        Outcome::Yes
    } else {
        Outcome::No
    })
}
