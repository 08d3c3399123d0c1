//! `install`: puts this program where a peer looks for an external builder. It needs no shell.

mod kept;
mod place;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use self::kept::keep;
use self::place::{configuration, needs_dir, open, peer_path};
use super::arguments::{self, needed, text};
use crate::error::{Cannot, Error, Outcome, Result, failed, usage};
use crate::files::{Digest, Dir, Entry, NewFile};
use crate::layout::{BIN, OPEN, PROGRAM, VERSION};
use crate::log;
use lexopt::{Arg, Parser};

pub const HELP: &str = "\
Usage: fabric-ccs-builder install [OPTION...] DIR

Puts this program at DIR/bin/detect, DIR/bin/build, DIR/bin/release and
DIR/bin/fabric-ccs-builder, and prints what makes a peer use it: lines for its
core.yaml, or a variable for its environment. DIR must exist. Other files in
DIR/bin are left alone, and a running peer is not disturbed. The builder or
version that this one replaces is kept in DIR/bin/.previous.

  --name NAME  the builder's name instead of ccaas_builder; keep the one of a
               builder that you replace: a peer finds its chaincode by it
  --path PATH  DIR as the peer sees it, when that is another path
  --rollback   instead puts back the programs that the last install replaced
  -q, --quiet  prints nothing but warnings

Exit status: 0 installed or rolled back, 2 not possible; one line says why.

Example: fabric-ccs-builder install /opt/hyperledger/ccaas_builder
";

const WORD: &str = "install";

/// The names in `bin`: the peer's, the first of which it calls first, and the one for people.
const NAMES: [&str; 4] = ["detect", "build", "release", PROGRAM];
/// The folder in `bin` with the builder that was replaced. It counts if it has `detect`, which is
/// put there last and removed first, so that what a killed run leaves is whole or nothing.
const PREVIOUS: &str = ".previous";
const AS_BEFORE: &str = "as before";
const ANOTHER: &str = "another builder";
const ANOTHER_BUILD: &str = "another build of it";
/// The most bytes of an older program that are read to find its version.
const MOST: u64 = 64 << 20;

/// Installs, unless a peer could not use the name or path.
pub fn run(mut parser: Parser) -> Result<Outcome> {
    let (mut dir, mut path, mut name) = (None, None, None);
    let (mut rollback, mut quiet) = (false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("name") => name = Some(parser.value()?),
            Arg::Long("path") => path = Some(parser.value()?),
            Arg::Long("rollback") => rollback = true,
            Arg::Short('q') | Arg::Long("quiet") => quiet = true,
            Arg::Value(value) if dir.is_none() => dir = Some(arguments::path(value)?),
            _ => return Err(Error::of(arg)),
        }
    }
    let dir = needed(dir, "DIR")?;
    for (option, given) in [("--name", &name), ("--path", &path)] {
        if rollback && given.is_some() {
            return usage(format!(
                "--rollback only puts programs back; leave out {option}"
            ));
        }
    }
    let name = text("--name", name.unwrap_or_else(|| "ccaas_builder".into()))?;
    let origin = if path.is_some() { "--path" } else { "DIR" };
    let path = peer_path(&dir, path)?;

    let dir = open(&dir, rollback)?;
    let done = if rollback {
        roll_back(&dir.subdir(BIN)?)?
    } else {
        install(&dir, &path, origin)?
    };
    if !quiet {
        log::line(WORD, format_args!("{}: {done}", dir.path_of(BIN).display()));
        if !rollback {
            log::print(&configuration(&name, &path))?;
        }
    }
    Ok(Outcome::Yes)
}

