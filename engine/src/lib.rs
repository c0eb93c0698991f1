//! quarrel: a vectorized PromQL engine over Arrow arrays.

pub mod labels;
pub mod storage;
