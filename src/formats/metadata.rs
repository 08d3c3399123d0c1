//! metadata.json names a chaincode package: `{"type": "...", "label": "...", "path": "..."}`.
//!
//! The rules are those of Fabric's `core/chaincode/persistence/chaincode_package.go`.

use std::fmt;

use anyhow::{Context, Result, ensure};

use super::json::Object;
use crate::error::{self, Error, Refuse};
use crate::files::Dir;
use crate::findings::{Faults, Finding};
use crate::layout::{MAX_LABEL, METADATA};
use crate::text::quoted;

/// A package's metadata.json.
#[derive(Debug)]
pub struct Metadata {
    /// The type, in its original letter case.
    pub package_type: String,
    /// The label, or why a peer refuses the package at install, before it calls a builder.
    label: Result<Label>,
}

impl Metadata {
    /// Reads the file in `dir`, and also returns its content.
    pub(crate) fn read(dir: &Dir) -> error::Result<(Self, Vec<u8>)> {
        let content = dir.read_needed(METADATA)?;
        Ok((Self::parse(&content).refuse(METADATA)?, content))
    }

    /// Parses the content of a metadata.json.
    pub fn parse(content: &[u8]) -> Result<Self> {
        Self::of(&Object::parse(content)?)
    }

    /// Like [`Metadata::parse`], but adds every fault of a package that should be ours, including
    /// those of the label.
    pub(crate) fn collect(content: &[u8], faults: &mut Faults) -> Option<Self> {
        let object = faults.take(Object::parse(content))?;
        let metadata = faults.take(Self::of(&object));
        faults.take(metadata.as_ref().map_or(Ok(()), Self::check_type));
        faults.take(object.string("path"));
        faults.take(Label::of(&object));
        metadata
    }

    pub(crate) fn warnings(content: &[u8]) -> Vec<Finding> {
        let names = ["type", "label", "path"].into_iter();
        Object::parse(content)
            .map_or_else(|_| Vec::new(), |object| object.repeated(METADATA, names))
    }

    fn of(object: &Object) -> Result<Self> {
        let package_type = object.string("type")?;
        Ok(Self {
            package_type: package_type.context(r#"type: is missing; write "type": "ccaas""#)?,
            // The peer parses the whole file then, so a wrong path counts too.
            label: object.string("path").and_then(|_| Label::of(object)),
        })
    }

    /// Whether this builder accepts packages of this type: `ccaas` (Fabric's builder) or `external`
    /// (the older one), in any letter case.
    pub fn is_ours(&self) -> bool {
        // Same as Go's strings.ToLower: outside ASCII, only U+212A (the Kelvin sign) and U+0130
        // become ASCII letters, k and i, and neither of our types has one of these.
        matches!(
            &*self.package_type.to_ascii_lowercase(),
            "ccaas" | "external"
        )
    }

    /// Whether the peer itself builds packages of this type, with Docker (Fabric's
    /// `core/container/dockercontroller`, which converts it to upper case).
    pub(crate) fn is_fabrics_own(&self) -> bool {
        let package_type = self.package_type.to_ascii_lowercase();
        matches!(&*package_type, "golang" | "node" | "java" | "car")
    }

    pub(crate) fn refuse_foreign(&self) -> error::Result<()> {
        self.check_type().refuse(METADATA)
    }

    fn check_type(&self) -> Result<()> {
        let is_empty = self.package_type.is_empty();
        ensure!(!is_empty, r#"type: is empty; write "ccaas""#);
        ensure!(
            self.is_ours(),
            r#"type: {} is for another builder; write "ccaas" or "external""#,
            quoted(&self.package_type)
        );
        Ok(())
    }

    /// The label, if a peer would install a package with it.
    pub fn label(&self) -> error::Result<&Label> {
        let label = self.label.as_ref();
        label.map_err(|error| Error::Refused(format!("{METADATA}: {error:#}")))
    }

    /// The label for the log, or [`NO_LABEL`] if a peer would refuse it: it was checked at install.
    pub(crate) fn label_for_log(&self) -> &str {
        let label = self.label.as_ref();
        label.map_or(NO_LABEL, |label| &label.0)
    }
}

/// What stands for the label in the log if there is none.
pub const NO_LABEL: &str = "package without a label";

/// A package's label: an ASCII letter or digit, followed by more of these or `.`, `+`, `-`, `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    fn of(object: &Object) -> Result<Self> {
        let label = object.string("label")?;
        let label =
            label.context(r#"label: is missing; write for example "label": "basic_1.0""#)?;
        Self::parse(label).context("label")
    }

    /// The error, why a peer does not install a package with this label, follows the word label.
    pub fn parse(label: String) -> Result<Self> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        ensure!(
            label.bytes().all(is_inner) && label.starts_with(|c: char| c.is_ascii_alphanumeric()),
            "{} is refused by Fabric; begin with a letter or digit and continue with those or . + - _",
            quoted(&label)
        );
        ensure!(
            label.len() <= MAX_LABEL,
            "has {} bytes, but a peer can install at most {MAX_LABEL}",
            label.len()
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
        Metadata::parse(format!(r#"{{"type":{package_type:?}}}"#).as_bytes()).unwrap()
    }

    /// The label in a metadata.json, or the message that refuses it.
    fn label_of(content: &str) -> Result<String, String> {
        let metadata = Metadata::parse(content.as_bytes()).refuse(METADATA);
        let label = metadata.and_then(|metadata| Ok(metadata.label()?.to_string()));
        label.map_err(|error| error.to_string())
    }

    #[test]
    fn claims_both_types_whatever_the_case() {
        for ours in ["ccaas", "CCAAS", "CcaaS", "external", "External"] {
            assert!(of_type(ours).is_ours(), "{ours}");
        }
        for foreign in ["", "golang", "ccaas ", "ccaa", "externals"] {
            assert!(!of_type(foreign).is_ours(), "{foreign}");
        }
    }

    fn label(label: &str) -> Result<String, String> {
        label_of(&format!(r#"{{"type":"ccaas","label":{label}}}"#))
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
            "metadata.json: label: has 174 bytes, but a peer can install at most 173"
        );
    }

    #[test]
    fn refuses_what_the_peer_cannot_read() {
        for (content, line) in [
            ("{}", r#"type: is missing; write "type": "ccaas""#),
            (
                r#"{"type":"a"}"#,
                r#"label: is missing; write for example "label": "basic_1.0""#,
            ),
            (
                r#"{"type":"a","label":null}"#,
                r#"label: is missing; write for example "label": "basic_1.0""#,
            ),
            (
                r#"{"type":"a","label":1}"#,
                "label: is a number, not a string",
            ),
            (
                r#"{"type":"a","label":1,"label":"a"}"#,
                "label: is a number, not a string",
            ),
            (
                r#"{"type":"a","label":"a","path":[]}"#,
                "path: is an array, not a string",
            ),
            (
                r#"{"label":"a","Type":{}}"#,
                "type: is an object, not a string",
            ),
            ("[]", "is an array, not a JSON object"),
        ] {
            assert_eq!(label_of(content), Err(format!("metadata.json: {line}")));
        }
    }
}
