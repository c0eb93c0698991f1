//! Chunks of a store as Thanos reads them.
//!
//! Chunks that Thanos knows (XOR, histogram, float histogram) are passed on as they are.
//! Others are encoded anew: XOR2 and histograms with start timestamps, which are left
//! out, plain columns and grids, chunks of which samples are deleted, and chunks that
//! overlap in time, since Thanos drops what begins before the last chunk has ended.
//! Where such chunks have a sample at the same time, the first one's stays, as in a
//! query.

use quarrel_chunks::histogram::{CounterReset, EncodeError, Histogram, HistogramBuilder};
use quarrel_chunks::{
    ChunkError, Encoding, FloatEncoder as _, HistogramColumns, XorEncoder, decode_floats,
    decode_histograms, num_samples,
};
use quarrel_engine::storage::{Aggregates, Chunk, ChunkData, EncodedChunk, TimeRange};
use quarrel_proto::store::{Aggr, AggrChunk, Chunk as Raw, ChunkEncoding};

/// Samples of a float chunk that is encoded anew, as in Prometheus.
const MAX_SAMPLES: usize = 120;
/// Floats that hold every integer below.
const EXACT: f64 = (1u64 << 53) as f64;

/// Why a series cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReframeError {
    /// A chunk is corrupt.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A histogram makes no sense.
    #[error("histogram: {0}")]
    Histogram(#[from] EncodeError),
}

/// What of a series is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    range: TimeRange,
    /// Aggregates of downsampled samples; empty for all.
    aggregates: Vec<Aggr>,
}

impl Wanted {
    /// A request's range, and its aggregates as numbers.
    pub(super) fn new(range: TimeRange, aggregates: &[i32]) -> Self {
        let known = aggregates
            .iter()
            .filter_map(|&one| Aggr::try_from(one).ok());
        Wanted {
            range,
            aggregates: known.filter(|&one| one != Aggr::Raw).collect(),
        }
    }

    fn has(&self, aggregate: Aggr) -> bool {
        self.aggregates.is_empty() || self.aggregates.contains(&aggregate)
    }
}

/// Appends the chunks of a series, which are in order of their first sample, and says
/// how many samples they have.
///
/// # Errors
/// When a chunk that has to be read is corrupt.
pub(super) fn reframe(
    chunks: &[Chunk],
    wanted: &Wanted,
    out: &mut Vec<AggrChunk>,
) -> Result<u64, ReframeError> {
    let mut samples = 0;
    let mut replicas: Vec<u32> = chunks.iter().map(|chunk| chunk.replica).collect();
    replicas.sort_unstable();
    replicas.dedup();
    for replica in replicas {
        let own = chunks.iter().filter(|chunk| chunk.replica == replica);
        let mut group: Vec<&Chunk> = Vec::new();
        let mut end = i64::MIN;
        for chunk in own.filter(|chunk| wanted.range.overlaps(chunk.min_time, chunk.max_time)) {
            if let ChunkData::Aggregates(aggregates) = &chunk.data {
                samples += push_aggregates(chunk, aggregates, wanted, out)?;
                continue;
            }
            if chunk.min_time > end && !group.is_empty() {
                samples += push_group(&group, wanted, out)?;
                group.clear();
            }
            group.push(chunk);
            end = end.max(chunk.max_time);
        }
        samples += push_group(&group, wanted, out)?;
    }
    Ok(samples)
}

/// Appends chunks that overlap each other, or a single one.
fn push_group(
    group: &[&Chunk],
    wanted: &Wanted,
    out: &mut Vec<AggrChunk>,
) -> Result<u64, ReframeError> {
    if let [chunk] = group
        && let Some((raw, samples)) = as_it_is(chunk)?
    {
        out.push(aggr_chunk(chunk.min_time, chunk.max_time, raw));
        return Ok(samples);
    }
    let mut all = Samples::default();
    for chunk in group {
        all.decode(chunk, wanted.range)?;
    }
    all.encode(out)
}

/// A chunk that Thanos reads as it is, and its number of samples.
fn as_it_is(chunk: &Chunk) -> Result<Option<(Raw, u64)>, ChunkError> {
    let deleted = chunk.deleted.as_deref().unwrap_or_default();
    let is_cut = deleted
        .iter()
        .any(|range| range.overlaps(chunk.min_time, chunk.max_time));
    let ChunkData::Encoded { encoding, bytes } = &chunk.data else {
        return Ok(None);
    };
    let Some(kind) = kind(*encoding).filter(|_| !is_cut) else {
        return Ok(None);
    };
    let samples = num_samples(*encoding, bytes)? as u64;
    Ok(Some((raw(kind, bytes.clone()), samples)))
}

