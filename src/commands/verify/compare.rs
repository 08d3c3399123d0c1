//! Compares a target with what its package produces, or with its record.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use super::expected::{Expected, FromPackage};
use super::target::{Kind, Target};
use super::verdict::{Compared, Fault, Verdict};
use crate::builder::recompute::{Outputs, Recipe};
use crate::error::{Error, Outcome, Result};
use crate::files::{Digest, Dir, join};
use crate::findings::Warnings;
use crate::formats::comparison::{Basis, Comparison, Difference};
use crate::formats::judge::below;
use crate::formats::record::{NO_RECORD, Record};
use crate::formats::{installed, published};
use crate::layout::{
    BLD, BUILD_INFO, CONNECTION, META_INF, RELEASE, SERVER, STATEDB, STATEMENT, SUMS,
};

/// The verdict on `target`. A build that may be unfinished is compared again: one that is just being
/// copied or removed looks different each time.
pub fn verdict(target: &Target, expected: &Expected) -> Verdict {
    let first = look(target, expected);
    if first.may_be_unfinished() && target.is_build() {
        settle(&first, look(target, expected))
    } else {
        first
    }
}

/// The verdict after a first and a second look.
fn settle(first: &Verdict, second: Verdict) -> Verdict {
    let is_same = (&first.differences, &first.fault) == (&second.differences, &second.fault);
    if is_same || !second.may_be_unfinished() {
        second
    } else {
        Verdict::undetermined("changed while it was verified; verify it again")
    }
}

fn look(target: &Target, expected: &Expected) -> Verdict {
    let mut verdict = Verdict::default();
    if let Err(error) = compare(&mut verdict, target, expected) {
        verdict.undetermined.push(error.advised());
    }
    unless_gone(target, verdict)
}

/// The verdict, unless the target is gone: a half-removed build looks like one with differences.
fn unless_gone(target: &Target, verdict: Verdict) -> Verdict {
    if verdict.outcome() != Outcome::Yes && target.is_gone() {
        return Verdict::undetermined("disappeared while it was verified; verify again");
    }
    verdict
}

fn compare(verdict: &mut Verdict, target: &Target, expected: &Expected) -> Result<()> {
    match target.kind {
        Kind::Stray(entry) => verdict.add_stray(entry),
        Kind::Output => {
            if let Expected::Undetermined(reason) = expected {
                verdict.undetermined.push(reason.clone());
            }
            compare_with_record(verdict, &target.open()?, "");
        }
        Kind::Build | Kind::Among(_) => compare_build(verdict, &target.open()?, expected)?,
    }
    Ok(())
}

/// Compares a peer's build with what it should be.
fn compare_build(verdict: &mut Verdict, dir: &Dir, expected: &Expected) -> Result<()> {
    match expected {
        Expected::Recorded => {}
        Expected::Made(..) => verdict.basis = Basis::Package,
        Expected::Undetermined(reason) => verdict.undetermined.push(reason.clone()),
        Expected::Wrong(reason) => verdict.fault = Some(Fault::Mismatch(reason.clone())),
        Expected::Foreign(package_type) => {
            verdict.foreign_type = Some(package_type.clone());
            return Ok(());
        }
    }
    let Some(build) = Build::open(verdict, dir)? else {
        return Ok(());
    };
    if build.info.is_none() {
        verdict.differences.push(Difference {
            path: BUILD_INFO.to_owned(),
            expected: None,
            found: None,
        });
    }
    add_exposed(verdict, &build.bld);
    if let Some(release) = &build.release
        && let Ok(server) = release.descend(SERVER)
    {
        add_exposed(verdict, &server);
    }
    if let Expected::Made(made) = expected {
        build.compare_with_package(verdict, made)?;
    } else if let Some(record) = compare_with_record(verdict, &build.bld, BLD) {
        build.compare_release(verdict, &record);
    }
    if build.info == Some(true) {
        add_builder(verdict, dir)?;
    }
    if verdict.outcome() == Outcome::Yes && !verdict.unverified.is_empty() {
        verdict.undetermined.push(format!(
            "it matches, but the templated fields of {CONNECTION} ({}) were compared only with the \
             record: give this peer's config with --config",
            verdict.unverified.join(", ")
        ));
    }
    Ok(())
}

/// Notes a connection.json in `dir` that other users may read or write: it may hold a key.
fn add_exposed(verdict: &mut Verdict, dir: &Dir) {
    if let Ok(Some(found)) = dir.look_up(CONNECTION)
        && found.listed().is_file()
        && found.listed().mode() & 0o006 != 0
    {
        let path = dir.path_of(CONNECTION).display().to_string();
        verdict.exposed.push(path);
    }
}

