//! The warning that a window function got a parameter out of its bounds.

use quarrel_functions::fmt::format_g;
use quarrel_functions::grid::Param;
use quarrel_functions::table::WindowKind;
use quarrel_functions::window::ParamBounds;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::WindowCall;

use super::kernel::KernelScratch;
use crate::exec::operator::Run;

/// Warns where a series has a result.
#[derive(Debug)]
pub(crate) struct ParamWarning {
    node: u32,
    span: Span,
    bounds: ParamBounds,
}

impl ParamWarning {
    /// For functions whose parameter has bounds.
    pub fn of(call: &WindowCall, node: u32) -> Option<Self> {
        let WindowKind::Function(_, function) = call.function else {
            return None;
        };
        let span = call.params.first()?.node.argument_span;
        let bounds = function.param_bounds()?;
        Some(ParamWarning { node, span, bounds })
    }

    /// Warns of the parameter at steps that have a result.
    pub fn annotate(&self, run: &Run, params: &[Param<'_>], result: &KernelScratch) {
        let Some(param) = params.first() else { return };
        let is_bad = |value: f64| !(self.bounds.holds)(value);
        let warn = |value: f64| {
            let text = format!("{}, got {}", self.bounds.text, format_g(value));
            run.context.annotations.warn(self.node, self.span, text);
        };
        match *param {
            Param::Const(value) if is_bad(value) => warn(value),
            Param::Const(_) => {}
            Param::PerStep(values) => {
                let steps = values[result.first_step()..].iter().zip(result.present());
                let mut last = None;
                for (&value, _) in steps.filter(|&(&v, &present)| present && is_bad(v)) {
                    if last != Some(value.to_bits()) {
                        warn(value);
                    }
                    last = Some(value.to_bits());
                }
            }
        }
    }
}
