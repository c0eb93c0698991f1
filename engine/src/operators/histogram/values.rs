//! What native histograms alone have: `histogram_count`, `histogram_sum`,
//! `histogram_avg`, `histogram_stddev`, `histogram_stdvar`.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::histogram::native::HistogramRef;
use quarrel_functions::table::HistogramFunction;
use quarrel_planner::logical::Plan;

use crate::batch::{BatchBuilder, SeriesBatch};
use crate::bind::{Binder, Bound};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Run, mapped};
use crate::operators::{broadcast, merge};

#[derive(Debug)]
struct HistogramValue {
    name: &'static str,
    value: fn(&HistogramRef<'_>) -> f64,
}

/// Binds a function of each native histogram.
pub(super) fn bind(
    binder: &Binder<'_>,
    plan: &Plan,
    function: HistogramFunction,
    name: &'static str,
    input: &Plan,
) -> Result<Bound, QueryError> {
    use HistogramFunction as H;
    let value: fn(&HistogramRef<'_>) -> f64 = match function {
        H::Count => |h| h.count,
        H::Sum => |h| h.sum,
        H::Avg => |h| h.average(),
        H::Stddev => |h| h.standard_deviation(),
        H::Stdvar => |h| h.variance(),
        H::Quantile | H::Quantiles | H::Fraction => {
            return Err(QueryError::Internal(format!("{name} has parameters")));
        }
    };
    let input = broadcast::bind(binder.bind(input)?, plan.grid);
    let labels = binder.drop_names(input.row_labels());
    let operator = Arc::new(HistogramValue { name, value });
    let bound = Bound::row_wise(operator, vec![input], labels);
    Ok(merge::bind(binder, bound, plan))
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
        let mut builder = BatchBuilder::new();
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
