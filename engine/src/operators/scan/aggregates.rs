//! Downsampled chunks as samples: of each window what the function above reads,
//! at the window's last millisecond.
//!
//! Raw samples may stand beside them. A window in which a raw sample lies is left
//! out, and of windows of one time the chunk that was given first has its own.
//! Windows go into the columns as they are; where there are raw samples, too, the
//! two runs are merged.

use quarrel_chunks::{ChunkError, decode_floats};
use quarrel_functions::table::{Aggregate, Downsampled};

use super::counters::Joined;
use super::histogram_samples::HistogramSamplesError;
use super::samples::{SampleColumns, SamplesError};
use super::stale::STALE_NAN;
use super::window_columns::{AggregateScratch, AggregatesError, resolution_of};
use crate::storage::{Aggregates, Chunk, ChunkData, EncodedChunk, TimeRange};

/// The samples that are there, and which windows stay beside them.
struct Kept<'a> {
    /// Times of raw floats and of raw histograms.
    raw: [&'a [i64]; 2],
    deleted: &'a [TimeRange],
    /// The time of the last window of the chunks before that is not deleted.
    last: i64,
}

impl Kept<'_> {
    /// Whether window `i` of a chunk with windows at `times` stays.
    fn keeps(&self, times: &[i64], i: usize, resolution_ms: i64) -> bool {
        let time = times[i];
        let before = i.checked_sub(1).map_or(i64::MIN, |i| times[i]);
        // Behind the window before it, and behind the one that would be.
        let start = before.max((time - time.rem_euclid(resolution_ms)).saturating_sub(1));
        let holds = |raw: &&[i64]| {
            let next = raw.partition_point(|&t| t <= start);
            raw.get(next).is_some_and(|&t| t <= time)
        };
        time > self.last && !self.is_deleted(time) && !self.raw.iter().any(holds)
    }

    fn is_deleted(&self, time: i64) -> bool {
        self.deleted
            .iter()
            .any(|d| d.start <= time && time <= d.end)
    }

    /// The time of the last window of this chunk and those before it that is not
    /// deleted.
    fn last_of(&self, times: &[i64]) -> i64 {
        let last = times.iter().rev().find(|time| !self.is_deleted(**time));
        last.map_or(self.last, |&last| last.max(self.last))
    }

    /// Whether all windows of a chunk stay, as far as that is seen at once.
    fn keeps_all(&self, times: &[i64]) -> bool {
        self.deleted.is_empty()
            && self.raw.iter().all(|raw| raw.is_empty())
            && times.first().is_none_or(|&first| first > self.last)
    }
}

impl SampleColumns {
    /// Adds the windows of downsampled `chunks` in `range` to raw samples, which
    /// are there already and turned into what is read of windows. Returns the
    /// encoded bytes that were read.
    ///
    /// # Errors
    /// When a chunk is corrupt, or lacks what is read.
    pub(super) fn add_windows(
        &mut self,
        chunks: &[Chunk],
        range: TimeRange,
    ) -> Result<usize, SamplesError> {
        self.has_windows = true;
        match self.downsampled {
            Downsampled::Count => self.count_raw(),
            Downsampled::WeightedAverage => self.beside.resize(self.timestamps.len(), 1.0),
            _ => {}
        }
        let mut windows: Vec<(&Chunk, &Aggregates)> = (chunks.iter())
            .filter(|chunk| range.overlaps(chunk.min_time, chunk.max_time))
            .filter_map(|chunk| match &chunk.data {
                ChunkData::Aggregates(aggregates) => Some((chunk, &**aggregates)),
                _ => None,
            })
            .collect();
        windows.sort_by_key(|(chunk, _)| chunk.min_time);
        // The raw samples are looked at while windows are added behind them.
        let raw_histograms = self.histograms.timestamps.clone();
        let raw = self.timestamps.len();
        let mut scratch = std::mem::take(&mut self.windows);
        let mut last = i64::MIN;
        let mut bytes = 0;
        let mut added = Ok(());
        for (chunk, aggregates) in windows {
            let place = Place {
                raw,
                raw_histograms: &raw_histograms,
                deleted: chunk.deleted.as_deref().unwrap_or_default(),
                last: &mut last,
            };
            match self.add_chunk(aggregates, place, &mut scratch) {
                Ok(read) => bytes += read,
                Err(error) => {
                    added = Err(error);
                    break;
                }
            }
        }
        if added.is_ok() && self.downsampled == Downsampled::Counter {
            let joined = Joined {
                timestamps: &mut self.timestamps,
                values: &mut self.values,
                start_timestamps: self.start_timestamps.as_mut(),
                raised_by: &mut self.beside,
            };
            scratch.counters.join(joined);
        }
        self.windows = scratch;
        added?;
        if 0 < raw && raw < self.timestamps.len() && self.downsampled != Downsampled::Counter {
            self.merge_tail(raw);
        }
        self.histograms.close()?;
        Ok(bytes)
    }

