//! What the comparison of one build with its record has shown.

use anyhow::{Error, Result};

use crate::commands::{Outcome, is_of_the_system, release};
use crate::difference::{Comparison, Difference, Found};
use crate::digest::Digest;
use crate::dir::{Dir, Entry};
use crate::record::{NO_RECORD, Record};

/// The peer's own file in each of its builds: the name of the builder.
pub const BUILD_INFO: &str = "build-info.json";

/// The build output in a peer's build.
pub const BLD: &str = "bld";

/// The release output in a peer's build.
const RELEASE: &str = "release";

/// The verdict on one build. It matches when a record was read, and there is nothing else to say.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is not as it was recorded, by path.
    pub differences: Vec<Difference>,
    /// What is wrong with the record.
    pub damaged: Option<String>,
    /// Why something could not be told.
    pub untold: Vec<String>,
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
    /// It cannot be told, because of this error.
    pub fn untold(error: &Error) -> Self {
        let mut verdict = Self::default();
        verdict.cannot_tell(error);
        verdict
    }

    /// It cannot be told any more.
    pub fn disappeared() -> Self {
        Self {
            untold: vec!["disappeared while it was verified".to_owned()],
            ..Self::default()
        }
    }

    /// It cannot be told yet.
    pub fn changed() -> Self {
        Self {
            untold: vec!["changed while it was verified".to_owned()],
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
        } else if self.record.is_none() || !self.untold.is_empty() {
            Outcome::CannotTell
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
            verdict.cannot_tell(&error);
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
                (BUILD_INFO, false) if entry.fault.is_none() => has_info = true,
                (BLD, true) => bld = Some(dir.subdir(BLD)?.as_root()),
                (RELEASE, true) => release = Some(dir.subdir(RELEASE)?.as_root()),
                (name, _) => {
                    has_info |= name == BUILD_INFO;
                    self.add_stray(&entry);
                }
            }
        }
        let Some(bld) = bld else {
            let reason = "there is no folder bld, the peer's copy failed or is under way";
            self.untold.push(reason.to_owned());
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
            Ok(None) => {
                let reason = NO_RECORD;
                self.untold.push(reason.to_owned());
            }
            Err(error) if is_of_the_system(&error) => {
                self.cannot_tell(&error);
            }
            Err(error) => self.damaged = Some(format!("{prefix}{error:#}")),
        }
        None
    }

    fn compare_release(&mut self, dir: Option<&Dir>, record: &Record) {
        let released = release::released(record);
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
        for error in comparison.untold {
            self.cannot_tell(&error);
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

    fn cannot_tell(&mut self, error: &Error) {
        self.untold.push(format!("{error:#}"));
    }
}
