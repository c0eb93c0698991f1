//! What native histograms alone have: `histogram_count`, `histogram_sum`,
//! `histogram_avg`, `histogram_stddev`, `histogram_stdvar`.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::histogram::native::HistogramRef;
use quarrel_functions::table::HistogramFunction;
use quarrel_planner::logical::NodeInfo;

use crate::batch::{BatchBuilder, SeriesBatch};
use crate::bound::Bound;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Run, mapped};
use crate::operators::{broadcast, merge};

#[derive(Debug)]
struct HistogramValue {
    name: &'static str,
    value: Value,
}

/// A number of one native histogram.
type Value = fn(&HistogramRef<'_>) -> f64;

/// The function of one native histogram, if `function` is one.
pub(super) fn of(function: HistogramFunction) -> Option<Value> {
    use HistogramFunction as H;
    match function {
        H::Count => Some(|h| h.count),
        H::Sum => Some(|h| h.sum),
        H::Avg => Some(|h| h.average()),
        H::Stddev => Some(|h| h.standard_deviation()),
        H::Stdvar => Some(|h| h.variance()),
        H::Quantile | H::Quantiles | H::Fraction => None,
    }
}

/// Binds a function of each native histogram.
pub(super) fn bind(
    context: &QueryContext,
    node: NodeInfo,
    name: &'static str,
    value: Value,
    input: Bound,
) -> Bound {
    let input = broadcast::bind(input, node.grid);
    let labels = input.row_labels().drop_name(context);
    let operator = Arc::new(HistogramValue { name, value });
    let bound = Bound::row_wise(operator, vec![input], labels);
    merge::bind(context, bound, node)
}

impl Operator for HistogramValue {
    fn name(&self) -> &'static str {
        "HistogramValue"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ": {}", self.name)
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        mapped(input, async { Ok(()) }, move |(), batch| {
            Ok(self.apply(&batch))
        })
    }
}

impl HistogramValue {
    fn apply(&self, batch: &SeriesBatch) -> SeriesBatch {
        let mut builder = BatchBuilder::for_rows(batch.len());
        if !batch.has_histograms() {
            return builder.finish();
        }
        let (mut values, mut present) = (Vec::new(), Vec::new());
        for row in batch.rows() {
            values.clear();
            values.resize(row.values.len(), 0.0);
            present.clear();
            present.resize(row.values.len(), false);
            for (i, h) in row.histograms() {
                (values[i], present[i]) = ((self.value)(&h), true);
            }
            builder.push(row.series, row.first_step, &values, &present);
        }
        builder.finish()
    }
}
