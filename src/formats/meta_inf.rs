//! The META-INF tree of a package: where it is, and what in it the peer would trip over.

use super::index::{self, Role};
use crate::error::{Refuse, Result, refused};
use crate::files::{Dir, Entry, join};
use crate::layout::{
    ALTERNATIVE, CONNECTION, MAX_INDEXES, MAX_SMALL, META_INF, METADATA, PACKAGE, STATEDB,
};
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
    match (meta_inf, alternative.look_up(STATEDB)?) {
        (meta_inf, None) => Ok(meta_inf),
        (None, Some(_)) => Ok(Some(alternative)),
        (Some(_), Some(_)) => refused(format!(
            "{ALTERNATIVE}/{STATEDB}: there is a {META_INF} too, keep one of them"
        )),
    }
}

/// A line for everything in a package's source folder that is not packaged.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Vec<String>> {
    let tree = tree.map(|tree| tree.relative("")).unwrap_or_default();
    let packaged = [METADATA, CONNECTION, &tree];
    let names = source.list()?.into_iter().map(|entry| entry.name);
    let left_out = names.filter(|name| !packaged.contains(&name.as_str()));
    let only = format!("only {METADATA}, {CONNECTION} and {META_INF} are");
    Ok(left_out
        .map(|name| format!("{name}: is not packaged, {only}"))
        .collect())
}

/// Visits the tree's folders, parents first: `visit` gets each folder's path in the tree, the
/// folder, and its files with what they are, of which [`read_index`] reads the index definitions.
/// What the author should know is added to `warnings`.
pub fn walk(
    tree: &Dir,
    warnings: &mut Warnings,
    mut visit: impl FnMut(&str, &Dir, &[(&Entry, Role)]) -> Result<()>,
) -> Result<()> {
    let root = tree.relative("");
    let mut index_bytes = 0;
    tree.walk(PACKAGE, |dir, files| {
        let path = dir.relative("");
        let folder = path.strip_prefix(&root).unwrap_or_default();
        let folder = folder.trim_start_matches('/');
        index::check_folder(folder).refuse(&path)?;
        let mut visited = Vec::new();
        for file in files {
            let (path, shown) = (join(folder, &file.name), dir.relative(&file.name));
            if index::is_place_of_a_folder(&path) {
                return refused(format!("{shown}: is a file, a directory is needed"));
            }
            let role = Role::of(&path);
            match role {
                Role::Index => index_bytes += file.size(),
                Role::Stray => warnings.push(format!(
                    "{shown}: is not released, it is no index definition"
                )),
                Role::Other => {}
            }
            if index_bytes > MAX_INDEXES {
                return refused(format!(
                    "{shown}: more than {MAX_INDEXES} bytes of index definitions in all"
                ));
            }
            visited.push((file, role));
        }
        visit(folder, dir, &visited)
    })
}

/// Reads an index definition, and checks it.
pub fn read_index(dir: &Dir, file: &Entry) -> Result<Vec<u8>> {
    let content = dir.read(file, MAX_SMALL)?;
    index::check(&content).refuse(dir.relative(&file.name))?;
    Ok(content)
}
