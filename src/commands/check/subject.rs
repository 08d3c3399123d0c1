//! What `check` looks at: a source folder, a package file, or the sample in the program.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use super::super::source_folder;
use crate::error::{Cannot, Result, failed};
use crate::files::{Digest, Dir, Tree};
use crate::formats::meta_inf;
use crate::formats::package::Package;
use crate::layout::{CLOSED, METADATA, PUBLIC};
use crate::log::Warnings;

/// A file of the embedded sample, by its path in a source folder.
macro_rules! sample {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../sample/", $path)))
    };
}

/// A package that everybody has.
const SAMPLE: [(&str, &[u8]); 4] = [
    sample!("metadata.json"),
    sample!("connection.json"),
    sample!("META-INF/statedb/couchdb/indexes/indexOwner.json"),
    sample!(
        "META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
    ),
];

/// What is checked.
pub struct Subject {
    /// What the peer gives as `CHAINCODE_SOURCE_DIR`.
    pub source: Dir,
    /// Where metadata.json is, if it is not in there.
    metadata: Option<Dir>,
    /// Of the package, when a file is checked.
    pub digest: Option<Digest>,
}

impl Subject {
    /// The source folder or package at `path`, or else the sample.
    pub fn open(path: Option<&Path>, scratch: &Scratch, warnings: &mut Warnings) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self {
                source: write_sample(scratch)?,
                metadata: None,
                digest: None,
            });
        };
        if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
            let source = source_folder(path)?;
            warnings.extend(left_out(&source)?);
            return Ok(Self {
                source,
                metadata: None,
                digest: None,
            });
        }
        let source = scratch.dir("src")?;
        let package = Package::read(path, Some(&source), warnings)?;
        if package.metadata.is_ours() {
            package.code?;
        }
        let metadata = scratch.dir("metadata")?;
        metadata.write(METADATA, PUBLIC, &package.metadata_content)?;
        Ok(Self {
            source,
            metadata: Some(metadata),
            digest: Some(package.digest),
        })
    }

    /// What the peer gives as `CHAINCODE_METADATA_DIR`.
    pub fn metadata(&self) -> &Dir {
        self.metadata.as_ref().unwrap_or(&self.source)
    }
}

/// A line for what is in a folder and is not packaged. If META-INF is refused, its fault is said.
pub fn left_out(source: &Dir) -> Result<Option<String>> {
    let tree = meta_inf::find(source).unwrap_or_default();
    meta_inf::left_out(source, tree.as_ref())
}

fn write_sample(scratch: &Scratch) -> Result<Dir> {
    let package = scratch.dir("sample")?;
    for (path, content) in SAMPLE {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut tree = Tree::new(&package);
        tree.dir(folder)?.write(name, PUBLIC, content)?;
    }
    Ok(package)
}

/// A folder for what the programs make, removed at the end.
pub struct Scratch(Dir);

impl Scratch {
    /// A new one in `TMPDIR`.
    pub fn new() -> Result<Self> {
        // As in Go, where the peer is from, an empty TMPDIR is none.
        let parent = env::var_os("TMPDIR").filter(|path| !path.is_empty());
        let parent = PathBuf::from(parent.unwrap_or_else(|| "/tmp".into()));
        let found = parent.canonicalize().cannot("open", &parent);
        let opened = found.and_then(|path| Dir::open(&path));
        let parent = opened.map_err(|error| error.at("TMPDIR"))?;
        let name = |attempt| format!("fabric-check-{}-{attempt}", process::id());
        for name in (0..100).map(name) {
            match parent.try_create_dir(&name, CLOSED) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => return created.cannot("create", &parent.path_of(&name)).map(Self),
            }
        }
        let (first, parent) = (name(0), parent.path().display());
        failed(format!(
            "cannot create {first} to -99 in {parent}: all exist"
        ))
    }

    /// Creates a directory as the peer does.
    pub fn dir(&self, name: &str) -> Result<Dir> {
        self.0.create_dir(name, CLOSED).map(Dir::into_root)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.0.remove(self.0.path());
    }
}
