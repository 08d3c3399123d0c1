//! A package's META-INF tree: where it is, and what in it the peer would trip over.

use super::archive::tar;
use super::judge::{self, Judge};
use super::tls;
use crate::error::Result;
use crate::files::{Dir, Entry};
use crate::findings::{Faults, Finding, Warnings};
use crate::layout::{ALTERNATIVE, CONNECTION, MAX_SMALL, META_INF, METADATA, STATEDB};

/// The package's `META-INF` or, in the layout of Fabric's `cc_service.md`, the folder `metadata` if
/// it contains a `statedb`; [`Dir::relative`] says which.
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
    Ok(has_statedb.then_some(alternative))
}

/// What there is in a package's source folder outside its tree, one line each.
#[derive(Default)]
pub struct Outside {
    /// Every folder that its author took for part of the tree.
    pub misplaced: Vec<Finding>,
    /// The names of everything else.
    left_out: Vec<String>,
}

impl Outside {
    /// What is not packaged or, in a package, ignored.
    pub fn left_out(&self, is_packed: bool) -> Vec<Finding> {
        let is_config = |name: &String| {
            !is_packed && name.starts_with("collection") && judge::has_json_name(name)
        };
        let (configs, others): (Vec<_>, Vec<_>) =
            self.left_out.iter().cloned().partition(is_config);
        let how = "is not packaged; pass it to peer lifecycle chaincode approveformyorg and commit \
                   with --collections-config";
        let configs = configs.into_iter().map(|config| Finding::at(config, how));
        let what = if is_packed {
            format!("ignored, because a peer reads only {CONNECTION} and {META_INF}")
        } else {
            format!("not packaged: only {METADATA}, {CONNECTION} and {META_INF} are")
        };
        configs.chain(summary(&others, &what)).collect()
    }
}

/// One line that says what all of these are.
fn summary(paths: &[String], what: &str) -> Option<Finding> {
    let (first, rest) = paths.split_first()?;
    Some(match rest.len() {
        0 => Finding::at(first, format_args!("is {what}")),
        more => Finding::at(first, format_args!("and {more} more are {what}")),
    })
}

/// Looks at what is in a package's source folder outside its tree.
pub fn outside(source: &Dir, tree: Option<&Dir>) -> Result<Outside> {
    let tree_name = tree.map(Dir::own_path).unwrap_or_default();
    let mut misplaced = Vec::new();
    search(source, tree_name, DEPTH, &mut 0, &mut misplaced)?;
    let is_within = |found: &Finding, name: &str| {
        let path = found.file.as_deref().unwrap_or_default();
        path.split('/').next() == Some(name)
    };
    let is_left_out = |entry: &Entry| {
        let name = entry.name.as_str();
        ![METADATA, CONNECTION, META_INF, tree_name].contains(&name)
            && !misplaced.iter().any(|found| is_within(found, name))
    };
    let left_out = source.list()?.into_iter().filter(is_left_out);
    let left_out = left_out.map(|entry| entry.name).collect();
    Ok(Outside {
        misplaced,
        left_out,
    })
}

/// How deep folders in the wrong place are looked for, and in how many: a package can hold all of a
/// chaincode's source, in which nobody puts them deep.
const DEPTH: usize = 2;
const MOST: usize = 1000;

fn search(
    dir: &Dir,
    except: &str,
    depth: usize,
    listed: &mut usize,
    found: &mut Vec<Finding>,
) -> Result<()> {
    *listed += 1;
    for entry in dir.list()? {
        let name = &entry.name;
        if !entry.is_dir() || entry.fault().is_some() || name == except {
            continue;
        }
        if is_meant(name) {
            let belongs = judge::belongs(&format!("{META_INF}/"));
            let text = format_args!("is ignored, {belongs}");
            found.push(Finding::at(dir.relative(name), text));
        } else if depth > 0 && *listed < MOST {
            // This is only a warning, so a failed look-up does not matter.
            let dir = dir.subdir(name);
            let _ = dir.and_then(|dir| search(&dir, "", depth - 1, listed, found));
        }
    }
    Ok(())
}

