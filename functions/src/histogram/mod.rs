//! Quantiles and fractions of histograms, and the arithmetic of native ones.

pub mod classic;
pub mod native;
