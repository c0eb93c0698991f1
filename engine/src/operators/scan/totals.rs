//! Histograms reduced to count and sum, where nothing above looks at buckets.
//!
//! What is known of counter resets is then taken from the samples before, as
//! long as Prometheus reads them one after the other: an iterator that has
//! to jump to a window forgets the sample before it.

use std::sync::Arc;

use quarrel_chunks::Encoding;
use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::{
    CounterReset, HistogramColumn, HistogramRef, HistogramRows, Layout, LayoutError,
};
use rustc_hash::FxHashMap;

use super::histogram_samples::Totals;
use super::samples::{SampleColumns, SamplesError};
use super::stale::is_stale;
use crate::storage::{Chunk, ChunkData, TimeRange};

/// How far back Prometheus's iterator keeps samples, and where it looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// The ends of the windows, with what they look at beyond.
    pub ends: Grid,
    /// Milliseconds.
    pub kept_ms: i64,
}

/// What is known of a chunk's first sample and of the last one before it.
struct Boundary {
    /// The chunk, by its number.
    chunk: usize,
    /// The time of the last sample of a chunk before that is no stale marker.
    last: i64,
    is_reset: bool,
}

impl SampleColumns {
    /// Replaces the columns by the totals of chunks of histograms, of which no
    /// more is decoded. Returns the encoded bytes that were read; `None`, and no
    /// samples, where totals alone do not tell what is to be known: among floats,
    /// where chunks overlap, and where samples are deleted.
    ///
    /// # Errors
    /// When a chunk is corrupt.
    pub(super) fn load_totals(
        &mut self,
        chunks: &[Chunk],
        range: TimeRange,
        reading: Reading,
    ) -> Result<Option<usize>, SamplesError> {
        self.clear();
        let wanted = |chunk: &&Chunk| range.overlaps(chunk.min_time, chunk.max_time);
        let Some(encoded) = chunks
            .iter()
            .filter(wanted)
            .map(encoded)
            .collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let (mut all, mut boundaries) = (Vec::with_capacity(encoded.len()), Vec::new());
        let (mut last, mut bytes): (Option<(i64, HistogramRows)>, usize) = (None, 0);
        for (number, &chunk) in encoded.iter().enumerate() {
            bytes += chunk.1.len();
            let totals = self.histograms.decode_totals(chunk, encoded.len() > 1)?;
            let Some(&first_time) = totals.timestamps.first() else {
                continue;
            };
            let times = &mut self.histograms.timestamps;
            if times.last().is_some_and(|&before| before >= first_time) {
                self.clear();
                return Ok(None);
            }
            times.extend_from_slice(&totals.timestamps);
            if encoded.len() > 1 {
                let ends = self.histograms.take_ends()?;
                let first = ends.row(0);
                if let Some((time, before)) = last.as_ref()
                    && first.counter_reset == CounterReset::Unknown
                    && !is_stale(&first)
                {
                    boundaries.push(Boundary {
                        chunk: number,
                        last: *time,
                        is_reset: first.is_reset_from(&before.row(before.len() - 1)),
                    });
                }
                let last_time = self.histograms.ends.timestamps.last().copied();
                let unused = match last_time {
                    Some(time) if !is_stale(&ends.row(ends.len() - 1)) => {
                        last.replace((time, ends)).map(|(_, before)| before)
                    }
                    _ => Some(ends),
                };
                if let Some(unused) = unused {
                    self.histograms.give_back_ends(unused);
                }
            }
            all.push((number, totals));
        }
        if let Some((_, ends)) = last {
            self.histograms.give_back_ends(ends);
        }
        let jumps = self.jumps(reading);
        self.append_totals(all, &boundaries, &jumps)?;
        Ok(Some(bytes))
    }

