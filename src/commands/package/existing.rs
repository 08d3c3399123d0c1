//! Packages that are there already.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::source::CODE;
use crate::archive::{gzip, tar};
use crate::digest::{Digest, Hasher};
use crate::dir::MAX_SMALL;
use crate::metadata::{self, Label};

const NOT_A_PACKAGE: &str = "is not a chaincode package of code.tar.gz and metadata.json";

/// The label and digest of the package at `path`, which this program must have written: only then are its bytes known to be all
/// that matters, and its label can be read.
///
/// # Errors
/// When it cannot be read, is not such a package, or has a label that Fabric refuses.
pub fn identify(path: &Path) -> Result<(Label, Digest)> {
    let mut file = Hashed::open(path)?;
    // That it is another program's package does not mean that a peer would refuse it: this could not be done.
    let metadata = read_metadata(BufReader::new(&mut file)).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {error:#}", path.display()),
        )
    })?;
    let label = Label::parse(&metadata).with_context(|| path.display().to_string())?;
    Ok((label, file.hasher.finish()))
}

/// The digest of the regular file at `path`, or `None` when there is nothing.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn digest(path: &Path) -> Result<Option<Digest>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.with_context(|| format!("cannot create {}", path.display()))?,
    };
    if !found.is_file() {
        return Err(io::Error::other(format!(
            "{}: exists already and is not a regular file",
            path.display()
        ))
        .into());
    }
    let mut file = Hashed::open(path)?;
    io::copy(&mut file, &mut io::sink())
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Some(file.hasher.finish()))
}

/// Reads a package to its end, and gives the content of its metadata.json.
fn read_metadata(package: impl Read) -> Result<Vec<u8>> {
    let mut package = tar::Reader::new(gzip::Reader::new(package));
    let mut content = Vec::new();
    let mut expected = [CODE, metadata::FILE].into_iter();
    while let Some(mut entry) = package.next_entry()? {
        ensure!(expected.next() == Some(&entry.path), "{NOT_A_PACKAGE}");
        if entry.path == metadata::FILE {
            ensure!(entry.size <= MAX_SMALL, "{}: is too large", entry.path);
            entry.read_to_end(&mut content)?;
        }
    }
    ensure!(expected.next().is_none(), "{NOT_A_PACKAGE}");
    Ok(content)
}

/// A file that is hashed while it is read.
struct Hashed {
    file: File,
    hasher: Hasher,
}

impl Hashed {
    fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let hasher = Hasher::new();
        Ok(Self { file, hasher })
    }
}

impl Read for Hashed {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(piece)?;
        self.hasher.update(piece.get(..count).unwrap_or_default());
        Ok(count)
    }
}
