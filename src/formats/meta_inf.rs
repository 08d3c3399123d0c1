//! A package's META-INF tree: where it is, and what in it the peer would trip over.

use super::published::{self, Judge};
use super::tls;
use crate::error::{Faults, Result};
use crate::files::{Dir, Entry};
use crate::layout::{ALTERNATIVE, CONNECTION, MAX_SMALL, META_INF, METADATA, PACKAGE, STATEDB};
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

/// Whether the folder `metadata` takes the place of `META-INF`: if there is no `META-INF`, and
/// `metadata` contains a `statedb`.
pub fn is_alternative(has_meta_inf: bool, has_statedb: bool) -> bool {
    has_statedb && !has_meta_inf
}

/// A line for everything in a package's source folder that is not packaged, except what
/// [`misplaced`] already names.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Option<String>> {
    let tree_name = tree.map(|tree| tree.relative("")).unwrap_or_default();
    let misplaced = find_misplaced(source, tree)?;
    let is_left_out = |entry: &Entry| {
        ![METADATA, CONNECTION, META_INF, &tree_name].contains(&entry.name.as_str())
            && !misplaced
                .iter()
                .any(|(path, _)| path.split('/').next() == Some(&entry.name))
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
    let misplaced = find_misplaced(source, tree)?.into_iter();
    Ok(misplaced
        .map(|(found, place)| format!("{found}: is ignored, index definitions belong in {place}"))
        .collect())
}

/// How deep folders in the wrong place are looked for, and in how many: a package can hold all of a
/// chaincode's source, in which nobody puts them deep.
const DEPTH: usize = 2;
const MOST: usize = 1000;

/// Folders in the wrong place, each with the right one.
type Misplaced = Vec<(String, String)>;

fn find_misplaced(source: &Dir, tree: Option<&Dir>) -> Result<Misplaced> {
    let mut found = Vec::new();
    let tree = tree.map(|tree| tree.relative("")).unwrap_or_default();
    search(source, &tree, DEPTH, &mut 0, &mut found)?;
    Ok(found)
}

fn search(
    dir: &Dir,
    except: &str,
    depth: usize,
    listed: &mut usize,
    found: &mut Misplaced,
) -> Result<()> {
    *listed += 1;
    for entry in dir.list()? {
        let name = &entry.name;
        if !entry.is_dir() || entry.fault().is_some() || name == except {
            continue;
        }
        if let Some(mut place) = meant(name).map(str::to_owned) {
            let path = dir.relative(name);
            if let [.., collections, collection, _] = *path.split('/').collect::<Vec<_>>()
                && place.ends_with("indexes")
                && published::COLLECTIONS.contains(&collections)
            {
                place = format!("META-INF/statedb/couchdb/collections/{collection}/indexes");
            }
            found.push((path, place));
        } else if depth > 0 && *listed < MOST {
            // A warning only, so whatever hinders the look does not matter.
            let dir = dir.subdir(name);
            let _ = dir.and_then(|dir| search(&dir, "", depth - 1, listed, found));
        }
    }
    Ok(())
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

/// Visits the tree's folders, parents first.
pub fn walk(tree: &Dir, warnings: &mut Warnings, visit: Visit) -> Result<()> {
    let (mut judge, mut strays) = (Judge::new(warnings), Strays::default());
    tree.walk(PACKAGE, |dir, files| {
        let folder = enter(tree, dir, &mut judge);
        visit(&folder, dir, &strays.leave_out(dir, files), &mut judge)
    })?;
    warnings.extend(strays.warning());
    Ok(())
}

/// The files that are left out, as operating systems made them.
#[derive(Default)]
struct Strays {
    first: Option<String>,
    count: usize,
}

impl Strays {
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

/// A warning of a file that holds a private key.
pub fn private_key(dir: &Dir, file: &Entry) -> Result<Option<String>> {
    let holds = file.size() <= MAX_SMALL && tls::holds_private_key(&dir.read(file, MAX_SMALL)?);
    let path = dir.relative(&file.name);
    Ok(holds.then(|| format!("{path}: {}, move it elsewhere", tls::KEY_WITHIN)))
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
            let read = dir
                .check(file)
                .and_then(|()| judge.read(&folder, dir, file));
            if faults.take_refusal(read)?.is_some() {
                judge.warnings.extend(private_key(dir, file)?);
            }
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