    /// Appends totals, whose times are there already.
    fn append_totals(
        &mut self,
        chunks: Vec<(usize, Totals)>,
        boundaries: &[Boundary],
        jumps: &[i64],
    ) -> Result<(), SamplesError> {
        let samples = &mut self.histograms;
        for (number, mut totals) in chunks {
            let boundary = boundaries.iter().find(|b| b.chunk == number);
            if let (Some(boundary), Some(hint)) = (boundary, totals.columns.hints.first_mut()) {
                let first = totals.timestamps[0];
                let jumped = jumps.iter().any(|&t| boundary.last < t && t <= first);
                *hint = match (jumped, boundary.is_reset) {
                    (true, _) => *hint,
                    (false, true) => CounterReset::Reset,
                    (false, false) => CounterReset::NoReset,
                };
            }
            totals.columns.zero_counts.fill(0.0);
            let known = (samples.bare.take()).filter(|bare| bare.schema() == totals.schema);
            let layout = known.unwrap_or_else(|| Layout::bare(totals.schema));
            samples.bare = Some(Arc::clone(&layout));
            let rows = HistogramRows::from_columns(layout, false, totals.columns)
                .map_err(|_| SamplesError::Layout(LayoutError::TooManyBuckets))?;
            samples
                .start_timestamps
                .extend_from_slice(&totals.start_timestamps);
            samples.column.copy_run(&rows);
            totals.columns = rows.into_columns();
            samples.give_back_totals(totals);
        }
        Ok(())
    }

    /// Reduces histograms to their totals. Stale markers must still be there.
    pub(super) fn reduce_to_totals(&mut self, reading: Reading) {
        let jumps = self.jumps(reading);
        let samples = &mut self.histograms;
        let mut reduced = HistogramColumn::default();
        let mut bare: FxHashMap<i32, Arc<Layout>> = FxHashMap::default();
        let mut last: Option<usize> = None;
        for i in 0..samples.timestamps.len() {
            let h = samples.column.get(i);
            if jumps.binary_search(&samples.timestamps[i]).is_ok() {
                last = None;
            }
            let stale = is_stale(&h);
            let counter_reset = match (h.counter_reset, last) {
                (CounterReset::Unknown, Some(before)) if !stale => {
                    match h.is_reset_from(&samples.column.get(before)) {
                        true => CounterReset::Reset,
                        false => CounterReset::NoReset,
                    }
                }
                (hint, _) => hint,
            };
            if !stale {
                last = Some(i);
            }
            let layout = bare
                .entry(h.layout.schema())
                .or_insert_with(|| h.layout.without_buckets());
            reduced.push(&HistogramRef {
                counter_reset,
                layout,
                zero_count: 0.0,
                buckets: &[],
                compact: false,
                ..h
            });
        }
        samples.column = reduced;
    }

    /// The times to which the iterator jumps, ascending.
    fn jumps(&self, Reading { ends, kept_ms }: Reading) -> Vec<i64> {
        let (floats, histograms) = (&self.timestamps, &self.histograms.timestamps);
        // The first sample at or after a time.
        let next = |time: i64| {
            let float = floats.get(floats.partition_point(|&t| t < time));
            let histogram = histograms.get(histograms.partition_point(|&t| t < time));
            float.into_iter().chain(histogram).min().copied()
        };
        let mut jumps = Vec::new();
        let mut at: Option<i64> = None;
        // Where windows meet, the reader has not passed the next one's beginning.
        let steps = match ends.step_ms <= kept_ms {
            true => ends.len.min(1),
            false => ends.len,
        };
        for step in 0..steps {
            let end = ends.at(step);
            let from = end.saturating_sub(kept_ms);
            let jumped = at.is_none_or(|at| from > at);
            if jumped && let Some(to) = next(from) {
                jumps.push(to);
            }
            match next(end.max(at.unwrap_or(i64::MIN))) {
                Some(time) => at = Some(time),
                None => break,
            }
        }
        jumps
    }
}

