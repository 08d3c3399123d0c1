//! State database indexes: where they are in a package, and what `CouchDB` takes.
//!
//! They are the files `*.json` in `statedb/couchdb/indexes` and
//! `statedb/couchdb/collections/NAME/indexes`, and in folders below those, where the peer finds
//! them too.
//!
//! The peer checks none of this for external builders: it posts every file of an index folder to
//! `CouchDB` when the chaincode is deployed, and an error is a line in its log. The rules are those
//! of Fabric's own checker for its other chaincodes, `internal/ccmetadata/validators.go`:
//!
//! ```text
//! definition = { "index": index, "ddoc"?: string, "name"?: string, "type"?: "json" }
//! index      = { "fields": [ field ], "partial_filter_selector"?: any }
//! field      = string | { string: "asc" | "desc" }
//! ```

use anyhow::{Context, Result, bail, ensure};
use serde_json::value::RawValue;

use super::json::{self, Kind, Object};
use crate::text::quoted;

/// What a file below `META-INF` is, by its path there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An index definition, which is released.
    Index,
    /// A file among the state database's that is no index definition, and not released.
    Stray,
    /// Anything else, which is copied and not released.
    Other,
}

impl Role {
    /// The role of the file at `path` below `META-INF`.
    pub fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["statedb", "couchdb", "indexes", .., file]
            | ["statedb", "couchdb", "collections", _, "indexes", .., file]
                if is_definition(file) =>
            {
                Self::Index
            }
            ["statedb", _, ..] => Self::Stray,
            _ => Self::Other,
        }
    }
}

/// Whether a file with this name is meant as an index definition. What macOS keeps beside a file
/// when it is archived has the same ending and `._` in front.
fn is_definition(file: &str) -> bool {
    matches!(file.rsplit_once('.'), Some((_, "json"))) && !file.starts_with("._")
}

/// Whether the peer looks for a folder at `path` below `META-INF`: with a file there it would find
/// nothing, and say nothing.
pub fn is_place_of_a_folder(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts[..],
        ["statedb"]
            | ["statedb", "couchdb"]
            | ["statedb", "couchdb", "indexes" | "collections"]
            | ["statedb", "couchdb", "collections", _, "indexes"]
    )
}

/// Checks the path of a folder below `META-INF`: collections must have names that Fabric takes.
pub fn check_folder(path: &str) -> Result<()> {
    let parts: Vec<&str> = path.split('/').collect();
    if let ["statedb", "couchdb", "collections", name] = parts[..] {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        ensure!(
            name.bytes().all(is_allowed),
            "is not a collection's name, only letters, digits, _ and - are allowed"
        );
    }
    Ok(())
}

/// Checks the content of an index definition.
///
/// # Errors
/// When `CouchDB` would not take it: what follows the file's name in a message.
pub fn check(content: &[u8]) -> Result<()> {
    let definition = Object::parse(content)?.into_map();
    for (key, value) in &definition {
        match key.as_str() {
            "index" => check_index(value).context("index")?,
            "ddoc" | "name" => {
                let kind = Kind::of(value);
                ensure!(kind == Kind::String, "{key}: is {kind}, a string is needed");
            }
            "type" => ensure!(
                json::string(value).ok().flatten().as_deref() == Some("json"),
                r#"type: is not "json", the only type there is"#
            ),
            _ => bail!(
                "{}: is not a key of an index definition, only index, ddoc, name and type are",
                quoted(key)
            ),
        }
    }
    ensure!(
        definition.contains_key("index"),
        r#"index: is missing, write for example "index": {{"fields": ["owner"]}}"#
    );
    Ok(())
}

fn check_index(value: &RawValue) -> Result<()> {
    let index = Object::from_value(value)?.into_map();
    for (key, value) in &index {
        match key.as_str() {
            "fields" => check_fields(value).context("fields")?,
            "partial_filter_selector" => ensure!(
                !json::has_huge_number(value),
                "{key}: holds a number that is too large"
            ),
            _ => bail!(
                "{}: is not a key of an index, only fields and partial_filter_selector are",
                quoted(key)
            ),
        }
    }
    Ok(())
}

