//! Integer counts: deltas of deltas, and each bucket as the difference to the
//! bucket before it.

use super::decode::CountReader;
use super::layout::HistogramLayout;
use crate::bits::BitReader;

const NEGATIVE: &str = "a bucket with a negative or overflowing count";

/// A number that is stored by the change of its change.
#[derive(Default)]
struct Ramp {
    value: u64,
    delta: i64,
}

impl Ramp {
    fn read(&mut self, r: &mut BitReader<'_>, first: bool) -> f64 {
        if first {
            self.value = r.varbit_uint();
        } else {
            self.delta = self.delta.wrapping_add(r.varbit_int());
            // Counts beyond 2^63 wrap around in the deltas and back.
            self.value = self.value.wrapping_add_signed(self.delta);
        }
        self.value as f64
    }
}

/// Reads integer counts.
pub(super) struct IntegerReader {
    count: Ramp,
    zero_count: Ramp,
    /// Each bucket's difference to the one before it on its side of zero.
    steps: Vec<i64>,
    /// How those changed from the last sample to this one.
    changes: Vec<i64>,
    positive: usize,
}

impl CountReader for IntegerReader {
    const FIRST_BUCKET_BITS: usize = 1;

    fn new(layout: &HistogramLayout) -> Self {
        let buckets = layout.buckets();
        IntegerReader {
            count: Ramp::default(),
            zero_count: Ramp::default(),
            steps: vec![0; buckets],
            changes: vec![0; buckets],
            positive: layout.positive_buckets(),
        }
    }

    fn totals(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<[f64; 2], &'static str> {
        Ok([self.count.read(r, first), self.zero_count.read(r, first)])
    }

    fn buckets(
        &mut self,
        r: &mut BitReader<'_>,
        first: bool,
        out: &mut [f64],
    ) -> Result<(), &'static str> {
        if first {
            add_changes(r, &mut self.steps);
        } else {
            add_changes(r, &mut self.changes);
            for (step, change) in self.steps.iter_mut().zip(&self.changes) {
                *step = step.wrapping_add(*change);
            }
        }
        let (positive, negative) = out.split_at_mut(self.positive);
        let (positive_steps, negative_steps) = self.steps.split_at(self.positive);
        let valid =
            running_sums(positive_steps, positive) && running_sums(negative_steps, negative);
        if valid { Ok(()) } else { Err(NEGATIVE) }
    }
}

/// Zeros in a row from which on it pays to skip them all at once, and not to
/// read each like other numbers, which takes no branch.
const RUN: usize = 8;

/// Adds a number from the chunk to each of `values`. Most are zeros, which
/// take a bit each.
fn add_changes(r: &mut BitReader<'_>, values: &mut [i64]) {
    let mut at = 0;
    while at < values.len() {
        if values.len() - at >= RUN && r.peek() >> (64 - RUN) == 0 {
            at += r.skip_zeros(values.len() - at);
        } else {
            values[at] = values[at].wrapping_add(r.varbit_int());
            at += 1;
        }
    }
}

/// Counts from their differences; false if any is negative, as it is when it
/// overflows.
fn running_sums(steps: &[i64], out: &mut [f64]) -> bool {
    let (mut count, mut signs) = (0i64, 0i64);
    for (out, step) in out.iter_mut().zip(steps) {
        count = count.wrapping_add(*step);
        signs |= count;
        *out = count as f64;
    }
    signs >= 0
}
