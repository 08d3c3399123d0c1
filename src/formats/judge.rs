//! Which files of a tree become indexes, and why others do not.
//!
//! Of the definitions in the folders where a peer looks for them, only sound ones are published: a
//! peer can run a chaincode without an index, but not with one that breaks its database. [`Judge`]
//! decides, from what is in the tree and nothing else.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::index::Definition;
use crate::error::Result;
use crate::files::{Dir, Entry, join};
use crate::findings::{Finding, Warnings};
use crate::layout::{MAX_INDEXES, MAX_SMALL, STATEDB};

/// What follows the folder `root` in the `path` of something in it, or of itself.
pub fn below<'a>(root: &str, path: &'a str) -> &'a str {
    let below = path.strip_prefix(root).unwrap_or_default();
    below.trim_start_matches('/')
}

/// The names in a path after the folder of `CouchDB`; none if the path is not below that.
fn below_couchdb(path: &str) -> Vec<&str> {
    let below = path.strip_prefix("statedb/couchdb/");
    below.map_or_else(Vec::new, |below| below.split('/').collect())
}

/// Whether the file at `path` below `META-INF` is in a place of index definitions.
pub fn is_definition(path: &str) -> bool {
    match below_couchdb(path)[..] {
        ["indexes", .., file] => has_json_name(file),
        ["collections", name, "indexes", .., file] => is_collection(name) && has_json_name(file),
        _ => false,
    }
}

/// Whether a file is named like an index definition. What macOS adds beside a file in an archive
/// has the same ending, but `._` in front.
pub fn has_json_name(file: &str) -> bool {
    matches!(file.rsplit_once('.'), Some((_, "json"))) && !file.starts_with("._")
}

/// Whether Fabric accepts the name of a collection.
pub fn is_collection(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// Why the folder at `path` below `META-INF` is not published, nor anything in it.
fn fault_of_folder(path: &str) -> Option<&'static str> {
    let ["collections", name] = below_couchdb(path)[..] else {
        return None;
    };
    (!is_collection(name))
        .then_some("is not a collection name: only letters, digits, _ and - are allowed")
}

/// What the author of the folder at `path` below `META-INF` may have meant.
pub fn advice_on_folder(path: &str) -> Option<String> {
    let (["indexes", "collections", name, ..] | ["indexes", name, ..]) = below_couchdb(path)[..]
    else {
        return None;
    };
    let what = "holds indexes of the chaincode's own data";
    Some(format!(
        "{what}; write collections/{name}/indexes for a collection"
    ))
}

/// Whether the peer looks for a folder at `path` below `META-INF`.
fn is_place_of_a_folder(path: &str) -> bool {
    let below = below_couchdb(path);
    matches!(path, "statedb" | "statedb/couchdb")
        || matches!(
            below[..],
            ["indexes" | "collections"] | ["collections", _, "indexes"]
        )
}

/// Where index definitions belong, in the folder `root`, which ends with `/` or is `""`.
pub fn belongs(root: &str) -> String {
    let root = format!("{root}{STATEDB}/couchdb");
    format!(
        "index definitions belong in {root}/indexes, a collection's in \
         {root}/collections/NAME/indexes"
    )
}

/// Whether the file at `path` below `META-INF`, which is in no place of index definitions, may be
/// meant as one.
fn may_be_meant(path: &str) -> bool {
    const OF_THE_TREE: [&str; 5] = ["statedb", "couchdb", "index", "indexes", "collections"];
    let path = path.to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let mut folders = folders.split('/');
    has_json_name(name) && folders.any(|name| name.is_empty() || OF_THE_TREE.contains(&name))
}

/// Decides file by file, folder by folder, what is published.
pub struct Judge<'a> {
    pub warnings: &'a mut Warnings,
    /// The size of all index definitions that were read.
    bytes: u64,
    /// Whether some were not read because that would have been too much. Which ones depends on the
    /// order in which files were judged.
    pub is_full: bool,
    /// The collection whose indexes are being judged; `""` for the chaincode's own data.
    collection: String,
    /// The paths of its index definitions, by design document and name.
    names: BTreeMap<(String, String), String>,
}

/// What a [`Judge`] found in a file.
#[derive(Default)]
pub struct Judged {
    /// What was read, if it had to be.
    pub content: Option<Vec<u8>>,
    pub is_published: bool,
}

impl<'a> Judge<'a> {
    pub fn new(warnings: &'a mut Warnings) -> Self {
        Self {
            warnings,
            bytes: 0,
            is_full: false,
            collection: String::new(),
            names: BTreeMap::new(),
        }
    }

    /// The path below `META-INF`, here called `root`, of the folder `dir`. Warns if nothing in it is
    /// published.
    pub fn enter(&mut self, root: &str, dir: &Dir) -> String {
        let path = dir.own_path();
        let folder = below(root, path);
        if let Some(fault) = fault_of_folder(folder) {
            self.warnings.push_withheld(path, fault);
        }
        folder.to_owned()
    }

