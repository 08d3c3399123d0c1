//! Makes a peer's builds again, from its own copies of the packages, and replaces what differs.
//!
//! The peer never calls a builder again for a package that it has built, but it reads
//! `release/chaincode/server/connection.json` each time it connects to the chaincode. So that file
//! comes last.

use std::ffi::OsString;
use std::path::Path;

use serde_json::json;

use super::{build, release};
use crate::error::{Error, Refuse, Result, refused};
use crate::files::{Dir, Entry, Scratch, create, join, remove_unfinished, update};
use crate::formats::artifact;
use crate::formats::comparison::Comparison;
use crate::formats::connection::Connection;
use crate::formats::installed::{self, BUILDS, PACKAGES, PackageId};
use crate::formats::json::Object;
use crate::layout::{
    BLD, BUILD_INFO, CLOSED, CONNECTION, METADATA, PUBLIC, RELEASE, SECRET, SERVER, UNFINISHED,
};

/// A peer's builds, and what is needed to make them again.
pub struct Rebuild {
    packages: Dir,
    builds: Dir,
    /// The values for templates.
    config: Option<OsString>,
    /// The builder's name, for builds that name none.
    name: String,
    /// Whether to change nothing.
    is_dry: bool,
}

/// What a package's build was before, and is now.
pub struct Rebuilt {
    /// How the peer connected before, if it could.
    pub before: Option<String>,
    /// How it will connect now.
    pub after: String,
    /// The number of files that differ.
    pub files: usize,
    /// What the package's author should know.
    pub warnings: Vec<String>,
}

impl Rebuild {
    /// Opens the peer's file system path.
    pub fn open(path: &Path, config: Option<OsString>, name: String, is_dry: bool) -> Result<Self> {
        let peer = Dir::open(path)?.with_hard_links();
        let (packages, builds) = (peer.descend(PACKAGES)?, peer.descend(BUILDS)?);
        if !is_dry {
            builds.lock();
            remove_unfinished(&builds)?;
        }
        Ok(Self {
            packages: packages.into_root(),
            builds: builds.into_root(),
            config,
            name,
            is_dry,
        })
    }

    /// Every installed package, whatever its type.
    pub fn installed(&self) -> Result<Vec<(PackageId, Entry)>> {
        installed::packages(&self.packages)
    }

    /// Makes a package's build, and replaces what differs. Returns `None` if the package is for
    /// another builder.
    pub fn run(&self, installed: &(PackageId, Entry)) -> Result<Option<Rebuilt>> {
        let scratch = Scratch::new("rebuild")?;
        let (source, metadata) = (scratch.dir("src")?, scratch.dir("metadata")?);
        let package = installed::read(&self.packages, installed, Some(&source))?;
        if !package.metadata.is_ours() {
            return Ok(None);
        }
        package.code?;
        metadata.write(METADATA, PUBLIC, &package.metadata_content)?;
        let made = scratch.dir("made")?;
        let bld = made.create_dir(BLD, CLOSED)?.into_root();
        let released = made.create_dir(RELEASE, CLOSED)?.into_root();
        let mut warnings = build(&source, &metadata, &bld, self.config.clone())?.lines;
        // The last line is no warning.
        warnings.pop();
        release(&bld, &released)?;
        let rebuilt = self.put(&installed.0.build_name(), &made)?;
        Ok(Some(Rebuilt {
            warnings,
            ..rebuilt
        }))
    }

    /// Replaces the build `name` with what was `made`.
    fn put(&self, name: &str, made: &Dir) -> Result<Rebuilt> {
        let target = self.builds.find_dir(name)?.map(Dir::into_root);
        let (mut new, mut gone) = differences(made, target.as_ref())?;
        if !target.as_ref().map_or(Ok(false), has_info)? {
            let info = json!({"builder_name": self.name}).to_string();
            made.write(BUILD_INFO, SECRET, info.as_bytes())?;
            new.push(BUILD_INFO.to_owned());
        }
        let last = format!("{RELEASE}/{SERVER}/{CONNECTION}");
        if let Some(place) = new.iter().position(|path| *path == last) {
            new.remove(place);
            new.push(last);
        }
        if let Some(target) = &target {
            let entries = target.list()?.into_iter().map(|entry| entry.name);
            gone.extend(entries.filter(|name| name.starts_with(UNFINISHED)));
        }
        let rebuilt = Rebuilt {
            before: target.as_ref().and_then(|target| dial(target).ok()),
            after: dial(made)?,
            files: new.len() + gone.len(),
            warnings: Vec::new(),
        };
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
        match target {
            _ if self.is_dry => {}
            Some(target) => update(&target, made, &new, &gone)?,
            None => create(&self.builds, name, made, &new)?,
        }
        Ok(rebuilt)
    }
}

/// The paths of files that are missing or different in `target`, and of what does not belong there.
fn differences(made: &Dir, target: Option<&Dir>) -> Result<(Vec<String>, Vec<String>)> {
    let (mut new, mut gone) = (Vec::new(), Vec::new());
    for part in [BLD, RELEASE] {
        let files = artifact::list(&made.subdir(part)?.into_root())?;
        let found = target.map_or(Ok(None), |target| target.find_dir(part))?;
        let comparison = match found {
            Some(dir) => Comparison::new(&dir.into_root(), &files, &[]),
            None => Comparison::with_nothing(&files),
        };
        if let Some(error) = comparison.undetermined.into_iter().next() {
            return Err(error);
        }
        for difference in comparison.differences {
            let path = join(part, &difference.path);
            if difference.expected.is_some() {
                new.push(path);
                continue;
            }
            let folder = format!("{}/", difference.path);
            if files.iter().any(|file| file.path.starts_with(&folder)) {
                return refused(format!("{path}: is not a directory, remove it"));
            }
            gone.push(path);
        }
    }
    Ok((new, gone))
}

/// Whether a build names its builder.
fn has_info(build: &Dir) -> Result<bool> {
    let content = match build.read_needed(BUILD_INFO) {
        Err(Error::Refused(_)) => return Ok(false),
        content => content?,
    };
    let name = Object::parse(&content).and_then(|info| info.string("builder_name"));
    Ok(name.is_ok_and(|name| name.is_some_and(|name| !name.is_empty())))
}

/// How a peer connects to the chaincode of a build.
fn dial(build: &Dir) -> Result<String> {
    let server = build.descend(&join(RELEASE, SERVER))?;
    let connection = Connection::parse_written(&server.read_needed(CONNECTION)?);
    Ok(connection.refuse(CONNECTION)?.dial())
}
