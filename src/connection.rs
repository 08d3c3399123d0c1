//! connection.json: where a chaincode listens, and how the peer is to dial it.
//!
//! The peer reads it as `ChaincodeServerUserData` of Fabric's `core/container/externalbuilder/instance.go`, at the first
//! invoke and not before, so everything that would fail there is refused here. What is written has the known fields only, in the
//! order of [`FIELDS`], and none that was absent.

use anyhow::{Context, Result, anyhow, bail};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::address::{self, Address};
use crate::dir::Dir;
use crate::duration::DialTimeout;
use crate::json::{self, Kind, Object, folded};
use crate::log::{self, Warnings};
use crate::pem::{self, KeyPairFault};
use crate::template::{Config, Template};

/// The file's name, in the package, the build output and the release output.
pub const FILE: &str = "connection.json";

/// The fields that the peer knows, in the order in which they are written.
pub const FIELDS: [&str; 8] = [
    "address",
    "domain",
    "dial_timeout",
    "tls_required",
    "client_auth_required",
    "root_cert",
    "client_key",
    "client_cert",
];

/// A connection.json whose types are right, its templates not yet filled in.
pub struct Draft {
    address: Option<Template>,
    domain: Option<Template>,
    dial_timeout: Option<DraftTimeout>,
    tls_required: Option<bool>,
    client_auth_required: Option<bool>,
    root_cert: Option<Template>,
    client_key: Option<Template>,
    client_cert: Option<Template>,
    /// What the author should know: one line each.
    pub warnings: Warnings,
}

enum DraftTimeout {
    Text(Template),
    Number(DialTimeout),
}

/// A connection.json that a peer can use; it is written by serializing it.
#[derive(Serialize)]
pub struct Connection {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dial_timeout: Option<DialTimeout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_auth_required: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_cert: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_cert: Option<String>,
}

impl Draft {
    /// Reads the file in `dir`.
    ///
    /// # Errors
    /// When it is missing, cannot be read, or a field has the wrong type or a template that is not supported.
    pub fn read(dir: &Dir) -> Result<(Self, Vec<u8>)> {
        let content = dir.read_needed(FILE)?;
        let draft = Self::parse(&content).context(FILE)?;
        Ok((draft, content))
    }

    /// Reads the content of a connection.json.
    ///
    /// # Errors
    /// As [`Draft::read`]; the message begins with the field's name.
    pub fn parse(content: &[u8]) -> Result<Self> {
        Self::parse_with(content, Template::parse)
    }

    fn parse_with(content: &[u8], parse: impl Fn(&str) -> Result<Template>) -> Result<Self> {
        let object = Object::parse(content)?;
        let template = |name: &str| -> Result<Option<Template>> {
            object
                .string(name)?
                .map(|text| parse(&text))
                .transpose()
                .with_context(|| name.to_owned())
        };
        let tls_required = object.boolean("tls_required")?;
        let has_tls = tls_required == Some(true);
        // The types of dropped fields are still the peer's business; their templates are nobody's.
        let key_material = |name: &str| -> Result<Option<Template>> {
            if has_tls {
                template(name)
            } else {
                object.string(name).map(|_| None)
            }
        };
        let draft = Self {
            address: template("address")?,
            domain: template("domain")?,
            dial_timeout: dial_timeout(&object, &parse).context("dial_timeout")?,
            tls_required,
            client_auth_required: object.boolean("client_auth_required")?,
            root_cert: key_material("root_cert")?,
            client_key: key_material("client_key")?,
            client_cert: key_material("client_cert")?,
            warnings: Warnings::default(),
        };
        let mut warnings = Warnings::default();
        warnings.extend(unknown_fields(&object));
        warnings.extend(draft.ignored_fields(&object)?);
        Ok(Self { warnings, ..draft })
    }

