//! Chunks that are decoded, and encoded anew.

use quarrel_chunks::histogram::{Count, CounterReset, EncodeError, Histogram, HistogramBuilder};
use quarrel_chunks::{
    Encoding, FloatEncoder as _, HistogramColumns, Xor2Encoder, XorEncoder,
    decode_floats_with_start, decode_histograms,
};
use quarrel_engine::storage::{Chunk, ChunkData, TimeRange};

use super::{Encodings, RawChunk, ReframeError};

/// Samples of a chunk that is made of several, as in Prometheus.
const MAX_SAMPLES: usize = 120;
/// Floats that hold every integer below.
const EXACT: f64 = (1u64 << 53) as f64;

/// A decoded sample.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) timestamp: i64,
    /// Start timestamp, ms; 0 if it is not known.
    pub(crate) start: i64,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Float(f64),
    /// Whether its counts are floats, and it.
    Histogram(bool, Box<Histogram<f64>>),
}

/// Decoded samples, those of the first chunk first.
#[derive(Debug, Default)]
pub(super) struct Samples(pub(super) Vec<Sample>);

impl Samples {
    /// Appends the samples of a chunk that are not deleted; of plain columns, those in
    /// the range.
    pub(super) fn decode(&mut self, chunk: &Chunk, range: TimeRange) -> Result<(), ReframeError> {
        let deleted = chunk.deleted.as_deref().unwrap_or_default();
        let is_there = |t: i64| !deleted.iter().any(|d| d.start <= t && t <= d.end);
        let within = |t: i64| range.start <= t && t <= range.end;
        match &chunk.data {
            ChunkData::Encoded { encoding, bytes } if encoding.is_histogram() => {
                let mut columns = HistogramColumns::default();
                decode_histograms(*encoding, bytes, &mut columns)?;
                let floats = matches!(
                    encoding,
                    Encoding::FloatHistogram | Encoding::FloatHistogramSt
                );
                self.add_histograms(&columns, floats, is_there);
            }
            ChunkData::Encoded { encoding, bytes } => {
                let (mut starts, mut timestamps, mut values) = (vec![], vec![], vec![]);
                decode_floats_with_start(
                    *encoding,
                    bytes,
                    &mut starts,
                    &mut timestamps,
                    &mut values,
                )?;
                let all = timestamps.into_iter().zip(values).zip(starts);
                let all = all.map(|((timestamp, value), start)| (timestamp, start, value));
                self.add_floats(all.filter(|(t, ..)| is_there(*t)));
            }
            ChunkData::Floats {
                timestamps,
                values,
                start_timestamps,
            } => {
                let start = |at: usize| start_timestamps.as_ref().map_or(0, |starts| starts[at]);
                let from = timestamps.partition_point(|t| *t < range.start);
                let all =
                    (from..timestamps.len()).map(|at| (timestamps[at], start(at), values[at]));
                let all = all.take_while(|(t, ..)| *t <= range.end);
                self.add_floats(all.filter(|(t, ..)| is_there(*t)));
            }
            ChunkData::FloatGrid {
                timestamps,
                values,
                validity,
            } => {
                let runs = validity.valid_slices().flat_map(|(start, end)| start..end);
                let all = runs.filter_map(|i| Some((*timestamps.get(i)?, 0, *values.get(i)?)));
                self.add_floats(all.filter(|(t, ..)| within(*t) && is_there(*t)));
            }
            // They are passed on apart, and a kind that is not known yet has no samples
            // that a client could read.
            _ => {}
        }
        Ok(())
    }

    fn add_floats(&mut self, samples: impl Iterator<Item = (i64, i64, f64)>) {
        self.0
            .extend(samples.map(|(timestamp, start, value)| Sample {
                timestamp,
                start,
                value: Value::Float(value),
            }));
    }

    fn add_histograms(
        &mut self,
        columns: &HistogramColumns,
        floats: bool,
        is_there: impl Fn(i64) -> bool,
    ) {
        let mut follows = false;
        for (row, &timestamp) in columns.timestamps.iter().enumerate() {
            let was_there = std::mem::replace(&mut follows, is_there(timestamp));
            if !follows {
                continue;
            }
            let hint = columns.counter_reset.of_sample(row);
            let histogram = if columns.is_stale(row) {
                Histogram::stale()
            } else {
                Histogram {
                    // It is known of neighbours alone.
                    counter_reset: match hint {
                        CounterReset::NoReset if !was_there => CounterReset::Unknown,
                        hint => hint,
                    },
                    layout: columns.layout.clone(),
                    count: columns.counts[row],
                    zero_count: columns.zero_counts[row],
                    sum: columns.sums[row],
                    buckets: columns.row(row).to_vec(),
                }
            };
            let start = columns.start_timestamps.get(row).copied();
            self.0.push(Sample {
                timestamp,
                start: start.unwrap_or(0),
                value: Value::Histogram(floats, Box::new(histogram)),
            });
        }
    }

    /// Drops what is not in the range. What is known of a counter reset is known of
    /// neighbours alone.
    pub(super) fn trim(&mut self, range: TimeRange) {
        let mut was_there = true;
        self.0.retain_mut(|sample| {
            let is_there = range.start <= sample.timestamp && sample.timestamp <= range.end;
            if let Value::Histogram(_, histogram) = &mut sample.value
                && is_there
                && !was_there
                && histogram.counter_reset == CounterReset::NoReset
            {
                histogram.counter_reset = CounterReset::Unknown;
            }
            was_there = is_there;
            is_there
        });
    }

