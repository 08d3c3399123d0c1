//! Checks a package, and makes the build output with its record.

use std::ffi::OsString;

use super::Done;
use crate::error::{Refuse, Result};
use crate::files::{Digest, Dir, Staging, join, sort_by_path};
use crate::findings::Warnings;
use crate::formats::artifact::Artifact;
use crate::formats::connection::Draft;
use crate::formats::meta_inf;
use crate::formats::metadata::Metadata;
use crate::formats::record::Inputs;
use crate::formats::template::Config;
use crate::layout::{
    ALTERNATIVE, CONNECTION, META_INF, METADATA, PUBLIC, SECRET, STATEMENT, SUMS, TREE_LIMITS,
    VERSION,
};
use crate::text::plural;

/// Builds the package in `source` and `metadata`, which may be one directory, into the empty
/// directory `output`. `config` is read only if the package is ours.
pub fn build(source: &Dir, metadata: &Dir, output: &Dir, config: Option<OsString>) -> Result<Done> {
    let (metadata, metadata_content) = Metadata::read(metadata)?;
    metadata.refuse_foreign()?;
    let config = Config::read(config)?;
    let connection_content = Draft::content(source)?;
    let (draft, mut warnings) = Draft::parse(&connection_content).refuse(CONNECTION)?;
    let connection = draft.resolve(&config).refuse(CONNECTION)?;
    // Go's builders drop the domain, so one that was always wrong counts only now, and this peer's
    // operator has to know. Other advice is for the package's author, who runs `check`.
    warnings.extend(connection.server_name_advice());
    let tree = meta_inf::find(source)?;
    warnings.extend(meta_inf::outside(source, tree.as_ref())?.misplaced);

    let staging = Staging::new(output)?;
    let out = &staging.dir;
    let (mut copied, mut meta_inf_source) = (Vec::new(), META_INF);
    if let Some(tree) = &tree {
        copied = copy_meta_inf(tree, out, &mut warnings)?;
        if tree.own_path() == ALTERNATIVE {
            meta_inf_source = ALTERNATIVE;
        }
    }
    out.write(METADATA, PUBLIC, &metadata_content)?;
    out.write(CONNECTION, SECRET, connection.json())?;
    let inputs = Inputs {
        metadata: Digest::of(&metadata_content),
        connection: Digest::of(&connection_content),
        meta_inf_source,
        meta_inf: copied,
    };
    let digest = Digest::of(connection.json());
    inputs.write_record(out, digest)?;
    // connection.json, which `release` needs, comes last.
    let tree = tree.map(|_| META_INF).into_iter();
    let names = tree.chain([METADATA, STATEMENT, SUMS, CONNECTION]);
    staging.commit(&names.collect::<Vec<_>>())?;

    let artifacts = plural(inputs.artifacts(digest).len(), "artifact", "artifacts");
    let made = format!("{}: {artifacts} by {VERSION}", metadata.label_for_log());
    Ok(Done::new(warnings, &made, digest, &connection))
}

/// Copies the tree to `META-INF` in `out`, checking the index definitions on the way.
fn copy_meta_inf(tree: &Dir, out: &Dir, warnings: &mut Warnings) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    let mut reader = meta_inf::Reader::new(tree, warnings);
    tree.walk(TREE_LIMITS, |dir, files| {
        let (folder, files) = reader.select(dir, files);
        let place = join(META_INF, &folder);
        let target = out.make_dirs(&place)?;
        for file in files {
            let judged = reader.judge.read(&folder, dir, file)?;
            // What was judged is what is written.
            let digest = if let Some(content) = judged.content {
                target.write(&file.name, PUBLIC, &content)?;
                Digest::of(&content)
            } else {
                dir.copy(file, &target)?
            };
            let path = join(&place, &file.name);
            artifacts.push(Artifact { path, digest });
        }
        Ok(())
    })?;
    reader.finish();
    // A walk visits the files of a folder before its folders.
    sort_by_path(&mut artifacts, |artifact: &Artifact| &artifact.path);
    Ok(artifacts)
}
