//! Checks a build output against its record, and publishes what the peer reads.

use super::Done;
use crate::error::{Error, Refuse, Result, failed, refused};
use crate::files::{Digest, Dir, Staging};
use crate::findings::Warnings;
use crate::formats::comparison::Basis;
use crate::formats::connection::Connection;
use crate::formats::metadata::{Metadata, NO_LABEL};
use crate::formats::published;
use crate::formats::record::{NO_RECORD, Record};
use crate::layout::{CHAINCODE, CONNECTION, PUBLIC, SECRET, SERVER, STATEDB};
use crate::text::plural;

/// Publishes the build output `build` in the empty directory `release`.
pub fn release(build: &Dir, release: &Dir) -> Result<Done> {
    let record = Record::read(build)?;
    if let Some(record) = &record {
        compare_with_record(record, build)?;
    }
    let label = match Metadata::read(build) {
        Ok((metadata, _)) => metadata.label_for_log().to_owned(),
        // The label is only for the log; with a record, metadata.json has been checked.
        Err(Error::Refused(_)) => NO_LABEL.to_owned(),
        Err(error) => return Err(error),
    };
    let content = build.read_needed(CONNECTION)?;
    let connection = Connection::parse_written(&content).refuse(CONNECTION)?;
    let digest = Digest::of(&content);
    check_copied(record.as_ref(), CONNECTION, digest)?;

    let staging = Staging::new(release)?;
    let mut warnings = Warnings::default();
    warnings.extend(record.is_none().then(|| NO_RECORD.to_owned()));
    // With a record, `build` has given the warnings of the indexes already.
    let of_indexes = match &record {
        Some(_) => &mut Warnings::default(),
        None => &mut warnings,
    };
    let indexes = write_indexes(build, record.as_ref(), &staging.dir, of_indexes)?;
    let server = staging.dir.make_dirs(SERVER)?;
    server.write(CONNECTION, SECRET, &content)?;
    // What the peer looks for comes last.
    let names: &[&str] = match indexes {
        0 => &[CHAINCODE],
        _ => &[STATEDB, CHAINCODE],
    };
    staging.commit(names)?;

    let artifacts = plural(indexes + 1, "artifact", "artifacts");
    let made = format!("{label}: {artifacts}");
    Ok(Done::new(warnings, &made, digest, &connection))
}

fn compare_with_record(record: &Record, build: &Dir) -> Result<()> {
    let comparison = record.compare(build);
    if let Some(error) = comparison.undetermined.into_iter().next() {
        return Err(error);
    }
    let [first, rest @ ..] = comparison.differences.as_slice() else {
        return Ok(());
    };
    let more = match rest.len() {
        0 => String::new(),
        more => format!(
            ", and {}",
            plural(more, "more difference", "more differences")
        ),
    };
    refused(format!(
        "{}{more}: it was changed after it was built; install the package again",
        first.describe(Basis::Record)
    ))
}

/// Fails on a file that differs from the record: it has changed since the check.
fn check_copied(record: Option<&Record>, path: &str, copied: Digest) -> Result<()> {
    match record {
        Some(record) if record.digest(path) != Some(copied) => {
            failed(format!("{path}: changed while it was released"))
        }
        _ => Ok(()),
    }
}

/// Writes the index definitions that are published, and returns their number.
fn write_indexes(
    build: &Dir,
    record: Option<&Record>,
    out: &Dir,
    warnings: &mut Warnings,
) -> Result<usize> {
    let mut count = 0;
    published::walk(build, warnings, &mut |path, judged| {
        let (Some(content), true) = (judged.content, judged.is_published) else {
            return Ok(());
        };
        check_copied(record, &path, Digest::of(&content))?;
        let place = published::place(&path).unwrap_or_default();
        let (folder, name) = place.rsplit_once('/').unwrap_or_default();
        out.make_dirs(folder)?.write(name, PUBLIC, &content)?;
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::record::Inputs;
    use crate::layout::META_INF;

    #[test]
    fn what_changes_between_the_check_and_the_copy_is_not_released() {
        let digest = Digest::of(b"");
        let inputs = Inputs {
            metadata: digest,
            connection: digest,
            meta_inf_source: META_INF,
            meta_inf: Vec::new(),
        };
        let [(_, statement), (_, sums)] = inputs.record_files(digest).unwrap();
        let record = Record::parse(&sums, &statement).unwrap();
        let check = |copied| check_copied(Some(&record), CONNECTION, copied);
        assert!(check(digest).is_ok());
        let changed = check(Digest::of(b"changed")).unwrap_err();
        let line = "connection.json: changed while it was released";
        assert_eq!(changed.to_string(), line);
    }
}
