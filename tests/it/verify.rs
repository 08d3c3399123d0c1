mod audit;
mod differences;
mod output;
pub mod packages;
mod tampering;
mod undetermined;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use fabric_ccs_builder::testing::Digest;
use serde_json::Value;

use super::peer::{INDEX, Peer, Seen};
use super::user;

/// The peer's build in most tests, named as a peer names it.
const BUILD: &str =
    "builds/basic_1.0-0f3c4a5b6c7d8e9f00112233445566778899aabbccddeeff0011223344556677";

/// Another build.
const OTHER: &str = "builds/other-ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const INDEX_A: &str = "META-INF/statedb/couchdb/indexes/a.json";
const INDEX_B: &str = "META-INF/statedb/couchdb/collections/c/indexes/b.json";

/// A change to the build in [`BUILD`].
type Change = Box<dyn Fn(&Peer)>;

/// What a line of a match has when it is from the package.
const FROM_PACKAGE: &str = ": match, from the package";

fn put(name: &'static str) -> Change {
    Box::new(move |peer| {
        peer.put(format!("{BUILD}/{name}"), "new");
    })
}

fn remove(name: &'static str) -> Change {
    Box::new(move |peer| {
        let path = peer.path(BUILD).join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    })
}

fn all(changes: Vec<Change>) -> Change {
    Box::new(move |peer| changes.iter().for_each(|change| change(peer)))
}

/// Replaces something with a symbolic link to the same content.
fn replace_by_link(name: &'static str) -> Change {
    Box::new(move |peer| {
        let place = format!("{BUILD}/{name}");
        let moved = peer.path("moved");
        fs::rename(peer.path(&place), &moved).unwrap();
        peer.put_link(&place, moved.to_str().unwrap());
    })
}

fn sums(change: fn(String) -> String) -> Change {
    Box::new(move |peer| {
        let path = format!("{BUILD}/bld/SHA256SUMS");
        let (before, after) = (peer.get(&path), change(peer.get(&path)));
        assert_ne!(before, after);
        peer.put(&path, after);
    })
}

fn statement(from: &'static str, to: &'static str) -> Change {
    Box::new(move |peer| {
        let path = format!("{BUILD}/bld/build.intoto.json");
        let (before, after) = (peer.get(&path), peer.get(&path).replacen(from, to, 1));
        assert_ne!(before, after);
        peer.put(&path, after);
    })
}

/// A package as a peer keeps it: with index definitions, and files that are not published.
fn installed() -> Peer {
    let peer = Peer::new();
    peer.put(format!("src/{INDEX_A}"), INDEX)
        .put(format!("src/{INDEX_B}"), INDEX)
        .put(
            "src/META-INF/statedb/couchdb/collections/c/indexes/.keep",
            "x",
        )
        .put("src/META-INF/back\\slash", "x")
        .put_dir(BUILD);
    assert_eq!((peer.build().status, peer.release().status), (0, 0));
    for name in ["bld", "release"] {
        let kept = peer.path(BUILD).join(name);
        fs::rename(peer.path(name), kept).unwrap();
    }
    peer.put(
        format!("{BUILD}/build-info.json"),
        r#"{"builder_name":"ccaas_builder"}"#,
    );
    peer
}

/// The same, with a copy of the build next to it.
fn two_installed() -> Peer {
    let peer = installed();
    copy(&peer, BUILD, OTHER);
    peer
}

fn copy(peer: &Peer, from: &str, to: &str) {
    let copied = Command::new("cp")
        .arg("-a")
        .args([peer.path(from), peer.path(to)])
        .status()
        .unwrap();
    assert!(copied.success());
}

/// `verify ARGS` in the folder of `peer`.
fn run(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path(""), &[&["verify"], args].concat())
}

/// The output of `verify NAMES`, which must write nothing to stderr, say the same with and without
/// --json, and change nothing.
#[track_caller]
fn verify(peer: &Peer, names: &[&str]) -> (i32, Vec<String>) {
    let before = contents(peer);
    let text = run(peer, names);
    let json = run(peer, &[&["--json"], names].concat());
    assert_eq!(text.stderr, "");
    assert_eq!(
        (json.status, json.stderr.as_str()),
        (text.status, ""),
        "{json:?}"
    );
    let lines: Vec<String> = text.stdout.lines().map(str::to_owned).collect();
    let from_json: Vec<String> = json.stdout.lines().map(text_of).collect();
    assert_eq!(from_json, lines, "{}", json.stdout);
    assert_eq!(contents(peer), before);
    (text.status, without_note(lines))
}

