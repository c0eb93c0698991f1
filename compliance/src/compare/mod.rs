//! Comparing two endpoints that answer the same queries.

mod accept;
mod answers;
mod comparison;
mod difference;
mod histograms;
mod notes;
mod outcome;
mod rows;
mod schedule;
#[cfg(test)]
mod tests;
mod ties;
mod tolerance;
mod tweaks;

pub use accept::{AcceptError, Accepted, Known};
pub use answers::{Promise, Strictness, compare};
pub use comparison::{CompareOptions, Comparison};
pub use difference::{Difference, Kind, Sides};
pub use outcome::{AnswerKind, Counts, Outcome, Undetermined, Verdict};
pub use schedule::Schedule;
pub use tolerance::Tolerance;
