//! The part of Go's `text/template` that connection.json uses: fields.
//!
//! ```text
//! template = { text | "{{" [ "- " ] ( field | comment ) [ " -" ] "}}" }
//! field    = { space } "." name { "." name } { space }
//! comment  = "/*" text "*/"
//! ```
//!
//! A `- ` or ` -` takes the white space away on its side. Fabric's builder gives Go the whole
//! language; anything but a field is refused here by its name instead of being passed on
//! unresolved. Grammar and white space are those of Go's `text/template/parse/lex.go`; values come
//! from the JSON object in [`VARIABLE`].

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::value::RawValue;

use super::json::{self, Kind, Object};
use crate::error::{self, Refuse};
use crate::layout::MAX_SMALL;
use crate::text::quoted;

/// The environment variable that holds the values, as Fabric's builder has it.
pub const VARIABLE: &str = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";

/// The values for templates: a JSON object, unless the variable is not set or empty.
#[derive(Default)]
pub struct Config(Option<Value>);

/// A value of the config. Objects are read once, as a package chooses how often they are looked
/// into.
enum Value {
    Object(BTreeMap<String, Value>),
    Other(Box<RawValue>),
}

impl Value {
    fn of(value: &RawValue) -> Self {
        // An object that cannot be read does not matter until it is looked into.
        Object::from_value(value).map_or_else(|_| Self::Other(value.to_owned()), Self::of_object)
    }

    fn of_object(object: Object) -> Self {
        let members = object.into_map().into_iter();
        Self::Object(members.map(|(key, value)| (key, Self::of(value))).collect())
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Object(_) => Kind::Object,
            Self::Other(value) => Kind::of(value),
        }
    }
}

impl Config {
    /// The values in the variable's value.
    pub(crate) fn read(value: Option<OsString>) -> error::Result<Self> {
        let text = value.unwrap_or_default().into_string().ok();
        let text = text.context("is not UTF-8").refuse(VARIABLE)?;
        Self::parse(&text).refuse(VARIABLE)
    }

    /// The values in `text`.
    ///
    /// # Errors
    /// When it is something else than a JSON object; the empty text counts as not set.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let object = Object::parse(text.as_bytes())
            .map_err(|error| anyhow!(r#"{error}, for example {{"peername":"org1peer1"}}"#))?;
        Ok(Self(Some(Value::of_object(object))))
    }

    /// The value at `path`, names with dots between them, as it is written into a field.
    fn get(&self, path: &str) -> Result<String> {
        let Some(mut value) = self.0.as_ref() else {
            bail!("{VARIABLE} is not set, it must hold a JSON object with this key");
        };
        for (depth, key) in path.split('.').enumerate() {
            let Value::Object(members) = value else {
                let parent: Vec<_> = path.split('.').take(depth).collect();
                let (parent, kind) = (parent.join("."), value.kind());
                bail!(r#""{parent}" in {VARIABLE} is {kind}, it has no keys"#);
            };
            value = members.get(key).ok_or_else(|| no_key(key, members))?;
        }
        match (value.kind(), value) {
            (Kind::String, Value::Other(value)) => Ok(json::string(value)?.unwrap_or_default()),
            (Kind::Number | Kind::Boolean, Value::Other(value)) => Ok(value.get().to_owned()),
            (kind, _) => {
                bail!(r#""{path}" in {VARIABLE} is {kind}, a string, number or boolean is needed"#)
            }
        }
    }
}

/// Says that there is no such key, and which there are; never a value.
fn no_key(key: &str, members: &BTreeMap<String, Value>) -> anyhow::Error {
    let names: Vec<_> = members.keys().map(|name| quoted(name)).collect();
    let which = match names.as_slice() {
        [] => "is empty".to_owned(),
        names => format!("has {}", names.join(", ")),
    };
    anyhow!("no key {} in {VARIABLE}, which {which}", quoted(key))
}

/// A field's text with what is to be filled in.
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    /// A field's names, with dots between them.
    Field(String),
}

impl Template {
    /// Reads a template; text without `{{` is one too.
    ///
    /// # Errors
    /// When an action is not closed, or is anything but a field or a comment.
    pub fn parse(source: &str) -> Result<Self> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((text, action)) = rest.split_once("{{") {
            let after_marker = action
                .strip_prefix('-')
                .and_then(|rest| rest.strip_prefix(SPACE));
            let (text, action) = match after_marker {
                Some(action) => (text.trim_end_matches(SPACE), action),
                None => (text, action),
            };
            parts.push(Part::Text(text.to_owned()));
            if let Some(inside) = action.strip_prefix("/*") {
                rest = after_comment(inside)?;
            } else {
                let (path, after) = field(action)?;
                parts.push(Part::Field(path.to_owned()));
                rest = after;
            }
        }
        parts.push(Part::Text(rest.to_owned()));
        let source = source.to_owned();
        Ok(Self { source, parts })
    }

    /// Whether there is nothing to fill in.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// A text that is taken as it is, whatever braces are in it.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            parts: vec![Part::Text(text.to_owned())],
        }
    }

    /// How a message may name the text: as the package has it. What is filled in is never shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let filled_in = if self.is_text() { "" } else { ", filled in," };
        format!("{}{filled_in}", quoted(&self.source))
    }

    /// The text with every field filled in.
    ///
    /// # Errors
    /// When the config has no such key, or its value is null, an array or an object.
    pub fn render(&self, config: &Config) -> Result<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Field(path) => text.push_str(&config.get(path).with_context(|| {
                    let name = format!("{{{{.{path}}}}}");
                    quoted(&name).trim_matches('"').to_owned()
                })?),
            }
            ensure!(
                text.len() as u64 <= MAX_SMALL,
                "is more than {MAX_SMALL} bytes, filled in"
            );
        }
        Ok(text)
    }
}

