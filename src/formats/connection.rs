//! connection.json: where a chaincode listens, and how the peer should dial it.
//!
//! The peer reads it as `ChaincodeServerUserData` of Fabric's
//! `core/container/externalbuilder/instance.go`, but only at the first invoke, so everything that
//! would fail there is refused here. The file we write has only known fields that were present, in
//! the order of [`FIELDS`]; without TLS, no certificates and no key.

mod hints;
mod review;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::value::RawValue;

use super::address::{self, Address};
use super::advice;
use super::dial_timeout::DialTimeout;
use super::json::{self, Kind, Object};
use super::template::{Config, Origin, Template};
use super::values::{Text, Value, Values};
use crate::error::{self, refused};
use crate::files::Dir;
use crate::findings::{Faults, Finding, Warnings};
use crate::layout::{CONNECTION, MAX_SMALL};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    /// Ignored by the peer, whatever it is, unless it shows a client certificate.
    Domain,
    Duration,
    Boolean,
    /// A certificate or key: left out without TLS, and its template may print a file.
    TlsText,
}

/// The fields that the peer knows, in the order in which we write them.
const FIELDS: [(&str, Type); 8] = [
    ("address", Type::Text),
    ("domain", Type::Domain),
    ("dial_timeout", Type::Duration),
    ("tls_required", Type::Boolean),
    ("client_auth_required", Type::Boolean),
    ("root_cert", Type::TlsText),
    ("client_key", Type::TlsText),
    ("client_cert", Type::TlsText),
];

pub fn field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|&(name, _)| name)
}

