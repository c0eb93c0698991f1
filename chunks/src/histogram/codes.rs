//! Variable-bit integers, several at a time.
//!
//! A code is a prefix of ones, a zero, and as many bits as the prefix says. Most
//! changes of buckets have short codes, of which the next bits hold several.
//! Tables say for all possible next bits what these are. Where codes are long,
//! as in histograms of many observations a second, tables gain less.

use crate::bits::{
    BitReader, MAX_SHORT, PEEK, PREFIX_BITS, VARBIT_CODES, VARBIT_WIDTHS as WIDTHS, sign_high,
    varbit_length,
};

/// Bits that the table of lengths looks at. The table fills a quarter of a
/// first-level cache of 32 KiB.
const LENGTH_BITS: u32 = 12;

/// By the next bits: the codes whose prefixes lie within them (high byte) and
/// the bits of these codes (low byte).
static LENGTHS: [u16; 1 << LENGTH_BITS] = lengths();

const fn lengths() -> [u16; 1 << LENGTH_BITS] {
    let mut table = [0; 1 << LENGTH_BITS];
    let mut next = 0;
    while next < table.len() {
        let (mut codes, mut bits) = (0, 0);
        while bits < LENGTH_BITS {
            let word = (next as u32) << (32 - LENGTH_BITS + bits);
            let ones = word.leading_ones();
            // Ones and the zero behind them.
            if ones as usize >= WIDTHS.len() || bits + ones + 1 > LENGTH_BITS {
                break;
            }
            codes += 1;
            bits += ones + 1 + WIDTHS[ones as usize];
        }
        table[next] = (codes << 8 | bits) as u16;
        next += 1;
    }
    table
}

/// Bits that the table of values looks at. The table takes 16 KiB, half of a
/// first-level cache of 32 KiB.
const VALUE_BITS: u32 = 11;
/// Most values of an entry.
const VALUES_OF_ENTRY: usize = 7;
/// Bytes of an entry: values, and behind them how many these are.
const LANES: usize = VALUES_OF_ENTRY + 1;

/// By the next bits: the whole codes that lie within them, a byte each, the first
/// one lowest, and in the highest byte how many these are.
static VALUES: [u64; 1 << VALUE_BITS] = values().0;

/// By the next bits: the bits of these codes. A table of its own, since each look
/// waits for the bits of the one before.
static VALUE_LENGTHS: [u8; 1 << VALUE_BITS] = values().1;

const fn values() -> ([u64; 1 << VALUE_BITS], [u8; 1 << VALUE_BITS]) {
    let (mut table, mut lengths) = ([0; 1 << VALUE_BITS], [0; 1 << VALUE_BITS]);
    let mut next = 0;
    while next < table.len() {
        let (mut values, mut codes, mut bits) = (0u64, 0usize, 0);
        while bits < VALUE_BITS && codes < VALUES_OF_ENTRY {
            let word = (next as u32) << (32 - VALUE_BITS + bits);
            let ones = word.leading_ones();
            // Longer numbers do not fit a lane.
            if ones > 2 || bits + ones + 1 + WIDTHS[ones as usize] > VALUE_BITS {
                break;
            }
            let width = WIDTHS[ones as usize];
            if width > 0 {
                let number = ((word << (ones + 1)) >> (32 - width)) as i64;
                let negative = (number > (1 << width) >> 1) as i64;
                let value = (number - (negative << width)) as i8;
                values |= (value as u8 as u64) << (8 * codes);
            }
            codes += 1;
            bits += ones + 1 + width;
        }
        table[next] = values | (codes as u64) << (8 * VALUES_OF_ENTRY);
        lengths[next] = bits as u8;
        next += 1;
    }
    (table, lengths)
}

/// Zeros in a row that are worth a branch to skip them at once.
const RUN: usize = 24;

/// From that many bits a number on, codes are read one by one, since few lie
/// within an entry of the table.
const ONE_BY_ONE: usize = 7;

