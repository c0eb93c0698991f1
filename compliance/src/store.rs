//! The store that scripts load into.
//!
//! Floats go to a [`MemoryStorage`]. What the engine cannot evaluate yet,
//! native histograms and start timestamps, is remembered by time: a query
//! that selects it is refused as unsupported, so that no answer is given that
//! leaves it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use quarrel::labels::SymbolTable;
use quarrel::storage::{
    Matcher, SelectHints, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_functions::table::lookup;
use quarrel_storage::memory::{AppendError, MemoryStorage};

use crate::nhcb;
use crate::script::{Load, Point};

/// Why a `load` failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The store refuses a sample.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// A sample is earlier than one that an earlier `load` brought.
    #[error("out of order sample: {series} at {timestamp} ms")]
    OutOfOrder {
        /// The series' labels.
        series: String,
        /// The sample's time, ms.
        timestamp: i64,
    },
    /// Times beyond the end of time.
    #[error("value {index} lies beyond the end of time")]
    Time {
        /// Its number in the line, from 0.
        index: usize,
    },
    /// Histograms that cannot be added up, or classic ones that are none.
    #[error("{0}")]
    Histogram(String),
}

/// Samples of a script.
#[derive(Debug, Default)]
pub struct ScriptStore {
    floats: MemoryStorage,
    /// Each native histogram, as a sample at its time.
    histograms: MemoryStorage,
    /// Each sample that has a start timestamp.
    starts: MemoryStorage,
    /// The last time of each series, ms.
    last: Mutex<BTreeMap<Vec<(String, String)>, i64>>,
}

fn pairs(labels: &[(String, String)]) -> impl Iterator<Item = (&String, &String)> {
    labels.iter().map(|(name, value)| (name, value))
}

impl ScriptStore {
    /// Takes the samples of a `load`.
    ///
    /// # Errors
    /// With the line concerned, when the store refuses a sample, or a series
    /// goes back in time.
    pub fn load(&self, load: &Load) -> Result<(), (usize, LoadError)> {
        // A series that is given twice counts as it was given last.
        let latest: BTreeMap<_, _> = load
            .series
            .iter()
            .map(|s| (&s.description.labels, s))
            .collect();
        let mut classic = nhcb::Collector::default();
        for series in latest.values() {
            let failed = |e| (series.line, e);
            let description = &series.description;
            let points = description
                .points()
                .map_err(LoadError::Histogram)
                .map_err(failed)?;
            let mut columns = Columns::default();
            for (index, point) in points.into_iter().enumerate() {
                let time = i64::try_from(index)
                    .ok()
                    .and_then(|i| i.checked_mul(load.step_ms));
                let time = time.ok_or(LoadError::Time { index }).map_err(failed)?;
                let start = series
                    .start_offsets
                    .as_ref()
                    .and_then(|o| o.get(index))
                    .copied();
                columns.push(time, point, start.flatten().is_some());
            }
            if load.with_nhcb {
                let samples = columns
                    .timestamps
                    .iter()
                    .copied()
                    .zip(columns.values.iter().copied());
                classic
                    .take(&description.labels, samples)
                    .map_err(LoadError::Histogram)
                    .map_err(failed)?;
            }
            self.take(&description.labels, columns).map_err(failed)?;
        }
        let line = load.series.first().map_or(0, |s| s.line);
        for (labels, samples) in classic
            .finish()
            .map_err(|e| (line, LoadError::Histogram(e)))?
        {
            let columns = Columns {
                histograms: samples.iter().map(|(time, _)| *time).collect(),
                ..Columns::default()
            };
            self.take(&labels, columns).map_err(|e| (line, e))?;
        }
        Ok(())
    }

