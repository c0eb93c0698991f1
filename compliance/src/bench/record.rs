//! What was measured.

use quarrel_engine::{QueryRange, QueryTimes, Timestamp};
use serde::{Deserialize, Serialize};

/// All measurements of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The names of the endpoints.
    pub endpoints: Vec<String>,
    /// When it began, in milliseconds since the Unix epoch.
    pub begun_ms: i64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Warm rounds that were to be made.
    pub rounds: u32,
    /// Queries at a time.
    pub jobs: usize,
    /// The queries, as they were asked.
    pub queries: Vec<Asked>,
}

/// A query, and what each endpoint did with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// PromQL.
    pub query: String,
    /// Where it comes from.
    pub origin: String,
    /// When it was evaluated.
    pub times: Times,
    /// The endpoints, in the order of their names.
    pub sides: Vec<Side>,
}

/// The evaluation times of a query, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Times {
    /// At one time.
    Instant {
        /// The time.
        at_ms: i64,
    },
    /// At times a step apart.
    Range {
        /// The first one.
        start_ms: i64,
        /// None comes after it.
        end_ms: i64,
        /// The step.
        step_ms: i64,
    },
}

/// What one endpoint did with a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The first round, if it was answered.
    pub cold: Option<Timing>,
    /// The other rounds that were answered, in order.
    pub warm: Vec<Timing>,
    /// The rounds that were not.
    pub errors: Vec<Error>,
}

/// A request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// The round, 0 for the cold one.
    pub round: u32,
    /// From the request to the first byte of the body, in nanoseconds.
    pub first_byte_ns: u64,
    /// From the request to the last byte of the body, in nanoseconds.
    pub last_byte_ns: u64,
    /// Bytes of the body as they were sent.
    pub sent_bytes: u64,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Error {
    /// The round, 0 for the cold one.
    pub round: u32,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
    /// What went wrong.
    pub reason: String,
}

impl Record {
    /// Requests that were made.
    pub fn requests(&self) -> u64 {
        let sides = self.queries.iter().flat_map(|asked| &asked.sides);
        let each = sides
            .map(|side| usize::from(side.cold.is_some()) + side.warm.len() + side.errors.len());
        each.sum::<usize>() as u64
    }
}

impl From<QueryTimes> for Times {
    fn from(times: QueryTimes) -> Self {
        match times {
            QueryTimes::Instant(at) => Times::Instant {
                at_ms: at.as_millis(),
            },
            QueryTimes::Range(range) => Times::Range {
                start_ms: range.start().as_millis(),
                end_ms: range.end().as_millis(),
                step_ms: range.step_millis(),
            },
        }
    }
}

impl Times {
    /// The times that a query takes, if they are some.
    pub fn query_times(self) -> Option<QueryTimes> {
        match self {
            Times::Instant { at_ms } => Some(Timestamp::from_millis(at_ms).into()),
            Times::Range {
                start_ms,
                end_ms,
                step_ms,
            } => {
                let range = QueryRange::from_millis(start_ms..=end_ms, step_ms);
                range.ok().map(Into::into)
            }
        }
    }
}
