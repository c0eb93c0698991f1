//! The histograms among a batch's items.
//!
//! They lie in columns, one after the other in the order of the items, as runs
//! that share a bucket layout: a run's bucket counts are one dense matrix.

use std::sync::Arc;

use arrow_buffer::ScalarBuffer;
use quarrel_functions::histogram::native::{
    CounterReset, HistogramColumn, HistogramRef, HistogramRows, Layout, RowColumns,
};

/// Stands for an item that is no histogram.
pub(super) const NONE: u32 = u32::MAX;

/// Where each item of a batch has its histogram.
#[derive(Clone, Debug)]
pub(super) struct HistogramItems {
    /// For each item its place among the histograms, or [`NONE`].
    pub(super) places: ScalarBuffer<u32>,
    pub(super) columns: Columns,
}

/// Histograms in columns.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub hints: Arc<[CounterReset]>,
    pub zero_counts: ScalarBuffer<f64>,
    pub counts: ScalarBuffer<f64>,
    pub sums: ScalarBuffer<f64>,
    /// Bucket counts, histogram after histogram.
    pub buckets: ScalarBuffer<f64>,
    /// Ascending by end.
    pub runs: Arc<[LayoutRun]>,
}

/// Histograms that share a layout.
#[derive(Clone, Debug)]
pub(super) struct LayoutRun {
    pub layout: Arc<Layout>,
    /// Whether empty buckets count as absent.
    pub compact: bool,
    /// The first histogram, and the one behind the last.
    pub start: usize,
    pub end: usize,
    /// Where the first one's bucket counts begin.
    pub buckets_from: usize,
}

impl HistogramItems {
    /// The histogram of an item.
    pub fn get(&self, item: usize) -> Option<HistogramRef<'_>> {
        match self.places[item] {
            NONE => None,
            place => Some(self.columns.get(place as usize)),
        }
    }

    /// About the bytes of all.
    pub fn bytes(&self) -> usize {
        let columns = &self.columns;
        self.places.len() * 4 + columns.counts.len() * 25 + columns.buckets.len() * 8
    }
}

impl Columns {
    fn get(&self, place: usize) -> HistogramRef<'_> {
        let run = match &self.runs[..] {
            [only] => only,
            runs => &runs[runs.partition_point(|run| run.end <= place)],
        };
        let width = run.layout.width();
        let from = run.buckets_from + (place - run.start) * width;
        HistogramRef {
            counter_reset: self.hints[place],
            layout: &run.layout,
            zero_count: self.zero_counts[place],
            count: self.counts[place],
            sum: self.sums[place],
            buckets: &self.buckets[from..from + width],
            compact: run.compact,
        }
    }
}

/// Collects the histograms of a batch.
#[derive(Debug, Default)]
pub(super) struct HistogramsBuilder {
    places: Vec<u32>,
    column: HistogramColumn,
}

impl HistogramsBuilder {
    /// Items that are no histograms.
    pub fn pad(&mut self, items: usize) {
        self.places.resize(self.places.len() + items, NONE);
    }

    /// An item that is one.
    pub fn push(&mut self, h: &HistogramRef<'_>) {
        self.places.push(self.column.len() as u32);
        self.column.push(h);
    }

    /// About the bytes so far.
    pub fn bytes(&self) -> usize {
        self.places.len() * 4 + self.column.bytes()
    }

    /// All of them.
    pub fn finish(self) -> HistogramItems {
        let HistogramsBuilder { places, column } = self;
        let mut runs = Vec::new();
        let (mut start, mut buckets_from) = (0, 0);
        for rows in column.runs() {
            let end = start + rows.len();
            runs.push(LayoutRun {
                layout: Arc::clone(rows.layout()),
                compact: rows.is_compact(),
                start,
                end,
                buckets_from,
            });
            buckets_from += rows.len() * rows.layout().width();
            start = end;
        }
        // One run is the rule: then nothing is copied.
        let mut parts = column.into_runs().into_iter();
        let mut all = parts
            .next()
            .map_or_else(RowColumns::default, HistogramRows::into_columns);
        for columns in parts.map(HistogramRows::into_columns) {
            all.hints.extend(columns.hints);
            all.zero_counts.extend(columns.zero_counts);
            all.counts.extend(columns.counts);
            all.sums.extend(columns.sums);
            all.buckets.extend(columns.buckets);
        }
        HistogramItems {
            places: places.into(),
            columns: Columns {
                hints: all.hints.into(),
                zero_counts: all.zero_counts.into(),
                counts: all.counts.into(),
                sums: all.sums.into(),
                buckets: all.buckets.into(),
                runs: runs.into(),
            },
        }
    }
}
