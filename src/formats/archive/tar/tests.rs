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

fn read(archive: &[u8]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut reader = Reader::new(archive);
    let mut files = Vec::new();
    while let Some(mut entry) = reader.next_entry()? {
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        assert_eq!(entry.size, content.len() as u64);
        files.push((entry.path, content));
    }
    Ok(files)
}

fn refusal(archive: &[u8]) -> String {
    read(archive).unwrap_err().to_string()
}

/// The reason the writer gives for not taking this file.
fn unwritable(path: &str, size: u64, content: &[u8]) -> String {
    let mut writer = Writer::new(io::sink());
    let err = put(&mut writer, path, size, content).unwrap_err();
    format!("{err:#}")
}

/// An archive of one empty file whose header is changed and has the right checksum again.
fn forged(path: &str, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut archive = write(&[(path, b"")]);
    change(&mut archive);
    archive[148..156].fill(b' ');
    let sum: u32 = archive[..BLOCK].iter().map(|byte| u32::from(*byte)).sum();
    archive[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive
}

const SMALL: Files = &[("a", b"one"), ("b/c", b"")];
const SMALL_CONTENT: std::ops::Range<usize> = 512..515;

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
        assert!(read(&archive).unwrap().into_iter().eq(expected));
    }
    assert_eq!(write(&[]), [0; 10_240]);
    assert_eq!(read(&[0; 10_240]).unwrap(), []);
}

#[test]
fn skips_what_is_not_read() {
    let archive = write(&[("a", &[1; 700]), ("b", b"two")]);
    let mut reader = Reader::new(archive.as_slice());
    let mut entry = reader.next_entry().unwrap().unwrap();
    assert_eq!(entry.read(&mut []).unwrap(), 0);
    assert_eq!(entry.read(&mut [0; 9]).unwrap(), 9);
    assert_eq!(reader.next_entry().unwrap().unwrap().path, "b");
    assert!(reader.next_entry().unwrap().is_none());
    assert!(reader.next_entry().unwrap().is_none());
}

#[test]
fn takes_every_name_that_fits_and_no_other() {
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
            assert_eq!(read(&archive).unwrap(), [(path, b"content".to_vec())]);
        } else {
            let reason = "too long for a tar archive \
                (100 bytes, or 155 up to a slash and 100 after it)";
            assert_eq!(unwritable(&path, 0, b""), format!("{path}: {reason}"));
        }
    }
}

#[test]
fn refuses_hostile_paths_in_both_directions() {
    let component = "an empty, \".\" or \"..\" component";
    for (path, reason) in [
        ("/etc/passwd", "an absolute path"),
        ("/", "an absolute path"),
        ("..", component),
        ("../a", component),
        ("a/../b", component),
        ("a/..", component),
        (".", component),
        ("./a", component),
        ("a/./b", component),
        ("a//b", component),
        ("a/", component),
    ] {
        let reason = format!("{path}: {reason} in the name of an entry");
        assert_eq!(unwritable(path, 0, b""), reason);
        let archive = forged("x", |header| {
            header[..path.len()].copy_from_slice(path.as_bytes());
        });
        assert_eq!(refusal(&archive), reason);
    }
    let long = format!("../{}/{}", "x".repeat(100), "x".repeat(100));
    assert!(unwritable(&long, 0, b"").contains(component));
    let nul = r"a\0b: a NUL byte in the name of an entry";
    assert_eq!(unwritable("a\0b", 0, b""), nul);
    let empty = "an entry of the archive has no name";
    assert_eq!(unwritable("", 0, b""), empty);
    assert_eq!(refusal(&forged("x", |header| header[0] = 0)), empty);
}

#[test]
fn refuses_hostile_name_fields() {
    let not_utf8 = "the name of an entry is not UTF-8";
    assert_eq!(refusal(&forged("x", |header| header[0] = 0xff)), not_utf8);
    assert_eq!(refusal(&forged("x", |header| header[345] = 0xff)), not_utf8);
    let absolute = forged("x", |header| header[345..348].copy_from_slice(b"/tm"));
    let reason = "/tm/x: an absolute path in the name of an entry";
    assert_eq!(refusal(&absolute), reason);
    let full = forged("x", |header| {
        header[..100].fill(b'x');
        header[345..500].fill(b'y');
    });
    let entries = read(&full).unwrap();
    assert_eq!(
        entries[0].0,
        format!("{}/{}", "y".repeat(155), "x".repeat(100))
    );
}

#[test]
fn keeps_messages_on_one_line() {
    assert_eq!(
        unwritable("/a\nb\x1b", 0, b""),
        r"/a\nb\u{1b}: an absolute path in the name of an entry"
    );
}