fn check_fields(value: &RawValue) -> Result<()> {
    let kind = Kind::of(value);
    ensure!(
        kind == Kind::Array,
        r#"is {kind}, an array is needed, for example ["owner"]"#
    );
    for field in json::array(value)? {
        match Kind::of(field) {
            Kind::String => {}
            Kind::Object => {
                for (name, sort) in Object::from_value(field)?.into_map() {
                    let sort = json::string(sort).ok().flatten().unwrap_or_default();
                    ensure!(
                        sort.eq_ignore_ascii_case("asc") || sort.eq_ignore_ascii_case("desc"),
                        r#"{}: the sort must be "asc" or "desc""#,
                        quoted(&name)
                    );
                }
            }
            kind => {
                bail!(r#"holds {kind}, a string or an object such as {{"owner": "asc"}} is needed"#)
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(content: &str) -> Result<(), String> {
        check(content.as_bytes()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn takes_what_fabrics_checker_takes() {
        for content in [
            r#"{"index":{"fields":["docType","owner"]},"ddoc":"indexOwnerDoc","name":"indexOwner","type":"json"}"#,
            r#"{"index":{"fields":[{"size":"desc"},{"color":"ASC"},"owner"]}}"#,
            r#"{"index":{"fields":[],"partial_filter_selector":{"a":{"$gt":[1]}}}}"#,
            r#"{"index":{"partial_filter_selector":[true,false,null,"1e400","\"1e400",-1.5E+3,1e-400]}}"#,
            r#"{"index":{}}"#,
        ] {
            assert_eq!(outcome(content), Ok(()), "{content}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (content, message) in [
            ("", "is not JSON: it ends too early"),
            ("null", "is null, a JSON object is needed"),
            ("[]", "is an array, a JSON object is needed"),
            (
                "{}",
                r#"index: is missing, write for example "index": {"fields": ["owner"]}"#,
            ),
            (
                r#"{"Index":{}}"#,
                r#""Index": is not a key of an index definition, only index, ddoc, name and type are"#,
            ),
            (
                r#"{"index":null}"#,
                "index: is null, a JSON object is needed",
            ),
            (
                r#"{"index":{"partial_filter_selector":{"a":[{},1e400]}}}"#,
                "index: partial_filter_selector: holds a number that is too large",
            ),
            (
                r#"{"index":{"partial_filter_selector":-1e400}}"#,
                "index: partial_filter_selector: holds a number that is too large",
            ),
            (
                r#"{"index":{"field":[]}}"#,
                r#"index: "field": is not a key of an index, only fields and partial_filter_selector are"#,
            ),
            (
                r#"{"index":{"fields":"a"}}"#,
                r#"index: fields: is a string, an array is needed, for example ["owner"]"#,
            ),
            (
                r#"{"index":{"fields":[1]}}"#,
                r#"index: fields: holds a number, a string or an object such as {"owner": "asc"} is needed"#,
            ),
            (
                r#"{"index":{"fields":[null]}}"#,
                r#"index: fields: holds null, a string or an object such as {"owner": "asc"} is needed"#,
            ),
            (
                r#"{"index":{"fields":[{"a":"up"}]}}"#,
                r#"index: fields: "a": the sort must be "asc" or "desc""#,
            ),
            (
                r#"{"index":{"fields":[{"a":1}]}}"#,
                r#"index: fields: "a": the sort must be "asc" or "desc""#,
            ),
            (
                r#"{"index":{},"ddoc":1}"#,
                "ddoc: is a number, a string is needed",
            ),
            (
                r#"{"index":{},"name":null}"#,
                "name: is null, a string is needed",
            ),
            (
                r#"{"index":{},"type":"text"}"#,
                r#"type: is not "json", the only type there is"#,
            ),
            (
                r#"{"index":{},"type":1}"#,
                r#"type: is not "json", the only type there is"#,
            ),
        ] {
            assert_eq!(outcome(content), Err(message.into()), "{content}");
        }
    }

    #[test]
    fn only_json_files_in_the_right_folders_are_indexes() {
        for (path, role) in [
            ("statedb/couchdb/indexes/a.json", Role::Index),
            (
                "statedb/couchdb/collections/c_1-A/indexes/a.json",
                Role::Index,
            ),
            ("statedb/couchdb/indexes/.DS_Store", Role::Stray),
            ("statedb/couchdb/indexes/._a.json", Role::Stray),
            ("statedb/couchdb/indexes/.a.json", Role::Index),
            ("statedb/couchdb/indexes/a.JSON", Role::Stray),
            ("statedb/couchdb/indexes/sub/a.json", Role::Index),
            ("statedb/couchdb/a.json", Role::Stray),
            ("statedb/couchdb/collections/a.json", Role::Stray),
            ("statedb/couchdb/collections/c/a.json", Role::Stray),
            ("statedb/leveldb/indexes/a.json", Role::Stray),
            ("MANIFEST.MF", Role::Other),
            ("couchdb/indexes/a.json", Role::Other),
            ("statedb/a.json", Role::Stray),
            ("statedb", Role::Other),
            ("statedb/couchdb/indexes/a.json/b", Role::Stray),
        ] {
            assert_eq!(Role::of(path), role, "{path}");
        }
    }

    #[test]
    fn the_peer_looks_for_folders_at_five_places() {
        for path in [
            "statedb",
            "statedb/couchdb",
            "statedb/couchdb/indexes",
            "statedb/couchdb/collections",
            "statedb/couchdb/collections/a/indexes",
        ] {
            assert!(is_place_of_a_folder(path), "{path}");
        }
        for path in [
            "",
            "indexes",
            "statedb/leveldb",
            "statedb/couchdb/indexes/indexes",
            "statedb/couchdb/collections/a",
        ] {
            assert!(!is_place_of_a_folder(path), "{path}");
        }
    }

    #[test]
    fn collections_have_fabrics_names() {
        for path in [
            "statedb/couchdb/collections/a.b",
            "statedb/couchdb/collections/é",
        ] {
            assert!(check_folder(path).is_err(), "{path}");
        }
        for path in [
            "",
            "statedb/couchdb/collections/c_1-A",
            "statedb/couchdb/a.b",
            "a.b",
        ] {
            assert!(check_folder(path).is_ok(), "{path}");
        }
    }
}
