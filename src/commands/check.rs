//! `check`: what a peer would do with a package, on any machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use lexopt::{Arg, Parser};

use super::{Outcome, Stop, dial, path};
use crate::builder::{self, Done};
use crate::error::{Error, Refuse, Result};
use crate::files::{Digest, Dir, Scratch, Tree};
use crate::formats::artifact::{self, Artifact};
use crate::formats::connection::{Connection, Draft};
use crate::formats::meta_inf;
use crate::formats::metadata::Metadata;
use crate::formats::package::Package;
use crate::formats::package::source::Source;
use crate::formats::template::{Config, VARIABLE};
use crate::layout::{CONNECTION, METADATA, PUBLIC, SERVER};
use crate::log::{self, Warnings};
use crate::text::{escaped_line, quoted};

pub const HELP: &str = "\
Usage: fabric-ccs-builder check [--config JSON] [--dial] [DIR|FILE]

Runs detect, build and release on a package's source folder DIR, as a peer does,
and prints what each did, what would be published and what the peer would dial.
DIR holds metadata.json, connection.json and META-INF side by side; without DIR
a sample is used. FILE is a package that any program has made: then the peer's
way to unpack it is checked too.

  --config JSON  the values for templates in connection.json, instead of the
                 environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG;
                 other users can see it while the command runs
  --dial         connects to the address from this machine, without TLS also as
                 a gRPC client

Exit status: 0 a peer would take the package and publish all of its index
definitions, 1 it would not, 2 something could not be done.

Example: fabric-ccs-builder check --config '{\"peername\":\"org1peer1\"}' basic
";

const WORD: &str = "check";

/// A file of the embedded sample, by its path in a source folder.
macro_rules! sample {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../sample/", $path)))
    };
}

/// A package that everybody has.
const SAMPLE: [(&str, &[u8]); 4] = [
    sample!("metadata.json"),
    sample!("connection.json"),
    sample!("META-INF/statedb/couchdb/indexes/indexOwner.json"),
    sample!(
        "META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
    ),
];

