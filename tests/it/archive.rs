//! The archives of a package, read as the crates `flate2` and `tar` read them; and what is refused,
//! with its line.

use std::io::{self, Read, Write};

use fabric_ccs_builder::testing::untar::{Header, Kind};
use fabric_ccs_builder::testing::{gunzip, untar};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc, GzBuilder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::properties::cases;

fn all(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    from.read_to_end(&mut content)?;
    Ok(content)
}

fn gunzipped(file: &[u8]) -> Result<Vec<u8>, String> {
    all(gunzip::Reader::new(file)).map_err(|error| error.to_string())
}

fn gzipped(content: &[u8], level: u32) -> Vec<u8> {
    let mut file = GzEncoder::new(Vec::new(), Compression::new(level));
    file.write_all(content).unwrap();
    file.finish().unwrap()
}

fn deflated(content: &[u8], level: u32) -> Vec<u8> {
    let mut data = DeflateEncoder::new(Vec::new(), Compression::new(level));
    data.write_all(content).unwrap();
    data.finish().unwrap()
}

/// A gzip file of this compressed data, which claims to have this content.
fn wrapped(data: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(content);
    let (sum, amount) = (crc.sum().to_le_bytes(), crc.amount().to_le_bytes());
    let header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff";
    [header, data, &sum, &amount].concat()
}

/// Content that compresses well or badly.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        vec(any::<u8>(), 0..300),
        vec(select(b"{\"index\":}".to_vec()), 0..3000),
        (any::<u8>(), 0..70_000_usize).prop_map(|(byte, count)| vec![byte; count]),
        (vec(any::<u8>(), 1..20), 0..3000_usize).prop_map(|(bytes, times)| bytes.repeat(times)),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// `bytes` with some of them changed, and perhaps cut.
