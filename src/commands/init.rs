//! `init`: writes a source folder for a package to start from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{self, Path};

use lexopt::{Arg, Parser, ValueExt};
use serde_json::{Value, json};

use super::arguments::{config_option, needed, path};
use super::declared;
use crate::error::{Cannot, Error, Outcome, Refuse, Result, failed, refused, usage};
use crate::files::NewFile;
use crate::findings::Faults;
use crate::formats::connection::{Draft, field_names};
use crate::formats::judge::is_collection;
use crate::formats::metadata::Metadata;
use crate::formats::written::Written;
use crate::layout::{CONNECTION, META_INF, METADATA, PROGRAM, PUBLIC, SECRET, STATEDB};
use crate::log;
use crate::text::{escaped_line, quoted};

pub const HELP: &str = "\
Usage: fabric-ccs-builder init [OPTION...] DIR

Writes a source folder for a package to start from: metadata.json,
connection.json and an index definition. DIR may already exist; nothing in it
is overwritten.

  --address HOST:PORT  where a peer reaches the chaincode server; may contain
                       templates, as in '{{.peername}}-basic:9999'
  --collections NAME   adds an index definition of the private data collection
                       NAME; can be repeated
  --label LABEL        the label, instead of the name of DIR followed by _1.0
  --type TYPE          the type, if it is not ccaas
  --dial-timeout TIME  how long the peer tries to dial, instead of 10s
  --domain NAME        the name in the server's certificate, if it differs
  --tls                the peer uses TLS, and its config has the certificate
  --root-cert FILE     the peer uses TLS, and trusts the certificates in FILE
  --client-cert FILE   the peer shows the certificate in FILE
  --client-key FILE    its private key, which goes into the package unless FILE
                       holds only {{.client_key}}

The files are PEM. If connection.json has a private key, only you can read it.

Exit status: 0 done, 1 a file or name is refused, 2 not possible; one line says
why, and nothing is written.

Example: fabric-ccs-builder init --root-cert ca.pem basic
";

const INDEX: &[u8] = include_bytes!("../sample/META-INF/statedb/couchdb/indexes/indexOwner.json");
const OF_COLLECTION: &[u8] = include_bytes!(
    "../sample/META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
);

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut dir, mut tls, mut collections) = (None, false, BTreeSet::new());
    let mut written = Written::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("collections") => _ = collections.insert(parser.value()?.string()?),
            Arg::Long("tls") => tls = true,
            Arg::Long(name) => match declared::by(name) {
                Some(declared) => declared::add(declared, parser.value()?, &mut written)?,
                None => return Err(Error::of(arg)),
            },
            Arg::Value(value) if dir.is_none() => dir = Some(path(value)?),
            _ => return Err(Error::of(arg)),
        }
    }
    let dir = needed(dir, "DIR")?;
    let has = |field| written.connection.contains_key(field);
    if has("client_cert") != has("client_key") {
        return usage("--client-cert and --client-key belong together; give both");
    }
    let address = if has("address") {
        String::new()
    } else {
        let dir = dir.display();
        format!("write the chaincode server's address in {dir}/{CONNECTION}, ")
    };
    let (files, keys) = files(&dir, written, tls, &collections)?;
    write(&dir, &files)?;
    let mut lines = String::new();
    for (path, ..) in &files {
        lines += &escaped_line(&format!("wrote    {}", dir.join(path).display()));
    }
    let dir = dir.display();
    let config = if keys.is_empty() {
        String::new()
    } else {
        config_option(&keys) + " "
    };
    lines += &escaped_line(&format!(
        "next     {address}edit or delete the index definitions, then run {PROGRAM} check {config}{dir}"
    ));
    log::print(&lines)?;
    Ok(Outcome::Yes)
}

/// A file to write: its path in the folder, its mode and its content.
type NewContent = (String, u32, Vec<u8>);

