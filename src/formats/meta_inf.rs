//! The META-INF tree of a package: where it is, and what in it the peer would trip over.

use super::published::{self, Judge};
use crate::error::{Faults, Result, refused};
use crate::files::{Dir, Entry, join};
use crate::layout::{ALTERNATIVE, CONNECTION, META_INF, METADATA, PACKAGE, STATEDB};
use crate::log::Warnings;

/// The package's `META-INF`, or the folder that has its place in the layout of Fabric's
/// `cc_service.md`: `metadata`, where there is a `statedb` in it.
pub fn find(source: &Dir) -> Result<Option<Dir>> {
    let meta_inf = source.find_dir(META_INF)?;
    // Anything else of that name is one of the other things that packages may hold.
    let is_sound_dir = |entry: Entry| entry.is_dir() && entry.fault().is_none();
    if !source.look_up(ALTERNATIVE)?.is_some_and(is_sound_dir) {
        return Ok(meta_inf);
    }
    let alternative = source.subdir(ALTERNATIVE)?;
    let has_statedb = alternative.look_up(STATEDB)?.is_some();
    let is_alternative = is_alternative(meta_inf.is_some(), has_statedb)?;
    Ok(if is_alternative {
        Some(alternative)
    } else {
        meta_inf
    })
}

/// Whether `metadata` has the place of `META-INF`: of a package that may have a `META-INF`, and may
/// have a `statedb` in a folder `metadata`.
pub fn is_alternative(has_meta_inf: bool, has_statedb: bool) -> Result<bool> {
    if has_meta_inf && has_statedb {
        return refused(format!(
            "{ALTERNATIVE}/{STATEDB}: there is a {META_INF} too, keep one of them"
        ));
    }
    Ok(has_statedb)
}

/// A line for everything in a package's source folder that is not packaged; what
/// [`misplaced`] names has one already.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Option<String>> {
    let tree = tree.map(|tree| tree.relative("")).unwrap_or_default();
    let packaged = [METADATA, CONNECTION, &tree];
    let is_left_out = |entry: &Entry| {
        !packaged.contains(&entry.name.as_str()) && right_place(source, entry).is_none()
    };
    let left_out = source.list()?.into_iter().filter(is_left_out);
    let only = format!("only {METADATA}, {CONNECTION} and {META_INF} are");
    let names: Vec<String> = left_out.map(|entry| entry.name).collect();
    Ok(names.first().map(|first| match names.len() - 1 {
        0 => format!("{first}: is not packaged, {only}"),
        more => format!("{first}: and {more} more are not packaged, {only}"),
    }))
}

/// A line for everything in a package's source folder that its author took for META-INF.
pub fn misplaced(source: &Dir) -> Result<Vec<String>> {
    let entries = source.list()?.into_iter();
    let misplaced = entries.filter_map(|entry| right_place(source, &entry));
    Ok(misplaced
        .map(|(found, place)| {
            format!("{found}: is not looked at, index definitions belong in {place}")
        })
        .collect())
}

/// What in the source folder's `entry` is in the wrong place, and the right place.
fn right_place(source: &Dir, entry: &Entry) -> Option<(String, String)> {
    if !entry.is_dir() || entry.fault().is_some() || entry.name == META_INF {
        return None;
    }
    let is_meta_inf = |name: &str| {
        let letters = name.chars().filter(|letter| !"-_. ".contains(*letter));
        letters.collect::<String>().eq_ignore_ascii_case("METAINF")
    };
    let name = entry.name.clone();
    match name.as_str() {
        STATEDB => Some((name, format!("{META_INF}/{STATEDB}"))),
        "src" => {
            // A warning only, so whatever hinders the look does not matter.
            let found = source.subdir("src").and_then(|src| src.look_up(META_INF));
            let found = found.ok().flatten();
            found.map(|found| (join(&name, &found.name), META_INF.to_owned()))
        }
        _ if is_meta_inf(&name) => Some((name, META_INF.to_owned())),
        _ => None,
    }
}

/// Visits the tree's folders, parents first: `visit` gets each folder's path in the tree, the
/// folder, its files, and the judge that reads the index definitions among them.
pub fn walk(
    tree: &Dir,
    warnings: &mut Warnings,
    mut visit: impl FnMut(&str, &Dir, &[Entry], &mut Judge) -> Result<()>,
) -> Result<()> {
    let mut judge = Judge::new(warnings);
    tree.walk(PACKAGE, |dir, files| {
        visit(&enter(tree, dir, &mut judge), dir, files, &mut judge)
    })
}

/// Like [`walk`], but adds all that must not be copied to the faults, and goes on.
pub fn collect(tree: &Dir, warnings: &mut Warnings, faults: &mut Faults) -> Result<()> {
    let mut judge = Judge::new(warnings);
    tree.walk_all(|dir, files| {
        let folder = enter(tree, dir, &mut judge);
        for file in files {
            let read = match file.fault() {
                Some(fault) => refused(format!("{}: {fault}", dir.relative(&file.name))),
                None => judge.read(&folder, dir, file),
            };
            faults.take_refusal(read)?;
        }
        Ok(())
    })
}

/// The path in the tree of its folder `dir`, whose name is judged.
fn enter(tree: &Dir, dir: &Dir, judge: &mut Judge) -> String {
    let (root, path) = (tree.relative(""), dir.relative(""));
    let folder = path.strip_prefix(&root).unwrap_or_default();
    let folder = folder.trim_start_matches('/');
    if let Some(fault) = published::fault_of_folder(folder) {
        judge.warnings.withhold(&path, fault);
    }
    folder.to_owned()
}