    /// Turns raw samples into their numbers: one each. Stale markers stay.
    fn count_raw(&mut self) {
        let is_stale = |value: f64| value.to_bits() == STALE_NAN;
        for value in self.values.iter_mut().filter(|value| !is_stale(**value)) {
            *value = 1.0;
        }
        if self.histograms.is_empty() {
            return;
        }
        self.histograms.drop_stale();
        let from = self.timestamps.len();
        self.timestamps.append(&mut self.histograms.timestamps);
        self.values.resize(self.timestamps.len(), 1.0);
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.append(&mut self.histograms.start_timestamps);
        }
        self.histograms.clear();
        if 0 < from && from < self.timestamps.len() {
            self.merge_tail(from);
        }
    }

    /// Adds the windows of one chunk.
    fn add_chunk(
        &mut self,
        aggregates: &Aggregates,
        place: Place<'_>,
        scratch: &mut AggregateScratch,
    ) -> Result<usize, SamplesError> {
        let value = match self.downsampled {
            Downsampled::Average | Downsampled::WeightedAverage | Downsampled::Sum => {
                Aggregate::Sum
            }
            Downsampled::Min => Aggregate::Min,
            Downsampled::Max => Aggregate::Max,
            Downsampled::Count | Downsampled::Presence => Aggregate::Count,
            Downsampled::Counter => Aggregate::Counter,
        };
        // Histograms have neither least nor greatest; functions that ask for it
        // ignore them, and say so.
        let value = match value {
            Aggregate::Min | Aggregate::Max if aggregates.is_histogram() => Aggregate::Sum,
            other => other,
        };
        let chunk = wanted(aggregates, value)?;
        let of_samples = match self.downsampled {
            Downsampled::Average | Downsampled::WeightedAverage => {
                let counts = wanted(aggregates, Aggregate::Count)?;
                decode(Aggregate::Count, counts, scratch)?;
                Some(counts)
            }
            _ => None,
        };
        let bytes = chunk.bytes.len() + of_samples.map_or(0, |counts| counts.bytes.len());
        let may_be_histograms = matches!(value, Aggregate::Sum | Aggregate::Counter);
        if may_be_histograms && chunk.encoding.is_histogram() {
            let counts = of_samples.map(|_| &*scratch);
            self.add_histograms(value, chunk, place, counts)?;
        } else if value == Aggregate::Counter {
            decode(value, chunk, scratch)?;
            self.add_counter(place, scratch)?;
        } else {
            let counts = of_samples.map(|_| &*scratch);
            self.add_floats(value, chunk, place, counts)?;
        }
        Ok(bytes)
    }

    /// Adds floats of windows, divided by their numbers of samples or with these
    /// beside them.
    fn add_floats(
        &mut self,
        value: Aggregate,
        chunk: &EncodedChunk,
        place: Place<'_>,
        counts: Option<&AggregateScratch>,
    ) -> Result<(), SamplesError> {
        let from = self.timestamps.len();
        let failed = |error| chunk_error(value, error);
        decode_floats(
            chunk.encoding,
            &chunk.bytes,
            &mut self.timestamps,
            &mut self.values,
        )
        .map_err(failed)?;
        if let Some(start_timestamps) = &mut self.start_timestamps {
            start_timestamps.resize(self.timestamps.len(), 0);
        }
        let times = &self.timestamps[from..];
        if !times.is_sorted_by(|a, b| a < b) {
            return Err(AggregatesError::Order(value).into());
        }
        if let Some(counts) = counts {
            if counts.timestamps != times {
                return Err(AggregatesError::Apart.into());
            }
            if self.downsampled == Downsampled::WeightedAverage {
                self.beside.extend_from_slice(&counts.values);
            } else {
                let sums = self.values[from..].iter_mut();
                sums.zip(&counts.values).for_each(|(sum, n)| *sum /= n);
            }
        }
        let (raw, windows) = self.timestamps.split_at_mut(place.raw);
        let windows = &windows[from - place.raw..];
        let kept = place.kept(raw);
        let last = kept.last_of(windows);
        if !kept.keeps_all(windows) {
            let resolution_ms = resolution_of(windows);
            let stay: Vec<bool> = (0..windows.len())
                .map(|i| kept.keeps(windows, i, resolution_ms))
                .collect();
            let mut stay = stay.into_iter();
            self.retain(from, |_, _| stay.next() == Some(true));
        }
        *place.last = last;
        Ok(())
    }

    /// Adds the points of a counter.
    fn add_counter(
        &mut self,
        place: Place<'_>,
        scratch: &mut AggregateScratch,
    ) -> Result<(), SamplesError> {
        let AggregateScratch {
            timestamps: times,
            values,
            counters,
        } = scratch;
        if !times.is_sorted() {
            return Err(AggregatesError::Order(Aggregate::Counter).into());
        }
        let kept = place.kept(&self.timestamps[..place.raw]);
        let last = kept.last_of(times);
        if kept.keeps_all(times) {
            counters.push(times, values, |_| true);
        } else {
            // The first sample is one moment, the windows begin behind it.
            let resolution_ms = resolution_of(times.get(1..).unwrap_or_default());
            counters.push(times, values, |i| match i {
                0 => kept.keeps(times, 0, 1),
                _ => kept.keeps(times, i, resolution_ms),
            });
        }
        *place.last = last;
        Ok(())
    }

    /// Adds histograms of windows, divided by their numbers of samples or with these
    /// beside them.
    fn add_histograms(
        &mut self,
        value: Aggregate,
        chunk: &EncodedChunk,
        place: Place<'_>,
        counts: Option<&AggregateScratch>,
    ) -> Result<(), SamplesError> {
        let kept = place.kept(&self.timestamps[..place.raw]);
        let mut last = *place.last;
        let (mut in_order, mut apart) = (true, false);
        let divisors = counts.filter(|_| self.downsampled == Downsampled::Average);
        let weights = counts.filter(|_| self.downsampled == Downsampled::WeightedAverage);
        let histogram_weights = &mut self.histogram_weights;
        let appended = self.histograms.append_windows(
            (chunk.encoding, &chunk.bytes),
            divisors.map(|counts| &counts.values[..]),
            |times| {
                in_order = times.is_sorted_by(|a, b| a < b);
                apart = counts.is_some_and(|counts| counts.timestamps != times);
                last = kept.last_of(times);
                let resolution_ms = resolution_of(times);
                let stays = |i| in_order && !apart && kept.keeps(times, i, resolution_ms);
                let stay: Vec<bool> = (0..times.len()).map(stays).collect();
                if let Some(weights) = weights.filter(|_| !apart) {
                    let weights = times.iter().copied().zip(weights.values.iter().copied());
                    let kept = weights.zip(&stay).filter(|(_, stays)| **stays);
                    histogram_weights.extend(kept.map(|(weight, _)| weight));
                }
                stay
            },
        );
        appended.map_err(|error| match error {
            HistogramSamplesError::Chunk(error) => chunk_error(value, error),
            HistogramSamplesError::Layout(error) => SamplesError::Layout(error),
        })?;
        if !in_order {
            return Err(AggregatesError::Order(value).into());
        }
        if apart {
            return Err(AggregatesError::Apart.into());
        }
        *place.last = last;
        Ok(())
    }
}

