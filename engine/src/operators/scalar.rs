//! Scalars: rows of one number a step, without labels.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_functions::table::ScalarFunction;
use quarrel_planner::logical::{NodeInfo, ScalarBinary, ScalarCall};

use super::ops::SampleOp;
use super::params::read_scalar;
use crate::batch::Row;
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed, series_batch};

#[derive(Debug)]
enum Compute {
    Const(f64),
    /// The evaluation time, s.
    Time,
    Binary(SampleOp),
    Function(ScalarFunction),
    /// The one sample of a vector, NaN if it has none or several.
    OfVector,
    /// The scalar itself, as a vector of one series.
    ToVector,
}

#[derive(Debug)]
struct Scalar {
    compute: Compute,
    grid: Grid,
}

/// Binds a number.
pub(crate) fn number(node: NodeInfo, value: f64) -> Bound {
    bind(node, Compute::Const(value), Vec::new())
}

/// Binds `time()`.
pub(crate) fn time(node: NodeInfo) -> Bound {
    bind(node, Compute::Time, Vec::new())
}

/// Binds an operator on two scalars.
///
/// # Errors
/// If numbers have no such operator.
pub(crate) fn binary(
    node: NodeInfo,
    binary: &ScalarBinary,
    lhs: Bound,
    rhs: Bound,
) -> Result<Bound, QueryError> {
    let op = SampleOp::of(binary.op, true, node.span)?;
    Ok(bind(node, Compute::Binary(op), vec![lhs, rhs]))
}

/// Binds a function of two scalars.
pub(crate) fn call(node: NodeInfo, call: &ScalarCall, lhs: Bound, rhs: Bound) -> Bound {
    bind(node, Compute::Function(call.function), vec![lhs, rhs])
}

/// Binds `scalar(v)`.
pub(crate) fn of_vector(node: NodeInfo, vector: Bound) -> Bound {
    bind(node, Compute::OfVector, vec![vector])
}

/// Binds `vector(s)`.
pub(crate) fn to_vector(node: NodeInfo, scalar: Bound) -> Bound {
    bind(node, Compute::ToVector, vec![scalar])
}

fn bind(node: NodeInfo, compute: Compute, inputs: Vec<Bound>) -> Bound {
    let grid = node.grid;
    let scalar = Scalar { compute, grid };
    Bound::whole(Arc::new(scalar), inputs, RowLabels::one(), grid)
}

impl Operator for Scalar {
    fn name(&self) -> &'static str {
        match self.compute {
            Compute::ToVector => "VectorOf",
            _ => "Scalar",
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.compute {
            Compute::Const(value) => write!(f, ": {value}"),
            Compute::Time => f.write_str(": time"),
            Compute::Binary(op) => write!(f, ": {op:?}"),
            Compute::Function(function) => write!(f, ": {}", function.name()),
            Compute::OfVector => f.write_str(": of vector"),
            Compute::ToVector => Ok(()),
        }
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let steps = self.grid.len;
            let mut account = run.context.account("scalar");
            account.grow(steps * 9)?;
            let mut values = vec![0.0; steps];
            match &self.compute {
                Compute::Const(value) => values.fill(*value),
                Compute::Time => {
                    for (i, value) in values.iter_mut().enumerate() {
                        *value = self.grid.at(i) as f64 / 1000.0;
                    }
                }
                Compute::Binary(op) => {
                    let left = read_scalar(&run.inputs[0], steps).await?;
                    let right = read_scalar(&run.inputs[1], steps).await?;
                    op.eval_scalar(left.param(), right.param(), &mut values);
                }
                Compute::Function(function) => {
                    let left = read_scalar(&run.inputs[0], steps).await?;
                    let right = read_scalar(&run.inputs[1], steps).await?;
                    let pairs = left.iter(steps).zip(right.iter(steps));
                    for (out, (a, b)) in values.iter_mut().zip(pairs) {
                        *out = function.of(a, b);
                    }
                }
                Compute::OfVector => read_vector(&run, &mut values).await?,
                Compute::ToVector => {
                    let scalar = read_scalar(&run.inputs[0], steps).await?;
                    for (out, value) in values.iter_mut().zip(scalar.iter(steps)) {
                        *out = value;
                    }
                }
            }
            let mut output = Output::new(&run.context, "scalar");
            output.push(0, 0, &values, &vec![true; steps])?;
            Ok(output)
        })
    }
}

async fn read_vector(run: &Run, values: &mut [f64]) -> Result<(), QueryError> {
    use futures::StreamExt;
    let mut counts = vec![0u32; values.len()];
    let mut stream = run.inputs[0].open(0);
    while let Some(record) = stream.next().await {
        let batch = series_batch(&record?)?;
        batch.rows().for_each(|row: Row<'_>| {
            let first = row.first_step as usize;
            for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
                counts[first + i] = counts[first + i].saturating_add(1);
                values[first + i] = row.values[i];
            }
        });
    }
    for (value, count) in values.iter_mut().zip(counts) {
        if count != 1 {
            *value = f64::NAN;
        }
    }
    Ok(())
}
