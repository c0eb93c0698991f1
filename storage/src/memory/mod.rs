//! A store of series in memory.
//!
//! Samples are stored in plain columns, which queries read without a copy. A
//! [`Snapshot`] shares the columns and does not see later appends: an append
//! copies what a snapshot holds (for each series at most its open columns of a
//! few thousand samples).
//!
//! **Out-of-order samples** are inserted at their timestamp. A sample that the
//! series has already (equal time, equal bits) changes nothing; another value
//! at the same time is an error, [`AppendError::DuplicateTimestamp`].
//!
//! What it is bad at: the first query after a new series rebuilds the index,
//! which takes seconds for a million series. An out-of-order sample copies the
//! segment of its series that it falls into, so append many of them at once with
//! [`MemoryStorage::append_series`].
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
mod contents;
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
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use columns::{Duplicate, FloatColumns};
use contents::{Contents, Series};
use encoded::EncodedChunks;
pub use encoded::{FloatSample, HistogramSample};
pub use error::AppendError;
use snapshot::MemorySnapshot;

/// A store of series in memory, described in the [module documentation](self).
///
/// All methods take `&self`: share it in an [`Arc`], append from any thread, and
/// query at the same time.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    /// The strings of all labels. The table only grows, so snapshots share it.
    symbols: Arc<SymbolTable>,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    numbers: FxHashMap<Arc<[Label]>, u32>,
    contents: Arc<Contents>,
}

impl State {
    /// The number of the series with these labels; adds it if it is new.
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

    /// Appends a sample. `labels` are names and values in any order, with the
    /// metric name as `__name__`; labels with an empty value count as absent.
    /// `timestamp` is in ms since the epoch.
    ///
    /// # Errors
    /// When the labels are invalid, or the series has another value at this
    /// time.
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

    /// Appends samples of one series in any order. Does not copy them if they
    /// are sorted and later than those of the series. On an error no sample is
    /// appended.
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

    /// Appends native histograms of one series in order of time, later than all
    /// its samples. They are stored as Prometheus chunks. The first histogram of
    /// a call has an unknown counter reset hint unless it is a gauge.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`], and when a histogram is invalid or out of
    /// order.
    pub fn append_histograms<L, N, V, C>(
        &self,
        labels: L,
        samples: &[HistogramSample<C>],
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
        let bad = |error| AppendError::Histogram {
            series: self.symbols.read().display(&series.labels),
            error,
        };
        series.encoded.extend(samples).map_err(bad)
    }

    /// Appends floats with start timestamps of one series in order of time,
    /// later than all its samples. They are stored as Prometheus chunks.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`], and when a sample is out of order.
    pub fn append_floats<L, N, V>(
        &self,
        labels: L,
        samples: &[FloatSample],
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

    /// Checks that timestamps ascend and are later than those of a series.
    fn check_order(
        &self,
        series: &Series,
        times: impl Iterator<Item = i64>,
    ) -> Result<(), AppendError> {
        let mut last = series.times().map(|(_, last)| last);
        for timestamp in times {
            if last.is_some_and(|last| timestamp <= last) {
                return Err(AppendError::OutOfOrder {
                    series: self.symbols.read().display(&series.labels),
                    timestamp,
                });
            }
            last = Some(timestamp);
        }
        Ok(())
    }

    /// Appends samples of many series, such as rows of a table.
    ///
    /// # Errors
    /// As [`MemoryStorage::append`]; the samples before the invalid one are
    /// appended.
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

    /// The number of series.
    pub fn series_count(&self) -> usize {
        self.state.read().contents.series.len()
    }

    /// The number of samples.
    pub fn sample_count(&self) -> usize {
        self.state
            .read()
            .contents
            .series
            .iter()
            .map(|s| s.len())
            .sum()
    }

    /// Interns labels; sorts them by name and drops empty values.
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

/// Sorts columns by time and removes repeated samples.
fn sorted(timestamps: Vec<i64>, values: Vec<f64>) -> Result<(Vec<i64>, Vec<f64>), Duplicate> {
    if timestamps.windows(2).all(|pair| pair[0] < pair[1]) {
        return Ok((timestamps, values));
    }
    let mut rows: Vec<(i64, f64)> = timestamps.into_iter().zip(values).collect();
    rows.sort_by_key(|&(timestamp, _)| timestamp);
    let differ =
        |pair: &&[(i64, f64)]| pair[0].0 == pair[1].0 && pair[0].1.to_bits() != pair[1].1.to_bits();
    if let Some(pair) = rows.windows(2).find(differ) {
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
