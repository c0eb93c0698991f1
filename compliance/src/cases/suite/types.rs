//! What the files of the suite say.

use std::collections::BTreeMap;
use std::time::Duration;

use quarrel_engine::{QueryRange, RangeError, Timestamp};

use super::super::case::Case;
use super::tweaks::Tweak;

/// The suite's defaults: ten minutes that ended twelve minutes ago, a time each
/// ten seconds.
const AGE: i64 = 12 * 60_000;
const RANGE: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_secs(10);

/// Queries, endpoints, times and tweaks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    /// The queries, in the files' order, every variant of each. They have no
    /// times of their own.
    pub cases: Vec<Case>,
    /// `reference_target_config`
    pub reference: Option<Target>,
    /// `test_target_config`
    pub test: Option<Target>,
    /// `query_time_parameters`
    pub times: SuiteTimes,
    /// `query_tweaks`, in order.
    pub tweaks: Vec<Tweak>,
}

/// An endpoint, and how requests are made to it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// `query_url`: what `/api/v1/query_range` is appended to; may be empty.
    pub url: String,
    /// `basic_auth_user` and `basic_auth_pass`.
    pub basic_auth: Option<(String, String)>,
    /// `headers`. `Host` stands for the one that the URL gives.
    pub headers: BTreeMap<String, String>,
    /// `tsdb_path`: the folder of its data; no client needs it.
    pub tsdb_path: Option<String>,
}

/// Without its secrets.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let user = self.basic_auth.as_ref().map(|(user, _)| user);
        let headers: Vec<_> = self.headers.keys().collect();
        f.debug_struct("Target")
            .field("url", &self.url.rsplit('@').next())
            .field("basic_auth_user", &user)
            .field("headers", &headers)
            .field("tsdb_path", &self.tsdb_path)
            .finish()
    }
}

/// When the queries are asked, as far as the files say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuiteTimes {
    /// `end_time`
    pub end: Option<Timestamp>,
    /// `range_in_seconds`
    pub range: Option<Duration>,
    /// `resolution_in_seconds`
    pub step: Option<Duration>,
}

impl SuiteTimes {
    /// The times, with the suite's defaults where the files say nothing: ten
    /// minutes that ended twelve minutes before `now`, a time each ten seconds.
    ///
    /// # Errors
    /// If the step is shorter than a millisecond.
    pub fn resolve(&self, now: Timestamp) -> Result<QueryRange, RangeError> {
        let default = Timestamp::from_millis(now.as_millis().saturating_sub(AGE));
        let end = self.end.unwrap_or(default);
        let range = self.range.unwrap_or(RANGE).as_millis();
        let range = i64::try_from(range).unwrap_or(i64::MAX);
        let start = Timestamp::from_millis(end.as_millis().saturating_sub(range));
        QueryRange::new(start..=end, self.step.unwrap_or(STEP))
    }
}
