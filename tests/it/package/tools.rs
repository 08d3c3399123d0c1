//! Packages that other tools made: their ID, what a peer reads in them, and how they are refused.

use std::fs;
use std::process::Command;

use fabric_ccs_builder::testing::Digest;

use super::super::peer::{CONFIG, INDEX, PLAIN, Peer, Seen, program, skip};
use super::super::user;
use super::super::verify::packages::is_made_again;
use super::bare;

/// Ways to make `x.tgz` of the folder `../package`: the program that must be there, and a script.
const WRITERS: [(&str, &str); 12] = [
    (
        "tar",
        "code=connection.json\\ META-INF; format=gnu; level=-1",
    ),
    ("tar", "code=.; format=oldgnu; level=-9"),
    (
        "tar",
        "code=./connection.json\\ ./META-INF; format=pax; level=-6",
    ),
    (
        "tar",
        "code=META-INF\\ connection.json; format=ustar; level=-6",
    ),
    ("bsdtar", "code=.; format=pax; level=-9"),
    ("bsdtar", "code=.; format=gnutar; level=-1"),
    (
        "bsdtar",
        "code=META-INF\\ connection.json; format=ustar; level=-3",
    ),
    (
        "busybox",
        "tar -cf - -C ../package . | gzip -c > code.tar.gz && busybox tar -czf x.tgz metadata.json code.tar.gz",
    ),
    ("python3", "python3 -I write.py USTAR_FORMAT 1"),
    ("python3", "python3 -I write.py GNU_FORMAT 0"),
    ("python3", "python3 -I write.py PAX_FORMAT 9"),
    (
        "pigz",
        "tar -cf - -C ../package . | pigz -11 > code.tar.gz; tar -cf - metadata.json code.tar.gz | split -b 3000 - part; pigz -c part* > x.tgz",
    ),
];

/// Two gzip members, what tar on macOS adds, and links between equal files, which Python does not
/// make.
const WRITE_PY: &str = "import gzip, io, sys, tarfile
form, level = getattr(tarfile, sys.argv[1]), int(sys.argv[2])
def archive(add):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w', format=form) as tar:
        add(tar)
    data = data.getvalue()
    return gzip.compress(data[:700], level) + gzip.compress(data[700:], level)
def code(tar):
    for name in ['connection.json', 'META-INF']:
        apple = tarfile.TarInfo('._' + name)
        apple.pax_headers = {'LIBARCHIVE.xattr.com.apple.provenance': 'AQIA'}
        apple.size = 4
        tar.addfile(apple, io.BytesIO(b'\\0\\5\\x16\\7'))
        tar.add('../package/' + name, './' + name)
open('code.tar.gz', 'wb').write(archive(code))
def package(tar):
    tar.add('metadata.json')
    tar.add('code.tar.gz')
open('x.tgz', 'wb').write(archive(package))";

fn run(peer: &Peer, args: &[&str]) -> Seen {
    let output = Command::new(program())
        .args(args)
        .current_dir(peer.path("bld"))
        .env_remove(CONFIG)
        .output();
    Seen::of(&output.unwrap())
}

#[track_caller]
fn sh(peer: &Peer, script: &str) {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(peer.path("bld"))
        .env("LC_ALL", "C.UTF-8")
        .env_remove("TAR_OPTIONS")
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
}

/// The lines of `check` that say what is recorded and released.
fn made(seen: &Seen) -> Vec<&str> {
    let is_made = |line: &&str| line.starts_with("recorded") || line.starts_with("released");
    seen.stdout.lines().filter(is_made).collect()
}

