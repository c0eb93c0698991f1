//! The commands of a script.

use super::expect::Expectations;
use super::series::SeriesDescription;
use super::time::EvalTime;

/// A whole script.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// In the order in which they run.
    pub commands: Vec<Command>,
}

/// A command and its line.
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
    /// The distance between samples, ms.
    pub step_ms: i64,
    /// Whether classic histograms are loaded as native ones too
    /// (`load_with_nhcb`).
    pub with_nhcb: bool,
    /// The series. Of a repeated series the last one counts.
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

/// `eval` with its query and the expected result.
#[derive(Clone, Debug)]
pub struct Eval {
    /// The query's text.
    pub query: String,
    /// When it is evaluated.
    pub time: EvalTime,
    /// The expected result.
    pub expect: Expectations,
}

/// Why a script is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl ScriptError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        ScriptError {
            line,
            message: message.into(),
        }
    }
}
