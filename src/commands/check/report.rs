//! What `check` found, as lines for people or as one JSON object.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, IsTerminal};

use serde_json::{Value, json};

use crate::builder::Review;
use crate::error::{Error, Outcome, Result};
use crate::files::Digest;
use crate::formats::advice;
use crate::formats::artifact::Artifact;
use crate::layout::CONNECTION;
use crate::log::{self, Warning, Warnings};
use crate::text::{escaped_line, json_line};

/// What was found, and how to print it.
#[derive(Default)]
pub struct Report {
    pub json: bool,
    pub verbose: bool,
    /// Whether to dial the address.
    pub dials: bool,
    /// What is checked.
    pub shown: String,
    /// The answer when nothing is wrong.
    pub accepted: &'static str,
    /// The label, followed by the digest of the package file if one is checked.
    pub package: Option<String>,
    pub package_type: Option<String>,
    /// Why a peer would not take it.
    pub faults: Vec<String>,
    /// Why something in it would not be published.
    pub withheld: Vec<String>,
    pub warnings: Vec<String>,
    pub programs: Vec<Program>,
    /// The files that were made.
    pub recorded: Vec<Artifact>,
    pub released: Vec<Artifact>,
    pub address: Option<String>,
    /// What the peer would do.
    pub dial: Option<String>,
    /// The result of dialling from this machine: `Err` if a peer here would fail.
    pub dialled: Option<std::result::Result<String, String>>,
    /// The ID of the package that `package` would make from the same content, if it differs.
    pub packaged: Option<String>,
}

/// What one of the peer's programs did.
pub struct Program {
    pub name: &'static str,
    pub status: u8,
    pub lines: Vec<String>,
}

impl Report {
    pub fn add_warnings(&mut self, warnings: Warnings) {
        let (kept, more) = warnings.into_kept();
        for warning in kept {
            match warning {
                Warning::Note(text) => self.warnings.push(text),
                Warning::Withheld(path, fault) => self.withheld.push(format!("{path}: {fault}")),
            }
        }
        if more > 0 {
            self.warnings.push(format!("{more} more are not shown"));
        }
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
            let config = example(review.keys.iter().map(String::as_str));
            let config = config.replace('\'', r"'\''");
            self.faults.push(format!(
                "{CONNECTION}: templates need values, write --config '{config}'"
            ));
        }
        self.add_warnings(review.warnings);
        if let Some(values) = &review.values {
            let advice = [advice::of_address(values), advice::of_server_name(values)];
            let advice = advice.into_iter().flatten();
            let advice = advice.chain(advice::of_certificates(values, now));
            self.warnings
                .extend(advice.map(|text| format!("{CONNECTION}: {text}")));
        }
    }

    /// Prints the report and the result of the check.
    pub fn finish(mut self, checked: Result<()>) -> Result<Outcome> {
        let cannot = match checked {
            Ok(()) => None,
            Err(Error::Refused(fault)) => {
                self.faults.push(fault);
                None
            }
            Err(Error::Failed(reason)) => Some(reason),
            Err(error) => return Err(error),
        };
        let undetermined = cannot
            .as_ref()
            .map(|reason| format!("cannot tell: {reason}"));
        let (word, answer, outcome) = if let Some(answer) = &undetermined {
            ("cannot tell", answer.as_str(), Outcome::Undetermined)
        } else if !self.faults.is_empty() {
            ("refused", "a peer would refuse this package", Outcome::No)
        } else if !self.withheld.is_empty() {
            let answer = "a peer would accept this package, but not all of its index definitions";
            ("incomplete", answer, Outcome::No)
        } else if matches!(self.dialled, Some(Err(_))) {
            let answer =
                "a peer would accept this package, but this machine cannot reach its server";
            ("unreached", answer, Outcome::No)
        } else {
            ("accepted", self.accepted, Outcome::Yes)
        };
        log::print(&if self.json {
            self.object(word, cannot.as_deref())
        } else {
            self.lines(answer, outcome)
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
        for program in self.programs.iter().filter(|_| self.verbose) {
            let name = program.name;
            out.line(name, &format!("exit status: {}", program.status));
            let lines = program.lines.iter();
            lines.for_each(|text| out.line("", &format!("{name}: {text}")));
        }
        let faults = self.faults.iter().chain(&self.withheld);
        faults.for_each(|fault| out.coloured("fault", RED, fault));
        let warnings = self.warnings.iter();
        warnings.for_each(|warning| out.coloured("warning", YELLOW, warning));
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
        if let Some(Ok(dialled) | Err(dialled)) = &self.dialled {
            out.line("dialled", dialled);
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
        let findings = |lines: &mut dyn Iterator<Item = &String>| -> Value {
            lines.map(|line| finding(line)).collect()
        };
        let files = |files: &[Artifact]| -> Value {
            let files = files.iter();
            files
                .map(
                    |Artifact { path, digest }| json!({"path": path, "sha256": digest.to_string()}),
                )
                .collect()
        };
        let object = json!({
            "source": self.shown,
            "package": self.package,
            "type": self.package_type,
            "faults": findings(&mut self.faults.iter().chain(&self.withheld)),
            "warnings": findings(&mut self.warnings.iter()),
            "recorded": files(&self.recorded),
            "released": files(&self.released),
            "address": self.address,
            "dial": self.dial,
            "dialled": self.dialled.as_ref().map(|(Ok(said) | Err(said))| said),
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

/// Lines that begin with a word.
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

/// The parts of a fault or warning, `FILE: FIELD: MESSAGE, HINT`, of which only the message is
/// always there. A hint is recognised by its first words, such as [`VERBS`].
fn finding(line: &str) -> Value {
    let end = line.find(": ").or_else(|| line.find(" not found"));
    let (file, rest) = line.split_at(end.unwrap_or_default());
    let mut rest = rest.trim_start_matches([':', ' ']);
    let mut fields = Vec::new();
    while let Some((field, after)) = rest.split_once(": ") {
        let name = field.trim_matches('"');
        if name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_$-".contains(&byte))
        {
            break;
        }
        fields.push(name);
        rest = after;
    }
    let is_hint = |text: &str| {
        let verb = text.split(' ').next().unwrap_or_default();
        VERBS.contains(&verb)
            || text.starts_with("did you mean")
            || text.starts_with("for example ")
            || text.starts_with("it must ")
            || text.ends_with(" is needed")
    };
    let starts = rest.match_indices([',', ';', ':']).map(|(place, _)| place);
    let hints = starts.filter_map(|place| Some((place, rest.get(place..)?.get(2..)?)));
    let (end, hint) = hints.into_iter().find(|(_, hint)| is_hint(hint)).unzip();
    let message = rest.get(..end.unwrap_or(rest.len()));
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    json!({
        "file": known(file.to_owned()),
        "field": known(fields.join(".")),
        "message": message,
        "hint": hint,
    })
}

/// What a message tells its reader to do.
const VERBS: [&str; 18] = [
    "write", "leave", "put", "save", "use", "keep", "remove", "rename", "convert", "decode",
    "decrypt", "make", "begin", "give", "copy", "in", "run", "move",
];

/// A config with these keys, to be completed.
fn example<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for key in keys {
        let (name, inner) = key.split_once('.').unwrap_or((key, ""));
        let member = members.entry(name).or_default();
        member.extend(Some(inner).filter(|inner| !inner.is_empty()));
    }
    let members = members.into_iter().map(|(name, inner)| {
        let value = if inner.is_empty() {
            "\"...\"".to_owned()
        } else {
            example(inner.into_iter())
        };
        format!("{}: {value}", json!(name))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}
