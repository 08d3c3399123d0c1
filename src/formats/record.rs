//! The record of a build: what is in the build output, and what it was made from.
//!
//! - `SHA256SUMS`, in the format of coreutils' sha256sum: one line for every file of the build
//!   output except itself, with a digest, two spaces and a path, sorted bytewise by path. If a path
//!   contains backslashes, they are doubled, and the line begins with a backslash.
//! - `build.intoto.json`, an in-toto Statement v1 (unsigned) with a Link v0.3 predicate: the
//!   artifacts as `subject`, every file of the package that they were made from as `materials`.
//!
//! Both depend only on the package, the config, and the files that the config names: they contain
//! no time, host, absolute path, user, process or version of this program. [`statement`] writes and
//! reads the second.

use anyhow::{Context, ensure};

use super::artifact::Artifact;
use super::comparison::Comparison;
use super::statement;
use crate::error::{Refuse, Result, refused};
use crate::files::{Digest, Dir, sort_by_path};
use crate::layout::{CONNECTION, MAX_RECORD, META_INF, METADATA, PUBLIC, STATEMENT, SUMS};
use crate::text::is_unsafe;

pub const NO_RECORD: &str =
    "there is no record: another builder made it, or the record was removed";

/// What a build is made from, except the config.
pub struct Inputs {
    /// metadata.json, which is copied unchanged.
    pub metadata: Digest,
    /// connection.json as the package has it.
    pub connection: Digest,
    /// The package's folder that became `META-INF`: `META-INF` itself, or `metadata`.
    pub meta_inf_source: &'static str,
    /// The files below it, by their paths in the build output, sorted bytewise.
    pub meta_inf: Vec<Artifact>,
}

impl Inputs {
    /// The artifacts with this connection.json, sorted bytewise, without the record's own two files.
    pub fn artifacts(&self, connection: Digest) -> Vec<Artifact> {
        let mut artifacts = self.meta_inf.clone();
        // Bytewise, META-INF/ comes before connection.json, and that before metadata.json.
        artifacts.push(Artifact::new(CONNECTION, connection));
        artifacts.push(Artifact::new(METADATA, self.metadata));
        artifacts
    }

    /// Every file of the package that was used, sorted bytewise: `metadata/` is
    /// `CHAINCODE_METADATA_DIR`, `src/` is `CHAINCODE_SOURCE_DIR`.
    fn materials(&self) -> Vec<Artifact> {
        let mut materials = vec![
            Artifact::new(format!("metadata/{METADATA}"), self.metadata),
            Artifact::new(format!("src/{CONNECTION}"), self.connection),
        ];
        materials.extend(self.meta_inf.iter().map(|file| {
            let path = file.path.strip_prefix(META_INF).unwrap_or_default();
            Artifact::new(format!("src/{}{path}", self.meta_inf_source), file.digest)
        }));
        sort_by_path(&mut materials, |file| &file.path);
        materials
    }

    /// The content of the record's two files: the statement and `SHA256SUMS`.
    pub fn record_files(&self, connection: Digest) -> Result<[(&'static str, Vec<u8>); 2]> {
        let mut artifacts = self.artifacts(connection);
        let statement = statement::of(&artifacts, &self.materials())?;
        artifacts.push(Artifact::new(STATEMENT, Digest::of(&statement)));
        sort_by_path(&mut artifacts, |file| &file.path);
        let lines = artifacts.iter().map(|file| line(file) + "\n");
        let sums = lines.collect::<String>().into_bytes();
        Ok([(STATEMENT, statement), (SUMS, sums)])
    }

    /// Writes the record into the build output `dir`.
    pub fn write_record(&self, dir: &Dir, connection: Digest) -> Result<()> {
        for (name, content) in self.record_files(connection)? {
            dir.write(name, PUBLIC, &content)?;
        }
        Ok(())
    }
}

/// One line of `SHA256SUMS`, without its line feed.
fn line(Artifact { path, digest }: &Artifact) -> String {
    if path.contains('\\') {
        format!("\\{digest}  {}", path.replace('\\', "\\\\"))
    } else {
        format!("{digest}  {path}")
    }
}

/// The record found in a build output; its two files agree.
pub struct Record {
    /// Every recorded file except `SHA256SUMS` itself, sorted bytewise by path.
    pub artifacts: Vec<Artifact>,
    /// The digest of `SHA256SUMS`, which identifies the whole build output.
    pub sums: Digest,
    /// The digest of the statement.
    statement: Digest,
}

impl Record {
    /// Reads the record in the build output `dir`, or returns `None` if neither of its files
    /// exists.
    pub fn read(dir: &Dir) -> Result<Option<Self>> {
        let (sums, statement) = (dir.find_file(SUMS)?, dir.find_file(STATEMENT)?);
        let (missing, found) = match (&sums, &statement) {
            (None, None) => return Ok(None),
            (Some(sums), Some(statement)) => {
                let sums = dir.read(sums, MAX_RECORD)?;
                return Self::parse(&sums, &dir.read(statement, MAX_RECORD)?).map(Some);
            }
            (None, Some(_)) => (SUMS, STATEMENT),
            (Some(_), None) => (STATEMENT, SUMS),
        };
        refused(format!("{missing}: is missing, though there is a {found}"))
    }

