//! How a directory differs from a list of artifacts.

use std::collections::BTreeMap;
use std::fmt;

use super::artifact::Artifact;
use crate::error::Error;
use crate::files::{Digest, Dir, Entry, sort_by_path};

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
    pub path: String,
    /// The digest in the record, or made from the package, if there is one.
    pub expected: Option<Digest>,
    pub found: Option<Found>,
}

/// Where the digests that files are compared with come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// The record of the build.
    #[default]
    Record,
    /// The record, which matches the package except in what templates fill in.
    Templates,
    /// The package, from which everything was computed again.
    Package,
}

impl Difference {
    /// The name of this kind of difference: `mismatch`, `missing`, `unrecorded` or `unexpected`.
    pub fn kind(&self, basis: Basis) -> &'static str {
        match (self.expected, self.found, basis) {
            (_, None, _) => "missing",
            (None, Some(_), Basis::Package) => "unexpected",
            (None, Some(_), _) => "unrecorded",
            (Some(_), Some(_), _) => "mismatch",
        }
    }

    pub fn describe(&self, basis: Basis) -> String {
        let from = match basis {
            Basis::Package => "from the package",
            _ => "recorded",
        };
        let expected = self.expected.map(|digest| format!(", {from} {digest}"));
        let found = self.found.map(|found| format!(", found {found}"));
        format!(
            "{}: {}{}{}",
            self.path,
            self.kind(basis),
            expected.unwrap_or_default(),
            found.unwrap_or_default()
        )
    }
}

/// The differences between a directory and a list of artifacts, in both directions.
#[derive(Default)]
pub struct Comparison {
    pub differences: Vec<Difference>,
    /// Why some files, or everything after some point, could not be compared.
    pub undetermined: Vec<Error>,
}

impl Comparison {
    /// Compares the files in and below `dir`, if there is one, with `expected`, reading
    /// each file once. Those in `read` have been read already.
    pub fn new(dir: Option<&Dir>, expected: &[Artifact], read: &[(&str, Digest)]) -> Self {
        let mut comparison = Self::default();
        let expected = expected.iter().map(|file| (&*file.path, Some(file.digest)));
        // What is seen stays in the map, without its digest.
        let mut unseen: BTreeMap<_, _> = expected.collect();
        let mut compare = |dir: &Dir, files: &[Entry]| {
            for file in files {
                let path = dir.relative(&file.name);
                let expected = unseen.get_mut(&*path).and_then(Option::take);
                let known = read.iter().find(|(name, _)| *name == path);
                let found = match (file.fault(), known) {
                    (Some(_), _) => Ok(Found::Other(file.kind())),
                    (None, Some((_, digest))) => Ok(Found::Content(*digest)),
                    (None, None) => dir.digest(file).map(Found::Content),
                };
                match found {
                    Ok(found) => comparison.add(&path, expected, Some(found)),
                    Err(error) => comparison.undetermined.push(error),
                }
            }
            Ok(())
        };
        match dir.map_or(Ok(()), |dir| dir.walk_all(&mut compare)) {
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

    fn add(&mut self, path: &str, expected: Option<Digest>, found: Option<Found>) {
        if found != expected.map(Found::Content) {
            self.differences.push(Difference {
                path: path.to_owned(),
                expected,
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
            .describe(Basis::Record)
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
