//! Selects series by matchers.
//!
//! The first select builds the base index, which views share. Later series get
//! a small index of their own, built for each view with a select. When it has
//! grown to a fraction of the base, one index of all series replaces both. So
//! the cost of a new series does not depend on the size of the head.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::{Matcher, SortedValues};
use rustc_hash::{FxHashMap, FxHashSet};

use super::series::{Label, Series};
use super::symbols::{HeadSymbol, Symbols};
use crate::resolve::resolve_for;

/// The base is rebuilt when the small index has more than one for this number of
/// its series.
const REBUILD_SHARE: usize = 8;
/// Number of series that the small index may always have.
const REBUILD_LEAST: usize = 1024;

/// All values of a label with their series.
#[derive(Debug, Default)]
struct Values {
    /// Sorted by text.
    values: Vec<HeadSymbol>,
    /// Where the series of each value end in `ids`.
    ends: Vec<u32>,
    /// Ascending for each value.
    ids: Vec<u32>,
}

impl Values {
    fn ids(&self, values: &Range<u32>) -> &[u32] {
        let at = |i: u32| {
            if i == 0 {
                0
            } else {
                self.ends[i as usize - 1] as usize
            }
        };
        &self.ids[at(values.start)..at(values.end)]
    }
}

/// The values of a label as text.
struct Texts<'a> {
    symbols: &'a Symbols,
    values: &'a [HeadSymbol],
}

impl SortedValues for Texts<'_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    fn get(&self, i: usize) -> &[u8] {
        self.symbols.get(self.values[i]).as_bytes()
    }
}

/// The index of the series `range`.
#[derive(Debug)]
pub(super) struct LabelIndex {
    range: Range<u32>,
    names: FxHashMap<HeadSymbol, Values>,
    /// For each series of the range, its position in label order.
    positions: Vec<u32>,
}

/// Compares label sets as Prometheus does: label by label, name before value; a
/// prefix comes first.
pub(super) fn compare(symbols: &Symbols, a: &[Label], b: &[Label]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        for (x, y) in [(x.0, y.0), (x.1, y.1)] {
            if x != y {
                return symbols.get(x).cmp(symbols.get(y));
            }
        }
    }
    a.len().cmp(&b.len())
}

