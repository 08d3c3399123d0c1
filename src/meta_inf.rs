//! The META-INF tree of a package: where it is, and what in it the peer would trip over.

use anyhow::{Context, Result, bail, ensure};

use crate::dir::{Dir, Entry, Limits};
use crate::index::{self, Folder, Role};
use crate::log::Warnings;
use crate::{connection, metadata};

/// The tree's folder, in a package and in the build output.
pub const FOLDER: &str = "META-INF";

/// The tree's folder in the layout of Fabric's `cc_service.md`.
pub const ALTERNATIVE: &str = "metadata";

/// The most bytes of all index definitions: to check them takes time.
const MAX_INDEXES: u64 = 64 << 20;

/// The package's `META-INF`, or the folder that has its place in the layout of Fabric's `cc_service.md`: `metadata`.
///
/// # Errors
/// When both are there, or one is not a directory.
pub fn find(source: &Dir) -> Result<Option<Dir>> {
    let meta_inf = source.find_dir(FOLDER)?;
    // A folder or file of that name that has no statedb in it is one of the other files that packages may hold.
    let alternative = match source.find(ALTERNATIVE)? {
        Some(entry) if entry.is_dir() => Some(source.subdir(&entry.name)?),
        _ => None,
    };
    let has_statedb = |dir: &Dir| dir.find("statedb").map(|entry| entry.is_some());
    let alternative = match alternative {
        Some(dir) if has_statedb(&dir)? => Some(dir),
        _ => None,
    };
    match (meta_inf, alternative) {
        (Some(_), Some(_)) => bail!("metadata/statedb: there is a META-INF too, keep one of them"),
        (meta_inf, alternative) => Ok(meta_inf.or(alternative)),
    }
}

/// A line for everything in a package's source folder that is not packaged.
///
/// # Errors
/// When it cannot be listed.
pub fn left_out(source: &Dir, tree: Option<&Dir>) -> Result<Vec<String>> {
    let tree = tree.map_or("", Dir::relative_self);
    let is_left_out =
        |entry: &Entry| ![metadata::FILE, connection::FILE, tree].contains(&entry.name.as_str());
    let mut lines = Vec::new();
    for entry in source.list()?.into_iter().filter(is_left_out) {
        lines.push(format!(
            "{}: is not packaged, only metadata.json, connection.json and META-INF are",
            entry.name
        ));
    }
    Ok(lines)
}

/// Visits the tree's folders, parents first: `visit` gets each folder's path in the tree, the folder, and its files with what they
/// are. A [`Role::Index`] is not read yet: that is for [`read_index`]. What the author should know is added to `warnings`.
///
/// # Errors
/// When something must not be copied, lies where the peer would not find it, or `visit` fails.
pub fn walk(
    tree: &Dir,
    warnings: &mut Warnings,
    mut visit: impl FnMut(&str, &Dir, &[(&Entry, Role)]) -> Result<()>,
) -> Result<()> {
    let mut index_bytes = 0_u64;
    tree.walk(Limits::PACKAGE, |dir, files| {
        let folder = below(tree, dir);
        index::check_folder(folder).with_context(|| dir.relative_self().to_owned())?;
        let place = Folder::at(folder);
        if let Some(file) = files.iter().find(|file| place.needs_folder(&file.name)) {
            bail!(
                "{}: is a file, a directory is needed",
                dir.relative(&file.name)
            );
        }
        let with_role = |file| -> (&Entry, Role) { (file, place.role(&file.name)) };
        let files: Vec<(&Entry, Role)> = files.iter().map(with_role).collect();
        for (file, _) in files.iter().filter(|(_, role)| *role == Role::Index) {
            index_bytes = index_bytes.saturating_add(file.size());
            ensure!(
                index_bytes <= MAX_INDEXES,
                "{}: more than {MAX_INDEXES} bytes of index definitions in all",
                dir.relative(&file.name)
            );
        }
        let stray = files.iter().filter(|(_, role)| *role == Role::Stray);
        warnings.extend(stray.map(|(file, _)| {
            format!(
                "{}: is not released, it is no index definition",
                dir.relative(&file.name)
            )
        }));
        visit(folder, dir, &files)
    })
}

/// Reads an index definition, and checks it.
///
/// # Errors
/// When it cannot be read, or `CouchDB` would not take it.
pub fn read_index(dir: &Dir, file: &Entry) -> Result<Vec<u8>> {
    let content = dir.read_small(file)?;
    index::check(&content).with_context(|| dir.relative(&file.name))?;
    Ok(content)
}

/// The path of `dir` below `tree`.
fn below<'a>(tree: &Dir, dir: &'a Dir) -> &'a str {
    let path = dir.relative_self();
    path.get(tree.relative_self().len()..)
        .unwrap_or_default()
        .trim_start_matches('/')
}
