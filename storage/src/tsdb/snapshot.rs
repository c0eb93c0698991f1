//! A consistent view of a data directory, and selects in it.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::{
    Chunk, LabelsRequest, SelectRequest, Selected, SeriesSource, Snapshot, StorageError, TimeRange,
};

use super::cache::Cache;
use super::directory::{LiveBlock, Skipped};
use super::head::Head;
use super::merge::{self, Merged};
use super::samples;
use super::source::Source;

/// Blocks and head at one moment.
#[derive(Debug)]
pub(super) struct View {
    /// Sorted by min time.
    pub blocks: Vec<LiveBlock>,
    /// Blocks that are left out.
    pub skipped: Vec<Skipped>,
    pub head: Arc<Head>,
    pub cache: Arc<Cache>,
}

impl View {
    /// Whether all blocks with samples in the range are as they were opened.
    pub fn is_unchanged(&self, range: TimeRange) -> bool {
        let overlaps = |b: &&LiveBlock| b.block.meta().overlaps(range.start, range.end);
        let mut blocks = self.blocks.iter().filter(overlaps);
        blocks.all(|b| b.block.is_unchanged())
    }

    /// The sources that may have samples in the range, in the order in which
    /// Prometheus queries them.
    fn sources(&self, range: TimeRange) -> Vec<Source> {
        let overlaps = |b: &&LiveBlock| b.block.meta().overlaps(range.start, range.end);
        let blocks = self
            .blocks
            .iter()
            .filter(overlaps)
            .cloned()
            .map(Source::Block);
        self.head_in(range)
            .cloned()
            .map(Source::Head)
            .into_iter()
            .chain(blocks)
            .collect()
    }

    /// The head, if it may have samples in the range.
    fn head_in(&self, range: TimeRange) -> Option<&Arc<Head>> {
        let overlaps = |(start, end)| range.overlaps(start, end);
        let ranges = [self.head.in_order_range(), self.head.out_of_order_range()];
        let overlaps = ranges.into_iter().flatten().any(overlaps);
        overlaps.then_some(&self.head)
    }

    async fn select(&self, mut request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        let SelectRequest { range, symbols, .. } = request;
        let sources = self.sources(range);
        let alone = matches!(sources[..], [Source::Block(_)]);
        if !alone {
            // Several sources are merged by their whole label sets.
            request.projection = None;
        }
        let mut all = Vec::with_capacity(sources.len());
        let mut estimate = 0.0;
        for (number, source) in sources.iter().enumerate() {
            let rows = source.rows(request, &self.cache, alone).await?;
            estimate += rows.samples;
            all.push((number as u32, rows));
        }
        let mut merged = merge::merge(all, &symbols.read());
        let labels = std::mem::take(&mut merged.labels);
        let series = Arc::new(Series {
            sources,
            merged,
            range,
            estimate: estimate as u64,
        });
        let selected = Selected::new(labels, series);
        Ok(match request.projection {
            Some(_) => selected.with_projected_labels(),
            None => selected,
        })
    }

    /// The times of the first and the last sample. A block's max time is only
    /// an upper bound, so the last sample of the latest blocks is searched.
    fn time_range(&self) -> Option<TimeRange> {
        let head = self.head.time_range();
        let blocks = || self.blocks.iter().map(|b| &b.block);
        let starts = blocks().map(|b| b.meta().min_time);
        let start = starts.chain(head.map(|h| h.0)).min()?;
        let mut end = head.map_or(i64::MIN, |h| h.1);
        let mut later: Vec<_> = blocks().filter(|b| b.meta().max_time > end).collect();
        later.sort_by_key(|b| std::cmp::Reverse(b.meta().max_time));
        for block in later {
            if block.meta().max_time > end {
                end = end.max(block.last_time());
            }
        }
        Some(TimeRange { start, end })
    }
}

/// The chunks of selected series.
#[derive(Debug)]
struct Series {
    sources: Vec<Source>,
    merged: Merged,
    range: TimeRange,
    estimate: u64,
}

impl SeriesSource for Series {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let (row, sources) = (row as usize, &self.sources);
        match self.merged.only_part(row) {
            Some(part) => sources[part.source as usize].chunks(part.id, self.range, out),
            None => samples::chunks(sources, self.merged.parts(row), self.range, out),
        }
    }

    fn estimated_samples(&self) -> Option<u64> {
        Some(self.estimate)
    }
}

/// The snapshot of a query in a range of time.
#[derive(Debug)]
pub(super) struct TsdbSnapshot(pub Arc<View>, pub TimeRange);

impl Snapshot for TsdbSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        Box::pin(self.0.select(request))
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { self.0.label_names(request) })
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(async move { self.0.label_values(name, request) })
    }

    fn warnings(&self) -> Vec<String> {
        let of_head = self.0.head.warnings().iter().map(ToString::to_string);
        let skipped = self.0.skipped.iter();
        let of_blocks = skipped.filter_map(|skipped| skipped.warning(self.1));
        of_head.chain(of_blocks).collect()
    }

    fn series_count(&self) -> Option<u64> {
        let blocks = self.0.blocks.iter();
        let in_blocks: u64 = blocks.map(|b| b.block.meta().stats.num_series).sum();
        Some(in_blocks.saturating_add(self.0.head.series_count() as u64))
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.0.time_range()
    }
}
