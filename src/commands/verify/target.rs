//! What a PATH is, detected from its contents.
//!
//! ```text
//! build output     SHA256SUMS, build.intoto.json, connection.json, metadata.json, META-INF/
//! a peer's build   build-info.json, bld/ (a build output), release/ (a release output)
//! a peer's builds  LABEL-HASH/ (a peer's build), ...
//! a peer's files   externalbuilder/builds/ (a peer's builds), lifecycle/chaincodes/ (its packages)
//! ```
//!
//! The last three layouts come from Fabric's `core/container/externalbuilder/externalbuilder.go`.

use std::ffi::OsStr;
use std::path::Path;

use super::expected::{Expected, open_folder};
use super::verdict::Verdict;
use crate::error::{Outcome, Result, refused};
use crate::files::{Dir, Entry, join};
use crate::formats::connection::Connection;
use crate::formats::installed::{self, BUILDS, PACKAGES, PackageId};
use crate::layout::{BLD, BUILD_INFO, CONNECTION, RELEASE, SERVER, STATEMENT, SUMS};

/// A directory named on the command line.
pub struct Place {
    dir: Dir,
    entries: Vec<Entry>,
    layout: Layout,
    /// Where the peer keeps its packages, if this is a peer's file system path.
    pub packages: Option<Result<Dir>>,
}

#[derive(PartialEq, Eq)]
enum Layout {
    Output,
    Build,
    Builds,
}

/// Something that gets a verdict of its own.
pub struct Target<'a> {
    pub shown: String,
    /// Whether the summary counts it as a build.
    pub is_build: bool,
    /// The package that it was made from, according to its name.
    pub id: Option<PackageId>,
    place: &'a Place,
    /// Its entry among a peer's builds, or `None` if it is the place itself.
    entry: Option<&'a Entry>,
}

impl Place {
    /// Detects what is at `path`. It is an error if that cannot be verified.
    pub fn find(path: &Path) -> Result<Self> {
        let dir = open_folder(path)?;
        let (packages, builds) = (
            installed::find(&dir, PACKAGES),
            installed::find(&dir, BUILDS),
        );
        if !matches!((&packages, &builds), (Ok(None), Ok(None))) {
            // A peer's file system path; the peer may have built nothing yet.
            let missing = || dir.descend(PACKAGES);
            let packages = packages.and_then(|found| found.map_or_else(missing, Ok));
            let builds = builds?;
            return Ok(Self {
                entries: builds.as_ref().map_or(Ok(Vec::new()), Dir::list)?,
                dir: builds.unwrap_or(dir),
                layout: Layout::Builds,
                packages: Some(packages),
            });
        }
        let entries = dir.list()?;
        let Some(layout) = layout(&dir, &entries) else {
            let (name, shown) = (name_of(&dir).unwrap_or_default(), path.display());
            if [PACKAGES, BUILDS]
                .iter()
                .any(|path| path.split('/').any(|folder| folder == name))
            {
                return refused(format!(
                    "{shown}: is in a peer's file system path, give that instead"
                ));
            }
            return refused(format!(
                "{shown}: is neither a peer's file system path (no {PACKAGES}), nor a folder of builds, nor one of them (no {BUILD_INFO}, no {BLD}), nor a build output (no {SUMS})"
            ));
        };
        Ok(Self {
            dir,
            entries,
            layout,
            packages: None,
        })
    }

    /// The builds and stray entries to verify.
    pub fn targets(&self) -> Vec<Target<'_>> {
        let (dir, path) = (&self.dir, self.dir.path());
        let target = |path: &Path, name: Option<&str>, entry| Target {
            shown: path.display().to_string(),
            is_build: true,
            id: name.and_then(PackageId::of_build),
            place: self,
            entry,
        };
        let among = |entry| {
            if is_build(dir, entry) {
                let name = entry.name.as_str();
                return target(&dir.path_of(name), Some(name), Some(entry));
            }
            Target {
                is_build: false,
                ..target(path, None, Some(entry))
            }
        };
        match self.layout {
            Layout::Output => vec![target(path, None, None)],
            Layout::Build => vec![target(path, name_of(dir).as_deref(), None)],
            Layout::Builds => self.entries.iter().map(among).collect(),
        }
    }
}

