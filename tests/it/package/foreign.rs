//! How other programs handle a package. If one is missing, its test is skipped, except in
//! continuous integration.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::super::peer::{Peer, skip};
use super::{ids, package, packaged};

/// Runs a program in `dir`. Returns `None` if it is missing, or is a different program of the same
/// name.
fn run(name: &str, version: &str, dir: &Path, args: &[&str]) -> Option<Output> {
    let answer = Command::new(name).arg("--version").output();
    if !answer.is_ok_and(|output| output.stdout.starts_with(version.as_bytes())) {
        skip(version);
        return None;
    }
    let output = Command::new(name)
        .args(args)
        .current_dir(dir)
        .env("LC_ALL", "C")
        .env_remove("TAR_OPTIONS")
        .env_remove("GZIP")
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} {args:?}: {output:?}");
    assert_eq!(output.stderr, b"", "{name} {args:?}: {output:?}");
    Some(output)
}

fn tar(dir: &Path, args: &[&str]) -> Option<String> {
    let output = run("tar", "tar (GNU tar)", dir, args)?;
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The package in `bld`, unpacked there.
fn unpacked(peer: &Peer) -> Option<()> {
    packaged(peer);
    let bld = peer.path("bld");
    tar(&bld, &["-xf", "out.tar.gz"])?;
    Some(())
}

#[test]
fn tar_lists_it() {
    for (folder, tree) in [
        (
            ids::sample(),
            "META-INF/statedb/couchdb/collections/assetPrivateDetails/indexes/indexAppraisedValue.json\nMETA-INF/statedb/couchdb/indexes/indexOwner.json\nconnection.json\n",
        ),
        (
            ids::cc_service(),
            "connection.json\nmetadata/LICENSE\nmetadata/statedb/couchdb/indexes/a.json\n",
        ),
    ] {
        packaged(&folder);
        let bld = folder.path("bld");
        let Some(outer) = tar(&bld, &["tf", "out.tar.gz"]) else {
            return;
        };
        assert_eq!(outer, "code.tar.gz\nmetadata.json\n");
        tar(&bld, &["xf", "out.tar.gz"]);
        assert_eq!(tar(&bld, &["tf", "code.tar.gz"]).unwrap(), tree);
    }
}

#[test]
fn gzip_accepts_it() {
    let peer = ids::binary();
    if unpacked(&peer).is_some() {
        for file in ["out.tar.gz", "code.tar.gz"] {
            run("gzip", "gzip", &peer.path("bld"), &["-t", file]);
        }
    }
}

#[test]
fn gnu_tar_makes_the_same_code_archive() {
    for folder in [
        ids::sample(),
        ids::binary(),
        ids::names(),
        ids::cc_service(),
    ] {
        if unpacked(&folder).is_none() {
            return;
        }
        let bld = folder.path("bld");
        let script = "gzip -dc code.tar.gz > ours.tar
            cd ../package && find . -type f ! -path ./metadata.json | sed 's,^\\./,,' | LC_ALL=C sort > ../bld/list
            tar --create --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 \
                --verbatim-files-from --no-unquote --files-from=../bld/list > ../bld/theirs.tar";
        run("sh", "", &bld, &["-ec", script]);
        let (ours, theirs) = (
            fs::read(bld.join("ours.tar")),
            fs::read(bld.join("theirs.tar")),
        );
        assert!(ours.unwrap() == theirs.unwrap());
    }
}

#[test]
fn python_reads_it() {
    let script = "import io, tarfile
with tarfile.open('out.tar.gz', encoding='utf-8') as package:
    code, metadata = package.getmembers()
    inner = tarfile.open(fileobj=io.BytesIO(package.extractfile(code).read()), encoding='utf-8')
    for m in [code, metadata, *inner]:
        print(m.name, m.isreg(), oct(m.mode), m.size, m.mtime, m.uid, m.gid, repr(m.uname), repr(m.gname))";
    let peer = ids::cc_service();
    packaged(&peer);
    if let Some(seen) = run(
        "python3",
        "Python 3",
        &peer.path("bld"),
        &["-I", "-c", script],
    ) {
        assert_eq!(
            String::from_utf8(seen.stdout).unwrap(),
            "code.tar.gz True 0o644 10263 0 0 0 '' ''
metadata.json True 0o644 36 0 0 0 '' ''
connection.json True 0o644 78 0 0 0 '' ''
metadata/LICENSE True 0o644 4 0 0 0 '' ''
metadata/statedb/couchdb/indexes/a.json True 0o644 97 0 0 0 '' ''
"
        );
    }
}

#[test]
fn python_makes_the_same_package() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/package/reference.py");
    let script = script.to_str().unwrap();
    for (name, folder, id) in ids::IDS {
        let peer = folder();
        let package = peer.path("package");
        let args = ["-I", script, package.to_str().unwrap()];
        let Some(seen) = run("python3", "Python 3", &peer.path("bld"), &args) else {
            return;
        };
        let digest = String::from_utf8(seen.stdout).unwrap();
        let (_, known) = id.split_once(':').unwrap();
        assert_eq!(digest.trim_end(), known, "{name}");
    }
}

#[test]
fn the_peers_programs_accept_it() {
    for folder in [
        ids::sample(),
        ids::binary(),
        ids::names(),
        ids::cc_service(),
    ] {
        if unpacked(&folder).is_none() {
            return;
        }
        let peer = Peer::empty();
        let path = |name: &str| peer.path(name).to_str().unwrap().to_owned();
        let bld = folder.path("bld");
        tar(&bld, &["-xf", "code.tar.gz", "-C", &path("src")]);
        fs::copy(bld.join("metadata.json"), path("metadata/metadata.json")).unwrap();
        assert_eq!(peer.detect().status, 0);
        assert_eq!(peer.build().status, 0);
        assert_eq!(peer.release().status, 0);
        // And nothing is lost on the way.
        let again = peer.path("again");
        fs::rename(peer.path("src"), &again).unwrap();
        fs::copy(bld.join("metadata.json"), again.join("metadata.json")).unwrap();
        assert_eq!(peer.listing("again").len(), folder.listing("package").len());
        let seen = package(&folder, &["--id"]);
        let again = super::user::run(&again, &["package", "--id", "."]);
        assert_eq!(again, seen);
    }
}
