//! Exemplars of series.

use crate::labels::LabelSet;
use crate::store::PartialResponseStrategy;

/// Asks for exemplars.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ExemplarsRequest {
    /// PromQL, whose selectors say which series.
    #[prost(string, tag = "1")]
    pub query: String,
    /// First millisecond.
    #[prost(int64, tag = "2")]
    pub start: i64,
    /// Last millisecond.
    #[prost(int64, tag = "3")]
    pub end: i64,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "4")]
    pub partial_response_strategy: i32,
}

/// A frame of the answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ExemplarsResponse {
    /// What it holds.
    #[prost(oneof = "ExemplarsResult", tags = "1, 2")]
    pub result: Option<ExemplarsResult>,
}

/// What a frame of the answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum ExemplarsResult {
    /// Exemplars of a series.
    #[prost(message, tag = "1")]
    Data(ExemplarData),
    /// A warning.
    #[prost(string, tag = "2")]
    Warning(String),
}

/// Exemplars of a series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ExemplarData {
    /// The series.
    #[prost(message, optional, tag = "1")]
    pub series_labels: Option<LabelSet>,
    /// Its exemplars.
    #[prost(message, repeated, tag = "2")]
    pub exemplars: Vec<Exemplar>,
}

/// An exemplar.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Exemplar {
    /// Its labels.
    #[prost(message, optional, tag = "1")]
    pub labels: Option<LabelSet>,
    /// The value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// Milliseconds since the Unix epoch.
    #[prost(int64, tag = "3")]
    pub ts: i64,
}
