//! Whole rows of classic buckets.

use super::{
    Bucket, Forced, Rise, fraction_of_sorted, interpolate_by, quantile_of_sorted, rise,
    without_buckets,
};
use crate::grid::Param;

/// Steps that are computed together: with 20 buckets, their counts take 10 KiB.
const LANES: usize = 64;

/// One bucket's counts along the steps.
#[derive(Clone, Copy, Debug)]
pub struct BucketRow<'a> {
    /// The upper bound, inclusive; not NaN.
    pub upper_bound: f64,
    /// The step of the first item.
    pub first_step: usize,
    /// The counts.
    pub values: &'a [f64],
    /// Which items are samples; `None` if all are.
    pub present: Option<&'a [bool]>,
}

impl BucketRow<'_> {
    #[inline]
    fn at(&self, step: usize) -> Option<f64> {
        let item = step.checked_sub(self.first_step)?;
        let value = *self.values.get(item)?;
        self.present.is_none_or(|p| p[item]).then_some(value)
    }

    fn covers(&self, from: usize, to: usize) -> bool {
        let Some(item) = from.checked_sub(self.first_step) else {
            return false;
        };
        let items = item..item + (to - from);
        items.end <= self.values.len() && self.present.is_none_or(|p| p[items].iter().all(|&p| p))
    }
}

/// The rows of a group's buckets, ordered by bound, and buffers.
#[derive(Debug)]
pub struct ClassicRows<'a> {
    rows: Vec<BucketRow<'a>>,
    /// Whether no two rows have the same bound, and the last one is infinite.
    distinct: bool,
    counts: Vec<f64>,
    buckets: Vec<Bucket>,
}

impl<'a> ClassicRows<'a> {
    /// The rows of one group, in any order.
    pub fn new(mut rows: Vec<BucketRow<'a>>) -> Self {
        rows.sort_by(|a, b| a.upper_bound.total_cmp(&b.upper_bound));
        let distinct = rows
            .windows(2)
            .all(|w| w[0].upper_bound != w[1].upper_bound)
            && rows
                .last()
                .is_some_and(|row| row.upper_bound == f64::INFINITY);
        ClassicRows {
            rows,
            distinct,
            counts: Vec::new(),
            buckets: Vec::new(),
        }
    }

    /// The `q`-quantile at each step at which any bucket has a sample.
    /// `forced` is told of each step at which counts fell.
    ///
    /// # Panics
    /// If `out`, `present` and `q` by step are not equally long.
    pub fn quantile(
        &mut self,
        q: Param<'_>,
        out: &mut [f64],
        present: &mut [bool],
        mut forced: impl FnMut(usize, Forced),
    ) {
        assert_eq!(out.len(), present.len(), "one flag a step");
        for from in (0..out.len()).step_by(LANES) {
            let to = out.len().min(from + LANES);
            if self.distinct && self.rows.iter().all(|row| row.covers(from, to)) {
                present[from..to].fill(true);
                self.full_steps(from, &mut out[from..to], q, &mut forced);
                continue;
            }
            for step in from..to {
                present[step] = self.gather(step);
                if present[step] {
                    out[step] = self.step(step, q.at(step), &mut forced);
                }
            }
        }
    }

    /// The fraction of observations between two bounds at each step at which
    /// any bucket has a sample.
    ///
    /// # Panics
    /// If `out`, `present` and bounds by step are not equally long.
    pub fn fraction(
        &mut self,
        lower: Param<'_>,
        upper: Param<'_>,
        out: &mut [f64],
        present: &mut [bool],
    ) {
        assert_eq!(out.len(), present.len(), "one flag a step");
        for step in 0..out.len() {
            present[step] = self.gather(step);
            if present[step] {
                out[step] = fraction_of_sorted(lower.at(step), upper.at(step), &mut self.buckets);
            }
        }
    }

    /// Collects the buckets that have a sample at a step; false if none has.
    fn gather(&mut self, step: usize) -> bool {
        self.buckets.clear();
        self.buckets.extend(self.rows.iter().filter_map(|row| {
            let count = row.at(step)?;
            Some(Bucket {
                upper_bound: row.upper_bound,
                count,
            })
        }));
        !self.buckets.is_empty()
    }

    /// The quantile of the gathered buckets.
    fn step(&mut self, step: usize, q: f64, forced: &mut impl FnMut(usize, Forced)) -> f64 {
        if let Some(answer) = without_buckets(q) {
            return answer;
        }
        let (answer, changed) = quantile_of_sorted(q, &mut self.buckets);
        if let Some(changed) = changed {
            forced(step, changed);
        }
        answer
    }