    /// Says which fields the peer will pass over because of another one.
    fn ignored_fields(&self, object: &Object) -> Result<Vec<String>> {
        let mut present = Vec::new();
        for name in ["domain", "client_key", "client_cert", "root_cert"] {
            if object.string(name)?.is_some_and(|text| !text.is_empty()) {
                present.push(name);
            }
        }
        let mut ignored = Vec::new();
        if self.tls_required == Some(true) {
            if self.client_auth_required != Some(true) {
                present.retain(|name| *name != "root_cert");
                ignored.extend(present.iter().map(|name| {
                    format!(
                        "{FILE}: {name}: is ignored by the peer unless client_auth_required is true"
                    )
                }));
            }
        } else {
            if self.client_auth_required == Some(true) {
                ignored.push(format!(
                    "{FILE}: client_auth_required: is ignored by the peer unless tls_required is true"
                ));
            }
            ignored.extend(present.iter().map(|name| match *name {
                "domain" => format!("{FILE}: domain: is ignored by the peer unless tls_required and client_auth_required are true"),
                name => format!("{FILE}: {name}: is left out, the peer ignores it unless tls_required is true"),
            }));
        }
        Ok(ignored)
    }

    /// Fills the templates in and checks the result by the peer's rules.
    ///
    /// # Errors
    /// When a template cannot be filled in, or the peer would fail to dial; the message begins with the field's name.
    pub fn resolve(self, config: &Config) -> Result<Connection> {
        self.check(Some(config))
    }

    /// Checks by the peer's rules what can be checked without a config: fields with a template only for its syntax.
    ///
    /// # Errors
    /// As [`Draft::resolve`].
    pub fn check_without_config(self) -> Result<()> {
        self.check(None).map(drop)
    }

    fn check(self, config: Option<&Config>) -> Result<Connection> {
        let Self {
            address,
            domain,
            root_cert,
            client_key,
            client_cert,
            ..
        } = self;
        let address = Value::of("address", address, config)?;
        match &address {
            Value::Absent => bail!(
                r#"address: is missing or null, write for example "address": "basic.example.com:9999""#
            ),
            Value::Known { text, shown } => {
                Address::parse(text).map_err(|error| anyhow!("address: {shown} {error}"))?;
            }
            Value::Unknown => {}
        }
        let dial_timeout = match self.dial_timeout {
            None => None,
            Some(DraftTimeout::Number(number)) => Some(number),
            Some(DraftTimeout::Text(text)) => {
                match Value::of("dial_timeout", Some(text), config)? {
                    Value::Known { text, shown } => Some(
                        DialTimeout::from_text(text)
                            .map_err(|error| anyhow!("dial_timeout: {shown} {error}"))?,
                    ),
                    Value::Absent | Value::Unknown => None,
                }
            }
        };
        let domain = Value::of("domain", domain, config)?;
        if self.tls_required == Some(true) && self.client_auth_required == Some(true) {
            check_domain(&domain)?;
        }
        let root_cert = Value::of("root_cert", root_cert, config)?;
        let client_key = Value::of("client_key", client_key, config)?;
        let client_cert = Value::of("client_cert", client_cert, config)?;
        if self.tls_required == Some(true) {
            check_root_certificates(&root_cert)?;
            if self.client_auth_required == Some(true) {
                check_key_pair(&client_cert, &client_key)?;
            }
        }
        Ok(Connection {
            address: address.into_text(),
            domain: domain.into_text(),
            dial_timeout,
            tls_required: self.tls_required,
            client_auth_required: self.client_auth_required,
            root_cert: root_cert.into_text(),
            client_key: client_key.into_text(),
            client_cert: client_cert.into_text(),
        })
    }
}

/// The text of a field once its template is filled in.
enum Value {
    Absent,
    Known {
        text: String,
        /// How a message may name it: what the package has, never what the config filled in.
        shown: String,
    },
    /// It has a template, and there is no config to fill it in.
    Unknown,
}

impl Value {
    fn of(name: &'static str, template: Option<Template>, config: Option<&Config>) -> Result<Self> {
        let no_config = Config::none();
        match (template, config) {
            (None, _) => Ok(Self::Absent),
            (Some(template), None) if !template.is_text() => Ok(Self::Unknown),
            (Some(template), config) => {
                let text = template
                    .render(config.unwrap_or(&no_config))
                    .context(name)?;
                Ok(Self::Known {
                    text,
                    shown: template.shown(),
                })
            }
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Known { text, .. } => Some(text),
            Self::Absent | Self::Unknown => None,
        }
    }

    fn into_text(self) -> Option<String> {
        match self {
            Self::Known { text, .. } => Some(text),
            Self::Absent | Self::Unknown => None,
        }
    }
}

/// Checks the server's name, where the peer uses it.
fn check_domain(domain: &Value) -> Result<()> {
    match domain {
        Value::Known { text, shown } if !text.is_empty() && !address::is_server_name(text) => {
            bail!(
                "domain: {shown} is no name that a certificate can have, write for example basic.example.com"
            )
        }
        _ => Ok(()),
    }
}

