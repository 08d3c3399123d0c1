//! The compressed data of gzip: RFC 1951, read in memory that does not grow.
//!
//! ```text
//! data  = block* last
//! block = 1 bit: is it the last; 2 bits: its kind
//!         0, stored:  up to the next byte; length and its complement (16 bits each), the bytes
//!         1, fixed:   symbols in the codes of section 3.2.6
//!         2, dynamic: the lengths of both codes (section 3.2.7), symbols in these
//! ```
//!
//! A symbol is a byte, the end of the block, or a length, after which a distance back is next. What
//! is refused is what Go's `compress/flate` refuses.

use std::io::{self, BufRead};

use super::{ends_early, invalid};

/// The farthest that a distance leads back.
const WINDOW: usize = 1 << 15;
/// The longest code in bits.
const LONGEST: usize = 15;
/// Codes of up to so many bits are found in one step.
const FAST: usize = 9;
/// The most symbols of a code.
const SYMBOLS: usize = 288;
const END_OF_BLOCK: u16 = 256;
/// The order in which the lengths of the code for lengths are written.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// Bits of a file, the least significant of each byte first.
pub(super) struct Bits<R> {
    input: R,
    held: u64,
    count: u32,
}

impl<R: BufRead> Bits<R> {
    pub fn new(input: R) -> Self {
        let (held, count) = (0, 0);
        Self { input, held, count }
    }

    /// Holds more bits than any symbol with what belongs to it has, unless the file ends.
    fn fill(&mut self) -> io::Result<()> {
        while self.count <= 56 {
            let available = self.input.fill_buf()?;
            let room = usize::try_from((64 - self.count) / 8).unwrap_or_default();
            let taken = available.len().min(room);
            if taken == 0 {
                break;
            }
            for byte in available.iter().take(taken) {
                self.held |= u64::from(*byte) << self.count;
                self.count += 8;
            }
            self.input.consume(taken);
        }
        Ok(())
    }

    /// The next bits, at most 16.
    pub fn take(&mut self, bits: u32) -> io::Result<u16> {
        if self.count < bits {
            self.fill()?;
        }
        let [low, high, ..] = (self.held & ((1 << bits) - 1)).to_le_bytes();
        self.drop(bits)?;
        Ok(u16::from_le_bytes([low, high]))
    }

    fn drop(&mut self, bits: u32) -> io::Result<()> {
        self.count = self.count.checked_sub(bits).ok_or_else(ends_early)?;
        self.held = self.held.checked_shr(bits).unwrap_or_default();
        Ok(())
    }

    /// Goes on at the next byte.
    pub fn align(&mut self) -> io::Result<()> {
        self.drop(self.count % 8)
    }

    /// Reads whole bytes, as [`std::io::Read::read`] does. The bits must be aligned.
    pub fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match out {
            [first, ..] if self.count > 0 => {
                [*first, _] = self.take(8)?.to_le_bytes();
                Ok(1)
            }
            _ => self.input.read(out),
        }
    }

    /// The next three bytes as a number, or `None` where fewer follow.
    pub fn peek(&mut self) -> io::Result<Option<u64>> {
        self.fill()?;
        Ok((self.count >= 24).then_some(self.held & 0xff_ffff))
    }

    /// Whether the file ends here.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.count == 0 && self.input.fill_buf()?.is_empty())
    }

    fn symbol(&mut self, code: &Code) -> io::Result<u16> {
        if self.count < 48 {
            self.fill()?;
        }
        let entry = code.fast[(self.held & ((1 << FAST) - 1)) as usize];
        if entry != 0 {
            self.drop(u32::from(entry & 15))?;
            return Ok(entry >> 4);
        }
        // As in RFC 1951, section 3.2.2: codes of one length are consecutive numbers.
        let (mut value, mut first, mut index) = (0, 0, 0);
        for length in 1..=LONGEST {
            value |= (self.held >> (length - 1) & 1) as usize;
            let count = usize::from(code.counts[length]);
            if value < first + count {
                self.drop(length as u32)?;
                return Ok(code.symbols[index + value - first]);
            }
            index += count;
            first = (first + count) << 1;
            value <<= 1;
        }
        Err(damaged("a code that stands for nothing"))
    }
}

/// A prefix code: how many codes each length has, and the symbols in the order of their codes.
struct Code {
    counts: [u16; LONGEST + 1],
    symbols: [u16; SYMBOLS],
    /// For what may come next the symbol, and in the lowest four bits its length; 0 for longer ones.
    fast: [u16; 1 << FAST],
}

