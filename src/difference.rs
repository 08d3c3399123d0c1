//! How a directory differs from what was recorded of it.

use std::fmt;

use anyhow::{Error, Result};

use crate::digest::Digest;
use crate::dir::{Buffer, Dir, Entry};
use crate::parallel;
use crate::record::Artifact;

/// What is in the place of a recorded file, or where nothing was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file with this content.
    Content(Digest),
    /// Something that cannot be a recorded file: what it is, in words.
    Other(&'static str),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(digest) => digest.fmt(f),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// One path where what was found is not what was recorded.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The path below the directory that was compared.
    pub path: String,
    /// The digest in the record, where there is one.
    pub recorded: Option<Digest>,
    /// What is there, where there is anything.
    pub found: Option<Found>,
}

impl Difference {
    fn missing(artifact: &Artifact) -> Self {
        Self {
            path: artifact.path.clone(),
            recorded: Some(artifact.digest),
            found: None,
        }
    }

    /// The name of this kind of difference: `mismatch`, `missing` or `unrecorded`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (self.recorded, self.found) {
            (_, None) => "missing",
            (None, Some(_)) => "unrecorded",
            (Some(_), Some(_)) => "mismatch",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.kind())?;
        if let Some(recorded) = self.recorded {
            write!(f, ", recorded {recorded}")?;
        }
        if let Some(found) = self.found {
            write!(f, ", found {found}")?;
        }
        Ok(())
    }
}

/// What a directory has that was not recorded of it, or the other way round.
#[derive(Default)]
pub struct Comparison {
    /// The differences, in bytewise order of paths.
    pub differences: Vec<Difference>,
    /// Why it could not be told of some files, or of all after some place.
    pub untold: Vec<Error>,
}

impl Comparison {
    /// Compares a directory that is not there with `recorded`.
    #[must_use]
    pub fn with_nothing(recorded: &[Artifact]) -> Self {
        Self {
            differences: recorded.iter().map(Difference::missing).collect(),
            ..Self::default()
        }
    }

    /// Compares the regular files in and below `dir` with `recorded`, which is sorted by path, reading each file once. Those of
    /// `read` have been read already.
    #[must_use]
    pub fn new(dir: &Dir, recorded: &[Artifact], read: &[(&str, Digest)]) -> Self {
        let mut comparison = Self::default();
        let mut seen = vec![false; recorded.len()];
        let walked = dir.walk_all(|dir, files| {
            let compared = parallel::map(files, |file, buffer: &mut Buffer| {
                Ok(compare_file(dir, file, recorded, read, buffer))
            })?;
            for (place, outcome) in compared {
                if let Some(seen) = place.and_then(|place| seen.get_mut(place)) {
                    *seen = true;
                }
                match outcome {
                    Ok(difference) => comparison.differences.extend(difference),
                    Err(error) => comparison.untold.push(error),
                }
            }
            Ok(())
        });
        match walked {
            Ok(()) => {
                let unseen = recorded.iter().zip(seen).filter(|&(_, seen)| !seen);
                let missing = unseen.map(|(artifact, _)| Difference::missing(artifact));
                comparison.differences.extend(missing);
            }
            // What was not seen may be where the walk did not come.
            Err(error) => comparison.untold.push(error),
        }
        comparison
            .differences
            .sort_unstable_by(|a, b| a.path.cmp(&b.path));
        comparison
    }
}

/// Where a file is in `recorded`, and how it differs from that.
fn compare_file(
    dir: &Dir,
    file: &Entry,
    recorded: &[Artifact],
    read: &[(&str, Digest)],
    buffer: &mut Buffer,
) -> (Option<usize>, Result<Option<Difference>>) {
    let path = dir.relative(&file.name);
    let place = recorded
        .binary_search_by(|artifact| artifact.path.cmp(&path))
        .ok();
    let recorded = place
        .and_then(|place| recorded.get(place))
        .map(|artifact| artifact.digest);
    let found = match read.iter().find(|(name, _)| *name == path) {
        _ if file.fault.is_some() => Ok(Found::Other(file.kind())),
        // The record does not record itself.
        Some(_) if recorded.is_none() => return (None, Ok(None)),
        Some(&(_, digest)) => Ok(Found::Content(digest)),
        None => dir.digest(file, buffer).map(Found::Content),
    };
    let difference = found.map(|found| {
        let differs = recorded.map(Found::Content) != Some(found);
        differs.then_some(Difference {
            path,
            recorded,
            found: Some(found),
        })
    });
    (place, difference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_was_recorded_and_what_was_found() {
        let (recorded, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let shown = |recorded, found| {
            let path = "a".to_owned();
            Difference {
                path,
                recorded,
                found,
            }
            .to_string()
        };
        assert_eq!(
            shown(Some(recorded), Some(Found::Content(other))),
            format!("a: mismatch, recorded {recorded}, found {other}")
        );
        assert_eq!(
            shown(Some(recorded), Some(Found::Other("a FIFO"))),
            format!("a: mismatch, recorded {recorded}, found a FIFO")
        );
        assert_eq!(
            shown(Some(recorded), None),
            format!("a: missing, recorded {recorded}")
        );
        assert_eq!(
            shown(None, Some(Found::Content(other))),
            format!("a: unrecorded, found {other}")
        );
    }
}
