//! Sorted values and searches in them.

use std::ops::Range;

/// Distinct values in ascending byte order; at most `u32::MAX`.
pub trait SortedValues {
    /// The number of values.
    fn len(&self) -> usize;

    /// Value `i`.
    fn get(&self, i: usize) -> &[u8];

    /// Whether there is no value.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values in one piece, if they are stored so. Then a substring search
    /// runs through all of them at once.
    fn contiguous(&self) -> Option<Contiguous<'_>> {
        None
    }
}

/// Values in one piece.
#[derive(Clone, Copy, Debug)]
pub struct Contiguous<'a> {
    /// The bytes of all values.
    pub bytes: &'a [u8],
    /// Where each value begins, and the end of the last one.
    pub offsets: &'a [u32],
}

impl<T: AsRef<[u8]>> SortedValues for [T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn get(&self, i: usize) -> &[u8] {
        self[i].as_ref()
    }
}

impl<T: AsRef<[u8]>> SortedValues for Vec<T> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn get(&self, i: usize) -> &[u8] {
        self[i].as_ref()
    }
}

impl SortedValues for Contiguous<'_> {
    fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    #[inline]
    fn get(&self, i: usize) -> &[u8] {
        &self.bytes[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    fn contiguous(&self) -> Option<Contiguous<'_>> {
        Some(*self)
    }
}

/// Number of values in a sample.
pub(super) const SAMPLE: usize = 64;

/// A sample of the values; empty if there is none.
pub(super) fn sample<V: SortedValues + ?Sized>(values: &V) -> impl Iterator<Item = &[u8]> {
    let len = values.len() as u64;
    let count = if len == 0 { 0 } else { SAMPLE as u64 };
    (0..count).map(move |i| {
        // By the golden ratio, since names are often numbered: values at a
        // constant distance may have the same end.
        let spread = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        values.get(((spread * len) >> 32) as usize)
    })
}

/// The bytes of all values, of a sample if they are not in one piece.
pub(super) fn volume<V: SortedValues + ?Sized>(values: &V) -> usize {
    match values.contiguous() {
        Some(all) => match all.offsets {
            [first, .., last] => (last - first) as usize,
            _ => 0,
        },
        None => {
            let bytes: usize = sample(values).map(<[u8]>::len).sum();
            (bytes as u64 * values.len() as u64 / SAMPLE as u64) as usize
        }
    }
}

/// Collects ascending ranges and joins adjacent ones.
#[derive(Default)]
pub(super) struct Ranges(Vec<Range<u32>>);

impl Ranges {
    #[inline]
    pub(super) fn push(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let (start, end) = (start as u32, end as u32);
        match self.0.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.0.push(start..end),
        }
    }

    pub(super) fn done(self) -> Vec<Range<u32>> {
        self.0
    }
}

pub(super) fn one(start: usize, end: usize) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    ranges.push(start, end);
    ranges.done()
}

pub(super) fn complement(ranges: &[Range<u32>], len: usize) -> Vec<Range<u32>> {
    let mut out = Ranges::default();
    let mut from = 0;
    for range in ranges {
        out.push(from as usize, range.start as usize);
        from = range.end;
    }
    out.push(from as usize, len);
    out.done()
}

/// The first `i` in `from..len` for which `before` is false. It must be true for
/// all smaller and false for all greater ones. The steps grow from `from` on, so
/// near results are found fast.
#[inline]
pub(super) fn gallop(from: usize, len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    // `before` is true for all below `low`.
    while low + step <= len && before(low + step - 1) {
        low += step;
        step *= 2;
    }
    let behind = len.min(low + step - 1);
    low + partition_point(behind - low, |i| before(low + i))
}

/// The first `i` in `0..len` for which `before` is false.
#[inline]
pub(super) fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The first value from `from` on that is at least `literal`.
pub(super) fn lower_bound<V: SortedValues + ?Sized>(
    values: &V,
    from: usize,
    literal: &[u8],
) -> usize {
    gallop(from, values.len(), |i| values.get(i) < literal)
}

/// The end of the values that begin with `prefix`. `from` is one of them or the
/// position where they would be.
#[inline]
pub(super) fn prefix_end<V: SortedValues + ?Sized>(
    values: &V,
    from: usize,
    prefix: &[u8],
) -> usize {
    gallop(from, values.len(), |i| values.get(i).starts_with(prefix))
}

/// The length of the common prefix of two values.
#[inline]
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let mut at = 0;
    let (words_a, words_b) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in words_a.zip(words_b) {
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let differing = word(x) ^ word(y);
        if differing != 0 {
            return at + differing.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = a[at..].iter().zip(&b[at..]);
    at + rest.take_while(|(x, y)| x == y).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn searches_agree_with_their_definition(
            a in "[ab]{0,20}", b in "[ab]{0,20}",
            from in 0..10usize, len in 10..40usize, end in 0..40usize,
        ) {
            let plain = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
            prop_assert_eq!(common_prefix(a.as_bytes(), b.as_bytes()), plain);
            prop_assert_eq!(gallop(from, len, |i| i < end), end.clamp(from, len));
        }

        #[test]
        fn a_complement_of_a_complement_is_the_original(mut ends in proptest::collection::vec(0..50u32, 0..10)) {
            ends.sort_unstable();
            ends.dedup();
            let mut ranges = Ranges::default();
            ends.chunks_exact(2).for_each(|c| ranges.push(c[0] as usize, c[1] as usize));
            let ranges = ranges.done();
            let other = complement(&ranges, 50);
            for i in 0..50 {
                let holds = |all: &[Range<u32>]| all.iter().any(|r| r.contains(&i));
                prop_assert_ne!(holds(&ranges), holds(&other));
            }
            prop_assert_eq!(complement(&other, 50), ranges);
        }
    }
}
