//! What is found in a package: faults, for which a peer or `build` refuses it, and warnings. Hostile
//! input can cause any number, so only those that will be shown are kept.

use crate::error::{Error, Result};
use crate::layout::MAX_WARNINGS;
use crate::log::line;
use crate::text::plural;

/// Everything that is wrong with an input, each fault once, in the order found. `build` reports the
/// first and `check` reports all, so whatever reads a format adds its faults here and continues.
#[derive(Debug, Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// The value, or `None` after adding the fault.
    pub fn take<T>(&mut self, result: anyhow::Result<T>) -> Option<T> {
        result.map_err(|fault| self.push(format!("{fault:#}"))).ok()
    }

    /// The value, or `None` after adding a refusal. Other errors are not about the input.
    pub fn take_refusal<T>(&mut self, result: Result<T>) -> Result<Option<T>> {
        match result {
            Err(Error::Refused(fault)) => {
                self.push(fault);
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Adds a fault. Hostile input can have any number, so not all are kept.
    pub fn push(&mut self, fault: String) {
        if self.0.len() < MAX_WARNINGS && !self.0.contains(&fault) {
            self.0.push(fault);
        }
    }

    /// Adds the faults that `read` finds in the file `name`.
    pub fn collect<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut faults = Self::default();
        let value = read(&mut faults);
        for fault in faults.0 {
            self.push(format!("{name}: {fault}"));
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
            .map_or(value, |first| Err(anyhow::Error::msg(first)))
    }

    /// Each fault.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<String> for Faults {
    fn extend<T: IntoIterator<Item = String>>(&mut self, faults: T) {
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

/// One warning.
#[derive(Debug)]
pub enum Warning {
    /// Something that the package's author should know.
    Note(String),
    /// A path that is not published, and its fault.
    Withheld(String, String),
}

impl Warnings {
    /// Adds a warning.
    pub fn push(&mut self, warning: String) {
        self.keep(Warning::Note(warning));
    }

    fn keep(&mut self, warning: Warning) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(warning);
        } else {
            self.more += 1;
        }
    }

    /// Adds that `path` is not published because of a fault, which the author can fix.
    pub fn withhold(&mut self, path: &str, fault: &str) {
        self.fault.get_or_insert(format!("{path}: {fault}"));
        self.keep(Warning::Withheld(path.to_owned(), fault.to_owned()));
    }

    /// The first fault of something that is not published.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Each warning as it is printed, without the word in front.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let more = (self.more > 0).then(|| {
            let warnings = plural(self.more, "more warning is", "more warnings are");
            format!("{warnings} not shown")
        });
        let kept = self.kept.iter().map(|warning| match warning {
            Warning::Note(text) => text.clone(),
            Warning::Withheld(path, fault) => format!("{path}: is not published: {fault}"),
        });
        kept.chain(more)
            .map(|warning| format!("warning: {warning}"))
    }

    /// Those that were kept, and how many more there were.
    pub fn into_kept(self) -> (Vec<Warning>, usize) {
        (self.kept, self.more)
    }

    /// Writes each warning as one line to standard error.
    pub fn write(&self, word: &str) {
        self.lines().for_each(|warning| line(word, warning));
    }
}

impl Extend<String> for Warnings {
    fn extend<T: IntoIterator<Item = String>>(&mut self, warnings: T) {
        warnings.into_iter().for_each(|warning| self.push(warning));
    }
}
