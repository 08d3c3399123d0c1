//! `package`: makes the chaincode package of a source folder: the same bytes from the same content.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use lexopt::{Arg, Parser};

use super::{Outcome, Result, Stop};
use crate::error::{self, Cannot, Error, failed};
use crate::files::{Digest, NewFile};
use crate::formats::package::Package;
use crate::formats::package::source::Source;
use crate::layout::{CODE, CONNECTION};
use crate::log::{self, Warnings};
use crate::text::plural;

pub const HELP: &str = "\
Usage: fabric-ccs-builder package [--output FILE] [--force] DIR
       fabric-ccs-builder package --id DIR|FILE

Makes the chaincode package of a source folder DIR (metadata.json,
connection.json and META-INF side by side), after the checks that build makes,
and prints its package ID. The same content gives the same ID on every machine.

  -o, --output FILE  writes to FILE instead of LABEL.tar.gz in the current
                     folder; - is standard output, and the ID then goes to
                     standard error
  --force            replaces a FILE that is another package
  -q, --quiet        says nothing of the file that was written
  --id               only prints the ID: of the package that DIR would give, or
                     of a package FILE that any program has written, with a line
                     on standard error that says what a peer reads in it

Exit status: 0 done, 1 the package is refused, 2 not possible; one line says
why.

Example: CHAINCODE_ID=$(fabric-ccs-builder package basic)
";

const WORD: &str = "package";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut path, mut output, mut id, mut force) = (None, None, false, false);
    let mut is_quiet = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('o') | Arg::Long("output") => output = Some(parser.value()?),
            Arg::Short('q') | Arg::Long("quiet") => is_quiet = true,
            Arg::Long("force") => force = true,
            Arg::Long("id") => id = true,
            Arg::Value(value) if path.is_none() => path = Some(super::path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    if id && (force || output.is_some()) {
        let message = "--id writes nothing, leave --output and --force out";
        return Err(Stop::usage(message));
    }
    if output.as_ref().is_some_and(|output| output.is_empty()) {
        return Err(Stop::usage("--output: is empty, name a file"));
    }
    let path = path.ok_or_else(|| Stop::usage("missing argument DIR"))?;

    if id && fs::metadata(&path).cannot("open", &path)?.is_file() {
        identify(&path)?;
        return Ok(Outcome::Yes);
    }
    let dir = super::source_folder(&path)?;
    let source = Source::read(&dir, &dir)?;
    let label = source.metadata.label()?;
    let is_stdout = output.as_ref().is_some_and(|output| output == "-");
    let output = output.unwrap_or_else(|| format!("{label}.tar.gz").into());
    let output = Path::new(&output);
    let digest = if id {
        source.write(io::sink())?
    } else if is_stdout {
        write_to_stdout(&source)?
    } else {
        write_to_file(&source, output, force)?
    };
    source.warnings.write(WORD);
    if !(id || is_stdout || is_quiet) {
        let size = fs::metadata(output).cannot("read", output)?.len();
        let path = output.display();
        let next = format_args!("next: peer lifecycle chaincode install {path}");
        log::line(WORD, format_args!("{path}: {size} bytes; {next}"));
    }
    if is_stdout {
        log::line(WORD, format_args!("{label}:{digest}"));
    } else {
        log::print(&format!("{label}:{digest}\n"))?;
    }
    Ok(Outcome::Yes)
}

/// Prints the ID of the package at `path`, and says what a peer reads in it.
fn identify(path: &Path) -> error::Result<()> {
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

/// The digest of the regular file at `path`, or `None` when there is nothing.
fn digest(path: &Path) -> error::Result<Option<Digest>> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.cannot("create", path)?,
    };
    if !found.is_file() {
        let path = path.display();
        return failed(format!("{path}: exists already and is not a regular file"));
    }
    Digest::of_file(path).map(Some)
}

fn write_to_stdout(source: &Source) -> error::Result<Digest> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        let message = "standard output is a terminal, send it to a file";
        return Err(Error::Usage(message.to_owned()));
    }
    // Not through the standard library's buffer, which looks for ends of lines.
    let stdout = stdout.as_fd().try_clone_to_owned().map(File::from);
    let name = Path::new("to standard output");
    let mut stdout = stdout.cannot("write", name)?;
    if is_closed(&mut stdout) {
        return failed("cannot write to standard output: it is closed");
    }
    source.write(Named(stdout, name))
}

/// Whether standard output was closed when this process began. The standard library has opened
/// `/dev/null` in its place then, for reading too, which nobody else does for an output.
fn is_closed(stdout: &mut File) -> bool {
    let is_null = |found: &fs::Metadata| {
        let null = fs::metadata("/dev/null").map(|null| null.rdev());
        found.file_type().is_char_device() && null.is_ok_and(|null| null == found.rdev())
    };
    stdout.metadata().is_ok_and(|found| is_null(&found)) && stdout.read(&mut [0]).is_ok()
}

fn write_to_file(source: &Source, path: &Path, force: bool) -> error::Result<Digest> {
    if let Some(existing) = digest(path)? {
        let digest = source.write(io::sink())?;
        if digest == existing {
            return Ok(digest);
        }
        if !force {
            return failed(format!(
                "{}: exists already and is not this package, --force replaces it",
                path.display()
            ));
        }
    }
    let mut file = NewFile::create(path, source.mode)?;
    let digest = source.write(Named(&mut file, path))?;
    if force {
        file.replace()?;
    } else {
        file.commit()?;
    }
    Ok(digest)
}

/// A writer whose errors name the place.
struct Named<'a, W>(W, &'a Path);

impl<W: Write> Write for Named<'_, W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.0.write_all(piece).map_err(|error| {
            let message = format!("cannot write {}: {error}", self.1.display());
            io::Error::new(error.kind(), message)
        })?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