    /// Brings them in order of time; the first of those at one time stays.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|sample| sample.timestamp);
        self.0.dedup_by_key(|sample| sample.timestamp);
    }

    /// Appends the samples as chunks that do not overlap, and counts them.
    pub(super) fn encode(
        &self,
        encodings: Encodings,
        out: &mut Vec<RawChunk>,
    ) -> Result<u64, ReframeError> {
        let same = |a: &Sample, b: &Sample| {
            matches!(a.value, Value::Float(_)) == matches!(b.value, Value::Float(_))
        };
        for run in self.0.chunk_by(same) {
            let with_start =
                encodings == Encodings::All && run.iter().any(|sample| sample.start != 0);
            match run[0].value {
                Value::Float(_) => {
                    let encoding = match with_start {
                        true => Encoding::Xor2,
                        false => Encoding::Xor,
                    };
                    for part in run.chunks(MAX_SAMPLES) {
                        encode_floats(part, encoding, out);
                    }
                }
                Value::Histogram(..) => {
                    for part in run.chunks(MAX_SAMPLES) {
                        encode_histograms(part, with_start, out)?;
                    }
                }
            }
        }
        Ok(self.0.len() as u64)
    }

    /// Appends the samples of one chunk as one chunk of this encoding, as long as it has
    /// room, and counts them.
    pub(super) fn encode_as_one(
        &self,
        encoding: Encoding,
        out: &mut Vec<RawChunk>,
    ) -> Result<u64, ReframeError> {
        if encoding.is_histogram() {
            let with_start = matches!(encoding, Encoding::HistogramSt | Encoding::FloatHistogramSt);
            if !self.0.is_empty() {
                encode_histograms(&self.0, with_start, out)?;
            }
        } else {
            for part in self.0.chunks(usize::from(u16::MAX)) {
                encode_floats(part, encoding, out);
            }
        }
        Ok(self.0.len() as u64)
    }
}

/// Appends floats as a chunk.
fn encode_floats(samples: &[Sample], encoding: Encoding, out: &mut Vec<RawChunk>) {
    let floats = samples.iter().filter_map(|sample| match sample.value {
        Value::Float(value) => Some((sample.start, sample.timestamp, value)),
        Value::Histogram(..) => None,
    });
    let bytes = match encoding {
        Encoding::Xor2 => {
            let mut encoder = Xor2Encoder::new();
            for (start, timestamp, value) in floats {
                encoder.append_with_start(start, timestamp, value);
            }
            encoder.bytes().to_vec()
        }
        _ => {
            let mut encoder = XorEncoder::new();
            for (_, timestamp, value) in floats {
                encoder.append(timestamp, value);
            }
            encoder.bytes().to_vec()
        }
    };
    if let [first, ..] = samples {
        out.push(RawChunk {
            min_time: first.timestamp,
            max_time: samples[samples.len() - 1].timestamp,
            encoding,
            bytes: bytes.into(),
        });
    }
}

/// Appends histograms: of integers if all of them are, and small enough to be held by
/// the floats that they were decoded to.
fn encode_histograms(
    samples: &[Sample],
    with_start: bool,
    out: &mut Vec<RawChunk>,
) -> Result<(), ReframeError> {
    let histograms = || {
        samples.iter().filter_map(|sample| match &sample.value {
            Value::Histogram(floats, histogram) => Some((sample, *floats, &**histogram)),
            Value::Float(_) => None,
        })
    };
    let integers: Option<Vec<_>> = histograms()
        .map(|(sample, floats, histogram)| {
            let own = as_integers(histogram).filter(|_| !floats)?;
            Some((sample, own))
        })
        .collect();
    match integers {
        Some(integers) => {
            let all = integers.iter().map(|(sample, own)| (*sample, own));
            build(all, with_start, out)?;
        }
        None => build(
            histograms().map(|(sample, _, own)| (sample, own)),
            with_start,
            out,
        )?,
    }
    Ok(())
}

fn build<'h, C: Count>(
    histograms: impl Iterator<Item = (&'h Sample, &'h Histogram<C>)>,
    with_start: bool,
    out: &mut Vec<RawChunk>,
) -> Result<(), EncodeError> {
    let mut builder = HistogramBuilder::new(with_start);
    for (sample, histogram) in histograms {
        builder.push(sample.start, sample.timestamp, histogram)?;
    }
    out.extend(builder.finish()?.into_iter().map(|chunk| RawChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        encoding: chunk.encoding,
        bytes: chunk.bytes.into(),
    }));
    Ok(())
}

/// The histogram with integer counts; `None` if one of them is none that a float holds
/// exactly.
pub(crate) fn as_integers(histogram: &Histogram<f64>) -> Option<Histogram<u64>> {
    let integer = |count: f64| {
        let fits = (0.0..EXACT).contains(&count) && count.fract() == 0.0;
        fits.then_some(count as u64)
    };
    let buckets: Option<Vec<u64>> = histogram.buckets.iter().map(|&n| integer(n)).collect();
    Some(Histogram {
        counter_reset: histogram.counter_reset,
        layout: histogram.layout.clone(),
        count: integer(histogram.count)?,
        zero_count: integer(histogram.zero_count)?,
        sum: histogram.sum,
        buckets: buckets?,
    })
}
