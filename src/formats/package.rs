//! A chaincode package file, whatever program made it, as a peer reads it.
//!
//! ```text
//! package     = gzip(tar(metadata.json, code.tar.gz)): regular files, in any order
//! code.tar.gz = gzip(tar(connection.json, META-INF/..., ...)): regular files and directories
//! ```
//!
//! Install reads the outer archive (Fabric's `core/chaincode/persistence`), and the peer unpacks
//! the inner one before it calls a builder (`core/container/externalbuilder/tar.go`). More is
//! refused here than there: a metadata.json or code.tar.gz that occurs twice, of which install
//! reads the last but a builder gets the first; names that are not UTF-8; sparse files; damage after the
//! end of an archive, where the peer does not look; and what exceeds the limits of a package.

pub mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;

use super::archive::untar::{Header, Kind};
use super::archive::{gunzip, untar};
use super::metadata::Metadata;
use crate::error::{Cannot, Error, Refuse, Result, refused};
use crate::files::{Budget, Digest, Dir, Hashing, pieces};
use crate::findings::Warnings;
use crate::layout::{BUILD_LIMITS, CODE, CONNECTION, MAX_SMALL, METADATA, SECRET};

/// Called for each member of a code.tar.gz, whose name is the path as the peer cleans it. Content
/// that it does not read from the archive is skipped.
pub type Visit<'a> = &'a mut dyn FnMut(&Header, &mut Archive) -> Result<()>;

const HOW: &str = "make the package with tar -czf FILE metadata.json code.tar.gz in their \
    folder, or with fabric-ccs-builder package DIR";
/// The most bytes that may follow an archive: tar pads its records.
const MAX_REST: u64 = 1 << 20;

/// The longest name of a file or folder that file systems allow, in bytes.
const MAX_NAME: usize = 255;

/// A package file that was read to its end.
pub struct Package {
    /// The file's digest: with the label, it is the package ID.
    pub digest: Digest,
    pub metadata: Metadata,
    pub metadata_content: Vec<u8>,
    /// The files in code.tar.gz, or why the peer or the visitor refuses it.
    pub code: Result<BTreeSet<String>>,
}

impl Package {
    /// Reads the file at `path`, and unpacks its code.tar.gz to `target`.
    pub fn read(path: &Path, target: Option<&Dir>, warnings: &mut Warnings) -> Result<Self> {
        let file = File::open(path).cannot("open", path)?;
        Self::read_file(file, path, target, warnings)
    }

    /// Like [`Package::read`], for an open file.
    pub fn read_file(
        file: File,
        path: &Path,
        target: Option<&Dir>,
        warnings: &mut Warnings,
    ) -> Result<Self> {
        let mut unpack = |member: &Header, archive: &mut Archive| {
            target.map_or(Ok(()), |target| unpack(target, member, archive))
        };
        Self::visit(file, path, &mut unpack, warnings)
    }

    /// Reads an open file, and passes each member of its code.tar.gz, which is never in memory as a
    /// whole, to `visit`.
    pub fn visit(file: File, path: &Path, visit: Visit, warnings: &mut Warnings) -> Result<Self> {
        let shown = path.display().to_string();
        let mut file = BufReader::new(Hashing::new(file));
        let mut package = Archive::new(&mut file, shown.clone());
        let (mut metadata, mut code, mut others) = (None, None, BTreeSet::new());
        while let Some(member) = package.next_member(&member_of_package)? {
            match member.name.as_str() {
                METADATA if metadata.is_none() && member.size <= MAX_SMALL => {
                    metadata = Some(package.read()?);
                }
                CODE if code.is_none() => {
                    let mut inner = BufReader::new(&mut package.reader);
                    let inner = Archive::new(&mut inner, format!("{shown}: {CODE}"));
                    code = Some(inner.visit(visit, warnings));
                }
                METADATA if metadata.is_none() => {
                    return refused(format!("{shown}: {METADATA}: is larger than 1 MiB"));
                }
                name @ (METADATA | CODE) => {
                    return refused(format!(
                        "{shown}: {name}: occurs twice, and install reads the last where a builder \
                         reads the first; {HOW}"
                    ));
                }
                name => {
                    warnings.push(format!(
                        "{shown}: {name}: is not read: only {METADATA} and {CODE} are"
                    ));
                    others.insert(name.to_owned());
                }
            }
        }
        let (Some(metadata_content), Some(code)) = (&metadata, code) else {
            let missing = metadata.map_or(METADATA, |_| CODE);
            return refused(format!("{shown}: {}", why_missing(missing, &others)));
        };
        let place = format!("{shown}: {METADATA}");
        Ok(Self {
            digest: file.into_inner().digest(),
            metadata: Metadata::parse(metadata_content).refuse(place)?,
            metadata_content: metadata_content.clone(),
            code,
        })
    }
}

