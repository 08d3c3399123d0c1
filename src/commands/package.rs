//! `package`: makes the chaincode package of a source folder, always the same bytes from the same content.

mod existing;
mod source;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use lexopt::{Arg, Parser};

use self::source::Source;
use super::{Outcome, Request};
use crate::digest::{Digest, HashingWriter};
use crate::metadata::Label;
use crate::new_file::NewFile;
use crate::{cli, log};

/// The help text.
pub const HELP: &str = "\
Usage: fabric-ccs-builder package [--output FILE] [--force] DIR
       fabric-ccs-builder package --id DIR|FILE

Makes the chaincode package of a source folder DIR (metadata.json,
connection.json and META-INF side by side), after the checks that build makes,
and prints its package ID. The same content gives the same ID on every machine.

  --output FILE  writes to FILE instead of LABEL.tar.gz in the current folder; -
                 is standard output, and the ID then goes to standard error
  --force        replaces a FILE that is another package
  --id           only prints the ID: of the package that DIR would give, or of a
                 FILE that this command has written

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
    ///
    /// # Errors
    /// When it has no argument or one too many, or options that do not go together.
    pub fn parse(mut parser: Parser) -> Result<Request<Self>, lexopt::Error> {
        let (mut path, mut output) = (None, None);
        let (mut id, mut force) = (false, false);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
                Arg::Short('V') | Arg::Long("version") => return Ok(Request::Version),
                Arg::Short('o') | Arg::Long("output") => output = Some(parser.value()?),
                Arg::Long("force") => force = true,
                Arg::Long("id") => id = true,
                Arg::Value(value) if path.is_none() => path = Some(super::path(value)?),
                _ => return Err(arg.unexpected()),
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
        Ok(Request::Run(Self { path, action }))
    }
}

/// Runs the command.
///
/// # Errors
/// When the package is refused, or something cannot be read or written.
pub fn run(args: &Args) -> Result<Outcome> {
    if matches!(args.action, Action::PrintId) && is_file(&args.path)? {
        let (label, digest) = existing::identify(&args.path)?;
        return print_id(&label, &digest);
    }
    let source = Source::read(&args.path)?;
    let label = &source.label;
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
    cli::print(&format!("{label}:{digest}\n"))
}

fn is_file(path: &Path) -> Result<bool> {
    let found = fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(found.is_file())
}

/// Writes the package, and gives its digest; `name` is where to, for messages.
fn write(source: &Source, out: impl Write, name: &str) -> Result<Digest> {
    let out = HashingWriter::new(Named { out, name });
    let mut out = BufWriter::with_capacity(128 << 10, out);
    source.write(&mut out)?;
    let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(out.finish())
}

/// The digest of the package, which is written nowhere.
fn digest(source: &Source) -> Result<Digest> {
    write(source, io::sink(), "nowhere")
}

fn write_to_stdout(source: &Source) -> Result<Digest> {
    const NAME: &str = "to standard output";
    let stdout = io::stdout();
    if stdout.is_terminal() {
        return Err(lexopt::Error::from("standard output is a terminal, send it to a file").into());
    }
    // Not through the standard library's buffer, which looks for ends of lines.
    let stdout = stdout.as_fd().try_clone_to_owned();
    let stdout = stdout.with_context(|| format!("cannot write {NAME}"))?;
    write(source, File::from(stdout), NAME)
}

fn write_to_file(source: &Source, path: &Path, force: bool) -> Result<Digest> {
    if let Some(existing) = existing::digest(path)? {
        let digest = digest(source)?;
        if digest == existing {
            return Ok(digest);
        }
        if !force {
            let line = format!(
                "{}: exists already and is not this package, --force replaces it",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, line).into());
        }
    }
    let mut file = NewFile::create(path, source.mode)?;
    let digest = write(source, &mut file, &path.display().to_string())?;
    file.commit()?;
    Ok(digest)
}

/// Names the place in errors of writing.
struct Named<'a, W> {
    out: W,
    name: &'a str,
}

impl<W> Named<'_, W> {
    fn named(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("cannot write {}: {error}", self.name))
    }
}

impl<W: Write> Write for Named<'_, W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.out.write_all(piece);
        written.map_err(|error| self.named(&error))?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        flushed.map_err(|error| self.named(&error))
    }
}
