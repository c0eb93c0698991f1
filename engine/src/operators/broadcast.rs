//! Spreads the rows of a step-invariant node over all steps of its parent.
//!
//! Kernels that meet an invariant input broadcast by themselves; this operator
//! stands where none does: at the root, and below operators that look at rows
//! step by step.

use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::StepHistograms;

use crate::bound::Bound;
use crate::exec::operator::{BatchStream, Operator, Run, expanded};

#[derive(Debug)]
struct Broadcast {
    steps: usize,
}

/// `input` over `grid`: as it is, or spread if it has one step and `grid` more.
pub(crate) fn bind(input: Bound, grid: Grid) -> Bound {
    if input.grid.len == grid.len {
        return Bound { grid, ..input };
    }
    let labels = input.row_labels();
    let bound = Bound::row_wise(Arc::new(Broadcast { steps: grid.len }), vec![input], labels);
    Bound { grid, ..bound }
}

impl Operator for Broadcast {
    fn name(&self) -> &'static str {
        "Broadcast"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ": steps={}", self.steps)
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let context = Arc::clone(&run.context);
        let steps = self.steps;
        let prepare = async move {
            let mut account = run.context.account("broadcast");
            account.grow(steps * 8)?;
            Ok((vec![0.0; steps], account))
        };
        expanded(
            input,
            &context,
            prepare,
            move |(values, _), row, builder| {
                let Some(h) = row.histogram(0) else {
                    values.fill(row.values[0]);
                    builder.push_full(row.series, 0, values);
                    return Ok(());
                };
                let mut histograms = StepHistograms::default();
                (0..steps).for_each(|step| histograms.push(step, &h));
                builder.push_mixed(row.series, 0, values, &vec![false; steps], &histograms);
                Ok(())
            },
        )
    }
}
