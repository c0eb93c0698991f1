//! The `quarrel` program: PromQL on the command line, and Prometheus's HTTP API
//! over a data directory. The engine defines what queries mean and computes
//! them.

pub mod api;
#[cfg(test)]
mod certificates_for_tests;
pub mod cli;
pub mod duration;
mod fanout;
pub mod features;
mod format;
pub mod grpc;
pub mod http;
pub mod json;
mod limits;
mod memory;
mod metrics;
pub mod net;
pub mod params;
mod progress;
mod reframe;
pub mod source;
pub mod stores;
mod target;
pub mod tenancy;
pub mod time;
pub mod trace;
pub mod web_config;
mod wire;
