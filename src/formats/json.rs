//! JSON as Go's `encoding/json` reads it into a struct, because that is how a peer reads
//! connection.json and metadata.json.
//!
//! Object keys match field names whatever their case, the last duplicate wins, unknown keys are
//! ignored, and `null` leaves a field unchanged. A byte order mark or trailing data is an error.
//! Messages never quote a value: it may be a private key.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::findings::Finding;

/// The deepest nesting that is accepted. Go's limit is 10,000, and nothing that is read here comes
/// near this one.
const MAX_DEPTH: usize = 100;

/// The members of an object in order, including duplicates; each value is text, as written.
pub struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Parses `content`, which must be one JSON object in UTF-8.
    pub fn parse(content: &'a [u8]) -> Result<Self> {
        Self::from_value(parse(content)?)
    }

    /// Parses a value that must be an object.
    pub fn from_value(value: &'a RawValue) -> Result<Self> {
        let kind = Kind::of(value);
        ensure!(kind == Kind::Object, "is {kind}, not a JSON object");
        read(value.get())
    }

    pub fn members(&self) -> &[(String, &'a RawValue)] {
        &self.0
    }

    /// The members by name, as Go reads an object into a map: case matters, and the last duplicate
    /// wins.
    pub fn into_map(self) -> BTreeMap<String, &'a RawValue> {
        let mut map = BTreeMap::new();
        map.extend(self.0);
        map
    }

    /// A warning for each of these fields that occurs more than once in the `file`.
    pub fn repeated(&self, file: &str, names: impl Iterator<Item = &'static str>) -> Vec<Finding> {
        let repeated = names.filter(|name| self.field(name).nth(1).is_some());
        let repeated = repeated.map(|name| {
            let is_null = self.field(name).any(|value| Kind::of(value) == Kind::Null);
            let what = if is_null {
                "the peer reads the last that is not null"
            } else {
                "the peer reads the last"
            };
            let text = format_args!("occurs more than once, and {what}; leave the others out");
            Finding::at(file, format_args!("{name}: {text}"))
        });
        repeated.collect()
    }

    /// The values of all keys that Go matches with the field `name`, in their order.
    pub fn field(&self, name: &str) -> impl Iterator<Item = &'a RawValue> {
        let members = self.0.iter().filter(move |(key, _)| folded(key) == name);
        members.map(|&(_, value)| value)
    }

    /// The field `name`: the last of its values for which `read` returns something.
    pub fn last<T>(
        &self,
        name: &str,
        read: impl Fn(&'a RawValue) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        self.field(name).try_fold(None, |last, value| {
            Ok(read(value).with_context(|| name.to_owned())?.or(last))
        })
    }

    /// The field `name`, whose values must be strings or null.
    pub fn string(&self, name: &str) -> Result<Option<String>> {
        self.last(name, string)
    }

    /// The field `name`, whose values must be booleans or null.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.last(name, |value| match Kind::of(value) {
            Kind::Null => Ok(None),
            Kind::Boolean => read(value.get()).map(Some),
            Kind::String if value.get().contains("{{") => bail!(
                "is a string; write true or false without quotes, because templates work only in strings"
            ),
            Kind::String => bail!("is a string; write true or false without quotes"),
            kind => bail!("is {kind}; write true or false"),
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                iter::from_fn(|| map.next_entry().transpose()).collect()
            }
        }
        deserializer.deserialize_map(Members).map(Self)
    }
}

/// `key` as Go folds it to find a field: in lower case, including the two letters outside ASCII
/// that fold into ASCII.
pub fn folded(key: &str) -> String {
    let fold = |letter: char| match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

/// The text of a string, or `None` for null.
pub fn string(value: &RawValue) -> Result<Option<String>> {
    match Kind::of(value) {
        Kind::Null | Kind::String => read(value.get()),
        kind => bail!("is {kind}, not a string"),
    }
}

/// Reads `content`, which must be one JSON value in UTF-8.
pub fn parse<'a, T: Deserialize<'a>>(content: &'a [u8]) -> Result<T> {
    ensure!(
        !content.starts_with(b"\xef\xbb\xbf"),
        "starts with a byte order mark; save it as UTF-8 without one"
    );
    let is_utf16 = matches!(
        content,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]
    );
    ensure!(!is_utf16, "is UTF-16; save it as UTF-8");
    let text = str::from_utf8(content);
    let text = text.ok().context("is not UTF-8; save it as UTF-8")?;
    ensure!(
        depth(content) <= MAX_DEPTH,
        "is nested more than {MAX_DEPTH} deep"
    );
    read(text)
}

/// Parses a JSON text; an error says what is wrong without quoting any of it.
fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        Category::Syntax => anyhow!("is not JSON: {error}{}", hint(text, &error)),
        Category::Eof if text.trim().is_empty() => anyhow!("is empty; a JSON object is needed"),
        Category::Eof => {
            anyhow!("is not JSON: it ends too early; a closing }} or \" is needed")
        }
        Category::Data | Category::Io => anyhow!("cannot be read as JSON"),
    })
}

