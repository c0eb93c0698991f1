//! What a server says of itself. Times are milliseconds since the Unix epoch.

use crate::labels::LabelSet;

/// Asks who is there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct InfoRequest {}

/// What a server is, and which APIs it has.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct InfoResponse {
    /// The external labels of its data.
    #[prost(message, repeated, tag = "1")]
    pub label_sets: Vec<LabelSet>,
    /// `sidecar`, `store`, `receive`, `rule`, `query`.
    #[prost(string, tag = "2")]
    pub component_type: String,
    /// The StoreAPI, if it is there.
    #[prost(message, optional, tag = "3")]
    pub store: Option<StoreInfo>,
    /// The API of rules, if it is there.
    #[prost(message, optional, tag = "4")]
    pub rules: Option<RulesInfo>,
    /// The API of metadata, if it is there.
    #[prost(message, optional, tag = "5")]
    pub metric_metadata: Option<MetricMetadataInfo>,
    /// The API of targets, if it is there.
    #[prost(message, optional, tag = "6")]
    pub targets: Option<TargetsInfo>,
    /// The API of exemplars, if it is there.
    #[prost(message, optional, tag = "7")]
    pub exemplars: Option<ExemplarsInfo>,
    /// The Query API, if it is there.
    #[prost(message, optional, tag = "8")]
    pub query: Option<QueryApiInfo>,
    /// The API of the status, if it is there.
    #[prost(message, optional, tag = "9")]
    pub status: Option<StatusInfo>,
}

/// What the StoreAPI has.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreInfo {
    /// First millisecond.
    #[prost(int64, tag = "1")]
    pub min_time: i64,
    /// Last millisecond.
    #[prost(int64, tag = "2")]
    pub max_time: i64,
    /// Whether it heeds `shard_info`.
    #[prost(bool, tag = "3")]
    pub supports_sharding: bool,
    /// Whether it heeds `without_replica_labels`.
    #[prost(bool, tag = "5")]
    pub supports_without_replica_labels: bool,
    /// The single databases behind it.
    #[prost(message, repeated, tag = "6")]
    pub tsdb_infos: Vec<TsdbInfo>,
}

/// A database.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TsdbInfo {
    /// Its external labels.
    #[prost(message, optional, tag = "1")]
    pub labels: Option<LabelSet>,
    /// First millisecond.
    #[prost(int64, tag = "2")]
    pub min_time: i64,
    /// Last millisecond.
    #[prost(int64, tag = "3")]
    pub max_time: i64,
}

/// Rules are there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct RulesInfo {}

/// Metadata is there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct MetricMetadataInfo {}

/// Targets are there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TargetsInfo {}

/// Exemplars are there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ExemplarsInfo {
    /// First millisecond.
    #[prost(int64, tag = "1")]
    pub min_time: i64,
    /// Last millisecond.
    #[prost(int64, tag = "2")]
    pub max_time: i64,
}

/// The Query API is there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryApiInfo {}

/// The API of the status is there.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StatusInfo {}
