//! Checks a package, and makes the build output with its record.

use super::Done;
use crate::error::{Refuse, Result};
use crate::files::{Buffer, Digest, Dir, Entry, Staging, Tree, join};
use crate::formats::artifact::Artifact;
use crate::formats::connection::Draft;
use crate::formats::index::Role;
use crate::formats::meta_inf;
use crate::formats::metadata::Metadata;
use crate::formats::record;
use crate::formats::template::Config;
use crate::layout::{
    ALTERNATIVE, CONNECTION, META_INF, METADATA, PUBLIC, SECRET, STATEMENT, SUMS, VERSION,
};
use crate::log::Warnings;
use crate::text::plural;

/// Builds the package in `source` and `metadata`, which may be one directory, into the empty
/// directory `output`. `config` is read when the package is known to be ours.
pub fn build(
    source: &Dir,
    metadata: &Dir,
    output: &Dir,
    config: impl FnOnce() -> Result<Config>,
) -> Result<Done> {
    let (metadata, metadata_content) = Metadata::read(metadata)?;
    metadata.must_be_ours()?;
    let config = config()?;
    let (draft, mut warnings, connection_content) = Draft::read(source)?;
    let connection = draft.resolve(&config).refuse(CONNECTION)?;
    let tree = meta_inf::find(source)?;

    let staging = Staging::new(output)?;
    let out = &staging.dir;
    let mut meta_inf = Vec::new();
    if let Some(tree) = &tree {
        meta_inf = copy_meta_inf(tree, out, &mut warnings)?;
    }
    out.write(METADATA, PUBLIC, &metadata_content)?;
    out.write(CONNECTION, SECRET, connection.json())?;
    let is_alternative = tree
        .as_ref()
        .is_some_and(|tree| tree.relative("") == ALTERNATIVE);
    let build = record::Build {
        metadata: Digest::of(&metadata_content),
        connection_read: Digest::of(&connection_content),
        connection_written: Digest::of(connection.json()),
        meta_inf_source: if is_alternative {
            ALTERNATIVE
        } else {
            META_INF
        },
        meta_inf,
    };
    build.write(out)?;
    // Last comes what the peer looks for.
    let tree = tree.is_some().then_some(META_INF);
    let files = [METADATA, STATEMENT, SUMS, CONNECTION];
    staging.commit(&tree.into_iter().chain(files).collect::<Vec<_>>())?;

    let artifacts = plural(build.artifacts().count(), "artifact", "artifacts");
    Ok(Done::new(
        warnings,
        metadata.label_shown(),
        &format!("{artifacts} by {VERSION}"),
        build.connection_written,
        &connection,
    ))
}

/// Copies the tree to `META-INF` in `out`, checking the index definitions on the way.
fn copy_meta_inf(tree: &Dir, out: &Dir, warnings: &mut Warnings) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    let mut buffer = Buffer::default();
    let mut out = Tree::new(out);
    meta_inf::walk(tree, warnings, |folder, dir, files| {
        let folder = join(META_INF, folder);
        let target = out.dir(&folder)?;
        for (file, role) in files {
            let digest = match role {
                Role::Index => copy_index(dir, file, target)?,
                Role::Stray | Role::Other => dir.copy(file, target, &mut buffer)?,
            };
            let path = join(&folder, &file.name);
            artifacts.push(Artifact { path, digest });
        }
        Ok(())
    })?;
    artifacts.sort_unstable();
    Ok(artifacts)
}

fn copy_index(dir: &Dir, file: &Entry, target: &Dir) -> Result<Digest> {
    let content = meta_inf::read_index(dir, file)?;
    target.write(&file.name, PUBLIC, &content)?;
    Ok(Digest::of(&content))
}
