//! The histogram samples of one series, from its chunks.

use std::sync::Arc;

use quarrel_chunks::histogram::{
    self as chunks, HistogramColumns, decode_histogram_totals, decode_histograms,
};
use quarrel_chunks::{ChunkError, Encoding};
use quarrel_functions::histogram::native::{
    CounterReset, HistogramColumn, HistogramRef, HistogramRows, Layout, LayoutError, RowColumns,
};

use super::stale::is_stale;
use crate::storage::TimeRange;

/// Timestamps (ms, ascending) and histograms of one series.
#[derive(Debug, Default)]
pub struct HistogramSamples {
    /// Milliseconds, strictly ascending.
    pub timestamps: Vec<i64>,
    /// When each began to count from zero, ms; 0 where that is unknown.
    pub start_timestamps: Vec<i64>,
    /// One histogram a timestamp; stale markers are in until asked out.
    pub column: HistogramColumn,
    scratch: HistogramColumns,
    /// Of chunks whose totals are decoded, the samples with buckets.
    pub(super) ends: HistogramColumns,
}

/// Why histograms cannot be had.
#[derive(Debug)]
pub enum HistogramSamplesError {
    /// A chunk cannot be decoded.
    Chunk(ChunkError),
    /// Its buckets make no sense.
    Layout(LayoutError),
}

impl HistogramSamples {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.timestamps.clear();
        self.start_timestamps.clear();
        self.column.clear();
    }

    /// Appends the samples of a chunk that no deleted range holds, and whose
    /// timestamps are not `taken`. Earlier chunks win where they overlap.
    ///
    /// # Errors
    /// When the chunk is corrupt.
    pub fn append(
        &mut self,
        encoding: Encoding,
        bytes: &[u8],
        deleted: &[TimeRange],
        taken: &[i64],
    ) -> Result<(), HistogramSamplesError> {
        let scratch = &mut self.scratch;
        decode_histograms(encoding, bytes, scratch).map_err(HistogramSamplesError::Chunk)?;
        if scratch.is_empty() {
            return Ok(());
        }
        let timestamps = std::mem::take(&mut scratch.timestamps);
        let start_timestamps = std::mem::take(&mut scratch.start_timestamps);
        let rows = rows_of(scratch).map_err(HistogramSamplesError::Layout)?;
        let gone = |t: &i64| {
            deleted.iter().any(|d| d.start <= *t && *t <= d.end) || taken.binary_search(t).is_ok()
        };
        let overlaps = self.timestamps.last() >= timestamps.first();
        if !overlaps && !timestamps.iter().any(gone) {
            self.timestamps.extend_from_slice(&timestamps);
            self.start_timestamps.extend_from_slice(&start_timestamps);
            self.column.push_run(rows);
            return Ok(());
        }
        let kept: Vec<usize> = (0..timestamps.len())
            .filter(|&i| !gone(&timestamps[i]))
            .collect();
        self.merge(&kept, &timestamps, &start_timestamps, &rows);
        Ok(())
    }

    /// Merges samples of another chunk in; what is there wins. That there was
    /// no counter reset is known only of neighbours of one chunk: it is
    /// forgotten where another chunk's sample has come between.
    fn merge(
        &mut self,
        kept: &[usize],
        timestamps: &[i64],
        start_timestamps: &[i64],
        rows: &HistogramRows,
    ) {
        let mut out = HistogramSamples::default();
        let (mut a, mut b) = (0, 0);
        let mut last_is_own = true;
        while a < self.timestamps.len() || b < kept.len() {
            let theirs = kept.get(b).map(|&i| timestamps[i]);
            match (self.timestamps.get(a), theirs) {
                (Some(&own), other) if other.is_none_or(|t| own <= t) => {
                    let sample = after(self.column.get(a), last_is_own);
                    out.push(own, self.start_timestamps[a], &sample);
                    last_is_own = true;
                    b += usize::from(other == Some(own));
                    a += 1;
                }
                (_, Some(t)) => {
                    let i = kept[b];
                    let sample = after(rows.row(i), !last_is_own || b == 0);
                    out.push(t, start_timestamps[i], &sample);
                    last_is_own = false;
                    b += 1;
                }
                (_, None) => break,
            }
        }
        (self.timestamps, self.start_timestamps, self.column) =
            (out.timestamps, out.start_timestamps, out.column);
    }

    /// Decodes the totals of a chunk, and its first and last sample whole if
    /// `with_ends`: times, start timestamps, schema, and columns without buckets.
    ///
    /// # Errors
    /// When the chunk is corrupt.
    pub(super) fn decode_totals(
        &mut self,
        (encoding, bytes): (Encoding, &[u8]),
        with_ends: bool,
    ) -> Result<Totals, HistogramSamplesError> {
        let scratch = &mut self.scratch;
        let ends = with_ends.then_some(&mut self.ends);
        decode_histogram_totals(encoding, bytes, scratch, ends)
            .map_err(HistogramSamplesError::Chunk)?;
        Ok(Totals {
            timestamps: std::mem::take(&mut scratch.timestamps),
            start_timestamps: std::mem::take(&mut scratch.start_timestamps),
            schema: scratch.layout.schema,
            columns: columns_of(scratch),
        })
    }

    /// The samples with buckets of the chunk whose totals were decoded last.
    pub(super) fn take_ends(&mut self) -> Result<HistogramRows, HistogramSamplesError> {
        rows_of(&mut self.ends).map_err(HistogramSamplesError::Layout)
    }

    /// Appends a sample behind all others.
    pub fn push(&mut self, timestamp: i64, start: i64, h: &HistogramRef<'_>) {
        self.timestamps.push(timestamp);
        self.start_timestamps.push(start);
        self.column.push(h);
    }

    /// Removes the samples outside of a closed range.
    pub fn cut_to(&mut self, range: TimeRange) {
        self.retain(|t, _| range.start <= t && t <= range.end);
    }

    /// Removes stale markers.
    pub fn drop_stale(&mut self) {
        self.retain(|_, h| !is_stale(h));
    }

    fn retain(&mut self, keep: impl Fn(i64, &HistogramRef<'_>) -> bool) {
        let kept = |i: &usize| keep(self.timestamps[*i], &self.column.get(*i));
        let all = 0..self.timestamps.len();
        if all.clone().all(|i| kept(&i)) {
            return;
        }
        let mut out = HistogramSamples::default();
        for i in all.filter(kept) {
            out.push(
                self.timestamps[i],
                self.start_timestamps[i],
                &self.column.get(i),
            );
        }
        (self.timestamps, self.start_timestamps, self.column) =
            (out.timestamps, out.start_timestamps, out.column);
    }

    /// Bytes that the columns hold.
    pub fn bytes(&self) -> usize {
        self.timestamps.capacity() * 16 + self.column.bytes()
    }
}

