//! The physical plan of a PromQL query: a leaf that runs it.

use std::fmt;
use std::sync::Arc;

use datafusion_common::tree_node::TreeNodeRecursion;
use datafusion_common::{Result, assert_eq_or_internal_err, assert_or_internal_err};
use datafusion_execution::{SendableRecordBatchStream, TaskContext};
use datafusion_physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion_physical_plan::coop::cooperative;
use datafusion_physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion_physical_plan::limit::LimitStream;
use datafusion_physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion_physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning,
    PlanProperties, ReplaceChildrenOptions,
};
use quarrel::{QueryTimes, Timestamp};

use crate::query::TableQuery;
use crate::rows::BatchShape;
use crate::stream::samples;

/// Runs a PromQL query, each time anew, as one partition.
///
/// The engine computes on threads of its own, and the whole answer is there
/// before the first batch. Its memory is bounded by the engine's limits, not
/// by DataFusion's memory pool.
#[derive(Clone, Debug)]
pub struct PromqlExec {
    table: TableQuery,
    shape: BatchShape,
    /// The most rows that are asked for.
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PromqlExec {
    /// A scan of the columns with the numbers in `projection`, or of all, up
    /// to `fetch` rows.
    ///
    /// # Errors
    /// When there is no such column.
    pub(crate) fn try_new(
        table: TableQuery,
        projection: Option<&[usize]>,
        fetch: Option<usize>,
    ) -> Result<Self> {
        let shape = BatchShape::new(table.columns.clone(), projection)?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(shape.schema())),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(PromqlExec {
            table,
            shape,
            fetch,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// A time as RFC 3339, or in milliseconds where no calendar reaches.
struct At(Timestamp);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        let time = datafusion_common::arrow::temporal_conversions::timestamp_ms_to_datetime(ms);
        match time {
            Some(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
            None => write!(f, "{ms} ms"),
        }
    }
}

impl DisplayAs for PromqlExec {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (title, between, end) = match t {
            DisplayFormatType::Default | DisplayFormatType::Verbose => ("PromqlExec: ", ", ", ""),
            DisplayFormatType::TreeRender => ("", "\n", "\n"),
        };
        // A plan has a line for a node.
        let query = self.table.query.text().replace(['\n', '\r', '\t'], " ");
        write!(f, "{title}query=[{query}]{between}")?;
        match self.table.times {
            QueryTimes::Instant(at) => write!(f, "time={}", At(at))?,
            QueryTimes::Range(range) => {
                let (start, end) = (At(range.start()), At(range.end()));
                write!(f, "start={start}{between}end={end}{between}")?;
                write!(f, "step={}ms", range.step_millis())?;
            }
        }
        if let Some(fetch) = self.fetch {
            write!(f, "{between}fetch={fetch}")?;
        }
        f.write_str(end)
    }
}

impl ExecutionPlan for PromqlExec {
    fn name(&self) -> &str {
        "PromqlExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        assert_or_internal_err!(children.is_empty(), "PromqlExec has no inputs");
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mode = ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(mode))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        assert_eq_or_internal_err!(partition, 0, "PromqlExec has one partition");
        let batch_rows = context.session_config().batch_size();
        let shape = self.shape.clone().with_batch_rows(batch_rows);
        let count = |name: &'static str| MetricBuilder::new(&self.metrics).counter(name, partition);
        let decoded = count("decoded_samples");
        let annotations = [count("warnings"), count("infos")];
        let table = self.table.clone();
        let batches = samples(self.table.run(), shape, move |result| {
            let [warnings, infos] = annotations;
            warnings.add(result.warnings.len());
            infos.add(result.infos.len());
            decoded.add(usize::try_from(result.stats.decoded_samples).unwrap_or(usize::MAX));
            table.observe(result);
        });
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let batches = LimitStream::new(batches, 0, self.fetch, metrics);
        // Batches of an answer are ready at once, so the stream must yield by itself.
        Ok(Box::pin(cooperative(batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        Some(Arc::new(PromqlExec {
            fetch: limit,
            metrics: ExecutionPlanMetricsSet::new(),
            ..self.clone()
        }))
    }
}
