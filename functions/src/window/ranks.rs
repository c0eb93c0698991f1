//! The order of a long window's samples, from step to step.
//!
//! All samples of a series are ranked once. A window is a set of bits, one a
//! rank, with a running count at each word: a sample comes or goes by one bit
//! and by the counts of the words behind it, and the sample of a place is
//! found by a search over the counts and within a word.
//!
//! Bad at series that are very much longer than their windows, since counts go
//! over all of it.

use std::ops::Range;

use super::keys::{key, value};

/// Ranks of a series' samples, and the bits of a window.
#[derive(Debug, Default)]
pub struct Ranks {
    /// Keys in order, with their samples.
    sorted: Vec<(i64, u32)>,
    /// The rank of each sample.
    ranks: Vec<u32>,
    words: Vec<u64>,
    /// Bits before each word.
    before: Vec<u32>,
}

impl Ranks {
    /// Ranks samples; the window is empty.
    pub(super) fn rank(&mut self, values: &[f64]) {
        self.sorted.clear();
        let keys = values.iter().map(|&value| key(value)).zip(0..);
        self.sorted.extend(keys);
        self.sorted.sort_unstable_by_key(|&(key, _)| key);
        self.ranks.clear();
        self.ranks.resize(values.len(), 0);
        for (rank, &(_, sample)) in (0..).zip(&self.sorted) {
            self.ranks[sample as usize] = rank;
        }
        self.words.clear();
        self.words.resize(values.len() / 64 + 1, 0);
        self.before.clear();
        self.before.resize(self.words.len(), 0);
    }

    /// Empties the window, and takes samples in.
    pub(super) fn begin(&mut self, coming: Range<usize>) {
        self.words.fill(0);
        for &rank in &self.ranks[coming] {
            self.words[rank as usize / 64] |= 1 << (rank % 64);
        }
        let mut count = 0;
        for (before, word) in self.before.iter_mut().zip(&self.words) {
            *before = count;
            count += word.count_ones();
        }
    }

    /// Takes samples out of the window and others in.
    pub(super) fn replace(&mut self, leaving: Range<usize>, coming: Range<usize>) {
        let pairs = leaving.len().min(coming.len());
        let (old, new) = (leaving.start..leaving.start + pairs, coming.start..);
        for (old, new) in old.zip(new) {
            let (old, new) = (self.flip(old), self.flip(new));
            // Only the words between see a difference.
            if old < new {
                self.before[old + 1..=new].iter_mut().for_each(|n| *n -= 1);
            } else {
                self.before[new + 1..=old].iter_mut().for_each(|n| *n += 1);
            }
        }
        for sample in leaving.skip(pairs) {
            let word = self.flip(sample);
            self.before[word + 1..].iter_mut().for_each(|n| *n -= 1);
        }
        for sample in coming.skip(pairs) {
            let word = self.flip(sample);
            self.before[word + 1..].iter_mut().for_each(|n| *n += 1);
        }
    }

    /// Turns a sample's bit over; gives its word.
    #[inline]
    fn flip(&mut self, sample: usize) -> usize {
        let rank = self.ranks[sample] as usize;
        self.words[rank / 64] ^= 1 << (rank % 64);
        rank / 64
    }

    /// The sample at a place of the window in order, NaN first. There must be
    /// one.
    #[inline]
    pub(super) fn nth(&self, place: usize) -> f64 {
        let place = place as u32;
        let word = self.before.partition_point(|&before| before <= place) - 1;
        let bit = select(self.words[word], place - self.before[word]);
        value(self.sorted[word * 64 + bit as usize].0)
    }
}

/// The position of the set bit of a number, from 0, in a word that has one.
#[inline]
fn select(word: u64, number: u32) -> u32 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Each byte counts its bits, then those of all bytes up to it.
    let counts = word - (word >> 1 & 0x5555_5555_5555_5555);
    let counts = (counts & 0x3333_3333_3333_3333) + (counts >> 2 & 0x3333_3333_3333_3333);
    let counts = (counts + (counts >> 4)) & 0x0f0f_0f0f_0f0f_0f0f;
    let counts = counts.wrapping_mul(ONES);
    // Bytes whose bits are all before the one that is looked for.
    let passed = (((u64::from(number) * ONES) | HIGH) - counts) & HIGH;
    let shift = (passed >> 7).wrapping_mul(ONES) >> 56 << 3;
    let number = u64::from(number) - (counts << 8 >> shift & 0xff);
    let mut byte = word >> shift & 0xff;
    for _ in 0..number {
        byte &= byte.wrapping_sub(1);
    }
    shift as u32 + byte.trailing_zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_are_found_by_number(word in any::<u64>(), mask in any::<u64>()) {
            for word in [word, word & mask, word | mask, u64::MAX] {
                let bits = (0..64).filter(|bit| word >> bit & 1 == 1);
                for (number, bit) in (0..).zip(bits) {
                    prop_assert_eq!(select(word, number), bit);
                }
            }
        }

        #[test]
        fn places_are_those_of_a_sorted_window(
            values in proptest::collection::vec(prop_oneof![Just(f64::NAN), -3.0f64..3.0, Just(0.0), Just(-0.0), Just(1.0)], 300),
            moves in proptest::collection::vec((0usize..9, 0usize..9), 1..60),
        ) {
            let mut ranks = Ranks::default();
            ranks.rank(&values);
            let mut held = 0..20;
            ranks.begin(held.clone());
            for (leave, come) in moves {
                let from = (held.start + leave).min(held.end);
                let to = (held.end + come).min(values.len());
                ranks.replace(held.start..from, held.end..to);
                held = from..to;
                let mut sorted: Vec<i64> = values[held.clone()].iter().map(|&v| key(v)).collect();
                sorted.sort_unstable();
                for (place, &want) in sorted.iter().enumerate() {
                    prop_assert_eq!(key(ranks.nth(place)), want);
                }
            }
        }
    }
}
