//! What a PATH is, told by what is in it.
//!
//! ```text
//! build output     SHA256SUMS, build.intoto.json, connection.json, metadata.json, META-INF/
//! a peer's build   build-info.json, bld/ (a build output), release/ (a release output)
//! a peer's builds  LABEL-HASH/ (a peer's build), ...
//! ```
//!
//! The last two are those of Fabric's `core/container/externalbuilder/externalbuilder.go`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::verdict::Verdict;
use crate::error::{Result, refused};
use crate::files::{Digest, Dir, Entry};
use crate::layout::{BLD, BUILD_INFO, CONNECTION, STATEMENT, SUMS};

/// Something that gets a verdict of its own.
pub struct Target {
    /// Where it is, for messages.
    pub shown: String,
    place: Place,
}

enum Place {
    /// A build output or a peer's build that was named.
    Named(PathBuf),
    /// A build in a peer's builds.
    Among(Rc<Dir>, String),
    /// Something in a peer's builds that is none.
    Stray(Rc<Dir>, Entry),
}

/// What a directory is.
#[derive(Debug, PartialEq, Eq)]
enum Layout {
    Output,
    Build,
    Builds,
}

impl Target {
    /// What there is to verify at `path`.
    ///
    /// # Errors
    /// When it cannot be read, or is nothing that can be verified.
    pub fn find(path: &Path) -> Result<Vec<Self>> {
        let dir = Dir::open(path)?.with_hard_links();
        let entries = dir.list()?;
        match Layout::of(path, &dir, &entries) {
            None => refused(format!(
                "{}: is no build output (no {SUMS}), no build of a peer (no {BUILD_INFO}, no {BLD}) and no folder of such builds",
                path.display()
            )),
            Some(Layout::Output | Layout::Build) => Ok(vec![Self {
                shown: path.display().to_string(),
                place: Place::Named(path.to_owned()),
            }]),
            Some(Layout::Builds) => {
                let dir = Rc::new(dir);
                let targets = entries
                    .into_iter()
                    .map(|entry| Self::among(path, &dir, entry));
                Ok(targets.collect())
            }
        }
    }

    fn among(path: &Path, dir: &Rc<Dir>, entry: Entry) -> Self {
        if is_build(dir, &entry) {
            Self {
                shown: path.join(&entry.name).display().to_string(),
                place: Place::Among(Rc::clone(dir), entry.name),
            }
        } else {
            Self {
                shown: path.display().to_string(),
                place: Place::Stray(Rc::clone(dir), entry),
            }
        }
    }

    /// Whether it is a build, and so counts as one.
    pub fn is_build(&self) -> bool {
        !matches!(self.place, Place::Stray(..))
    }

    /// Compares it with its record. Where something is missing it is compared once more: a build that is being copied or removed at
    /// this moment looks different each time.
    pub fn verify(&self) -> Verdict {
        let first = self.compare();
        if !first.is_incomplete() || !self.is_build() {
            return first;
        }
        let second = self.compare();
        if first.says_as_much_as(&second) || !second.is_incomplete() {
            second
        } else {
            Verdict::undetermined(&"changed while it was verified")
        }
    }

    fn compare(&self) -> Verdict {
        let verdict = match &self.place {
            Place::Named(path) => verify_named(path),
            Place::Among(dir, name) => dir
                .subdir(name)
                .map(|dir| Verdict::of_build(&dir.into_root())),
            Place::Stray(_, entry) => Ok(Verdict::of_stray(entry)),
        };
        self.settle(verdict.unwrap_or_else(|error| Verdict::undetermined(&error)))
    }

    /// The verdict, unless the build is gone: half of one that is being removed looks like differences.
    fn settle(&self, verdict: Verdict) -> Verdict {
        if verdict.matches() || !self.is_gone() {
            verdict
        } else {
            Verdict::undetermined(&"disappeared while it was verified")
        }
    }

