//! Merges the sorted series of several sources.
//!
//! A series of several sources becomes one row with a part for each. The order
//! of the parts matters where sources have different samples at one time. It is
//! the order of Prometheus's heap of sources (`storage/merge.go`), so the heap
//! has the layout of Go's `container/heap`.

use std::cmp::Ordering;

use quarrel_engine::labels::{LabelList, Symbols};

use super::block::Rows;
use super::chain::GoHeap;

/// A series in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The number of the source.
    pub source: u32,
    /// The number of the series there.
    pub id: u32,
}

/// Rows with the parts of each.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    pub labels: LabelList,
    /// The one source with rows, and the number of each row there.
    only: Option<(u32, Vec<u32>)>,
    /// The parts of rows of several sources.
    parts: Vec<Part>,
    /// Where the parts of each row end.
    ends: Vec<u32>,
}

impl Merged {
    /// The part of a row, if all rows are of one source.
    pub fn only_part(&self, row: usize) -> Option<Part> {
        let (source, ids) = self.only.as_ref()?;
        let (source, id) = (*source, *ids.get(row)?);
        Some(Part { source, id })
    }

    /// The parts of a row of several sources.
    pub fn parts(&self, row: usize) -> &[Part] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.parts[start as usize..self.ends[row] as usize]
    }
}

/// Merges the rows of sources with their numbers.
pub(crate) fn merge(mut sources: Vec<(u32, Rows)>, symbols: &Symbols<'_>) -> Merged {
    sources.retain(|(_, rows)| !rows.ids.is_empty());
    if sources.len() < 2 {
        let Some((source, rows)) = sources.pop() else {
            return Merged::default();
        };
        return Merged {
            labels: rows.labels,
            only: Some((source, rows.ids)),
            ..Merged::default()
        };
    }
    let rows = sources.iter().map(|(_, rows)| rows.ids.len());
    let (most, all) = (rows.clone().max().unwrap_or(0), rows.sum());
    let mut merged = Merged {
        labels: LabelList::with_capacity(most, 8),
        only: None,
        parts: Vec::with_capacity(all),
        ends: Vec::with_capacity(most),
    };
    // A position in `sources` and the next row there.
    let labels = |item: &(usize, usize)| sources[item.0].1.labels.get(item.1);
    let less = |a: &(usize, usize), b: &(usize, usize)| {
        symbols.compare(labels(a), labels(b)) == Ordering::Less
    };
    let mut heap = GoHeap(Vec::with_capacity(sources.len()));
    let mut current: Vec<(usize, usize)> = (0..sources.len()).map(|i| (i, 0)).collect();
    loop {
        for item in current.drain(..) {
            if item.1 < sources[item.0].1.ids.len() {
                heap.push(item, less);
            }
        }
        let Some(first) = heap.pop(less) else {
            return merged;
        };
        merged.labels.push(labels(&first).iter().copied());
        current.push(first);
        while heap
            .0
            .first()
            .is_some_and(|top| labels(top) == labels(&first))
        {
            current.extend(heap.pop(less));
        }
        for item in &mut current {
            let (source, rows) = &sources[item.0];
            merged.parts.push(Part {
                source: *source,
                id: rows.ids[item.1],
            });
            item.1 += 1;
        }
        merged.ends.push(merged.parts.len() as u32);
    }
}
