use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fabric_ccs_builder::digest::Digest;
use serde_json::Value;

use super::peer::{INDEX, NOBODY, PLAIN, Peer, Seen, program};

/// The peer's build in most tests, named as a peer names it.
const BUILD: &str =
    "builds/basic_1.0-0f3c4a5b6c7d8e9f00112233445566778899aabbccddeeff0011223344556677";

/// Another one.
const OTHER: &str = "builds/other-ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const INDEX_A: &str = "META-INF/statedb/couchdb/indexes/a.json";
const INDEX_B: &str = "META-INF/statedb/couchdb/collections/c/indexes/b.json";

/// Something that happens to the build in [`BUILD`].
type Change = Box<dyn Fn(&Peer)>;

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

/// Puts a symbolic link in the place of something, which leads to the same content.
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

/// A package as a peer keeps it: with index definitions, and files that are not released.
fn installed() -> Peer {
    let peer = Peer::new();
    peer.put(format!("src/{INDEX_A}"), INDEX)
        .put(format!("src/{INDEX_B}"), INDEX)
        .put(
            "src/META-INF/statedb/couchdb/collections/c/indexes/.DS_Store",
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

/// The same, and a copy of the build beside it.
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

/// The program, about to verify what is at `names` of `peer`.
fn command(peer: &Peer, options: &[&str], names: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .arg("verify")
        .args(options)
        .args(names.iter().map(|name| peer.path(name)))
        .stdin(Stdio::null())
        .current_dir("/");
    command
}

fn see(command: &mut Command) -> Seen {
    let output = command.output().unwrap();
    Seen {
        status: output.status.code().unwrap_or_else(|| panic!("{output:?}")),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What verify says of what is at `names` of `peer`, where it says nothing on stderr and changes nothing. The path of `peer` is
/// left out.
#[track_caller]
fn verify(peer: &Peer, names: &[&str]) -> (i32, Vec<String>) {
    let before = contents(peer);
    let text = see(&mut command(peer, &[], names));
    let json = see(&mut command(peer, &["--json"], names));
    assert_eq!(text.stderr, "");
    assert_eq!(
        (json.status, json.stderr.as_str()),
        (text.status, ""),
        "{json:?}"
    );
    let root = format!("{}/", peer.path("").display()).replace("//", "/");
    let lines: Vec<String> = text
        .stdout
        .lines()
        .map(|line| line.replace(&root, ""))
        .collect();
    let from_json: Vec<String> = json
        .stdout
        .lines()
        .map(|line| text_of(line).replace(&root, ""))
        .collect();
    assert_eq!(from_json, lines, "{}", json.stdout);
    assert_eq!(contents(peer), before);
    (text.status, lines)
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

/// The line for people that says the same as a line of JSON.
fn text_of(json: &str) -> String {
    let line: BTreeMap<String, Value> = serde_json::from_str(json).unwrap();
    let text = |key: &str| line.get(key).map(|value| value.as_str().unwrap());
    let count = |key: &str| line.get(key).map(|value| value.as_u64().unwrap());
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let mut known = vec!["result"];
    let result = text("result").unwrap();
    let shown = if result == "summary" {
        known.extend(["builds", "match", "mismatch", "cannot_tell", "differences"]);
        let [builds, matching, mismatch, cannot_tell, differences] =
            ["builds", "match", "mismatch", "cannot_tell", "differences"]
                .map(|key| count(key).unwrap());
        format!(
            "result   {builds} build{}: {matching} match, {mismatch} mismatch, {cannot_tell} cannot tell; \
             {differences} difference{}",
            plural(builds),
            plural(differences)
        )
    } else {
        known.extend([
            "build",
            "path",
            "recorded",
            "found",
            "reason",
            "artifacts",
            "sha256sums",
        ]);
        let part =
            |before: &str, key| text(key).map_or(String::new(), |text| format!("{before}{text}"));
        format!(
            "{}{}: {result}{}{}{}{}{}",
            text("build").unwrap(),
            part(": ", "path"),
            part(", recorded ", "recorded"),
            part(", found ", "found"),
            count("artifacts").map_or(String::new(), |count| format!(", {count} artifacts")),
            part(", SHA256SUMS sha256:", "sha256sums"),
            part(": ", "reason"),
        )
    };
    for key in line.keys() {
        assert!(known.contains(&key.as_str()), "{json}");
    }
    // People see names escaped.
    fabric_ccs_builder::log::escaped(&shown)
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
    for place in ["builds", "backup", "link"] {
        assert_eq!(verify(&peer, &[place]).0, 0);
    }
}

#[test]
fn a_builds_folder_may_be_empty() {
    let peer = Peer::empty();
    peer.put_dir("builds");
    assert_eq!(
        verify(&peer, &["builds"]),
        (0, vec![summary(0, [0, 0, 0], 0)])
    );
}

/// Each change to a build is found in it, under whichever of its names, and the build beside it still matches.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_difference_is_found_and_named() {
    let (index, new, plain) = (digest(INDEX), digest("new"), digest(PLAIN));
    let changes: Vec<(Change, Vec<String>)> = vec![
        (
            // One byte, in a file whose length and time of change stay what they were.
            Box::new(|peer| {
                let path = peer.path(BUILD).join("bld").join(INDEX_A);
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                fs::write(&path, INDEX.replacen("owner", "Owner", 1)).unwrap();
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_modified(modified).unwrap();
            }),
            vec![format!(
                "bld/{INDEX_A}: mismatch, recorded {index}, found {}",
                digest(&INDEX.replacen("owner", "Owner", 1))
            )],
        ),
        (
            put("bld/metadata.json"),
            vec![format!(
                "bld/metadata.json: mismatch, recorded {}, found {new}",
                digest(r#"{"type":"ccaas","label":"basic_1.0"}"#)
            )],
        ),
        (
            put("bld/connection.json"),
            vec![format!(
                "bld/connection.json: mismatch, recorded {plain}, found {new}"
            )],
        ),
        (
            remove("bld/META-INF/back\\slash"),
            vec![format!(
                "bld/META-INF/back\\slash: missing, recorded {}",
                digest("x")
            )],
        ),
        (
            remove("bld/META-INF/statedb"),
            vec![
                format!(
                    "bld/META-INF/statedb/couchdb/collections/c/indexes/.DS_Store: missing, recorded {}",
                    digest("x")
                ),
                format!("bld/{INDEX_B}: missing, recorded {index}"),
                format!("bld/{INDEX_A}: missing, recorded {index}"),
            ],
        ),
        (
            put("bld/META-INF/added"),
            vec![format!("bld/META-INF/added: unrecorded, found {new}")],
        ),
        (
            put("bld/run"),
            vec![format!("bld/run: unrecorded, found {new}")],
        ),
        (
            put("release/chaincode/server/connection.json"),
            vec![format!(
                "release/chaincode/server/connection.json: mismatch, recorded {plain}, found {new}"
            )],
        ),
        (
            remove("release/chaincode/server/connection.json"),
            vec![format!(
                "release/chaincode/server/connection.json: missing, recorded {plain}"
            )],
        ),
        (
            put("release/statedb/couchdb/indexes/a.json"),
            vec![format!(
                "release/statedb/couchdb/indexes/a.json: mismatch, recorded {index}, found {new}"
            )],
        ),
        (
            remove("release/statedb/couchdb/collections/c/indexes/b.json"),
            vec![format!(
                "release/statedb/couchdb/collections/c/indexes/b.json: missing, recorded {index}"
            )],
        ),
        (
            put("release/statedb/couchdb/indexes/added.json"),
            vec![format!(
                "release/statedb/couchdb/indexes/added.json: unrecorded, found {new}"
            )],
        ),
        (
            // Recorded, but not to be released: the peer would post it to CouchDB.
            put("release/statedb/couchdb/collections/c/indexes/.DS_Store"),
            vec![format!(
                "release/statedb/couchdb/collections/c/indexes/.DS_Store: unrecorded, found {new}"
            )],
        ),
        (
            put("release/SHA256SUMS"),
            vec![format!("release/SHA256SUMS: unrecorded, found {new}")],
        ),
        (
            put("release/chaincode/server/client.key"),
            vec![format!(
                "release/chaincode/server/client.key: unrecorded, found {new}"
            )],
        ),
        (
            remove("release"),
            vec![
                format!("release/chaincode/server/connection.json: missing, recorded {plain}"),
                format!(
                    "release/statedb/couchdb/collections/c/indexes/b.json: missing, recorded {index}"
                ),
                format!("release/statedb/couchdb/indexes/a.json: missing, recorded {index}"),
            ],
        ),
        (
            remove("build-info.json"),
            vec!["build-info.json: missing".to_owned()],
        ),
        (
            put("added"),
            vec!["added: unrecorded, found a regular file".to_owned()],
        ),
        (
            put("added/file"),
            vec!["added: unrecorded, found a directory".to_owned()],
        ),
        (
            // What the statement says was read, which SHA256SUMS does not list.
            statement("src/connection", "src/Connection"),
            vec!["bld/build.intoto.json: mismatch, recorded OLD, found NEW".to_owned()],
        ),
        (
            all(vec![
                put("bld/added"),
                put("bld/connection.json"),
                remove("bld/metadata.json"),
                put("release/added"),
            ]),
            vec![
                format!("bld/added: unrecorded, found {new}"),
                format!("bld/connection.json: mismatch, recorded {plain}, found {new}"),
                format!(
                    "bld/metadata.json: missing, recorded {}",
                    digest(r#"{"type":"ccaas","label":"basic_1.0"}"#)
                ),
                format!("release/added: unrecorded, found {new}"),
            ],
        ),
    ];
    for (change, differences) in changes {
        let peer = two_installed();
        change(&peer);
        let name = "build.intoto.json";
        let (old, new) = (
            peer.get(&format!("{OTHER}/bld/{name}")),
            peer.get(&format!("{BUILD}/bld/{name}")),
        );
        let mut lines: Vec<String> = differences
            .iter()
            .map(|difference| format!("{BUILD}: {difference}"))
            .map(|line| line.replace("OLD", &digest(&old).to_string()))
            .map(|line| line.replace("NEW", &digest(&new).to_string()))
            .collect();
        let mut of_one = lines.clone();
        of_one.push(summary(1, [0, 1, 0], differences.len()));
        assert_eq!(verify(&peer, &[BUILD]), (1, of_one.clone()));

        lines.push(matching(&peer, OTHER, &format!("{OTHER}/bld")));
        lines.push(summary(2, [1, 1, 0], differences.len()));
        assert_eq!(verify(&peer, &["builds"]), (1, lines));

        let bld = format!("{BUILD}/bld");
        let place = format!("{BUILD}: bld/");
        let mut lines: Vec<String> = of_one
            .iter()
            .filter(|line| line.starts_with(&place))
            .map(|line| line.replace(&place, &format!("{bld}: ")))
            .collect();
        let expected = if lines.is_empty() {
            lines = vec![matching(&peer, &bld, &bld), summary(1, [1, 0, 0], 0)];
            (0, lines)
        } else {
            lines.push(summary(1, [0, 1, 0], lines.len()));
            (1, lines)
        };
        assert_eq!(verify(&peer, &[&bld]), expected);
    }
}

/// What is no regular file is never opened, and a link never followed: a FIFO would block, and the links lead to what was recorded.
#[test]
fn links_and_special_files_are_differences() {
    let index = digest(INDEX);
    let released = |kind: &str| {
        vec![
            format!("release: unrecorded, found {kind}"),
            format!(
                "release/chaincode/server/connection.json: missing, recorded {}",
                digest(PLAIN)
            ),
            format!(
                "release/statedb/couchdb/collections/c/indexes/b.json: missing, recorded {index}"
            ),
            format!("release/statedb/couchdb/indexes/a.json: missing, recorded {index}"),
        ]
    };
    let no_bld = "cannot tell: there is no folder bld, the peer's copy failed or is under way";
    let changes: Vec<(Change, Vec<String>, usize)> = vec![
        (
            replace_by_link("bld/META-INF/statedb/couchdb/indexes/a.json"),
            vec![format!(
                "bld/{INDEX_A}: mismatch, recorded {index}, found a symbolic link"
            )],
            1,
        ),
        (
            Box::new(|peer| {
                let path = peer.path(BUILD).join("bld").join(INDEX_A);
                fs::remove_file(&path).unwrap();
                assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
            }),
            vec![format!(
                "bld/{INDEX_A}: mismatch, recorded {index}, found a FIFO"
            )],
            1,
        ),
        (
            replace_by_link("bld/META-INF/statedb/couchdb/indexes"),
            vec![
                "bld/META-INF/statedb/couchdb/indexes: unrecorded, found a symbolic link"
                    .to_owned(),
                format!("bld/{INDEX_A}: missing, recorded {index}"),
            ],
            2,
        ),
        (
            replace_by_link("release/statedb/couchdb/indexes"),
            vec![
                "release/statedb/couchdb/indexes: unrecorded, found a symbolic link".to_owned(),
                format!("release/statedb/couchdb/indexes/a.json: missing, recorded {index}"),
            ],
            2,
        ),
        (replace_by_link("release"), released("a symbolic link"), 4),
        (
            all(vec![remove("release"), put("release")]),
            released("a regular file"),
            4,
        ),
        (
            replace_by_link("bld"),
            vec![
                "bld: unrecorded, found a symbolic link".to_owned(),
                no_bld.to_owned(),
            ],
            1,
        ),
        (
            replace_by_link("build-info.json"),
            vec!["build-info.json: unrecorded, found a symbolic link".to_owned()],
            1,
        ),
        (
            replace_by_link("bld/SHA256SUMS"),
            vec![
                "damaged: bld/SHA256SUMS: is a symbolic link, only regular files and directories are copied"
                    .to_owned(),
            ],
            1,
        ),
    ];
    for (change, lines, differences) in changes {
        let peer = installed();
        change(&peer);
        let mut lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{BUILD}: {line}"))
            .collect();
        lines.push(summary(1, [0, 1, 0], differences));
        assert_eq!(verify(&peer, &["builds"]), (1, lines));
    }
}

#[test]
fn what_lies_among_the_builds_is_unrecorded() {
    let peer = installed();
    copy(&peer, BUILD, "elsewhere");
    peer.put("builds/file", "x")
        .put("builds/no-build/file", "x")
        .put_link(OTHER, peer.path("elsewhere").to_str().unwrap());
    let line = |what: &str| format!("builds: {what}");
    assert_eq!(
        verify(&peer, &["builds"]),
        (
            1,
            vec![
                matching(&peer, BUILD, &format!("{BUILD}/bld")),
                line("file: unrecorded, found a regular file"),
                line("no-build: unrecorded, found a directory"),
                format!(
                    "builds: {}: unrecorded, found a symbolic link",
                    OTHER.trim_start_matches("builds/")
                ),
                summary(1, [1, 0, 0], 3),
            ]
        )
    );
}

#[test]
fn a_damaged_record_never_matches() {
    let bad_line = |number: usize| {
        format!("SHA256SUMS: line {number}: is not a digest, two spaces and a relative path")
    };
    let disagrees =
        |about: &str| format!("build.intoto.json: disagrees with SHA256SUMS about {about}");
    let changes: Vec<(Change, String)> =
        vec![
        (sums(|text| text.replacen("  ", " ", 1)), bad_line(1)),
        (sums(|text| format!("{text}x\n")), bad_line(8)),
        (sums(|text| text.replacen("  m", "  /m", 1)), bad_line(7)),
        (sums(|text| text.replacen("  m", "  ../m", 1)), bad_line(7)),
        (sums(|text| text.replacen("  m", "  a/../m", 1)), bad_line(7)),
        (
            sums(|text| {
                let last = text.lines().last().unwrap().to_owned();
                format!("{text}{last}\n")
            }),
            "SHA256SUMS: line 8: is not in bytewise order of paths".to_owned(),
        ),
        (
            sums(|text| text[..text.len() - 1].to_owned()),
            "SHA256SUMS: does not end with a line feed".to_owned(),
        ),
        (
            sums(|text| {
                let lines: Vec<&str> = text.lines().collect();
                lines[..6].join("\n") + "\n"
            }),
            "SHA256SUMS: has no line for metadata.json".to_owned(),
        ),
        (
            sums(|_| String::new()),
            "SHA256SUMS: does not end with a line feed".to_owned(),
        ),
        (
            // An edited record: the digest of another connection.json.
            sums(|text| text.replace(&digest(PLAIN).to_string(), &digest("x").to_string())),
            disagrees("connection.json"),
        ),
        (
            statement("\"name\":\"connection.json\"", "\"name\":\"Connection.json\""),
            disagrees("connection.json"),
        ),
        (
            statement("Statement/v1", "Statement/v2"),
            "build.intoto.json: its _type is not https://in-toto.io/Statement/v1".to_owned(),
        ),
        (
            statement("link/v0.3", "provenance/v1"),
            "build.intoto.json: its predicateType is not https://in-toto.io/attestation/link/v0.3"
                .to_owned(),
        ),
        (
            statement("{", ""),
            "build.intoto.json: is not an in-toto statement".to_owned(),
        ),
        (
            remove("bld/SHA256SUMS"),
            "SHA256SUMS: is missing, though there is a build.intoto.json".to_owned(),
        ),
        (
            remove("bld/build.intoto.json"),
            "build.intoto.json: is missing, though there is a SHA256SUMS".to_owned(),
        ),
    ];
    for (change, damage) in changes {
        let peer = two_installed();
        change(&peer);
        let bld = format!("{BUILD}/bld");
        assert_eq!(
            verify(&peer, &["builds"]),
            (
                1,
                vec![
                    format!("{BUILD}: damaged: bld/{damage}"),
                    matching(&peer, OTHER, &format!("{OTHER}/bld")),
                    summary(2, [1, 1, 0], 1),
                ]
            )
        );
        assert_eq!(
            verify(&peer, &[&bld]),
            (
                1,
                vec![
                    format!("{bld}: damaged: {damage}"),
                    summary(1, [0, 1, 0], 1)
                ]
            )
        );
    }
}

#[test]
fn cannot_tell_without_a_record() {
    let no_record = "cannot tell: there is no record, the build output is another builder's";
    let no_bld = "cannot tell: there is no folder bld, the peer's copy failed or is under way";
    let changes: [(Change, &str); 4] = [
        (
            all(vec![
                remove("bld/SHA256SUMS"),
                remove("bld/build.intoto.json"),
            ]),
            no_record,
        ),
        // What a peer leaves that was stopped in the middle: it writes build-info.json, release and bld in this order.
        (remove("bld"), no_bld),
        (all(vec![remove("bld"), remove("release")]), no_bld),
        (
            all(vec![
                remove("bld"),
                remove("release"),
                remove("build-info.json"),
            ]),
            no_bld,
        ),
    ];
    for (change, reason) in changes {
        let peer = two_installed();
        change(&peer);
        let line = format!("{BUILD}: {reason}");
        assert_eq!(
            verify(&peer, &["builds"]),
            (
                2,
                vec![
                    line.clone(),
                    matching(&peer, OTHER, &format!("{OTHER}/bld")),
                    summary(2, [1, 0, 1], 0),
                ]
            )
        );
        assert_eq!(
            verify(&peer, &[BUILD]),
            (2, vec![line.clone(), summary(1, [0, 0, 1], 0)])
        );
        // A difference outweighs it.
        peer.put(format!("{OTHER}/bld/added"), "new");
        assert_eq!(
            verify(&peer, &["builds"]),
            (
                1,
                vec![
                    line,
                    format!("{OTHER}: bld/added: unrecorded, found {}", digest("new")),
                    summary(2, [0, 1, 1], 1),
                ]
            )
        );
    }
    let peer = installed();
    remove("bld/SHA256SUMS")(&peer);
    remove("bld/build.intoto.json")(&peer);
    let bld = format!("{BUILD}/bld");
    assert_eq!(
        verify(&peer, &[&bld]),
        (
            2,
            vec![format!("{bld}: {no_record}"), summary(1, [0, 0, 1], 0)]
        )
    );
}

/// What cannot be read does not hide what differs.
#[test]
fn goes_on_after_what_it_may_not_read() {
    for (closed, reason) in [
        (format!("bld/{INDEX_A}"), "cannot read"),
        ("bld/META-INF/statedb".to_owned(), "cannot open"),
        ("bld/SHA256SUMS".to_owned(), "cannot read"),
        ("bld".to_owned(), "cannot open"),
        ("release/statedb".to_owned(), "cannot open"),
    ] {
        let peer = two_installed();
        let place = format!("{BUILD}/{closed}");
        peer.set_mode(&place, 0);
        let peer = peer.run_by_nobody();
        let as_nobody = || {
            let mut command = command(&peer, &[], &["builds"]);
            // The program's own folder may be closed to others.
            let copy = peer.path("program");
            if !copy.exists() {
                assert!(
                    Command::new("cp")
                        .arg(program())
                        .arg(&copy)
                        .status()
                        .unwrap()
                        .success()
                );
            }
            let args: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
            command = Command::new(copy);
            command.args(args);
            if peer.is_nobody() {
                command.uid(NOBODY).gid(NOBODY);
            }
            see(&mut command)
        };
        let told = |path: &str| {
            format!(
                "{}: cannot tell: {reason} {}: Permission denied (os error 13)",
                peer.path(BUILD).display(),
                peer.path(path).display()
            )
        };
        let seen = as_nobody();
        let lines: Vec<&str> = seen.stdout.lines().collect();
        assert_eq!((seen.status, seen.stderr.as_str()), (2, ""), "{seen:?}");
        assert_eq!(lines[0], told(&place));
        assert_eq!(lines[2], summary(2, [1, 0, 1], 0));

        peer.put(format!("{OTHER}/added"), "x");
        assert_eq!(as_nobody().status, 1);
        if closed == format!("bld/{INDEX_A}") {
            peer.put(format!("{BUILD}/bld/metadata.json"), "x");
            let seen = as_nobody();
            let lines: Vec<&str> = seen.stdout.lines().collect();
            assert!(
                lines[0].contains(": bld/metadata.json: mismatch, "),
                "{seen:?}"
            );
            assert_eq!(lines[1], told(&place));
        }
        peer.set_mode(&place, 0o700);
    }
}

#[test]
fn a_path_that_cannot_be_verified() {
    let peer = installed();
    peer.put("file", "x").put("folder/file", "x");
    let root = peer.path("");
    for (name, reason) in [
        (
            "nowhere",
            format!(
                "cannot open {}: No such file or directory (os error 2)",
                root.join("nowhere").display()
            ),
        ),
        (
            "file",
            format!(
                "cannot open {}: Not a directory (os error 20)",
                root.join("file").display()
            ),
        ),
        (
            "folder",
            format!(
                "{}: is no build output (no SHA256SUMS), no build of a peer (no build-info.json, no bld) and no folder of such builds",
                root.join("folder").display()
            ),
        ),
    ] {
        let line = format!("verify: {reason}\n");
        assert_eq!(
            see(&mut command(&peer, &[], &[name])),
            Seen {
                status: 2,
                stdout: String::new(),
                stderr: line.clone()
            }
        );
        let object = serde_json::json!({
            "build": root.join(name).to_str().unwrap(), "result": "cannot tell", "reason": reason,
        });
        let summary = serde_json::json!({
            "result": "summary", "builds": 0, "match": 0, "mismatch": 0, "cannot_tell": 1, "differences": 0,
        });
        let seen = see(&mut command(&peer, &["--json"], &[name]));
        let objects: Vec<Value> = seen
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!((seen.status, &seen.stderr), (2, &line));
        assert_eq!(objects, [object, summary]);

        // The others are verified all the same.
        let seen = see(&mut command(&peer, &[], &[name, BUILD]));
        assert_eq!((seen.status, &seen.stderr), (2, &line));
        assert!(
            seen.stdout
                .ends_with("result   1 build: 1 match, 0 mismatch, 1 cannot tell; 0 differences\n"),
            "{seen:?}"
        );
    }
    let wrong = |args: &[&str]| see(Command::new(program()).arg("verify").args(args));
    for (args, line) in [
        (
            &[][..],
            "verify: missing argument PATH, see verify --help\n",
        ),
        (
            &["--force", "x"],
            "verify: invalid option '--force', see verify --help\n",
        ),
    ] {
        let seen = wrong(args);
        assert_eq!(
            (seen.status, seen.stdout.as_str(), seen.stderr.as_str()),
            (2, "", line)
        );
    }
}

#[test]
fn names_cannot_deceive() {
    let peer = installed();
    for name in [
        &b"a\nbuilds: match"[..],
        b"\x1b[2J",
        b"\xff",
        "\u{202e}gpj".as_bytes(),
    ] {
        let path = Path::new(OsStr::from_bytes(name));
        peer.put(Path::new(BUILD).join("bld").join(path), "x")
            .put(Path::new("builds").join(path), "x");
    }
    // Also asserts that the JSON says the same.
    let (status, lines) = verify(&peer, &["builds"]);
    assert_eq!(status, 1);
    let names = [
        "\\u{1b}[2J",
        "a\\u{a}builds: match",
        "\\u{202e}gpj",
        "\u{fffd}",
    ];
    for name in names {
        let line = format!("{BUILD}: bld/{name}: unrecorded, found a regular file");
        assert!(lines.contains(&line), "{line}: {lines:?}");
        let line = format!("builds: {name}: unrecorded, found a regular file");
        assert!(lines.contains(&line), "{line}: {lines:?}");
    }
    assert_eq!(lines.len(), 9);
    let json = see(&mut command(&peer, &["--json"], &["builds"])).stdout;
    assert!(
        !json.contains(|c: char| c != '\n' && fabric_ccs_builder::log::is_unsafe(c)),
        "{json}"
    );
}

#[test]
fn many_builds_are_reported_in_order() {
    let peer = installed();
    for number in 0..60 {
        copy(&peer, BUILD, &format!("builds/many-{number:064x}"));
    }
    peer.put(format!("builds/many-{:064x}/bld/added", 37), "x");
    let (status, lines) = verify(&peer, &["builds"]);
    assert_eq!(status, 1);
    assert!(lines[..61].is_sorted(), "{lines:?}");
    assert!(
        lines[38].contains(": bld/added: unrecorded, "),
        "{}",
        lines[38]
    );
    assert_eq!(lines[61..], [summary(61, [60, 1, 0], 1)]);
}

#[test]
fn builds_that_come_and_go_meanwhile_are_no_differences() {
    let peer = installed();
    for number in 0..16 {
        copy(&peer, BUILD, &format!("builds/many-{number:064x}"));
    }
    peer.put_dir("away");
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for number in (0..16).rev() {
                    let name = format!("many-{number:064x}");
                    let (here, away) = (
                        peer.path("builds").join(&name),
                        peer.path("away").join(&name),
                    );
                    fs::rename(&here, &away).unwrap();
                    fs::rename(&away, &here).unwrap();
                }
            }
        });
        let seen: Vec<Seen> = (0..30)
            .map(|_| see(&mut command(&peer, &[], &["builds"])))
            .collect();
        done.store(true, Ordering::Relaxed);
        for seen in seen {
            let fine = seen.stdout.lines().all(|line| {
                line.contains(": match, ")
                    || line.contains(": cannot tell: ")
                    || line.starts_with("result ")
            });
            assert!(
                fine && seen.stderr.is_empty() && seen.status != 1,
                "{seen:?}"
            );
        }
    });
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let peer = installed();
    let cannot = |why: &str| format!("verify: cannot write to standard output: {why}\n");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut to_nobody = command(&peer, &[], &["builds"]);
    let output = to_nobody.stdout(writer).stderr(Stdio::piped()).spawn();
    let output = output.unwrap().wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(2), cannot("Broken pipe (os error 32)"))
    );

    let mut to_full = command(&peer, &["--json"], &["builds"]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = to_full.stdout(full).stderr(Stdio::piped()).spawn();
    let output = output.unwrap().wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(2), cannot("No space left on device (os error 28)"))
    );
}