/// Reads rows of numbers that are added to others.
pub(super) struct Codes {
    /// Small ones of the last row, and room for an entry behind them.
    small: Vec<i8>,
    /// Whether the last codes were long.
    one_by_one: bool,
}

impl Codes {
    /// Reads rows of `numbers` numbers, with memory that was used before. The
    /// first ones are long: counts themselves, and how they rise.
    pub(super) fn new(numbers: usize, mut small: Vec<i8>) -> Self {
        small.clear();
        small.resize(numbers + LANES, 0);
        Codes {
            small,
            one_by_one: true,
        }
    }

    pub(super) fn into_memory(self) -> Vec<i8> {
        self.small
    }

    /// Reads what is to be added to each of `numbers`. Small ones are returned,
    /// others are added at once; at their places are zeros.
    pub(super) fn read(&mut self, r: &mut BitReader<'_>, numbers: &mut [i64]) -> &[i8] {
        let from = r.position();
        let small = &mut self.small[..numbers.len() + LANES];
        if self.one_by_one {
            small.fill(0);
            read_one_by_one(r, numbers);
        } else {
            read_entries(r, numbers, small);
        }
        self.one_by_one = r.position() - from >= ONE_BY_ONE * numbers.len();
        &self.small[..numbers.len()]
    }

    /// [`Codes::read`], with the numbers that the small ones are to be added to.
    pub(super) fn read_to<'a>(
        &'a mut self,
        r: &mut BitReader<'_>,
        numbers: &'a mut [i64],
    ) -> impl Iterator<Item = (&'a mut i64, i8)> {
        self.read(r, numbers);
        numbers.iter_mut().zip(self.small.iter().copied())
    }
}

/// Reads a number for each of `numbers` and adds it.
fn read_one_by_one(r: &mut BitReader<'_>, numbers: &mut [i64]) {
    let mut at = 0;
    while at < numbers.len() {
        let mut word = r.peek();
        let mut read = 0;
        while let Some(number) = numbers.get_mut(at)
            && read <= PEEK - MAX_SHORT
        {
            let entry = u32::from(VARBIT_CODES[(word >> (64 - PREFIX_BITS)) as usize]);
            let (bits, width) = (entry & 0xff, entry >> 8);
            if bits == 0 {
                break;
            }
            // In two steps, since a width of 0 would shift by 64.
            let change = (word << (bits - width)) >> 1 >> (63 - width);
            *number = number.wrapping_add(sign_high(change, width));
            at += 1;
            read += bits;
            word <<= bits;
        }
        r.skip(read);
        if read == 0 {
            numbers[at] = numbers[at].wrapping_add(r.varbit_int());
            at += 1;
        }
    }
}

/// Reads small numbers to `small` and adds others to `numbers`.
fn read_entries(r: &mut BitReader<'_>, numbers: &mut [i64], small: &mut [i8]) {
    let end = numbers.len();
    let mut at = 0;
    while at < end {
        let mut word = r.peek();
        if end - at >= RUN && word >> (64 - RUN) == 0 {
            let zeros = r.skip_zeros(end - at);
            small[at..at + zeros].fill(0);
            at += zeros;
            continue;
        }
        let (mut read, mut codes) = (0, 1);
        // A load has bits for five entries.
        for _ in 0..PEEK / VALUE_BITS {
            let next = (word >> (64 - VALUE_BITS)) as usize;
            let (values, bits) = (VALUES[next], u32::from(VALUE_LENGTHS[next]));
            codes = (values >> (8 * VALUES_OF_ENTRY)) as usize;
            if codes == 0 || codes > end - at {
                break;
            }
            small[at..at + LANES].copy_from_slice(&values.to_le_bytes().map(|byte| byte as i8));
            at += codes;
            read += bits;
            word <<= bits;
        }
        r.skip(read);
        if codes > end - at {
            // An entry with codes of the next row: few are left.
            small[at..end].fill(0);
            return read_one_by_one(r, &mut numbers[at..]);
        }
        if codes == 0 && at < end {
            small[at] = 0;
            numbers[at] = numbers[at].wrapping_add(r.varbit_int());
            at += 1;
        }
    }
}

