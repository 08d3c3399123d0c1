//! The compressed data in gzip: RFC 1951, read with a fixed amount of memory.
//!
//! ```text
//! data  = block* last
//! block = is it the last (1 bit), its kind (2 bits), then for the kind
//!         0, stored:  at the next byte, length and its complement (16 bits each), the bytes
//!         1, fixed:   symbols in the codes of section 3.2.6
//!         2, dynamic: two codes (section 3.2.7), symbols in these
//! ```
//!
//! A symbol is a byte, the end of the block, or a length that is followed by a distance back. What
//! is refused is what Go's `compress/flate` refuses.

use std::io::{self, BufRead, Read as _};
use std::rc::Rc;

use super::{ends_early, invalid, read_array};

const WINDOW: usize = 1 << 15;
/// How much content is enough for one read, in bytes.
const ENOUGH: usize = 4 * WINDOW;
const LONGEST: u16 = 15;
const END_OF_BLOCK: u16 = 256;
/// The order in which the lengths of the code for code lengths are stored.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

pub(super) struct Inflate<R> {
    bits: Bits<R>,
    /// Those of the block that is read; the next is a block's header where there are none.
    codes: Option<Rc<Codes>>,
    is_last: bool,
    /// Kept, because making them for every small block would take time.
    fixed: Rc<Codes>,
}

/// The code of bytes and lengths, and that of distances.
type Codes = [Code; 2];

impl<R: BufRead> Inflate<R> {
    pub fn new(input: R) -> Self {
        let mut lengths = [8; 288];
        lengths[144..256].fill(9);
        lengths[256..280].fill(7);
        Self {
            bits: Bits {
                input,
                byte: 0,
                left: 0,
            },
            codes: None,
            is_last: true,
            fixed: Rc::new([Code::of(&lengths), Code::of(&[5; 32])]),
        }
    }

    /// The input, at the next whole byte.
    pub fn input(&mut self) -> &mut R {
        self.bits.left = 0;
        &mut self.bits.input
    }

    pub fn restart(&mut self) {
        self.is_last = false;
    }

    /// Drops all but the last bytes of `out`, adds more content to it, and returns the position of
    /// the first new byte. At the end of the data, nothing is new.
    pub fn read(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        out.drain(..out.len().saturating_sub(WINDOW));
        let start = out.len();
        while out.len() < ENOUGH {
            match &self.codes {
                Some(codes) if self.bits.read_symbol(codes, out)? == END_OF_BLOCK => {
                    self.codes = None;
                }
                Some(_) => {}
                None if self.is_last => break,
                None => self.read_header(out)?,
            }
        }
        Ok(start)
    }

    /// Reads the header of a block, and if it is a stored block, all of it.
    fn read_header(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.is_last = self.bits.take(1)? == 1;
        match self.bits.take(2)? {
            0 => {
                let [l0, l1, c0, c1] = read_array(self.input())?;
                if [l0, l1] != [!c0, !c1] {
                    return Err(damaged("the two lengths of a block disagree"));
                }
                let length = u64::from(u16::from_le_bytes([l0, l1]));
                if io::copy(&mut self.input().take(length), out)? < length {
                    return Err(ends_early());
                }
            }
            1 => self.codes = Some(self.fixed.clone()),
            2 => self.codes = Some(self.bits.read_codes()?.into()),
            _ => return Err(damaged("a block has an unknown kind")),
        }
        Ok(())
    }
}

/// Bits of a file, the least significant of each byte first.
struct Bits<R> {
    input: R,
    byte: u8,
    left: u8,
}

impl<R: BufRead> Bits<R> {
    fn bit(&mut self) -> io::Result<u16> {
        if self.left == 0 {
            ([self.byte], self.left) = (read_array(&mut self.input)?, 8);
        }
        let bit = self.byte & 1;
        (self.byte, self.left) = (self.byte >> 1, self.left - 1);
        Ok(bit.into())
    }

    fn take(&mut self, bits: u16) -> io::Result<u16> {
        (0..bits).try_fold(0, |number, place| Ok(number | self.bit()? << place))
    }

