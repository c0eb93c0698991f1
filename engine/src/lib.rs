//! quarrel: a vectorized PromQL engine over Arrow arrays.

pub mod annotations;
pub mod batch;
mod error;
pub mod exec;
pub mod labels;
mod operators;
mod options;
mod result;
mod stats;
pub mod storage;

pub use error::{ErrorClass, LimitError, QueryError};
pub use options::{EngineOptions, QueryOptions, SubqueryStep};
pub use result::{Point, QueryResult, SampleValue, Series, SeriesRef, SeriesSet, Value};
pub use stats::QueryStats;
