//! tar as any program writes it: V7, ustar, pax (POSIX.1-2017, IEEE Std 1003.1, utility `pax`),
//! star and GNU, as Go's `archive/tar` reads them.
//!
//! ```text
//! archive = member* [end]
//! member  = extension* header (512 bytes), content, padding to a multiple of 512
//! end     = 1,024 zero bytes; what follows does not matter
//! ```
//!
//! An extension is a member that describes the next one: type `x` holds pax records (`LENGTH
//! KEY=VALUE\n`), type `L` a long name of GNU's. Go reads sparse files too; they are refused here,
//! because nobody has them in a package.

use std::io::{self, Read, Take};
use std::ops::Range;

use super::{BLOCK, CHECKSUM, NAME, PREFIX, SIZE, ends_early, invalid};
use crate::layout::MAX_SMALL;

const MODE: Range<usize> = 100..108;
const TYPE: usize = 156;
const MAGIC: Range<usize> = 257..263;
const VERSION: Range<usize> = 263..265;
/// The other numbers in a header: user, group and modification time.
const NUMBERS: [Range<usize>; 3] = [108..116, 116..124, 136..148];
/// With a magic, the device too, and in what `star` writes the times of access and of change.
const MORE: [Range<usize>; 4] = [329..337, 337..345, 476..488, 488..500];
/// The prefix of the name in what `star` writes.
const STAR_PREFIX: Range<usize> = 345..476;
/// The times of access and of change in what GNU tar writes.
const GNU_ATIME: Range<usize> = 345..357;
const GNU_CTIME: Range<usize> = 357..369;

/// The most bytes of names and pax headers in an archive: programs write a few hundred for a member.
const MAX_EXTENSIONS: u64 = 256 << 20;

/// Reads the members of a tar archive. As a [`Read`], it is the content of the current one.
pub struct Reader<R> {
    content: Take<R>,
    padding: u64,
    /// The bytes of names and pax headers so far.
    extensions: u64,
}

/// What an archive says about a member.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// As written, including a `./` at the start or a `/` at the end. Whatever reads a package puts
    /// the path here as the peer cleans it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Of the content, in bytes.
    pub size: u64,
    /// The permissions, and whatever else a program put in there.
    pub mode: u64,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// Something else, in words.
    Other(&'static str),
}

/// The records of a pax header: the last one for each of [`KEYS`].
type Records = Vec<(&'static [u8], Vec<u8>)>;

const KEYS: [&[u8]; 7] = [
    b"path", b"size", b"uid", b"gid", b"atime", b"ctime", b"mtime",
];

impl<R: Read> Reader<R> {
    /// Reads nothing yet.
    pub fn new(inner: R) -> Self {
        Self {
            content: inner.take(0),
            padding: 0,
            extensions: 0,
        }
    }

    /// What follows the archive, once there is no next member.
    pub fn get_mut(&mut self) -> &mut R {
        self.content.get_mut()
    }

    /// The next member, or `None` at the end. What was not read of the one before is skipped. An
    /// error about the archive is of the kind `InvalidData`.
    pub fn next_member(&mut self) -> io::Result<Option<Header>> {
        let (mut records, mut gnu_name) = (Records::new(), Vec::new());
        loop {
            let Some(block) = self.read_block()? else {
                return Ok(None);
            };
            let mut header = Raw::parse(&block)?;
            self.start(&header)?;
            match header.kind {
                b'x' => records = parse_records(&self.read_small()?)?,
                b'L' => text(&self.read_small()?).clone_into(&mut gnu_name),
                b'K' => drop(self.read_small()?),
                _ => {
                    header.extend(records, gnu_name)?;
                    let size = self.start(&header)?;
                    return header.into_header(size).map(Some);
                }
            }
        }
    }

    /// Starts the content of a member, and returns its size.
    fn start(&mut self, header: &Raw) -> io::Result<u64> {
        let size = match header.kind {
            // These have no content, whatever their size says.
            b'1'..=b'6' => 0,
            _ => u64::try_from(header.size).map_err(|_| damaged("a negative size"))?,
        };
        self.content.set_limit(size);
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        Ok(size)
    }

    /// The block after the last member, or `None` at the end.
    fn read_block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        io::copy(self, &mut io::sink())?;
        self.content.set_limit(self.padding);
        io::copy(&mut self.content, &mut io::sink())?;
        let mut blocks = [[0; BLOCK]; 2];
        for block in &mut blocks {
            self.content.set_limit(BLOCK as u64);
            let mut read = 0;
            while let more @ 1.. = self.content.read(&mut block[read..])? {
                read += more;
            }
            match read {
                0 => return Ok(None),
                BLOCK if *block == [0; BLOCK] => {}
                BLOCK => break,
                _ => return Err(ends_early()),
            }
        }
        match blocks {
            [block, _] if block != [0; BLOCK] => Ok(Some(block)),
            [_, block] if block != [0; BLOCK] => {
                Err(damaged("a single block of zeros before its end"))
            }
            _ => Ok(None),
        }
    }

    fn read_small(&mut self) -> io::Result<Vec<u8>> {
        if self.content.limit() > MAX_SMALL {
            return Err(invalid("tar: a name or pax header of more than 1 MiB"));
        }
        self.extensions += BLOCK as u64 + self.content.limit();
        if self.extensions > MAX_EXTENSIONS {
            return Err(invalid("tar: more than 256 MiB of names and pax headers"));
        }
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        Ok(content)
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(out)?;
        if read == 0 && self.content.limit() > 0 && !out.is_empty() {
            return Err(ends_early());
        }
        Ok(read)
    }
}

