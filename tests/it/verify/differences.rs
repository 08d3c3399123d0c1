//! Builds that differ from their record, and records that `build` does not write.

use std::fs;
use std::process::Command;

use super::super::peer::{INDEX, PLAIN};
use super::{
    BUILD, Change, INDEX_A, INDEX_B, OTHER, all, copy, digest, installed, matching, put, remove,
    replace_by_link, statement, summary, sums, two_installed, verify,
};

/// Each change to a build is found, however the build is named, and the build next to it still
/// matches.
#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn each_difference_is_found_and_named() {
    let (index, new, plain) = (digest(INDEX), digest("new"), digest(PLAIN));
    let changes: Vec<(Change, Vec<String>)> = vec![
        (
            // One byte, in a file whose length and modification time stay the same.
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
                    "bld/META-INF/statedb/couchdb/collections/c/indexes/.keep: missing, recorded {}",
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
            put("release/statedb/couchdb/collections/c/indexes/.keep"),
            vec![format!(
                "release/statedb/couchdb/collections/c/indexes/.keep: unrecorded, found {new}"
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
            // A file that the statement says was read; SHA256SUMS does not list it.
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

/// Only regular files are opened, and no link is followed: a FIFO would block, and the links lead
/// to the recorded content.
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
    let no_bld = "cannot tell: there is no folder bld: the peer is still copying it, or could not; if it could not, run rebuild, after installing the package again if it is no longer there";
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
                "damaged: bld/SHA256SUMS: is a symbolic link, but only regular files and directories are copied"
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
fn strays_among_the_builds_are_unrecorded() {
    let peer = installed();
    copy(&peer, BUILD, "elsewhere");
    peer.put("builds/file", "x")
        .put("builds/no-build/file", "x")
        .put(format!("builds/z-{:064}", 0), "x")
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
                line(&format!("z-{:064}: unrecorded, found a regular file", 0)),
                summary(1, [1, 0, 0], 4),
            ]
        )
    );
}

/// Each alone says what a folder is, whatever its name.
#[test]
fn one_part_of_a_build_is_enough_to_know_it() {
    let peer = installed();
    peer.put("alone/SHA256SUMS", "x")
        .put("odd/a/bld/file", "x")
        .put("odd/b/build-info.json", "{}");
    for (path, line) in [
        (
            "alone",
            "alone: damaged: build.intoto.json: is missing, though there is a SHA256SUMS",
        ),
        ("odd", "odd/a: build-info.json: missing"),
        ("odd", "odd/b: cannot tell: there is no folder bld"),
    ] {
        let (_, lines) = verify(&peer, &[path]);
        assert!(
            lines.iter().any(|found| found.starts_with(line)),
            "{lines:?}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn a_damaged_record_never_matches() {
    let bad_line = |number: usize| {
        format!("SHA256SUMS: line {number}: is not a digest, two spaces and a relative path")
    };
    let disagrees =
        |about: &str| format!("build.intoto.json: disagrees with SHA256SUMS about {about}");
    let changes: Vec<(Change, String)> = vec![
        (sums(|text| text.replacen("  ", " ", 1)), bad_line(1)),
        (sums(|text| format!("{text}x\n")), bad_line(8)),
        (sums(|text| text.replacen("  m", "  /m", 1)), bad_line(7)),
        (sums(|text| text.replacen("  m", "  ../m", 1)), bad_line(7)),
        (
            sums(|text| text.replacen("  m", "  a/../m", 1)),
            bad_line(7),
        ),
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
            statement(
                "\"name\":\"connection.json\"",
                "\"name\":\"Connection.json\"",
            ),
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
            statement(
                r#"],"predicateType""#,
                // The digest of nothing.
                r#",{"name":"more","digest":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}],"predicateType""#,
            ),
            disagrees("more"),
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
