//! A store whose every answer a test can choose: what it has, how it orders
//! it, how long it takes, and how it fails.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use quarrel_chunks::{FloatEncoder, XorEncoder};
use quarrel_engine::labels::{Label, LabelList};
use quarrel_engine::storage::{
    Chunk, Encoding, LabelsRequest, Matcher, SelectControl, SelectHints, SelectRequest, Selected,
    SeriesSource, Snapshot, Storage, StorageError, TimeRange,
};

/// What is awaited before an answer.
pub type Wait = Arc<dyn Fn() -> BoxFuture<'static, Result<(), StorageError>> + Send + Sync>;

/// What is awaited before the chunks of some rows are at hand.
pub type WaitForRows =
    Arc<dyn Fn(Range<u32>) -> BoxFuture<'static, Result<(), StorageError>> + Send + Sync>;

/// What is done with each row.
pub type OnRow = Arc<dyn Fn(u32) -> Result<(), StorageError> + Send + Sync>;

/// One series: labels and chunks.
#[derive(Clone, Debug)]
pub struct FakeSeries {
    pub labels: Vec<(String, String)>,
    pub chunks: Vec<Chunk>,
}

/// See the module's words. Series are given in the order of `series`.
#[derive(Clone, Default)]
pub struct Fake {
    pub series: Arc<Vec<FakeSeries>>,
    /// Awaited by `snapshot`.
    pub on_snapshot: Option<Wait>,
    /// Awaited by `select`.
    pub on_select: Option<Wait>,
    /// Awaited before the chunks of some rows are at hand.
    pub on_prefetch: Option<WaitForRows>,
    /// Called before the chunks of a row are given.
    pub on_chunks: Option<OnRow>,
    /// Works in a select until it is told to stop.
    pub until_stopped: Option<Arc<Working>>,
    /// What a select works for without giving way, and the most of such at a time
    /// that had worked for a tenth of a second.
    pub works_for: Option<(Duration, Arc<Long>)>,
    /// Whether labels that a query does not look at are left out.
    pub projects: bool,
    /// Whether chunks outside of what is asked for are left out.
    pub narrow: bool,
    /// The hints of all selects so far.
    pub asked: Arc<Mutex<Vec<SelectHints>>>,
    /// What the store guesses that it has.
    pub estimate: Option<u64>,
    /// What it wants the user to know.
    pub warnings: Vec<String>,
}

/// How many selects have begun to work, and were told to stop.
#[derive(Default)]
pub struct Working {
    pub begun: AtomicUsize,
    pub stopped: AtomicUsize,
}

/// Selects that work long.
#[derive(Default)]
pub struct Long {
    now: AtomicUsize,
    pub most: AtomicUsize,
}

impl Long {
    fn work(&self, duration: Duration, control: &dyn SelectControl) -> Result<(), StorageError> {
        let (begun, mut counted) = (Instant::now(), false);
        let mut result = Ok(());
        while result.is_ok() && begun.elapsed() < duration {
            std::thread::sleep(Duration::from_millis(1));
            result = control.check();
            if result.is_ok() && !counted && begun.elapsed() > Duration::from_millis(100) {
                counted = true;
                let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
                self.most.fetch_max(now, Ordering::Relaxed);
            }
        }
        self.now.fetch_sub(usize::from(counted), Ordering::Relaxed);
        result
    }
}

/// Never ends.
pub fn never() -> BoxFuture<'static, Result<(), StorageError>> {
    futures::future::pending().boxed()
}

/// The labels of `name{a="1",b="2"}`, sorted.
pub fn labels(text: &str) -> Vec<(String, String)> {
    crate::support::labels_of(text)
}

/// Samples as plain columns; times in seconds.
pub fn floats(samples: &[(i64, f64)]) -> Chunk {
    let timestamps: Vec<i64> = samples.iter().map(|s| s.0 * 1000).collect();
    let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
    Chunk::floats(timestamps, values)
}

/// Samples as Prometheus encodes them; times in seconds.
pub fn xor(samples: &[(i64, f64)]) -> Chunk {
    let mut encoder = XorEncoder::new();
    for &(seconds, value) in samples {
        encoder.append(seconds * 1000, value);
    }
    encoded(Encoding::Xor, encoder.bytes().to_vec(), floats(samples))
}

