//! Packages that are there already.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use anyhow::ensure;

use crate::error::{Cannot, Error, Refuse, Result, failed};
use crate::files::{Digest, HashingWriter};
use crate::formats::archive::{gzip, tar};
use crate::formats::metadata::Metadata;
use crate::layout::{CODE, MAX_SMALL, METADATA};

const NOT_A_PACKAGE: &str = "is not a chaincode package of code.tar.gz and metadata.json";

/// The ID of the package at `path`, which this program must have written: only then are its bytes
/// known to be all that matters, and its label can be read.
pub fn identify(path: &Path) -> Result<String> {
    let file = File::open(path).cannot("open", path)?;
    let mut hasher = HashingWriter::new(io::sink());
    // A peer may well take a package of another program, so this is no refusal.
    let metadata = read_metadata(BufReader::new(Tee(file, &mut hasher)))
        .map_err(|error| Error::Failed(format!("{error:#}")));
    let label = metadata.and_then(|content| {
        let metadata = Metadata::parse(&content).refuse(METADATA)?;
        Ok(metadata.label()?.to_string())
    });
    let label = label.map_err(|error| error.at(path.display()))?;
    Ok(format!("{label}:{}", hasher.digest()))
}

/// The digest of the regular file at `path`, or `None` when there is nothing.
pub fn digest(path: &Path) -> Result<Option<Digest>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.cannot("create", path)?,
    };
    if !found.is_file() {
        let path = path.display();
        return failed(format!("{path}: exists already and is not a regular file"));
    }
    let mut file = File::open(path).cannot("open", path)?;
    let mut hasher = HashingWriter::new(io::sink());
    io::copy(&mut file, &mut hasher).cannot("read", path)?;
    Ok(Some(hasher.digest()))
}

/// Reads a package to its end, and gives the content of its metadata.json.
fn read_metadata(package: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut package = tar::Reader::new(gzip::Reader::new(package));
    let mut content = Vec::new();
    let mut expected = [CODE, METADATA].into_iter();
    while let Some(mut entry) = package.next_entry()? {
        ensure!(expected.next() == Some(&entry.path), "{NOT_A_PACKAGE}");
        if entry.path == METADATA {
            ensure!(entry.size <= MAX_SMALL, "{}: is too large", entry.path);
            entry.read_to_end(&mut content)?;
        }
    }
    ensure!(expected.next().is_none(), "{NOT_A_PACKAGE}");
    Ok(content)
}

/// A reader that writes all that is read.
struct Tee<R, W>(R, W);

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(piece)?;
        self.1.write_all(piece.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}
