//! connection.json: where a chaincode listens, and how the peer is to dial it.
//!
//! The peer reads it as `ChaincodeServerUserData` of Fabric's
//! `core/container/externalbuilder/instance.go`, only at the first invoke, so everything that would
//! fail there is refused here. The file we write has only known fields that were present, in the
//! order of [`FIELDS`].

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::address::{self, Address};
use super::advice;
use super::dial_timeout::DialTimeout;
use super::json::{self, Kind, Object, folded};
use super::template::{Config, Template};
use super::values::{Text, Value, Values};
use crate::error::{self, Refuse, refused};
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
    /// Text that matters only with TLS.
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

/// Other names that people use for a field, beyond typing errors.
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

/// A connection.json whose types are right, and whose templates are not yet filled in.
pub struct Draft(Vec<(&'static str, Field)>);

/// The content of a field.
enum Field {
    Text(Template),
    /// A `dial_timeout` in a string.
    Duration(Template),
    /// A `dial_timeout` that is a number.
    Nanoseconds(DialTimeout),
    Boolean(bool),
}

/// How a text is parsed as a template.
type ReadTemplate = fn(&str) -> Result<Template>;

impl Draft {
    /// Reads the file in `dir`; returns the draft, warnings for its author, and the content.
    pub(crate) fn read(dir: &Dir) -> error::Result<(Self, Warnings, Vec<u8>)> {
        if dir.look_up(CONNECTION)?.is_none() {
            return refused(advice::of_other_places(dir));
        }
        let content = dir.read_needed(CONNECTION)?;
        let (draft, warnings) = Self::parse(&content).refuse(CONNECTION)?;
        Ok((draft, warnings, content))
    }

    /// Parses the content of a connection.json; returns the draft and warnings for its author.
    ///
    /// # Errors
    /// When a field has the wrong type or a template that is not supported; the message begins with
    /// the field's name.
    pub fn parse(content: &[u8]) -> Result<(Self, Warnings)> {
        let object = Object::parse(content)?;
        let draft = Self::of(&object, Template::parse)?;
        let mut warnings = Warnings::default();
        warnings.extend(unknown_fields(&object));
        warnings.extend(ignored_fields(&object)?);
        Ok((draft, warnings))
    }

    fn of(object: &Object, template: ReadTemplate) -> Result<Self> {
        let has_tls = object.boolean("tls_required")? == Some(true);
        let mut fields = Vec::new();
        for (name, kind) in FIELDS {
            let field = match kind {
                Type::Text | Type::TlsText => {
                    let text = object.string(name)?;
                    // The peer needs even a field that is left out to have the right type, but its
                    // template does not matter.
                    let text = text.filter(|_| has_tls || kind == Type::Text);
                    let template = text.map(|text| template(&text)).transpose();
                    template.context(name)?.map(|mut template| {
                        template.takes_files = kind == Type::TlsText;
                        Field::Text(template)
                    })
                }
                Type::Boolean => object.boolean(name)?.map(Field::Boolean),
                Type::Duration => dial_timeout(object, name, template)?,
            };
            fields.extend(field.map(|field| (name, field)));
        }
        Ok(Self(fields))
    }

    /// Fills in the templates and checks the result by the peer's rules.
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
            values,
            json,
        })
    }

    /// Checks by the peer's rules what can be checked without a config: of a field with a template
    /// the branches that are plain text, each as if it were the value.
    pub(crate) fn check_without_config(&self) -> Result<()> {
        let mut values = self.values(None)?;
        values.check()?;
        for (_, value) in &mut values.0 {
            if !matches!(value, Value::Boolean(_)) {
                *value = Value::Unknown;
            }
        }
        for (name, field) in &self.0 {
            let template = field.template().filter(|template| !template.is_text());
            for text in template.map(Template::texts).unwrap_or_default() {
                let shown = quoted(&text);
                values.set(name, field.of_text(text, shown).context(*name)?);
                values.check()?;
                values.set(name, Value::Unknown);
            }
        }
        Ok(())
    }

    /// Whether there is something to fill in.
    pub(crate) fn has_templates(&self) -> bool {
        let templates = self.0.iter().filter_map(|(_, field)| field.template());
        templates.into_iter().any(|template| !template.is_text())
    }

    /// Checks that `written` is what is written with some config, and gives the fields that it
    /// would have to be known for.
    pub(crate) fn agrees(&self, written: &[u8]) -> Result<Vec<&'static str>> {
        let found = Connection::parse_written(written)?;
        let (mut values, mut unknown) = (self.values(None)?, Vec::new());
        for (name, value) in found.values.0 {
            if matches!(values.get(name), Some(Value::Unknown)) {
                values.set(name, value);
                unknown.push(name);
            }
        }
        let is_same = values.to_json()? == written;
        ensure!(is_same, "is not the package's, even without its templates");
        Ok(unknown)
    }

    /// The keys of the config that the templates look for.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        let templates = self.0.iter().filter_map(|(_, field)| field.template());
        templates.flat_map(Template::keys).collect()
    }

    fn values(&self, config: Option<&Config>) -> Result<Values> {
        let fields = self.0.iter();
        let values = fields.map(|(name, field)| Ok((*name, field.value(config).context(*name)?)));
        values.collect::<Result<_>>().map(Values)
    }
}