impl Code {
    const EMPTY: Self = Self {
        counts: [0; LONGEST + 1],
        symbols: [0; SYMBOLS],
        fast: [0; 1 << FAST],
    };

    /// The code of symbols with these lengths, of which 0 is for a symbol that does not occur.
    fn new(lengths: &[u8]) -> io::Result<Self> {
        let mut code = Self::EMPTY;
        for length in lengths {
            code.counts[usize::from(*length)] += 1;
        }
        code.counts[0] = 0;
        // The next code of each length, and the place of its symbol.
        let (mut next, mut places) = ([0; LONGEST + 1], [0; LONGEST + 1]);
        let (mut value, mut place) = (0, 0);
        for length in 1..=LONGEST {
            value <<= 1;
            (next[length], places[length]) = (value, place);
            value += u32::from(code.counts[length]);
            place += usize::from(code.counts[length]);
        }
        // Every sequence of bits stands for something; but one symbol may have one bit, and a code
        // that is not used has none.
        let is_single = place == 1 && code.counts[1] == 1;
        if value != 1 << LONGEST && place != 0 && !is_single {
            return Err(damaged("the lengths of a code do not fit together"));
        }
        for (symbol, length) in (0..).zip(lengths.iter().map(|length| usize::from(*length))) {
            if length == 0 {
                continue;
            }
            code.symbols[places[length]] = symbol;
            places[length] += 1;
            let reversed =
                (next[length] as usize).reverse_bits() >> (usize::BITS as usize - length);
            next[length] += 1;
            for entry in code.fast.iter_mut().skip(reversed).step_by(1 << length) {
                if length <= FAST {
                    *entry = symbol << 4 | length as u16;
                }
            }
        }
        Ok(code)
    }
}

/// What is being read.
enum State {
    Block,
    Stored(u16),
    Symbols,
    Match { length: usize, distance: usize },
    End,
}

/// Compressed data under way.
pub(super) struct Inflate {
    state: State,
    is_last: bool,
    is_fixed: bool,
    literals: Code,
    distances: Code,
    /// What was given last, around which [`Inflate::given`] goes.
    window: Box<[u8; WINDOW]>,
    given: usize,
}

impl Inflate {
    pub fn new() -> Self {
        Self {
            state: State::End,
            is_last: true,
            is_fixed: false,
            literals: Code::EMPTY,
            distances: Code::EMPTY,
            window: Box::new([0; WINDOW]),
            given: 0,
        }
    }

    /// Begins new data.
    pub fn restart(&mut self) {
        (self.state, self.is_last, self.given) = (State::Block, false, 0);
    }

    /// Reads as [`std::io::Read::read`] does; 0 is the end of the data.
    pub fn read<R: BufRead>(&mut self, bits: &mut Bits<R>, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < out.len() {
            let room = &mut out[written..];
            written += match self.state {
                State::End => break,
                State::Block => {
                    self.read_block(bits)?;
                    0
                }
                State::Stored(left) => self.read_stored(bits, left, room)?,
                State::Symbols => self.read_symbols(bits, room)?,
                State::Match { length, distance } => self.repeat(length, distance, room),
            };
        }
        Ok(written)
    }

    fn read_block<R: BufRead>(&mut self, bits: &mut Bits<R>) -> io::Result<()> {
        if self.is_last {
            self.state = State::End;
            return Ok(());
        }
        self.is_last = bits.take(1)? == 1;
        self.state = State::Symbols;
        match bits.take(2)? {
            0 => {
                bits.align()?;
                let (length, complement) = (bits.take(16)?, bits.take(16)?);
                if length != !complement {
                    return Err(damaged("a block has two lengths"));
                }
                self.state = State::Stored(length);
            }
            1 => self.fix_codes()?,
            2 => self.read_codes(bits)?,
            _ => return Err(damaged("a block of no kind")),
        }
        Ok(())
    }

    fn fix_codes(&mut self) -> io::Result<()> {
        // To make them again for every little block would take time.
        if !self.is_fixed {
            let mut lengths = [8; SYMBOLS];
            lengths[144..256].fill(9);
            lengths[256..280].fill(7);
            (self.literals, self.distances) = (Code::new(&lengths)?, Code::new(&[5; 32])?);
            self.is_fixed = true;
        }
        Ok(())
    }

