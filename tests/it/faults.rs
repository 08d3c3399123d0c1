//! Builds and releases that are killed, run out of resources, or meet a race.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::iter;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::peer::{INDEX, PLAIN, Peer, index, meanwhile, pauses, program, quoted, tls};

/// A package large enough to be killed in the middle.
fn large() -> Peer {
    let peer = many(300);
    peer.put("src/META-INF/data", vec![b'x'; 300_000]);
    peer
}

/// A package with this many index definitions.
fn many(indexes: usize) -> Peer {
    let peer = Peer::in_memory();
    for number in 0..indexes {
        let name = format!("{number:03}");
        peer.put(
            format!("src/META-INF/statedb/couchdb/indexes/{name}.json"),
            index(&name),
        );
    }
    peer
}

/// Increasing delays before a program is killed, until it has had time to end even on a slow
/// machine. The first are none: a busy machine may return from the shortest sleep too late.
fn delays() -> impl Iterator<Item = Duration> {
    let increasing = (0..2000)
        .scan(Duration::ZERO, |delay, _| {
            *delay += *delay / 40 + Duration::from_micros(100);
            Some(*delay)
        })
        .take_while(|delay| *delay < Duration::from_secs(20));
    iter::repeat_n(Duration::ZERO, 10).chain(increasing)
}