/// Thanos's number of an encoding, if it has one.
fn kind(encoding: Encoding) -> Option<ChunkEncoding> {
    match encoding {
        Encoding::Xor => Some(ChunkEncoding::Xor),
        Encoding::Histogram => Some(ChunkEncoding::Histogram),
        Encoding::FloatHistogram => Some(ChunkEncoding::FloatHistogram),
        Encoding::Xor2 | Encoding::HistogramSt | Encoding::FloatHistogramSt => None,
    }
}

fn raw(kind: ChunkEncoding, data: impl Into<bytes::Bytes>) -> Raw {
    Raw {
        r#type: kind as i32,
        data: data.into(),
        hash: 0,
    }
}

fn aggr_chunk(min_time: i64, max_time: i64, raw: Raw) -> AggrChunk {
    AggrChunk {
        min_time,
        max_time,
        raw: Some(raw),
        ..AggrChunk::default()
    }
}

/// Appends the aggregates of a downsampled chunk that are asked for, if there are any.
fn push_aggregates(
    chunk: &Chunk,
    aggregates: &Aggregates,
    wanted: &Wanted,
    out: &mut Vec<AggrChunk>,
) -> Result<u64, ReframeError> {
    let mut samples = 0;
    let mut part = |aggregate, own: &Option<EncodedChunk>| {
        let Some(own) = own.as_ref().filter(|_| wanted.has(aggregate)) else {
            return Ok::<_, ReframeError>(None);
        };
        let times = TimeRange {
            start: chunk.min_time,
            end: chunk.max_time,
        };
        let mut one = Chunk::encoded(own.encoding, own.bytes.clone(), times);
        one.deleted = chunk.deleted.clone();
        if let Some((raw, count)) = as_it_is(&one)? {
            samples += count;
            return Ok(Some(raw));
        }
        let mut all = Samples::default();
        all.decode(&one, TimeRange::ALL)?;
        // One chunk, however long: an aggregate has no place for more.
        let mut encoder = XorEncoder::new();
        for (timestamp, sample) in all.in_order() {
            if let Sample::Float(value) = sample
                && encoder.append(timestamp, *value)
            {
                samples += 1;
            }
        }
        Ok(Some(raw(ChunkEncoding::Xor, encoder.bytes().to_vec())))
    };
    let framed = AggrChunk {
        min_time: chunk.min_time,
        max_time: chunk.max_time,
        raw: None,
        count: part(Aggr::Count, &aggregates.count)?,
        sum: part(Aggr::Sum, &aggregates.sum)?,
        min: part(Aggr::Min, &aggregates.min)?,
        max: part(Aggr::Max, &aggregates.max)?,
        counter: part(Aggr::Counter, &aggregates.counter)?,
    };
    let all = [
        &framed.count,
        &framed.sum,
        &framed.min,
        &framed.max,
        &framed.counter,
    ];
    if all.iter().any(|one| one.is_some()) {
        out.push(framed);
    }
    Ok(samples)
}

/// A decoded sample.
#[derive(Clone, Debug)]
enum Sample {
    Float(f64),
    /// Whether its counts are floats, and it.
    Histogram(bool, Box<Histogram<f64>>),
}

/// Decoded samples, those of the first chunk first.
#[derive(Debug, Default)]
struct Samples(Vec<(i64, Sample)>);

