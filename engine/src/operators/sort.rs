//! `sort` and `sort_desc`: another order of an instant query's rows. In range
//! queries rows are ordered by labels whatever happens, and a warning says so.

use std::cmp::Ordering;
use std::sync::Arc;

use quarrel_functions::table::SortFunction;
use quarrel_planner::logical::{NodeInfo, Sort as SortPlan, SortOrder};

use super::{floats_only, sort_by_label};
use crate::bound::Bound;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};

#[derive(Debug)]
struct Sort {
    descending: bool,
    rows: usize,
}

/// Binds a sort.
pub(crate) fn bind(context: &QueryContext, node: NodeInfo, sort: &SortPlan, input: Bound) -> Bound {
    // Where there is no step nothing is sorted.
    if sort.order == SortOrder::Ineffective && node.grid.len > 0 {
        context.annotations.warn(
            node.id,
            node.span,
            "sort is ineffective for range queries since results are always ordered by labels",
        );
    }
    let is_wanted = sort.order == SortOrder::Wanted;
    let descending = match sort.kind {
        SortFunction::Value if is_wanted => false,
        SortFunction::ValueDescending if is_wanted => true,
        SortFunction::Value | SortFunction::ValueDescending => return floats_only::bind(input),
        SortFunction::Label | SortFunction::LabelDescending => {
            let descending = sort.kind == SortFunction::LabelDescending;
            return match is_wanted {
                true => sort_by_label::bind(context, input, &sort.labels, descending),
                false => input,
            };
        }
    };
    let (labels, grid) = (input.row_labels(), input.grid);
    let sort = Sort {
        descending,
        rows: input.labels.len(),
    };
    Bound::whole(Arc::new(sort), vec![input], labels, grid)
}

/// By value, NaN last in either direction.
fn compare(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => b.partial_cmp(&a).unwrap_or(Ordering::Equal),
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        (a, b) => a.cmp(&b),
    }
}

impl Operator for Sort {
    fn name(&self) -> &'static str {
        "Sort"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.descending {
            ": by value, descending"
        } else {
            ": by value"
        })
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let collecting = run.inputs[0].collect(self.rows, &run.context, "sort");
            let (input, mut account) = collecting.await?;
            account.grow(self.rows * 16)?;
            let mut rows: Vec<_> = input
                .arrived()
                .filter(|row| row.is_present(0))
                .map(|row| (row.series, row.values[0]))
                .collect();
            rows.sort_by(|a, b| compare(a.1, b.1, self.descending));
            let mut output = Output::new(&run.context, "sort");
            for (series, value) in rows {
                output.push(series, 0, &[value], &[true])?;
            }
            Ok(output)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_comes_last_either_way() {
        let sorted = |descending| {
            let mut values = [2.0, f64::NAN, 1.0, 3.0];
            values.sort_by(|a, b| compare(*a, *b, descending));
            values
        };
        assert_eq!(sorted(false)[..3], [1.0, 2.0, 3.0]);
        assert_eq!(sorted(true)[..3], [3.0, 2.0, 1.0]);
        assert!(sorted(false)[3].is_nan() && sorted(true)[3].is_nan());
    }
}
