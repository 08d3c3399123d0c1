mod declared;
mod foreign;
pub mod ids;
mod output;
mod refusals;
mod tools;

use std::fs;
use std::path::PathBuf;

use super::peer::{INDEX, PLAIN, Peer, Seen};
use super::user;

/// A source folder at `package` with an index definition, and an empty working directory at `bld`.
fn folder() -> Peer {
    let peer = bare();
    peer.put("package/META-INF/statedb/couchdb/indexes/a.json", INDEX);
    peer
}

/// A source folder without META-INF.
fn bare() -> Peer {
    let peer = Peer::empty();
    peer.put(
        "package/metadata.json",
        r#"{"type":"ccaas","label":"basic_1.0"}"#,
    )
    .put("package/connection.json", PLAIN);
    peer
}

/// `package --quiet ARGS ../package`.
fn package(peer: &Peer, args: &[&str]) -> Seen {
    package_after(":", peer, args)
}

fn package_after(setup: &str, peer: &Peer, args: &[&str]) -> Seen {
    let args = [&["package", "--quiet"], args, &["../package"]].concat();
    user::run_after(setup, &peer.path("bld"), &args)
}

/// The ID of a package that causes no warnings.
#[track_caller]
fn id(peer: &Peer) -> String {
    let seen = package(peer, &["--id"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    seen.stdout.strip_suffix('\n').unwrap().to_owned()
}

/// Writes the package and returns its path.
#[track_caller]
fn packaged(peer: &Peer) -> PathBuf {
    let seen = package(peer, &["--force", "-o", "out.tar.gz"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""), "{seen:?}");
    peer.path("bld/out.tar.gz")
}

/// The sorted names of the files in the working directory.
fn files(peer: &Peer) -> Vec<String> {
    let listed = fs::read_dir(peer.path("bld")).unwrap();
    let mut names: Vec<String> = listed
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Asserts a failure with a system error of this number, because C libraries differ in the text.
#[track_caller]
fn failed_with_error(seen: &Seen, what: &str, number: i32) {
    let words = seen
        .stderr
        .strip_prefix(&format!("package: {what}: "))
        .and_then(|rest| rest.strip_suffix(&format!(" (os error {number})\n")));
    assert!(
        words.is_some_and(|words| !words.contains(['\n', ':'])),
        "{seen:?}"
    );
    assert_eq!((seen.status, seen.stdout.as_str()), (2, ""));
}

/// A failure with this status, this one line, and nothing on standard output.
fn failed(status: i32, line: &str) -> Seen {
    Seen {
        status,
        stdout: String::new(),
        stderr: format!("package: {line}\n"),
    }
}
