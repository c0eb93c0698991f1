//! The StoreAPI: series with encoded chunks. Times are milliseconds since the
//! Unix epoch.

use crate::labels::{Label, LabelMatcher};

/// Asks for series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SeriesRequest {
    /// First millisecond.
    #[prost(int64, tag = "1")]
    pub min_time: i64,
    /// Last millisecond.
    #[prost(int64, tag = "2")]
    pub max_time: i64,
    /// All must match.
    #[prost(message, repeated, tag = "3")]
    pub matchers: Vec<LabelMatcher>,
    /// The coarsest resolution of downsampled data, ms.
    #[prost(int64, tag = "4")]
    pub max_resolution_window: i64,
    /// Which aggregates of downsampled data are wanted.
    #[prost(enumeration = "Aggr", repeated, tag = "5")]
    pub aggregates: Vec<i32>,
    /// As `partial_response_strategy`, for old servers.
    #[prost(bool, tag = "6")]
    pub partial_response_disabled: bool,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "7")]
    pub partial_response_strategy: i32,
    /// Whether labels are enough.
    #[prost(bool, tag = "8")]
    pub skip_chunks: bool,
    /// `hintspb.SeriesRequestHints`.
    #[prost(message, optional, tag = "9")]
    pub hints: Option<Any>,
    /// Deprecated.
    #[prost(int64, tag = "10")]
    pub step: i64,
    /// Deprecated.
    #[prost(int64, tag = "11")]
    pub range: i64,
    /// What becomes of the series.
    #[prost(message, optional, tag = "12")]
    pub query_hints: Option<QueryHints>,
    /// Which of several shards is asked for.
    #[prost(message, optional, tag = "13")]
    pub shard_info: Option<ShardInfo>,
    /// Labels that the answer leaves out.
    #[prost(string, repeated, tag = "14")]
    pub without_replica_labels: Vec<String>,
    /// At most so many series; 0 for all.
    #[prost(int64, tag = "15")]
    pub limit: i64,
    /// Series a message; 0 or 1 for messages of one.
    #[prost(int64, tag = "16")]
    pub response_batch_size: i64,
}

/// What a query does with series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryHints {
    /// The step of a range query, ms.
    #[prost(int64, tag = "1")]
    pub step_millis: i64,
    /// The function above the selector.
    #[prost(message, optional, tag = "2")]
    pub func: Option<Func>,
    /// The aggregation above the selector.
    #[prost(message, optional, tag = "4")]
    pub grouping: Option<Grouping>,
    /// The range of the selector.
    #[prost(message, optional, tag = "5")]
    pub range: Option<Range>,
    /// Labels that are needed, or are not.
    #[prost(string, repeated, tag = "6")]
    pub projection_labels: Vec<String>,
    /// Whether they are needed.
    #[prost(bool, tag = "7")]
    pub projection_include: bool,
}

/// A function or an aggregation.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Func {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// By what is aggregated.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Grouping {
    /// `by`, else `without`.
    #[prost(bool, tag = "1")]
    pub by: bool,
    /// The labels.
    #[prost(string, repeated, tag = "3")]
    pub labels: Vec<String>,
}

/// A range selector's range.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Range {
    /// Milliseconds.
    #[prost(int64, tag = "1")]
    pub millis: i64,
}

/// One of several shards of all series, by a hash of labels.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ShardInfo {
    /// Which one, from 0.
    #[prost(int64, tag = "1")]
    pub shard_index: i64,
    /// Of how many.
    #[prost(int64, tag = "2")]
    pub total_shards: i64,
    /// Whether `labels` are hashed, else all others.
    #[prost(bool, tag = "3")]
    pub by: bool,
    /// Labels.
    #[prost(string, repeated, tag = "4")]
    pub labels: Vec<String>,
}

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum Aggr {
    /// Samples.
    Raw = 0,
    /// The number of samples in each window.
    Count = 1,
    /// Their sum.
    Sum = 2,
    /// The least.
    Min = 3,
    /// The greatest.
    Max = 4,
    /// A counter with its resets applied.
    Counter = 5,
}

/// What a failing part of an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum PartialResponseStrategy {
    /// A warning.
    Warn = 0,
    /// An error.
    Abort = 1,
}

/// A frame of the answer.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SeriesResponse {
    /// What it holds.
    #[prost(oneof = "SeriesResult", tags = "1, 2, 3, 4")]
    pub result: Option<SeriesResult>,
}

/// What a frame of the answer holds.
#[derive(Clone, PartialEq, ::prost::Oneof)]
pub enum SeriesResult {
    /// A series, or a part of one.
    #[prost(message, tag = "1")]
    Series(Series),
    /// A warning.
    #[prost(string, tag = "2")]
    Warning(String),
    /// `hintspb.SeriesResponseHints`.
    #[prost(message, tag = "3")]
    Hints(Any),
    /// Several series.
    #[prost(message, tag = "4")]
    Batch(SeriesBatch),
}

