//! What the tests of the connector have in common.

use std::sync::Arc;

use quarrel_chunks::decode_floats;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Chunk, ChunkData, LabelsRequest, Matcher, SelectControl, SelectHints, SelectRequest,
    SeriesSource, Storage, StorageError, TimeRange, Unlimited,
};
use quarrel_matchers::MatchOp;

use super::super::testing::{FakeStore, RunningStore};
use super::super::{Endpoints, EndpointsConfig, StoreApi, StoreQuery};
use crate::memory::MemoryStorage;

/// A store of these series, with a sample each minute of ten minutes; the value is that
/// of the series at minute 0 and grows by one a minute.
pub(super) fn memory(series: &[(&[(&str, &str)], f64)]) -> Arc<MemoryStorage> {
    let memory = MemoryStorage::new();
    for (labels, first) in series {
        let times = (0..10).map(|minute| minute * 60_000).collect();
        let values = (0..10).map(|minute| first + f64::from(minute)).collect();
        memory
            .append_series(labels.iter().copied(), times, values)
            .unwrap();
    }
    Arc::new(memory)
}

/// Two series of a job.
pub(super) fn two_series() -> Arc<MemoryStorage> {
    memory(&[
        (&[("__name__", "up"), ("job", "a")], 0.0),
        (&[("__name__", "up"), ("job", "b")], 100.0),
    ])
}

/// The connector over running stores, all of which have answered.
pub(super) async fn over(running: &[RunningStore], query: StoreQuery) -> StoreApi {
    let config = EndpointsConfig::new(running.iter().map(RunningStore::spec));
    with_config(config, query).await
}

pub(super) async fn with_config(config: EndpointsConfig, query: StoreQuery) -> StoreApi {
    let endpoints = Arc::new(Endpoints::start(config).unwrap());
    endpoints.ready().await;
    StoreApi::new(endpoints, query)
}

/// A query that wants the answers of all stores.
pub(super) fn strict() -> StoreQuery {
    StoreQuery {
        partial_response: false,
        ..StoreQuery::default()
    }
}

pub(super) fn equal(name: &str, value: &str) -> Matcher {
    Matcher::new(MatchOp::Equal, name, value).unwrap()
}

/// An answer as text: for each series its labels, and its first and last sample and
/// their number.
#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) series: Vec<(String, Vec<(i64, f64)>)>,
    pub(super) warnings: Vec<String>,
    /// Samples and bytes by the source's own count.
    pub(super) estimate: u64,
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
    select_with(
        storage,
        matchers,
        TimeRange {
            start: 0,
            end: 600_000,
        },
        &SelectHints::default(),
        &Unlimited,
    )
    .await
}

pub(super) async fn select_with(
    storage: &dyn Storage,
    matchers: &[Matcher],
    range: TimeRange,
    hints: &SelectHints,
    control: &dyn SelectControl,
) -> Result<Answer, StorageError> {
    let symbols = SymbolTable::new();
    let view = storage.snapshot(range).await?;
    let request = SelectRequest::new(matchers, range, hints, &symbols).with_control(control);
    let selected = view.select(request).await?;
    let mut warnings = view.warnings();
    warnings.extend(selected.warnings);
    let mut series = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        let samples = samples(&*selected.series, row as u32)?;
        series.push((symbols.read().display(labels), samples));
    }
    Ok(Answer {
        series,
        warnings,
        estimate: selected.series.estimated_samples().unwrap(),
        held: selected.series.held_bytes(),
    })
}

fn samples(source: &dyn SeriesSource, row: u32) -> Result<Vec<(i64, f64)>, StorageError> {
    let mut chunks: Vec<Chunk> = Vec::new();
    source.chunks(row, &mut chunks)?;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let ChunkData::Encoded { encoding, bytes } = chunk.data else {
            panic!("an encoded chunk");
        };
        decode_floats(encoding, &bytes, &mut times, &mut values).unwrap();
    }
    Ok(times.into_iter().zip(values).collect())
}

pub(super) async fn names(
    storage: &dyn Storage,
    label: Option<&str>,
    selectors: &[Vec<Matcher>],
) -> Result<(Vec<String>, Vec<String>), StorageError> {
    let range = TimeRange {
        start: 0,
        end: 600_000,
    };
    let view = storage.snapshot(range).await?;
    let request = LabelsRequest::new(selectors, range);
    let found = match label {
        Some(label) => view.label_values(label, request).await?,
        None => view.label_names(request).await?,
    };
    Ok((found, view.warnings()))
}

/// Starts stores over two series, with the external label `zone`.
pub(super) async fn zones(zones: &[&str]) -> Vec<RunningStore> {
    let mut running = Vec::new();
    for zone in zones {
        let store = FakeStore::over(two_series()).with_labels(&[("zone", zone)]);
        running.push(store.start().await);
    }
    running
}
