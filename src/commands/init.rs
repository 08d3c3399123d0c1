//! `init`: writes a source folder for a package to start from.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{self, Path, PathBuf};

use lexopt::{Arg, Parser, ValueExt};
use serde_json::{Value, json};

use super::{Outcome, Stop};
use crate::error::{Cannot, Faults, Refuse, Result, failed, refused};
use crate::files::{NewFile, read_text};
use crate::formats::connection::Draft;
use crate::formats::metadata::Metadata;
use crate::formats::published::is_collection;
use crate::layout::{CONNECTION, META_INF, METADATA, PROGRAM, PUBLIC, SECRET, STATEDB};
use crate::log;
use crate::text::{escaped_line, quoted};

pub const HELP: &str = "\
Usage: fabric-ccs-builder init [OPTION...] DIR

Writes a source folder for a package to start from: metadata.json,
connection.json and an index definition. DIR may already exist; nothing in it
is overwritten.

  --address HOST:PORT  where a peer reaches the chaincode server; may contain
                       templates, as in '{{.peername}}_basic:9999'
  --collections NAME   adds an index definition for the private data collection
                       NAME; repeatable
  --label LABEL        the label, instead of the name of DIR followed by _1.0
  --tls                the peer uses TLS, and its config has the certificate
  --root-cert FILE     the peer uses TLS, and trusts the certificates in FILE
  --client-cert FILE   the peer shows the certificate in FILE
  --client-key FILE    its private key, which goes into the package

The files are PEM. If connection.json has a private key, only you can read it.

Exit status: 0 done, 1 a file or name is refused, 2 not possible; one line says
why, and nothing is written.

Example: fabric-ccs-builder init --root-cert ca.pem basic
";

const INDEX: &[u8] = include_bytes!("../sample/META-INF/statedb/couchdb/indexes/indexOwner.json");
const OF_COLLECTION: &[u8] = include_bytes!(
    "../sample/META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
);

#[derive(Default)]
struct Options {
    dir: PathBuf,
    address: Option<String>,
    collections: Vec<String>,
    label: Option<String>,
    tls: bool,
    root_cert: Option<PathBuf>,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
}

pub fn run(mut parser: Parser) -> super::Result<Outcome> {
    let mut options = Options::default();
    let mut dir = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("address") => options.address = Some(parser.value()?.string()?),
            Arg::Long("collections") => options.collections.push(parser.value()?.string()?),
            Arg::Long("label") => options.label = Some(parser.value()?.string()?),
            Arg::Long("tls") => options.tls = true,
            Arg::Long("root-cert") => options.root_cert = Some(super::path(parser.value()?)?),
            Arg::Long("client-cert") => options.client_cert = Some(super::path(parser.value()?)?),
            Arg::Long("client-key") => options.client_key = Some(super::path(parser.value()?)?),
            Arg::Value(value) if dir.is_none() => dir = Some(super::path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    options.dir = dir.ok_or_else(|| Stop::usage("missing argument DIR"))?;
    if options.client_cert.is_some() != options.client_key.is_some() {
        let message = "--client-cert and --client-key belong together, give both";
        return Err(Stop::usage(message));
    }
    let files = options.files()?;
    write(&options.dir, &files)?;
    let mut lines = String::new();
    for (path, ..) in &files {
        let path = options.dir.join(path);
        lines += &escaped_line(&format!("wrote    {}", path.display()));
    }
    let dir = options.dir.display();
    let address = match options.address {
        Some(_) => String::new(),
        None => format!("write the chaincode server's address in {dir}/{CONNECTION}, then "),
    };
    lines += &escaped_line(&format!("next     {address}run {PROGRAM} check {dir}"));
    log::print(&lines)?;
    Ok(Outcome::Yes)
}

/// A file to write: its path in the folder, its mode and its content.
type NewContent = (String, u32, Vec<u8>);

impl Options {
    /// The files to write, which `check` accepts.
    fn files(&self) -> Result<Vec<NewContent>> {
        let (mode, connection) = self.connection()?;
        let mut files = vec![
            (METADATA.to_owned(), PUBLIC, self.metadata()?),
            (CONNECTION.to_owned(), mode, connection),
        ];
        let root = format!("{META_INF}/{STATEDB}/couchdb");
        files.push((
            format!("{root}/indexes/indexOwner.json"),
            PUBLIC,
            INDEX.to_vec(),
        ));
        for name in &self.collections {
            if name.is_empty() || !is_collection(name) {
                let name = quoted(name);
                return refused(format!(
                    "--collections: {name} is not a collection name, use letters, digits, _ and -"
                ));
            }
            let path = format!("{root}/collections/{name}/indexes/indexAppraisedValue.json");
            files.push((path, PUBLIC, OF_COLLECTION.to_vec()));
        }
        Ok(files)
    }

    fn metadata(&self) -> Result<Vec<u8>> {
        let label = if let Some(label) = &self.label {
            label.clone()
        } else {
            let dir = path::absolute(&self.dir).cannot("open", &self.dir)?;
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            format!("{name}_1.0")
        };
        let content = object(&[("type", json!("ccaas")), ("label", json!(label))]);
        Metadata::parse(&content)
            .refuse(METADATA)?
            .label()
            .map_err(|error| error.at("--label"))?;
        Ok(content)
    }

    /// The mode and the content of connection.json.
    fn connection(&self) -> Result<(u32, Vec<u8>)> {
        let has_client = self.client_cert.is_some();
        let has_tls = self.tls || has_client || self.root_cert.is_some();
        let address = self.address.as_deref().unwrap_or("basic.example.com:9999");
        let mut fields = vec![
            ("address", json!(address)),
            ("dial_timeout", json!("10s")),
            ("tls_required", json!(has_tls)),
        ];
        if has_client {
            fields.push(("client_auth_required", json!(true)));
        }
        if has_tls {
            let template = || Ok("{{.root_cert}}".to_owned());
            let root_cert = self
                .root_cert
                .as_ref()
                .map_or_else(template, |file| read_text(file))?;
            fields.push(("root_cert", json!(root_cert)));
        }
        for (name, file) in [
            ("client_key", &self.client_key),
            ("client_cert", &self.client_cert),
        ] {
            if let Some(file) = file {
                fields.push((name, json!(read_text(file)?)));
            }
        }
        let content = object(&fields);
        let checked = Faults::first(|faults| {
            let (draft, _) = Draft::collect(&content, faults)?;
            draft.review(None, faults);
            Ok(())
        });
        checked.refuse(CONNECTION)?;
        let mode = if has_client { SECRET } else { PUBLIC };
        Ok((mode, content))
    }
}

/// A JSON object with a member on each line.
fn object(members: &[(&str, Value)]) -> Vec<u8> {
    let members = members
        .iter()
        .map(|(name, value)| format!("  \"{name}\": {value}"));
    let members: Vec<String> = members.collect();
    format!("{{\n{}\n}}\n", members.join(",\n")).into_bytes()
}

/// Writes all files, or none.
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
        file.write_all(content).cannot("write", &path)?;
        begun.push(file);
    }
    begun.into_iter().try_for_each(NewFile::commit)
}