/// A connection.json whose types are right, and whose templates are not yet filled in.
pub struct Draft(Vec<(&'static str, Field)>);

enum Field {
    Text(Template),
    /// A `dial_timeout` in a string.
    Duration(Template),
    /// What holds no template. It is unknown where something is wrong, which is among the faults.
    Value(Value),
}

type ReadTemplate = fn(&str) -> Result<Template>;

impl Draft {
    /// The content of the package's connection.json.
    pub(crate) fn content(dir: &Dir) -> error::Result<Vec<u8>> {
        if dir.look_up(CONNECTION)?.is_none()
            && let Some(advice) = hints::elsewhere(dir)
        {
            return refused(advice);
        }
        dir.read_needed(CONNECTION)
    }

    /// Parses the content of a connection.json; returns the draft and warnings for its author. An
    /// error in a field begins with the field's name.
    pub fn parse(content: &[u8]) -> Result<(Self, Warnings)> {
        Faults::first(|faults| Self::collect(content, faults))
    }

    /// Like [`Draft::parse`], but adds the faults of fields and continues. Fails only on what is no
    /// JSON object, or another kind of file.
    pub(crate) fn collect(content: &[u8], faults: &mut Faults) -> Result<(Self, Warnings)> {
        let object = Object::parse(content)?;
        hints::ensure_kind(&object)?;
        let draft = Self::of(&object, Template::parse, faults);
        let mut warnings = Warnings::default();
        warnings.extend(hints::unknown_fields(&object));
        warnings.extend(object.repeated(CONNECTION, field_names()));
        warnings.extend(hints::ignored_fields(&object));
        Ok((draft, warnings))
    }

    fn of(object: &Object, read_template: ReadTemplate, faults: &mut Faults) -> Self {
        // Read again below, where the same fault is not added twice.
        faults.take(object.boolean("tls_required"));
        let has_tls = is_on(object, "tls_required");
        let has_client = has_tls && is_on(object, "client_auth_required");
        let mut fields = Vec::new();
        for (name, kind) in FIELDS {
            let field = match kind {
                // The peer needs even a field that is left out to have the right type, but its
                // template does not matter.
                Type::TlsText if !has_tls => object.string(name).map(|_| None),
                // Go's builders drop this field, whatever it is.
                Type::Domain if !has_client => {
                    let text = object.string(name).unwrap_or_default();
                    let template = text.and_then(|text| read_template(&text).ok());
                    Ok(template.filter(Template::is_text).map(Field::Text))
                }
                Type::Text | Type::Domain | Type::TlsText => {
                    text(object, name, read_template).map(|found| {
                        found.map(|mut template| {
                            template.takes_files = kind == Type::TlsText;
                            Field::Text(template)
                        })
                    })
                }
                Type::Boolean => object
                    .boolean(name)
                    .map(|value| value.map(Field::of_boolean)),
                Type::Duration => dial_timeout(object, name, read_template),
            };
            let field = match (faults.take(field), kind) {
                (Some(None), _) => {
                    hints::misnamed(object, name).map(|hint| Field::Value(Value::Missing(hint)))
                }
                (Some(field), _) => field,
                (None, Type::Boolean) => Some(Field::of_boolean(is_on(object, name))),
                (None, _) => Some(Field::Value(Value::Unknown)),
            };
            fields.extend(field.map(|field| (name, field)));
        }
        Self(fields)
    }

    /// Fills in the templates and checks the result by the peer's rules. An error in a field begins
    /// with the field's name.
    pub fn resolve(&self, config: &Config) -> Result<Connection> {
        Faults::first(|faults| {
            let values = self.values(&|_| Some(config), faults);
            let address = values.check(faults).context("address: is not known")?;
            let json = values.to_json()?;
            ensure!(
                json.len() as u64 <= MAX_SMALL,
                "is more than {MAX_SMALL} bytes once filled in"
            );
            Ok(Connection {
                address,
                values,
                json,
            })
        })
    }

    pub(crate) fn has_templates(&self) -> bool {
        self.templates().any(|template| !template.is_text())
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.0.iter().filter_map(|(_, field)| field.template())
    }

    /// Compares with `written` whatever needs no config, and returns the fields that do need one: of
    /// these, only the text around their templates is compared.
    pub(crate) fn unverified_fields(&self, written: &[u8]) -> Result<Vec<&'static str>> {
        let found = Connection::parse_written(written)?;
        let (texts, mut unknown) = (Object::parse(written)?, Vec::new());
        let mut values = Faults::first(|faults| Ok(self.values(&|_| None, faults)))?;
        for (name, value) in found.values.0 {
            if matches!(values.get(name), Some(Value::Unknown)) {
                let text = texts.string(name)?.unwrap_or_default();
                let mut fields = self.0.iter().filter(|(field, _)| *field == name);
                let template = fields.find_map(|(_, field)| field.template());
                let is_possible = template.is_some_and(|template| template.may_make(&text));
                ensure!(is_possible, "{name}: cannot have come from its template");
                values.set(name, value);
                unknown.push(name);
            }
        }
        let mut left = values.0.iter();
        if let Some((name, _)) = left.find(|(_, value)| matches!(value, Value::Unknown)) {
            bail!("{name}: is not there, although the package has a template for it");
        }
        let is_same = values.to_json()? == written;
        ensure!(is_same, "is not the package's, even without its templates");
        Ok(unknown)
    }

    /// The keys of the config that the templates look up, with `.file` where the value is probably a
    /// private key.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for template in self.templates() {
            let found = template.keys();
            // A private key should not be on a command line.
            let is_file = template.takes_files && found.len() == 1 && template.texts().is_empty();
            let inner = if is_file { ".file" } else { "" };
            keys.extend(found.into_iter().map(|key| key + inner));
        }
        keys
    }

    /// The values with the config that each field gets.
    fn values<'a>(
        &self,
        config: &dyn Fn(&Field) -> Option<&'a Config>,
        faults: &mut Faults,
    ) -> Values {
        let values = self.0.iter().map(|(name, field)| {
            let value = faults.take(field.value(config(field)).context(*name));
            (*name, value.unwrap_or(Value::Unknown))
        });
        Values(values.collect())
    }
}

impl Field {
    fn of_boolean(value: bool) -> Self {
        Self::Value(Value::Boolean(value))
    }

    /// The field's value, which is unknown if it has a template and the config is not known.
    fn value(&self, config: Option<&Config>) -> Result<Value> {
        let template = match self {
            Self::Value(value) => return Ok(value.clone()),
            Self::Text(template) | Self::Duration(template) => template,
        };
        if config.is_none() && !template.is_text() {
            return Ok(Value::Unknown);
        }
        let no_config = Config::default();
        let config = config.unwrap_or(&no_config);
        let text = template.render(config)?;
        // A branch that is plain text is the package's own.
        let origin = if template.texts().contains(&text) {
            Origin::written(&text)
        } else {
            template.origin(config)
        };
        self.of_text(text, origin)
    }

