//! The histogram samples of one series, from its chunks.

use std::sync::Arc;

use quarrel_chunks::histogram::{
    self as chunks, HistogramColumns, HistogramLayout, append_histograms, decode_histogram_totals,
};
use quarrel_chunks::{ChunkError, Encoding};
use quarrel_functions::histogram::native::{
    CounterReset, HistogramColumn, HistogramRef, HistogramRows, Layout, LayoutError, RowColumns,
};

use super::stale::is_stale;
use crate::storage::TimeRange;

/// Timestamps (ms, ascending) and histograms of one series.
///
/// Chunks that share a layout, which is the rule, are decoded one behind the
/// other, and their memory is that of the series before.
#[derive(Debug, Default)]
pub struct HistogramSamples {
    /// Milliseconds, strictly ascending.
    pub timestamps: Vec<i64>,
    /// When each began to count from zero, ms; 0 where that is unknown.
    pub start_timestamps: Vec<i64>,
    /// One histogram a timestamp; stale markers are in until asked out.
    pub column: HistogramColumn,
    /// The last samples, which [`HistogramSamples::close`] adds to the others.
    open: HistogramColumns,
    open_hints: Vec<CounterReset>,
    layout: LastLayout,
    scratch: HistogramColumns,
    /// Of chunks whose totals are decoded, the samples with buckets.
    pub(super) ends: HistogramColumns,
    end_hints: Vec<CounterReset>,
    spare_totals: Vec<Totals>,
    /// The last layout of totals.
    pub(super) bare: Option<Arc<Layout>>,
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
        let takes_memory = self.open.counts.capacity() == 0;
        if let Some(columns) = takes_memory.then(|| self.column.take_columns()).flatten() {
            self.open_hints = columns.hints;
            self.open.zero_counts = columns.zero_counts;
            self.open.counts = columns.counts;
            self.open.sums = columns.sums;
            self.open.buckets = columns.buckets;
        }
        self.column.clear();
        self.open_hints.clear();
        self.open.clear();
    }

    /// Appends the samples of a chunk that lie in `range`, that no deleted range
    /// holds, and whose timestamps are not `taken`. Earlier chunks win where they
    /// overlap. The samples are there when they are
    /// [closed](HistogramSamples::close).
    ///
    /// # Errors
    /// When the chunk is corrupt.
    pub fn append(
        &mut self,
        encoding: Encoding,
        bytes: &[u8],
        range: TimeRange,
        deleted: &[TimeRange],
        taken: &[i64],
    ) -> Result<(), HistogramSamplesError> {
        let from = self.decode((encoding, bytes), range)?;
        let new = &self.open.timestamps[from..];
        let gone = |t: &i64| {
            deleted.iter().any(|d| d.start <= *t && *t <= d.end) || taken.binary_search(t).is_ok()
        };
        if !self.overlaps(from) && !new.iter().any(gone) {
            return Ok(());
        }
        let kept: Vec<usize> = (0..new.len()).filter(|&i| !gone(&new[i])).collect();
        self.merge_open(from, &kept)
    }

    /// Appends the samples of a chunk of downsampled windows, divided by
    /// `divisors`, if there are any; `stays` says by the windows' times which of
    /// them do. As [`HistogramSamples::append`] otherwise.
    ///
    /// # Errors
    /// When the chunk is corrupt.
    pub(super) fn append_windows(
        &mut self,
        chunk: (Encoding, &[u8]),
        divisors: Option<&[f64]>,
        stays: impl FnOnce(&[i64]) -> Vec<bool>,
    ) -> Result<(), HistogramSamplesError> {
        let from = self.decode(chunk, TimeRange::ALL)?;
        if let Some(divisors) = divisors {
            self.divide_open(from, divisors);
        }
        let stay = stays(&self.open.timestamps[from..]);
        if !self.overlaps(from) && stay.iter().all(|stays| *stays) {
            return Ok(());
        }
        let kept: Vec<usize> = (0..stay.len()).filter(|&i| stay[i]).collect();
        self.merge_open(from, &kept)
    }

    /// Decodes the samples of a chunk in `range`, and gives the number of the first
    /// one among the last samples.
    fn decode(
        &mut self,
        (encoding, bytes): (Encoding, &[u8]),
        range: TimeRange,
    ) -> Result<usize, HistogramSamplesError> {
        let mut from = self.open.len();
        let append = |open: &mut HistogramColumns| {
            append_histograms(encoding, bytes, range.start..=range.end, open)
                .map_err(HistogramSamplesError::Chunk)
        };
        let earlier = match append(&mut self.open)? {
            Some(earlier) => earlier,
            None => {
                self.close()?;
                from = 0;
                append(&mut self.open)?.unwrap_or(0)
            }
        };
        let header = self.open.counter_reset;
        let added = self.open.len() - from;
        self.open_hints
            .extend((earlier..earlier + added).map(|i| hint_of(header.of_sample(i))));
        Ok(from)
    }

    /// Whether the last samples from `from` on are not all later than those before.
    fn overlaps(&self, from: usize) -> bool {
        let (before, new) = self.open.timestamps.split_at(from);
        let before = before.last().or(self.timestamps.last());
        !new.is_empty() && before >= new.first()
    }

    /// Divides the last samples from `from` on.
    fn divide_open(&mut self, from: usize, divisors: &[f64]) {
        let open = &mut self.open;
        let width = open.layout.buckets();
        for (i, divisor) in (from..open.len()).zip(divisors) {
            for value in [
                &mut open.counts[i],
                &mut open.zero_counts[i],
                &mut open.sums[i],
            ] {
                *value /= divisor;
            }
            let buckets = &mut open.buckets[i * width..][..width];
            buckets.iter_mut().for_each(|bucket| *bucket /= divisor);
        }
    }

    /// Merges the last samples from `from` on with all others; of them those stay
    /// whose numbers are `kept`.
    fn merge_open(&mut self, from: usize, kept: &[usize]) -> Result<(), HistogramSamplesError> {
        let timestamps = self.open.timestamps.split_off(from);
        let start_timestamps = self.open.start_timestamps.split_off(from);
        let columns = RowColumns {
            hints: self.open_hints.split_off(from),
            zero_counts: self.open.zero_counts.split_off(from),
            counts: self.open.counts.split_off(from),
            sums: self.open.sums.split_off(from),
            buckets: self
                .open
                .buckets
                .split_off(from * self.open.layout.buckets()),
        };
        let rows = rows_of(self.layout.of(&self.open.layout)?, columns)?;
        self.close()?;
        self.merge(kept, &timestamps, &start_timestamps, &rows);
        Ok(())
    }

    /// Adds the samples of the last chunks to the others.
    ///
    /// # Errors
    /// When their buckets make no sense.
    pub fn close(&mut self) -> Result<(), HistogramSamplesError> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open = &mut self.open;
        self.timestamps.append(&mut open.timestamps);
        self.start_timestamps.append(&mut open.start_timestamps);
        let columns = RowColumns {
            hints: std::mem::take(&mut self.open_hints),
            zero_counts: std::mem::take(&mut open.zero_counts),
            counts: std::mem::take(&mut open.counts),
            sums: std::mem::take(&mut open.sums),
            buckets: std::mem::take(&mut open.buckets),
        };
        let rows = rows_of(self.layout.of(&open.layout)?, columns)?;
        self.column.push_run(rows);
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
        let spare = self.spare_totals.pop().unwrap_or_default();
        scratch.timestamps = spare.timestamps;
        scratch.start_timestamps = spare.start_timestamps;
        let hints = use_memory(scratch, spare.columns);
        let ends = with_ends.then_some(&mut self.ends);
        decode_histogram_totals(encoding, bytes, scratch, ends)
            .map_err(HistogramSamplesError::Chunk)?;
        Ok(Totals {
            timestamps: std::mem::take(&mut scratch.timestamps),
            start_timestamps: std::mem::take(&mut scratch.start_timestamps),
            schema: scratch.layout.schema,
            columns: columns_of(scratch, hints),
        })
    }

    /// Gives back totals, whose memory is used again.
    pub(super) fn give_back_totals(&mut self, totals: Totals) {
        self.spare_totals.push(totals);
    }

    /// The samples with buckets of the chunk whose totals were decoded last.
    pub(super) fn take_ends(&mut self) -> Result<HistogramRows, HistogramSamplesError> {
        let hints = std::mem::take(&mut self.end_hints);
        let columns = columns_of(&mut self.ends, hints);
        let layout = self.layout.of(&self.ends.layout)?;
        rows_of(layout, columns)
    }

    /// Gives back the samples with buckets of a chunk, whose memory is used again.
    pub(super) fn give_back_ends(&mut self, rows: HistogramRows) {
        self.end_hints = use_memory(&mut self.ends, rows.into_columns());
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
#[derive(Debug, Default)]
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

/// The last layout as chunks write it, and as it is here.
#[derive(Debug, Default)]
struct LastLayout(Option<(HistogramLayout, Arc<Layout>)>);

impl LastLayout {
    /// A layout as it is here: the same one as long as chunks have the same.
    fn of(&mut self, written: &HistogramLayout) -> Result<Arc<Layout>, HistogramSamplesError> {
        if let Some((last, layout)) = &self.0
            && last == written
        {
            return Ok(Arc::clone(layout));
        }
        let spans = |spans: &[chunks::Span]| -> Vec<(i32, u32)> {
            spans.iter().map(|s| (s.offset, s.length)).collect()
        };
        let layout = Layout::from_spans(
            written.schema,
            written.zero_threshold,
            spans(&written.positive_spans),
            spans(&written.negative_spans),
            Arc::from(&written.custom_values[..]),
        )
        .map_err(HistogramSamplesError::Layout)?;
        self.0 = Some((written.clone(), Arc::clone(&layout)));
        Ok(layout)
    }
}

/// Columns as rows of a layout.
fn rows_of(
    layout: Arc<Layout>,
    columns: RowColumns,
) -> Result<HistogramRows, HistogramSamplesError> {
    let wrong = |_| HistogramSamplesError::Layout(LayoutError::TooManyBuckets);
    HistogramRows::from_columns(layout, false, columns).map_err(wrong)
}

/// Lets columns be decoded to some memory; gives back that for their hints.
fn use_memory(columns: &mut HistogramColumns, memory: RowColumns) -> Vec<CounterReset> {
    columns.zero_counts = memory.zero_counts;
    columns.counts = memory.counts;
    columns.sums = memory.sums;
    columns.buckets = memory.buckets;
    memory.hints
}

/// The decoded columns, with their hints in some memory; takes their memory.
fn columns_of(columns: &mut HistogramColumns, mut hints: Vec<CounterReset>) -> RowColumns {
    let hint = |i: usize| hint_of(columns.counter_reset.of_sample(i));
    hints.clear();
    hints.extend((0..columns.counts.len()).map(hint));
    RowColumns {
        hints,
        zero_counts: std::mem::take(&mut columns.zero_counts),
        counts: std::mem::take(&mut columns.counts),
        sums: std::mem::take(&mut columns.sums),
        buckets: std::mem::take(&mut columns.buckets),
    }
}

fn hint_of(hint: chunks::CounterReset) -> CounterReset {
    match hint {
        chunks::CounterReset::Unknown => CounterReset::Unknown,
        chunks::CounterReset::Reset => CounterReset::Reset,
        chunks::CounterReset::NoReset => CounterReset::NoReset,
        chunks::CounterReset::Gauge => CounterReset::Gauge,
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
                .append(chunk.encoding, &chunk.bytes, TimeRange::ALL, &[], &[])
                .unwrap();
        }
        samples.close().unwrap();
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