/// Starts a program, and kills it after `delay`.
fn kill_after(peer: &Peer, word: &str, dirs: &[&str], delay: Duration) {
    let mut child = Command::new(program())
        .arg0(word)
        .args(dirs.iter().map(|dir| peer.path(dir)))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_build_leaves_no_final_name_with_half_the_content() {
    let whole = large();
    whole.build().succeeds(&[]);
    let whole: BTreeSet<String> = whole.listing("bld").into_iter().collect();
    let peer = large();
    let mut stages = BTreeSet::new();
    for delay in delays() {
        kill_after(&peer, "build", &["src", "metadata", "bld"], delay);
        let _ = fs::remove_dir_all(peer.path("bld/.fabric-ccs-builder"));
        let left = peer.listing("bld");
        let foreign: Vec<_> = left.iter().filter(|line| !whole.contains(*line)).collect();
        assert!(foreign.is_empty(), "{foreign:?}");
        let tree = left
            .iter()
            .filter(|line| line.starts_with("META-INF"))
            .count();
        assert!(tree == 0 || tree == 305, "half a META-INF: {tree}");
        stages.insert(left.len());
        peer.clear("bld");
        if left.len() == whole.len() {
            break;
        }
    }
    assert!(
        stages.contains(&0) && stages.contains(&whole.len()),
        "{stages:?}"
    );
}

#[test]
fn a_killed_release_publishes_connection_json_last_and_whole() {
    let peer = large();
    peer.build().succeeds(&[]);
    let mut stages = BTreeSet::new();
    for delay in delays() {
        kill_after(&peer, "release", &["bld", "release"], delay);
        let _ = fs::remove_dir_all(peer.path("release/.fabric-ccs-builder"));
        let left = peer.modes("release");
        stages.insert(left.len());
        if left.iter().any(|line| line.starts_with("chaincode")) {
            assert_eq!(peer.get("release/chaincode/server/connection.json"), PLAIN);
            assert_eq!(
                left.iter()
                    .filter(|line| line.starts_with("statedb"))
                    .count(),
                303
            );
        }
        peer.clear("release");
        if left.len() == 306 {
            break;
        }
    }
    assert!(stages.contains(&0) && stages.contains(&306), "{stages:?}");
}

/// Starts the program with these arguments and kills it after `delay`. Returns whether it had ended
/// by itself.
fn kill_command_after(peer: &Peer, args: &[&str], delay: Duration) -> bool {
    let mut child = Command::new(program())
        .args(args)
        .current_dir(peer.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(delay);
    let has_ended = child
        .try_wait()
        .unwrap()
        .is_some_and(|status| status.success());
    child.kill().unwrap();
    child.wait().unwrap();
    has_ended
}

#[test]
fn a_killed_package_leaves_no_half_package_under_its_name() {
    let peer = large();
    peer.put(
        "src/metadata.json",
        r#"{"type":"ccaas","label":"basic_1.0"}"#,
    );
    let whole = ["package", "--output", "whole.tar.gz", "src"];
    assert!(kill_command_after(&peer, &whole, Duration::from_secs(5)));
    let whole = fs::read(peer.path("whole.tar.gz")).unwrap();
    let mut was_stopped = false;
    for delay in delays() {
        let has_ended =
            kill_command_after(&peer, &["package", "--output", "p.tar.gz", "src"], delay);
        match fs::read(peer.path("p.tar.gz")) {
            Ok(content) => assert!(content == whole, "half a package"),
            Err(_) => was_stopped = true,
        }
        let _ = fs::remove_file(peer.path("p.tar.gz"));
        if has_ended && was_stopped {
            break;
        }
    }
    assert!(was_stopped);
}

#[test]
fn a_killed_install_leaves_each_program_old_or_new() {
    let peer = Peer::in_memory();
    let new = fs::read(program()).unwrap();
    let names = ["detect", "build", "release"].map(|name| format!("bld/bin/{name}"));
    let mut was_stopped = false;
    for delay in delays() {
        for name in &names {
            peer.put(name, "old");
        }
        let has_ended = kill_command_after(&peer, &["install", "--quiet", "bld"], delay);
        for name in &names {
            let found = fs::read(peer.path(name)).unwrap();
            assert!(found == new || found == b"old", "half a program: {name}");
            was_stopped |= found == b"old";
        }
        fs::remove_dir_all(peer.path("bld/bin")).unwrap();
        if has_ended && was_stopped {
            break;
        }
    }
    assert!(was_stopped);
}

#[test]
fn a_disk_that_fills_at_any_write_leaves_nothing_behind() {
    let mut failed = BTreeSet::new();
    let mut succeeded = false;
    let connection = format!(
        r#"{{"address":"a:1","tls_required":true,"root_cert":{}}}"#,
        quoted(&tls("rsa.pem"))
    );
    for (files, limits) in [(0, 0..8), (40, 0..48)] {
        let mut peer = Peer::with_connection(&connection);
        for number in 0..files {
            peer.put(format!("src/META-INF/{number:02}"), "x");
        }
        for blocks in limits {
            peer = peer.file_limit(blocks);
            let seen = peer.build();
            if seen.status == 0 {
                succeeded = true;
                peer.clear("bld");
                continue;
            }
            let staging = peer.path("bld/.fabric-ccs-builder/").display().to_string();
            let line = seen
                .stderr
                .strip_prefix(&format!("build: cannot write {staging}"))
                .unwrap_or_else(|| panic!("{seen:?}"));
            failed.insert(
                line.strip_suffix(": File too large (os error 27)\n")
                    .unwrap()
                    .to_owned(),
            );
            peer.has_nothing_in("bld");
        }
    }
    assert!(succeeded);
    let names: BTreeSet<&str> = failed.iter().map(String::as_str).collect();
    // SHA256SUMS is always smaller than the statement, which is written before it.
    let expected = [
        "META-INF/00",
        "build.intoto.json",
        "connection.json",
        "metadata.json",
    ];
    assert!(
        expected.iter().all(|name| names.contains(name)),
        "{names:?}"
    );
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let peer = Peer::new();
    let path = peer.path("src/META-INF/log");
    peer.put("src/META-INF/log", vec![b'x'; 8 << 20]);
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    // On a busy machine a build may get through between two changes.
    let is_refused = meanwhile(
        || file.write_all(b"y").unwrap(),
        || {
            (0..200).any(|_| {
                let seen = peer.build();
                if seen.status == 0 {
                    peer.clear("bld");
                    return false;
                }
                seen.refuses("build: META-INF/log: changed while it was read");
                true
            })
        },
    );
    assert!(is_refused);
    peer.has_nothing_in("bld");
}

#[test]
fn a_file_that_grows_is_not_read_to_its_end() {
    // No file may have more than 33 MiB, so more than was listed cannot be copied.
    let peer = Peer::in_memory().file_limit(33 << 11);
    let log = peer.path("src/META-INF/log");
    peer.put("src/META-INF/log", vec![b'x'; 32 << 20]);
    let copy = peer.path("bld/.fabric-ccs-builder/META-INF/log");
    let is_large = |size: u64| {
        let file = fs::OpenOptions::new().write(true).open(&log);
        file.unwrap().set_len(size).unwrap();
    };
    let line = "build: META-INF/log: changed while it was read\n";
    let grow = || {
        if copy.exists() {
            is_large(64 << 20);
        }
    };
    let has_grown = (0..100).any(|_| {
        is_large(32 << 20);
        let seen = meanwhile(grow, || peer.build());
        assert!(seen.status == 0 || seen.stderr == line, "{seen:?}");
        peer.clear("bld");
        seen.status != 0
    });
    assert!(has_grown);
}

/// Repeatedly replaces a folder with a link to `outside`, and puts it back.
fn swap(place: &Path, outside: &Path) {
    let real = outside.with_file_name("real");
    if fs::rename(place, &real).is_ok() {
        symlink(outside, place).unwrap();
        fs::remove_file(place).unwrap();
        fs::rename(&real, place).unwrap();
    }
}

#[test]
fn a_link_swapped_in_during_the_copy_never_leads_outside() {
    let peer = Peer::in_memory();
    // Many folders, so that the swap happens during the walk.
    for number in 0..20 {
        peer.put(format!("src/META-INF/{number:02}/a"), "inside");
    }
    peer.put("src/META-INF/swapped/a", "inside")
        .put("outside/a", "SECRET");
    let (place, outside) = (peer.path("src/META-INF/swapped"), peer.path("outside"));
    let statuses = meanwhile(
        || swap(&place, &outside),
        || {
            let run = |_| {
                let seen = peer.build();
                let copied = fs::read_to_string(peer.path("bld/META-INF/swapped/a"));
                assert!(copied.is_err() || copied.unwrap() == "inside", "{seen:?}");
                peer.clear("bld");
                seen.status
            };
            (0..200).map(run).collect::<BTreeSet<i32>>()
        },
    );
    // Some succeeded, and some were disturbed.
    assert_eq!(statuses, [0, 1].into());
}

#[test]
fn a_link_swapped_in_for_the_hidden_folder_never_leads_outside() {
    let peer = large();
    peer.put("outside/kept", "x");
    let (hidden, outside) = (peer.path("bld/.fabric-ccs-builder"), peer.path("outside"));
    let mut swaps = 0;
    meanwhile(
        || {
            let real = peer.path(format!("real{swaps}"));
            if fs::rename(&hidden, &real).is_ok() {
                swaps += 1;
                // Its parent may be gone by now.
                let _ = symlink(&outside, &hidden);
                thread::sleep(Duration::from_millis(1));
                let _ = fs::remove_file(&hidden);
            }
        },
        || {
            for _ in 0..30 {
                peer.build();
                assert_eq!(peer.names("outside"), ["kept"]);
                peer.clear("bld");
            }
        },
    );
    assert!(swaps > 0);
}

#[test]
fn a_release_publishes_nothing_that_changes_after_the_check() {
    let peer = large();
    peer.build().succeeds(&[]);
    let indexes = "META-INF/statedb/couchdb/indexes";
    let changed = [
        (
            format!("bld/{indexes}/150.json"),
            index("150").replace("owner", "other"),
        ),
        (
            "bld/connection.json".to_owned(),
            PLAIN.replace("9999", "6666"),
        ),
    ];
    for (name, evil) in changed {
        let good = peer.get(&name);
        peer.put("good", &good).put("evil", &evil);
        let (place, names) = (
            peer.path(&name),
            ["good", "evil"].map(|name| peer.path(name)),
        );
        let mut published = BTreeSet::new();
        let mut pauses = pauses();
        meanwhile(
            || {
                for content in &names {
                    thread::sleep(pauses.next().unwrap());
                    let link = peer.path("link");
                    fs::copy(content, &link).unwrap();
                    fs::rename(link, &place).unwrap();
                }
            },
            || {
                // On a busy machine, it may take long until a release succeeds between two changes.
                for _ in 0..2000 {
                    if published.len() == 2 {
                        break;
                    }
                    let seen = peer.release();
                    published.insert(seen.status);
                    if seen.status == 0 {
                        let connection = peer.get("release/chaincode/server/connection.json");
                        assert_eq!(connection, PLAIN);
                        assert_eq!(
                            peer.get(&format!("release/{}/150.json", &indexes[9..])),
                            index("150")
                        );
                    }
                    peer.clear("release");
                }
            },
        );
        assert_eq!(published, [0, 1].into(), "{name}");
        peer.put(&name, good);
    }
}

#[test]
fn with_few_open_files_a_build_is_made_or_leaves_nothing() {
    let mut statuses = BTreeSet::new();
    for limit in 4..24 {
        let peer = Peer::new();
        peer.put("src/META-INF/statedb/couchdb/indexes/a.json", INDEX);
        let words = [
            "/bin/sh",
            "-c",
            &format!("ulimit -n {limit}; exec \"$@\""),
            "sh",
        ];
        let wrapper: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let seen = peer.run_under(&wrapper, "build", &["src", "metadata", "bld"]);
        statuses.insert(seen.status);
        match seen.status {
            0 => peer.release().succeeds(&[]),
            1 => peer.has_nothing_in("bld"),
            // The shell or the loader has no file descriptor left to start the program with.
            status => assert!(status == 127 || status == 2, "{limit}: {seen:?}"),
        }
    }
    assert!(
        statuses.contains(&0) && statuses.contains(&1),
        "{statuses:?}"
    );
}

#[test]
fn builds_at_the_same_time_do_not_disturb_each_other() {
    // Enough for several threads in each build; the files take 30 MB of memory.
    let peer = &many(100);
    let outputs: Vec<[String; 2]> = (0..32)
        .map(|number| [format!("bld{number}"), format!("release{number}")])
        .collect();
    for dir in outputs.iter().flatten() {
        peer.put_dir(dir);
    }
    thread::scope(|scope| {
        for [bld, release] in &outputs {
            scope.spawn(move || {
                let built = peer.run("build", &["src", "metadata", bld]);
                built.succeeds(&[]);
                peer.run("release", &[bld, release]).succeeds(&[]);
            });
        }
    });
    let listing = |[bld, release]: &[String; 2]| [peer.listing(bld), peer.listing(release)];
    let first = listing(&outputs[0]);
    assert_eq!(first.each_ref().map(Vec::len), [108, 106]);
    assert!(outputs.iter().all(|output| listing(output) == first));
}

#[test]
fn one_of_two_builds_into_the_same_folder_is_refused() {
    let peer = large();
    let statuses: Vec<i32> = thread::scope(|scope| {
        let runs: Vec<_> = (0..2)
            .map(|_| scope.spawn(|| peer.build().status))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(
        statuses.iter().filter(|&&status| status == 0).count(),
        1,
        "{statuses:?}"
    );
}

#[test]
fn more_files_than_any_package_has() {
    let peer = Peer::in_memory();
    peer.put_dir("src/META-INF/many");
    let folder = peer.path("src/META-INF/many");
    for number in 0..=200_000 {
        fs::File::create(folder.join(number.to_string())).unwrap();
    }
    let line = format!(
        "build: {}: contains more than 200000 files and folders, the most that are copied",
        folder.display()
    );
    peer.build().refuses(&line);
    peer.has_nothing_in("bld");

    // Together with the two folders, one too many. As `a` comes first, they are counted before any
    // is copied, which takes a debug program a while.
    for number in 199_998..=200_000 {
        fs::remove_file(folder.join(number.to_string())).unwrap();
    }
    peer.put("src/META-INF/a/file", "");
    let line =
        "META-INF/many/99999: more than 200000 files and folders in all, the most that are copied";
    peer.build().refuses(&format!("build: {line}"));
    peer.has_nothing_in("bld");

    // The largest number allowed is built and released. Without optimisation, that takes a minute.
    if std::env::var_os("TESTED_PROGRAM").is_some() {
        fs::remove_file(folder.join("0")).unwrap();
        peer.build().succeeds(&[]);
        peer.release().succeeds(&[]);
    }
}

#[test]
fn folders_deeper_than_any_path_can_name() {
    let peer = Peer::in_memory();
    peer.put_dir("src/META-INF");
    let mut folder = fs::File::open(peer.path("src/META-INF")).unwrap();
    for _ in 0..10_000 {
        let below = format!("/proc/self/fd/{}/d", folder.as_raw_fd());
        fs::create_dir(&below).unwrap();
        folder = fs::File::open(below).unwrap();
    }
    let refused = peer.path(format!("src/META-INF{}", "/d".repeat(64)));
    let line = format!(
        "build: {}: directories nested more than 64 deep",
        refused.display()
    );
    let seen = peer.build();
    // Removed before anything can fail: Rust's own removal keeps each of them open.
    let removed = Command::new("rm").arg("-rf").arg(peer.path("src")).status();
    assert!(removed.unwrap().success());
    seen.refuses(&line);
    peer.has_nothing_in("bld");
}

#[test]
fn names_as_long_as_file_systems_allow() {
    let peer = Peer::new();
    let name = "n".repeat(250);
    let folder = format!("META-INF/{name}");
    peer.put(format!("src/{folder}/{name}.json"), "x").put(
        format!("src/META-INF/statedb/couchdb/indexes/{name}.json"),
        INDEX,
    );
    peer.build().succeeds(&[]);
    peer.release().succeeds(&[]);
    assert_eq!(peer.get(&format!("bld/{folder}/{name}.json")), "x");
    assert_eq!(
        peer.get(&format!("release/statedb/couchdb/indexes/{name}.json")),
        INDEX
    );
}

#[test]
fn the_log_stays_short_whatever_a_package_holds() {
    let peer = Peer::with_connection(format!(
        r#"{{"address":"a:1","{}":1}}"#,
        "x\u{1}".replace('\u{1}', "\\u0001").repeat(20_000)
    ));
    for number in 0..500 {
        peer.put(
            format!(
                "src/META-INF/statedb/{}/{number:03}{}",
                "d".repeat(200),
                "n".repeat(200)
            ),
            "x",
        );
    }
    let seen = peer.build();
    assert_eq!(seen.status, 0);
    assert!(
        seen.stderr.lines().all(|line| line.len() < 4096),
        "{}",
        seen.stderr
    );
    assert!(
        seen.stderr.lines().count() <= 64,
        "{}",
        seen.stderr.lines().count()
    );
    assert!(
        seen.stderr
            .contains("build: warning: 441 more warnings are not shown\n"),
        "{}",
        seen.stderr
    );
}

#[test]
fn a_key_is_in_no_file_that_others_can_read_and_in_no_log() {
    let (certificate, key) = (tls("P-256.pem"), tls("P-256.key"));
    let peer = Peer::with_connection(
        r#"{"address":"a:1","tls_required":true,"client_auth_required":true,"root_cert":"{{.cert}}","client_key":"{{.key}}","client_cert":"{{.cert}}"}"#,
    )
    .config(&format!(r#"{{"cert":{},"key":{}}}"#, quoted(&certificate), quoted(&key)));
    let mut seen = peer.build().stderr + &peer.release().stderr;
    for dir in ["bld", "release"] {
        for file in peer
            .modes(dir)
            .iter()
            .filter_map(|line| line.strip_suffix(" 644"))
        {
            seen += &peer.get(&format!("{dir}/{file}"));
        }
    }
    assert_eq!(
        peer.modes("release").last().unwrap(),
        "chaincode/server/connection.json 600"
    );
    for secret in key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!seen.contains(secret), "{seen}");
        assert!(
            peer.get("release/chaincode/server/connection.json")
                .contains(secret)
        );
    }
}

#[test]
fn a_key_in_the_wrong_field_is_not_shown() {
    let key = tls("P-256.key");
    let lines: Vec<&str> = key.lines().filter(|line| !line.starts_with('-')).collect();
    // The whole key, the key without its frame, and a piece of it in a text.
    let texts = [key.clone(), lines.concat(), format!("key={}", lines[1])];
    let fields = ["address", "dial_timeout", "root_cert", "domain"];
    let places = fields
        .iter()
        .flat_map(|field| texts.iter().map(move |text| (field, text)));
    for (field, text) in places {
        let others = format!(
            r#""address":"a:1","tls_required":true,"client_auth_required":true,"client_cert":{0},"client_key":{1},"root_cert":{0}"#,
            quoted(&tls("P-256.pem")),
            quoted(&key),
        );
        for connection in [
            format!(r#"{{{others},"{field}":"{{{{.key}}}}"}}"#),
            format!(r#"{{{others},"{field}":{}}}"#, quoted(text)),
            format!(r#"{{{others},"root_cert":"x","{field}":1,"tls_required":"{{{{.key}}}}"}}"#),
        ] {
            let peer = Peer::with_connection(&connection)
                .config(&format!(r#"{{"key":{}}}"#, quoted(text)));
            let seen = peer.build();
            assert_eq!(
                (seen.status, seen.stderr.lines().count()),
                (1, 1),
                "{seen:?}"
            );
            for secret in &lines {
                assert!(!seen.stderr.contains(&secret[..20]), "{seen:?}");
            }
            peer.has_nothing_in("bld");
        }
    }
}

#[test]
fn a_long_value_does_not_push_the_reason_out_of_the_line() {
    let peer = Peer::with_connection(format!(r#"{{"address":"{}"}}"#, "a".repeat(5000)));
    peer.build().refuses(&format!(
        r#"build: connection.json: address: "{}..." has no port; write for example basic.example.com:9999"#,
        "a".repeat(80)
    ));
}
