//! A package's source folder, checked as `build` checks it, and the bytes of the package made of it.
//!
//! ```text
//! package     = gzip(tar(code.tar.gz, metadata.json))
//! code.tar.gz = gzip(tar(META-INF/..., connection.json)) or gzip(tar(connection.json, metadata/...))
//! ```
//!
//! Files are in bytewise order of their paths; what gzip and tar are is in [`crate::archive`]. Lengths are computed first, so that all
//! of it can be written in one go: each file is read once for its bytes, and index definitions once more before, for the checks.

use std::io::Write;
use std::mem;
use std::path::Path;

use anyhow::{Context, Result};

use crate::archive::{gzip, tar};
use crate::connection::{self, Draft};
use crate::dir::{Buffer, Dir, Entry};
use crate::index::Role;
use crate::log::Warnings;
use crate::metadata::{self, Label, Metadata};
use crate::{meta_inf, parallel, pem};

/// The archive of what a builder gets as `CHAINCODE_SOURCE_DIR`.
pub const CODE: &str = "code.tar.gz";

/// gRPC's limit on the message of an install, less what is in it beside the package.
const MAX_INSTALL: u64 = (100 << 20) - (16 << 10);

/// A source folder that passed all checks.
pub struct Source {
    /// The package's label.
    pub label: Label,
    /// What the author should know: one line each.
    pub warnings: Warnings,
    /// The mode of a file that the package is written to: with a private key in it, it is for nobody else.
    pub mode: u32,
    dir: Dir,
    metadata: Vec<u8>,
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
    /// Reads and checks the source folder at `path`.
    ///
    /// # Errors
    /// When `build` would refuse the package, a peer could not install it, or something cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let dir = Dir::open(path)?.with_hard_links();
        let (description, metadata) = Metadata::read(&dir)?;
        description.must_be_ours()?;
        let label = Label::parse(&metadata)?;
        let (mut draft, connection) = Draft::read(&dir)?;
        let mut warnings = mem::take(&mut draft.warnings);
        draft.check_without_config().context(connection::FILE)?;
        let tree = meta_inf::find(&dir)?;
        let files = match &tree {
            Some(tree) => list_files(tree, &mut warnings)?,
            None => Vec::new(),
        };
        let code_length = code_length(&files, connection.len())?;
        warnings.extend(too_large(code_length, metadata.len())?);
        warnings.extend(meta_inf::left_out(&dir, tree.as_ref())?);
        let mode = if pem::holds_private_key(&connection) {
            warnings.push(format!(
                "{}: a private key goes into the package, a template would keep it out",
                connection::FILE
            ));
            0o600
        } else {
            0o644
        };
        Ok(Self {
            label,
            warnings,
            mode,
            dir,
            metadata,
            connection,
            files,
            code_length,
        })
    }

    /// Writes the package.
    ///
    /// # Errors
    /// When something cannot be read or written, or has changed since [`Source::read`].
    pub fn write(&self, out: impl Write) -> Result<()> {
        let mut package = tar::Writer::new(gzip::Writer::new(out)?);
        package.file_from(CODE, self.code_length, |out| self.write_code(out))?;
        put(&mut package, metadata::FILE, &self.metadata)?;
        package.finish()?.finish()?;
        Ok(())
    }

    fn write_code(&self, out: &mut dyn Write) -> Result<()> {
        let mut code = tar::Writer::new(gzip::Writer::new(out)?);
        // All files of the tree are on one side: META-INF sorts before connection.json, metadata after it.
        let middle = |file: &File| file.path.as_str() < connection::FILE;
        let (before, after) = self.files.split_at(self.files.partition_point(middle));
        self.write_files(before, &mut code)?;
        put(&mut code, connection::FILE, &self.connection)?;
        self.write_files(after, &mut code)?;
        code.finish()?.finish()?;
        Ok(())
    }

    fn write_files<W: Write>(&self, files: &[File], code: &mut tar::Writer<W>) -> Result<()> {
        let mut buffer = Buffer::default();
        for files in files.chunk_by(|a, b| a.folder() == b.folder()) {
            let dir = self.dir.descend(files.first().map_or("", File::folder))?;
            for File { path, entry } in files {
                code.file_from(path, entry.size(), |out| {
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
        listed.extend(parallel::map(files, |(entry, role), (): &mut ()| {
            if *role == Role::Index {
                meta_inf::read_index(dir, entry)?;
            }
            Ok(File {
                path: dir.relative(&entry.name),
                entry: Entry::clone(entry),
            })
        })?);
        Ok(())
    })?;
    listed.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(listed)
}

/// The length of code.tar.gz.
fn code_length(files: &[File], connection: usize) -> Result<u64> {
    let mut length = tar::length_of_file(connection::FILE, connection as u64)?;
    for File { path, entry } in files {
        length += tar::length_of_file(path, entry.size())?;
    }
    Ok(gzip::length(tar::length(length)))
}

/// A warning when the package is too large for the peers' usual limit.
fn too_large(code_length: u64, metadata: usize) -> Result<Option<String>> {
    let files = tar::length_of_file(CODE, code_length)?
        + tar::length_of_file(metadata::FILE, metadata as u64)?;
    let length = gzip::length(tar::length(files));
    Ok((length > MAX_INSTALL).then(|| {
        format!(
            "the package has {length} bytes, an install takes 100 MiB in all unless core.yaml raises peer.maxRecvMsgSize and peer.maxSendMsgSize"
        )
    }))
}

fn put<W: Write>(archive: &mut tar::Writer<W>, path: &str, mut content: &[u8]) -> Result<()> {
    archive.file(path, content.len() as u64, &mut content)
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
        Source::read(dir.path()).unwrap().warnings.into_kept()
    }

    #[test]
    fn warns_of_a_package_that_peers_do_not_take() {
        assert_eq!(warnings(0), [""; 0]);
        assert_eq!(warnings(99 << 20), [""; 0]);
        // Each archive's records of 10,240 bytes, in gzip's blocks: 10,241 records of code, 10,243 of package.
        let length = 10_243 * 10_240 + 1_601 * 5 + 18;
        let warning = format!("the package has {length} bytes, ");
        let seen = warnings(100 << 20);
        assert!(
            matches!(&seen[..], [line] if line.starts_with(&warning)),
            "{seen:?}"
        );
    }
}
