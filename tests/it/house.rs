//! The house rules that no compiler enforces: CONTRIBUTING.md's map of the code is complete,
//! imports point one way, and nothing is too long to read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers in the tour in src/lib.rs, from the top down.
const LAYERS: [&str; 9] = [
    "main", "cli", "commands", "builder", "formats", "files", "log", "text", "error",
];

/// Below all layers, and used by all of them.
const GROUND: &str = "layout";

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

#[test]
fn the_map_of_the_code_names_every_module_once() {
    let map = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let named: Vec<&str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `src/")?.split_once('`'))
        .map(|(path, _)| path)
        .collect();
    let expected: BTreeSet<String> = sources().into_iter().map(|(path, _)| path).collect();
    let unique: BTreeSet<String> = named.iter().map(|&path| path.to_owned()).collect();
    assert_eq!(unique, expected);
    assert_eq!(named.len(), unique.len(), "a module is named twice");
}

/// The layer of a path such as `formats/tls/key.rs` or `formats::tls`.
fn layer(path: &str) -> Option<usize> {
    let end = path.find(['/', '.', ':', ';']).unwrap_or(path.len());
    LAYERS.iter().position(|layer| *layer == &path[..end])
}

#[test]
fn imports_point_downwards() {
    let mut seen = 0;
    for (path, text) in sources() {
        // It declares the layers and exports what the tests need.
        if path == "lib.rs" {
            continue;
        }
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code: Vec<&str> = text.lines().filter(is_code).collect();
        for import in code.join("\n").split("crate::").skip(1) {
            if import.starts_with(GROUND) {
                continue;
            }
            let to = layer(import);
            let is_below = match (layer(&path), to) {
                // Modules of one layer may use each other, but commands may not.
                (Some(from), Some(to)) if from == to => LAYERS[from] != "commands",
                (Some(from), Some(to)) => from < to,
                _ => false,
            };
            let import = import.lines().next().unwrap();
            assert!(is_below, "src/{path} imports {import}");
            seen += 1;
        }
        let commands = [
            "check", "init", "install", "package", "peer", "rebuild", "verify",
        ];
        if path.starts_with("commands/") {
            for import in code.join("\n").split("super::").skip(1) {
                let used = commands.iter().find(|command| import.starts_with(*command));
                assert_eq!(used, None, "src/{path} uses another command");
            }
        }
    }
    assert!(seen > 50, "{seen}");
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
