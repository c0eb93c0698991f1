//! A node of the physical plan: an operator over its inputs. One type serves
//! all operators; it measures them and asks the query's limits.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use arrow_array::RecordBatch;
use futures::{Stream, StreamExt};
use quarrel_planner::with_stack;
use smallvec::SmallVec;

use super::metrics::OperatorMetrics;
use super::operator::{BatchStream, Input, Operator, PhysicalPlan, Run};
use crate::batch::items;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::operator_tree::{OperatorReport, OperatorTree};

/// A node of the physical plan.
pub struct PlanNode {
    operator: Arc<dyn Operator>,
    inputs: Vec<Arc<PlanNode>>,
    context: Arc<QueryContext>,
    partitions: usize,
    metrics: OperatorMetrics,
}

impl PlanNode {
    /// A plan node over its inputs.
    pub fn new(
        operator: Arc<dyn Operator>,
        inputs: Vec<Arc<PlanNode>>,
        context: &Arc<QueryContext>,
    ) -> Arc<PlanNode> {
        let partitions: SmallVec<[usize; 2]> =
            inputs.iter().map(|input| input.partitions).collect();
        let partitions = operator.partitions(&partitions);
        Arc::new(PlanNode {
            operator,
            inputs,
            context: Arc::clone(context),
            partitions,
            metrics: OperatorMetrics::default(),
        })
    }

    /// Its operators, and what each did if it has run.
    pub fn operators(&self) -> OperatorTree {
        let mut operators = Vec::new();
        // Plans are as deep as queries are: no recursion.
        let mut stack = vec![(self, 0)];
        while let Some((node, depth)) = stack.pop() {
            operators.push(OperatorReport {
                depth,
                name: node.operator.name(),
                text: node.to_string(),
                selector: node.operator.selector().to_vec(),
                stats: node.metrics.stats(),
            });
            let inputs = node.inputs.iter().rev();
            stack.extend(inputs.map(|input| (&**input, depth + 1)));
        }
        OperatorTree { operators }
    }
}

impl PhysicalPlan for PlanNode {
    fn partitions(&self) -> usize {
        self.partitions
    }

    fn execute(&self, partition: usize) -> BatchStream {
        let input = |node: &Arc<PlanNode>| Input::new(Arc::clone(node) as _);
        let inputs = self.inputs.iter().map(input).collect();
        let run = Run {
            partition,
            context: Arc::clone(&self.context),
            inputs,
            metrics: self.metrics.clone(),
        };
        let inner = Arc::clone(&self.operator).stream(run);
        Measured {
            inner: Some(inner),
            has_begun: false,
            metrics: self.metrics.clone(),
            context: Arc::clone(&self.context),
        }
        .boxed()
    }
}

impl Drop for PlanNode {
    /// Plans hold their inputs, as deep as the query is.
    fn drop(&mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        with_stack(|| drop(inputs));
    }
}

impl Debug for PlanNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operator.fmt(f)
    }
}

impl fmt::Display for PlanNode {
    /// One line: the operator's name and what it says of itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operator.name())?;
        self.operator.describe(f)
    }
}

/// Counts time, rows and items of a stream, and asks the query's limits
/// before every batch.
struct Measured {
    /// There until the stream is dropped.
    inner: Option<BatchStream>,
    has_begun: bool,
    metrics: OperatorMetrics,
    context: Arc<QueryContext>,
}

impl Drop for Measured {
    /// Streams hold their inputs' streams, as deep as the plan is.
    fn drop(&mut self) {
        let inner = self.inner.take();
        with_stack(|| drop(inner));
        if self.has_begun {
            self.metrics.end(Instant::now());
        }
    }
}

impl Stream for Measured {
    type Item = Result<RecordBatch, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.context.check() {
            return Poll::Ready(Some(Err(error)));
        }
        let start = Instant::now();
        if !std::mem::replace(&mut self.has_begun, true) {
            self.metrics.begin(start);
        }
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        // A chain of operators polls as deep as it is long.
        let polled = with_stack(|| inner.poll_next_unpin(cx));
        self.metrics.add_elapsed(start);
        polled.map(|item| {
            item.inspect(|result| {
                if let Ok(record) = result {
                    self.metrics.add_batch(record.num_rows(), items(record));
                }
            })
        })
    }
}
