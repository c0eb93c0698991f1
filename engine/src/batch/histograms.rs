//! The histograms among a batch's items.
//!
//! They lie in columns, one after the other in the order of the items, as runs
//! that share a bucket layout: a run's bucket counts are one dense matrix.

use std::sync::Arc;

use arrow_buffer::ScalarBuffer;
use quarrel_functions::histogram::native::{
    CounterReset, HistogramColumn, HistogramRef, HistogramRows, Layout, RowColumns, StepHistograms,
};

/// Stands for an item that is no histogram.
pub(super) const NONE: u32 = u32::MAX;

/// The counter-reset hints by their numbers.
pub(super) const HINTS: [CounterReset; 4] = [
    CounterReset::Unknown,
    CounterReset::Reset,
    CounterReset::NoReset,
    CounterReset::Gauge,
];

fn number_of(hint: CounterReset) -> u8 {
    match hint {
        CounterReset::Unknown => 0,
        CounterReset::Reset => 1,
        CounterReset::NoReset => 2,
        CounterReset::Gauge => 3,
    }
}

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
    /// By their numbers, see [`HINTS`].
    pub hints: ScalarBuffer<u8>,
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

/// A multiplication or division of histograms by a number.
#[derive(Clone, Copy, Debug)]
pub enum Rescale {
    /// By a factor; empty buckets are absent from then on.
    Multiply(f64),
    /// By a divisor other than zero; as above.
    Divide(f64),
    /// By -1, and empty buckets stay.
    Negate,
}

impl Rescale {
    fn number(self) -> f64 {
        match self {
            Rescale::Multiply(number) | Rescale::Divide(number) => number,
            Rescale::Negate => -1.0,
        }
    }

    fn apply(self, values: ScalarBuffer<f64>) -> ScalarBuffer<f64> {
        let mut values = match values.into_inner().into_vec::<f64>() {
            Ok(own) => own,
            Err(shared) => ScalarBuffer::<f64>::from(shared).to_vec(),
        };
        match self {
            Rescale::Multiply(factor) => values.iter_mut().for_each(|v| *v *= factor),
            Rescale::Divide(divisor) => values.iter_mut().for_each(|v| *v /= divisor),
            Rescale::Negate => values.iter_mut().for_each(|v| *v *= -1.0),
        }
        values.into()
    }
}

impl HistogramItems {
    /// Whether they can be rescaled column by column: not where zeros of absent
    /// buckets would become NaN, or all buckets vanish.
    pub fn can_rescale(&self, by: Rescale) -> bool {
        let compacted = self.columns.runs.iter().any(|run| run.compact);
        match by {
            Rescale::Multiply(factor) => !compacted || factor.is_finite(),
            Rescale::Divide(divisor) => divisor != 0.0 && !(compacted && divisor.is_nan()),
            Rescale::Negate => true,
        }
    }

    /// All of them rescaled, in place where their memory belongs to nobody else.
    pub fn rescaled(self, by: Rescale) -> HistogramItems {
        let HistogramItems { places, columns } = self;
        let compact = |run: &LayoutRun| LayoutRun {
            compact: run.compact || !matches!(by, Rescale::Negate),
            ..run.clone()
        };
        let gauge = number_of(CounterReset::Gauge);
        let columns = Columns {
            hints: match by.number() < 0.0 {
                true => vec![gauge; columns.hints.len()].into(),
                false => columns.hints,
            },
            zero_counts: by.apply(columns.zero_counts),
            counts: by.apply(columns.counts),
            sums: by.apply(columns.sums),
            buckets: by.apply(columns.buckets),
            runs: columns.runs.iter().map(compact).collect(),
        };
        HistogramItems { places, columns }
    }

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
            counter_reset: HINTS[usize::from(self.hints[place]) % HINTS.len()],
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

    /// Items of which some are histograms: those of a row whose first item is
    /// that of step `first`.
    pub fn place(&mut self, steps: &[u32], first: u32, items: usize) {
        let from = self.places.len();
        let next = self.column.len() as u32;
        self.places.resize(from + items, NONE);
        for (place, &step) in (next..).zip(steps) {
            self.places[from + (step - first) as usize] = place;
        }
    }

    /// Copies the histograms that have been placed.
    pub fn copy(&mut self, histograms: &StepHistograms) {
        let column = histograms.column();
        self.column.extend_from(column, 0..column.len());
    }

    /// Moves the histograms that have been placed.
    pub fn take(&mut self, histograms: &mut StepHistograms) {
        histograms.move_to(&mut self.column);
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
                hints: all
                    .hints
                    .into_iter()
                    .map(number_of)
                    .collect::<Vec<_>>()
                    .into(),
                zero_counts: all.zero_counts.into(),
                counts: all.counts.into(),
                sums: all.sums.into(),
                buckets: all.buckets.into(),
                runs: runs.into(),
            },
        }
    }
}
