//! `clamp` and its kin, `round`, `max_of`, `min_of`.

use crate::grid::Param;

/// Go's `math.Max`: positive infinity beats NaN, NaN beats numbers, and 0 is
/// above -0.
#[inline]
pub fn max_of(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// Go's `math.Min`: negative infinity beats NaN, NaN beats numbers, and -0 is
/// below 0.
#[inline]
pub fn min_of(a: f64, b: f64) -> f64 {
    -max_of(-a, -b)
}

/// A value within `[min, max]`.
#[inline]
pub fn clamped(value: f64, min: f64, max: f64) -> f64 {
    max_of(min, min_of(max, value))
}

/// Keeps values within `[min, max]`; takes samples out where that is empty.
pub fn clamp(
    values: &mut [f64],
    present: &mut [bool],
    min: Param<'_>,
    max: Param<'_>,
    first_step: usize,
) {
    for (i, (value, present)) in values.iter_mut().zip(present).enumerate() {
        let (min, max) = (min.at(first_step + i), max.at(first_step + i));
        let empty = max < min;
        *present &= !empty;
        *value = clamped(*value, min, max);
    }
}

/// Rounds to the nearest multiple, ties up.
#[inline]
pub fn round(value: f64, to_nearest: f64) -> f64 {
    // By the inverse, as Prometheus does for accuracy.
    let inverse = 1.0 / to_nearest;
    (value * inverse + 0.5).floor() / inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;

    #[test]
    fn extremes_are_as_in_go() {
        let mut lines = 0;
        for fields in golden::lines("B") {
            let [a, b, max, min] = [0, 1, 2, 3].map(|i| golden::float(fields[i]));
            assert!(golden::same(max_of(a, b), max), "max of {a} and {b}");
            assert!(golden::same(min_of(a, b), min), "min of {a} and {b}");
            lines += 1;
        }
        assert_eq!(lines, 49);
    }

    #[test]
    fn clamps_and_rounds() {
        assert_eq!(clamped(5.0, 0.0, 3.0), 3.0);
        assert!(clamped(f64::NAN, 0.0, 3.0).is_nan());
        assert!(clamped(1.0, f64::NAN, 3.0).is_nan());
        let (mut values, mut present) = ([5.0, 5.0, 5.0], [true, true, false]);
        let max = Param::PerStep(&[0.0, 3.0, 1.0, 3.0]);
        clamp(&mut values, &mut present, Param::Const(2.0), max, 1);
        assert_eq!(present, [true, false, false]);
        assert_eq!(values[0], 3.0);
        assert_eq!(round(2.5, 1.0), 3.0);
        assert_eq!(round(-2.5, 1.0), -2.0);
        assert_eq!(round(0.37, 0.1), 0.4);
        assert!(round(1.0, 0.0).is_nan());
    }
}
