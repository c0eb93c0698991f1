//! The samples of one series as columns, from its chunks: floats, and beside
//! them histograms.
//!
//! Chunks are decoded one after the other into scratch columns that live as
//! long as the partition. Overlapping chunks are merged; at equal timestamps
//! the sample that came first stays. Deleted ranges are cut out. Downsampled
//! chunks are in `aggregates.rs`.

use quarrel_chunks::{ChunkError, decode_floats, decode_floats_until, decode_floats_with_start};
use quarrel_functions::histogram::native::LayoutError;
use quarrel_functions::table::Downsampled;

use super::histogram_samples::{HistogramSamples, HistogramSamplesError};
use super::stale::{STALE_NAN, first_stale};
use super::window_columns::{AggregateScratch, AggregatesError, reach_of_windows};
use crate::storage::{Chunk, ChunkData, TimeRange};

/// The samples of one series.
#[derive(Debug, Default)]
pub struct SampleColumns {
    /// Of the floats, milliseconds, strictly ascending.
    pub timestamps: Vec<i64>,
    /// One value a timestamp; stale markers are in until asked out.
    pub values: Vec<f64>,
    /// If asked for, a start timestamp for each, ms; 0 where it is not known.
    pub start_timestamps: Option<Vec<i64>>,
    /// The histograms; none has the timestamp of a float.
    pub histograms: HistogramSamples,
    /// What is read of downsampled chunks.
    pub(super) downsampled: Downsampled,
    /// Whether there were downsampled chunks, so that the values are what is read
    /// of these.
    pub has_windows: bool,
    /// Of downsampled data, a number beside each value where one is needed: of how
    /// many samples it is the sum, or how far it stands above the counter. Else
    /// empty.
    pub(super) beside: Vec<f64>,
    /// The same of histograms that are sums: their times and how many samples each
    /// is the sum of, in order. Others are one sample.
    pub(super) histogram_weights: Vec<(i64, f64)>,
    pub(super) windows: AggregateScratch,
    merge_beside: Vec<f64>,
    merge_timestamps: Vec<i64>,
    merge_values: Vec<f64>,
    merge_start_timestamps: Vec<i64>,
}

/// Why the samples of a series cannot be had.
#[derive(Debug)]
pub enum SamplesError {
    /// A chunk cannot be decoded.
    Chunk(ChunkError),
    /// The buckets of a chunk's histograms make no sense.
    Layout(LayoutError),
    /// Plain columns that are of unequal length, or out of order.
    Columns(&'static str),
    /// A downsampled chunk.
    Aggregates(AggregatesError),
}

impl From<AggregatesError> for SamplesError {
    fn from(error: AggregatesError) -> Self {
        SamplesError::Aggregates(error)
    }
}

impl From<HistogramSamplesError> for SamplesError {
    fn from(error: HistogramSamplesError) -> Self {
        match error {
            HistogramSamplesError::Chunk(error) => SamplesError::Chunk(error),
            HistogramSamplesError::Layout(error) => SamplesError::Layout(error),
        }
    }
}

/// Bytes that a plain column holds for a sample: timestamp and value.
const COLUMN_BYTES: usize = 16;

/// Makes sure that plain columns are what a store has to give.
fn check_columns(timestamps: &[i64], others: usize) -> Result<(), SamplesError> {
    if timestamps.len() != others {
        return Err(SamplesError::Columns("as many timestamps as values"));
    }
    if !timestamps.is_sorted_by(|a, b| a < b) {
        return Err(SamplesError::Columns("timestamps that ascend"));
    }
    Ok(())
}

impl SampleColumns {
    /// Empty columns, with start timestamps if these are asked for, and with what
    /// is read of downsampled chunks.
    pub fn new(with_start_timestamps: bool, downsampled: Downsampled) -> Self {
        SampleColumns {
            start_timestamps: with_start_timestamps.then(Vec::new),
            downsampled,
            ..SampleColumns::default()
        }
    }

