//! The options that say what is in a package, for `init`, and for `package` without a source
//! folder.

use std::ffi::OsString;

use lexopt::ValueExt;

use super::arguments::path;
use crate::error::{Result, refused, usage};
use crate::files::read_pem;
use crate::formats::tls;
use crate::formats::written::Written;

/// What one option declares.
#[derive(Clone, Copy)]
pub enum Declared {
    Label,
    Type,
    /// This field of connection.json.
    Text(&'static str),
    /// The file with this field of connection.json.
    File(&'static str),
}

impl Declared {
    /// What the option `--NAME` declares, if it is one of these.
    pub fn by(name: &str) -> Option<Self> {
        Some(match name {
            "label" => Self::Label,
            "type" => Self::Type,
            "address" => Self::Text("address"),
            "dial-timeout" => Self::Text("dial_timeout"),
            "domain" => Self::Text("domain"),
            "root-cert" => Self::File("root_cert"),
            "client-cert" => Self::File("client_cert"),
            "client-key" => Self::File("client_key"),
            _ => return None,
        })
    }

    /// Adds the option's value to what is `written`.
    pub fn add(self, value: OsString, written: &mut Written) -> Result<()> {
        match self {
            Self::Label => written.label = Some(value.string()?),
            Self::Type => written.package_type = Some(value.string()?),
            Self::Text(field) => _ = written.connection.insert(field, value.string()?),
            Self::File(field) => {
                let file = path(value)?;
                if file.is_dir() {
                    let (option, file) = (field.replace('_', "-"), file.display());
                    return usage(format!("--{option}: {file} is a folder, give a file"));
                }
                let text = read_pem(&file)?;
                if field == "root_cert" && tls::holds_private_key(text.as_bytes()) {
                    let file = file.display();
                    return refused(format!(
                        "--root-cert: {file} holds a private key, give a file with certificates only"
                    ));
                }
                written.connection.insert(field, text);
            }
        }
        Ok(())
    }
}

/// Refuses a command line on which an option is missing.
pub fn require_all(written: &Written) -> Result<()> {
    let has = |field| written.connection.contains_key(field);
    let (has_cert, has_key) = (has("client_cert"), has("client_key"));
    for (is_missing, missing) in [
        (written.label.is_none(), "--label"),
        (!has("address"), "--address"),
        (has_key && !has_cert, "--client-cert"),
        (has_cert && !has_key, "--client-key"),
        (has_key && !has("root_cert"), "--root-cert"),
    ] {
        if is_missing {
            return usage(format!("missing option {missing}"));
        }
    }
    Ok(())
}
