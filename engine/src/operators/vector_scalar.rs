//! A vector and a scalar: arithmetic, or comparison as a filter or as 0 and 1.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::grid::Param;
use quarrel_planner::logical::{Plan, PlanOp};

use super::ops::FloatOp;
use super::params::Params;
use super::{broadcast, merge};
use crate::batch::SeriesBatch;
use crate::bind::{Binder, Bound};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Run, mapped};

#[derive(Debug)]
struct VectorScalar {
    op: FloatOp,
    scalar_left: bool,
    scalar: Params,
}

/// Binds an operation on a vector and a scalar.
pub(crate) fn bind(binder: &Binder<'_>, plan: &Plan) -> Result<Bound, QueryError> {
    let PlanOp::VectorScalar {
        op,
        vector,
        scalar,
        scalar_left,
        return_bool,
    } = &plan.op
    else {
        return Err(QueryError::Internal("not a vector and a scalar".into()));
    };
    let op = FloatOp::of(*op, *return_bool, plan.span)?;
    let vector = broadcast::bind(binder.bind(vector)?, plan.grid);
    let labels = vector.row_labels();
    let labels = if op.drops_name() {
        binder.drop_names(labels)
    } else {
        labels
    };
    let mut inputs = vec![vector];
    let scalar = Params::bind(binder, [&**scalar], plan.grid, &mut inputs)?;
    let operator = Arc::new(VectorScalar {
        op,
        scalar_left: *scalar_left,
        scalar,
    });
    Ok(merge::bind(
        Bound::row_wise(operator, inputs, labels),
        plan.span,
    ))
}

impl Operator for VectorScalar {
    fn name(&self) -> &'static str {
        "VectorScalar"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.scalar_left { "left" } else { "right" };
        write!(f, ": {:?} {side}={}", self.op, self.scalar)
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let this = Arc::clone(&self);
        let scalar = async move { this.scalar.get(&run).await };
        mapped(input, scalar, move |scalar, batch| {
            self.apply(scalar[0].param(), batch)
        })
    }
}

/// The steps of a scalar that a row covers.
fn cut(scalar: Param<'_>, first_step: usize, len: usize) -> Param<'_> {
    match scalar {
        Param::PerStep(values) => Param::PerStep(&values[first_step..first_step + len]),
        constant => constant,
    }
}

impl VectorScalar {
    fn apply(&self, scalar: Param<'_>, batch: SeriesBatch) -> Result<SeriesBatch, QueryError> {
        match self.op {
            FloatOp::Arithmetic(op) => batch.map_values(|first, row| {
                let scalar = cut(scalar, first, row.len());
                if self.scalar_left {
                    op.eval_right(scalar, row);
                } else {
                    op.eval_left(row, scalar);
                }
                Ok(())
            }),
            FloatOp::Filter(op) => batch.map_samples(|first, row, present| {
                let scalar = cut(scalar, first, row.len());
                if self.scalar_left {
                    op.filter(scalar, Param::PerStep(row), present);
                } else {
                    op.filter(Param::PerStep(row), scalar, present);
                }
                Ok(())
            }),
            FloatOp::Bool(op) => {
                let mut left = Vec::new();
                batch.map_values(|first, row| {
                    let scalar = cut(scalar, first, row.len());
                    left.clear();
                    left.extend_from_slice(row);
                    if self.scalar_left {
                        op.eval_bool(scalar, Param::PerStep(&left), row);
                    } else {
                        op.eval_bool(Param::PerStep(&left), scalar, row);
                    }
                    Ok(())
                })
            }
        }
    }
}
