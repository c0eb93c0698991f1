//! Quantiles and fractions of histograms.

pub mod classic;
