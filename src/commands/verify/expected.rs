//! The packages that builds are verified from, and what is expected of each build.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::builder::recompute::{self, Recipe};
use crate::commands::arguments::folder;
use crate::error::{Cannot, Error, Result, failed};
use crate::files::{Digest, Dir};
use crate::formats::installed::PackageId;
use crate::formats::template::Config;

/// A peer's own folder of packages.
pub enum Own {
    /// There is none: the path is not a peer's file system path.
    None,
    Unreadable(Error),
    Folder(Dir),
}

const NO_ID: &str = "the name of its folder is not LABEL-HASH, which would say what its package is";
const NO_FOLDER: &str = "the peer's folder of packages cannot be read";
const NO_PACKAGE: &str = "its package is not there: ask its developer for it, or get it with peer \
                          lifecycle chaincode getinstalledpackage from another peer, and give its \
                          folder with --packages";

/// Where packages are looked up, and the values for their templates.
pub struct Packages {
    dirs: Vec<Dir>,
    config: Config,
    /// Whether a build without its package is undetermined, instead of what its record says.
    are_needed: bool,
    /// The packages in `dirs` whose names are not those that a peer gives them.
    misnamed: Vec<(Digest, PathBuf)>,
    /// Those of them that cannot be read, and why.
    pub unreadable: Vec<(PathBuf, Error)>,
}

pub enum Expected {
    /// What its record says, because there is no package, and no place for packages.
    Recorded,
    /// What its package produces.
    Made(Box<FromPackage>),
    /// Another builder's, because the package has this type.
    Foreign(String),
    /// Unknown: the package is not the one that the build is named after, for this reason. The
    /// build is compared with its record.
    Wrong(String),
    /// Unknown: its package cannot be used, for this reason. The build is compared with its record.
    Undetermined(String),
}

/// What a package produces.
pub struct FromPackage {
    pub recipe: Recipe,
    /// The digest of the written connection.json, if that is known.
    pub connection: Option<Digest>,
    /// Whether the package is in the peer's own folder.
    pub is_own: bool,
}

/// The file of a package.
struct PackageFile {
    file: File,
    path: PathBuf,
    is_own: bool,
}

impl Packages {
    /// Opens the folders that hold packages. Each build's package `is_needed` if
    /// package IDs were given.
    pub fn open(paths: &[PathBuf], config: Config, is_needed: bool) -> Result<Self> {
        let mut packages = Self {
            dirs: paths
                .iter()
                .map(|path| folder(path))
                .collect::<Result<_>>()?,
            config,
            are_needed: is_needed || !paths.is_empty(),
            misnamed: Vec::new(),
            unreadable: Vec::new(),
        };
        for dir in &packages.dirs {
            for entry in dir.list()? {
                let path = dir.path_of(&entry.name);
                let mut ends = [".tar.gz", ".tgz"].iter();
                let is_named = ends.any(|end| entry.name.ends_with(end));
                let is_other = is_named && PackageId::of_package(&entry.name).is_none();
                if is_other && fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                    match open(&path).and_then(|found| Digest::of_open(&found.file, &path)) {
                        Ok(digest) => packages.misnamed.push((digest, path)),
                        Err(error) => packages.unreadable.push((path, error)),
                    }
                }
            }
        }
        Ok(packages)
    }

    /// What the build of the package `id` should be. A package in the peer's `own` folder comes
    /// first.
    pub fn expect(&self, own: &Own, id: Option<&PackageId>) -> Expected {
        let without_package = |reason: &str| match own {
            Own::Unreadable(_) => Expected::Undetermined(NO_FOLDER.to_owned()),
            Own::None if !self.are_needed => Expected::Recorded,
            _ => Expected::Undetermined(reason.to_owned()),
        };
        let Some(id) = id else {
            return without_package(NO_ID);
        };
        let expected = self.find(own, id).and_then(|found| match found {
            Some(found) => self.expect_of(found, id),
            None => Ok(without_package(NO_PACKAGE)),
        });
        expected.unwrap_or_else(|error| Expected::Undetermined(error.advised()))
    }

    fn expect_of(&self, found: PackageFile, id: &PackageId) -> Result<Expected> {
        let PackageFile { file, path, is_own } = found;
        let path = path.as_path();
        let read = recompute::read_file(file.try_clone().cannot("read", path)?, path);
        let found = read.as_ref().map(|read| (read.digest, &read.metadata));
        if let Some(fault) = id.fault_of(file, path, found)? {
            return Ok(Expected::Wrong(fault));
        }
        let read = read?;
        if !read.metadata.is_ours() {
            return Ok(Expected::Foreign(read.metadata.package_type));
        }
        let recipe = read.recipe.map_err(|error| error.at(path.display()))?;
        let connection = recipe.connection(&self.config)?;
        let connection = connection.map(|connection| Digest::of(connection.json()));
        Ok(Expected::Made(Box::new(FromPackage {
            recipe,
            connection,
            is_own,
        })))
    }

    /// The file of a package. A user's folders may have links to packages, but in the peer's own
    /// none is followed.
    fn find(&self, own: &Own, id: &PackageId) -> Result<Option<PackageFile>> {
        let name = id.package_name();
        if let Own::Folder(own) = own
            && let Some(entry) = own.look_up(&name)?
        {
            let path = own.path_of(&name);
            if entry.listed().is_file() {
                let file = own.open_file(&entry)?;
                let is_own = true;
                return Ok(Some(PackageFile { file, path, is_own }));
            }
            let (path, kind) = (path.display(), entry.kind());
            return failed(format!(
                "{path}: is {kind}, not a regular file; put the package itself there"
            ));
        }
        for dir in &self.dirs {
            let path = dir.path_of(&name);
            let found = match fs::metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                found => found.cannot("read", &path)?,
            };
            if found.is_file() {
                return open(&path).map(Some);
            }
            return failed(format!("{}: is not a regular file", path.display()));
        }
        let mut misnamed = self.misnamed.iter();
        let found = misnamed.find(|(digest, _)| *digest == id.digest);
        found.map(|(_, path)| open(path)).transpose()
    }
}

/// Opens a package in one of the user's folders.
fn open(path: &Path) -> Result<PackageFile> {
    Ok(PackageFile {
        file: File::open(path).cannot("open", path)?,
        path: path.to_owned(),
        is_own: false,
    })
}
