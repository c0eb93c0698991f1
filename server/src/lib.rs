//! The `quarrel` program: PromQL on the command line, and Prometheus's HTTP
//! API over a data directory. Meaning and arithmetic are the engine's.

pub mod api;
pub mod cli;
pub mod features;
mod format;
pub mod http;
pub mod json;
mod metrics;
pub mod params;
mod progress;
pub mod time;