    /// Parses the content of the two files, which must agree.
    pub fn parse(sums: &[u8], statement: &[u8]) -> Result<Self> {
        let artifacts = parse_sums(sums).refuse(SUMS)?;
        statement::agrees(&artifacts, statement).refuse(STATEMENT)?;
        Ok(Self {
            artifacts,
            sums: Digest::of(sums),
            statement: Digest::of(statement),
        })
    }

    /// Compares the build output `dir` with this record, which was read from it: its own two files
    /// are not read again.
    pub(crate) fn compare(&self, dir: &Dir) -> Comparison {
        let mut files = self.artifacts.clone();
        files.push(Artifact::new(SUMS, self.sums));
        let read = [(SUMS, self.sums), (STATEMENT, self.statement)];
        Comparison::new(Some(dir), &files, &read)
    }

    /// The digest recorded for the file at `path`.
    pub fn digest(&self, path: &str) -> Option<Digest> {
        let by_path = |file: &Artifact| file.path.as_str().cmp(path);
        let place = self.artifacts.binary_search_by(by_path).ok()?;
        Some(self.artifacts[place].digest)
    }
}

/// Parses `SHA256SUMS`; accepts only what this program writes.
fn parse_sums(content: &[u8]) -> anyhow::Result<Vec<Artifact>> {
    let text = str::from_utf8(content).ok().context("is not UTF-8")?;
    let lines = text.strip_suffix('\n');
    let lines = lines.context("does not end with a line feed")?.split('\n');
    let mut artifacts: Vec<Artifact> = Vec::new();
    for (line, number) in lines.zip(1..) {
        let artifact = parse_line(line).with_context(|| {
            format!("line {number}: is not a digest, two spaces and a relative path")
        })?;
        let last = artifacts.last();
        ensure!(
            last.is_none_or(|last| last.path < artifact.path),
            "line {number}: is not in bytewise order of paths"
        );
        artifacts.push(artifact);
    }
    for needed in [STATEMENT, CONNECTION, METADATA] {
        let has_line = artifacts.iter().any(|artifact| artifact.path == needed);
        ensure!(has_line, "has no line for {needed}");
    }
    Ok(artifacts)
}

fn parse_line(text: &str) -> Option<Artifact> {
    let (digest, path) = text.trim_start_matches('\\').split_once("  ")?;
    // A path that is not escaped as we do it would give a different line.
    let file = Artifact::new(path.replace("\\\\", "\\"), Digest::parse(digest)?);
    let path = &file.path;
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_ours = is_plain && path != SUMS && !path.contains(is_unsafe);
    (is_ours && line(&file) == text).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::TREE_LIMITS;

    #[test]
    fn lines_are_read_strictly() {
        let digest = Digest::of(b"");
        let read = |line: &str| parse_line(line).map(|artifact| artifact.path);
        assert_eq!(read(&format!("{digest}  a/b")), Some("a/b".into()));
        assert_eq!(read(&format!("\\{digest}  a\\\\b")), Some("a\\b".into()));
        for line in [
            format!("{digest} a"),
            format!("{digest}  SHA256SUMS"),
            format!("{digest}  a\u{1}"),
            format!("{digest}  a\u{202e}"),
            format!("{digest}  a\\b"),
            format!("\\{digest}  a\\b"),
            format!("\\{digest}  a"),
            format!("{digest}  /a"),
            format!("{digest}  a/"),
            format!("{digest}  ./a"),
            format!("{digest}  a/../b"),
            format!("{digest}  "),
            "x  a".to_owned(),
        ] {
            assert_eq!(read(&line), None, "{line}");
        }
    }

    #[test]
    fn the_largest_record_can_be_read() {
        // A tenth of the files, each path of the longest average length allowed, made of the
        // characters that need the most room.
        let room = TREE_LIMITS.path_bytes / TREE_LIMITS.entries - META_INF.len() - 1;
        let digest = Digest::of(b"");
        let file = |number| Artifact {
            path: format!("{META_INF}/{number:06}{}", "\\".repeat(room - 6)),
            digest,
        };
        let inputs = Inputs {
            metadata: digest,
            connection: digest,
            meta_inf_source: META_INF,
            meta_inf: (0..TREE_LIMITS.entries / 10).map(file).collect(),
        };
        let place = tempfile::tempdir().unwrap();
        let dir = Dir::open(place.path()).unwrap();
        inputs.write_record(&dir, digest).unwrap();
        let statement = dir.find_file(STATEMENT).unwrap().unwrap().size() * 10;
        assert!(
            (MAX_RECORD / 2..MAX_RECORD).contains(&statement),
            "{statement}"
        );
    }
}
