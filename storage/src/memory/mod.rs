//! The user's own series, kept in memory.
//!
//! Samples lie in plain columns, which queries read without a copy. A
//! [`Snapshot`] shares the columns and sees nothing that is appended later:
//! what it holds is copied when it changes (per series at most its open end of
//! a few thousand samples).
//!
//! **Late samples** are put in their place, whenever they come. The same
//! sample again (equal time, equal bits) changes nothing; another value at the
//! same time is an error, [`AppendError::DuplicateTimestamp`].
//!
//! What it is bad at: a query after a new series makes the index anew, which
//! takes seconds for a million series; a late sample costs a copy of
//! the piece that it falls into, so bring many late samples as one whole
//! series.
//!
//! # Examples
//! ```
//! use quarrel_storage::memory::MemoryStorage;
//!
//! let storage = MemoryStorage::new();
//! let labels = [("__name__", "http_requests_total"), ("job", "api")];
//! storage.append(labels, 0, 1.0)?;
//! storage.append(labels, 15_000, 4.0)?;
//! storage.append_series(
//!     [("__name__", "http_requests_total"), ("job", "web")],
//!     vec![0, 15_000, 30_000],
//!     vec![7.0, 8.0, 12.0],
//! )?;
//! assert_eq!((storage.series_count(), storage.sample_count()), (2, 5));
//! # Ok::<(), quarrel_storage::memory::AppendError>(())
//! ```

mod columns;
mod encoded;
mod error;
mod index;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use futures::future::{BoxFuture, FutureExt};
use parking_lot::RwLock;
use quarrel_chunks::histogram::Count;
use quarrel_engine::labels::{Label, SymbolTable};
use quarrel_engine::storage::{Chunk, Snapshot, Storage, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use columns::{Duplicate, FloatColumns};
use encoded::EncodedChunks;
pub use encoded::{FloatSince, HistogramAt};
pub use error::AppendError;
use index::Index;
use snapshot::MemorySnapshot;

/// Series in memory. See the module's words.
///
/// All methods take `&self`: put it in an [`Arc`], append from any thread, and
/// query at the same time.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    /// The store's own strings; only grows, so snapshots share it.
    symbols: Arc<SymbolTable>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    numbers: FxHashMap<Arc<[Label]>, u32>,
    contents: Arc<Contents>,
}

/// What a snapshot sees.
#[derive(Clone, Debug, Default)]
struct Contents {
    series: Vec<Arc<Series>>,
    /// Made by the first query after a new series.
    index: OnceLock<Arc<Index>>,
}

/// One series.
#[derive(Clone, Debug)]
struct Series {
    labels: Arc<[Label]>,
    floats: FloatColumns,
    encoded: EncodedChunks,
}

impl Series {
    /// How many samples there are.
    fn len(&self) -> usize {
        self.floats.len() + self.encoded.len()
    }

    /// The times of the first and the last sample.
    fn times(&self) -> Option<(i64, i64)> {
        let first = [self.floats.first(), self.encoded.first()];
        let last = [self.floats.last(), self.encoded.last()];
        let first = first.into_iter().flatten().min()?;
        Some((first, last.into_iter().flatten().max()?))
    }

    /// Whether there may be a sample in the range.
    fn overlaps(&self, range: TimeRange) -> bool {
        let overlaps = |(first, last)| range.overlaps(first, last);
        self.times().is_some_and(overlaps)
    }

    /// Appends the samples within a range as chunks. A float and a histogram
    /// at one time are one sample too many: the float is kept.
    fn chunks(&self, range: TimeRange, out: &mut Vec<Chunk>) {
        let from = out.len();
        self.floats.chunks(range, out);
        let plain = out.len();
        self.encoded.chunks(range, out);
        if from < plain && plain < out.len() {
            out[from..].sort_by_key(|chunk| chunk.min_time);
        }
    }
}

impl Contents {
    fn index(&self, symbols: &SymbolTable) -> Arc<Index> {
        let make = || {
            let labels: Vec<&[Label]> = self.series.iter().map(|s| &*s.labels).collect();
            Arc::new(Index::new(&labels, &symbols.read()))
        };
        self.index.get_or_init(make).clone()
    }
}