/// What to write instead, for common mistakes.
fn hint(text: &str, error: &serde_json::Error) -> &'static str {
    let message = error.to_string();
    let line = text.lines().nth(error.line().saturating_sub(1));
    let place = error.column().saturating_sub(1);
    let parts = line.and_then(|line| line.split_at_checked(place));
    let (before, rest) = parts.unwrap_or_default();
    match rest.chars().next() {
        _ if message.starts_with("control character") => {
            "; write \\n for a line break, or let init copy in the PEM file"
        }
        Some('}') if message.starts_with("key must be") => "; leave out the last comma",
        Some(']') if message.starts_with("expected value") => "; leave out the last comma",
        _ if message.starts_with("trailing comma") => "; leave out the last comma",
        _ if message.starts_with("invalid escape") => "; write \\\\ for a backslash",
        _ if matches!(rest.as_bytes(), [b'#', ..] | [b'/', b'/' | b'*', ..]) => {
            "; leave out comments, which JSON does not allow"
        }
        Some('\'' | '“' | '”' | '‘' | '’') => "; write straight double quotes",
        Some('{') if message.starts_with("key must be") && before.contains("_required\"") => {
            "; write true or false, because templates work only in strings"
        }
        Some('{') if message.starts_with("key must be") => "; put double quotes around templates",
        _ if !text.trim_start().starts_with(['{', '[', '"']) => "; a JSON object is needed",
        Some('T' | 'F' | 'N') => "; write true, false and null in lower case",
        Some(',') if message.starts_with("key must be") => "; leave one comma out",
        _ if message.starts_with("expected ident") => {
            "; write true, false, null, or a string in double quotes"
        }
        _ if message.starts_with("key must be") => "; put double quotes around names",
        _ if message.starts_with("expected value") => {
            "; write a value, in double quotes if it is a string"
        }
        Some(']') if message.starts_with("expected `,` or `}`") => "; write } instead of ]",
        Some('}') if message.starts_with("expected `,` or `]`") => "; write ] instead of }",
        _ if message.starts_with("expected `,`") && before.ends_with('"') => {
            "; write \\\" for a quote in a string"
        }
        _ if message.starts_with("expected `,`") => "; write a comma between members",
        _ if message.starts_with("trailing characters") => {
            "; leave out what follows the JSON object"
        }
        _ => "",
    }
}

/// How deeply the arrays and objects of a JSON text are nested.
fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut depth) = (0, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of `value`, by its first character.
    pub fn of(value: &RawValue) -> Self {
        match value.get().as_bytes() {
            [b'n', ..] => Self::Null,
            [b't' | b'f', ..] => Self::Boolean,
            [b'"', ..] => Self::String,
            [b'[', ..] => Self::Array,
            [b'{', ..] => Self::Object,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str, field: &str) -> Result<Option<String>, String> {
        Object::parse(json.as_bytes())
            .and_then(|object| object.string(field))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn keys_match_as_in_go() {
        for key in ["address", "ADDRESS", "Address", "addreſſ", "\\u0061ddress"] {
            assert_eq!(
                text(&format!("{{\"{key}\":\"a\"}}"), "address"),
                Ok(Some("a".into()))
            );
        }
        assert_eq!(text("{\"\u{212a}ey\":\"a\"}", "key"), Ok(Some("a".into())));
        for key in ["adress", "address ", "äddress", ""] {
            assert_eq!(
                text(&format!("{{\"{key}\":\"a\"}}"), "address"),
                Ok(None),
                "{key}"
            );
        }
    }

    #[test]
    fn the_last_duplicate_wins_and_null_changes_nothing() {
        assert_eq!(text(r#"{"a":"1","A":"2"}"#, "a"), Ok(Some("2".into())));
        assert_eq!(text(r#"{"a":"1","a":null}"#, "a"), Ok(Some("1".into())));
        assert_eq!(text(r#"{"a":null}"#, "a"), Ok(None));
        assert_eq!(
            text(r#"{"a":1,"a":"2"}"#, "a"),
            Err("a: is a number, not a string".into())
        );
        let boolean = |json: &str| {
            Object::parse(json.as_bytes())
                .unwrap()
                .boolean("a")
                .unwrap()
        };
        assert_eq!(boolean(r#"{"a":true,"a":null}"#), Some(true));
        assert_eq!(boolean(r#"{"a":null,"a":false}"#), Some(false));
        assert_eq!(boolean(r#"{"a":null}"#), None);
    }

    #[test]
    fn says_what_it_is_instead_of_an_object() {
        for (json, message) in [
            ("null", "is null, not a JSON object"),
            ("[]", "is an array, not a JSON object"),
            ("1", "is a number, not a JSON object"),
            ("", "is empty; a JSON object is needed"),
            (
                "{",
                "is not JSON: it ends too early; a closing } or \" is needed",
            ),
            (
                "{} {}",
                "is not JSON: trailing characters at line 1 column 4; leave out what follows the JSON object",
            ),
            (
                "{\"a\":nul}",
                "is not JSON: expected ident at line 1 column 9; write true, false, null, or a string in double quotes",
            ),
            (
                "\u{feff}{}",
                "starts with a byte order mark; save it as UTF-8 without one",
            ),
        ] {
            assert_eq!(text(json, "a"), Err(message.into()), "{json}");
        }
        assert_eq!(
            Object::parse(b"{\"\xff\":1}").err().map(|e| e.to_string()),
            Some("is not UTF-8; save it as UTF-8".into())
        );
    }

    #[test]
    fn nesting_has_a_limit_and_strings_do_not_nest() {
        let nested = |depth| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(depth(nested(2).as_bytes()), 3);
        assert_eq!(depth(br#"{"a":"[[\"[[","b":[]}"#), 2);
        assert_eq!(text(&nested(MAX_DEPTH - 1), "b"), Ok(None));
        assert_eq!(
            text(&nested(10_000), "b"),
            Err("is nested more than 100 deep".into())
        );
    }

    #[test]
    fn unknown_values_may_be_what_only_go_can_read() {
        assert_eq!(
            text(r#"{"x":1e999,"y":"\ud800","a":"1"}"#, "a"),
            Ok(Some("1".into()))
        );
    }
}
