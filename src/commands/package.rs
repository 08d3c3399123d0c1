//! `package`: makes the chaincode package of a source folder, always the same bytes from the same content.

mod existing;
mod source;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use self::source::Source;
use super::{Outcome, Stop};
use crate::error::{Cannot, Error, Result, failed};
use crate::files::{Digest, HashingWriter, NewFile};
use crate::formats::metadata::Label;
use crate::log;

/// The help text.
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

/// What the command line says.
pub struct Args {
    path: PathBuf,
    action: Action,
}

enum Action {
    PrintId,
    WriteToStdout,
    WriteToFile {
        /// LABEL.tar.gz where it is not given.
        path: Option<PathBuf>,
        force: bool,
    },
}

impl Args {
    /// Reads the command line.
    pub fn parse(mut parser: Parser) -> std::result::Result<Self, Stop> {
        let (mut path, mut output) = (None, None);
        let (mut id, mut force) = (false, false);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('o') | Arg::Long("output") => output = Some(parser.value()?),
                Arg::Long("force") => force = true,
                Arg::Long("id") => id = true,
                Arg::Value(value) if path.is_none() => path = Some(super::path(value)?),
                _ => return Err(Stop::of(arg)),
            }
        }
        let action = match (id, output.as_deref().map(OsStr::as_encoded_bytes)) {
            (true, None) if !force => Action::PrintId,
            (true, _) => return Err("--id writes nothing, leave --output and --force out".into()),
            (false, Some(b"")) => return Err("--output: is empty, name a file".into()),
            (false, Some(b"-")) => Action::WriteToStdout,
            (false, _) => Action::WriteToFile {
                path: output.map(PathBuf::from),
                force,
            },
        };
        let path = path.ok_or("missing argument DIR")?;
        Ok(Self { path, action })
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    if matches!(args.action, Action::PrintId) && is_file(&args.path)? {
        let (metadata, digest) = existing::identify(&args.path)?;
        let label = metadata
            .label()
            .map_err(|error| error.at(args.path.display()))?;
        return print_id(label, &digest);
    }
    let source = Source::read(&args.path)?;
    let label = source.metadata.label()?;
    let digest = match &args.action {
        Action::PrintId => digest(&source)?,
        Action::WriteToStdout => write_to_stdout(&source)?,
        Action::WriteToFile { path, force } => {
            let path = path.clone();
            let path = path.unwrap_or_else(|| PathBuf::from(format!("{label}.tar.gz")));
            write_to_file(&source, &path, *force)?
        }
    };
    source.warnings.write(WORD);
    if matches!(args.action, Action::WriteToStdout) {
        log::line(WORD, format_args!("{label}:{digest}"));
        return Ok(Outcome::Yes);
    }
    print_id(label, &digest)
}

fn print_id(label: &Label, digest: &Digest) -> Result<Outcome> {
    log::print(&format!("{label}:{digest}\n"))?;
    Ok(Outcome::Yes)
}

fn is_file(path: &Path) -> Result<bool> {
    Ok(fs::metadata(path).cannot("open", path)?.is_file())
}

/// Writes the package to `out`, and gives its digest.
fn write(source: &Source, out: impl Write) -> Result<Digest> {
    let mut out = BufWriter::with_capacity(64 << 10, HashingWriter::new(out));
    source.write(&mut out)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error);
    Ok(out.map_err(Error::from)?.digest())
}

/// The digest of the package, which is written nowhere.
fn digest(source: &Source) -> Result<Digest> {
    write(source, io::sink())
}

fn write_to_stdout(source: &Source) -> Result<Digest> {
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
    write(source, Named { out: stdout, name })
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

fn write_to_file(source: &Source, path: &Path, force: bool) -> Result<Digest> {
    if let Some(existing) = existing::digest(path)? {
        let digest = digest(source)?;
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
    let digest = write(
        source,
        Named {
            out: &mut file,
            name: path,
        },
    )?;
    if force {
        file.replace()?;
    } else {
        file.commit()?;
    }
    Ok(digest)
}

/// Names the place in errors of writing.
struct Named<'a, W> {
    out: W,
    name: &'a Path,
}

impl<W> Named<'_, W> {
    fn named<T>(&self, done: io::Result<T>) -> io::Result<T> {
        let name = self.name.display();
        done.map_err(|error| io::Error::new(error.kind(), format!("cannot write {name}: {error}")))
    }
}

impl<W: Write> Write for Named<'_, W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.out.write_all(piece).map(|()| piece.len());
        self.named(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.named(flushed)
    }
}
