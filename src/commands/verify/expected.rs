//! The packages that builds are verified from, and what is expected of each build.

use std::cell::OnceCell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::builder::recompute::{self, Recipe};
use crate::error::{Cannot, Error, Result, failed};
use crate::files::{Digest, Dir};
use crate::formats::installed::PackageId;
use crate::formats::template::Config;
use crate::text::quoted;

/// Where packages are looked up, and the values for their templates.
pub struct Packages {
    dirs: Vec<Dir>,
    config: Config,
    /// The packages in `dirs` whose names are not those that a peer gives them.
    others: OnceCell<Vec<(Digest, PathBuf)>>,
}

/// What a build should be.
pub enum Expected {
    /// What its record says, because there is no package.
    Recorded,
    /// What its package makes, with a connection.json of this digest if that is known.
    Made(Box<Recipe>, Option<Digest>),
    /// Another builder's, because the package has this type.
    Other(String),
    /// Unknown: the package is not the one that the build is named after.
    Wrong(String),
    /// What its record says, because its package cannot be used, for this reason.
    Undetermined(String),
}

impl Packages {
    /// Opens the folders that hold packages.
    pub fn open(paths: &[PathBuf], config: Config) -> Result<Self> {
        let dirs = paths.iter().map(|path| Dir::open(path));
        Ok(Self {
            dirs: dirs.collect::<Result<_>>()?,
            config,
            others: OnceCell::new(),
        })
    }

    /// What the build of the package `id` should be. A package in `own` comes first.
    pub fn expect(&self, own: Option<&Dir>, id: Option<&PackageId>) -> Expected {
        let Some(id) = id else {
            return Expected::Recorded;
        };
        let expected = self.find(own, id).and_then(|path| match path {
            Some(path) => self.expect_of(&path, id),
            None => Ok(Expected::Recorded),
        });
        expected.unwrap_or_else(|error| Expected::Undetermined(error.to_string()))
    }

    fn expect_of(&self, path: &Path, id: &PackageId) -> Result<Expected> {
        let read = recompute::read(path);
        let digest = match &read {
            Ok(read) => read.digest,
            // It may be damaged, or another package.
            Err(Error::Refused(_)) => Digest::of_file(path)?,
            // Nothing is known of it, as `read?` says below.
            Err(_) => id.digest,
        };
        let wrong = |what| {
            let path = path.display();
            let wrong =
                format!("{path}: {what}, put the original back and find out who changed it");
            Ok(Expected::Wrong(wrong))
        };
        if digest != id.digest {
            return wrong(format!("has the SHA-256 {digest}, not the one in its name"));
        }
        let read = read?;
        if !id.is_of(digest, &read.metadata) {
            return wrong(match read.metadata.label() {
                Ok(label) => {
                    let label = quoted(&label.to_string());
                    format!("has the label {label}, not the one in its name")
                }
                Err(_) => "has no label that a peer accepts, but one in its name".to_owned(),
            });
        }
        if !read.metadata.is_ours() {
            return Ok(Expected::Other(read.metadata.package_type));
        }
        let recipe = read.recipe.map_err(|error| error.at(path.display()))?;
        let connection = recipe.connection(&self.config)?;
        let connection = connection.map(|connection| Digest::of(connection.json()));
        Ok(Expected::Made(Box::new(recipe), connection))
    }

    /// The file of a package.
    fn find(&self, own: Option<&Dir>, id: &PackageId) -> Result<Option<PathBuf>> {
        let name = id.package_name();
        for dir in own.into_iter().chain(&self.dirs) {
            let path = dir.path_of(&name);
            let found = match fs::metadata(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                found => found.cannot("read", &path)?,
            };
            if found.is_file() {
                return Ok(Some(path));
            }
            return failed(format!("{}: is not a regular file", path.display()));
        }
        if self.others.get().is_none() {
            let _ = self.others.set(self.others()?);
        }
        let mut others = self.others.get().into_iter().flatten();
        let found = others.find(|(digest, _)| *digest == id.digest);
        Ok(found.map(|(_, path)| path.clone()))
    }

    fn others(&self) -> Result<Vec<(Digest, PathBuf)>> {
        let mut others = Vec::new();
        for dir in &self.dirs {
            for entry in dir.list()? {
                let path = dir.path_of(&entry.name);
                let is_named = [".tar.gz", ".tgz"]
                    .iter()
                    .any(|end| entry.name.ends_with(end));
                let is_other = is_named && PackageId::of_package(&entry.name).is_none();
                if is_other && fs::metadata(&path).is_ok_and(|found| found.is_file()) {
                    others.push((Digest::of_file(&path)?, path));
                }
            }
        }
        Ok(others)
    }
}
