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

/// The NaN that `f64::total_cmp` puts before all numbers.
const FIRST_NAN: f64 = f64::from_bits(u64::MAX);

/// Values up to which Go's sort, and the selection here, leaves equal ones as they
/// are: -0 and 0 are equal.
const STABLE: usize = 12;

/// The `q`-quantile of `values` (which are changed), by linear
/// interpolation between the two nearest. NaN of no values and for a NaN `q`,
/// minus and plus infinity for a `q` outside of [0, 1].
pub fn quantile(q: f64, values: &mut [f64]) -> f64 {
    let rank = match Rank::of(q, values.len()) {
        Ok(rank) => rank,
        Err(limit) => return limit,
    };
    if values.len() <= STABLE {
        return select(rank, values, nan_first);
    }
    // An order that is compared without a branch; -0 is below 0 in it.
    for value in values.iter_mut() {
        *value = if value.is_nan() { FIRST_NAN } else { *value };
    }
    let quantile = select(rank, values, f64::total_cmp);
    if quantile.is_nan() {
        f64::NAN
    } else {
        quantile
    }
}

fn select(rank: Rank, values: &mut [f64], order: impl Fn(&f64, &f64) -> Ordering) -> f64 {
    let (_, &mut lower, above) = values.select_nth_unstable_by(rank.lower, &order);
    rank.interpolate(lower, || {
        above.iter().copied().min_by(&order).unwrap_or(lower)
    })
}

/// The `q`-quantile of `len` sorted values, NaN first, of which `at` gives one.
pub fn quantile_of_sorted(q: f64, len: usize, at: impl Fn(usize) -> f64) -> f64 {
    match Rank::of(q, len) {
        Ok(rank) => rank.interpolate(at(rank.lower), || at((rank.lower + 1).min(len - 1))),
        Err(limit) => limit,
    }
}

/// Whether a quantile lies in [0, 1]; others are answered with infinities or
/// NaN, and a warning.
pub fn is_valid_quantile(q: f64) -> bool {
    (0.0..=1.0).contains(&q)
}

/// Between which of the sorted values a quantile lies.
struct Rank {
    lower: usize,
    weight: f64,
}

impl Rank {
    /// The rank, or the answer where there is none.
    fn of(q: f64, len: usize) -> Result<Rank, f64> {
        if len == 0 || q.is_nan() {
            return Err(f64::NAN);
        }
        if !is_valid_quantile(q) {
            return Err(if q < 0.0 {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            });
        }
        let rank = q * (len - 1) as f64;
        let lower = (rank.floor() as usize).min(len - 1);
        Ok(Rank {
            lower,
            weight: rank - rank.floor(),
        })
    }

    fn interpolate(&self, lower: f64, upper: impl FnOnce() -> f64) -> f64 {
        if self.weight == 0.0 {
            return lower;
        }
        lower * (1.0 - self.weight) + upper() * self.weight
    }
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

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => -100f64..100.0,
            1 => Just(0.0),
            1 => Just(-0.0),
            1 => Just(f64::INFINITY),
            1 => Just(f64::NEG_INFINITY),
            1 => Just(f64::NAN),
            1 => Just(-f64::NAN),
        ]
    }

    proptest! {
        #[test]
        fn is_as_by_sorting(mut values in proptest::collection::vec(value(), 1..80), q in 0f64..=1.0) {
            let got = quantile(q, &mut values.clone());
            values.sort_by(nan_first);
            let rank = q * (values.len() - 1) as f64;
            let (low, weight) = (rank.floor() as usize, rank - rank.floor());
            let high = (low + 1).min(values.len() - 1);
            let want = if weight == 0.0 { values[low] } else { values[low] * (1.0 - weight) + values[high] * weight };
            prop_assert!(got == want || (got.is_nan() && want.is_nan()), "{} is not {}", got, want);
        }
    }
}
