//! The values of a template: those of the config, and those that functions make.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context, Result, bail, ensure};
use serde_json::value::RawValue;

use super::{TO_PEER, VARIABLE};
use crate::formats::json::{self, Kind, Object};
use crate::text::quoted;

/// A value. It is cheap to copy, because a package chooses how often that happens.
#[derive(Clone)]
pub enum Value {
    Nil,
    Boolean(bool),
    /// A number in the template without a decimal point, a length, or a byte of a string.
    Whole(i64),
    /// Any number in the config, or a number in the template with a decimal point or an exponent:
    /// as written, and its value for comparisons.
    Number(Rc<str>, f64),
    Text(Rc<str>),
    Array(Rc<[Value]>),
    /// `None` is an unset config.
    Object(Option<Rc<BTreeMap<String, Value>>>),
}

impl Value {
    /// Reads an object, with everything in it.
    pub fn of_object(object: Object) -> Result<Self> {
        let mut members = BTreeMap::new();
        for (key, value) in object.into_map() {
            members.insert(key, Self::of(value)?);
        }
        Ok(Self::Object(Some(Rc::new(members))))
    }

    fn of(value: &RawValue) -> Result<Self> {
        Ok(match Kind::of(value) {
            Kind::Null => Self::Nil,
            Kind::Boolean => Self::Boolean(value.get() == "true"),
            Kind::Number => {
                let number: f64 = value.get().parse()?;
                // As in Go, which reads every number as a float64.
                ensure!(number.is_finite(), "has a number over 1.8e308");
                Self::Number(value.get().into(), number)
            }
            Kind::String => Self::Text(json::string(value)?.unwrap_or_default().into()),
            Kind::Array => {
                let items: Vec<&RawValue> = json::parse(value.get().as_bytes())?;
                let items = items.into_iter().map(Self::of);
                Self::Array(items.collect::<Result<_>>()?)
            }
            Kind::Object => Self::of_object(Object::from_value(value)?)?,
        })
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Boolean(_) => "a boolean",
            Self::Whole(_) => "a whole number",
            Self::Number(..) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) if self.file().is_some() => "a file",
            Self::Object(_) => "an object",
        }
    }

    /// Whether it counts as true in `if`: it is neither the zero of its kind nor empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Boolean(value) => *value,
            Self::Whole(number) => *number != 0,
            Self::Number(_, number) => *number != 0.0,
            Self::Text(_) | Self::Array(_) | Self::Object(_) => self.len() > 0,
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Array(items) => items.len(),
            Self::Object(Some(members)) => members.len(),
            _ => 0,
        }
    }

    /// The path in an object that stands for a file: `{"file": "PATH"}`.
    pub fn file(&self) -> Option<&str> {
        let Self::Object(Some(members)) = self else {
            return None;
        };
        match members.get("file") {
            Some(Self::Text(path)) if members.len() == 1 => Some(path),
            _ => None,
        }
    }

    pub fn print(&self) -> Result<Rc<str>> {
        Ok(match self {
            Self::Text(text) | Self::Number(text, _) => text.clone(),
            Self::Boolean(value) => value.to_string().into(),
            Self::Whole(number) => number.to_string().into(),
            // An action that prints a file prints its content.
            _ if self.file().is_some() => {
                bail!("a file cannot be an argument; write its key alone, as in {{{{.ca}}}}")
            }
            Self::Object(_) => bail!(
                r#"is an object, not a string, number or boolean; a file is {{"file": "/PATH"}} and nothing else"#
            ),
            _ => bail!("is {}, not a string, number or boolean", self.kind()),
        })
    }

    /// The member `key`, which must exist. The error names the existing keys, but no value.
    pub fn member(&self, key: &str) -> Result<Self> {
        let members = match self {
            Self::Object(Some(members)) => members,
            Self::Object(None) => {
                bail!("{VARIABLE} is unset, empty or null; {TO_PEER}")
            }
            _ => bail!("{} has no key {}", self.kind(), quoted(key)),
        };
        members.get(key).cloned().with_context(|| {
            let names: Vec<_> = members.keys().map(|name| quoted(name)).collect();
            let has = if names.is_empty() { "is empty" } else { "has " };
            let meant = members.keys().find(|name| name.eq_ignore_ascii_case(key));
            let meant = meant.map_or_else(String::new, |name| format!("; write {{{{.{name}}}}}"));
            let (key, names) = (quoted(key), names.join(", "));
            format!("no key {key} in the config, which {has}{names}{meant}")
        })
    }
}
