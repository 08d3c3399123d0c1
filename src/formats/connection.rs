//! connection.json: where a chaincode listens, and how the peer is to dial it.
//!
//! The peer reads it as `ChaincodeServerUserData` of Fabric's
//! `core/container/externalbuilder/instance.go`, at the first invoke and not before, so everything
//! that would fail there is refused here. What is written has the known fields only, in the order
//! of [`FIELDS`], and none that was absent.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::value::RawValue;

use super::address::{self, Address};
use super::dial_timeout::DialTimeout;
use super::json::{self, Kind, Object, folded};
use super::template::{Config, Template};
use super::values::{Value, Values};
use crate::error::{self, Refuse};
use crate::files::Dir;
use crate::layout::{CONNECTION, MAX_SMALL};
use crate::log::Warnings;
use crate::text::quoted;

/// How the peer reads a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Duration,
    Boolean,
    /// Text that counts only with TLS.
    TlsText,
}

/// The fields that the peer knows, in the order in which they are written.
const FIELDS: [(&str, Type); 8] = [
    ("address", Type::Text),
    ("domain", Type::Text),
    ("dial_timeout", Type::Duration),
    ("tls_required", Type::Boolean),
    ("client_auth_required", Type::Boolean),
    ("root_cert", Type::TlsText),
    ("client_key", Type::TlsText),
    ("client_cert", Type::TlsText),
];

/// What people write for a field, where no typing error explains it.
const ALIASES: [(&str, &str); 9] = [
    ("host", "address"),
    ("url", "address"),
    ("timeout", "dial_timeout"),
    ("tls", "tls_required"),
    ("tls_enabled", "tls_required"),
    ("client_auth", "client_auth_required"),
    ("ca_cert", "root_cert"),
    ("key_path", "client_key"),
    ("cert_path", "client_cert"),
];

