//! The three programs that the peer calls: `detect`, `build` and `release`.

use std::env;
use std::path::PathBuf;

use lexopt::{Arg, Parser};

use super::arguments::path;
use crate::builder::{self, Done};
use crate::error::{Error, Outcome, Result, usage};
use crate::files::Dir;
use crate::formats::metadata::Metadata;
use crate::formats::template::VARIABLE;
use crate::log;

pub const DETECT_HELP: &str = "\
Usage: detect CHAINCODE_SOURCE_DIR CHAINCODE_METADATA_DIR

Tells the peer whether a chaincode package is for this builder: it is if the
type in CHAINCODE_METADATA_DIR/metadata.json is ccaas or external, in any letter
case. Prints one line for a type that neither this builder nor Fabric itself
(golang, node, java, car) accepts.

Exit status: 0 it is, 1 it is not, or there was an error.

Example: detect \"$PWD/src\" \"$PWD/metadata\"
";

pub const BUILD_HELP: &str = "\
Usage: build CHAINCODE_SOURCE_DIR CHAINCODE_METADATA_DIR BUILD_OUTPUT_DIR

Checks a chaincode package for everything the peer would trip over later, fills
in the templates of connection.json, and copies into the empty BUILD_OUTPUT_DIR:
metadata.json, connection.json, META-INF, and a record of all of it (SHA256SUMS
and build.intoto.json). Templates get their values from the JSON object in the
environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG. In root_cert,
client_cert and client_key, a value such as
{\"file\": \"/run/secrets/basic.key\"} stands for the content of that file.

Exit status: 0 built, 1 refused or not possible; one line says why, and nothing
is written.

Example: build \"$PWD/src\" \"$PWD/metadata\" \"$PWD/bld\"
";

pub const RELEASE_HELP: &str = "\
Usage: release BUILD_OUTPUT_DIR RELEASE_OUTPUT_DIR

Publishes a build into the empty RELEASE_OUTPUT_DIR: index definitions that
CouchDB accepts go to statedb/, connection.json goes to chaincode/server/.
Before that, every file of BUILD_OUTPUT_DIR is checked against its record;
another builder's output has none, and one line says so.

Exit status: 0 released, 1 refused or not possible; one line says why, and
nothing is published.

Example: release \"$PWD/bld\" \"$PWD/release\"
";

pub fn detect(parser: Parser) -> Result<Outcome> {
    let [_, metadata] = paths(parser, DETECT_HELP)?;
    let (metadata, _) = Metadata::read(&Dir::open(&metadata)?)?;
    if let Err(error) = metadata.refuse_foreign() {
        // If no builder claims the package, the peer's own message is only about Docker.
        if !metadata.is_fabrics_own() {
            log::line("detect", error);
        }
        return Ok(Outcome::No);
    }
    Ok(Outcome::Yes)
}

pub fn build(parser: Parser) -> Result<Outcome> {
    let dirs = paths(parser, BUILD_HELP)?.map(|path| Dir::open(&path));
    let [source, metadata, output] = dirs;
    let config = env::var_os(VARIABLE);
    let done = builder::build(&source?, &metadata?, &output?, config)?;
    log_done("build", &done);
    Ok(Outcome::Yes)
}

pub fn release(parser: Parser) -> Result<Outcome> {
    let [build, release] = paths(parser, RELEASE_HELP)?;
    let done = builder::release(&Dir::open(&build)?, &Dir::open(&release)?)?;
    log_done("release", &done);
    Ok(Outcome::Yes)
}

fn log_done(word: &str, done: &Done) {
    done.lines().for_each(|line| log::line(word, line));
}

/// Parses a command line that has exactly the arguments in the first line of `help`, and no options.
fn paths<const COUNT: usize>(mut parser: Parser, help: &str) -> Result<[PathBuf; COUNT]> {
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Value(value) if paths.len() < COUNT => paths.push(path(value)?),
            _ => return Err(Error::of(arg)),
        }
    }
    paths.try_into().or_else(|paths: Vec<PathBuf>| {
        // The names follow "Usage:" and the program's own.
        let missing = help
            .split_whitespace()
            .nth(2 + paths.len())
            .unwrap_or_default();
        usage(format!("missing argument {missing}"))
    })
}
