//! `build`: checks a package, and makes the build output with its record.

use std::mem;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::Outcome;
use crate::connection::{self, Draft};
use crate::digest::Digest;
use crate::dir::{Buffer, Dir, Entry, MAX_SMALL, Staging, Tree};
use crate::index::Role;
use crate::log::Warnings;
use crate::metadata::{self, Metadata};
use crate::record::{self, Artifact};
use crate::template::Config;
use crate::{dir, log, meta_inf, parallel};

/// The help text.
pub const HELP: &str = "\
Usage: build CHAINCODE_SOURCE_DIR CHAINCODE_METADATA_DIR BUILD_OUTPUT_DIR

Checks a chaincode package for everything the peer would trip over later, fills
in the templates of connection.json, and copies into the empty BUILD_OUTPUT_DIR:
metadata.json, connection.json, META-INF, and a record of all of it (SHA256SUMS
and build.intoto.json). Templates get their values from the JSON object in the
environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG.

Exit status: 0 built, 1 refused or not possible; one line says why, and nothing
is written.

Example: build \"$PWD/src\" \"$PWD/metadata\" \"$PWD/bld\"
";

/// Runs the command.
///
/// # Errors
/// When the package is refused, or something cannot be read or written.
pub fn run(source: &Path, metadata: &Path, output: &Path) -> Result<Outcome> {
    let (metadata, metadata_content) = Metadata::read(&Dir::open(metadata)?)?;
    metadata.must_be_ours()?;
    let config = Config::from_env()?;
    let source = Dir::open(source)?;
    let (mut draft, connection_content) = Draft::read(&source)?;
    let mut warnings = mem::take(&mut draft.warnings);
    let connection = draft.resolve(&config).context(connection::FILE)?;
    let connection_written = connection.to_json()?;
    ensure!(
        connection_written.len() as u64 <= MAX_SMALL,
        "{}: is more than {MAX_SMALL} bytes, filled in",
        connection::FILE
    );
    let tree = meta_inf::find(&source)?;

    let output = Dir::open(output)?;
    let staging = Staging::new(&output)?;
    let out = &staging.dir;
    let has_tree = tree.is_some();
    let mut copied = Vec::new();
    if let Some(tree) = &tree {
        copied = copy_meta_inf(tree, out, &mut warnings)?;
    }
    out.write(metadata::FILE, 0o644, &metadata_content)?;
    out.write(connection::FILE, 0o600, &connection_written)?;
    let build = record::Build {
        metadata: Digest::of(&metadata_content),
        connection_read: Digest::of(&connection_content),
        connection_written: Digest::of(&connection_written),
        meta_inf_source: if tree.is_some_and(|tree| tree.relative_self() == meta_inf::ALTERNATIVE) {
            meta_inf::ALTERNATIVE
        } else {
            meta_inf::FOLDER
        },
        meta_inf: copied,
    };
    build.write(out)?;
    let files = [
        metadata::FILE,
        record::STATEMENT,
        record::SUMS,
        connection::FILE,
    ];
    // Last comes what the peer looks for.
    let tree = has_tree.then_some(meta_inf::FOLDER);
    staging.commit(&tree.into_iter().chain(files).collect::<Vec<_>>())?;

    warnings.write("build");
    log::success(
        "build",
        metadata.label_shown(),
        build.artifacts(),
        &build.connection_written,
        &connection.dial(),
    );
    Ok(Outcome::Yes)
}

/// Copies the tree to `META-INF` in `out`, checking the index definitions on the way.
fn copy_meta_inf(tree: &Dir, out: &Dir, warnings: &mut Warnings) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    let mut out = Tree::new(out);
    meta_inf::walk(tree, warnings, |folder, dir, files| {
        let target = out.dir(&format!("{}{folder}", record::META_INF))?;
        artifacts.extend(parallel::map(
            files,
            |(file, role), buffer: &mut Buffer| {
                let digest = match role {
                    Role::Index => copy_index(dir, file, target)?,
                    Role::Stray | Role::Other => dir.copy(file, target, buffer)?,
                };
                Ok(Artifact {
                    path: dir::join(folder, &file.name),
                    digest,
                })
            },
        )?);
        Ok(())
    })?;
    artifacts.sort_unstable();
    Ok(artifacts)
}

fn copy_index(dir: &Dir, file: &Entry, target: &Dir) -> Result<Digest> {
    let content = meta_inf::read_index(dir, file)?;
    target.write(&file.name, 0o644, &content)?;
    Ok(Digest::of(&content))
}
