//! `check`: what a peer would do with a package, on any machine.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;

use lexopt::{Arg, Parser};

use super::{Outcome, Stop, path};
use crate::builder::{self, Done};
use crate::error::{Cannot, Error, Refuse, Result, failed};
use crate::files::{Buffer, Dir, Tree, remove_tree};
use crate::formats::connection::{Connection, Draft};
use crate::formats::meta_inf;
use crate::formats::metadata::Metadata;
use crate::formats::template::{Config, VARIABLE};
use crate::layout::{BUILD, CLOSED, CONNECTION, METADATA, PUBLIC, SERVER};
use crate::log::{self, Warnings};
use crate::text::{escaped_line, quoted};

/// The help text.
pub const HELP: &str = "\
Usage: fabric-ccs-builder check [--config JSON] [DIR]

Runs detect, build and release on a package's source folder DIR, as a peer does,
and prints what each did, what would be published and what the peer would dial.
DIR holds metadata.json, connection.json and META-INF side by side; without DIR
a sample is used.

  --config JSON  the values for templates in connection.json, instead of the
                 environment variable CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG;
                 other users can see it while the command runs

Exit status: 0 a peer would take the package, 1 it would not, 2 something could
not be done.

Example: fabric-ccs-builder check --config '{\"peername\":\"org1peer1\"}' basic
";

const WORD: &str = "check";

/// What the command line says.
pub struct Args {
    config: Option<OsString>,
    source: Option<PathBuf>,
}

impl Args {
    /// Reads the command line.
    pub fn parse(mut parser: Parser) -> std::result::Result<Self, Stop> {
        let (mut config, mut source) = (None, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("config") => config = Some(parser.value()?),
                Arg::Value(dir) if source.is_none() => source = Some(path(dir)?),
                _ => return Err(Stop::of(arg)),
            }
        }
        Ok(Self { config, source })
    }
}

/// A package that everybody has: the files of a source folder.
const SAMPLE: [(&str, &str, &[u8]); 4] = [
    ("", METADATA, include_bytes!("../sample/metadata.json")),
    ("", CONNECTION, include_bytes!("../sample/connection.json")),
    (
        "META-INF/statedb/couchdb/indexes",
        "indexOwner.json",
        include_bytes!("../sample/META-INF/statedb/couchdb/indexes/indexOwner.json"),
    ),
    (
        "META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes",
        "indexAppraisedValue.json",
        include_bytes!(
            "../sample/META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json"
        ),
    ),
];

/// Runs the command.
pub fn run(args: Args) -> Result<Outcome> {
    let scratch = Scratch::new()?;
    let (package, shown) = if let Some(path) = &args.source {
        let package = Dir::open(path)?.with_hard_links();
        warn_of_left_out(&package)?;
        (package, path.display().to_string())
    } else {
        warn_of_package_around();
        let package = scratch.dir("sample")?;
        write_sample(&package)?;
        (package, "the embedded sample".to_owned())
    };
    let (metadata, _) = Metadata::read(&package)?;
    print_line(&format!(
        "package  {}, type {}: {shown}",
        metadata.label()?,
        metadata.package_type
    ))?;
    let config = args.config.or_else(|| env::var_os(VARIABLE));
    let is_taken = run_programs(&package, &metadata, config, &scratch)?;
    let (answer, outcome) = if is_taken {
        ("would", Outcome::Yes)
    } else {
        ("would not", Outcome::No)
    };
    print_line(&format!("result   a peer {answer} take this package"))?;
    Ok(outcome)
}

