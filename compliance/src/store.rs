//! The store that scripts load into: a [`MemoryStorage`] that refuses the
//! samples that Prometheus's test storage refuses.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel_functions::histogram::native::Histogram;
use quarrel_storage::memory::{FloatSample, HistogramSample, MemoryStorage};

use crate::histogram::for_chunks;
use crate::loaded::{LoadError, LoadedSample, LoadedValue, expand};
use crate::script::Load;

/// Samples of a script.
#[derive(Debug, Default)]
pub struct ScriptStore {
    samples: MemoryStorage,
    /// The last time of each series, ms.
    last: Mutex<BTreeMap<Vec<(String, String)>, i64>>,
}

fn pairs(labels: &[(String, String)]) -> impl Iterator<Item = (&String, &String)> {
    labels.iter().map(|(name, value)| (name, value))
}

impl ScriptStore {
    /// The samples.
    pub fn memory(&self) -> &MemoryStorage {
        &self.samples
    }

    /// Takes the samples of a `load`.
    ///
    /// # Errors
    /// When the store refuses a sample or a series goes back in time, with the
    /// line.
    pub fn load(&self, load: &Load) -> Result<(), (usize, LoadError)> {
        self.load_from(load, 0)
    }

    /// Takes the samples of a `load` whose first ones are at a time, ms.
    ///
    /// # Errors
    /// As [`ScriptStore::load`].
    pub fn load_from(&self, load: &Load, begin_ms: i64) -> Result<(), (usize, LoadError)> {
        for series in expand(load, begin_ms)? {
            let mut columns = Columns::default();
            for LoadedSample {
                time_ms,
                start_ms,
                value,
            } in series.samples
            {
                match value {
                    LoadedValue::Float(value) => columns.push(time_ms, value, start_ms),
                    LoadedValue::Histogram(h) => columns.push_histogram(time_ms, &h, start_ms),
                }
            }
            self.take(&series.labels, columns)
                .map_err(|error| (series.line, error))?;
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
        let has_start_timestamps = columns.start_timestamps.iter().any(|start| *start != 0);
        let floats = if has_start_timestamps {
            columns.floats()
        } else {
            Vec::new()
        };
        let mut rest = &floats[..];
        for run in &columns.histograms {
            let first = run.first().map_or(i64::MAX, |h| h.timestamp);
            let (before, behind) = rest.split_at(rest.partition_point(|s| s.timestamp < first));
            self.samples.append_floats(pairs(labels), before)?;
            self.samples.append_histograms(pairs(labels), run)?;
            rest = behind;
        }
        self.samples.append_floats(pairs(labels), rest)?;
        if !has_start_timestamps {
            self.samples
                .append_series(pairs(labels), columns.timestamps, columns.values)?;
        }
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
    histograms: Vec<Vec<HistogramSample<f64>>>,
    /// Start timestamps of floats, 0 where there is none.
    start_timestamps: Vec<i64>,
    /// Whether the last sample was a histogram.
    in_histograms: bool,
}

impl Columns {
    fn push(&mut self, time: i64, value: f64, start: i64) {
        self.in_histograms = false;
        self.timestamps.push(time);
        self.values.push(value);
        self.start_timestamps.push(start);
    }

    fn floats(&self) -> Vec<FloatSample> {
        let times = self.timestamps.iter().zip(&self.start_timestamps);
        let samples = times.zip(&self.values);
        let sample = |((&timestamp, &start_timestamp), &value)| FloatSample {
            timestamp,
            start_timestamp,
            value,
        };
        samples.map(sample).collect()
    }

    fn push_histogram(&mut self, timestamp: i64, h: &Histogram, start: i64) {
        if !std::mem::replace(&mut self.in_histograms, true) {
            self.histograms.push(Vec::new());
        }
        let histogram = for_chunks(h);
        if let Some(run) = self.histograms.last_mut() {
            run.push(HistogramSample {
                timestamp,
                start_timestamp: start,
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
        self.samples.snapshot(range)
    }
}
