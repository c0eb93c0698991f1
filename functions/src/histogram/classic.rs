//! Classic histograms: cumulative counts under upper bounds (`le`).
//!
//! The plain functions take the buckets of one step. [`ClassicRows`] takes
//! whole rows, one for each bucket of a group, and computes all steps: where
//! all buckets have a sample, some steps at a time, bucket after bucket; the
//! other steps each for itself.

mod rows;

pub use rows::{BucketRow, ClassicRows};

/// A bucket at one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The upper bound, inclusive; not NaN.
    pub upper_bound: f64,
    /// Observations up to the bound.
    pub count: f64,
}

/// What had to be changed so that counts do not fall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forced {
    /// Lowest upper bound of a changed bucket.
    pub min_bucket: f64,
    /// Highest upper bound of a changed bucket.
    pub max_bucket: f64,
    /// The largest fall.
    pub max_diff: f64,
}

/// The upper bound that an `le` label stands for, `None` if it is none (which
/// gets a warning).
pub fn upper_bound(le: &str) -> Option<f64> {
    crate::fmt::parse_float(le).filter(|bound| !bound.is_nan())
}

/// Relative differences of counts below this are taken for rounding errors.
const SMALL_DELTA: f64 = 1e-12;

/// The `q`-quantile of one step's buckets (which are reordered and changed),
/// assuming that observations are spread evenly inside a bucket. NaN for a
/// NaN `q`, for less than two buckets, without observations, or if the
/// highest bound is not infinite; minus and plus infinity for a `q` outside
/// of [0, 1].
pub fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if let Some(answer) = without_buckets(q) {
        return (answer, None);
    }
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    quantile_of_sorted(q, buckets)
}

/// The answer for a `q` for which buckets do not matter.
fn without_buckets(q: f64) -> Option<f64> {
    if q.is_nan() {
        Some(f64::NAN)
    } else if q < 0.0 {
        Some(f64::NEG_INFINITY)
    } else if q > 1.0 {
        Some(f64::INFINITY)
    } else {
        None
    }
}

fn quantile_of_sorted(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if !coalesce(buckets) {
        return (f64::NAN, None);
    }
    let forced = force_monotonic(buckets);
    (interpolate(q, buckets), forced)
}

/// Unites equal bounds of sorted buckets. False if the highest bound is not
/// infinite, so that nothing can be said.
fn coalesce(buckets: &mut Vec<Bucket>) -> bool {
    if buckets
        .last()
        .is_none_or(|b| b.upper_bound != f64::INFINITY)
    {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper_bound == kept.upper_bound;
        if same {
            kept.count += next.count;
        }
        same
    });
    true
}

/// How a count is taken after the one below it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rise {
    /// As it is.
    Real,
    /// As the one below, silently: the difference is a rounding error.
    Rounding,
    /// As the one below, though it is less.
    Forced,
}

#[inline]
fn rise(below: f64, count: f64) -> Rise {
    if count == below {
        Rise::Real
    } else if almost_equal(below, count) {
        Rise::Rounding
    } else if count < below {
        Rise::Forced
    } else {
        Rise::Real
    }
}

fn force_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut below = buckets[0].count;
    for bucket in &mut buckets[1..] {
        match rise(below, bucket.count) {
            Rise::Real => below = bucket.count,
            Rise::Rounding => bucket.count = below,
            Rise::Forced => {
                let f = forced.get_or_insert(Forced {
                    min_bucket: f64::INFINITY,
                    max_bucket: f64::NEG_INFINITY,
                    max_diff: 0.0,
                });
                f.min_bucket = f.min_bucket.min(bucket.upper_bound);
                f.max_bucket = f.max_bucket.max(bucket.upper_bound);
                f.max_diff = f.max_diff.max(below - bucket.count);
                bucket.count = below;
            }
        }
    }
    forced
}

#[inline]
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DELTA
}

fn interpolate(q: f64, buckets: &[Bucket]) -> f64 {
    interpolate_by(
        q,
        buckets.len(),
        |i| buckets[i].upper_bound,
        |i| buckets[i].count,
    )
}

/// The quantile of `len` buckets with ascending bounds, the last one infinite,
/// and counts that do not fall.
#[inline]
fn interpolate_by(
    q: f64,
    len: usize,
    bound: impl Fn(usize) -> f64,
    count: impl Fn(usize) -> f64,
) -> f64 {
    if len < 2 || count(len - 1) == 0.0 {
        return f64::NAN;
    }
    let last = len - 1;
    let mut rank = q * count(last);
    let b = first_reaching(last, |i| count(i) >= rank);
    if b == last {
        return bound(last - 1);
    }
    if b == 0 && bound(0) <= 0.0 {
        return bound(0);
    }
    let (mut start, end, mut inside) = (0.0, bound(b), count(b));
    if b > 0 {
        start = bound(b - 1);
        inside -= count(b - 1);
        rank -= count(b - 1);
    }
    start + (end - start) * (rank / inside)
}

