//! What the comparison of one build with its record has shown.

use crate::commands::Outcome;
use crate::error::{Error, Result};
use crate::files::{Digest, Dir, Entry};
use crate::formats::comparison::{Comparison, Difference, Found};
use crate::formats::published;
use crate::formats::record::{NO_RECORD, Record};
use crate::layout::{BLD, BUILD_INFO, RELEASE};

/// The verdict on one build. It matches when a record was read, and there is nothing else to say.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is not as it was recorded, by path.
    pub differences: Vec<Difference>,
    /// What is wrong with the record.
    pub damaged: Option<String>,
    /// Why something could not be determined.
    pub undetermined: Vec<String>,
    /// The record that the build was compared with.
    pub record: Option<Compared>,
}

/// A record that a build was compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// How many artifacts there are, counted as build and release count them in the peer's log.
    pub artifacts: usize,
    /// The digest of SHA256SUMS, which stands for the whole build output.
    pub sums: Digest,
}

impl Verdict {
    /// There is none, for this reason.
    pub fn undetermined(reason: &impl ToString) -> Self {
        Self {
            undetermined: vec![reason.to_string()],
            ..Self::default()
        }
    }

    /// Whether something is missing, or the record cannot be read.
    pub fn is_incomplete(&self) -> bool {
        self.damaged.is_some()
            || self
                .differences
                .iter()
                .any(|difference| difference.found.is_none())
    }

    /// Whether the other verdict has the same differences.
    pub fn says_as_much_as(&self, other: &Self) -> bool {
        (&self.differences, &self.damaged) == (&other.differences, &other.damaged)
    }

    /// Whether all is as it was recorded.
    pub fn matches(&self) -> bool {
        self.outcome() == Outcome::Yes
    }

    /// The answer in one word.
    pub fn outcome(&self) -> Outcome {
        if !self.differences.is_empty() || self.damaged.is_some() {
            Outcome::No
        } else if self.record.is_none() || !self.undetermined.is_empty() {
            Outcome::Undetermined
        } else {
            Outcome::Yes
        }
    }

    /// Verifies a build output.
    pub fn of_output(dir: &Dir) -> Self {
        let mut verdict = Self::default();
        verdict.compare_output(dir, "");
        verdict
    }

    /// Verifies one of a peer's builds.
    pub fn of_build(dir: &Dir) -> Self {
        let mut verdict = Self::default();
        if let Err(error) = verdict.compare_build(dir) {
            verdict.undetermined.push(error.to_string());
        }
        verdict
    }

    /// What is found where only builds should be.
    pub fn of_stray(entry: &Entry) -> Self {
        let mut verdict = Self::default();
        verdict.add_stray(entry);
        verdict
    }

    fn compare_build(&mut self, dir: &Dir) -> Result<()> {
        let (mut bld, mut release, mut has_info) = (None, None, false);
        for entry in dir.list()? {
            match (entry.name.as_str(), entry.is_dir()) {
                (BUILD_INFO, false) if entry.fault().is_none() => has_info = true,
                (BLD, true) => bld = Some(dir.subdir(BLD)?.into_root()),
                (RELEASE, true) => release = Some(dir.subdir(RELEASE)?.into_root()),
                (name, _) => {
                    has_info |= name == BUILD_INFO;
                    self.add_stray(&entry);
                }
            }
        }
        let Some(bld) = bld else {
            let reason = "there is no folder bld, the peer's copy failed or is under way";
            self.undetermined.push(reason.to_owned());
            return Ok(());
        };
        if !has_info {
            self.differences.push(Difference {
                path: BUILD_INFO.to_owned(),
                recorded: None,
                found: None,
            });
        }
        if let Some(record) = self.compare_output(&bld, "bld/") {
            self.compare_release(release.as_ref(), &record);
        }
        Ok(())
    }

    /// Compares a build output with its record, which it gives.
    fn compare_output(&mut self, dir: &Dir, prefix: &str) -> Option<Record> {
        match Record::read(dir) {
            Ok(Some(record)) => {
                self.record = Some(Compared {
                    // The statement is the record's own.
                    artifacts: record.artifacts.len().saturating_sub(1),
                    sums: record.sums,
                });
                self.add(record.compare(dir), prefix);
                return Some(record);
            }
            Ok(None) => self.undetermined.push(NO_RECORD.to_owned()),
            Err(Error::Refused(fault)) => self.damaged = Some(format!("{prefix}{fault}")),
            Err(error) => self.undetermined.push(error.to_string()),
        }
        None
    }

    fn compare_release(&mut self, dir: Option<&Dir>, record: &Record) {
        let released = published::of_record(record);
        let comparison = match dir {
            Some(dir) => Comparison::new(dir, &released, &[]),
            None => Comparison::with_nothing(&released),
        };
        self.add(comparison, "release/");
    }

    fn add(&mut self, comparison: Comparison, prefix: &str) {
        for mut difference in comparison.differences {
            difference.path.insert_str(0, prefix);
            self.differences.push(difference);
        }
        for error in comparison.undetermined {
            self.undetermined.push(error.to_string());
        }
    }

    /// What nobody recorded is not read: it may be anything.
    fn add_stray(&mut self, entry: &Entry) {
        self.differences.push(Difference {
            path: entry.name.clone(),
            recorded: None,
            found: Some(Found::Other(entry.kind())),
        });
    }
}
