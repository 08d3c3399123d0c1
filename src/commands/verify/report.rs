//! The output of `verify`: lines for people, or one JSON object per line.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::target::Target;
use super::verdict::Verdict;
use crate::commands::Outcome;
use crate::error::{Error, Result};
use crate::layout::{MAX_WARNINGS, SUMS};
use crate::log;
use crate::text::{escaped_line, is_unsafe, plural};

/// The result when nothing could be determined.
const CANNOT_TELL: &str = "cannot tell";

/// Prints verdicts, and counts them for the summary.
#[derive(Default)]
pub struct Report {
    json: bool,
    builds: usize,
    matching: usize,
    mismatch: usize,
    cannot_tell: usize,
    differences: usize,
}

impl Report {
    /// A report with nothing in it.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            ..Self::default()
        }
    }

    /// Reports that nothing at `path` can be verified.
    pub fn add_unusable(&mut self, path: &Path, error: &Error) -> Result<()> {
        self.cannot_tell += 1;
        let reason = error.to_string();
        // The summary counts them all.
        if self.cannot_tell <= MAX_WARNINGS {
            log::line("verify", &reason);
        }
        if self.json {
            log::print(&object([
                ("build", json!(path.display().to_string())),
                ("result", json!(CANNOT_TELL)),
                ("reason", json!(reason)),
            ]))?;
        }
        Ok(())
    }

    /// Prints the verdict on a target, one line for each finding.
    pub fn add(&mut self, target: &Target, verdict: &Verdict) -> Result<()> {
        self.count(target.is_build, verdict);
        let build = &target.shown;
        let line = |result: &str, text: &str, rest: Vec<(&str, Value)>| {
            if self.json {
                let members = [("build", json!(build)), ("result", json!(result))];
                object(members.into_iter().chain(rest))
            } else {
                escaped_line(&format!("{build}: {text}"))
            }
        };
        let because = |result: &str, reason: &str| {
            let members = vec![("reason", json!(reason))];
            line(result, &format!("{result}: {reason}"), members)
        };
        let mut lines = String::new();
        let damaged = verdict.damaged.iter();
        lines.extend(damaged.map(|reason| because("damaged", reason)));
        for difference in &verdict.differences {
            let (recorded, found) = (difference.recorded, difference.found);
            let mut members = vec![("path", json!(difference.path))];
            members.extend(recorded.map(|digest| ("recorded", json!(digest))));
            members.extend(found.map(|found| ("found", json!(found.to_string()))));
            lines += &line(difference.kind(), &difference.to_string(), members);
        }
        let undetermined = verdict.undetermined.iter();
        lines.extend(undetermined.map(|reason| because(CANNOT_TELL, reason)));
        if let (Outcome::Yes, Some(record)) = (verdict.outcome(), &verdict.record) {
            // Counts as `build` and `release` do in the peer's log: without the statement, which is
            // part of the record.
            let (count, sums) = (record.artifacts.len().saturating_sub(1), record.sums);
            let artifacts = plural(count, "artifact", "artifacts");
            let text = format!("match, {artifacts}, {SUMS} sha256:{sums}");
            let members = vec![("artifacts", json!(count)), ("sha256sums", json!(sums))];
            lines += &line("match", &text, members);
        }
        log::print(&lines)
    }

    /// Prints what came of a dial to a target's chaincode. One that failed is something that could
    /// not be determined.
    pub fn add_dial(
        &mut self,
        target: &Target,
        dialled: std::result::Result<String, String>,
    ) -> Result<()> {
        let result = match &dialled {
            Ok(_) => "dialled",
            Err(_) => "not reached",
        };
        self.cannot_tell += usize::from(dialled.is_err());
        let (Ok(said) | Err(said)) = dialled;
        log::print(&if self.json {
            object([
                ("build", json!(target.shown)),
                ("result", json!(result)),
                ("reason", json!(said)),
            ])
        } else {
            escaped_line(&format!("{}: {result}: {said}", target.shown))
        })
    }

    fn count(&mut self, is_build: bool, verdict: &Verdict) {
        self.differences += verdict.differences.len() + usize::from(verdict.damaged.is_some());
        let outcome = verdict.outcome();
        if is_build {
            self.builds += 1;
            self.matching += usize::from(outcome == Outcome::Yes);
            self.mismatch += usize::from(outcome == Outcome::No);
        }
        self.cannot_tell += usize::from(outcome == Outcome::Undetermined);
    }

    /// Prints the summary and returns the answer.
    pub fn finish(&self) -> Result<Outcome> {
        log::print(&if self.json {
            object([
                ("result", json!("summary")),
                ("builds", json!(self.builds)),
                ("match", json!(self.matching)),
                ("mismatch", json!(self.mismatch)),
                ("cannot_tell", json!(self.cannot_tell)),
                ("differences", json!(self.differences)),
            ])
        } else {
            let builds = plural(self.builds, "build", "builds");
            let differences = plural(self.differences, "difference", "differences");
            let (matching, mismatch, cannot) = (self.matching, self.mismatch, self.cannot_tell);
            let counts = format!("{matching} match, {mismatch} mismatch, {cannot} cannot tell");
            format!("result   {builds}: {counts}; {differences}\n")
        })?;
        Ok(match (self.differences, self.cannot_tell) {
            (0, 0) => Outcome::Yes,
            (0, _) => Outcome::Undetermined,
            _ => Outcome::No,
        })
    }
}

/// A JSON object on one line, without characters that could move a terminal's cursor.
fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let member = |(name, value)| format!("\"{name}\":{value}");
    let members: Vec<String> = members.into_iter().map(member).collect();
    let mut line = String::new();
    for character in format!("{{{}}}", members.join(",")).chars() {
        if is_unsafe(character) {
            // These occur only in strings, where an escape means the same.
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}