    fn symbol(&mut self, code: &Code) -> io::Result<u16> {
        // The codes of one length are consecutive numbers: RFC 1951, section 3.2.2.
        let (mut value, mut first, mut index) = (0, 0, 0);
        for count in &code.counts {
            value += usize::from(self.bit()?);
            if let Some(place) = value.checked_sub(first).filter(|place| place < count) {
                return Ok(code.symbols[index + place]);
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(damaged("a code stands for nothing"))
    }

    fn read_codes(&mut self) -> io::Result<Codes> {
        let literals = usize::from(self.take(5)?) + 257;
        let all = literals + usize::from(self.take(5)?) + 1;
        if literals > 286 || all - literals > 30 {
            return Err(damaged("a code has too many symbols"));
        }
        let mut lengths = [0; ORDER.len()];
        let count = usize::from(self.take(4)?) + 4;
        for place in ORDER.iter().take(count) {
            lengths[*place] = self.take(3)?;
        }
        let code = Code::new(&lengths)?;
        let mut lengths = Vec::with_capacity(all);
        while lengths.len() < all {
            let (length, times) = match self.symbol(&code)? {
                16 => (lengths.last().copied(), 3 + self.take(2)?),
                17 => (Some(0), 3 + self.take(3)?),
                18 => (Some(0), 11 + self.take(7)?),
                length => (Some(length), 1),
            };
            let length = length.ok_or_else(|| damaged("there is no length to repeat"))?;
            lengths.extend((0..times).map(|_| length));
        }
        if lengths.len() > all {
            return Err(damaged("a code has too many lengths"));
        }
        let (literals, distances) = lengths.split_at(literals);
        Ok([Code::new(literals)?, Code::new(distances)?])
    }

    /// Reads a symbol of a block and, after a length, its distance (RFC 1951, section 3.2.5).
    fn read_symbol(&mut self, [literals, distances]: &Codes, out: &mut Vec<u8>) -> io::Result<u16> {
        let symbol = self.symbol(literals)?;
        let length = match symbol {
            ..END_OF_BLOCK => {
                out.extend(u8::try_from(symbol));
                return Ok(symbol);
            }
            END_OF_BLOCK => return Ok(symbol),
            257..265 => symbol - 254,
            265..285 => {
                let (base, extra) = (4 + (symbol - 1) % 4, (symbol - 261) / 4);
                3 + (base << extra) + self.take(extra)?
            }
            285 => 258,
            _ => return Err(damaged("a length has no meaning")),
        };
        let distance = match self.symbol(distances)? {
            symbol @ ..4 => 1 + symbol,
            symbol @ 4..30 => {
                let (base, extra) = (2 + symbol % 2, symbol / 2 - 1);
                1 + (base << extra) + self.take(extra)?
            }
            _ => return Err(damaged("a distance has no meaning")),
        };
        let start = out.len().checked_sub(distance.into());
        let start = start.ok_or_else(|| damaged("a distance leads back beyond the beginning"))?;
        for place in (start..).take(length.into()) {
            out.push(out[place]);
        }
        Ok(symbol)
    }
}

/// A prefix code: the number of symbols of each length from 1, and all symbols in the order of
/// their codes.
struct Code {
    counts: Vec<usize>,
    symbols: Vec<u16>,
}

impl Code {
    /// The code for symbols with these lengths; 0 means that a symbol does not occur.
    fn of(lengths: &[u16]) -> Self {
        let mut counts = vec![0; usize::from(LONGEST) + 1];
        for length in lengths {
            counts[usize::from(*length)] += 1;
        }
        counts.remove(0);
        let used = lengths.iter().zip(0..).filter(|(length, _)| **length > 0);
        let mut used: Vec<(&u16, u16)> = used.collect();
        used.sort_unstable();
        let symbols = used.into_iter().map(|(_, symbol)| symbol).collect();
        Self { counts, symbols }
    }

    /// The same, but every sequence of bits must stand for something. The exceptions: a single
    /// symbol may have one bit, and a code without symbols is refused only when it is used.
    fn new(lengths: &[u16]) -> io::Result<Self> {
        let code = Self::of(lengths);
        let share = |(length, count): (u16, &usize)| count << (LONGEST - length);
        let shares: usize = (1..).zip(&code.counts).map(share).sum();
        let is_single = code.symbols.len() == 1 && shares == 1 << (LONGEST - 1);
        if shares == 1 << LONGEST || is_single || code.symbols.is_empty() {
            return Ok(code);
        }
        Err(damaged("the lengths of a code do not fit together"))
    }
}

fn damaged(what: &str) -> io::Error {
    invalid(format!("damaged: {what} in the compressed data"))
}
