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
    Reader::new(file).read_to_end(&mut content)?;
    Ok(content)
}

fn refusal(file: &[u8]) -> String {
    read(file).unwrap_err().to_string()
}

/// `file` with `bytes` at `at`.
fn with(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
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
fn does_not_depend_on_the_sizes_of_reads() {
    let content = content(65_537);
    let file = write(&content);
    for size in [1, 2, 65_534, 65_535, 65_536, 70_000] {
        let mut reader = Reader::new(file.as_slice());
        let mut seen = Vec::<u8>::new();
        let mut buffer = vec![0; size];
        assert_eq!(reader.read(&mut []).unwrap(), 0);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => break,
                read => seen.extend(&buffer[..read]),
            }
        }
        assert!(seen == content, "{size}");
        assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    }
}

#[test]
fn counts_the_length_modulo_4_gib() {
    let mut writer = Writer::new(Vec::new()).unwrap();
    writer.length = u32::MAX.into();
    writer.write_all(b"abc").unwrap();
    let file = writer.finish().unwrap();
    assert_eq!(file[file.len() - 4..], [2, 0, 0, 0]);
    let mut reader = Reader::new(&file[..]);
    reader.length = u32::MAX.into();
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 3);
    assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
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
fn a_changed_byte_is_an_error() {
    for original in [write(b""), write(b"123456789")] {
        for at in 0..original.len() {
            for byte in (0..=255).filter(|byte| *byte != original[at]) {
                let file = with(original.clone(), at, &[byte]);
                assert!(read(&file).is_err(), "{byte} at {at}");
            }
        }
    }
}

#[test]
fn a_truncated_file_is_an_error_at_every_length() {
    let file = write(b"123456789");
    for length in 0..file.len() {
        assert_eq!(refusal(&file[..length]), "the archive ends too early");
    }
    let file = write(&content(65_536));
    for length in 65_540..file.len() {
        assert_eq!(refusal(&file[..length]), "the archive ends too early");
    }
}

#[test]
fn refuses_what_it_would_not_write() {
    let digits = || write(b"123456789");
    let two_blocks = || write(&content(65_536));
    let early_block = [&HEADER[..], b"\0\x01\0\xfe\xffx", EMPTY].concat();
    let empty_last = [&two_blocks()[..65_550], EMPTY].concat();
    for (file, what) in [
        (with(digits(), 3, &[8]), "gzip header"),
        (with(digits(), 4, &[1]), "gzip header"),
        (with(digits(), 9, &[3]), "gzip header"),
        (with(digits(), 10, &[0b011]), "compressed"),
        (with(digits(), 10, &[0b101]), "compressed"),
        (with(two_blocks(), 10, &[0b010]), "compressed"),
        (with(digits(), 10, &[0b111]), "gzip block"),
        (with(digits(), 10, &[0b1001]), "gzip block"),
        (with(digits(), 10, &[0]), "gzip block"),
        (early_block, "gzip block"),
        (empty_last, "gzip block"),
    ] {
        let reason = format!("{what}: not written by fabric-ccs-builder package");
        assert_eq!(refusal(&file), reason);
    }
}

#[test]
fn says_what_is_damaged() {
    let digits = || write(b"123456789");
    let length = "damaged: a gzip block has two lengths";
    for (file, reason) in [
        (with(digits(), 0, b"PK"), "not a gzip file"),
        (with(digits(), 13, &[0]), length),
        (
            with(digits(), 15, b"0"),
            "damaged: the content has another CRC-32",
        ),
        (
            with(digits(), 24, &[0]),
            "damaged: the content has another CRC-32",
        ),
        (
            with(digits(), 28, &[8]),
            "damaged: the content has another length",
        ),
        (
            [digits(), vec![0]].concat(),
            "data after the end of the archive",
        ),
        (
            [digits(), digits()].concat(),
            "data after the end of the archive",
        ),
    ] {
        assert_eq!(refusal(&file), reason);
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