impl State {
    /// The number of the series with these labels, a new one if need be.
    fn number_of(&mut self, labels: Vec<Label>) -> Result<usize, AppendError> {
        if let Some(&number) = self.numbers.get(labels.as_slice()) {
            return Ok(number as usize);
        }
        let number = u32::try_from(self.contents.series.len()).map_err(|_| AppendError::Full)?;
        let labels: Arc<[Label]> = labels.into();
        self.numbers.insert(labels.clone(), number);
        let contents = Arc::make_mut(&mut self.contents);
        contents.index = OnceLock::new();
        contents.series.push(Arc::new(Series {
            labels,
            floats: FloatColumns::default(),
            encoded: EncodedChunks::default(),
        }));
        Ok(number as usize)
    }

    fn series_mut(&mut self, number: usize) -> &mut Series {
        let contents = Arc::make_mut(&mut self.contents);
        Arc::make_mut(&mut contents.series[number])
    }
}

impl MemoryStorage {
    /// An empty store.
    pub fn new() -> Self {
        MemoryStorage::default()
    }

    /// Takes one sample: `labels` are names and values in any order, the
    /// metric's name under `__name__`; labels with an empty value count as
    /// absent. `timestamp` is ms since the epoch.
    ///
    /// # Errors
    /// When the labels are none of a series, or the series has another value
    /// at this time.
    pub fn append<L, N, V>(&self, labels: L, timestamp: i64, value: f64) -> Result<(), AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let labels = self.intern(labels)?;
        let mut state = self.state.write();
        let number = state.number_of(labels)?;
        let series = state.series_mut(number);
        series
            .floats
            .push(timestamp, value)
            .map_err(|d| duplicate(&self.symbols, &series.labels, d))
    }

    /// Takes many samples of one series, in any order, without a copy if they
    /// are sorted and later than what the series has. On an error none is
    /// taken.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`], and when the columns differ in length.
    pub fn append_series<L, N, V>(
        &self,
        labels: L,
        timestamps: Vec<i64>,
        values: Vec<f64>,
    ) -> Result<(), AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        if timestamps.len() != values.len() {
            return Err(AppendError::UnequalColumns {
                timestamps: timestamps.len(),
                values: values.len(),
            });
        }
        let labels = self.intern(labels)?;
        if timestamps.is_empty() {
            return Ok(());
        }
        let (timestamps, values) =
            sorted(timestamps, values).map_err(|d| duplicate(&self.symbols, &labels, d))?;
        let mut state = self.state.write();
        let number = state.number_of(labels)?;
        let series = state.series_mut(number);
        series
            .floats
            .extend(timestamps, values)
            .map_err(|d| duplicate(&self.symbols, &series.labels, d))
    }

    /// Takes native histograms of one series, which ascend in time and are
    /// later than all its samples. They are kept as Prometheus's chunks, in
    /// which the first histogram of a call says nothing about a counter reset
    /// before it unless it is a gauge.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`], and when a histogram is none, or late.
    pub fn append_histograms<L, N, V, C>(
        &self,
        labels: L,
        samples: &[HistogramAt<C>],
    ) -> Result<(), AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
        C: Count,
    {
        let labels = self.intern(labels)?;
        if samples.is_empty() {
            return Ok(());
        }
        let mut state = self.state.write();
        let number = state.number_of(labels)?;
        let series = state.series_mut(number);
        let times = samples.iter().map(|s| s.timestamp);
        self.check_order(series, times)?;
        let bad = |source| AppendError::Histogram {
            series: self.symbols.read().display(&series.labels),
            source,
        };
        series.encoded.extend(samples).map_err(bad)
    }

    /// Takes floats of one series that know since when they count, which ascend
    /// in time and are later than all samples of the series. They are kept as
    /// Prometheus's chunks. Queries that look at start timestamps see them.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`], and when a sample is late.
    pub fn append_since<L, N, V>(
        &self,
        labels: L,
        samples: &[FloatSince],
    ) -> Result<(), AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let labels = self.intern(labels)?;
        if samples.is_empty() {
            return Ok(());
        }
        let mut state = self.state.write();
        let number = state.number_of(labels)?;
        let series = state.series_mut(number);
        self.check_order(series, samples.iter().map(|s| s.timestamp))?;
        series.encoded.extend_floats(samples);
        Ok(())
    }

    /// Makes sure that times ascend and are later than all of a series.
    fn check_order(
        &self,
        series: &Series,
        times: impl Iterator<Item = i64>,
    ) -> Result<(), AppendError> {
        let mut last = series.times().map(|(_, last)| last);
        for timestamp in times {
            if last.is_some_and(|last| timestamp <= last) {
                return Err(AppendError::Late {
                    series: self.symbols.read().display(&series.labels),
                    timestamp,
                });
            }
            last = Some(timestamp);
        }
        Ok(())
    }

    /// Takes samples of many series, such as rows of a table.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`]; what stood before the bad sample stays.
    pub fn extend<L, N, V>(
        &self,
        samples: impl IntoIterator<Item = (L, i64, f64)>,
    ) -> Result<(), AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        samples
            .into_iter()
            .try_for_each(|(labels, timestamp, value)| self.append(labels, timestamp, value))
    }

    /// How many series there are.
    pub fn series_count(&self) -> usize {
        self.state.read().contents.series.len()
    }

    /// How many samples there are.
    pub fn sample_count(&self) -> usize {
        self.state
            .read()
            .contents
            .series
            .iter()
            .map(|s| s.len())
            .sum()
    }

    /// Labels as symbols, sorted by name, without empty values.
    fn intern<L, N, V>(&self, labels: L) -> Result<Vec<Label>, AppendError>
    where
        L: IntoIterator<Item = (N, V)>,
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut out = Vec::new();
        for (name, value) in labels {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name.is_empty() {
                return Err(AppendError::EmptyLabelName {
                    value: value.to_string(),
                });
            }
            let name = self.symbols.intern(name);
            if !value.is_empty() {
                out.push(Label {
                    name,
                    value: self.symbols.intern(value),
                });
            }
        }
        if out.is_empty() {
            return Err(AppendError::NoLabels);
        }
        let symbols = self.symbols.read();
        out.sort_by(|a, b| symbols.get(a.name).cmp(symbols.get(b.name)));
        if let Some(pair) = out.windows(2).find(|pair| pair[0].name == pair[1].name) {
            let name = symbols.get(pair[0].name).to_string();
            return Err(AppendError::DuplicateLabelName { name });
        }
        Ok(out)
    }
}

