//! SHA-256 digests of content: the one place that hashes.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use serde::{Serialize, Serializer};
use sha2::Digest as _;

use crate::error::{Cannot, Result};

/// The SHA-256 digest of some content, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(sha2::Sha256::digest(content).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let digits = Some(text).filter(|text| text.len() == 64 && text.bytes().all(is_digit))?;
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
        }
        Some(Self(digest))
    }

    /// The digest of an open file, which was found at `path`.
    pub(crate) fn of_open(mut file: &File, path: &Path) -> Result<Self> {
        let mut hasher = Hashing::new(io::sink());
        io::copy(&mut file, &mut hasher).cannot("read", path)?;
        Ok(hasher.digest())
    }
}

/// A reader or writer that hashes all that goes through it.
pub struct Hashing<T> {
    inner: T,
    hasher: sha2::Sha256,
}

impl<T> Hashing<T> {
    /// Starts with nothing.
    pub fn new(inner: T) -> Self {
        let hasher = sha2::Sha256::new();
        Self { inner, hasher }
    }

    /// The digest of all that went through.
    pub fn digest(self) -> Digest {
        Digest(self.hasher.finalize().into())
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.inner.write_all(piece)?;
        self.hasher.update(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        // Whoever reads an archive cannot go on after an error.
        let count = loop {
            match self.inner.read(piece) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.hasher.update(piece.get(..count).unwrap_or_default());
        Ok(count)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
        let mut out = Hashing::new(Vec::new());
        for piece in ["a", "", "bc"] {
            out.write_all(piece.as_bytes()).unwrap();
        }
        assert_eq!(out.inner, b"abc");
        assert_eq!(out.digest(), Digest::of(b"abc"));
    }

    #[test]
    fn reads_only_what_it_writes() {
        assert_eq!(Digest::parse(ABC), Some(Digest::of(b"abc")));
        let upper = ABC.to_uppercase();
        for text in [
            "",
            &ABC[1..],
            &upper,
            &ABC.replace('a', "g"),
            &format!("{ABC}0"),
        ] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }
}
