//! Reads integer counts: deltas of deltas, each bucket as the difference to the
//! previous bucket.

use super::decode::CountReader;
use super::layout::HistogramLayout;
use crate::bits::BitReader;

const NEGATIVE: &str = "a bucket with a negative or overflowing count";

/// An integer that is stored as the delta of its deltas.
#[derive(Default)]
struct DeltaOfDelta {
    value: u64,
    delta: i64,
}

impl DeltaOfDelta {
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
    count: DeltaOfDelta,
    zero_count: DeltaOfDelta,
    /// Each bucket's difference to the previous one on its side of zero.
    bucket_deltas: Vec<i64>,
    /// The changes of `bucket_deltas` from the previous sample to this one.
    changes: Vec<i64>,
    positive: usize,
}

impl CountReader for IntegerReader {
    const FIRST_BUCKET_BITS: usize = 1;

    fn new(layout: &HistogramLayout) -> Self {
        let buckets = layout.buckets();
        IntegerReader {
            count: DeltaOfDelta::default(),
            zero_count: DeltaOfDelta::default(),
            bucket_deltas: vec![0; buckets],
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
            add_changes(r, &mut self.bucket_deltas);
        } else {
            add_changes(r, &mut self.changes);
            for (delta, change) in self.bucket_deltas.iter_mut().zip(&self.changes) {
                *delta = delta.wrapping_add(*change);
            }
        }
        let (positive, negative) = out.split_at_mut(self.positive);
        let (positive_deltas, negative_deltas) = self.bucket_deltas.split_at(self.positive);
        let valid =
            running_sums(positive_deltas, positive) && running_sums(negative_deltas, negative);
        if valid { Ok(()) } else { Err(NEGATIVE) }
    }
}

/// Length of a run of zeros that is worth a branch to skip it at once. Shorter
/// ones are read like other numbers, without a branch.
const RUN: usize = 8;

/// Adds a number from the chunk to each of `values`. Most are zeros of one bit.
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

/// Turns differences into counts; false if any is negative or overflows.
fn running_sums(deltas: &[i64], out: &mut [f64]) -> bool {
    let (mut count, mut signs) = (0i64, 0i64);
    for (out, delta) in out.iter_mut().zip(deltas) {
        count = count.wrapping_add(*delta);
        signs |= count;
        *out = count as f64;
    }
    signs >= 0
}
