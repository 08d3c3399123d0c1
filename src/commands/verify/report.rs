//! What verify prints: for people, or one JSON object a line.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::target::Target;
use super::verdict::Verdict;
use crate::commands::Outcome;
use crate::error::{Error, Result, failed};
use crate::files::Digest;
use crate::formats::comparison::Difference;
use crate::layout::{MAX_WARNINGS, SUMS};
use crate::log;
use crate::text::{escaped_line, is_unsafe, plural};

/// The result where there is none.
const CANNOT_TELL: &str = "cannot tell";

/// Prints verdicts, and counts them for the summary.
pub struct Report {
    json: bool,
    summary: Summary,
}

/// The last line.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Summary {
    result: &'static str,
    builds: usize,
    #[serde(rename = "match")]
    matching: usize,
    mismatch: usize,
    cannot_tell: usize,
    differences: usize,
}

/// One line of a verdict. Fields that do not apply are left out.
#[derive(Default, Serialize)]
struct Line<'a> {
    build: &'a str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifacts: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256sums: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl Report {
    /// A report with nothing in it.
    pub fn new(json: bool) -> Self {
        let result = "summary";
        let summary = Summary {
            result,
            ..Summary::default()
        };
        Self { json, summary }
    }

    /// Says that nothing at `path` can be verified.
    pub fn add_unusable(&mut self, path: &Path, error: &Error) -> Result<()> {
        self.summary.cannot_tell += 1;
        let reason = error.to_string();
        // The summary counts them all.
        if self.summary.cannot_tell <= MAX_WARNINGS {
            log::line("verify", &reason);
        }
        if self.json {
            let build = path.display().to_string();
            log::print(&json(&Line::because(&build, CANNOT_TELL, &reason))?)?;
        }
        Ok(())
    }

    /// Prints the verdict on a target.
    pub fn add(&mut self, target: &Target, verdict: &Verdict) -> Result<()> {
        self.summary.count(target.is_build(), verdict);
        let mut lines = String::new();
        for line in lines_of(&target.shown, verdict) {
            lines.push_str(&if self.json {
                json(&line)?
            } else {
                escaped_line(&line.to_string())
            });
        }
        log::print(&lines)
    }

    /// Prints the summary and gives the answer.
    pub fn finish(&self) -> Result<Outcome> {
        log::print(&if self.json {
            json(&self.summary)?
        } else {
            self.summary.text()
        })?;
        Ok(self.summary.outcome())
    }
}

impl Summary {
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

    fn text(&self) -> String {
        let Self {
            builds,
            matching,
            mismatch,
            cannot_tell,
            differences,
            ..
        } = self;
        format!(
            "result   {}: {matching} match, {mismatch} mismatch, {cannot_tell} cannot tell; {}\n",
            plural(*builds, "build", "builds"),
            plural(*differences, "difference", "differences")
        )
    }

    fn outcome(&self) -> Outcome {
        if self.differences > 0 {
            Outcome::No
        } else if self.cannot_tell > 0 {
            Outcome::Undetermined
        } else {
            Outcome::Yes
        }
    }
}

fn lines_of<'a>(build: &'a str, verdict: &'a Verdict) -> impl Iterator<Item = Line<'a>> {
    let because = |result| move |reason: &'a String| Line::because(build, result, reason);
    let matching = verdict.record.filter(|_| verdict.matches());
    let matching = matching.map(|record| Line {
        artifacts: Some(record.artifacts),
        sha256sums: Some(record.sums),
        ..Line::new(build, "match")
    });
    let differences = verdict.differences.iter();
    let damaged = verdict.damaged.iter().map(because("damaged"));
    let undetermined = verdict.undetermined.iter().map(because(CANNOT_TELL));
    damaged
        .chain(differences.map(|difference| Line::of(build, difference)))
        .chain(undetermined)
        .chain(matching)
}

impl<'a> Line<'a> {
    fn new(build: &'a str, result: &'static str) -> Self {
        Self {
            build,
            result,
            ..Self::default()
        }
    }

    fn because(build: &'a str, result: &'static str, reason: &'a str) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(build, result)
        }
    }

    fn of(build: &'a str, difference: &'a Difference) -> Self {
        Self {
            path: Some(&difference.path),
            recorded: difference.recorded,
            found: difference.found.map(|found| found.to_string()),
            ..Self::new(build, difference.kind())
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.build)?;
        if let Some(path) = self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(self.result)?;
        if let Some(recorded) = self.recorded {
            write!(f, ", recorded {recorded}")?;
        }
        if let Some(found) = &self.found {
            write!(f, ", found {found}")?;
        }
        if let Some(artifacts) = self.artifacts {
            write!(f, ", {}", plural(artifacts, "artifact", "artifacts"))?;
        }
        if let Some(sums) = self.sha256sums {
            write!(f, ", {SUMS} sha256:{sums}")?;
        }
        if let Some(reason) = self.reason {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

/// `value` as one line of JSON, in which nothing moves a terminal's cursor.
fn json(value: &impl Serialize) -> Result<String> {
    let Ok(text) = serde_json::to_string(value) else {
        return failed("a line cannot be written as JSON");
    };
    let mut line = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if is_unsafe(character) {
            // Only within strings, where this means the same.
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    Ok(line)
}
