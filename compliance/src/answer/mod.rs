//! Answers of Prometheus's HTTP API, in a form that can be compared.

mod labels;
mod read;
#[cfg(test)]
mod tests;
mod value;

pub use labels::Labels;
pub(crate) use value::seconds;
pub use value::{Answer, Bucket, Data, Failure, Histogram, Row, StepStats, Unreadable, Value};
