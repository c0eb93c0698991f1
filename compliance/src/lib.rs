//! Runs Prometheus's `.test` scripts and its unit tests of rules on quarrel.
//!
//! [`script`] reads the language of scripts, [`run_files`] and [`run_text`] run
//! it. [`unit`] runs the files of `promtool test rules`.
//!
//! # Examples
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
pub use run::{Failure, FileSummary, RunOptions, Skipped, Summary, run_files, run_text};
