//! The builder that an install replaces: what is kept, and how it is described.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::place::needs_dir;
use super::{ANOTHER, ANOTHER_BUILD, AS_BEFORE, NAMES, PREVIOUS};
use super::{describe, digest, is_our_link, remove};
use crate::error::{Cannot, Result, failed};
use crate::files::{Digest, Dir, NewFile};
use crate::layout::{OPEN, VERSION};

/// Keeps the builder in `bin` that the program with the digest `own` replaces, and describes it.
/// Also returns what this run has kept.
pub fn keep(bin: &Dir, own: Digest) -> Result<(String, Option<Kept>)> {
    let is_there = |name: &&str| !matches!(bin.look_up(name), Ok(None));
    let found = NAMES.into_iter().filter(is_there);
    let found: Vec<(&str, Option<Digest>)> = found.map(|name| (name, digest(bin, name))).collect();
    if !matches!(found.first(), Some(("detect", _))) {
        let is_foreign = |(name, _): &&(&str, _)| {
            // Copying our images' links without their file leaves such a link.
            !is_our_link(bin, name) && describe(bin, name) == ANOTHER
        };
        return match found.iter().find(is_foreign) {
            None => Ok(("had no builder before".to_owned(), None)),
            Some((name, _)) => failed(format!(
                "{}: belongs to no builder, because there is no detect beside it; move it away",
                bin.path_of(name).display()
            )),
        };
    }
    let is_same = |digest: &Option<Digest>| *digest == Some(own);
    let Some((changed, _)) = found.iter().find(|(_, digest)| !is_same(digest)) else {
        return Ok((AS_BEFORE.to_owned(), None));
    };
    let before = |dir, name| {
        let description = describe(dir, name);
        let (other, advice) = match &*description {
            VERSION => (ANOTHER_BUILD, ""),
            ANOTHER => (ANOTHER, "; keep that builder's name in core.yaml"),
            other => (other, ""),
        };
        format!("in place of {other}, which install --rollback puts back{advice}")
    };
    needs_dir(bin, PREVIOUS, "remove it")?;
    let previous = bin.make_dir(PREVIOUS, OPEN)?.0;
    // A killed run, perhaps of another version, has kept them and replaced some.
    let is_old = |(name, found): &(&str, Option<Digest>)| {
        found.is_some() && *found == digest(&previous, name)
    };
    let has_old = found
        .iter()
        .any(|found| is_old(found) && !is_same(&found.1));
    let is_kept = |found: &(&str, Option<Digest>)| {
        is_same(&found.1) || is_old(found) || has_old && describe(bin, found.0) != ANOTHER
    };
    if found.iter().all(is_kept) {
        return Ok((before(&previous, "detect"), None));
    }
    let before = before(bin, changed);
    let names = found.iter().map(|(name, _)| *name);
    let kept = Kept::begin(bin, previous, &names.collect::<Vec<_>>());
    let kept = kept.inspect_err(|_| {
        // Only an empty folder: there was no older builder.
        let _ = fs::remove_dir(bin.reach(PREVIOUS));
    })?;
    Ok((before, Some(kept)))
}

/// The builder that this run has kept in `previous`.
pub struct Kept {
    /// The even older one that was there, removed while `previous` is still open.
    older: Vec<NewFile>,
    previous: Dir,
}

impl Kept {
    /// Keeps these programs of `bin`.
    fn begin(bin: &Dir, previous: Dir, names: &[&str]) -> Result<Self> {
        let is_there = |name: &&str| !matches!(previous.look_up(name), Ok(None));
        let older = NAMES.into_iter().rev().filter(is_there);
        let older = older.map(|name| keep_one(&previous, name, &previous));
        let older = older.collect::<Result<_>>()?;
        let new = names.iter().rev();
        let new = new.map(|name| keep_one(bin, name, &previous));
        // All are on disk before an older one is removed.
        let new: Vec<NewFile> = new.collect::<Result<_>>()?;
        let kept = Self { older, previous };
        let mut old = NAMES.iter();
        let put = old
            .try_for_each(|name| remove(&kept.previous, name))
            .and_then(|()| new.into_iter().try_for_each(NewFile::replace));
        match put {
            Ok(()) => Ok(kept),
            Err(error) => {
                kept.undo(bin);
                Err(error)
            }
        }
    }

    /// Puts the older builder back, because nothing was replaced.
    pub fn undo(self, bin: &Dir) {
        for name in NAMES {
            let _ = remove(&self.previous, name);
        }
        for older in self.older {
            let _ = older.replace();
        }
        let _ = fs::remove_dir(bin.reach(PREVIOUS));
    }
}

/// Begins to keep the program `name` of `bin` in `previous`, even where hard links do not work, and
/// where the kernel refuses a link to another user's file.
fn keep_one(bin: &Dir, name: &str, previous: &Dir) -> Result<NewFile> {
    let link = |path: &Path| fs::hard_link(bin.reach(name), path);
    let error = match NewFile::made_in(previous, name, link) {
        Ok(linked) => return Ok(linked),
        Err(error) => error,
    };
    let shown = previous.path_of(name);
    if let Ok(target) = fs::read_link(bin.reach(name)) {
        let link = |path: &Path| symlink(&target, path);
        return NewFile::made_in(previous, name, link).cannot("create", &shown);
    }
    match bin.look_up(name)? {
        Some(entry) if entry.listed().is_file() => {
            let mode = entry.listed().mode() & 0o777;
            let mut file = NewFile::create_in(previous, name, mode).cannot("create", &shown)?;
            bin.pieces(&entry, &mut |piece| Ok(file.write_all(piece)?))?;
            file.close()?;
            Ok(file)
        }
        _ => Err(error).cannot("create", &shown),
    }
}
