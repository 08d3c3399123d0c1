//! The completions know the commands and options of `--help`, and no others.
//! scripts/test-completions tries them in real shells.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use super::peer::program;

/// Command -> its options, and whether each takes a value.
type Known = BTreeMap<String, BTreeMap<String, bool>>;

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn help(command: &str) -> String {
    output(Command::new(program()).args(["help", command].iter().filter(|word| !word.is_empty())))
}

/// The commands and what the program's help says of them, up to a semicolon.
fn commands() -> Vec<(String, String)> {
    let help = help("");
    let entries = help.lines().filter_map(|line| line.strip_prefix("  "));
    let entries = entries.filter_map(|entry| entry.split_once(' '));
    let entries = entries.filter(|(name, _)| !name.is_empty());
    let entry = |(name, text): (&str, &str)| {
        let text = text.split(';').next().unwrap().trim();
        (name.to_owned(), text.to_owned())
    };
    entries.map(entry).collect()
}

fn of_help() -> Known {
    let options = |command: &String| {
        let help = if ["help", "version"].contains(&command.as_str()) {
            String::new()
        } else {
            help(command)
        };
        let mut options = BTreeMap::new();
        for line in help.lines().filter(|line| line.starts_with("  -")) {
            let is_option = |word: &&str| word.starts_with('-') && word.len() > 1;
            let names: Vec<&str> = line.split_whitespace().take_while(is_option).collect();
            // A value is in capitals, and a description begins with a small letter.
            let next = line.split_whitespace().nth(names.len()).unwrap();
            let takes_value = next.starts_with(|first: char| first.is_uppercase() || first == '@');
            for name in names {
                options.insert(name.trim_end_matches(',').to_owned(), takes_value);
            }
        }
        options
    };
    let commands = commands();
    let known: Known = commands
        .iter()
        .map(|(name, _)| (name.clone(), options(name)))
        .collect();
    assert!(known["package"]["-o"] && known["package"]["--output"]);
    assert!(!known["install"]["-q"] && known["check"]["--config"]);
    known
}

fn completions(file: &str) -> String {
    fs::read_to_string(format!("{}/completions/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The patterns and commands of each case in a shell's script.
fn cases(text: &str) -> impl Iterator<Item = (Vec<&str>, &str)> {
    text.split(";;").filter_map(|case| {
        let (names, text) = case.split_once(')')?;
        Some((names.split('|').map(str::trim).collect(), text))
    })
}

/// The options in a script. One that takes a value has a colon after it in zsh.
fn options(text: &str) -> BTreeMap<String, bool> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == ':'));
    let options = words.filter(|word| word.starts_with('-') && *word != "-");
    let named = options.map(|option| option.split_once(':').unwrap_or((option, "-")));
    named
        .map(|(name, rest)| (name.to_owned(), rest != "-"))
        .collect()
}

/// What the cases offer whose patterns are commands.
fn of_cases(text: &str) -> Known {
    let mut known = nothing();
    for (names, text) in cases(text) {
        for name in names {
            if let Some(found) = known.get_mut(name.trim_start_matches("*:")) {
                *found = options(text);
            }
        }
    }
    known
}

fn nothing() -> Known {
    commands()
        .into_iter()
        .map(|(name, _)| (name, BTreeMap::new()))
        .collect()
}

#[test]
fn bash_knows_what_help_names() {
    let text = completions("fabric-ccs-builder.bash");
    let names: Vec<String> = commands().into_iter().map(|(name, _)| name).collect();
    let offered = format!("commands=\"{}\"\n", names.join(" "));
    assert!(text.contains(&offered), "{offered}");

    let (before, rest) = text
        .split_once("case $COMP_CWORD:${COMP_WORDS[1]} in\n")
        .unwrap();
    let (by_command, rest) = rest.split_once("\n  esac\n").unwrap();
    let (by_option, _) = rest
        .split_once("case $3 in\n")
        .unwrap()
        .1
        .split_once("\n  esac\n")
        .unwrap();
    let mut known = of_cases(by_command);
    // The second case is about the options that take a value.
    let mut valued: BTreeSet<&str> = cases(by_option).flat_map(|(names, _)| names).collect();
    for (option, takes_value) in known.values_mut().flatten() {
        *takes_value = valued.contains(option.as_str());
    }
    assert_eq!(known, of_help());
    valued.retain(|option| !known.values().any(|options| options.contains_key(*option)));
    assert_eq!(valued, BTreeSet::new());

    let general: Vec<String> = options(before).into_keys().collect();
    assert_eq!(general, ["--help"]);
    assert!(by_command.contains("1:*) words=\"$commands --help --version\" "));
}

#[test]
fn zsh_knows_what_help_names() {
    let text = completions("_fabric-ccs-builder").replace("_files -P @", "");
    let (described, rest) = text.split_once(")\n").unwrap();
    assert_eq!(descriptions(described), commands());
    let (before, rest) = rest.split_once("case $words[1] in\n").unwrap();
    let (by_command, after) = rest.split_once("\nesac\n").unwrap();
    assert_eq!(of_cases(by_command), of_help());
    assert!(
        before.starts_with("_arguments -C --help --version '"),
        "{before}"
    );
    assert_eq!(after, "_arguments --help $arguments\n");
}

#[test]
fn fish_knows_what_help_names() {
    let text = completions("fabric-ccs-builder.fish").replace("\\\n", "");
    assert_eq!(descriptions(&text), commands());
    let mut known = nothing();
    let mut general = Vec::new();
    for line in text.lines().filter(|line| line.contains("complete -c ")) {
        let (condition, words) = match line.split_once("-n '__fabric_ccs_builder_runs ") {
            Some((_, rest)) => rest.split_once('\'').unwrap(),
            None => ("", line),
        };
        let words: Vec<&str> = words.split_whitespace().collect();
        let takes_value = words
            .iter()
            .any(|word| word.starts_with("-x") || word.starts_with("-r"));
        for pair in words.windows(2) {
            let name = match pair[0] {
                "-l" => format!("--{}", pair[1]),
                "-s" => format!("-{}", pair[1]),
                _ => continue,
            };
            for command in condition.split(' ') {
                match known.get_mut(command) {
                    Some(options) => _ = options.insert(name.clone(), takes_value),
                    None => general.push(name.clone()),
                }
            }
        }
    }
    assert_eq!(known, of_help());
    assert_eq!(general, ["--help", "--version"]);
}

/// The texts `"COMMAND:DESCRIPTION"` of a script.
fn descriptions(text: &str) -> Vec<(String, String)> {
    let quoted = text.split('"').skip(1).step_by(2);
    let pairs = quoted.filter_map(|text| text.split_once(':'));
    pairs
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}
