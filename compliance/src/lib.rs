//! Does a server that speaks PromQL answer as Prometheus does, and how fast?
//!
//! - [`compare`] asks two [endpoints](endpoint) the same queries and finds the
//!   differences, [`report`] prints them. [`cases`] are the sources of queries,
//!   [`random`] makes some, [`shrink`] makes one smaller.
//! - [`mod@bench`] measures endpoints beside each other.
//! - [`run_files`] runs Prometheus's `.test` scripts on quarrel's engine,
//!   [`remote`] on another server; [`script`] reads them.
//! - [`mod@unit`] runs unit tests of rules, as `promtool test rules` does.
//!
//! The commands `quarrel compare`, `quarrel bench` and `quarrel test` are made of
//! it.
//!
//! # Two servers
//! ```no_run
//! use futures::StreamExt as _;
//! use quarrel_compliance::cases::{Case, Origin};
//! use quarrel_compliance::compare::{CompareOptions, Comparison};
//! use quarrel_compliance::endpoint::{Endpoint, EndpointOptions};
//! use quarrel_compliance::report::{Format, Report};
//! use quarrel_engine::{QueryTimes, Timestamp};
//!
//! # async fn compare() -> Result<(), Box<dyn std::error::Error>> {
//! let reference = Endpoint::new("http://127.0.0.1:9090", EndpointOptions::default())?;
//! let test = Endpoint::new("http://127.0.0.1:9091", EndpointOptions::default())?;
//! let comparison = Comparison::new(reference, test, CompareOptions::default());
//! let at = QueryTimes::Instant(Timestamp::from_secs(1_795_480_000));
//! let queries = ["up", "rate(up[5m])"].map(|text| (Case::new(text, Origin::default()), at));
//! let mut report = Report::new("prometheus", "mine", false);
//! let mut outcomes = std::pin::pin!(comparison.outcomes(queries));
//! while let Some(outcome) = outcomes.next().await {
//!     report.add(outcome);
//! }
//! report.write(Format::Text, &mut std::io::stdout())?;
//! assert_eq!(report.counts.different, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # A script
//! ```
//! use quarrel_compliance::{RunOptions, run_text};
//!
//! let script = r#"
//! load 1m
//!   http_requests_total{job="api"} 0+60x10
//!
//! eval instant at 10m rate(http_requests_total[5m])
//!   {job="api"} 1
//! "#;
//! let summary = run_text("example.test", script, &RunOptions::default())?;
//! assert_eq!((summary.passed, summary.failures.len()), (1, 0));
//! # Ok::<(), quarrel_engine::QueryError>(())
//! ```

mod almost;
pub mod answer;
pub mod bench;
pub mod cases;
pub mod compare;
pub mod endpoint;
mod histogram;
mod loaded;
mod nhcb;
pub mod random;
pub mod remote;
pub mod report;
mod run;
pub mod script;
pub mod shrink;
mod store;
mod syntax;
pub mod template;
pub mod unit;

pub use almost::almost_equal;
pub use run::{
    Failure, FileSummary, RunOptions, Skipped, StorageOver, Summary, run_files, run_text,
};