#[test]
fn reads_each_file_once_in_little_memory() {
    const SIZE: u64 = 32 << 20;
    let peer = installed();
    let path = peer.path(format!("{BUILD}/bld/{INDEX_A}"));
    fs::File::create(path).unwrap().set_len(SIZE).unwrap();
    // What the shell's children have read is counted as its own once they have ended.
    let mut command = Command::new("/bin/sh");
    command
        .args([
            "-c",
            "ulimit -v 24000; \"$@\"; grep ^rchar /proc/$$/io",
            "sh",
        ])
        .arg(program())
        .arg("verify")
        .arg(peer.path(BUILD));
    let seen = see(&mut command);
    assert!(
        seen.stdout.contains(&format!("{INDEX_A}: mismatch, ")),
        "{seen:?}"
    );
    let Some((_, read)) = seen.stdout.split_once("rchar: ") else {
        eprintln!("the kernel does not count what is read: not tested: {seen:?}");
        return;
    };
    let read: u64 = read.trim().parse().unwrap();
    assert!((SIZE..SIZE + (1 << 20)).contains(&read), "{read}");
}

#[test]
fn shows_progress_on_a_terminal_and_removes_it() {
    let peer = installed();
    let path = peer.path(format!("{BUILD}/bld/{INDEX_A}"));
    let line = format!(
        "{} verify {}",
        program().display(),
        peer.path(BUILD).display()
    );
    let run = || {
        let mut terminal = Command::new("script")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = String::new();
        terminal
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut shown)
            .unwrap();
        (terminal.wait().unwrap().code(), shown)
    };
    let (status, shown) = run();
    assert_eq!(status, Some(0));
    assert!(!shown.contains('\x1b'), "{shown:?}");

    // Until it takes more than a second.
    let file = fs::File::create(path).unwrap();
    let (status, shown) = (0..7)
        .map(|doubled| {
            file.set_len((32 << 20) << doubled).unwrap();
            run()
        })
        .find(|(_, shown)| shown.contains('\x1b'))
        .unwrap();
    assert_eq!(status, Some(1));
    let (before, rest) = shown
        .split_once(&*peer.path(BUILD).display().to_string())
        .unwrap();
    assert!(
        before.starts_with("\rverify: 0 of 1 build, 1 s\x1b[K"),
        "{shown:?}"
    );
    assert!(before.ends_with("\r\x1b[K"), "{shown:?}");
    assert!(!rest.contains('\x1b'), "{shown:?}");
}