struct Raw {
    name: Vec<u8>,
    kind: u8,
    size: i64,
    mode: i64,
}

impl Raw {
    fn parse(block: &[u8; BLOCK]) -> io::Result<Self> {
        let number = |field: Range<usize>| {
            let number = number_in(&block[field]);
            number.ok_or_else(|| damaged("a header with a field that is not a number"))
        };
        let fields = match (&block[MAGIC], &block[VERSION]) {
            (b"ustar\0", _) if block.ends_with(b"tar\0") => (text(&block[STAR_PREFIX]), &MORE[..]),
            (b"ustar\0", _) => (text(&block[PREFIX]), &MORE[..2]),
            (b"ustar ", b" \0") => (gnu_prefix(block), &MORE[..2]),
            _ => (&b""[..], &[][..]),
        };
        let (prefix, more) = fields;
        let sum = number_in(&block[CHECKSUM]);
        if !sums(block).contains(&sum) {
            return Err(damaged("a header with the wrong checksum"));
        }
        for field in NUMBERS.iter().chain(more) {
            number(field.clone())?;
        }
        let name = text(&block[NAME]);
        Ok(Self {
            name: match prefix {
                b"" => name.to_owned(),
                _ => [prefix, b"/", name].concat(),
            },
            kind: block[TYPE],
            size: number(SIZE)?,
            mode: number(MODE)?,
        })
    }

    /// Applies what extensions say. GNU's name always wins.
    fn extend(&mut self, records: Records, gnu_name: Vec<u8>) -> io::Result<()> {
        for (key, value) in records.into_iter().filter(|(_, value)| !value.is_empty()) {
            match key {
                b"path" => self.name = value,
                b"size" => self.size = integer(&value)?,
                b"uid" | b"gid" => drop(integer(&value)?),
                b"atime" | b"ctime" | b"mtime" => drop(time(&value)?),
                _ => {}
            }
        }
        if !gnu_name.is_empty() {
            self.name = gnu_name;
        }
        if self.kind == 0 {
            // V7 has no types.
            let is_dir = self.name.ends_with(b"/");
            self.kind = if is_dir { b'5' } else { b'0' };
        }
        Ok(())
    }

