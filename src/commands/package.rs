//! `package`: makes a chaincode package from a source folder, the same bytes for the same content.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use super::arguments::{self, path};
use super::declared;
use crate::error::{Cannot, Error, Outcome, Result, failed, usage};
use crate::files::{Digest, Dir, NewFile, mode_like};
use crate::findings::Warnings;
use crate::formats::package::Package;
use crate::formats::package::source::Source;
use crate::formats::written::Written;
use crate::layout::{CODE, CONNECTION, META_INF, PUBLIC};
use crate::log;
use crate::text::plural;

pub const HELP: &str = "\
Usage: fabric-ccs-builder package [OPTION...] DIR
   or: fabric-ccs-builder package [OPTION...] --label LABEL --address ADDRESS
   or: fabric-ccs-builder package --id FILE

Makes a chaincode package from the source folder DIR (metadata.json,
connection.json and META-INF side by side), or from options that replace it,
after the checks that build makes, and prints its package ID. The same content
gives the same ID on every machine.

  -o, --output FILE    writes to FILE instead of LABEL.tar.gz in the current
                       folder; - is standard output, and the ID then goes to
                       standard error
  --env FILE           also writes the ID as the variables that chaincode
                       servers read: CHAINCODE_ID, CORE_CHAINCODE_ID (Node) and
                       CORE_CHAINCODE_ID_NAME (Java)
  --force              replaces a FILE that has other content
  -q, --quiet          prints only the ID and warnings
  --id                 only prints the ID: of the package that would be made, or
                       of a package FILE that any program wrote, with a line on
                       standard error that says what a peer reads in it

Instead of DIR:
  --label LABEL        the label
  --type TYPE          the type, if it is not ccaas
  --address ADDRESS    where the peer dials the chaincode, HOST:PORT
  --dial-timeout TIME  how long the peer tries, such as 10s
  --domain NAME        the name in the server's certificate, if it differs
  --root-cert FILE     the CA's certificate: the peer uses TLS
  --client-cert FILE   the certificate that the peer shows
  --client-key FILE    its private key
  --meta-inf DIR       the content of META-INF

Exit status: 0 done, 1 the package is refused, 2 not possible; one line says
why.

Example: CHAINCODE_ID=$(fabric-ccs-builder package basic)
";

const WORD: &str = "package";

#[derive(Default)]
struct Arguments {
    path: Option<PathBuf>,
    output: Option<OsString>,
    env: Option<PathBuf>,
    id: bool,
    force: bool,
    is_quiet: bool,
    /// What is declared instead of a path.
    declared: Option<Written>,
    meta_inf: Option<PathBuf>,
}

impl Arguments {
    fn parse(mut parser: Parser) -> Result<Self> {
        let mut parsed = Self::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('o') | Arg::Long("output") => parsed.output = Some(parser.value()?),
                Arg::Short('q') | Arg::Long("quiet") => parsed.is_quiet = true,
                Arg::Long("env") => parsed.env = Some(path(parser.value()?)?),
                Arg::Long("force") => parsed.force = true,
                Arg::Long("id") => parsed.id = true,
                Arg::Long("meta-inf") => {
                    parsed.meta_inf = Some(path(parser.value()?)?);
                    parsed.declared.get_or_insert_default();
                }
                Arg::Long(name) => match declared::by(name) {
                    Some(declared) => {
                        let written = parsed.declared.get_or_insert_default();
                        declared::add(declared, parser.value()?, written)?;
                    }
                    None => return Err(Error::of(arg)),
                },
                Arg::Value(value) if parsed.path.is_none() => {
                    parsed.path = Some(path(value)?);
                }
                Arg::Value(_) | Arg::Short(_) => return Err(Error::of(arg)),
            }
        }
        parsed.check()
    }

    fn check(self) -> Result<Self> {
        let writes = self.force || self.output.is_some() || self.env.is_some();
        if self.id && writes {
            return usage("--id writes nothing; leave --output, --env and --force out");
        }
        if self.output.as_ref().is_some_and(|output| output.is_empty()) {
            return usage("--output: is empty; name a file");
        }
        match (&self.path, &self.declared) {
            (Some(_), Some(_)) => {
                usage("DIR is a whole package; leave out either it or the options that replace it")
            }
            (None, None) => usage("missing argument DIR"),
            (Some(_), None) => Ok(self),
            (None, Some(written)) => declared::require_all(written).map(|()| self),
        }
    }

    fn source(&self) -> Result<Source> {
        if let Some(written) = &self.declared {
            let tree = self.meta_inf.as_deref().map(open_meta_inf).transpose()?;
            return Source::declared(written, tree);
        }
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        if path.is_file() {
            return failed(format!(
                "{}: is a file; give a source folder; --id prints the ID of a package",
                path.display()
            ));
        }
        let dir = arguments::source_folder(path)?;
        Source::read(&dir, &dir)
    }
}

