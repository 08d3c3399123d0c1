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
use super::inflate::Inflate;
use super::{invalid, read_array};

const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
/// The longest name or comment that Go reads, with its zero byte.
const MAX_TEXT: u64 = 512;
const MORE: &str = "has bytes after its end; copy it again";

/// Reads the content of a gzip file. It is known to be undamaged only once a read has returned 0.
pub struct Reader<R> {
    inflate: Inflate<R>,
    state: State,
    /// Content, of which the first `given` bytes have been returned.
    content: Vec<u8>,
    given: usize,
    crc: u32,
    length: u64,
}

#[derive(PartialEq)]
enum State {
    Start,
    Member,
    End,
}

impl<R: BufRead> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        Self {
            inflate: Inflate::new(inner),
            state: State::Start,
            content: Vec::new(),
            given: 0,
            crc: 0,
            length: 0,
        }
    }

    /// Bytes of a header, added to its CRC.
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let bytes = read_array(self.inflate.input())?;
        self.crc = crc32(self.crc, &bytes);
        Ok(bytes)
    }

    fn read_header(&mut self) -> io::Result<()> {
        if self.state == State::Member && self.inflate.input().fill_buf()?.is_empty() {
            self.state = State::End;
            return Ok(());
        }
        self.crc = 0;
        let header: [u8; 10] = self.bytes().map_err(|error| match self.state {
            State::Member if error.kind() == io::ErrorKind::InvalidData => invalid(MORE),
            _ => error,
        })?;
        let [0x1f, 0x8b, 8, flags, ..] = header else {
            return Err(self.not_gzip(header)?);
        };
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(self.bytes()?) {
                self.bytes::<1>()?;
            }
        }
        for _ in [NAME, COMMENT].iter().filter(|text| flags & *text != 0) {
            let mut length = 1;
            while self.bytes()? != [0] {
                length += 1;
                if length > MAX_TEXT {
                    return Err(invalid("gzip: a name or comment of more than 511 bytes"));
                }
            }
        }
        let [c0, c1, ..] = self.crc.to_le_bytes();
        if flags & HEADER_CRC != 0 && self.bytes()? != [c0, c1] {
            return Err(invalid("damaged: the gzip header has the wrong CRC"));
        }
        self.inflate.restart();
        (self.content, self.given) = (Vec::new(), 0);
        (self.state, self.crc, self.length) = (State::Member, 0, 0);
        Ok(())
    }

    fn read_trailer(&mut self) -> io::Result<()> {
        if read_array(self.inflate.input())? != self.crc.to_le_bytes() {
            return Err(invalid("damaged: the content has the wrong CRC-32"));
        }
        if read_array::<4>(self.inflate.input())? != self.length.to_le_bytes()[..4] {
            return Err(invalid("damaged: the content has the wrong length"));
        }
        Ok(())
    }

    /// Says what the file that begins with `header` is instead.
    fn not_gzip(&mut self, header: [u8; 10]) -> io::Result<io::Error> {
        if self.state == State::Member {
            return Ok(invalid(MORE));
        }
        let mut start = header.to_vec();
        self.inflate.input().take(502).read_to_end(&mut start)?;
        if start.starts_with(b"version https://git-lfs") {
            let text = "is a pointer of Git LFS; run git lfs pull for the file itself";
            return Ok(invalid(text));
        }
        let found = match &start[..] {
            [0xfd, b'7', b'z', b'X', b'Z', ..] => "an xz file",
            [b'P', b'K', 3, 4, ..] => "a zip file",
            [0x28, 0xb5, 0x2f, 0xfd, ..] => "a zstd file",
            [b'B', b'Z', b'h', ..] => "a bzip2 file",
            _ if start.get(257..262) == Some(b"ustar") => "a tar archive without compression",
            _ => "not a gzip file",
        };
        Ok(invalid(format!(
            "is {found}; make it with tar -czf, or the whole package with fabric-ccs-builder package DIR"
        )))
    }
}

impl<R: BufRead> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.content.len() && self.state != State::End {
            self.given = self.inflate.read(&mut self.content)?;
            let new = self.content.split_at(self.given).1;
            if self.length == 0 && new.starts_with(&[0x1f, 0x8b, 8]) {
                return Err(invalid("is compressed twice; write it with gzip only once"));
            }
            self.crc = crc32(self.crc, new);
            self.length += new.len() as u64;
            if new.is_empty() {
                if self.state == State::Member {
                    self.read_trailer()?;
                }
                self.read_header()?;
            }
        }
        let read = self.content.split_at(self.given).1.read(out)?;
        self.given += read;
        Ok(read)
    }
}
