//! PromQL's arithmetic: kernels over plain slices, and the one table in which
//! every function is declared. Knows nothing of plans, storage or async.
//!
//! Kernels write into slices they are given: `out`, one value a step, and
//! `present`, whether the step has a sample. Where `present` is false, `out`
//! means nothing.

pub mod aggregate;
pub mod elementwise;
pub mod fmt;
#[cfg(test)]
mod golden;
pub mod grid;
pub mod hash;
pub mod histogram;
pub mod kahan;
pub mod label;
pub mod natural;
mod paths;
pub mod quantile;
pub mod replicas;
pub mod table;
pub mod window;
