//! The package IDs that must be there and match.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use serde_json::Value;

use super::counts::OtherResult;
use super::expected::{Expected, Own, Packages};
use super::report::Report;
use crate::error::{Cannot, Result, failed};
use crate::formats::installed::PackageId;
use crate::formats::json;
use crate::layout::MAX_RECORD;

/// The IDs that were asked for, if any, and those that were found.
#[derive(Default)]
pub struct Wanted {
    pub ids: Option<BTreeSet<PackageId>>,
    /// Builds, and packages without one, whose own lines say enough; and other builders' packages.
    pub reported: BTreeSet<PackageId>,
    /// Packages of ours that have no build in some place.
    pub unbuilt: BTreeSet<PackageId>,
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
        let mut ids = BTreeSet::new();
        let value = json::parse(&content).unwrap_or_default();
        let is_read = collect_ids(&value, &mut ids);
        // A peer without any chaincode prints {}.
        let is_empty = value == Value::Object(serde_json::Map::new());
        let is_list = value.get("installed_chaincodes").is_some() || is_empty;
        if !is_read || (ids.is_empty() && !is_list) {
            let path = path.display();
            let kind = value.get("source").and_then(|source| source.get("Type"));
            let is_unavailable = kind.is_some_and(|kind| kind.get("Unavailable").is_some());
            return failed(if is_unavailable {
                format!("--installed {path}: this organisation approved it without a package")
            } else {
                format!(
                    "--installed {path}: contains no package ID; give the output of peer lifecycle \
                     chaincode queryinstalled -O json"
                )
            });
        }
        self.ids.get_or_insert_default().extend(ids);
        Ok(())
    }

    /// Reports what is missing, and what was not asked for.
    pub fn report(&self, packages: &Packages, report: &mut Report) -> Result<()> {
        let Some(ids) = &self.ids else {
            return Ok(());
        };
        for id in ids {
            let (result, reason) = if self.reported.contains(id) {
                continue;
            } else if self.unbuilt.contains(id) {
                let reason = "is installed but has no build; run rebuild or restart the peer";
                (OtherResult::Missing, reason)
            // What a peer's own folder has is in one of the two sets: these are from --packages.
            } else if let Expected::Foreign(_) = packages.expect(&Own::None, Some(id)) {
                // How another builder runs it is none of our business.
                continue;
            } else if report.is_partial() {
                let reason = "was not found, but not everything could be read";
                (OtherResult::CannotTell, reason)
            } else {
                let reason = "is not here; install it or look in another peer's folder";
                (OtherResult::Missing, reason)
            };
            report.add_other(("package_id", &id.to_string()), result, reason)?;
        }
        let found = self.reported.union(&self.unbuilt);
        for id in found.filter(|id| !ids.contains(id)) {
            let reason = "is here but not among the given package IDs; find out who installed it";
            report.add_other(
                ("package_id", &id.to_string()),
                OtherResult::Unlisted,
                reason,
            )?;
        }
        Ok(())
    }
}

/// Adds every `"package_id"` in `value`; returns false if one is not a package ID.
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
