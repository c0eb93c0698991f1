//! quarrel is a PromQL engine: it takes a query and a storage, compiles the
//! query into batch operators over [Arrow](https://arrow.apache.org/) arrays,
//! and runs them on all cores. Every answer, error, warning and info is the
//! one that Prometheus 3.16 gives.
//!
//! It is for programs that hold time series and want PromQL over them: a
//! storage is [three traits](#a-storage-of-your-own), some hundred lines for a
//! small one. Series in memory and Prometheus data directories come along.
//!
//! # A first query
//!
//! ```toml
//! [dependencies]
//! quarrel = "0.1"
//! tokio = { version = "1", features = ["rt", "time", "macros"] }
//! ```
//!
//! An [`Engine`] owns the threads that compute, and the limits: make one for a
//! process. [`Engine::prepare`] parses and checks a text once; a [`Prepared`]
//! makes a [`Query`] for each run, at one time or over a range of times. A
//! [`QueryGroup`] runs many, the rules of a group for example, on one snapshot.
#![cfg_attr(feature = "memory", doc = "```")]
#![cfg_attr(not(feature = "memory"), doc = "```ignore")]
//! use std::sync::Arc;
//! use quarrel::storage::memory::MemoryStorage;
//! use quarrel::{Engine, QueryOptions, Timestamp};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let memory = MemoryStorage::new();
//! for (job, growth) in [("api", 30.0), ("web", 6.0)] {
//!     let labels = [("__name__", "requests_total"), ("job", job)];
//!     let minutes = (0..=10).map(|minute| minute * 60_000).collect();
//!     memory.append_series(labels, minutes, (0..=10).map(|i| growth * f64::from(i)).collect())?;
//! }
//!
//! let engine = Engine::builder().build()?;
//! let query = engine.prepare("sum by (job) (rate(requests_total[5m]))")?;
//! let at = Timestamp::from_secs(600);
//! let result = query.instant(Arc::new(memory), at, QueryOptions::new()).execute().await?;
//! let series = result.value.as_vector().expect("sum gives a vector").to_series();
//! assert_eq!(series[0].labels, [("job".to_string(), "api".to_string())]);
//! assert_eq!(series[0].points[0].value.as_float(), Some(0.5));
//! # Ok(())
//! # }
//! ```
//!
//! # A storage of your own
//!
//! [`Storage::snapshot`] gives one consistent view for a query,
//! [`Snapshot::select`] the labels of the series that match, and a
//! [`SeriesSource`] their samples as [`Chunk`]s: plain columns, a column with
//! gaps over timestamps that all series share, or chunks as Prometheus encodes
//! them, native histograms included.
//!
//! [`Storage::snapshot`]: storage::Storage::snapshot
//! [`Snapshot::select`]: storage::Snapshot::select
//! [`SeriesSource`]: storage::SeriesSource
//! [`Chunk`]: storage::Chunk
//!
//! ```
//! use std::future::ready;
//! use std::sync::Arc;
//! use quarrel::labels::{Label, LabelList};
//! use quarrel::storage::{
//!     BoxFuture, Chunk, LabelsRequest, Matcher, SelectRequest, Selected, SeriesSource, Snapshot,
//!     Storage, StorageError, TimeRange,
//! };
//!
//! /// A store of one series, whose value at each minute of an hour is the minute.
//! #[derive(Clone)]
//! struct Clock;
//!
//! type Answer<'a, T> = BoxFuture<'a, Result<T, StorageError>>;
//!
//! impl Storage for Clock {
//!     fn snapshot(&self, _: TimeRange) -> Answer<'_, Arc<dyn Snapshot>> {
//!         Box::pin(ready(Ok(Arc::new(self.clone()) as Arc<dyn Snapshot>)))
//!     }
//! }
//!
//! impl Snapshot for Clock {
//!     fn select<'a>(&'a self, request: SelectRequest<'a>) -> Answer<'a, Selected> {
//!         let mut labels = LabelList::new();
//!         let matches = |m: &Matcher| m.matches(if m.name() == "__name__" { "minute" } else { "" });
//!         if request.matchers.iter().all(matches) {
//!             let (name, value) = (request.symbols.intern("__name__"), request.symbols.intern("minute"));
//!             labels.push([Label { name, value }]);
//!         }
//!         Box::pin(ready(Ok(Selected::new(labels, Arc::new(self.clone())))))
//!     }
//!
//!     fn label_names<'a>(&'a self, _: LabelsRequest<'a>) -> Answer<'a, Vec<String>> {
//!         Box::pin(ready(Ok(vec!["__name__".to_string()])))
//!     }
//!
//!     fn label_values<'a>(
//!         &'a self,
//!         _: &'a str,
//!         _: LabelsRequest<'a>,
//!     ) -> Answer<'a, Vec<String>> {
//!         Box::pin(ready(Ok(vec!["minute".to_string()])))
//!     }
//! }
//!
//! impl SeriesSource for Clock {
//!     fn chunks(&self, _row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
//!         let minutes: Vec<i64> = (0..60).collect();
//!         let timestamps: Vec<i64> = minutes.iter().map(|minute| minute * 60_000).collect();
//!         let values: Vec<f64> = minutes.iter().map(|&minute| minute as f64).collect();
//!         out.push(Chunk::floats(timestamps, values));
//!         Ok(())
//!     }
//! }
//!
//! # use quarrel::{Engine, QueryOptions, Timestamp};
//! # let query = Engine::builder().build()?.prepare("max_over_time(minute[10m])")?;
//! # let query = query.instant(Arc::new(Clock), Timestamp::from_secs(1800), QueryOptions::new());
//! # let result = futures::executor::block_on(query.execute())?;
//! # let series = result.value.as_vector().expect("a vector").to_series();
//! # assert_eq!(series[0].points[0].value.as_float(), Some(30.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `quarrel::storage::conformance` (feature `conformance`) is a test suite for
//! a storage.
//!
//! # Arrow out
//!
//! A [`SeriesSet`] keeps its samples in the columns in which they were
//! computed. [`SeriesSet::to_arrow`] gives a record batch of Arrow 59, which
//! [`arrow`] re-exports:
//!
//! ```
//! use quarrel::SeriesSet;
//! use quarrel::arrow::arrow_array::RecordBatch;
//! use quarrel::arrow::arrow_schema::ArrowError;
//!
//! fn rows(answer: &SeriesSet) -> Result<usize, ArrowError> {
//!     let batch: RecordBatch = answer.to_arrow()?;
//!     Ok(batch.num_rows())
//! }
//! ```
//!
//! # Limits and errors
//!
//! [`EngineOptions`] bound what queries may take (time, samples, bytes,
//! series, queries at once); [`QueryOptions`] lower the bounds for one query.
//! A query can be ended from elsewhere by its [`CancelHandle`] or by dropping
//! its future. Each failure is a [`QueryError`]: it knows its class in
//! Prometheus's HTTP API, its place in the query, and what may help.
//!
//! ```
//! use quarrel::{Engine, ErrorClass};
//!
//! let engine = Engine::builder().max_series(10_000).build()?;
//! let text = "sum(rat(up[5m]))";
//! let error = engine.prepare(text).unwrap_err();
//! assert_eq!(error.class(), ErrorClass::BadData);
//! assert_eq!(
//!     error.render(text),
//!     r#"1:5: parse error: unknown function with name "rat"
//!   sum(rat(up[5m]))
//!       ^^^
//! hint: did you mean `rate`?"#
//! );
//! # Ok::<(), quarrel::QueryError>(())
//! ```
//!
//! # Features
//!
//! | feature | gives | default |
//! | --- | --- | --- |
//! | `memory` | `storage::memory`: the program's own series | yes |
//! | `tsdb` | `storage::tsdb`: a Prometheus data directory, read as it is on disk | no |
//! | `store_api` | `storage::store_api`: servers that speak Thanos's StoreAPI, such as sidecars and store gateways | no |
//! | `remote_read` | `storage::remote_read`: servers that speak Prometheus's remote read, and `storage::http_client`, their settings | no |
//! | `fanout` | `storage::fanout`: one storage over several | no |
//! | `bucket` | `storage::bucket`: blocks in object storage, as Thanos keeps them | no |
//! | `conformance` | `storage::conformance`: a test suite for a storage | no |
//!
//! With any store comes `storage::replicas`: a storage over another one, in which series
//! that differ in replica labels alone are one.
//!
//! # Where to read on
//!
//! - [The guide](https://github.com/quarrel-engine/quarrel/blob/main/docs/embedding.md)
//!   goes through programs that are tested: answers, limits, cancellation,
//!   explain, a storage with an index.
//! - [Compatibility](https://github.com/quarrel-engine/quarrel/blob/main/docs/compatibility.md)
//!   lists every known difference from Prometheus.
//! - [Architecture](https://github.com/quarrel-engine/quarrel/blob/main/docs/architecture.md)
//!   says how it works.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(no_inline)]
pub use promql::{ParseError, ParserOptions, Span};
pub use quarrel_engine::{
    ArrowForm, ArrowLayout, CancelHandle, Engine, EngineOptions, ErrorClass, Explanation, Found,
    LimitError, Lookup, MemoryPool, PerStepStats, Point, Points, Prepared, Progress, Query,
    QueryError, QueryGroup, QueryOptions, QueryRange, QueryResult, QueryStats, QueryStream,
    QueryTimes, RangeError, Reservation, RuleTrace, SampleValue, Series, SeriesIter, SeriesLabels,
    SeriesRef, SeriesSet, SubqueryStep, Timestamp, Trailer, Value,
};
pub use quarrel_engine::{histogram, labels};