fn check_root_certificates(root_cert: &Value) -> Result<()> {
    match root_cert {
        Value::Absent => {
            bail!("root_cert: is required with tls_required, write the PEM of the CA certificate")
        }
        Value::Known { text, .. } => {
            pem::check_root_certificates(text).map_err(|fault| anyhow!("root_cert: {fault}"))
        }
        Value::Unknown => Ok(()),
    }
}

fn check_key_pair(client_cert: &Value, client_key: &Value) -> Result<()> {
    match (client_key, client_cert) {
        (Value::Absent, _) => bail!(
            "client_key: is required with client_auth_required, write the PEM of the private key"
        ),
        (_, Value::Absent) => bail!(
            "client_cert: is required with client_auth_required, write the PEM of the certificate"
        ),
        _ => pem::check_key_pair(client_cert.text(), client_key.text()).map_err(
            |fault| match fault {
                KeyPairFault::Certificate(fault) => anyhow!("client_cert: {fault}"),
                KeyPairFault::Key(fault) => anyhow!("client_key: {fault}"),
            },
        ),
    }
}

/// The field `dial_timeout`, which is a string or a number. Null alone is an error at the peer.
fn dial_timeout(
    object: &Object,
    parse: &impl Fn(&str) -> Result<Template>,
) -> Result<Option<DraftTimeout>> {
    let mut last = None;
    let mut null = false;
    for value in object.field("dial_timeout") {
        last = match Kind::of(value) {
            Kind::String => {
                let text = json::string(value)?.unwrap_or_default();
                Some(DraftTimeout::Text(parse(&text)?))
            }
            Kind::Number => Some(DraftTimeout::Number(DialTimeout::from_number(value)?)),
            Kind::Null => {
                null = true;
                last
            }
            kind => bail!(r#"is {kind}, leave it out or write for example "10s""#),
        };
    }
    // The Go builders leave what another value of the field has set.
    if null && last.is_none() {
        bail!(r#"is null, leave it out or write for example "10s""#);
    }
    Ok(last)
}

/// A warning for each field that the peer does not know.
fn unknown_fields<'a>(object: &'a Object) -> impl Iterator<Item = String> + 'a {
    let is_unknown = |(key, _): &&(String, &RawValue)| !FIELDS.contains(&folded(key).as_str());
    object.members().iter().filter(is_unknown).map(|(key, _)| {
        let folded = folded(key);
        let nearest = FIELDS.iter().min_by_key(|field| distance(&folded, field));
        format!(
            r#"{FILE}: {}: is not a field that the peer knows, and is left out; the nearest is "{}""#,
            log::quoted(key),
            nearest.unwrap_or(&"address")
        )
    })
}

/// How many letters must be added, removed or changed to turn `a` into `b` (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate().take(64) {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(from != to))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = *cell;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Connection {
    /// Reads a connection.json that a builder wrote, whose templates are filled in.
    ///
    /// # Errors
    /// When the peer could not use it; the message begins with the field's name.
    pub fn parse_written(content: &[u8]) -> Result<Self> {
        Draft::parse_with(content, |text| Ok(Template::literal(text)))?.resolve(&Config::none())
    }

    /// What the peer will do, as it shows in messages: `dial HOST:PORT with TLS`.
    #[must_use]
    pub fn dial(&self) -> String {
        let address = self.address.as_deref().unwrap_or_default();
        let (tls, client) = (
            self.tls_required == Some(true),
            self.client_auth_required == Some(true),
        );
        // Anything can be filled into it, also a key: only a name is shown.
        let domain = self
            .domain
            .as_deref()
            .filter(|domain| address::is_server_name(domain));
        match (tls, client, domain) {
            (false, ..) => format!("dial {address} without TLS"),
            (true, false, _) => format!("dial {address} with TLS"),
            (true, true, None) => format!("dial {address} with TLS and a client certificate"),
            (true, true, Some(domain)) => {
                format!("dial {address} with TLS for the domain {domain} and a client certificate")
            }
        }
    }

    /// The bytes of the file: compact, fields in the order of [`FIELDS`].
    ///
    /// # Errors
    /// Never for a `Connection` that this program made.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|_| anyhow!("cannot be written as JSON"))
    }
}
