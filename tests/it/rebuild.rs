//! `rebuild`: a peer's builds, made anew from its packages with another config.

use std::fs;
use std::path::{Path, PathBuf};

use fabric_ccs_builder::testing::Digest;
use tempfile::TempDir;

use super::peer::{INDEX, Peer, Seen};
use super::user;

const LAST: &str = "release/chaincode/server/connection.json";
const INDEX_A: &str = "META-INF/statedb/couchdb/indexes/a.json";

/// A peer's file system path.
struct Production(TempDir);

impl Production {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for dir in ["lifecycle/chaincodes", "externalbuilder/builds", "packages"] {
            fs::create_dir_all(place.path().join(dir)).unwrap();
        }
        Self(place)
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Installs the package of `peer`, built with its config, and gives its ID.
    fn install(&self, peer: &Peer, label: &str) -> String {
        peer.put(
            "metadata/metadata.json",
            format!(r#"{{"type":"ccaas","label":"{label}"}}"#),
        );
        fs::copy(
            peer.path("metadata/metadata.json"),
            peer.path("src/metadata.json"),
        )
        .unwrap();
        let made = user::run(&peer.path(""), &["package", "--output", "package", "src"]);
        assert_eq!(made.status, 0, "{made:?}");
        let content = fs::read(peer.path("package")).unwrap();
        let hash = Digest::of(&content);
        let file = format!("lifecycle/chaincodes/{label}.{hash}.tar.gz");
        fs::write(self.path(file), content).unwrap();
        peer.build().succeeds(&[]);
        peer.release().succeeds(&[]);
        let build = self.path(format!("externalbuilder/builds/{label}-{hash}"));
        fs::create_dir(&build).unwrap();
        fs::write(
            build.join("build-info.json"),
            r#"{"builder_name":"ccaas_builder"}"#,
        )
        .unwrap();
        for part in ["bld", "release"] {
            fs::rename(peer.path(part), build.join(part)).unwrap();
        }
        format!("{label}:{hash}")
    }

    fn rebuild(&self, args: &[&str]) -> Seen {
        user::run(self.0.path(), &[&["rebuild"], args, &["."]].concat())
    }
}

impl Seen {
    /// Asserts what was printed to standard output, and that nothing was to standard error.
    #[track_caller]
    fn is(&self, status: i32, stdout: &str) {
        let seen = (self.status, self.stdout.as_str(), self.stderr.as_str());
        assert_eq!(seen, (status, stdout, ""));
    }
}

fn index_package(connection: &str, config: &str) -> Peer {
    let peer = Peer::with_connection(connection).config(config);
    peer.put(format!("src/{INDEX_A}"), INDEX);
    peer
}

#[test]
fn moves_a_server() {
    let production = Production::new();
    let peer = index_package(r#"{"address":"{{.host}}:9999"}"#, r#"{"host":"old"}"#);
    let id = production.install(&peer, "basic");
    let config = ["--config", r#"{"host":"new"}"#];
    let line = format!(
        "rebuilt   {id}: the peer will dial new:9999 without TLS, before: dial old:9999 without \
         TLS; 4 files differ\nresult    1 package: 0 unchanged, 1 rebuilt, 0 refused, 0 failed\n"
    );
    production.rebuild(&config).is(0, &line);
    let build = format!("externalbuilder/builds/{}", id.replace(':', "-"));
    let connection = fs::read_to_string(production.path(&build).join(LAST)).unwrap();
    assert_eq!(connection, r#"{"address":"new:9999"}"#);
    let verified = user::run(&production.path(""), &["verify", &build]);
    assert_eq!(verified.status, 0, "{verified:?}");
    let line = format!(
        "unchanged {id}: the peer will dial new:9999 without TLS\n\
         result    1 package: 1 unchanged, 0 rebuilt, 0 refused, 0 failed\n"
    );
    production.rebuild(&config).is(0, &line);
}
