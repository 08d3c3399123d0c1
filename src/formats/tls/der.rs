//! The Distinguished Encoding Rules of ASN.1 (ITU-T X.690), as far as certificates and keys need
//! them: tags of one byte, and definite lengths in their shortest form, up to four bytes.
//!
//! A SEQUENCE may have more fields after those that are read: Go allows this for later versions.

use anyhow::{Context, Result, bail, ensure};

const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// The context-specific tag `[number]` of a primitive (IMPLICIT) field.
pub const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// The context-specific tag `[number]` of a field that wraps another one (EXPLICIT).
pub const fn explicit(number: u8) -> u8 {
    0xa0 | number
}

/// Reads one element after another. Every error is the message that the reader was created with.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    fault: &'static str,
}

impl<'a> Reader<'a> {
    pub fn new(der: &'a [u8], fault: &'static str) -> Self {
        Self { rest: der, fault }
    }

    pub fn require(&self, condition: bool) -> Result<()> {
        ensure!(condition, self.fault);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn next_is(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    pub fn any(&mut self) -> Result<(u8, &'a [u8])> {
        let (tag, length, after) = self.header().context(self.fault)?;
        let contents;
        (contents, self.rest) = after.split_at_checked(length).context(self.fault)?;
        Ok((tag, contents))
    }

    /// The next element's tag, the length of its contents, and what follows these two.
    fn header(&self) -> Option<(u8, usize, &'a [u8])> {
        let (&tag, length) = self.rest.split_first()?;
        let (length, after) = match *length {
            [a @ 0..=0x7f, ref after @ ..] | [0x81, a @ 0x80..=0xff, ref after @ ..] => {
                ([0, 0, 0, a], after)
            }
            [0x82, a @ 1..=0xff, b, ref after @ ..] => ([0, 0, a, b], after),
            [0x83, a @ 1..=0xff, b, c, ref after @ ..] => ([0, a, b, c], after),
            [0x84, a @ 1..=0xff, b, c, d, ref after @ ..] => ([a, b, c, d], after),
            _ => return None,
        };
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        (tag & 0x1f != 0x1f).then_some((tag, length, after))
    }

    /// The contents of the next element, which must have this tag.
    pub fn contents(&mut self, tag: u8) -> Result<&'a [u8]> {
        let (found, contents) = self.any()?;
        self.require(found == tag)?;
        Ok(contents)
    }

    /// A reader of the contents of the next element, which must have this tag.
    pub fn inside(&mut self, tag: u8) -> Result<Self> {
        Ok(Self::new(self.contents(tag)?, self.fault))
    }

    /// Skips the next element if it has this tag.
    pub fn skip_optional(&mut self, tag: u8) -> Result<()> {
        if self.next_is(tag) {
            self.contents(tag)?;
        }
        Ok(())
    }

    /// An optional EXPLICIT field. Like Go, it trusts the length of what is inside, not of the
    /// wrapper.
    pub fn optional<T>(&mut self, tag: u8, read: impl Fn(&mut Self) -> Result<T>) -> Option<T> {
        let (_, _, rest) = self.header().filter(|(found, ..)| *found == tag)?;
        let mut inside = Self { rest, ..*self };
        let value = read(&mut inside).ok()?;
        *self = inside;
        Some(value)
    }

    pub fn boolean(&mut self) -> Result<bool> {
        if !self.next_is(BOOLEAN) {
            return Ok(false);
        }
        let value = self.contents(BOOLEAN)?;
        self.require(matches!(value, [0 | 0xff]))?;
        Ok(value == [0xff])
    }

    /// An INTEGER's two's complement bytes, as few as possible.
    pub fn integer(&mut self) -> Result<&'a [u8]> {
        match self.contents(INTEGER)? {
            [] | [0, 0..0x80, ..] | [0xff, 0x80..=0xff, ..] => bail!(self.fault),
            bytes => Ok(bytes),
        }
    }

