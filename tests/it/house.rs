//! The house rules that no compiler enforces: CONTRIBUTING.md's map of the code is complete, imports
//! point down it, and nothing is too long to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path below src of each source file, with its text up to its tests.
fn sources() -> Vec<(String, String)> {
    let mut sources = Vec::new();
    let mut todo: Vec<PathBuf> = vec![root().join("src")];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let is_test = path.ends_with("tests.rs") || path.ends_with("foreign.rs");
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !is_test {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                let name = path.strip_prefix(root().join("src")).unwrap();
                sources.push((name.to_str().unwrap().to_owned(), text.to_owned()));
            }
        }
    }
    assert!(sources.len() > 30, "{sources:?}");
    sources
}

/// The files in the map of the code, in its order.
fn map() -> Vec<String> {
    let map = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let rows = map.lines().filter_map(|line| line.strip_prefix("| `src/"));
    rows.map(|row| row.split_once('`').unwrap().0.to_owned())
        .collect()
}

#[test]
fn the_map_of_the_code_names_every_module_once() {
    let named = map();
    let expected: BTreeSet<String> = sources().into_iter().map(|(path, _)| path).collect();
    let unique: BTreeSet<String> = named.iter().cloned().collect();
    assert_eq!(unique, expected);
    assert_eq!(named.len(), unique.len(), "a module is named twice");
}

/// What the code of the module at `path` names in this crate, each by its parts from the top.
fn imports(path: &str, code: &str) -> Vec<Vec<String>> {
    let is_end = |letter: char| !letter.is_alphanumeric() && !"_:".contains(letter);
    let mut imports = Vec::new();
    for (place, root) in code
        .match_indices("crate::")
        .chain(code.match_indices("super::"))
    {
        if code[..place].ends_with("super::") {
            continue;
        }
        let mut from: Vec<&str> = Vec::new();
        let mut rest = &code[place..];
        if root == "super::" {
            from.extend(path.split('/'));
        }
        while let Some(after) = rest.strip_prefix("super::") {
            from.pop();
            rest = after;
        }
        rest = rest.strip_prefix("crate::").unwrap_or(rest);
        let (common, rest) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        let list = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        for item in list.map_or("", |(list, _)| list).split(',') {
            let below = [common.trim_end_matches(':'), item.trim()].join("::");
            let parts = from.iter().copied().chain(below.split("::"));
            imports.push(
                parts
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    imports
}

#[test]
fn imports_point_down_the_map() {
    let map: Vec<String> = map().iter().map(|path| path.replace(".rs", "")).collect();
    let place = |path: &str| map.iter().position(|module| module == path);
    let mut seen = 0;
    for (path, text) in sources() {
        // It declares the modules and exports what the tests need.
        if path == "lib.rs" {
            continue;
        }
        let path = path.trim_end_matches(".rs");
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: Vec<&str> = text.lines().filter(is_code).collect();
        for import in imports(path, &code.join("\n")) {
            let modules = (1..=import.len()).rev().map(|end| import[..end].join("/"));
            let Some(to) = modules.into_iter().find(|module| place(module).is_some()) else {
                continue;
            };
            let is_part =
                path.starts_with(&format!("{to}/")) || to.starts_with(&format!("{path}/"));
            assert!(is_part || place(&to) > place(path), "{path} imports {to}");
            let commands = [
                "check", "init", "install", "package", "peer", "rebuild", "verify",
            ];
            let is_used = commands
                .iter()
                .any(|command| to == format!("commands/{command}"));
            assert!(is_part || !is_used || path == "cli", "{path} uses {to}");
            seen += 1;
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn no_file_and_no_function_is_too_long_to_read() {
    for (path, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= 400, "src/{path}: {} lines", lines.len());
        for (number, line) in lines.iter().enumerate() {
            let bare = line.trim_start();
            let is_function = bare
                .split('(')
                .next()
                .is_some_and(|start| start.contains("fn "))
                || bare.starts_with("pub(") && bare.contains(" fn ");
            if is_function && !line.ends_with('}') && !line.ends_with(';') {
                let indent = &line[..line.len() - bare.len()];
                let end = lines[number..]
                    .iter()
                    .position(|line| *line == format!("{indent}}}"));
                // A declaration in a trait has no body.
                let length = end.map_or(0, |end| end + 1);
                assert!(length <= 60, "src/{path}: {bare} has {length} lines");
            }
        }
    }
}
