//! The contract of a physical operator.
//!
//! An [`Operator`] says what it is called and turns the streams of its inputs
//! into a stream of its own. [`super::plan_node`] makes a plan node of it.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use async_task::Task;
use futures::future::{BoxFuture, Either, select};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use quarrel_functions::histogram::native::StepHistograms;
use quarrel_planner::with_stack;

use crate::batch::{BatchBuilder, Row, Rows, SeriesBatch};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::metrics::OperatorMetrics;

/// A stream of series batches.
pub type BatchStream = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// A physical operator.
pub trait Operator: Debug + Send + Sync + 'static {
    /// The name that `explain` shows, such as `Aggregate`.
    fn name(&self) -> &'static str;

    /// What `explain` shows behind the name.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        Ok(())
    }

    /// The matchers of the series that it reads, as the store was asked for them; none
    /// if it reads no series, or nobody wants to know.
    fn selector(&self) -> &[String] {
        &[]
    }

    /// Whether it computes its first input's rows one by one: it runs in that
    /// input's partitions, and its rows are that input's rows.
    fn is_row_wise(&self) -> bool {
        false
    }

    /// The input in whose partitions it runs, if it gives as many as that has.
    fn partitioned_input(&self) -> Option<usize> {
        self.is_row_wise().then_some(0)
    }

    /// How many partitions it gives, from those of its inputs. Scan chains
    /// have as many as there are threads, everything above has one.
    fn partitions(&self, inputs: &[usize]) -> usize {
        self.partitioned_input().map_or(1, |input| inputs[input])
    }

    /// Whether it takes the partitions of an input as they are; otherwise
    /// they are gathered first.
    fn takes_partitions(&self, input: usize) -> bool {
        self.partitioned_input() == Some(input)
    }

    /// Called before it runs: only the rows in `keep` matter to those above.
    fn prune(&self, keep: &[bool]) -> Pruning {
        let _ = keep;
        if self.is_row_wise() {
            Pruning::PassedOn
        } else {
            Pruning::Ignored
        }
    }

    /// Starts one partition.
    fn stream(self: Arc<Self>, run: Run) -> BatchStream;
}

/// A plan that can be run: what operators know of the nodes below them.
pub trait PhysicalPlan: Debug + Send + Sync {
    /// How many partitions it has.
    fn partitions(&self) -> usize;

    /// Starts one partition.
    fn execute(&self, partition: usize) -> BatchStream;
}

/// What an operator makes of rows that do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    /// Nothing: it computes them all the same.
    Ignored,
    /// It leaves them out.
    Done,
    /// Its rows are those of its first input, which may leave them out.
    PassedOn,
}

/// What an operator gets when a partition starts.
#[derive(Debug)]
pub struct Run {
    /// Which partition.
    pub partition: usize,
    /// The query.
    pub context: Arc<QueryContext>,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// Its own counters.
    pub metrics: OperatorMetrics,
}

/// An input of an operator, not started yet.
#[derive(Debug, Clone)]
pub struct Input {
    plan: Arc<dyn PhysicalPlan>,
}

impl Input {
    /// A node that another one, or whoever runs the plan, reads.
    pub fn new(plan: Arc<dyn PhysicalPlan>) -> Self {
        Input { plan }
    }

    /// How many partitions it has.
    pub fn partitions(&self) -> usize {
        self.plan.partitions()
    }

    /// Starts one of them.
    pub fn open(&self, partition: usize) -> BatchStream {
        // Operators that compute row by row open their input at once.
        with_stack(|| self.plan.execute(partition))
    }

    /// Reads the one partition to its end. `rows` is the length of the
    /// input's label list; `what` names their holder, for the memory limit.
    ///
    /// On the pool this is a task of its own: inputs are read side by side,
    /// and a wake-up far below does not poll all operators above.
    ///
    /// # Errors
    /// Those of the input, and the memory limit.
    pub fn collect(
        &self,
        rows: usize,
        context: &Arc<QueryContext>,
        what: &'static str,
    ) -> Collecting {
        let input = self.clone();
        let mut account = context.account(what);
        let reading = async move {
            account.grow(rows * Rows::BYTES_A_ROW)?;
            let mut stream = input.open(0);
            let mut all = Rows::new(rows);
            while let Some(record) = stream.next().await {
                let batch = series_batch(&record?)?;
                account.grow(batch.bytes())?;
                account.hold_samples(batch.items() as u64)?;
                all.add(batch);
            }
            Ok((all, account))
        };
        if context.is_inline() {
            Collecting::Here(reading.boxed())
        } else {
            Collecting::OnPool(context.pool.spawn(reading))
        }
    }
}

