//! `build.intoto.json`: an in-toto Statement v1 with a Link v0.3 predicate, unsigned.

use std::io;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::artifact::Artifact;
use crate::error;
use crate::layout::{STATEMENT, SUMS};

pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

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
    byproducts: Map<String, Value>,
    environment: Map<String, Value>,
}

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

fn descriptor(file: &Artifact) -> Descriptor {
    let sha256 = file.digest.to_string();
    Descriptor {
        name: file.path.clone(),
        digest: DigestSet { sha256 },
    }
}

/// The bytes of the statement of a build that made `artifacts` from `materials`.
pub fn of(artifacts: &[Artifact], materials: &[Artifact]) -> error::Result<Vec<u8>> {
    let predicate = Link {
        name: "build",
        command: [
            "build",
            "CHAINCODE_SOURCE_DIR",
            "CHAINCODE_METADATA_DIR",
            "BUILD_OUTPUT_DIR",
        ],
        materials: materials.iter().map(descriptor).collect(),
        byproducts: Map::new(),
        environment: Map::new(),
    };
    let statement = Statement {
        kind: STATEMENT_TYPE.into(),
        subject: artifacts.iter().map(descriptor).collect(),
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
    for file in artifacts.iter().filter(|file| file.path != STATEMENT) {
        let is_same = subjects.next() == Some(&descriptor(file));
        ensure!(is_same, "disagrees with {SUMS} about {}", file.path);
    }
    if let Some(subject) = subjects.next() {
        bail!("disagrees with {SUMS} about {}", subject.name);
    }
    Ok(())
}
