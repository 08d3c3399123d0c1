//! What `check` looks at: a source folder, a package file, or the built-in sample.

use std::fs;
use std::path::Path;

use super::super::arguments::source_folder;
use crate::error::{Result, refused};
use crate::files::{Digest, Dir, Scratch};
use crate::findings::Warnings;
use crate::formats::package::Package;
use crate::layout::{CONNECTION, METADATA, PUBLIC};

/// A file of the built-in sample, by its path in a source folder.
macro_rules! sample {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../sample/", $path)))
    };
}

/// The sample: a package to try `check` on.
const SAMPLE: [(&str, &[u8]); 4] = [
    sample!("metadata.json"),
    sample!("connection.json"),
    sample!("META-INF/statedb/couchdb/indexes/indexOwner.json"),
    sample!(
        "META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
    ),
];

pub struct Subject {
    /// What the peer gives as `CHAINCODE_SOURCE_DIR`.
    pub source: Dir,
    /// The folder of metadata.json, if it is not in `source`.
    metadata: Option<Dir>,
    /// The digest of the package, if a file is checked.
    pub digest: Option<Digest>,
}

impl Subject {
    /// The source folder or package at `path`, or else the sample.
    pub fn open(path: Option<&Path>, scratch: &Scratch, warnings: &mut Warnings) -> Result<Self> {
        let source = match path {
            None => write_sample(scratch)?,
            Some(path) if fs::metadata(path).is_ok_and(|found| found.is_file()) => {
                return Self::unpack(path, scratch, warnings);
            }
            Some(path) => source_folder(path)?,
        };
        Ok(Self {
            source,
            metadata: None,
            digest: None,
        })
    }

    fn unpack(path: &Path, scratch: &Scratch, warnings: &mut Warnings) -> Result<Self> {
        if path.ends_with(METADATA) || path.ends_with(CONNECTION) {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = folder.unwrap_or(Path::new("."));
            return refused(format!(
                "{}: is a file of a source folder; give check the folder: {}",
                path.display(),
                folder.display()
            ));
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

fn write_sample(scratch: &Scratch) -> Result<Dir> {
    let package = scratch.dir("sample")?;
    for (path, content) in SAMPLE {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        package.make_dirs(folder)?.write(name, PUBLIC, content)?;
    }
    Ok(package)
}
