//! Joins the rows of the "many" side as they come, in the partitions that
//! compute them.
//!
//! The rows of the "one" side are collected first, those of the "many" side
//! are never there together. That asks for a match table that has no more to
//! find out ([`can_stream`](super::table::Table::can_stream)): no row of the "one" side repeats its group,
//! no two pairs may collide, and no side is filled. What it is bad at: a "many"
//! side of few rows beside a large "one" side, which is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::Join;
use super::pairs::{LastAnnotations, Pairs, Piece};
use super::table::NONE;
use crate::batch::{BatchBuilder, Row, Rows, SeriesBatch};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::operator::{BatchStream, Run, failed, series_batch};

/// What the partitions of a join have together.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// The rows of the "one" side; none if they could not be computed.
    one: OnceCell<Option<Arc<One>>>,
    /// Partitions that have come to their end.
    ended: AtomicUsize,
    late: Mutex<Late>,
}

/// What is known when the last partition has come to its end.
#[derive(Debug, Default)]
struct Late {
    /// Why the "one" side could not be computed.
    one_failed: Option<QueryError>,
    /// Why the "many" side could not, after that.
    many_failed: Option<QueryError>,
    annotations: LastAnnotations,
}

/// The rows of the "one" side.
#[derive(Debug)]
struct One {
    rows: Rows,
    _account: Account,
}

/// Starts one partition.
pub(super) fn stream(join: Arc<Join>, run: Run) -> BatchStream {
    futures::stream::once(Partition::begin(join, run))
        .flat_map(|begun| match begun {
            Ok(Some(partition)) => futures::stream::try_unfold(partition, Partition::next).boxed(),
            Ok(None) => futures::stream::empty().boxed(),
            Err(error) => failed(error),
        })
        .boxed()
}

struct Partition {
    join: Arc<Join>,
    run: Run,
    many: BatchStream,
    one: Arc<One>,
    pairs: Pairs,
    /// The current batch of the "many" side, and its next row.
    batch: Option<SeriesBatch>,
    next: usize,
    builder: BatchBuilder,
}

impl Partition {
    /// The partition before its first pair. The first batch of the "many" side is
    /// computed, or fetched, beside the "one" side.
    async fn begin(join: Arc<Join>, run: Run) -> Result<Option<Self>, QueryError> {
        let mut many = run.inputs[join.many_input()].open(run.partition);
        let (one, first) = futures::join!(join.one(&run), many.next());
        let Some(one) = one else {
            return join.without_one(&run, many, first).await.map(|()| None);
        };
        let batch = match first {
            Some(record) => Some(series_batch(&record?)?),
            None => None,
        };
        let target = run.context.semantics.batch_items;
        Ok(Some(Partition {
            pairs: Pairs::new(&join, run.context.account("join"))?,
            many,
            one,
            batch,
            next: 0,
            builder: BatchBuilder::with_target(target),
            join,
            run,
        }))
    }

    /// The next batch. All its rows are made of one batch of the "many" side, so
    /// that they belong to one morsel.
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
                let Some(record) = self.many.next().await else {
                    self.end()?;
                    return Ok(None);
                };
                self.batch = Some(series_batch(&record?)?);
            }
        }
    }

    /// Joins rows of a batch until the builder is full.
    fn fill(&mut self, batch: &SeriesBatch) -> Result<(), QueryError> {
        let (mut many, mut one) = (Piece::default(), Piece::default());
        if self.next == 0 {
            self.builder.begin(batch.len(), &self.run.context.spare);
        }
        let rows = &Arc::clone(&self.one).rows;
        while self.next < batch.len() && !self.builder.is_full() {
            self.row(&batch.row(self.next), rows, (&mut many, &mut one))?;
            self.next += 1;
        }
        Ok(())
    }

    /// Pairs a row of the "many" side.
    fn row<'m>(
        &mut self,
        row: &Row<'m>,
        rows: &'m Rows,
        (many, one): (&mut Piece<'m>, &mut Piece<'m>),
    ) -> Result<(), QueryError> {
        let table = &self.join.table;
        let group = table.sides.many_group[row.series as usize];
        if group == NONE {
            return Ok(());
        }
        many.set(row);
        let first_pair = table.first_pair[row.series as usize];
        let matched = &table.sides.group[group as usize].matched;
        for (pair, &series) in (first_pair..).zip(matched) {
            let series = &table.sides.matched[series as usize];
            for row in series.rows.iter().filter_map(|&row| rows.get(row)) {
                one.set(&row);
                if let Some(made) = self.pairs.combine(pair, many, one)? {
                    self.builder.push_mixed(
                        pair,
                        made.first_step,
                        made.values,
                        made.present,
                        made.histograms,
                    );
                }
            }
        }
        Ok(())
    }

    /// The partition has no more rows.
    fn end(&mut self) -> Result<(), QueryError> {
        let annotations = std::mem::take(&mut self.pairs.annotations);
        self.join
            .end(&self.run, |late| late.annotations.merge(annotations))
    }
}

impl Join {
    /// The rows of the "one" side, which the first partition that asks collects.
    /// None if that failed.
    async fn one(&self, run: &Run) -> Option<Arc<One>> {
        let collect = || async {
            let rows = self.table.sides.one_labels.len();
            let collecting = run.inputs[1 - self.many_input()].collect(rows, &run.context, "join");
            match collecting.await {
                Ok((rows, _account)) => Some(Arc::new(One { rows, _account })),
                Err(error) => {
                    self.together.late.lock().one_failed = Some(error);
                    None
                }
            }
        };
        self.together.one.get_or_init(collect).await.clone()
    }

    /// Ends a partition when the "one" side failed. Where both fail it is with the
    /// left one's error, as in Prometheus: if that is the "many" side, it is read
    /// to its end.
    async fn without_one(
        &self,
        run: &Run,
        mut many: BatchStream,
        first: Option<Result<RecordBatch, QueryError>>,
    ) -> Result<(), QueryError> {
        let mut failed = None;
        if self.many_input() == 0 {
            let mut read = first;
            while let Some(result) = read {
                failed = result.err();
                if failed.is_some() {
                    break;
                }
                read = many.next().await;
            }
        }
        self.end(run, |late| {
            if late.many_failed.is_none() {
                late.many_failed = failed;
            }
        })
    }

    /// A partition has come to its end, and leaves what it knows. The last one tells
    /// the query.
    ///
    /// # Errors
    /// That of an operand, in the last partition.
    fn end(&self, run: &Run, leave: impl FnOnce(&mut Late)) -> Result<(), QueryError> {
        let mut late = self.together.late.lock();
        leave(&mut late);
        let partitions = run.inputs[self.many_input()].partitions();
        if self.together.ended.fetch_add(1, Ordering::Relaxed) + 1 < partitions {
            return Ok(());
        }
        late.annotations.annotate(self, &run.context);
        match late.many_failed.take().or(late.one_failed.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
