//! `check`: what a peer would do with a package, on any machine.
//!
//! The three programs run as the peer runs them: child processes, fresh directories of mode 0700, absolute paths, and an
//! environment of only what the peer passes on.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, process};

use anyhow::{Context, Result};
use lexopt::{Arg, Parser};

use super::{Outcome, Request, path, release};
use crate::connection::{self, Connection};
use crate::dir::{Buffer, Dir, Limits, Tree, is_kind};
use crate::log::Warnings;
use crate::metadata::{self, Label, Metadata};
use crate::template::VARIABLE;
use crate::{cli, log, meta_inf};

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

Exit status: 0 a peer would take the package, 1 it would not, 2 cannot tell.

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
    ///
    /// # Errors
    /// When it has an unknown option, or an argument too many.
    pub fn parse(mut parser: Parser) -> Result<Request<Self>, lexopt::Error> {
        let (mut config, mut source) = (None, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Request::Version),
                Arg::Long("config") => config = Some(parser.value()?),
                Arg::Value(dir) if source.is_none() => source = Some(path(dir)?),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(Request::Run(Self { config, source }))
    }
}

/// What a peer passes on to a builder besides `propagateEnvironment` (Fabric: `core/container/externalbuilder`,
/// `DefaultPropagateEnvironment`).
const PASSED_ON: [&str; 4] = ["LD_LIBRARY_PATH", "LIBPATH", "PATH", "TMPDIR"];

