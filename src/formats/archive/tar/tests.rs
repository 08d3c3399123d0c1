use super::super::untar;
use super::*;

type Files<'a> = &'a [(&'a str, &'a [u8])];

fn put<W: Write>(writer: &mut Writer<W>, path: &str, size: u64, content: &[u8]) -> Result<()> {
    writer.file(path, size, |out| Ok(out.write_all(content)?))
}

fn write(files: Files) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for &(path, content) in files {
        put(&mut writer, path, content.len() as u64, content).unwrap();
    }
    writer.finish().unwrap()
}

fn read(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    super::super::tests::members(untar::Reader::new(archive)).unwrap()
}

/// The reason that the writer gives for refusing this file.
fn unwritable(path: &str, size: u64, content: &[u8]) -> String {
    let mut writer = Writer::new(io::sink());
    let err = put(&mut writer, path, size, content).unwrap_err();
    format!("{err:#}")
}

const SMALL: Files = &[("a", b"one"), ("b/c", b"")];

#[test]
fn reads_what_it_wrote() {
    let sizes = [0, 1, 511, 512, 513, 8703, 8704, 8705, 100_000];
    for content in sizes.map(|size| vec![b'x'; size]) {
        let files: Files = &[("META-INF/a", &content), ("b", b""), ("b/c", &content)];
        let archive = write(files);
        assert_eq!(archive.len() % 10_240, 0);
        let expected = files
            .iter()
            .map(|(path, content)| ((*path).into(), content.to_vec()));
        assert!(read(&archive).into_iter().eq(expected));
    }
    assert_eq!(write(&[]), [0; 10_240]);
    assert_eq!(read(&[0; 10_240]), []);
}

#[test]
fn accepts_every_name_that_fits_and_no_other() {
    let x = |length| "x".repeat(length);
    let e_acute = |length: usize| "\u{e9}".repeat(length / 2);
    for (path, fits) in [
        (x(99), true),
        (x(100), true),
        (x(101), false),
        (x(155), false),
        (format!("{}/{}", x(1), x(100)), true),
        (format!("{}/{}", x(54), x(100)), true),
        (format!("{}/{}", x(54), x(101)), false),
        (format!("{}/{}", x(155), x(1)), true),
        (format!("{}/{}", x(156), x(1)), false),
        (format!("{}/{}", x(154), x(100)), true),
        (format!("{}/{}", x(155), x(100)), true),
        (format!("{}/{}", x(156), x(99)), false),
        (format!("{}/{}/{}", x(100), x(54), x(100)), true),
        (format!("{}/{}/{}", x(100), x(55), x(1)), true),
        (format!("{}/{}", e_acute(154), e_acute(100)), true),
        (format!("{}/{}", e_acute(156), e_acute(100)), false),
        (format!("{}/{}", e_acute(154), e_acute(102)), false),
    ] {
        if fits {
            let archive = write(&[(&path, b"content")]);
            assert_eq!(read(&archive), [(path, b"content".to_vec())]);
        } else {
            let reason = "too long for a tar archive \
                (100 bytes, or 155 up to a slash and 100 after it)";
            assert_eq!(unwritable(&path, 0, b""), format!("{path}: {reason}"));
        }
    }
}

#[test]
fn refuses_hostile_paths() {
    for path in [
        "",
        "/etc/passwd",
        "/",
        "..",
        "../a",
        "a/../b",
        "a/..",
        ".",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "a\0b",
        &format!("../{}/{}", "x".repeat(100), "x".repeat(100)),
    ] {
        let reason = format!("{path}: cannot be the path of a file in an archive");
        assert_eq!(unwritable(path, 0, b""), reason);
    }
}

#[test]
fn refuses_paths_out_of_order() {
    for [first, second] in [["b", "a"], ["a", "a"], ["a/b", "a.b"]] {
        let reason = format!("{second}: not after {first} in byte order");
        let mut writer = Writer::new(Vec::new());
        put(&mut writer, first, 0, b"").unwrap();
        let err = put(&mut writer, second, 0, b"").unwrap_err();
        assert_eq!(err.to_string(), reason);
    }
}

#[test]
fn refuses_a_size_that_the_header_cannot_hold() {
    let limit = 8 * 1024 * 1024 * 1024;
    let header = encode("a", limit - 1).unwrap();
    assert_eq!(header[124..136], *b"77777777777\0");
    for size in [limit, u64::MAX] {
        let reason = "a: too large for a tar archive (less than 8 GiB)";
        assert_eq!(unwritable("a", size, b""), reason);
    }
}

