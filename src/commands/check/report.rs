//! What `check` found, as lines for people or as one JSON object.

use std::env;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use super::super::arguments::config_option;
use crate::builder::Review;
use crate::error::{Error, Outcome, Result};
use crate::files::Digest;
use crate::findings::{Finding, Warning, Warnings};
use crate::formats::advice;
use crate::formats::artifact::Artifact;
use crate::layout::CONNECTION;
use crate::log;
use crate::text::{escaped_line, json_line};

#[derive(Default)]
pub struct Report {
    pub json: bool,
    pub verbose: bool,
    pub wants_dial: bool,
    pub shown: String,
    /// The answer when nothing is wrong.
    pub accepted: &'static str,
    /// The answer when there is a fault.
    pub refused: &'static str,
    /// The label, followed by the digest of the package file if one is checked.
    pub package: Option<String>,
    pub package_type: Option<String>,
    /// Why a peer would not take it.
    pub faults: Vec<Finding>,
    /// Why something in it would not be published.
    pub withheld: Vec<Finding>,
    pub warnings: Vec<Finding>,
    /// What the peer's programs did: a word, and a line.
    pub log: Vec<(&'static str, String)>,
    pub recorded: Vec<Artifact>,
    pub released: Vec<Artifact>,
    pub address: Option<String>,
    pub dial: Option<String>,
    /// The result of dialling from this machine: `Err` if a peer here would fail.
    pub dial_result: Option<std::result::Result<String, String>>,
    /// The ID of the package that `package` would make from the same content, if it differs.
    pub packaged: Option<String>,
}

impl Report {
    pub fn add_warnings(&mut self, warnings: Warnings) {
        let (kept, more) = warnings.into_kept();
        for warning in kept {
            match warning {
                Warning::Note(finding) => self.warnings.push(finding),
                Warning::Misplaced(finding) => self.withheld.push(finding),
                Warning::Withheld(path, fault) => self.withheld.push(Finding::at(path, fault)),
            }
        }
        if more > 0 {
            let more = format!("{more} more are not shown");
            self.warnings.push(more.into());
        }
    }

    /// Whether something is wrong with the package.
    pub fn has_faults(&self) -> bool {
        !self.faults.is_empty() || !self.withheld.is_empty()
    }

    /// Adds what was found at the time `now` in a package, whose file has this `digest` if there is
    /// one.
    pub fn add_review(&mut self, review: Review, digest: Option<Digest>, now: i64) {
        let metadata = review.metadata.as_ref();
        let label = metadata.and_then(|metadata| Some(metadata.label().ok()?.to_string()));
        self.package = label.map(|label| match digest {
            Some(digest) => format!("{label}:{digest}"),
            None => label,
        });
        self.package_type = metadata.map(|metadata| metadata.package_type.clone());
        self.faults.extend(review.faults.into_vec());
        if !review.keys.is_empty() {
            if self.faults.is_empty() {
                self.refused = "a peer without these values would refuse this package";
            }
            let option = config_option(&review.keys);
            let text = format_args!("templates need values; write {option}");
            self.faults.push(Finding::at(CONNECTION, text));
        }
        for mut finding in review.unpackable.into_vec() {
            if self.faults.contains(&finding) {
                continue;
            }
            if digest.is_some() {
                let (message, hint) = split_hint(&finding.line);
                let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
                let what = "so the command package refuses this content";
                finding.line = format!("{message}, {what}{hint}");
                self.warnings.push(finding);
                continue;
            }
            if self.faults.is_empty() {
                self.refused = "the command package would refuse this folder";
            }
            self.faults.push(finding);
        }
        self.add_warnings(review.warnings);
        if let Some(values) = &review.values {
            self.warnings.extend(advice::of_values(values, Some(now)));
        }
    }

    /// Prints the report and the result of the check.
    pub fn finish(mut self, checked: Result<()>) -> Result<Outcome> {
        let cannot = match checked {
            Ok(()) => None,
            Err(Error::Refused(fault)) => {
                self.faults.push(fault.into());
                None
            }
            Err(error @ (Error::Failed(_) | Error::Denied(_))) => Some(error.advised()),
            Err(error) => return Err(error),
        };
        let (word, answer, outcome) = if cannot.is_some() {
            ("cannot tell", "cannot tell: ", Outcome::Undetermined)
        } else if !self.faults.is_empty() {
            ("refused", self.refused, Outcome::No)
        } else if !self.withheld.is_empty() {
            let answer = "a peer would accept this package, but not all of its index definitions";
            ("incomplete", answer, Outcome::No)
        } else if matches!(self.dial_result, Some(Err(_))) {
            let answer =
                "a peer would accept this package, but this machine cannot reach its server";
            ("unreached", answer, Outcome::No)
        } else {
            ("accepted", self.accepted, Outcome::Yes)
        };
        log::print(&if self.json {
            self.object(word, cannot.as_deref())
        } else {
            self.lines(&format!("{answer}{}", cannot.unwrap_or_default()), outcome)
        })?;
        Ok(outcome)
    }