/// A connection.json whose types are right, its templates not yet filled in.
pub struct Draft(Vec<(&'static str, Field)>);

/// What a field holds.
enum Field {
    Text(Template),
    /// A `dial_timeout` in a string.
    Duration(Template),
    /// A `dial_timeout` that is a number.
    Nanoseconds(DialTimeout),
    Boolean(bool),
}

impl Draft {
    /// Reads the file in `dir`: the draft, what its author should know, and the content.
    pub(crate) fn read(dir: &Dir) -> error::Result<(Self, Warnings, Vec<u8>)> {
        let content = dir.read_needed(CONNECTION)?;
        let (draft, warnings) = Self::parse(&content).refuse(CONNECTION)?;
        Ok((draft, warnings, content))
    }

    /// Reads the content of a connection.json, and says what its author should know.
    ///
    /// # Errors
    /// When a field has the wrong type or a template that is not supported; the message begins with
    /// the field's name.
    pub fn parse(content: &[u8]) -> Result<(Self, Warnings)> {
        let object = Object::parse(content)?;
        let draft = Self::of(&object, &Template::parse)?;
        let mut warnings = Warnings::default();
        warnings.extend(unknown_fields(&object));
        warnings.extend(ignored_fields(&object)?);
        Ok((draft, warnings))
    }

    fn of(object: &Object, template: &dyn Fn(&str) -> Result<Template>) -> Result<Self> {
        let has_tls = object.boolean("tls_required")? == Some(true);
        let mut fields = Vec::new();
        for (name, kind) in FIELDS {
            let text = || -> Result<Option<Field>> {
                let text = object.string(name)?;
                let text = text.map(|text| template(&text)).transpose();
                Ok(text.context(name)?.map(Field::Text))
            };
            let field = match kind {
                // The type of a field that is left out is still the peer's business, its template
                // is nobody's.
                Type::TlsText if !has_tls => object.string(name).map(|_| None)?,
                Type::Text | Type::TlsText => text()?,
                Type::Boolean => object.boolean(name)?.map(Field::Boolean),
                Type::Duration => dial_timeout(object, name, template)?,
            };
            fields.extend(field.map(|field| (name, field)));
        }
        Ok(Self(fields))
    }

    /// Fills the templates in and checks the result by the peer's rules.
    ///
    /// # Errors
    /// When a template cannot be filled in, or the peer would fail to dial; the message begins with
    /// the field's name.
    pub fn resolve(&self, config: &Config) -> Result<Connection> {
        let values = self.values(Some(config))?;
        let address = values.check()?.context("address: is not known")?;
        let json = values.to_json()?;
        ensure!(
            json.len() as u64 <= MAX_SMALL,
            "is more than {MAX_SMALL} bytes, filled in"
        );
        Ok(Connection {
            address,
            tls: Tls::of(&values),
            json,
        })
    }

    /// Checks by the peer's rules what can be checked without a config: of a field with a template
    /// the branches that are plain text, each as if it were the value.
    pub(crate) fn check_without_config(&self) -> Result<()> {
        self.values(None)?.check()?;
        for (name, field) in &self.0 {
            for text in field.branches() {
                let mut values = Values::default();
                for (other, field) in &self.0 {
                    let value = match field {
                        _ if other == name => {
                            field.of_text(text.clone(), quoted(&text)).context(*name)?
                        }
                        Field::Boolean(value) => Value::Boolean(*value),
                        _ => Value::Unknown,
                    };
                    values.add(other, value);
                }
                values.check()?;
            }
        }
        Ok(())
    }

    /// The keys of the config that the templates look for.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        let templates = self.0.iter().filter_map(|(_, field)| field.template());
        templates.flat_map(Template::keys).collect()
    }

    fn values(&self, config: Option<&Config>) -> Result<Values> {
        let mut values = Values::default();
        for (name, field) in &self.0 {
            values.add(name, field.value(config).context(*name)?);
        }
        Ok(values)
    }
}

impl Field {
    /// The field's value, of which nothing is known when it has a template and there is no config.
    fn value(&self, config: Option<&Config>) -> Result<Value> {
        let template = match self {
            Self::Boolean(value) => return Ok(Value::Boolean(*value)),
            Self::Nanoseconds(number) => return Ok(Value::Timeout(number.clone())),
            Self::Text(template) | Self::Duration(template) => template,
        };
        let no_config = Config::default();
        let config = match config {
            Some(config) => config,
            None if template.is_text() => &no_config,
            None => return Ok(Value::Unknown),
        };
        self.of_text(template.render(config)?, template.shown())
    }

    /// The value that a text is for this field.
    fn of_text(&self, text: String, shown: String) -> Result<Value> {
        if matches!(self, Self::Text(_)) {
            return Ok(Value::Text { text, shown });
        }
        let timeout = DialTimeout::from_text(text);
        timeout
            .map(Value::Timeout)
            .map_err(|error| anyhow!("{shown} {error}"))
    }

    fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(template) | Self::Duration(template) => Some(template),
            Self::Nanoseconds(_) | Self::Boolean(_) => None,
        }
    }

    /// The values that a template can have whatever the config is, where there is more than text.
    fn branches(&self) -> Vec<String> {
        let template = self.template().filter(|template| !template.is_text());
        template.map(Template::texts).unwrap_or_default()
    }
}

/// The field `dial_timeout`, which is a string or a number.
fn dial_timeout(
    object: &Object,
    name: &'static str,
    template: &dyn Fn(&str) -> Result<Template>,
) -> Result<Option<Field>> {
    let field = object.last(name, |value| {
        Ok(Some(match Kind::of(value) {
            Kind::String => {
                let text = json::string(value)?.unwrap_or_default();
                Field::Duration(template(&text)?)
            }
            Kind::Number => Field::Nanoseconds(DialTimeout::from_number(value)?),
            Kind::Null => return Ok(None),
            kind => bail!(r#"is {kind}, leave it out or write for example "10s""#),
        }))
    })?;
    // Null alone is an error at the peer. Behind another value it changes nothing.
    ensure!(
        field.is_some() || object.field(name).next().is_none(),
        r#"{name}: is null, leave it out or write for example "10s""#
    );
    Ok(field)
}

/// A warning for each field that the peer does not know.
fn unknown_fields<'a>(object: &'a Object) -> impl Iterator<Item = String> + 'a {
    let is_known = |key: &str| FIELDS.iter().any(|(name, _)| *name == key);
    let is_unknown = move |(key, _): &&(String, &RawValue)| !is_known(&folded(key));
    object.members().iter().filter(is_unknown).map(|(key, _)| {
        let hint = match meant(&folded(key)) {
            Some(name) => format!(r#"did you mean "{name}"?"#),
            None => format!("it knows {}", FIELDS.map(|(name, _)| name).join(", ")),
        };
        format!(
            "{CONNECTION}: {}: is not a field that the peer knows, and is left out; {hint}",
            quoted(key)
        )
    })
}

