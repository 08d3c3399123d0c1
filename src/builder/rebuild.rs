//! Makes a peer's builds again, from its own copies of the packages, and replaces what differs.
//!
//! The peer never calls a builder again for a package that it has built, but it reads
//! `release/chaincode/server/connection.json` each time it connects to the chaincode. So that file
//! comes last.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::json;

use super::recompute::{self, Recomputed};
use super::{build, release};
use crate::error::{Refuse, Result, failed, refused};
use crate::files::{Digest, Dir, Scratch, create, join, mode_like, remove_unfinished, update};
use crate::findings::Warnings;
use crate::formats::artifact::{self, Artifact};
use crate::formats::comparison::Comparison;
use crate::formats::connection::Connection;
use crate::formats::installed::{self, BUILDS, Installed, PACKAGES, PackageId};
use crate::formats::template::Config;
use crate::layout::{
    BLD, BUILD_INFO, CLOSED, CONNECTION, METADATA, PUBLIC, RELEASE, SECRET, SERVER, UNFINISHED,
};
use crate::text::quoted;

/// A peer's builds, and what is needed to make them again.
pub struct Rebuild {
    packages: Dir,
    builds: Dir,
    config: Option<OsString>,
    /// The builder's name, for builds that name none.
    name: String,
    is_dry: bool,
}

/// What a package's build was before, and is now.
pub struct Rebuilt {
    /// How the peer connected before, or why it could not.
    pub before: String,
    pub after: String,
    /// How many files differed.
    pub files: usize,
    pub warnings: Warnings,
}

impl Rebuild {
    /// Opens the peer's file system path. Without a `name`, the one in all other builds is used.
    pub fn open(
        path: &Path,
        config: Option<OsString>,
        name: Option<String>,
        is_dry: bool,
    ) -> Result<Self> {
        let peer = Dir::open(path)?.with_hard_links();
        let found = |path| installed::find(&peer, path);
        if let (None, None) = (found(PACKAGES)?, found(BUILDS)?) {
            return failed(format!(
                "{}: is not a peer's file system path (no {PACKAGES}), which is usually \
                 /var/hyperledger/production",
                path.display()
            ));
        }
        let (packages, builds) = (peer.descend(PACKAGES)?, peer.descend(BUILDS)?);
        if !is_dry {
            builds.lock();
            remove_unfinished(&builds)?;
        }
        Ok(Self {
            packages: packages.into_root(),
            name: name.unwrap_or_else(|| builder_of(&builds)),
            builds: builds.into_root(),
            config,
            is_dry,
        })
    }

    /// Every installed package, whatever its type.
    pub fn installed(&self) -> Result<Vec<Installed>> {
        installed::packages(&self.packages)
    }

    /// Makes a package's build, and replaces what differs. Returns `None` if the package is for
    /// another builder.
    pub fn run(&self, package: &Installed) -> Result<Option<Rebuilt>> {
        let read = self.read(package);
        if read.as_ref().is_some_and(|read| !read.metadata.is_ours()) {
            return Ok(None);
        }
        if let Some(connection) = read.and_then(|read| self.unchanged(&package.id, read)) {
            return Ok(Some(Rebuilt {
                before: connection.dial_description(),
                after: connection.dial_description(),
                files: 0,
                warnings: Warnings::default(),
            }));
        }
        let scratch = Scratch::new("rebuild")?;
        let (made, mut warnings) = self.make(package, &scratch)?;
        let name = package.id.build_name();
        let target = self.builds.find_dir(&name)?.map(Dir::into_root);
        let list = |part| artifact::list(&made.subdir(part)?.into_root());
        let changes = Changes::find([list(BLD)?, list(RELEASE)?], target.as_ref())?;
        if let Some(target) = &target
            && changes.new.iter().any(|path| path == BUILD_INFO)
        {
            let is_there = matches!(target.look_up(BUILD_INFO), Ok(Some(_)));
            let had = if is_there { "an unusable" } else { "no" };
            let name = quoted(&self.name);
            warnings.push(format!(
                "had {had} {BUILD_INFO}, which now names the builder {name}; restart the peer if it \
                 started meanwhile"
            ));
        }
        let rebuilt = Rebuilt {
            before: match &target {
                None => "not built".to_owned(),
                Some(target) => {
                    dial_description(target).unwrap_or_else(|_| format!("no usable {CONNECTION}"))
                }
            },
            after: dial_description(&made)?,
            files: changes.new.len() + changes.gone.len(),
            warnings,
        };
        let Changes { new, gone } = changes;
        match target {
            _ if self.is_dry => {}
            Some(target) => update(&target, &made, &new, &gone)?,
            None => create(&self.builds, &name, &made, &new)?,
        }
        Ok(Some(rebuilt))
    }

    /// What the package file says, if it can be read and is the one that its name says.
    fn read(&self, Installed { id, entry }: &Installed) -> Option<Recomputed> {
        self.packages.check(entry).ok()?;
        let file = self.packages.open_file(entry).ok()?;
        let read = recompute::read_file(file, &self.packages.path_of(&entry.name)).ok()?;
        let is_its = read.digest == id.digest && *read.metadata.label().ok()? == id.label;
        is_its.then_some(read)
    }