/// Rows on their way, with the account of what they hold.
pub enum Collecting {
    /// Read when polled.
    Here(BoxFuture<'static, Result<(Rows, Account), QueryError>>),
    /// Read by a task.
    OnPool(Task<Result<(Rows, Account), QueryError>>),
}

impl Future for Collecting {
    type Output = Result<(Rows, Account), QueryError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Collecting::Here(future) => future.poll_unpin(cx),
            Collecting::OnPool(task) => task.poll_unpin(cx),
        }
    }
}

/// The rows of both operands. Where both fail it is with the left one's error,
/// as in Prometheus, whichever comes first.
///
/// # Errors
/// That of an operand.
pub async fn both(
    left: Collecting,
    right: Collecting,
) -> Result<((Rows, Account), (Rows, Account)), QueryError> {
    match select(left, right).await {
        Either::Left((left, right)) => Ok((left?, right.await?)),
        Either::Right((right, left)) => Ok((left.await?, right?)),
    }
}

/// The columns of a batch that an operator below made.
///
/// # Errors
/// An internal error if it is none of ours.
pub fn series_batch(record: &RecordBatch) -> Result<SeriesBatch, QueryError> {
    SeriesBatch::try_from(record).map_err(|e| QueryError::Internal(e.to_string()))
}

/// Collects an operator's rows into batches of the right size, which count
/// against the query's memory until they are handed on.
#[derive(Debug)]
pub struct Output {
    builder: BatchBuilder,
    full: Vec<SeriesBatch>,
    account: Account,
}

impl Output {
    /// No rows yet; `what` is who makes them, for the memory limit.
    pub fn new(context: &Arc<QueryContext>, what: &'static str) -> Self {
        Output {
            builder: BatchBuilder::with_target(context.semantics.batch_items),
            full: Vec::new(),
            account: context.account(what),
        }
    }

    /// The same, for at most `rows` rows.
    #[must_use]
    pub fn for_rows(mut self, rows: usize) -> Self {
        self.builder.begin(rows, &self.account.context().spare);
        self
    }

    /// Appends a row, see [`BatchBuilder::push`].
    ///
    /// # Errors
    /// The memory limit, and the end of the query's time.
    pub fn push(
        &mut self,
        series: u32,
        first_step: u32,
        values: &[f64],
        present: &[bool],
    ) -> Result<(), QueryError> {
        self.builder.push(series, first_step, values, present);
        self.close_full()
    }

    /// Appends a row, see [`BatchBuilder::push_mixed`].
    ///
    /// # Errors
    /// As [`Output::push`].
    pub fn push_mixed(
        &mut self,
        series: u32,
        first_step: u32,
        values: &[f64],
        present: &[bool],
        histograms: &StepHistograms,
    ) -> Result<(), QueryError> {
        self.builder
            .push_mixed(series, first_step, values, present, histograms);
        self.close_full()
    }

    /// Appends some of a row's samples, see [`BatchBuilder::push_kept`].
    ///
    /// # Errors
    /// As [`Output::push`].
    pub fn push_kept(
        &mut self,
        series: u32,
        row: &Row<'_>,
        keep: impl Fn(usize) -> bool,
    ) -> Result<(), QueryError> {
        self.builder.push_kept(series, row, keep);
        self.close_full()
    }

    fn close_full(&mut self) -> Result<(), QueryError> {
        if self.builder.is_full() {
            self.close_batch()?;
        }
        Ok(())
    }

    fn close_batch(&mut self) -> Result<(), QueryError> {
        let batch = self.builder.finish();
        self.account.context().check()?;
        self.account.grow(batch.bytes())?;
        self.full.push(batch);
        Ok(())
    }

    /// All batches, and the account that holds them.
    ///
    /// # Errors
    /// As [`Output::push`].
    fn finish(mut self) -> Result<(Vec<SeriesBatch>, Account), QueryError> {
        if self.builder.rows() > 0 {
            self.close_batch()?;
        }
        Ok((self.full, self.account))
    }

