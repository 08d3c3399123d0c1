//! `dial_timeout` as the peer reads it: a Go duration string or a number of nanoseconds.
//!
//! The grammar is that of Go's `time.ParseDuration`: `0`, or
//! `[-+]?([0-9]*(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+`. The peer turns 0 into its default of 3 s. Values
//! that would make every dial fail are refused: a negative timeout, a number so small that its
//! author must have meant seconds or milliseconds, and a text of less than a microsecond.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// The smallest number that Go cannot convert to an int64 of nanoseconds.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// A `dial_timeout` that the peer can use.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct DialTimeout {
    /// A Go duration, for example `"10s"`, or a number of nanoseconds with its digits as written.
    json: Box<RawValue>,
    #[serde(skip)]
    nanoseconds: u64,
}

impl DialTimeout {
    /// Parses a string that lets the peer dial.
    pub fn from_text(text: &str) -> Result<Self> {
        Ok(Self {
            nanoseconds: nanoseconds(text)?,
            json: to_raw_value(text)?,
        })
    }

    /// Parses a number.
    pub fn from_number(number: &RawValue) -> Result<Self> {
        let text = number.get();
        let value: f64 = text.parse()?;
        let fault = match value.trunc() {
            _ if value < 0.0 => "is negative",
            1.0..1e6 => "is a number of nanoseconds and too short to dial",
            TOO_LARGE.. => "nanoseconds are too long",
            // Go truncates a fraction too.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            _ => {
                let (json, nanoseconds) = (number.to_owned(), value as u64);
                return Ok(Self { json, nanoseconds });
            }
        };
        bail!(r#"{text} {fault}; write for example "10s""#)
    }
}

/// How long the peer tries to dial with this `dial_timeout`, or without one.
pub fn duration(timeout: Option<&DialTimeout>) -> Duration {
    match timeout.map_or(0, |timeout| timeout.nanoseconds) {
        0 => Duration::from_secs(3),
        nanoseconds => Duration::from_nanos(nanoseconds),
    }
}

/// Parses `text` as Go's `time.ParseDuration` does. The error is the part of the message after the
/// quoted text.
fn nanoseconds(text: &str) -> Result<u64> {
    ensure!(!text.is_empty(), "is empty");
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    ensure!(!rest.is_empty(), "is not a duration");
    let mut nanoseconds = 0;
    while !rest.is_empty() {
        let (value, after) = term(rest)?;
        nanoseconds += value;
        ensure!(nanoseconds <= 1 << 63, "is too long");
        rest = after;
    }
    ensure!(nanoseconds == 0 || !text.starts_with('-'), "is negative");
    ensure!(nanoseconds < 1 << 63, "is too long");
    let is_too_short = (1..1000).contains(&nanoseconds);
    ensure!(!is_too_short, "is too short to dial");
    Ok(u64::try_from(nanoseconds)?)
}

/// Parses one number with its unit; returns its nanoseconds and the rest of the text.
fn term(text: &str) -> Result<(u128, &str)> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (whole, rest) = split_before(text, |c| !is_digit(c));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_before(rest, |c| !is_digit(c)),
        None => ("", rest),
    };
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    ensure!(has_digits, "is not a duration");
    let (unit, rest) = split_before(rest, |c| c == '.' || is_digit(c));
    let unit = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "" => bail!("has no unit"),
        _ => bail!("has an unknown unit"),
    };
    let whole: u128 = format!("0{whole}").parse().context("is too long")?;
    ensure!(whole <= 1 << 63, "is too long");
    // Digits beyond the 18th after the point are far below a nanosecond, even for hours.
    let fraction: u128 = format!("{fraction:0<18.18}").parse()?;
    Ok((whole * unit + fraction * unit / 10_u128.pow(18), rest))
}

fn split_before(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_as_long_as_the_peer_waits() {
        let text = |text: &str| DialTimeout::from_text(text).unwrap();
        let number = |json: &str| {
            let number: Box<RawValue> = serde_json::from_str(json).unwrap();
            DialTimeout::from_number(&number).unwrap()
        };
        for (timeout, milliseconds) in [
            (None, 3000),
            (Some(text("0")), 3000),
            (Some(number("0")), 3000),
            (Some(text("1m30.5s")), 90_500),
            (Some(number("1500000000.0")), 1500),
        ] {
            let expected = Duration::from_millis(milliseconds);
            assert_eq!(duration(timeout.as_ref()), expected, "{timeout:?}");
        }
    }

    fn read(json: &str) -> Result<String, String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let outcome = match super::super::json::string(raw) {
            Ok(text) => DialTimeout::from_text(&text.unwrap()),
            Err(_) => DialTimeout::from_number(raw),
        };
        outcome
            .map(|t| serde_json::to_string(&t).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn accepts_what_go_accepts_and_keeps_it_as_written() {
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
            let message = read(json).unwrap_err();
            let end = message.strip_prefix(what).unwrap();
            let is_text = json.starts_with('"');
            assert_eq!(end.is_empty(), is_text, "{json}: {message}");
        }
    }
}
