//! Functions over windows of one series' samples: one number a window.
//!
//! Samples are two columns, timestamps (ms, ascending) and values. Windows
//! are index ranges that [`compute_bounds`] finds in one pass. A kernel runs
//! along all steps of the series and writes into `out` and `present`. Each
//! function is a [`WindowFunction`] in the file of its kernel, and the table of
//! functions ([`crate::table`]) names it.
//!
//! Short windows are computed directly, in Prometheus's order of operations,
//! and give its bits. Long windows that overlap would cost their length at each
//! step; where that is much, kernels switch to sliding states of constant work
//! a step (`sliding.rs`, `order.rs`). Those never subtract what they added, so
//! they lose no precision, but the last bits may differ.

mod areas;
mod avx2;
mod bounds;
mod extended;
mod extension;
mod extrapolation;
pub(crate) mod extreme;
mod function;
mod input;
mod instant;
pub(crate) mod integral;
mod keys;
mod lanes;
mod moments;
mod native;
mod neighbours;
pub(crate) mod order;
mod ranks;
pub(crate) mod rate;
pub(crate) mod regression;
mod scratch;
pub(crate) mod simple;
mod sliding;
pub(crate) mod smoothing;
mod start_timestamps;
pub(crate) mod sums;
mod trend;
pub(crate) mod variance;
mod weighted;

#[cfg(test)]
mod extended_tests;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use bounds::{Bounds, compute_bounds};
pub use extended::{extend_samples, smoothed};
pub use extension::Extension;
pub use function::{ParamBounds, WindowFunction};
pub use input::{ParamError, WindowInput};
pub use instant::{STALE_NAN_BITS, latest, latest_start, latest_timestamp};
pub use native::{
    HistogramInput, MixedInput, MixedOutput, WindowAnnotation, WindowAnnotations, smoothed_mixed,
};
pub use scratch::WindowScratch;
pub use weighted::weighted_average;
