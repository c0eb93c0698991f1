//! What has one value for all steps is evaluated once.
//!
//! The plan has the parts that Prometheus finds already. This rule finds the
//! rest: parameters of aggregations, which Prometheus leaves as they are, and
//! range selectors that are pinned there.
//!
//! Nodes whose annotations count samples or depend on the steps are left alone:
//! `histogram_quantile` and `sort`.

use quarrel_functions::table::WindowKind;

use super::{Rule, RuleContext, each_mut};
use crate::logical::{Grid, Plan, PlanOp, WindowCall, Windows};

/// Evaluates once what has one value for all steps.
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
    if plan.node.grid.len <= 1 || !depends_on_inputs_alone(&plan.op) {
        return;
    }
    let once = |input: &&Plan| input.node.grid.len == 1;
    let inputs_change = match &plan.op {
        // The rows of a subquery are on times of their own.
        PlanOp::SubqueryWindow(subquery) => !subquery.call.params.iter().all(|p| once(&p)),
        _ => !plan.inputs().iter().all(once),
    };
    if inputs_change {
        return;
    }
    let windows = match &mut plan.op {
        PlanOp::Window(window) => Some(&mut window.select.windows),
        PlanOp::SubqueryWindow(subquery) => Some(&mut subquery.windows),
        _ => None,
    };
    if let Some(windows) = windows {
        windows.ends = Grid::instant(windows.ends.start_ms);
    }
    plan.node.grid = Grid::instant(plan.node.grid.start_ms);
}

/// Whether the value is the same at all times as long as the inputs' are.
fn depends_on_inputs_alone(op: &PlanOp) -> bool {
    match op {
        PlanOp::ScalarBinary(_)
        | PlanOp::ScalarCall(_)
        | PlanOp::ScalarOf(_)
        | PlanOp::VectorOf(_)
        | PlanOp::Negate(_)
        | PlanOp::VectorScalar(_)
        | PlanOp::Join(_)
        | PlanOp::Set(_)
        | PlanOp::Aggregate(_)
        | PlanOp::CountValues(_)
        | PlanOp::Relabel(_)
        | PlanOp::NoStartTimestamp(_)
        | PlanOp::Info(_)
        | PlanOp::Absent(_) => true,
        PlanOp::Elementwise(call) => !call.function.uses_eval_time,
        PlanOp::Window(window) => is_pinned(&window.call, &window.select.windows),
        PlanOp::SubqueryWindow(subquery) => is_pinned(&subquery.call, &subquery.windows),
        PlanOp::Number(_)
        | PlanOp::Time
        | PlanOp::Sort(_)
        | PlanOp::Histogram(_)
        | PlanOp::HistogramQuantiles(_) => false,
    }
}

/// Whether all windows are one, and the function does not ask for the time.
/// Growth does: Prometheus keeps the samples of a window that is pinned there
/// and measures how far they are from the ends of one that moves with the steps.
fn is_pinned(call: &WindowCall, windows: &Windows) -> bool {
    let asks_for_time = match call.function {
        WindowKind::Latest
        | WindowKind::LatestTimestamp
        | WindowKind::LatestStart
        | WindowKind::Smoothed
        | WindowKind::InfoTime => false,
        WindowKind::Function(function, _) => {
            function.uses_eval_time || function.smoothed || windows.extension.is_some()
        }
    };
    windows.ends.step_ms == 0 && !asks_for_time
}
