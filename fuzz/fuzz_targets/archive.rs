//! The archives of a package: no bytes make the readers panic, and whatever other readers accept
//! too, they read in the same way.
#![no_main]

use std::io::{self, Read};

use fabric_ccs_builder::testing::{gunzip, untar};
use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use libfuzzer_sys::fuzz_target;

fn all(mut from: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    from.read_to_end(&mut content)?;
    Ok(content)
}

/// Names and contents.
type Files = Vec<(Vec<u8>, Vec<u8>)>;

fn members(archive: &[u8]) -> io::Result<Files> {
    let mut archive = untar::Reader::new(archive);
    let mut files = Vec::new();
    while let Some(member) = archive.next_member()? {
        files.push((member.name.into_bytes(), all(&mut archive)?));
    }
    Ok(files)
}

/// The same by the crate `tar`, if all are regular files: it treats others differently from Go.
fn members_by_tar(archive: &[u8]) -> io::Result<Option<Files>> {
    let mut archive = tar::Archive::new(archive);
    let mut files = Vec::new();
    for entry in archive.entries()?.raw(true) {
        let mut entry = entry?;
        let header = entry.header();
        let is_known = header.as_ustar().is_some() || header.as_gnu().is_some();
        if !is_known || header.as_bytes()[156] != b'0' {
            return Ok(None);
        }
        files.push((entry.path_bytes().into_owned(), all(&mut entry)?));
    }
    Ok(Some(files))
}

fuzz_target!(|bytes: &[u8]| {
    let content = all(gunzip::Reader::new(bytes));
    if let (Ok(read), Ok(expected)) = (&content, all(MultiGzDecoder::new(bytes))) {
        assert_eq!(read, &expected);
    }
    let archive = content.as_deref().unwrap_or(bytes);
    if let (Ok(read), Ok(Some(expected))) = (members(archive), members_by_tar(archive)) {
        assert_eq!(read, expected);
    }
    // The same bytes as compressed data, whose CRC cannot be wrong.
    let mut decoder = DeflateDecoder::new(bytes);
    if let Ok(expected) = all(&mut decoder) {
        let mut crc = Crc::new();
        crc.update(&expected);
        let used = usize::try_from(decoder.total_in()).unwrap();
        let trailer = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
        let file = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", &bytes[..used], &trailer].concat();
        match all(gunzip::Reader::new(&file[..])) {
            Ok(read) => assert_eq!(read, expected),
            // Here flate2 returns zeros, but Go an error.
            Err(error) => assert!(
                error.to_string().contains("before the beginning"),
                "{error}"
            ),
        }
    }
});
