//! What is measured, and how much is asked for it.

use std::fmt;
use std::time::Duration;

use quarrel_planner::format_duration;

/// How endpoints are measured.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchOptions {
    /// Warm rounds: how often each query is asked of each endpoint after the
    /// first time.
    pub rounds: u32,
    /// After this time no request is made any more.
    pub duration: Duration,
    /// How many queries are asked at a time, each of one endpoint after the
    /// other.
    pub jobs: usize,
    /// The most requests a second, over all endpoints; `None` for no limit.
    pub rate: Option<f64>,
}

/// Gentle to a system that others use: one request at a time, for five minutes
/// at most.
impl Default for BenchOptions {
    fn default() -> Self {
        BenchOptions {
            rounds: 10,
            duration: Duration::from_secs(300),
            jobs: 1,
            rate: None,
        }
    }
}

/// What a run takes at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Requests to all endpoints.
    pub requests: u64,
    /// Requests at a time.
    pub jobs: usize,
    /// When the last one is made.
    pub duration: Duration,
}

impl BenchOptions {
    /// What a run over so many queries and endpoints takes at most.
    pub fn budget(&self, queries: usize, endpoints: usize) -> Budget {
        let rounds = u64::from(self.rounds) + 1;
        let each = (queries as u64).saturating_mul(endpoints as u64);
        let requests = each.saturating_mul(rounds);
        Budget {
            requests,
            jobs: self.jobs,
            duration: self.duration,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget {
            requests,
            jobs,
            duration,
        } = self;
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let most = format_duration(ms);
        write!(
            f,
            "at most {requests} requests, {jobs} at a time, for at most {most}"
        )
    }
}