    /// Judges the file in `folder` below `META-INF`, which is `dir`, and reads it if it is an index
    /// definition.
    pub fn read(&mut self, folder: &str, dir: &Dir, file: &Entry) -> Result<Judged> {
        let shown = dir.relative(&file.name);
        self.judge((folder, &file.name), &shown, file.size(), &mut || {
            dir.read(file, MAX_SMALL)
        })
    }

    /// The same for a file that need not be on disk. Messages show it as `shown`; `read` returns its
    /// `size` bytes, and is called only for an index definition.
    pub fn judge(
        &mut self,
        (folder, name): (&str, &str),
        shown: &str,
        size: u64,
        read: &mut dyn FnMut() -> Result<Vec<u8>>,
    ) -> Result<Judged> {
        let path = join(folder, name);
        if is_place_of_a_folder(&path) {
            self.warnings
                .push_withheld(shown, "is a file, not a directory");
            return Ok(Judged::default());
        }
        if !is_definition(&path) {
            self.warn_unpublished(&path, shown);
            return Ok(Judged::default());
        }
        let mut content = None;
        let definition = if size > MAX_SMALL {
            Err(anyhow!(
                "has {size} bytes, more than the {MAX_SMALL} allowed"
            ))
        } else if self.bytes + size > MAX_INDEXES {
            self.is_full = true;
            Err(anyhow!(
                "more than {MAX_INDEXES} bytes of index definitions in all"
            ))
        } else {
            self.bytes += size;
            Definition::parse(content.insert(read()?))
        };
        let is_published = definition.is_ok();
        match definition {
            Ok(definition) => self.add(folder, shown, definition),
            Err(fault) => self.warnings.push_withheld(shown, &format!("{fault:#}")),
        }
        Ok(Judged {
            content,
            is_published,
        })
    }

    /// Warns of a file that does not become an index, if that may surprise its author.
    fn warn_unpublished(&mut self, path: &str, shown: &str) {
        let at = |reason: &str| Finding::at(shown, format_args!("is not published: {reason}"));
        match below_couchdb(path)[..] {
            // It is the collection's name that is wrong, of which [`Judge::enter`] warns once.
            ["collections", _, "indexes", .., file] if has_json_name(file) => {}
            ["indexes", .., file] | ["collections", _, "indexes", .., file]
                if !file.starts_with("._") =>
            {
                self.warnings.push(at("its name does not end in .json"));
            }
            _ if may_be_meant(path) => {
                let root = shown.strip_suffix(path).unwrap_or_default();
                self.warnings.push_misplaced(at(&belongs(root)));
            }
            _ if path.starts_with("statedb/") => {
                self.warnings.push(at("it is not an index definition"));
            }
            _ => {}
        }
    }

    fn add(&mut self, folder: &str, shown: &str, definition: Definition) {
        let warnings = definition.warnings.into_iter();
        self.warnings
            .extend(warnings.map(|warning| Finding::at(shown, warning)));
        let collection = match below_couchdb(folder)[..] {
            ["collections", name, ..] => name,
            _ => "",
        };
        if self.collection != collection {
            collection.clone_into(&mut self.collection);
            self.names.clear();
        }
        let earlier = definition
            .identity
            .and_then(|names| self.names.insert(names, shown.to_owned()));
        if let Some(earlier) = earlier {
            let what = match (earlier.rsplit_once('/'), shown.rsplit_once('/')) {
                (Some((folder, earlier)), Some((other, name))) if folder == other => {
                    format!("{earlier}, so CouchDB keeps only {name}")
                }
                _ => format!("{earlier}, so CouchDB keeps one of them, not always the same"),
            };
            let text = format_args!("has the ddoc and name of {what}");
            self.warnings.push(Finding::at(shown, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_collection_is_fabrics() {
        for (name, is_name) in [
            ("a", true),
            ("A-b_9", true),
            ("", false),
            ("a.b", false),
            ("é", false),
        ] {
            assert_eq!(is_collection(name), is_name, "{name}");
        }
    }

    #[test]
    fn definitions_beyond_the_limit_in_all_are_not_published() {
        let place = tempfile::tempdir().unwrap();
        let folder = "statedb/couchdb/indexes";
        let content = r#"{"index":{"fields":["a"]}}"#;
        for name in ["a.json", "b.json"] {
            std::fs::write(place.path().join(name), content).unwrap();
        }
        let mut warnings = Warnings::default();
        let mut judge = Judge::new(&mut warnings);
        judge.bytes = MAX_INDEXES - content.len() as u64;
        let dir = Dir::open(place.path()).unwrap();
        let judged = dir.list().unwrap();
        let mut judged = judged
            .iter()
            .map(|file| judge.read(folder, &dir, file).unwrap());
        assert!(judged.next().unwrap().is_published);
        assert!(!judged.next().unwrap().is_published);
        let fault = "b.json: more than 67108864 bytes of index definitions in all";
        assert_eq!(warnings.first_withheld(), Some(fault));
    }
}
