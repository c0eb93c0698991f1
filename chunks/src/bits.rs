//! Reads and writes the bits of a chunk, most significant first.
//!
//! The reader sees at least 57 bits with one unaligned 64-bit load. Reading past
//! the end gives zeros, and [`BitReader::overrun`] reports it afterwards, so
//! that the hot loop checks once a sample instead of once a bit.

/// Fewest bits that [`BitReader::peek`] returns.
pub(crate) const PEEK: u32 = 57;

/// Widths of variable-bit integers by the number of ones in their prefix, where
/// prefix and bits fit one word.
pub(crate) const VARBIT_WIDTHS: [u32; 7] = [0, 3, 6, 9, 12, 18, 25];

/// Bits of a prefix that tell how long such an integer is.
pub(crate) const PREFIX_BITS: u32 = 7;
/// Most bits of one.
pub(crate) const MAX_SHORT: u32 = PREFIX_BITS + 25;

/// By the first bits of a variable-bit integer: all its bits (low byte) and
/// those behind the prefix (high byte); 0 for a longer one.
pub(crate) static VARBIT_CODES: [u16; 1 << PREFIX_BITS] = varbit_codes();

const fn varbit_codes() -> [u16; 1 << PREFIX_BITS] {
    let mut table = [0; 1 << PREFIX_BITS];
    let mut next = 0;
    while next < table.len() {
        let ones = ((next as u32) << (32 - PREFIX_BITS)).leading_ones();
        if (ones as usize) < VARBIT_WIDTHS.len() {
            let width = VARBIT_WIDTHS[ones as usize];
            table[next] = (width << 8 | (ones + 1 + width)) as u16;
        }
        next += 1;
    }
    table
}

