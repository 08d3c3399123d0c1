//! What other people's programs make of our archives. If a program is missing, its test is
//! skipped, except in continuous integration (`CI` is set).

use super::gzip::crc32;
use super::tests::{File, gzip_of, tar_of};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const GNU_TAR: Tool = Tool("tar", "tar (GNU tar)");
const GZIP: Tool = Tool("gzip", "gzip");
const PYTHON: Tool = Tool("python3", "Python 3");

/// A program, and how the answer to `--version` begins.
struct Tool(&'static str, &'static str);

impl Tool {
    fn is_here(&self) -> bool {
        let Self(program, version) = self;
        let answer = Command::new(program).arg("--version").output();
        let here = answer.is_ok_and(|seen| seen.stdout.starts_with(version.as_bytes()));
        assert!(
            here || std::env::var_os("CI").is_none(),
            "{version} is missing"
        );
        if !here {
            eprintln!("skipped: {version} is missing");
        }
        here
    }

    fn run(&self, dir: &Path, args: &[impl AsRef<OsStr>]) -> Output {
        Command::new(self.0)
            .args(args)
            .current_dir(dir)
            .env("LC_ALL", "C")
            .env_remove("TAR_OPTIONS")
            .env_remove("GZIP")
            .output()
            .unwrap()
    }

    fn stdout(&self, dir: &Path, args: &[impl AsRef<OsStr>]) -> Vec<u8> {
        let seen = self.run(dir, args);
        let stderr = String::from_utf8_lossy(&seen.stderr);
        assert!(seen.status.success(), "{}: {stderr}", self.0);
        assert_eq!(stderr, "", "{}", self.0);
        seen.stdout
    }
}

fn put(dir: &Path, path: &str, content: &[u8]) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Contents around the sizes of a block and of a record, names around the sizes of the fields.
fn files() -> Vec<File> {
    let x = |length| "x".repeat(length);
    let mut files = vec![
        (
            "META-INF/statedb/couchdb/indexes/owner.json".into(),
            b"{}".to_vec(),
        ),
        ("a b\n\\c".into(), Vec::new()),
        ("a.b".into(), vec![1; 511]),
        ("a/b".into(), vec![2; 512]),
        ("\u{e9}t\u{e9}/\u{1f40b}".into(), vec![3; 513]),
        (x(99), vec![4; 8703]),
        (x(100), vec![5; 8704]),
        (format!("{}/{}", x(54), x(100)), vec![6; 8705]),
        (format!("{}/{}", x(154), x(100)), vec![7; 65_536]),
        (format!("{}/{}", x(155), x(100)), vec![8; 131_070]),
        (format!("d/{}/{}/{}", x(40), x(40), x(40)), vec![9; 1]),
        (format!("d/{}/{}", x(153), x(1)), vec![10; 1]),
    ];
    files.sort();
    files
}

/// GNU tar's archive of these files, or `None` if a name is too long for it.
fn gnu_tar_of(dir: &Path, files: &[File]) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for (path, content) in files {
        put(dir, &format!("in/{path}"), content);
        list.extend([path.as_bytes(), b"\0"].concat());
    }
    put(dir, "list", &list);
    let seen = GNU_TAR.run(
        dir,
        &[
            "--create",
            "--file=-",
            "--format=ustar",
            "--sort=name",
            "--mtime=@0",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mode=0644",
            "--directory=in",
            "--null",
            "--verbatim-files-from",
            "--files-from=list",
        ],
    );
    let stderr = String::from_utf8_lossy(&seen.stderr);
    let too_long = stderr.contains("file name is too long");
    assert_eq!(seen.status.success(), !too_long, "{stderr}");
    (!too_long).then_some(seen.stdout)
}

#[test]
fn gnu_tar_writes_the_same_bytes() {
    if !GNU_TAR.is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let files = files();
    for files in files.iter().map(std::slice::from_ref).chain([&*files]) {
        let same = tar_of(files).ok() == gnu_tar_of(dir.path(), files);
        assert!(
            same,
            "{:?}",
            files.iter().map(|file| &file.0).collect::<Vec<_>>()
        );
    }
}

#[test]
fn gnu_tar_refuses_the_same_names() {
    if !GNU_TAR.is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut refused = 0;
    for prefix in [1, 54, 55, 154, 155, 156, 200] {
        for name in [1, 99, 100, 101, 155, 255] {
            let file = (
                format!("{}/{}", "p".repeat(prefix), "n".repeat(name)),
                Vec::new(),
            );
            let ours = tar_of(std::slice::from_ref(&file)).ok();
            refused += i32::from(ours.is_none());
            let same = ours == gnu_tar_of(dir.path(), &[file]);
            assert!(same, "{prefix}/{name}");
        }
    }
    // Three names of six with each prefix that fits, all six with the other two of seven.
    assert_eq!(refused, 3 * 5 + 6 * 2);
}

#[test]
fn gnu_tar_lists_and_unpacks_it() {
    if !GNU_TAR.is_here() || !GZIP.is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let files = files();
    put(
        dir.path(),
        "ours.tar.gz",
        &gzip_of(&tar_of(&files).unwrap()),
    );
    let listed = GNU_TAR.stdout(
        dir.path(),
        &["--quoting-style=literal", "-tf", "ours.tar.gz"],
    );
    let names = files.iter().flat_map(|(path, _)| [path, "\n"]);
    assert_eq!(
        String::from_utf8(listed).unwrap(),
        names.collect::<String>()
    );
    GNU_TAR.stdout(dir.path(), &["-xf", "ours.tar.gz"]);
    for (path, content) in files {
        assert!(
            fs::read(dir.path().join(&path)).unwrap() == content,
            "{path}"
        );
    }
}

#[test]
fn gzip_tests_and_unpacks_it() {
    if !GZIP.is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for length in [0, 1, 65_534, 65_535, 65_536, 131_070, 1 << 20] {
        let content: Vec<u8> = (0..=250).cycle().take(length).collect();
        put(dir.path(), "ours.gz", &gzip_of(&content));
        assert_eq!(GZIP.stdout(dir.path(), &["-t", "ours.gz"]), b"");
        assert!(
            GZIP.stdout(dir.path(), &["-dc", "ours.gz"]) == content,
            "{length}"
        );
    }
}

#[test]
fn python_reads_the_same_files() {
    if !PYTHON.is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let files = files();
    put(
        dir.path(),
        "ours.tar.gz",
        &gzip_of(&tar_of(&files).unwrap()),
    );
    let script = "import sys, tarfile, zlib
archive = tarfile.open('ours.tar.gz', 'r:gz', encoding='utf-8')
for m in archive:
    crc = zlib.crc32(archive.extractfile(m).read())
    seen = m.name, m.isreg(), oct(m.mode), m.size, crc, m.mtime, m.uid, m.gid, m.uname, m.gname
    sys.stdout.buffer.write((' '.join(map(str, seen)) + '\\n').encode())";
    let seen = PYTHON.stdout(dir.path(), &["-I", "-c", script]);
    let mut expected = String::new();
    for (path, content) in &files {
        let (size, crc) = (content.len(), crc32(0, content));
        writeln!(expected, "{path} True 0o644 {size} {crc} 0 0 0  ").unwrap();
    }
    assert_eq!(String::from_utf8(seen).unwrap(), expected);
}
