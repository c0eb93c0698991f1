//! An operator as a DataFusion `ExecutionPlan`, once for all operators: that
//! brings `EXPLAIN ANALYZE`, metrics and a road to distributed execution.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use arrow_array::RecordBatch;
use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion_physical_plan::metrics::{ExecutionPlanMetricsSet, MetricsSet};
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use datafusion_physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{Stream, StreamExt};
use quarrel_planner::with_stack;

use super::operator::{BatchStream, Input, Operator, OperatorMetrics, Run};
use crate::batch::SeriesBatch;
use crate::exec::context::QueryContext;

/// An operator as a DataFusion plan node.
pub struct OperatorExec {
    operator: Arc<dyn Operator>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    context: Arc<QueryContext>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl OperatorExec {
    /// A plan node over its inputs.
    pub fn build(
        operator: Arc<dyn Operator>,
        inputs: Vec<Arc<dyn ExecutionPlan>>,
        context: &Arc<QueryContext>,
    ) -> Arc<dyn ExecutionPlan> {
        let partitions = operator.partitions(&inputs);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(operator.schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(OperatorExec {
            operator,
            inputs,
            context: Arc::clone(context),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl Drop for OperatorExec {
    /// Plans hold their inputs, as deep as the query is.
    fn drop(&mut self) {
        let inputs = std::mem::take(&mut self.inputs);
        with_stack(|| drop(inputs));
    }
}

impl Debug for OperatorExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operator.fmt(f)
    }
}

impl DisplayAs for OperatorExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operator.name())?;
        self.operator.describe(f)
    }
}

impl ExecutionPlan for OperatorExec {
    fn name(&self) -> &str {
        self.operator.name()
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
        Ok(OperatorExec::build(
            Arc::clone(&self.operator),
            children,
            &self.context,
        ))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> datafusion_common::Result<Arc<dyn ExecutionPlan>> {
        Ok(OperatorExec::build(
            Arc::clone(&self.operator),
            children,
            &self.context,
        ))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> datafusion_common::Result<TreeNodeRecursion>,
    ) -> datafusion_common::Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> datafusion_common::Result<SendableRecordBatchStream> {
        let inputs = self
            .inputs
            .iter()
            .map(|plan| Input {
                plan: Arc::clone(plan),
                task: Arc::clone(&task),
            })
            .collect();
        let metrics = OperatorMetrics::new(&self.metrics, partition);
        let context = Arc::clone(&self.context);
        let run = Run {
            partition,
            context,
            inputs,
            metrics: metrics.clone(),
        };
        let inner = Arc::clone(&self.operator).stream(run);
        let measured = Measured {
            inner: Some(inner),
            metrics,
            context: Arc::clone(&self.context),
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.operator.schema(),
            measured,
        )))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Counts time, rows and items of a stream, and asks the query's limits
/// before every batch.
struct Measured {
    /// There until the stream is dropped.
    inner: Option<BatchStream>,
    metrics: OperatorMetrics,
    context: Arc<QueryContext>,
}

impl Drop for Measured {
    /// Streams hold their inputs' streams, as deep as the plan is.
    fn drop(&mut self) {
        let inner = self.inner.take();
        with_stack(|| drop(inner));
    }
}

impl Stream for Measured {
    type Item = datafusion_common::Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Err(error) = self.context.check() {
            return Poll::Ready(Some(Err(error.into())));
        }
        let start = Instant::now();
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        // A chain of operators polls as deep as it is long.
        let polled = with_stack(|| inner.poll_next_unpin(cx));
        self.metrics.elapsed.add_elapsed(start);
        polled.map(|item| {
            item.map(|result| {
                if let Ok(record) = &result {
                    self.metrics.rows.add(record.num_rows());
                    if let Ok(batch) = SeriesBatch::try_from(record) {
                        self.metrics.samples.add(batch.items());
                    }
                }
                result.map_err(Into::into)
            })
        })
    }
}
