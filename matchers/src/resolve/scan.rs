//! Scans all values with searches that are cheap for each.

use std::ops::Range;

use super::values::{Contiguous, Ranges, SortedValues, gallop, prefix_end};
use crate::class::Class;
use crate::literals::SuffixSet;
use crate::regex::{Regex, inside};

/// The values for which `matches` is true.
pub(super) fn each<V: SortedValues + ?Sized>(
    values: &V,
    mut matches: impl FnMut(&[u8]) -> bool,
) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    for i in 0..values.len() {
        if matches(values.get(i)) {
            ranges.push(i, i + 1);
        }
    }
    ranges.done()
}

/// The last bytes of a literal, compared at once.
struct Tail {
    wanted: u64,
    mask: u64,
}

impl Tail {
    fn of(literal: &[u8]) -> Self {
        let len = literal.len().min(8);
        let mut last = [0; 8];
        last[8 - len..].copy_from_slice(&literal[literal.len() - len..]);
        Tail {
            wanted: u64::from_le_bytes(last),
            mask: u64::MAX.checked_shl(64 - 8 * len as u32).unwrap_or(0),
        }
    }
}

/// Most literals that are compared one by one.
const MAX_TAILS: usize = 8;

/// The values that end with one of the literals after at least `more` bytes.
pub(super) fn suffixes<V: SortedValues + ?Sized>(
    values: &V,
    literals: &SuffixSet,
    more: usize,
) -> Vec<Range<u32>> {
    let tails: Vec<Tail> = literals.iter().map(|literal| Tail::of(&literal)).collect();
    if tails.len() > MAX_TAILS {
        return each(values, |value| literals.ends(value, more));
    }
    each(values, |value| {
        let may = value.last_chunk::<8>().is_none_or(|end| {
            let end = u64::from_le_bytes(*end);
            tails.iter().any(|tail| end & tail.mask == tail.wanted)
        });
        may && literals.ends(value, more)
    })
}

/// The end of the first match of a `contains` pattern in a value.
fn hit(regex: &Regex, value: &[u8]) -> Option<usize> {
    match regex.class() {
        Class::Contains { before, after, .. } => {
            let (_, end) = regex.searcher().find(inside(value, *before, *after)?)?;
            Some(before + end)
        }
        Class::Fold {
            literal,
            before: Some(before),
            after: Some(after),
        } => {
            let (_, end) = literal.find(regex.searcher(), value, *before, *after)?;
            Some(end)
        }
        _ => None,
    }
}

/// The values that contain a literal. A match holds for all values with the same
/// prefix up to its end.
pub(super) fn contains<V: SortedValues + ?Sized>(regex: &Regex, values: &V) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    let mut i = 0;
    if let Some(all) = values.contiguous() {
        while let Some(candidate) = next_candidate(regex, all, i) {
            let value = all.get(candidate);
            i = candidate + 1;
            if let Some(end) = hit(regex, value) {
                i = prefix_end(&all, i, &value[..end]);
                ranges.push(candidate, i);
            }
        }
        return ranges.done();
    }
    while i < values.len() {
        let value = values.get(i);
        let start = i;
        i += 1;
        if let Some(end) = hit(regex, value) {
            i = prefix_end(values, i, &value[..end]);
            ranges.push(start, i);
        }
    }
    ranges.done()
}

/// The matching values among those that contain the required literal.
pub(super) fn filtered(regex: &Regex, all: Contiguous<'_>) -> Vec<Range<u32>> {
    let mut ranges = Ranges::default();
    let mut i = 0;
    while let Some(candidate) = next_candidate(regex, all, i) {
        i = candidate + 1;
        if regex.is_match(all.get(candidate)) {
            ranges.push(candidate, i);
        }
    }
    ranges.done()
}

/// The first value from `from` on in which the searcher finds something.
fn next_candidate(regex: &Regex, all: Contiguous<'_>, from: usize) -> Option<usize> {
    let mut value = from;
    let mut at = *all.offsets.get(from)? as usize;
    let end_of_all = *all.offsets.last()? as usize;
    loop {
        let (start, end) = regex.searcher().find(all.bytes.get(at..end_of_all)?)?;
        let (start, end) = (at + start, at + end);
        value = gallop(value, all.len(), |i| all.offsets[i + 1] as usize <= start);
        if end <= *all.offsets.get(value + 1)? as usize {
            return Some(value);
        }
        at = start + 1; // the literal extends into the next value
    }
}
