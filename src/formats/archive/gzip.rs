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
//! The last block is empty only if the content is. There is no compression, because the
//! compressor's version would then decide the bytes, and with them the package ID.

use std::io::{self, Write};
use std::sync::LazyLock;

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The most bytes that a stored block can hold.
const MAX_STORED: u16 = u16::MAX;

/// Writes a gzip file. The bytes do not depend on how the content is cut into writes.
pub struct Writer<W> {
    inner: W,
    block: Vec<u8>,
    crc: u32,
    length: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    pub fn new(mut inner: W) -> io::Result<Self> {
        inner.write_all(&HEADER)?;
        Ok(Self {
            inner,
            block: Vec::with_capacity(MAX_STORED.into()),
            crc: 0,
            length: 0,
        })
    }

    /// Writes the last block and the trailer, and flushes. Without it the file is incomplete.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_block(true)?;
        self.inner.write_all(&self.crc.to_le_bytes())?;
        self.inner.write_all(&self.length.to_le_bytes()[..4])?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn write_block(&mut self, last: bool) -> io::Result<()> {
        let length = u16::try_from(self.block.len()).map_err(io::Error::other)?;
        let [l0, l1] = length.to_le_bytes();
        self.inner.write_all(&[last.into(), l0, l1, !l0, !l1])?;
        self.inner.write_all(&self.block)?;
        self.crc = crc32(self.crc, &self.block);
        self.length += u64::from(length);
        self.block.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let full = usize::from(MAX_STORED);
        // A full block may be the last one, so it stays here until there is a byte for the next.
        if self.block.len() == full && !bytes.is_empty() {
            self.write_block(false)?;
        }
        let taken = bytes.len().min(full - self.block.len());
        self.block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Flushes what is written. The current block stays: a flush must not decide where it ends.
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// How many bytes [`Writer`] writes for `content` bytes.
pub fn length(content: u64) -> u64 {
    let blocks = content.div_ceil(MAX_STORED.into()).max(1);
    // The header, 5 bytes before the content of each block, and the trailer.
    HEADER.len() as u64 + 5 * blocks + content + 8
}

/// Continues the CRC-32 of RFC 1952, section 8, which is 0 for no bytes.
pub(super) fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    let table = &*TABLE;
    !bytes.iter().fold(!crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        crc >> 8 ^ table[usize::from(low ^ byte)]
    })
}

/// The effect on the CRC of each byte.
static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let divide = |crc: u32, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    (0..256).map(|byte| (0..8).fold(byte, divide)).collect()
});

#[cfg(test)]
mod tests;
