//! A package's META-INF tree: where it is, and what in it the peer would trip over.

use super::published::{self, Judge};
use crate::error::{Faults, Result, refused};
use crate::files::{Dir, Entry};
use crate::layout::{ALTERNATIVE, CONNECTION, META_INF, METADATA, PACKAGE, STATEDB};
use crate::log::Warnings;

/// The package's `META-INF` or, in the layout of Fabric's `cc_service.md`, the folder `metadata` if
/// it contains a `statedb`.
pub fn find(source: &Dir) -> Result<Option<Dir>> {
    if let Some(tree) = source.find_dir(META_INF)? {
        return Ok(Some(tree));
    }
    // Anything else of that name is just another thing that a package may contain.
    let is_sound_dir = |entry: Entry| entry.is_dir() && entry.fault().is_none();
    if !source.look_up(ALTERNATIVE)?.is_some_and(is_sound_dir) {
        return Ok(None);
    }
    let alternative = source.subdir(ALTERNATIVE)?;
    let has_statedb = alternative.look_up(STATEDB)?.is_some();
    Ok(is_alternative(false, has_statedb).then_some(alternative))
}

/// Whether `metadata` replaces `META-INF` in a package that may have a `META-INF`, and may have a
/// `statedb` in a folder `metadata`.
pub fn is_alternative(has_meta_inf: bool, has_statedb: bool) -> bool {
    has_statedb && !has_meta_inf
}

/// A line for everything in a package's source folder that is not packaged, except what
/// [`misplaced`] already names.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Option<String>> {
    let tree_name = tree.map(|tree| tree.relative("")).unwrap_or_default();
    let misplaced = Misplaced::find(source, tree)?;
    let is_left_out = |entry: &Entry| {
        ![METADATA, CONNECTION, &tree_name].contains(&entry.name.as_str())
            && !misplaced
                .paths()
                .any(|path| path.split('/').next() == Some(&entry.name))
    };
    let left_out = source.list()?.into_iter().filter(is_left_out);
    let only = format!("only {METADATA}, {CONNECTION} and {META_INF} are");
    let names: Vec<String> = left_out.map(|entry| entry.name).collect();
    Ok(names.first().map(|first| match names.len() - 1 {
        0 => format!("{first}: is not packaged, {only}"),
        more => format!("{first}: and {more} more are not packaged, {only}"),
    }))
}

/// A line for every folder outside the `tree` that its author took for part of it.
pub fn misplaced(source: &Dir, tree: Option<&Dir>) -> Result<Vec<String>> {
    let misplaced = Misplaced::find(source, tree)?.found.into_iter();
    Ok(misplaced
        .map(|(found, place)| format!("{found}: is ignored, index definitions belong in {place}"))
        .collect())
}

/// A search for folders in the wrong place.
#[derive(Default)]
struct Misplaced {
    /// Each, with the right place.
    found: Vec<(String, &'static str)>,
    /// How many folders were listed.
    listed: usize,
}

impl Misplaced {
    /// A package can contain all of a chaincode's source, but nobody puts such folders deep in it.
    const DEPTH: usize = 2;
    const LISTED: usize = 1000;

    fn find(source: &Dir, tree: Option<&Dir>) -> Result<Self> {
        let mut search = Self::default();
        let tree = tree.map(|tree| tree.relative(""));
        search.enter(source, &tree.unwrap_or_default(), Self::DEPTH)?;
        Ok(search)
    }

    fn enter(&mut self, dir: &Dir, except: &str, depth: usize) -> Result<()> {
        self.listed += 1;
        for entry in dir.list()? {
            let name = &entry.name;
            if !entry.is_dir() || entry.fault().is_some() || name == except {
                continue;
            }
            if let Some(place) = meant(name) {
                self.found.push((dir.relative(name), place));
            } else if depth > 0 && self.listed < Self::LISTED {
                // This is only a warning, so it does not matter if the look-up fails.
                let dir = dir.subdir(name);
                let _ = dir.and_then(|dir| self.enter(&dir, "", depth - 1));
            }
        }
        Ok(())
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|(path, _)| path.as_str())
    }
}

/// What the author of a folder of this name meant it to be.
fn meant(name: &str) -> Option<&'static str> {
    let letters = name.chars().filter(|letter| !"-_. ".contains(*letter));
    Some(match &*letters.collect::<String>().to_ascii_lowercase() {
        "metainf" => META_INF,
        "statedb" => "META-INF/statedb",
        "couchdb" => "META-INF/statedb/couchdb",
        "indexes" => "META-INF/statedb/couchdb/indexes",
        _ => return None,
    })
}

/// Gets a folder's path in the tree, the folder, its files, and the judge that reads the index
/// definitions among them.
type Visit<'a> = &'a mut dyn FnMut(&str, &Dir, &[&Entry], &mut Judge) -> Result<()>;

/// Visits the tree's folders, parents first: `visit` gets each folder's path in the tree, the
/// folder, its files, and the judge that reads the index definitions among them.
pub fn walk(tree: &Dir, warnings: &mut Warnings, visit: Visit) -> Result<()> {
    let (mut judge, mut strays) = (Judge::new(warnings), Strays::default());
    tree.walk(PACKAGE, |dir, files| {
        let folder = enter(tree, dir, &mut judge);
        visit(&folder, dir, &strays.leave_out(dir, files), &mut judge)
    })?;
    warnings.extend(strays.warning());
    Ok(())
}

/// The files that are left out because operating systems made them.
#[derive(Default)]
struct Strays {
    first: Option<String>,
    count: usize,
}

impl Strays {
    /// The files of `dir` without the strays.
    fn leave_out<'a>(&mut self, dir: &Dir, files: &'a [Entry]) -> Vec<&'a Entry> {
        let (strays, files): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_stray(&file.name));
        self.count += strays.len();
        if let (None, Some(stray)) = (&self.first, strays.first()) {
            self.first = Some(dir.relative(&stray.name));
        }
        files
    }

    fn warning(self) -> Option<String> {
        let first = self.first?;
        Some(match self.count - 1 {
            0 => format!("{first}: is left out, an operating system made it"),
            more => {
                format!("{first}: and {more} more are left out, operating systems made them")
            }
        })
    }
}

/// Whether an operating system has put the file there, without its author's knowledge.
pub fn is_stray(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("._") || [".ds_store", "thumbs.db", "desktop.ini"].contains(&name.as_str())
}

/// Like [`walk`], but adds whatever must not be copied to the faults, and continues.
pub fn collect(tree: &Dir, warnings: &mut Warnings, faults: &mut Faults) -> Result<()> {
    let (mut judge, mut strays) = (Judge::new(warnings), Strays::default());
    tree.walk_all(|dir, files| {
        let folder = enter(tree, dir, &mut judge);
        for file in strays.leave_out(dir, files) {
            let read = match file.fault() {
                Some(fault) => refused(format!("{}: {fault}", dir.relative(&file.name))),
                None => judge.read(&folder, dir, file),
            };
            faults.take_refusal(read)?;
        }
        Ok(())
    })?;
    warnings.extend(strays.warning());
    Ok(())
}

/// The path of the folder `dir` in the tree, whose name is checked.
fn enter(tree: &Dir, dir: &Dir, judge: &mut Judge) -> String {
    let (root, path) = (tree.relative(""), dir.relative(""));
    let folder = path.strip_prefix(&root).unwrap_or_default();
    let folder = folder.trim_start_matches('/');
    if let Some(fault) = published::fault_of_folder(folder) {
        judge.warnings.withhold(&path, fault);
    }
    folder.to_owned()
}
