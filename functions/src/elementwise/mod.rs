//! Functions and operators of each sample for itself, over whole rows.

mod binary;
mod clamp;
mod date;
mod function;
mod math;

pub use binary::{ArithmeticOp, ComparisonOp};
pub use clamp::{clamp, round};
pub use date::DateFunction;
pub use date::civil as civil_from_days;
pub use function::ElementwiseFunction;
pub use math::MathFunction;
