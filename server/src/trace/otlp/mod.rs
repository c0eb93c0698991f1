//! Traces by OpenTelemetry, exported by its protocol (OTLP).
//!
//! `config` reads the file, in Thanos's form. `exporter` sends spans, over gRPC or HTTP.
//! `tracer` is what requests begin their traces with, `spans` what they consist of, and
//! `ids` lets a span have a number that was told before it was made.

mod config;
mod exporter;
mod ids;
mod spans;
#[cfg(test)]
mod tests;
mod tracer;

pub use config::TracingError;
pub(crate) use spans::{CallContext, QuerySpan, Trace};
pub use tracer::Tracer;
