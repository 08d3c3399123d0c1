//! How a directory differs from its record.

use std::collections::BTreeMap;
use std::fmt;

use super::artifact::Artifact;
use crate::error::Error;
use crate::files::{Buffer, Digest, Dir, sort_by_path};

/// What was found at a path, recorded or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file with this content.
    Content(Digest),
    /// Something that cannot be a recorded file, with its kind in words.
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

/// A path at which what was found differs from what was expected.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The path below the directory that was compared.
    pub path: String,
    /// The digest in the record, or made from the package, if there is one.
    pub expected: Option<Digest>,
    /// What was found, if anything.
    pub found: Option<Found>,
}

/// Where the digests come from that files are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The record of the build.
    #[default]
    Record,
    /// The package, from which everything was computed again.
    Package,
}

impl Difference {
    /// The name of this kind of difference: `mismatch`, `missing`, `unrecorded` or `unexpected`.
    pub fn kind(&self, origin: Origin) -> &'static str {
        match (self.expected, self.found, origin) {
            (_, None, _) => "missing",
            (None, Some(_), Origin::Record) => "unrecorded",
            (None, Some(_), Origin::Package) => "unexpected",
            (Some(_), Some(_), _) => "mismatch",
        }
    }

    /// The difference, as a message describes it.
    pub fn describe(&self, origin: Origin) -> String {
        let from = match origin {
            Origin::Record => "recorded",
            Origin::Package => "from the package",
        };
        let expected = self.expected.map(|digest| format!(", {from} {digest}"));
        let found = self.found.map(|found| format!(", found {found}"));
        format!(
            "{}: {}{}{}",
            self.path,
            self.kind(origin),
            expected.unwrap_or_default(),
            found.unwrap_or_default()
        )
    }
}

/// The differences between a directory and its record, in both directions.
#[derive(Default)]
pub struct Comparison {
    /// The differences, in bytewise order of paths.
    pub differences: Vec<Difference>,
    /// Why some files, or everything after some point, could not be compared.
    pub undetermined: Vec<Error>,
}

impl Comparison {
    /// Compares a missing directory with `recorded`.
    pub fn with_nothing(recorded: &[Artifact]) -> Self {
        let mut comparison = Self::default();
        for Artifact { path, digest } in recorded {
            comparison.add(path, Some(*digest), None);
        }
        comparison
    }

    /// Compares the regular files in and below `dir` with `recorded`, reading each file once. Those
    /// in `read` have been read already.
    pub fn new(dir: &Dir, recorded: &[Artifact], read: &[(&str, Digest)]) -> Self {
        let mut comparison = Self::default();
        let recorded = recorded.iter().map(|file| (&*file.path, Some(file.digest)));
        let mut unseen = BTreeMap::new();
        unseen.extend(recorded);
        let mut buffer = Buffer::default();
        let walked = dir.walk_all(|dir, files| {
            for file in files {
                let path = dir.relative(&file.name);
                let recorded = unseen.get_mut(&*path).and_then(Option::take);
                let known = read.iter().find(|(name, _)| *name == path);
                let found = match (file.fault(), known) {
                    (Some(_), _) => Ok(Found::Other(file.kind())),
                    // A record does not record itself.
                    (None, Some(_)) if recorded.is_none() => continue,
                    (None, Some((_, digest))) => Ok(Found::Content(*digest)),
                    (None, None) => dir.digest(file, &mut buffer).map(Found::Content),
                };
                match found {
                    Ok(found) => comparison.add(&path, recorded, Some(found)),
                    Err(error) => comparison.undetermined.push(error),
                }
            }
            Ok(())
        });
        match walked {
            Ok(()) => {
                for (path, digest) in unseen {
                    comparison.add(path, digest, None);
                }
            }
            // What is missing may be where the walk did not get to.
            Err(error) => comparison.undetermined.push(error),
        }
        let differences = &mut comparison.differences;
        sort_by_path(differences, |difference| &difference.path);
        comparison
    }

    fn add(&mut self, path: &str, recorded: Option<Digest>, found: Option<Found>) {
        if found != recorded.map(Found::Content) {
            self.differences.push(Difference {
                path: path.to_owned(),
                expected: recorded,
                found,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_says_what_was_recorded_and_what_was_found() {
        let (recorded, other) = (Digest::of(b"1"), Digest::of(b"2"));
        let shown = |expected, found| {
            let path = "a".to_owned();
            Difference {
                path,
                expected,
                found,
            }
            .describe(Origin::Record)
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
