//! Metadata of metrics.

use crate::store::PartialResponseStrategy;

/// Asks for metadata.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MetricMetadataRequest {
    /// The metric; empty for all.
    #[prost(string, tag = "1")]
    pub metric: String,
    /// At most so many metrics; negative for all.
    #[prost(int32, tag = "2")]
    pub limit: i32,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "3")]
    pub partial_response_strategy: i32,
}

/// A frame of the answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MetricMetadataResponse {
    /// What it holds.
    #[prost(oneof = "MetricMetadataResult", tags = "1, 2")]
    pub result: Option<MetricMetadataResult>,
}

/// What a frame of the answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum MetricMetadataResult {
    /// Metadata.
    #[prost(message, tag = "1")]
    Metadata(MetricMetadata),
    /// A warning.
    #[prost(string, tag = "2")]
    Warning(String),
}

/// Metadata of metrics.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MetricMetadata {
    /// By the metric's name.
    #[prost(btree_map = "string, message", tag = "1")]
    pub metadata: ::std::collections::BTreeMap<String, MetricMetadataEntry>,
}

/// Metadata of a metric.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MetricMetadataEntry {
    /// What different targets say of it.
    #[prost(message, repeated, tag = "2")]
    pub metas: Vec<Meta>,
}

/// What a target says of a metric.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Meta {
    /// Its type.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// Its help text.
    #[prost(string, tag = "2")]
    pub help: String,
    /// Its unit.
    #[prost(string, tag = "3")]
    pub unit: String,
}
