//! The package IDs that must be there and match.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;

use super::expected::{Expected, Packages};
use super::report::Report;
use crate::error::{Cannot, Result, failed};
use crate::formats::installed::PackageId;
use crate::layout::MAX_RECORD;

/// The IDs that were asked for, if any, and those that were found.
#[derive(Default)]
pub struct Wanted {
    pub ids: Option<BTreeSet<PackageId>>,
    found: BTreeMap<PackageId, Found>,
}

/// What was found of a package ID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A package of ours without a build.
    NotBuilt,
    /// A build that matches its record; there is no package.
    Recorded,
    /// A build that its own line says enough of, or another builder's package.
    Said,
}

impl Wanted {
    /// Adds the IDs in the file at `path`, `-` for standard input, which holds what `peer lifecycle
    /// chaincode queryinstalled` or `queryapproved` prints with `-O json`.
    pub fn add_file(&mut self, path: &OsStr) -> Result<()> {
        let mut content = Vec::new();
        let path = Path::new(path);
        let read = if path == "-" {
            io::stdin().take(MAX_RECORD).read_to_end(&mut content)
        } else {
            let file = File::open(path).cannot("open", path)?;
            file.take(MAX_RECORD).read_to_end(&mut content)
        };
        read.cannot("read", path)?;
        let ids = self.ids.get_or_insert_default();
        let before = ids.len();
        let value = serde_json::from_slice(&content).unwrap_or_default();
        let is_read = collect_ids(&value, ids);
        // A peer without any chaincode prints {}.
        let is_empty = value == Value::Object(serde_json::Map::new());
        let is_list = value.get("installed_chaincodes").is_some() || is_empty;
        if !is_read || (ids.len() == before && !is_list) {
            return failed(format!(
                "--installed {}: holds no package ID, write into it what peer lifecycle chaincode \
                 queryinstalled -O json prints",
                path.display()
            ));
        }
        Ok(())
    }

    /// Notes what was found of `id`.
    pub fn add(&mut self, id: PackageId, found: Found) {
        let known = self.found.entry(id).or_insert(found);
        *known = found.max(*known);
    }

    /// Reports what is not as it was asked for.
    pub fn report(&self, packages: &Packages, report: &mut Report) -> Result<()> {
        let Some(ids) = &self.ids else {
            return Ok(());
        };
        for id in ids {
            let missing = match self.found.get(id) {
                Some(Found::Said) => continue,
                Some(Found::Recorded) => {
                    let reason = "its build matches a record, its package is not here: --packages";
                    report.add_id(id, super::report::CANNOT_TELL, reason)?;
                    continue;
                }
                Some(Found::NotBuilt) => "is installed and has no build, restart the peer",
                None => match packages.expect(None, Some(id)) {
                    // What it runs in is no business of ours.
                    Expected::Other(_) => continue,
                    _ => "is not here, install it or look in another peer's folder",
                },
            };
            report.add_id(id, super::report::MISSING, missing)?;
        }
        for id in self.found.keys().filter(|id| !ids.contains(id)) {
            let reason = "is here and not among the package IDs that were given";
            report.add_id(id, super::report::UNLISTED, reason)?;
        }
        Ok(())
    }
}

/// Adds every `"package_id"` in `value`; false when one is none.
fn collect_ids(value: &Value, ids: &mut BTreeSet<PackageId>) -> bool {
    match value {
        Value::Array(values) => values.iter().all(|value| collect_ids(value, ids)),
        Value::Object(members) => members.iter().all(|(key, value)| match value {
            Value::String(text) if key == "package_id" => {
                let id = PackageId::parse(text);
                id.map(|id| ids.insert(id)).is_some()
            }
            value => collect_ids(value, ids),
        }),
        _ => true,
    }
}
