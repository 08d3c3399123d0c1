//! `rebuild`: a peer's builds, made again from its packages with another config.

mod faults;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use fabric_ccs_builder::testing::Digest;

use super::peer::{CONFIG, INDEX, Peer, Seen, program, quoted, tls};
use super::user;

pub const PACKAGES: &str = "lifecycle/chaincodes";
pub const BUILDS: &str = "externalbuilder/builds";
/// What the peer dials, below a build.
pub const LAST: &str = "release/chaincode/server/connection.json";
const INDEX_A: &str = "META-INF/statedb/couchdb/indexes/a.json";
const MOVING: &str = r#"{"address":"{{.host}}:9999"}"#;

pub const NEW: [&str; 3] = ["--config", r#"{"host":"new"}"#, "."];

/// A peer's file system path, in which packages are built with the host `old`.
pub fn production(peer: Peer) -> Peer {
    peer.put_dir(PACKAGES).put_dir(BUILDS);
    peer.config(r#"{"host":"old"}"#)
}

/// Installs what is in `src` as the peer does, and returns the package ID.
fn install(peer: &Peer, label: &str, package_type: &str) -> String {
    put_metadata(peer, label, package_type);
    let script = "tar -czf code.tar.gz -C src . && tar -czf package -C metadata metadata.json -C .. code.tar.gz";
    let mut tar = Command::new("sh");
    let tar = tar.args(["-c", script]).current_dir(peer.path(""));
    assert!(tar.status().unwrap().success());
    let hash = Digest::of(&fs::read(peer.path("package")).unwrap());
    let file = peer.path(format!("{PACKAGES}/{label}.{hash}.tar.gz"));
    fs::rename(peer.path("package"), file).unwrap();
    let id = format!("{label}:{hash}");
    if package_type != "golang" {
        build_with_config(peer, &id);
    }
    id
}

fn put_metadata(peer: &Peer, label: &str, package_type: &str) {
    let metadata = format!(r#"{{"type":"{package_type}","label":"{label}"}}"#);
    peer.put("metadata/metadata.json", metadata);
}

/// Makes the build of an installed package, as the peer does.
fn build_with_config(peer: &Peer, id: &str) {
    peer.build().succeeds(&[]);
    peer.release().succeeds(&[]);
    let build = build_of(id);
    peer.put_dir(&build).set_mode(&build, 0o700);
    let info = format!("{build}/build-info.json");
    peer.put(&info, r#"{"builder_name":"ccaas_builder"}"#)
        .set_mode(&info, 0o600);
    for part in ["bld", "release"] {
        fs::rename(peer.path(part), peer.path(format!("{build}/{part}"))).unwrap();
        peer.put_dir(part).set_mode(part, 0o700);
    }
}

/// The folder of a package's build.
pub fn build_of(id: &str) -> String {
    format!("{BUILDS}/{}", id.replace(':', "-"))
}

/// A chaincode whose host the config has, with an index definition.
pub fn installed() -> (Peer, String) {
    let peer = production(Peer::in_memory());
    peer.put("src/connection.json", MOVING)
        .put(format!("src/{INDEX_A}"), INDEX);
    let id = install(&peer, "basic", "ccaas");
    (peer, id)
}

pub fn rebuild(peer: &Peer, args: &[&str]) -> Seen {
    user::run(&peer.path(""), &[&["rebuild"], args].concat())
}

/// Asserts that the build of `id` is byte for byte what a peer with the host `new` would make, that
/// `verify` finds nothing, and that another run would change nothing.
#[track_caller]
fn is_new(peer: &Peer, id: &str) {
    let build = build_of(id);
    let seen = user::run(&peer.path(""), &["verify", BUILDS]);
    assert_eq!(seen.status, 0, "{seen:?}");
    let found = peer.listing(&build);
    let other = production(Peer::in_memory()).config(NEW[1]);
    copy(&peer.path("src"), &other.path("src"));
    let (label, _) = id.split_once(':').unwrap();
    put_metadata(&other, label, "ccaas");
    build_with_config(&other, id);
    assert_eq!(found, other.listing(&build));
    let seen = rebuild(peer, &NEW);
    assert!(seen.stdout.starts_with("unchanged "), "{seen:?}");
}

pub fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-aT").args([from, to]).status();
    assert!(copied.unwrap().success());
}

/// The paths, owners, times and content of everything: what would differ if it were written to.
fn state(peer: &Peer) -> BTreeSet<String> {
    let found = Command::new("find")
        .arg(peer.path(""))
        .args(["-printf", "%P %m %U %G %s %i %C@ %l\\n"])
        .output()
        .unwrap();
    let lines = String::from_utf8(found.stdout).unwrap();
    lines.lines().map(str::to_owned).collect()
}

impl Seen {
    /// Asserts the exit status and what was printed to standard output, and that nothing went to
    /// standard error.
    #[track_caller]
    fn prints(&self, status: i32, lines: &[&str]) {
        let printed: Vec<&str> = self.stdout.lines().collect();
        let (result, printed) = printed.split_last().expect(&self.stderr);
        assert_eq!((self.status, printed), (status, lines), "{self:?}");
        assert!(result.starts_with("result    "), "{self:?}");
        assert_eq!(self.stderr, "");
    }
}

#[test]
fn writes_nothing_where_nothing_changes() {
    let (peer, id) = installed();
    let before = state(&peer);
    let setup = "export TMPDIR=no";
    let args = ["rebuild", "--config", r#"{"host":"old"}"#, "."];
    let seen = user::run_after(setup, &peer.path(""), &args);
    let line = format!("unchanged {id}: the peer will dial old:9999 without TLS");
    seen.prints(0, &[&line]);
    assert_eq!(state(&peer), before);
    let seen = user::run_after(setup, &peer.path(""), &[&["rebuild"], &NEW[..]].concat());
    let line = format!(
        "failed    {id}: TMPDIR: cannot open no: No such file or directory (os error 2); set it to a folder that you may write to"
    );
    seen.prints(2, &[&line]);
}

#[test]
fn moves_a_server() {
    let (peer, id) = installed();
    let line = format!(
        "{id}: the peer will dial new:9999 without TLS, before: dial old:9999 without TLS; 4 files differ"
    );
    let before = state(&peer);
    let dry = [&["--dry-run"], &NEW[..]].concat();
    rebuild(&peer, &dry).prints(0, &[&format!("differs   {line}")]);
    assert_eq!(state(&peer), before);
    let seen = rebuild(&peer, &NEW);
    assert_eq!(
        seen.stdout,
        format!(
            "rebuilt   {line}\nresult    1 package: 0 unchanged, 1 rebuilt, 0 refused, 0 failed\n"
        )
    );
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
    let connection = peer.get(&format!("{}/{LAST}", build_of(&id)));
    assert_eq!(connection, r#"{"address":"new:9999"}"#);
    is_new(&peer, &id);
    let before = state(&peer);
    let line = format!("unchanged {id}: the peer will dial new:9999 without TLS");
    rebuild(&peer, &NEW).prints(0, &[&line]);
    assert_eq!(state(&peer), before);
}

#[test]
fn rotates_certificates() {
    let peer = production(Peer::new());
    let config = |name: &str| {
        let [cert, key] = ["pem", "key"].map(|end| quoted(&tls(&format!("{name}.{end}"))));
        format!(r#"{{"host":"a","cert":{cert},"key":{key}}}"#)
    };
    let peer = peer.config(&config("P-256"));
    peer.put(
        "src/connection.json",
        r#"{"address":"{{.host}}:1","tls_required":true,"client_auth_required":true,"root_cert":"{{.cert}}","client_key":"{{.key}}","client_cert":"{{.cert}}"}"#,
    );
    let id = install(&peer, "basic", "External");
    let line = format!(
        "rebuilt   {id}: the peer will dial a:1 with TLS and a client certificate, as before; 4 files differ"
    );
    let path = format!("{}/{LAST}", build_of(&id));
    assert!(peer.get(&path).contains(&tls("P-256.key")[40..60]));
    peer.put("config", config("P-384"));
    rebuild(&peer, &["--config", "@config", "."]).prints(0, &[&line]);
    assert!(peer.get(&path).contains(&tls("P-384.key")[40..60]));
    assert_eq!(user::run(&peer.path(""), &["verify", BUILDS]).status, 0);
}

#[test]
fn makes_what_the_peers_copy_lacks() {
    // The order in which a peer makes it.
    let all = [
        "build-info.json",
        "release/chaincode",
        "release/statedb",
        "bld",
    ];
    for kept in 0..all.len() {
        let (peer, id) = installed();
        let build = build_of(&id);
        for name in &all[kept..] {
            let path = peer.path(format!("{build}/{name}"));
            let is_dir = path.is_dir();
            if is_dir {
                fs::remove_dir_all(path)
            } else {
                fs::remove_file(path)
            }
            .unwrap();
        }
        if kept == 0 {
            fs::remove_dir_all(peer.path(&build)).unwrap();
        }
        let seen = rebuild(&peer, &NEW);
        assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
        let before = match kept {
            0 => "not built",
            1 => "no usable connection.json",
            _ => "dial old:9999 without TLS",
        };
        assert!(
            seen.stdout.contains(&format!(", before: {before}; ")),
            "{seen:?}"
        );
        is_new(&peer, &id);
    }
}

#[test]
fn a_file_that_is_cut_short_is_made_again() {
    let info = "build-info.json";
    for (name, content) in [
        (LAST, ""),
        ("bld/SHA256SUMS", ""),
        ("bld/metadata.json", ""),
        (info, ""),
        (info, "{}"),
        (info, r#"{"builder_name":""}"#),
    ] {
        let (peer, id) = installed();
        peer.put(format!("{}/{name}", build_of(&id)), content);
        assert_eq!(rebuild(&peer, &NEW).status, 0);
        is_new(&peer, &id);
    }
}

#[test]
fn gives_a_record_to_the_build_of_another_builder() {
    let (peer, id) = installed();
    let build = build_of(&id);
    fs::remove_dir_all(peer.path(format!("{build}/bld"))).unwrap();
    let connection = r#"{"address":"old:9999","dial_timeout":""}"#;
    let info = r#"{ "builder_name": "my builder" }"#;
    peer.put(format!("{build}/bld/connection.json"), connection)
        .put(format!("{build}/bld/{INDEX_A}"), INDEX)
        .put(format!("{build}/bld/.DS_Store"), "x")
        .put(format!("{build}/{LAST}"), connection)
        .put(
            format!("{build}/release/statedb/couchdb/indexes/old.json"),
            INDEX,
        )
        .put(format!("{build}/build-info.json"), info);
    let args = [&["--name", "other"], &NEW[..]].concat();
    let line = format!(
        "rebuilt   {id}: the peer will dial new:9999 without TLS, before: no usable connection.json; 7 files differ"
    );
    rebuild(&peer, &args).prints(0, &[&line]);
    let path = format!("{build}/build-info.json");
    assert_eq!(peer.get(&path), info);
    peer.put(&path, r#"{"builder_name":"ccaas_builder"}"#)
        .set_mode(&format!("{build}/bld"), 0o700);
    is_new(&peer, &id);
}

/// What connection.json holds now may be a key, and both Go builders make it readable by all.
#[test]
fn modes_stay_unless_everybody_could_read_a_key() {
    for (before, after) in [
        (0o644, 0o600),
        (0o604, 0o600),
        (0o640, 0o640),
        (0o400, 0o400),
    ] {
        let (peer, id) = installed();
        let path = |name: &str| format!("{}/{name}", build_of(&id));
        for name in ["bld/connection.json", "bld/SHA256SUMS", LAST] {
            peer.set_mode(&path(name), before);
        }
        assert_eq!(rebuild(&peer, &NEW).status, 0);
        let mode = |name| fs::metadata(peer.path(path(name))).unwrap().mode() & 0o777;
        for name in ["bld/connection.json", LAST] {
            assert_eq!(mode(name), after, "{name} {before:o}");
        }
        assert_eq!(mode("bld/SHA256SUMS"), before);
    }
    // Also where nothing else is to be changed.
    for name in ["bld/connection.json", LAST] {
        let (peer, id) = installed();
        let path = format!("{}/{name}", build_of(&id));
        peer.set_mode(&path, 0o644);
        let old = ["--config", r#"{"host":"old"}"#, "."];
        let seen = rebuild(&peer, &old);
        assert!(seen.stdout.contains("; 1 file differs\n"), "{seen:?}");
        let mode = fs::metadata(peer.path(path)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let seen = rebuild(&peer, &old);
        assert!(seen.stdout.starts_with("unchanged "), "{seen:?}");
    }
}

#[test]
fn a_build_without_a_builders_name_gets_the_given_one() {
    let (peer, id) = installed();
    let path = format!("{}/build-info.json", build_of(&id));
    fs::remove_file(peer.path(&path)).unwrap();
    let args = [&["--name", "my \"builder\""], &NEW[..]].concat();
    let seen = rebuild(&peer, &args);
    let line = format!(
        "rebuild: {id}: warning: had no build-info.json, which now names the builder \"my \"builder\"\"; restart the peer if it started meanwhile\n"
    );
    assert_eq!((seen.status, seen.stderr), (0, line));
    assert_eq!(peer.get(&path), r#"{"builder_name":"my \"builder\""}"#);
}

/// A peer finds only the builders of its config, so the usual name may be wrong.
#[test]
fn a_build_without_a_builders_name_gets_that_of_the_others() {
    let (peer, id) = installed();
    let others = ["one", "two"].map(|label| install(&peer, label, "ccaas"));
    let path = |id: &str| format!("{}/build-info.json", build_of(id));
    for (names, expected) in [
        (["ccs-builder", "ccs-builder"], "ccs-builder"),
        (["ccs-builder", "another"], "ccaas_builder"),
    ] {
        for (other, name) in others.iter().zip(names) {
            peer.put(path(other), format!(r#"{{"builder_name":"{name}"}}"#));
        }
        fs::remove_file(peer.path(path(&id))).unwrap();
        let seen = rebuild(&peer, &NEW);
        let warning = format!("now names the builder \"{expected}\"; ");
        assert!(
            seen.status == 0 && seen.stderr.contains(&warning),
            "{seen:?}"
        );
        let info = format!(r#"{{"builder_name":"{expected}"}}"#);
        assert_eq!(peer.get(&path(&id)), info);
    }
}

#[test]
fn what_build_would_refuse_changes_nothing_and_the_others_go_on() {
    let (peer, first) = installed();
    peer.put("src/connection.json", r#"{"address":"{{.other}}:1"}"#);
    let peer = peer.config(r#"{"host":"old","other":"x"}"#);
    let refused = install(&peer, "refused", "ccaas");
    peer.put("src/connection.json", MOVING.replace("9999", "7"));
    let last = install(&peer, "z", "ccaas");
    let before = peer.listing(&build_of(&refused));
    let lines = [
        format!(
            "rebuilt   {first}: the peer will dial new:9999 without TLS, before: dial old:9999 without TLS; 4 files differ"
        ),
        format!(
            r#"refused   {refused}: connection.json: address: {{{{.other}}}}: no key "other" in the config, which has "host""#
        ),
        format!(
            "rebuilt   {last}: the peer will dial new:7 without TLS, before: dial old:7 without TLS; 4 files differ"
        ),
    ];
    rebuild(&peer, &NEW).prints(1, &lines.each_ref().map(String::as_str));
    assert_eq!(peer.listing(&build_of(&refused)), before);
    // Where to give a config differs here from what the peer's log says.
    let line = format!(
        "refused   {last}: connection.json: address: {{{{.host}}}}: CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG is unset, empty or null; give it here with --config, or run this in the peer's environment"
    );
    rebuild(&peer, &[".", &last]).prints(1, &[&line]);
}

#[test]
fn only_named_packages_are_rebuilt() {
    let (peer, first) = installed();
    let second = install(&peer, "second", "ccaas");
    let foreign = install(&peer, "foreign", "golang");
    let before = peer.listing(&build_of(&first));
    let missing = format!("a:{}", Digest::of(b""));
    let args = [&NEW[..], &[&second, &missing, &foreign]].concat();
    rebuild(&peer, &args).prints(
        1,
        &[
            &format!("refused   {foreign}: its type is for another builder"),
            &format!("rebuilt   {second}: the peer will dial new:9999 without TLS, before: dial old:9999 without TLS; 4 files differ"),
            &format!("failed    {missing}: is not in lifecycle/chaincodes: correct the ID, or install the package, even if queryinstalled lists it"),
        ],
    );
    assert_eq!(peer.listing(&build_of(&first)), before);
    let seen = rebuild(&peer, &[".", "second"]);
    let line = "rebuild: second is not a package ID; write LABEL:HASH; see fabric-ccs-builder rebuild --help\n";
    assert_eq!((seen.status, seen.stderr.as_str()), (2, line));
}

#[test]
fn runs_where_only_the_peers_programs_are() {
    let (peer, id) = installed();
    peer.put_link("bin/build", program().to_str().unwrap())
        .put_link("fabric-ccs-builder", "bin/build");
    let path = peer.path("fabric-ccs-builder");
    let args = ["rebuild", "."];
    let mut command = user::command(":", &peer.path(""), &path, &args);
    command.env(CONFIG, NEW[1]);
    assert_eq!(Seen::of(&command.output().unwrap()).status, 0);
    is_new(&peer, &id);
}