    /// Replaces the columns by the samples of `chunks` that lie in `range`,
    /// or a few more around it. Returns the encoded bytes that were read.
    ///
    /// # Errors
    /// When a chunk is corrupt.
    pub fn load(&mut self, chunks: &[Chunk], range: TimeRange) -> Result<usize, SamplesError> {
        // Where chunks overlap, what is known of a sample's counter reset
        // depends on those before it.
        let wanted = |chunk: &&Chunk| range.overlaps(chunk.min_time, chunk.max_time);
        let apart = (chunks.iter().filter(wanted)).is_sorted_by(|a, b| a.max_time < b.min_time);
        let histograms = if apart { range } else { TimeRange::ALL };
        self.load_parts(chunks, range, histograms)
    }

    /// As [`SampleColumns::load`], all histograms of chunks that have any in
    /// `range`.
    ///
    /// # Errors
    /// When a chunk is corrupt.
    pub fn load_chunks(
        &mut self,
        chunks: &[Chunk],
        range: TimeRange,
    ) -> Result<usize, SamplesError> {
        self.load_parts(chunks, range, TimeRange::ALL)
    }

    fn load_parts(
        &mut self,
        chunks: &[Chunk],
        range: TimeRange,
        histograms: TimeRange,
    ) -> Result<usize, SamplesError> {
        self.clear();
        let with_windows = reach_of_windows(chunks, range);
        let (range, histograms) = match with_windows {
            Some(reach) => (reach, reach),
            None => (range, histograms),
        };
        let mut bytes = 0;
        for chunk in chunks {
            if !range.overlaps(chunk.min_time, chunk.max_time)
                || matches!(chunk.data, ChunkData::Aggregates(_))
            {
                continue;
            }
            bytes += self.append(chunk, range.end, histograms)?;
        }
        self.histograms.close()?;
        if with_windows.is_some() {
            bytes += self.add_windows(chunks, range)?;
        }
        Ok(bytes)
    }

    /// Appends the floats of a chunk until some time, or its histograms of a
    /// range.
    fn append(
        &mut self,
        chunk: &Chunk,
        until: i64,
        range: TimeRange,
    ) -> Result<usize, SamplesError> {
        let deleted = chunk.deleted.as_deref().unwrap_or_default();
        if let ChunkData::Encoded { encoding, bytes } = &chunk.data
            && encoding.is_histogram()
        {
            let taken = &self.timestamps;
            self.histograms
                .append(*encoding, bytes, range, deleted, taken)?;
            return Ok(bytes.len());
        }
        self.histograms.close()?;
        let from = self.timestamps.len();
        let bytes = self.decode(chunk, until)?;
        if !deleted.is_empty() {
            self.cut(from, |t| deleted.iter().any(|d| d.start <= t && t <= d.end));
        }
        if !self.histograms.is_empty() {
            let taken = std::mem::take(&mut self.histograms.timestamps);
            self.cut(from, |t| taken.binary_search(&t).is_ok());
            self.histograms.timestamps = taken;
        }
        let overlaps = from > 0
            && from < self.timestamps.len()
            && self.timestamps[from] <= self.timestamps[from - 1];
        if overlaps {
            self.merge_tail(from);
        }
        Ok(bytes)
    }

    /// Appends the floats of a chunk, as far as they matter.
    fn decode(&mut self, chunk: &Chunk, until: i64) -> Result<usize, SamplesError> {
        let (timestamps, values) = (&mut self.timestamps, &mut self.values);
        let bytes = match &chunk.data {
            ChunkData::Encoded { encoding, bytes } => {
                let decoded = match &mut self.start_timestamps {
                    Some(start_timestamps) => decode_floats_with_start(
                        *encoding,
                        bytes,
                        start_timestamps,
                        timestamps,
                        values,
                    ),
                    None if chunk.max_time > until => {
                        decode_floats_until(*encoding, bytes, until, timestamps, values)
                    }
                    None => decode_floats(*encoding, bytes, timestamps, values),
                };
                decoded.map_err(SamplesError::Chunk)?;
                bytes.len()
            }
            ChunkData::Floats {
                timestamps: times,
                values: numbers,
                start_timestamps: starts,
            } => {
                check_columns(times, numbers.len())?;
                timestamps.extend_from_slice(times);
                values.extend_from_slice(numbers);
                if let Some(starts) = starts {
                    if starts.len() != times.len() {
                        return Err(SamplesError::Columns("as many start timestamps"));
                    }
                    if let Some(start_timestamps) = &mut self.start_timestamps {
                        start_timestamps.extend_from_slice(starts);
                    }
                }
                times.len() * COLUMN_BYTES
            }
            // They are added when all raw samples are there.
            ChunkData::Aggregates(_) => 0,
            ChunkData::FloatGrid {
                timestamps: times,
                values: numbers,
                validity,
            } => {
                check_columns(times, numbers.len())?;
                check_columns(times, validity.len())?;
                for (from, to) in validity.valid_slices() {
                    timestamps.extend_from_slice(&times[from..to]);
                    values.extend_from_slice(&numbers[from..to]);
                }
                times.len() * COLUMN_BYTES
            }
        };
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.resize(self.timestamps.len(), 0);
        }
        Ok(bytes)
    }

