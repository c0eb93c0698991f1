//! Encodes histograms of one layout to the bytes that Prometheus writes.

use super::count::{Count, CountWriter};
use super::counter_reset::CounterReset;
use super::error::EncodeError;
use super::layout::HistogramLayout;
use super::sample::HistogramSample;
use super::start::StartWriter;
use crate::bits::BitWriter;
use crate::encode::{MAX_SAMPLES, XorWriter};
use crate::encoding::Encoding;

/// Most samples of a chunk with start timestamps.
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

    /// The chunk's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.out.bytes
    }

    /// The number of samples.
    pub fn samples(&self) -> u16 {
        self.samples
    }

    /// The encoding of the bytes.
    pub fn encoding(&self) -> Encoding {
        match (C::IS_FLOAT, self.start.is_some()) {
            (false, false) => Encoding::Histogram,
            (false, true) => Encoding::HistogramSt,
            (true, false) => Encoding::FloatHistogram,
            (true, true) => Encoding::FloatHistogramSt,
        }
    }
}
