//! Classic histograms: cumulative counts under upper bounds (`le`).

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

/// Relative differences of counts below this are taken for rounding errors.
const SMALL_DELTA: f64 = 1e-12;

/// The `q`-quantile of buckets (which are reordered and changed), assuming
/// that observations are spread evenly inside a bucket.
pub fn quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Forced>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !prepare(buckets) {
        return (f64::NAN, None);
    }
    let forced = force_monotonic(buckets);
    (interpolate(q, buckets), forced)
}

/// Sorts by bound and unites equal bounds. False if the highest bound is not
/// infinite, so that nothing can be said.
fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
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

fn force_monotonic(buckets: &mut [Bucket]) -> Option<Forced> {
    let mut forced: Option<Forced> = None;
    let mut previous = buckets[0].count;
    for bucket in &mut buckets[1..] {
        let count = bucket.count;
        if count == previous {
            continue;
        }
        if almost_equal(previous, count) {
            bucket.count = previous;
        } else if count < previous {
            bucket.count = previous;
            let f = forced.get_or_insert(Forced {
                min_bucket: f64::INFINITY,
                max_bucket: f64::NEG_INFINITY,
                max_diff: 0.0,
            });
            f.min_bucket = f.min_bucket.min(bucket.upper_bound);
            f.max_bucket = f.max_bucket.max(bucket.upper_bound);
            f.max_diff = f.max_diff.max(previous - count);
        } else {
            previous = count;
        }
    }
    forced
}

fn almost_equal(a: f64, b: f64) -> bool {
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DELTA
}

fn interpolate(q: f64, buckets: &[Bucket]) -> f64 {
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if buckets.len() < 2 || observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * observations;
    let b = first_reaching(&buckets[..last], rank);
    if b == last {
        return buckets[last - 1].upper_bound;
    }
    if b == 0 && buckets[0].upper_bound <= 0.0 {
        return buckets[0].upper_bound;
    }
    let (mut start, end, mut count) = (0.0, buckets[b].upper_bound, buckets[b].count);
    if b > 0 {
        start = buckets[b - 1].upper_bound;
        count -= buckets[b - 1].count;
        rank -= buckets[b - 1].count;
    }
    start + (end - start) * (rank / count)
}

/// The first bucket whose count is at least `rank`, by the binary search of
/// Go's `sort.Search`, so that NaN counts lead to the same place.
fn first_reaching(buckets: &[Bucket], rank: f64) -> usize {
    let (mut low, mut high) = (0, buckets.len());
    while low < high {
        let middle = (low + high) / 2;
        if buckets[middle].count >= rank {
            high = middle
        } else {
            low = middle + 1
        }
    }
    low
}

/// The estimated fraction of observations between two bounds.
pub fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (mut rank, mut lower_rank, mut upper_rank) = (0.0, None, None);
    // With a first bound above 0 there are taken to be positive observations only.
    let mut bound = if buckets[0].upper_bound <= 0.0 {
        f64::NEG_INFINITY
    } else {
        0.0
    };
    for bucket in buckets.iter() {
        let next = bucket.upper_bound;
        let inside = |v: f64| {
            if bound == f64::NEG_INFINITY {
                bucket.count // no interpolation in a bucket of infinite width
            } else {
                rank + (bucket.count - rank) * (v - bound) / (next - bound)
            }
        };
        if lower_rank.is_none() && bound >= lower {
            lower_rank = Some(rank);
        }
        if upper_rank.is_none() && bound >= upper {
            upper_rank = Some(rank);
        }
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        if lower_rank.is_none() && bound < lower && next > lower {
            lower_rank = Some(inside(lower));
        }
        if upper_rank.is_none() && bound < upper && next > upper {
            upper_rank = Some(inside(upper));
        }
        if lower_rank.is_some() && upper_rank.is_some() {
            break;
        }
        rank = bucket.count;
        bound = next;
    }
    let cap = |r: Option<f64>| match r {
        Some(r) if r <= count => r,
        Some(r) if r.is_nan() => r,
        _ => count,
    };
    (cap(upper_rank) - cap(lower_rank)) / count
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

    #[test]
    fn quantiles_interpolate_inside_buckets() {
        let b = buckets(&[(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 20.0)]);
        assert_eq!(quantile(0.75, &mut b.clone()).0, 1.5);
        assert_eq!(quantile(0.25, &mut b.clone()).0, 0.5);
        assert_eq!(quantile(1.0, &mut b.clone()).0, 2.0);
        assert_eq!(quantile(-1.0, &mut b.clone()).0, f64::NEG_INFINITY);
        assert!(quantile(0.5, &mut buckets(&[(1.0, 1.0)])).0.is_nan());
        assert!(
            quantile(0.5, &mut buckets(&[(f64::INFINITY, 1.0)]))
                .0
                .is_nan()
        );
    }

    #[test]
    fn falling_counts_are_raised_and_reported() {
        let mut b = buckets(&[(1.0, 10.0), (2.0, 4.0), (f64::INFINITY, 20.0)]);
        let forced = quantile(0.5, &mut b).1.unwrap();
        assert_eq!(
            (forced.min_bucket, forced.max_bucket, forced.max_diff),
            (2.0, 2.0, 6.0)
        );
        let mut b = buckets(&[(1.0, 10.0), (2.0, 10.0 - 1e-12), (f64::INFINITY, 20.0)]);
        assert_eq!(
            quantile(0.5, &mut b).1,
            None,
            "rounding errors are mended silently"
        );
    }

    #[test]
    fn fractions() {
        let b = buckets(&[(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 40.0)]);
        assert_eq!(fraction(0.0, 1.0, &mut b.clone()), 0.25);
        assert_eq!(fraction(0.5, 1.5, &mut b.clone()), 0.25);
        assert_eq!(fraction(2.0, 1.0, &mut b.clone()), 0.0);
        assert_eq!(
            fraction(f64::NEG_INFINITY, f64::INFINITY, &mut b.clone()),
            1.0
        );
        assert!(fraction(f64::NAN, 1.0, &mut b.clone()).is_nan());
    }
}
