//! Rows that leave while their query runs.
//!
//! A task on the engine's threads computes the rows and puts each batch into a
//! channel without a bound: a query does not wait for its reader, whose slowness
//! would keep a place, a deadline and the view of a store. What waits in the
//! channel counts for the query's memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use crate::error::QueryError;
use crate::exec::context::{Cancellation, Counters, QueryContext};
use crate::exec::operator::{Input, series_batch};
use crate::exec::plan_node::PlanNode;
use crate::operator_tree::OperatorTree;
use crate::result::{Trailer, Value};
use crate::root::{RootRows, hold_labels};
use crate::stats::QueryStats;

/// A query that runs, seen by who reads its rows.
pub(crate) struct Flow {
    parts: mpsc::UnboundedReceiver<Value>,
    /// Ends with the query; it watches the query's limits.
    end: BoxFuture<'static, Result<Trailer, QueryError>>,
    ended: Option<Result<Trailer, QueryError>>,
    stats: QueryStats,
    /// The plan, if what its operators do is wanted.
    watched: Option<Arc<PlanNode>>,
    counters: Arc<Counters>,
    cancellation: Arc<Cancellation>,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").finish_non_exhaustive()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

impl Flow {
    /// Begins to compute the rows of a query that is bound. `end` makes of its
    /// costs what follows the rows, with what the operators of `watched` did.
    pub fn begin(
        context: Arc<QueryContext>,
        rows: RootRows,
        stats: QueryStats,
        watched: Option<Arc<PlanNode>>,
        end: impl FnOnce(QueryStats) -> Trailer + Send + 'static,
    ) -> Self {
        let (sender, parts) = mpsc::unbounded();
        let plan = watched.clone();
        let (counters, so_far) = (Arc::clone(&context.stats), stats.clone());
        let cancellation = Arc::clone(context.cancellation());
        let own = Arc::clone(&context);
        let task = context.pool.spawn(async move {
            let stats = produce(&own, &rows, stats, &sender).await?;
            own.stats.finished.store(true, Ordering::Relaxed);
            own.leave_places();
            let mut trailer = end(stats);
            trailer.operators = plan.map(|plan| plan.operators());
            Ok(trailer)
        });
        Flow {
            parts,
            end: async move { context.guard(task).await }.boxed(),
            ended: None,
            stats: so_far,
            watched,
            counters,
            cancellation,
        }
    }

    /// The next part, or what follows the last one.
    pub fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Result<Value, Trailer>, QueryError>> {
        if self.ended.is_none()
            && let Poll::Ready(ended) = self.end.poll_unpin(cx)
        {
            self.ended = Some(ended);
        }
        // An error stands behind the parts that were made before it.
        match (self.parts.poll_next_unpin(cx), self.ended.take()) {
            (Poll::Ready(Some(part)), ended) => {
                self.ended = ended;
                Poll::Ready(Ok(Ok(part)))
            }
            (Poll::Ready(None), Some(ended)) => Poll::Ready(ended.map(Err)),
            // What computes may still hold the channel after a limit has struck.
            (Poll::Pending, Some(Err(error))) => Poll::Ready(Err(error)),
            // It is over, or about to be.
            (_, ended) => {
                self.ended = ended;
                Poll::Pending
            }
        }
    }

    /// What each operator has done so far, if that is wanted.
    pub fn operators(&self) -> Option<OperatorTree> {
        self.watched.as_ref().map(|plan| plan.operators())
    }

    /// What the query has cost so far.
    pub fn stats(&self) -> QueryStats {
        let mut stats = self.stats.clone();
        stats.take_counters(&self.counters);
        stats
    }
}

/// Computes all rows, and says what they cost.
async fn produce(
    context: &Arc<QueryContext>,
    rows: &RootRows,
    mut stats: QueryStats,
    parts: &mpsc::UnboundedSender<Value>,
) -> Result<QueryStats, QueryError> {
    let evaluating = Instant::now();
    // The samples of an answer count until its query has ended.
    let mut samples = context.account("result");
    let labels = Arc::new(hold_labels(&rows.labels, context));
    let mut batches = Input::new(Arc::clone(&rows.plan) as _).open(0);
    while let Some(record) = batches.next().await {
        let batch = series_batch(&record?)?;
        if batch.is_empty() {
            continue;
        }
        samples.hold_samples(batch.items() as u64)?;
        let mut account = context.account("result");
        account.grow(batch.bytes())?;
        let held = [Arc::new(account.hand_on()), Arc::clone(&labels)];
        let part = rows.answer(vec![batch], context, held);
        if parts.unbounded_send(part).is_err() {
            context.check()?;
            return Err(QueryError::Canceled { phase: "result" });
        }
    }
    stats.evaluate = evaluating.elapsed();
    Ok(stats)
}