#[test]
fn refuses_content_of_another_size() {
    for size in [0, 2, 4, 513] {
        let reason = format!("a: changed while it was read (no longer {size} bytes)");
        assert_eq!(unwritable("a", size, b"one"), reason);
    }
}

#[test]
fn takes_content_that_is_written() {
    let mut writer = Writer::new(Vec::new());
    for (path, content) in SMALL {
        let size = content.len() as u64;
        let write =
            |out: &mut dyn Write| Ok(content.chunks(2).try_for_each(|c| out.write_all(c))?);
        writer.file(path, size, write).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), write(SMALL));
}

#[test]
fn what_fails_to_write_content_says_why() {
    let fail = |_: &mut dyn Write| failed("cannot think of any");
    let err = Writer::new(io::sink()).file("a", 3, fail).unwrap_err();
    assert_eq!(err.to_string(), "cannot think of any");
    // An error that is not passed on does not hide that there is too much.
    let much = |out: &mut dyn Write| {
        let _ = out.write_all(b"four");
        let _ = out.write_all(b"4");
        Ok(())
    };
    let err = Writer::new(io::sink()).file("a", 3, much).unwrap_err();
    let reason = "a: changed while it was read (no longer 3 bytes)";
    assert_eq!(err.to_string(), reason);
}

#[test]
fn the_length_is_known_beforehand() {
    for count in 0..20 {
        for size in [0, 1, 511, 512, 513] {
            let files: Vec<(String, Vec<u8>)> = (10..10 + count)
                .map(|number| (number.to_string(), vec![b'x'; size]))
                .collect();
            let files: Vec<(&str, &[u8])> = files.iter().map(|(p, c)| (&**p, &**c)).collect();
            let lengths = files
                .iter()
                .map(|(path, content)| length_of_file(path, content.len() as u64).unwrap());
            assert_eq!(
                length(lengths.sum()),
                write(&files).len() as u64,
                "{count} {size}"
            );
        }
    }
    assert_eq!(
        length_of_file("a//b", 0).unwrap_err().to_string(),
        unwritable("a//b", 0, b"")
    );
}

#[test]
fn a_full_disk_is_an_error_at_every_length() {
    let mut disk = write(SMALL);
    for space in 0..disk.len() {
        let mut writer = Writer::new(&mut disk[..space]);
        let written = SMALL
            .iter()
            .try_for_each(|(path, content)| put(&mut writer, path, content.len() as u64, content));
        let finished = written.and_then(|()| writer.finish().map(drop));
        assert!(finished.is_err(), "{space}");
    }
}

#[test]
fn flushes_at_the_end() {
    let writer = Writer::new(io::BufWriter::with_capacity(20_000, Vec::new()));
    assert_eq!(writer.finish().unwrap().buffer(), b"");
}

/// The archive of a file that contains "hello", as GNU tar 1.34 wrote it with the options that
/// the documentation of the module names.
fn gnu_tar(prefix: &str, name: &str, checksum: &str) -> Vec<u8> {
    let mut archive = vec![0; 10_240];
    for (at, bytes) in [
        (0, name),
        (
            100,
            "0000644\x000000000\x000000000\x0000000000005\x0000000000000",
        ),
        (148, checksum),
        (155, " 0"),
        (257, "ustar\x0000"),
        (329, "0000000\x000000000"),
        (345, prefix),
        (512, "hello"),
    ] {
        archive[at..at + bytes.len()].copy_from_slice(bytes.as_bytes());
    }
    archive
}

#[test]
fn writes_these_bytes() {
    let [x, y, z] = ["x", "y", "z"].map(|letter| letter.repeat(40));
    let full = format!("p/{}", "n".repeat(98));
    for (path, expected) in [
        ("d/a", gnu_tar("", "d/a", "007566")),
        (&full, gnu_tar("", &full, "034475")),
        (
            &format!("d/{x}/{y}/{z}"),
            gnu_tar(&format!("d/{x}/{y}"), &z, "043774"),
        ),
    ] {
        assert!(write(&[(path, b"hello")]) == expected, "{path}");
    }
}

#[test]
fn messages_show_names_as_they_are() {
    let long = format!("it's \"{}\"", "x".repeat(100));
    assert!(unwritable(&long, 0, b"").starts_with(&format!("{long}: too long ")));
    let line = "it's: changed while it was read (no longer 1 bytes)";
    assert_eq!(unwritable("it's", 1, b""), line);
    assert_eq!(unwritable("it's/", 0, b"").split(':').next(), Some("it's/"));
    let mut writer = Writer::new(io::sink());
    put(&mut writer, "it's", 0, b"").unwrap();
    let error = put(&mut writer, "a's", 0, b"").unwrap_err().to_string();
    assert_eq!(error, "a's: not after it's in byte order");
}
