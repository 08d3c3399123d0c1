//! Checks a build output against its record, and publishes what the peer reads.

use super::lines;
use crate::error::{Error, Refuse, Result, refused};
use crate::files::{Buffer, Digest, Dir, Staging, Tree};
use crate::formats::connection::Connection;
use crate::formats::metadata::Metadata;
use crate::formats::published;
use crate::formats::record::{NO_RECORD, Record};
use crate::layout::{BUILD, CONNECTION, META_INF, SECRET, SERVER, STATEDB};
use crate::log::Warnings;
use crate::text::plural;

/// Publishes the build output `build` in the empty directory `release`.
pub fn release(build: &Dir, release: &Dir) -> Result<Vec<String>> {
    let record = Record::read(build)?;
    if let Some(record) = &record {
        check(record, build)?;
    }
    let label = match Metadata::read(build) {
        Ok((metadata, _)) => metadata.label_shown().to_owned(),
        // It is only for the log, and where there is a record it is right.
        Err(Error::Refused(_)) => "package without a label".to_owned(),
        Err(error) => return Err(error),
    };
    let content = build.read_needed(CONNECTION)?;
    let connection = Connection::parse_written(&content).refuse(CONNECTION)?;
    let digest = Digest::of(&content);
    check_copied(record.as_ref(), CONNECTION, digest)?;

    let staging = Staging::new(release)?;
    let indexes = copy_indexes(build, record.as_ref(), &staging.dir)?;
    let mut out = Tree::new(&staging.dir);
    out.dir(SERVER)?.write(CONNECTION, SECRET, &content)?;
    // Last comes what the peer looks for.
    let names: &[&str] = match indexes {
        0 => &["chaincode"],
        _ => &[STATEDB, "chaincode"],
    };
    staging.commit(names)?;

    let mut warnings = Warnings::default();
    warnings.extend(record.is_none().then(|| NO_RECORD.to_owned()));
    let artifacts = plural(indexes + 1, "artifact", "artifacts");
    let made = format!("{label}: {artifacts}");
    Ok(lines(&warnings, &made, digest, &connection))
}

/// Refuses a build output that is not what was recorded.
fn check(record: &Record, build: &Dir) -> Result<()> {
    let comparison = record.compare(build);
    if let Some(error) = comparison.undetermined.into_iter().next() {
        return Err(error);
    }
    match comparison.differences.as_slice() {
        [] => Ok(()),
        [one] => refused(one.to_string()),
        [first, rest @ ..] => {
            let more = plural(rest.len(), "more difference", "more differences");
            refused(format!("{first}, and {more}"))
        }
    }
}

/// Refuses a file that is not what was recorded: it has changed since the check.
fn check_copied(record: Option<&Record>, path: &str, copied: Digest) -> Result<()> {
    match record {
        Some(record) if record.digest(path) != Some(copied) => {
            refused(format!("{path}: changed while it was released"))
        }
        _ => Ok(()),
    }
}

/// Copies the index definitions, and gives their number.
fn copy_indexes(build: &Dir, record: Option<&Record>, out: &Dir) -> Result<usize> {
    let tree = build.find_dir(META_INF)?;
    let statedb = tree.map(|tree| tree.find_dir(STATEDB)).transpose()?;
    let Some(statedb) = statedb.flatten() else {
        return Ok(0);
    };
    let mut out = Tree::new(out);
    let mut buffer = Buffer::default();
    let mut count = 0;
    statedb.walk(BUILD, |dir, files| {
        for file in files {
            let path = dir.relative(&file.name);
            let Some(place) = published::place(&path) else {
                continue;
            };
            let (folder, _) = place.rsplit_once('/').unwrap_or_default();
            let digest = dir.copy(file, out.dir(folder)?, &mut buffer)?;
            check_copied(record, &path, digest)?;
            count += 1;
        }
        Ok(())
    })?;
    Ok(count)
}
