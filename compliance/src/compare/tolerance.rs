//! When two floats are equal.

/// How far equal floats may be apart. NaN equals NaN, and an infinity itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// As a fraction of the larger magnitude.
    pub relative: f64,
    /// The absolute floor: what is not farther apart is equal, such as the
    /// remains of sums that cancel out.
    pub absolute: f64,
}

impl Default for Tolerance {
    /// A billionth, and a floor of 1e-12.
    fn default() -> Self {
        Tolerance {
            relative: 1e-9,
            absolute: 1e-12,
        }
    }
}

impl Tolerance {
    /// Whether two values are equal.
    pub fn equal(&self, a: f64, b: f64) -> bool {
        if a == b || a.is_nan() && b.is_nan() {
            return true;
        }
        if !a.is_finite() || !b.is_finite() {
            return false;
        }
        let apart = (a - b).abs();
        apart <= self.absolute || apart <= self.relative * a.abs().max(b.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_values_are_equal() {
        let tolerance = Tolerance::default();
        let equal = |a, b| tolerance.equal(a, b);
        assert!(equal(1.0, 1.0 + 9e-10) && !equal(1.0, 1.0 + 2e-9));
        assert!(equal(1e300, 1e300 * (1.0 + 9e-10)) && !equal(1e300, -1e300));
        assert!(equal(0.0, 9e-13) && !equal(0.0, 2e-12) && equal(0.0, -0.0));
        assert!(equal(f64::NAN, -f64::NAN) && !equal(f64::NAN, 0.0));
        assert!(equal(f64::INFINITY, f64::INFINITY));
        assert!(!equal(f64::INFINITY, f64::NEG_INFINITY) && !equal(f64::INFINITY, f64::MAX));
        assert!(!equal(f64::MAX, f64::MIN));
    }
}