/// The lines except notes. One says what a record does not prove, which must be there if and only
/// if a build matches a record; the others what to do about a build that differs, and about what is
/// no build.
#[track_caller]
fn without_note(mut lines: Vec<String>) -> Vec<String> {
    let is_recorded = |line: &&String| line.contains(": match, ") && !line.contains(FROM_PACKAGE);
    let recorded = lines.iter().filter(is_recorded).count();
    let notes = lines.iter().filter(|line| line.starts_with("note "));
    let notes: Vec<_> = notes.cloned().collect();
    let matches = if recorded == 1 {
        "match is"
    } else {
        "matches are"
    };
    let note = format!(
        "note     {recorded} {matches} with a record only, which anyone who can change the builds can \
         change too; give the peer's file system path or --packages to verify from the packages"
    );
    let mut expected = if recorded == 0 { vec![] } else { vec![note] };
    let is_stray = |line: &String| {
        [": unrecorded, ", ": unexpected, "].iter().any(|kind| {
            let found = line.split_once(&format!("{kind}found a"));
            let path = found.and_then(|(before, after)| {
                let path = before.split_once(": ")?.1;
                after.starts_with([' ', 'n']).then_some(path)
            });
            path.is_some_and(|path| !path.contains('/'))
        })
    };
    let kinds = [
        ": mismatch, ",
        ": missing, ",
        "build-info.json: missing",
        ": unexpected, ",
        ": unrecorded, ",
        ": damaged: ",
        ": mismatch: bld/",
    ];
    let differs = |line: &String| !is_stray(line) && kinds.iter().any(|kind| line.contains(kind));
    if lines.iter().any(differs) {
        let build = "a build that differs was changed, or not copied completely: keep a copy if you want to find out who changed it, then let rebuild make it again from its package";
        expected.push(format!("note     {build}"));
    }
    if lines.iter().any(is_stray) {
        let stray = "an unrecorded or unexpected entry among the builds, or beside a build's bld and release, belongs to no build: find out whose it is, and remove it";
        expected.push(format!("note     {stray}"));
    }
    assert_eq!(notes, expected, "{lines:?}");
    lines.retain(|line| !line.starts_with("note "));
    lines
}

