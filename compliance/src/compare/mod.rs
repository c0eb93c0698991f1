//! Comparing two endpoints that answer the same queries.

mod accept;
mod answers;
mod comparison;
mod difference;
mod histograms;
mod notes;
mod outcome;
mod rows;
#[cfg(test)]
mod tests;
mod ties;
mod tolerance;

pub use accept::{AcceptError, Accepted};
pub use answers::{Promise, Strictness, compare};
pub use comparison::{CompareOptions, Comparison};
pub use difference::{Difference, Kind, Sides};
pub use outcome::{Counts, Outcome, Verdict};
pub use tolerance::Tolerance;
