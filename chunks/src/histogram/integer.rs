//! Reads integer counts: deltas of deltas, each bucket as the difference to the
//! previous bucket.

use super::codes::{self, Codes};
use super::columns::Memory;
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
    codes: Codes,
    positive: usize,
}

impl CountReader for IntegerReader {
    const FIRST_BUCKET_BITS: usize = 1;

    fn new(layout: &HistogramLayout, memory: Memory) -> Self {
        let buckets = layout.buckets();
        let zeros = |mut numbers: Vec<i64>| {
            numbers.clear();
            numbers.resize(buckets, 0);
            numbers
        };
        IntegerReader {
            count: DeltaOfDelta::default(),
            zero_count: DeltaOfDelta::default(),
            bucket_deltas: zeros(memory.deltas),
            changes: zeros(memory.changes),
            codes: Codes::new(buckets, memory.small),
            positive: layout.positive_buckets(),
        }
    }

    fn into_memory(self) -> Memory {
        Memory {
            deltas: self.bucket_deltas,
            changes: self.changes,
            small: self.codes.into_memory(),
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
            self.advance(r, first)?;
            return self.row(out);
        }
        let small = self.codes.read(r, &mut self.changes);
        let (positive, negative) = out.split_at_mut(self.positive);
        let (small, negative_small) = small.split_at(self.positive);
        let (changes, negative_changes) = self.changes.split_at_mut(self.positive);
        let (deltas, negative_deltas) = self.bucket_deltas.split_at_mut(self.positive);
        let valid = changed_sums(small, changes, deltas, positive)
            && changed_sums(negative_small, negative_changes, negative_deltas, negative);
        if valid { Ok(()) } else { Err(NEGATIVE) }
    }

    fn advance(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<(), &'static str> {
        let deltas = &mut self.bucket_deltas;
        if first {
            for (delta, small) in self.codes.read_to(r, deltas) {
                *delta = delta.wrapping_add(i64::from(small));
            }
            return Ok(());
        }
        for ((change, small), delta) in self.codes.read_to(r, &mut self.changes).zip(deltas) {
            *change = change.wrapping_add(i64::from(small));
            *delta = delta.wrapping_add(*change);
        }
        Ok(())
    }

    fn row(&self, out: &mut [f64]) -> Result<(), &'static str> {
        let (positive, negative) = out.split_at_mut(self.positive);
        let (positive_deltas, negative_deltas) = self.bucket_deltas.split_at(self.positive);
        let valid =
            running_sums(positive_deltas, positive) && running_sums(negative_deltas, negative);
        if valid { Ok(()) } else { Err(NEGATIVE) }
    }

    fn skip(&mut self, r: &mut BitReader<'_>, _first: bool) -> Result<(), &'static str> {
        codes::skip(r, self.bucket_deltas.len());
        Ok(())
    }
}

/// Adds `small` to the changes, these to the differences, and turns the
/// differences into counts; false if any count is negative or overflows.
fn changed_sums(small: &[i8], changes: &mut [i64], deltas: &mut [i64], out: &mut [f64]) -> bool {
    let (mut count, mut signs) = (0i64, 0i64);
    let buckets = small.iter().zip(changes).zip(deltas).zip(out);
    for (((small, change), delta), out) in buckets {
        *change = change.wrapping_add(i64::from(*small));
        *delta = delta.wrapping_add(*change);
        count = count.wrapping_add(*delta);
        signs |= count;
        *out = count as f64;
    }
    signs >= 0
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
