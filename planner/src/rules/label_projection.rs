//! Labels that nobody looks at are not asked for.
//!
//! Of rows that an aggregation folds as they are scanned, the labels that it
//! groups by are looked at, and name, type and unit for annotations. That rows
//! differ is known only if all have one metric name: where names are dropped,
//! equal rows of two metrics are an error.

use super::shape::{row_wise_window, single_name};
use super::{Rule, RuleContext, each_mut};
use crate::logical::{Aggregate, Plan, PlanOp};

/// Asks for the labels of groups alone.
pub(super) struct LabelProjection;

impl Rule for LabelProjection {
    fn name(&self) -> &'static str {
        "label projection"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            if let PlanOp::Aggregate(aggregate) = &mut node.op {
                project(aggregate);
            }
        });
    }
}

fn project(aggregate: &mut Aggregate) {
    if aggregate.without || aggregate.op.fold().is_none() {
        return;
    }
    let Some((_, window)) = row_wise_window(&aggregate.input) else {
        return;
    };
    let select = &window.select;
    if select.group.is_some() || single_name(&select.matchers).is_none() {
        return;
    }
    let mut names = aggregate.grouping.clone();
    names.sort_unstable();
    names.dedup();
    let mut node = &mut *aggregate.input;
    loop {
        node = match &mut node.op {
            PlanOp::Window(window) => {
                window.select.projection = Some(names);
                return;
            }
            PlanOp::Negate(input) => input,
            PlanOp::Elementwise(call) => &mut call.input,
            PlanOp::VectorScalar(operation) => &mut operation.vector,
            PlanOp::SubqueryWindow(subquery) => &mut subquery.input,
            _ => return,
        };
    }
}
