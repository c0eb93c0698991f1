//! Runs Prometheus's `.test` scripts and its unit tests of rules on quarrel.
//!
//! [`script`] reads the language of scripts, [`run_files`] and [`run_text`] run
//! it. [`mod@unit`] runs the files of `promtool test rules`.
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
pub mod cases;
mod histogram;
mod nhcb;
mod run;
pub mod script;
mod store;
pub mod template;
pub mod unit;

pub use almost::almost_equal;
pub use run::{Failure, FileSummary, RunOptions, Summary, run_files, run_text};