impl Field {
    /// The field's value, which is unknown when it has a template and there is no config.
    fn value(&self, config: Option<&Config>) -> Result<Value> {
        let template = match self {
            Self::Boolean(value) => return Ok(Value::Boolean(*value)),
            Self::Nanoseconds(number) => return Ok(Value::Timeout(number.clone())),
            Self::Text(template) | Self::Duration(template) => template,
        };
        if config.is_none() && !template.is_text() {
            return Ok(Value::Unknown);
        }
        let text = template.render(config.unwrap_or(&Config::default()))?;
        self.of_text(text, template.shown())
    }

    /// The value that a text is for this field.
    fn of_text(&self, text: String, shown: String) -> Result<Value> {
        if matches!(self, Self::Text(_)) {
            return Ok(Value::Text(Text { text, shown }));
        }
        let timeout = DialTimeout::from_text(text).map_err(|error| anyhow!("{shown} {error}"));
        timeout.map(Value::Timeout)
    }

    fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(template) | Self::Duration(template) => Some(template),
            Self::Nanoseconds(_) | Self::Boolean(_) => None,
        }
    }
}

/// The field `dial_timeout`, which is a string or a number.
fn dial_timeout(object: &Object, name: &str, template: ReadTemplate) -> Result<Option<Field>> {
    let field = object.last(name, |value| match Kind::of(value) {
        Kind::String => {
            let text = json::string(value)?.unwrap_or_default();
            Ok(Some(Field::Duration(template(&text)?)))
        }
        Kind::Number => Ok(Some(Field::Nanoseconds(DialTimeout::from_number(value)?))),
        Kind::Null => Ok(None),
        kind => bail!(r#"is {kind}, leave it out or write for example "10s""#),
    })?;
    // The peer refuses null alone. After another value, it changes nothing.
    ensure!(
        field.is_some() || object.field(name).next().is_none(),
        r#"{name}: is null, leave it out or write for example "10s""#
    );
    Ok(field)
}

/// A warning for each field that the peer does not know.
fn unknown_fields(object: &Object) -> impl Iterator<Item = String> {
    let names = FIELDS.map(|(name, _)| name);
    let keys = object.members().iter().map(|(key, _)| key);
    let unknown = keys.filter(move |key| !names.contains(&folded(key).as_str()));
    unknown.map(move |key| {
        let hint = match meant(&folded(key)) {
            Some(name) => format!(r#"did you mean "{name}"?"#),
            None => format!("it knows {}", names.join(", ")),
        };
        let key = quoted(key);
        format!("{CONNECTION}: {key}: is not a field that the peer knows, and is left out; {hint}")
    })
}

/// The field that the author of an unknown field surely meant.
fn meant(key: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == key);
    let near = |most| {
        let names = FIELDS.iter().map(|&(name, _)| name);
        let near = names.filter(|name| is_near(key.as_bytes(), name.as_bytes(), most));
        near.min()
    };
    alias.map(|&(_, name)| name).or((0..=2).find_map(near))
}

/// Whether `a` becomes `b` when at most `most` letters are added, removed or changed.
fn is_near(a: &[u8], b: &[u8], most: usize) -> bool {
    match (a, b) {
        ([], rest) | (rest, []) => rest.len() <= most,
        ([x, a @ ..], [y, b @ ..]) if x == y => is_near(a, b, most),
        ([_, less_a @ ..], [_, less_b @ ..]) => {
            let less = |a, b| most > 0 && is_near(a, b, most - 1);
            less(less_a, less_b) || less(less_a, b) || less(a, less_b)
        }
    }
}

/// A warning for each field that the peer ignores because of another one.
fn ignored_fields(object: &Object) -> Result<Vec<String>> {
    const CLIENT_AUTH: &str = "client_auth_required";
    let has_tls = object.boolean("tls_required")? == Some(true);
    let has_client = object.boolean(CLIENT_AUTH)? == Some(true);
    let mut ignored = Vec::new();
    for name in [
        CLIENT_AUTH,
        "domain",
        "client_key",
        "client_cert",
        "root_cert",
    ] {
        let is_set = match name {
            CLIENT_AUTH => has_client,
            _ => object.string(name)?.is_some_and(|text| !text.is_empty()),
        };
        let what = match (name, has_tls, has_client) {
            _ if !is_set => continue,
            (_, true, true) | ("root_cert", true, _) => continue,
            (_, true, false) => "is ignored by the peer unless client_auth_required is true",
            (CLIENT_AUTH, ..) => "is ignored by the peer unless tls_required is true",
            ("domain", ..) => {
                "is ignored by the peer unless tls_required and client_auth_required are true"
            }
            _ => "is left out, the peer ignores it unless tls_required is true",
        };
        ignored.push(format!("{CONNECTION}: {name}: {what}"));
    }
    Ok(ignored)
}

/// What a peer would dial.
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub timeout: Duration,
    pub has_tls: bool,
}

