//! `build.intoto.json`: an in-toto Statement v1 with a Link v0.3 predicate, unsigned.

use std::io;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::artifact::Artifact;
use crate::error;
use crate::files::Digest;
use crate::layout::{STATEMENT, SUMS};

/// in-toto's Statement layer, version 1.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// in-toto's Link predicate, version 0.3.
pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/link/v0.3";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Descriptor>,
    predicate_type: String,
    /// Ignored when a statement is read.
    #[serde(skip_deserializing)]
    predicate: Option<Link>,
}

#[derive(Serialize)]
struct Link {
    name: &'static str,
    command: [&'static str; 4],
    materials: Vec<Descriptor>,
    byproducts: Empty,
    environment: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// in-toto's `ResourceDescriptor`: `{"name": "PATH", "digest": {"sha256": "..."}}`.
#[derive(PartialEq, Serialize, Deserialize)]
struct Descriptor {
    name: String,
    digest: DigestSet,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct DigestSet {
    sha256: String,
}

fn descriptor((name, digest): (impl Into<String>, Digest)) -> Descriptor {
    let (name, sha256) = (name.into(), digest.to_string());
    let digest = DigestSet { sha256 };
    Descriptor { name, digest }
}

/// The bytes of the statement of a build that made `artifacts` from `materials`.
pub fn of<'a>(
    artifacts: impl Iterator<Item = (&'a str, Digest)>,
    materials: Vec<(String, Digest)>,
) -> error::Result<Vec<u8>> {
    let predicate = Link {
        name: "build",
        command: [
            "build",
            "CHAINCODE_SOURCE_DIR",
            "CHAINCODE_METADATA_DIR",
            "BUILD_OUTPUT_DIR",
        ],
        materials: materials.into_iter().map(descriptor).collect(),
        byproducts: Empty {},
        environment: Empty {},
    };
    let statement = Statement {
        kind: STATEMENT_TYPE.into(),
        subject: artifacts.map(descriptor).collect(),
        predicate_type: PREDICATE_TYPE.into(),
        predicate: Some(predicate),
    };
    let mut json = serde_json::to_vec(&statement).map_err(io::Error::from)?;
    json.push(b'\n');
    Ok(json)
}

/// Checks that this is a statement of ours and that it lists the same files as `SHA256SUMS`, except
/// itself.
pub fn agrees(artifacts: &[Artifact], statement: &[u8]) -> Result<()> {
    let found = serde_json::from_slice::<Statement>(statement).ok();
    let found = found.context("is not an in-toto statement")?;
    let is_ours = found.kind == STATEMENT_TYPE;
    ensure!(is_ours, "its _type is not {STATEMENT_TYPE}");
    let is_ours = found.predicate_type == PREDICATE_TYPE;
    ensure!(is_ours, "its predicateType is not {PREDICATE_TYPE}");
    let mut subjects = found.subject.iter();
    for Artifact { path, digest } in artifacts.iter().filter(|file| file.path != STATEMENT) {
        let is_same = subjects.next() == Some(&descriptor((path, *digest)));
        ensure!(is_same, "disagrees with {SUMS} about {path}");
    }
    if let Some(subject) = subjects.next() {
        bail!("disagrees with {SUMS} about {}", subject.name);
    }
    Ok(())
}