/// Runs the programs until one says no, and prints what they did.
fn run_programs(
    package: &Dir,
    metadata: &Metadata,
    config: Option<OsString>,
    scratch: &Scratch,
) -> Result<bool> {
    let detected = metadata.is_ours();
    print_line(&format!("detect   exit status: {}", u8::from(!detected)))?;
    if let Err(error) = metadata.must_be_ours() {
        // The peer would ask the next builder; detect says nothing.
        log::line(WORD, error);
        return Ok(false);
    }
    let (bld, published) = (scratch.dir("bld")?, scratch.dir("release")?);
    let config = Config::read(config);
    if config.as_ref().is_ok_and(Config::is_unset) {
        print_needs(package)?;
    }
    let built = builder::build(package, package, &bld, || config);
    if !print_done("build", built)? {
        return Ok(false);
    }
    if !print_done("release", builder::release(&bld, &published))? {
        return Ok(false);
    }
    print_files("recorded", &bld)?;
    print_files("released", &published)?;
    let content = published.descend(SERVER)?.read_needed(CONNECTION)?;
    let connection = Connection::parse_written(&content).refuse(CONNECTION)?;
    print_line(&format!("dialled  the peer would {}", connection.dial()))?;
    Ok(true)
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

/// Prints what a program did or why it refused; it is an error when neither is known.
fn print_done(word: &str, done: Result<Done>) -> Result<bool> {
    let (status, lines) = match done {
        Ok(done) => (0, done.warnings.lines().chain([done.line]).collect()),
        Err(Error::Refused(refusal)) => (1, vec![refusal]),
        Err(error) => return Err(error),
    };
    print_line(&format!("{word:<8} exit status: {status}"))?;
    for line in lines {
        print_line(&format!("         {word}: {line}"))?;
    }
    Ok(status == 0)
}

/// Warns of everything in the source folder that is not packaged.
fn warn_of_left_out(package: &Dir) -> Result<()> {
    let tree = meta_inf::find(package).unwrap_or_default();
    let mut warnings = Warnings::default();
    warnings.extend(meta_inf::left_out(package, tree.as_ref())?);
    warnings.write(WORD);
    Ok(())
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

fn write_sample(package: &Dir) -> Result<()> {
    for (folder, name, content) in SAMPLE {
        Tree::new(package)
            .dir(folder)?
            .write(name, PUBLIC, content)?;
    }
    Ok(())
}

/// Prints each file below `dir` with its digest, sorted.
fn print_files(what: &str, dir: &Dir) -> Result<()> {
    let mut lines = Vec::new();
    let mut buffer = Buffer::default();
    dir.walk(BUILD, |dir, files| {
        for file in files {
            lines.push((dir.relative(&file.name), dir.digest(file, &mut buffer)?));
        }
        Ok(())
    })?;
    lines.sort_unstable();
    let mut text = String::new();
    for (path, digest) in lines {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{}",
            escaped_line(&format!("{what} {digest}  {path}"))
        );
    }
    log::print(&text)
}

fn print_line(line: &str) -> Result<()> {
    log::print(&escaped_line(line))
}

/// A folder for what the programs make, removed at the end.
struct Scratch {
    path: PathBuf,
    dir: Dir,
}

impl Scratch {
    fn new() -> Result<Self> {
        // As in Go, where the peer is from, an empty TMPDIR is none.
        let parent = env::var_os("TMPDIR").filter(|path| !path.is_empty());
        let parent = parent.map_or_else(|| Path::new("/tmp").to_owned(), PathBuf::from);
        let opened = parent.canonicalize().cannot("open", &parent);
        let parent = opened.map_err(|error| error.at("TMPDIR"))?;
        let dir = Dir::open(&parent).map_err(|error| error.at("TMPDIR"))?;
        let name = |attempt| format!("fabric-check-{}-{attempt}", process::id());
        for name in (0..100).map(name) {
            let path = parent.join(&name);
            match dir.try_create_dir(&name, CLOSED) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    let dir = created.cannot("create", &path)?;
                    return Ok(Self { path, dir });
                }
            }
        }
        let (first, parent) = (name(0), parent.display());
        failed(format!(
            "cannot create {first} to -99 in {parent}: all exist"
        ))
    }

    /// Creates a directory as the peer does.
    fn dir(&self, name: &str) -> Result<Dir> {
        self.dir.create_dir(name, CLOSED).map(Dir::into_root)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_tree(&self.path);
    }
}