    /// Removes the floats from `from` on whose time is `gone`.
    fn cut(&mut self, from: usize, gone: impl Fn(i64) -> bool) {
        self.retain(from, |t, _| !gone(t));
    }

    /// Keeps of the floats from `from` on those that are to be kept.
    pub(super) fn retain(&mut self, from: usize, mut keep: impl FnMut(i64, f64) -> bool) {
        let mut kept = from;
        for i in from..self.timestamps.len() {
            if !keep(self.timestamps[i], self.values[i]) {
                continue;
            }
            self.timestamps[kept] = self.timestamps[i];
            self.values[kept] = self.values[i];
            if let Some(start_timestamps) = &mut self.start_timestamps {
                start_timestamps[kept] = start_timestamps[i];
            }
            if !self.beside.is_empty() {
                self.beside[kept] = self.beside[i];
            }
            kept += 1;
        }
        self.truncate(kept);
    }

    /// Keeps the first floats.
    fn truncate(&mut self, len: usize) {
        self.timestamps.truncate(len);
        self.values.truncate(len);
        self.beside.truncate(len);
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.truncate(len);
        }
    }

    /// Merges the sorted run from `from` on into the sorted run before it.
    pub(super) fn merge_tail(&mut self, from: usize) {
        let first = self.timestamps[from];
        let start = self.timestamps[..from].partition_point(|&t| t < first);
        self.merge_timestamps.clear();
        self.merge_values.clear();
        self.merge_start_timestamps.clear();
        self.merge_beside.clear();
        let (mut a, mut b) = (start, from);
        while a < from || b < self.timestamps.len() {
            let take_a = b == self.timestamps.len()
                || (a < from && self.timestamps[a] <= self.timestamps[b]);
            let i = if take_a { a } else { b };
            if self.merge_timestamps.last() != Some(&self.timestamps[i]) {
                self.merge_timestamps.push(self.timestamps[i]);
                self.merge_values.push(self.values[i]);
                self.merge_start_timestamps
                    .extend(self.start_timestamps.as_ref().map(|s| s[i]));
                self.merge_beside.extend(self.beside.get(i));
            }
            if take_a { a += 1 } else { b += 1 }
        }
        self.truncate(start);
        self.timestamps.extend_from_slice(&self.merge_timestamps);
        self.values.extend_from_slice(&self.merge_values);
        self.beside.extend_from_slice(&self.merge_beside);
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.extend_from_slice(&self.merge_start_timestamps);
        }
    }

    /// Removes the samples outside of a closed range.
    pub fn cut_to(&mut self, range: TimeRange) {
        let to = self.timestamps.partition_point(|&t| t <= range.end);
        let from = self.timestamps[..to].partition_point(|&t| t < range.start);
        self.truncate(to);
        self.timestamps.drain(..from);
        self.values.drain(..from);
        if !self.beside.is_empty() {
            self.beside.drain(..from);
        }
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.drain(..from);
        }
        self.histograms.cut_to(range);
    }

    /// Removes all.
    pub fn clear(&mut self) {
        self.truncate(0);
        self.has_windows = false;
        self.histogram_weights.clear();
        self.histograms.clear();
    }

    /// Where values are sums of several samples, the number of these for each.
    pub fn weights(&self) -> Option<&[f64]> {
        let reads = self.downsampled == Downsampled::WeightedAverage;
        (reads && !self.beside.is_empty()).then_some(&self.beside)
    }

    /// How many samples the histogram of a time is the sum of.
    pub fn histogram_weight(&self, time: i64) -> f64 {
        let weights = &self.histogram_weights;
        match weights.binary_search_by_key(&time, |(time, _)| *time) {
            Ok(at) => weights[at].1,
            Err(_) => 1.0,
        }
    }

    /// Where values of a counter have resets applied that cannot be seen, how far
    /// each stands above the counter.
    pub fn raised_by(&self) -> Option<&[f64]> {
        let reads = self.downsampled == Downsampled::Counter;
        (reads && !self.beside.is_empty()).then_some(&self.beside)
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty() && self.histograms.is_empty()
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.timestamps.len() + self.histograms.timestamps.len()
    }

    /// Bytes that the columns hold.
    pub fn bytes(&self) -> usize {
        let floats = self.timestamps.capacity() + self.merge_timestamps.capacity();
        let start_timestamps = self.start_timestamps.as_ref().map_or(0, Vec::capacity)
            + self.merge_start_timestamps.capacity();
        let beside = self.beside.capacity() + self.merge_beside.capacity();
        floats * 16
            + (start_timestamps + beside) * 8
            + self.windows.bytes()
            + self.histograms.bytes()
    }

    /// Removes stale markers, as range selectors want it.
    pub fn drop_stale(&mut self) {
        if !self.histograms.is_empty() {
            self.histograms.drop_stale();
        }
        if let Some(first) = first_stale(&self.values) {
            self.retain(first, |_, v| v.to_bits() != STALE_NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow_buffer::NullBuffer;
    use proptest::prelude::*;
    use quarrel_chunks::{FloatEncoder, Xor2Encoder};

    use super::*;

    fn chunk(samples: &[(i64, f64)]) -> Chunk {
        let timestamps: Vec<i64> = samples.iter().map(|s| s.0).collect();
        let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
        Chunk::floats(timestamps, values)
    }

    /// The same samples over a grid of the times 0 to 59.
    fn grid_chunk(samples: &[(i64, f64)]) -> Chunk {
        let (mut values, mut valid) = (vec![-7.0; 60], vec![false; 60]);
        for &(t, v) in samples {
            (values[t as usize], valid[t as usize]) = (v, true);
        }
        Chunk::float_grid((0..60).collect::<Vec<i64>>(), values, valid.into())
    }

    #[test]
    fn columns_of_unequal_length_or_without_order_are_refused() {
        let times = vec![0, 1, 2];
        let valid = |len| NullBuffer::new_valid(len);
        for (chunk, wanted) in [
            (
                Chunk::floats(times.clone(), vec![1.0]),
                "as many timestamps as values",
            ),
            (
                Chunk::floats(vec![0, 2, 1], vec![1.0; 3]),
                "timestamps that ascend",
            ),
            (
                Chunk::floats_with_start(vec![0; 2], times.clone(), vec![1.0; 3]),
                "as many start timestamps",
            ),
            (
                Chunk::float_grid(times.clone(), vec![1.0; 2], valid(3)),
                "as many timestamps as values",
            ),
            (
                Chunk::float_grid(times.clone(), vec![1.0; 3], valid(4)),
                "as many timestamps as values",
            ),
            (
                Chunk::float_grid(vec![0, 0, 1], vec![1.0; 3], valid(3)),
                "timestamps that ascend",
            ),
        ] {
            let error = SampleColumns::default().load(&[chunk], TimeRange::ALL);
            assert!(matches!(error, Err(SamplesError::Columns(text)) if text == wanted));
        }
    }

    #[test]
    fn a_grid_without_samples_is_empty() {
        let nothing = Chunk::float_grid(vec![5, 6], vec![1.0, 2.0], NullBuffer::new_null(2));
        let mut columns = SampleColumns::default();
        columns.load(&[nothing], TimeRange::ALL).unwrap();
        assert!(columns.is_empty());
    }

    #[test]
    fn stale_markers_and_deleted_ranges_go() {
        let mut columns = SampleColumns::default();
        let mut one = chunk(&[
            (1, 1.0),
            (2, f64::from_bits(STALE_NAN)),
            (3, 3.0),
            (4, f64::NAN),
        ]);
        one = one.with_deleted([TimeRange { start: 3, end: 3 }]);
        columns.load(&[one], TimeRange::ALL).unwrap();
        assert_eq!(columns.timestamps, [1, 2, 4]);
        columns.drop_stale();
        assert_eq!(columns.timestamps, [1, 4]);
        assert!(columns.values[1].is_nan(), "an ordinary NaN is a value");
    }

    proptest! {
        #[test]
        fn starts_stay_with_their_samples(
            runs in proptest::collection::vec(
                proptest::collection::btree_map(1i64..60, (0u32..1000, 0i64..5), 1..20), 1..5),
            stale in 1i64..60,
            plain in proptest::collection::vec(any::<bool>(), 5),
        ) {
            let encoded = |run: &BTreeMap<i64, (u32, i64)>| {
                let mut encoder = Xor2Encoder::new();
                for (&t, &(v, start)) in run {
                    let v = if t == stale { f64::from_bits(STALE_NAN) } else { f64::from(v) };
                    encoder.append_with_start(start, t, v);
                }
                let times = TimeRange {
                    start: *run.keys().next().unwrap(),
                    end: *run.keys().last().unwrap(),
                };
                Chunk::encoded(encoder.encoding(), encoder.bytes().to_vec(), times)
                    .with_deleted([TimeRange { start: 7, end: 9 }])
            };
            // Plain columns may know of no start.
            let columns = |run: &BTreeMap<i64, (u32, i64)>| {
                let value = |(&t, &(v, _)): (&i64, &(u32, i64))| match t == stale {
                    true => f64::from_bits(STALE_NAN),
                    false => f64::from(v),
                };
                Chunk::floats_with_start(
                    run.values().map(|s| s.1).collect::<Vec<_>>(),
                    run.keys().copied().collect::<Vec<_>>(),
                    run.iter().map(value).collect::<Vec<_>>(),
                )
                .with_deleted([TimeRange { start: 7, end: 9 }])
            };
            let mut chunks = vec![chunk(&[(20, 20.0), (70, 70.0)])];
            chunks.extend(runs.iter().zip(&plain).map(|(run, plain)| match plain {
                true => columns(run),
                false => encoded(run),
            }));
            let mut expected = BTreeMap::from([(20, (20.0, 0)), (70, (70.0, 0))]);
            for run in &runs {
                for (&t, &(v, start)) in run.iter().filter(|(t, _)| !(7..=9).contains(*t)) {
                    expected.entry(t).or_insert((f64::from(v), start));
                }
            }
            expected.retain(|t, _| (*t != stale || *t == 20) && (5..=50).contains(t));
            let mut columns = SampleColumns::new(true, Downsampled::Average);
            columns.load(&chunks, TimeRange::ALL).unwrap();
            columns.drop_stale();
            columns.cut_to(TimeRange { start: 5, end: 50 });
            let start_timestamps = columns.start_timestamps.unwrap();
            let got = columns.timestamps.into_iter().zip(columns.values.into_iter().zip(start_timestamps));
            prop_assert_eq!(got.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn overlapping_chunks_merge_and_the_first_wins(
            runs in proptest::collection::vec(
                proptest::collection::btree_map(0i64..60, 0u32..1000, 1..20), 1..5),
            grids in proptest::collection::vec(any::<bool>(), 5),
        ) {
            let samples = |run: &BTreeMap<i64, u32>| -> Vec<(i64, f64)> {
                run.iter().map(|(&t, &v)| (t, f64::from(v))).collect()
            };
            let chunks: Vec<Chunk> = runs
                .iter()
                .zip(&grids)
                .map(|(run, grid)| match grid {
                    true => grid_chunk(&samples(run)),
                    false => chunk(&samples(run)),
                })
                .collect();
            let mut expected = BTreeMap::new();
            for run in &runs {
                for (&t, &v) in run {
                    expected.entry(t).or_insert(f64::from(v));
                }
            }
            let mut columns = SampleColumns::default();
            columns.load(&chunks, TimeRange::ALL).unwrap();
            let got: Vec<_> = columns.timestamps.iter().copied().zip(columns.values).collect();
            prop_assert_eq!(got, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