    /// Steps at which all buckets have a sample.
    fn full_steps(
        &mut self,
        from: usize,
        out: &mut [f64],
        q: Param<'_>,
        forced: &mut impl FnMut(usize, Forced),
    ) {
        let fell = self.rising_counts(from, out.len());
        for (i, out) in out.iter_mut().enumerate() {
            let q = q.at(from + i);
            *out = if let Some(answer) = without_buckets(q) {
                answer
            } else if fell {
                self.gather(from + i);
                self.step(from + i, q, forced)
            } else {
                let count = |bucket: usize| self.counts[bucket * LANES + i];
                interpolate_by(
                    q,
                    self.rows.len(),
                    |bucket| self.rows[bucket].upper_bound,
                    count,
                )
            };
        }
    }

    /// Fills `counts` with the counts of some steps, rounding errors mended,
    /// bucket after bucket. True if counts fell at any of them.
    fn rising_counts(&mut self, from: usize, steps: usize) -> bool {
        self.counts.clear();
        self.counts.resize(self.rows.len() * LANES, 0.0);
        let mut fell = false;
        for (bucket, row) in self.rows.iter().enumerate() {
            let values = &row.values[from - row.first_step..][..steps];
            let (below, counts) = self.counts.split_at_mut(bucket * LANES);
            let counts = &mut counts[..steps];
            if bucket == 0 {
                counts.copy_from_slice(values);
                continue;
            }
            let below = &below[(bucket - 1) * LANES..][..steps];
            for ((count, &value), &below) in counts.iter_mut().zip(values).zip(below) {
                let rise = rise(below, value);
                *count = if rise == Rise::Real { value } else { below };
                fell |= rise == Rise::Forced;
            }
        }
        fell
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::histogram::classic::{fraction, quantile};

    type Row = (f64, usize, Vec<Option<f64>>);

    fn count() -> impl Strategy<Value = f64> {
        prop_oneof![
            8 => (0u32..6).prop_map(f64::from),
            2 => (0u32..6).prop_map(|v| f64::from(v) * (1.0 + 1e-14)),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
        ]
    }

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let bound = proptest::sample::select(&[-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, f64::INFINITY][..]);
        let ragged = (
            bound.clone(),
            0usize..4,
            proptest::collection::vec(proptest::option::weighted(0.8, count()), 0..80),
        );
        let full = (
            bound,
            Just(0usize),
            proptest::collection::vec(count().prop_map(Some), 80),
        );
        let rising =
            (0usize..7, proptest::collection::vec(0u32..3, 80 * 7)).prop_map(|(n, more)| {
                let mut sums = [0.0; 80];
                (0..=n)
                    .map(|b| {
                        let row: Vec<Option<f64>> = sums
                            .iter_mut()
                            .enumerate()
                            .map(|(i, sum)| {
                                *sum += f64::from(more[(b % 7) * 80 + i]);
                                Some(*sum)
                            })
                            .collect();
                        (if b == n { f64::INFINITY } else { b as f64 }, 0, row)
                    })
                    .collect()
            });
        prop_oneof![
            proptest::collection::vec(ragged, 0..6),
            proptest::collection::vec(full, 0..6),
            rising,
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn rows_are_as_step_by_step(
            rows in rows(),
            q in prop_oneof![4 => 0f64..=1.0, 1 => Just(f64::NAN), 1 => -2f64..3.0],
            lower in -2f64..3.0,
            width in -1f64..3.0,
        ) {
            const STEPS: usize = 85;
            let items: Vec<(Vec<f64>, Vec<bool>)> = rows.iter()
                .map(|row| row.2.iter().map(|v| (v.unwrap_or(7.0), v.is_some())).unzip())
                .collect();
            let bucket_rows = rows.iter().zip(&items).map(|(row, (values, present))| BucketRow {
                upper_bound: row.0,
                first_step: row.1,
                values,
                present: (!present.iter().all(|&p| p)).then_some(present),
            }).collect();
            let mut group = ClassicRows::new(bucket_rows);
            let (mut out, mut present) = (vec![5.0; STEPS], vec![true; STEPS]);
            let mut forced = vec![None; STEPS];
            group.quantile(Param::Const(q), &mut out, &mut present, |step, f| forced[step] = Some(f));
            let (mut fractions, mut fractions_present) = (vec![5.0; STEPS], vec![true; STEPS]);
            let upper = lower + width;
            group.fraction(Param::Const(lower), Param::Const(upper), &mut fractions, &mut fractions_present);
            for step in 0..STEPS {
                let mut buckets: Vec<Bucket> = rows.iter().filter_map(|row| {
                    let count = (*row.2.get(step.checked_sub(row.1)?)?)?;
                    Some(Bucket { upper_bound: row.0, count })
                }).collect();
                prop_assert_eq!(present[step], !buckets.is_empty());
                prop_assert_eq!(fractions_present[step], !buckets.is_empty());
                if buckets.is_empty() {
                    continue;
                }
                let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
                let want = fraction(lower, upper, &mut buckets.clone());
                prop_assert!(same(fractions[step], want), "step {}: {} {}", step, fractions[step], want);
                let (want, change) = quantile(q, &mut buckets);
                prop_assert!(same(out[step], want), "step {}: {} {}", step, out[step], want);
                prop_assert_eq!(forced[step], change);
            }
        }
    }
}
