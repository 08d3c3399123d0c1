//! metadata.json and connection.json from what an author declares: the bytes that the Nix function
//! `mkChaincodePackage` writes. They are compact JSON with sorted keys, and a line feed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Default)]
pub struct Written {
    pub label: Option<String>,
    pub package_type: Option<String>,
    pub connection: BTreeMap<&'static str, String>,
}

impl Written {
    pub fn metadata(&self) -> Vec<u8> {
        let package_type = self.package_type.as_deref().unwrap_or("ccaas");
        line(&json!({"label": self.label, "type": package_type}))
    }

    /// The bytes of connection.json. TLS is required if there is a `root_cert`, and client
    /// authentication if there is a `client_key`.
    pub fn connection(&self) -> Vec<u8> {
        let mut fields = json!(self.connection);
        for (needed, by) in [
            ("tls_required", "root_cert"),
            ("client_auth_required", "client_key"),
        ] {
            if self.connection.contains_key(by) {
                fields[needed] = json!(true);
            }
        }
        line(&fields)
    }
}

fn line(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_true_only_where_they_are_needed() {
        let mut written = Written {
            label: Some("basic_1.0".to_owned()),
            ..Written::default()
        };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(written.metadata()),
            "{\"label\":\"basic_1.0\",\"type\":\"ccaas\"}\n"
        );
        for (name, json) in [
            ("domain", r#"{"domain":"\n"}"#),
            ("address", r#"{"address":"\n","domain":"\n"}"#),
            (
                "root_cert",
                r#"{"address":"\n","domain":"\n","root_cert":"\n","tls_required":true}"#,
            ),
            (
                "client_key",
                r#"{"address":"\n","client_auth_required":true,"client_key":"\n","domain":"\n","root_cert":"\n","tls_required":true}"#,
            ),
        ] {
            written.connection.insert(name, "\n".to_owned());
            assert_eq!(text(written.connection()), format!("{json}\n"));
        }
    }
}