    fn is_gone(&self) -> bool {
        match &self.place {
            Place::Named(path) => matches!(path.try_exists(), Ok(false)),
            Place::Among(dir, name) => matches!(dir.look_up(name), Ok(None)),
            // A name that is not UTF-8 cannot be looked up again.
            Place::Stray(dir, entry) => {
                entry.is_utf8 && matches!(dir.look_up(&entry.name), Ok(None))
            }
        }
    }
}

fn verify_named(path: &Path) -> Result<Verdict> {
    let dir = Dir::open(path)?.with_hard_links();
    Ok(match Layout::of(path, &dir, &dir.list()?) {
        Some(Layout::Output) => Verdict::of_output(&dir),
        _ => Verdict::of_build(&dir),
    })
}

impl Layout {
    fn of(path: &Path, dir: &Dir, entries: &[Entry]) -> Option<Self> {
        let has = |name| entries.iter().any(|entry| entry.name == name);
        let has_bld = entries
            .iter()
            .any(|entry| entry.name == BLD && entry.is_dir());
        if has_bld {
            Some(Self::Build)
        } else if has(SUMS) || has(STATEMENT) {
            Some(Self::Output)
        } else if has(BUILD_INFO) {
            Some(Self::Build)
        } else if has(CONNECTION) {
            // Another builder's.
            Some(Self::Output)
        } else if entries.iter().any(|entry| is_build(dir, entry)) {
            Some(Self::Builds)
        } else {
            Self::of_name(path, entries.is_empty())
        }
    }

    /// What a directory without a build in it is, by the name that it has itself: a peer that has built nothing yet has such `builds`.
    /// Another name is a wrong path, or one that has lost what was in it.
    fn of_name(path: &Path, is_empty: bool) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        match path.file_name().and_then(OsStr::to_str)? {
            "builds" => Some(Self::Builds),
            name if is_empty && is_builds_name(name) => Some(Self::Build),
            _ => None,
        }
    }
}

/// Whether `entry` is one of the builds in `dir`: also by its name, as a peer that stopped early has made no more.
fn is_build(dir: &Dir, entry: &Entry) -> bool {
    let has_parts = |dir: Dir| {
        [BUILD_INFO, BLD]
            .iter()
            .any(|name| !matches!(dir.look_up(name), Ok(None)))
    };
    entry.is_dir()
        && entry.fault().is_none()
        && (is_builds_name(&entry.name) || dir.subdir(&entry.name).is_ok_and(has_parts))
}

/// Whether a peer names its builds so: `LABEL-HASH`, a package ID in which `-` stands for `:`.
fn is_builds_name(name: &str) -> bool {
    let is_hash = |text: &str| text.parse::<Digest>().is_ok();
    matches!(name.rsplit_once('-'), Some((label, hash)) if !label.is_empty() && is_hash(hash))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_build_that_disappears_cannot_be_told() {
        let builds = tempfile::tempdir().unwrap();
        let build = builds.path().join(format!("basic-{}", Digest::of(b"")));
        fs::create_dir_all(build.join(BLD)).unwrap();
        for path in [builds.path(), &build] {
            fs::create_dir_all(build.join(BLD)).unwrap();
            let targets = Target::find(path).unwrap();
            let [target] = targets.as_slice() else {
                panic!("{path:?}")
            };
            let before = target.verify();
            assert_eq!(before.differences.len(), 1, "{before:?}");
            assert!(target.settle(before).undetermined[0].contains("there is no record"));

            let before = target.verify();
            fs::remove_dir_all(&build).unwrap();
            for after in [target.settle(before), target.verify()] {
                assert_eq!(after.undetermined, ["disappeared while it was verified"]);
                assert!(after.differences.is_empty(), "{after:?}");
            }
        }
    }

    #[test]
    fn builds_are_named_after_package_ids() {
        let hash = Digest::of(b"").to_string();
        for name in [format!("a-{hash}"), format!("a-b_1.0+c-{hash}")] {
            assert!(is_builds_name(&name), "{name}");
        }
        for name in [
            hash.clone(),
            format!("-{hash}"),
            format!("a{hash}"),
            format!("a-{}", &hash[1..]),
            format!("a-{}", hash.to_uppercase()),
        ] {
            assert!(!is_builds_name(&name), "{name}");
        }
    }
}
