//! `install`: puts this program where a peer looks for an external builder. It needs no shell.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use lexopt::{Arg, Parser};
use serde_json::json;

use super::{Outcome, Result, Stop, text};
use crate::error::{self, Cannot, Error, failed};
use crate::files::{Dir, NewFile};
use crate::formats::template::VARIABLE;
use crate::layout::{BIN, OPEN, PROGRAMS};
use crate::log;

pub const HELP: &str = "\
Usage: fabric-ccs-builder install [--name NAME] [--path PATH] [--quiet] DIR

Puts this program at DIR/bin/detect, DIR/bin/build and DIR/bin/release, and
prints what makes a peer use it: lines for its core.yaml, or a variable for its
environment. DIR must exist, other files in DIR/bin are left alone, and a
running peer is not disturbed.

  --name NAME  the builder's name, instead of ccaas_builder; if you replace a
               builder, keep its name: a peer finds its chaincode by it
  --path PATH  DIR as the peer sees it, if that is another path
  -q, --quiet  prints nothing but warnings

Exit status: 0 installed, 2 not possible; one line says why.

Example: fabric-ccs-builder install /opt/hyperledger/ccaas_builder
";

const WORD: &str = "install";

/// Installs, unless a peer could not use the name or path.
pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut dir, mut path, mut name, mut quiet) = (None, None, "ccaas_builder".into(), false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("name") => name = parser.value()?,
            Arg::Long("path") => path = Some(parser.value()?),
            Arg::Short('q') | Arg::Long("quiet") => quiet = true,
            Arg::Value(value) if dir.is_none() => dir = Some(super::path(value)?),
            _ => return Err(Stop::of(arg)),
        }
    }
    let dir = dir.ok_or_else(|| Stop::usage("missing argument DIR"))?;
    let name = text("--name", name)?;
    let path = peer_path(&dir, path)?;

    let dir = Dir::open(&dir)?;
    let (bin, is_new) = open_bin(&dir)?;
    put(&bin, NewFile::link).inspect_err(|_| {
        if is_new {
            let _ = fs::remove_dir(dir.reach(BIN));
        }
    })?;
    // This is only a warning, so a failed look-up does not matter.
    if matches!(bin.look_up("run"), Ok(Some(_))) {
        let line = "belongs to another builder, the peer does not call it for this one's packages";
        let run = bin.path_of("run");
        log::line(WORD, format_args!("warning: {}: {line}", run.display()));
    }
    if !quiet {
        let (place, names) = (dir.path_of(BIN), PROGRAMS.join(", "));
        log::line(WORD, format_args!("{}: {names}", place.display()));
        log::print(&configuration(&name, &path))?;
    }
    Ok(Outcome::Yes)
}

/// DIR as the peer sees it.
fn peer_path(dir: &Path, given: Option<OsString>) -> Result<String> {
    if let Some(given) = given {
        let given = text("--path", given)?;
        if given.starts_with('/') {
            return Ok(given);
        }
        let message = format!(r#"--path: "{given}" does not begin with a /"#);
        return Err(Stop::usage(message));
    }
    let absolute = path::absolute(dir)
        .map_err(|error| Stop::usage(format!("cannot find {}: {error}", dir.display())))?;
    // Without `.` components and repeated slashes.
    let absolute: PathBuf = absolute.components().collect();
    text("DIR", absolute.into())
        .map_err(|error| Stop::usage(format!("{error}, say with --path what the peer calls it")))
}

/// The folder `bin` in `dir`, created if missing, and whether it was created.
fn open_bin(dir: &Dir) -> error::Result<(Dir, bool)> {
    // This look-up only improves the message, because opening follows no link anyway: a user who
    // can write to a volume must not be able to make root write elsewhere.
    if matches!(dir.look_up(BIN), Ok(Some(found)) if !found.is_dir()) {
        return failed(format!(
            "{}: is a link or file and is left alone, put a directory in its place",
            dir.path_of(BIN).display()
        ));
    }
    dir.make_dir(BIN, OPEN)
}

/// Puts this program into `bin` under each of its names, as a single file if `link` works.
fn put(bin: &Dir, link: impl Fn(&NewFile, &str) -> io::Result<NewFile>) -> error::Result<()> {
    for name in PROGRAMS {
        // Checked before anything is replaced.
        if matches!(bin.look_up(name), Ok(Some(found)) if found.is_dir()) {
            let path = bin.path_of(name);
            return failed(format!("cannot create {}: is a directory", path.display()));
        }
    }
    let program = this_program()?;
    let mut files: Vec<NewFile> = Vec::new();
    for name in PROGRAMS {
        let linked = files.first().and_then(|first| link(first, name).ok());
        // If there is no room for a link, the copy will fail too.
        files.push(linked.map_or_else(|| copy(&program, bin, name), Ok)?);
    }
    // All files are on disk and closed before the first program is replaced.
    files.iter_mut().try_for_each(NewFile::close)?;
    files.into_iter().try_for_each(NewFile::replace)
}

fn copy(program: &[u8], bin: &Dir, name: &str) -> error::Result<NewFile> {
    let mut file = NewFile::create_in(bin, name, OPEN)?;
    let written = file.write_all(program);
    written.cannot("write", &bin.path_of(name)).map(|()| file)
}

/// The bytes of the program that is running, even if its file has been replaced since.
fn this_program() -> error::Result<Vec<u8>> {
    fs::read("/proc/self/exe")
        .or_else(|_| env::current_exe().and_then(fs::read))
        .map_err(|error| Error::Failed(format!("cannot read this program: {error}")))
}

/// The configuration that makes a peer use the builder. A JSON string is also a YAML string.
fn configuration(name: &str, path: &str) -> String {
    let variable = json!([{"name": name, "path": path, "propagateEnvironment": [VARIABLE]}]);
    format!(
        "\
# core.yaml:
chaincode:
  externalBuilders:
    - name: {}
      path: {}
      propagateEnvironment:
        - {VARIABLE}
# or the value of CORE_CHAINCODE_EXTERNALBUILDERS in the peer's environment:
{variable}
",
        json!(name),
        json!(path)
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn copies_where_the_file_system_has_no_hard_links() {
        let bin = tempfile::tempdir().unwrap();
        let dir = Dir::open(bin.path()).unwrap();
        put(&dir, |_, _| Err(io::ErrorKind::Unsupported.into())).unwrap();
        let program = this_program().unwrap();
        for name in PROGRAMS {
            let path = bin.path().join(name);
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.nlink(), found.mode() & 0o7777), (1, 0o755), "{name}");
            assert!(fs::read(path).unwrap() == program, "{name}");
        }
        assert_eq!(fs::read_dir(bin.path()).unwrap().count(), PROGRAMS.len());
    }
}
