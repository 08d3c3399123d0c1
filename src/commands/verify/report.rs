//! The output of `verify`: lines for people, or one JSON object per line.

use std::path::Path;

use serde_json::{Value, json};

use super::counts::{Counts, OtherResult};
use super::target::Target;
use super::verdict::{Compared, Fault, Verdict};
use crate::error::{Error, Outcome, Result};
use crate::formats::comparison::Basis;
use crate::layout::{MAX_FINDINGS, SUMS};
use crate::log;
use crate::text::{escaped_line, json_line, plural};

/// Prints verdicts, and counts them for the summary.
#[derive(Default)]
pub struct Report {
    pub json: bool,
    pub quiet: bool,
    pub counts: Counts,
    /// How many paths cannot be verified at all.
    unusable: usize,
}

/// What a line is about: the key of the JSON member, and its value.
type LineOf<'a> = (&'static str, &'a str);

impl Report {
    /// Reports that nothing at `path` can be verified.
    pub fn add_unusable(&mut self, path: &Path, error: &Error) -> Result<()> {
        self.counts.add_other(OtherResult::CannotTell);
        self.unusable += 1;
        let reason = error.advised();
        // The summary counts them all.
        if self.unusable <= MAX_FINDINGS {
            log::line("verify", &reason);
        }
        if self.json {
            let path = path.display().to_string();
            log::print(&self.because(("build", &path), OtherResult::CannotTell.name(), &reason))?;
        }
        Ok(())
    }

    /// Whether there was something that cannot be verified at all.
    pub fn is_partial(&self) -> bool {
        self.unusable > 0
    }

    /// Prints the verdict on a target, one line for each finding.
    pub fn add(&mut self, target: &Target, verdict: &Verdict) -> Result<()> {
        self.counts.add(target.is_build(), verdict);
        let subject = ("build", target.shown.as_str());
        let mut lines = String::new();
        if let Some(fault) = &verdict.fault {
            let (result, reason) = match fault {
                Fault::Damaged(reason) => ("damaged", reason),
                Fault::Mismatch(reason) | Fault::Connection(reason) => ("mismatch", reason),
                Fault::Unrecorded(reason) => ("unrecorded build", reason),
            };
            lines += &self.because(subject, result, reason);
        }
        for difference in &verdict.differences {
            let (expected, found) = (difference.expected, difference.found);
            let key = match verdict.basis {
                Basis::Package => "expected",
                _ => "recorded",
            };
            let mut members = vec![("path", json!(difference.path))];
            members.extend(expected.map(|digest| (key, json!(digest))));
            members.extend(found.map(|found| ("found", json!(found.to_string()))));
            let kind = difference.kind(verdict.basis);
            lines += &self.line(subject, kind, &difference.describe(verdict.basis), members);
        }
        for reason in &verdict.undetermined {
            lines += &self.because(subject, OtherResult::CannotTell.name(), reason);
        }
        if !self.quiet {
            if let Some(package_type) = &verdict.foreign_type {
                let reason = format!("its package has the type {package_type:?}");
                lines += &self.because(subject, "other builder", &reason);
            } else if let (Outcome::Yes, Some(compared)) = (verdict.outcome(), &verdict.compared) {
                lines += &self.matching(target, verdict.basis, compared);
            }
        }
        log::print(&lines)
    }

    fn matching(&self, target: &Target, basis: Basis, compared: &Compared) -> String {
        let Compared { artifacts, sums } = compared;
        let (from, text) = match basis {
            Basis::Package => ("package", ", from the package"),
            _ => ("record", ""),
        };
        let id = target.id.iter();
        let mut members: Vec<_> = id.map(|id| ("package_id", json!(id.to_string()))).collect();
        members.push(("from", json!(from)));
        let count = plural(*artifacts, "artifact", "artifacts");
        let text = format!("match{text}, {count}, {SUMS} sha256:{sums}");
        members.extend([("artifacts", json!(artifacts)), ("sha256sums", json!(sums))]);
        self.line(("build", &target.shown), "match", &text, members)
    }

    pub fn add_dial(
        &mut self,
        target: &Target,
        dialled: std::result::Result<String, String>,
    ) -> Result<()> {
        let (result, said) = match dialled {
            Ok(_) if self.quiet => return Ok(()),
            Ok(said) => (OtherResult::Dialled, said),
            Err(said) => (OtherResult::NotReached, said),
        };
        self.add_other(("build", &target.shown), result, &said)
    }

    /// Prints and counts a result that is not about the content of a build.
    pub fn add_other(&mut self, subject: LineOf, result: OtherResult, reason: &str) -> Result<()> {
        self.counts.add_other(result);
        // Some reasons begin with the path with which the line begins already.
        let named = format!("{}: ", subject.1);
        let reason = reason.strip_prefix(&named).unwrap_or(reason);
        log::print(&self.because(subject, result.name(), reason))
    }

    /// Adds a line to what [`finish`](Self::finish) prints.
    pub fn add_note(&mut self, note: String) {
        self.counts.path_notes.push(note);
    }

    fn because(&self, subject: LineOf, result: &str, reason: &str) -> String {
        let members = vec![("reason", json!(reason))];
        self.line(subject, result, &format!("{result}: {reason}"), members)
    }

    fn line(
        &self,
        (key, subject): LineOf,
        result: &str,
        text: &str,
        rest: Vec<(&str, Value)>,
    ) -> String {
        if self.json {
            let members = [(key, json!(subject)), ("result", json!(result))];
            object(members.into_iter().chain(rest))
        } else {
            escaped_line(&format!("{subject}: {text}"))
        }
    }

    /// Prints the summary and returns the answer.
    pub fn finish(&self) -> Result<Outcome> {
        for note in self.counts.notes() {
            log::print(&if self.json {
                object([("result", json!("note")), ("reason", json!(note))])
            } else {
                escaped_line(&format!("note     {note}"))
            })?;
        }
        log::print(&if self.json {
            object(self.counts.members())
        } else {
            self.counts.summary()
        })?;
        Ok(self.counts.outcome())
    }
}

/// A JSON object on one line.
fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    let member = |(name, value)| format!("\"{name}\":{value}");
    let members: Vec<String> = members.into_iter().map(member).collect();
    json_line(&format!("{{{}}}", members.join(",")))
}
