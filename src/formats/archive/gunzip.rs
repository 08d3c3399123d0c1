//! gzip as any program writes it: RFC 1952.
//!
//! ```text
//! file    = member+
//! member  = 1f 8b, method 8, flags, time (32 bits), extra flags, system,
//!           the fields that the flags announce, compressed data,
//!           CRC-32 and length modulo 2^32 of the content (32 bits, little-endian)
//! ```
//!
//! What is refused is what Go's `compress/gzip` refuses when it reads to the end.

use std::io::{self, BufRead, Read};

use super::gzip::crc32;
use super::inflate::{Bits, Inflate};
use super::invalid;

/// Flags of a member's header.
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
/// The longest name or comment that Go reads, with its zero byte.
const MAX_TEXT: usize = 512;

/// What other formats begin with.
const OTHERS: [(&[u8], &str); 4] = [
    (b"\xfd7zXZ\0", "an xz file"),
    (b"PK\x03\x04", "a zip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
];

/// Reads the content of a gzip file. It is known to be undamaged only when a read has returned 0.
pub struct Reader<R> {
    bits: Bits<R>,
    inflate: Inflate,
    at: At,
    crc: u32,
    length: u32,
}

#[derive(PartialEq)]
enum At {
    Start,
    Member,
    End,
}

impl<R: BufRead> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        Self {
            bits: Bits::new(inner),
            inflate: Inflate::new(),
            at: At::Start,
            crc: 0,
            length: 0,
        }
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            [*byte, _] = self.bits.take(8)?.to_le_bytes();
        }
        self.crc = crc32(self.crc, &bytes);
        Ok(bytes)
    }

    /// Reads a member's header, or finds the end.
    fn read_header(&mut self) -> io::Result<()> {
        match (self.bits.peek()?, &self.at) {
            (Some(0x08_8b_1f), _) => {}
            (_, At::Start) => return Err(self.not_gzip()?),
            (_, _) if self.bits.is_at_end()? => {
                self.at = At::End;
                return Ok(());
            }
            _ => return Err(invalid("data after the end of the gzip file")),
        }
        self.crc = 0;
        let [_, _, _, flags, ..] = self.bytes::<10>()?;
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(self.bytes()?) {
                self.bytes::<1>()?;
            }
        }
        for _ in [NAME, COMMENT].iter().filter(|text| flags & *text != 0) {
            let mut left = MAX_TEXT;
            while self.bytes()? != [0] {
                left -= 1;
                if left == 0 {
                    return Err(invalid("gzip: a name or comment of more than 511 bytes"));
                }
            }
        }
        let [c0, c1, ..] = self.crc.to_le_bytes();
        if flags & HEADER_CRC != 0 && self.bytes()? != [c0, c1] {
            return Err(invalid("damaged: the gzip header has another CRC"));
        }
        self.inflate.restart();
        (self.at, self.crc, self.length) = (At::Member, 0, 0);
        Ok(())
    }

    fn read_trailer(&mut self) -> io::Result<()> {
        self.bits.align()?;
        let (crc, length) = (self.crc, self.length);
        if self.bytes()? != crc.to_le_bytes() {
            return Err(invalid("damaged: the content has another CRC-32"));
        }
        if self.bytes()? != length.to_le_bytes() {
            return Err(invalid("damaged: the content has another length"));
        }
        Ok(())
    }

    /// Says what the file is instead.
    fn not_gzip(&mut self) -> io::Result<io::Error> {
        let (mut start, mut count) = ([0; 512], 0);
        while let read @ 1.. = self.bits.read(&mut start[count..])? {
            count += read;
        }
        let other = OTHERS.iter().find(|(magic, _)| start.starts_with(magic));
        let found = match (other, &start[257..262]) {
            _ if count == 0 => "is empty",
            (Some((_, other)), _) => &format!("is {other}"),
            (None, b"ustar") => "is a tar archive without compression",
            _ => "is no gzip file",
        };
        Ok(invalid(format!("{found}, make it with tar -czf")))
    }
}

impl<R: BufRead> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at != At::End && !out.is_empty() {
            let read = self.inflate.read(&mut self.bits, out)?;
            if read > 0 {
                let (read_bytes, _) = out.split_at(read);
                self.crc = crc32(self.crc, read_bytes);
                let [l0, l1, l2, l3, ..] = read.to_le_bytes();
                let read_length = u32::from_le_bytes([l0, l1, l2, l3]);
                self.length = self.length.wrapping_add(read_length);
                return Ok(read);
            }
            if self.at == At::Member {
                self.read_trailer()?;
            }
            self.read_header()?;
        }
        Ok(0)
    }
}
