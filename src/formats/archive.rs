//! The archive format of chaincode packages: a ustar archive in a gzip file without compression.
//!
//! The package ID is a digest of these bytes, so they are a function of the packaged paths and
//! contents alone, for ever: a set of files has one encoding, the writers write it, and the readers
//! accept nothing else. What a reader accepts, a writer would write again byte for byte.
//!
//! Writers and readers stream, in memory that does not grow with the archive. Give them buffered
//! files, and do not go on with one that has returned an error.

pub mod gzip;
mod header;
pub mod tar;

#[cfg(test)]
mod foreign;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message.into())
}

fn ends_early() -> io::Error {
    invalid("the archive ends too early")
}

fn read_array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut array = [0; N];
    match from.read_exact(&mut array) {
        Err(err) if err.kind() == ErrorKind::UnexpectedEof => Err(ends_early()),
        read => read.map(|()| array),
    }
}

fn expect_end(from: &mut impl Read) -> io::Result<()> {
    match io::copy(&mut from.take(1), &mut io::sink())? {
        0 => Ok(()),
        _ => Err(invalid("data after the end of the archive")),
    }
}
