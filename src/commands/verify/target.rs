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

use super::expected::Own;
use crate::commands::arguments::folder;
use crate::error::{Result, refused};
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
    pub own: Own,
}

enum Layout {
    Output,
    Build,
    Builds,
}

/// Something that gets a verdict of its own.
pub struct Target<'a> {
    pub shown: String,
    pub kind: Kind<'a>,
    /// The package that it was made from, according to its name.
    pub id: Option<PackageId>,
    /// The place's directory: the target itself for [`Kind::Output`] and [`Kind::Build`], otherwise
    /// the folder that the entry is in.
    dir: &'a Dir,
}

/// What a target is, and where.
pub enum Kind<'a> {
    /// A build output, which is the place itself.
    Output,
    /// A peer's build, which is the place itself.
    Build,
    /// A build among a peer's builds.
    Among(&'a Entry),
    /// Anything else among a peer's builds.
    Stray(&'a Entry),
}

impl Place {
    /// Detects what is at `path`. It is an error if that cannot be verified.
    pub fn find(path: &Path) -> Result<Self> {
        let dir = folder(path)?;
        let (packages, builds) = (
            installed::find(&dir, PACKAGES),
            installed::find(&dir, BUILDS),
        );
        if !matches!((&packages, &builds), (Ok(None), Ok(None))) {
            // A peer's file system path; the peer may have built nothing yet.
            // Opening its packages gives the error that names the missing folder.
            let missing = || dir.descend(PACKAGES);
            let packages = packages.and_then(|found| found.map_or_else(missing, Ok));
            let own = packages.map_or_else(Own::Unreadable, Own::Folder);
            let builds = builds?;
            return Ok(Self {
                entries: builds.as_ref().map_or(Ok(Vec::new()), Dir::list)?,
                dir: builds.unwrap_or(dir),
                layout: Layout::Builds,
                own,
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
                    "{shown}: is in a peer's file system path; give that instead"
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
            own: Own::None,
        })
    }

    /// The builds and stray entries to verify.
    pub fn targets(&self) -> Vec<Target<'_>> {
        let (dir, path) = (&self.dir, self.dir.path());
        let target = |path: &Path, name: Option<&str>, kind| Target {
            shown: path.display().to_string(),
            kind,
            id: name.and_then(PackageId::of_build),
            dir,
        };
        let among = |entry| {
            if is_build(dir, entry) {
                let name = entry.name.as_str();
                target(&dir.path_of(name), Some(name), Kind::Among(entry))
            } else {
                target(path, None, Kind::Stray(entry))
            }
        };
        match self.layout {
            Layout::Output => vec![target(path, None, Kind::Output)],
            Layout::Build => vec![target(path, name_of(dir).as_deref(), Kind::Build)],
            Layout::Builds => self.entries.iter().map(among).collect(),
        }
    }
}

impl Target<'_> {
    /// Whether the summary counts it as a build.
    pub fn is_build(&self) -> bool {
        !matches!(self.kind, Kind::Stray(_))
    }

    /// Opens it again, because it may have been replaced. For a stray entry, opens its folder.
    pub fn open(&self) -> Result<Dir> {
        match self.kind {
            Kind::Among(entry) => self.dir.subdir(&entry.name).map(Dir::into_root),
            _ => folder(self.dir.path()),
        }
    }

    pub fn is_gone(&self) -> bool {
        match self.kind {
            // A name that is not UTF-8 cannot be looked up again.
            Kind::Among(entry) | Kind::Stray(entry) => {
                entry.is_utf8 && matches!(self.dir.look_up(&entry.name), Ok(None))
            }
            Kind::Output | Kind::Build => matches!(self.dir.path().try_exists(), Ok(false)),
        }
    }

    /// What the peer dials, if it can be read.
    pub fn connection(&self) -> Option<Connection> {
        if !self.is_build() {
            return None;
        }
        let dir = self.open().ok()?;
        // A build output has no release output beside it.
        let released = dir.descend(&join(RELEASE, SERVER));
        let content = released.unwrap_or(dir).read_needed(CONNECTION).ok()?;
        Connection::parse_written(&content).ok()
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