/// The language: syntax tree, parser, printers, and the table of functions.
pub mod promql {
    pub use quarrel_functions::table as functions;
    pub use quarrel_functions::table::ValueType;
    pub use quarrel_matchers::{MatchOp, Matcher, RegexBudget, RegexError, RegexErrorKind};
    pub use quarrel_planner::ast::{self, Expr, Span};
    pub use quarrel_planner::literal::parse_duration;
    pub use quarrel_planner::{
        AllowedModifiers, DisabledModifier, JsonTree, ParseError, ParserOptions, Tree,
        format_duration, parse, parse_metric_selector, to_json, to_pretty, to_promql,
    };
}

/// What quarrel asks of a store, and the stores that come along, each behind a
/// feature of its name.
pub mod storage {
    pub use quarrel_engine::PinnedStorage;
    pub use quarrel_engine::storage::*;
    #[cfg(feature = "bucket")]
    #[cfg_attr(docsrs, doc(cfg(feature = "bucket")))]
    pub use quarrel_storage::bucket;
    #[cfg(feature = "fanout")]
    #[cfg_attr(docsrs, doc(cfg(feature = "fanout")))]
    pub use quarrel_storage::fanout;
    #[cfg(feature = "memory")]
    #[cfg_attr(docsrs, doc(cfg(feature = "memory")))]
    pub use quarrel_storage::memory;
    #[cfg(any(
        feature = "memory",
        feature = "tsdb",
        feature = "store_api",
        feature = "remote_read",
        feature = "bucket"
    ))]
    #[cfg_attr(
        docsrs,
        doc(cfg(any(
            feature = "memory",
            feature = "tsdb",
            feature = "store_api",
            feature = "remote_read",
            feature = "bucket"
        )))
    )]
    pub use quarrel_storage::replicas;
    #[cfg(any(feature = "store_api", feature = "bucket"))]
    #[cfg_attr(docsrs, doc(cfg(any(feature = "store_api", feature = "bucket"))))]
    pub use quarrel_storage::shard;
    #[cfg(feature = "store_api")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store_api")))]
    pub use quarrel_storage::store_api;
    #[cfg(feature = "tsdb")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tsdb")))]
    pub use quarrel_storage::tsdb;
    #[cfg(feature = "conformance")]
    #[cfg_attr(docsrs, doc(cfg(feature = "conformance")))]
    pub use quarrel_storage::{conformance, conformance_tests};
    #[cfg(feature = "remote_read")]
    #[cfg_attr(docsrs, doc(cfg(feature = "remote_read")))]
    pub use quarrel_storage::{http_client, remote_read};
}

/// The crates of Arrow whose types are part of this API, in version 59: use
/// these, or the same major version.
pub mod arrow {
    pub use arrow_array;
    pub use arrow_buffer;
    pub use arrow_schema;
}
