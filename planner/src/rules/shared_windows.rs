//! Window functions over the same series and the same windows share one
//! decode of the samples.

use super::shape::windows;
use super::{Rule, RuleContext, each_mut};
use crate::logical::{Plan, PlanOp, Window};

/// See the module's words.
pub(super) struct SharedWindows;

impl Rule for SharedWindows {
    fn name(&self) -> &'static str {
        "shared windows"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        let numbers = numbers(plan);
        if numbers.is_empty() {
            return;
        }
        each_mut(plan, &mut |node| {
            if let PlanOp::Window(window) = &mut node.op {
                let found = numbers.iter().find(|(id, _)| *id == node.id);
                window.decode = found.map(|(_, number)| *number);
            }
        });
    }
}

/// The numbers of nodes that share, and under which number.
fn numbers(plan: &Plan) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    windows(plan, &mut all);
    let mut out = Vec::new();
    let mut next = 1;
    let mut taken = vec![false; all.len()];
    for i in 0..all.len() {
        let Some(first) = sharing(all[i]).filter(|_| !taken[i]) else {
            continue;
        };
        let mates: Vec<usize> = (i + 1..all.len())
            .filter(|&j| !taken[j] && all[j].grid == all[i].grid)
            .filter(|&j| sharing(all[j]).is_some_and(|other| same_windows(first, other)))
            .collect();
        if mates.is_empty() {
            continue;
        }
        out.push((all[i].id, next));
        for j in mates {
            taken[j] = true;
            out.push((all[j].id, next));
        }
        next += 1;
    }
    out
}

/// The window of a node that may share: without arguments of its own, and not
/// computed once already.
fn sharing(plan: &Plan) -> Option<&Window> {
    match &plan.op {
        PlanOp::Window(window) if plan.shared.is_none() && window.call.params.is_empty() => {
            Some(window)
        }
        _ => None,
    }
}

fn same_windows(a: &Window, b: &Window) -> bool {
    let (x, y) = (&a.select, &b.select);
    x.matchers == y.matchers
        && x.instant == y.instant
        && x.totals_only == y.totals_only
        && x.time_range == y.time_range
        && x.projection == y.projection
        && a.call.reference == b.call.reference
        && a.call.range_ms == b.call.range_ms
        && a.call.extension == b.call.extension
        && a.call.start_timestamps == b.call.start_timestamps
}
