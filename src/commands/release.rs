//! `release`: checks a build output against its record, and publishes what the peer reads.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Outcome, is_of_the_system};
use crate::connection::{self, Connection};
use crate::difference::Comparison;
use crate::digest::Digest;
use crate::dir::{Buffer, Dir, Entry, Limits, Staging, Tree};
use crate::index::{Folder, Role};
use crate::metadata::Metadata;
use crate::record::{Artifact, META_INF, NO_RECORD, Record};
use crate::{log, meta_inf, parallel};

/// The help text.
pub const HELP: &str = "\
Usage: release BUILD_OUTPUT_DIR RELEASE_OUTPUT_DIR

Publishes what a build made: index definitions go to statedb/, connection.json
goes to chaincode/server/ in the empty RELEASE_OUTPUT_DIR. First every file of
BUILD_OUTPUT_DIR is checked against its record; the output of another builder
has none, and one line says so.

Exit status: 0 released, 1 refused or not possible; one line says why, and
nothing is published.

Example: release \"$PWD/bld\" \"$PWD/release\"
";

/// Where the peer looks for connection.json in the release output.
pub const SERVER: &str = "chaincode/server";

/// Runs the command.
///
/// # Errors
/// When the build output differs from its record, or something cannot be read or written.
pub fn run(build: &Path, release: &Path) -> Result<Outcome> {
    let build = Dir::open(build)?;
    let record = Record::read(&build)?;
    if let Some(record) = &record {
        check(record, &build)?;
    }
    let metadata = match Metadata::read(&build) {
        Ok((metadata, _)) => Some(metadata),
        Err(error) if is_of_the_system(&error) => return Err(error),
        // It is only for the log, and where there is a record it is right.
        Err(_) => None,
    };
    let content = build.read_needed(connection::FILE)?;
    let connection = Connection::parse_written(&content).context(connection::FILE)?;
    let digest = Digest::of(&content);
    check_copied(record.as_ref(), connection::FILE, digest)?;

    let release = Dir::open(release)?;
    let staging = Staging::new(&release)?;
    let indexes = copy_indexes(&build, record.as_ref(), &staging.dir)?;
    Tree::new(&staging.dir)
        .dir(SERVER)?
        .write(connection::FILE, 0o600, &content)?;
    let statedb = (indexes > 0).then_some("statedb");
    staging.commit(&statedb.into_iter().chain(["chaincode"]).collect::<Vec<_>>())?;

    if record.is_none() {
        log::line("release", format_args!("warning: {NO_RECORD}"));
    }
    let label = metadata
        .as_ref()
        .map_or("package without a label", Metadata::label_shown);
    log::success("release", label, indexes + 1, &digest, &connection.dial());
    Ok(Outcome::Yes)
}

/// What is published of a build with this `record`, sorted by path.
#[must_use]
pub fn released(record: &Record) -> Vec<Artifact> {
    let released = record.artifacts.iter().filter_map(|artifact| {
        let path = if artifact.path == connection::FILE {
            format!("{SERVER}/{}", connection::FILE)
        } else {
            let path = artifact.path.strip_prefix(META_INF)?;
            (Role::of(path) == Role::Index).then(|| path.to_owned())?
        };
        let digest = artifact.digest;
        Some(Artifact { path, digest })
    });
    let mut released: Vec<Artifact> = released.collect();
    released.sort_unstable();
    released
}

/// Refuses a build output that is not what was recorded.
fn check(record: &Record, build: &Dir) -> Result<()> {
    let Comparison {
        differences,
        untold,
    } = record.compare(build);
    if let Some(error) = untold.into_iter().next() {
        return Err(error);
    }
    match differences.as_slice() {
        [] => Ok(()),
        [one] => bail!("{one}"),
        [first, rest @ ..] => {
            let more = log::plural(rest.len(), "more difference", "more differences");
            bail!("{first}, and {more}")
        }
    }
}

/// Refuses a file that is not what was recorded: it has changed since the check.
fn check_copied(record: Option<&Record>, path: &str, copied: Digest) -> Result<()> {
    if let Some(record) = record {
        ensure!(
            record.digest(path) == Some(copied),
            "{path}: changed while it was released"
        );
    }
    Ok(())
}

/// Copies the index definitions to `statedb` in `out`, and gives their number.
fn copy_indexes(build: &Dir, record: Option<&Record>, out: &Dir) -> Result<usize> {
    let Some(tree) = build.find_dir(meta_inf::FOLDER)? else {
        return Ok(0);
    };
    let Some(statedb) = tree.find_dir("statedb")? else {
        return Ok(0);
    };
    let mut out = Tree::new(out);
    let mut count = 0;
    statedb.walk(Limits::BUILD, |dir, files| {
        let folder = dir.relative_self().trim_start_matches(META_INF);
        let place = Folder::at(folder);
        let is_index = |file: &&Entry| place.role(&file.name) == Role::Index;
        let indexes: Vec<&Entry> = files.iter().filter(is_index).collect();
        if indexes.is_empty() {
            return Ok(());
        }
        let target = out.dir(folder)?;
        parallel::map(&indexes, |file, buffer: &mut Buffer| {
            check_copied(
                record,
                &dir.relative(&file.name),
                dir.copy(file, target, buffer)?,
            )
        })?;
        count += indexes.len();
        Ok(())
    })?;
    Ok(count)
}
