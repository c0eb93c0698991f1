//! How near two values must be.

/// How near two values must be. They are equal if they differ by at most the
/// margin, or by at most the fraction of the smaller one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// `fraction`; the suite's default is 0.00001.
    pub fraction: Option<f64>,
    /// `margin`; the suite's default is 0.
    pub margin: Option<f64>,
}
