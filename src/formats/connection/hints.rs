//! Common mistakes: a connection.json in another place or of another kind, and its fields.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::super::json::{Object, folded};
use super::{FIELDS, field_names};
use crate::files::{Dir, Entry};
use crate::findings::Finding;
use crate::layout::{CONNECTION, META_INF};
use crate::text::{nearest, plural, quoted};

/// Other names that people use for a field, apart from typos.
const ALIASES: [(&str, &str); 9] = [
    ("host", "address"),
    ("url", "address"),
    ("timeout", "dial_timeout"),
    ("tls", "tls_required"),
    ("tls_enabled", "tls_required"),
    ("client_auth", "client_auth_required"),
    ("ca_cert", "root_cert"),
    ("key_path", "client_key"),
    ("cert_path", "client_cert"),
];

/// Why connection.json is not in `dir`, if it is further down.
pub fn elsewhere(dir: &Dir) -> Option<String> {
    let mut places = Vec::new();
    // The file is missing anyway, so it does not matter if the search ends early.
    let _ = dir.walk_all(|dir, files| {
        let is_named = |file: &&Entry| file.name.eq_ignore_ascii_case(CONNECTION);
        let found = files.iter().filter(is_named);
        let found = found.map(|file| dir.relative(&file.name));
        places.extend(found.filter(|path| path.contains('/')));
        Ok(())
    });
    let found = match &places[..] {
        [] => return None,
        [one] => format!("{one} is there: move it"),
        [first, rest @ ..] => {
            let others = plural(rest.len(), "other", "others");
            format!(
                "{first} and {others} are there: move one, with templates for what differs between peers,"
            )
        }
    };
    Some(format!(
        "{CONNECTION} not found, but {found} to the top, beside {META_INF}"
    ))
}

/// Refuses another kind of file that is named connection.json.
pub fn ensure_kind(object: &Object) -> Result<()> {
    let has = |name| object.field(name).next().is_some();
    let what = if has("organizations") || has("peers") {
        "an SDK's connection profile, which is for applications"
    } else if has("type") && has("label") {
        "a metadata.json"
    } else {
        return Ok(());
    };
    ensure!(
        has("address"),
        r#"is {what}; write where the chaincode server is, {{"address": "basic.example.com:9999"}}"#
    );
    Ok(())
}

/// What to do if there is an unknown field by which the author probably meant `name`, which is not
/// there.
pub fn misnamed(object: &Object, name: &str) -> Option<String> {
    let mut keys = object.members().iter().map(|(key, _)| key.as_str());
    let found = keys.find(|key| folded(key) != name && meant(&folded(key)) == Some(name))?;
    if found == "host" && object.field("port").next().is_some() {
        return Some(r#"write "address": "HOST:PORT" instead of host and port"#.to_owned());
    }
    Some(format!("rename {} to it", quoted(found)))
}

/// A warning for each field that the peer does not know.
pub fn unknown_fields(object: &Object) -> impl Iterator<Item = Finding> {
    let names = FIELDS.map(|(name, _)| name);
    let keys = object.members().iter().map(|(key, _)| key);
    let mut seen = BTreeSet::new();
    let unknown =
        keys.filter(move |key| !names.contains(&folded(key).as_str()) && seen.insert(*key));
    unknown.map(move |key| {
        let hint = match meant(&folded(key)) {
            Some(name) => format!(r#"did you mean "{name}"?"#),
            None => format!("it knows {}", names.join(", ")),
        };
        let key = quoted(key);
        let text = format!("{key}: is not a field that the peer knows, and is left out; {hint}");
        Finding::at(CONNECTION, text)
    })
}

/// The field that the author of an unknown field probably meant.
fn meant(key: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == key);
    alias
        .map(|&(_, name)| name)
        .or_else(|| nearest(key, &mut field_names()))
}

/// A warning for each field that the peer ignores because of another one.
pub fn ignored_fields(object: &Object) -> Vec<Finding> {
    const CLIENT_AUTH: &str = "client_auth_required";
    let is = |name: &str| object.boolean(name).map(|value| value == Some(true));
    let (Ok(has_tls), Ok(has_client)) = (is("tls_required"), is(CLIENT_AUTH)) else {
        // That is a fault already.
        return Vec::new();
    };
    let names = [
        CLIENT_AUTH,
        "domain",
        "client_key",
        "client_cert",
        "root_cert",
    ];
    let ignored = names.into_iter().filter_map(|name| {
        let by = match name {
            _ if !has_tls => "tls_required",
            "domain" | "client_key" | "client_cert" if !has_client => CLIENT_AUTH,
            _ => return None,
        };
        let text = object.string(name);
        let is_set = match text {
            Ok(text) => text.is_some_and(|text| !text.is_empty()),
            Err(_) => name == "domain" || name == CLIENT_AUTH && has_client,
        };
        let text = format_args!("{name}: is ignored by the peer unless {by} is true");
        is_set.then(|| Finding::at(CONNECTION, text))
    });
    ignored.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_field_only_for_a_near_typo_or_a_known_alias() {
        for (key, field) in [
            ("adress", Some("address")),
            ("addres", Some("address")),
            ("rootcert", Some("root_cert")),
            ("root_certs", Some("root_cert")),
            ("dial-timeout", Some("dial_timeout")),
            ("timeout", Some("dial_timeout")),
            ("tls", Some("tls_required")),
            ("host", Some("address")),
            ("key_path", Some("client_key")),
            ("transport_protocol", None),
            ("port", None),
            ("name", None),
            ("root", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(key), field, "{key}");
        }
    }
}
