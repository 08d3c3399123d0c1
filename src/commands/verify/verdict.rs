//! The result of comparing one build with what its package produces, or with its record.

use crate::error::{Error, Outcome};
use crate::files::{Digest, Entry, join};
use crate::formats::comparison::{Basis, Comparison, Difference, Found};

/// The verdict on one build. [`outcome`](Self::outcome) says which part of it decides.
#[derive(Default)]
pub struct Verdict {
    pub differences: Vec<Difference>,
    pub basis: Basis,
    pub fault: Option<Fault>,
    pub undetermined: Vec<String>,
    pub compared: Option<Compared>,
    /// How many of the differences are about what belongs to no build, and `rebuild` leaves alone.
    pub strays: usize,
    /// The fields of connection.json whose templates could not be filled in for lack of a config.
    pub unverified: Vec<&'static str>,
    /// Whether it would match with another config.
    pub is_of_other_config: bool,
    /// Files that may hold a key, and that other users may read or write.
    pub exposed: Vec<String>,
    /// The name of the builder, which the peer's config must have too.
    pub builder: Option<String>,
    /// The package's type, if the build is another builder's. Then there is nothing else.
    pub foreign_type: Option<String>,
}

/// What is wrong with a build as a whole, and why.
#[derive(PartialEq, Eq)]
pub enum Fault {
    /// Its record is damaged.
    Damaged(String),
    /// Its package is not the one that its name says, or the peer cannot use it.
    Mismatch(String),
    /// Its connection.json is not the package's.
    Connection(String),
    /// It has no record.
    Unrecorded(String),
}

/// What a build was compared with.
pub struct Compared {
    /// The number of artifacts, without the record's own two files.
    pub artifacts: usize,
    /// The digest of `SHA256SUMS`, which identifies the whole build output.
    pub sums: Digest,
}

impl Verdict {
    /// A verdict that only says why nothing could be determined.
    pub fn undetermined(reason: &str) -> Self {
        Self {
            undetermined: vec![reason.to_owned()],
            ..Self::default()
        }
    }

    /// Whether it may be one that the peer is still copying: something is missing, or it is wrong as
    /// a whole.
    pub fn may_be_unfinished(&self) -> bool {
        let is_missing = |difference: &Difference| difference.found.is_none();
        self.fault.is_some() || self.differences.iter().any(is_missing)
    }

    pub fn outcome(&self) -> Outcome {
        if !self.differences.is_empty() || self.fault.is_some() {
            Outcome::No
        } else if self.foreign_type.is_some() {
            Outcome::Yes
        } else if self.compared.is_none() || !self.undetermined.is_empty() {
            Outcome::Undetermined
        } else {
            Outcome::Yes
        }
    }

    /// Adds the differences found in `folder` of the target, or in the target itself for `""`.
    pub fn add(&mut self, comparison: Comparison, folder: &str) {
        for mut difference in comparison.differences {
            difference.path = join(folder, &difference.path);
            self.differences.push(difference);
        }
        let undetermined = comparison.undetermined.iter().map(Error::advised);
        self.undetermined.extend(undetermined);
    }

    /// Adds an unrecorded entry without reading it: it may be anything.
    pub fn add_stray(&mut self, entry: &Entry) {
        self.strays += 1;
        self.differences.push(Difference {
            path: entry.name.clone(),
            expected: None,
            found: Some(Found::Other(entry.kind())),
        });
    }
}