/// The totals of a chunk's samples.
#[derive(Debug)]
pub(super) struct Totals {
    pub timestamps: Vec<i64>,
    pub start_timestamps: Vec<i64>,
    pub schema: i32,
    pub columns: RowColumns,
}

/// A sample that comes after its neighbour, or after another chunk's sample.
fn after(sample: HistogramRef<'_>, neighbour: bool) -> HistogramRef<'_> {
    let counter_reset = match sample.counter_reset {
        hint if neighbour || hint == CounterReset::Gauge => hint,
        _ => CounterReset::Unknown,
    };
    HistogramRef {
        counter_reset,
        ..sample
    }
}

/// The decoded columns as rows of a layout; takes their memory.
fn rows_of(columns: &mut HistogramColumns) -> Result<HistogramRows, LayoutError> {
    let spans = |spans: &[chunks::Span]| -> Vec<(i32, u32)> {
        spans.iter().map(|s| (s.offset, s.length)).collect()
    };
    let written = &columns.layout;
    let layout = Layout::from_spans(
        written.schema,
        written.zero_threshold,
        spans(&written.positive_spans),
        spans(&written.negative_spans),
        Arc::from(&written.custom_values[..]),
    )?;
    let wrong = |_| LayoutError::TooManyBuckets;
    HistogramRows::from_columns(layout, false, columns_of(columns)).map_err(wrong)
}

/// The decoded columns; takes their memory.
fn columns_of(columns: &mut HistogramColumns) -> RowColumns {
    let samples = columns.counts.len();
    let hint = |i: usize| match columns.counter_reset.of_sample(i) {
        chunks::CounterReset::Unknown => CounterReset::Unknown,
        chunks::CounterReset::Reset => CounterReset::Reset,
        chunks::CounterReset::NoReset => CounterReset::NoReset,
        chunks::CounterReset::Gauge => CounterReset::Gauge,
    };
    RowColumns {
        hints: (0..samples).map(hint).collect(),
        zero_counts: std::mem::take(&mut columns.zero_counts),
        counts: std::mem::take(&mut columns.counts),
        sums: std::mem::take(&mut columns.sums),
        buckets: std::mem::take(&mut columns.buckets),
    }
}

#[cfg(test)]
mod tests {
    use quarrel_chunks::histogram::{Histogram, HistogramBuilder, HistogramLayout};

    use super::*;

    fn hints(chunks: &[&[i64]]) -> Vec<(i64, CounterReset)> {
        let mut samples = HistogramSamples::default();
        for times in chunks {
            let mut builder = HistogramBuilder::new(false);
            for t in *times {
                let histogram = Histogram {
                    counter_reset: chunks::CounterReset::Unknown,
                    layout: HistogramLayout::default(),
                    count: *t as u64,
                    zero_count: *t as u64,
                    sum: 0.0,
                    buckets: Vec::new(),
                };
                builder.push(0, *t, &histogram).unwrap();
            }
            let [chunk] = &builder.finish().unwrap()[..] else {
                panic!("one chunk");
            };
            samples
                .append(chunk.encoding, &chunk.bytes, &[], &[])
                .unwrap();
        }
        let hint = |(t, h): (&i64, HistogramRef<'_>)| (*t, h.counter_reset);
        let rows = samples.timestamps.iter().zip(samples.column.iter());
        rows.map(hint).collect()
    }

    #[test]
    fn no_reset_is_known_between_neighbours_of_one_chunk_alone() {
        use CounterReset::{NoReset, Unknown};
        let apart = [(10, Unknown), (20, NoReset), (30, Unknown), (40, NoReset)];
        assert_eq!(hints(&[&[10, 20], &[30, 40]]), apart);
        let between = [(10, Unknown), (20, Unknown), (30, Unknown), (40, NoReset)];
        assert_eq!(hints(&[&[10, 30, 40], &[20]]), between);
        assert_eq!(hints(&[&[20], &[10, 30, 40]]), between);
        let twin = [(10, Unknown), (20, NoReset), (30, Unknown)];
        assert_eq!(hints(&[&[10, 20], &[10, 20, 30]]), twin);
    }
}
