//! SHA-256 digests of content: the one place that hashes.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::Digest as _;

use crate::error::{Cannot, Result};

/// The SHA-256 digest of some content, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(sha2::Sha256::digest(content).into())
    }

    /// The digest of the file at `path`, which a user or the peer chose.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        let mut file = File::open(path).cannot("open", path)?;
        let mut hasher = HashingWriter::new(io::sink());
        io::copy(&mut file, &mut hasher).cannot("read", path)?;
        Ok(hasher.digest())
    }
}

/// A writer that hashes everything that it passes on to another writer.
pub struct HashingWriter<W> {
    out: W,
    hasher: sha2::Sha256,
}

impl<W> HashingWriter<W> {
    /// Starts a writer that passes everything on to `out`.
    pub fn new(out: W) -> Self {
        let hasher = sha2::Sha256::new();
        Self { out, hasher }
    }

    /// The digest of everything written.
    pub fn digest(self) -> Digest {
        Digest(self.hasher.finalize().into())
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.out.write_all(piece)?;
        self.hasher.update(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> std::result::Result<Self, NotADigest> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(NotADigest);
        }
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            let digits = text.get(2 * place..2 * place + 2).ok_or(NotADigest)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NotADigest)?;
        }
        Ok(Self(digest))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example in FIPS 180-4, and the output of `printf abc | sha256sum`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn is_sha_256_in_lower_case_hex() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
    }

    #[test]
    fn pieces_do_not_matter() {
        let mut out = HashingWriter::new(Vec::new());
        for piece in ["a", "", "bc"] {
            out.write_all(piece.as_bytes()).unwrap();
        }
        assert_eq!(out.out, b"abc");
        assert_eq!(out.digest(), Digest::of(b"abc"));
    }

    #[test]
    fn reads_only_what_it_writes() {
        assert_eq!(ABC.parse(), Ok(Digest::of(b"abc")));
        let upper = ABC.to_uppercase();
        for text in [
            "",
            &ABC[1..],
            &upper,
            &ABC.replace('a', "g"),
            &format!("{ABC}0"),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(NotADigest), "{text}");
        }
    }
}