impl LabelIndex {
    /// Builds the index; `series` gives the labels of a series of the range.
    fn build<'a>(
        symbols: &Symbols,
        range: Range<u32>,
        series: impl Fn(u32) -> &'a [Label],
    ) -> LabelIndex {
        let mut by_name: FxHashMap<HeadSymbol, FxHashMap<HeadSymbol, Vec<u32>>> =
            FxHashMap::default();
        for id in range.clone() {
            for (name, value) in series(id) {
                by_name
                    .entry(*name)
                    .or_default()
                    .entry(*value)
                    .or_default()
                    .push(id);
            }
        }
        let names = by_name.into_iter().map(|(name, by_value)| {
            let mut pairs: Vec<_> = by_value.into_iter().collect();
            pairs.sort_unstable_by(|a, b| symbols.get(a.0).cmp(symbols.get(b.0)));
            let mut values = Values::default();
            for (value, ids) in pairs {
                values.values.push(value);
                values.ids.extend(ids);
                values.ends.push(values.ids.len() as u32);
            }
            (name, values)
        });
        let names = names.collect();
        let mut order: Vec<u32> = range.clone().collect();
        order.sort_unstable_by(|a, b| compare(symbols, series(*a), series(*b)));
        let mut positions = vec![0; order.len()];
        for (position, id) in order.iter().enumerate() {
            positions[(id - range.start) as usize] = position as u32;
        }
        LabelIndex {
            range,
            names,
            positions,
        }
    }

    fn values(&self, symbols: &Symbols, name: &str) -> Option<&Values> {
        self.names
            .iter()
            .find(|(n, _)| symbols.get(**n) == name)
            .map(|(_, v)| v)
    }

    /// The series of the index that satisfy all matchers, ascending.
    fn select(
        &self,
        symbols: &Symbols,
        matchers: &[Matcher],
        control: &dyn SelectControl,
    ) -> Result<Vec<u32>, StorageError> {
        let mut selected: Option<Vec<u32>> = None;
        let mut excluded = Vec::new();
        for matcher in matchers {
            control.check()?;
            let values = self.values(symbols, matcher.name());
            let texts = |values| Texts { symbols, values };
            if !matcher.matches_empty() {
                let ids = match values {
                    Some(v) => {
                        let matching = resolve_for(matcher, &texts(&v.values), control)?;
                        union(v, &matching, &self.range)
                    }
                    None => Vec::new(),
                };
                selected = Some(match selected {
                    Some(before) => intersect(before, &ids),
                    None => ids,
                });
                if selected.as_ref().is_some_and(Vec::is_empty) {
                    return Ok(Vec::new());
                }
            } else if let Some(values) = values {
                // Series without the label match, so exclude the others.
                let matching = resolve_for(matcher, &texts(&values.values), control)?;
                let others = complement(&matching, values.values.len() as u32);
                excluded.push(union(values, &others, &self.range));
            }
        }
        let mut selected = selected.unwrap_or_else(|| self.range.clone().collect());
        for ids in &excluded {
            subtract(&mut selected, ids);
        }
        Ok(selected)
    }

    /// Label names of the series for which `visible` holds.
    fn names(&self, visible: impl Fn(u32) -> bool) -> impl Iterator<Item = HeadSymbol> {
        let has = move |v: &Values| v.ids.iter().any(|id| visible(*id));
        self.names
            .iter()
            .filter(move |(_, v)| has(v))
            .map(|(name, _)| *name)
    }

    /// Values of a label of the series for which `visible` holds.
    fn values_of(
        &self,
        symbols: &Symbols,
        name: &str,
        visible: impl Fn(u32) -> bool,
    ) -> Vec<HeadSymbol> {
        let Some(values) = self.values(symbols, name) else {
            return Vec::new();
        };
        let seen = |i: &u32| values.ids(&(*i..*i + 1)).iter().any(|id| visible(*id));
        let numbers = 0..values.values.len() as u32;
        numbers
            .filter(seen)
            .map(|i| values.values[i as usize])
            .collect()
    }

    fn sort(&self, ids: &mut [u32]) {
        ids.sort_unstable_by_key(|id| self.positions[(id - self.range.start) as usize]);
    }
}

/// Series of more values than this are collected in a bitmap if they are a large
/// part of all.
const FEW_VALUES: u32 = 8;