#[test]
fn every_tools_package_is_read_as_the_tool_read_the_folder() {
    let peer = bare();
    let long = format!("package/META-INF/{}/{}/é", "y".repeat(70), "z".repeat(70));
    peer.put(long, "long")
        .put("package/META-INF/statedb/couchdb/indexes/a.json", INDEX)
        .put("package/META-INF/large", vec![7; 200_000])
        .put("bld/write.py", WRITE_PY)
        .put("bld/metadata.json", METADATA.2);
    let by_folder = run(&peer, &["check", "--verbose", "../package"]);
    assert_eq!(made(&by_folder).len(), 9, "{by_folder:?}");
    for (tool, script) in WRITERS {
        if !Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .unwrap()
            .status
            .success()
        {
            skip(tool);
            continue;
        }
        let script = if script.starts_with("code=") {
            format!(
                "{script}; {tool} --format=$format -cf - -C ../package $code | gzip $level > code.tar.gz; {tool} --format=$format -czf x.tgz metadata.json code.tar.gz"
            )
        } else if tool == "busybox" {
            format!("busybox {script}")
        } else {
            script.to_owned()
        };
        sh(&peer, &script);
        let package = fs::read(peer.path("bld/x.tgz")).unwrap();
        is_made_again(&script, "basic_1.0", &package);
        let digest = Digest::of(&package);
        let identified = run(&peer, &["package", "--id", "x.tgz"]);
        let read = "package: x.tgz: a peer reads type ccaas, connection.json and ";
        assert!(
            identified.stderr.starts_with(read),
            "{script}: {identified:?}"
        );
        assert_eq!(
            (identified.status, identified.stdout),
            (0, format!("basic_1.0:{digest}\n")),
            "{script}"
        );
        let checked = run(&peer, &["check", "--verbose", "x.tgz"]);
        assert_eq!(
            (checked.status, checked.stderr.as_str()),
            (0, ""),
            "{script}: {checked:?}"
        );
        assert_eq!(made(&checked), made(&by_folder), "{script}");
        fs::remove_file(peer.path("bld/x.tgz")).unwrap();
    }
}

type Member<'a> = (&'a str, tar::EntryType, &'a [u8]);

const FILE: tar::EntryType = tar::EntryType::Regular;
const DIR: tar::EntryType = tar::EntryType::Directory;
const METADATA: Member = (
    "metadata.json",
    FILE,
    br#"{"type":"ccaas","label":"basic_1.0"}"#,
);
const CONNECTION: Member = ("connection.json", FILE, PLAIN.as_bytes());

