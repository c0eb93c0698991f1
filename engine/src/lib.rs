//! quarrel: a vectorized PromQL engine over Arrow arrays.
//!
//! An [`Engine`] takes a query text and a [`storage::Storage`], compiles the
//! text into a physical plan of batch operators, runs the plan on all cores,
//! and answers as Prometheus does.

mod annotations;
mod batch;
mod bound;
mod cost;
mod engine;
mod error;
mod exec;
mod explain;
mod flow;
mod group;
pub mod labels;
mod lookup;
mod operator_tree;
mod operators;
mod options;
mod physical_planner;
mod pinned;
mod prepared;
mod query;
mod result;
mod root;
mod selections;
mod shared;
mod statement;
mod statements;
mod stats;
pub mod storage;
mod stream;
mod times;

pub use engine::Engine;
pub use error::{ErrorClass, LimitError, QueryError};
pub use exec::memory::{MemoryPool, Reservation};
pub use explain::{Explanation, RuleTrace};
pub use group::QueryGroup;
pub use lookup::{Found, Lookup, Selectors, SeriesLabels, SeriesReader};
pub use operator_tree::{OperatorReport, OperatorStats, OperatorTree};
pub use options::{EngineOptions, QueryOptions, SubqueryStep};
pub use pinned::PinnedStorage;
pub use prepared::Prepared;
pub use quarrel_functions::histogram::native as histogram;
pub use quarrel_planner::ast::{Expr, Span};
pub use quarrel_planner::{ParseError, ParserOptions};
pub use query::{CancelHandle, CostEstimate, Progress, Query};
pub use result::{
    ArrowForm, ArrowLayout, Point, Points, QueryResult, SampleValue, Series, SeriesIter, SeriesRef,
    SeriesSet, Trailer, Value,
};
pub use stats::{PerStepStats, QueryStats};
pub use stream::QueryStream;
pub use times::{QueryRange, QueryTimes, RangeError, Timestamp};
