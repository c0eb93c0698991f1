//! The store that scripts load into.
//!
//! Samples go to a [`MemoryStorage`]. What the engine cannot evaluate yet,
//! start timestamps of floats, is remembered by time: a query that selects it
//! is refused as unsupported, so that no answer is given that leaves it out.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use parking_lot::Mutex;
use quarrel::labels::SymbolTable;
use quarrel::storage::{
    Matcher, SelectHints, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_functions::histogram::native::Histogram;
use quarrel_functions::table::lookup;
use quarrel_storage::memory::{AppendError, HistogramAt, MemoryStorage};

use crate::histogram::{Sequence, for_chunks, of_literal};
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
    samples: MemoryStorage,
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
            let mut histograms = Sequence::default();
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
                let start = start.flatten().map_or(0, |offset| time + offset);
                match point {
                    Point::Omitted => {}
                    Point::Float(value) => columns.push(time, value, start),
                    Point::Histogram(point) => {
                        let h = histograms.next(&point).map_err(LoadError::Histogram);
                        columns.push_histogram(time, &h.map_err(failed)?, start);
                    }
                }
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
            let mut columns = Columns::default();
            for (time, literal) in samples {
                let h = of_literal(&literal).map_err(|e| (line, LoadError::Histogram(e)))?;
                columns.push_histogram(time, &h, 0);
            }
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
        for run in &columns.histograms {
            self.samples.append_histograms(pairs(labels), run)?;
        }
        let marks = vec![0.0; columns.starts.len()];
        self.starts
            .append_series(pairs(labels), columns.starts, marks)?;
        self.samples
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
    /// Histograms without a float between them.
    histograms: Vec<Vec<HistogramAt<f64>>>,
    /// Times of floats that have a start.
    starts: Vec<i64>,
    /// Whether the last sample was a histogram.
    in_histograms: bool,
}

impl Columns {
    fn push(&mut self, time: i64, value: f64, start: i64) {
        self.in_histograms = false;
        self.timestamps.push(time);
        self.values.push(value);
        if start != 0 {
            self.starts.push(time);
        }
    }

    fn push_histogram(&mut self, timestamp: i64, h: &Histogram, start: i64) {
        if !std::mem::replace(&mut self.in_histograms, true) {
            self.histograms.push(Vec::new());
        }
        let histogram = for_chunks(h);
        if let Some(run) = self.histograms.last_mut() {
            run.push(HistogramAt {
                timestamp,
                start,
                histogram,
            });
        }
    }

    /// The first and the last time.
    fn times(&self) -> Option<(i64, i64)> {
        let histograms = self.histograms.iter().flatten().map(|h| h.timestamp);
        let all = || self.timestamps.iter().copied().chain(histograms.clone());
        Some((all().min()?, all().max()?))
    }
}

impl Storage for ScriptStore {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async move {
            let snapshot: Arc<dyn Snapshot> = Arc::new(ScriptSnapshot {
                samples: self.samples.snapshot(range).await?,
                starts: self.starts.snapshot(range).await?,
            });
            Ok(snapshot)
        }
        .boxed()
    }
}

struct ScriptSnapshot {
    samples: Arc<dyn Snapshot>,
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
            let function = request.hints.function.as_str();
            let minds_starts = function == "start_timestamp"
                || lookup(function).is_some_and(|f| f.uses_start_timestamps);
            if minds_starts && has(&self.starts, &request).await? {
                return Err(StorageError::Unsupported("start timestamps".into()));
            }
            self.samples.select(request).await
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.samples.label_names(selectors, range)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        selectors: &'a [Vec<Matcher>],
        range: TimeRange,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.samples.label_values(name, selectors, range)
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.samples.time_range()
    }
}