/// Puts this program into the folder `bin` of `dir`, and returns what there is now. The peer's path
/// comes from the argument `origin`.
fn install(dir: &Dir, path: &str, origin: &str) -> Result<String> {
    needs_dir(dir, BIN, "put a directory in its place")?;
    let (bin, is_new) = dir.make_dir(BIN, OPEN)?;
    let before = put(&bin).inspect_err(|_| {
        if is_new {
            let _ = fs::remove_dir(dir.reach(BIN));
        }
    })?;
    let warn = |warning: &str| log::line(WORD, format_args!("warning: {warning}"));
    // This is only a warning, so a failed look-up does not matter.
    if matches!(bin.look_up("run"), Ok(Some(_))) {
        let run = bin.path_of("run");
        warn(&format!(
            "{}: belongs to another builder, and the peer does not call it for chaincode that this builder built",
            run.display()
        ));
    }
    let path = path.trim_end_matches('/');
    if Path::new(path).ends_with(BIN) {
        warn(&format!(
            "the peer has to find {path}/{BIN}/detect; if its path is the folder above {path}, give {origin} without /{BIN}"
        ));
    }
    if !cfg!(target_feature = "crt-static") {
        warn(
            "this program is linked dynamically and may not run in a peer's image; install a release there",
        );
    }
    Ok(format!("now has {VERSION}, {before}"))
}

/// Puts this program into `bin` under each of its names, and returns what was there before. Each
/// name has a file of its own: copying another program over one must not change the others.
fn put(bin: &Dir) -> Result<String> {
    lock(bin);
    if is_half_rolled_back(bin) {
        roll_back(bin)?;
    }
    for name in NAMES {
        // Checked before anything is replaced.
        if matches!(bin.look_up(name), Ok(Some(found)) if found.is_dir()) {
            return failed(format!(
                "cannot create {}: is a directory; move it away",
                bin.path_of(name).display()
            ));
        }
    }
    let program = this_program()?;
    let own = Digest::of(&program);
    let is_there = |name| {
        let mode = find(bin, name).map(|file| file.listed().mode() & 0o7777);
        mode == Some(OPEN) && digest(bin, name) == Some(own)
    };
    // A container that starts again may have a full disk by now, or another user.
    if NAMES.into_iter().all(is_there) {
        return Ok(AS_BEFORE.to_owned());
    }
    let files = NAMES.into_iter().map(|name| copy(&program, bin, name));
    let mut files: Vec<NewFile> = files.collect::<Result<_>>()?;
    // All files are on disk and closed before the first program is replaced.
    files.iter_mut().try_for_each(NewFile::close)?;
    let (before, mut kept) = keep(bin, own)?;
    for file in files {
        let replaced = file.replace();
        // Nothing was replaced if the first fails.
        if let (Some(kept), Err(_)) = (kept.take(), &replaced) {
            kept.undo(bin);
        }
        replaced?;
    }
    Ok(before)
}

/// Locks `bin`, and removes what killed runs have left there.
fn lock(bin: &Dir) {
    // Without a lock, another run may be using these files.
    if !bin.lock() {
        return;
    }
    let previous = bin.subdir(PREVIOUS).ok();
    for dir in [Some(bin), previous.as_ref()].into_iter().flatten() {
        for entry in dir.list().unwrap_or_default() {
            if entry.listed().is_file() && NewFile::is_temporary(&entry.name) {
                let _ = remove(dir, &entry.name);
            }
        }
    }
}

/// Whether a roll-back was killed: it has moved a program of another builder back, and not `detect`.
fn is_half_rolled_back(bin: &Dir) -> bool {
    let Ok(previous) = bin.subdir(PREVIOUS) else {
        return false;
    };
    let ours = digest(bin, "detect");
    let is_back = |name| {
        let is_gone = matches!(previous.look_up(name), Ok(None));
        is_gone && find(bin, name).is_some() && digest(bin, name) != ours
    };
    let old = digest(&previous, "detect");
    old.is_some() && old != ours && NAMES.into_iter().any(is_back)
}

