//! The 512-byte header of one regular file.

use std::ops::Range;

use crate::error::{Result, refused};

pub(super) const BLOCK: usize = 512;

pub(super) type Block = [u8; BLOCK];

const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;
const PREFIX: Range<usize> = 345..500;

/// The size field has eleven octal digits: 8 GiB and more do not fit.
const MAX_SIZE: u64 = 0o777_7777_7777;

/// The only header of the regular file `path` of `size` bytes.
pub(super) fn encode(path: &str, size: u64) -> Result<Block> {
    check_path(path)?;
    let shown = path.escape_debug();
    let Some((prefix, name)) = split(path) else {
        return refused(format!(
            "{shown}: too long for a tar archive (100 bytes, or 155 up to a slash and 100 after it)"
        ));
    };
    if size > MAX_SIZE {
        return refused(format!(
            "{shown}: too large for a tar archive (less than 8 GiB)"
        ));
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, value: &str| {
        block[at..at + value.len()].copy_from_slice(value.as_bytes());
    };
    put(NAME.start, name);
    put(100, "0000644"); // mode
    put(108, "0000000"); // user
    put(116, "0000000"); // group
    put(SIZE.start, &format!("{size:011o}"));
    put(136, "00000000000"); // modification time
    put(156, "0"); // type
    put(257, "ustar\x0000"); // magic and version
    put(329, "0000000"); // device, major
    put(337, "0000000"); // device, minor
    put(PREFIX.start, prefix);
    let sum = format!("{:06o}\0 ", checksum(&block));
    block[CHECKSUM].copy_from_slice(sum.as_bytes());
    Ok(block)
}

fn check_path(path: &str) -> Result<()> {
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
    let path = path.escape_debug();
    refused(format!("{path}: {fault} in the name of an entry"))
}

/// Prefix and name of a path. The prefix is as long as possible, as in GNU tar; so the name is as
/// short as possible, and if it does not fit here, it fits nowhere.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME.len() {
        return Some(("", path));
    }
    let mut start = path.bytes().take(PREFIX.len() + 1);
    let (prefix, name) = path.split_at(start.rposition(|byte| byte == b'/')?);
    let name = name.strip_prefix('/')?;
    (name.len() <= NAME.len()).then_some((prefix, name))
}

/// The sum of all bytes, with the checksum itself counted as spaces.
fn checksum(block: &Block) -> u64 {
    let mut block = *block;
    block[CHECKSUM].fill(b' ');
    block.into_iter().map(u64::from).sum()
}
