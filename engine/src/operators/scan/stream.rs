//! One partition of a scan at work.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::RecordBatch;
use futures::StreamExt;

use super::kernel::KernelScratch;
use super::{
    Deduplicate, LastAnnotated, ReplicaColumns, SampleColumns, SamplesError, Scan, are_several,
};
use crate::batch::BatchBuilder;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Run};
use crate::exec::step_counts::StepSamples;
use crate::operators::params::{Values, as_params};
use crate::selections::Selection;
use crate::storage::{Chunk, StorageError};

/// Series after which a scan looks whether its query is still wanted. To look
/// costs some 30 ns; a store may take long for a series.
const ROWS_BETWEEN_CHECKS: u32 = 16;

struct Worker {
    scan: Arc<Scan>,
    run: Run,
    params: Arc<Vec<Values>>,
    rows: Range<u32>,
    /// The rows of the store that were fetched for these.
    fetched: Option<Range<u32>>,
    chunks: Vec<Chunk>,
    columns: SampleColumns,
    replicas: ReplicaColumns,
    scratch: KernelScratch,
    builder: BatchBuilder,
    last_annotated: LastAnnotated,
    /// The samples of each step, if they are counted.
    steps: Option<StepSamples>,
    account: Account,
    /// What is reserved for a row's samples and histograms.
    row_bytes: usize,
}

/// The batches of one partition.
pub(super) fn scan(scan: Arc<Scan>, run: Run) -> BatchStream {
    let start = async move {
        let params = scan.params.get(&run).await?;
        let steps = scan.windows.eval.len;
        let mut account = run.context.account("scan");
        account.grow(KernelScratch::bytes(steps))?;
        // Boxed, since it moves with each batch.
        let worker = Box::new(Worker {
            params,
            rows: 0..0,
            fetched: None,
            chunks: Vec::new(),
            columns: SampleColumns::new(scan.windows.start_timestamps, scan.windows.downsampled),
            replicas: ReplicaColumns::default(),
            scratch: KernelScratch::new(steps),
            builder: BatchBuilder::with_target(run.context.semantics.batch_items),
            last_annotated: LastAnnotated::default(),
            steps: scan.counts_steps.then(|| StepSamples::new(steps)),
            account,
            row_bytes: 0,
            scan,
            run,
        });
        Ok::<_, QueryError>(futures::stream::try_unfold(worker, Worker::next))
    };
    futures::stream::once(start).flat_map(flatten).boxed()
}

fn flatten<S>(started: Result<S, QueryError>) -> BatchStream
where
    S: futures::Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
{
    match started {
        Ok(stream) => stream.boxed(),
        Err(error) => futures::stream::once(async move { Err(error) }).boxed(),
    }
}

impl Worker {
    /// The next batch. A batch holds rows of one morsel alone.
    async fn next(mut self: Box<Self>) -> Result<Option<(RecordBatch, Box<Self>)>, QueryError> {
        loop {
            if self.rows.is_empty() && !self.next_morsel().await? {
                return Ok(None);
            }
            self.compute()?;
            if self.builder.rows() > 0 {
                let batch = self.builder.finish();
                return Ok(Some((batch.into(), self)));
            }
        }
    }

    async fn next_morsel(&mut self) -> Result<bool, QueryError> {
        let context = &self.run.context;
        context.check()?;
        if let Some(read) = self.fetched.take() {
            self.scan.selection.source.release(read);
        }
        let Some(rows) = self.scan.morsels.take(self.run.partition) else {
            return Ok(false);
        };
        self.rows = rows;
        let selection = &self.scan.selection;
        // Rows of a narrowed selection lie in the order of their source.
        let wanted =
            selection.source_row(self.rows.start)..selection.source_row(self.rows.end - 1) + 1;
        if selection.fetch(wanted.clone(), context).await? {
            self.fetched = Some(wanted);
        }
        Ok(true)
    }

