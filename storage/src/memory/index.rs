//! Which series match: label values in order, and the series that have them.
//!
//! Series are numbered here by rank, their place in label order, so that rows
//! come out of a select sorted. The index is made anew when a query follows a
//! new series; that costs a sort of all strings and of all series.

use std::ops::Range;

use quarrel_engine::labels::{Label, Symbol, Symbols};
use quarrel_matchers::{Contiguous, Matcher, resolve};
use rustc_hash::FxHashMap;

#[derive(Debug)]
pub(super) struct Index {
    /// The series' number by rank.
    order: Vec<u32>,
    /// Sorted by name.
    names: Vec<NameIndex>,
}

/// One label name: its values, and who has them.
#[derive(Debug)]
pub(super) struct NameIndex {
    pub(super) name: String,
    /// The values end to end, ascending.
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    /// Ranks of the series, value by value, ascending within each.
    postings: Vec<u32>,
    /// Where each value's postings begin, and last where they end.
    starts: Vec<u32>,
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

/// What a matcher says about series.
enum Verdict<'a> {
    /// Only those with one of these values.
    Only(&'a NameIndex, Vec<Range<u32>>),
    /// All but those with one of these values.
    AllBut(&'a NameIndex, Vec<Range<u32>>),
    All,
    Nothing,
}

impl NameIndex {
    fn values(&self) -> Contiguous<'_> {
        Contiguous {
            bytes: &self.bytes,
            offsets: &self.offsets,
        }
    }

    /// How many values there are.
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
        &self.postings[self.starts[start] as usize..self.starts[end] as usize]
    }

    /// Ranks of the series that have value `i`, ascending.
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
    /// The index of all series, given by their labels.
    pub(super) fn new(series: &[&[Label]], symbols: &Symbols<'_>) -> Self {
        let places = places_of_symbols(series, symbols);
        let place = |s: Symbol| places[s.0 as usize];
        let key = |label: &Label| (place(label.name), place(label.value));
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
        by_name.sort_unstable_by_key(|(name, _)| place(*name));
        let names = by_name
            .into_iter()
            .map(|(name, mut having)| {
                having.sort_unstable_by_key(|&(value, rank)| (place(value), rank));
                name_index(symbols.get(name), &having, symbols)
            })
            .collect();
        Index { order, names }
    }

    /// The series' number by rank.
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
    pub(super) fn select(&self, matchers: &[Matcher]) -> Vec<u32> {
        let mut only = Vec::new();
        let mut all_but = Vec::new();
        for matcher in matchers {
            match self.verdict(matcher) {
                Verdict::Nothing => return Vec::new(),
                Verdict::All => {}
                Verdict::Only(name, ranges) => only.push((name.count(&ranges), name, ranges)),
                Verdict::AllBut(name, ranges) => all_but.push((name, ranges)),
            }
        }
        only.sort_by_key(|(count, ..)| *count);
        let mut only = only.into_iter();
        let mut ranks: Vec<u32> = match only.next() {
            None => (0..self.order.len() as u32).collect(),
            Some((_, name, ranges)) => {
                let mut ranks: Vec<u32> = name.ranks_in(&ranges).collect();
                ranks.sort_unstable();
                ranks
            }
        };
        for (_, name, ranges) in only {
            let bits = Bits::of(name.ranks_in(&ranges), self.order.len());
            ranks.retain(|&rank| bits.has(rank));
        }
        for (name, ranges) in all_but {
            let bits = Bits::of(name.ranks_in(&ranges), self.order.len());
            ranks.retain(|&rank| !bits.has(rank));
        }
        ranks
    }

    fn verdict(&self, matcher: &Matcher) -> Verdict<'_> {
        let Some(name) = self.name(matcher.name()) else {
            return if matcher.matches_empty() {
                Verdict::All
            } else {
                Verdict::Nothing
            };
        };
        if matcher.matches_empty() {
            // A series without the label matches too, so look for the others.
            let others = resolve(&matcher.inverse(), &name.values());
            return Verdict::AllBut(name, others);
        }
        Verdict::Only(name, resolve(matcher, &name.values()))
    }
}

/// By symbol, its place among all used symbols in order of their texts.
fn places_of_symbols(series: &[&[Label]], symbols: &Symbols<'_>) -> Vec<u32> {
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
    let mut places = vec![0; len];
    for (place, symbol) in by_text.into_iter().enumerate() {
        places[symbol.0 as usize] = place as u32;
    }
    places
}

/// From the series that have a label, sorted by value and rank.
fn name_index(name: &str, having: &[(Symbol, u32)], symbols: &Symbols<'_>) -> NameIndex {
    let mut index = NameIndex {
        name: name.to_string(),
        bytes: Vec::new(),
        offsets: vec![0],
        postings: having.iter().map(|&(_, rank)| rank).collect(),
        starts: Vec::new(),
    };
    let mut last = None;
    for (i, &(value, _)) in having.iter().enumerate() {
        if last.replace(value) != Some(value) {
            index.starts.push(i as u32);
            index.bytes.extend_from_slice(symbols.get(value).as_bytes());
            index.offsets.push(index.bytes.len() as u32);
        }
    }
    index.starts.push(having.len() as u32);
    index
}
