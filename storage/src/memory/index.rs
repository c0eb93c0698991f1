//! An inverted index: for each label name its values in order and the postings
//! of each value.
//!
//! Postings number series by rank, their position in label order, so the rows of
//! a select are sorted. The first query after a new series rebuilds the index,
//! which sorts all strings and all series.

use std::ops::Range;

use quarrel_engine::labels::{Label, Symbol, Symbols};
use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::{Contiguous, Matcher};
use rustc_hash::FxHashMap;

use crate::resolve::resolve_for;

#[derive(Debug)]
pub(super) struct Index {
    /// The number of each series by rank.
    order: Vec<u32>,
    /// Sorted by name.
    names: Vec<NameIndex>,
}

/// The values and postings of one label name.
#[derive(Debug)]
pub(super) struct NameIndex {
    pub(super) name: String,
    /// The values in order, without gaps.
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    /// Ranks of the series, value by value, ascending for each value.
    postings: Vec<u32>,
    /// Where the postings of each value begin, and the end of all.
    posting_offsets: Vec<u32>,
}

/// A set of ranks.
struct Bits(Vec<u64>);

impl Bits {
    fn of(ranks: impl Iterator<Item = u32>, len: usize) -> Self {
        let mut bits = Bits(vec![0; len.div_ceil(64)]);
        for rank in ranks {
            bits.0[rank as usize / 64] |= 1 << (rank % 64);
        }
        bits
    }

    fn has(&self, rank: u32) -> bool {
        self.0[rank as usize / 64] >> (rank % 64) & 1 == 1
    }
}

/// The series that satisfy a matcher.
enum Selection<'a> {
    /// Those with one of these values.
    With(&'a NameIndex, Vec<Range<u32>>),
    /// Those without any of these values.
    Without(&'a NameIndex, Vec<Range<u32>>),
    All,
    None,
}

impl NameIndex {
    fn values(&self) -> Contiguous<'_> {
        Contiguous {
            bytes: &self.bytes,
            offsets: &self.offsets,
        }
    }

    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Value `i` in order.
    pub(super) fn value(&self, i: usize) -> String {
        let range = self.offsets[i] as usize..self.offsets[i + 1] as usize;
        String::from_utf8_lossy(&self.bytes[range]).into_owned()
    }

    fn postings_of(&self, values: &Range<u32>) -> &[u32] {
        let (start, end) = (values.start as usize, values.end as usize);
        &self.postings[self.posting_offsets[start] as usize..self.posting_offsets[end] as usize]
    }

    /// Ranks of the series with value `i`, ascending.
    pub(super) fn ranks(&self, i: usize) -> &[u32] {
        self.postings_of(&(i as u32..i as u32 + 1))
    }

    fn count(&self, ranges: &[Range<u32>]) -> usize {
        ranges.iter().map(|r| self.postings_of(r).len()).sum()
    }

    fn ranks_in<'a>(&'a self, ranges: &'a [Range<u32>]) -> impl Iterator<Item = u32> + 'a {
        ranges
            .iter()
            .flat_map(|r| self.postings_of(r).iter().copied())
    }
}

impl Index {
    /// Builds the index of all series from their labels.
    pub(super) fn new(series: &[&[Label]], symbols: &Symbols<'_>) -> Self {
        let orders = symbol_orders(series, symbols);
        let order_of = |s: Symbol| orders[s.0 as usize];
        let key = |label: &Label| (order_of(label.name), order_of(label.value));
        let mut order: Vec<u32> = (0..series.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| {
            series[a as usize]
                .iter()
                .map(key)
                .cmp(series[b as usize].iter().map(key))
        });

        let mut by_name: FxHashMap<Symbol, Vec<(Symbol, u32)>> = FxHashMap::default();
        for (rank, &id) in order.iter().enumerate() {
            for label in series[id as usize] {
                by_name
                    .entry(label.name)
                    .or_default()
                    .push((label.value, rank as u32));
            }
        }
        let mut by_name: Vec<_> = by_name.into_iter().collect();
        by_name.sort_unstable_by_key(|(name, _)| order_of(*name));
        let names = by_name
            .into_iter()
            .map(|(name, mut series)| {
                series.sort_unstable_by_key(|&(value, rank)| (order_of(value), rank));
                name_index(symbols.get(name), &series, symbols)
            })
            .collect();
        Index { order, names }
    }