    fn read_codes<R: BufRead>(&mut self, bits: &mut Bits<R>) -> io::Result<()> {
        let literals = usize::from(bits.take(5)?) + 257;
        let distances = usize::from(bits.take(5)?) + 1;
        if literals > 286 || distances > 30 {
            return Err(damaged("a code with too many symbols"));
        }
        let count = usize::from(bits.take(4)?) + 4;
        let mut lengths = [0; ORDER.len()];
        for place in ORDER.iter().take(count) {
            [lengths[*place], _] = bits.take(3)?.to_le_bytes();
        }
        let code = Code::new(&lengths)?;
        let all = literals + distances;
        let mut lengths = Vec::with_capacity(all);
        while lengths.len() < all {
            let (length, times) = match bits.symbol(&code)? {
                16 => (lengths.last().copied(), 3 + bits.take(2)?),
                17 => (Some(0), 3 + bits.take(3)?),
                18 => (Some(0), 11 + bits.take(7)?),
                length => (u8::try_from(length).ok(), 1),
            };
            let length = length.ok_or_else(|| damaged("no length of a code to repeat"))?;
            lengths.extend((0..times).map(|_| length));
        }
        if lengths.len() > all {
            return Err(damaged("too many lengths of a code"));
        }
        let (literals, distances) = lengths.split_at(literals);
        (self.literals, self.distances) = (Code::new(literals)?, Code::new(distances)?);
        self.is_fixed = false;
        Ok(())
    }

    fn read_stored<R: BufRead>(
        &mut self,
        bits: &mut Bits<R>,
        left: u16,
        room: &mut [u8],
    ) -> io::Result<usize> {
        let length = room.len().min(left.into());
        let read = bits.read(&mut room[..length])?;
        if read == 0 && left > 0 {
            return Err(ends_early());
        }
        self.remember(&room[..read]);
        self.state = match left - u16::try_from(read).unwrap_or_default() {
            0 => State::Block,
            left => State::Stored(left),
        };
        Ok(read)
    }

    /// Adds what was given to the window.
    fn remember(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.window[self.given % WINDOW] = *byte;
            self.given += 1;
        }
    }

    /// Reads bytes, up to a match or the end of the block.
    fn read_symbols<R: BufRead>(
        &mut self,
        bits: &mut Bits<R>,
        room: &mut [u8],
    ) -> io::Result<usize> {
        let mut written = 0;
        for byte in room {
            match bits.symbol(&self.literals)? {
                END_OF_BLOCK => {
                    self.state = State::Block;
                    break;
                }
                symbol @ ..END_OF_BLOCK => {
                    [*byte, _] = symbol.to_le_bytes();
                    self.window[self.given % WINDOW] = *byte;
                    self.given += 1;
                    written += 1;
                }
                symbol => {
                    self.state = self.read_match(bits, symbol - END_OF_BLOCK - 1)?;
                    break;
                }
            }
        }
        Ok(written)
    }

    /// Reads the rest of a match: RFC 1951, section 3.2.5.
    fn read_match<R: BufRead>(&self, bits: &mut Bits<R>, symbol: u16) -> io::Result<State> {
        let length = match symbol {
            ..8 => 3 + symbol,
            8..28 => {
                let extra = symbol / 4 - 1;
                3 + ((4 + symbol % 4) << extra) + bits.take(extra.into())?
            }
            28 => 258,
            _ => return Err(damaged("a length of no meaning")),
        };
        let distance = match bits.symbol(&self.distances)? {
            symbol @ ..4 => 1 + symbol,
            symbol @ 4..30 => {
                let extra = symbol / 2 - 1;
                1 + ((2 + symbol % 2) << extra) + bits.take(extra.into())?
            }
            _ => return Err(damaged("a distance of no meaning")),
        };
        let (length, distance) = (length.into(), distance.into());
        if distance > self.given {
            return Err(damaged("a distance to before the beginning"));
        }
        Ok(State::Match { length, distance })
    }

    /// Gives again what was given `distance` bytes before.
    fn repeat(&mut self, length: usize, distance: usize, room: &mut [u8]) -> usize {
        let now = length.min(room.len());
        for byte in &mut room[..now] {
            *byte = self.window[(self.given - distance) % WINDOW];
            self.window[self.given % WINDOW] = *byte;
            self.given += 1;
        }
        self.state = match length - now {
            0 => State::Symbols,
            length => State::Match { length, distance },
        };
        now
    }
}

fn damaged(what: &str) -> io::Error {
    invalid(format!("damaged: {what} in the compressed data"))
}
