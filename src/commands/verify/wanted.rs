//! The package IDs that must be there and match.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use serde_json::Value;

use super::expected::{Expected, Packages};
use super::report::Report;
use crate::error::{Cannot, Result, failed};
use crate::formats::installed::PackageId;
use crate::formats::json;
use crate::layout::MAX_RECORD;

/// The IDs that were asked for, if any, and those that were found.
#[derive(Default)]
pub struct Wanted {
    pub ids: Option<Vec<PackageId>>,
    found: Vec<(PackageId, Standing)>,
}

/// How a package ID that was found stands.
#[derive(Clone, Copy)]
pub enum Standing {
    /// A package of ours without a build.
    NotBuilt,
    /// A build whose own line says enough, or another builder's package.
    Reported,
}

impl Wanted {
    /// Adds the IDs in the file at `path`, or for `-` in standard input: the output of `peer
    /// lifecycle chaincode queryinstalled` or `queryapproved` with `-O json`.
    pub fn add_file(&mut self, path: &OsStr) -> Result<()> {
        let mut content = Vec::new();
        let path = Path::new(path);
        let file = if path == "-" {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let mut file = file.cannot("open", path)?.take(MAX_RECORD);
        file.read_to_end(&mut content).cannot("read", path)?;
        let ids = self.ids.get_or_insert_default();
        let before = ids.len();
        let value = json::parse(&content).unwrap_or_default();
        let is_read = collect_ids(&value, ids);
        // A peer without any chaincode prints {}.
        let is_empty = value == Value::Object(serde_json::Map::new());
        let is_list = value.get("installed_chaincodes").is_some() || is_empty;
        if !is_read || (ids.len() == before && !is_list) {
            let path = path.display();
            let kind = value.get("source").and_then(|source| source.get("Type"));
            let is_unavailable = kind.is_some_and(|kind| kind.get("Unavailable").is_some());
            return failed(if is_unavailable {
                format!("--installed {path}: this organisation approved it without a package")
            } else {
                format!(
                    "--installed {path}: contains no package ID, give the output of peer lifecycle \
                     chaincode queryinstalled -O json"
                )
            });
        }
        Ok(())
    }

    /// Notes what was found for `id`. Of several builds, and of a package in several places, the
    /// first counts, unless one has been reported: then nothing else need be said.
    pub fn add(&mut self, id: PackageId, found: Standing) {
        let known = self.found.iter_mut().find(|(known, _)| *known == id);
        match (known, found) {
            (None, _) => self.found.push((id, found)),
            (Some((_, known)), Standing::Reported) => *known = found,
            (Some(_), _) => {}
        }
    }

    /// Reports what is missing, and what was not asked for.
    pub fn report(&self, packages: &Packages, report: &mut Report) -> Result<()> {
        let Some(ids) = &self.ids else {
            return Ok(());
        };
        for id in ids {
            let found = self.found.iter().find(|(found, _)| found == id);
            let missing = match found.map(|(_, found)| found) {
                Some(Standing::Reported) => continue,
                Some(Standing::NotBuilt) => {
                    "is installed but has no build, run rebuild or restart the peer"
                }
                None => match packages.expect(None, Some(id)) {
                    // How another builder runs it is none of our business.
                    Expected::Other(_) => continue,
                    _ => "is not here, install it or look in another peer's folder",
                },
            };
            report.add_id(id, super::report::MISSING, missing)?;
        }
        for (id, _) in self.found.iter().filter(|(id, _)| !ids.contains(id)) {
            let reason = "is here but not among the given package IDs, find out who installed it";
            report.add_id(id, super::report::UNLISTED, reason)?;
        }
        Ok(())
    }
}

/// Adds an ID, once.
pub fn add_id(ids: &mut Vec<PackageId>, id: PackageId) {
    if !ids.contains(&id) {
        ids.push(id);
    }
}

/// Adds every `"package_id"` in `value`; returns false if one is not a package ID.
fn collect_ids(value: &Value, ids: &mut Vec<PackageId>) -> bool {
    match value {
        Value::Array(values) => values.iter().all(|value| collect_ids(value, ids)),
        Value::Object(members) => members.iter().all(|(key, value)| match value {
            Value::String(text) if key == "package_id" => {
                let id = PackageId::parse(text);
                id.map(|id| add_id(ids, id)).is_some()
            }
            value => collect_ids(value, ids),
        }),
        _ => true,
    }
}
