//! Operations on numbers are computed while planning.

use quarrel_functions::elementwise::{ArithmeticOp, ComparisonOp};

use super::{Rule, RuleContext, each_mut};
use crate::ast::BinaryOp;
use crate::logical::{Plan, PlanOp};

/// Computes operations on numbers while planning.
pub(super) struct ConstantFolding;

impl Rule for ConstantFolding {
    fn name(&self) -> &'static str {
        "constant folding"
    }

    fn apply(&self, plan: &mut Plan, _: RuleContext<'_>) {
        each_mut(plan, &mut |node| {
            if let Some(value) = value_of(node) {
                // A number has one value for all steps.
                if let Some(input) = node.inputs().first() {
                    node.node.grid = input.node.grid;
                }
                node.op = PlanOp::Number(value);
            }
        });
    }
}

fn value_of(plan: &Plan) -> Option<f64> {
    match &plan.op {
        PlanOp::ScalarBinary(binary) => {
            let (lhs, rhs) = (number(&binary.lhs)?, number(&binary.rhs)?);
            of_two(binary.op, lhs, rhs)
        }
        PlanOp::ScalarCall(call) => {
            let (lhs, rhs) = (number(&call.lhs)?, number(&call.rhs)?);
            Some(call.function.of(lhs, rhs))
        }
        PlanOp::Negate(input) => Some(-number(input)?),
        _ => None,
    }
}

fn number(plan: &Plan) -> Option<f64> {
    match plan.op {
        PlanOp::Number(value) => Some(value),
        _ => None,
    }
}

fn of_two(op: BinaryOp, a: f64, b: f64) -> Option<f64> {
    use BinaryOp as B;
    let number = |holds: bool| Some(if holds { 1.0 } else { 0.0 });
    match op {
        B::Add => Some(ArithmeticOp::Add.of(a, b)),
        B::Sub => Some(ArithmeticOp::Sub.of(a, b)),
        B::Mul => Some(ArithmeticOp::Mul.of(a, b)),
        B::Div => Some(ArithmeticOp::Div.of(a, b)),
        B::Mod => Some(ArithmeticOp::Mod.of(a, b)),
        B::Pow => Some(ArithmeticOp::Pow.of(a, b)),
        B::Atan2 => Some(ArithmeticOp::Atan2.of(a, b)),
        B::Equal => number(ComparisonOp::Equal.holds(a, b)),
        B::NotEqual => number(ComparisonOp::NotEqual.holds(a, b)),
        B::Greater => number(ComparisonOp::Greater.holds(a, b)),
        B::Less => number(ComparisonOp::Less.holds(a, b)),
        B::GreaterOrEqual => number(ComparisonOp::GreaterOrEqual.holds(a, b)),
        B::LessOrEqual => number(ComparisonOp::LessOrEqual.holds(a, b)),
        B::TrimUpper | B::TrimLower | B::And | B::Or | B::Unless => None,
    }
}
