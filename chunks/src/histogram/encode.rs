//! Encoders for histograms of one layout: the same bytes as Prometheus writes.

use super::CounterReset;
use super::layout::HistogramLayout;
use super::sample::{Count, EncodeError, HistogramSample};
use super::start::StartWriter;
use crate::Encoding;
use crate::bits::BitWriter;
use crate::encode::{MAX_SAMPLES, XorWriter};

/// Samples that a chunk with start timestamps can hold.
const MAX_SAMPLES_WITH_START: u16 = 0x3fff;

/// Writes a chunk of histograms that share a layout.
#[derive(Debug, Clone)]
pub struct HistogramEncoder<C: Count> {
    out: BitWriter,
    layout: HistogramLayout,
    counter_reset: CounterReset,
    start: Option<StartWriter>,
    samples: u16,
    /// Whether the last sample was a stale marker.
    stale: bool,
    t: i64,
    delta: i64,
    counts: C::Writer,
    sums: XorWriter,
}

impl<C: Count> HistogramEncoder<C> {
    /// An empty chunk, with or without room for start timestamps.
    ///
    /// # Errors
    /// If no histogram can have such a layout.
    pub fn new(
        layout: HistogramLayout,
        counter_reset: CounterReset,
        with_start: bool,
    ) -> Result<Self, EncodeError> {
        layout.validate()?;
        Ok(HistogramEncoder {
            out: BitWriter::new(&[0, 0, 0]),
            counts: CountWriter::new(&layout),
            layout,
            counter_reset,
            start: with_start.then(StartWriter::default),
            samples: 0,
            stale: false,
            t: 0,
            delta: 0,
            sums: XorWriter::NEW,
        })
    }

    /// Appends a sample with its start timestamp (ms, 0 for none).
    ///
    /// # Errors
    /// If the sample does not fit; the chunk stays as it is.
    pub fn append(
        &mut self,
        start: i64,
        timestamp: i64,
        sample: HistogramSample<'_, C>,
    ) -> Result<(), EncodeError> {
        let stale = sample.is_stale();
        self.check(&sample, stale)?;
        let (first, before) = (self.samples == 0, self.t);
        if first {
            if stale {
                // A chunk that begins with a stale marker has no layout.
                self.layout = HistogramLayout::default();
            }
            self.layout.write(&mut self.out);
            self.out.varbit_int(timestamp);
        } else {
            let delta = timestamp.wrapping_sub(self.t);
            self.out.varbit_int(delta.wrapping_sub(self.delta));
            self.delta = delta;
        }
        self.t = timestamp;
        let out = &mut self.out;
        if stale {
            self.counts.stale_totals(out, first);
        } else {
            self.counts
                .totals(out, first, sample.count, sample.zero_count);
        }
        match first {
            true => self.sums.first(out, sample.sum.to_bits()),
            false => self.sums.next(out, sample.sum.to_bits()),
        }
        if !stale {
            self.counts.buckets(out, first, sample.buckets);
        }
        if let Some(writer) = &mut self.start {
            let at = usize::from(self.samples);
            let header = writer.write(out, at, timestamp, before, start);
            self.out.bytes[2] |= header;
        }
        self.stale = stale;
        self.samples += 1;
        self.write_header();
        Ok(())
    }

    fn check(&self, sample: &HistogramSample<'_, C>, stale: bool) -> Result<(), EncodeError> {
        let most = match self.start {
            Some(_) => MAX_SAMPLES_WITH_START,
            None => MAX_SAMPLES,
        };
        if self.samples == most {
            return Err(EncodeError::Full);
        }
        if stale {
            return Ok(());
        }
        if self.stale {
            return Err(EncodeError::AfterStale);
        }
        let expected = self.layout.buckets();
        if sample.buckets.len() != expected {
            let got = sample.buckets.len();
            return Err(EncodeError::WrongBuckets { expected, got });
        }
        C::Writer::check(sample.buckets)
    }

    fn write_header(&mut self) {
        let reset = self.counter_reset.to_header();
        let [mut high, low] = self.samples.to_be_bytes();
        if self.start.is_some() {
            high |= reset;
        } else {
            self.out.bytes[2] = reset;
        }
        self.out.bytes[..2].copy_from_slice(&[high, low]);
    }

    /// The chunk's bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.out.bytes
    }

    /// The samples so far.
    pub fn samples(&self) -> u16 {
        self.samples
    }

    /// How they are encoded.
    pub fn encoding(&self) -> Encoding {
        match (C::IS_FLOAT, self.start.is_some()) {
            (false, false) => Encoding::Histogram,
            (false, true) => Encoding::HistogramSt,
            (true, false) => Encoding::FloatHistogram,
            (true, true) => Encoding::FloatHistogramSt,
        }
    }
}

/// How counts are written.
#[doc(hidden)]
pub trait CountWriter<C>: Clone + std::fmt::Debug {
    fn new(layout: &HistogramLayout) -> Self;
    fn check(buckets: &[C]) -> Result<(), EncodeError>;
    fn totals(&mut self, out: &mut BitWriter, first: bool, count: C, zero_count: C);
    /// Those of a stale marker.
    fn stale_totals(&mut self, out: &mut BitWriter, first: bool);
    fn buckets(&mut self, out: &mut BitWriter, first: bool, counts: &[C]);
}

/// A number that is stored by the change of its change.
#[derive(Clone, Copy, Debug, Default)]
struct Ramp {
    value: i64,
    delta: i64,
}

impl Ramp {
    fn write(&mut self, out: &mut BitWriter, value: i64) {
        let delta = value.wrapping_sub(self.value);
        out.varbit_int(delta.wrapping_sub(self.delta));
        *self = Ramp { value, delta };
    }
}

/// Writes integer counts.
#[derive(Clone, Debug)]
pub struct IntegerWriter {
    totals: [Ramp; 2],
    /// Differences between neighbours.
    steps: Vec<Ramp>,
    positive: usize,
}

impl CountWriter<u64> for IntegerWriter {
    fn new(layout: &HistogramLayout) -> Self {
        IntegerWriter {
            totals: [Ramp::default(); 2],
            steps: vec![Ramp::default(); layout.buckets()],
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
        for (ramp, value) in self.totals.iter_mut().zip([count, zero_count]) {
            if first {
                out.varbit_uint(value);
                ramp.value = value as i64;
            } else {
                ramp.write(out, value as i64);
            }
        }
    }

    fn stale_totals(&mut self, out: &mut BitWriter, _first: bool) {
        out.write(0, 2);
    }

    fn buckets(&mut self, out: &mut BitWriter, first: bool, counts: &[u64]) {
        let (positive, negative) = counts.split_at(self.positive);
        let (positive_steps, negative_steps) = self.steps.split_at_mut(self.positive);
        for (counts, steps) in [(positive, positive_steps), (negative, negative_steps)] {
            let mut before = 0;
            for (&count, ramp) in counts.iter().zip(steps) {
                let step = (count as i64).wrapping_sub(before);
                before = count as i64;
                if first {
                    out.varbit_int(step);
                    ramp.value = step;
                } else {
                    ramp.write(out, step);
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