fn open_meta_inf(path: &Path) -> Result<Dir> {
    let dir = Dir::open(path)?;
    for name in [META_INF, CONNECTION] {
        if dir.look_up(name)?.is_some() {
            let path = path.display();
            return usage(format!(
                "--meta-inf: {path} is a source folder; write {path}/{META_INF}"
            ));
        }
    }
    Ok(dir.with_hard_links().shown_at(META_INF))
}

pub fn run(parser: Parser) -> Result<Outcome> {
    let arguments = Arguments::parse(parser)?;
    if arguments.id {
        // Fails now if it is closed: printing is all that `--id` does.
        log::stdout()?;
    }
    if let (true, Some(path)) = (arguments.id, &arguments.path)
        && fs::metadata(path).cannot("open", path)?.is_file()
    {
        identify(path)?;
        return Ok(Outcome::Yes);
    }
    let source = arguments.source()?;
    let label = source.metadata.label()?;
    let output = arguments.output;
    let output = output.unwrap_or_else(|| format!("{label}.tar.gz").into());
    let (output, force) = (Path::new(&output), arguments.force);
    let is_stdout = output == Path::new("-");
    let is_folder = output.is_dir() || output.as_os_str().as_encoded_bytes().ends_with(b"/");
    if is_folder && !is_stdout && !arguments.id {
        let file = output.join(format!("{label}.tar.gz"));
        let (output, file) = (output.display(), file.display());
        return failed(format!("{output}: is a folder; write {file}"));
    }
    let digest = if arguments.id {
        source.write(&mut io::sink())?
    } else if is_stdout {
        write_to_stdout(&source)?
    } else {
        let write = |out: &mut dyn Write| source.write(out);
        write_to_file("package", output, source.mode, force, &write)?
    };
    let id = format!("{label}:{digest}");
    if let Some(path) = arguments.env {
        let names = [
            "CHAINCODE_ID",
            "CORE_CHAINCODE_ID",
            "CORE_CHAINCODE_ID_NAME",
        ];
        let lines = names.map(|name| format!("{name}={id}\n")).concat();
        let write = |out: &mut dyn Write| {
            out.write_all(lines.as_bytes())?;
            Ok(Digest::of(lines.as_bytes()))
        };
        write_to_file("environment", &path, PUBLIC, force, &write)?;
    }
    source.warnings.write(WORD);
    if !(arguments.id || is_stdout || arguments.is_quiet) {
        let size = fs::metadata(output).cannot("read", output)?.len();
        let path = output.display();
        let next = format_args!("next: peer lifecycle chaincode install {path}");
        log::line(WORD, format_args!("{path}: {size} bytes; {next}"));
    }
    if is_stdout {
        log::line(WORD, id);
    } else {
        log::print(&format!("{id}\n"))?;
    }
    Ok(Outcome::Yes)
}

/// Prints the ID of the package at `path`, and says what a peer reads in it.
fn identify(path: &Path) -> Result<()> {
    let mut warnings = Warnings::default();
    let package = Package::read(path, None, &mut warnings)?;
    let (metadata, shown) = (&package.metadata, path.display());
    let label = metadata.label().map_err(|error| error.at(&shown))?;
    let content = if metadata.is_ours() {
        let mut files = package.code?;
        let none = if files.remove(CONNECTION) { "" } else { "no " };
        let others = plural(files.len(), "other file", "other files");
        format!("{none}{CONNECTION} and {others} in {CODE}")
    } else {
        "for another builder".to_owned()
    };
    warnings.write(WORD);
    let package_type = &metadata.package_type;
    let read = format_args!("{shown}: a peer reads type {package_type}, {content}");
    log::line(WORD, read);
    log::print(&format!("{label}:{}\n", package.digest))
}

fn write_to_stdout(source: &Source) -> Result<Digest> {
    if io::stdout().is_terminal() {
        return usage("standard output is a terminal; redirect it to a file");
    }
    source.write(&mut log::stdout()?)
}

/// Writes the file at `path`, which may already exist with the same content.
fn write_to_file(
    what: &str,
    path: &Path,
    mode: u32,
    force: bool,
    write: &dyn Fn(&mut dyn Write) -> Result<Digest>,
) -> Result<Digest> {
    if let Some(existing) = open_existing(path)? {
        let digest = write(&mut io::sink())?;
        if digest == Digest::of_open(&existing, path)? {
            let had = existing.metadata().cannot("read", path)?.mode();
            let mode = mode_like(had, mode);
            if mode != had {
                let set = existing.set_permissions(Permissions::from_mode(mode));
                set.cannot("restrict access to", path)?;
            }
            return Ok(digest);
        }
        if !force {
            return failed(format!(
                "{}: already exists and is not this {what}; --force replaces it",
                path.display()
            ));
        }
    }
    let mut file = NewFile::create(path, mode)?;
    let digest = write(&mut file)?;
    if force {
        file.replace()?;
    } else {
        file.commit()?;
    }
    Ok(digest)
}

fn open_existing(path: &Path) -> Result<Option<File>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.cannot("create", path)?,
    };
    if !found.is_file() {
        let path = path.display();
        return failed(format!("{path}: already exists and is not a regular file"));
    }
    File::open(path).cannot("open", path).map(Some)
}
