//! The Query API: PromQL over gRPC.

use crate::labels::LabelMatcher;
use crate::samples::TimeSeries;
use crate::store::ShardInfo;

/// Which of Thanos's engines is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum EngineType {
    /// The server's.
    Default = 0,
    /// Prometheus's.
    Prometheus = 1,
    /// Thanos's.
    Thanos = 2,
}

/// What a query cost.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryStats {
    /// Samples.
    #[prost(int64, tag = "1")]
    pub samples_total: i64,
    /// Samples held at a time.
    #[prost(int64, tag = "2")]
    pub peak_samples: i64,
}

/// Several series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct TimeSeriesBatch {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub series: Vec<TimeSeries>,
}

/// Stores that are asked.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct StoreMatchers {
    /// Matchers of their external labels, and of `__address__`.
    #[prost(message, repeated, tag = "1")]
    pub label_matchers: Vec<LabelMatcher>,
}

/// Thanos's logical plan.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryPlan {
    /// The plan.
    #[prost(oneof = "QueryPlanEncoding", tags = "1")]
    pub encoding: Option<QueryPlanEncoding>,
}

/// A plan's encoding.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum QueryPlanEncoding {
    /// JSON.
    #[prost(bytes = "bytes", tag = "1")]
    Json(::prost::bytes::Bytes),
}

/// An instant query.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryRequest {
    /// PromQL.
    #[prost(string, tag = "1")]
    pub query: String,
    /// The evaluation time, seconds; 0 for now.
    #[prost(int64, tag = "2")]
    pub time_seconds: i64,
    /// The timeout, seconds; 0 for the server's.
    #[prost(int64, tag = "3")]
    pub timeout_seconds: i64,
    /// The coarsest resolution, seconds.
    #[prost(int64, tag = "4")]
    pub max_resolution_seconds: i64,
    /// Replica labels; empty for the server's.
    #[prost(string, repeated, tag = "5")]
    pub replica_labels: Vec<String>,
    /// Which stores are asked.
    #[prost(message, repeated, tag = "6")]
    pub store_matchers: Vec<StoreMatchers>,
    /// Whether replicas are deduplicated.
    #[prost(bool, tag = "7")]
    pub enable_dedup: bool,
    /// Whether a failing store is a warning.
    #[prost(bool, tag = "8")]
    pub enable_partial_response: bool,
    /// Whether labels are enough.
    #[prost(bool, tag = "10")]
    pub skip_chunks: bool,
    /// Which of several shards is asked for.
    #[prost(message, optional, tag = "11")]
    pub shard_info: Option<ShardInfo>,
    /// The lookback, seconds; 0 for the server's.
    #[prost(int64, tag = "12")]
    pub lookback_delta_seconds: i64,
    /// Which engine.
    #[prost(enumeration = "EngineType", tag = "13")]
    pub engine: i32,
    /// The plan of `query`.
    #[prost(message, optional, tag = "14")]
    pub query_plan: Option<QueryPlan>,
    /// Series a message; 0 or 1 for messages of one.
    #[prost(int64, tag = "15")]
    pub response_batch_size: i64,
}

/// What a frame of an instant query's answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum QueryResult {
    /// A warning.
    #[prost(string, tag = "1")]
    Warnings(String),
    /// A series.
    #[prost(message, tag = "2")]
    Timeseries(TimeSeries),
    /// What the query cost.
    #[prost(message, tag = "3")]
    Stats(QueryStats),
    /// Several series.
    #[prost(message, tag = "4")]
    TimeseriesBatch(TimeSeriesBatch),
}

/// A frame of an instant query's answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryResponse {
    /// What it holds.
    #[prost(oneof = "QueryResult", tags = "1, 2, 3, 4")]
    pub result: Option<QueryResult>,
}

/// A range query.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryRangeRequest {
    /// PromQL.
    #[prost(string, tag = "1")]
    pub query: String,
    /// The first evaluation time, seconds.
    #[prost(int64, tag = "2")]
    pub start_time_seconds: i64,
    /// The end, seconds.
    #[prost(int64, tag = "3")]
    pub end_time_seconds: i64,
    /// The step, seconds.
    #[prost(int64, tag = "4")]
    pub interval_seconds: i64,
    /// The timeout, seconds; 0 for the server's.
    #[prost(int64, tag = "5")]
    pub timeout_seconds: i64,
    /// The coarsest resolution, seconds.
    #[prost(int64, tag = "6")]
    pub max_resolution_seconds: i64,
    /// Replica labels; empty for the server's.
    #[prost(string, repeated, tag = "7")]
    pub replica_labels: Vec<String>,
    /// Which stores are asked.
    #[prost(message, repeated, tag = "8")]
    pub store_matchers: Vec<StoreMatchers>,
    /// Whether replicas are deduplicated.
    #[prost(bool, tag = "9")]
    pub enable_dedup: bool,
    /// Whether a failing store is a warning.
    #[prost(bool, tag = "10")]
    pub enable_partial_response: bool,
    /// Whether labels are enough.
    #[prost(bool, tag = "12")]
    pub skip_chunks: bool,
    /// Which of several shards is asked for.
    #[prost(message, optional, tag = "13")]
    pub shard_info: Option<ShardInfo>,
    /// The lookback, seconds; 0 for the server's.
    #[prost(int64, tag = "14")]
    pub lookback_delta_seconds: i64,
    /// Which engine.
    #[prost(enumeration = "EngineType", tag = "15")]
    pub engine: i32,
    /// The plan of `query`.
    #[prost(message, optional, tag = "16")]
    pub query_plan: Option<QueryPlan>,
    /// Series a message; 0 or 1 for messages of one.
    #[prost(int64, tag = "17")]
    pub response_batch_size: i64,
}

/// What a frame of a range query's answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum QueryRangeResult {
    /// A warning.
    #[prost(string, tag = "1")]
    Warnings(String),
    /// A series.
    #[prost(message, tag = "2")]
    Timeseries(TimeSeries),
    /// What the query cost.
    #[prost(message, tag = "3")]
    Stats(QueryStats),
    /// Several series.
    #[prost(message, tag = "4")]
    TimeseriesBatch(TimeSeriesBatch),
}

/// A frame of a range query's answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryRangeResponse {
    /// What it holds.
    #[prost(oneof = "QueryRangeResult", tags = "1, 2, 3, 4")]
    pub result: Option<QueryRangeResult>,
}
