//! The record of a build: what is in the build output, and what it was made from.
//!
//! - `SHA256SUMS`, in the format of coreutils' sha256sum: a digest, two spaces and a path a line, sorted bytewise by path, for
//!   every file of the build output but itself. A line whose path holds a backslash begins with one, and doubles it.
//! - `build.intoto.json`, an in-toto Statement v1 (unsigned) with a Link v0.3 predicate: the artifacts as `subject`, every file
//!   that was read as `materials`.
//!
//! Both are a function of the package, the config and this program's version: no time, host, path, user or process is in them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::difference::Comparison;
use crate::digest::{Digest, HashingWriter};
use crate::dir::Dir;
use crate::log::is_unsafe;
use crate::{connection, meta_inf, metadata};

/// The list of digests.
pub const SUMS: &str = "SHA256SUMS";

/// The statement.
pub const STATEMENT: &str = "build.intoto.json";

/// What there is to say where neither file is.
pub const NO_RECORD: &str =
    "there is no record: it is another builder's, or the record was removed";

/// Where `META-INF` is in the build output, with its slash.
pub const META_INF: &str = "META-INF/";

/// in-toto's Statement layer, version 1.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// in-toto's Link predicate, version 0.3.
const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/link/v0.3";

/// A file by its path below some directory and its content's digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The path, with `/` between its parts.
    pub path: String,
    /// The digest of the content.
    pub digest: Digest,
}

/// What a build made, and from what.
pub struct Build {
    /// metadata.json, the same in and out.
    pub metadata: Digest,
    /// connection.json as the package has it.
    pub connection_read: Digest,
    /// connection.json as it was written.
    pub connection_written: Digest,
    /// The folder of the package whose tree became `META-INF`: that, or `metadata`.
    pub meta_inf_source: &'static str,
    /// The files of the tree by their paths below `META-INF`, sorted bytewise.
    pub meta_inf: Vec<Artifact>,
}

impl Build {
    /// How many artifacts there are, the record's own two files not counted.
    #[must_use]
    pub fn artifacts(&self) -> usize {
        self.meta_inf.len() + 2
    }

