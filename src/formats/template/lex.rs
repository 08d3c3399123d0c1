//! The characters of a template, as in Go's `text/template/parse/lex.go`.

use std::str::Chars;

use anyhow::{Context, Result, bail, ensure};

use super::value::Value;
use crate::text::quoted;

/// What counts as white space in Go's template language.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

pub const NOT_CLOSED: &str = "is not closed by }}";

/// What is left to read of a template.
#[derive(Clone, Copy)]
pub struct Lexer<'a> {
    pub rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// Reads over this text, if it comes next.
    pub fn eat(&mut self, text: &str) -> bool {
        let after = self.rest.strip_prefix(text);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Reads over white space, if it comes next.
    pub fn eat_space(&mut self) -> bool {
        let length = self.rest.len();
        self.rest = self.rest.trim_start_matches(SPACE);
        self.rest.len() < length
    }

    pub fn first(&mut self) -> Result<char> {
        let mut chars = self.rest.chars();
        let first = chars.next().context(NOT_CLOSED)?;
        self.rest = chars.as_str();
        Ok(first)
    }

    /// The text before the next action.
    pub fn text(&mut self) -> &'a str {
        let end = self.rest.find("{{").unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        match rest.strip_prefix("{{").and_then(after_marker) {
            Some(_) => text.trim_end_matches(SPACE),
            None => text,
        }
    }

    /// Reads over the beginning of an action, and over a comment that fills it; returns whether
    /// there was one.
    pub fn open(&mut self) -> Result<bool> {
        let inside = self.rest.strip_prefix("{{").unwrap_or_default();
        self.rest = after_marker(inside).unwrap_or(inside);
        if !self.eat("/*") {
            return Ok(false);
        }
        let after = self.rest.split_once("*/").map(|(_, after)| after);
        self.rest = after.context("a comment is not closed by */")?;
        // Go allows one character of white space here, and only with a trim marker.
        let end = self.rest.strip_prefix(SPACE).unwrap_or("}}");
        let is_end = self.rest.starts_with("}}") || end.starts_with("-}}");
        ensure!(is_end && self.close(), "a comment must end with */}}}}");
        Ok(true)
    }

    /// Reads over the end of an action, if it comes next.
    pub fn close(&mut self) -> bool {
        let bare = self.rest.trim_start_matches(SPACE);
        let trimmed = bare.strip_prefix("-}}").filter(|_| bare != self.rest);
        let trimmed = trimmed.map(|after| after.trim_start_matches(SPACE));
        let after = bare.strip_prefix("}}").or(trimmed);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// One of the words that make blocks, or `""` if none comes next.
    pub fn keyword(&mut self) -> Result<&'a str> {
        let mut ahead = *self;
        ahead.eat_space();
        match split_name(ahead.rest) {
            ("if" | "with" | "else" | "end", _) => {
                *self = ahead;
                self.name()
            }
            _ => Ok(""),
        }
    }

    /// The letters and digits that come next, where a word must end after them.
    pub fn name(&mut self) -> Result<&'a str> {
        let (name, rest) = split_name(self.rest);
        self.rest = rest;
        let is_end = rest.is_empty()
            || rest.starts_with("}}")
            || rest.starts_with(SPACE)
            || rest.starts_with(['.', ',', '|', ':', ')', '(']);
        ensure!(
            is_end,
            "has a name with characters other than letters, digits and _; for such a key, write \
             {{{{index . \\\"a-b\\\"}}}}"
        );
        Ok(name)
    }

    /// The string, rune or number that comes next, if one does.
    pub fn literal(&mut self) -> Result<Option<Value>> {
        let start = *self;
        let first = self.first()?;
        let is_number = match first {
            '.' => self.rest.starts_with(|next: char| next.is_ascii_digit()),
            _ => matches!(first, '+' | '-' | '0'..='9'),
        };
        Ok(Some(match first {
            '`' => {
                let (text, rest) = self.rest.split_once('`').context("` is not closed")?;
                self.rest = rest;
                Value::Text(text.replace('\r', "").into())
            }
            '"' => Value::Text(self.quoted(first)?.into()),
            '\'' => match self.quoted(first)?.chars().collect::<Vec<_>>()[..] {
                [rune] => Value::Whole(u32::from(rune).into()),
                _ => bail!("has '' with other than one character; write \\\" around a string"),
            },
            _ => {
                *self = start;
                return is_number.then(|| self.number()).transpose();
            }
        }))
    }

    /// The decimal number that comes next.
    fn number(&mut self) -> Result<Value> {
        let mut last = ' ';
        let end = self.rest.find(|letter: char| {
            let is_sign = "+-".contains(letter) && " eE".contains(last);
            last = letter;
            !(is_sign || letter == '.' || is_of_name(letter))
        });
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = number.trim_start_matches(['+', '-']);
        let value = if number.contains(['.', 'e', 'E']) {
            let value: Option<f64> = number.parse().ok();
            let value = value.filter(|value| value.is_finite());
            value.map(|value| Value::Number(number.into(), value))
        } else if digits.len() > 1 && digits.starts_with('0') {
            None
        } else {
            number.parse().ok().map(Value::Whole)
        };
        value.context("has a number that is not decimal, or is too large")
    }

    /// A string or rune, whose opening quote has been read.
    fn quoted(&mut self, quote: char) -> Result<String> {
        let mut chars = self.rest.chars();
        let mut text = String::new();
        loop {
            match chars.next() {
                None | Some('\n') => bail!("{quote} is not closed"),
                Some('\\') => {
                    let letter = escaped(&mut chars, quote);
                    text.push(letter.context("has an unknown \\ escape in a string")?);
                }
                Some(letter) if letter == quote => break,
                Some(letter) => text.push(letter),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }
}

/// How a message may show the action that `text` begins with.
pub fn shown(text: &str) -> String {
    let action = text.split_inclusive("}}").next().unwrap_or_default();
    quoted(action).trim_matches('"').to_owned()
}

/// What follows an action's trim marker, if it has one.
fn after_marker(inside: &str) -> Option<&str> {
    inside.strip_prefix('-')?.strip_prefix(SPACE)
}

fn split_name(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|letter| !is_of_name(letter))
            .unwrap_or(text.len()),
    )
}

pub fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

fn escaped(chars: &mut Chars, quote: char) -> Option<char> {
    const LETTERS: [char; 8] = ['\x07', '\x08', '\x0c', '\n', '\r', '\t', '\x0b', '\\'];
    let first = chars.next()?;
    let (count, radix, number) = match first {
        'x' => (2, 16, 0),
        'u' => (4, 16, 0),
        'U' => (8, 16, 0),
        '0'..='7' => (2, 8, first.to_digit(8)?),
        _ if first == quote => return Some(quote),
        _ => return LETTERS.get("abfnrtv\\".find(first)?).copied(),
    };
    let number = (0..count).try_fold(number, |number: u32, _| {
        number
            .checked_mul(radix)?
            .checked_add(chars.next()?.to_digit(radix)?)
    });
    // The short ones are bytes, so they are characters only in ASCII.
    char::from_u32(number?).filter(|letter| count > 2 || letter.is_ascii())
}
