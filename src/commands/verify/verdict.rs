//! The result of comparing one build with what its package makes, or with its record.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use super::expected::Expected;
use crate::builder::recompute::{Outputs, Recipe};
use crate::error::{Error, Outcome, Result};
use crate::files::{Digest, Dir, Entry};
use crate::findings::Warnings;
use crate::formats::comparison::{Comparison, Difference, Found, Origin};
use crate::formats::record::{NO_RECORD, Record};
use crate::formats::{installed, published};
use crate::layout::{
    BLD, BUILD_INFO, CONNECTION, META_INF, RELEASE, SERVER, STATEDB, STATEMENT, SUMS,
};

/// The verdict on one build. [`outcome`](Self::outcome) says what decides.
#[derive(Default)]
pub struct Verdict {
    pub differences: Vec<Difference>,
    pub origin: Origin,
    pub fault: Option<Fault>,
    pub undetermined: Vec<String>,
    pub compared: Option<Compared>,
    /// How many of the differences are about what belongs to no build, and `rebuild` leaves.
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
    pub other: Option<String>,
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
    pub fn is_incomplete(&self) -> bool {
        let is_missing = |difference: &Difference| difference.found.is_none();
        self.fault.is_some() || self.differences.iter().any(is_missing)
    }

    pub fn outcome(&self) -> Outcome {
        if !self.differences.is_empty() || self.fault.is_some() {
            Outcome::No
        } else if self.other.is_some() {
            Outcome::Yes
        } else if self.compared.is_none() || !self.undetermined.is_empty() {
            Outcome::Undetermined
        } else {
            Outcome::Yes
        }
    }

    /// Compares a peer's build with what it should be.
    pub fn add_build(&mut self, dir: &Dir, expected: &Expected) -> Result<()> {
        match expected {
            Expected::Recorded => {}
            Expected::Made(..) => self.origin = Origin::Package,
            Expected::Undetermined(reason) => self.undetermined.push(reason.clone()),
            Expected::Wrong(reason) => self.fault = Some(Fault::Mismatch(reason.clone())),
            Expected::Other(package_type) => {
                self.other = Some(package_type.clone());
                return Ok(());
            }
        }
        let (mut bld, mut release, mut info) = (None, None, None);
        for entry in dir.list()? {
            if entry.name == BUILD_INFO {
                info = Some(entry.fault().is_none() && !entry.is_dir());
            }
            match (entry.name.as_str(), entry.is_dir()) {
                (BUILD_INFO, false) if entry.fault().is_none() => {}
                (BLD, true) => bld = Some(dir.subdir(BLD)?.into_root()),
                (RELEASE, true) => release = Some(dir.subdir(RELEASE)?.into_root()),
                _ => self.add_stray(&entry),
            }
        }
        let Some(bld) = bld else {
            let reason = "there is no folder bld: the peer is still copying it, or could not; if \
                          it could not, run rebuild, after installing the package again if it is no \
                          longer there";
            self.undetermined.push(reason.to_owned());
            return Ok(());
        };
        if info.is_none() {
            self.differences.push(Difference {
                path: BUILD_INFO.to_owned(),
                expected: None,
                found: None,
            });
        }
        self.add_exposed(&bld);
        if let Some(Ok(server)) = release.as_ref().map(|release| release.descend(SERVER)) {
            self.add_exposed(&server);
        }
        if let Expected::Made(recipe, connection) = expected {
            self.add_made(recipe, *connection, &bld, release.as_ref())?;
        } else if let Some(record) = self.add_output(&bld, "bld/") {
            self.add_release(release.as_ref(), &record, &bld);
        }
        if info == Some(true) {
            self.add_builder(dir)?;
        }
        if self.outcome() == Outcome::Yes && !self.unverified.is_empty() {
            self.undetermined.push(format!(
                "it matches, but the templated fields of {CONNECTION} ({}) were compared only with \
                 the record: give this peer's config with --config",
                self.unverified.join(", ")
            ));
        }
        Ok(())
    }

    /// Reads the builder's name, without which the peer cannot start the chaincode.
    fn add_builder(&mut self, dir: &Dir) -> Result<()> {
        self.builder = installed::builder(dir)?;
        if self.builder.is_none() {
            let reason =
                "does not name a builder, so the peer cannot start the chaincode: run rebuild";
            let fault = Fault::Mismatch(format!("{BUILD_INFO}: {reason}"));
            self.fault.get_or_insert(fault);
        }
        Ok(())
    }