/// A package that everybody has: the files of a source folder.
const SAMPLE: [(&str, &str, &[u8]); 4] = [
    (
        "",
        metadata::FILE,
        include_bytes!("../sample/metadata.json"),
    ),
    (
        "",
        connection::FILE,
        include_bytes!("../sample/connection.json"),
    ),
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
///
/// # Errors
/// When the package cannot be read, or the programs cannot be run.
pub fn run(args: &Args) -> Result<Outcome> {
    let scratch = Scratch::new()?;
    let (source, metadata) = (scratch.dir("src")?, scratch.dir("metadata")?);
    let shown = if let Some(path) = &args.source {
        copy_package(&Dir::open(path)?.with_hard_links(), &source, &metadata)?.write(WORD);
        path.display().to_string()
    } else {
        for name in [metadata::FILE, connection::FILE] {
            // A warning only, so whatever hinders the look does not matter.
            if fs::exists(name).unwrap_or_default() {
                let line = "is not looked at, for this folder write: fabric-ccs-builder check .";
                log::line(WORD, format_args!("warning: {name}: {line}"));
                break;
            }
        }
        copy_sample(&source, &metadata)?;
        "the embedded sample".to_owned()
    };
    let (description, content) = Metadata::read(&metadata)?;
    let label = Label::parse(&content)?;
    cli::print(&log::escaped_line(&format!(
        "package  {label}, type {}: {shown}",
        description.package_type
    )))?;
    if let Err(error) = description.must_be_ours() {
        // The peer would ask the next builder; detect says nothing.
        log::line(WORD, error);
    }
    let taken = run_programs(args, &scratch)?;
    cli::print(if taken {
        "result   a peer would take this package\n"
    } else {
        "result   a peer would not take this package\n"
    })?;
    Ok(if taken { Outcome::Yes } else { Outcome::No })
}

/// Runs the programs until one says no, and prints what they did.
fn run_programs(args: &Args, scratch: &Scratch) -> Result<bool> {
    let (bld, published) = (scratch.dir("bld")?, scratch.dir("release")?);
    for (word, dirs) in [
        ("detect", &["src", "metadata"][..]),
        ("build", &["src", "metadata", "bld"]),
        ("release", &["bld", "release"]),
    ] {
        if !scratch.run(word, dirs, args.config.as_ref())? {
            return Ok(false);
        }
    }
    print_files("recorded", &bld)?;
    print_files("released", &published)?;
    let content = published
        .descend(release::SERVER)?
        .read_needed(connection::FILE)?;
    let connection = Connection::parse_written(&content).context(connection::FILE)?;
    cli::print(&log::escaped_line(&format!(
        "dialled  the peer would {}",
        connection.dial()
    )))?;
    Ok(true)
}

/// Copies what a package holds from its source folder to where the peer unpacks it, and warns of everything else in it.
fn copy_package(package: &Dir, source: &Dir, metadata: &Dir) -> Result<Warnings> {
    let mut buffer = Buffer::default();
    for (name, target) in [(metadata::FILE, metadata), (connection::FILE, source)] {
        // It may hold a private key.
        target.write(name, 0o600, &package.read_needed(name)?)?;
    }
    let tree = meta_inf::find(package)?;
    let mut warnings = Warnings::default();
    warnings.extend(meta_inf::left_out(package, tree.as_ref())?);
    let Some(tree) = tree else {
        return Ok(warnings);
    };
    let mut source = Tree::new(source);
    tree.walk(Limits::BUILD, |dir, files| {
        let target = source.dir(dir.relative_self())?;
        for file in files {
            dir.copy(file, target, &mut buffer)?;
        }
        Ok(())
    })?;
    Ok(warnings)
}

/// Writes the sample to where the peer unpacks a package.
fn copy_sample(source: &Dir, metadata: &Dir) -> Result<()> {
    for (folder, name, content) in SAMPLE {
        let target = if name == metadata::FILE {
            metadata
        } else {
            source
        };
        Tree::new(target).dir(folder)?.write(name, 0o644, content)?;
    }
    Ok(())
}

/// Prints each file below `dir` with its digest, sorted.
fn print_files(what: &str, dir: &Dir) -> Result<()> {
    let mut lines = Vec::new();
    let mut buffer = Buffer::default();
    dir.walk(Limits::BUILD, |dir, files| {
        for file in files {
            lines.push((dir.relative(&file.name), dir.digest(file, &mut buffer)?));
        }
        Ok(())
    })?;
    lines.sort_unstable();
    let mut text = String::new();
    for (path, digest) in lines {
        text.push_str(&log::escaped_line(&format!("{what} {digest}  {path}")));
    }
    cli::print(&text)?;
    Ok(())
}

/// A folder in the place of the one in which a peer puts a package's directories, removed at the end.
struct Scratch {
    path: PathBuf,
    dir: Dir,
}

impl Scratch {
    fn new() -> Result<Self> {
        let parent = env::temp_dir();
        let cannot_open = || format!("TMPDIR: cannot open {}", parent.display());
        let parent = parent.canonicalize().with_context(cannot_open)?;
        let dir = Dir::open(&parent).context("TMPDIR")?;
        for attempt in 0..100 {
            let name = format!("fabric-check-{}-{attempt}", process::id());
            match dir.create_dir(&name, 0o700) {
                Err(error) if is_kind(&error, io::ErrorKind::AlreadyExists) => {}
                created => {
                    return Ok(Self {
                        dir: created?,
                        path: parent.join(name),
                    });
                }
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists)).with_context(|| {
            format!(
                "cannot create fabric-check-{}-0 to -99 in {}",
                process::id(),
                parent.display()
            )
        })
    }

    /// Creates a directory as the peer does.
    fn dir(&self, name: &str) -> Result<Dir> {
        self.dir.create_dir(name, 0o700).map(Dir::as_root)
    }

    /// Runs this program as `word` over `dirs`, prints what it said, and tells whether it succeeded.
    fn run(&self, word: &str, dirs: &[&str], config: Option<&OsString>) -> Result<bool> {
        let program = env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(&program);
        command
            .arg0(word)
            .args(dirs.iter().map(|dir| self.path.join(dir)));
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        for name in PASSED_ON.into_iter().chain([VARIABLE]) {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        command.envs(config.map(|config| (VARIABLE, config)));
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let mut text = format!("{word:<8} {}\n", output.status);
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            let _ = writeln!(text, "         {line}");
        }
        cli::print(&text)?;
        Ok(output.status.success())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
