//! Unites rows with equal labels, where dropped names, new labels or joins
//! made them equal. Rows that have samples at one step are an error.

use std::sync::Arc;

use quarrel_planner::ast::Span;

use crate::bind::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::labels::LabelList;

/// Prometheus's words, which clients match on.
const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

#[derive(Debug)]
struct Merge {
    /// For each input row the output row.
    targets: Vec<u32>,
    /// How many output rows there are.
    rows: usize,
    steps: usize,
    span: Span,
}

/// A merge above `input` if any of its rows have equal labels.
pub(crate) fn bind(input: Bound, span: Span) -> Bound {
    if input.unique {
        return input;
    }
    let (targets, rows) = input.labels.distinct();
    if rows == input.labels.len() {
        return Bound {
            unique: true,
            ..input
        };
    }
    let mut first = vec![u32::MAX; rows];
    for (row, &target) in targets.iter().enumerate().rev() {
        first[target as usize] = row as u32;
    }
    let labels: LabelList = input.labels.take(&first);
    let grid = input.grid;
    let merge = Merge {
        targets,
        rows,
        steps: grid.len,
        span,
    };
    Bound::whole(
        Arc::new(merge),
        vec![input],
        RowLabels::unique(labels),
        grid,
    )
}

impl Operator for Merge {
    fn name(&self) -> &'static str {
        "Merge"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, ": rows={} of {}", self.rows, self.targets.len())
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let collecting = run.inputs[0].collect(self.targets.len(), &run.context, "merge");
            let (input, mut account) = collecting.await?;
            // The rows of a target, in the order in which they came.
            let mut order = Vec::new();
            let mut sources: Vec<Vec<u32>> = vec![Vec::new(); self.rows];
            for row in input.arrived() {
                let target = self.targets[row.series as usize];
                if sources[target as usize].is_empty() {
                    order.push(target);
                }
                sources[target as usize].push(row.series);
            }
            account.grow(self.steps * 9)?;
            let mut values = vec![0.0; self.steps];
            let mut present = vec![false; self.steps];
            let mut output = Output::new(&run.context, "merge");
            for target in order {
                run.context.check()?;
                let sources = &sources[target as usize];
                present.fill(false);
                for row in sources.iter().filter_map(|&r| input.get(r)) {
                    let first = row.first_step as usize;
                    for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
                        if present[first + i] {
                            return Err(QueryError::execution(SAME_LABELS, self.span));
                        }
                        present[first + i] = true;
                        values[first + i] = row.values[i];
                    }
                }
                output.push(target, 0, &values, &present)?;
            }
            Ok(output)
        })
    }
}
