//! The arguments that several commands have: paths, texts and the config.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Result, failed, refused, usage};
use crate::files::{Dir, read_small};
use crate::formats::template::{Config, VARIABLE};
use crate::layout::{CODE, CONNECTION, METADATA};
use crate::text::is_unsafe;

/// A path from the command line. An empty one usually comes from an unset shell variable.
pub fn path(value: OsString) -> Result<PathBuf> {
    if value.is_empty() {
        return usage("an argument is empty; a path is needed");
    }
    Ok(value.into())
}

pub fn needed<T>(value: Option<T>, name: &str) -> Result<T> {
    value.map_or_else(|| usage(format!("missing argument {name}")), Ok)
}

/// A text that is safe in a configuration and a log.
pub fn text(what: &str, value: OsString) -> Result<String> {
    let fault = match value.into_string() {
        Ok(text) if text.is_empty() => "is empty",
        Ok(text) if text.chars().any(is_unsafe) => "contains a control character",
        Ok(text) => return Ok(text),
        Err(_) => "is not UTF-8",
    };
    usage(format!("{what}: {fault}"))
}

/// The values for templates: from `--config`, or else from the environment.
pub fn config(option: Option<OsString>) -> Result<Option<OsString>> {
    match option {
        Some(value) => values(&value).map(Some),
        None => Ok(env::var_os(VARIABLE)),
    }
}

/// The config in the value of `--config`.
fn values(value: &OsStr) -> Result<OsString> {
    let Some(text) = value.to_str() else {
        return usage("--config: is not UTF-8");
    };
    let config = match text.strip_prefix('@') {
        Some(path) => read(path).or_else(|error| usage(format!("--config: {error}")))?,
        None => text.to_owned(),
    };
    let Err(error) = Config::parse(&config) else {
        return Ok(config.into());
    };
    let hint = if text.starts_with('@') {
        format!("{text} {error}")
    } else if Path::new(value).is_file() {
        format!("{text} is a file; write --config @{text}")
    } else if text.starts_with('{') && text.contains(':') && !text.contains(['"', '\'', '“', '”'])
    {
        "has no quotes left; put single quotes around it: '{\"peername\": \"org1peer1\"}'"
            .to_owned()
    } else {
        error.to_string()
    };
    usage(format!("--config: {hint}"))
}

/// The option `--config` with these keys, whose values are to be completed.
pub fn config_option(keys: &BTreeSet<String>) -> String {
    let config = example(keys.iter().map(String::as_str));
    format!("--config '{}'", config.replace('\'', r"'\''"))
}

/// A config with these keys, to be completed.
fn example<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for key in keys {
        let (name, inner) = key.split_once('.').unwrap_or((key, ""));
        let member = members.entry(name).or_default();
        member.extend(Some(inner).filter(|inner| !inner.is_empty()));
    }
    let members = members.into_iter().map(|(name, inner)| {
        let value = if inner.is_empty() {
            "\"...\"".to_owned()
        } else {
            example(inner.into_iter())
        };
        format!("{}: {value}", json!(name))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
}

fn read(path: &str) -> Result<String> {
    let content = read_small(Path::new(path))?;
    String::from_utf8(content).or_else(|_| refused(format!("{path}: is not UTF-8")))
}

/// Opens a folder that the user named for `verify`.
pub fn folder(path: &Path) -> Result<Dir> {
    if path.is_file() {
        return failed(format!(
            "{}: is a file; use check for a package, or give --packages its folder",
            path.display()
        ));
    }
    Ok(Dir::open(path)?.with_hard_links())
}

pub fn source_folder(path: &Path) -> Result<Dir> {
    let dir = Dir::open(path)?.with_hard_links();
    if dir.look_up(CONNECTION)?.is_some() {
        return Ok(dir);
    }
    if dir.look_up(CODE)?.is_some() {
        return refused(format!(
            "{CODE}: is already packed; give the package file that it and {METADATA} are in, or \
             the folder that it was made from, with {METADATA} beside {CONNECTION}"
        ));
    }
    // Others have nearly the right name.
    let is_meant = |name: &str| name.starts_with("meta") || name.starts_with("conn");
    let mut entries = dir.list()?.into_iter();
    if !entries.any(|entry| is_meant(&entry.name.to_ascii_lowercase())) {
        return refused(format!(
            "{}: has neither {METADATA} nor {CONNECTION}; give the folder that has them, or make them with init",
            path.display()
        ));
    }
    Ok(dir)
}
