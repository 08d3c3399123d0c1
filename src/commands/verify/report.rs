//! What verify prints: for people, or one JSON object a line.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Error, Result, anyhow};
use serde::Serialize;

use super::target::Target;
use super::verdict::Verdict;
use crate::commands::Outcome;
use crate::difference::Difference;
use crate::digest::Digest;
use crate::log::is_unsafe;
use crate::record::SUMS;
use crate::{cli, log};

/// The result where there is none.
const CANNOT_TELL: &str = "cannot tell";

/// Prints verdicts in the order of their builds, each as soon as all before it are there.
pub struct Report {
    json: bool,
    summary: Summary,
    expected: usize,
    /// The first build that is not yet printed.
    next: usize,
    /// What is to be printed once those before it are.
    waiting: BTreeMap<usize, String>,
    began: Instant,
    shows_progress: bool,
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
        Self {
            json,
            summary: Summary {
                result: "summary",
                ..Summary::default()
            },
            expected: 0,
            next: 0,
            waiting: BTreeMap::new(),
            began: Instant::now(),
            shows_progress: false,
        }
    }

    /// Says that nothing at `path` can be verified.
    pub fn unusable(&mut self, path: &Path, error: &Error) -> Result<()> {
        self.summary.cannot_tell += 1;
        let reason = format!("{error:#}");
        // The summary counts them all.
        if self.summary.cannot_tell <= log::MAX_WARNINGS {
            log::line("verify", &reason);
        }
        if self.json {
            let build = path.display().to_string();
            cli::print(&json(&Line::because(&build, CANNOT_TELL, &reason))?)?;
        }
        Ok(())
    }

    /// Sets what there will be verdicts on.
    pub fn expect(&mut self, targets: &[Target]) {
        self.expected = targets.iter().filter(|target| target.is_build()).count();
    }

    /// Takes the verdict on the target with this number.
    pub fn take(&mut self, number: usize, target: &Target, verdict: &Verdict) -> Result<()> {
        self.summary.count(target.is_build(), verdict);
        let mut lines = String::new();
        for line in lines_of(&target.shown, verdict) {
            lines.push_str(&if self.json {
                json(&line)?
            } else {
                log::escaped_line(&line.to_string())
            });
        }
        self.waiting.insert(number, lines);
        while let Some(lines) = self.waiting.remove(&self.next) {
            self.next += 1;
            self.hide_progress();
            cli::print(&lines)?;
        }
        Ok(())
    }

    /// Prints the summary and gives the answer.
    pub fn finish(&self) -> Result<Outcome> {
        cli::print(&if self.json {
            json(&self.summary)?
        } else {
            self.summary.text()
        })?;
        Ok(self.summary.outcome())
    }

    /// Shows how far it is on the terminal, in a line that is not ended.
    pub fn show_progress(&mut self) {
        self.shows_progress = true;
        log::progress(&format!(
            "verify: {} of {}, {} s",
            self.summary.builds,
            log::plural(self.expected, "build", "builds"),
            self.began.elapsed().as_secs()
        ));
    }

    /// Removes that line.
    pub fn hide_progress(&mut self) {
        if std::mem::take(&mut self.shows_progress) {
            log::progress("");
        }
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
        self.cannot_tell += usize::from(outcome == Outcome::CannotTell);
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
            log::plural(*builds, "build", "builds"),
            log::plural(*differences, "difference", "differences")
        )
    }

    fn outcome(&self) -> Outcome {
        if self.differences > 0 {
            Outcome::No
        } else if self.cannot_tell > 0 {
            Outcome::CannotTell
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
    let untold = verdict.untold.iter().map(because(CANNOT_TELL));
    damaged
        .chain(differences.map(|difference| Line::of(build, difference)))
        .chain(untold)
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
            write!(f, ", {}", log::plural(artifacts, "artifact", "artifacts"))?;
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
    let text = serde_json::to_string(value).map_err(|_| anyhow!("cannot be written as JSON"))?;
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
