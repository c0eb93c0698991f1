//! A store that breaks one rule.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread::ThreadId;

use arrow_buffer::ScalarBuffer;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::labels::{Label, LabelList};
use quarrel_engine::storage::{
    Chunk, ChunkData, LabelsRequest, Matcher, SelectRequest, Selected, SeriesSource, Snapshot,
    Storage, StorageError, TimeRange,
};

use super::super::*;
use crate::memory::MemoryStorage;

/// The fault of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    PanicsWhenEmpty,
    RowsReversed,
    ProjectsAll,
    RowsTwice,
    LabelsReversed,
    NothingWithoutMatchers,
    NegatedIgnored,
    RegexUnanchored,
    EmptyNeedsLabel,
    OnlyFirstMatcher,
    AtMost1000,
    PiecesAsTheyRan,
    RefusalIgnored,
    NanCanonical,
    StaleDropped,
    EndExclusive,
    ChunksReversed,
    FirstChunkAlone,
    GapsFilled,
    ChunksCleared,
    PrefetchOnce,
    EstimateWild,
    RateDownsampled,
    NamesReversed,
    SelectorsIgnored,
    NoLabelsInRange,
    TimeRangeShort,
    LiveSnapshot,
    StoreNeeded,
    SnapshotNeeded,
    OneThread,
    SelectsCollide,
    DroppedFutureJams,
    ErrorSwallowed,
    ErrorSpreads,
}

pub(super) struct Faulty(pub(super) Fault);

pub(super) fn fill(storage: &MemoryStorage, series: &[TestSeries]) {
    for series in series {
        for part in &series.parts {
            let labels = series.labels.iter().map(|(n, v)| (n, v));
            let (timestamps, values) = part.iter().copied().unzip();
            storage.append_series(labels, timestamps, values).unwrap();
        }
    }
}

impl Harness for Faulty {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let memory = MemoryStorage::new();
        fill(&memory, series);
        *LAST.lock() = Some(Arc::new(memory));
        Arc::new(Store {
            state: Arc::new(State::of(self.0)),
        })
    }

    fn add(&self, _: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        fill(LAST.lock().as_ref().unwrap(), series);
        true
    }

    fn broken(&self, series: &[TestSeries], broken: usize) -> Option<Arc<dyn Storage>> {
        let memory = MemoryStorage::new();
        fill(&memory, series);
        *LAST.lock() = Some(Arc::new(memory));
        let state = State {
            broken: Some(series[broken].labels.clone()),
            ..State::of(self.0)
        };
        Some(Arc::new(Store {
            state: Arc::new(state),
        }))
    }
}

/// The memory of the newest store, for `add`. `ONE_AT_A_TIME` serializes the
/// tests that use it.
static LAST: Mutex<Option<Arc<MemoryStorage>>> = Mutex::new(None);
pub(super) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

struct State {
    fault: Fault,
    memory: Arc<MemoryStorage>,
    broken: Option<Vec<(String, String)>>,
    jammed: AtomicBool,
    gone: AtomicBool,
    snapshot_gone: AtomicBool,
    reader: Mutex<Option<ThreadId>>,
    prefetched: AtomicBool,
}

impl State {
    fn of(fault: Fault) -> Self {
        State {
            fault,
            memory: LAST.lock().clone().unwrap(),
            broken: None,
            jammed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            snapshot_gone: AtomicBool::new(false),
            reader: Mutex::new(None),
            prefetched: AtomicBool::new(false),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }
}

struct Store {
    state: Arc<State>,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.state.gone.store(true, Ordering::SeqCst);
    }
}

struct View {
    inner: Arc<dyn Snapshot>,
    state: Arc<State>,
}

impl Drop for View {
    fn drop(&mut self) {
        self.state.snapshot_gone.store(true, Ordering::SeqCst);
    }
}

fn error(text: &str) -> StorageError {
    StorageError::Other(text.into())
}

impl Storage for Store {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async move {
            let inner = self.state.memory.snapshot(range).await?;
            let view: Arc<dyn Snapshot> = Arc::new(View {
                inner,
                state: self.state.clone(),
            });
            Ok(view)
        }
        .boxed()
    }
}

impl View {
    /// The rows in the order in which the pieces of a select ran, for stores with
    /// faults in pieces.
    async fn in_pieces(
        &self,
        mut rows: Vec<u32>,
        request: &SelectRequest<'_>,
    ) -> Result<Vec<u32>, StorageError> {
        let (Fault::PiecesAsTheyRan | Fault::RefusalIgnored) = self.state.fault else {
            return Ok(rows);
        };
        const PIECES: usize = 4;
        let ran: Arc<Mutex<Vec<usize>>> = Arc::default();
        let running = ran.clone();
        let piece = move |number| {
            running.lock().push(number);
            Ok(())
        };
        let result = request.control.run_pieces(PIECES, Arc::new(piece)).await;
        if self.state.is(Fault::PiecesAsTheyRan) {
            result?;
            let ran = ran.lock();
            let count = rows.len();
            let piece = |row: u32| row as usize * PIECES / count;
            rows.sort_by_key(|&row| ran.iter().position(|&n| n == piece(row)));
        }
        Ok(rows)
    }

