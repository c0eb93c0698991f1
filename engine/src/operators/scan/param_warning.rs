//! The warning that a window function got a parameter out of its bounds.

use quarrel_functions::fmt::format_g;
use quarrel_functions::grid::Param;
use quarrel_functions::table::WindowFunction;
use quarrel_functions::window::is_integral_strategy;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::WindowCall;

use super::kernel::Kernel;
use crate::exec::operator::Run;

/// Warns where a series has a result.
#[derive(Debug)]
pub(crate) struct ParamWarning {
    node: u32,
    span: Span,
    is_bad: fn(f64) -> bool,
    text: &'static str,
}

impl ParamWarning {
    /// For functions whose parameter has bounds.
    pub fn of(call: &WindowCall, node: u32) -> Option<Self> {
        let Kernel::Function(function, _) = Kernel::of(call.function) else {
            return None;
        };
        let span = call.params.first()?.node.argument_span;
        let (is_bad, text): (fn(f64) -> bool, _) = match function {
            WindowFunction::Quantile => (
                |q| !(0.0..=1.0).contains(&q),
                "quantile value should be between 0 and 1",
            ),
            WindowFunction::Integral => (
                |strategy| !is_integral_strategy(strategy),
                "strategy should be 0, 1, or 2 (default), using 2",
            ),
            _ => return None,
        };
        Some(ParamWarning {
            node,
            span,
            is_bad,
            text,
        })
    }

    /// Warns of the parameter at steps that have a result.
    pub fn annotate(&self, run: &Run, params: &[Param<'_>], present: &[bool]) {
        let Some(param) = params.first() else { return };
        let warn = |value: f64| {
            let text = format!("{}, got {}", self.text, format_g(value));
            run.context.annotations.warn(self.node, self.span, text);
        };
        match *param {
            Param::Const(value) if (self.is_bad)(value) => warn(value),
            Param::Const(_) => {}
            Param::PerStep(values) => {
                let steps = values.iter().zip(present);
                let mut last = None;
                for (&value, _) in steps.filter(|&(&v, &present)| present && (self.is_bad)(v)) {
                    if last != Some(value.to_bits()) {
                        warn(value);
                    }
                    last = Some(value.to_bits());
                }
            }
        }
    }
}
