//! Window functions over series that hold native histograms, alone or among
//! floats.
//!
//! Floats and histograms of a series are columns of their own, and so are the
//! bounds of their windows. Windows without histograms are those of the float
//! kernels, which run first; kernels of this module correct the others after
//! that. A window whose histograms lie in one run of the column is a pass over
//! dense rows ([`RowWindows`](crate::histogram::native::RowWindows)), others go
//! by way of single histograms.

mod annotations;
pub(super) mod floats;
pub(super) mod instant;
mod output;
pub(super) mod pairs;
pub(super) mod rate;
mod runs;
pub(super) mod series;
pub(super) mod simple;
mod smoothed;
pub(super) mod sums;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

pub use annotations::{WindowAnnotation, WindowAnnotations};
pub use series::{HistogramInput, MixedInput, MixedOutput};
pub use smoothed::smoothed_mixed;