/// Reads the builder's name, without which the peer cannot start the chaincode.
fn add_builder(verdict: &mut Verdict, dir: &Dir) -> Result<()> {
    verdict.builder = installed::builder(dir)?;
    if verdict.builder.is_none() {
        let reason = "does not name a builder, so the peer cannot start the chaincode: run rebuild";
        let fault = Fault::Mismatch(format!("{BUILD_INFO}: {reason}"));
        verdict.fault.get_or_insert(fault);
    }
    Ok(())
}

/// Compares a build output with its record, and returns the record.
fn compare_with_record(verdict: &mut Verdict, dir: &Dir, folder: &str) -> Option<Record> {
    match Record::read(dir) {
        Ok(Some(record)) => {
            verdict.add(record.compare(dir), folder);
            verdict.compared = Some(Compared {
                // Counts as `build` and `release` do in the peer's log: without the statement,
                // which is part of the record.
                artifacts: record.artifacts.len().saturating_sub(1),
                sums: record.sums,
            });
            return Some(record);
        }
        Ok(None) => {
            let reason = if folder.is_empty() {
                format!("{NO_RECORD}; use check if it is a source folder")
            } else {
                format!("{NO_RECORD}; verify it from its package with --packages")
            };
            verdict.undetermined.push(reason);
        }
        Err(Error::Refused(fault)) => {
            let damaged = Fault::Damaged(join(folder, &fault));
            verdict.fault.get_or_insert(damaged);
        }
        Err(error) => verdict.undetermined.push(error.advised()),
    }
    None
}

/// What there is in the folder of a peer's build.
struct Build {
    bld: Dir,
    release: Option<Dir>,
    /// Whether build-info.json can be read, if it is there.
    info: Option<bool>,
}

impl Build {
    /// Opens the parts of the build in `dir`; anything else is a stray. Without a `bld`, nothing
    /// can be determined.
    fn open(verdict: &mut Verdict, dir: &Dir) -> Result<Option<Self>> {
        let (mut bld, mut release, mut info) = (None, None, None);
        for entry in dir.list()? {
            match (entry.name.as_str(), entry.is_dir()) {
                (BUILD_INFO, is_dir) => {
                    let is_usable = !is_dir && entry.fault().is_none();
                    info = Some(is_usable);
                    if !is_usable {
                        verdict.add_stray(&entry);
                    }
                }
                (BLD, true) => bld = Some(dir.subdir(BLD)?.into_root()),
                (RELEASE, true) => release = Some(dir.subdir(RELEASE)?.into_root()),
                _ => verdict.add_stray(&entry),
            }
        }
        let Some(bld) = bld else {
            let reason = "there is no folder bld: the peer is still copying it, or could not; if it \
                          could not, run rebuild, after installing the package again if it is no \
                          longer there";
            verdict.undetermined.push(reason.to_owned());
            return Ok(None);
        };
        Ok(Some(Self { bld, release, info }))
    }

    /// Compares the build with what its package produces.
    fn compare_with_package(&self, verdict: &mut Verdict, made: &FromPackage) -> Result<()> {
        let has = |name| self.bld.look_up(name).map(|found| found.is_some());
        if !has(SUMS)? && !has(STATEMENT)? {
            if has(CONNECTION)? {
                let reason = "another builder made it, or the record was removed: rebuild --dry-run \
                              says what would change, and rebuild gives it one; keep a copy first \
                              if you want to find out who changed it";
                verdict.fault = Some(Fault::Unrecorded(reason.to_owned()));
            } else {
                let reason = "bld has neither a record nor a connection.json: the peer is still \
                              copying it, or could not; if it could not, run rebuild";
                verdict.undetermined.push(reason.to_owned());
            }
            return Ok(());
        }
        let recipe = &made.recipe;
        let Some(connection) = made.connection else {
            return self.compare_with_templates(verdict, recipe);
        };
        self.compare_with_outputs(verdict, &recipe.outputs(connection)?);
        let is_changed = |difference: &Difference| below(BLD, &difference.path) == CONNECTION;
        if recipe.draft.has_templates() && verdict.differences.iter().any(is_changed) {
            let mut other = Verdict::default();
            self.compare_with_templates(&mut other, recipe)?;
            verdict.is_of_other_config =
                other.outcome() == Outcome::Yes && !other.unverified.is_empty();
        }
        Ok(())
    }

    fn compare_with_outputs(&self, verdict: &mut Verdict, outputs: &Outputs) {
        let compare = |dir, expected| Comparison::new(dir, expected, &[]);
        verdict.add(compare(Some(&self.bld), &outputs.bld), BLD);
        verdict.add(compare(self.release.as_ref(), &outputs.release), RELEASE);
        verdict.compared = Some(Compared {
            artifacts: outputs.artifacts,
            sums: outputs.sums,
        });
    }

