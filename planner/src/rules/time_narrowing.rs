//! Selectors ask for the samples that their windows reach, and no others.
//!
//! Prometheus asks the store for the times of all subqueries around a
//! selector; below `@` and in windows that are pinned, less is enough.

use super::{Rule, RuleContext, each_mut};
use crate::logical::{Plan, PlanOp, Select};

/// Narrows the time ranges of selectors.
pub(super) struct TimeNarrowing;

impl Rule for TimeNarrowing {
    fn name(&self) -> &'static str {
        "time-range narrowing"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            if let PlanOp::Window(window) = &mut node.op {
                narrow(&mut window.select);
            }
        });
    }

    fn apply_raw(&self, select: &mut Select) {
        narrow(select);
    }
}

fn narrow(select: &mut Select) {
    let (from, to) = select.windows.reach();
    let (start, end) = select.time_range;
    let both = (start.max(from), end.min(to));
    // Without common time nothing is found, whatever the store is asked for.
    if both.0 <= both.1 {
        select.time_range = both;
    }
}