    fn lines(&self, answer: &str, outcome: Outcome) -> String {
        let mut out = Lines::new();
        let kind = match (&self.package, &self.package_type) {
            (Some(id), Some(kind)) => format!("{id}, type {kind}: "),
            (None, Some(kind)) => format!("type {kind}: "),
            _ => String::new(),
        };
        out.line("package", &format!("{kind}{}", self.shown));
        let log = self.log.iter().filter(|_| self.verbose);
        log.for_each(|(word, text)| out.line(word, text));
        let faults = self.faults.iter().chain(&self.withheld);
        faults.for_each(|fault| out.coloured("fault", RED, &fault.line));
        let warnings = self.warnings.iter();
        warnings.for_each(|warning| out.coloured("warning", YELLOW, &warning.line));
        if self.verbose {
            for Artifact { path, digest } in &self.recorded {
                out.line("recorded", &format!("{digest}  {path}"));
            }
        }
        for Artifact { path, digest } in &self.released {
            if self.verbose {
                out.line("released", &format!("{digest}  {path}"));
            } else {
                out.line("released", path);
            }
        }
        if let Some(dial) = &self.dial {
            out.line("address", &format!("the peer would {dial}"));
        }
        if let Some(Ok(said) | Err(said)) = &self.dial_result {
            out.line("dialled", said);
        }
        if let Some(id) = &self.packaged {
            let text = format!("the command package would give this content another ID, {id}");
            out.line("differs", &text);
        }
        let colour = if outcome == Outcome::Yes { GREEN } else { RED };
        out.coloured("result", colour, answer);
        out.text
    }

    fn object(&self, result: &str, reason: Option<&str>) -> String {
        let files = |files: &[Artifact]| -> Value {
            let file = |file: &Artifact| json!({"path": file.path, "sha256": file.digest});
            files.iter().map(file).collect()
        };
        let object = json!({
            "source": self.shown,
            "package": self.package,
            "type": self.package_type,
            "faults": parts(self.faults.iter().chain(&self.withheld)),
            "warnings": parts(&self.warnings),
            "recorded": files(&self.recorded),
            "released": files(&self.released),
            "address": self.address,
            "dial": self.dial,
            "dialled": self.dial_result.as_ref().map(|(Ok(said) | Err(said))| said),
            "packaged": self.packaged,
            "result": result,
            "reason": reason,
        });
        json_line(&object.to_string())
    }
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

struct Lines {
    text: String,
    has_colour: bool,
}

impl Lines {
    fn new() -> Self {
        let is_unset = |name| env::var_os(name).is_none_or(|value| value.is_empty());
        Self {
            text: String::new(),
            // https://no-color.org
            has_colour: io::stdout().is_terminal() && is_unset("NO_COLOR"),
        }
    }

    fn line(&mut self, word: &str, text: &str) {
        self.text += &escaped_line(&format!("{word:<8} {text}"));
    }

    fn coloured(&mut self, word: &str, colour: &str, text: &str) {
        if !self.has_colour {
            return self.line(word, text);
        }
        let coloured = format!("\x1b[{colour}m{word:<8}\x1b[0m ");
        self.text.extend([coloured, escaped_line(text)]);
    }
}

/// Faults or warnings in parts: the file, the path of the field in it, what is wrong, and the hint
/// about what to do. What comes from the package is in quotes or braces there, so a plain word with
/// a colon is a field.
fn parts<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Value {
    let is_field = |name: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_$".contains(&byte);
        !name.is_empty() && name.bytes().all(is_inner)
    };
    let parts = findings.into_iter().map(|finding| {
        let (mut fields, mut text) = (Vec::new(), finding.text());
        while let Some((name, rest)) = text.split_once(": ")
            && finding.file.is_some()
            && is_field(name)
        {
            fields.push(name);
            text = rest;
        }
        let field = (!fields.is_empty()).then(|| fields.join("."));
        let (message, hint) = split_hint(text);
        json!({"file": finding.file, "field": field, "message": message, "hint": hint})
    });
    parts.collect()
}

/// What is wrong, and what to do about it, after a semicolon. Quotes and templates are skipped: the
/// package's author wrote what is in them.
fn split_hint(text: &str) -> (&str, Option<&str>) {
    let (mut is_quoted, mut is_escaped, mut template_end) = (false, false, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            _ if place < template_end => {}
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            '{' if !is_quoted => {
                let template = text.split_at(place).1;
                let length = template.find("}}").filter(|_| template.starts_with("{{"));
                template_end = place + length.unwrap_or_default();
            }
            ';' if !is_quoted => {
                let (message, rest) = text.split_at(place);
                return (message, rest.get(2..));
            }
            _ => {}
        }
    }
    (text, None)
}
