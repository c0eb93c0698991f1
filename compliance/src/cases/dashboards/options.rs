//! What is asked of dashboards, and what they give.

use std::collections::BTreeMap;
use std::time::Duration;

use quarrel_engine::Timestamp;

use super::super::case::{Case, Origin};

/// How dashboards are looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the time range starts.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
    /// How many points a panel has room for, if it does not say so itself; the
    /// step follows from it.
    pub max_data_points: u32,
    /// The scrape interval that Grafana's data source is set to.
    pub scrape_interval: Duration,
    /// Values of variables by name, instead of those that the dashboards choose.
    pub variables: BTreeMap<String, Vec<String>>,
}

impl Options {
    /// A time range, with Grafana's defaults: 1000 points, a scrape interval of
    /// 15 s.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        Options {
            start,
            end,
            max_data_points: 1000,
            scrape_interval: Duration::from_secs(15),
            variables: BTreeMap::new(),
        }
    }

    pub(super) fn range_ms(&self) -> i64 {
        let (start, end) = (self.start.as_millis(), self.end.as_millis());
        end.saturating_sub(start).max(0)
    }
}

/// The queries of dashboards.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboards {
    /// Queries with times.
    pub cases: Vec<Case>,
    /// What is no query to ask, hidden ones aside.
    pub left_out: Vec<LeftOut>,
}

/// Something in a dashboard that is not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands.
    pub origin: Origin,
    /// Why it is left out.
    pub reason: Reason,
}

/// Why something in a dashboard is not asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Its data source is not Prometheus.
    #[error("is for the data source {0}")]
    OtherSource(String),
    /// It uses a variable that the dashboard does not have.
    #[error("uses {0:?}, which is no variable")]
    UnknownVariable(String),
    /// It uses a variable whose values are not known.
    #[error("uses the variable {name:?}: {problem}")]
    Unresolved {
        /// The variable.
        name: String,
        /// Why they are not known.
        problem: String,
    },
}