    async fn current(&self) -> Result<Arc<dyn Snapshot>, StorageError> {
        if self.state.is(Fault::LiveSnapshot) {
            return self.state.memory.snapshot(TimeRange::ALL).await;
        }
        Ok(self.inner.clone())
    }

    fn changed_matchers(&self, matchers: &[Matcher]) -> Vec<Matcher> {
        let mut matchers = matchers.to_vec();
        match self.state.fault {
            Fault::NegatedIgnored => matchers.retain(|m| !m.is_negated()),
            Fault::OnlyFirstMatcher => matchers.truncate(1),
            Fault::RegexUnanchored => {
                for m in &mut matchers {
                    if m.regex().is_some() {
                        let pattern = format!(".*(?:{}).*", m.value());
                        *m = Matcher::new(m.op(), m.name(), &pattern).unwrap();
                    }
                }
            }
            Fault::EmptyNeedsLabel => {
                let op = quarrel_matchers::MatchOp::NotEqual;
                let needed = |m: &Matcher| Matcher::new(op, m.name(), "").unwrap();
                let more: Vec<Matcher> = matchers
                    .iter()
                    .filter(|m| m.matches_empty())
                    .map(needed)
                    .collect();
                matchers.extend(more);
            }
            _ => {}
        }
        matchers
    }

    fn changed_labels(
        &self,
        labels: &LabelList,
        request: &SelectRequest<'_>,
    ) -> (LabelList, Vec<u32>) {
        let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
        match self.state.fault {
            Fault::RowsReversed => rows.reverse(),
            Fault::RowsTwice => rows = rows.iter().flat_map(|&r| [r, r]).collect(),
            Fault::NothingWithoutMatchers if request.matchers.is_empty() => rows.clear(),
            Fault::AtMost1000 => rows.truncate(1000),
            Fault::PanicsWhenEmpty => assert!(!rows.is_empty(), "no row"),
            _ => {}
        }
        let mut list = labels.take(&rows);
        if self.state.is(Fault::LabelsReversed) {
            list = list.map(|row, out| out.extend(row.iter().rev().copied()));
        }
        (list, rows)
    }
}

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let state = &self.state;
            if state.is(Fault::SelectsCollide) {
                let mut reader = state.reader.lock();
                if *reader.get_or_insert(std::thread::current().id()) != std::thread::current().id()
                {
                    return Err(error("another thread selects"));
                }
            }
            if state.is(Fault::DroppedFutureJams) {
                if state.jammed.swap(true, Ordering::SeqCst) {
                    return Err(error("a select was left incomplete"));
                }
                let mut waited = false;
                std::future::poll_fn(|context| {
                    context.waker().wake_by_ref();
                    let ready = std::mem::replace(&mut waited, true);
                    if ready {
                        Poll::Ready(())
                    } else {
                        Poll::Pending
                    }
                })
                .await;
                state.jammed.store(false, Ordering::SeqCst);
            }
            if state.is(Fault::StoreNeeded) && state.gone.load(Ordering::SeqCst) {
                return Err(error("the store is gone"));
            }
            let matchers = self.changed_matchers(request.matchers);
            let mut range = request.range;
            if state.is(Fault::EndExclusive) {
                range.end = range.end.saturating_sub(1);
            }
            let inner = self.current().await?;
            let (hints, symbols) = (request.hints, request.symbols);
            let changed = SelectRequest::new(&matchers, range, hints, symbols);
            let selected = inner.select(changed).await?;
            let (labels, rows) = self.changed_labels(&selected.labels, &request);
            let order = self
                .in_pieces((0..rows.len() as u32).collect(), &request)
                .await?;
            let rows: Vec<u32> = order.iter().map(|&i| rows[i as usize]).collect();
            let labels = labels.take(&order);
            let is_broken = |row: &[Label]| {
                let symbols = request.symbols.read();
                let text = |s| symbols.get(s).to_string();
                let row: Vec<_> = row.iter().map(|l| (text(l.name), text(l.value))).collect();
                state.broken.as_ref() == Some(&row)
            };
            let broken = rows
                .iter()
                .enumerate()
                .filter(|(i, _)| is_broken(labels.get(*i)));
            let source = Source {
                broken: broken.map(|(i, _)| i as u32).collect(),
                inner: selected.series,
                rows,
                state: state.clone(),
                rate: request.hints.function == "rate",
            };
            if state.is(Fault::ProjectsAll) && request.projection.is_some() {
                let none = labels.map(|_, _| ());
                return Ok(Selected::new(none, Arc::new(source)).with_projected_labels());
            }
            Ok(Selected::new(labels, Arc::new(source)))
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let mut names = self.current().await?.label_names(request).await?;
            if self.state.is(Fault::NamesReversed) {
                names.reverse();
            }
            Ok(names)
        }
        .boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        let LabelsRequest {
            selectors, range, ..
        } = request;
        async move {
            if self.state.is(Fault::NoLabelsInRange) && range != TimeRange::ALL {
                return Ok(Vec::new());
            }
            let selectors = if self.state.is(Fault::SelectorsIgnored) {
                &[]
            } else {
                selectors
            };
            self.current()
                .await?
                .label_values(name, LabelsRequest::new(selectors, range))
                .await
        }
        .boxed()
    }

    fn time_range(&self) -> Option<TimeRange> {
        let mut range = self.inner.time_range()?;
        if self.state.is(Fault::TimeRangeShort) {
            range.end -= 1;
        }
        Some(range)
    }
}

