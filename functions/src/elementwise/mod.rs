//! Functions and operators of each sample for itself, over whole rows.

mod atan;
mod binary;
mod clamp;
mod date;
mod function;
pub(crate) mod math;
mod pow;

pub use binary::{ArithmeticOp, ComparisonOp};
pub use clamp::{max_of, min_of};
pub use date::civil_from_days;
pub use function::{ElementwiseFunction, ElementwiseInput, MissingParam};
