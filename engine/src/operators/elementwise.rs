//! A function of each sample, and the unary minus.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::elementwise::{ElementwiseFunction, ElementwiseInput};
use quarrel_functions::grid::Grid;
use quarrel_planner::logical::{Elementwise as ElementwisePlan, NodeInfo};

use super::params::{Params, Values, as_params};
use super::{broadcast, merge};
use crate::batch::{BatchBuilder, Rescale, SeriesBatch};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Run, mapped};

#[derive(Debug, Clone, Copy)]
enum Function {
    Negate,
    OfTable(ElementwiseFunction, &'static str),
}

#[derive(Debug)]
struct Elementwise {
    function: Function,
    params: Params,
    eval: Grid,
}

/// Binds a function of each sample.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    call: &ElementwisePlan,
    input: Bound,
    params: Vec<Bound>,
) -> Bound {
    let input = broadcast::bind(input, node.grid);
    let labels = match call.function.keeps_name {
        true => input.row_labels(),
        false => input.row_labels().drop_name(context),
    };
    let mut inputs = vec![input];
    let operator = Arc::new(Elementwise {
        function: Function::OfTable(call.kernel, call.function.name),
        params: Params::new(&call.params, params, node.grid, &mut inputs),
        eval: node.grid,
    });
    merge::bind(context, Bound::row_wise(operator, inputs, labels), node)
}

/// Binds the unary minus.
pub(crate) fn negate(context: &Arc<QueryContext>, node: NodeInfo, input: Bound) -> Bound {
    let input = broadcast::bind(input, node.grid);
    let labels = input.row_labels().drop_name(context);
    let operator = Arc::new(Elementwise {
        function: Function::Negate,
        params: Params::none(),
        eval: node.grid,
    });
    let bound = Bound::row_wise(operator, vec![input], labels);
    merge::bind(context, bound, node)
}

impl Operator for Elementwise {
    fn name(&self) -> &'static str {
        "Elementwise"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.function {
            Function::Negate => f.write_str(": -"),
            Function::OfTable(_, name) => write!(f, ": {name}({})", self.params),
        }
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let this = Arc::clone(&self);
        let params = async move { this.params.get(&run).await };
        mapped(input, params, move |params, batch| {
            self.apply(params, batch)
        })
    }
}

impl Elementwise {
    fn apply(&self, params: &[Values], batch: SeriesBatch) -> Result<SeriesBatch, QueryError> {
        let Function::OfTable(kernel, _) = self.function else {
            let batch = batch.rescale_histograms(Rescale::Negate);
            return batch.map_values(|_, row| {
                row.iter_mut().for_each(|v| *v = -*v);
                Ok(())
            });
        };
        let batch = match kernel {
            // The one function that histograms have a result of.
            ElementwiseFunction::Timestamp if batch.has_histograms() => all_floats(&batch),
            _ => batch.floats_only(),
        };
        let params = as_params(params);
        let input = |first_step| ElementwiseInput {
            first_step,
            eval: self.eval,
            params: &params,
        };
        let missing =
            |e: quarrel_functions::elementwise::MissingParam| QueryError::Internal(e.to_string());
        if kernel.removes_samples() {
            batch.map_samples(|first, row, present| {
                kernel.eval(&input(first), row, present).map_err(missing)
            })
        } else {
            batch.map_values(|first, row| kernel.eval(&input(first), row, &mut []).map_err(missing))
        }
    }
}

/// Some float where there is a histogram.
fn all_floats(batch: &SeriesBatch) -> SeriesBatch {
    let mut builder = BatchBuilder::for_rows(batch.len());
    for row in batch.rows() {
        let present: Vec<bool> = (0..row.values.len()).map(|i| row.is_sample(i)).collect();
        builder.push(row.series, row.first_step, row.values, &present);
    }
    builder.finish()
}
