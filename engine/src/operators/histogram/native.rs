//! `histogram_quantile` and `histogram_fraction` where no label is a bucket's: all
//! histograms are native, and rows are computed one by one, in the partitions of
//! the scan.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::table::HistogramFunction;
use quarrel_planner::ast::Span;

use super::question::{Annotator, QuantileAnnotations, Question, warn_quantiles};
use crate::batch::{BatchBuilder, SeriesBatch};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Pruning, Run, mapped};
use crate::operators::params::{Params, Values};

/// The function of native histograms alone.
#[derive(Debug)]
pub(super) struct NativeHistogram {
    pub function: HistogramFunction,
    pub name: &'static str,
    pub params: Params,
    pub annotator: Annotator,
    /// Where the first parameter stands.
    pub param_span: Span,
    /// What is said of rows that have floats, by their numbers.
    pub malformed: Vec<(u32, String)>,
}

impl Operator for NativeHistogram {
    fn name(&self) -> &'static str {
        "Histogram"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, params) = (self.name, &self.params);
        write!(f, ": {name}({params}) native")
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn prune(&self, _: &[bool]) -> Pruning {
        // Floats are annotated even where no row above needs them.
        Pruning::Ignored
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let this = Arc::clone(&self);
        let context = Arc::clone(&run.context);
        let params = async move {
            let params = this.params.get(&run).await?;
            let steps = this.annotator.grid.len;
            if let (HistogramFunction::Quantile, [q]) = (this.function, params.as_slice()) {
                warn_quantiles(&run, this.annotator.node, this.param_span, q, steps);
            }
            Ok(params)
        };
        mapped(input, params, move |params, batch| {
            self.apply(&context, params, &batch)
        })
    }
}

impl NativeHistogram {
    fn apply(
        &self,
        context: &QueryContext,
        params: &[Values],
        batch: &SeriesBatch,
    ) -> Result<SeriesBatch, QueryError> {
        let question = Question::new(self.function, params)?;
        let mut builder = BatchBuilder::new();
        let (mut values, mut present) = (Vec::new(), Vec::new());
        for row in batch.rows() {
            if row.floats().next().is_some()
                && let Ok(place) = self.malformed.binary_search_by_key(&row.series, |m| m.0)
            {
                let Annotator { node, span, .. } = self.annotator;
                let text = self.malformed[place].1.clone();
                context.annotations.warn(node, span, text);
            }
            values.clear();
            values.resize(row.values.len(), 0.0);
            present.clear();
            present.resize(row.values.len(), false);
            let mut found = QuantileAnnotations::default();
            for (i, h) in row.histograms() {
                let step = row.first_step as usize + i;
                (values[i], present[i]) = (question.answer(&h, step, &mut found), true);
            }
            found.annotate(&self.annotator, context, row.series);
            builder.push(row.series, row.first_step, &values, &present);
        }
        Ok(builder.finish())
    }
}