/// What Go's template language takes for white space.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What follows a comment, which must fill its action: Go allows one character of white space, and
/// that only with a trim marker.
fn after_comment(inside: &str) -> Result<&str> {
    let (_, after) = inside
        .split_once("*/")
        .context("a comment is not closed by */")?;
    if let Some(rest) = after.strip_prefix("}}") {
        return Ok(rest);
    }
    let marker = after
        .strip_prefix(SPACE)
        .and_then(|after| after.strip_prefix("-}}"));
    let rest = marker.context("a comment must end with */}}")?;
    Ok(rest.trim_start_matches(SPACE))
}

/// Reads a field, or says what stands in its place: its names and what follows.
fn field(action: &str) -> Result<(&str, &str)> {
    let (inner, rest) = action.split_once("}}").context("{{ is not closed by }}")?;
    let (inner, rest) = match inner.strip_suffix('-') {
        Some(inner) if inner.ends_with(SPACE) => (inner, rest.trim_start_matches(SPACE)),
        _ => (inner, rest),
    };
    let inner = inner.trim_matches(SPACE);
    let path = inner
        .strip_prefix('.')
        .filter(|path| path.split('.').all(is_name));
    let path = path.ok_or_else(|| unsupported(inner))?;
    Ok((path, rest))
}

/// A name that Go's template language takes after a dot; one that began with a digit would be a
/// number.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first == '_' || first.is_alphabetic())
        && name.chars().all(is_of_name)
}

fn is_of_name(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}

