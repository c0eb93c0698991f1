//! Native histograms: counts of observations in sparse buckets.
//!
//! # Shape
//!
//! A [`Layout`] says where the buckets are; it is shared by all histograms
//! that have the same. A histogram is a row of counts, one for each column of
//! its layout: owned ([`Histogram`]), borrowed ([`HistogramRef`]), or one of
//! the rows of a dense matrix ([`HistogramRows`]), which is how chunks are
//! decoded and batches are made. Two operands of one layout are added column
//! by column; others take a slow path, which brings both to one layout: the
//! coarser schema, the wider zero bucket, the bounds that custom buckets have
//! in common.
//!
//! # Empty buckets
//!
//! Most results of Prometheus are compacted: empty buckets are removed from
//! each. Here rows of a matrix share a layout, so that they are only marked as
//! [`compact`](HistogramRef::compact), and empty buckets of such a row count
//! as absent wherever that makes a difference. Rows as they were stored are
//! not compact.
//!
//! # Order of additions
//!
//! Sums are made in the order of Prometheus, and compensated where it
//! compensates, so that results are the same to the bit, but for logarithms.

mod add;
mod bounds;
mod buckets;
mod column;
mod compact;
mod compensation;
mod extended;
mod fraction;
mod kahan;
mod layout;
mod mean;
mod merge;
mod quantile;
mod rate;
mod reset;
mod rows;
mod sign;
mod sliding;
mod steps;
mod text;
mod trim;
mod value;
mod variance;
mod windows;
mod zero;

#[cfg(test)]
pub(crate) mod tests;

pub use add::{Found, IncompatibleSchemas};
pub use buckets::ShownBucket;
pub use column::{HistogramColumn, StepHistograms};
pub use extended::{ExtendedWindow, extended_growth, interpolate};
pub use fraction::FractionAnnotation;
pub use kahan::SumOfHistograms;
pub use layout::{
    CUSTOM_SCHEMA, Layout, LayoutError, MAX_BUCKETS, MAX_SCHEMA, MIN_SCHEMA, spans_of,
};
pub use mean::MeanOfHistograms;
pub use quantile::QuantileAnnotation;
pub(crate) use rate::growth_between;
pub use rate::{Growth, GrowthAnnotations, growth, last_growth};
pub use rows::{HistogramRows, RowColumns};
pub use steps::{AggregatedSteps, HistogramSteps, StepAggregate};
pub use trim::Trim;
pub use value::{CounterReset, Histogram, HistogramRef, WrongWidth};
pub use windows::RowWindows;