    /// The number of a series by rank.
    pub(super) fn series(&self, rank: u32) -> u32 {
        self.order[rank as usize]
    }

    pub(super) fn names(&self) -> &[NameIndex] {
        &self.names
    }

    pub(super) fn name(&self, name: &str) -> Option<&NameIndex> {
        let at = self
            .names
            .binary_search_by(|n| n.name.as_str().cmp(name))
            .ok()?;
        self.names.get(at)
    }

    /// Ranks of the series that satisfy all matchers, ascending.
    ///
    /// # Errors
    /// The end of the query.
    pub(super) fn select(
        &self,
        matchers: &[Matcher],
        control: &dyn SelectControl,
    ) -> Result<Vec<u32>, StorageError> {
        let mut with = Vec::new();
        let mut without = Vec::new();
        for matcher in matchers {
            control.check()?;
            match self.selection(matcher, control)? {
                Selection::None => return Ok(Vec::new()),
                Selection::All => {}
                Selection::With(name, ranges) => with.push((name.count(&ranges), name, ranges)),
                Selection::Without(name, ranges) => without.push((name, ranges)),
            }
        }
        with.sort_by_key(|(count, ..)| *count);
        let mut with = with.into_iter();
        let mut ranks: Vec<u32> = match with.next() {
            None => (0..self.order.len() as u32).collect(),
            Some((_, name, ranges)) => {
                let mut ranks: Vec<u32> = name.ranks_in(&ranges).collect();
                ranks.sort_unstable();
                ranks
            }
        };
        for (_, name, ranges) in with {
            let bits = Bits::of(name.ranks_in(&ranges), self.order.len());
            ranks.retain(|&rank| bits.has(rank));
        }
        for (name, ranges) in without {
            let bits = Bits::of(name.ranks_in(&ranges), self.order.len());
            ranks.retain(|&rank| !bits.has(rank));
        }
        Ok(ranks)
    }

    fn selection(
        &self,
        matcher: &Matcher,
        control: &dyn SelectControl,
    ) -> Result<Selection<'_>, StorageError> {
        let Some(name) = self.name(matcher.name()) else {
            return Ok(if matcher.matches_empty() {
                Selection::All
            } else {
                Selection::None
            });
        };
        if matcher.matches_empty() {
            // Series without the label match, too, so exclude the others.
            let others = resolve_for(&matcher.inverse(), &name.values(), control)?;
            return Ok(Selection::Without(name, others));
        }
        let matching = resolve_for(matcher, &name.values(), control)?;
        Ok(Selection::With(name, matching))
    }
}

/// For each used symbol its position in the order of texts.
fn symbol_orders(series: &[&[Label]], symbols: &Symbols<'_>) -> Vec<u32> {
    let used = || {
        series
            .iter()
            .flat_map(|s| s.iter())
            .flat_map(|l| [l.name, l.value])
    };
    let len = used().map(|s| s.0 as usize + 1).max().unwrap_or(0);
    let mut seen = vec![false; len];
    used().for_each(|s| seen[s.0 as usize] = true);
    let mut by_text: Vec<Symbol> = (0..len as u32)
        .filter(|&s| seen[s as usize])
        .map(Symbol)
        .collect();
    by_text.sort_unstable_by_key(|&s| symbols.get(s));
    let mut orders = vec![0; len];
    for (order, symbol) in by_text.into_iter().enumerate() {
        orders[symbol.0 as usize] = order as u32;
    }
    orders
}

/// Builds the index of a label name from the values and ranks of its series,
/// sorted by value and rank.
fn name_index(name: &str, series: &[(Symbol, u32)], symbols: &Symbols<'_>) -> NameIndex {
    let mut index = NameIndex {
        name: name.to_string(),
        bytes: Vec::new(),
        offsets: vec![0],
        postings: series.iter().map(|&(_, rank)| rank).collect(),
        posting_offsets: Vec::new(),
    };
    let mut last = None;
    for (i, &(value, _)) in series.iter().enumerate() {
        if last.replace(value) != Some(value) {
            index.posting_offsets.push(i as u32);
            index.bytes.extend_from_slice(symbols.get(value).as_bytes());
            index.offsets.push(index.bytes.len() as u32);
        }
    }
    index.posting_offsets.push(series.len() as u32);
    index
}