struct Source {
    inner: Arc<dyn SeriesSource>,
    rows: Vec<u32>,
    broken: HashSet<u32>,
    state: Arc<State>,
    rate: bool,
}

impl Source {
    fn fails(&self, row: u32) -> Option<&'static str> {
        let state = &self.state;
        let broken = self.broken.contains(&row);
        if broken {
            state.jammed.store(true, Ordering::SeqCst);
        }
        let spread = state.is(Fault::ErrorSpreads) && state.jammed.load(Ordering::SeqCst);
        if (broken && !state.is(Fault::ErrorSwallowed)) || spread {
            return Some("broken");
        }
        if state.is(Fault::SnapshotNeeded) && state.snapshot_gone.load(Ordering::SeqCst) {
            return Some("the snapshot is gone");
        }
        if state.is(Fault::OneThread) {
            let id = std::thread::current().id();
            return (*state.reader.lock().get_or_insert(id) != id).then_some("another thread");
        }
        let needed = state.is(Fault::PrefetchOnce) && row >= 100;
        (needed && !state.prefetched.load(Ordering::SeqCst)).then_some("not prefetched")
    }
}

impl SeriesSource for Source {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        if let Some(text) = self.fails(row) {
            return Err(error(text));
        }
        if self.broken.contains(&row) {
            return Ok(());
        }
        if self.state.is(Fault::ChunksCleared) {
            out.clear();
        }
        let mut chunks = Vec::new();
        self.inner.chunks(self.rows[row as usize], &mut chunks)?;
        let mut chunks: Vec<Chunk> = chunks.iter().flat_map(halves).collect();
        match self.state.fault {
            Fault::ChunksReversed => chunks.reverse(),
            Fault::FirstChunkAlone => chunks.truncate(1),
            Fault::NanCanonical => {
                edit(&mut chunks, |v| Some(if v.is_nan() { f64::NAN } else { v }));
            }
            Fault::StaleDropped => {
                edit(&mut chunks, |v| (v.to_bits() != data::STALE).then_some(v));
            }
            Fault::GapsFilled => chunks.iter_mut().for_each(fill_gaps),
            Fault::RateDownsampled if self.rate => chunks.truncate(1),
            _ => {}
        }
        out.append(&mut chunks);
        Ok(())
    }

    fn prefetch(
        &self,
        rows: std::ops::Range<u32>,
    ) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let state = self.state.clone();
        let late = rows.start == 0;
        Some(
            async move {
                state.prefetched.store(late, Ordering::SeqCst);
                Ok(())
            }
            .boxed(),
        )
    }

    fn estimated_samples(&self) -> Option<u64> {
        if self.state.is(Fault::EstimateWild) {
            Some(u64::MAX)
        } else {
            self.inner.estimated_samples()
        }
    }
}

/// Splits a chunk in two, so that series have several.
fn halves(chunk: &Chunk) -> Vec<Chunk> {
    let ChunkData::Floats {
        timestamps, values, ..
    } = &chunk.data
    else {
        unreachable!("memory")
    };
    let half = timestamps.len() / 2;
    let part = |from: usize, len: usize| {
        Chunk::floats(timestamps.slice(from, len), values.slice(from, len))
    };
    match half {
        0 => vec![chunk.clone()],
        _ => vec![part(0, half), part(half, timestamps.len() - half)],
    }
}

/// Adds a sample at each minute that has none, as a store does that does not
/// look at its mask.
fn fill_gaps(chunk: &mut Chunk) {
    let ChunkData::Floats {
        timestamps, values, ..
    } = &chunk.data
    else {
        unreachable!("memory")
    };
    let samples = timestamps.iter().copied().zip(values.iter().copied());
    let mut all: BTreeMap<i64, f64> = samples.collect();
    for time in (chunk.min_time..chunk.max_time).step_by(data::MINUTE as usize) {
        all.entry(time).or_insert(0.0);
    }
    let (timestamps, values): (Vec<i64>, Vec<f64>) = all.into_iter().unzip();
    *chunk = Chunk::floats(timestamps, values);
}

/// Changes values or removes samples.
fn edit(chunks: &mut [Chunk], change: impl Fn(f64) -> Option<f64>) {
    for chunk in chunks {
        let ChunkData::Floats {
            timestamps, values, ..
        } = &mut chunk.data
        else {
            unreachable!("memory")
        };
        let samples = timestamps.iter().zip(values.iter());
        let kept: Vec<(i64, f64)> = samples
            .filter_map(|(&t, &v)| Some((t, change(v)?)))
            .collect();
        *timestamps = kept.iter().map(|s| s.0).collect::<ScalarBuffer<i64>>();
        *values = kept.iter().map(|s| s.1).collect::<ScalarBuffer<f64>>();
    }
}
