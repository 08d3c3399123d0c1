//! What `verify` counts: for the summary, the exit status and the metrics.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::verdict::{Fault, Verdict};
use crate::error::{Outcome, Result};
use crate::files::NewFile;
use crate::formats::comparison::Basis;
use crate::layout::{BUILD_INFO, PUBLIC};
use crate::text::{plural, quoted};

/// A result that is not about the content of a build.
#[derive(Clone, Copy)]
pub enum OtherResult {
    Mismatch,
    Missing,
    /// Here, but not asked for.
    Unlisted,
    NotBuilt,
    CannotTell,
    NotReached,
    Dialled,
}

impl OtherResult {
    /// As lines for people and JSON have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mismatch => "mismatch",
            Self::Missing => "missing",
            Self::Unlisted => "unlisted",
            Self::NotBuilt => "not built",
            Self::CannotTell => "cannot tell",
            Self::NotReached => "not reached",
            Self::Dialled => "dialled",
        }
    }
}

#[derive(Default)]
pub struct Counts {
    builds: usize,
    match_package: usize,
    match_record: usize,
    mismatch: usize,
    unrecorded: usize,
    foreign: usize,
    /// For builds, and for anything else.
    cannot_tell: usize,
    differences: usize,
    /// The package IDs that were not asked for.
    unlisted: usize,
    /// Whether some build is not what its package gives, or what was recorded.
    has_wrong_build: bool,
    /// Whether some build differs only in what templates fill in.
    has_other_config: bool,
    /// Whether something among the builds is not a build, or belongs to none.
    has_stray: bool,
    /// The builders that the builds name.
    builders: BTreeSet<String>,
    /// What else should be known, with the path that it is about.
    pub path_notes: Vec<String>,
}

impl Counts {
    /// Counts the verdict on a build, or on something among the builds.
    pub fn add(&mut self, is_build: bool, verdict: &Verdict) {
        self.differences += verdict.differences.len() + usize::from(verdict.fault.is_some());
        let outcome = verdict.outcome();
        self.cannot_tell += usize::from(outcome == Outcome::Undetermined);
        if !is_build {
            self.has_stray |= outcome == Outcome::No;
            return;
        }
        self.builds += 1;
        self.builders.extend(verdict.builder.clone());
        // `rebuild` closes what another builder left open.
        if !matches!(verdict.fault, Some(Fault::Unrecorded(_))) {
            self.path_notes.extend(verdict.exposed.iter().map(|path| {
                format!(
                    "{path}: other users may read or write it, and there may be a private key in \
                     it: run chmod 600 on it"
                )
            }));
        }
        self.has_stray |= verdict.strays > 0;
        let count = match (outcome, &verdict.fault, verdict.basis) {
            (Outcome::Yes, ..) if verdict.foreign_type.is_some() => &mut self.foreign,
            (Outcome::Yes, _, Basis::Package) => &mut self.match_package,
            (Outcome::Yes, ..) => &mut self.match_record,
            (Outcome::No, Some(Fault::Unrecorded(_)), _) => &mut self.unrecorded,
            (Outcome::No, fault, _) => {
                // Any other fault itself says what to do.
                let is_wrong = verdict.differences.len() > verdict.strays
                    || matches!(fault, Some(Fault::Damaged(_) | Fault::Connection(_)));
                self.has_other_config |= verdict.is_of_other_config;
                self.has_wrong_build |= is_wrong && !verdict.is_of_other_config;
                &mut self.mismatch
            }
            (Outcome::Undetermined, ..) => return,
        };
        *count += 1;
    }

    pub fn add_other(&mut self, result: OtherResult) {
        match result {
            OtherResult::Mismatch | OtherResult::Missing => self.differences += 1,
            OtherResult::CannotTell | OtherResult::NotReached => self.cannot_tell += 1,
            OtherResult::Unlisted => self.unlisted += 1,
            OtherResult::NotBuilt | OtherResult::Dialled => {}
        }
    }

    pub fn outcome(&self) -> Outcome {
        match (self.differences, self.cannot_tell) {
            (0, 0) => Outcome::Yes,
            (0, _) => Outcome::Undetermined,
            _ => Outcome::No,
        }
    }

