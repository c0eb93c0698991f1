//! What has one value for all steps is computed once.
//!
//! The plan already says so for the parts that the reference finds; this rule
//! finds the rest: parameters of aggregations, which the reference leaves as
//! they are, and range selectors that are pinned there.
//!
//! What tells the user how often it happened, or whether the query has steps,
//! is left alone: `histogram_quantile` and `sort`.

use super::{Rule, RuleContext, each_mut};
use crate::logical::{Grid, Plan, PlanOp, WindowCall, WindowKind};

/// See the module's words.
pub(super) struct StepInvariant;

impl Rule for StepInvariant {
    fn name(&self) -> &'static str {
        "step-invariant parts"
    }

    fn spares_samples(&self) -> bool {
        true
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut evaluate_once);
    }
}

fn evaluate_once(plan: &mut Plan) {
    if plan.grid.len <= 1 || !depends_on_inputs_alone(&plan.op) {
        return;
    }
    let once = |input: &&Plan| input.grid.len == 1;
    let inputs_change = match &plan.op {
        // The rows of a subquery are on times of their own.
        PlanOp::SubqueryWindow { window, .. } => !window.params.iter().all(|p| once(&p)),
        _ => !plan.inputs().iter().all(once),
    };
    if inputs_change {
        return;
    }
    let first = Grid::instant(plan.grid.start_ms);
    match &mut plan.op {
        PlanOp::Window(window) => {
            let at = Grid::instant(window.select.reference.start_ms);
            (window.select.reference, window.call.reference) = (at, at);
        }
        PlanOp::SubqueryWindow { window, .. } => {
            window.reference = Grid::instant(window.reference.start_ms);
        }
        _ => {}
    }
    plan.grid = first;
}

/// Whether the value is the same at all times as long as the inputs' are.
fn depends_on_inputs_alone(op: &PlanOp) -> bool {
    match op {
        PlanOp::ScalarBinary { .. }
        | PlanOp::ScalarFunction { .. }
        | PlanOp::ScalarOf(_)
        | PlanOp::VectorOf(_)
        | PlanOp::Negate(_)
        | PlanOp::VectorScalar { .. }
        | PlanOp::Join { .. }
        | PlanOp::Set { .. }
        | PlanOp::Aggregate { .. }
        | PlanOp::Relabel { .. }
        | PlanOp::NoStartTimestamp(_)
        | PlanOp::Info { .. }
        | PlanOp::Absent { .. } => true,
        PlanOp::Elementwise { function, .. } => !function.uses_eval_time,
        PlanOp::Window(window) => is_pinned(&window.call),
        PlanOp::SubqueryWindow { window, .. } => is_pinned(window),
        PlanOp::Number(_)
        | PlanOp::String(_)
        | PlanOp::Nullary(_)
        | PlanOp::RawSelect(_)
        | PlanOp::RawSubquery { .. }
        | PlanOp::Sort { .. }
        | PlanOp::Histogram { .. } => false,
    }
}

/// Whether all windows are one, and the function does not ask for the time.
/// Growth does: the reference keeps the samples of a window that is pinned there
/// and measures how far they are from the ends of one that moves with the steps.
fn is_pinned(call: &WindowCall) -> bool {
    let asks_for_time = match call.function {
        WindowKind::Latest
        | WindowKind::LatestTimestamp
        | WindowKind::LatestStart
        | WindowKind::Smoothed
        | WindowKind::InfoTime => false,
        WindowKind::Function(function) => {
            function.uses_eval_time || function.smoothed || call.extension.is_some()
        }
    };
    call.reference.step_ms == 0 && !asks_for_time
}
