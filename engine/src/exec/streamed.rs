//! An input whose rows are computed as they come, in the partitions that they come
//! in, with what the other inputs give.
//!
//! The others are collected once, by the partition that asks first. What it is bad
//! at: a few rows beside large others, which are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::operator::{BatchStream, Run, failed, series_batch};
use crate::batch::{BatchBuilder, SeriesBatch};
use crate::error::QueryError;

/// An operator that computes the rows of one of its inputs as they come.
pub trait Streamed: Send + Sync + Sized + 'static {
    /// What is made of the other inputs.
    type Others: Send + Sync + 'static;
    /// What a partition computes with.
    type State: Send + 'static;

    /// What its partitions have together.
    fn together(&self) -> &Together<Self::Others>;

    /// The input whose rows come.
    fn streamed_input(&self) -> usize;

    /// Reads the other inputs.
    fn collect_others(
        &self,
        run: &Run,
    ) -> impl Future<Output = Result<Self::Others, QueryError>> + Send;

    /// Begins a partition.
    ///
    /// # Errors
    /// The memory limit.
    fn begin(self: &Arc<Self>, run: &Run) -> Result<Self::State, QueryError>;

    /// Computes rows of a batch, from `next` on, until there are no more or the
    /// builder is full; `next` is then the first that is left.
    ///
    /// # Errors
    /// Those of the operator.
    fn fill(
        &self,
        others: &Self::Others,
        state: &mut Self::State,
        batch: &SeriesBatch,
        next: &mut usize,
        builder: &mut BatchBuilder,
    ) -> Result<(), QueryError>;

    /// A partition has no more rows; `last` tells whether all others have ended.
    fn end(&self, run: &Run, state: Self::State, last: impl FnOnce() -> bool);
}

/// What the partitions of a streamed operator have together.
#[derive(Debug)]
pub struct Together<T> {
    /// What the other inputs gave; none if they failed.
    others: OnceCell<Option<Arc<T>>>,
    /// Partitions that have come to their end.
    ended: AtomicUsize,
    failed: Mutex<Failed>,
}

#[derive(Debug, Default)]
struct Failed {
    /// Why the other inputs failed.
    others: Option<QueryError>,
    /// Why the streamed one did, after that.
    streamed: Option<QueryError>,
}

impl<T> Default for Together<T> {
    fn default() -> Self {
        Together {
            others: OnceCell::new(),
            ended: AtomicUsize::new(0),
            failed: Mutex::default(),
        }
    }
}

/// Starts one partition.
pub fn streamed<O: Streamed>(operator: Arc<O>, run: Run) -> BatchStream {
    futures::stream::once(Partition::begin(operator, run))
        .flat_map(|begun| match begun {
            Ok(Some(partition)) => futures::stream::try_unfold(partition, Partition::next).boxed(),
            Ok(None) => futures::stream::empty().boxed(),
            Err(error) => failed(error),
        })
        .boxed()
}

struct Partition<O: Streamed> {
    operator: Arc<O>,
    run: Run,
    input: BatchStream,
    others: Arc<O::Others>,
    state: O::State,
    /// The current batch of the input, and its next row.
    batch: Option<SeriesBatch>,
    next: usize,
    builder: BatchBuilder,
}

impl<O: Streamed> Partition<O> {
    /// The partition before its first row. The first batch of the input is
    /// computed, or fetched, beside the other inputs.
    async fn begin(operator: Arc<O>, run: Run) -> Result<Option<Self>, QueryError> {
        let mut input = run.inputs[operator.streamed_input()].open(run.partition);
        let (others, first) = futures::join!(others(&*operator, &run), input.next());
        let Some(others) = others else {
            return without_others(&*operator, &run, input, first).await;
        };
        let batch = match first {
            Some(record) => Some(series_batch(&record?)?),
            None => None,
        };
        let target = run.context.semantics.batch_items;
        Ok(Some(Partition {
            state: operator.begin(&run)?,
            operator,
            run,
            input,
            others,
            batch,
            next: 0,
            builder: BatchBuilder::with_target(target),
        }))
    }

    /// The next batch. All its rows are made of one batch of the input, so that
    /// they belong to one morsel.
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>, QueryError> {
        loop {
            if let Some(batch) = self.batch.take() {
                self.fill(&batch)?;
                if self.next < batch.len() {
                    self.batch = Some(batch);
                } else {
                    self.next = 0;
                    self.run.context.spare.give_back(batch);
                }
                if self.builder.rows() > 0 {
                    return Ok(Some((self.builder.finish().into(), self)));
                }
            } else {
                let Some(record) = self.input.next().await else {
                    let last = || is_last(&*self.operator, &self.run);
                    self.operator.end(&self.run, self.state, last);
                    return Ok(None);
                };
                self.batch = Some(series_batch(&record?)?);
            }
        }
    }

    fn fill(&mut self, batch: &SeriesBatch) -> Result<(), QueryError> {
        if self.next == 0 {
            self.builder.begin(batch.len(), &self.run.context.spare);
        }
        let (others, state) = (&self.others, &mut self.state);
        self.operator
            .fill(others, state, batch, &mut self.next, &mut self.builder)
    }
}

/// What the other inputs give, which the first partition that asks collects. None
/// if they fail.
async fn others<O: Streamed>(operator: &O, run: &Run) -> Option<Arc<O::Others>> {
    let together = operator.together();
    let collect = || async {
        match operator.collect_others(run).await {
            Ok(others) => Some(Arc::new(others)),
            Err(error) => {
                together.failed.lock().others = Some(error);
                None
            }
        }
    };
    together.others.get_or_init(collect).await.clone()
}

/// Ends a partition when the other inputs failed. Where several inputs fail it is
/// with the first one's error, as in Prometheus: if that is the streamed one, it
/// is read to its end.
///
/// # Errors
/// That of an input, in the last partition.
async fn without_others<O: Streamed, P>(
    operator: &O,
    run: &Run,
    mut input: BatchStream,
    first: Option<Result<RecordBatch, QueryError>>,
) -> Result<Option<P>, QueryError> {
    let together = operator.together();
    if operator.streamed_input() == 0 {
        let mut read = first;
        while let Some(result) = read {
            if let Err(error) = result {
                together.failed.lock().streamed.get_or_insert(error);
                break;
            }
            read = input.next().await;
        }
    }
    if !is_last(operator, run) {
        return Ok(None);
    }
    let mut failed = together.failed.lock();
    match failed.streamed.take().or(failed.others.take()) {
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// Counts a partition that ends: whether all others have.
fn is_last<O: Streamed>(operator: &O, run: &Run) -> bool {
    let partitions = run.inputs[operator.streamed_input()].partitions();
    operator.together().ended.fetch_add(1, Ordering::AcqRel) + 1 == partitions
}
