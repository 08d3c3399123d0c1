//! Index definitions: which are published, and what is said of the others. The answers of real
//! versions of CouchDB are in `tests/fixtures/couchdb`: each definition with the status and reason
//! of `POST /db/_index`, the status of a query that uses the index (`view`), and what became of
//! later writes to the database where they failed (`writes`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::peer::{INDEX, PLAIN, Peer, Seen, index};
use super::{person, rules};

const FOLDER: &str = "META-INF/statedb/couchdb/indexes";

/// What no version takes, and is published all the same.
const LET_THROUGH: [(&str, &[&str]); 4] = [
    (
        "an unknown operator: a later version may know it",
        &["filter-two-ops-bad"],
    ),
    ("", &[]),
    ("", &[]),
    ("", &[]),
];

struct Answer {
    name: String,
    definition: String,
    /// By each version that was tried.
    by_version: Vec<Value>,
}

fn answers() -> Vec<Answer> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/couchdb/definitions.jsonl");
    let lines = fs::read_to_string(path).unwrap();
    let answers = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let by_version = line["couchdb"]
            .as_object()
            .unwrap()
            .values()
            .cloned()
            .collect();
        Answer {
            name: text("name"),
            definition: text("definition"),
            by_version,
        }
    });
    answers.collect()
}

/// A package with these index definitions.
fn package<'a>(definitions: impl IntoIterator<Item = (&'a str, &'a str)>) -> Peer {
    let peer = Peer::new();
    for (name, definition) in definitions {
        peer.put(format!("src/{FOLDER}/{name}.json"), definition);
    }
    peer
}

/// The names of the definitions that are published of a package.
fn published(peer: &Peer) -> BTreeSet<String> {
    assert_eq!((peer.build().status, peer.release().status), (0, 0));
    if !peer.names("release").contains(&"statedb".to_owned()) {
        return BTreeSet::new();
    }
    let names = peer.names("release/statedb/couchdb/indexes").into_iter();
    names
        .map(|name| name.trim_end_matches(".json").to_owned())
        .collect()
}

#[test]
fn fixture_report() {
    let answers = answers();
    let peer = package(
        answers
            .iter()
            .map(|a| (a.name.as_str(), a.definition.as_str())),
    );
    let published = published(&peer);
    for answer in &answers {
        let works = answer
            .by_version
            .iter()
            .any(|v| v["status"] == 200 && v["view"] == 200);
        let harms = answer
            .by_version
            .iter()
            .any(|v| v["status"] == 200 && v["view"] != 200);
        let is = published.contains(&answer.name);
        if is != works || (is && harms) {
            println!(
                "{} published {is} works {works} harms {harms}: {}",
                answer.name, answer.definition
            );
        }
    }
}
