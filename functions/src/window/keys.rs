//! Values as integers of the same order.

/// An integer that orders as the value does, NaN first.
#[inline]
pub(super) fn key(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MIN;
    }
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The value of a key.
#[inline]
pub(super) fn value(key: i64) -> f64 {
    if key == i64::MIN {
        return f64::NAN;
    }
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_order_and_value() {
        let ascending = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.0,
            -f64::MIN_POSITIVE,
            -0.0,
            0.0,
            5e-324,
            1.0,
            f64::MAX,
            f64::INFINITY,
        ];
        assert!(ascending.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(
            ascending
                .iter()
                .all(|&v| value(key(v)).to_bits() == v.to_bits())
        );
        assert!(key(f64::NAN) < key(f64::NEG_INFINITY) && value(key(-f64::NAN)).is_nan());
    }
}
