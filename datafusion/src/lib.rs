//! PromQL in [DataFusion](https://datafusion.apache.org): answers of the
//! quarrel engine as tables of SQL, to be joined with any other table.
//!
//! - [`PromqlFunctions`]: the table functions `promql` and `promql_range`
//! - [`PromqlTable`]: one query as a table provider, to be registered by name
//! - [`query_stream`], [`answer_stream`]: answers as DataFusion's streams
//!
//! The rows are samples: labels, `timestamp`, `value`, `histogram`. See
//! [`SampleColumns`] for the types, and for labels as columns.
//!
//! ```sql
//! SELECT team, sum(value) AS cores
//! FROM promql('sum by (pod) (rate(cpu_seconds_total[5m]))', now(), 'pod') AS usage
//! JOIN inventory ON inventory.pod = usage.pod
//! GROUP BY team
//! ```
//!
//! Each scan runs the query anew: a table that SQL reads twice is computed
//! twice. The engine computes on its own threads within its own limits
//! ([`EngineOptions`](quarrel::EngineOptions)); DataFusion's memory pool does
//! not count an answer. A query is canceled when its stream is dropped.
//!
//! An error of a query comes as [`DataFusionError::External`], which
//! [`query_error`] finds again. Warnings and infos have no place in SQL:
//! [`PromqlTable::with_observer`] shows them, and `EXPLAIN ANALYZE` counts
//! them.
//!
//! This crate is for DataFusion 55 and Arrow 59.
//!
//! [`DataFusionError::External`]: datafusion_common::DataFusionError::External

mod arguments;
mod columns;
mod error;
mod exec;
mod functions;
mod query;
mod rows;
mod stream;
mod table;

pub use self::columns::SampleColumns;
pub use self::error::query_error;
pub use self::exec::PromqlExec;
pub use self::functions::PromqlFunctions;
pub use self::stream::{answer_stream, query_stream};
pub use self::table::PromqlTable;
