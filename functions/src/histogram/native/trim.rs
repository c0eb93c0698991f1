//! The trim operators `</` and `>/`, which remove observations beyond a value.

use super::buckets::Bucket;
use super::value::Histogram;

/// What a trim keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trim {
    /// Observations up to the value, `</`.
    Below,
    /// Observations from the value on, `>/`.
    Above,
}

/// What stays of a bucket: how many observations, and where they lie on
/// average.
struct Kept {
    count: f64,
    middle: f64,
}

impl Kept {
    fn new(count: f64, middle: f64) -> Self {
        Kept { count, middle }
    }
}

/// On which scale observations are spread evenly, and on which side of zero.
#[derive(Clone, Copy)]
struct Scale {
    linear: bool,
    positive: bool,
}

impl Histogram {
    /// Removes observations on the other side of `value`, those of a bucket
    /// around it in part. Total and sum are estimated anew if any were
    /// removed, and then the histogram is compacted.
    pub fn trim(&mut self, value: f64, keep: Trim) {
        let positive = self.layout.positive().len();
        let linear = self.layout.is_custom();
        let (mut count, mut sum, mut trimmed) = (0.0, 0.0, false);
        let mut populated = [false, false];
        for column in 0..self.buckets.len() {
            let bucket = self.view().plain_bucket(column);
            if bucket.count == 0.0 {
                continue;
            }
            let scale = Scale {
                linear,
                positive: column < positive,
            };
            populated[usize::from(!scale.positive)] = true;
            let kept = trim_bucket(&bucket, value, keep, scale);
            count += kept.count;
            sum += kept.middle * kept.count;
            if bucket.count != kept.count {
                self.buckets[column] = kept.count;
                trimmed = true;
            }
        }
        if self.zero_count > 0.0 {
            let kept = self.trim_zero_bucket(value, keep, populated);
            if self.zero_count != kept.count {
                self.zero_count = kept.count;
                trimmed = true;
            }
            sum += kept.middle * kept.count;
            count += kept.count;
        }
        if trimmed {
            (self.count, self.sum) = (count, sum);
            self.compact();
        }
    }

    /// The zero bucket reaches only to the side that has observations, if only
    /// one has.
    fn trim_zero_bucket(&self, value: f64, keep: Trim, populated: [bool; 2]) -> Kept {
        let threshold = self.layout.zero_threshold();
        let (mut lower, mut upper) = (-threshold, threshold);
        match populated {
            [true, false] => lower = 0.0,
            [false, true] => upper = 0.0,
            _ => {}
        }
        let count = self.zero_count;
        let all = Kept::new(count, (lower + upper) / 2.0);
        let none = Kept::new(0.0, 0.0);
        match keep {
            Trim::Below if value <= lower => none,
            Trim::Below if value >= upper => all,
            Trim::Below => Kept::new(
                count * ((value - lower) / (upper - lower)),
                (lower + value) / 2.0,
            ),
            Trim::Above if value <= lower => all,
            Trim::Above if value >= upper => none,
            Trim::Above => Kept::new(
                count * ((upper - value) / (upper - lower)),
                (value + upper) / 2.0,
            ),
        }
    }
}

fn trim_bucket(bucket: &Bucket, value: f64, keep: Trim, scale: Scale) -> Kept {
    let (all, some) = match keep {
        Trim::Below => (bucket.upper <= value, bucket.lower < value),
        Trim::Above => (bucket.lower >= value, bucket.upper > value),
    };
    if all {
        return Kept::new(bucket.count, middle(bucket.lower, bucket.upper, scale));
    }
    if !some {
        return Kept::new(0.0, 0.0);
    }
    if bucket.lower == f64::NEG_INFINITY {
        return trim_lowest(bucket, value, keep);
    }
    if bucket.upper == f64::INFINITY {
        return match keep {
            // Some may be larger, so none stays.
            Trim::Below => Kept::new(0.0, finite(bucket.lower)),
            Trim::Above if value >= bucket.lower => Kept::new(bucket.count, value),
            Trim::Above => Kept::new(0.0, finite(bucket.lower)),
        };
    }
    let part = match scale.linear {
        true => bucket.linear_part(value),
        false => bucket.logarithmic_part(value),
    };
    let under = if value <= bucket.lower {
        0.0
    } else if value >= bucket.upper {
        bucket.count
    } else {
        bucket.count * part
    };
    match keep {
        Trim::Below => Kept::new(under, middle(bucket.lower, value, scale)),
        Trim::Above => Kept::new(bucket.count - under, middle(value, bucket.upper, scale)),
    }
}

/// A bucket without lower bound. A custom one that ends above zero is taken to
/// begin at zero.
fn trim_lowest(bucket: &Bucket, value: f64, keep: Trim) -> Kept {
    let &Bucket { upper, count, .. } = bucket;
    let from_zero = upper > 0.0 && upper.is_finite();
    match keep {
        Trim::Below if value >= upper => Kept::new(count, 0.0),
        Trim::Below if value > 0.0 && from_zero => Kept::new(count * value / upper, value / 2.0),
        Trim::Below if upper <= 0.0 => Kept::new(count, value),
        Trim::Above if value == f64::NEG_INFINITY => Kept::new(count, 0.0),
        Trim::Above if value >= 0.0 && upper > value && upper.is_finite() => {
            Kept::new(count * (1.0 - value / upper), (value + upper) / 2.0)
        }
        _ => Kept::new(0.0, finite(upper)),
    }
}

fn finite(bound: f64) -> f64 {
    if bound.is_infinite() { 0.0 } else { bound }
}

/// Where the observations between two bounds lie on average.
fn middle(lower: f64, upper: f64, scale: Scale) -> f64 {
    if lower.is_infinite() {
        return match upper {
            _ if upper.is_infinite() => 0.0,
            _ if upper > 0.0 => upper / 2.0,
            _ => upper,
        };
    }
    if upper.is_infinite() {
        return lower;
    }
    if scale.linear {
        return (lower + upper) / 2.0;
    }
    let mean = (lower * upper).abs().sqrt();
    if scale.positive { mean } else { -mean }
}