pub(crate) struct BitReader<'a> {
    data: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        BitReader { data, at: 0 }
    }

    /// The next bits, left-aligned; at least [`PEEK`] of them.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        let byte = self.at >> 3;
        let word = match self.data.get(byte..byte + 8) {
            Some(eight) => u64::from_be_bytes([
                eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7],
            ]),
            None => self.tail(byte),
        };
        word << (self.at & 7)
    }

    #[cold]
    fn tail(&self, byte: usize) -> u64 {
        let mut eight = [0; 8];
        if let Some(rest) = self.data.get(byte..) {
            eight[..rest.len()].copy_from_slice(rest);
        }
        u64::from_be_bytes(eight)
    }

    #[inline(always)]
    pub(crate) fn skip(&mut self, bits: u32) {
        self.at += bits as usize;
    }

    /// The next `bits` bits (0 to 64), right-aligned.
    #[inline(always)]
    pub(crate) fn read(&mut self, bits: u32) -> u64 {
        if bits == 0 {
            return 0;
        }
        let word = if bits <= PEEK {
            self.peek()
        } else {
            self.peek_all()
        };
        self.skip(bits);
        word >> (64 - bits)
    }

    /// The next 64 bits, from nine bytes.
    #[inline(always)]
    fn peek_all(&self) -> u64 {
        let byte = self.at >> 3;
        let ninth = self.data.get(byte + 8).copied().unwrap_or(0);
        self.peek() | (u64::from(ninth) >> (8 - (self.at & 7)))
    }

    /// Whether the reader is past the end.
    #[inline(always)]
    pub(crate) fn overrun(&self) -> bool {
        self.at > self.data.len() * 8
    }

    /// Bits that were read or skipped.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Bits that are left.
    pub(crate) fn remaining(&self) -> usize {
        (self.data.len() * 8).saturating_sub(self.at)
    }

    /// Skips up to `most` of the zeros that come next and returns their number.
    /// The next bit may be a zero, too.
    #[inline(always)]
    pub(crate) fn skip_zeros(&mut self, most: usize) -> usize {
        let zeros = (self.peek().leading_zeros().min(PEEK) as usize).min(most);
        self.skip(zeros as u32);
        zeros
    }

    /// Go's unsigned varint; `None` if it is longer than 64 bits.
    pub(crate) fn uvarint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for i in 0..10 {
            let byte = self.read(8);
            if i == 9 && byte > 1 {
                return None;
            }
            value |= (byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// Go's zigzag varint.
    pub(crate) fn varint(&mut self) -> Option<i64> {
        self.uvarint()
            .map(|u| ((u >> 1) as i64) ^ -((u & 1) as i64))
    }

    /// Prometheus's variable-bit integer.
    #[inline(always)]
    pub(crate) fn varbit_int(&mut self) -> i64 {
        let (bits, width) = self.varbit();
        sign_high(bits, width)
    }

    /// Prometheus's variable-bit unsigned integer.
    pub(crate) fn varbit_uint(&mut self) -> u64 {
        self.varbit().0
    }

    /// The bits of a variable-bit integer and their number, which a prefix of
    /// ones gives.
    #[inline(always)]
    fn varbit(&mut self) -> (u64, u32) {
        let word = self.peek();
        let code = u32::from(VARBIT_CODES[(word >> (64 - PREFIX_BITS)) as usize]);
        let (bits, width) = (code & 0xff, code >> 8);
        if bits != 0 {
            self.skip(bits);
            // In two steps, since a width of 0 would shift by 64.
            return ((word << (bits - width)) >> 1 >> (63 - width), width);
        }
        let width = if word >> 56 == 0xfe { 56 } else { 64 };
        self.skip(8);
        (self.read(width), width)
    }
}

/// Bits of the variable-bit integer at the beginning of `word`, eight bits of
/// which matter.
#[inline(always)]
pub(crate) fn varbit_length(word: u64) -> u32 {
    match VARBIT_CODES[(word >> (64 - PREFIX_BITS)) as usize] & 0xff {
        0 if word >> 56 == 0xfe => 8 + 56,
        0 => 8 + 64,
        bits => u32::from(bits),
    }
}

/// A number of `width` bits whose range is `-(2^(w-1)-1) ..= 2^(w-1)`.
#[inline(always)]
pub(crate) fn sign_high(bits: u64, width: u32) -> i64 {
    if width == 64 {
        return bits as i64;
    }
    // Without a branch: the signs of small changes cannot be predicted.
    let negative = i64::from(bits > (1u64 << width) >> 1);
    (bits as i64).wrapping_sub(negative << width)
}

/// Writes bits, most significant first.
#[derive(Debug, Default, Clone)]
pub struct BitWriter {
    pub(crate) bytes: Vec<u8>,
    /// Free bits in the last byte.
    free: u32,
}

impl BitWriter {
    pub(crate) fn new(header: &[u8]) -> Self {
        BitWriter {
            bytes: header.to_vec(),
            free: 0,
        }
    }

    pub(crate) fn write(&mut self, value: u64, bits: u32) {
        let mut left = bits;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let take = left.min(self.free);
            let part = (value >> (left - take)) & ((1u64 << take) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part << (self.free - take)) as u8;
            }
            self.free -= take;
            left -= take;
        }
    }

    pub(crate) fn uvarint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.write((value & 0x7f) | 0x80, 8);
            value >>= 7;
        }
        self.write(value, 8);
    }

    pub(crate) fn varint(&mut self, value: i64) {
        self.uvarint(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(crate) fn varbit_int(&mut self, value: i64) {
        self.varbit(value as u64, |width| fits(value, width));
    }

    pub(crate) fn varbit_uint(&mut self, value: u64) {
        self.varbit(value, |width| value >> width == 0);
    }

    /// Writes the smallest width that fits as a prefix of ones, then the value.
    fn varbit(&mut self, value: u64, fits: impl Fn(u32) -> bool) {
        const STEPS: [(u32, u64, u32); 7] = [
            (3, 0b10, 2),
            (6, 0b110, 3),
            (9, 0b1110, 4),
            (12, 0b11110, 5),
            (18, 0b11_1110, 6),
            (25, 0b111_1110, 7),
            (56, 0b1111_1110, 8),
        ];
        if value == 0 {
            return self.write(0, 1);
        }
        match STEPS.iter().find(|step| fits(step.0)) {
            Some(&(width, prefix, bits)) => {
                self.write(prefix, bits);
                self.write(value, width);
            }
            None => {
                self.write(0xff, 8);
                self.write(value, 64);
            }
        }
    }
}

/// Whether `value` lies in `-(2^(w-1)-1) ..= 2^(w-1)`.
pub(crate) fn fits(value: i64, width: u32) -> bool {
    let half = 1i64 << (width - 1);
    -(half - 1) <= value && value <= half
}