/// Names the action that is not a field. Its first word is a name of Go's language or a function;
/// anything else could be anything, and is not repeated.
fn unsupported(action: &str) -> anyhow::Error {
    let word: String = action
        .chars()
        .take_while(|&letter| is_of_name(letter))
        .collect();
    let what = match action.chars().next() {
        None => "an empty action".to_owned(),
        Some('$') => "a variable".to_owned(),
        Some('(') => "a pipeline in parentheses".to_owned(),
        Some('"' | '`' | '\'') => "a constant".to_owned(),
        _ if action.contains('|') => "a pipeline".to_owned(),
        Some('.') if action.contains(SPACE) => "a field with arguments".to_owned(),
        Some('.') => "a name with other characters than letters, digits and _".to_owned(),
        Some(first) if first.is_ascii_digit() => "a constant".to_owned(),
        _ if !word.is_empty() && word.len() <= 32 => format!(r#""{word}""#),
        _ => "an unknown action".to_owned(),
    };
    anyhow!("template action not supported: {what}; only fields such as {{{{.peername}}}} are")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, config: &str) -> Result<String, String> {
        Config::parse(config)
            .context(VARIABLE)
            .and_then(|config| Template::parse(template)?.render(&config))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn fills_fields_in() {
        let config = r#"{"peername":"org1peer1","port":9999,"big":1000000,"e":1E5,"on":true,"a":{"b":{"c_1":"deep"}},"é":"x"}"#;
        for (template, text) in [
            ("plain", "plain"),
            ("", ""),
            (
                "{{.peername}}_basic_ccaas:9999",
                "org1peer1_basic_ccaas:9999",
            ),
            ("{{ .peername\t}}:{{\n.port\r}}", "org1peer1:9999"),
            ("{{.big}} {{.e}} {{.on}}", "1000000 1E5 true"),
            ("{{.a.b.c_1}}", "deep"),
            ("{{.é}}", "x"),
            ("a {{- .port -}} \n b", "a9999b"),
            ("a {{- .port }} b", "a9999 b"),
            ("a {{ .port -}} b", "a 9999b"),
            ("a{{/* note }} */}}b", "ab"),
            ("a{{/*/}}b{{/* */}}c", "ac"),
            ("a {{- /* note */ -}} b", "ab"),
            ("a {{/* note */ -}} b", "a b"),
            ("}} { } {", "}} { } {"),
        ] {
            assert_eq!(render(template, config), Ok(text.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_value_is_not_a_template() {
        assert_eq!(render("{{.a}}", r#"{"a":"{{.a}}"}"#), Ok("{{.a}}".into()));
    }

    #[test]
    fn an_object_is_read_once_however_often_it_is_looked_into() {
        let members: Vec<_> = (0..1000).map(|key| format!(r#""k{key}":"""#)).collect();
        let config = format!(r#"{{"a":{{"b":"",{}}}}}"#, members.join(","));
        let began = std::time::Instant::now();
        let template = "{{.a.b}}".repeat((1 << 20) / 8);
        assert_eq!(render(&template, &config), Ok(String::new()));
        // Read at each look, this takes minutes without optimization.
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }

    #[test]
    fn an_object_that_cannot_be_read_harms_only_who_looks_into_it() {
        let config = r#"{"a":{"\ud800":1},"b":"x"}"#;
        assert_eq!(render("{{.b}}", config), Ok("x".into()));
        let error = render("{{.a.c}}", config).unwrap_err();
        assert!(error.contains(r#""a" in"#), "{error}");
    }

    #[test]
    fn the_last_duplicate_key_wins() {
        assert_eq!(render("{{.a}}", r#"{"a":"1","a":"2"}"#), Ok("2".into()));
    }

    #[test]
    fn names_what_is_missing_and_never_a_value() {
        let variable = VARIABLE;
        for (template, config, message) in [
            (
                "{{.b}}",
                "",
                format!(
                    "{{{{.b}}}}: {variable} is not set, it must hold a JSON object with this key"
                ),
            ),
            (
                "{{.b}}",
                "{}",
                format!(r#"{{{{.b}}}}: no key "b" in {variable}, which is empty"#),
            ),
            (
                "{{.b}}",
                r#"{"z":"secret","a":1}"#,
                format!(r#"{{{{.b}}}}: no key "b" in {variable}, which has "a", "z""#),
            ),
            (
                "{{.B}}",
                r#"{"b":"secret"}"#,
                format!(r#"{{{{.B}}}}: no key "B" in {variable}, which has "b""#),
            ),
            (
                "{{.a.c}}",
                r#"{"a":{"b":1}}"#,
                format!(r#"{{{{.a.c}}}}: no key "c" in {variable}, which has "b""#),
            ),
            (
                "{{.a.b}}",
                r#"{"a":"secret"}"#,
                format!(r#"{{{{.a.b}}}}: "a" in {variable} is a string, it has no keys"#),
            ),
            (
                "{{.a}}",
                r#"{"a":null}"#,
                format!(
                    r#"{{{{.a}}}}: "a" in {variable} is null, a string, number or boolean is needed"#
                ),
            ),
            (
                "{{.a}}",
                r#"{"a":{}}"#,
                format!(
                    r#"{{{{.a}}}}: "a" in {variable} is an object, a string, number or boolean is needed"#
                ),
            ),
            (
                "{{.a}}",
                r#"{"a":[1]}"#,
                format!(
                    r#"{{{{.a}}}}: "a" in {variable} is an array, a string, number or boolean is needed"#
                ),
            ),
        ] {
            assert_eq!(
                render(template, config),
                Err(message),
                "{template} {config}"
            );
        }
    }

    #[test]
    fn refuses_every_other_action_by_name() {
        let only = "only fields such as {{.peername}} are";
        for (action, what) in [
            ("{{if .a}}x{{end}}", r#""if""#),
            ("{{range .a}}", r#""range""#),
            (r#"{{printf "%s" .a}}"#, r#""printf""#),
            ("{{template \"x\"}}", r#""template""#),
            ("{{.a | printf}}", "a pipeline"),
            ("{{(.a)}}", "a pipeline in parentheses"),
            ("{{$}}", "a variable"),
            ("{{\"a\"}}", "a constant"),
            ("{{1}}", "a constant"),
            ("{{}}", "an empty action"),
            ("{{ }}", "an empty action"),
            (
                "{{.}}",
                "a name with other characters than letters, digits and _",
            ),
            (
                "{{.peer-name}}",
                "a name with other characters than letters, digits and _",
            ),
            (
                "{{.a..b}}",
                "a name with other characters than letters, digits and _",
            ),
            (
                "{{.1}}",
                "a name with other characters than letters, digits and _",
            ),
            ("{{.a .b}}", "a field with arguments"),
            ("{{-.a}}", "an unknown action"),
            (
                "{{.a-}}",
                "a name with other characters than letters, digits and _",
            ),
            ("{{ /* a */ }}", "an unknown action"),
            ("{{-  /* a */}}", "an unknown action"),
        ] {
            assert_eq!(
                render(action, r#"{"a":"1"}"#),
                Err(format!("template action not supported: {what}; {only}")),
                "{action}"
            );
        }
    }

    #[test]
    fn refuses_what_is_not_closed() {
        for (template, message) in [
            ("{{.a", "{{ is not closed by }}"),
            ("a{{", "{{ is not closed by }}"),
            ("{{.a}", "{{ is not closed by }}"),
            ("{{/* a }}", "a comment is not closed by */"),
            ("{{/*/}}", "a comment is not closed by */"),
            ("{{/* a */  -}}", "a comment must end with */}}"),
            ("{{/* a */ }}", "a comment must end with */}}"),
            ("{{/* a */", "a comment must end with */}}"),
        ] {
            assert_eq!(
                render(template, r#"{"a":"1"}"#),
                Err(message.into()),
                "{template}"
            );
        }
    }

    #[test]
    fn a_config_that_is_not_an_object_is_an_error() {
        for (config, message) in [
            ("[]", "is an array, a JSON object is needed"),
            ("null", "is null, a JSON object is needed"),
            ("{", "is not JSON: it ends too early"),
        ] {
            let example = r#"for example {"peername":"org1peer1"}"#;
            assert_eq!(
                render("x", config),
                Err(format!("{VARIABLE}: {message}, {example}"))
            );
        }
    }
}
