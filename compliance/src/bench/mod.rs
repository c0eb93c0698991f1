//! Measures how long endpoints take to answer queries, beside each other.
//!
//! Each query is asked of all endpoints, one after the other, in rounds: endpoint
//! by endpoint before the next query, so that what disturbs one disturbs the
//! others, too, and each round begins with another endpoint. The first round is
//! cold and is told apart.
//!
//! A query's latency is the median of its warm rounds, with an interval of 95%
//! confidence from order statistics, which assumes nothing of the distribution.
//! Endpoints are compared by the geometric mean of the ratios of these medians;
//! its interval is a bootstrap's over the rounds, so it says how far the measured
//! ratio of this list of queries is to be trusted, not what other queries would
//! give.

mod baseline;
mod figures;
mod html;
mod json;
mod markdown;
mod options;
mod record;
mod run;
mod statistics;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub use baseline::{Change, Changes};
pub use json::BaselineError;
pub use options::{BenchOptions, Budget};
pub use record::{Asked, Error, Record, Side, Times, Timing};
pub use run::{Progress, run};
pub use statistics::{Interval, geometric_mean, median, median_interval, quantile, ratio_interval};
pub use summary::{Cell, Line, Summary, Total};
pub use write::{Format, UnknownFormat, write};
