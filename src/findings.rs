//! What is found in a package: faults, for which a peer or `build` refuses it, and warnings. Hostile
//! input can cause any number, so only those that will be shown are kept.

use std::fmt::Display;

use crate::error::{Error, Result};
use crate::layout::MAX_FINDINGS;
use crate::log::line;
use crate::text::plural;

/// A fault or warning, which messages show as one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file or folder of the package that it is about, if it is about one.
    pub file: Option<String>,
    pub line: String,
}

impl Finding {
    pub fn at(file: impl Into<String>, text: impl Display) -> Self {
        let file = file.into();
        Self {
            line: format!("{file}: {text}"),
            file: Some(file),
        }
    }

    /// What follows the file in the line.
    pub fn text(&self) -> &str {
        let file = self.file.as_deref().unwrap_or_default();
        let text = self.line.strip_prefix(file).unwrap_or_default();
        text.trim_start_matches([':', ' '])
    }
}

impl From<String> for Finding {
    fn from(line: String) -> Self {
        Self { file: None, line }
    }
}

/// Everything that is wrong with an input, each fault once, in the order found. `build` reports the
/// first and `check` reports all, so whatever reads a format adds its faults here and continues.
#[derive(Debug, Default)]
pub struct Faults(Vec<Finding>);

impl Faults {
    /// The value, or `None` after adding the fault.
    pub fn take<T>(&mut self, result: anyhow::Result<T>) -> Option<T> {
        result.map_err(|fault| self.push(format!("{fault:#}"))).ok()
    }

    /// The value, or `None` after adding a refusal, which may be about this file. Other errors are
    /// not about the input.
    pub fn take_refusal<T>(&mut self, file: &str, result: Result<T>) -> Result<Option<T>> {
        match result {
            Err(Error::Refused(line)) => {
                let text = line.strip_prefix(file);
                let is_about = text.is_some_and(|text| text.starts_with([':', ' ']));
                let file = is_about.then(|| file.to_owned());
                self.push(Finding { file, line });
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Adds a fault. Hostile input can have any number, so not all are kept.
    pub fn push(&mut self, fault: impl Into<Finding>) {
        let fault = fault.into();
        if self.0.len() < MAX_FINDINGS && !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// Adds the faults that `read` finds in the file `name`.
    pub fn in_file<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut faults = Self::default();
        let value = read(&mut faults);
        for fault in faults.0 {
            self.push(Finding::at(name, fault.line));
        }
        value
    }

    /// What `read` returns, or the first fault that it finds.
    pub fn first<T>(read: impl FnOnce(&mut Self) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let mut faults = Self::default();
        let value = read(&mut faults);
        faults
            .0
            .into_iter()
            .next()
            .map_or(value, |first| Err(anyhow::Error::msg(first.line)))
    }

    pub fn into_vec(self) -> Vec<Finding> {
        self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Finding> for Faults {
    fn extend<T: IntoIterator<Item = Finding>>(&mut self, faults: T) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }
}

/// What a package's author should know, one line each. A hostile package can cause any number of
/// warnings, so only those that will be shown are kept.
#[derive(Debug, Default)]
pub struct Warnings {
    kept: Vec<Warning>,
    more: usize,
    fault: Option<String>,
}

#[derive(Debug)]
pub enum Warning {
    Note(Finding),
    /// An index definition, or a folder of them, that is not published, because a peer does not look
    /// there.
    Misplaced(Finding),
    /// A path that is not published, and its fault.
    Withheld(String, String),
}

impl Warnings {
    pub fn push(&mut self, warning: impl Into<Finding>) {
        self.keep(Warning::Note(warning.into()));
    }

    /// Adds that something is not published because a peer does not look where it is.
    pub fn push_misplaced(&mut self, warning: Finding) {
        self.keep(Warning::Misplaced(warning));
    }

    fn keep(&mut self, warning: Warning) {
        // The first that is not a note decides the answer of `check`, so it is always kept.
        let is_note = |warning: &Warning| matches!(warning, Warning::Note(_));
        let decides = !is_note(&warning) && self.kept.iter().all(is_note);
        if self.kept.len() < MAX_FINDINGS || decides {
            self.kept.push(warning);
        } else {
            self.more += 1;
        }
    }

    /// Adds that `path` is not published because of a fault, which the author can fix.
    pub fn push_withheld(&mut self, path: &str, fault: &str) {
        self.fault.get_or_insert(format!("{path}: {fault}"));
        self.keep(Warning::Withheld(path.to_owned(), fault.to_owned()));
    }

    /// The first fault of something that is not published.
    pub fn first_withheld(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Each warning as it is printed, without the word in front.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| {
            let warnings = plural(self.more, "more warning is", "more warnings are");
            format!("{warnings} not shown")
        });
        let kept = self.kept.iter().map(|warning| match warning {
            Warning::Note(finding) | Warning::Misplaced(finding) => finding.line.clone(),
            Warning::Withheld(path, fault) => format!("{path}: is not published: {fault}"),
        });
        kept.chain(more)
            .map(|warning| format!("warning: {warning}"))
    }

    /// Those that were kept, and how many more there were.
    pub fn into_kept(self) -> (Vec<Warning>, usize) {
        (self.kept, self.more)
    }

    pub fn write(&self, word: &str) {
        self.lines().for_each(|warning| line(word, warning));
    }
}

impl<W: Into<Finding>> Extend<W> for Warnings {
    fn extend<T: IntoIterator<Item = W>>(&mut self, warnings: T) {
        warnings.into_iter().for_each(|warning| self.push(warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_kept_once_each_up_to_the_limit() {
        let mut faults = Faults::default();
        for number in [0..MAX_FINDINGS, 0..MAX_FINDINGS + 2].into_iter().flatten() {
            faults.push(number.to_string());
        }
        let kept = faults.into_vec().into_iter().map(|fault| fault.line);
        let numbers = (0..MAX_FINDINGS).map(|number| number.to_string());
        assert!(kept.eq(numbers));
    }
}
