//! What `build` and `release` produce from a package, computed from its file: nothing is unpacked,
//! and at most one index definition is in memory at a time.
//!
//! The rules are those that both follow on disk. Where the order of the archive would matter, as
//! when a file occurs twice, the package is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Refuse, Result, refused};
use crate::files::{Budget, Digest, Hashing, fault_of_name, join, sort_by_path};
use crate::findings::Warnings;
use crate::formats::archive::untar::{Header, Kind};
use crate::formats::artifact::Artifact;
use crate::formats::connection::{Connection, Draft};
use crate::formats::judge::Judge;
use crate::formats::meta_inf::is_made_by_system;
use crate::formats::metadata::Metadata;
use crate::formats::package::{Archive, Package};
use crate::formats::published;
use crate::formats::record::Inputs;
use crate::formats::template::Config;
use crate::layout::{ALTERNATIVE, CONNECTION, MAX_SMALL, META_INF, STATEDB, TREE_LIMITS};

/// What a package file says, read to its end.
pub struct Recomputed {
    pub digest: Digest,
    pub metadata: Metadata,
    /// What is produced from it, or why `build` would refuse it.
    pub recipe: Result<Recipe>,
}

/// What is produced from a package, except for what the config fills in.
pub struct Recipe {
    pub draft: Draft,
    inputs: Inputs,
    /// The index definitions that are not published.
    withheld: BTreeSet<String>,
}

/// The files of a build output and of its release output.
pub struct Outputs {
    pub bld: Vec<Artifact>,
    pub release: Vec<Artifact>,
    /// How many artifacts the record has, without its own two files.
    pub artifacts: usize,
    /// The digest of `SHA256SUMS`.
    pub sums: Digest,
}

/// Reads the package in an open file, which was found at `path`.
pub fn read_file(file: File, path: &Path) -> Result<Recomputed> {
    let mut warnings = [Warnings::default(), Warnings::default()];
    let [first, second] = &mut warnings;
    let mut code = Code {
        connection: None,
        meta_inf: Folder::new(META_INF, first),
        alternative: Folder::new(ALTERNATIVE, second),
        has_statedb: false,
    };
    // Gets each member in the order of the archive; `finish` decides what becomes of them.
    let mut add = |member: &Header, archive: &mut Archive| code.add(member, archive);
    let package = Package::visit(file, path, &mut add, &mut Warnings::default())?;
    let metadata = Digest::of(&package.metadata_content);
    Ok(Recomputed {
        digest: package.digest,
        metadata: package.metadata,
        recipe: package.code.and_then(|_| code.finish(metadata)),
    })
}

impl Recipe {
    /// The connection.json that is written with this config; `None` if it has templates but there
    /// is no config.
    pub fn connection(&self, config: &Config) -> Result<Option<Connection>> {
        if config.is_unset() && self.draft.has_templates() {
            return Ok(None);
        }
        self.draft.resolve(config).refuse(CONNECTION).map(Some)
    }

    /// What is made, with a connection.json that has this digest.
    pub fn outputs(&self, connection: Digest) -> Result<Outputs> {
        let is_withheld = |path: &str| self.withheld.contains(path);
        let mut bld = self.inputs.artifacts(connection);
        let (release, artifacts) = (published::of_build(&bld, &is_withheld), bld.len());
        let record = self.inputs.record_files(connection)?;
        let record = record.map(|(name, content)| Artifact::new(name, Digest::of(&content)));
        // The statement is the first, `SHA256SUMS` the second.
        let [_, Artifact { digest: sums, .. }] = record;
        bld.extend(record);
        Ok(Outputs {
            bld,
            release,
            artifacts,
            sums,
        })
    }
}

/// What is needed from a code.tar.gz.
struct Code<'a> {
    connection: Option<Vec<u8>>,
    meta_inf: Folder<'a>,
    alternative: Folder<'a>,
    /// Whether the alternative has a `statedb`.
    has_statedb: bool,
}

