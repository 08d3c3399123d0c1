//! Index definitions: what `CouchDB` accepts, and what breaks once it is accepted.
//!
//! For external builders the peer checks none of this: it posts every file of an index folder to
//! `CouchDB` when the chaincode is deployed, and only logs an error. The rules are those
//! of `CouchDB`'s `src/mango/src` (`mango_opts.erl`, `mango_idx_view.erl`, `mango_sort.erl`,
//! `mango_selector.erl`, `mango_util.erl`), tested on 3.2.3, 3.3.3, 3.4.2 and 3.5.0:
//!
//! ```text
//! definition = { "index": index, "ddoc"?: string, "name"?: string, "type"?: "json",
//!                "w"?: integer > 0, "partitioned"?: false }
//! index      = { "fields": [ field ], "partial_filter_selector"?: { condition } }
//! field      = path | { path: "asc" } | { path: "desc" }      all in one direction
//! condition  = { path: condition } | { operator: argument } | value, which means equality
//! ```
//!
//! A path is split at dots without a backslash before them. If a part is empty, the index is
//! created, but queries that use it fail; in a selector, that is certain only where nothing but
//! fields and `$and` leads to the path. A fault is what no version accepts, or what does harm once
//! accepted. What some version accepts, or may accept one day, is a warning, and `CouchDB` decides.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use super::json;
use crate::text::quoted;

/// An index definition that can be published.
#[derive(Debug, Default)]
pub struct Definition {
    /// The names of its design document and its view, if both are given: `CouchDB` keeps one
    /// definition for each such pair.
    pub identity: Option<(String, String)>,
    /// What its author should know.
    pub warnings: BTreeSet<String>,
}

