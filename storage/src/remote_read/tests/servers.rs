//! What the tests of the connector have in common.

use std::sync::Arc;

use quarrel_chunks::{HistogramColumns, decode_floats, decode_histograms};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Chunk, ChunkData, LabelsRequest, Matcher, SelectControl, SelectHints, SelectRequest,
    SeriesSource, Storage, StorageError, TimeRange, Unlimited,
};
use quarrel_matchers::MatchOp;

use super::super::testing::{FakeRemote, RunningRemote};
use super::super::{RemoteRead, RemoteReadConfig, ResponseForm};
use crate::memory::MemoryStorage;

/// Ten minutes.
pub(super) const RANGE: TimeRange = TimeRange {
    start: 0,
    end: 600_000,
};

/// Two series of a job, with a sample each minute.
pub(super) fn two_series() -> Arc<MemoryStorage> {
    let memory = MemoryStorage::new();
    for (job, first) in [("a", 0.0), ("b", 100.0)] {
        let times = (0..10).map(|minute| minute * 60_000).collect();
        let values = (0..10).map(|minute| first + f64::from(minute)).collect();
        let labels = [("__name__", "up"), ("job", job)];
        memory.append_series(labels, times, values).unwrap();
    }
    Arc::new(memory)
}

/// A server of two series.
pub(super) fn fake() -> FakeRemote {
    FakeRemote::over(two_series())
}

pub(super) fn config(server: &RunningRemote) -> RemoteReadConfig {
    RemoteReadConfig::new(server.url())
}

pub(super) fn over(server: &RunningRemote) -> RemoteRead {
    RemoteRead::new(config(server)).unwrap()
}

pub(super) fn samples_alone(mut config: RemoteReadConfig) -> RemoteReadConfig {
    config.forms = vec![ResponseForm::Samples];
    config
}

pub(super) fn equal(name: &str, value: &str) -> Matcher {
    Matcher::new(MatchOp::Equal, name, value).unwrap()
}

/// A sample as tests compare it: the value of a float, or the count of a histogram.
pub(super) type Plain = (i64, f64);

/// An answer as text.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) series: Vec<(String, Vec<Plain>)>,
    pub(super) held: usize,
}

impl Answer {
    /// The labels of all series.
    pub(super) fn labels(&self) -> Vec<&str> {
        self.series.iter().map(|(labels, _)| &**labels).collect()
    }
}

pub(super) async fn select(
    storage: &dyn Storage,
    matchers: &[Matcher],
) -> Result<Answer, StorageError> {
    select_with(storage, matchers, RANGE, &Unlimited).await
}

pub(super) async fn select_with(
    storage: &dyn Storage,
    matchers: &[Matcher],
    range: TimeRange,
    control: &dyn SelectControl,
) -> Result<Answer, StorageError> {
    let symbols = SymbolTable::new();
    let view = storage.snapshot(range).await?;
    let hints = SelectHints::default();
    let request = SelectRequest::new(matchers, range, &hints, &symbols).with_control(control);
    let selected = view.select(request).await?;
    let mut series = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        let samples = samples(&*selected.series, row as u32)?;
        series.push((symbols.read().display(labels), samples));
    }
    Ok(Answer {
        series,
        held: selected.series.held_bytes(),
    })
}

fn samples(source: &dyn SeriesSource, row: u32) -> Result<Vec<Plain>, StorageError> {
    let mut chunks: Vec<Chunk> = Vec::new();
    source.chunks(row, &mut chunks)?;
    let mut all = Vec::new();
    for chunk in chunks {
        match chunk.data {
            ChunkData::Floats {
                timestamps, values, ..
            } => all.extend(timestamps.iter().copied().zip(values.iter().copied())),
            ChunkData::Encoded { encoding, bytes } if encoding.is_histogram() => {
                let mut columns = HistogramColumns::default();
                decode_histograms(encoding, &bytes, &mut columns).unwrap();
                let counts = columns.counts.iter().copied();
                all.extend(columns.timestamps.iter().copied().zip(counts));
            }
            ChunkData::Encoded { encoding, bytes } => {
                let (mut times, mut values) = (Vec::new(), Vec::new());
                decode_floats(encoding, &bytes, &mut times, &mut values).unwrap();
                all.extend(times.into_iter().zip(values));
            }
            other => panic!("{other:?}"),
        }
    }
    Ok(all)
}

pub(super) async fn names(
    storage: &dyn Storage,
    label: Option<&str>,
    selectors: &[Vec<Matcher>],
) -> Result<Vec<String>, StorageError> {
    let view = storage.snapshot(RANGE).await?;
    let request = LabelsRequest::new(selectors, RANGE);
    match label {
        Some(label) => view.label_values(label, request).await,
        None => view.label_names(request).await,
    }
}
