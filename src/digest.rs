//! SHA-256 digests, the one way in which this program names content.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use sha2::Digest as _;

/// The SHA-256 digest of some content, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `content`.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(content);
        hasher.finish()
    }
}

/// Takes content piece by piece and gives its [`Digest`].
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// A hasher that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

/// A writer that hashes what is written on its way.
pub struct HashingWriter<W> {
    out: W,
    hasher: Hasher,
}

impl<W> HashingWriter<W> {
    /// A writer to `out`.
    pub fn new(out: W) -> Self {
        let hasher = Hasher::new();
        Self { out, hasher }
    }

    /// The digest of all that was written.
    pub fn finish(self) -> Digest {
        self.hasher.finish()
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

impl Digest {
    /// The digits, in ASCII.
    fn digits(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte)]);
        }
        digits
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).map_err(|_| fmt::Error)?)
    }
}

/// The lower-case digit of the lower half of `value`.
fn hex_digit(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value & 15)]
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq)]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut digest = [0; 32];
        if text.len() != 64 {
            return Err(NotADigest);
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = pair.iter().try_fold(0, |value, &digit| {
                Ok(value << 4
                    | match digit {
                        b'0'..=b'9' => digit - b'0',
                        b'a'..=b'f' => digit - b'a' + 10,
                        _ => return Err(NotADigest),
                    })
            })?;
        }
        Ok(Self(digest))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.digits()).map_err(S::Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4's example, also `printf abc | sha256sum`.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn is_sha_256_in_lower_case_hex() {
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
    }

    #[test]
    fn pieces_do_not_matter() {
        let mut hasher = Hasher::new();
        hasher.update(b"a");
        hasher.update(b"");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), Digest::of(b"abc"));
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
