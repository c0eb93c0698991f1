//! The suite over a store on a shared time grid: the series of `memory`, with
//! one column of timestamps for all series of a select.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow_buffer::ScalarBuffer;
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use quarrel_engine::storage::{
    Chunk, ChunkData, LabelsRequest, SelectRequest, Selected, SeriesSource, Snapshot, Storage,
    StorageError, TimeRange,
};

use super::{Harness, Memory, TestSeries};

crate::conformance_tests!(Gridded(Memory(Mutex::new(None))));

struct Gridded(Memory);

impl Harness for Gridded {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        Arc::new(Store(self.0.store(series)))
    }

    fn add(&self, store: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        self.0.add(store, series)
    }
}

struct Store(Arc<dyn Storage>);

impl Storage for Store {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async move {
            let inner = self.0.snapshot(range).await?;
            Ok(Arc::new(View(inner)) as Arc<dyn Snapshot>)
        }
        .boxed()
    }
}

struct View(Arc<dyn Snapshot>);

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let Selected { labels, series, .. } = self.0.select(request).await?;
            let rows = labels.len() as u32;
            let source = Source::new(&*series, rows)?;
            Ok(Selected::new(labels, Arc::new(source)))
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.0.label_names(request)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.0.label_values(name, request)
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.0.time_range()
    }
}

/// The chunks of each row, all over slices of one grid.
struct Source {
    rows: Vec<Vec<Chunk>>,
    estimate: Option<u64>,
}

impl Source {
    fn new(series: &dyn SeriesSource, rows: u32) -> Result<Self, StorageError> {
        let mut all = Vec::new();
        for row in 0..rows {
            let mut chunks = Vec::new();
            series.chunks(row, &mut chunks)?;
            all.push(chunks);
        }
        let times = all
            .iter()
            .flatten()
            .flat_map(|chunk| columns(chunk).0.iter());
        let grid: BTreeSet<i64> = times.copied().collect();
        let grid: ScalarBuffer<i64> = grid.into_iter().collect();
        let on_grid = |chunks: Vec<Chunk>| chunks.iter().map(|c| gridded(&grid, c)).collect();
        Ok(Source {
            rows: all.into_iter().map(on_grid).collect(),
            estimate: series.estimated_samples(),
        })
    }
}

fn columns(chunk: &Chunk) -> (&ScalarBuffer<i64>, &ScalarBuffer<f64>) {
    match &chunk.data {
        ChunkData::Floats {
            timestamps, values, ..
        } => (timestamps, values),
        other => unreachable!("memory has plain columns, not {other:?}"),
    }
}

/// A chunk as a column over the part of the grid that it covers.
fn gridded(grid: &ScalarBuffer<i64>, chunk: &Chunk) -> Chunk {
    let (timestamps, values) = columns(chunk);
    let from = grid.partition_point(|&t| t < chunk.min_time);
    let to = grid.partition_point(|&t| t <= chunk.max_time);
    let part = grid.slice(from, to - from);
    let present: HashSet<i64> = timestamps.iter().copied().collect();
    let valid: Vec<bool> = part.iter().map(|t| present.contains(t)).collect();
    let mut next = values.iter();
    // What stands in gaps does not matter.
    let value = |&valid: &bool| if valid { next.next() } else { None };
    let values: Vec<f64> = valid
        .iter()
        .map(value)
        .map(|v| *v.unwrap_or(&-1.0))
        .collect();
    Chunk::float_grid(part, values, valid.into())
}

impl SeriesSource for Source {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        out.extend_from_slice(&self.rows[row as usize]);
        Ok(())
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.estimate
    }
}