/// Why `missing` is not in the package, which has these `others` that are not read.
fn why_missing(missing: &str, others: &BTreeSet<String>) -> String {
    let end = format!("/{missing}");
    if let Some(other) = others.iter().find(|name| name.ends_with(&end)) {
        format!("{missing} not found: to a peer, {other} is a different file; {HOW}")
    } else if let Some(other) = others.iter().find(|name| name.starts_with("code.t"))
        && missing == CODE
    {
        let is_plain = other == "code.tar";
        let how = if is_plain { "compress and " } else { "" };
        format!("{missing} not found; {how}rename {other}")
    } else if others.contains(CONNECTION) {
        format!(
            "{missing} not found: {CONNECTION} and META-INF belong in {CODE}; fabric-ccs-builder \
             package makes all of it from their folder"
        )
    } else {
        format!("{missing} not found: a package contains {METADATA} and {CODE}; {HOW}")
    }
}

/// The path of a member of the outer archive.
fn member_of_package(member: &Header) -> Result<String> {
    let kind = match member.kind {
        Kind::File => return Ok(member.name.clone()),
        Kind::Dir => "a directory",
        Kind::Other(kind) => kind,
    };
    let name = &member.name;
    refused(format!("{name}: is {kind}, which install refuses: {HOW}"))
}

/// The path of a member of the inner archive, as the peer cleans it; `""` is the folder itself.
fn member_of_code(member: &Header) -> Result<String> {
    let name = &member.name;
    if let Kind::Other(kind) = member.kind {
        return refused(format!(
            "{name}: is {kind}, but the peer accepts only regular files and directories"
        ));
    }
    let mut path = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if path.pop().is_some() => {}
            ".." => return refused(format!("{name}: leads out of the folder; leave out ..")),
            part => path.push(part),
        }
    }
    if name.starts_with('/') {
        return refused(format!(
            "{name}: is an absolute path; leave out the leading /"
        ));
    }
    if path.is_empty() && member.kind == Kind::File {
        return refused(format!("{name:?}: is not a file name"));
    }
    if path.iter().any(|part| part.len() > MAX_NAME) {
        return refused(format!(
            "{name}: has a name of more than {MAX_NAME} bytes; shorten it"
        ));
    }
    if path.len() > BUILD_LIMITS.depth {
        let depth = BUILD_LIMITS.depth;
        return refused(format!("{name}: directories nested more than {depth} deep"));
    }
    Ok(path.join("/"))
}

/// A tar archive in a gzip file, within the limits of a package.
pub struct Archive<'a> {
    reader: untar::Reader<gunzip::Reader<&'a mut dyn BufRead>>,
    shown: String,
    budget: Budget,
}

impl<'a> Archive<'a> {
    fn new(file: &'a mut dyn BufRead, shown: String) -> Self {
        Self {
            reader: untar::Reader::new(gunzip::Reader::new(file)),
            shown,
            budget: Budget::new(BUILD_LIMITS),
        }
    }

    /// The whole content of the current member, which must be known to be small.
    pub fn read(&mut self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let read = self.reader.read_to_end(&mut content);
        read.map_err(|error| fault(&error, &self.shown))?;
        Ok(content)
    }

    /// Passes the content of the current member to `take`, piece by piece.
    pub fn pieces(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let explain = |read: io::Result<usize>| read.map_err(|error| fault(&error, &self.shown));
        pieces(&mut self.reader, &explain, take)
    }

