//! Scans all values with searches that are cheap for each.

use std::ops::Range;

use super::values::{Contiguous, Ranges, SortedValues, gallop, prefix_end, volume};
use crate::automaton::{Ladder, Run};
use crate::class::Class;
use crate::literals::SuffixSet;
use crate::pace::{PER_VALUE, PERIOD, Pace};
use crate::regex::{Regex, inside};
use crate::searcher::Searcher;

/// The values for which `matches` is true.
pub(super) fn each<V: SortedValues + ?Sized>(
    values: &V,
    pace: &mut Pace<'_>,
    mut matches: impl FnMut(&[u8]) -> bool,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    for i in 0..values.len() {
        let value = values.get(i);
        pace.spend(PER_VALUE + value.len())?;
        if matches(value) {
            ranges.push(i, i + 1);
        }
    }
    Some(ranges.done())
}

/// As [`each`], where a test takes the same time for values of any length.
fn each_end<V: SortedValues + ?Sized>(
    values: &V,
    pace: &mut Pace<'_>,
    mut matches: impl FnMut(&[u8]) -> bool,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    let mut from = 0;
    while from < values.len() {
        let to = values.len().min(from + PERIOD / PER_VALUE);
        for i in from..to {
            if matches(values.get(i)) {
                ranges.push(i, i + 1);
            }
        }
        pace.spend(PERIOD)?;
        from = to;
    }
    Some(ranges.done())
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
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let tails: Vec<Tail> = literals.iter().map(|literal| Tail::of(&literal)).collect();
    if tails.len() > MAX_TAILS {
        return each_end(values, pace, |value| literals.ends(value, more));
    }
    each_end(values, pace, |value| {
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
pub(super) fn contains<V: SortedValues + ?Sized>(
    regex: &Regex,
    values: &V,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    let mut ranges = Ranges::default();
    let mut i = 0;
    if let Some(all) = values.contiguous() {
        let mut candidates = Candidates::new(regex.searcher(), all);
        while let Some(candidate) = candidates.next(i, pace)? {
            let value = all.get(candidate);
            pace.spend(PER_VALUE + value.len())?;
            i = candidate + 1;
            if let Some(end) = hit(regex, value) {
                i = prefix_end(&all, i, &value[..end]);
                ranges.push(candidate, i);
            }
        }
        return Some(ranges.done());
    }
    while i < values.len() {
        let value = values.get(i);
        pace.spend(PER_VALUE + value.len())?;
        let start = i;
        i += 1;
        if let Some(end) = hit(regex, value) {
            i = prefix_end(values, i, &value[..end]);
            ranges.push(start, i);
        }
    }
    Some(ranges.done())
}

/// The matching values among those that contain the required literal.
pub(super) fn filtered(
    regex: &Regex,
    automata: &Ladder,
    all: Contiguous<'_>,
    pace: &mut Pace<'_>,
) -> Option<Vec<Range<u32>>> {
    // At most so many values are expected to be candidates.
    let mut session = automata.rung(volume(&all) / 8).session();
    let mut ranges = Ranges::default();
    let mut i = 0;
    let mut candidates = Candidates::new(regex.searcher(), all);
    while let Some(candidate) = candidates.next(i, pace)? {
        i = candidate + 1;
        pace.spend(PER_VALUE)?;
        if session.run(all.get(candidate), pace)? == Run::Match {
            ranges.push(candidate, i);
        }
    }
    automata.worked(session.visits());
    Some(ranges.done())
}

/// Searches all values, in pieces of whole values.
struct Candidates<'a> {
    searcher: &'a Searcher,
    all: Contiguous<'a>,
    /// The end of the piece that is searched.
    behind: usize,
}

impl<'a> Candidates<'a> {
    fn new(searcher: &'a Searcher, all: Contiguous<'a>) -> Self {
        Candidates {
            searcher,
            all,
            behind: 0,
        }
    }

    /// The first value from `from` on in which the searcher finds something, if
    /// there is one.
    fn next(&mut self, from: usize, pace: &mut Pace<'_>) -> Option<Option<usize>> {
        let all = self.all;
        let mut value = from;
        while value < all.len() {
            let mut at = all.offsets[value] as usize;
            let begin = at;
            if value >= self.behind {
                self.behind = gallop(value + 1, all.len(), |i| {
                    all.offsets[i + 1] as usize - at <= PERIOD
                });
            }
            let end_of_piece = all.offsets[self.behind] as usize;
            while let Some((start, end)) = self.searcher.find(&all.bytes[at..end_of_piece]) {
                let (start, end) = (at + start, at + end);
                value = gallop(value, self.behind, |i| all.offsets[i + 1] as usize <= start);
                if end <= all.offsets[value + 1] as usize {
                    pace.spend(end - begin)?;
                    return Some(Some(value));
                }
                at = start + 1; // the literal extends into the next value
            }
            pace.spend(end_of_piece - begin)?;
            value = self.behind;
        }
        Some(None)
    }
}