/// The first index below `len` that `reaches`, by the binary search of Go's
/// `sort.Search`, so that NaN counts lead to the same place.
#[inline]
fn first_reaching(len: usize, reaches: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = (low + high) / 2;
        if reaches(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The estimated fraction of one step's observations between two bounds. NaN
/// for NaN bounds, without observations, or if the highest bucket's bound is
/// not infinite.
pub fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
    fraction_of_sorted(lower, upper, buckets)
}

fn fraction_of_sorted(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !coalesce(buckets) {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (lower, upper) = (
        rank_of(lower, buckets, count),
        rank_of(upper, buckets, count),
    );
    (upper - lower) / count
}

/// How many observations lie below a value, at most `count`.
fn rank_of(value: f64, buckets: &[Bucket], count: f64) -> f64 {
    let mut rank = 0.0;
    // With a first bound above 0 there are taken to be positive observations only.
    let mut bound = if buckets[0].upper_bound <= 0.0 {
        f64::NEG_INFINITY
    } else {
        0.0
    };
    for bucket in buckets {
        let next = bucket.upper_bound;
        if bound >= value {
            break;
        }
        if next > value {
            // No interpolation in a bucket of infinite width: all of the
            // lowest, nothing of the highest.
            rank = if bound == f64::NEG_INFINITY {
                bucket.count
            } else {
                rank + (bucket.count - rank) * (value - bound) / (next - bound)
            };
            break;
        }
        rank = bucket.count;
        bound = next;
    }
    if rank > count { count } else { rank }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs
            .iter()
            .map(|&(upper_bound, count)| Bucket { upper_bound, count })
            .collect()
    }

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_interpolate_inside_buckets() {
        let b = buckets(&[(INF, 20.0), (1.0, 10.0), (2.0, 20.0)]);
        let of = |q| quantile(q, &mut b.clone()).0;
        assert_eq!(of(0.75), 1.5);
        assert_eq!(of(0.25), 0.5);
        assert_eq!(of(1.0), 2.0);
        assert_eq!(of(-1.0), f64::NEG_INFINITY);
        assert_eq!(of(1.1), INF);
        assert!(of(f64::NAN).is_nan());
        let alone = |pairs: &[(f64, f64)]| quantile(0.5, &mut buckets(pairs)).0;
        assert!(alone(&[(1.0, 1.0)]).is_nan(), "no infinite bound");
        assert!(alone(&[(INF, 1.0)]).is_nan(), "one bucket");
        assert!(alone(&[(1.0, 0.0), (INF, 0.0)]).is_nan(), "no observations");
        assert!(alone(&[]).is_nan());
        assert_eq!(alone(&[(-1.0, 9.0), (INF, 10.0)]), -1.0);
        assert_eq!(alone(&[(1.0, 1.0), (INF, 10.0)]), 1.0);
        // Equal bounds are one bucket: 4 of 8.
        assert_eq!(
            alone(&[(1.0, 2.0), (1.0, 2.0), (2.0, 8.0), (INF, 8.0)]),
            1.0
        );
    }

    #[test]
    fn falling_counts_are_raised_and_reported() {
        let mut b = buckets(&[(1.0, 10.0), (2.0, 4.0), (3.0, 9.0), (INF, 20.0)]);
        let forced = quantile(0.5, &mut b).1.unwrap();
        assert_eq!(
            forced,
            Forced {
                min_bucket: 2.0,
                max_bucket: 3.0,
                max_diff: 6.0
            }
        );
        let mut b = buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-12), (INF, 20.0)]);
        assert_eq!(
            quantile(0.5, &mut b).1,
            None,
            "rounding errors are mended silently"
        );
    }

    #[test]
    fn fractions() {
        let b = buckets(&[(1.0, 10.0), (2.0, 20.0), (INF, 40.0)]);
        let of = |lower, upper| fraction(lower, upper, &mut b.clone());
        assert_eq!(of(0.0, 1.0), 0.25);
        assert_eq!(of(0.5, 1.5), 0.25);
        assert_eq!(of(2.0, 1.0), 0.0);
        assert_eq!(of(-INF, INF), 1.0);
        assert_eq!(of(2.0, 7.0), 0.0);
        assert_eq!(of(-1.0, 0.5), 0.125);
        assert!(of(f64::NAN, 1.0).is_nan());
        assert!(fraction(0.0, 1.0, &mut buckets(&[(1.0, 1.0)])).is_nan());
        assert!(fraction(0.0, 1.0, &mut buckets(&[(INF, 0.0)])).is_nan());
        // A first bound below 0 reaches down without end.
        let b = buckets(&[(-1.0, 5.0), (1.0, 10.0), (INF, 10.0)]);
        assert_eq!(fraction(-3.0, 0.0, &mut b.clone()), 0.25);
    }

    #[test]
    fn bounds_from_labels() {
        assert_eq!(upper_bound("+Inf"), Some(INF));
        assert_eq!(upper_bound("1e-2"), Some(0.01));
        assert_eq!(upper_bound("NaN"), None);
        assert_eq!(upper_bound(""), None);
    }
}
