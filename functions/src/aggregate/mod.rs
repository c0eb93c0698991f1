//! Aggregation across series: one accumulator row a group.
//!
//! An [`Accumulator`] is a struct of arrays over the steps; adding a series is
//! one pass over its steps. Accumulators of disjoint sets of series merge, in
//! an order that the caller fixes, so that answers do not depend on threads.

mod accumulator;
mod extreme;
mod mean;
mod sum;
mod topk;
mod variance;
mod widen;

pub use accumulator::{Accumulator, AggregateFunction};
pub use topk::{KeepOrder, Selected, TopK, heap_order, limit_of, top_k};