    /// Computes rows until the morsel ends or the batch is full.
    fn compute(&mut self) -> Result<(), QueryError> {
        let (mut bytes, mut samples, mut windowed) = (0, 0, 0);
        let params = Arc::clone(&self.params);
        let params = as_params(&params);
        // Once a batch: threads wait for each other's counts of references.
        let scan = Arc::clone(&self.scan);
        let mut result = Ok(());
        self.builder.begin(self.rows.len(), &self.run.context.spare);
        while let Some(row) = self.rows.next() {
            if row % ROWS_BETWEEN_CHECKS == 0
                && let Err(error) = self.run.context.check()
            {
                result = Err(error);
                break;
            }
            match self.row(&scan, row, &params) {
                Ok((b, s, w)) => {
                    bytes += b;
                    samples += s as u64;
                    windowed += w;
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
            if self.builder.is_full() {
                break;
            }
        }
        let stats = &self.run.context.stats;
        stats
            .decoded_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
        let counted = self.run.context.count_decoded(samples);
        stats
            .queryable_samples
            .fetch_add(windowed, Ordering::Relaxed);
        if self.rows.is_empty() {
            stats.morsels_done.fetch_add(1, Ordering::Relaxed);
        }
        if let (Some(steps), Some(counts)) = (&mut self.steps, &self.run.context.step_counts) {
            counts.add(self.scan.node, steps);
            steps.clear();
        }
        self.run.metrics.add_bytes(bytes);
        self.run.metrics.add_samples(windowed);
        result.and(counted)
    }

    /// Reserves what the largest row takes: its samples, and what a window gives
    /// at each step, before that is computed.
    fn account_row(&mut self) -> Result<(), QueryError> {
        let results =
            KernelScratch::histogram_bytes(&self.columns.histograms, self.scan.windows.eval.len);
        let bytes = self.columns.bytes() + self.replicas.bytes() + results;
        if bytes > self.row_bytes {
            self.account.grow(bytes - self.row_bytes)?;
            self.row_bytes = bytes;
        }
        Ok(())
    }

    /// Decodes the chunks of a row. Gives the bytes that were read, and whether
    /// histograms are reduced to their totals already.
    fn load(&mut self, scan: &Scan) -> Result<(usize, bool), SamplesError> {
        let (columns, range) = (&mut self.columns, scan.range);
        if are_several(&self.chunks) {
            let how = Deduplicate {
                deduplication: scan.selection.deduplication,
                is_counter: scan.windows.function.is_counter(),
            };
            let bytes = self.replicas.load(&mut self.chunks, range, how, columns)?;
            return Ok((bytes, false));
        }
        // Where an iterator jumps to depends on the samples that are there: those
        // of a range that is cut are fewer.
        if let Some(reading) = scan.totals.filter(|_| !scan.cut)
            && let Some(bytes) = columns.load_totals(&self.chunks, range, reading)?
        {
            return Ok((bytes, true));
        }
        let bytes = match scan.totals {
            Some(_) => columns.load_chunks(&self.chunks, range)?,
            None => columns.load(&self.chunks, range)?,
        };
        Ok((bytes, false))
    }

    /// One series: decode, window function, result row.
    fn row(
        &mut self,
        scan: &Scan,
        row: u32,
        params: &[quarrel_functions::grid::Param<'_>],
    ) -> Result<(usize, usize, u64), QueryError> {
        let selection = &scan.selection;
        let source_row = selection.source_row(row);
        self.chunks.clear();
        selection.source.chunks(source_row, &mut self.chunks)?;
        // Histograms may cause annotations, here or above.
        let needed = scan.keep.get().is_none_or(|keep| keep[row as usize])
            || self.chunks.iter().any(|chunk| chunk.data.is_histogram());
        if !needed {
            return Ok((0, 0, 0));
        }
        let loaded = self.load(scan);
        let (bytes, reduced) =
            loaded.map_err(|error| samples_error(&self.run.context, selection, row, error))?;
        if scan.cut {
            self.columns.cut_to(scan.range);
        }
        let samples = self.columns.len();
        if samples == 0 {
            return Ok((bytes, 0, 0));
        }
        if let Some(reading) = scan.totals
            && !reduced
            && !self.columns.histograms.is_empty()
        {
            self.columns.reduce_to_totals(reading);
        }
        if !scan.windows.function.keeps_stale() {
            self.columns.drop_stale();
        }
        self.account_row()?;
        let windowed = self
            .scratch
            .run(&scan.windows, &self.columns, params)
            .map_err(|e| QueryError::execution(e.to_string(), scan.span))?;
        if let Some(steps) = &mut self.steps {
            self.scratch
                .count_steps(&scan.windows, &self.columns, steps);
        }
        let before = self.builder.rows();
        let mut histograms = std::mem::take(&mut self.scratch.histograms);
        let scratch = &self.scratch;
        self.builder.push_moved(
            row,
            scratch.first_step() as u32,
            scratch.values(),
            scratch.present(),
            &mut histograms,
        );
        self.scratch.histograms = histograms;
        let scratch = &self.scratch;
        if let Some(annotations) = &scan.annotations {
            annotations.annotate(&self.run, row, scratch, &mut self.last_annotated);
        }
        if let Some(warning) = &scan.warning
            && self.builder.rows() > before
        {
            warning.annotate(&self.run, params, &self.scratch);
        }
        Ok((bytes, samples, windowed))
    }
}

/// Says which series could not be read.
pub(crate) fn samples_error(
    context: &QueryContext,
    selection: &Selection,
    row: u32,
    error: SamplesError,
) -> QueryError {
    let labels = selection.labels.get(row as usize);
    let mut series = context.symbols.read().display_braces(labels);
    if let Some(origin) = selection.source.origin(selection.source_row(row)) {
        series.push_str(&format!(" of {origin}"));
    }
    match error {
        SamplesError::Chunk(error) => QueryError::Chunk { series, error },
        SamplesError::Columns(wanted) => QueryError::Storage(StorageError::Other(format!(
            "the store gave series {series} a chunk without {wanted}"
        ))),
        SamplesError::Aggregates(error) => QueryError::Storage(StorageError::Other(format!(
            "the store gave series {series} a wrong downsampled chunk: {error}"
        ))),
        SamplesError::Layout(error) => QueryError::Storage(StorageError::Other(format!(
            "series {series} has a chunk with a corrupt bucket layout: {error}"
        ))),
    }
}
