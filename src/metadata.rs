//! metadata.json: `{"type": "...", "label": "...", "path": "..."}`, which names a chaincode package.
//!
//! The rules are those of Fabric's `core/chaincode/persistence/chaincode_package.go`.

use std::fmt;

use anyhow::{Result, anyhow, bail, ensure};

use crate::dir::Dir;
use crate::json::{Kind, Object};
use crate::log;

/// The file's name, in the package and in `CHAINCODE_METADATA_DIR`.
pub const FILE: &str = "metadata.json";

/// What this program needs of a package's metadata.json.
#[derive(Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The type, in the letter case that was used.
    pub package_type: String,
    /// The label as written, where it is a string; [`Label::parse`] checks it.
    pub label: Option<String>,
}

impl Metadata {
    /// Reads the file in `dir`, and gives its bytes too.
    ///
    /// # Errors
    /// When it is missing, cannot be read, is not a JSON object or has no string `type`.
    pub fn read(dir: &Dir) -> Result<(Self, Vec<u8>)> {
        let content = dir.read_needed(FILE)?;
        let metadata = Self::parse(&content).map_err(|error| anyhow!("{FILE}: {error}"))?;
        Ok((metadata, content))
    }

    /// Reads the content of a metadata.json.
    ///
    /// # Errors
    /// When it is not a JSON object or has no string `type`.
    pub fn parse(content: &[u8]) -> Result<Self> {
        let object = Object::parse(content)?;
        let Some(package_type) = object.string("type")? else {
            bail!(r#"type: is missing, write "type": "ccaas""#);
        };
        // Whether the label is right is the peer's question, which it asks before it calls us.
        let label = object
            .field("label")
            .filter(|value| Kind::of(value) == Kind::String)
            .last();
        let label = label.map(crate::json::string).transpose()?.flatten();
        Ok(Self {
            package_type,
            label,
        })
    }

    /// Whether this builder takes packages of this type: `ccaas` (Fabric's builder) or `external` (the older one), in any
    /// letter case.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        // As Go's strings.ToLower: the Kelvin sign's lower case is an ASCII letter, but no type that we claim has a k.
        ["ccaas", "external"]
            .iter()
            .any(|ours| self.package_type.eq_ignore_ascii_case(ours))
    }

    /// As [`Metadata::is_ours`], for callers that cannot go on without.
    ///
    /// # Errors
    /// When the type is another one.
    pub fn must_be_ours(&self) -> Result<()> {
        if self.is_ours() {
            return Ok(());
        }
        bail!(
            r#"{FILE}: type: {} is for another builder, write "ccaas" or "external""#,
            log::quoted(&self.package_type)
        )
    }

    /// The label as it shows in messages.
    #[must_use]
    pub fn label_shown(&self) -> &str {
        self.label.as_deref().unwrap_or("package without a label")
    }
}

/// A package's label: a letter or digit of ASCII, then those or `.`, `+`, `-`, `_`.
#[derive(Debug, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// The longest label: the peer unpacks a package in `fabric-LABEL-HASH` with up to ten digits after it, and file systems
    /// allow names of 255 bytes.
    const MAX: usize = 255 - "fabric-".len() - "-".len() - 64 - 10;

    /// The label in the content of a metadata.json, which is checked as a peer does at install, before it calls a builder.
    ///
    /// # Errors
    /// When the label is missing or one that Fabric refuses, or the peer could not read the file.
    pub fn parse(content: &[u8]) -> Result<Self> {
        Self::parse_object(content).map_err(|error| anyhow!("{FILE}: {error:#}"))
    }

    fn parse_object(content: &[u8]) -> Result<Self> {
        let object = Object::parse(content)?;
        for field in ["type", "path"] {
            object.string(field)?;
        }
        let Some(label) = object.string("label")? else {
            bail!(r#"label: is missing, write for example "label": "basic_1.0""#);
        };
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        ensure!(
            label.bytes().all(is_inner)
                && label.starts_with(|first: char| first.is_ascii_alphanumeric()),
            "label: {} is refused by Fabric, begin with a letter or digit and go on with those or . + - _",
            log::quoted(&label)
        );
        ensure!(
            label.len() <= Self::MAX,
            "label: has {} bytes, a peer can install {}",
            label.len(),
            Self::MAX
        );
        Ok(Self(label))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_type(package_type: &str) -> Metadata {
        Metadata {
            package_type: package_type.into(),
            label: None,
        }
    }

    #[test]
    fn claims_both_types_in_any_letter_case() {
        for ours in ["ccaas", "CCAAS", "CcaaS", "external", "External"] {
            assert!(of_type(ours).is_ours(), "{ours}");
        }
        for foreign in ["", "golang", "ccaas ", "ccaa", "externals"] {
            assert!(!of_type(foreign).is_ours(), "{foreign}");
        }
    }

    fn label(label: &str) -> Result<String, String> {
        let content = format!(r#"{{"type":"ccaas","label":{label}}}"#);
        let label = Label::parse(content.as_bytes());
        label
            .map(|label| label.to_string())
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn labels_are_fabrics() {
        for good in ["a", "0", "basic_1.0", "A+b-c_d.e", &"a".repeat(173)] {
            assert_eq!(label(&format!("{good:?}")).unwrap(), good);
        }
        for bad in ["", ".a", "_a", "-a", "a b", "a/b", "a:b", "é", "aé", "a\n"] {
            let reason = label(&format!("{bad:?}")).unwrap_err();
            assert!(reason.contains("is refused by Fabric"), "{reason}");
        }
        assert_eq!(
            label(&format!("{:?}", "a".repeat(174))).unwrap_err(),
            "metadata.json: label: has 174 bytes, a peer can install 173"
        );
    }

    #[test]
    fn refuses_what_the_peer_cannot_read() {
        for (content, line) in [
            (
                "{}",
                r#"label: is missing, write for example "label": "basic_1.0""#,
            ),
            (
                r#"{"label":null}"#,
                r#"label: is missing, write for example "label": "basic_1.0""#,
            ),
            (r#"{"label":1}"#, "label: is a number, a string is needed"),
            (
                r#"{"label":1,"label":"a"}"#,
                "label: is a number, a string is needed",
            ),
            (
                r#"{"label":"a","path":[]}"#,
                "path: is an array, a string is needed",
            ),
            (
                r#"{"label":"a","Type":{}}"#,
                "type: is an object, a string is needed",
            ),
            ("[]", "is an array, a JSON object is needed"),
        ] {
            let reason = Label::parse(content.as_bytes()).unwrap_err();
            assert_eq!(format!("{reason:#}"), format!("metadata.json: {line}"));
        }
    }
}
