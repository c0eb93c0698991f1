//! Decodes histogram chunks, generic over the type of their counts.

use super::columns::HistogramColumns;
use super::counter_reset::CounterReset;
use super::layout::HistogramLayout;
use super::reduce;
use super::start::StartReader;
use crate::bits::BitReader;
use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::header::num_samples;
use crate::xor::{self, BAD_VARINT, BAD_WINDOW, Window};
use crate::xor2::STALE_NAN;

/// Most bucket counts of a chunk (128 MiB). Prometheus begins a new chunk after
/// a few KiB.
pub const MAX_CELLS: usize = 1 << 24;
/// Bucket counts that a chunk may have beyond one for each of its bits. Those
/// of stale markers take no bits.
pub const STALE_CELLS: usize = 1 << 20;

/// Reads the counts of a chunk.
pub(super) trait CountReader {
    /// Fewest bits of a bucket in the first sample.
    const FIRST_BUCKET_BITS: usize;

    /// A reader for a valid layout.
    fn new(layout: &HistogramLayout) -> Self;

    /// Reads the count of observations and that of the zero bucket.
    fn totals(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<[f64; 2], &'static str>;

    /// Reads the counts of the buckets.
    fn buckets(
        &mut self,
        r: &mut BitReader<'_>,
        first: bool,
        out: &mut [f64],
    ) -> Result<(), &'static str>;
}

/// The header of a chunk.
struct Header {
    samples: usize,
    counter_reset: CounterReset,
    start: Option<StartReader>,
}

impl Header {
    fn read(bytes: &[u8], with_start: bool) -> Result<(Header, &[u8]), ChunkError> {
        let [high, _, third, data @ ..] = bytes else {
            return Err(ChunkError::NoHeader(bytes.len()));
        };
        let header = if with_start {
            Header {
                samples: num_samples(Encoding::HistogramSt, bytes)?,
                counter_reset: CounterReset::from_header(*high),
                start: Some(StartReader::new(*third)),
            }
        } else {
            Header {
                samples: num_samples(Encoding::Histogram, bytes)?,
                counter_reset: CounterReset::from_header(*third),
                start: None,
            }
        };
        Ok((header, data))
    }
}

/// Decodes a chunk into empty columns.
pub(super) fn decode<C: CountReader>(
    bytes: &[u8],
    with_start: bool,
    columns: &mut HistogramColumns,
) -> Result<(), ChunkError> {
    let (mut header, data) = Header::read(bytes, with_start)?;
    columns.counter_reset = header.counter_reset;
    let samples = header.samples;
    if samples == 0 {
        return Ok(());
    }
    let mut r = BitReader::new(data);
    let truncated = |sample| ChunkError::Truncated { sample, samples };
    columns.layout = HistogramLayout::read(&mut r)?;
    if r.overrun() {
        return Err(truncated(0));
    }
    let width = columns.layout.buckets();
    if width > r.remaining() / C::FIRST_BUCKET_BITS {
        return Err(truncated(0));
    }
    let bound = MemoryBound {
        samples,
        width,
        bytes: bytes.len(),
    };
    bound.reserve(columns);
    let mut counts = C::new(&columns.layout);
    let mut sums = Sums::default();
    let (mut t, mut delta) = (0i64, 0i64);
    for sample in 0..samples {
        let corrupt = |what| ChunkError::Corrupt { sample, what };
        let (first, before) = (sample == 0, t);
        if first {
            t = r.varbit_int();
        } else {
            delta = delta.wrapping_add(r.varbit_int());
            t = t.wrapping_add(delta);
        }
        let [mut count, mut zero_count] = counts.totals(&mut r, first).map_err(corrupt)?;
        let sum = sums
            .read(&mut r, first)
            .ok_or_else(|| corrupt(BAD_WINDOW))?;
        let from = bound.check(sample)?;
        columns.buckets.resize(from + width, 0.0);
        let row = &mut columns.buckets[from..];
        let stale = sum == STALE_NAN;
        // A stale marker stores no buckets. If it comes first, the layout has
        // none either.
        if !stale || first {
            counts.buckets(&mut r, first, row).map_err(corrupt)?;
        }
        let start = match &mut header.start {
            Some(start) => start
                .read(&mut r, sample, t, before)
                .ok_or_else(|| corrupt(BAD_VARINT))?,
            None => 0,
        };
        if r.overrun() {
            return Err(truncated(sample));
        }
        if stale {
            (count, zero_count) = (0.0, 0.0);
            row.fill(0.0);
        } else if zero_count != 0.0 && columns.layout.is_custom() {
            return Err(corrupt("a zero bucket beside custom buckets"));
        }
        columns.timestamps.push(t);
        columns.start_timestamps.push(start);
        columns.counts.push(count);
        columns.zero_counts.push(zero_count);
        columns.sums.push(f64::from_bits(sum));
    }
    reduce::to_used_schema(columns);
    Ok(())
}

/// The bound on a chunk's memory.
struct MemoryBound {
    samples: usize,
    width: usize,
    bytes: usize,
}

impl MemoryBound {
    /// Reserves memory for what the chunk's bits can hold, since the count of
    /// samples in the header may be wrong.
    fn reserve(&self, columns: &mut HistogramColumns) {
        let bits = self.bytes * 8;
        // A sample takes at least four bits, and one for each bucket unless it
        // is a stale marker.
        let rows = self.samples.min(bits / 4);
        columns.timestamps.reserve(rows);
        columns.start_timestamps.reserve(rows);
        columns.counts.reserve(rows);
        columns.zero_counts.reserve(rows);
        columns.sums.reserve(rows);
        let cells = self.samples.min(bits / (4 + self.width)) * self.width;
        columns.buckets.reserve(cells.min(MAX_CELLS));
    }

    /// The position of a sample's first bucket.
    ///
    /// # Errors
    /// When the buckets exceed the bound.
    fn check(&self, sample: usize) -> Result<usize, ChunkError> {
        let from = sample * self.width;
        let limit = (self.bytes * 8 + STALE_CELLS).min(MAX_CELLS);
        if from + self.width > limit {
            return Err(ChunkError::TooLarge {
                samples: self.samples,
                buckets: self.width,
                bytes: self.bytes,
            });
        }
        Ok(from)
    }
}

/// Reads the sums of observations, each XORed with the previous one.
struct Sums {
    bits: u64,
    window: Window,
}

impl Default for Sums {
    fn default() -> Self {
        Sums {
            bits: 0,
            window: Window::WHOLE,
        }
    }
}

impl Sums {
    fn read(&mut self, r: &mut BitReader<'_>, first: bool) -> Option<u64> {
        if first {
            self.bits = r.read(64);
        } else {
            xor::value(r, &mut self.bits, &mut self.window)?;
        }
        Some(self.bits)
    }
}
