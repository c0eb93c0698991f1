//! Approximate equality of floats, as in `util/almost` of Prometheus.

use quarrel_functions::window::STALE_NAN_BITS;

/// The relative difference that is allowed.
const EPSILON: f64 = 0.000_001;

/// Whether two values differ by less than a millionth of their sum. NaN equals
/// NaN, but a stale marker only another one.
pub fn almost_equal(a: f64, b: f64) -> bool {
    let stale = |v: f64| v.to_bits() == STALE_NAN_BITS;
    if stale(a) || stale(b) {
        return stale(a) && stale(b);
    }
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_millionth_of_the_sum() {
        let stale = f64::from_bits(STALE_NAN_BITS);
        assert!(almost_equal(1.0, 1.000_001_9));
        assert!(!almost_equal(1.0, 1.000_002_1));
        assert!(almost_equal(-1e300, -1.000_001e300));
        assert!(!almost_equal(1.0, -1.0));
        assert!(!almost_equal(0.0, 1e-300));
        assert!(almost_equal(0.0, -0.0));
        assert!(almost_equal(f64::NAN, f64::NAN));
        assert!(!almost_equal(f64::NAN, 1.0));
        assert!(almost_equal(stale, stale));
        assert!(!almost_equal(stale, f64::NAN));
        assert!(almost_equal(f64::INFINITY, f64::INFINITY));
        assert!(!almost_equal(f64::INFINITY, f64::NEG_INFINITY));
        assert!(!almost_equal(f64::INFINITY, f64::MAX));
        assert!(almost_equal(f64::MAX, f64::MAX * (1.0 - 1e-7)));
    }
}