    /// The next member, whose name is the path that `path_of` returns. After the last one, the file
    /// is read to the end.
    fn next_member(
        &mut self,
        path_of: &dyn Fn(&Header) -> Result<String>,
    ) -> Result<Option<Header>> {
        let fault = |error: &_| fault(error, &self.shown);
        let member = self.reader.next_member().map_err(|error| fault(&error))?;
        let Some(mut member) = member else {
            let mut rest = self.reader.get_mut().take(MAX_REST + 1);
            let rest = io::copy(&mut rest, &mut io::sink()).map_err(|error| fault(&error))?;
            if rest > MAX_REST {
                let shown = &self.shown;
                return refused(format!("{shown}: more than 1 MiB after the archive's end"));
            }
            return Ok(None);
        };
        let path = path_of(&member).map_err(|error| error.at(&self.shown))?;
        let counted = self.budget.count(&path, member.size);
        counted.map_err(|error| error.at(&self.shown))?;
        member.name = path;
        Ok(Some(member))
    }

    /// Reads all of a code.tar.gz, and returns the paths of its files.
    fn visit(mut self, visit: Visit, warnings: &mut Warnings) -> Result<BTreeSet<String>> {
        let mut paths = BTreeMap::new();
        while let Some(member) = self.next_member(&member_of_code)? {
            let is_file = member.kind == Kind::File;
            if let Some(clash) = clash(&paths, &member.name, is_file) {
                let (shown, path) = (&self.shown, &member.name);
                return refused(format!("{shown}: {path}: {clash}; rename one"));
            }
            visit(&member, &mut self)?;
            let is_twice = paths.insert(member.name.clone(), is_file).is_some();
            if !is_file {
                continue;
            }
            let (path, shown) = (member.name, &self.shown);
            if member.mode & 0o400 == 0 {
                warnings.push(format!(
                    "{shown}: {path}: has mode {:o}, so only a peer that runs as root can read it",
                    member.mode
                ));
            }
            if is_twice {
                warnings.push(format!(
                    "{shown}: {path}: occurs twice: the peer writes the second over the first, and \
                     keeps what the first has beyond it"
                ));
            }
        }
        if let Some(path) = paths.keys().find(|path| path.contains('\\')) {
            warnings.push(format!(
                "{}: {path}: has \\ in its name, which does not separate folders; write / in the names of the \
                 archive",
                self.shown
            ));
        }
        let files = paths.into_iter().filter(|(_, is_file)| *is_file);
        Ok(files.map(|(path, _)| path).collect())
    }
}

/// Why the peer cannot put a file or folder at `path`, when it has these `paths` (and whether each
/// is a file) already.
fn clash(paths: &BTreeMap<String, bool>, path: &str, is_file: bool) -> Option<&'static str> {
    let is_known_file = |path: &str| paths.get(path) == Some(&true);
    let mut folders = path.match_indices('/');
    if folders.any(|(end, _)| path.get(..end).is_some_and(is_known_file)) {
        return Some("one of its folders is also a file");
    }
    let folder = format!("{path}/");
    let mut below = paths.range(folder.clone()..);
    let is_known_folder = paths.get(path) == Some(&false)
        || below
            .next()
            .is_some_and(|(next, _)| next.starts_with(&folder));
    let is_both = if is_file {
        is_known_folder
    } else {
        is_known_file(path)
    };
    is_both.then_some("is a file and also a folder")
}

/// Writes a member of code.tar.gz below `target`.
fn unpack(target: &Dir, member: &Header, archive: &mut Archive) -> Result<()> {
    let path = &member.name;
    if member.kind == Kind::Dir {
        return target.make_dirs(path).map(drop);
    }
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut out = target.make_dirs(folder)?.write_over(name, SECRET)?;
    archive.pieces(&mut |piece| out.write_all(piece).cannot("write", Path::new(path)))
}

fn fault(error: &io::Error, shown: &str) -> Error {
    match error.kind() {
        ErrorKind::InvalidData => Error::Refused(format!("{shown}: {error}")),
        _ => Error::Failed(format!("cannot read {shown}: {error}")),
    }
}
