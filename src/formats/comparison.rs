//! How a directory differs from what was recorded of it.

use std::collections::BTreeMap;
use std::fmt;

use super::artifact::Artifact;
use crate::error::{Error, Result};
use crate::files::{Buffer, Digest, Dir, Entry};

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
    /// The name of this kind of difference: `mismatch`, `missing` or `unrecorded`.
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
    /// Why some files, or all after some place, could not be compared.
    pub undetermined: Vec<Error>,
}

impl Comparison {
    /// Compares a directory that is not there with `recorded`.
    pub fn with_nothing(recorded: &[Artifact]) -> Self {
        let mut comparison = Self::default();
        for Artifact { path, digest } in recorded {
            comparison.add(path, Some(*digest), Ok(None));
        }
        comparison
    }

    /// Compares the regular files in and below `dir` with `recorded`, reading each file once.
    /// Those of `read` have been read already.
    pub fn new(dir: &Dir, recorded: &[Artifact], read: &[(&str, Digest)]) -> Self {
        let mut comparison = Self::default();
        let recorded = recorded.iter().map(|file| (&*file.path, file.digest));
        let mut unseen: BTreeMap<_, _> = recorded.collect();
        let mut buffer = Buffer::default();
        let walked = dir.walk_all(|dir, files| {
            for file in files {
                let path = dir.relative(&file.name);
                let recorded = unseen.remove(&*path);
                let known = read.iter().find(|(name, _)| *name == path);
                // A record does not record itself.
                if known.is_none() || recorded.is_some() || file.fault().is_some() {
                    let found = look_at(dir, file, known.map(|known| known.1), &mut buffer);
                    comparison.add(&path, recorded, found.map(Some));
                }
            }
            Ok(())
        });
        match walked {
            Ok(()) => {
                for (path, digest) in unseen {
                    comparison.add(path, Some(digest), Ok(None));
                }
            }
            // What was not seen may be where the walk did not come.
            Err(error) => comparison.undetermined.push(error),
        }
        let differences = &mut comparison.differences;
        differences.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        comparison
    }

    fn add(&mut self, path: &str, recorded: Option<Digest>, found: Result<Option<Found>>) {
        match found {
            Ok(found) if found == recorded.map(Found::Content) => {}
            Ok(found) => self.differences.push(Difference {
                path: path.to_owned(),
                recorded,
                found,
            }),
            Err(error) => self.undetermined.push(error),
        }
    }
}

/// What a file is, whose digest may be `known`.
fn look_at(dir: &Dir, file: &Entry, known: Option<Digest>, buffer: &mut Buffer) -> Result<Found> {
    if file.fault().is_some() {
        return Ok(Found::Other(file.kind()));
    }
    let digest = known.map_or_else(|| dir.digest(file, buffer), Ok);
    digest.map(Found::Content)
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
