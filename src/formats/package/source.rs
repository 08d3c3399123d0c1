//! A package's source folder, checked as `build` checks it, and the bytes of its package.
//!
//! ```text
//! package     = gzip(tar(code.tar.gz, metadata.json))
//! code.tar.gz = gzip(tar(META-INF/..., connection.json))
//!             | gzip(tar(connection.json, metadata/...))
//! ```
//!
//! Files are in bytewise order of their paths; [`crate::formats::archive`] defines gzip and tar.
//! Lengths are computed first, so that everything can be written in one go: each file is read once
//! for its bytes; before that, files of up to 1 MiB once to look for private keys, and index
//! definitions once more for the checks.

use std::io::{self, BufWriter, Write};

use crate::error::{Refuse, Result, refused};
use crate::files::{Digest, Dir, Entry, Hashing, sort_by_path};
use crate::findings::{Faults, Warnings};
use crate::formats::archive::{gzip, tar};
use crate::formats::connection::Draft;
use crate::formats::metadata::Metadata;
use crate::formats::written::Written;
use crate::formats::{advice, meta_inf};
use crate::layout::{CODE, CONNECTION, MAX_INSTALL, METADATA, PUBLIC, SECRET, TREE_LIMITS};

/// The content of a package that passed all checks.
pub struct Source {
    pub metadata: Metadata,
    pub warnings: Warnings,
    /// The mode of the package file: nobody else may read one with a private key.
    pub mode: u32,
    tree: Option<Dir>,
    metadata_content: Vec<u8>,
    connection: Vec<u8>,
    /// What code.tar.gz contains, by path; without an [`Entry`], it is connection.json as checked.
    files: Vec<(String, Option<Entry>)>,
    code_length: u64,
}

impl Source {
    /// Reads the source folder `dir` with the metadata.json in `metadata`, which may be the same
    /// directory, and checks them as `build` and a peer's install would.
    pub fn read(dir: &Dir, metadata: &Dir) -> Result<Self> {
        let metadata = Metadata::read(metadata)?;
        metadata.0.refuse_foreign()?;
        metadata.0.label()?;
        let mut source = Self::new(metadata, Draft::content(dir)?, meta_inf::find(dir))?;
        let outside = meta_inf::outside(dir, source.tree.as_ref())?;
        let left_out = outside.left_out(false);
        source.warnings.extend(outside.misplaced);
        source.warnings.extend(left_out);
        Ok(source)
    }

    /// The same from what an author declares, with `tree` as META-INF.
    pub fn declared(written: &Written, tree: Option<Dir>) -> Result<Self> {
        let content = written.metadata();
        let metadata = Metadata::parse(&content).refuse(METADATA)?;
        metadata.refuse_foreign()?;
        metadata.label()?;
        Self::new((metadata, content), written.connection(), Ok(tree))
    }

    /// The same from a `tree` that may have a fault: those of connection.json come first.
    fn new(
        (metadata, metadata_content): (Metadata, Vec<u8>),
        connection: Vec<u8>,
        tree: Result<Option<Dir>>,
    ) -> Result<Self> {
        let (draft, mut warnings) = Draft::parse(&connection).refuse(CONNECTION)?;
        let values = Faults::first(|faults| Ok(draft.review_branches(faults)));
        let values = values.refuse(CONNECTION)?;
        warnings.extend(advice::of_values(&values, None));
        let tree = tree?;
        let (mut files, mut mode) = (vec![(CONNECTION.to_owned(), None)], PUBLIC);
        if let Some(tree) = &tree {
            let mut reader = meta_inf::Reader::new(tree, &mut warnings);
            tree.walk(TREE_LIMITS, |dir, found| {
                let (folder, found) = reader.select(dir, found);
                for entry in found {
                    reader.judge.read(&folder, dir, entry)?;
                    if let Some(key) = meta_inf::private_key(dir, entry)? {
                        mode = SECRET;
                        reader.judge.warnings.push(key);
                    }
                    files.push((dir.relative(&entry.name), Some(entry.clone())));
                }
                Ok(())
            })?;
            reader.finish();
        }
        if let Some(fault) = warnings.first_withheld() {
            return refused(fault);
        }
        sort_by_path(&mut files, |(path, _)| path);
        let in_memory = connection.len() as u64;
        let size = |entry: &Option<Entry>| entry.as_ref().map_or(in_memory, Entry::size);
        let code_length = length(files.iter().map(|(path, entry)| (path, size(entry))))?;
        let metadata_length = metadata_content.len() as u64;
        let length = length([(CODE, code_length), (METADATA, metadata_length)])?;
        if length > MAX_INSTALL {
            warnings.push(format!(
                "the package has {length} bytes, but an install carries at most 100 MiB unless core.yaml \
                 raises peer.maxRecvMsgSize and peer.maxSendMsgSize"
            ));
        }
        let key = advice::of_private_key(&connection);
        if key.is_some() {
            mode = SECRET;
        }
        warnings.extend(key);
        Ok(Self {
            metadata,
            warnings,
            mode,
            tree,
            metadata_content,
            connection,
            files,
            code_length,
        })
    }