#[test]
fn refuses_headers_it_would_not_write() {
    let reason = "x: not written by fabric-ccs-builder package \
        (a regular file, mode 0644, time 0, owner 0)";
    for (start, value) in [
        (1, "\0y"),
        (100, "0000755"),
        (108, "0001750"),
        (116, "0001750"),
        (124, "+0000000000"),
        (124, "00000000008"),
        (124, "        000"),
        (124, "\x7f\x7f\x7f\x7f"),
        (135, "0"),
        (136, "00000000001"),
        (156, "\0"),
        (156, "1"),
        (156, "2"),
        (156, "5"),
        (156, "L"),
        (156, "x"),
        (157, "target"),
        (257, "ustar  \0"),
        (265, "root"),
        (297, "root"),
        (329, "0000001"),
        (337, "0000001"),
        (500, "x"),
    ] {
        let archive = forged("x", |header| {
            header[start..start + value.len()].copy_from_slice(value.as_bytes());
        });
        assert_eq!(refusal(&archive), reason, "{value:?} at {start}");
    }
}

#[test]
fn refuses_another_split_of_the_same_path() {
    let archive = forged("y", |header| header[345] = b'x');
    assert!(refusal(&archive).starts_with("x/y: not written by "));
}

#[test]
fn refuses_paths_out_of_order() {
    for [first, second] in [["b", "a"], ["a", "a"], ["a/b", "a.b"]] {
        let reason = format!("{second}: not after {first} in byte order");
        let mut writer = Writer::new(Vec::new());
        put(&mut writer, first, 0, b"").unwrap();
        let err = put(&mut writer, second, 0, b"").unwrap_err();
        assert_eq!(err.to_string(), reason);

        let one = |path| write(&[(path, b"")])[..BLOCK].to_vec();
        let archive = [one(first), one(second), vec![0; 9216]].concat();
        assert_eq!(refusal(&archive), reason);
    }
}

#[test]
fn refuses_a_size_that_the_header_cannot_hold() {
    let limit = 8 * 1024 * 1024 * 1024;
    let header = header::encode("a", limit - 1).unwrap();
    assert_eq!(header[124..136], *b"77777777777\0");
    for size in [limit, u64::MAX] {
        let reason = "a: too large for a tar archive (less than 8 GiB)";
        assert_eq!(unwritable("a", size, b""), reason);
    }
}

#[test]
fn refuses_content_of_another_size() {
    for size in [0, 2, 4, 513] {
        let reason = format!("a: changed while it was read (not {size} bytes any more)");
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
    let reason = "a: changed while it was read (not 3 bytes any more)";
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
fn a_truncated_archive_is_an_error_at_every_length() {
    let archive = write(SMALL);
    for length in 0..archive.len() {
        let reason = refusal(&archive[..length]);
        assert_eq!(reason, "the archive ends too early", "{length}");
    }
}

#[test]
fn truncation_is_an_error_for_those_who_skip_the_content() {
    let archive = write(SMALL);
    for length in 0..archive.len() {
        let mut reader = Reader::new(&archive[..length]);
        let reason = loop {
            match reader.next_entry() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{length}"),
                Err(err) => break err.to_string(),
            }
        };
        assert_eq!(reason, "the archive ends too early", "{length}");
    }
}

#[test]
fn a_changed_byte_is_an_error_outside_the_content() {
    let original = write(SMALL);
    let files = read(&original).unwrap();
    for at in 0..original.len() {
        let masks: &[u8] = if at < 4 * BLOCK {
            &[1, 2, 4, 8, 16, 32, 64, 128, 255, b'5', b'x']
        } else {
            b"x"
        };
        for mask in masks {
            let mut archive = original.clone();
            archive[at] ^= mask;
            let changed = read(&archive);
            if SMALL_CONTENT.contains(&at) {
                assert_ne!(changed.unwrap(), files);
            } else {
                assert!(changed.is_err(), "{mask} at {at}");
            }
        }
    }
}

#[test]
fn says_what_is_damaged() {
    let original = write(SMALL);
    for (at, reason) in [
        (0, "damaged: a tar header has another checksum"),
        (150, "damaged: a tar header has another checksum"),
        (515, "damaged: padding of the tar archive is not zero"),
        (1023, "damaged: padding of the tar archive is not zero"),
        (2048, "damaged: a block of zeros inside the tar archive"),
        (2560, "damaged: padding of the tar archive is not zero"),
        (10_239, "damaged: padding of the tar archive is not zero"),
    ] {
        let mut archive = original.clone();
        archive[at] ^= 1;
        assert_eq!(refusal(&archive), reason, "{at}");
    }
    for more in [1, 512, 10_240] {
        let archive = [original.clone(), vec![0; more]].concat();
        assert_eq!(refusal(&archive), "data after the end of the archive");
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
