//! Prometheus's `.test` scripts as a typed tree.
//!
//! The language is that of `promql/promqltest` in Prometheus 3.16: `load` and
//! `load_with_nhcb` put samples into a store, `clear` empties it, `eval
//! instant` and `eval range` run a query and say what has to come out. Lines
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

pub use expect::{Expectations, TextMatch};
pub use histogram::{HistogramLiteral, ResetHint};
pub use parser::parse;
pub use sequence::{HistogramPoint, Point, SequenceItem};

/// A whole script.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In the order in which they run.
    pub commands: Vec<Command>,
}

/// A command and its place.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its first line, from 1.
    pub line: usize,
    /// What it does.
    pub kind: CommandKind,
}

/// What a command does.
#[derive(Clone, Debug)]
pub enum CommandKind {
    /// Forget all samples.
    Clear,
    /// Take samples.
    Load(Load),
    /// Run a query.
    Eval(Box<Eval>),
}

/// `load STEP` with its series.
#[derive(Clone, Debug)]
pub struct Load {
    /// The distance of two samples, ms.
    pub step_ms: i64,
    /// Whether classic histograms are loaded as native ones too
    /// (`load_with_nhcb`).
    pub with_nhcb: bool,
    /// The series. One that is given twice counts as it was given last.
    pub series: Vec<LoadSeries>,
}

/// A series of a `load`.
#[derive(Clone, Debug)]
pub struct LoadSeries {
    /// Its line, from 1.
    pub line: usize,
    /// Labels and values.
    pub description: SeriesDescription,
    /// The start timestamps of its `@st` line: for each value the distance
    /// from the sample's time, ms.
    pub start_offsets: Option<Vec<Option<i64>>>,
}

/// `metric{label="value"} 1 2+3x4 _ stale {{sum:1}}`
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesDescription {
    /// Names and values sorted by name; an empty value only without a name in
    /// front of the braces.
    pub labels: Vec<(String, String)>,
    /// The values as they are written.
    pub items: Vec<SequenceItem>,
}

impl SeriesDescription {
    /// The values one by one.
    ///
    /// # Errors
    /// When histograms in it cannot be added up.
    pub fn points(&self) -> Result<Vec<Point>, String> {
        let mut out = Vec::new();
        for item in &self.items {
            item.expand(&mut out)?;
        }
        Ok(out)
    }
}

/// `eval` with its query and what it expects.
#[derive(Clone, Debug)]
pub struct Eval {
    /// The query's text.
    pub query: String,
    /// When it is evaluated.
    pub time: EvalTime,
    /// What has to come out.
    pub expect: Expectations,
}

/// When a query is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvalTime {
    /// `instant at T`
    Instant {
        /// ms since the epoch.
        at_ms: i64,
    },
    /// `range from S to E step D`
    Range {
        /// ms since the epoch.
        start_ms: i64,
        /// ms since the epoch.
        end_ms: i64,
        /// ms.
        step_ms: i64,
    },
}

/// Why a script is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl ScriptError {
    pub(crate) fn new(line: usize, message: impl Into<String>) -> Self {
        ScriptError {
            line,
            message: message.into(),
        }
    }
}