/// The files to write, which `check` accepts, and the keys of the config that it then needs.
fn files(
    dir: &Path,
    written: Written,
    tls: bool,
    collections: &BTreeSet<String>,
) -> Result<(Vec<NewContent>, BTreeSet<String>)> {
    let metadata = metadata(dir, &written)?;
    let (mode, connection, keys) = connection(written.connection, tls)?;
    let root = format!("{META_INF}/{STATEDB}/couchdb");
    let index = format!("{root}/indexes/indexOwner.json");
    let mut files = vec![
        (METADATA.to_owned(), PUBLIC, metadata),
        (CONNECTION.to_owned(), mode, connection),
        (index, PUBLIC, INDEX.to_vec()),
    ];
    for name in collections {
        if !is_collection(name) {
            let name = quoted(name);
            return refused(format!(
                "--collections: {name} is not a collection name; use letters, digits, _ and -"
            ));
        }
        let path = format!("{root}/collections/{name}/indexes/indexAppraisedValue.json");
        files.push((path, PUBLIC, OF_COLLECTION.to_vec()));
    }
    Ok((files, keys))
}

/// The content of metadata.json, with a label after the folder's name if none was given.
fn metadata(dir: &Path, written: &Written) -> Result<Vec<u8>> {
    let label = if let Some(label) = &written.label {
        label.clone()
    } else {
        let dir = path::absolute(dir).cannot("open", dir)?;
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        format!("{name}_1.0")
    };
    let package_type = written.package_type.as_deref().unwrap_or("ccaas");
    let content = object([("type", json!(package_type)), ("label", json!(label))]);
    let metadata = Metadata::parse(&content).refuse(METADATA)?;
    metadata
        .refuse_foreign()
        .map_err(|error| error.at("--type"))?;
    metadata.label().map_err(|error| error.at("--label"))?;
    Ok(content)
}

/// The mode and the content of connection.json with the `given` fields, and what else it needs, and
/// the keys of the config that its templates look up.
fn connection(
    mut given: BTreeMap<&'static str, String>,
    tls: bool,
) -> Result<(u32, Vec<u8>, BTreeSet<String>)> {
    let has_client = given.contains_key("client_key");
    let has_tls = tls || has_client || given.contains_key("root_cert");
    for (field, text, is_needed) in [
        ("address", "basic.example.com:9999", true),
        ("dial_timeout", "10s", true),
        ("root_cert", "{{.root_cert}}", has_tls),
    ] {
        if is_needed {
            given.entry(field).or_insert_with(|| text.to_owned());
        }
    }
    let value = |name| match name {
        "tls_required" => Some(json!(has_tls)),
        "client_auth_required" => has_client.then_some(json!(true)),
        _ => given.get(name).map(|text| json!(text)),
    };
    let content = object(field_names().filter_map(|name| Some((name, value(name)?))));
    let (draft, _) = Draft::parse(&content).refuse(CONNECTION)?;
    Faults::first(|faults| Ok(draft.review_branches(faults))).refuse(CONNECTION)?;
    let mode = if has_client { SECRET } else { PUBLIC };
    Ok((mode, content, draft.keys()))
}

/// A JSON object with a member on each line.
fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Vec<u8> {
    let member = |(name, value)| format!("  \"{name}\": {value}");
    let members: Vec<String> = members.into_iter().map(member).collect();
    format!("{{\n{}\n}}\n", members.join(",\n")).into_bytes()
}

/// Writes all files, or none but folders.
fn write(dir: &Path, files: &[NewContent]) -> Result<()> {
    for (path, ..) in files {
        let path = dir.join(path);
        match fs::symlink_metadata(&path) {
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            found => {
                found.cannot("create", &path)?;
                return failed(format!(
                    "{}: already exists and is left alone",
                    path.display()
                ));
            }
        }
    }
    let mut begun = Vec::new();
    for (path, mode, content) in files {
        let path = dir.join(path);
        let parent = path.parent().unwrap_or(dir);
        fs::create_dir_all(parent).cannot("create", parent)?;
        let mut file = NewFile::create(&path, *mode)?;
        file.write_all(content)?;
        begun.push(file);
    }
    // All are on disk before the first has its name.
    begun.iter_mut().try_for_each(NewFile::close)?;
    begun.into_iter().try_for_each(NewFile::commit)
}
