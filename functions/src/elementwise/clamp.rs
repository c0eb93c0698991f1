//! `clamp`, `clamp_min`, `clamp_max`, `round`.

/// Keeps a value within `[min, max]`; `None` for an empty interval. NaN in any
/// place gives NaN.
#[inline]
pub fn clamp(value: f64, min: f64, max: f64) -> Option<f64> {
    if max < min {
        return None;
    }
    Some(if value.is_nan() || min.is_nan() || max.is_nan() {
        // An infinity decides before NaN does, as in Go's math.Min and Max.
        if max == f64::NEG_INFINITY || value == f64::NEG_INFINITY && !min.is_nan() {
            if min.is_nan() { f64::NAN } else { min }
        } else if min == f64::INFINITY {
            f64::INFINITY
        } else {
            f64::NAN
        }
    } else {
        min.max(max.min(value))
    })
}

/// Rounds to the nearest multiple, ties up.
#[inline]
pub fn round(value: f64, to_nearest: f64) -> f64 {
    // By the inverse, as the reference does for accuracy.
    let inverse = 1.0 / to_nearest;
    (value * inverse + 0.5).floor() / inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamps_and_rounds() {
        assert_eq!(clamp(5.0, 0.0, 3.0), Some(3.0));
        assert_eq!(clamp(5.0, 3.0, 0.0), None);
        assert!(clamp(f64::NAN, 0.0, 3.0).unwrap().is_nan());
        assert!(clamp(1.0, f64::NAN, 3.0).unwrap().is_nan());
        assert_eq!(round(2.5, 1.0), 3.0);
        assert_eq!(round(-2.5, 1.0), -2.0);
        assert_eq!(round(0.37, 0.1), 0.4);
    }
}