/// Puts the programs back that were replaced last, removes what else was installed with them, and
/// returns what there is now. When it is killed, another run completes it: `detect` comes last.
fn roll_back(bin: &Dir) -> Result<String> {
    lock(bin);
    needs_dir(bin, PREVIOUS, "remove it")?;
    let previous = match bin.look_up(PREVIOUS)? {
        Some(_) => bin.subdir(PREVIOUS)?,
        None => return nothing_to_roll_back(bin),
    };
    let mut kept = Vec::new();
    for name in NAMES {
        match previous.look_up(name)? {
            None if kept.is_empty() => return nothing_to_roll_back(bin),
            None => {}
            Some(_) => kept.push(name),
        }
    }
    let (old, mut new) = (describe(&previous, "detect"), describe(bin, "detect"));
    if new == old && new != ANOTHER {
        ANOTHER_BUILD.clone_into(&mut new);
    }
    let ours = digest(bin, "detect");
    for name in NAMES.into_iter().rev() {
        if kept.contains(&name) {
            let path = bin.path_of(name);
            fs::rename(previous.reach(name), bin.reach(name)).cannot("replace", &path)?;
            // It is still there if both were one file.
            remove(&previous, name)?;
        } else if ours.is_some() && digest(bin, name) == ours {
            remove(bin, name)?;
        }
    }
    let _ = fs::remove_dir(bin.reach(PREVIOUS));
    Ok(format!("has {old} again, in place of {new}"))
}

fn nothing_to_roll_back<T>(bin: &Dir) -> Result<T> {
    let bin = bin.path().display();
    failed(format!(
        "{bin}: no earlier builder is kept here; install the version that you want"
    ))
}

/// The file of the program `name` in `dir`, if there is one. Our images have links to one file.
fn find(dir: &Dir, name: &str) -> Option<Entry> {
    let is_ours = is_our_link(dir, name);
    let file = dir.find_file(if is_ours { PROGRAM } else { name });
    file.ok()?
}

fn is_our_link(dir: &Dir, name: &str) -> bool {
    fs::read_link(dir.reach(name)).is_ok_and(|to| to == Path::new(PROGRAM))
}

fn digest(dir: &Dir, name: &str) -> Option<Digest> {
    dir.digest(&find(dir, name)?).ok()
}

/// What the program `name` in `dir` is. It is not run to find out: nobody knows what it does.
fn describe(dir: &Dir, name: &str) -> String {
    let program = find(dir, name).and_then(|file| dir.read(&file, MOST).ok());
    let program = program.filter(|program| program.starts_with(b"\x7fELF"));
    let program = program.unwrap_or_default();
    let lines = program.split(|&byte| byte == b'\n');
    let mut found = lines.filter_map(|line| {
        let length = line.iter().rev().take_while(|byte| byte.is_ascii_graphic());
        let (name, version) = line.split_at_checked(line.len() - length.count())?;
        let is_ours = name.strip_suffix(b" ")?.ends_with(PROGRAM.as_bytes());
        let is_version = is_ours && version.first()?.is_ascii_digit();
        is_version.then(|| format!("{PROGRAM} {}", String::from_utf8_lossy(version)))
    });
    found.next().unwrap_or_else(|| ANOTHER.to_owned())
}

fn remove(dir: &Dir, name: &str) -> Result<()> {
    match fs::remove_file(dir.reach(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.cannot("remove", &dir.path_of(name)),
    }
}

fn copy(program: &[u8], bin: &Dir, name: &str) -> Result<NewFile> {
    let path = bin.path_of(name);
    let mut file = NewFile::create_in(bin, name, OPEN).cannot("create", &path)?;
    file.write_all(program)?;
    Ok(file)
}

/// The bytes of the program that is running, even if its file has been replaced since.
fn this_program() -> Result<Vec<u8>> {
    fs::read("/proc/self/exe")
        .or_else(|_| env::current_exe().and_then(fs::read))
        .map_err(|error| Error::Failed(format!("cannot read this program: {error}")))
}