/// A connection.json that a peer can use.
pub struct Connection {
    address: Address,
    values: Values,
    json: Vec<u8>,
}

impl Connection {
    /// Parses a connection.json written by a builder, with its templates filled in.
    ///
    /// # Errors
    /// When the peer could not use it; the message begins with the field's name.
    pub fn parse_written(content: &[u8]) -> Result<Self> {
        let object = Object::parse(content)?;
        let draft = Draft::of(&object, |text| Ok(Template::literal(text)))?;
        draft.resolve(&Config::default())
    }

    /// The bytes of the file: compact JSON, fields in the order of [`FIELDS`].
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The host, the port and the time for a dial, and whether it is with TLS; not for a socket.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        let (host, port) = address::host_and_port(self.address.text())?;
        Some(Endpoint {
            host: host.replace("%25", "%"),
            port: match port {
                "http" => 80,
                "https" => 443,
                port => port.parse().ok()?,
            },
            timeout: self.values.timeout(),
            has_tls: self.values.is("tls_required"),
        })
    }

    /// What its author should know of the server's name.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        advice::of_server_name(&self.values, self.address.host()?)
    }

    /// What the peer will do, as messages say it: `dial HOST:PORT with TLS`.
    #[must_use]
    pub fn dial(&self) -> String {
        let Self {
            address, values, ..
        } = self;
        if !values.is("tls_required") {
            return format!("dial {address} without TLS");
        }
        if !values.is("client_auth_required") {
            return format!("dial {address} with TLS");
        }
        // A template can fill in anything, even a key, so only a valid name is shown.
        let domain = values.text("domain").map(|domain| &domain.text);
        let domain = domain.filter(|domain| address::is_server_name(domain));
        let domain = domain.map_or_else(String::new, |name| {
            format!(", from Fabric 3.0 on for the domain {name},")
        });
        format!("dial {address} with TLS{domain} and a client certificate")
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
    fn nearness_is_levenshteins_distance() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "", 2),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
            ("ab", "ba", 2),
        ] {
            for most in 0..4 {
                let near = is_near(a.as_bytes(), b.as_bytes(), most);
                assert_eq!(near, expected <= most, "{a} {b} {most}");
            }
        }
    }
}
