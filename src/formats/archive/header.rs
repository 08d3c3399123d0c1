//! The 512-byte header of one regular file.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};

use crate::error::{self, refused};

pub(super) const BLOCK: usize = 512;

pub(super) type Block = [u8; BLOCK];

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MTIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const TYPE: Range<usize> = 156..157;
const MAGIC_AND_VERSION: Range<usize> = 257..265;
const DEVICE_MAJOR: Range<usize> = 329..337;
const DEVICE_MINOR: Range<usize> = 337..345;
const PREFIX: Range<usize> = 345..500;

/// The size field has eleven octal digits: 8 GiB and more do not fit.
const MAX_SIZE: u64 = 0o777_7777_7777;

/// The one header of the regular file `path` of `size` bytes.
pub(super) fn encode(path: &str, size: u64) -> error::Result<Block> {
    check_path(path)?;
    let (prefix, name) = split(path)?;
    if size > MAX_SIZE {
        let path = shown(path);
        return refused(format!(
            "{path}: too large for a tar archive (less than 8 GiB)"
        ));
    }
    let mut block = [0; BLOCK];
    let fields = [
        (NAME, name),
        (MODE, "0000644"),
        (UID, "0000000"),
        (GID, "0000000"),
        (SIZE, &format!("{size:011o}")),
        (MTIME, "00000000000"),
        (TYPE, "0"),
        (MAGIC_AND_VERSION, "ustar\x0000"),
        (DEVICE_MAJOR, "0000000"),
        (DEVICE_MINOR, "0000000"),
        (PREFIX, prefix),
    ];
    for (field, value) in fields {
        put(&mut block[field], value);
    }
    let sum = checksum(&block);
    put(&mut block[CHECKSUM], &format!("{sum:06o}\0 "));
    Ok(block)
}

/// The path and size in a header that [`encode`] has made; every other header is an error.
pub(super) fn decode(block: &Block) -> Result<(String, u64)> {
    ensure!(
        octal(&block[CHECKSUM]) == Some(checksum(block)),
        "damaged: a tar header has another checksum"
    );
    let path = match (text(&block[PREFIX])?, text(&block[NAME])?) {
        ("", name) => name.to_owned(),
        (prefix, name) => format!("{prefix}/{name}"),
    };
    let size = octal(&block[SIZE]).unwrap_or_default();
    // Leniency above costs nothing: a header that says the same in another way is not this one.
    ensure!(
        encode(&path, size)? == *block,
        "{}: not written by fabric-ccs-builder package (a regular file, mode 0644, time 0, owner 0)",
        shown(&path)
    );
    Ok((path, size))
}

/// `path` for a message: on one line, whatever it contains.
pub(super) fn shown(path: &str) -> impl std::fmt::Display {
    path.escape_debug()
}

fn check_path(path: &str) -> error::Result<()> {
    if path.is_empty() {
        return refused("an entry of the archive has no name");
    }
    let fault = if path.contains('\0') {
        "a NUL byte"
    } else if path.starts_with('/') {
        "an absolute path"
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "an empty, \".\" or \"..\" component"
    } else {
        return Ok(());
    };
    refused(format!("{}: {fault} in the name of an entry", shown(path)))
}

/// Prefix and name of a path. The prefix is as long as possible, as in GNU tar; so the name is as
/// short as possible, and if it does not fit here, it fits nowhere.
fn split(path: &str) -> error::Result<(&str, &str)> {
    if path.len() <= NAME.len() {
        return Ok(("", path));
    }
    let mut splits = path
        .rmatch_indices('/')
        .map(|(slash, _)| path.split_at(slash));
    let fitting = splits.find(|(prefix, _)| prefix.len() <= PREFIX.len());
    match fitting.map(|(prefix, name)| (prefix, name.trim_start_matches('/'))) {
        Some((prefix, name)) if name.len() <= NAME.len() => Ok((prefix, name)),
        _ => refused(format!(
            "{}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it)",
            shown(path)
        )),
    }
}

fn put(field: &mut [u8], value: &str) {
    field[..value.len()].copy_from_slice(value.as_bytes());
}

/// The sum of all bytes, those of the checksum itself taken as spaces.
fn checksum(block: &Block) -> u64 {
    let sum = |bytes: &[u8]| bytes.iter().copied().map(u64::from).sum::<u64>();
    sum(block) - sum(&block[CHECKSUM]) + sum(&[b' '; CHECKSUM.end - CHECKSUM.start])
}

fn text(field: &[u8]) -> Result<&str> {
    let bytes = field.split(|byte| *byte == 0).next().unwrap_or_default();
    str::from_utf8(bytes).context("the name of an entry is not UTF-8")
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(field).ok()?;
    u64::from_str_radix(digits.trim_matches(['\0', ' ']), 8).ok()
}
