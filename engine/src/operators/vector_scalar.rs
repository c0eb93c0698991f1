//! A vector and a scalar: arithmetic, or comparison as a filter or as 0 and 1.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::elementwise::ArithmeticOp;
use quarrel_functions::grid::Param;
use quarrel_functions::histogram::native::StepHistograms;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{NodeInfo, VectorScalar as VectorScalarPlan};
use rustc_hash::FxHashSet;

use super::ops::{OpAnnotation, Operand, Outcome, SampleOp};
use super::params::Params;
use super::{broadcast, merge};
use crate::batch::{BatchBuilder, Rescale, SeriesBatch};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Pruning, Run, mapped};

#[derive(Debug)]
struct VectorScalar {
    op: SampleOp,
    symbol: &'static str,
    scalar_left: bool,
    scalar: Params,
    node: u32,
    span: Span,
}

/// Binds an operation on a vector and a scalar.
///
/// # Errors
/// If samples have no such operator.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    operation: &VectorScalarPlan,
    vector: Bound,
    scalar: Bound,
) -> Result<Bound, QueryError> {
    let op = SampleOp::of(operation.op, operation.return_bool, node.span)?;
    let vector = broadcast::bind(vector, node.grid);
    let labels = match op.drops_name() {
        true => vector.row_labels().drop_name(context),
        false => vector.row_labels(),
    };
    let mut inputs = vec![vector];
    let scalar = Params::new([&*operation.scalar], [scalar], node.grid, &mut inputs);
    let operator = Arc::new(VectorScalar {
        op,
        symbol: operation.op.symbol(),
        scalar_left: operation.scalar_left,
        scalar,
        node: node.id,
        span: node.span,
    });
    let bound = Bound::row_wise(operator, inputs, labels);
    Ok(merge::bind(context, bound, node))
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

    fn prune(&self, _: &[bool]) -> Pruning {
        // Floats that cannot be trimmed are annotated even where no row above needs them.
        match self.op {
            SampleOp::Trim(_) => Pruning::Ignored,
            _ => Pruning::PassedOn,
        }
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let this = Arc::clone(&self);
        let context = Arc::clone(&run.context);
        let scalar = async move { this.scalar.get(&run).await };
        mapped(input, scalar, move |scalar, batch| {
            let scalar = scalar[0].param();
            if let Some(by) = self.rescale(scalar)
                && batch.can_rescale(by)
            {
                return Ok(self.apply(scalar, batch)?.rescale_histograms(by));
            }
            if batch.has_histograms() || matches!(self.op, SampleOp::Trim(_)) {
                return Ok(self.apply_mixed(&context, scalar, &batch));
            }
            self.apply(scalar, batch)
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
        let mut annotations = FxHashSet::default();
        if let SampleOp::Filter(_) = self.op {
            return batch.map_samples(|first, row, present| {
                self.floats(
                    cut(scalar, first, row.len()),
                    row,
                    present,
                    &mut annotations,
                );
                Ok(())
            });
        }
        batch.map_values(|first, row| {
            self.floats(
                cut(scalar, first, row.len()),
                row,
                &mut [],
                &mut annotations,
            );
            Ok(())
        })
    }

    /// What is done to all histograms, if that is the same for all and each has
    /// a result.
    fn rescale(&self, scalar: Param<'_>) -> Option<Rescale> {
        let Param::Const(number) = scalar else {
            return None;
        };
        match (self.op, self.scalar_left) {
            (SampleOp::Arithmetic(ArithmeticOp::Mul), _) => Some(Rescale::Multiply(number)),
            (SampleOp::Arithmetic(ArithmeticOp::Div), false) => Some(Rescale::Divide(number)),
            _ => None,
        }
    }

    /// As [`VectorScalar::apply`] on rows that may have histograms.
    fn apply_mixed(
        &self,
        context: &QueryContext,
        scalar: Param<'_>,
        batch: &SeriesBatch,
    ) -> SeriesBatch {
        let mut builder = BatchBuilder::for_rows(batch.len());
        let (mut values, mut present) = (Vec::new(), Vec::new());
        let mut histograms = StepHistograms::default();
        let mut annotations: FxHashSet<OpAnnotation> = FxHashSet::default();
        for row in batch.rows() {
            values.clear();
            values.extend_from_slice(row.values);
            present.resize(values.len(), false);
            row.write_presence(&mut present);
            let first = row.first_step as usize;
            let of_row = cut(scalar, first, values.len());
            self.floats(of_row, &mut values, &mut present, &mut annotations);
            histograms.clear();
            for (i, h) in row.histograms() {
                let (number, h) = (Operand::Float(of_row.at(i)), Operand::Histogram(h));
                let (left, right) = match self.scalar_left {
                    true => (number, h),
                    false => (h, number),
                };
                match self
                    .op
                    .eval_histograms(left, right, first + i, &mut histograms)
                {
                    Ok((Outcome::Float(value), _)) => (values[i], present[i]) = (value, true),
                    Ok((_, annotation)) => annotations.extend(annotation),
                    Err(annotation) => {
                        annotations.insert(annotation);
                    }
                }
            }
            builder.push_mixed(row.series, row.first_step, &values, &present, &histograms);
        }
        for annotation in annotations {
            annotation.annotate(&context.annotations, self.node, self.span, self.symbol);
        }
        builder.finish()
    }

    /// The operator on the floats of a row; a filter drop_names in `present` what
    /// stays.
    fn floats(
        &self,
        scalar: Param<'_>,
        values: &mut [f64],
        present: &mut [bool],
        annotations: &mut FxHashSet<OpAnnotation>,
    ) {
        match (self.op, self.scalar_left) {
            (SampleOp::Arithmetic(op), true) => op.eval_right(scalar, values),
            (SampleOp::Arithmetic(op), false) => op.eval_left(values, scalar),
            (SampleOp::Filter(op), true) => op.filter(scalar, Param::PerStep(values), present),
            (SampleOp::Filter(op), false) => op.filter(Param::PerStep(values), scalar, present),
            (SampleOp::Bool(op), left) => {
                let before = values.to_vec();
                let before = Param::PerStep(&before);
                match left {
                    true => op.eval_bool(scalar, before, values),
                    false => op.eval_bool(before, scalar, values),
                }
            }
            (SampleOp::Trim(_), _) => {
                if present.contains(&true) {
                    annotations.insert(OpAnnotation::Types(false, false));
                }
                present.fill(false);
            }
        }
    }
}