    /// All batches, held by another account together with their samples: they
    /// stay in memory as inputs do.
    ///
    /// # Errors
    /// As [`Output::push`], and the limit of samples.
    pub fn keep(self, account: &mut Account) -> Result<Vec<SeriesBatch>, QueryError> {
        let (batches, held) = self.finish()?;
        drop(held);
        for batch in &batches {
            account.grow(batch.bytes())?;
            account.hold_samples(batch.items() as u64)?;
        }
        Ok(batches)
    }

    /// All batches as a stream's items.
    fn into_stream(self) -> BatchStream {
        let (batches, mut account) = match self.finish() {
            Ok(finished) => finished,
            Err(error) => return failed(error),
        };
        futures::stream::iter(batches)
            .map(move |batch| {
                account.shrink(batch.bytes());
                Ok(batch.into())
            })
            .boxed()
    }
}

/// A stream of one error.
pub fn failed(error: QueryError) -> BatchStream {
    futures::stream::once(async move { Err(error) }).boxed()
}

/// A stream made by a future that computes all batches at once, as operators
/// that need their whole input do.
pub fn computed(
    future: impl Future<Output = Result<Output, QueryError>> + Send + 'static,
) -> BatchStream {
    futures::stream::once(future)
        .flat_map(|result| match result {
            Ok(output) => output.into_stream(),
            Err(error) => failed(error),
        })
        .boxed()
}

/// A stream that makes new rows of an input's rows, one by one, with what
/// `prepare` gives before the first one. A small batch may become many.
pub fn expanded<P, F>(
    input: BatchStream,
    context: &QueryContext,
    prepare: impl Future<Output = Result<P, QueryError>> + Send + 'static,
    each: F,
) -> BatchStream
where
    P: Send + 'static,
    F: FnMut(&mut P, Row<'_>, &mut BatchBuilder) -> Result<(), QueryError> + Send + 'static,
{
    let target = context.semantics.batch_items;
    let start = async move {
        let expanding = Expanding {
            with: prepare.await?,
            input,
            each,
            batch: None,
            next: 0,
            builder: BatchBuilder::with_target(target),
        };
        Ok::<_, QueryError>(futures::stream::try_unfold(expanding, Expanding::next))
    };
    futures::stream::once(start)
        .flat_map(|started| match started {
            Ok(stream) => stream.boxed(),
            Err(error) => failed(error),
        })
        .boxed()
}

/// The state of [`expanded`].
struct Expanding<P, F> {
    with: P,
    input: BatchStream,
    each: F,
    /// The current batch of the input, and its next row.
    batch: Option<SeriesBatch>,
    next: usize,
    builder: BatchBuilder,
}

impl<P, F> Expanding<P, F>
where
    F: FnMut(&mut P, Row<'_>, &mut BatchBuilder) -> Result<(), QueryError>,
{
    /// The next batch. All its rows are made of one batch of the input, so
    /// that they belong to one morsel.
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>, QueryError> {
        loop {
            if let Some(batch) = &self.batch {
                while self.next < batch.len() && !self.builder.is_full() {
                    (self.each)(&mut self.with, batch.row(self.next), &mut self.builder)?;
                    self.next += 1;
                }
                if self.next == batch.len() {
                    self.batch = None;
                }
                if self.builder.rows() > 0 {
                    return Ok(Some((self.builder.finish().into(), self)));
                }
            } else {
                let Some(record) = self.input.next().await else {
                    return Ok(None);
                };
                (self.batch, self.next) = (Some(series_batch(&record?)?), 0);
            }
        }
    }
}

/// A stream that changes each batch of an input by itself, with what
/// `prepare` gives before the first one.
pub fn mapped<P, F>(
    input: BatchStream,
    prepare: impl Future<Output = Result<P, QueryError>> + Send + 'static,
    each: F,
) -> BatchStream
where
    P: Send + 'static,
    F: Fn(&P, SeriesBatch) -> Result<SeriesBatch, QueryError> + Send + 'static,
{
    let state = (input, each, Some(prepare.boxed()), None);
    futures::stream::try_unfold(state, |(mut input, each, prepare, prepared)| async move {
        let prepared: Option<P> = match prepare {
            Some(prepare) => Some(prepare.await?),
            None => prepared,
        };
        let Some(record) = input.next().await else {
            return Ok(None);
        };
        let batch = series_batch(&record?)?;
        let Some(with) = prepared else {
            return Err(QueryError::Internal(
                "a mapped stream went on unprepared".into(),
            ));
        };
        let batch: RecordBatch = each(&with, batch)?.into();
        Ok(Some((batch, (input, each, None, Some(with)))))
    })
    .boxed()
}
