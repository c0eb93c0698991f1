//! Quantiles of plain values.

use std::cmp::Ordering;

/// Orders values as Prometheus sorts them for quantiles: NaN first.
pub fn nan_first(a: &f64, b: &f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
    }
}

/// The `q`-quantile of `values` (which are reordered), by linear
/// interpolation between the two nearest. NaN of no values and for a NaN `q`,
/// minus and plus infinity for a `q` outside of [0, 1].
pub fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = (rank.floor().max(0.0) as usize).min(last);
    let weight = rank - rank.floor();
    let (_, &mut at_lower, above) = values.select_nth_unstable_by(lower, nan_first);
    if weight == 0.0 {
        return at_lower;
    }
    let at_upper = above.iter().copied().min_by(nan_first).unwrap_or(at_lower);
    at_lower * (1.0 - weight) + at_upper * weight
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds() {
        assert!(quantile(0.5, &mut []).is_nan());
        assert!(quantile(f64::NAN, &mut [1.0]).is_nan());
        assert_eq!(quantile(-1.0, &mut [1.0]), f64::NEG_INFINITY);
        assert_eq!(quantile(1.1, &mut [1.0]), f64::INFINITY);
        assert_eq!(quantile(0.5, &mut [3.0, 1.0]), 2.0);
        assert!(quantile(0.0, &mut [3.0, f64::NAN]).is_nan());
    }

    proptest! {
        #[test]
        fn is_as_by_sorting(mut values in proptest::collection::vec(-100f64..100.0, 1..40), q in 0f64..=1.0) {
            let got = quantile(q, &mut values.clone());
            values.sort_by(nan_first);
            let rank = q * (values.len() - 1) as f64;
            let (low, weight) = (rank.floor() as usize, rank - rank.floor());
            let high = (low + 1).min(values.len() - 1);
            let want = if weight == 0.0 { values[low] } else { values[low] * (1.0 - weight) + values[high] * weight };
            prop_assert_eq!(got, want);
        }
    }
}
