//! Binary operators as kernels know them.

use quarrel_functions::elementwise::{ArithmeticOp, ComparisonOp};
use quarrel_functions::grid::Param;
use quarrel_planner::ast::{BinaryOp, Span};

use crate::error::QueryError;

/// A binary operator on floats.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FloatOp {
    /// Gives a number.
    Arithmetic(ArithmeticOp),
    /// Keeps samples or takes them out.
    Filter(ComparisonOp),
    /// Gives 0 or 1.
    Bool(ComparisonOp),
}

impl FloatOp {
    /// The kernel of an operator.
    ///
    /// # Errors
    /// For those that floats do not have (yet).
    pub fn of(op: BinaryOp, return_bool: bool, span: Span) -> Result<Self, QueryError> {
        use BinaryOp as B;
        let compare = |op| {
            if return_bool {
                FloatOp::Bool(op)
            } else {
                FloatOp::Filter(op)
            }
        };
        Ok(match op {
            B::Add => FloatOp::Arithmetic(ArithmeticOp::Add),
            B::Sub => FloatOp::Arithmetic(ArithmeticOp::Sub),
            B::Mul => FloatOp::Arithmetic(ArithmeticOp::Mul),
            B::Div => FloatOp::Arithmetic(ArithmeticOp::Div),
            B::Mod => FloatOp::Arithmetic(ArithmeticOp::Mod),
            B::Pow => FloatOp::Arithmetic(ArithmeticOp::Pow),
            B::Atan2 => FloatOp::Arithmetic(ArithmeticOp::Atan2),
            B::Equal => compare(ComparisonOp::Equal),
            B::NotEqual => compare(ComparisonOp::NotEqual),
            B::Greater => compare(ComparisonOp::Greater),
            B::Less => compare(ComparisonOp::Less),
            B::GreaterOrEqual => compare(ComparisonOp::GreaterOrEqual),
            B::LessOrEqual => compare(ComparisonOp::LessOrEqual),
            B::TrimUpper | B::TrimLower | B::And | B::Or | B::Unless => {
                return Err(QueryError::unsupported(
                    format!("operator {}", op.symbol()),
                    span,
                ));
            }
        })
    }

    /// Whether the result is another quantity, so that the name is dropped.
    pub fn drops_name(self) -> bool {
        !matches!(self, FloatOp::Filter(_))
    }

    /// The operator on two numbers; a filter gives whether it holds.
    pub fn eval_scalar(self, left: Param<'_>, right: Param<'_>, out: &mut [f64]) {
        match self {
            FloatOp::Arithmetic(op) => op.eval(left, right, out),
            FloatOp::Filter(op) | FloatOp::Bool(op) => op.eval_bool(left, right, out),
        }
    }
}
