//! A package's source folder, checked as `build` checks it, and the bytes of the package made of it.
//!
//! ```text
//! package     = gzip(tar(code.tar.gz, metadata.json))
//! code.tar.gz = gzip(tar(META-INF/..., connection.json))
//!             | gzip(tar(connection.json, metadata/...))
//! ```
//!
//! Files are in bytewise order of their paths; what gzip and tar are is in
//! [`crate::formats::archive`]. Lengths are computed first, so that all of it can be written in one
//! go: each file is read once for its bytes, and index definitions once more before, for the checks.

use std::io::Write;
use std::path::Path;

use crate::error::{Refuse, Result};
use crate::files::{Buffer, Dir, Entry};
use crate::formats::archive::{gzip, tar};
use crate::formats::connection::Draft;
use crate::formats::index::Role;
use crate::formats::metadata::Metadata;
use crate::formats::{meta_inf, tls};
use crate::layout::{CODE, CONNECTION, MAX_INSTALL, METADATA, PUBLIC, SECRET};
use crate::log::Warnings;

/// A source folder that passed all checks.
pub struct Source {
    /// The package's type and label.
    pub metadata: Metadata,
    /// What the author should know: one line each.
    pub warnings: Warnings,
    /// The mode of a file that the package is written to: one with a private key is for nobody
    /// else.
    pub mode: u32,
    dir: Dir,
    metadata_content: Vec<u8>,
    connection: Vec<u8>,
    /// The files of the META-INF tree, sorted bytewise by path.
    files: Vec<File>,
    code_length: u64,
}

struct File {
    /// Below the source folder.
    path: String,
    entry: Entry,
}

impl File {
    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

impl Source {
    /// Reads the source folder at `path`, and checks it as `build` and a peer's install would.
    pub fn read(path: &Path) -> Result<Self> {
        let dir = Dir::open(path)?.with_hard_links();
        let (metadata, metadata_content) = Metadata::read(&dir)?;
        metadata.must_be_ours()?;
        metadata.label()?;
        let (draft, mut warnings, connection) = Draft::read(&dir)?;
        draft.check_without_config().refuse(CONNECTION)?;
        let tree = meta_inf::find(&dir)?;
        let files = match &tree {
            Some(tree) => list_files(tree, &mut warnings)?,
            None => Vec::new(),
        };
        let code_length = code_length(&files, connection.len())?;
        warnings.extend(too_large(code_length, metadata_content.len())?);
        warnings.extend(meta_inf::left_out(&dir, tree.as_ref())?);
        let mode = if tls::holds_private_key(&connection) {
            warnings.push(format!(
                "{CONNECTION}: a private key goes into the package, a template would keep it out"
            ));
            SECRET
        } else {
            PUBLIC
        };
        Ok(Self {
            metadata,
            warnings,
            mode,
            dir,
            metadata_content,
            connection,
            files,
            code_length,
        })
    }

    /// Writes the package; it is an error when something has changed since [`Source::read`].
    pub fn write(&self, out: impl Write) -> Result<()> {
        let mut package = tar::Writer::new(gzip::Writer::new(out)?);
        package.file(CODE, self.code_length, |out| self.write_code(out))?;
        put(&mut package, METADATA, &self.metadata_content)?;
        package.finish()?.finish()?;
        Ok(())
    }

    fn write_code(&self, out: &mut dyn Write) -> Result<()> {
        let mut code = tar::Writer::new(gzip::Writer::new(out)?);
        // All files of the tree are on one side: META-INF sorts before connection.json, metadata
        // after it.
        let is_before = |file: &File| file.path.as_str() < CONNECTION;
        let (before, after) = self.files.split_at(self.files.partition_point(is_before));
        self.write_files(before, &mut code)?;
        put(&mut code, CONNECTION, &self.connection)?;
        self.write_files(after, &mut code)?;
        code.finish()?.finish()?;
        Ok(())
    }

    fn write_files<W: Write>(&self, files: &[File], code: &mut tar::Writer<W>) -> Result<()> {
        let mut buffer = Buffer::default();
        for files in files.chunk_by(|a, b| a.folder() == b.folder()) {
            let dir = self.dir.descend(files.first().map_or("", File::folder))?;
            for File { path, entry } in files {
                code.file(path, entry.size(), |out| {
                    dir.pieces(entry, &mut buffer, |piece| Ok(out.write_all(piece)?))
                })?;
            }
        }
        Ok(())
    }
}

/// Lists the files of the META-INF tree, sorted bytewise by path, and checks them.
fn list_files(tree: &Dir, warnings: &mut Warnings) -> Result<Vec<File>> {
    let mut listed = Vec::new();
    meta_inf::walk(tree, warnings, |_, dir, files| {
        for (entry, role) in files {
            if *role == Role::Index {
                meta_inf::read_index(dir, entry)?;
            }
            listed.push(File {
                path: dir.relative(&entry.name),
                entry: Entry::clone(entry),
            });
        }
        Ok(())
    })?;
    listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(listed)
}

/// The length of code.tar.gz.
fn code_length(files: &[File], connection: usize) -> Result<u64> {
    let mut length = tar::length_of_file(CONNECTION, connection as u64)?;
    for File { path, entry } in files {
        length += tar::length_of_file(path, entry.size())?;
    }
    Ok(gzip::length(tar::length(length)))
}

/// A warning when the package is too large for the peers' usual limit.
fn too_large(code_length: u64, metadata: usize) -> Result<Option<String>> {
    let metadata = tar::length_of_file(METADATA, metadata as u64)?;
    let files = tar::length_of_file(CODE, code_length)? + metadata;
    let length = gzip::length(tar::length(files));
    let warning = || {
        format!(
            "the package has {length} bytes, an install takes 100 MiB in all unless core.yaml raises peer.maxRecvMsgSize and peer.maxSendMsgSize"
        )
    };
    Ok((length > MAX_INSTALL).then(warning))
}

fn put<W: Write>(archive: &mut tar::Writer<W>, path: &str, content: &[u8]) -> Result<()> {
    archive.file(
        path,
        content.len() as u64,
        |out| Ok(out.write_all(content)?),
    )
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
        Source::read(dir.path()).unwrap().warnings.lines().collect()
    }

    #[test]
    fn warns_of_a_package_that_peers_do_not_take() {
        assert_eq!(warnings(0), [""; 0]);
        assert_eq!(warnings(99 << 20), [""; 0]);
        // Each archive's records of 10,240 bytes, in gzip's blocks: 10,241 records of code, 10,243 of package.
        let length = 10_243 * 10_240 + 1_601 * 5 + 18;
        let warning = format!("warning: the package has {length} bytes, ");
        let seen = warnings(100 << 20);
        assert!(
            matches!(&seen[..], [line] if line.starts_with(&warning)),
            "{seen:?}"
        );
    }
}