    fn of_text(&self, text: String, origin: Origin) -> Result<Value> {
        let text = Text { text, origin };
        if matches!(self, Self::Text(_)) {
            return Ok(Value::Text(text));
        }
        let timeout = DialTimeout::from_text(&text.text).map(Value::Timeout);
        timeout.map_err(|what| {
            let is_right =
                |unit: &&str| DialTimeout::from_text(&(text.text.clone() + unit)).is_ok();
            let advice = |_: &str| r#"write for example "10s""#.to_owned();
            text.fault(&what, Some("s").filter(is_right), advice)
        })
    }

    /// Whether a template looks up a key of the config.
    fn has_keys(&self) -> bool {
        let template = self.template();
        template.is_some_and(|template| !template.keys().is_empty())
    }

    fn template(&self) -> Option<&Template> {
        match self {
            Self::Text(template) | Self::Duration(template) => Some(template),
            Self::Value(_) => None,
        }
    }
}

fn text(object: &Object, name: &str, read_template: ReadTemplate) -> Result<Option<Template>> {
    let text = object.string(name)?;
    let template = text.as_deref().map(read_template).transpose();
    template.context(name.to_owned())
}

/// Whether a boolean field is true or has a fault and its author probably meant true: `"true"`.
fn is_on(object: &Object, name: &str) -> bool {
    let is_meant = |value: &RawValue| value.get().eq_ignore_ascii_case("\"true\"");
    matches!(object.boolean(name), Ok(Some(true))) || object.field(name).any(is_meant)
}

fn dial_timeout(object: &Object, name: &str, read_template: ReadTemplate) -> Result<Option<Field>> {
    let field = object.last(name, |value| match Kind::of(value) {
        Kind::String => {
            let text = json::string(value)?.unwrap_or_default();
            Ok(Some(Field::Duration(read_template(&text)?)))
        }
        Kind::Number => {
            let timeout = DialTimeout::from_number(value)?;
            Ok(Some(Field::Value(Value::Timeout(timeout))))
        }
        Kind::Null => Ok(None),
        kind => bail!(r#"is {kind}; leave it out or write for example "10s""#),
    })?;
    // The peer refuses a null wherever it is. Only a lone one is refused here: after another value,
    // it is not written.
    ensure!(
        field.is_some() || object.field(name).next().is_none(),
        r#"{name}: is null; leave it out or write for example "10s""#
    );
    Ok(field)
}

/// A connection.json that a peer can use.
pub struct Connection {
    address: Address,
    values: Values,
    json: Vec<u8>,
}

impl Connection {
    /// Parses a connection.json written by a builder, with its templates filled in.
    pub fn parse_written(content: &[u8]) -> Result<Self> {
        let object = Object::parse(content)?;
        let literal = |text: &str| Ok(Template::literal(text));
        let draft = Faults::first(|faults| Ok(Draft::of(&object, literal, faults)))?;
        draft.resolve(&Config::default())
    }

    /// The bytes of the file: compact JSON, fields in the order of [`FIELDS`].
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// What the peer dials, as written.
    pub fn address(&self) -> &str {
        let text = self.values.text("address");
        text.map_or("", |text| &text.text)
    }

    /// What the package's author should know about the server's name.
    pub fn server_name_advice(&self) -> Option<Finding> {
        let advice = advice::of_server_name(&self.values)?;
        Some(Finding::at(CONNECTION, advice))
    }

    /// What the peer will do, as messages say it: `dial HOST:PORT with TLS`.
    pub fn dial_description(&self) -> String {
        let (address, values) = (self.address(), &self.values);
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

    /// What a peer would dial, unless it is a socket.
    pub(crate) fn endpoint(&self) -> Option<Endpoint> {
        let Address::Host { host, port } = &self.address else {
            return None;
        };
        Some(Endpoint {
            host: host.clone(),
            port: *port,
            timeout: self.values.timeout(),
            has_tls: self.values.is("tls_required"),
        })
    }
}

/// What a peer dials, for `--dial`.
pub struct Endpoint {
    pub host: String,
    pub port: u16,
    pub timeout: Duration,
    pub has_tls: bool,
}