fn damaged(mut bytes: Vec<u8>, changes: &[(Index, u8)], cut: Option<Index>) -> Vec<u8> {
    for (place, mask) in changes {
        let place = place.index(bytes.len());
        bytes[place] ^= mask;
    }
    if let Some(cut) = cut {
        bytes.truncate(cut.index(bytes.len()));
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(Index, u8)>> {
    vec((any::<Index>(), any::<u8>()), 0..4)
}

type Member = (Header, Vec<u8>);

fn members(archive: &[u8]) -> Result<Vec<Member>, String> {
    let mut reader = untar::Reader::new(archive);
    let mut members = Vec::new();
    while let Some(header) = reader.next_member().map_err(|error| error.to_string())? {
        members.push((header, all(&mut reader).map_err(|error| error.to_string())?));
    }
    Ok(members)
}

/// A member's name, whether it is a regular file, and the content.
type Plain = (Vec<u8>, bool, Vec<u8>);

/// The same by the crate `tar`.
fn members_by_tar(archive: &[u8]) -> io::Result<Vec<Plain>> {
    let mut archive = tar::Archive::new(archive);
    let read = |entry: io::Result<tar::Entry<&[u8]>>| {
        let mut entry = entry?;
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        let name = entry.path_bytes().into_owned();
        Ok((name, is_file, all(&mut entry)?))
    };
    archive.entries()?.map(read).collect()
}

/// A member's header and content, of any kind and name.
fn member(name: &[u8], kind: u8, content: &[u8]) -> Vec<u8> {
    changed(name, kind, content, |_| ())
}

/// The same with a change to the header, before its checksum is made.
fn changed(name: &[u8], kind: u8, content: &[u8], change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.as_mut_bytes()[156] = kind;
    change(header.as_mut_bytes());
    header.set_cksum();
    let mut member = [header.as_bytes(), content].concat();
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

fn pax(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..999).find(|length: &usize| length.to_string().len() + rest.len() == *length);
    format!("{}{rest}", length.unwrap())
}

const END: [u8; 1024] = [0; 1024];

/// An archive of a member, after others that describe it.
fn extended(extensions: &[Vec<u8>], name: &[u8]) -> Vec<u8> {
    let member = member(name, b'0', b"content");
    [&extensions.concat(), &member[..], &END].concat()
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_flate2_writes_is_read(content in content(), level in 0..=9_u32, more in vec(any::<u8>(), 0..9), name in "[a-zé]{0,8}", size in 1..9000_usize) {
        let mut file = GzBuilder::new().filename(name.as_bytes()).comment(name.as_bytes()).extra(more.as_slice()).mtime(5).write(Vec::new(), Compression::new(level));
        file.write_all(&content).unwrap();
        let two = [file.finish().unwrap(), gzipped(&more, level)].concat();
        let expected = [content, more].concat();
        prop_assert!(gunzipped(&two) == Ok(expected.clone()));
        // The sizes of reads and of pieces of the file do not matter.
        let mut reader = gunzip::Reader::new(io::BufReader::with_capacity(size.min(300), two.as_slice()));
        let (mut seen, mut piece) = (Vec::new(), vec![0; size]);
        while let count @ 1.. = reader.read(&mut piece).unwrap() {
            seen.extend_from_slice(&piece[..count]);
        }
        prop_assert!(seen == expected);
        prop_assert_eq!(reader.read(&mut piece).unwrap(), 0);
    }

    #[test]
    fn a_damaged_gzip_file_is_refused_or_read_as_flate2_reads_it(content in vec(any::<u8>(), 0..300), level in 0..=9_u32, changes in changes(), cut in proptest::option::of(any::<Index>())) {
        let mut file = damaged(gzipped(&content, level), &changes, cut);
        // Go ignores the reserved flags, flate2 does not.
        file.iter_mut().skip(3).take(1).for_each(|flags| *flags &= 0x1f);
        if let Ok(read) = gunzipped(&file) {
            prop_assert_eq!(Some(read), all(MultiGzDecoder::new(file.as_slice())).ok());
        }
    }
}

proptest! {
    #![proptest_config(cases(4096))]

    #[test]
    fn damaged_data_are_read_as_flate2_reads_them(content in vec(select(b"aaabcdefg\0\xff".to_vec()), 0..200), level in 0..=9_u32, changes in changes(), cut in proptest::option::of(any::<Index>())) {
        let data = damaged(deflated(&content, level), &changes, cut);
        let mut decoder = DeflateDecoder::new(data.as_slice());
        let mut read = Vec::new();
        match decoder.read_to_end(&mut read) {
            Ok(_) => {
                let used = usize::try_from(decoder.total_in()).unwrap();
                let ours = gunzipped(&wrapped(&data[..used], &read));
                // Here flate2 returns zeros, but Go an error.
                let is_before = ours.as_ref().is_err_and(|line| line.contains("a distance leads back beyond the beginning"));
                prop_assert!(is_before || ours == Ok(read));
            }
            Err(_) => prop_assert!(gunzipped(&wrapped(&data, &read)).is_err()),
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = gunzipped(&[b"\x1f\x8b\x08\0\0\0\0\0\0\xff", bytes.as_slice()].concat());
        let _ = members(&bytes);
    }

    #[test]
    fn what_tar_writes_is_read(files in vec(("[a-zé]{1,60}(/[a-z]{1,90}){0,3}", vec(any::<u8>(), 0..600)), 0..5), is_gnu in any::<bool>()) {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, content) in &files {
            let mut header = if is_gnu { tar::Header::new_gnu() } else { tar::Header::new_ustar() };
            header.set_size(content.len() as u64);
            header.set_mode(0o640);
            if is_gnu {
                archive.append_data(&mut header, name, content.as_slice()).unwrap();
            } else {
                archive.append_pax_extensions([("path", name.as_bytes()), ("mtime", b"1.5".as_slice())]).unwrap();
                header.set_cksum();
                archive.append(&header, content.as_slice()).unwrap();
            }
        }
        let read: Vec<_> = members(&archive.into_inner().unwrap()).unwrap();
        let expected = files.into_iter().map(|(name, content)| (Header { name, kind: Kind::File, size: content.len() as u64, mode: 0o640 }, content));
        prop_assert_eq!(read, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_damaged_archive_is_refused_or_read_as_tar_reads_it(kinds in vec(select(b"\x000125xL7".to_vec()), 1..4), changes in vec((0..2048_usize, any::<u8>()), 0..4), cut in proptest::option::of(0..4096_usize)) {
        let parts = kinds.iter().map(|kind| match kind {
            b'x' => member(b"x", *kind, format!("{}{}", pax("path", "long"), pax("size", "3")).as_bytes()),
            b'L' => member(b"L", *kind, b"name\0"),
            _ => member(b"a/b", *kind, b"content"),
        });
        let mut archive = parts.collect::<Vec<_>>().concat();
        archive.extend(member(b"last", b'0', b"content"));
        archive.extend(END);
        // The crate goes by the magic where Go goes by the type.
        for (place, mask) in changes.iter().filter(|(place, _)| !(257..265).contains(&(place % 1024))) {
            if let Some(byte) = archive.get_mut(*place) {
                *byte ^= mask;
            }
        }
        // Each header has the right checksum again.
        for start in (0..archive.len() - END.len()).step_by(1024) {
            archive[start + 148..start + 156].fill(b' ');
            let sum: u32 = archive[start..start + 512].iter().map(|byte| u32::from(*byte)).sum();
            archive[start + 148..start + 156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
        archive.truncate(cut.unwrap_or(archive.len()));
        if let (Ok(read), Ok(mut expected)) = (members(&archive), members_by_tar(&archive)) {
            // In Go a name ends at the first null byte, even a long one.
            for (name, ..) in &mut expected {
                name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
            }
            let read: Vec<_> = read.into_iter().map(|(header, content)| (header.name.into_bytes(), header.kind == Kind::File, content)).collect();
            prop_assert_eq!(read, expected);
        }
    }
}

#[test]
fn every_format_of_tar_is_read() {
    let long = format!("{}/{}", "p".repeat(60), "n".repeat(60));
    let x = |records: &str| member(b"PaxHeaders/x", b'x', records.as_bytes());
    let l = |name: &str| member(b"././@LongLink", b'L', format!("{name}\0").as_bytes());
    let prefix = |magic: &[u8], version: &[u8]| {
        let parts = changed(b"name", b'0', b"content", |header| {
            header[257..263].copy_from_slice(magic);
            header[263..265].copy_from_slice(version);
            header[345..351].copy_from_slice(b"prefix");
        });
        [&parts[..], &END].concat()
    };
    // Without a prefix in Go's sense, GNU's has times there.
    let gnu = |times: &[u8]| {
        let parts = changed(b"name", b'0', b"content", |header| {
            header[257..265].copy_from_slice(b"ustar  \0");
            header[345..345 + times.len()].copy_from_slice(times);
        });
        [&parts[..], &END].concat()
    };
    let star = |prefix: &[u8], time: &[u8]| {
        let parts = changed(b"name", b'0', b"content", |header| {
            header[257..265].copy_from_slice(b"ustar\x0000");
            header[345..345 + prefix.len()].copy_from_slice(prefix);
            header[476..476 + time.len()].copy_from_slice(time);
            header[508..512].copy_from_slice(b"tar\0");
        });
        [&parts[..], &END].concat()
    };
    let star_name = format!("{}/name", "p".repeat(131));
    assert!(members(&star(b"prefix", b"zzzz")).is_err());
    for (archive, name) in [
        (extended(&[], b"./name"), "./name"),
        (prefix(b"ustar\0", b"00"), "prefix/name"),
        (prefix(b"ustar ", b" \0"), "prefix/name"),
        (gnu(b"00000000000\x0000000000000\0prefix"), "name"),
        (gnu(b"\0\0\0\0\0\0\0\0\0\0\0\0prefix"), "name"),
        (gnu(b"00000000000\0prefix"), "00000000000/name"),
        (gnu(b"pr\xc3\xa9fix"), "name"),
        (gnu(b"7\0\xff"), "name"),
        (gnu(b"\xff"), "name"),
        (star(&[b'p'; 131], b"00000000000\0"), star_name.as_str()),
        (star(b"prefix", b"\0"), "prefix/name"),
        (prefix(b"\0\0\0\0\0\0", b"\0\0"), "name"),
        (extended(&[l(&long)], b"name"), long.as_str()),
        (extended(&[x(&pax("path", &long))], b"name"), &long),
        // The last pax header counts, but GNU's name always wins.
        (
            extended(&[x(&pax("path", "a")), x(&pax("path", "b"))], b"name"),
            "b",
        ),
        (extended(&[x(&pax("path", "a")), x("")], b"name"), "name"),
        (
            extended(&[l("gnu"), x(&pax("path", "pax"))], b"name"),
            "gnu",
        ),
        (
            extended(&[x(&(pax("path", "a") + &pax("path", "")))], b"name"),
            "name",
        ),
        // As BSD tar writes it for macOS attributes.
        (
            extended(
                &[x(&pax("LIBARCHIVE.xattr.com.apple.provenance", "AQIA"))],
                b"._name",
            ),
            "._name",
        ),
    ] {
        let [(header, content)] = members(&archive).unwrap().try_into().unwrap();
        assert_eq!(
            (header.name.as_str(), header.kind, &content[..]),
            (name, Kind::File, &b"content"[..])
        );
    }
    // A size in base 256, the end of the archive without blocks of zeros, and of the file without
    // padding.
    let base_256 = changed(b"name", b'0', b"content", |header| {
        header[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x07");
    });
    for archive in [
        &base_256[..],
        &base_256[..519],
        &[&base_256[..], &END[..512]].concat(),
    ] {
        assert_eq!(members(archive).unwrap()[0].1, b"content");
    }
    // Old directories, and what has no content whatever its size.
    let archive = [
        member(b"old/", 0, b""),
        member(b"dir", b'5', &[0; 512]),
        member(b"a", 0, b""),
    ]
    .concat();
    let kinds = |archive: &[u8]| {
        members(archive)
            .unwrap()
            .into_iter()
            .map(|(header, _)| header.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&archive[..1024]), [Kind::Dir, Kind::Dir]);
    assert_eq!(kinds(&archive[1536..]), [Kind::File]);
    // What follows the end does not matter.
    let more = [&extended(&[], b"name")[..], b"more"].concat();
    assert_eq!(members(&more).unwrap().len(), 1);
}

#[test]
fn bad_gzip_has_its_message() {
    let good = gzipped(&b"content ".repeat(99), 6);
    for more in [&b"\n"[..], b"\0\0", &good[..9]] {
        assert_eq!(
            gunzipped(&[&good, more].concat()),
            Err("has bytes after its end; copy it again".to_owned())
        );
    }
    for length in 0..good.len() {
        assert_eq!(
            gunzipped(&good[..length]),
            Err("the archive ends too early; copy it again".to_owned()),
            "{length}"
        );
    }
    let with = |place: usize, bytes: &[u8]| {
        let mut file = good.clone();
        file.splice(place..place + bytes.len(), bytes.iter().copied());
        file
    };
    let trailer = good.len() - 8;
    let text = |length: usize| {
        [
            &b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"[..],
            &vec![b'x'; length],
            b"\0",
            &good[10..],
        ]
        .concat()
    };
    let header_crc =
        |crc: &[u8]| [&b"\x1f\x8b\x08\x02\0\0\0\0\0\xff"[..], crc, &good[10..]].concat();
    let mut crc = Crc::new();
    crc.update(b"\x1f\x8b\x08\x02\0\0\0\0\0\xff");
    assert!(gunzipped(&text(511)).is_ok());
    assert!(gunzipped(&header_crc(&crc.sum().to_le_bytes()[..2])).is_ok());
    for (file, line) in [
        (
            with(trailer, &[good[trailer] ^ 1]),
            "damaged: the content has the wrong CRC-32",
        ),
        (
            with(trailer + 4, &[0; 4]),
            "damaged: the content has the wrong length",
        ),
        (
            [&good[..], b"more than ten bytes"].concat(),
            "has bytes after its end; copy it again",
        ),
        (text(512), "gzip: a name or comment of more than 511 bytes"),
        (
            header_crc(b"\0\0"),
            "damaged: the gzip header has the wrong CRC",
        ),
        (
            with(0, b"\xfd7zXZ\0"),
            "is an xz file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            with(0, b"PK\x03\x04"),
            "is a zip file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            with(0, b"\x28\xb5\x2f\xfd"),
            "is a zstd file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            with(0, b"BZh"),
            "is a bzip2 file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            extended(&[], b"a"),
            "is a tar archive without compression; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            with(2, b"\x07"),
            "is not a gzip file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
        (
            b"something else".to_vec(),
            "is not a gzip file; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR",
        ),
    ] {
        assert_eq!(gunzipped(&file), Err(line.to_owned()));
    }
}

/// Bits of compressed data, the first on the left; spaces are for people.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text
        .bytes()
        .filter(|byte| *byte != b' ')
        .map(|byte| byte - b'0')
        .collect();
    let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
    bits.chunks(8).map(byte).collect()
}

#[test]
fn bad_compressed_data_has_its_message() {
    // Two symbols of one bit for lengths: 0 is 18 (and seven bits), 1 is 1.
    let lengths = "1 01 00000 00000 0111 000 000 100 000 000 000 000 000 000 000 000 000 000 000 000 000 000 100";
    let zeros = |count: u32| {
        let extra: String = (0..7)
            .map(|bit| {
                if (count - 11) >> bit & 1 == 1 {
                    '1'
                } else {
                    '0'
                }
            })
            .collect();
        format!("0 {extra}")
    };
    for (data, line) in [
        ("1 11".to_owned(), "a block has an unknown kind"),
        (
            "1 00 00000 1000000000000000 1111111111111111".into(),
            "the two lengths of a block disagree",
        ),
        (
            "1 01 00000 00000 0000 000 000 000 000 0".into(),
            "a code stands for nothing",
        ),
        ("1 10 11000110".into(), "a length has no meaning"),
        ("1 10 0000001 11110".into(), "a distance has no meaning"),
        (
            "1 10 0000001 00000".into(),
            "a distance leads back beyond the beginning",
        ),
        (
            "1 01 01111 00000 0000".into(),
            "a code has too many symbols",
        ),
        (
            "1 01 00000 01111 0000".into(),
            "a code has too many symbols",
        ),
        (
            "1 01 00000 00000 0000 100 100 100 000".into(),
            "the lengths of a code do not fit together",
        ),
        (
            "1 01 00000 00000 0000 000 000 000 010".into(),
            "the lengths of a code do not fit together",
        ),
        (
            "1 01 00000 00000 0000 100 000 000 000 0 00".into(),
            "there is no length to repeat",
        ),
        (
            format!("{lengths} {} {}", zeros(138), zeros(138)),
            "a code has too many lengths",
        ),
    ] {
        let seen = gunzipped(&wrapped(&bits(&data), &[0; 9]));
        assert_eq!(
            seen,
            Err(format!("damaged: {line} in the compressed data")),
            "{data}"
        );
    }
}

#[test]
fn bad_tar_has_its_message() {
    let x = |records: &[u8]| extended(&[member(b"x", b'x', records)], b"name");
    let field = |start: usize, value: &[u8]| {
        let mut archive = changed(b"name", b'0', b"", |header| {
            header[start..start + value.len()].copy_from_slice(value);
        });
        archive.extend(END);
        archive
    };
    let mut checksum = member(b"name", b'0', b"");
    checksum[0] ^= 1;
    let no_number = "damaged: the tar archive has a header with a field that is not a number";
    let negative = "damaged: the tar archive has a negative size";
    let pax_header = "damaged: the tar archive has an invalid pax header";
    let large = "tar: a name or pax header of more than 1 MiB";
    let sparse = "tar: a sparse file; leave out --sparse";
    for (archive, line) in [
        (
            checksum,
            "damaged: the tar archive has a header with the wrong checksum",
        ),
        (field(100, b"rw-r--r"), no_number),
        (field(108, b"root"), no_number),
        (field(116, b"+7"), no_number),
        (field(124, b"size"), no_number),
        (field(136, b"today"), no_number),
        (field(329, b"9"), no_number),
        // 2^63, and 2^95, and -1.
        (field(124, b"\x80\0\0\0\x80\0\0\0\0\0\0\0"), no_number),
        (
            field(124, b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            no_number,
        ),
        (field(124, &[0xff; 12]), negative),
        (x(pax("size", "-1").as_bytes()), negative),
        (
            x(pax("size", "9223372036854775808").as_bytes()),
            "damaged: the tar archive has an invalid number in a pax header",
        ),
        (
            x(pax("uid", "root").as_bytes()),
            "damaged: the tar archive has an invalid number in a pax header",
        ),
        (
            x(pax("mtime", "1.x").as_bytes()),
            "damaged: the tar archive has an invalid time in a pax header",
        ),
        (x(pax("path", "a\0b").as_bytes()), pax_header),
        (x(pax("a\0b", "").as_bytes()), pax_header),
        (x(b"8 path=a\n"), pax_header),
        (x(b"99 path=a\n"), pax_header),
        (x(b"-9 path=a\n"), pax_header),
        (x(b"5 a b\n"), pax_header),
        (x(b"4 =b\n"), pax_header),
        (x(b"path=a\n"), pax_header),
        (x(pax("GNU.sparse.major", "1").as_bytes()), sparse),
        (
            changed(b"x", b'x', b"", |header| {
                header[124..136].copy_from_slice(b"10000000000\0");
            }),
            large,
        ),
        (
            changed(b"L", b'L', b"", |header| {
                header[124..136].copy_from_slice(b"00004000001\0");
            }),
            large,
        ),
        (
            [
                &member(b"a", b'0', b"")[..],
                &END[..512],
                &member(b"b", b'0', b""),
            ]
            .concat(),
            "damaged: the tar archive has a single block of zeros before its end",
        ),
        (
            extended(&[], b"\xe9t\xe9"),
            "\u{fffd}t\u{fffd}: the name is not UTF-8; rename it",
        ),
        (
            extended(&[], b"name")[..518].to_vec(),
            "the archive ends too early; copy it again",
        ),
        (
            extended(&[], b"name")[..511].to_vec(),
            "the archive ends too early; copy it again",
        ),
    ] {
        assert_eq!(members(&archive).unwrap_err(), line);
    }
}

/// Reads the same bytes again and again.
struct Endless<'a>(io::Cursor<&'a [u8]>, usize);

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.0.position() == self.0.get_ref().len() as u64 {
            self.0.set_position(0);
        }
        let count = self.0.read(out)?;
        self.1 += count;
        assert!(self.1 < 300 << 20, "reads for ever");
        Ok(count)
    }
}

#[test]
fn headers_that_describe_a_member_have_a_limit() {
    let large = vec![0; 1 << 20];
    let comments = pax("comment", &"x".repeat(900)).repeat(1000);
    for (kind, content) in [
        (b'K', &large[..]),
        (b'L', &large),
        (b'x', comments.as_bytes()),
    ] {
        let header = member(b"x", kind, content);
        let mut reader = untar::Reader::new(Endless(io::Cursor::new(&header), 0));
        let error = reader.next_member().unwrap_err();
        let line = "tar: more than 256 MiB of names and pax headers";
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::InvalidData, line)
        );
    }
    // A single one of nearly 1 MiB has enough room.
    let archive = extended(&[member(b"x", b'x', comments.as_bytes())], b"name");
    let found = untar::Reader::new(&archive[..]).next_member();
    assert_eq!(found.unwrap().unwrap().name, "name");
}
