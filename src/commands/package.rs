//! `package`: makes the chaincode package of a source folder: the same bytes from the same content.

mod existing;
mod source;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use lexopt::{Arg, Parser};

use self::source::Source;
use super::{Outcome, Result, Stop};
use crate::error::{self, Cannot, Error, failed};
use crate::files::{Digest, HashingWriter, NewFile};
use crate::log;

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
  --id               only prints the ID: of the package that DIR would give, or
                     of a FILE that this command has written

Exit status: 0 done, 1 the package is refused, 2 not possible; one line says
why.

Example: CHAINCODE_ID=$(fabric-ccs-builder package basic)
";

const WORD: &str = "package";

pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut path, mut output, mut id, mut force) = (None, None, false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('o') | Arg::Long("output") => output = Some(parser.value()?),
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
        log::print(&format!("{}\n", existing::identify(&path)?))?;
        return Ok(Outcome::Yes);
    }
    let source = Source::read(&path)?;
    let label = source.metadata.label()?;
    let is_stdout = output.as_ref().is_some_and(|output| output == "-");
    let digest = if id {
        write(&source, io::sink())?
    } else if is_stdout {
        write_to_stdout(&source)?
    } else {
        let path = output.unwrap_or_else(|| format!("{label}.tar.gz").into());
        write_to_file(&source, Path::new(&path), force)?
    };
    source.warnings.write(WORD);
    if is_stdout {
        log::line(WORD, format_args!("{label}:{digest}"));
    } else {
        log::print(&format!("{label}:{digest}\n"))?;
    }
    Ok(Outcome::Yes)
}

/// Writes the package to `out`, and gives its digest.
fn write(source: &Source, out: impl Write) -> error::Result<Digest> {
    let mut out = BufWriter::with_capacity(64 << 10, HashingWriter::new(out));
    source.write(&mut out)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(out.digest())
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
    write(source, Named(stdout, name))
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
    if let Some(existing) = existing::digest(path)? {
        let digest = write(source, io::sink())?;
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
    let digest = write(source, Named(&mut file, path))?;
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
