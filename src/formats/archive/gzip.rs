//! gzip without compression: RFC 1952 with the stored blocks of RFC 1951, section 3.2.4.
//!
//! ```text
//! file    = header block* last trailer
//! header  = 1f 8b, method 8, no flags, no time (four zero bytes), no extra flags, system 255
//! block   = 00 ff ff 00 00, 65,535 bytes
//! last    = 01, length and its complement (16 bits, little-endian), `length` bytes
//! trailer = CRC-32 and length modulo 2^32 of the content (32 bits, little-endian)
//! ```
//!
//! The last block is empty only if the content is. A compressor is not used because its version
//! would decide the bytes, and with them the package ID.

use super::crc32::Crc32;
use super::{ends_early, expect_end, invalid, read_array};
use std::io::{self, Read, Write};

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const FULL: u16 = u16::MAX;

/// What the trailer says of the content.
struct Sum {
    crc: Crc32,
    length: u32,
}

impl Sum {
    fn new() -> Self {
        let crc = Crc32::new();
        Self { crc, length: 0 }
    }

    fn add_length(&mut self, length: u16) {
        self.length = self.length.wrapping_add(u32::from(length));
    }
}

/// Writes a gzip file. The bytes do not depend on how the content is cut into writes.
pub struct Writer<W> {
    inner: W,
    block: Vec<u8>,
    sum: Sum,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When `inner` cannot be written.
    pub fn new(mut inner: W) -> io::Result<Self> {
        inner.write_all(&HEADER)?;
        Ok(Self {
            inner,
            block: Vec::with_capacity(usize::from(FULL)),
            sum: Sum::new(),
        })
    }

    /// Writes the last block and the trailer, and flushes. Without it the file is incomplete.
    ///
    /// # Errors
    /// When `inner` cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_block(true)?;
        self.inner.write_all(&self.sum.crc.value().to_le_bytes())?;
        self.inner.write_all(&self.sum.length.to_le_bytes())?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn write_block(&mut self, last: bool) -> io::Result<()> {
        let length = u16::try_from(self.block.len()).map_err(io::Error::other)?;
        let [l0, l1] = length.to_le_bytes();
        let header = [u8::from(last), l0, l1, !l0, !l1];
        self.inner.write_all(&header)?;
        self.inner.write_all(&self.block)?;
        self.sum.crc.update(&self.block);
        self.sum.add_length(length);
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = usize::from(FULL);
        // A full block may be the last one: it stays here until there is a byte for the next.
        if self.block.len() == full && !bytes.is_empty() {
            self.write_block(false)?;
        }
        let taken = bytes.len().min(full - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Flushes what is written. The block being filled stays: the caller does not decide its end.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes [`Writer`] writes for `content` bytes.
#[must_use]
pub fn length(content: u64) -> u64 {
    const BLOCK_HEADER: u64 = 5;
    const TRAILER: u64 = 8;
    let blocks = content.div_ceil(u64::from(FULL)).max(1);
    HEADER.len() as u64 + blocks * BLOCK_HEADER + content + TRAILER
}

/// Reads what [`Writer`] writes and refuses everything else. The content is known to be undamaged
/// only when a read has returned 0.
pub struct Reader<R> {
    inner: R,
    state: State,
    sum: Sum,
}

#[derive(Clone, Copy)]
enum State {
    Start,
    Block { left: u64, last: bool },
    End,
}

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        let (state, sum) = (State::Start, Sum::new());
        Self { inner, state, sum }
    }

    fn read_header(&mut self) -> io::Result<()> {
        match read_array(&mut self.inner)? {
            HEADER => Ok(()),
            [0x1f, 0x8b, ..] => Err(foreign("gzip header")),
            _ => Err(invalid("not a gzip file")),
        }
    }

    fn read_block_header(&mut self, first: bool) -> io::Result<State> {
        let [kind, l0, l1, n0, n1] = read_array(&mut self.inner)?;
        if matches!(kind >> 1 & 3, 1 | 2) {
            return Err(foreign("compressed"));
        }
        let length = u16::from_le_bytes([l0, l1]);
        if length != !u16::from_le_bytes([n0, n1]) {
            return Err(invalid("damaged: a gzip block has two lengths"));
        }
        let last = match (kind, length) {
            (0, FULL) => false,
            (1, 1..) => true,
            (1, 0) if first => true,
            _ => return Err(foreign("gzip block")),
        };
        self.sum.add_length(length);
        let left = u64::from(length);
        Ok(State::Block { left, last })
    }

    fn read_block(&mut self, left: u64, last: bool, out: &mut [u8]) -> io::Result<usize> {
        let mut block = self.inner.by_ref().take(left);
        let read = block.read(out)?;
        let left = block.limit();
        if read == 0 {
            return Err(ends_early());
        }
        self.sum.crc.update(&out[..read]);
        self.state = State::Block { left, last };
        Ok(read)
    }

    fn read_trailer(&mut self) -> io::Result<State> {
        if u32::from_le_bytes(read_array(&mut self.inner)?) != self.sum.crc.value() {
            return Err(invalid("damaged: the content has another CRC-32"));
        }
        if u32::from_le_bytes(read_array(&mut self.inner)?) != self.sum.length {
            return Err(invalid("damaged: the content has another length"));
        }
        expect_end(&mut self.inner)?;
        Ok(State::End)
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match self.state {
                State::Start => {
                    self.read_header()?;
                    self.read_block_header(true)?
                }
                State::Block { left: 0, last } if last => self.read_trailer()?,
                State::Block { left: 0, .. } => self.read_block_header(false)?,
                State::Block { left, last } => return self.read_block(left, last, out),
                State::End => return Ok(0),
            }
        }
    }
}

fn foreign(what: &str) -> io::Error {
    invalid(format!("{what}: not written by fabric-ccs-builder package"))
}

#[cfg(test)]
mod tests;
