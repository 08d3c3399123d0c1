//! `build`: checks a package, and makes the build output with its record.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Outcome;
use crate::connection::{self, Draft};
use crate::digest::Digest;
use crate::dir::{Buffer, Dir, Entry, Staging};
use crate::index::{self, Role};
use crate::metadata::{self, Metadata};
use crate::record::{self, Artifact};
use crate::template::Config;
use crate::{log, parallel};

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
    let mut warnings = std::mem::take(&mut draft.warnings);
    let connection = draft.resolve(&config).context(connection::FILE)?;
    let connection_written = connection.to_json()?;
    let tree = find_meta_inf(&source)?;

    let output = Dir::open(output)?;
    let staging = Staging::new(&output)?;
    let out = &staging.dir;
    let mut meta_inf = Vec::new();
    if let Some(tree) = &tree {
        meta_inf = copy_meta_inf(tree, out, &mut warnings)?;
    }
    out.write(metadata::FILE, 0o644, &metadata_content)?;
    out.write(connection::FILE, 0o600, &connection_written)?;
    let build = record::Build {
        metadata: Digest::of(&metadata_content),
        connection_read: Digest::of(&connection_content),
        connection_written: Digest::of(&connection_written),
        meta_inf_source: if tree.is_some_and(|tree| tree.relative_self() == "metadata") {
            "metadata"
        } else {
            "META-INF"
        },
        meta_inf,
    };
    build.write(out)?;
    staging.commit(&[
        "META-INF",
        metadata::FILE,
        record::STATEMENT,
        record::SUMS,
        connection::FILE,
    ])?;

    log::warnings("build", &warnings);
    log::success(
        "build",
        metadata.label_shown(),
        build.artifacts(),
        &build.connection_written,
        &connection.dial(),
    );
    Ok(Outcome::Yes)
}

/// The package's `META-INF`, or the folder that has its place in the layout of Fabric's `cc_service.md`: `metadata`.
///
/// # Errors
/// When both are there, or one is not a directory.
pub fn find_meta_inf(source: &Dir) -> Result<Option<Dir>> {
    let meta_inf = source.find_dir("META-INF")?;
    // A folder or file of that name that has no statedb in it is one of the other files that packages may hold.
    let alternative = match source.find("metadata")? {
        Some(entry) if entry.is_dir() => Some(source.subdir(&entry.name)?),
        _ => None,
    };
    let has_statedb = |dir: &Dir| dir.find("statedb").map(|entry| entry.is_some());
    let alternative = match alternative {
        Some(dir) if has_statedb(&dir)? => Some(dir),
        _ => None,
    };
    match (meta_inf, alternative) {
        (Some(_), Some(_)) => bail!("metadata/statedb: there is a META-INF too, keep one of them"),
        (meta_inf, alternative) => Ok(meta_inf.or(alternative)),
    }
}

/// Copies the tree to `META-INF` in `out`, checking the index definitions on the way.
fn copy_meta_inf(tree: &Dir, out: &Dir, warnings: &mut Vec<String>) -> Result<Vec<Artifact>> {
    let mut artifacts = Vec::new();
    check_folders(tree)?;
    tree.walk(|dir, files| {
        let folder = below(tree, dir);
        index::check_folder(folder).with_context(|| dir.relative_self().to_owned())?;
        let target = out.create_dirs(&format!("{}{folder}", record::META_INF))?;
        let work: Vec<(&Entry, Role)> = files
            .iter()
            .map(|file| (file, Role::of(&join(folder, &file.name))))
            .collect();
        let stray = work.iter().filter(|(_, role)| *role == Role::Stray);
        warnings.extend(stray.map(|(file, _)| {
            format!(
                "{}: is not released, it is no index definition",
                dir.relative(&file.name)
            )
        }));
        artifacts.extend(parallel::map(
            &work,
            |(file, role), buffer: &mut Buffer| {
                let digest = match role {
                    Role::Index => copy_index(dir, file, &target)?,
                    Role::Stray | Role::Other => dir.copy(file, &target, buffer)?,
                };
                Ok(Artifact {
                    path: join(folder, &file.name),
                    digest,
                })
            },
        )?);
        Ok(())
    })?;
    artifacts.sort_unstable();
    Ok(artifacts)
}

/// Refuses files where the peer looks for folders: it would release nothing, and say nothing.
fn check_folders(tree: &Dir) -> Result<()> {
    let Some(statedb) = tree.find_dir("statedb")? else {
        return Ok(());
    };
    let Some(couchdb) = statedb.find_dir("couchdb")? else {
        return Ok(());
    };
    couchdb.find_dir("indexes")?;
    couchdb.find_dir("collections")?;
    Ok(())
}

fn copy_index(dir: &Dir, file: &Entry, target: &Dir) -> Result<Digest> {
    let content = dir.read_small(file)?;
    index::check(&content).with_context(|| dir.relative(&file.name))?;
    target.write(&file.name, 0o644, &content)?;
    Ok(Digest::of(&content))
}

/// The path of `dir` below `tree`.
fn below<'a>(tree: &Dir, dir: &'a Dir) -> &'a str {
    let path = dir.relative_self();
    path.get(tree.relative_self().len()..)
        .unwrap_or_default()
        .trim_start_matches('/')
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