    /// Writes the package, and returns its digest; it is an error if anything has changed since
    /// [`Source::read`].
    pub fn write(&self, out: &mut dyn Write) -> Result<Digest> {
        let out = BufWriter::with_capacity(64 << 10, Hashing::new(out));
        let mut package = tar::Writer::new(gzip::Writer::new(out)?);
        package.file(CODE, self.code_length, |out| self.write_code(out))?;
        put(&mut package, METADATA, &self.metadata_content)?;
        let out = package.finish()?.finish()?.into_inner();
        Ok(out.map_err(io::IntoInnerError::into_error)?.digest())
    }

    fn write_code(&self, out: &mut dyn Write) -> Result<()> {
        let mut code = tar::Writer::new(gzip::Writer::new(out)?);
        for (path, entry) in &self.files {
            let (Some(entry), Some(tree)) = (entry, &self.tree) else {
                put(&mut code, path, &self.connection)?;
                continue;
            };
            let (folder, _) = path.rsplit_once('/').unwrap_or_default();
            let folder = folder.strip_prefix(tree.own_path());
            let dir = tree.descend(folder.unwrap_or_default())?;
            code.file(path, entry.size(), |out| {
                dir.pieces(entry, &mut |piece| Ok(out.write_all(piece)?))
            })?;
        }
        code.finish()?.finish()?;
        Ok(())
    }
}

/// The length of a gzipped archive of files with these paths and lengths.
fn length(files: impl IntoIterator<Item = (impl AsRef<str>, u64)>) -> Result<u64> {
    let mut length = 0;
    for (path, size) in files {
        length += tar::length_of_file(path.as_ref(), size)?;
    }
    Ok(gzip::length(tar::length(length)))
}

fn put<W: Write>(archive: &mut tar::Writer<W>, path: &str, content: &[u8]) -> Result<()> {
    let write = |out: &mut dyn Write| Ok(out.write_all(content)?);
    archive.file(path, content.len() as u64, write)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The warnings of a package with a file of `size` bytes, which are not read yet.
    fn warnings(size: u64) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("META-INF")).unwrap();
        fs::write(path("metadata.json"), r#"{"type":"ccaas","label":"a"}"#).unwrap();
        fs::write(path("connection.json"), r#"{"address":"a:1"}"#).unwrap();
        let large = fs::File::create(path("META-INF/large")).unwrap();
        large.set_len(size).unwrap();
        let dir = Dir::open(dir.path()).unwrap();
        Source::read(&dir, &dir).unwrap().warnings.lines().collect()
    }

    #[test]
    fn warns_of_a_package_that_peers_do_not_accept() {
        assert_eq!(warnings(0), [""; 0]);
        assert_eq!(warnings(99 << 20), [""; 0]);
        // Each archive's records of 10,240 bytes, in gzip's blocks: 10,241 records of code,
        // 10,243 of package.
        let length = 10_243 * 10_240 + 1_601 * 5 + 18;
        let warning = format!("warning: the package has {length} bytes, ");
        let seen = warnings(100 << 20);
        assert!(
            matches!(&seen[..], [line] if line.starts_with(&warning)),
            "{seen:?}"
        );
    }
}