/// The bytes of a chunk of histograms of which none is deleted.
fn encoded(chunk: &Chunk) -> Option<(Encoding, &[u8])> {
    match &chunk.data {
        ChunkData::Encoded { encoding, bytes }
            if encoding.is_histogram() && chunk.deleted.is_none() =>
        {
            Some((*encoding, bytes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quarrel_chunks::histogram::{Histogram as Written, HistogramLayout as WrittenLayout, Span};
    use quarrel_functions::histogram::native::Histogram;

    use super::super::stale::STALE_NAN;
    use super::*;

    fn samples(counts: &[(i64, f64)]) -> SampleColumns {
        let mut samples = SampleColumns::default();
        let layout = Layout::exponential(1, 0.0, vec![1], vec![]).unwrap();
        for &(time, count) in counts {
            let mut h = Histogram::new(Arc::clone(&layout), vec![count]).unwrap();
            h.count = count;
            samples.histograms.push(time, 0, &h.view());
        }
        samples
    }

    fn hints(samples: &SampleColumns) -> Vec<CounterReset> {
        samples
            .histograms
            .column
            .iter()
            .map(|h| h.counter_reset)
            .collect()
    }

    /// Samples of a counter in chunks of some samples each.
    fn chunks(samples: &[(i64, u64, bool)], of: usize) -> Vec<Chunk> {
        let layout = WrittenLayout {
            positive_spans: vec![Span {
                offset: 0,
                length: 2,
            }],
            ..WrittenLayout::default()
        };
        let written = |&(time, count, stale): &(i64, u64, bool)| {
            let sum = if stale {
                f64::from_bits(STALE_NAN)
            } else {
                count as f64
            };
            let histogram = Written {
                layout: layout.clone(),
                count: 2 * count,
                sum,
                buckets: vec![count, count],
                ..Written::default()
            };
            (time, histogram)
        };
        let parts = samples.chunks(of).flat_map(|part| {
            let part: Vec<_> = part.iter().map(written).collect();
            Chunk::histograms(part.iter().map(|(t, h)| (*t, h))).unwrap()
        });
        parts.collect()
    }

    proptest! {
        #[test]
        fn totals_are_those_of_whole_histograms(
            samples in proptest::collection::btree_map(
                0i64..60, (0u64..6, proptest::bool::weighted(0.15)), 1..30),
            of in 1usize..12,
            (start, step_ms, len, kept_ms) in (0i64..60, 1i64..40, 1usize..5, 0i64..50),
        ) {
            let samples: Vec<_> = samples.into_iter().map(|(t, (n, stale))| (t, n, stale)).collect();
            let chunks = chunks(&samples, of);
            let reading = Reading { ends: Grid { start_ms: start, step_ms, len }, kept_ms };
            let (mut whole, mut totals) = (SampleColumns::default(), SampleColumns::default());
            let bytes = whole.load(&chunks, TimeRange::ALL).unwrap();
            whole.reduce_to_totals(reading);
            let read = totals.load_totals(&chunks, TimeRange::ALL, reading).unwrap();
            prop_assert_eq!(read, Some(bytes));
            prop_assert_eq!(&totals.histograms.timestamps, &whole.histograms.timestamps);
            let rows = |columns: &SampleColumns| -> Vec<_> {
                let rows = columns.histograms.column.iter();
                rows.map(|h| (h.counter_reset, h.count.to_bits(), h.sum.to_bits(), h.buckets.len())).collect()
            };
            prop_assert_eq!(rows(&totals), rows(&whole));
            let starts = |columns: &SampleColumns| columns.histograms.start_timestamps.clone();
            prop_assert_eq!(starts(&totals), starts(&whole));
        }
    }

    #[test]
    fn where_totals_do_not_tell_all_none_are_loaded() {
        let two = chunks(&[(0, 1, false), (10, 2, false)], 2);
        let overlapping = [two[0].clone(), chunks(&[(5, 3, false)], 1)[0].clone()];
        let floats = [two[0].clone(), Chunk::floats(vec![20], vec![1.0])];
        let deleted = [two[0]
            .clone()
            .with_deleted([TimeRange { start: 3, end: 4 }])];
        let reading = Reading {
            ends: Grid::instant(20),
            kept_ms: 30,
        };
        for chunks in [&overlapping[..], &floats, &deleted] {
            let mut columns = SampleColumns::default();
            let read = columns
                .load_totals(chunks, TimeRange::ALL, reading)
                .unwrap();
            assert!(read.is_none() && columns.is_empty());
        }
    }

    #[test]
    fn resets_are_known_from_the_sample_before_unless_the_reader_jumps() {
        use CounterReset::{NoReset, Reset, Unknown};
        let counts = [(0, 1.0), (10, 3.0), (20, 2.0), (100, 1.0), (110, 4.0)];
        let mut all = samples(&counts);
        all.reduce_to_totals(Reading {
            ends: Grid::range(25, 115, 10),
            kept_ms: 30,
        });
        assert_eq!(hints(&all), [Unknown, NoReset, Reset, Reset, NoReset]);
        let first = all.histograms.column.get(0);
        assert_eq!(
            (first.count, first.buckets.len(), first.layout.schema()),
            (1.0, 0, 1)
        );

        let mut some = samples(&counts);
        some.reduce_to_totals(Reading {
            ends: Grid::range(12, 222, 210),
            kept_ms: 115,
        });
        assert_eq!(hints(&some)[4], Unknown, "the second window begins there");
    }
}
