//! What is said between the table and the processes that it times: a line of
//! JSON each. The Go side is `compliance/go/benchchild`.

use serde::{Deserialize, Serialize};

/// A query's text and times.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Asked {
    pub query: String,
    pub start_ms: i64,
    pub end_ms: i64,
    /// 0 for an instant query.
    pub step_ms: i64,
}

/// Asks to run one query several times.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Request {
    #[serde(flatten)]
    pub asked: Asked,
    /// The data directory; the one of before is closed.
    pub data: String,
    /// The most runs, after one to warm up.
    pub runs: u32,
    /// The runs end after this time, or after three times of it if they are
    /// less than three. If the one to warm up took longer than 10 s, it is the
    /// only one.
    pub most_ms: u64,
    /// The most time for one run.
    pub timeout_ms: u64,
    /// Whether to run once more for the peak of memory.
    pub memory: bool,
    /// Opens the data anew before each run.
    pub cold: bool,
    /// Runs the query once for each number below this one, which stands for
    /// `#` in the text, and tells the mean; 0 for a text that stays.
    pub variants: u32,
    /// quarrel parses the text once, before all runs.
    pub prepared: bool,
    /// quarrel's threads; 0 for all cores.
    pub threads: usize,
    /// quarrel runs this one meanwhile, over and over.
    pub beside: Option<Heavy>,
}

/// A query that runs beside another one.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Heavy {
    #[serde(flatten)]
    pub asked: Asked,
    /// How often at once.
    pub times: u32,
}

/// What the runs of a request took.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Answer {
    /// The wall time of each run, from the text to the last row, ns.
    pub times_ns: Vec<u64>,
    /// Rows of the answer.
    pub rows: u64,
    /// Why there is none.
    #[serde(default)]
    pub error: String,
    /// Whether the error is that the time was over.
    #[serde(default)]
    pub timed_out: bool,
    /// The bytes that one run allocates.
    #[serde(default)]
    pub alloc_bytes: Option<u64>,
    /// The peak of anonymous memory above that of the idle process.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
}

/// The first line of a process.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Hello {
    /// What is timed, with its version.
    pub module: String,
    /// The compiler that built it, or the language's runtime.
    pub runtime: String,
    /// Threads that it may compute on.
    pub threads: usize,
}
