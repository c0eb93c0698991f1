//! Decodes histogram chunks, generic over the type of their counts.

use std::ops::RangeInclusive;

use super::columns::{HistogramColumns, Memory};
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

    /// A reader for a valid layout, with memory that was used before.
    fn new(layout: &HistogramLayout, memory: Memory) -> Self;

    /// Its memory, for the next one.
    fn into_memory(self) -> Memory;

    /// Reads the count of observations and that of the zero bucket.
    fn totals(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<[f64; 2], &'static str>;

    /// Reads the counts of the buckets.
    fn buckets(
        &mut self,
        r: &mut BitReader<'_>,
        first: bool,
        out: &mut [f64],
    ) -> Result<(), &'static str>;

    /// Reads the counts of the buckets for [`CountReader::row`].
    fn advance(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<(), &'static str>;

    /// Writes the counts that [`CountReader::advance`] read last.
    fn row(&self, out: &mut [f64]) -> Result<(), &'static str>;

    /// Passes over the counts of the buckets, in all samples of a chunk.
    fn skip(&mut self, r: &mut BitReader<'_>, first: bool) -> Result<(), &'static str>;
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

/// The counter reset header of a chunk, which may have no samples.
pub(super) fn counter_reset(bytes: &[u8], with_start: bool) -> Result<CounterReset, ChunkError> {
    Ok(Header::read(bytes, with_start)?.0.counter_reset)
}

/// A chunk that is read sample by sample, from behind its layout.
pub(super) struct Samples<'a, C> {
    pub(super) layout: HistogramLayout,
    pub(super) counter_reset: CounterReset,
    /// Samples according to the header.
    pub(super) samples: usize,
    /// Buckets of each.
    pub(super) width: usize,
    pub(super) counts: C,
    /// The number of the next one.
    sample: usize,
    r: BitReader<'a>,
    start: Option<StartReader>,
    sums: Sums,
    t: i64,
    delta: i64,
}

/// What reads or skips a sample's buckets gets.
pub(super) struct Buckets<'a, 'b, C> {
    pub(super) counts: &'a mut C,
    pub(super) r: &'a mut BitReader<'b>,
    /// The sample's number.
    pub(super) sample: usize,
    pub(super) timestamp: i64,
    pub(super) stale: bool,
}

impl<C> Buckets<'_, '_, C> {
    pub(super) fn first(&self) -> bool {
        self.sample == 0
    }

    /// Whether there are any. A stale marker stores no buckets. If it comes
    /// first, the layout has none either.
    pub(super) fn stored(&self) -> bool {
        !self.stale || self.first()
    }
}

/// A sample without its buckets.
pub(super) struct Totals {
    pub(super) timestamp: i64,
    pub(super) start_timestamp: i64,
    pub(super) count: f64,
    pub(super) zero_count: f64,
    pub(super) sum: f64,
    pub(super) stale: bool,
}

impl Totals {
    pub(super) fn push_to(&self, columns: &mut HistogramColumns) {
        columns.timestamps.push(self.timestamp);
        columns.start_timestamps.push(self.start_timestamp);
        columns.counts.push(self.count);
        columns.zero_counts.push(self.zero_count);
        columns.sums.push(self.sum);
    }
}

impl<'a, C: CountReader> Samples<'a, C> {
    /// Reads header and layout; `None` if there is no sample.
    pub(super) fn new(
        bytes: &'a [u8],
        with_start: bool,
        memory: &mut Memory,
    ) -> Result<Option<Self>, ChunkError> {
        let (header, data) = Header::read(bytes, with_start)?;
        let samples = header.samples;
        if samples == 0 {
            return Ok(None);
        }
        let mut r = BitReader::new(data);
        let truncated = ChunkError::Truncated { sample: 0, samples };
        let layout = HistogramLayout::read(&mut r)?;
        if r.overrun() {
            return Err(truncated);
        }
        let width = layout.buckets();
        if width > r.remaining() / C::FIRST_BUCKET_BITS {
            return Err(truncated);
        }
        Ok(Some(Samples {
            counts: C::new(&layout, std::mem::take(memory)),
            layout,
            counter_reset: header.counter_reset,
            samples,
            width,
            sample: 0,
            r,
            start: header.start,
            sums: Sums::default(),
            t: 0,
            delta: 0,
        }))
    }

    /// Reads a sample, its buckets with `buckets`; `None` if it is later than
    /// `until`.
    #[inline(always)]
    pub(super) fn next(
        &mut self,
        until: i64,
        buckets: impl FnOnce(Buckets<'_, 'a, C>) -> Result<(), ChunkError>,
    ) -> Result<Option<Totals>, ChunkError> {
        let (sample, samples, r) = (self.sample, self.samples, &mut self.r);
        let corrupt = |what| ChunkError::Corrupt { sample, what };
        let (first, before) = (sample == 0, self.t);
        if first {
            self.t = r.varbit_int();
        } else {
            self.delta = self.delta.wrapping_add(r.varbit_int());
            self.t = self.t.wrapping_add(self.delta);
        }
        if self.t > until {
            return Ok(None);
        }
        let totals = self.counts.totals(r, first);
        let [mut count, mut zero_count] = totals.map_err(corrupt)?;
        let sum = self.sums.read(r, first);
        let sum = sum.ok_or_else(|| corrupt(BAD_WINDOW))?;
        let stale = sum == STALE_NAN;
        buckets(Buckets {
            counts: &mut self.counts,
            r,
            sample,
            timestamp: self.t,
            stale,
        })?;
        let start_timestamp = match &mut self.start {
            Some(start) => start
                .read(r, sample, self.t, before)
                .ok_or_else(|| corrupt(BAD_VARINT))?,
            None => 0,
        };
        if r.overrun() {
            return Err(ChunkError::Truncated { sample, samples });
        }
        if stale {
            (count, zero_count) = (0.0, 0.0);
        } else if zero_count != 0.0 && self.layout.is_custom() {
            return Err(corrupt("a zero bucket beside custom buckets"));
        }
        self.sample += 1;
        Ok(Some(Totals {
            timestamp: self.t,
            start_timestamp,
            count,
            zero_count,
            sum: f64::from_bits(sum),
            stale,
        }))
    }
}

/// Decodes the samples of some times behind those of columns. Gives the number
/// of the first of them; `None`, and nothing is decoded, if the columns have
/// another layout.
pub(super) fn append<C: CountReader>(
    bytes: &[u8],
    with_start: bool,
    times: &RangeInclusive<i64>,
    columns: &mut HistogramColumns,
) -> Result<Option<usize>, ChunkError> {
    let counter_reset = counter_reset(bytes, with_start)?;
    let Some(mut chunk) = Samples::<C>::new(bytes, with_start, &mut columns.memory)? else {
        columns.counter_reset = counter_reset;
        return Ok(Some(0));
    };
    let before = columns.len();
    let fits = || chunk.layout == columns.layout && !reduce::is_reduced(&chunk.layout);
    if before > 0 && !fits() {
        return Ok(None);
    }
    columns.counter_reset = counter_reset;
    let width = chunk.width;
    let bound = MemoryBound {
        samples: chunk.samples,
        width,
        bytes: bytes.len(),
    };
    bound.reserve(columns, width);
    let mut earlier = 0;
    for _ in 0..chunk.samples {
        let row = columns.len();
        let rows = &mut columns.buckets;
        let totals = chunk.next(*times.end(), |buckets| {
            let sample = buckets.sample;
            let corrupt = |what| ChunkError::Corrupt { sample, what };
            let first = buckets.first();
            if buckets.timestamp < *times.start() {
                let read = match buckets.stored() {
                    true => buckets.counts.advance(buckets.r, first),
                    false => Ok(()),
                };
                return read.map_err(corrupt);
            }
            bound.check(row - before)?;
            let from = row * width;
            rows.resize(from + width, 0.0);
            let row = &mut rows[from..];
            if buckets.stored() {
                let read = buckets.counts.buckets(buckets.r, first, row);
                read.map_err(corrupt)?;
            }
            if buckets.stale {
                row.fill(0.0);
            }
            Ok(())
        })?;
        match totals {
            Some(totals) if totals.timestamp < *times.start() => earlier += 1,
            Some(totals) => totals.push_to(columns),
            None => break,
        }
    }
    if before == 0 {
        columns.layout = chunk.layout;
        reduce::to_used_schema(columns);
    }
    columns.memory = chunk.counts.into_memory();
    Ok(Some(earlier))
}

/// The bound on a chunk's memory.
pub(super) struct MemoryBound {
    pub(super) samples: usize,
    pub(super) width: usize,
    pub(super) bytes: usize,
}

impl MemoryBound {
    /// Reserves memory for what the chunk's bits can hold, `width` buckets a
    /// sample of it, since the count of samples in the header may be wrong.
    pub(super) fn reserve(&self, columns: &mut HistogramColumns, width: usize) {
        let bits = self.bytes * 8;
        // A sample takes at least four bits, and one for each bucket unless it
        // is a stale marker.
        let rows = self.samples.min(bits / 4);
        columns.timestamps.reserve(rows);
        columns.start_timestamps.reserve(rows);
        columns.counts.reserve(rows);
        columns.zero_counts.reserve(rows);
        columns.sums.reserve(rows);
        let cells = self.samples.min(bits / (4 + self.width)) * width;
        columns.buckets.reserve(cells.min(MAX_CELLS));
    }

    /// Makes sure that there may be another sample behind some.
    ///
    /// # Errors
    /// When the buckets exceed the bound.
    fn check(&self, samples: usize) -> Result<(), ChunkError> {
        let from = samples * self.width;
        let limit = (self.bytes * 8 + STALE_CELLS).min(MAX_CELLS);
        if from + self.width > limit {
            return Err(ChunkError::TooLarge {
                samples: self.samples,
                buckets: self.width,
                bytes: self.bytes,
            });
        }
        Ok(())
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