impl Samples {
    /// Appends the samples of a chunk that are not deleted; of plain columns, those in
    /// the range.
    fn decode(&mut self, chunk: &Chunk, range: TimeRange) -> Result<(), ReframeError> {
        let deleted = chunk.deleted.as_deref().unwrap_or_default();
        let is_there = |t: i64| !deleted.iter().any(|d| d.start <= t && t <= d.end);
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
                let (mut timestamps, mut values) = (Vec::new(), Vec::new());
                decode_floats(*encoding, bytes, &mut timestamps, &mut values)?;
                let all = timestamps.into_iter().zip(values);
                self.add_floats(all.filter(|(t, _)| is_there(*t)));
            }
            ChunkData::Floats {
                timestamps, values, ..
            } => {
                let all = timestamps.iter().copied().zip(values.iter().copied());
                let start = timestamps.partition_point(|t| *t < range.start);
                let within = all.skip(start).take_while(|(t, _)| *t <= range.end);
                self.add_floats(within.filter(|(t, _)| is_there(*t)));
            }
            ChunkData::FloatGrid {
                timestamps,
                values,
                validity,
            } => {
                let runs = validity.valid_slices().flat_map(|(start, end)| start..end);
                let all = runs.filter_map(|i| Some((*timestamps.get(i)?, *values.get(i)?)));
                let within = all.filter(|(t, _)| range.start <= *t && *t <= range.end);
                self.add_floats(within.filter(|(t, _)| is_there(*t)));
            }
            // They are passed on apart, and a kind that is not known yet has no samples
            // that Thanos could read.
            _ => {}
        }
        Ok(())
    }

    fn add_floats(&mut self, samples: impl Iterator<Item = (i64, f64)>) {
        self.0
            .extend(samples.map(|(timestamp, value)| (timestamp, Sample::Float(value))));
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
            let sample = Sample::Histogram(floats, Box::new(histogram));
            self.0.push((timestamp, sample));
        }
    }

    /// The samples in order of time, the first of those that have one.
    fn in_order(&mut self) -> impl Iterator<Item = (i64, &Sample)> {
        self.0.sort_by_key(|(timestamp, _)| *timestamp);
        self.0.dedup_by_key(|(timestamp, _)| *timestamp);
        self.0
            .iter()
            .map(|(timestamp, sample)| (*timestamp, sample))
    }

    /// Appends the samples as chunks that do not overlap, and counts them.
    fn encode(mut self, out: &mut Vec<AggrChunk>) -> Result<u64, ReframeError> {
        let all: Vec<(i64, &Sample)> = self.in_order().collect();
        let same = |a: &(i64, &Sample), b: &(i64, &Sample)| {
            matches!(a.1, Sample::Float(_)) == matches!(b.1, Sample::Float(_))
        };
        for run in all.chunk_by(same) {
            match run[0].1 {
                Sample::Float(_) => encode_floats(run, out),
                Sample::Histogram(..) => encode_histograms(run, out)?,
            }
        }
        Ok(all.len() as u64)
    }
}

/// Appends floats as XOR chunks.
fn encode_floats(samples: &[(i64, &Sample)], out: &mut Vec<AggrChunk>) {
    for part in samples.chunks(MAX_SAMPLES) {
        let mut encoder = XorEncoder::new();
        for (timestamp, sample) in part {
            if let Sample::Float(value) = sample {
                encoder.append(*timestamp, *value);
            }
        }
        let raw = raw(ChunkEncoding::Xor, encoder.bytes().to_vec());
        out.push(aggr_chunk(part[0].0, part[part.len() - 1].0, raw));
    }
}

/// Appends histograms: of integers if all of them are, and small enough to be held by
/// the floats that they were decoded to.
fn encode_histograms(
    samples: &[(i64, &Sample)],
    out: &mut Vec<AggrChunk>,
) -> Result<(), ReframeError> {
    let histograms = || {
        samples
            .iter()
            .filter_map(|(timestamp, sample)| match sample {
                Sample::Histogram(floats, histogram) => Some((*timestamp, *floats, histogram)),
                Sample::Float(_) => None,
            })
    };
    let integers: Option<Vec<_>> = histograms()
        .map(|(timestamp, floats, histogram)| {
            let own = as_integers(histogram).filter(|_| !floats)?;
            Some((timestamp, own))
        })
        .collect();
    let built = match integers {
        Some(integers) => {
            let mut builder = HistogramBuilder::new(false);
            for (timestamp, histogram) in &integers {
                builder.push(0, *timestamp, histogram)?;
            }
            builder.finish()?
        }
        None => {
            let mut builder = HistogramBuilder::new(false);
            for (timestamp, _, histogram) in histograms() {
                builder.push(0, timestamp, histogram)?;
            }
            builder.finish()?
        }
    };
    for chunk in built {
        if let Some(kind) = kind(chunk.encoding) {
            let raw = raw(kind, chunk.bytes);
            out.push(aggr_chunk(chunk.min_time, chunk.max_time, raw));
        }
    }
    Ok(())
}

fn as_integers(histogram: &Histogram<f64>) -> Option<Histogram<u64>> {
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

#[cfg(test)]
#[path = "chunks_tests.rs"]
mod tests;
