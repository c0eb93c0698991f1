//! Selectors ask for the samples that their windows reach, and no others.
//!
//! The reference asks the store for the times of all subqueries around a
//! selector; below `@` and in windows that are pinned, less is enough.

use super::{Rule, RuleContext, each_mut};
use crate::logical::{Plan, PlanOp, Select};

/// See the module's words.
pub(super) struct TimeNarrowing;

impl Rule for TimeNarrowing {
    fn name(&self) -> &'static str {
        "time-range narrowing"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| match &mut node.op {
            PlanOp::Window(window) => narrow(&mut window.select),
            PlanOp::RawSelect(select) => narrow(select),
            _ => {}
        });
    }
}

fn narrow(select: &mut Select) {
    let (from, to) = select.reach();
    let (start, end) = select.time_range;
    let both = (start.max(from), end.min(to));
    // Without common time nothing is found, whatever the store is asked for.
    if both.0 <= both.1 {
        select.time_range = both;
    }
}
