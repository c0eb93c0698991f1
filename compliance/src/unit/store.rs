//! The samples of a test: all input at once, seen up to the time that the test
//! has come to, and what the rules write.
//!
//! What a rule writes is refused where Prometheus's head refuses it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::storage::{
    LabelsRequest, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};
use quarrel_functions::histogram::native::Histogram;
use quarrel_functions::window::STALE_NAN_BITS;
use quarrel_storage::memory::{AppendError, HistogramSample, MemoryStorage};

use crate::histogram::for_chunks;
use crate::loaded::LoadError;
use crate::script::{Load, Point};
use crate::store::ScriptStore;
use crate::template::{Labels, SampleValue};

/// A sample that is older than the newest one by more than this is refused, ms:
/// half of the head's chunk range, which is a day.
const OLDEST: i64 = 12 * 3_600_000;

/// Why a sample of a rule is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    /// The series has a later sample.
    #[error("out of order sample")]
    OutOfOrder,
    /// The series has another value at this time.
    #[error("duplicate sample for timestamp")]
    Duplicate,
    /// It is too far in the past.
    #[error("out of bounds")]
    OutOfBounds,
    /// The store refuses it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// A sample that a rule writes.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) labels: Arc<Labels>,
    pub(super) at_ms: i64,
    pub(super) value: SampleValue,
}

impl Written {
    /// The marker that a series has ended.
    pub(super) fn stale(labels: Arc<Labels>, at_ms: i64) -> Self {
        let value = SampleValue::Float(f64::from_bits(STALE_NAN_BITS));
        Written {
            labels,
            at_ms,
            value,
        }
    }
}

/// The last sample of a series.
#[derive(Clone, Debug)]
struct Last {
    at_ms: i64,
    /// The bits of a float; a histogram never equals a sample.
    bits: Option<u64>,
}

/// The samples of a test.
pub(super) struct TestStore {
    samples: ScriptStore,
    /// What is later is not seen yet, ms.
    till: AtomicI64,
    /// The input of series by labels, in order of time.
    input: HashMap<Labels, Vec<Last>>,
    written: Mutex<HashMap<Arc<Labels>, Last>>,
    /// The time of the newest sample that rules wrote, ms.
    newest: AtomicI64,
    /// The times of all input, sorted.
    input_times: Vec<i64>,
}

impl TestStore {
    /// A store with the input of a test that begins at a time.
    ///
    /// # Errors
    /// When a series is refused, with its line.
    pub(super) fn new(load: &Load, start_ms: i64) -> Result<Self, (usize, LoadError)> {
        let samples = ScriptStore::default();
        samples.load_from(load, start_ms)?;
        let mut input: HashMap<Labels, Vec<Last>> = HashMap::new();
        for series in &load.series {
            let points = series.description.points();
            let points = points.map_err(|e| (series.line, LoadError::Histogram(e)))?;
            let times = (0i64..).map(|i| start_ms.saturating_add(i.saturating_mul(load.step_ms)));
            let known = points.iter().zip(times).filter_map(|(point, at_ms)| {
                let bits = match point {
                    Point::Omitted => return None,
                    Point::Float(value) => Some(value.to_bits()),
                    Point::Histogram(_) => None,
                };
                Some(Last { at_ms, bits })
            });
            let labels = series.description.labels.iter().cloned().collect();
            input.insert(labels, known.collect());
        }
        let mut input_times: Vec<i64> = input.values().flatten().map(|last| last.at_ms).collect();
        input_times.sort_unstable();
        input_times.dedup();
        Ok(TestStore {
            samples,
            till: AtomicI64::new(i64::MIN),
            input,
            written: Mutex::default(),
            newest: AtomicI64::new(i64::MIN),
            input_times,
        })
    }

    /// Makes the input up to a time visible.
    pub(super) fn show_till(&self, at_ms: i64) {
        self.till.store(at_ms, Ordering::Relaxed);
    }

