//! The options that say what is in a package, for `init`, and for `package` without a source
//! folder.

use std::ffi::OsString;
use std::path::Path;

use lexopt::ValueExt;

use super::arguments::path;
use crate::error::{Result, refused, usage};
use crate::files::read_pem;
use crate::formats::tls;
use crate::formats::written::Written;

const NAMES: [&str; 8] = [
    "label",
    "type",
    "address",
    "dial_timeout",
    "domain",
    "root_cert",
    "client_cert",
    "client_key",
];

/// What the option `--NAME` declares, if it is one of these.
pub fn by(name: &str) -> Option<&'static str> {
    NAMES
        .into_iter()
        .find(|declared| declared.replace('_', "-") == name)
}

pub fn add(declared: &'static str, value: OsString, written: &mut Written) -> Result<()> {
    let text = match declared {
        "label" => {
            written.label = Some(value.string()?);
            return Ok(());
        }
        "type" => {
            written.package_type = Some(value.string()?);
            return Ok(());
        }
        "root_cert" | "client_cert" | "client_key" => read(declared, &path(value)?)?,
        _ => value.string()?,
    };
    written.connection.insert(declared, text);
    Ok(())
}

/// Reads the file with this field of connection.json.
fn read(field: &str, file: &Path) -> Result<String> {
    let (option, shown) = (field.replace('_', "-"), file.display());
    if file.is_dir() {
        return usage(format!("--{option}: {shown} is a folder; give a file"));
    }
    let text = read_pem(file)?;
    if field == "root_cert" && tls::holds_private_key(text.as_bytes()) {
        return refused(format!(
            "--root-cert: {shown} holds a private key; give a file with certificates only"
        ));
    }
    Ok(text)
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
