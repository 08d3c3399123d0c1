//! What the peer reads from a build: the files of the release output.
//!
//! ```text
//! build output                                           release output
//! connection.json                                        chaincode/server/connection.json
//! META-INF/statedb/couchdb/indexes/.../*.json            statedb/... (the same)
//! META-INF/statedb/couchdb/collections/NAME/indexes/...  statedb/... (the same)
//! ```
//!
//! Of the definitions in these folders, only those that [`super::judge`] finds sound are published.

use super::artifact::Artifact;
use super::judge::{Judge, Judged, is_definition};
use crate::error::Result;
use crate::files::{Dir, sort_by_path};
use crate::findings::Warnings;
use crate::layout::{BUILD_LIMITS, CONNECTION, META_INF, SERVER, STATEDB};

/// Where the file at `path` in a build output is published, if it is sound.
pub fn place(path: &str) -> Option<String> {
    if path == CONNECTION {
        return Some(format!("{SERVER}/{CONNECTION}"));
    }
    let path = path.strip_prefix(META_INF)?.strip_prefix('/')?;
    is_definition(path).then(|| path.to_owned())
}

/// Visits every file below `META-INF/statedb` in the build output `build`, each with its path there
/// and whether it is published.
pub fn walk(
    build: &Dir,
    warnings: &mut Warnings,
    visit: &mut dyn FnMut(String, Judged) -> Result<()>,
) -> Result<()> {
    let Some(tree) = build.find_dir(META_INF)? else {
        return Ok(());
    };
    let Some(statedb) = tree.look_up(STATEDB)? else {
        return Ok(());
    };
    tree.check(&statedb)?;
    if !statedb.is_dir() {
        // If there is a record, `build` has warned of it. It hides no index definition.
        return Ok(());
    }
    let mut judge = Judge::new(warnings);
    tree.subdir(STATEDB)?.walk(BUILD_LIMITS, |dir, files| {
        let folder = judge.enter(META_INF, dir);
        for file in files {
            let judged = judge.read(&folder, dir, file)?;
            visit(dir.relative(&file.name), judged)?;
        }
        Ok(())
    })
}

/// What is published of a build with these `artifacts`, sorted by path, but for the index
/// definitions that are withheld.
pub fn of_build(artifacts: &[Artifact], is_withheld: &dyn Fn(&str) -> bool) -> Vec<Artifact> {
    let published = artifacts.iter().filter(|file| !is_withheld(&file.path));
    let published =
        published.filter_map(|file| Some(Artifact::new(place(&file.path)?, file.digest)));
    let mut published: Vec<Artifact> = published.collect();
    sort_by_path(&mut published, |artifact| &artifact.path);
    published
}