/// Whether the folder at `path` has a file that could be an index definition.
pub fn holds_json(source: &Dir, path: &str) -> bool {
    let mut found = false;
    // As far as the walk gets.
    let _ = source.descend(path).and_then(|dir| {
        dir.walk_all(|_, files| {
            found |= files.iter().any(|file| judge::has_json_name(&file.name));
            Ok(())
        })
    });
    found
}

/// Whether the author of a folder of this name meant it to be part of the tree.
fn is_meant(name: &str) -> bool {
    let letters = name.chars().filter(|letter| !"-_. ".contains(*letter));
    let name = letters.collect::<String>().to_ascii_lowercase();
    ["metainf", "statedb", "couchdb", "indexes"].contains(&name.as_str())
}

/// Reads a tree folder by folder, in the order of a walk.
pub struct Reader<'a> {
    /// The tree's own name in the package.
    root: String,
    /// Reads the files that `select` returns, and has the warnings.
    pub judge: Judge<'a>,
    /// What an operating system has put there.
    left_out: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(tree: &Dir, warnings: &'a mut Warnings) -> Self {
        Self {
            root: tree.own_path().to_owned(),
            judge: Judge::new(warnings),
            left_out: Vec::new(),
        }
    }

    /// Returns the path in the tree of `dir`, which has these files, and those of them that are
    /// copied. Warns if nothing in it is published.
    pub fn select<'f>(&mut self, dir: &Dir, files: &'f [Entry]) -> (String, Vec<&'f Entry>) {
        let folder = self.judge.enter(&self.root, dir);
        let (left_out, files): (Vec<_>, Vec<_>) =
            files.iter().partition(|file| is_made_by_system(&file.name));
        let left_out = left_out.iter().map(|file| dir.relative(&file.name));
        self.left_out.extend(left_out);
        (folder, files)
    }

    /// Warns of the files that are not copied.
    pub fn finish(self) {
        let left_out = summary(&self.left_out, "left out, made by an operating system");
        self.judge.warnings.extend(left_out);
    }
}

/// Reads the whole tree, and adds whatever must not be copied to the faults. What a peer takes but
/// `package` does not is `unpackable`.
pub fn review(
    tree: &Dir,
    warnings: &mut Warnings,
    faults: &mut Faults,
    unpackable: &mut Faults,
) -> Result<()> {
    let mut reader = Reader::new(tree, warnings);
    tree.walk_all(|dir, files| {
        let (folder, files) = reader.select(dir, files);
        let advice = judge::advice_on_folder(&folder).filter(|_| !files.is_empty());
        let advice = advice.map(|advice| Finding::at(dir.own_path(), advice));
        reader.judge.warnings.extend(advice);
        for file in files {
            let read = dir.check(file);
            let read = read.and_then(|()| reader.judge.read(&folder, dir, file));
            let path = dir.relative(&file.name);
            if faults.take_refusal(&path, read)?.is_some() {
                let key = private_key(dir, file)?;
                reader.judge.warnings.extend(key);
            }
            unpackable.take_refusal(&path, tar::length_of_file(&path, file.size()))?;
        }
        Ok(())
    })?;
    reader.finish();
    Ok(())
}

/// A warning about a file that holds a private key.
pub fn private_key(dir: &Dir, file: &Entry) -> Result<Option<Finding>> {
    let holds = file.size() <= MAX_SMALL && tls::holds_private_key(&dir.read(file, MAX_SMALL)?);
    let text = format_args!("{}; move it elsewhere", tls::KEY_WITHIN);
    Ok(holds.then(|| Finding::at(dir.relative(&file.name), text)))
}

/// Whether an operating system has put the file there, without its author's knowledge.
pub fn is_made_by_system(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("._") || [".ds_store", "thumbs.db", "desktop.ini"].contains(&name.as_str())
}
