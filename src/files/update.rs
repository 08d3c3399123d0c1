//! Files replaced in a directory that others may read at any moment.
//!
//! Each new file is written under a temporary name in its final folder, with the owner and mode of
//! what it replaces (but see [`mode_like`]), or else the owner of the folder. When all are on disk,
//! they get their final names in the given order. A failure before that changes no file. A killed
//! process leaves files whose names begin with `.fabric-ccs-builder-`; the next run completes its
//! work.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::Dir;
use super::dir::names;
use super::staging::empty;
use crate::error::{Cannot, Result, refused};
use crate::layout::{CLOSED, OPEN, SECRET, UNFINISHED};

/// Puts the files at the paths `new` from `made` into `target`, in this order, and then removes
/// those at the paths `gone`.
pub fn update(target: &Dir, made: &Dir, new: &[String], gone: &[String]) -> Result<()> {
    let mut staged = Vec::new();
    let mut put = || -> Result<()> {
        for path in new {
            stage(target, made, path, &mut staged)?;
        }
        for (path, temporary) in new.iter().zip(&staged) {
            let (dir, name) = place(target, path)?;
            let renamed = fs::rename(dir.reach(temporary), dir.reach(name));
            renamed.cannot("replace", &dir.path_of(name))?;
        }
        Ok(())
    };
    let put = put();
    if put.is_err() {
        for (path, temporary) in new.iter().zip(&staged) {
            let _ = place(target, path).map(|(dir, _)| fs::remove_file(dir.reach(temporary)));
        }
    }
    put?;
    gone.iter().try_for_each(|path| {
        let (dir, name) = place(target, path)?;
        let remove = |path: PathBuf| match fs::remove_file(&path) {
            // No walk enters a folder whose name is not safe to print, or that a killed run left.
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                empty(&path).and_then(|()| fs::remove_dir(&path))
            }
            removed => removed,
        };
        let removed = real_name(&dir, name).and_then(|name| remove(dir.reach("").join(name)));
        removed.cannot("remove", &dir.path_of(name))
    })
}

/// The real name of the file that a listing shows as `name`. If several look the same, those that
/// are not UTF-8 come first.
fn real_name(dir: &Dir, name: &str) -> io::Result<OsString> {
    if name.contains(char::REPLACEMENT_CHARACTER) {
        for entry in fs::read_dir(dir.reach(""))? {
            let found = entry?.file_name();
            if found.to_str().is_none() && found.to_string_lossy() == name {
                return Ok(found);
            }
        }
    }
    Ok(name.into())
}

/// Creates the directory `name` in `parent` with the files at the paths `new` in `made`. It appears
/// only when complete.
pub fn create(parent: &Dir, name: &str, made: &Dir, new: &[String]) -> Result<()> {
    let hidden = parent.create_dir(UNFINISHED, CLOSED)?;
    let put = || {
        give(&hidden.handle, &parent.stat()?, hidden.path())?;
        update(&hidden, made, new, &[])?;
        let renamed = fs::rename(parent.reach(UNFINISHED), parent.reach(name));
        renamed.cannot("create", &parent.path_of(name))
    };
    put().inspect_err(|_| hidden.remove(&parent.reach(UNFINISHED)))
}

/// Removes what a killed run of [`create`] left in `parent`.
pub fn remove_unfinished(parent: &Dir) -> Result<()> {
    let path = parent.reach(UNFINISHED);
    match parent.look_up(UNFINISHED)? {
        Some(left) if left.is_dir() => parent.subdir(UNFINISHED)?.remove(&path),
        Some(_) => fs::remove_file(path).cannot("remove", &parent.path_of(UNFINISHED))?,
        None => {}
    }
    Ok(())
}

fn place<'a>(top: &Dir, path: &'a str) -> Result<(Dir, &'a str)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    Ok((top.descend(folder)?, name))
}

/// Writes the file at `path` in `source` beside where it belongs in `target`, under a name that it
/// adds to `staged`.
fn stage(target: &Dir, source: &Dir, path: &str, staged: &mut Vec<String>) -> Result<()> {
    let (from, name) = place(source, path)?;
    let folder = path.strip_suffix(name).unwrap_or_default();
    let into = make_dirs(target, folder)?;
    let shown = into.path_of(name);
    let Some(entry) = from.look_up(name)? else {
        return refused(format!("{path}: disappeared while it was copied"));
    };
    let (folder, old) = (into.stat()?, into.look_up(name)?);
    let (like, mode) = match &old {
        Some(old) if old.listed().is_file() => {
            let mode = mode_like(old.listed().mode(), entry.listed().mode());
            (old.listed(), mode)
        }
        // A link or special file is replaced.
        _ => (&folder, entry.listed().mode()),
    };
    // Added before the file is made, because that may fail halfway.
    staged.push(free_name(&from, &into));
    let temporary = staged.last().map_or("", String::as_str);
    let mut file = into.create(temporary, mode & 0o777)?;
    give(&file, like, &shown)?;
    from.pieces(&entry, &mut |piece| {
        file.write_all(piece).cannot("write", &shown)
    })?;
    file.sync_all().cannot("write", &shown)
}

/// A temporary name that is in neither directory: a package may have such names too, and a killed
/// run may have left some.
fn free_name(from: &Dir, into: &Dir) -> String {
    let mut number = 0;
    loop {
        let name = format!("{UNFINISHED}-{number}");
        let has = |dir: &&Dir| matches!(dir.look_up(&name), Ok(Some(_)));
        if ![from, into].iter().any(has) {
            return name;
        }
        number += 1;
    }
}

/// The mode for a file made with mode `new` that replaces one with mode `old`: that is `old`,
/// unless everyone could read a private key then. If only a group can, someone chose that.
pub fn mode_like(old: u32, new: u32) -> u32 {
    let is_exposed = new & 0o777 == SECRET && old & 0o004 != 0;
    if is_exposed { SECRET } else { old }
}

/// Opens the folder at `path` below `top`. Missing folders are created, owned like their parents,
/// and the first part of the path with the mode that the peer uses.
fn make_dirs(top: &Dir, path: &str) -> Result<Dir> {
    let mut mode = CLOSED;
    names(path).try_fold(top.descend("")?, |parent, name| {
        let (dir, _) = parent.make_dir(name, mode)?;
        mode = OPEN;
        // A killed run may have created the folder without giving it away.
        if fs::read_dir(dir.reach("")).is_ok_and(|mut found| found.next().is_none()) {
            give(&dir.handle, &parent.stat()?, dir.path())?;
        }
        Ok(dir)
    })
}

/// Gives `file` the owner and group of `owner`, unless it has them already.
fn give(file: &File, owner: &Metadata, shown: &Path) -> Result<()> {
    let owner_of = |file: &Metadata| (file.uid(), file.gid());
    let (uid, gid) = owner_of(owner);
    if owner_of(&file.metadata().cannot("read", shown)?) == (uid, gid) {
        return Ok(());
    }
    fchown(file, Some(uid), Some(gid)).cannot("keep the owner of", shown)
}