    /// What the results do not prove, and what to do about it.
    pub fn notes(&self) -> Vec<String> {
        let recorded = self.match_record;
        let matches = plural(recorded, "match is", "matches are");
        let record = format!(
            "{matches} with a record only, which anyone who can change the builds can change too; give \
             the peer's file system path or --packages to verify from the packages"
        );
        let build = "a build that differs was changed, or not copied completely: keep a copy if you \
                     want to find out who changed it, then let rebuild make it again from its \
                     package";
        let config = "a build that differs only in what templates fill in was changed, or made with \
                      another config: give this peer's config with --config, or run rebuild if that has \
                      changed since; keep a copy first if you want to find out who changed it";
        let stray = "an unrecorded or unexpected entry among the builds, or beside a build's bld and \
                     release, belongs to no build: find out whose it is, and remove it";
        // Only the first: whoever can write there can make up any number.
        let mut builders: Vec<_> = self
            .builders
            .iter()
            .take(8)
            .map(|name| quoted(name))
            .collect();
        if self.builders.len() > builders.len() {
            builders.push("and others".to_owned());
        }
        let builders = format!(
            "the builds name {} builders, {}: a peer starts only the chaincode of those in its \
             externalBuilders, so find out who wrote any other into a {BUILD_INFO}",
            self.builders.len(),
            builders.join(", ")
        );
        let notes = [
            (recorded > 0, record.as_str()),
            (self.has_wrong_build, build),
            (self.has_other_config, config),
            (self.has_stray, stray),
            (self.builders.len() > 1, &builders),
        ];
        let notes = notes.into_iter().filter(|&(is_so, _)| is_so);
        let notes = notes.map(|(_, note)| note.to_owned());
        notes.chain(self.path_notes.iter().cloned()).collect()
    }

    pub fn summary(&self) -> String {
        let builds = plural(self.builds, "build", "builds");
        let differences = plural(self.differences, "difference", "differences");
        let some = |before: &str, count, after: &str| match count {
            0 => String::new(),
            _ => format!("{before}{count}{after}"),
        };
        format!(
            "result   {builds}: {} match{}, {} mismatch, {} cannot tell{}{}{}; {differences}\n",
            self.match_package + self.match_record,
            some(" (", self.match_package, " from the package)"),
            self.mismatch,
            self.cannot_tell,
            some(", ", self.unrecorded, " unrecorded"),
            some(", ", self.foreign, " other builder"),
            some(", ", self.unlisted, " unlisted"),
        )
    }

    pub fn members(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let counts = [
            ("builds", self.builds),
            ("match", self.match_package + self.match_record),
            ("from_package", self.match_package),
            ("mismatch", self.mismatch),
            ("unrecorded", self.unrecorded),
            ("other_builder", self.foreign),
            ("cannot_tell", self.cannot_tell),
            ("unlisted", self.unlisted),
            ("differences", self.differences),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name, json!(count)));
        [("result", json!("summary"))].into_iter().chain(counts)
    }

    /// Writes the counts and the time to the file at `path`, in the text format of Prometheus.
    pub fn write_metrics(&self, path: &Path) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let text = format!(
            "\
# HELP fabric_ccs_builder_verify_builds Builds of the peer by result.
# TYPE fabric_ccs_builder_verify_builds gauge
fabric_ccs_builder_verify_builds{{result=\"match_package\"}} {}
fabric_ccs_builder_verify_builds{{result=\"match_record\"}} {}
fabric_ccs_builder_verify_builds{{result=\"mismatch\"}} {}
fabric_ccs_builder_verify_builds{{result=\"unrecorded\"}} {}
fabric_ccs_builder_verify_builds{{result=\"other_builder\"}} {}
# HELP fabric_ccs_builder_verify_differences Differences found.
# TYPE fabric_ccs_builder_verify_differences gauge
fabric_ccs_builder_verify_differences {}
# HELP fabric_ccs_builder_verify_cannot_tell What could not be determined.
# TYPE fabric_ccs_builder_verify_cannot_tell gauge
fabric_ccs_builder_verify_cannot_tell {}
# HELP fabric_ccs_builder_verify_unlisted Package IDs that were not asked for.
# TYPE fabric_ccs_builder_verify_unlisted gauge
fabric_ccs_builder_verify_unlisted {}
# HELP fabric_ccs_builder_verify_last_run_timestamp_seconds When it ran.
# TYPE fabric_ccs_builder_verify_last_run_timestamp_seconds gauge
fabric_ccs_builder_verify_last_run_timestamp_seconds {}
",
            self.match_package,
            self.match_record,
            self.mismatch,
            self.unrecorded,
            self.foreign,
            self.differences,
            self.cannot_tell,
            self.unlisted,
            now
        );
        let mut file = NewFile::create(path, PUBLIC)?;
        file.write_all(text.as_bytes())?;
        file.replace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::comparison::{Difference, Found};

    #[test]
    fn notes_say_the_same_of_any_number_of_builds() {
        let of = |strays, is_of_other_config| Verdict {
            strays,
            is_of_other_config,
            differences: vec![Difference {
                path: "a".to_owned(),
                expected: None,
                found: Some(Found::Other("a directory")),
            }],
            ..Verdict::default()
        };
        for (is_build, verdict, word) in [
            (true, of(0, false), "a build that differs was changed"),
            (true, of(0, true), "made with another config"),
            (true, of(1, false), "belongs to no build"),
            (false, of(1, false), "belongs to no build"),
        ] {
            let mut counts = Counts::default();
            for number in 1..4 {
                counts.add(is_build, &verdict);
                let notes = counts.notes();
                assert!(
                    notes.len() == 1 && notes[0].contains(word),
                    "{number}: {notes:?}"
                );
            }
        }
    }
}
