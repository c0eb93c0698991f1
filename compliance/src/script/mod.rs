//! Prometheus's `.test` scripts as a typed tree.
//!
//! The language is that of `promql/promqltest` in Prometheus 3.16: `load` and
//! `load_with_nhcb` put samples into a store, `clear` empties it, `eval
//! instant` and `eval range` run a query and state the expected result. Lines
//! are trimmed; one that begins with `#` is a comment and, like an empty line,
//! ends a command. Times count from the epoch.
//!
//! [`parse()`] reads a whole script; every command and every series knows its
//! line, from 1.

mod expect;
mod histogram;
mod parser;
mod scan;
mod sequence;
mod series;
mod start;
#[cfg(test)]
mod tests;
mod time;
mod tree;

pub use expect::{Expectations, TextMatch};
pub use histogram::{HistogramLiteral, ResetHint};
pub use parser::parse;
pub use sequence::{HistogramPoint, Point, SequenceItem};
pub(crate) use series::parse_series;
pub use series::{SeriesDescription, parse_metric};
pub use time::EvalTime;
pub use tree::{Command, CommandKind, Eval, Load, LoadSeries, Script, ScriptError};
