//! quarrel: a vectorized PromQL engine over Arrow arrays.
//!
//! An [`Engine`] takes a query text and a [`storage::Storage`], compiles the
//! text into a physical plan of batch operators, runs the plan on all cores,
//! and answers as Prometheus does.

pub mod annotations;
pub mod batch;
mod bound;
mod engine;
mod error;
pub mod exec;
mod explain;
pub mod labels;
mod operators;
mod options;
mod physical_planner;
mod prepared;
mod query;
mod result;
mod root;
mod selections;
mod shared;
mod stats;
pub mod storage;
mod stream;

pub use engine::Engine;
pub use error::{ErrorClass, LimitError, QueryError};
pub use explain::{Explanation, RuleTrace};
pub use options::{EngineOptions, QueryOptions, SubqueryStep};
pub use prepared::Prepared;
pub use quarrel_functions::histogram::native as histogram;
pub use query::{CancelHandle, Progress, Query};
pub use result::{Point, QueryResult, SampleValue, Series, SeriesRef, SeriesSet, Value};
pub use stats::{PerStepStats, QueryStats};
pub use stream::{QueryStream, Trailer};