impl Code<'_> {
    fn add(&mut self, member: &Header, archive: &mut Archive) -> Result<()> {
        let mut names = member.name.split('/');
        let root = names.next().unwrap_or_default();
        match root {
            CONNECTION if member.kind == Kind::Dir || member.name != root => {
                refused(format!("{root}: is a directory, not a regular file"))
            }
            CONNECTION if self.connection.is_some() => twice(root),
            CONNECTION if member.size > MAX_SMALL => {
                let size = member.size;
                refused(format!(
                    "{root}: has {size} bytes, more than the {MAX_SMALL} allowed"
                ))
            }
            CONNECTION => {
                self.connection = Some(archive.read()?);
                Ok(())
            }
            META_INF => self.meta_inf.add(member, archive),
            ALTERNATIVE => {
                self.has_statedb |= names.next() == Some(STATEDB);
                self.alternative.add(member, archive)
            }
            _ => Ok(()),
        }
    }

    fn finish(self, metadata: Digest) -> Result<Recipe> {
        let Some(connection) = self.connection else {
            return refused(format!("{CONNECTION} not found"));
        };
        let (draft, _) = Draft::parse(&connection).refuse(CONNECTION)?;
        // The same choice as of `meta_inf::find`: any META-INF, even an empty one, comes first.
        if self.meta_inf.paths.get(META_INF) == Some(&true) {
            return refused(format!("{META_INF}: is a file, not a directory"));
        }
        let has_meta_inf = !self.meta_inf.paths.is_empty();
        let mut tree = if self.has_statedb && !has_meta_inf {
            self.alternative
        } else {
            self.meta_inf
        };
        tree.refuse_as_walk_would()?;
        let mut files = tree.files;
        sort_by_path(&mut files, |file| &file.path);
        let inputs = Inputs {
            metadata,
            connection: Digest::of(&connection),
            meta_inf_source: tree.name,
            meta_inf: files,
        };
        Ok(Recipe {
            draft,
            inputs,
            withheld: tree.withheld,
        })
    }
}

/// The folder that becomes `META-INF`, or may become it.
struct Folder<'a> {
    /// Its own name in the package.
    name: &'static str,
    /// Every path in it, and whether it is a file.
    paths: BTreeMap<String, bool>,
    /// The files, by their paths in the build output.
    files: Vec<Artifact>,
    judge: Judge<'a>,
    withheld: BTreeSet<String>,
    budget: Budget,
    /// Why nothing can be made of it, which matters only if it becomes `META-INF`.
    fault: Option<Error>,
}

impl<'a> Folder<'a> {
    fn new(name: &'static str, warnings: &'a mut Warnings) -> Self {
        Self {
            name,
            paths: BTreeMap::new(),
            files: Vec::new(),
            budget: Budget::new(TREE_LIMITS),
            judge: Judge::new(warnings),
            withheld: BTreeSet::new(),
            fault: None,
        }
    }

    fn add(&mut self, member: &Header, archive: &mut Archive) -> Result<()> {
        if self.fault.is_none() {
            self.fault = self.note(member).err();
        }
        if self.fault.is_some() || member.kind == Kind::Dir {
            return Ok(());
        }
        let path = &member.name;
        let (_, below) = path.split_once('/').unwrap_or_default();
        let (folder, name) = below.rsplit_once('/').unwrap_or(("", below));
        // Counted, but not copied, as by `meta_inf::Reader::select`.
        if is_made_by_system(name) {
            return Ok(());
        }
        let read = &mut || archive.read();
        let judged = self.judge.judge((folder, name), path, member.size, read)?;
        if !judged.is_published {
            self.withheld.insert(join(META_INF, below));
        }
        let mut hasher = Hashing::new(io::sink());
        match judged.content {
            Some(content) => hasher.write_all(&content)?,
            None => archive.pieces(&mut |piece| Ok(hasher.write_all(piece)?))?,
        }
        self.files.push(Artifact {
            path: join(META_INF, below),
            digest: hasher.digest(),
        });
        Ok(())
    }

    /// Notes a member, and the folders that it is in.
    fn note(&mut self, member: &Header) -> Result<()> {
        let path = &member.name;
        for (end, _) in path.match_indices('/') {
            self.put(path.get(..end).unwrap_or_default(), None)?;
        }
        let is_file = member.kind == Kind::File;
        self.put(path, is_file.then_some(member.size))
    }

    /// Notes a file of this size, or a folder if there is no size. None is both: no peer can unpack
    /// that, so [`Package`] refuses it.
    fn put(&mut self, path: &str, size: Option<u64>) -> Result<()> {
        match self.paths.get(path) {
            Some(false) => return Ok(()),
            Some(true) => return twice(path),
            None => self.paths.insert(path.to_owned(), size.is_some()),
        };
        // The tree's own folder does not count.
        if path == self.name {
            return Ok(());
        }
        self.budget.count(path, size.unwrap_or_default())
    }

    /// Refuses what a walk of the folder on disk would refuse, and what only an archive can have.
    fn refuse_as_walk_would(&mut self) -> Result<()> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        if self.judge.is_full {
            let reason =
                "which index definitions are published depends on the order of their names";
            return refused(format!("{}: {reason}", self.name));
        }
        for (path, is_file) in &self.paths {
            if let Some(fault) = fault_of_name(path) {
                return refused(format!("{path}: {fault}"));
            }
            if !is_file && path.matches('/').count() > TREE_LIMITS.depth {
                let depth = TREE_LIMITS.depth;
                return refused(format!("{path}: directories nested more than {depth} deep"));
            }
        }
        Ok(())
    }
}

fn twice<T>(path: &str) -> Result<T> {
    refused(format!(
        "{path}: occurs twice in the archive, and what a peer would unpack is not computed"
    ))
}
