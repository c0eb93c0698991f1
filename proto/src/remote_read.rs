//! Prometheus's remote read: queries of samples by HTTP, answered with samples or with
//! encoded chunks. Times are milliseconds since the Unix epoch.

pub mod frames;
pub mod response;

use crate::labels::{Label, LabelMatcher};
use crate::samples::TimeSeries;

/// The content type of requests, and of answers with samples. Both are compressed by
/// Snappy.
pub const PROTOBUF: &str = "application/x-protobuf";

/// The content type of answers with chunks, which come in [`frames`].
pub const STREAMED: &str = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

/// Asks for series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReadRequest {
    /// What is asked for.
    #[prost(message, repeated, tag = "1")]
    pub queries: Vec<Query>,
    /// Forms of the answer that the client reads, the best first; samples if there is
    /// none.
    #[prost(enumeration = "ResponseType", repeated, tag = "2")]
    pub accepted_response_types: Vec<i32>,
}

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum ResponseType {
    /// One [`ReadResponse`].
    Samples = 0,
    /// A [`ChunkedReadResponse`] a frame. It holds histograms, too.
    StreamedXorChunks = 1,
}

/// A query of series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Query {
    /// First millisecond.
    #[prost(int64, tag = "1")]
    pub start_timestamp_ms: i64,
    /// Last millisecond.
    #[prost(int64, tag = "2")]
    pub end_timestamp_ms: i64,
    /// All must match.
    #[prost(message, repeated, tag = "3")]
    pub matchers: Vec<LabelMatcher>,
    /// What becomes of the series.
    #[prost(message, optional, tag = "4")]
    pub hints: Option<ReadHints>,
}

/// What a query does with series.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReadHints {
    /// The step of a range query.
    #[prost(int64, tag = "1")]
    pub step_ms: i64,
    /// The function or aggregation above the selector; `series` where labels are enough.
    #[prost(string, tag = "2")]
    pub func: String,
    /// First millisecond.
    #[prost(int64, tag = "3")]
    pub start_ms: i64,
    /// Last millisecond.
    #[prost(int64, tag = "4")]
    pub end_ms: i64,
    /// By what is aggregated.
    #[prost(string, repeated, tag = "5")]
    pub grouping: Vec<String>,
    /// Whether `grouping` is `by`, else `without`.
    #[prost(bool, tag = "6")]
    pub by: bool,
    /// The range of a range selector.
    #[prost(int64, tag = "7")]
    pub range_ms: i64,
}

/// An answer with samples.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ReadResponse {
    /// One for each query, in their order.
    #[prost(message, repeated, tag = "1")]
    pub results: Vec<QueryResult>,
}

/// The series that a query has found.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct QueryResult {
    /// The series, in any order.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// A frame of an answer with chunks.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ChunkedReadResponse {
    /// The series; Prometheus puts one into a frame.
    #[prost(message, repeated, tag = "1")]
    pub chunked_series: Vec<ChunkedSeries>,
    /// The number of the query.
    #[prost(int64, tag = "2")]
    pub query_index: i64,
}

/// A series, or a part of one.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct ChunkedSeries {
    /// The labels, sorted by name.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The chunks in order of their first sample; they may overlap.
    #[prost(message, repeated, tag = "2")]
    pub chunks: Vec<Chunk>,
}

/// An encoded chunk.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Chunk {
    /// Time of the first sample.
    #[prost(int64, tag = "1")]
    pub min_time_ms: i64,
    /// Time of the last sample.
    #[prost(int64, tag = "2")]
    pub max_time_ms: i64,
    /// How it is encoded.
    #[prost(enumeration = "ChunkEncoding", tag = "3")]
    pub r#type: i32,
    /// Its bytes, without length, encoding and checksum.
    #[prost(bytes = "bytes", tag = "4")]
    pub data: ::prost::bytes::Bytes,
}

/// How a chunk is encoded, in the numbers of Prometheus's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum ChunkEncoding {
    /// None.
    Unknown = 0,
    /// Floats.
    Xor = 1,
    /// Integer histograms.
    Histogram = 2,
    /// Float histograms.
    FloatHistogram = 3,
    /// Floats, with or without start timestamps.
    Xor2 = 4,
    /// Integer histograms with start timestamps.
    HistogramSt = 5,
    /// Float histograms with start timestamps.
    FloatHistogramSt = 6,
}