impl Definition {
    /// Reads an index definition. The error, why it must not be published, follows the file's name
    /// in a message.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let members = parse(content)?;
        let mut found = Self::default();
        if content.windows(2).any(|pair| pair == b"{{") {
            found.warn(
                "contains {{, but templates are filled in only in connection.json; write the text \
                 itself",
            );
        }
        for (key, value) in &members {
            let (is_right, needed) = match key.as_str() {
                "index" => (value.is_object(), "a JSON object"),
                "ddoc" | "name" => (value.is_string(), "a string"),
                "type" => (
                    value == "json",
                    r#""json", the only type that Fabric supports"#,
                ),
                "w" => (
                    integer(value) >= Some(1.0),
                    "a positive integer, or leave it out",
                ),
                "partitioned" => (value == false, "false, or leave it out"),
                "fields" | SELECTOR => bail!("{key}: belongs inside index"),
                _ => bail!(
                    "{}: is not a key of an index definition: only index, ddoc, name and type are",
                    quoted(key)
                ),
            };
            ensure!(is_right, "{key}: must be {needed}");
        }
        let index = members.get("index").and_then(Value::as_object);
        let example = r#"index: is missing; write for example "index": {"fields": ["owner"]}"#;
        let index = index.context(example)?;
        let text = |key: &str| members.get(key).and_then(Value::as_str);
        found
            .read_index(index, text("ddoc").is_some())
            .context("index")?;
        found.read_names(text("ddoc"), text("name"))?;
        Ok(found)
    }

    fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.insert(warning.into());
    }

    fn warn_of_selector(&mut self, warning: impl Display) {
        self.warn(format!("index: {SELECTOR}: {warning}"));
    }

    fn read_names(&mut self, ddoc: Option<&str>, name: Option<&str>) -> Result<()> {
        let document = ddoc.map(|ddoc| ddoc.strip_prefix("_design/").unwrap_or(ddoc));
        ensure!(
            document != Some(""),
            "ddoc: {} would make every later write to the chaincode's database fail; write a name",
            quoted(ddoc.unwrap_or_default())
        );
        ensure!(
            name != Some("lib"),
            r#"name: "lib" would make every query that uses this ddoc fail; write another name"#
        );
        if name == Some("") {
            self.warn(r#"name: "" is refused by CouchDB 3.3 and later; write a name"#);
        }
        self.identity = document
            .zip(name)
            .map(|(ddoc, name)| (ddoc.to_owned(), name.to_owned()));
        Ok(())
    }

    fn read_index(&mut self, index: &Map<String, Value>, has_ddoc: bool) -> Result<()> {
        let mut keys = index.keys();
        if let Some(key) = keys.find(|key| *key != "fields" && *key != SELECTOR) {
            let known = format!("only fields and {SELECTOR} are");
            bail!("{}: is not a key of an index: {known}", quoted(key));
        }
        let fields = index
            .get("fields")
            .context(r#"fields: is missing; write for example "fields": ["owner"]"#)?;
        self.read_fields(fields).context("fields")?;
        let Some(selector) = index.get(SELECTOR) else {
            return Ok(());
        };
        ensure!(selector.is_object(), "{SELECTOR}: must be a JSON object");
        if selector != &Value::Object(Map::new()) {
            if !has_ddoc {
                self.warn(
                    "ddoc: is missing, and an index with a selector is only used by queries whose \
                     use_index names its ddoc",
                );
            }
            self.read_condition(selector, Place::default())
                .context(SELECTOR)?;
        }
        Ok(())
    }

    fn read_fields(&mut self, fields: &Value) -> Result<()> {
        let fields = fields
            .as_array()
            .context(r#"must be an array; for example ["owner"]"#)?;
        if fields.is_empty() {
            self.warn(
                "index: fields: is empty, so CouchDB may use the index for any query, and read \
                 every document",
            );
        }
        // The first field in each direction.
        let (mut asc, mut desc) = (None, None);
        for field in fields {
            let (path, direction) = read_field(field)?;
            ensure!(!has_empty_part(path), "{}", empty_part(path));
            if path.starts_with('$') {
                self.warn(format!(
                    "index: fields: {}: no selector can name a field that begins with $",
                    quoted(path)
                ));
            }
            let first = if direction == "asc" {
                &mut asc
            } else {
                &mut desc
            };
            first.get_or_insert(path);
        }
        if let (Some(asc), Some(desc)) = (asc.map(quoted), desc.map(quoted)) {
            let rule = "but CouchDB accepts one direction per index";
            bail!(r#"{desc} goes "desc" and {asc} "asc", {rule}; write {{{asc}: "desc"}}"#);
        }
        Ok(())
    }

    /// Reads a condition, which is about the field that leads to its `place`.
    fn read_condition<'a>(&mut self, condition: &'a Value, place: Place<'a>) -> Result<()> {
        match condition {
            Value::Object(members) if !members.is_empty() => {
                for (key, argument) in members {
                    if key.starts_with('$') {
                        self.read_operator(key, argument, place)?;
                    } else {
                        if place.has_field && COMPARISONS.contains(&key.as_str()) {
                            self.warn_of_selector(format_args!(
                                r#""{key}": is the name of a field; did you mean "${key}"?"#
                            ));
                        }
                        self.read_condition(argument, place.field(key))?;
                    }
                }
                Ok(())
            }
            _ => self.end_path(place),
        }
    }

    fn read_operator<'a>(
        &mut self,
        operator: &str,
        argument: &'a Value,
        place: Place<'a>,
    ) -> Result<()> {
        let (is_right, needed) = match operator {
            "$and" | "$or" | "$nor" | "$in" | "$nin" | "$all" => (argument.is_array(), "an array"),
            "$not" | "$elemMatch" | "$allMatch" | "$keyMapMatch" => {
                (argument.is_object(), "an object")
            }
            "$exists" => (argument.is_boolean(), "true or false"),
            "$type" | "$regex" | "$beginsWith" => (argument.is_string(), "a string"),
            "$size" => (integer(argument) >= Some(0.0), "an integer of 0 or more"),
            "$mod" => (
                matches!(argument.as_array().map(Vec::as_slice), Some([divisor, rest])
                    if integer(divisor).and(integer(rest)).is_some()),
                "an array of two integers; for example [2, 0]",
            ),
            // The rules for where `$text` may be are intricate, and `$default` is what it becomes.
            "$lt" | "$lte" | "$eq" | "$ne" | "$gte" | "$gt" | "$text" | "$default" => (true, ""),
            _ => {
                self.warn_of_selector(format_args!(
                    "{}: CouchDB 3.2 to 3.5 know no such operator, and refuse the index",
                    quoted(operator)
                ));
                return Ok(());
            }
        };
        ensure!(is_right, "{operator}: must be {needed}");
        match (operator, argument) {
            ("$and" | "$or" | "$nor", Value::Array(conditions)) => {
                let place = place.below(operator);
                let mut conditions = conditions.iter();
                return conditions.try_for_each(|condition| self.read_condition(condition, place));
            }
            ("$not", condition) => return self.read_condition(condition, place.below(operator)),
            ("$elemMatch" | "$allMatch" | "$keyMapMatch", condition) => {
                let place = Place {
                    way: Way::Inside,
                    ..Place::default()
                };
                self.read_condition(condition, place)?;
            }
            ("$beginsWith", _) => {
                self.warn_of_selector("$beginsWith: is refused by CouchDB before 3.4");
            }
            ("$mod", _) if argument.get(0).and_then(Value::as_f64) == Some(0.0) => {
                self.warn_of_selector(
                    "$mod: divides by 0, so queries fail once a document has an integer there",
                );
            }
            ("$text" | "$default", _) => return Ok(()),
            _ => {}
        }
        self.end_path(place)
    }

    /// What is wrong with the path that leads to `place`, where a value is looked up.
    fn end_path(&mut self, place: Place) -> Result<()> {
        match place.empty_part {
            Some(path) if place.way == Way::Certain => bail!(empty_part(path)),
            Some(path) => self.warn_of_selector(empty_part(path)),
            None if !place.has_field && place.way != Way::Inside => {
                self.warn_of_selector("a condition has no field, and CouchDB may refuse it");
            }
            None => {}
        }
        Ok(())
    }
}

const SELECTOR: &str = "partial_filter_selector";

/// Operators that nobody would use as a field's name, without their dollar sign.
const COMPARISONS: [&str; 10] = [
    "eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "regex",
];

/// Where a condition is in a selector: what matters about the path to it, which may be long.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    way: Way,
    has_field: bool,
    ends_with_backslash: bool,
    /// The name that makes a part of the path empty.
    empty_part: Option<&'a str>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Way {
    /// Only fields and `$and`, so it is evaluated for every document.
    #[default]
    Certain,
    /// Other logical operators too.
    Uncertain,
    /// An operator on what is inside a field, where a condition needs no field of its own.
    Inside,
}

