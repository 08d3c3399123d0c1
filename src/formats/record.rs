//! The record of a build: what is in the build output, and what it was made from.
//!
//! - `SHA256SUMS`, in the format of coreutils' sha256sum: a digest, two spaces and a path a line,
//!   sorted bytewise by path, for every file of the build output but itself. A line whose path
//!   holds a backslash begins with one, and doubles it.
//! - `build.intoto.json`, an in-toto Statement v1 (unsigned) with a Link v0.3 predicate: the
//!   artifacts as `subject`, every file that was read as `materials`.
//!
//! Both are a function of the package and the config, and of nothing else: no time, host, path,
//! user, process or version of this program is in them. [`statement`] writes and reads the second.

use anyhow::{Context, ensure};

use super::artifact::Artifact;
use super::comparison::Comparison;
use super::statement;
use crate::error::{Refuse, Result, refused};
use crate::files::{Digest, Dir};
use crate::layout::{CONNECTION, MAX_RECORD, META_INF, METADATA, PUBLIC, STATEMENT, SUMS};
use crate::text::is_unsafe;

/// What is said where neither file is.
pub const NO_RECORD: &str =
    "there is no record: it is another builder's, or the record was removed";

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
    /// The files of the tree by their paths in the build output, sorted bytewise.
    pub meta_inf: Vec<Artifact>,
}

impl Build {
    /// The artifacts, sorted bytewise, the record's own two files not among them.
    pub fn artifacts(&self) -> impl Iterator<Item = (&str, Digest)> {
        let tree = self.meta_inf.iter().map(|file| (&*file.path, file.digest));
        // M sorts before c and m.
        tree.chain([
            (CONNECTION, self.connection_written),
            (METADATA, self.metadata),
        ])
    }

    /// Every file that was read, sorted bytewise: `metadata/` is `CHAINCODE_METADATA_DIR`, `src/`
    /// is `CHAINCODE_SOURCE_DIR`.
    fn materials(&self) -> Vec<(String, Digest)> {
        let mut materials = vec![
            (format!("metadata/{METADATA}"), self.metadata),
            (format!("src/{CONNECTION}"), self.connection_read),
        ];
        materials.extend(self.meta_inf.iter().map(|file| {
            let path = file.path.strip_prefix(META_INF).unwrap_or_default();
            (format!("src/{}{path}", self.meta_inf_source), file.digest)
        }));
        materials.sort_unstable();
        materials
    }

    /// Writes the record into the build output `dir`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, dir: &Dir) -> Result<()> {
        let statement = statement::of(self.artifacts(), self.materials())?;
        dir.write(STATEMENT, PUBLIC, &statement)?;
        let statement = (STATEMENT, Digest::of(&statement));
        let mut artifacts: Vec<_> = self.artifacts().chain([statement]).collect();
        artifacts.sort_unstable();
        let lines = artifacts
            .iter()
            .map(|(path, digest)| line(path, *digest) + "\n");
        dir.write(SUMS, PUBLIC, lines.collect::<String>().as_bytes())
    }
}

/// One line of `SHA256SUMS`, without its line feed.
fn line(path: &str, digest: Digest) -> String {
    if path.contains('\\') {
        format!("\\{digest}  {}", path.replace('\\', "\\\\"))
    } else {
        format!("{digest}  {path}")
    }
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
    /// Reads the record in the build output `dir`, or gives `None` when there is neither of its
    /// files.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or its two files disagree.
    pub fn read(dir: &Dir) -> Result<Option<Self>> {
        let (sums, statement) = match (dir.find_file(SUMS)?, dir.find_file(STATEMENT)?) {
            (Some(sums), Some(statement)) => (sums, statement),
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return refused(format!("{SUMS}: is missing, though there is a {STATEMENT}"));
            }
            (Some(_), None) => {
                return refused(format!("{STATEMENT}: is missing, though there is a {SUMS}"));
            }
        };
        let (sums, statement) = (
            dir.read(&sums, MAX_RECORD)?,
            dir.read(&statement, MAX_RECORD)?,
        );
        Self::parse(&sums, &statement).map(Some)
    }

    /// Reads the content of the two files.
    ///
    /// # Errors
    /// When one is damaged, or they disagree.
    pub fn parse(sums: &[u8], statement: &[u8]) -> Result<Self> {
        let artifacts = parse_sums(sums).refuse(SUMS)?;
        statement::agrees(&artifacts, statement).refuse(STATEMENT)?;
        Ok(Self {
            artifacts,
            sums: Digest::of(sums),
            statement: Digest::of(statement),
        })
    }

    /// Compares the build output `dir` with its record, reading each file once.
    pub(crate) fn compare(&self, dir: &Dir) -> Comparison {
        let read = [(SUMS, self.sums), (STATEMENT, self.statement)];
        Comparison::new(dir, &self.artifacts, &read)
    }

    /// The digest recorded for the file at `path`.
    #[must_use]
    pub fn digest(&self, path: &str) -> Option<Digest> {
        let by_path = |artifact: &Artifact| artifact.path.as_str().cmp(path);
        let place = self.artifacts.binary_search_by(by_path).ok()?;
        self.artifacts.get(place).map(|artifact| artifact.digest)
    }
}

/// Reads `SHA256SUMS`, strictly as this program writes it.
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
    let digest = digest.parse().ok()?;
    // In a path that is not escaped as ours are, this makes another line than it came from.
    let path = path.replace("\\\\", "\\");
    let is_plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    let is_ours = is_plain && path != SUMS && !path.contains(is_unsafe);
    (is_ours && line(&path, digest) == text).then_some(Artifact { path, digest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::PACKAGE;

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
        // A tenth of the files, each path as long as all may be on average, of the characters that
        // need the most room.
        let room = PACKAGE.path_bytes / PACKAGE.entries - META_INF.len() - 1;
        let digest = Digest::of(b"");
        let file = |number| Artifact {
            path: format!("{META_INF}/{number:06}{}", "\\".repeat(room - 6)),
            digest,
        };
        let build = Build {
            metadata: digest,
            connection_read: digest,
            connection_written: digest,
            meta_inf_source: META_INF,
            meta_inf: (0..PACKAGE.entries / 10).map(file).collect(),
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