fn tar_of(members: &[Member]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, content) in members {
        let mut header = tar::Header::new_ustar();
        if name.len() > 100 {
            let path = [("path", name.as_bytes())];
            archive.append_pax_extensions(path).unwrap();
        } else {
            // By hand, as the crate refuses bad names.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        }
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip_of(content: &[u8]) -> Vec<u8> {
    let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut file, content).unwrap();
    file.finish().unwrap()
}

fn tgz(members: &[Member]) -> Vec<u8> {
    gzip_of(&tar_of(members))
}

/// A package whose code.tar.gz has these members.
fn with_code(members: &[Member]) -> Vec<u8> {
    tgz(&[METADATA, ("code.tar.gz", FILE, &tgz(members))])
}

/// `x.tgz` given to `package --id` and to `check`.
fn seen(package: &[u8]) -> [Seen; 2] {
    let peer = Peer::empty();
    peer.put("bld/x.tgz", package);
    let seen = [
        &["package", "--id", "x.tgz"][..],
        &["check", "--verbose", "x.tgz"],
    ]
    .map(|args| user::run_after("export TMPDIR=../release", &peer.path("bld"), args));
    peer.has_nothing_in("release");
    seen
}

/// Asserts that both refuse the package, with this line and nothing else.
#[track_caller]
fn refused(package: &[u8], line: &str) {
    let [identified, checked] = seen(package);
    let said = format!("package: x.tgz: {line}\n");
    assert_eq!(
        (
            identified.status,
            identified.stdout.as_str(),
            identified.stderr
        ),
        (1, "", said)
    );
    let said = format!("package  x.tgz\nfault    x.tgz: {line}\n");
    assert_eq!((checked.status, checked.stderr.as_str()), (1, ""));
    assert!(checked.stdout.starts_with(&said), "{checked:?}");
    let end = "\nresult   a peer would refuse this package\n";
    assert!(checked.stdout.ends_with(end), "{checked:?}");
}

#[test]
fn what_install_refuses_has_a_helpful_message() {
    let how = "make the package with tar -czf FILE metadata.json code.tar.gz in their folder, or with fabric-ccs-builder package DIR";
    let code = tgz(&[CONNECTION]);
    let code: Member = ("code.tar.gz", FILE, &code);
    for (members, line) in [
        (&[METADATA][..], format!("code.tar.gz not found: a package contains metadata.json and code.tar.gz; {how}")),
        (&[code], format!("metadata.json not found: a package contains metadata.json and code.tar.gz; {how}")),
        (&[METADATA, CONNECTION], "code.tar.gz not found: connection.json and META-INF belong in code.tar.gz; fabric-ccs-builder package makes all of it from their folder".into()),
        (&[METADATA, ("./code.tar.gz", FILE, code.2)], format!("code.tar.gz not found: to a peer, ./code.tar.gz is a different file; {how}")),
        (&[("x/metadata.json", FILE, b"{}"), ("x/code.tar.gz", FILE, b"")], format!("metadata.json not found: to a peer, x/metadata.json is a different file; {how}")),
        (&[("./", DIR, b""), METADATA, code], format!("./: is a directory, which install refuses: {how}")),
        (&[METADATA, ("code.tar.gz", tar::EntryType::Symlink, b"")], format!("code.tar.gz: is a symbolic link, which install refuses: {how}")),
        (&[("pax_global_header", tar::EntryType::XGlobalHeader, b"")], format!("pax_global_header: is a global pax header, which git archive writes, which install refuses: {how}")),
        (&[METADATA, code, METADATA], format!("metadata.json: occurs twice, and install reads the last where a builder reads the first; {how}")),
        (&[METADATA, code, code], format!("code.tar.gz: occurs twice, and install reads the last where a builder reads the first; {how}")),
        (&[("metadata.json", FILE, br#"{"type":"ccaas","label":"a b"}"#), code], r#"metadata.json: label: "a b" is refused by Fabric; begin with a letter or digit and continue with those or . + - _"#.into()),
        (&[("metadata.json", FILE, b"[]"), code], "metadata.json: is an array, not a JSON object".into()),
        (&[("metadata.json", FILE, &vec![b' '; (1 << 20) + 1]), code], "metadata.json: is larger than 1 MiB".into()),
    ] {
        let package = tgz(members);
        if line.starts_with("metadata.json: label") {
            // The label is looked at last.
            assert_eq!(seen(&package)[0].stderr, format!("package: x.tgz: {line}\n"));
        } else {
            refused(&package, &line);
        }
    }
    let good = tgz(&[METADATA, code]);
    refused(
        &tar_of(&[METADATA, code]),
        "is a tar archive without compression; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
    );
    refused(
        b"PK\x03\x04 and so on",
        "is a zip file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
    );
    refused(
        &good[..good.len() - 9],
        "the archive ends too early; copy it again",
    );
    refused(b"", "the archive ends too early; copy it again");
    refused(
        &[&good[..], b"more than ten bytes"].concat(),
        "has bytes after its end; copy it again",
    );
}

#[test]
fn what_the_peer_cannot_unpack_has_a_helpful_message() {
    let kind = "but the peer accepts only regular files and directories";
    let long = format!("a/{}/b", "x".repeat(256));
    for (members, line) in [
        (
            &[("link", tar::EntryType::Symlink, &b""[..])][..],
            format!("link: is a symbolic link, {kind}"),
        ),
        (
            &[("link", tar::EntryType::Link, b"")],
            format!("link: is a hard link, {kind}"),
        ),
        (
            &[("pipe", tar::EntryType::Fifo, b"")],
            format!("pipe: is a FIFO, {kind}"),
        ),
        (
            &[("null", tar::EntryType::Char, b"")],
            format!("null: is a device, {kind}"),
        ),
        (
            &[("disk", tar::EntryType::Block, b"")],
            format!("disk: is a device, {kind}"),
        ),
        (
            &[("holes", tar::EntryType::GNUSparse, b"")],
            format!("holes: is a sparse file, {kind}"),
        ),
        (
            &[("/etc/passwd", FILE, b"")],
            "/etc/passwd: is an absolute path; leave out the leading /".into(),
        ),
        (
            &[("a/../../b", FILE, b"")],
            "a/../../b: leads out of the folder; leave out ..".into(),
        ),
        (
            &[("..", DIR, b"")],
            "..: leads out of the folder; leave out ..".into(),
        ),
        (
            &[("a/..", FILE, b"")],
            r#""a/..": is not a file name"#.into(),
        ),
        (&[("", FILE, b"")], r#""": is not a file name"#.into()),
        (
            &[("a", FILE, b""), ("./a/b", FILE, b"")],
            "a/b: one of its folders is also a file; rename one".into(),
        ),
        (
            &[("a", FILE, b""), ("a/b/c", DIR, b"")],
            "a/b/c: one of its folders is also a file; rename one".into(),
        ),
        (
            &[("a/", DIR, b""), ("a", FILE, b"")],
            "a: is a file and also a folder; rename one".into(),
        ),
        (
            &[("a", FILE, b""), ("a", DIR, b"")],
            "a: is a file and also a folder; rename one".into(),
        ),
        (
            &[("a/b/c", FILE, b""), ("a-b", FILE, b""), ("a/b", FILE, b"")],
            "a/b: is a file and also a folder; rename one".into(),
        ),
        (
            &[(&long, FILE, b"")],
            format!("{long}: has a name of more than 255 bytes; shorten it"),
        ),
    ] {
        refused(&with_code(members), &format!("code.tar.gz: {line}"));
    }
    let inner = |code: &[u8]| tgz(&[METADATA, ("code.tar.gz", FILE, code)]);
    refused(
        &inner(b"\xfd7zXZ\0 and more"),
        "code.tar.gz: is an xz file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
    );
    refused(
        &inner(&tgz(&[CONNECTION])[..40]),
        "code.tar.gz: the archive ends too early; copy it again",
    );
}

/// Each folder as often as it occurs, and names that only begin alike.
#[test]
fn names_that_the_peer_cleans_are_fine() {
    let longest = "y".repeat(255);
    let package = with_code(&[
        ("a/", DIR, b""),
        ("./a", DIR, b""),
        ("a.b", FILE, b""),
        ("a/b", FILE, b""),
        ("a", DIR, b""),
        (&longest, FILE, b""),
        ("./", DIR, b""),
        (".//./connection.json", FILE, PLAIN.as_bytes()),
        (
            "x/../META-INF/statedb/couchdb/indexes/./a.json",
            FILE,
            INDEX.as_bytes(),
        ),
    ]);
    let [identified, checked] = seen(&package);
    let read = "package: x.tgz: a peer reads type ccaas, connection.json and 4 other files in code.tar.gz\n";
    assert_eq!((identified.status, identified.stderr.as_str()), (0, read));
    assert_eq!(
        (checked.status, checked.stderr.as_str()),
        (0, ""),
        "{checked:?}"
    );
    assert_eq!(made(&checked).len(), 7, "{checked:?}");
}

#[test]
fn says_where_a_peer_does_the_unexpected() {
    let mut code = tar_of(&[
        CONNECTION,
        ("connection.json", FILE, br#"{"address":"second:1"}"#),
    ]);
    let mut header = tar::Header::from_byte_slice(&code[..512]).clone();
    header.set_mode(0o44);
    header.set_cksum();
    code[..512].copy_from_slice(header.as_bytes());
    let package = tgz(&[
        ("README", FILE, b""),
        METADATA,
        ("code.tar.gz", FILE, &gzip_of(&code)),
    ]);
    let [_, checked] = seen(&package);
    let warning = |line: &str| format!("warning  x.tgz: {line}\n");
    let expected = [
        warning("README: is not read: only metadata.json and code.tar.gz are"),
        warning(
            "code.tar.gz: connection.json: has mode 44, so only a peer that runs as root can read it",
        ),
        warning(
            "code.tar.gz: connection.json: occurs twice: the peer writes the second over the first, and keeps what the first has beyond it",
        ),
    ];
    assert!(checked.stdout.contains(&expected.concat()), "{checked:?}");
    // The end of the first is still there.
    assert_eq!(checked.status, 1);
    let line = "fault    connection.json: is not JSON: trailing characters at line 1 column 23";
    assert!(checked.stdout.contains(line), "{checked:?}");
}

#[test]
fn names_what_package_would_make_of_it() {
    let content = [("README.md", FILE, &b"x"[..]), CONNECTION];
    let [_, checked] = seen(&with_code(&content));
    let known = super::ids::IDS[1].2;
    let line =
        format!("differs  the command package would give this content another ID, {known}\n");
    let metadata = br#"{"type":"ccaas","label":"basic_1.0"}"#;
    assert_eq!(METADATA.2, metadata);
    let left_out = "\nwarning  README.md: is ignored, because a peer reads only connection.json and META-INF\n";
    assert!(
        checked.stdout.contains(&[&line, "result "].concat()),
        "{checked:?}"
    );
    assert!(checked.stdout.contains(left_out), "{checked:?}");
    // And nothing about its own package.
    let peer = bare();
    super::packaged(&peer);
    let seen = run(&peer, &["check", "out.tar.gz"]);
    assert_eq!((seen.status, seen.stderr.as_str()), (0, ""));
    assert!(
        seen.stdout
            .starts_with(&format!("package  {known}, type ccaas: out.tar.gz\n")),
        "{seen:?}"
    );
    assert!(!seen.stdout.contains("differs"), "{seen:?}");
}

#[test]
fn a_branch_for_another_peer_is_refused_by_package_alone() {
    let connection = br#"{"address":"{{if eq .peer `p0`}}basic:9999{{else}}unused{{end}}"}"#;
    let peer = Peer::empty();
    let package = with_code(&[("connection.json", FILE, connection)]);
    peer.put("bld/x.tgz", package);
    let args = ["check", "--config", r#"{"peer":"p0"}"#, "x.tgz"];
    let seen = user::run(&peer.path("bld"), &args);
    let line = "\nwarning  connection.json: address: \"unused\" has no port, so the command package refuses this content; write for example basic.example.com:9999\n";
    assert!(seen.status == 0 && seen.stdout.contains(line), "{seen:?}");
}

#[test]
fn says_that_package_would_refuse_what_a_peer_accepts() {
    let name = format!("META-INF/{}", "x".repeat(101));
    let [_, checked] = seen(&with_code(&[CONNECTION, (&name, FILE, b"x")]));
    let line = format!(
        "\nwarning  {name}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it), so the command package refuses this content\n"
    );
    assert!(
        checked.status == 0 && checked.stdout.contains(&line),
        "{checked:?}"
    );
    assert!(!checked.stdout.contains("differs"), "{checked:?}");
}

#[test]
fn another_builders_package_has_an_id_whatever_is_in_it() {
    let metadata = (
        "metadata.json",
        FILE,
        &br#"{"type":"golang","label":"go_1"}"#[..],
    );
    let package = tgz(&[metadata, ("code.tar.gz", FILE, b"no archive")]);
    let [identified, checked] = seen(&package);
    let digest = Digest::of(&package);
    assert_eq!(identified.stdout, format!("go_1:{digest}\n"));
    assert_eq!(
        identified.stderr,
        "package: x.tgz: a peer reads type golang, for another builder\n"
    );
    assert_eq!(checked.status, 1);
    assert!(
        checked
            .stdout
            .contains("\nfault    metadata.json: type: \"golang\" is for another builder"),
        "{checked:?}"
    );
    // Nothing is said about a connection.json that it need not have.
    assert_eq!(checked.stdout.matches("fault ").count(), 1, "{checked:?}");
}

#[test]
fn a_bomb_ends_at_the_limit() {
    // 10 GiB that a header announces are not read.
    let mut header = tar::Header::new_ustar();
    header.set_path("META-INF/bomb").unwrap();
    header.set_size(10 << 30);
    header.set_mode(0o644);
    header.set_cksum();
    let start = gzip_of(header.as_bytes());
    let line =
        "code.tar.gz: META-INF/bomb: more than 5368709120 bytes in all, the most that are copied";
    refused(&tgz(&[METADATA, ("code.tar.gz", FILE, &start)]), line);
    // And of zeros after the archive only some: 64 members of 1 MiB.
    let zeros = gzip_of(&vec![0; 1 << 20]).repeat(64);
    let code = [tgz(&[CONNECTION]), zeros].concat();
    refused(
        &tgz(&[METADATA, ("code.tar.gz", FILE, &code)]),
        "code.tar.gz: more than 1 MiB after the archive's end",
    );
    let many = format!("{}a", "a/".repeat(73));
    let line = format!("code.tar.gz: {many}: directories nested more than 72 deep");
    refused(&with_code(&[(&many, FILE, b"")]), &line);
}

#[test]
fn an_already_packed_folder_is_recognised() {
    let peer = Peer::empty();
    peer.put("bld/f/metadata.json", METADATA.2)
        .put("bld/f/code.tar.gz", tgz(&[CONNECTION]));
    let line = "code.tar.gz: is already packed; give the package file that it and metadata.json are in, or the folder that it was made from, with metadata.json beside connection.json";
    for args in [&["package", "f"][..], &["package", "--id", "f"]] {
        run(&peer, args).refuses(&format!("package: {line}"));
    }
    let seen = run(&peer, &["check", "f"]);
    let line = format!("\nfault    {line}\nresult   a peer would refuse this package\n");
    assert!(seen.status == 1 && seen.stdout.ends_with(&line), "{seen:?}");
}
