//! Aggregations over a scan are computed in two stages: partial aggregates on
//! the threads that scan, folded in the end.

use super::shape::row_wise_window;
use super::{Rule, RuleContext, each_mut};
use crate::ast::AggregateOp;
use crate::logical::{Plan, PlanOp};

/// See the module's words.
pub(super) struct SplitAggregates;

impl Rule for SplitAggregates {
    fn name(&self) -> &'static str {
        "split aggregates"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            let PlanOp::Aggregate {
                op, split, input, ..
            } = &mut node.op
            else {
                return;
            };
            use AggregateOp as A;
            let folds = matches!(
                op,
                A::Sum | A::Avg | A::Min | A::Max | A::Count | A::Group | A::Stddev | A::Stdvar
            );
            *split = folds && row_wise_window(input).is_some();
        });
    }
}