/// A series with chunks.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Series {
    /// The labels, sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The chunks, in any order; they may overlap.
    #[prost(message, repeated, tag = "2")]
    pub chunks: Vec<AggrChunk>,
}

/// Several series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct SeriesBatch {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub series: Vec<Series>,
}

/// Samples or aggregates of one range of time.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct AggrChunk {
    /// First millisecond.
    #[prost(int64, tag = "1")]
    pub min_time: i64,
    /// Last millisecond.
    #[prost(int64, tag = "2")]
    pub max_time: i64,
    /// Samples.
    #[prost(message, optional, tag = "3")]
    pub raw: Option<Chunk>,
    /// The number of samples in each window.
    #[prost(message, optional, tag = "4")]
    pub count: Option<Chunk>,
    /// Their sum.
    #[prost(message, optional, tag = "5")]
    pub sum: Option<Chunk>,
    /// The least.
    #[prost(message, optional, tag = "6")]
    pub min: Option<Chunk>,
    /// The greatest.
    #[prost(message, optional, tag = "7")]
    pub max: Option<Chunk>,
    /// A counter with its resets applied.
    #[prost(message, optional, tag = "8")]
    pub counter: Option<Chunk>,
}

/// An encoded chunk.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Chunk {
    /// How it is encoded.
    #[prost(enumeration = "ChunkEncoding", tag = "1")]
    pub r#type: i32,
    /// Its bytes, without length, encoding and checksum.
    #[prost(bytes = "bytes", tag = "2")]
    pub data: ::prost::bytes::Bytes,
    /// xxhash of the data, 0 if it is not known.
    #[prost(uint64, tag = "3")]
    pub hash: u64,
}

/// How a chunk is encoded. The numbers are not Prometheus's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum ChunkEncoding {
    /// Floats.
    Xor = 0,
    /// Integer histograms.
    Histogram = 1,
    /// Float histograms.
    FloatHistogram = 2,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Any {
    /// The type's name.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: ::prost::bytes::Bytes,
}

/// Asks for label names.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelNamesRequest {
    /// As `partial_response_strategy`, for old servers.
    #[prost(bool, tag = "1")]
    pub partial_response_disabled: bool,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "2")]
    pub partial_response_strategy: i32,
    /// First millisecond.
    #[prost(int64, tag = "3")]
    pub start: i64,
    /// Last millisecond.
    #[prost(int64, tag = "4")]
    pub end: i64,
    /// `hintspb.LabelNamesRequestHints`.
    #[prost(message, optional, tag = "5")]
    pub hints: Option<Any>,
    /// All must match.
    #[prost(message, repeated, tag = "6")]
    pub matchers: Vec<LabelMatcher>,
    /// Labels that the answer leaves out.
    #[prost(string, repeated, tag = "7")]
    pub without_replica_labels: Vec<String>,
    /// At most so many names; 0 for all.
    #[prost(int64, tag = "8")]
    pub limit: i64,
}

/// Label names.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelNamesResponse {
    /// The names, sorted.
    #[prost(string, repeated, tag = "1")]
    pub names: Vec<String>,
    /// Warnings.
    #[prost(string, repeated, tag = "2")]
    pub warnings: Vec<String>,
    /// `hintspb.LabelNamesResponseHints`.
    #[prost(message, optional, tag = "3")]
    pub hints: Option<Any>,
}

/// Asks for the values of a label.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelValuesRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub label: String,
    /// As `partial_response_strategy`, for old servers.
    #[prost(bool, tag = "2")]
    pub partial_response_disabled: bool,
    /// What a failing part means.
    #[prost(enumeration = "PartialResponseStrategy", tag = "3")]
    pub partial_response_strategy: i32,
    /// First millisecond.
    #[prost(int64, tag = "4")]
    pub start: i64,
    /// Last millisecond.
    #[prost(int64, tag = "5")]
    pub end: i64,
    /// `hintspb.LabelValuesRequestHints`.
    #[prost(message, optional, tag = "6")]
    pub hints: Option<Any>,
    /// All must match.
    #[prost(message, repeated, tag = "7")]
    pub matchers: Vec<LabelMatcher>,
    /// Labels that the answer leaves out.
    #[prost(string, repeated, tag = "8")]
    pub without_replica_labels: Vec<String>,
    /// At most so many values; 0 for all.
    #[prost(int64, tag = "9")]
    pub limit: i64,
}

/// Values of a label.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelValuesResponse {
    /// The values, sorted.
    #[prost(string, repeated, tag = "1")]
    pub values: Vec<String>,
    /// Warnings.
    #[prost(string, repeated, tag = "2")]
    pub warnings: Vec<String>,
    /// `hintspb.LabelValuesResponseHints`.
    #[prost(message, optional, tag = "3")]
    pub hints: Option<Any>,
}