/// Every path, with what would change if it were written to.
fn contents(peer: &Peer) -> Vec<String> {
    let found = Command::new("find")
        .arg(peer.path(""))
        .args(["-printf", "%p %m %s %T@ %C@ %l\\n"])
        .output()
        .unwrap();
    let mut lines: Vec<String> = String::from_utf8_lossy(&found.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    lines.sort();
    assert!(lines.len() > 1);
    lines
}

/// The text line that says the same as a line of JSON.
fn text_of(json: &str) -> String {
    let line: BTreeMap<String, Value> = serde_json::from_str(json).unwrap();
    let text = |key: &str| line.get(key).map(|value| value.as_str().unwrap());
    let count = |key: &str| line.get(key).map(|value| value.as_u64().unwrap());
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let mut known = vec!["result"];
    let result = text("result").unwrap();
    let shown = if result == "summary" {
        let keys = [
            "builds",
            "match",
            "mismatch",
            "cannot_tell",
            "differences",
            "from_package",
            "unrecorded",
            "other_builder",
            "unlisted",
        ];
        known.extend(keys);
        let [
            builds,
            matching,
            mismatch,
            cannot_tell,
            differences,
            from_package,
            unrecorded,
            other,
            unlisted,
        ] = keys.map(|key| count(key).unwrap());
        let some = |count, before, after| match count {
            0 => String::new(),
            _ => format!("{before}{count}{after}"),
        };
        format!(
            "result   {builds} build{}: {matching} match{}, {mismatch} mismatch, {cannot_tell} cannot tell{}{}{}; \
             {differences} difference{}",
            plural(builds),
            some(from_package, " (", " from the package)"),
            some(unrecorded, ", ", " unrecorded"),
            some(other, ", ", " other builder"),
            some(unlisted, ", ", " unlisted"),
            plural(differences)
        )
    } else if result == "note" {
        known.push("reason");
        format!("note     {}", text("reason").unwrap())
    } else {
        known.extend([
            "build",
            "package",
            "package_id",
            "path",
            "recorded",
            "expected",
            "found",
            "reason",
            "artifacts",
            "sha256sums",
            "from",
        ]);
        let part =
            |before: &str, key| text(key).map_or(String::new(), |text| format!("{before}{text}"));
        if result == "match" {
            let build = line["build"].as_str().unwrap();
            let id = text("package_id").map(|id| id.replace(':', "-"));
            assert!(id.is_none_or(|id| build.ends_with(&id)), "{json}");
        }
        let subjects = match result {
            "match" => [text("build"), None, None],
            _ => ["build", "package", "package_id"].map(text),
        };
        let subjects: Vec<_> = subjects.into_iter().flatten().collect();
        assert_eq!(subjects.len(), 1, "{json}");
        let from = line.get("from").map(|from| from.as_str().unwrap());
        assert_eq!(from.is_some(), result == "match", "{json}");
        format!(
            "{}{}: {result}{}{}{}{}{}{}{}",
            subjects[0],
            part(": ", "path"),
            if from == Some("package") {
                ", from the package"
            } else {
                ""
            },
            part(", recorded ", "recorded"),
            part(", from the package ", "expected"),
            part(", found ", "found"),
            count("artifacts").map_or(String::new(), |count| format!(", {count} artifacts")),
            part(", SHA256SUMS sha256:", "sha256sums"),
            part(": ", "reason"),
        )
    };
    for key in line.keys() {
        assert!(known.contains(&key.as_str()), "{json}");
    }
    // The text shows names escaped.
    fabric_ccs_builder::testing::escaped(&shown)
}

fn summary(
    builds: usize,
    [matching, mismatch, cannot_tell]: [usize; 3],
    differences: usize,
) -> String {
    let plural = |count| if count == 1 { "" } else { "s" };
    format!(
        "result   {builds} build{}: {matching} match, {mismatch} mismatch, {cannot_tell} cannot tell; \
         {differences} difference{}",
        plural(builds),
        plural(differences)
    )
}

/// The line for a build of [`installed`] that matches.
fn matching(peer: &Peer, place: &str, bld: &str) -> String {
    let sums = Digest::of(&fs::read(peer.path(format!("{bld}/SHA256SUMS"))).unwrap());
    format!("{place}: match, 6 artifacts, SHA256SUMS sha256:{sums}")
}

fn digest(content: &str) -> Digest {
    Digest::of(content.as_bytes())
}

#[test]
fn an_untouched_build_matches_however_it_is_named() {
    let peer = two_installed();
    let (first, second) = (format!("{BUILD}/bld"), format!("{OTHER}/bld"));
    let one = summary(1, [1, 0, 0], 0);
    assert_eq!(
        verify(&peer, &["builds"]),
        (
            0,
            vec![
                matching(&peer, BUILD, &first),
                matching(&peer, OTHER, &second),
                summary(2, [2, 0, 0], 0)
            ]
        )
    );
    for (place, bld) in [(BUILD, &first), (&first, &first), (OTHER, &second)] {
        let expected = (0, vec![matching(&peer, place, bld), one.clone()]);
        assert_eq!(verify(&peer, &[place]), expected);
    }
    // In the order of the arguments.
    let all = verify(&peer, &[OTHER, &first, "builds"]);
    assert_eq!(
        all,
        (
            0,
            vec![
                matching(&peer, OTHER, &second),
                matching(&peer, &first, &first),
                matching(&peer, BUILD, &first),
                matching(&peer, OTHER, &second),
                summary(4, [4, 0, 0], 0),
            ]
        )
    );
}

#[test]
fn a_copy_with_hard_links_a_linked_path_and_empty_folders_match() {
    let peer = installed();
    let linked = Command::new("cp")
        .arg("-al")
        .args([peer.path("builds"), peer.path("backup")])
        .status()
        .unwrap();
    assert!(linked.success());
    peer.put_link("link", "backup")
        .put_dir(&format!("{BUILD}/bld/META-INF/empty"));
    let build = BUILD.replace("builds", "backup");
    for place in ["builds", "backup", "link", &build] {
        assert_eq!(verify(&peer, &[place]).0, 0, "{place}");
    }
}

#[test]
fn an_empty_folder_of_another_name_is_a_wrong_path() {
    let peer = installed();
    peer.clear(&format!("{BUILD}/bld"));
    peer.put_dir("empty");
    for path in [&format!("{BUILD}/bld"), "empty"] {
        assert_eq!(run(&peer, &["verify", path]).status, 2, "{path}");
    }
}

#[test]
fn a_builds_folder_may_be_empty() {
    let peer = Peer::empty();
    peer.put_dir("builds");
    peer.put_link("linked", "builds");
    for path in ["builds", "builds/.", "linked"] {
        let seen = verify(&peer, &[path]);
        assert_eq!(seen, (0, vec![summary(0, [0, 0, 0], 0)]), "{path}");
    }
    // What is in there is not a build.
    peer.put("builds/file", "x");
    let lines = vec![
        "builds: file: unrecorded, found a regular file".to_owned(),
        summary(0, [0, 0, 0], 1),
    ];
    assert_eq!(verify(&peer, &["builds"]), (1, lines));
}
