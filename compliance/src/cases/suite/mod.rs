//! The configuration files of the PromQL compliance suite
//! (`github.com/prometheus/compliance`, folder `promql`).
//!
//! Several files are one YAML text, as there: a file of queries, which all
//! comparisons share, and one of endpoints and tweaks. A query is a template, of
//! which every combination of its variant arguments is a case.

mod format;
mod load;
mod template;
#[cfg(test)]
mod tests;
mod tolerance;
mod tweaks;
mod types;
mod variants;

pub(super) use load::{Filling, load_filled};
pub use load::{LeftOut, load, load_text};
pub use tolerance::Tolerance;
pub use tweaks::Tweak;
pub use types::{Suite, SuiteTimes, Target};
