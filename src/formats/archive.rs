//! A package's archives: tar in gzip.
//!
//! The package ID is a digest of these bytes, so what the writers ([`gzip`], [`tar`]) write must
//! depend only on the packaged paths and contents, for ever. The readers ([`gunzip`], [`untar`])
//! accept what any program writes and a peer reads.
//!
//! All of them stream, in memory that does not grow with the archive. Give the writers buffered
//! files, and do not continue after an error.

pub mod gunzip;
pub mod gzip;
mod inflate;
pub mod tar;
pub mod untar;

#[cfg(test)]
mod foreign;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

/// A block of a tar archive, and the places of fields in a member's header.
const BLOCK: usize = 512;
const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const PREFIX: Range<usize> = 345..500;

fn invalid(message: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, message.into())
}

fn ends_early() -> io::Error {
    invalid("the archive ends too early; copy it again")
}

fn read_array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut array = [0; N];
    match from.read_exact(&mut array) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ends_early()),
        read => read.map(|()| array),
    }
}