    /// The connection.json of a build that is what its package produces, if that is known without
    /// making it: no key is written to a disk then. Obstacles are reported when the build is made.
    fn unchanged(&self, id: &PackageId, read: Recomputed) -> Option<Connection> {
        let recipe = read.recipe.ok()?;
        let config = Config::read(self.config.clone()).ok()?;
        let connection = recipe.connection(&config).ok()??;
        let outputs = recipe.outputs(Digest::of(connection.json())).ok()?;
        let target = self.builds.find_dir(&id.build_name()).ok()??.into_root();
        let changes = Changes::find([outputs.bld, outputs.release], Some(&target)).ok()?;
        (changes.new.is_empty() && changes.gone.is_empty()).then_some(connection)
    }

    /// Makes all of a package's build in `scratch`. Returns its folder and what the package's author
    /// should know.
    fn make(&self, package: &Installed, scratch: &Scratch) -> Result<(Dir, Warnings)> {
        let (source, metadata) = (scratch.dir("src")?, scratch.dir("metadata")?);
        let package = installed::read(&self.packages, package, &source)?;
        package.code?;
        metadata.write(METADATA, PUBLIC, &package.metadata_content)?;
        let made = scratch.dir("made")?;
        let bld = made.create_dir(BLD, CLOSED)?.into_root();
        let released = made.create_dir(RELEASE, CLOSED)?.into_root();
        let warnings = build(&source, &metadata, &bld, self.config.clone())?.warnings;
        release(&bld, &released)?;
        let info = json!({"builder_name": self.name}).to_string();
        made.write(BUILD_INFO, SECRET, info.as_bytes())?;
        Ok((made, warnings))
    }
}

/// The builder that all builds name, or the usual one if they name none or several.
fn builder_of(builds: &Dir) -> String {
    let entries = builds.list().unwrap_or_default();
    let builders = entries.iter().filter(|entry| entry.is_dir());
    let builders = builders.filter_map(|entry| {
        let build = builds.subdir(&entry.name).ok()?.into_root();
        installed::builder(&build).ok()?
    });
    let mut builders: Vec<String> = builders.collect();
    builders.dedup();
    match <[String; 1]>::try_from(builders) {
        Ok([one]) => one,
        Err(_) => "ccaas_builder".to_owned(),
    }
}

/// What has to change in a build: the paths of the files that are missing, differ or could be read
/// by everybody although they may hold a key, and of those that do not belong there.
#[derive(Default)]
struct Changes {
    new: Vec<String>,
    gone: Vec<String>,
}

impl Changes {
    /// Compares the build in `target` with the files of a build output and of a release output.
    fn find([bld, release]: [Vec<Artifact>; 2], target: Option<&Dir>) -> Result<Self> {
        let mut changes = Self::default();
        changes.add(BLD, &bld, target)?;
        changes.add(RELEASE, &release, target)?;
        let Self { new, gone } = &mut changes;
        if target.map_or(Ok(None), installed::builder)?.is_none() {
            new.push(BUILD_INFO.to_owned());
        }
        // A running peer reads this one.
        let last = format!("{RELEASE}/{SERVER}/{CONNECTION}");
        if let Some(target) = target {
            for path in [&format!("{BLD}/{CONNECTION}"), &last] {
                let mode = target.look_up(path)?.map(|found| found.listed().mode());
                let is_exposed = mode.is_some_and(|mode| mode_like(mode, SECRET) != mode);
                if is_exposed && !new.contains(path) {
                    new.push(path.clone());
                }
            }
            for path in &*new {
                if target.look_up(path)?.is_some_and(|found| found.is_dir()) {
                    let shown = target.path_of(path);
                    return refused(format!(
                        "{}: is a directory where a file belongs; remove it",
                        shown.display()
                    ));
                }
            }
            let entries = target.list()?.into_iter().map(|entry| entry.name);
            gone.extend(entries.filter(|name| name.starts_with(UNFINISHED)));
        }
        if let Some(place) = new.iter().position(|path| *path == last) {
            new.remove(place);
            new.push(last);
        }
        Ok(changes)
    }

    fn add(&mut self, part: &str, files: &[Artifact], target: Option<&Dir>) -> Result<()> {
        let found = target.map_or(Ok(None), |target| target.find_dir(part))?;
        let comparison = Comparison::new(found.map(Dir::into_root).as_ref(), files, &[]);
        if let Some(error) = comparison.undetermined.into_iter().next() {
            return Err(error);
        }
        for difference in comparison.differences {
            let path = join(part, &difference.path);
            if difference.expected.is_some() {
                self.new.push(path);
                continue;
            }
            let folder = format!("{}/", difference.path);
            if files.iter().any(|file| file.path.starts_with(&folder)) {
                return refused(format!("{path}: is not a directory; remove it"));
            }
            self.gone.push(path);
        }
        Ok(())
    }
}

/// How a peer connects to the chaincode of a build.
fn dial_description(build: &Dir) -> Result<String> {
    let server = build.descend(&join(RELEASE, SERVER))?;
    let connection = Connection::parse_written(&server.read_needed(CONNECTION)?);
    Ok(connection.refuse(CONNECTION)?.dial_description())
}
