//! Comparing native histograms.

use quarrel_functions::fmt::format_g;

use super::tolerance::Tolerance;
use crate::answer::{Bucket, Histogram};

/// The first thing in which two histograms differ, in words.
pub(super) fn differs(a: &Histogram, b: &Histogram, tolerance: &Tolerance) -> Option<String> {
    let sides = |what: &str, a: f64, b: f64| {
        let (a, b) = (format_g(a), format_g(b));
        format!("{what}: reference {a}; test {b}")
    };
    if !tolerance.equal(a.count, b.count) {
        return Some(sides("count", a.count, b.count));
    }
    if !tolerance.equal(a.sum, b.sum) {
        return Some(sides("sum", a.sum, b.sum));
    }
    if a.buckets.len() != b.buckets.len() {
        let (a, b) = (a.buckets.len() as f64, b.buckets.len() as f64);
        return Some(sides("buckets", a, b));
    }
    let same = |x: &Bucket, y: &Bucket| {
        let equal = |x, y| tolerance.equal(x, y);
        x.bounds == y.bounds
            && equal(x.lower, y.lower)
            && equal(x.upper, y.upper)
            && equal(x.count, y.count)
    };
    let mut both = a.buckets.iter().zip(&b.buckets);
    let (x, y) = both.find(|(x, y)| !same(x, y))?;
    Some(format!(
        "bucket: reference {}; test {}",
        bucket(x),
        bucket(y)
    ))
}

/// A bucket as an interval with its count. The API numbers what belongs to it:
/// 0 the upper bound, 1 the lower one, 2 none, 3 both.
fn bucket(bucket: &Bucket) -> String {
    let open = if matches!(bucket.bounds, 1 | 3) {
        '['
    } else {
        '('
    };
    let close = if matches!(bucket.bounds, 0 | 3) {
        ']'
    } else {
        ')'
    };
    format!(
        "{open}{},{}{close}:{}",
        format_g(bucket.lower),
        format_g(bucket.upper),
        format_g(bucket.count)
    )
}