    /// The time of the newest sample, ms.
    fn newest(&self) -> i64 {
        let till = self.till.load(Ordering::Relaxed);
        let seen = self.input_times.partition_point(|at| *at <= till);
        let input = seen
            .checked_sub(1)
            .map_or(i64::MIN, |i| self.input_times[i]);
        input.max(self.newest.load(Ordering::Relaxed))
    }

    fn last(&self, labels: &Arc<Labels>) -> Option<Last> {
        let till = self.till.load(Ordering::Relaxed);
        let input = self.input.get(&**labels).and_then(|samples| {
            let seen = samples.partition_point(|last| last.at_ms <= till);
            samples[..seen].last().cloned()
        });
        let written = self.written.lock().get(labels).cloned();
        [input, written]
            .into_iter()
            .flatten()
            .max_by_key(|last| last.at_ms)
    }

    /// Whether a sample can be written.
    ///
    /// # Errors
    /// When Prometheus refuses it.
    pub(super) fn check(&self, sample: &Written) -> Result<(), WriteError> {
        if sample.at_ms < self.newest().saturating_sub(OLDEST) {
            return Err(WriteError::OutOfBounds);
        }
        let Some(last) = self.last(&sample.labels) else {
            return Ok(());
        };
        match sample.at_ms.cmp(&last.at_ms) {
            std::cmp::Ordering::Greater => Ok(()),
            std::cmp::Ordering::Less => Err(WriteError::OutOfOrder),
            std::cmp::Ordering::Equal => match &sample.value {
                SampleValue::Float(value) if last.bits == Some(value.to_bits()) => Ok(()),
                _ => Err(WriteError::Duplicate),
            },
        }
    }

    /// Writes samples that were checked. Of those of one series at one time the
    /// first counts.
    ///
    /// # Errors
    /// When the store refuses one.
    pub(super) fn write(&self, samples: Vec<Written>) -> Result<(), WriteError> {
        for sample in samples {
            let at_ms = sample.at_ms;
            if self
                .last(&sample.labels)
                .is_some_and(|last| at_ms <= last.at_ms)
            {
                continue;
            }
            let bits = match &sample.value {
                SampleValue::Float(value) => {
                    self.memory().append(&*sample.labels, at_ms, *value)?;
                    Some(value.to_bits())
                }
                SampleValue::Histogram(histogram) => {
                    self.write_histogram(&sample.labels, at_ms, histogram)?;
                    None
                }
            };
            self.newest.fetch_max(at_ms, Ordering::Relaxed);
            self.written
                .lock()
                .insert(sample.labels, Last { at_ms, bits });
        }
        Ok(())
    }

    fn write_histogram(
        &self,
        labels: &Labels,
        at_ms: i64,
        histogram: &Histogram,
    ) -> Result<(), WriteError> {
        let sample = HistogramSample {
            timestamp: at_ms,
            start_timestamp: 0,
            histogram: for_chunks(histogram),
        };
        Ok(self.memory().append_histograms(labels, &[sample])?)
    }

    fn memory(&self) -> &MemoryStorage {
        self.samples.memory()
    }
}

impl Storage for TestStore {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let till = self.till.load(Ordering::Relaxed);
        Box::pin(async move {
            let inner = self.samples.snapshot(range).await?;
            let view: Arc<dyn Snapshot> = Arc::new(View { inner, till });
            Ok(view)
        })
    }
}

/// A snapshot up to a time.
struct View {
    inner: Arc<dyn Snapshot>,
    till: i64,
}

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        let mut request = request;
        request.range.end = request.range.end.min(self.till);
        if request.range.start > request.range.end {
            // Nothing lies before the first time of all.
            request.range = TimeRange {
                start: i64::MIN,
                end: i64::MIN,
            };
        }
        self.inner.select(request)
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_names(request)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_values(name, request)
    }

    fn series_count(&self) -> Option<u64> {
        self.inner.series_count()
    }
}