/// The series of some values, ascending. Each series has one value, so none
/// occurs twice.
fn union(values: &Values, ranges: &[Range<u32>], all: &Range<u32>) -> Vec<u32> {
    let parts = || ranges.iter().flat_map(|r| values.ids(r));
    let count: u32 = ranges.iter().map(|r| r.end - r.start).sum();
    let length = ranges.iter().map(|r| values.ids(r).len()).sum::<usize>();
    if count <= FEW_VALUES || length < all.len() / 64 {
        let mut ids: Vec<u32> = parts().copied().collect();
        if count > 1 {
            ids.sort_unstable();
        }
        return ids;
    }
    let mut bitmap = vec![0u64; all.len().div_ceil(64)];
    for id in parts() {
        let bit = id - all.start;
        bitmap[bit as usize / 64] |= 1 << (bit % 64);
    }
    let mut ids = Vec::with_capacity(length);
    for (word, mut bits) in bitmap.into_iter().enumerate() {
        while bits != 0 {
            ids.push(all.start + word as u32 * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
    ids
}

fn complement(ranges: &[Range<u32>], length: u32) -> Vec<Range<u32>> {
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut from = 0;
    for range in ranges {
        gaps.push(from..range.start);
        from = range.end;
    }
    gaps.push(from..length);
    gaps
}

/// Iterates over the shorter list and searches in the longer one from the last
/// position on.
fn intersect(mut a: Vec<u32>, b: &[u32]) -> Vec<u32> {
    if a.len() > b.len() {
        let mut rest = a.as_slice();
        return b
            .iter()
            .copied()
            .filter(|id| skip_to(&mut rest, *id))
            .collect();
    }
    let mut rest = b;
    a.retain(|id| skip_to(&mut rest, *id));
    a
}

fn subtract(a: &mut Vec<u32>, b: &[u32]) {
    let mut rest = b;
    a.retain(|id| !skip_to(&mut rest, *id));
}

/// Skips the numbers of an ascending list below `id`. Returns whether `id`
/// follows.
fn skip_to(rest: &mut &[u32], id: u32) -> bool {
    let mut step = 1;
    while rest.get(step).is_some_and(|x| *x < id) {
        *rest = &rest[step..];
        step *= 2;
    }
    *rest = &rest[rest[..rest.len().min(step)].partition_point(|x| *x < id)..];
    rest.first() == Some(&id)
}

/// The base index that the views of a reader share.
#[derive(Debug, Default)]
pub(super) struct SharedIndex(Mutex<Option<Arc<LabelIndex>>>);

/// The index of one view.
#[derive(Debug)]
pub(super) struct ViewIndex {
    base: Arc<LabelIndex>,
    /// The series that are newer than the base.
    recent: LabelIndex,
    /// Series from this number on are newer than the view.
    end: u32,
}

impl ViewIndex {
    pub fn build<'a>(
        shared: &SharedIndex,
        symbols: &Symbols,
        end: u32,
        series: impl Fn(u32) -> &'a [Label],
    ) -> ViewIndex {
        let mut slot = shared.0.lock();
        let covered = slot.as_ref().map_or(0, |base| base.range.end);
        let allowed = (covered as usize / REBUILD_SHARE).max(REBUILD_LEAST);
        let base = match &*slot {
            Some(base) if end.saturating_sub(covered) as usize <= allowed => base.clone(),
            _ => {
                let base = Arc::new(LabelIndex::build(symbols, 0..end, &series));
                *slot = Some(base.clone());
                base
            }
        };
        drop(slot);
        let recent = LabelIndex::build(symbols, base.range.end.min(end)..end, &series);
        ViewIndex { base, recent, end }
    }

    /// Names of labels of series that have samples.
    pub fn names<'a>(&self, series: impl Fn(u32) -> &'a Series) -> FxHashSet<HeadSymbol> {
        let visible = |id| id < self.end && series(id).has_samples();
        self.base
            .names(visible)
            .chain(self.recent.names(visible))
            .collect()
    }

    /// Values of a label of series that have samples.
    pub fn values<'a>(
        &self,
        symbols: &Symbols,
        name: &str,
        series: impl Fn(u32) -> &'a Series,
    ) -> FxHashSet<HeadSymbol> {
        let visible = |id| id < self.end && series(id).has_samples();
        let of = |index: &LabelIndex| index.values_of(symbols, name, visible);
        of(&self.base).into_iter().chain(of(&self.recent)).collect()
    }

    /// Series that satisfy all matchers and have samples, in label order.
    pub fn select<'a>(
        &self,
        symbols: &Symbols,
        matchers: &[Matcher],
        series: impl Fn(u32) -> &'a Series,
        control: &dyn SelectControl,
    ) -> Result<Vec<u32>, StorageError> {
        let part = |index: &LabelIndex| {
            let mut ids = index.select(symbols, matchers, control)?;
            ids.retain(|id| *id < self.end && series(*id).has_samples());
            index.sort(&mut ids);
            Ok::<_, StorageError>(ids)
        };
        let (base, recent) = (part(&self.base)?, part(&self.recent)?);
        if recent.is_empty() {
            return Ok(base);
        }
        let mut merged = Vec::with_capacity(base.len() + recent.len());
        let mut base = base.into_iter().peekable();
        for id in recent {
            let labels = &series(id).labels;
            while let Some(before) =
                base.next_if(|b| compare(symbols, &series(*b).labels, labels) != Ordering::Greater)
            {
                merged.push(before);
            }
            merged.push(id);
        }
        merged.extend(base);
        Ok(merged)
    }
}
