//! `build.intoto.json`: an in-toto Statement v1 with a Link v0.3 predicate, unsigned.

use std::borrow::Cow;
use std::io::{self, Write};

use anyhow::{Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};

use super::artifact::Artifact;
use crate::files::Digest;
use crate::layout::{STATEMENT, SUMS};

/// in-toto's Statement layer, version 1.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// in-toto's Link predicate, version 0.3.
const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/link/v0.3";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Descriptor<'a, Digest>>,
    predicate_type: &'static str,
    predicate: Link<'a>,
}

#[derive(Serialize)]
struct Link<'a> {
    name: &'static str,
    command: [&'static str; 4],
    materials: Vec<Descriptor<'a, Digest>>,
    byproducts: Empty,
    environment: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// in-toto's `ResourceDescriptor`: `{"name": "PATH", "digest": {"sha256": "..."}}`.
#[derive(Serialize, Deserialize)]
struct Descriptor<'a, D> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    digest: DigestSet<D>,
}

#[derive(Serialize, Deserialize)]
struct DigestSet<D> {
    sha256: D,
}

impl<'a> Descriptor<'a, Digest> {
    fn new((name, sha256): (impl Into<Cow<'a, str>>, Digest)) -> Self {
        let (name, digest) = (name.into(), DigestSet { sha256 });
        Self { name, digest }
    }
}

/// Writes the statement of a build that made `artifacts` of `materials`, with a line feed.
pub fn write<'a>(
    artifacts: impl Iterator<Item = (&'a str, Digest)>,
    materials: impl Iterator<Item = (String, Digest)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let statement = Statement {
        kind: STATEMENT_TYPE,
        subject: artifacts.map(Descriptor::new).collect(),
        predicate_type: PREDICATE_TYPE,
        predicate: Link {
            name: "build",
            command: [
                "build",
                "CHAINCODE_SOURCE_DIR",
                "CHAINCODE_METADATA_DIR",
                "BUILD_OUTPUT_DIR",
            ],
            materials: materials.map(Descriptor::new).collect(),
            byproducts: Empty {},
            environment: Empty {},
        },
    };
    serde_json::to_writer(&mut *out, &statement)?;
    out.write_all(b"\n")
}

/// Checks that a statement is one of ours and lists what `SHA256SUMS` lists, but for itself.
pub fn agrees(artifacts: &[Artifact], statement: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Found<'a> {
        #[serde(rename = "_type", borrow)]
        kind: Cow<'a, str>,
        #[serde(rename = "predicateType", borrow)]
        predicate_type: Cow<'a, str>,
        #[serde(borrow)]
        subject: Vec<Descriptor<'a, Cow<'a, str>>>,
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
        let is_same = subjects.next().is_some_and(|subject| {
            subject.name == artifact.path && subject.digest.sha256.parse() == Ok(artifact.digest)
        });
        ensure!(is_same, "disagrees with {SUMS} about {}", artifact.path);
    }
    if let Some(subject) = subjects.next() {
        bail!("disagrees with {SUMS} about {}", subject.name);
    }
    Ok(())
}
