//! What the peer reads of a build: the files of the release output.
//!
//! ```text
//! build output                         release output
//! connection.json                      chaincode/server/connection.json
//! META-INF/statedb/... (an index)      statedb/... (the same)
//! ```

use super::artifact::Artifact;
use super::index::Role;
use super::record::Record;
use crate::layout::{CONNECTION, META_INF, SERVER};

/// Where the file at `path` in a build output is published, if it is.
pub fn place(path: &str) -> Option<String> {
    if path == CONNECTION {
        return Some(format!("{SERVER}/{CONNECTION}"));
    }
    let path = path.strip_prefix(META_INF)?.strip_prefix('/')?;
    (Role::of(path) == Role::Index).then(|| path.to_owned())
}

/// What is published of the build with this record, sorted by path.
pub fn of_record(record: &Record) -> Vec<Artifact> {
    let published = |Artifact { path, digest }: &Artifact| {
        let (path, digest) = (place(path)?, *digest);
        Some(Artifact { path, digest })
    };
    let mut published: Vec<_> = record.artifacts.iter().filter_map(published).collect();
    published.sort_unstable();
    published
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_connection_and_index_definitions_are_published() {
        for (path, published) in [
            ("connection.json", Some("chaincode/server/connection.json")),
            (
                "META-INF/statedb/couchdb/indexes/a.json",
                Some("statedb/couchdb/indexes/a.json"),
            ),
            ("META-INF/statedb/couchdb/a.json", None),
            ("META-INF/connection.json", None),
            ("META-INFstatedb/couchdb/indexes/a.json", None),
            ("statedb/couchdb/indexes/a.json", None),
            ("metadata.json", None),
            ("SHA256SUMS", None),
        ] {
            assert_eq!(place(path).as_deref(), published, "{path}");
        }
    }
}
