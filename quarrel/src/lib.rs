//! A vectorized PromQL engine over Arrow arrays.

pub use quarrel_engine::*;