    fn into_header(self, size: u64) -> io::Result<Header> {
        let name = String::from_utf8(self.name).map_err(|error| {
            let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
            invalid(format!("{name}: the name is not UTF-8; rename it"))
        })?;
        let kind = match self.kind {
            b'5' => Kind::Dir,
            b'0' => Kind::File,
            b'1' => Kind::Other("a hard link"),
            b'2' => Kind::Other("a symbolic link"),
            b'3' | b'4' => Kind::Other("a device"),
            b'6' => Kind::Other("a FIFO"),
            b'S' => Kind::Other("a sparse file"),
            b'g' => Kind::Other("a global pax header, which git archive writes"),
            _ => Kind::Other("of an unknown type"),
        };
        Ok(Header {
            name,
            kind,
            size,
            mode: self.mode.cast_unsigned(),
        })
    }
}

/// Until 1.8, Go wrote prefixes into GNU headers, over the two times. It still reads them, if a
/// time is no number.
fn gnu_prefix(block: &[u8; BLOCK]) -> &[u8] {
    let is_no_time =
        |time: Range<usize>| block[time.start] != 0 && number_in(&block[time]).is_none();
    let prefix = text(&block[PREFIX]);
    if (is_no_time(GNU_ATIME) || is_no_time(GNU_CTIME)) && prefix.is_ascii() {
        prefix
    } else {
        b""
    }
}

fn parse_records(mut content: &[u8]) -> io::Result<Records> {
    let mut records = Records::new();
    while !content.is_empty() {
        let (key, value, rest) = record(content).ok_or_else(|| damaged("an invalid pax header"))?;
        if key.starts_with(b"GNU.sparse.") {
            return Err(invalid("tar: a sparse file; leave out --sparse"));
        }
        if let Some(known) = KEYS.iter().find(|known| **known == key) {
            records.retain(|(key, _)| key != known);
            records.push((*known, value.to_owned()));
        }
        content = rest;
    }
    Ok(records)
}

/// The first of some pax records: its key, its value, and what follows.
fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let (digits, _) = records.split_at(space);
    let length = usize::try_from(integer(digits).ok()?).ok()?;
    let (record, rest) = records.split_at_checked(length)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
    let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
    let has_nul = if is_text { value } else { key }.contains(&0);
    (!key.is_empty() && !has_nul).then_some((key, value, rest))
}

fn integer(text: &[u8]) -> io::Result<i64> {
    let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| damaged("an invalid number in a pax header"))
}

/// Seconds, without their fraction.
fn time(text: &[u8]) -> io::Result<i64> {
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let seconds = integer(parts.next().unwrap_or_default())?;
    match parts.next() {
        Some(fraction) if !fraction.iter().all(u8::is_ascii_digit) => {
            Err(damaged("an invalid time in a pax header"))
        }
        _ => Ok(seconds),
    }
}

/// A number in a header: in octal digits or, if it is too large for them, in base 256.
fn number_in(field: &[u8]) -> Option<i64> {
    if let [first @ 0x80..=0xff, rest @ ..] = field {
        // The first bit marks base 256, the second is the sign.
        let first = i128::from((first << 1).cast_signed() >> 1);
        let number = rest
            .iter()
            .fold(first, |number, byte| number << 8 | i128::from(*byte));
        return i64::try_from(number).ok();
    }
    let digits = String::from_utf8_lossy(field);
    let digits = digits.trim_matches([' ', '\0']);
    // What follows a zero byte does not matter.
    let digits = digits.split('\0').next().unwrap_or_default();
    match digits {
        "" => Some(0),
        _ if digits.starts_with('+') => None,
        _ => u64::from_str_radix(digits, 8).ok().map(u64::cast_signed),
    }
}

/// The sum of all bytes, with the checksum itself counted as spaces; and the same with signed
/// bytes, as some old programs compute it.
fn sums(block: &[u8; BLOCK]) -> [Option<i64>; 2] {
    let mut block = *block;
    block[CHECKSUM].fill(b' ');
    let signed = block.iter().map(|byte| i64::from(byte.cast_signed())).sum();
    [Some(block.into_iter().map(i64::from).sum()), Some(signed)]
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn damaged(what: &str) -> io::Error {
    invalid(format!("damaged: the tar archive has {what}"))
}
