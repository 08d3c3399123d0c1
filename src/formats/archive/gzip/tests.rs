use std::io::Read as _;

use super::super::gunzip;
use super::*;

fn content(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn write(content: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.write_all(content).unwrap();
    writer.finish().unwrap()
}

fn read(file: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    gunzip::Reader::new(file).read_to_end(&mut content)?;
    Ok(content)
}

/// From the first block on, written down by hand.
const EMPTY: &[u8] = b"\x01\0\0\xff\xff\0\0\0\0\0\0\0\0";
const DIGITS: &[u8] = b"\x01\x09\0\xf6\xff123456789\x26\x39\xf4\xcb\x09\0\0\0";

const LENGTHS: [(usize, &[usize]); 9] = [
    (0, &[0]),
    (1, &[1]),
    (65_534, &[65_534]),
    (65_535, &[65_535]),
    (65_536, &[65_535, 1]),
    (131_070, &[65_535, 65_535]),
    (131_071, &[65_535, 65_535, 1]),
    (196_608, &[65_535, 65_535, 65_535, 3]),
    (
        1_048_576,
        &[
            65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535, 65_535,
            65_535, 65_535, 65_535, 65_535, 65_535, 16,
        ],
    ),
];

#[test]
fn writes_these_bytes() {
    assert_eq!(HEADER, *b"\x1f\x8b\x08\0\0\0\0\0\0\xff");
    assert_eq!(write(b""), [&HEADER, EMPTY].concat());
    assert_eq!(write(b"123456789"), [&HEADER, DIGITS].concat());
}

#[test]
fn the_length_is_known_beforehand() {
    for (size, _) in LENGTHS {
        assert_eq!(length(size as u64), write(&content(size)).len() as u64);
    }
}

/// The lengths of the blocks of `file`.
fn blocks(file: &[u8]) -> Vec<usize> {
    let mut blocks = Vec::new();
    let mut at = HEADER.len();
    loop {
        let last = file[at] == 1;
        let length = u16::from_le_bytes([file[at + 1], file[at + 2]]).into();
        blocks.push(length);
        at += 5 + length;
        if last {
            assert_eq!(file.len(), at + 8);
            return blocks;
        }
    }
}

#[test]
fn cuts_blocks_at_65535_bytes() {
    for (length, expected) in LENGTHS {
        let content = content(length);
        let file = write(&content);
        assert_eq!(blocks(&file), expected);
        assert!(read(&file).unwrap() == content, "{length}");
    }
}

#[test]
fn does_not_depend_on_the_sizes_of_writes() {
    for (length, _) in LENGTHS {
        let content = content(length);
        let expected = write(&content);
        for size in [1, 7, 4096, 65_534, 65_535, 65_536, 131_070] {
            let mut writer = Writer::new(Vec::new()).unwrap();
            for part in content.chunks(size) {
                writer.write_all(part).unwrap();
                assert_eq!(writer.write(&[]).unwrap(), 0);
                writer.flush().unwrap();
            }
            let same = writer.finish().unwrap() == expected;
            assert!(same, "{length} bytes, {size} at a time");
        }
    }
}

#[test]
fn counts_the_length_modulo_4_gib() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.length = u32::MAX.into();
    writer.write_all(b"abc").unwrap();
    let file = writer.finish().unwrap();
    assert_eq!(file[file.len() - 4..], [2, 0, 0, 0]);
}

/// The definition: a division, the most significant bit first, of the bits of each byte from the
/// least significant one.
fn defined_crc32(bytes: &[u8]) -> u32 {
    let mut remainder = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let carry = remainder >> 31 ^ u32::from(byte >> bit & 1);
            remainder = (remainder << 1) ^ (carry * 0x04C1_1DB7);
        }
    }
    !remainder.reverse_bits()
}

#[test]
fn the_crc_has_the_check_value_of_the_algorithm() {
    assert_eq!(crc32(0, b"123456789"), 0xCBF4_3926);
    assert_eq!(crc32(0, b""), 0);
}

#[test]
fn the_crc_is_the_definition_for_every_length_and_split() {
    let bytes: Vec<u8> = (0..=255).rev().collect();
    for length in 0..40 {
        let (bytes, _) = bytes.split_at(length);
        for split in 0..=length {
            let (left, right) = bytes.split_at(split);
            let crc = crc32(crc32(0, left), right);
            assert_eq!(crc, defined_crc32(bytes), "{split} of {length}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error_at_every_length() {
    let mut disk = write(b"123456789");
    for space in 0..disk.len() {
        let written = Writer::new(&mut disk[..space]).and_then(|mut writer| {
            writer.write_all(b"123456789")?;
            writer.finish().map(drop)
        });
        assert!(written.is_err(), "{space}");
    }
}

#[test]
fn flushes_when_told_and_at_the_end() {
    let mut writer = Writer::new(io::BufWriter::new(Vec::new())).unwrap();
    assert_eq!(writer.inner.buffer(), HEADER);
    writer.flush().unwrap();
    assert_eq!(writer.inner.buffer(), b"");
    assert_eq!(writer.finish().unwrap().buffer(), b"");
}
