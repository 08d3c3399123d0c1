//! The values of connection.json's fields once templates are filled in, and the peer's rules for
//! them.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Serialize, Serializer};

use super::address::{self, Address};
use super::dial_timeout::{self, DialTimeout};
use super::tls;

/// The value of a field, as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Value {
    Text(Text),
    Timeout(DialTimeout),
    Boolean(bool),
    /// The field has a template, and there is no config to fill it in. This is never written.
    Unknown,
}

/// A text, and how messages show it: as the package has it, never as filled in from the config.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Text {
    pub text: String,
    #[serde(skip)]
    pub shown: String,
}

/// The values of the fields that are present, in the order in which they are written.
pub struct Values(pub Vec<(&'static str, Value)>);

impl Values {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value)
    }

    /// Replaces the value of a field that is there.
    pub fn set(&mut self, name: &str, value: Value) {
        if let Some((_, old)) = self.0.iter_mut().find(|(found, _)| *found == name) {
            *old = value;
        }
    }

    /// Whether a field is there and true.
    pub fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Boolean(true)))
    }

    /// The text of a field, if it is known.
    pub fn text(&self, name: &str) -> Option<&Text> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// How long the peer tries to dial.
    pub fn timeout(&self) -> Duration {
        match self.get("dial_timeout") {
            Some(Value::Timeout(timeout)) => dial_timeout::duration(Some(timeout)),
            _ => dial_timeout::duration(None),
        }
    }

    /// Checks all known values by the peer's rules, and returns the address if it is known. A
    /// message begins with the field's name.
    pub fn check(&self) -> Result<Option<Address>> {
        let address = match self.get("address") {
            None => bail!(
                r#"address: is missing or null, write for example "address": "basic.example.com:9999""#
            ),
            Some(Value::Text(Text { text, shown })) => {
                let address = Address::parse(text);
                Some(address.map_err(|error| anyhow!("address: {shown} {error}"))?)
            }
            Some(_) => None,
        };
        if self.is("tls_required") {
            let root_cert = self.require("root_cert", "tls_required", "CA certificate")?;
            let checked = root_cert.map(tls::check_root_certificates).transpose();
            checked.context("root_cert")?;
            if self.is("client_auth_required") {
                if let Some(Text { text, shown }) = self.text("domain") {
                    ensure!(
                        text.is_empty() || address::is_server_name(text),
                        "domain: {shown} is not a name that a certificate can have, write for example basic.example.com"
                    );
                }
                let key = self.require("client_key", "client_auth_required", "private key")?;
                let cert = self.require("client_cert", "client_auth_required", "certificate")?;
                tls::check_key_pair(cert, key)?;
            }
        }
        Ok(address)
    }

    /// The text, if known, of a field that must be present.
    fn require(&self, name: &str, by: &str, what: &str) -> Result<Option<&str>> {
        ensure!(
            self.get(name).is_some(),
            "{name}: is required with {by}, write the PEM of the {what}"
        );
        Ok(self.text(name).map(|text| text.text.as_str()))
    }

    /// The bytes of connection.json.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = Vec::new();
        let fields = self.0.iter().map(|(name, value)| (name, value));
        serde_json::Serializer::new(&mut json).collect_map(fields)?;
        Ok(json)
    }
}
