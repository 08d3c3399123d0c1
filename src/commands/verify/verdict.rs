//! The result of comparing one build with its record.

use std::collections::BTreeMap;

use crate::commands::Outcome;
use crate::error::{Error, Result};
use crate::files::{Dir, Entry};
use crate::formats::comparison::{Comparison, Difference, Found};
use crate::formats::published;
use crate::formats::record::{NO_RECORD, Record};
use crate::layout::{BLD, BUILD_INFO, META_INF, RELEASE, STATEDB};
use crate::log::Warnings;

/// The verdict on one build. It is a match when a record was read and every other field is empty.
#[derive(Default)]
pub struct Verdict {
    /// What differs from the record, by path.
    pub differences: Vec<Difference>,
    /// What is wrong with the record.
    pub damaged: Option<String>,
    /// Why something could not be determined.
    pub undetermined: Vec<String>,
    /// The record that the build was compared with.
    pub record: Option<Record>,
}

impl Verdict {
    /// A verdict that only says why nothing could be determined.
    pub fn undetermined(reason: &str) -> Self {
        Self {
            undetermined: vec![reason.to_owned()],
            ..Self::default()
        }
    }

    /// Whether something is missing, or the record cannot be read.
    pub fn is_incomplete(&self) -> bool {
        let is_missing = |difference: &Difference| difference.found.is_none();
        self.damaged.is_some() || self.differences.iter().any(is_missing)
    }

    /// Whether the other verdict has the same differences.
    pub fn says_as_much_as(&self, other: &Self) -> bool {
        (&self.differences, &self.damaged) == (&other.differences, &other.damaged)
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

    /// Compares a peer's build with its record.
    pub fn add_build(&mut self, dir: &Dir) -> Result<()> {
        let (mut bld, mut release, mut has_info) = (None, None, false);
        for entry in dir.list()? {
            has_info |= entry.name == BUILD_INFO;
            match (entry.name.as_str(), entry.is_dir()) {
                (BUILD_INFO, false) if entry.fault().is_none() => {}
                (BLD, true) => bld = Some(dir.subdir(BLD)?.into_root()),
                (RELEASE, true) => release = Some(dir.subdir(RELEASE)?.into_root()),
                _ => self.add_stray(&entry),
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
        self.add_output(&bld, "bld/");
        if let Some(record) = self.record.take() {
            self.add_release(release.as_ref(), &record, &bld);
            self.record = Some(record);
        }
        Ok(())
    }

    /// Compares a build output with its record.
    pub fn add_output(&mut self, dir: &Dir, prefix: &str) {
        match Record::read(dir) {
            Ok(Some(record)) => {
                self.add(record.compare(dir), prefix);
                self.record = Some(record);
            }
            Ok(None) => self.undetermined.push(NO_RECORD.to_owned()),
            Err(Error::Refused(fault)) => self.damaged = Some(format!("{prefix}{fault}")),
            Err(error) => self.undetermined.push(error.to_string()),
        }
    }

    /// Compares a release output with what is published of the build output `bld`, which is
    /// compared with `record` already.
    fn add_release(&mut self, release: Option<&Dir>, record: &Record, bld: &Dir) {
        let mut judged = BTreeMap::new();
        let walked = published::walk(bld, &mut Warnings::default(), |path, found| {
            judged.insert(path, found.is_published);
            Ok(())
        });
        if let Err(Error::Failed(reason)) = walked
            && !self.undetermined.contains(&reason)
        {
            self.undetermined.push(reason);
        }
        for difference in &self.differences {
            difference
                .path
                .strip_prefix("bld/")
                .map(|path| judged.remove(path));
        }
        let published = published::of_build(
            record
                .artifacts
                .iter()
                .map(|file| (&*file.path, file.digest)),
            &judged,
        );
        let mut comparison = match release {
            Some(dir) => Comparison::new(dir, &published, &[]),
            None => Comparison::with_nothing(&published),
        };
        // A definition that cannot be judged may be missing because it is not published.
        let is_judged = |path: &str| judged.contains_key(&format!("{META_INF}/{path}"));
        comparison
            .differences
            .retain(|Difference { path, found, .. }| {
                found.is_some() || !path.starts_with(STATEDB) || is_judged(path)
            });
        self.add(comparison, "release/");
    }

    fn add(&mut self, comparison: Comparison, prefix: &str) {
        for mut difference in comparison.differences {
            difference.path.insert_str(0, prefix);
            self.differences.push(difference);
        }
        let undetermined = comparison.undetermined.iter().map(Error::to_string);
        self.undetermined.extend(undetermined);
    }

    /// Adds an unrecorded entry without reading it: it may be anything.
    pub fn add_stray(&mut self, entry: &Entry) {
        self.differences.push(Difference {
            path: entry.name.clone(),
            recorded: None,
            found: Some(Found::Other(entry.kind())),
        });
    }
}