impl Target<'_> {
    /// What the peer dials, if it can be read.
    pub fn connection(&self) -> Option<Connection> {
        let name = self.entry.map(|entry| entry.name.as_str());
        let dir = self.place.dir.descend(name.unwrap_or_default()).ok()?;
        // A build output has no release output beside it.
        let released = dir.descend(&join(RELEASE, SERVER));
        let content = released.unwrap_or(dir).read_needed(CONNECTION).ok()?;
        Connection::parse_written(&content).ok()
    }

    /// Compares it with what it should be. If something is missing, compares again: a build that is
    /// just being copied or removed looks different each time.
    pub fn verify(&self, expected: &Expected) -> Verdict {
        self.verify_by(&mut || self.compare(expected))
    }

    fn verify_by(&self, compare: &mut dyn FnMut() -> Verdict) -> Verdict {
        let first = compare();
        if !first.is_incomplete() || !self.is_build {
            return first;
        }
        let second = compare();
        let is_same = (&first.differences, &first.fault) == (&second.differences, &second.fault);
        if is_same || !second.is_incomplete() {
            second
        } else {
            Verdict::undetermined("changed while it was verified, verify it again")
        }
    }

    fn compare(&self, expected: &Expected) -> Verdict {
        let mut verdict = Verdict::default();
        if let Err(error) = self.compare_into(&mut verdict, expected) {
            verdict.undetermined.push(error.advised());
        }
        self.settle(verdict)
    }

    fn compare_into(&self, verdict: &mut Verdict, expected: &Expected) -> Result<()> {
        let dir = &self.place.dir;
        match self.entry {
            Some(entry) if self.is_build => {
                verdict.add_build(&dir.subdir(&entry.name)?.into_root(), expected)?;
            }
            Some(entry) => verdict.add_stray(entry),
            None if self.place.layout == Layout::Output => {
                if let Expected::Undetermined(reason) = expected {
                    verdict.undetermined.push(reason.clone());
                }
                verdict.add_output(&open_folder(dir.path())?, "");
            }
            None => verdict.add_build(&open_folder(dir.path())?, expected)?,
        }
        Ok(())
    }

    /// The verdict, unless the build is gone: a half-removed build looks like one with differences.
    fn settle(&self, verdict: Verdict) -> Verdict {
        if verdict.outcome() == Outcome::Yes {
            return verdict;
        }
        let dir = &self.place.dir;
        let is_gone = match self.entry {
            // A name that is not UTF-8 cannot be looked up again.
            Some(entry) => entry.is_utf8 && matches!(dir.look_up(&entry.name), Ok(None)),
            None => matches!(dir.path().try_exists(), Ok(false)),
        };
        if is_gone {
            return Verdict::undetermined("disappeared while it was verified, verify again");
        }
        verdict
    }
}

fn layout(dir: &Dir, entries: &[Entry]) -> Option<Layout> {
    let has = |name| entries.iter().any(|entry| entry.name == name);
    let is_bld = |entry: &Entry| entry.name == BLD && entry.is_dir();
    if entries.iter().any(is_bld) {
        Some(Layout::Build)
    } else if has(SUMS) || has(STATEMENT) {
        Some(Layout::Output)
    } else if has(BUILD_INFO) {
        Some(Layout::Build)
    } else if has(CONNECTION) {
        // Another builder's.
        Some(Layout::Output)
    } else if entries.iter().any(|entry| is_build(dir, entry)) {
        Some(Layout::Builds)
    } else {
        // Only the directory's name is left to decide: a peer that has built nothing yet has such a
        // `builds`. Any other name means a wrong path, or a directory that has lost its content.
        match name_of(dir)?.as_str() {
            "builds" => Some(Layout::Builds),
            name if entries.is_empty() && PackageId::of_build(name).is_some() => {
                Some(Layout::Build)
            }
            _ => None,
        }
    }
}

/// The directory's real name, whatever path leads to it.
fn name_of(dir: &Dir) -> Option<String> {
    let path = dir.path().canonicalize().ok()?;
    path.file_name().and_then(OsStr::to_str).map(str::to_owned)
}

/// Whether `entry` is one of the builds in `dir`. The right name is enough: a peer that stopped
/// early may have created only the empty directory.
fn is_build(dir: &Dir, entry: &Entry) -> bool {
    let may_hold = |dir: &Dir, name| !matches!(dir.look_up(name), Ok(None));
    let has_parts = |dir: Dir| may_hold(&dir, BUILD_INFO) || may_hold(&dir, BLD);
    entry.is_dir()
        && entry.fault().is_none()
        && (PackageId::of_build(&entry.name).is_some()
            || dir.subdir(&entry.name).is_ok_and(has_parts))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::verdict::Fault;
    use super::*;
    use crate::files::Digest;

    #[test]
    fn a_build_that_looks_incomplete_is_looked_at_again() {
        let builds = tempfile::tempdir().unwrap();
        let build = builds.path().join(format!("basic-{}", Digest::of(b"")));
        fs::create_dir_all(build.join(BLD)).unwrap();
        let place = Place::find(builds.path()).unwrap();
        let fault = |name: &str| Verdict {
            fault: Some(Fault::Unrecorded(name.to_owned())),
            ..Verdict::default()
        };
        let verify = |looks: [Verdict; 2]| {
            let mut looks = looks.into_iter();
            let verdict = place.targets()[0].verify_by(&mut || looks.next().unwrap());
            (verdict.fault.is_some(), verdict.undetermined)
        };
        assert_eq!(verify([fault("a"), fault("a")]), (true, vec![]));
        assert_eq!(verify([fault("a"), Verdict::default()]), (false, vec![]));
        assert_eq!(verify([Verdict::default(), fault("a")]), (false, vec![]));
        let changed = "changed while it was verified, verify it again".to_owned();
        assert_eq!(verify([fault("a"), fault("b")]), (false, vec![changed]));
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
            let before = target.verify(&Expected::Recorded);
            assert_eq!(before.differences.len(), 1, "{:?}", before.differences);
            assert!(target.settle(before).undetermined[0].contains("there is no record"));

            let before = target.verify(&Expected::Recorded);
            fs::remove_dir_all(&build).unwrap();
            for after in [target.settle(before), target.verify(&Expected::Recorded)] {
                assert_eq!(
                    after.undetermined,
                    ["disappeared while it was verified, verify again"]
                );
                assert_eq!(after.differences, []);
            }
        }
    }
}
