//! The values of connection.json's fields once templates are filled in, and the peer's rules for
//! them.

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::address::{self, Address};
use super::dial_timeout::DialTimeout;
use super::tls;

/// The value of a field.
pub enum Value {
    Text {
        text: String,
        /// How a message may name it: what the package has, never what the config filled in.
        shown: String,
    },
    Timeout(DialTimeout),
    Boolean(bool),
    /// It has a template, and there is no config to fill it in.
    Unknown,
}

/// The values of the fields that are there, in the order in which they are written.
#[derive(Default)]
pub struct Values(Vec<(&'static str, Value)>);

impl Values {
    /// Adds the value of the next field.
    pub fn add(&mut self, name: &'static str, value: Value) {
        self.0.push((name, value));
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(found, _)| *found == name);
        found.map(|(_, value)| value)
    }

    /// Whether a field is there and true.
    pub fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Boolean(true)))
    }

    /// The text of a field, where it is known.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text { text, .. }) => Some(text),
            _ => None,
        }
    }

    /// Checks everything that is known by the peer's rules, and gives the address, where it is
    /// known. A message begins with the field's name.
    pub fn check(&self) -> Result<Option<Address>> {
        let address = match self.get("address") {
            None => bail!(
                r#"address: is missing or null, write for example "address": "basic.example.com:9999""#
            ),
            Some(Value::Text { text, shown }) => {
                let address = Address::parse(text);
                Some(address.map_err(|error| anyhow!("address: {shown} {error}"))?)
            }
            Some(_) => None,
        };
        if self.is("tls_required") {
            self.require("root_cert", "tls_required", "CA certificate")?;
            let root_cert = self.text("root_cert").map(tls::check_root_certificates);
            root_cert.transpose().context("root_cert")?;
            if self.is("client_auth_required") {
                self.check_domain()?;
                self.require("client_key", "client_auth_required", "private key")?;
                self.require("client_cert", "client_auth_required", "certificate")?;
                tls::check_key_pair(self.text("client_cert"), self.text("client_key"))?;
            }
        }
        Ok(address)
    }

    fn require(&self, name: &str, by: &str, what: &str) -> Result<()> {
        ensure!(
            self.get(name).is_some(),
            "{name}: is required with {by}, write the PEM of the {what}"
        );
        Ok(())
    }

    /// Checks the server's name.
    fn check_domain(&self) -> Result<()> {
        if let Some(Value::Text { text, shown }) = self.get("domain") {
            ensure!(
                text.is_empty() || address::is_server_name(text),
                "domain: {shown} is no name that a certificate can have, write for example basic.example.com"
            );
        }
        Ok(())
    }

    /// The bytes of connection.json.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|_| anyhow!("cannot be written as JSON"))
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.0 {
            match value {
                Value::Text { text, .. } => map.serialize_entry(name, text)?,
                Value::Timeout(timeout) => map.serialize_entry(name, timeout)?,
                Value::Boolean(value) => map.serialize_entry(name, value)?,
                Value::Unknown => {}
            }
        }
        map.end()
    }
}