    /// The bytes of an INTEGER above zero, without a leading zero.
    pub fn positive(&mut self) -> Result<&'a [u8]> {
        match self.integer()? {
            [0] | [0x80..=0xff, ..] => bail!(self.fault),
            [0, bytes @ ..] | bytes => Ok(bytes),
        }
    }

    /// An INTEGER that fits Go's `int`.
    pub fn int(&mut self) -> Result<i64> {
        let bytes = self.integer()?;
        self.require(bytes.len() <= 8)?;
        let sign = -i64::from(matches!(bytes, [0x80..=0xff, ..]));
        Ok(bytes
            .iter()
            .fold(sign, |int, &byte| int << 8 | i64::from(byte)))
    }

    /// An OBJECT IDENTIFIER's contents; no arc exceeds 31 bits.
    pub fn object_identifier(&mut self) -> Result<&'a [u8]> {
        let contents = self.contents(OBJECT_IDENTIFIER)?;
        let mut arc = 0_u32;
        for &byte in contents {
            self.require(arc < 1 << 24)?;
            arc = if byte < 0x80 {
                0
            } else {
                arc << 7 | u32::from(byte & 0x7f)
            };
        }
        self.require(matches!(contents, [.., 0..0x80]))?;
        Ok(contents)
    }

    /// How many bits of a BIT STRING's last byte are unused, and its bytes.
    pub fn bit_string(&mut self) -> Result<(u8, &'a [u8])> {
        let (&unused, bytes) = self
            .contents(BIT_STRING)?
            .split_first()
            .context(self.fault)?;
        let zeros = bytes.last().map_or(0, |last| last.trailing_zeros());
        self.require(unused < 8 && zeros >= unused.into())?;
        Ok((unused, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, SEQUENCE};

    fn reader(der: &[u8]) -> Reader<'_> {
        Reader::new(der, "not DER")
    }

    #[test]
    fn refuses_what_is_not_der() {
        let cases: [&[u8]; 11] = [
            b"",
            b"\x30",
            b"\x30\x01",
            b"\x30\x80\x00\x00",
            b"\x30\x81\x01\x00",
            b"\x30\x82\x00\x80",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x85\x00\x00\x00\x00\x80",
            b"\x30\xff",
            b"\x3f\x21\x00",
            b"\x31\x00",
        ];
        for der in cases {
            assert!(reader(der).contents(SEQUENCE).is_err(), "{der:02x?}");
        }
        assert_eq!(
            reader(b"\x30\x01\x05tail").contents(SEQUENCE).ok(),
            Some(&b"\x05"[..])
        );
        assert!(reader(b"\x3f\x21\x00").any().is_err(), "a tag of two bytes");
        assert!(reader(&[0x80; 0x82]).any().is_err(), "an indefinite length");
        let mut long = vec![0x30, 0x81, 0x80];
        long.extend([7; 0x80]);
        assert_eq!(reader(&long).contents(SEQUENCE).ok(), Some(&[7; 0x80][..]));
    }

    #[test]
    fn reads_integers_in_their_shortest_form_only() {
        let cases: [(&[u8], Option<i64>); 9] = [
            (b"\x02\x00", None),
            (b"\x02\x01\x00", Some(0)),
            (b"\x02\x01\x7f", Some(127)),
            (b"\x02\x01\x80", Some(-128)),
            (b"\x02\x02\x00\x80", Some(128)),
            (b"\x02\x02\x00\x7f", None),
            (b"\x02\x02\xff\x80", None),
            (b"\x02\x02\xff\x7f", Some(-129)),
            (b"\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ];
        for (der, int) in cases {
            assert_eq!(reader(der).int().ok(), int, "{der:02x?}");
        }
        assert_eq!(
            reader(b"\x02\x02\x00\x80").positive().ok(),
            Some(&b"\x80"[..])
        );
        assert_eq!(reader(b"\x02\x01\x00").positive().ok(), None);
        assert_eq!(reader(b"\x02\x01\x80").positive().ok(), None);
    }

    #[test]
    fn reads_booleans_identifiers_and_bit_strings_strictly() {
        for (der, value, rest) in [
            (&b"\x01\x01\xff\x05"[..], Some(true), &b"\x05"[..]),
            (b"\x01\x01\x00\x05", Some(false), b"\x05"),
            (b"\x01\x01\x01\x05", None, b"\x05"),
            (b"\x01\x00\x05", None, b"\x05"),
            (b"\x02\x01\x01", Some(false), b"\x02\x01\x01"),
        ] {
            let mut reader = reader(der);
            assert_eq!(reader.boolean().ok(), value, "{der:02x?}");
            assert_eq!(reader.rest, rest, "{der:02x?}");
        }

        let identifier = |der| reader(der).object_identifier().ok();
        assert_eq!(
            identifier(b"\x06\x03\x55\x1d\x0f"),
            Some(&b"\x55\x1d\x0f"[..])
        );
        assert_eq!(
            identifier(b"\x06\x06\x55\x87\xff\xff\xff\x7f").map(<[u8]>::len),
            Some(6)
        );
        assert_eq!(
            identifier(b"\x06\x06\x55\x88\x80\x80\x80\x00"),
            None,
            "an arc of 32 bits"
        );
        assert_eq!(identifier(b"\x06\x02\x55\x9d"), None, "cut off");
        assert_eq!(identifier(b"\x06\x00"), None);

        let bits = |der| reader(der).bit_string().ok();
        assert_eq!(bits(b"\x03\x02\x00\x81"), Some((0, &b"\x81"[..])));
        assert_eq!(bits(b"\x03\x02\x01\x80"), Some((1, &b"\x80"[..])));
        assert_eq!(bits(b"\x03\x01\x00"), Some((0, &b""[..])));
        for der in [
            &b"\x03\x00"[..],
            b"\x03\x01\x01",
            b"\x03\x02\x01\x81",
            b"\x03\x02\x08\x00",
        ] {
            assert_eq!(bits(der), None, "{der:02x?}");
        }
    }
}