/// Where the windows of a chunk go.
struct Place<'a> {
    /// How many floats are raw; windows are behind them.
    raw: usize,
    raw_histograms: &'a [i64],
    deleted: &'a [TimeRange],
    /// The time of the last window of the chunks before that is not deleted.
    last: &'a mut i64,
}

impl Place<'_> {
    fn kept<'a>(&'a self, raw: &'a [i64]) -> Kept<'a> {
        Kept {
            raw: [raw, self.raw_histograms],
            deleted: self.deleted,
            last: *self.last,
        }
    }
}

fn wanted(aggregates: &Aggregates, kind: Aggregate) -> Result<&EncodedChunk, AggregatesError> {
    aggregates.get(kind).ok_or(AggregatesError::Missing(kind))
}

fn decode(
    aggregate: Aggregate,
    chunk: &EncodedChunk,
    scratch: &mut AggregateScratch,
) -> Result<(), SamplesError> {
    scratch.timestamps.clear();
    scratch.values.clear();
    let EncodedChunk { encoding, bytes } = chunk;
    let (timestamps, values) = (&mut scratch.timestamps, &mut scratch.values);
    decode_floats(*encoding, bytes, timestamps, values).map_err(|e| chunk_error(aggregate, e))
}

fn chunk_error(aggregate: Aggregate, error: ChunkError) -> SamplesError {
    AggregatesError::Chunk { aggregate, error }.into()
}

#[cfg(test)]
mod tests;