    fn take(&self, labels: &[(String, String)], columns: Columns) -> Result<(), LoadError> {
        let Some((first, last)) = columns.times() else {
            return Ok(());
        };
        let known = self.last.lock().get(labels).copied();
        if known.is_some_and(|known| first < known) {
            let series = labels
                .iter()
                .map(|(n, v)| format!("{n}={v:?}"))
                .collect::<Vec<_>>();
            let series = format!("{{{}}}", series.join(", "));
            return Err(LoadError::OutOfOrder {
                series,
                timestamp: first,
            });
        }
        let marks = |times: Vec<i64>| {
            let values = vec![0.0; times.len()];
            (times, values)
        };
        let (times, values) = marks(columns.histograms);
        self.histograms
            .append_series(pairs(labels), times, values)?;
        let (times, values) = marks(columns.starts);
        self.starts.append_series(pairs(labels), times, values)?;
        self.floats
            .append_series(pairs(labels), columns.timestamps, columns.values)?;
        self.last.lock().insert(labels.to_vec(), last);
        Ok(())
    }
}

/// The samples of one line.
#[derive(Default)]
struct Columns {
    timestamps: Vec<i64>,
    values: Vec<f64>,
    /// Times of histograms.
    histograms: Vec<i64>,
    /// Times of samples that have a start.
    starts: Vec<i64>,
}

impl Columns {
    fn push(&mut self, time: i64, point: Point, has_start: bool) {
        match point {
            Point::Omitted => return,
            Point::Float(value) => {
                self.timestamps.push(time);
                self.values.push(value);
            }
            Point::Histogram(_) => self.histograms.push(time),
        }
        if has_start {
            self.starts.push(time);
        }
    }

    /// The first and the last time.
    fn times(&self) -> Option<(i64, i64)> {
        let all = || self.timestamps.iter().chain(&self.histograms);
        Some((*all().min()?, *all().max()?))
    }
}

impl Storage for ScriptStore {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async move {
            let snapshot: Arc<dyn Snapshot> = Arc::new(ScriptSnapshot {
                floats: self.floats.snapshot(range).await?,
                histograms: self.histograms.snapshot(range).await?,
                starts: self.starts.snapshot(range).await?,
            });
            Ok(snapshot)
        }
        .boxed()
    }
}

struct ScriptSnapshot {
    floats: Arc<dyn Snapshot>,
    histograms: Arc<dyn Snapshot>,
    starts: Arc<dyn Snapshot>,
}

/// Whether something in `snapshot` matches.
async fn has(
    snapshot: &Arc<dyn Snapshot>,
    request: &SelectRequest<'_>,
) -> Result<bool, StorageError> {
    let symbols = SymbolTable::new();
    let hints = SelectHints::default();
    let request = SelectRequest {
        symbols: &symbols,
        hints: &hints,
        ..*request
    };
    Ok(!snapshot.select(request).await?.labels.is_empty())
}

impl Snapshot for ScriptSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            if has(&self.histograms, &request).await? {
                return Err(StorageError::Unsupported("native histograms".into()));
            }
            let function = request.hints.function.as_str();
            let minds_starts = function == "start_timestamp"
                || lookup(function).is_some_and(|f| f.uses_start_timestamps);
            if minds_starts && has(&self.starts, &request).await? {
                return Err(StorageError::Unsupported("start timestamps".into()));
            }
            self.floats.select(request).await
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let mut names = self.floats.label_names(selectors, range).await?;
            names.extend(self.histograms.label_names(selectors, range).await?);
            names.sort_unstable();
            names.dedup();
            Ok(names)
        }
        .boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let mut values = self.floats.label_values(name, selectors, range).await?;
            values.extend(self.histograms.label_values(name, selectors, range).await?);
            values.sort_unstable();
            values.dedup();
            Ok(values)
        }
        .boxed()
    }

    fn time_range(&self) -> Option<TimeRange> {
        let ranges = [self.floats.time_range(), self.histograms.time_range()];
        ranges.into_iter().flatten().reduce(|a, b| TimeRange {
            start: a.start.min(b.start),
            end: a.end.max(b.end),
        })
    }
}
