//! `printf`, as in Go's `fmt`.

use anyhow::{Context, Result, bail, ensure};

use super::value::Value;
use crate::layout::MAX_SMALL;

const MAX_WIDTH: usize = 1000;

/// What is between `%` and the end of its verb.
struct Verb {
    is_left: bool,
    has_zeros: bool,
    width: usize,
    precision: Option<usize>,
    letter: char,
}

/// The text that `format` makes of the values.
pub fn printf(format: &str, values: &[Value]) -> Result<String> {
    let mut values = values.iter();
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, verb)) = rest.split_once('%') {
        let (verb, after) = Verb::parse(verb)?;
        text.push_str(before);
        if verb.letter == '%' {
            text.push('%');
        } else {
            let value = values.next().context("has more verbs than values")?;
            text.push_str(&verb.format(value)?);
        }
        ensure!(
            text.len() as u64 <= MAX_SMALL,
            "makes more than {MAX_SMALL} bytes"
        );
        rest = after;
    }
    ensure!(values.next().is_none(), "has more values than verbs");
    text.push_str(rest);
    Ok(text)
}

impl Verb {
    /// The verb that `text` begins with, and what follows it.
    fn parse(text: &str) -> Result<(Self, &str)> {
        let after = text.trim_start_matches(['-', '0']);
        let flags = text.strip_suffix(after).unwrap_or_default();
        let (width, after) = number(after)?;
        let (precision, after) = match after.strip_prefix('.').map(number).transpose()? {
            Some((precision, after)) => (Some(precision), after),
            None => (None, after),
        };
        let mut letters = after.chars();
        let verb = Self {
            is_left: flags.contains('-'),
            has_zeros: flags.contains('0') && !flags.contains('-'),
            width,
            precision,
            letter: letters.next().context("has % without a verb")?,
        };
        Ok((verb, letters.as_str()))
    }

    fn format(&self, value: &Value) -> Result<String> {
        let text = match (value, self.letter, self.precision, self.has_zeros) {
            (Value::Text(text), 's' | 'v', precision, false) => {
                text.chars().take(precision.unwrap_or(usize::MAX)).collect()
            }
            (Value::Text(text), 'q', None, false) => {
                let is_plain = |byte| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
                ensure!(text.bytes().all(is_plain), "%q takes ASCII only");
                format!("{text:?}")
            }
            (Value::Nil | Value::Array(_) | Value::Object(_), ..) => value.print()?.to_string(),
            (Value::Boolean(value), 't' | 'v', None, false) => value.to_string(),
            (Value::Number(text, _), 'v', None, false) => text.to_string(),
            (Value::Whole(number), 'd' | 'v', None, _) => self.with_zeros(&number.to_string()),
            (Value::Number(_, number), 'f', precision, _) => {
                self.with_zeros(&format!("{number:.*}", precision.unwrap_or(6)))
            }
            // The verb is not named: the format can be a value of the config.
            _ => bail!(
                "has a verb that does not fit {} as it is written; %v fits",
                value.kind()
            ),
        };
        let width = self.width;
        Ok(if self.is_left {
            format!("{text:<width$}")
        } else {
            format!("{text:>width$}")
        })
    }

    fn with_zeros(&self, number: &str) -> String {
        let (sign, digits) = number.split_at(usize::from(number.starts_with('-')));
        let width = if self.has_zeros { self.width } else { 0 };
        let width = width.saturating_sub(sign.len());
        format!("{sign}{digits:0>width$}")
    }
}

/// The number that `text` begins with, which may have no digits, and what follows it.
fn number(text: &str) -> Result<(usize, &str)> {
    let rest = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let digits = text.strip_suffix(rest).unwrap_or_default();
    let number = format!("0{digits}").parse().ok();
    let number = number.filter(|&number| number <= MAX_WIDTH);
    let number = number.context("has a width or precision over 1000")?;
    Ok((number, rest))
}