fn duplicate(symbols: &SymbolTable, labels: &[Label], duplicate: Duplicate) -> AppendError {
    AppendError::DuplicateTimestamp {
        series: symbols.read().display(labels),
        timestamp: duplicate.timestamp,
    }
}

/// Columns sorted by time, equal samples united.
fn sorted(timestamps: Vec<i64>, values: Vec<f64>) -> Result<(Vec<i64>, Vec<f64>), Duplicate> {
    if timestamps.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok((timestamps, values));
    }
    let mut rows: Vec<(i64, f64)> = timestamps.into_iter().zip(values).collect();
    rows.sort_by_key(|&(timestamp, _)| timestamp);
    let contradiction =
        |pair: &&[(i64, f64)]| pair[0].0 == pair[1].0 && pair[0].1.to_bits() != pair[1].1.to_bits();
    if let Some(pair) = rows.windows(2).find(contradiction) {
        return Err(Duplicate {
            timestamp: pair[0].0,
        });
    }
    rows.dedup_by_key(|&mut (timestamp, _)| timestamp);
    Ok(rows.into_iter().unzip())
}

impl Storage for MemoryStorage {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let contents = self.state.read().contents.clone();
        let snapshot: Arc<dyn Snapshot> = Arc::new(MemorySnapshot {
            symbols: self.symbols.clone(),
            contents,
        });
        futures::future::ready(Ok(snapshot)).boxed()
    }
}
