//! Counts of observations, integer or float, and how a chunk stores them.

use std::fmt::Debug;

use super::error::EncodeError;
use super::layout::HistogramLayout;
use crate::bits::BitWriter;
use crate::encode::XorWriter;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl Sealed for f64 {}
}

/// The type of observation counts: `u64` in integer histograms, `f64` in float
/// histograms.
pub trait Count: Copy + Debug + Default + PartialOrd + sealed::Sealed + 'static {
    /// Whether this is `f64`.
    const IS_FLOAT: bool;

    /// Writes such counts to a chunk.
    #[doc(hidden)]
    type Writer: CountWriter<Self>;
}

impl Count for u64 {
    const IS_FLOAT: bool = false;
    type Writer = IntegerWriter;
}

impl Count for f64 {
    const IS_FLOAT: bool = true;
    type Writer = FloatWriter;
}

/// Writes the counts of histograms that share a layout.
#[doc(hidden)]
pub trait CountWriter<C>: Clone + Debug {
    fn new(layout: &HistogramLayout) -> Self;
    fn check(buckets: &[C]) -> Result<(), EncodeError>;
    fn totals(&mut self, out: &mut BitWriter, first: bool, count: C, zero_count: C);
    /// Writes the totals of a stale marker.
    fn stale_totals(&mut self, out: &mut BitWriter, first: bool);
    fn buckets(&mut self, out: &mut BitWriter, first: bool, counts: &[C]);
}

/// An integer that is stored as the delta of its deltas.
#[derive(Clone, Copy, Debug, Default)]
struct DeltaOfDelta {
    value: i64,
    delta: i64,
}

impl DeltaOfDelta {
    fn write(&mut self, out: &mut BitWriter, value: i64) {
        let delta = value.wrapping_sub(self.value);
        out.varbit_int(delta.wrapping_sub(self.delta));
        *self = DeltaOfDelta { value, delta };
    }
}

/// Writes integer counts.
#[derive(Clone, Debug)]
pub struct IntegerWriter {
    totals: [DeltaOfDelta; 2],
    /// Differences between neighbouring buckets.
    bucket_deltas: Vec<DeltaOfDelta>,
    positive: usize,
}

impl CountWriter<u64> for IntegerWriter {
    fn new(layout: &HistogramLayout) -> Self {
        IntegerWriter {
            totals: [DeltaOfDelta::default(); 2],
            bucket_deltas: vec![DeltaOfDelta::default(); layout.buckets()],
            positive: layout.positive_buckets(),
        }
    }

    fn check(buckets: &[u64]) -> Result<(), EncodeError> {
        match buckets.iter().find(|&&count| count > i64::MAX as u64) {
            Some(&count) => Err(EncodeError::CountTooLarge(count)),
            None => Ok(()),
        }
    }

    fn totals(&mut self, out: &mut BitWriter, first: bool, count: u64, zero_count: u64) {
        for (total, value) in self.totals.iter_mut().zip([count, zero_count]) {
            if first {
                out.varbit_uint(value);
                total.value = value as i64;
            } else {
                total.write(out, value as i64);
            }
        }
    }

    fn stale_totals(&mut self, out: &mut BitWriter, _first: bool) {
        out.write(0, 2);
    }

    fn buckets(&mut self, out: &mut BitWriter, first: bool, counts: &[u64]) {
        let (positive, negative) = counts.split_at(self.positive);
        let (positive_deltas, negative_deltas) = self.bucket_deltas.split_at_mut(self.positive);
        for (counts, deltas) in [(positive, positive_deltas), (negative, negative_deltas)] {
            let mut before = 0;
            for (&count, bucket) in counts.iter().zip(deltas) {
                let delta = (count as i64).wrapping_sub(before);
                before = count as i64;
                if first {
                    out.varbit_int(delta);
                    bucket.value = delta;
                } else {
                    bucket.write(out, delta);
                }
            }
        }
    }
}

/// Writes float counts.
#[derive(Clone, Debug)]
pub struct FloatWriter {
    totals: [XorWriter; 2],
    buckets: Vec<XorWriter>,
}

impl CountWriter<f64> for FloatWriter {
    fn new(layout: &HistogramLayout) -> Self {
        FloatWriter {
            totals: [XorWriter::NEW; 2],
            buckets: vec![XorWriter::NEW; layout.buckets()],
        }
    }

    fn check(_buckets: &[f64]) -> Result<(), EncodeError> {
        Ok(())
    }

    fn totals(&mut self, out: &mut BitWriter, first: bool, count: f64, zero_count: f64) {
        write_floats(out, first, &mut self.totals, &[count, zero_count]);
    }

    fn stale_totals(&mut self, out: &mut BitWriter, first: bool) {
        self.totals(out, first, 0.0, 0.0);
    }

    fn buckets(&mut self, out: &mut BitWriter, first: bool, counts: &[f64]) {
        write_floats(out, first, &mut self.buckets, counts);
    }
}

fn write_floats(out: &mut BitWriter, first: bool, writers: &mut [XorWriter], values: &[f64]) {
    for (writer, value) in writers.iter_mut().zip(values) {
        match first {
            true => writer.first(out, value.to_bits()),
            false => writer.next(out, value.to_bits()),
        }
    }
}