/// Skips numbers.
pub(super) fn skip(r: &mut BitReader<'_>, numbers: usize) {
    let mut left = numbers;
    while left > 0 {
        let mut word = r.peek();
        let mut skipped = 0;
        while skipped <= PEEK - LENGTH_BITS {
            let entry = LENGTHS[(word >> (64 - LENGTH_BITS)) as usize];
            let (codes, bits) = (usize::from(entry >> 8), u32::from(entry & 0xff));
            if codes == 0 || codes > left {
                break;
            }
            left -= codes;
            skipped += bits;
            word <<= bits;
        }
        r.skip(skipped);
        if skipped == 0 {
            // A long code, or one of the last.
            r.skip(varbit_length(r.peek()));
            left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::bits::BitWriter;

    fn numbers() -> impl Strategy<Value = Vec<i64>> {
        let number = prop_oneof![
            6 => Just(0i64),
            4 => -3i64..=4,
            2 => -31i64..=32,
            1 => -4_000i64..4_000,
            1 => any::<i32>().prop_map(i64::from),
            1 => any::<i64>(),
        ];
        let like = (vec(number, 1..300), 0u32..3);
        // Of any size, small, and nearly all zero.
        like.prop_map(|(numbers, kind)| match kind {
            0 => numbers,
            1 => numbers.iter().map(|n| n % 8).collect(),
            _ => numbers.iter().map(|n| i64::from(*n == 1)).collect(),
        })
    }

    /// A number by its definition: a prefix of at most eight ones, then as many
    /// bits as it says.
    fn plain(r: &mut BitReader<'_>) -> i64 {
        let mut ones = 0;
        while ones < 8 && r.read(1) == 1 {
            ones += 1;
        }
        let width = [0, 3, 6, 9, 12, 18, 25, 56, 64][ones];
        let bits = i128::from(r.read(width));
        let high = width < 64 && bits > (1i128 << width) >> 1;
        (bits - if high { 1 << width } else { 0 }) as i64
    }

    /// Reads and skips `rows` rows of `width` numbers as one after the other.
    fn as_single(bytes: &[u8], rows: usize, width: usize) -> Result<(), TestCaseError> {
        let [mut single, mut one, mut fast, mut skipped] = [(); 4].map(|()| BitReader::new(bytes));
        let (mut wanted, mut got) = (vec![0i64; width], vec![0i64; width]);
        let mut codes = Codes::new(width, Vec::new());
        codes.one_by_one = rows.is_multiple_of(2);
        for _ in 0..rows {
            for number in &mut wanted {
                let length = varbit_length(single.peek()) as usize;
                let (from, added) = (single.position(), plain(&mut single));
                *number = number.wrapping_add(added);
                prop_assert_eq!(length, single.position() - from);
                prop_assert_eq!(one.varbit_int(), added);
                prop_assert_eq!(one.position(), single.position());
            }
            let small = codes.read(&mut fast, &mut got).to_vec();
            for (number, change) in got.iter_mut().zip(small) {
                *number = number.wrapping_add(i64::from(change));
            }
            skip(&mut skipped, width);
            prop_assert_eq!(&got, &wanted);
            prop_assert_eq!(fast.position(), single.position());
            prop_assert_eq!(skipped.position(), single.position());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_one_by_one(numbers in numbers(), width in 1usize..130) {
            let mut out = BitWriter::new(&[]);
            numbers.iter().for_each(|&number| out.varbit_int(number));
            // Behind the last numbers are none.
            as_single(&out.bytes, numbers.len() / width + 2, width)?;
        }

        #[test]
        fn random_bytes_are_read_as_one_by_one(bytes in vec(any::<u8>(), 0..200), width in 1usize..40) {
            as_single(&bytes, 1 + bytes.len() * 2 / width, width)?;
        }
    }
}
