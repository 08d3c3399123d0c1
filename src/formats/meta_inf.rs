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
    let alternative = find_alternative(source)?;
    if meta_inf.is_some() && alternative.is_some() {
        return refused(format!(
            "{ALTERNATIVE}/{STATEDB}: there is a {META_INF} too, keep one of them"
        ));
    }
    Ok(meta_inf.or(alternative))
}

fn find_alternative(source: &Dir) -> Result<Option<Dir>> {
    // Anything else of that name is one of the other things that packages may hold.
    let is_sound_dir = |entry: &Entry| entry.is_dir() && entry.fault().is_none();
    if !source
        .look_up(ALTERNATIVE)?
        .is_some_and(|entry| is_sound_dir(&entry))
    {
        return Ok(None);
    }
    let alternative = source.subdir(ALTERNATIVE)?;
    let has_statedb = alternative.look_up(STATEDB)?.is_some();
    Ok(has_statedb.then_some(alternative))
}

/// A line for everything in a package's source folder that is not packaged.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Vec<String>> {
    let tree = tree.map(|tree| tree.relative("")).unwrap_or_default();
    let packaged = [METADATA, CONNECTION, &tree];
    let entries = source.list()?.into_iter();
    let left_out = entries.filter(|entry| !packaged.contains(&entry.name.as_str()));
    let line = |entry: Entry| {
        format!(
            "{}: is not packaged, only {METADATA}, {CONNECTION} and {META_INF} are",
            entry.name
        )
    };
    Ok(left_out.map(line).collect())
}

/// Visits the tree's folders, parents first: `visit` gets each folder's path in the tree, the
/// folder, and its files with what they are. Index definitions are not read yet: that is for
/// [`read_index`]. What the author should know is added to `warnings`.
pub fn walk(
    tree: &Dir,
    warnings: &mut Warnings,
    mut visit: impl FnMut(&str, &Dir, &[(&Entry, Role)]) -> Result<()>,
) -> Result<()> {
    let root = tree.relative("");
    let mut index_bytes = 0_u64;
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
            if role == Role::Stray {
                warnings.push(format!(
                    "{shown}: is not released, it is no index definition"
                ));
            }
            if role == Role::Index {
                index_bytes = index_bytes.saturating_add(file.size());
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
