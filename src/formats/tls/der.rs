//! The Distinguished Encoding Rules of ASN.1 (ITU-T X.690), as far as certificates and keys need them.
//!
//! Tags of one byte and definite lengths in their shortest form, up to four bytes. `None` always means "not DER". A
//! SEQUENCE may go on behind the fields that are read: Go allows it, for the sake of later versions.

pub const BOOLEAN: u8 = 0x01;
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

/// Reads one element after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(der: &'a [u8]) -> Self {
        Self { rest: der }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether the next element has this tag.
    pub fn next_is(&self, tag: u8) -> bool {
        self.rest.first() == Some(&tag)
    }

    /// The next element's tag and contents.
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, length, after) = self.header()?;
        let contents;
        (contents, self.rest) = after.split_at_checked(length)?;
        Some((tag, contents))
    }

    /// The next element's tag, the length of its contents, and what follows these two.
    fn header(&self) -> Option<(u8, usize, &'a [u8])> {
        let (&tag, after_tag) = self.rest.split_first()?;
        let (&first, after) = after_tag.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        if first < 0x80 {
            return Some((tag, first.into(), after));
        }
        let (bytes, after) = after.split_at_checked((first & 0x7f).into())?;
        Some((tag, long_length(bytes)?, after))
    }

    /// The contents of the next element, which must have this tag.
    pub fn contents(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|&(found, _)| found == tag)
            .map(|(_, contents)| contents)
    }

    /// The inside of the next element, which must have this tag.
    pub fn inside(&mut self, tag: u8) -> Option<Self> {
        self.contents(tag).map(Self::new)
    }

    /// The contents of the next element, which must have this tag, and everything behind it.
    pub fn opened(&self, tag: u8) -> Option<Self> {
        self.header()
            .filter(|&(found, ..)| found == tag)
            .map(|(.., after)| Self::new(after))
    }

    /// Skips the next element if it has this tag.
    pub fn skip_optional(&mut self, tag: u8) -> Option<()> {
        if self.next_is(tag) {
            self.contents(tag).map(drop)
        } else {
            Some(())
        }
    }

    pub fn boolean(&mut self) -> Option<bool> {
        match self.contents(BOOLEAN)? {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// An INTEGER's two's complement bytes, as few as possible.
    pub fn integer(&mut self) -> Option<&'a [u8]> {
        match self.contents(INTEGER)? {
            [] | [0, 0..0x80, ..] | [0xff, 0x80..=0xff, ..] => None,
            bytes => Some(bytes),
        }
    }

    /// The bytes of an INTEGER above zero, without a leading zero.
    pub fn positive(&mut self) -> Option<&'a [u8]> {
        match self.integer()? {
            [0] | [0x80..=0xff, ..] => None,
            [0, bytes @ ..] | bytes => Some(bytes),
        }
    }

    /// An INTEGER that fits Go's `int`.
    pub fn int(&mut self) -> Option<i64> {
        let bytes = self.integer()?;
        let sign = if bytes.first()? & 0x80 == 0 { 0 } else { -1 };
        (bytes.len() <= 8).then(|| {
            bytes
                .iter()
                .fold(sign, |int, &byte| int << 8 | i64::from(byte))
        })
    }

    /// An OBJECT IDENTIFIER's contents; no arc exceeds 31 bits.
    pub fn object_identifier(&mut self) -> Option<&'a [u8]> {
        let contents = self.contents(OBJECT_IDENTIFIER)?;
        let mut arc = 0_u32;
        for &byte in contents {
            if arc >= 1 << 24 {
                return None;
            }
            arc = arc << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                arc = 0;
            }
        }
        contents
            .last()
            .filter(|&byte| byte & 0x80 == 0)
            .map(|_| contents)
    }

    pub fn bit_string(&mut self) -> Option<BitString<'a>> {
        let (&unused, bytes) = self.contents(BIT_STRING)?.split_first()?;
        let mask = 1_u8.checked_shl(unused.into())? - 1;
        let padded = match bytes.last() {
            Some(last) => last & mask == 0,
            None => unused == 0,
        };
        padded.then_some(BitString { unused, bytes })
    }
}

/// A BIT STRING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitString<'a> {
    unused: u8,
    bytes: &'a [u8],
}

impl<'a> BitString<'a> {
    pub fn len(self) -> usize {
        self.bytes.len()
    }

    /// The bytes, if the last one is used to its end.
    pub fn whole_bytes(self) -> Option<&'a [u8]> {
        (self.unused == 0).then_some(self.bytes)
    }
}

fn long_length(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&0) || bytes.len() > 4 {
        return None;
    }
    let length = bytes
        .iter()
        .fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
    (length >= 0x80)
        .then(|| usize::try_from(length).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::{Reader, SEQUENCE};

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
            assert!(Reader::new(der).contents(SEQUENCE).is_none(), "{der:02x?}");
        }
        assert_eq!(
            Reader::new(b"\x30\x01\x05tail").contents(SEQUENCE),
            Some(&b"\x05"[..])
        );
        assert!(
            Reader::new(b"\x3f\x21\x00").any().is_none(),
            "a tag of two bytes"
        );
        assert!(
            Reader::new(&[0x80; 0x82]).any().is_none(),
            "an indefinite length"
        );
        let mut long = vec![0x30, 0x81, 0x80];
        long.extend([7; 0x80]);
        assert_eq!(Reader::new(&long).contents(SEQUENCE), Some(&[7; 0x80][..]));
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
            assert_eq!(Reader::new(der).int(), int, "{der:02x?}");
        }
        assert_eq!(
            Reader::new(b"\x02\x02\x00\x80").positive(),
            Some(&b"\x80"[..])
        );
        assert_eq!(Reader::new(b"\x02\x01\x00").positive(), None);
        assert_eq!(Reader::new(b"\x02\x01\x80").positive(), None);
    }

    #[test]
    fn reads_booleans_identifiers_and_bit_strings_strictly() {
        assert_eq!(Reader::new(b"\x01\x01\xff").boolean(), Some(true));
        assert_eq!(Reader::new(b"\x01\x01\x00").boolean(), Some(false));
        assert_eq!(Reader::new(b"\x01\x01\x01").boolean(), None);
        assert_eq!(Reader::new(b"\x01\x00").boolean(), None);

        let identifier = |der| Reader::new(der).object_identifier();
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

        let bits = |der| {
            Reader::new(der)
                .bit_string()
                .map(|bits| (bits.len(), bits.whole_bytes()))
        };
        assert_eq!(bits(b"\x03\x02\x00\x81"), Some((1, Some(&b"\x81"[..]))));
        assert_eq!(bits(b"\x03\x02\x01\x80"), Some((1, None)));
        assert_eq!(bits(b"\x03\x01\x00"), Some((0, Some(&b""[..]))));
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
