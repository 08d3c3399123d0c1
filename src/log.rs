//! Lines for people: the one place that writes to stderr, which is the peer's log.
//!
//! The peer reads stderr line by line; a line of 64 KiB stops its reading, and a program that goes on writing then blocks for
//! ever. So a line here has at most [`MAX_LINE`] bytes and a run at most [`MAX_WARNINGS`] warnings beside its last line. What
//! a package chose (names, labels, addresses) is escaped, so that it can forge neither log lines nor terminal codes.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};

use crate::digest::Digest;
use crate::pem;

/// The longest line, with its line feed, in bytes.
pub const MAX_LINE: usize = 4096;

/// The most warnings that one run prints; one more line then says how many were left out.
pub const MAX_WARNINGS: usize = 60;

/// Writes `word: text` as one line.
pub fn line(word: &str, text: impl Display) {
    let line = escaped_line(&format!("{word}: {text}"));
    // Nobody is left to be told that the peer's log is gone.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// What the author of a package should know, one line each: of a hostile number of them only as many are kept as are shown.
#[derive(Default)]
pub struct Warnings {
    kept: Vec<String>,
    more: usize,
}

impl Warnings {
    /// Adds a warning.
    pub fn push(&mut self, warning: String) {
        if self.kept.len() < MAX_WARNINGS {
            self.kept.push(warning);
        } else {
            self.more += 1;
        }
    }

    /// Those that are kept.
    #[cfg(test)]
    #[must_use]
    pub fn into_kept(self) -> Vec<String> {
        self.kept
    }

    /// Writes each as one line.
    pub fn write(&self, word: &str) {
        for warning in &self.kept {
            line(word, format_args!("warning: {warning}"));
        }
        if self.more > 0 {
            let warnings = plural(self.more, "more warning is", "more warnings are");
            line(word, format_args!("warning: {warnings} not shown"));
        }
    }
}

impl Extend<String> for Warnings {
    fn extend<T: IntoIterator<Item = String>>(&mut self, warnings: T) {
        warnings.into_iter().for_each(|warning| self.push(warning));
    }
}

/// Shows `text` on the terminal that stderr is, in place of what the last call showed there.
pub fn progress(text: &str) {
    // The line is not ended, so that the next one takes its place.
    let line = format!("\r{}\x1b[K", escaped(text));
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Says that a package was built or released, and what the peer will do with it.
pub fn success(word: &str, label: &str, artifacts: usize, connection: &Digest, dial: &str) {
    let artifacts = plural(artifacts, "artifact", "artifacts");
    line(
        word,
        format_args!(
            "{label}: {artifacts}, connection.json sha256:{connection}, the peer will {dial}"
        ),
    );
}

/// A number and what it counts.
#[must_use]
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A text of the package as a message quotes it: shortened, so that the reason after it is in the line too, and not at all when it
/// looks like a key.
#[must_use]
pub fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    if pem::looks_like_key_material(text) {
        "the text".to_owned()
    } else if text.chars().count() > MOST {
        let start: String = text.chars().take(MOST).collect();
        format!(r#""{start}...""#)
    } else {
        format!(r#""{text}""#)
    }
}

/// `text` with its control characters escaped, cut to a line's length, and a line feed.
#[must_use]
pub fn escaped_line(text: &str) -> String {
    const CUT: &str = " [cut]";
    let mut line = escaped(text);
    let room = MAX_LINE - 1;
    if line.len() > room {
        let mut end = room - CUT.len();
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push_str(CUT);
    }
    line.push('\n');
    line
}

/// `text` with every character that could move a cursor, hide text or start a line written as `\u{..}`.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Control characters, and the Unicode characters that reorder or hide text or separate lines.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_without_terminal_codes() {
        assert_eq!(
            escaped_line("a\nb\x1b[2J\u{202e}c"),
            "a\\u{a}b\\u{1b}[2J\\u{202e}c\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        for text in [
            "x".repeat(MAX_LINE),
            "é".repeat(MAX_LINE),
            "\u{1}".repeat(MAX_LINE),
        ] {
            let line = escaped_line(&text);
            assert!(line.len() <= MAX_LINE, "{}", line.len());
            assert!(line.ends_with(" [cut]\n"), "{line}");
        }
        let longest = "x".repeat(MAX_LINE - 1);
        assert_eq!(escaped_line(&longest), format!("{longest}\n"));
    }
}