impl<'a> Place<'a> {
    fn field(self, name: &'a str) -> Self {
        // A path that is empty so far gets no dot after it, and after a backslash none divides it.
        let has_field = self.has_field || !name.is_empty();
        let joint = if self.ends_with_backslash { "x" } else { "" };
        let is_empty = has_field && has_empty_part(&format!("{joint}{name}"));
        Self {
            way: self.way,
            has_field,
            ends_with_backslash: name.ends_with('\\'),
            empty_part: self.empty_part.or(is_empty.then_some(name)),
        }
    }

    fn below(mut self, operator: &str) -> Self {
        if operator != "$and" && self.way == Way::Certain {
            self.way = Way::Uncertain;
        }
        self
    }
}

/// Reads the one JSON object in `content`. The last of duplicate keys wins, as in `CouchDB`.
fn parse(content: &[u8]) -> Result<Map<String, Value>> {
    let value = json::parse(content).map_err(|error| {
        let values = Deserializer::from_slice(content).into_iter::<IgnoredAny>();
        if values.take(2).flatten().count() == 2 {
            anyhow!("contains several definitions; write one definition per file")
        } else {
            error
        }
    })?;
    match value {
        Value::Object(members) => Ok(members),
        Value::Array(_) => bail!("is an array; write one definition per file"),
        _ => bail!("must be a JSON object"),
    }
}

/// A field of an index: its path and direction.
fn read_field(field: &Value) -> Result<(&str, &str)> {
    let members = match field {
        Value::String(path) => return Ok((path, "asc")),
        Value::Object(members) => members,
        _ => bail!(r#"must contain strings, or objects such as {{"owner": "desc"}}"#),
    };
    let mut members = members.iter();
    let (Some((path, direction)), None) = (members.next(), members.next()) else {
        bail!(
            r#"contains an object with {} keys; write one object per field, such as {{"owner": "desc"}}"#,
            field.as_object().map_or(0, Map::len)
        );
    };
    match direction.as_str() {
        Some(direction @ ("asc" | "desc")) => Ok((path, direction)),
        Some(other) if ["asc", "desc"].contains(&&*other.to_ascii_lowercase()) => {
            let known = other.to_ascii_lowercase();
            bail!(
                r#"{}: CouchDB knows only lower case; write "{known}""#,
                quoted(other)
            )
        }
        _ => bail!(r#"{}: the direction must be "asc" or "desc""#, quoted(path)),
    }
}

/// A number that is written as an integer. Large integers and -0 are read as floats and cannot be
/// distinguished from them, so such floats count too.
fn integer(value: &Value) -> Option<f64> {
    let number = value.as_f64()?;
    let may_be_integer = number.abs() > 9e18 || (number == 0.0 && number.is_sign_negative());
    (!value.is_f64() || may_be_integer).then_some(number)
}

fn has_empty_part(path: &str) -> bool {
    path.replace(r"\.", "x").split('.').any(str::is_empty)
}

fn empty_part(path: &str) -> String {
    format!(
        "{}: has an empty part, and queries that use the index would fail",
        quoted(path)
    )
}
