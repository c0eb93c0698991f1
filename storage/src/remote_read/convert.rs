//! Chunks and samples of messages as chunks of the engine.

use bytes::Bytes;
use quarrel_chunks::Encoding;
use quarrel_chunks::histogram::{Count, HistogramBuilder};
use quarrel_engine::storage::{EncodedChunk, TimeRange};
use quarrel_proto::remote_read::{Chunk as Message, ChunkEncoding};
use quarrel_proto::samples::{Histogram, Sample, TimeSeries};

use super::histograms::{SentHistogram, read};
use crate::sent::chunk::{SentChunk, SentData, at, encoded};
use crate::sent::collect::{sent_labels, wrong};

/// Reads a chunk; `None` if it has no sample.
///
/// # Errors
/// When it ends before it begins, is encoded in an unknown way, or is too short.
pub(super) fn chunk(message: Message) -> Result<Option<SentChunk>, String> {
    let Message {
        min_time_ms,
        max_time_ms,
        r#type,
        data,
    } = message;
    let encoding = match ChunkEncoding::try_from(r#type) {
        Ok(ChunkEncoding::Xor) => Ok(Encoding::Xor),
        Ok(ChunkEncoding::Xor2) => Ok(Encoding::Xor2),
        Ok(ChunkEncoding::Histogram) => Ok(Encoding::Histogram),
        Ok(ChunkEncoding::HistogramSt) => Ok(Encoding::HistogramSt),
        Ok(ChunkEncoding::FloatHistogram) => Ok(Encoding::FloatHistogram),
        Ok(ChunkEncoding::FloatHistogramSt) => Ok(Encoding::FloatHistogramSt),
        Ok(ChunkEncoding::Unknown) | Err(_) => Err(format!("unknown encoding {type}")),
    };
    let read = encoding.and_then(|encoding| encoded(encoding, data));
    let EncodedChunk { encoding, bytes } =
        read.map_err(|what| at(min_time_ms, max_time_ms, &what))?;
    let data = SentData::Raw { encoding, bytes };
    SentChunk::new(min_time_ms, max_time_ms, data)
}

/// The chunks of a series of samples: those in the range. Where a float and a histogram
/// stand at one time, the float counts, as in Prometheus.
///
/// # Errors
/// When samples are not in order of time, or a histogram makes no sense.
pub(super) fn samples(series: &TimeSeries, range: TimeRange) -> Result<Vec<SentChunk>, String> {
    let wrong = |why: &str| wrong(&sent_labels(&series.labels), why);
    let mut chunks = Vec::new();
    if !is_ascending(series.samples.iter().map(|sample| sample.timestamp))
        || !is_ascending(
            series
                .histograms
                .iter()
                .map(|histogram| histogram.timestamp),
        )
    {
        return Err(wrong("has samples that are not in order of time"));
    }
    let within = |timestamp: i64| range.start <= timestamp && timestamp <= range.end;
    let floats: Vec<&Sample> = series
        .samples
        .iter()
        .filter(|sample| within(sample.timestamp))
        .collect();
    if let (Some(first), Some(last)) = (floats.first(), floats.last()) {
        let timestamps: Vec<i64> = floats.iter().map(|sample| sample.timestamp).collect();
        let values: Vec<f64> = floats.iter().map(|sample| sample.value).collect();
        let data = SentData::Floats {
            timestamps: timestamps.into(),
            values: values.into(),
        };
        chunks.extend(SentChunk::new(first.timestamp, last.timestamp, data)?);
    }
    let is_float = |timestamp: i64| {
        let found = floats.binary_search_by_key(&timestamp, |sample| sample.timestamp);
        found.is_ok()
    };
    let histograms = series
        .histograms
        .iter()
        .filter(|histogram| within(histogram.timestamp) && !is_float(histogram.timestamp));
    append_histograms(histograms, &mut chunks).map_err(|why| wrong(&why))?;
    Ok(chunks)
}

fn is_ascending(times: impl Iterator<Item = i64> + Clone) -> bool {
    times.clone().zip(times.skip(1)).all(|(a, b)| a < b)
}

fn append_histograms<'h>(
    messages: impl Iterator<Item = &'h Histogram>,
    chunks: &mut Vec<SentChunk>,
) -> Result<(), String> {
    let mut integers = HistogramBuilder::<u64>::new(false);
    let mut floats = HistogramBuilder::<f64>::new(false);
    let mut was_float = None;
    for message in messages {
        let at = |why: &str| format!("has a histogram at {} that {why}", message.timestamp);
        let histogram = read(message).map_err(at)?;
        let is_float = matches!(histogram, SentHistogram::Floats(_));
        if was_float.replace(is_float) == Some(!is_float) {
            // Chunks are in order of time.
            push(
                std::mem::replace(&mut integers, HistogramBuilder::new(false)),
                chunks,
            )?;
            push(
                std::mem::replace(&mut floats, HistogramBuilder::new(false)),
                chunks,
            )?;
        }
        let pushed = match &histogram {
            SentHistogram::Integers(own) => integers.push(0, message.timestamp, own),
            SentHistogram::Floats(own) => floats.push(0, message.timestamp, own),
        };
        pushed.map_err(|error| at(&format!("makes no sense: {error}")))?;
    }
    push(integers, chunks)?;
    push(floats, chunks)
}

fn push<C: Count>(builder: HistogramBuilder<C>, chunks: &mut Vec<SentChunk>) -> Result<(), String> {
    let built = builder.finish().map_err(|error| error.to_string())?;
    for chunk in built {
        let data = SentData::Raw {
            encoding: chunk.encoding,
            bytes: Bytes::from(chunk.bytes),
        };
        chunks.extend(SentChunk::new(chunk.min_time, chunk.max_time, data)?);
    }
    Ok(())
}