/// The field that the author of an unknown one surely meant.
fn meant(key: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == key);
    let near = FIELDS.iter().map(|&(name, _)| (distance(key, name), name));
    let typo = near.min().filter(|&(distance, _)| distance <= 2);
    alias.map(|&(_, name)| name).or(typo.map(|(_, name)| name))
}

/// How many letters must be added, removed or changed to turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate().take(64) {
        let mut next = vec![i + 1];
        for (pair, to) in row.windows(2).zip(b.bytes()) {
            let &[diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            let changed = diagonal + usize::from(from != to);
            next.push(changed.min(left + 1).min(above + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A warning for each field that the peer passes over because of another one.
fn ignored_fields(object: &Object) -> Result<Vec<String>> {
    let is = |name| Ok::<_, anyhow::Error>(object.boolean(name)? == Some(true));
    let (has_tls, has_client) = (is("tls_required")?, is("client_auth_required")?);
    let mut ignored = Vec::new();
    if has_client && !has_tls {
        let unless = "is ignored by the peer unless tls_required is true";
        ignored.push(format!("{CONNECTION}: client_auth_required: {unless}"));
    }
    for name in ["domain", "client_key", "client_cert", "root_cert"] {
        if object.string(name)?.is_none_or(|text| text.is_empty()) {
            continue;
        }
        let what = match (has_tls, has_client, name) {
            (true, true, _) | (true, _, "root_cert") => continue,
            (true, false, _) => "is ignored by the peer unless client_auth_required is true",
            (false, _, "domain") => {
                "is ignored by the peer unless tls_required and client_auth_required are true"
            }
            (false, ..) => "is left out, the peer ignores it unless tls_required is true",
        };
        ignored.push(format!("{CONNECTION}: {name}: {what}"));
    }
    Ok(ignored)
}

/// A connection.json that a peer can use.
pub struct Connection {
    address: Address,
    tls: Tls,
    json: Vec<u8>,
}

/// How the peer and the chaincode know each other.
enum Tls {
    Off,
    Server,
    /// The peer shows a certificate too, and may expect another name than the address has.
    Mutual(Option<String>),
}

impl Tls {
    fn of(values: &Values) -> Self {
        match (values.is("tls_required"), values.is("client_auth_required")) {
            (false, _) => Self::Off,
            (true, false) => Self::Server,
            (true, true) => Self::Mutual(values.text("domain").map(str::to_owned)),
        }
    }
}

impl Connection {
    /// Reads a connection.json that a builder wrote, whose templates are filled in.
    ///
    /// # Errors
    /// When the peer could not use it; the message begins with the field's name.
    pub fn parse_written(content: &[u8]) -> Result<Self> {
        let object = Object::parse(content)?;
        let draft = Draft::of(&object, &|text| Ok(Template::literal(text)))?;
        draft.resolve(&Config::default())
    }

    /// The bytes of the file: compact JSON, fields in the order of [`FIELDS`].
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// What the peer will do, as it shows in messages: `dial HOST:PORT with TLS`.
    #[must_use]
    pub fn dial(&self) -> String {
        let address = &self.address;
        match &self.tls {
            Tls::Off => format!("dial {address} without TLS"),
            Tls::Server => format!("dial {address} with TLS"),
            // Anything can be filled into it, also a key: only a name is shown.
            Tls::Mutual(Some(domain)) if address::is_server_name(domain) => {
                format!("dial {address} with TLS for the domain {domain} and a client certificate")
            }
            Tls::Mutual(_) => format!("dial {address} with TLS and a client certificate"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_a_field_only_for_a_near_typing_error_or_a_known_alias() {
        for (key, field) in [
            ("adress", Some("address")),
            ("addres", Some("address")),
            ("rootcert", Some("root_cert")),
            ("root_certs", Some("root_cert")),
            ("dial-timeout", Some("dial_timeout")),
            ("timeout", Some("dial_timeout")),
            ("tls", Some("tls_required")),
            ("host", Some("address")),
            ("key_path", Some("client_key")),
            ("transport_protocol", None),
            ("port", None),
            ("name", None),
            ("root", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(key), field, "{key}");
        }
    }

    #[test]
    fn distance_is_levenshteins() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