    /// Writes the record into the build output `dir`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, dir: &Dir) -> Result<()> {
        let statement = write_hashed(dir, STATEMENT, |out| {
            serde_json::to_writer(&mut *out, &self.statement())?;
            out.write_all(b"\n")
        })?;
        write_hashed(dir, SUMS, |out| {
            // M sorts before b, c and m, so this is the order of all paths.
            for Artifact { path, digest } in &self.meta_inf {
                write_line(out, META_INF, path, digest)?;
            }
            write_line(out, "", STATEMENT, &statement)?;
            write_line(out, "", connection::FILE, &self.connection_written)?;
            write_line(out, "", metadata::FILE, &self.metadata)
        })?;
        Ok(())
    }

    fn statement(&self) -> impl Serialize + '_ {
        let mut subject: Vec<_> = self.tree(META_INF).collect();
        subject.push(Descriptor {
            folder: "",
            path: connection::FILE,
            digest: self.connection_written,
        });
        subject.push(Descriptor {
            folder: "",
            path: metadata::FILE,
            digest: self.metadata,
        });
        Statement {
            kind: STATEMENT_TYPE,
            subject,
            predicate_type: PREDICATE_TYPE,
            predicate: Link {
                name: "build",
                command: [
                    "build",
                    "CHAINCODE_SOURCE_DIR",
                    "CHAINCODE_METADATA_DIR",
                    "BUILD_OUTPUT_DIR",
                ],
                materials: self.materials(),
                byproducts: Empty {},
                environment: Environment {
                    version: env!("CARGO_PKG_VERSION"),
                },
            },
        }
    }

    /// Every file read, sorted bytewise: `metadata/` is `CHAINCODE_METADATA_DIR`, `src/` is
    /// `CHAINCODE_SOURCE_DIR`.
    fn materials(&self) -> Vec<Descriptor<'_>> {
        let metadata = Descriptor {
            folder: "metadata/",
            path: metadata::FILE,
            digest: self.metadata,
        };
        let connection = Descriptor {
            folder: "src/",
            path: connection::FILE,
            digest: self.connection_read,
        };
        let mut materials = vec![metadata];
        if self.meta_inf_source == meta_inf::ALTERNATIVE {
            materials.push(connection);
            materials.extend(self.tree("src/metadata/"));
        } else {
            materials.extend(self.tree("src/META-INF/"));
            materials.push(connection);
        }
        materials
    }

    /// The files of the tree, in their order, in `folder`.
    fn tree(&self, folder: &'static str) -> impl Iterator<Item = Descriptor<'_>> {
        self.meta_inf.iter().map(move |file| Descriptor {
            folder,
            path: &file.path,
            digest: file.digest,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Descriptor<'a>>,
    predicate_type: &'static str,
    predicate: Link<'a>,
}

#[derive(Serialize)]
struct Link<'a> {
    name: &'static str,
    command: [&'static str; 4],
    materials: Vec<Descriptor<'a>>,
    byproducts: Empty,
    environment: Environment,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Environment {
    #[serde(rename = "fabric-ccs-builder")]
    version: &'static str,
}

/// in-toto's `ResourceDescriptor`: `{"name": "FOLDER/PATH", "digest": {"sha256": "..."}}`.
struct Descriptor<'a> {
    folder: &'static str,
    path: &'a str,
    digest: Digest,
}

impl Serialize for Descriptor<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct DigestSet {
            sha256: Digest,
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", &[self.folder, self.path].concat())?;
        map.serialize_entry(
            "digest",
            &DigestSet {
                sha256: self.digest,
            },
        )?;
        map.end()
    }
}

/// One line of `SHA256SUMS`.
fn write_line(out: &mut impl Write, folder: &str, path: &str, digest: &Digest) -> io::Result<()> {
    if path.contains('\\') {
        writeln!(out, "\\{digest}  {folder}{}", path.replace('\\', "\\\\"))
    } else {
        writeln!(out, "{digest}  {folder}{path}")
    }
}

/// Creates the file `name` in `dir`, lets `fill` write it, and gives the digest of what was written.
fn write_hashed(
    dir: &Dir,
    name: &str,
    fill: impl FnOnce(&mut BufWriter<HashingWriter<File>>) -> io::Result<()>,
) -> Result<Digest> {
    let out = HashingWriter::new(dir.create(name, 0o644)?);
    let mut out = BufWriter::with_capacity(64 << 10, out);
    fill(&mut out)
        .and_then(|()| out.into_inner().map_err(io::IntoInnerError::into_error))
        .map(HashingWriter::finish)
        .with_context(|| format!("cannot write {}", dir.path_of(name).display()))
}

/// The record of a build output, as it was found there; its two files agree.
pub struct Record {
    /// Every recorded file but `SHA256SUMS` itself, sorted bytewise by path.
    pub artifacts: Vec<Artifact>,
    /// The digest of the `SHA256SUMS` that was read: it stands for the whole build output.
    pub sums: Digest,
    /// The digest of the statement that was read.
    statement: Digest,
}

impl Record {
    /// Reads the record in the build output `dir`, or gives `None` when there is neither of its files.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or its two files disagree.
    pub fn read(dir: &Dir) -> Result<Option<Self>> {
        let (sums, statement) = (dir.find_file(SUMS)?, dir.find_file(STATEMENT)?);
        let (sums, statement) = match (sums, statement) {
            (Some(sums), Some(statement)) => (sums, statement),
            (None, None) => return Ok(None),
            (None, Some(_)) => bail!("{SUMS}: is missing, though there is a {STATEMENT}"),
            (Some(_), None) => bail!("{STATEMENT}: is missing, though there is a {SUMS}"),
        };
        let sums = dir.read_record(&sums)?;
        let artifacts = parse_sums(&sums).context(SUMS)?;
        let statement = dir.read_record(&statement)?;
        agree(&artifacts, &statement).context(STATEMENT)?;
        Ok(Some(Self {
            artifacts,
            sums: Digest::of(&sums),
            statement: Digest::of(&statement),
        }))
    }

    /// Compares the build output `dir` with its record, reading each file once.
    #[must_use]
    pub fn compare(&self, dir: &Dir) -> Comparison {
        let read = [(SUMS, self.sums), (STATEMENT, self.statement)];
        Comparison::new(dir, &self.artifacts, &read)
    }

    /// The digest recorded for the file at `path`.
    #[must_use]
    pub fn digest(&self, path: &str) -> Option<Digest> {
        let found = self
            .artifacts
            .binary_search_by(|artifact| artifact.path.as_str().cmp(path));
        found
            .ok()
            .and_then(|place| self.artifacts.get(place))
            .map(|artifact| artifact.digest)
    }
}

/// Reads `SHA256SUMS`, strictly as this program writes it.
fn parse_sums(content: &[u8]) -> Result<Vec<Artifact>> {
    let text = str::from_utf8(content).map_err(|_| anyhow!("is not UTF-8"))?;
    let lines = text
        .strip_suffix('\n')
        .ok_or_else(|| anyhow!("does not end with a line feed"))?;
    let mut artifacts: Vec<Artifact> = Vec::new();
    for (number, line) in lines.split('\n').enumerate() {
        let artifact = parse_line(line).ok_or_else(|| {
            anyhow!(
                "line {}: is not a digest, two spaces and a relative path",
                number + 1
            )
        })?;
        if let Some(last) = artifacts.last() {
            ensure!(
                last.path < artifact.path,
                "line {}: is not in bytewise order of paths",
                number + 1
            );
        }
        artifacts.push(artifact);
    }
    for needed in [STATEMENT, connection::FILE, metadata::FILE] {
        ensure!(
            artifacts.iter().any(|artifact| artifact.path == needed),
            "has no line for {needed}"
        );
    }
    Ok(artifacts)
}

fn parse_line(line: &str) -> Option<Artifact> {
    let (escaped, line) = match line.strip_prefix('\\') {
        Some(line) => (true, line),
        None => (false, line),
    };
    let (digest, path) = line.split_once("  ")?;
    let path = if escaped {
        unescape(path)?
    } else {
        path.to_owned()
    };
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_ours =
        is_plain && !path.contains(is_unsafe) && path != SUMS && path.contains('\\') == escaped;
    is_ours.then_some(Artifact {
        path,
        digest: digest.parse().ok()?,
    })
}

/// Undoes the doubling of backslashes; no other escape is ours.
fn unescape(path: &str) -> Option<String> {
    let single = path.replace("\\\\", "\0").replace('\0', "\\");
    (single.replace('\\', "\\\\") == path).then_some(single)
}

/// Checks that the statement is one of ours and lists what `SHA256SUMS` lists, but for itself.
fn agree(artifacts: &[Artifact], statement: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Found<'a> {
        #[serde(rename = "_type", borrow)]
        kind: Cow<'a, str>,
        #[serde(rename = "predicateType", borrow)]
        predicate_type: Cow<'a, str>,
        #[serde(borrow)]
        subject: Vec<Subject<'a>>,
    }
    #[derive(Deserialize)]
    struct Subject<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow)]
        digest: DigestSet<'a>,
    }
    #[derive(Deserialize)]
    struct DigestSet<'a> {
        #[serde(borrow)]
        sha256: Cow<'a, str>,
    }
    let found: Found =
        serde_json::from_slice(statement).map_err(|_| anyhow!("is not an in-toto statement"))?;
    ensure!(
        found.kind == STATEMENT_TYPE,
        "its _type is not {STATEMENT_TYPE}"
    );
    ensure!(
        found.predicate_type == PREDICATE_TYPE,
        "its predicateType is not {PREDICATE_TYPE}"
    );
    let mut subjects = found.subject.iter();
    for artifact in artifacts
        .iter()
        .filter(|artifact| artifact.path != STATEMENT)
    {
        let subject = subjects.next();
        let same = subject.is_some_and(|subject| {
            subject.name == artifact.path && subject.digest.sha256.parse() == Ok(artifact.digest)
        });
        ensure!(same, "disagrees with {SUMS} about {}", artifact.path);
    }
    if let Some(subject) = subjects.next() {
        bail!("disagrees with {SUMS} about {}", subject.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dir::{Limits, MAX_RECORD};

    #[test]
    fn the_largest_record_can_be_read() {
        let Limits {
            entries,
            path_bytes,
            ..
        } = Limits::PACKAGE;
        // A tenth of the files, each path as long as all may be on average, of the characters that need the most room.
        let room = path_bytes / entries - META_INF.len();
        let digest = Digest::of(b"");
        let file = |number| Artifact {
            path: format!("{number:06}{}", "\\".repeat(room - 6)),
            digest,
        };
        let build = Build {
            metadata: digest,
            connection_read: digest,
            connection_written: digest,
            meta_inf_source: meta_inf::FOLDER,
            meta_inf: (0..entries / 10).map(file).collect(),
        };
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        build.write(&dir).unwrap();
        let statement = dir.find_file(STATEMENT).unwrap().unwrap().size() * 10;
        assert!(
            (MAX_RECORD / 2..MAX_RECORD).contains(&statement),
            "{statement}"
        );
    }
}
