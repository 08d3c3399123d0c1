//! The values of connection.json's fields once templates are filled in, and the peer's rules for
//! them.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use serde::{Serialize, Serializer};

use super::address::{self, Address};
use super::dial_timeout::{self, DialTimeout};
use super::template::Origin;
use super::tls;
use crate::findings::Faults;

/// The value of a field, as we write it.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Value {
    Text(Text),
    Timeout(DialTimeout),
    Boolean(bool),
    /// The field has a fault, or a template and no config to fill it in. This is never written.
    Unknown,
    /// The field is not there, but another one that its author probably meant: what to do if it is
    /// needed. This is not written.
    #[serde(skip)]
    Missing(String),
}

/// A text, and how messages show it: as the package has it, never as filled in from the config.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Text {
    pub text: String,
    #[serde(skip)]
    pub origin: Origin,
}

impl Text {
    pub fn shown(&self) -> String {
        let Origin { source, remedy } = &self.origin;
        let filled_in = remedy.as_ref().map_or("", |_| ", filled in,");
        format!("{source}{filled_in}")
    }

    /// What is wrong with the text, and what to write instead. If the package has the text itself,
    /// `advice` says what, and may quote it. If a template made it, the config is to be corrected,
    /// or `end` appended to the template, with which the text would be right.
    pub fn fault(
        &self,
        what: &impl Display,
        end: Option<&str>,
        advice: impl Fn(&str) -> String,
    ) -> Error {
        let advice = match (&self.origin.remedy, end) {
            (None, _) => advice(&self.text),
            (Some(remedy), None) => remedy.clone(),
            (Some(remedy), Some(end)) => match self.source() {
                Some(source) if source.ends_with("}}") => {
                    format!("write {source}{end}, or {remedy}")
                }
                // No value in the config could add the end.
                Some(source) => format!("write {source}{end}"),
                None => format!("append {end}"),
            },
        };
        anyhow!("{} {what}; {advice}", self.shown())
    }

    /// The text as one writes it in JSON, if messages show the whole of it.
    fn source(&self) -> Option<String> {
        let source = self.origin.source.strip_prefix('"')?.strip_suffix('"')?;
        let escaped = || source.replace('\\', r"\\").replace('"', r#"\""#);
        (!source.ends_with("...")).then(escaped)
    }
}

/// What to write instead of an address that is wrong whatever its templates make, if it is shown
/// whole.
fn own_advice(address: &Text) -> Option<String> {
    const NAME: &str = "zz-template-zz";
    address.origin.remedy.as_ref()?;
    let source = address.source()?;
    let (start, end) = (source.find("{{")?, source.rfind("}}")? + "}}".len());
    let with_name = format!("{}{NAME}{}", source.get(..start)?, source.get(end..)?);
    let is_wrong = Address::parse(&with_name).is_err() && !address::lacks(&with_name, ":9999");
    is_wrong.then(|| address::advice(&with_name).replace(NAME, &source[start..end]))
}

/// The values of the fields that are present, in the order in which we write them.
pub struct Values(pub Vec<(&'static str, Value)>);

impl Values {
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value)
    }

    pub fn set(&mut self, name: &str, value: Value) {
        if let Some((_, old)) = self.0.iter_mut().find(|(found, _)| *found == name) {
            *old = value;
        }
    }

    pub fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Boolean(true)))
    }

    pub fn text(&self, name: &str) -> Option<&Text> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub fn timeout(&self) -> Duration {
        dial_timeout::duration(match self.get("dial_timeout") {
            Some(Value::Timeout(timeout)) => Some(timeout),
            _ => None,
        })
    }

    /// Checks all known values by the peer's rules, and returns the address if it is known and
    /// right. A fault begins with the field's name.
    pub fn check(&self, faults: &mut Faults) -> Option<Address> {
        let address = faults.take(self.address()).flatten();
        if self.is("tls_required") {
            let root_cert = self.require("root_cert", "tls_required", "CA certificate", faults);
            let checked = root_cert.map(tls::check_root_certificates).transpose();
            faults.take(checked.context("root_cert"));
            if self.is("client_auth_required") {
                self.check_client(faults);
            }
        }
        address
    }

    fn address(&self) -> Result<Option<Address>> {
        match self.get("address") {
            None => bail!(
                r#"address: is missing or null; write for example "address": "basic.example.com:9999""#
            ),
            Some(Value::Missing(hint)) => bail!("address: is missing; {hint}"),
            Some(Value::Text(text)) => {
                let address = Address::parse(&text.text).map(Some);
                let address = address.map_err(|what| {
                    if let Some(advice) = own_advice(text) {
                        return anyhow!("{} {what}; {advice}", text.shown());
                    }
                    let end = Some(":9999").filter(|port| address::lacks(&text.text, port));
                    text.fault(&what, end, address::advice)
                });
                address.context("address")
            }
            Some(_) => Ok(None),
        }
    }

    fn check_client(&self, faults: &mut Faults) {
        const BY: &str = "client_auth_required";
        if let Some(domain) = self.text("domain")
            && !domain.text.is_empty()
            && !address::is_server_name(&domain.text)
        {
            let what = "is not a name that a certificate can have";
            let advice = |_: &str| "write for example basic.example.com".to_owned();
            let fault = domain.fault(&what, None, advice);
            faults.push(format!("domain: {fault}"));
        }
        let key = self.require("client_key", BY, "private key", faults);
        let cert = self.require("client_cert", BY, "certificate", faults);
        if let (Some(cert), Some(key)) = (cert, key)
            && tls::are_swapped(cert, key)
        {
            let what = "is the private key, and client_key the certificate; swap them";
            faults.push(format!("client_cert: {what}"));
        } else if faults.take(tls::check_key_pair(cert, key)).is_none() {
            // The key may have a fault of its own. Each is kept once.
            faults.take(tls::check_key_pair(None, key));
        }
    }

    /// The text, if known, of a field that must be present.
    fn require(&self, name: &str, by: &str, what: &str, faults: &mut Faults) -> Option<&str> {
        match self.get(name) {
            None => faults.push(format!(
                "{name}: is required with {by}; write the PEM of the {what}"
            )),
            Some(Value::Missing(hint)) => faults.push(format!("{name}: is missing; {hint}")),
            Some(_) => {}
        }
        self.text(name).map(|text| text.text.as_str())
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = Vec::new();
        let fields = self.0.iter().map(|(name, value)| (name, value));
        let fields = fields.filter(|(_, value)| !matches!(value, Value::Missing(_)));
        serde_json::Serializer::new(&mut json).collect_map(fields)?;
        Ok(json)
    }
}
