//! Aggregations over a scan are computed in two stages: partial aggregates on
//! the threads that scan, folded in the end.

use super::shape::{folds, row_wise_window};
use super::{Rule, RuleContext, each_mut};
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
            *split = folds(*op) && row_wise_window(input).is_some();
        });
    }
}