/// Bytes under an encoding, at the times of another chunk.
pub fn encoded(encoding: Encoding, bytes: Vec<u8>, times: Chunk) -> Chunk {
    let times = TimeRange {
        start: times.min_time,
        end: times.max_time,
    };
    Chunk::encoded(encoding, bytes, times)
}

impl Fake {
    /// A store of series that are given as `name{labels}` and chunks.
    pub fn new(series: impl IntoIterator<Item = (String, Vec<Chunk>)>) -> Self {
        let series = series.into_iter().map(|(text, chunks)| FakeSeries {
            labels: labels(&text),
            chunks,
        });
        Fake {
            series: Arc::new(series.collect()),
            ..Fake::default()
        }
    }

    /// Series `name{i="0000"}`, with a sample each 30 s from 0, whose values
    /// differ.
    pub fn many(name: &str, series: usize, samples: usize) -> Self {
        Fake::new((0..series).map(|i| {
            let samples: Vec<(i64, f64)> = (0..samples)
                .map(|s| (s as i64 * 30, (i * 7919 % 1009) as f64 + s as f64 * 0.25))
                .collect();
            (format!("{name}{{i=\"{i:06}\"}}"), vec![floats(&samples)])
        }))
    }

    /// The same store with its series in the order of their labels.
    pub fn sorted(mut self) -> Self {
        Arc::make_mut(&mut self.series).sort_by(|a, b| a.labels.cmp(&b.labels));
        self
    }

    /// The same store with other series behind its own.
    pub fn and(mut self, other: Fake) -> Self {
        Arc::make_mut(&mut self.series).extend(other.series.iter().cloned());
        self
    }

    /// Ready to be asked.
    pub fn store(self) -> Arc<dyn Storage> {
        Arc::new(self)
    }

    fn matches(&self, series: &FakeSeries, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| {
            let value = series.labels.iter().find(|(n, _)| n == matcher.name());
            matcher.matches(value.map_or("", |(_, v)| v))
        })
    }
}

impl Storage for Fake {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let wait = self.on_snapshot.as_ref().map(|wait| wait());
        async move {
            if let Some(wait) = wait {
                wait.await?;
            }
            Ok(Arc::new(self.clone()) as Arc<dyn Snapshot>)
        }
        .boxed()
    }
}

impl Snapshot for Fake {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        let wait = self.on_select.as_ref().map(|wait| wait());
        async move {
            if let Some(wait) = wait {
                wait.await?;
            }
            if let Some(working) = &self.until_stopped {
                working.begun.fetch_add(1, Ordering::Relaxed);
                while let Ok(()) = request.control.check() {
                    std::thread::sleep(Duration::from_millis(1));
                }
                working.stopped.fetch_add(1, Ordering::Relaxed);
                return Err(StorageError::Stopped);
            }
            if let Some((duration, long)) = &self.works_for {
                long.work(*duration, request.control)?;
            }
            let chosen: Vec<&FakeSeries> = self
                .series
                .iter()
                .filter(|s| self.matches(s, request.matchers))
                .collect();
            let mut list = LabelList::new();
            for series in &chosen {
                let labels = series.labels.iter();
                let labels = labels.filter(|(name, _)| !self.projects || request.needs(name));
                list.push(labels.map(|(name, value)| Label {
                    name: request.symbols.intern(name),
                    value: request.symbols.intern(value),
                }));
            }
            self.asked.lock().unwrap().push(request.hints.clone());
            let given = |chunk: &&Chunk| {
                !self.narrow || request.range.overlaps(chunk.min_time, chunk.max_time)
            };
            let chunks = (chosen.iter())
                .map(|s| s.chunks.iter().filter(given).cloned().collect())
                .collect();
            let rows = Rows {
                chunks,
                store: self.clone(),
            };
            let selected = Selected::new(list, Arc::new(rows));
            Ok(match request.projection.filter(|_| self.projects) {
                Some(_) => selected.with_projected_labels(),
                None => selected,
            })
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    fn label_values<'a>(
        &'a self,
        _: &'a str,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        futures::future::ready(Ok(Vec::new())).boxed()
    }

    fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

struct Rows {
    chunks: Vec<Vec<Chunk>>,
    store: Fake,
}

impl SeriesSource for Rows {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        if let Some(hook) = &self.store.on_chunks {
            hook(row)?;
        }
        out.extend(self.chunks[row as usize].iter().cloned());
        Ok(())
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        self.store.on_prefetch.as_ref().map(|hook| hook(rows))
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.store.estimate
    }
}