    /// Compares the build with what its package can produce with any config. If the record is what
    /// the package makes with the recorded connection.json, the build is compared with that.
    /// Otherwise some config must be able to make the connection.json that is found, and the rest of
    /// the build is compared with what goes with it.
    fn compare_with_templates(&self, verdict: &mut Verdict, recipe: &Recipe) -> Result<()> {
        let content = self.bld.read_needed(CONNECTION);
        if let Ok(Some(record)) = Record::read(&self.bld)
            && let Some(digest) = record.digest(CONNECTION)
        {
            let outputs = recipe.outputs(digest)?;
            if outputs.sums == record.sums {
                verdict.basis = Basis::Templates;
                let is_recorded = |content: &Vec<u8>| Digest::of(content) == digest;
                if !content.as_ref().is_ok_and(is_recorded) {
                    self.compare_with_outputs(verdict, &outputs);
                    return Ok(());
                }
            }
        }
        let mismatch = |reason| Some(Fault::Connection(format!("{BLD}/{reason}")));
        let content = match content {
            Err(Error::Refused(reason)) => {
                verdict.fault = mismatch(reason);
                return Ok(());
            }
            content => content?,
        };
        match recipe.draft.unverified_fields(&content) {
            Ok(fields) => verdict.unverified = fields,
            Err(error) => verdict.fault = mismatch(format!("{CONNECTION}: {error:#}")),
        }
        self.compare_with_outputs(verdict, &recipe.outputs(Digest::of(&content))?);
        Ok(())
    }

    /// Compares the release output with what is published from the build output, which has already
    /// been compared with `record`.
    fn compare_release(&self, verdict: &mut Verdict, record: &Record) {
        let mut judged = BTreeMap::new();
        let walked = published::walk(&self.bld, &mut Warnings::default(), &mut |path, found| {
            judged.insert(path, found.is_published);
            Ok(())
        });
        // A refusal is among the differences already, or undetermined if it is about a limit.
        if let Err(error @ (Error::Failed(_) | Error::Denied(_))) = walked {
            let reason = error.advised();
            if !verdict.undetermined.contains(&reason) {
                verdict.undetermined.push(reason);
            }
        }
        // What has changed since says nothing about what was published then.
        for difference in &verdict.differences {
            judged.remove(below(BLD, &difference.path));
        }
        let is_withheld = |path: &str| judged.get(path) == Some(&false);
        let published = published::of_build(&record.artifacts, &is_withheld);
        let mut comparison = Comparison::new(self.release.as_ref(), &published, &[]);
        // A definition that cannot be checked may be missing because it is not published.
        let is_judged = |path: &str| judged.contains_key(&format!("{META_INF}/{path}"));
        comparison
            .differences
            .retain(|Difference { path, found, .. }| {
                found.is_some() || !path.starts_with(STATEDB) || is_judged(path)
            });
        verdict.add(comparison, RELEASE);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::target::Place;
    use super::*;
    use crate::files::Digest;

    #[test]
    fn a_build_that_looks_incomplete_is_looked_at_again() {
        let fault = |name: &str| Verdict {
            fault: Some(Fault::Unrecorded(name.to_owned())),
            ..Verdict::default()
        };
        let settled = |first, second| {
            let verdict = settle(&first, second);
            (verdict.fault.is_some(), verdict.undetermined)
        };
        // What looks finished is not looked at again.
        assert!(fault("a").may_be_unfinished());
        assert!(!Verdict::default().may_be_unfinished());
        assert_eq!(settled(fault("a"), fault("a")), (true, vec![]));
        assert_eq!(settled(fault("a"), Verdict::default()), (false, vec![]));
        let changed = "changed while it was verified; verify it again".to_owned();
        assert_eq!(settled(fault("a"), fault("b")), (false, vec![changed]));
    }

    #[test]
    fn a_build_that_disappears_cannot_be_determined() {
        let builds = tempfile::tempdir().unwrap();
        let build = builds.path().join(format!("basic-{}", Digest::of(b"")));
        fs::create_dir_all(build.join(BLD)).unwrap();
        for path in [builds.path(), &build] {
            fs::create_dir_all(build.join(BLD)).unwrap();
            let place = Place::find(path).unwrap();
            let targets = place.targets();
            let [target] = targets.as_slice() else {
                panic!("{path:?}")
            };
            let before = verdict(target, &Expected::Recorded);
            assert_eq!(before.differences.len(), 1, "{:?}", before.differences);
            assert!(unless_gone(target, before).undetermined[0].contains("there is no record"));

            let before = verdict(target, &Expected::Recorded);
            fs::remove_dir_all(&build).unwrap();
            for after in [
                unless_gone(target, before),
                verdict(target, &Expected::Recorded),
            ] {
                assert_eq!(
                    after.undetermined,
                    ["disappeared while it was verified; verify again"]
                );
                assert_eq!(after.differences, []);
            }
        }
    }
}
