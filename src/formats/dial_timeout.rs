//! `dial_timeout` as the peer reads it: a Go duration string or a number of nanoseconds.
//!
//! The grammar is that of Go's `time.ParseDuration`: `[-+]?([0-9]*(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+`, or `0`. The peer turns 0 into
//! its default of 3 s. A time-out that is negative, a number so small that it can only be meant as seconds or milliseconds, or a
//! text of less than a microsecond is refused: each dial would fail.

use anyhow::{Result, anyhow, bail, ensure};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The smallest number of nanoseconds that anybody can mean: no connection is made in less than a millisecond.
const LEAST_NUMBER: f64 = 1e6;

/// The smallest time of a text, in nanoseconds: to ask for a connection takes longer, even on the same machine.
const LEAST_TEXT: u128 = 1000;

/// A `dial_timeout` that the peer can use, as it was written.
#[derive(Clone, Debug)]
pub enum DialTimeout {
    /// A Go duration, for example `10s`.
    Text(String),
    /// A number of nanoseconds, digits as written.
    Number(Box<RawValue>),
}

impl DialTimeout {
    /// Reads a string.
    ///
    /// # Errors
    /// When the peer could not read it, or would give up before it dials: what is wrong with it, and what would be right.
    pub fn from_text(text: String) -> Result<Self> {
        check(&text).map_err(|what| anyhow!(r#"{what}, write for example "10s""#))?;
        Ok(Self::Text(text))
    }

    /// Reads a number.
    ///
    /// # Errors
    /// When the peer could not use it.
    pub fn from_number(number: &RawValue) -> Result<Self> {
        let text = number.get();
        let value: f64 = text.parse().map_err(|_| anyhow!("is not a number"))?;
        ensure!(
            value >= 0.0,
            r#"{text} is negative, write for example "10s""#
        );
        // As Go converts it to an int64 of nanoseconds.
        let whole = value.trunc();
        ensure!(
            whole < 9_223_372_036_854_775_808.0,
            r#"{text} nanoseconds are too long, write for example "10s""#
        );
        ensure!(
            whole == 0.0 || whole >= LEAST_NUMBER,
            r#"{text} is a number of nanoseconds and too short to dial, write for example "10s""#
        );
        Ok(Self::Number(number.to_owned()))
    }
}

impl Serialize for DialTimeout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Number(number) => number.serialize(serializer),
        }
    }
}

/// Reads `text` as Go's `time.ParseDuration` does; the error is what follows the quoted text in a message.
fn check(text: &str) -> Result<()> {
    let (negative, magnitude) = match text.as_bytes().first() {
        Some(b'-') => (true, text.get(1..).unwrap_or_default()),
        Some(b'+') => (false, text.get(1..).unwrap_or_default()),
        _ => (false, text),
    };
    if magnitude == "0" {
        return Ok(());
    }
    ensure!(!text.is_empty(), "is empty");
    ensure!(!magnitude.is_empty(), "is not a duration");
    let mut nanoseconds = 0;
    let mut rest = magnitude;
    while !rest.is_empty() {
        let (value, after) = term(rest)?;
        nanoseconds += value;
        ensure!(nanoseconds <= 1 << 63, "is too long");
        rest = after;
    }
    if negative {
        ensure!(nanoseconds == 0, "is negative");
    } else {
        ensure!(nanoseconds < 1 << 63, "is too long");
        ensure!(
            nanoseconds == 0 || nanoseconds >= LEAST_TEXT,
            "is too short to dial"
        );
    }
    Ok(())
}

/// Reads one number with its unit: its nanoseconds and what follows.
fn term(text: &str) -> Result<(u128, &str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    ensure!(
        !whole.is_empty() || !fraction.is_empty(),
        "is not a duration"
    );
    let end = rest
        .find(|c: char| c == '.' || c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    let unit: u128 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => bail!("has no unit"),
        _ => bail!("has an unknown unit"),
    };
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| anyhow!("is too long"))?
    };
    ensure!(whole <= 1 << 63, "is too long");
    // More than 18 digits after the point are far below a nanosecond, even of hours.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10_u128.pow(u32::try_from(fraction.len())?);
    let fraction: u128 = if fraction.is_empty() {
        0
    } else {
        fraction.parse()?
    };
    Ok((whole * unit + fraction * unit / scale, rest))
}

/// The decimal digits that `text` begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<String, String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let outcome = match super::super::json::string(raw) {
            Ok(text) => DialTimeout::from_text(text.unwrap()),
            Err(_) => DialTimeout::from_number(raw),
        };
        outcome
            .map(|t| serde_json::to_string(&t).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn takes_what_go_takes_and_keeps_it_as_written() {
        for json in [
            r#""10s""#,
            r#""1m30s""#,
            r#""1.5h""#,
            r#""500ms""#,
            r#""+5s""#,
            r#""0""#,
            r#""-0""#,
            r#""+0""#,
            r#""0s""#,
            r#""-0s""#,
            r#""1.s""#,
            r#"".5s""#,
            r#""1us""#,
            r#""1µs""#,
            r#""1μs""#,
            r#""1000ns""#,
            r#""3h2m1s5ms""#,
            r#""1s1s""#,
            r#""2562047h47m16.854775807s""#,
            r#""0.100000000000000000000h""#,
            r#""1m.5s""#,
            "0",
            "10000000000",
            "1e10",
            "1.5E9",
            "1000000.7",
            "0.5",
            "9223372036854774784",
        ] {
            assert_eq!(read(json), Ok(json.to_owned()));
        }
    }

    #[test]
    fn says_what_is_wrong_and_what_would_be_right() {
        for (json, what) in [
            (r#""10""#, "has no unit"),
            (r#""""#, "is empty"),
            (r#""ten""#, "is not a duration"),
            (r#"" 10s""#, "is not a duration"),
            (r#""10s ""#, "has an unknown unit"),
            (r#""10 s""#, "has an unknown unit"),
            (r#""10S""#, "has an unknown unit"),
            (r#""1d""#, "has an unknown unit"),
            (r#"".s""#, "is not a duration"),
            (r#""-""#, "is not a duration"),
            (r#""--1s""#, "is not a duration"),
            (r#""1m30""#, "has no unit"),
            (r#""1..5s""#, "has no unit"),
            (r#""-5s""#, "is negative"),
            (r#""999ns""#, "is too short to dial"),
            (r#""2562047h47m16.854775808s""#, "is too long"),
            (
                r#""9999999999999999999999999999999999999999s""#,
                "is too long",
            ),
            ("-1", "-1 is negative"),
            ("10", "10 is a number of nanoseconds and too short to dial"),
            (
                "30000",
                "30000 is a number of nanoseconds and too short to dial",
            ),
            (
                "9223372036854775808",
                "9223372036854775808 nanoseconds are too long",
            ),
            ("1e400", "1e400 nanoseconds are too long"),
        ] {
            assert_eq!(
                read(json),
                Err(format!(r#"{what}, write for example "10s""#))
            );
        }
    }
}