pub fn run(mut parser: Parser) -> super::Result<Outcome> {
    let (mut config, mut source, mut is_dialled) = (None, None, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("config") => config = Some(parser.value()?),
            Arg::Long("dial") => is_dialled = true,
            Arg::Value(dir) if source.is_none() => source = Some(path(dir)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    let config = config.or_else(|| env::var_os(VARIABLE));
    let scratch = Scratch::new(WORD)?;
    let Subject {
        source,
        metadata_dir,
        digest,
        shown,
    } = Subject::new(source.as_deref(), &scratch)?;
    let metadata_dir = metadata_dir.as_ref().unwrap_or(&source);
    let (metadata, _) = Metadata::read(metadata_dir)?;
    let (label, package_type) = (metadata.label()?, &metadata.package_type);
    let id = digest.map_or_else(|| label.to_string(), |digest| format!("{label}:{digest}"));
    print_line(&format!("package  {id}, type {package_type}: {shown}"))?;
    let taken = run_programs(&source, metadata_dir, &metadata, config, &scratch)?;
    if let Some(digest) = digest {
        print_differences(digest, &source, metadata_dir)?;
    }
    let is_reached = match &taken {
        Some((_, connection)) if is_dialled => print_dial(connection)?,
        _ => true,
    };
    let (answer, outcome) = match taken {
        Some((true, _)) if is_reached => ("would take this package", Outcome::Yes),
        Some((true, _)) => (
            "would take this package, but this machine does not reach its server",
            Outcome::No,
        ),
        Some((false, _)) => (
            "would take this package, but not all of its index definitions",
            Outcome::No,
        ),
        None => ("would not take this package", Outcome::No),
    };
    print_line(&format!("result   a peer {answer}"))?;
    Ok(outcome)
}

/// Dials as a peer would, and prints what came of it.
fn print_dial(connection: &Connection) -> Result<bool> {
    let dialled = dial::dial(connection);
    let is_reached = dialled.is_ok();
    let (Ok(said) | Err(said)) = dialled;
    print_line(&format!("dial     {said}"))?;
    Ok(is_reached)
}

/// What is checked.
struct Subject {
    /// What the peer gives as `CHAINCODE_SOURCE_DIR`.
    source: Dir,
    /// Where metadata.json is, if it is not in there.
    metadata_dir: Option<Dir>,
    /// Of the package, when a file is checked.
    digest: Option<Digest>,
    /// Where it is from.
    shown: String,
}

impl Subject {
    fn new(path: Option<&Path>, scratch: &Scratch) -> Result<Self> {
        let (mut metadata_dir, mut digest) = (None, None);
        let mut warnings = Warnings::default();
        let shown = path.map(|path| path.display().to_string());
        let source = match path {
            None => {
                warn_of_package_around();
                write_sample(scratch)?
            }
            Some(path) if fs::metadata(path).is_ok_and(|found| found.is_file()) => {
                let source = scratch.dir("src")?;
                let package = Package::read(path, Some(&source), &mut warnings)?;
                if package.metadata.is_ours() {
                    package.code?;
                }
                let metadata = scratch.dir("metadata")?;
                metadata.write(METADATA, PUBLIC, &package.metadata_content)?;
                (metadata_dir, digest) = (Some(metadata), Some(package.digest));
                source
            }
            Some(path) => {
                let source = super::source_folder(path)?;
                warnings.extend(left_out(&source)?);
                source
            }
        };
        warnings.write(WORD);
        Ok(Self {
            source,
            metadata_dir,
            digest,
            shown: shown.unwrap_or_else(|| "the embedded sample".to_owned()),
        })
    }
}

/// A line for what is in a folder and is not packaged. If META-INF is refused, `build` says why.
fn left_out(source: &Dir) -> Result<Vec<String>> {
    let tree = meta_inf::find(source).unwrap_or_default();
    meta_inf::left_out(source, tree.as_ref())
}

/// Prints what `package` would make of a package's content, where that is something else.
fn print_differences(digest: Digest, source: &Dir, metadata: &Dir) -> Result<()> {
    let made = match Source::read(source, metadata) {
        // `build` has said why.
        Err(Error::Refused(_)) => return Ok(()),
        made => made?,
    };
    let by_package = made.write(io::sink())?;
    if by_package != digest {
        let id = format!("{}:{by_package}", made.metadata.label()?);
        print_line(&format!(
            "differs  another tool's package: of the same content, package makes {id}"
        ))?;
        for line in left_out(source)? {
            print_line(&format!("         package: {line}"))?;
        }
    }
    Ok(())
}

/// Runs the programs until one says no, and prints what they did. Of a package that is taken, gives
/// whether all is published, and what the peer would dial.
fn run_programs(
    source: &Dir,
    metadata_dir: &Dir,
    metadata: &Metadata,
    config: Option<OsString>,
    scratch: &Scratch,
) -> Result<Option<(bool, Connection)>> {
    let detected = metadata.is_ours();
    print_line(&format!("detect   exit status: {}", u8::from(!detected)))?;
    if let Err(error) = metadata.must_be_ours() {
        // The peer would ask the next builder; detect says nothing.
        log::line(WORD, error);
        return Ok(None);
    }
    let (bld, published) = (scratch.dir("bld")?, scratch.dir("release")?);
    if Config::read(config.clone()).is_ok_and(|config| config.is_unset()) {
        print_needs(source)?;
    }
    let built = print_done("build", builder::build(source, metadata_dir, &bld, config))?;
    if built.is_some() && print_done("release", builder::release(&bld, &published))?.is_some() {
        print_files("recorded", &bld)?;
        print_files("released", &published)?;
        let content = published.descend(SERVER)?.read_needed(CONNECTION)?;
        let connection = Connection::parse_written(&content).refuse(CONNECTION)?;
        print_line(&format!("dialled  the peer would {}", connection.dial()))?;
        return Ok(built.map(|is_whole| (is_whole, connection)));
    }
    Ok(None)
}

/// Prints which keys of the config the templates look for, and what is wrong whatever it is.
fn print_needs(package: &Dir) -> Result<()> {
    // What cannot be read is the business of build.
    let Ok((draft, ..)) = Draft::read(package) else {
        return Ok(());
    };
    let keys: Vec<_> = draft.keys().iter().map(|key| quoted(key)).collect();
    if !keys.is_empty() {
        let keys = keys.join(", ");
        print_line(&format!(
            "config   templates look for {keys}: write --config"
        ))?;
        if let Err(error) = draft.check_without_config().refuse(CONNECTION) {
            print_line(&format!("         whatever they are: {error}"))?;
        }
    }
    Ok(())
}

/// Prints what a program did or why it refused; it is an error when neither is known. Gives
/// whether what was made is whole.
fn print_done(word: &str, done: Result<Done>) -> Result<Option<bool>> {
    let (status, lines, is_whole) = match done {
        Ok(done) => (0, done.lines, Some(done.is_whole)),
        Err(Error::Refused(refusal)) => (1, vec![refusal], None),
        Err(error) => return Err(error),
    };
    print_line(&format!("{word:<8} exit status: {status}"))?;
    for line in lines {
        print_line(&format!("         {word}: {line}"))?;
    }
    Ok(is_whole)
}

/// Warns when the current folder is a package, which is not looked at without DIR.
fn warn_of_package_around() {
    // A warning only, so whatever hinders the look does not matter.
    let is_there = |name: &&str| fs::exists(name).unwrap_or_default();
    if let Some(name) = [METADATA, CONNECTION].iter().find(|name| is_there(name)) {
        let line = "is not looked at, for this folder write: fabric-ccs-builder check .";
        log::line(WORD, format_args!("warning: {name}: {line}"));
    }
}

fn write_sample(scratch: &Scratch) -> Result<Dir> {
    let package = scratch.dir("sample")?;
    for (path, content) in SAMPLE {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut tree = Tree::new(&package);
        tree.dir(folder)?.write(name, PUBLIC, content)?;
    }
    Ok(package)
}

/// Prints each file below `dir` with its digest, sorted.
fn print_files(what: &str, dir: &Dir) -> Result<()> {
    let line = |Artifact { path, digest }| escaped_line(&format!("{what} {digest}  {path}"));
    let files = artifact::list(dir)?.into_iter();
    log::print(&files.map(line).collect::<String>())
}

fn print_line(line: &str) -> Result<()> {
    log::print(&escaped_line(line))
}