    /// Compares a peer's build with what its package makes, with a connection.json of this digest
    /// if that is known.
    fn add_made(
        &mut self,
        recipe: &Recipe,
        connection: Option<Digest>,
        bld: &Dir,
        release: Option<&Dir>,
    ) -> Result<()> {
        let has = |name| bld.look_up(name).map(|found| found.is_some());
        if !has(SUMS)? && !has(STATEMENT)? {
            if has(CONNECTION)? {
                let reason = "another builder made it, or the record was removed: rebuild --dry-run \
                              says what would change, and rebuild gives it one; keep a copy first \
                              if you want to find out who changed it";
                self.fault = Some(Fault::Unrecorded(reason.to_owned()));
            } else {
                let reason = "bld has neither a record nor a connection.json: the peer is still \
                              copying it, or could not; if it could not, run rebuild";
                self.undetermined.push(reason.to_owned());
            }
            return Ok(());
        }
        let (outputs, unverified) = match connection {
            Some(digest) => (recipe.outputs(digest)?, Vec::new()),
            None => match self.add_templates(recipe, bld)? {
                Some(known) => known,
                None => return Ok(()),
            },
        };
        self.add(Comparison::new(Some(bld), &outputs.bld, &[]), "bld/");
        self.add(Comparison::new(release, &outputs.release, &[]), "release/");
        self.compared = Some(Compared {
            artifacts: outputs.artifacts,
            sums: outputs.sums,
        });
        self.unverified = unverified;
        let is_changed = |difference: &Difference| difference.path == "bld/connection.json";
        if connection.is_some()
            && recipe.draft.has_templates()
            && self.differences.iter().any(is_changed)
        {
            let mut other = Self::default();
            other.add_made(recipe, None, bld, release)?;
            self.is_of_other_config =
                other.outcome() == Outcome::Yes && !other.unverified.is_empty();
        }
        Ok(())
    }

    /// Notes a connection.json in `dir` that other users may read or write: it may hold a key.
    fn add_exposed(&mut self, dir: &Dir) {
        if let Ok(Some(found)) = dir.look_up(CONNECTION)
            && found.listed().is_file()
            && found.listed().mode() & 0o006 != 0
        {
            self.exposed
                .push(dir.path_of(CONNECTION).display().to_string());
        }
    }

    /// Checks that some config could have turned the package's connection.json into the one found.
    /// Returns the outputs with that connection.json (or with the recorded one, if the record is the
    /// package's) and the fields that only the config determines; `None` if there is none to read.
    fn add_templates(
        &mut self,
        recipe: &Recipe,
        bld: &Dir,
    ) -> Result<Option<(Outputs, Vec<&'static str>)>> {
        let content = bld.read_needed(CONNECTION);
        if let Ok(Some(record)) = Record::read(bld)
            && let Some(digest) = record.digest(CONNECTION)
        {
            let outputs = recipe.outputs(digest)?;
            if outputs.sums == record.sums {
                self.origin = Origin::Templates;
                let is_recorded = |content: &Vec<u8>| Digest::of(content) == digest;
                if !content.as_ref().is_ok_and(is_recorded) {
                    return Ok(Some((outputs, Vec::new())));
                }
            }
        }
        let mut mismatch = |reason| self.fault = Some(Fault::Connection(format!("{BLD}/{reason}")));
        let content = match content {
            Err(Error::Refused(reason)) => {
                mismatch(reason);
                return Ok(None);
            }
            content => content?,
        };
        let agreed = recipe.draft.agrees(&content).unwrap_or_else(|error| {
            mismatch(format!("{CONNECTION}: {error:#}"));
            Vec::new()
        });
        Ok(Some((recipe.outputs(Digest::of(&content))?, agreed)))
    }

    /// Compares a build output with its record, and returns the record.
    pub fn add_output(&mut self, dir: &Dir, prefix: &str) -> Option<Record> {
        match Record::read(dir) {
            Ok(Some(record)) => {
                self.add(record.compare(dir), prefix);
                self.compared = Some(Compared {
                    // Counts as `build` and `release` do in the peer's log: without the statement,
                    // which is part of the record.
                    artifacts: record.artifacts.len().saturating_sub(1),
                    sums: record.sums,
                });
                return Some(record);
            }
            Ok(None) => {
                let reason = if prefix.is_empty() {
                    format!("{NO_RECORD}; use check if it is a source folder")
                } else {
                    format!("{NO_RECORD}; --packages verifies from its package")
                };
                self.undetermined.push(reason);
            }
            Err(Error::Refused(fault)) => {
                let damaged = Fault::Damaged(format!("{prefix}{fault}"));
                self.fault.get_or_insert(damaged);
            }
            Err(error) => self.undetermined.push(error.advised()),
        }
        None
    }

    /// Compares a release output with what is published from the build output `bld`, which has
    /// already been compared with `record`.
    fn add_release(&mut self, release: Option<&Dir>, record: &Record, bld: &Dir) {
        let mut judged = BTreeMap::new();
        let walked = published::walk(bld, &mut Warnings::default(), &mut |path, found| {
            judged.insert(path, found.is_published);
            Ok(())
        });
        if let Err(error @ (Error::Failed(_) | Error::Denied(_))) = walked {
            let reason = error.advised();
            if !self.undetermined.contains(&reason) {
                self.undetermined.push(reason);
            }
        }
        // What has changed since says nothing about what was published then.
        for difference in &self.differences {
            if let Some(path) = difference.path.strip_prefix("bld/") {
                judged.remove(path);
            }
        }
        let is_withheld = |path: &str| judged.get(path) == Some(&false);
        let published = published::of_build(&record.artifacts, &is_withheld);
        let mut comparison = Comparison::new(release, &published, &[]);
        // A definition that cannot be checked may be missing because it is not published.
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
