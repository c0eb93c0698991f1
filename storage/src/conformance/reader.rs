//! Reads the samples of a snapshot as plain values, for tests of connectors.

use std::collections::BTreeMap;

use futures::executor::block_on;
use quarrel_chunks::{ChunkError, HistogramColumns, decode_floats_with_start, decode_histograms};
use quarrel_engine::labels::{Label, SymbolTable};
use quarrel_engine::storage::{
    Chunk, ChunkData, Matcher, SelectHints, SelectRequest, Selected, Snapshot, StorageError,
    TimeRange,
};

/// Names and values of labels, sorted by name.
pub type Labels = Vec<(String, String)>;

/// A float, or the totals of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Timestamp, ms since the epoch.
    pub timestamp: i64,
    /// Start timestamp, ms since the epoch; 0 for none.
    pub start_timestamp: i64,
    /// The float, or the sum of a histogram's observations.
    pub value: f64,
    /// The number of a histogram's observations, 0 for a stale marker; `None`
    /// for a float.
    pub count: Option<f64>,
}

/// Why samples cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The store fails.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A chunk cannot be decoded.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
}

/// Selects with default hints.
///
/// # Errors
/// Those of the store.
pub fn select(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
    symbols: &SymbolTable,
) -> Result<Selected, StorageError> {
    let hints = SelectHints::default();
    block_on(snapshot.select(SelectRequest::new(matchers, range, &hints, symbols)))
}

/// All samples of a chunk in its order, without the deleted ones.
///
/// # Errors
/// When the chunk cannot be decoded.
pub fn chunk_samples(chunk: &Chunk) -> Result<Vec<Sample>, ChunkError> {
    let mut samples = decode(&chunk.data)?;
    let deleted = chunk.deleted.as_deref().unwrap_or_default();
    let is_deleted = |t| deleted.iter().any(|range| range.overlaps(t, t));
    samples.retain(|s| !is_deleted(s.timestamp));
    Ok(samples)
}

/// The samples of a series' chunks within a range, in order of time, those of all
/// replicas. Of samples at one time, that of the earlier chunk comes first.
///
/// # Errors
/// When a chunk cannot be decoded.
///
/// # Panics
/// When the chunks of a replica are not in order of their first sample, or a sample is
/// outside of its chunk's time range.
pub fn samples(chunks: &[Chunk], range: TimeRange) -> Result<Vec<Sample>, ChunkError> {
    let mut of_replicas = chunks.chunk_by(|a, b| a.replica == b.replica);
    let in_order = of_replicas.all(|of_one| of_one.is_sorted_by_key(|chunk| chunk.min_time));
    assert!(in_order, "chunks are not in order of their first sample");
    let mut all = Vec::new();
    for chunk in chunks {
        let (min, max) = (chunk.min_time, chunk.max_time);
        for sample in chunk_samples(chunk)? {
            let t = sample.timestamp;
            let inside = (min..=max).contains(&t);
            assert!(inside, "a sample at {t} in a chunk from {min} to {max}");
            if range.overlaps(t, t) {
                all.push(sample);
            }
        }
    }
    all.sort_by_key(|s| s.timestamp);
    Ok(all)
}

fn decode(data: &ChunkData) -> Result<Vec<Sample>, ChunkError> {
    let (mut start_timestamps, mut timestamps, mut values) = (vec![], vec![], vec![]);
    match data {
        ChunkData::Encoded { encoding, bytes } if encoding.is_histogram() => {
            return decode_totals(*encoding, bytes);
        }
        ChunkData::Encoded { encoding, bytes } => {
            let out = (&mut start_timestamps, &mut timestamps, &mut values);
            decode_floats_with_start(*encoding, bytes, out.0, out.1, out.2)?;
        }
        ChunkData::Floats {
            timestamps: t,
            values: v,
            start_timestamps: starts,
        } => {
            start_timestamps = starts.as_ref().map_or(vec![0; t.len()], |s| s.to_vec());
            timestamps = t.to_vec();
            values = v.to_vec();
        }
        ChunkData::FloatGrid {
            timestamps: t,
            values: v,
            validity,
        } => {
            let samples = t.iter().zip(v).zip(validity);
            let samples = samples.filter_map(|(sample, valid)| valid.then_some(sample));
            (timestamps, values) = samples.unzip();
            start_timestamps = vec![0; timestamps.len()];
        }
        // A kind of chunk that this version of the suite does not know.
        _ => return Err(ChunkError::NotFloats),
    }
    let columns = start_timestamps.into_iter().zip(timestamps).zip(values);
    let sample = |((start_timestamp, timestamp), value)| Sample {
        timestamp,
        start_timestamp,
        value,
        count: None,
    };
    Ok(columns.map(sample).collect())
}

fn decode_totals(
    encoding: quarrel_chunks::Encoding,
    bytes: &[u8],
) -> Result<Vec<Sample>, ChunkError> {
    let mut columns = HistogramColumns::default();
    decode_histograms(encoding, bytes, &mut columns)?;
    let sample = |i: usize| Sample {
        timestamp: columns.timestamps[i],
        start_timestamp: columns.start_timestamps[i],
        value: columns.sums[i],
        count: Some(if columns.is_stale(i) {
            0.0
        } else {
            columns.counts[i]
        }),
    };
    Ok((0..columns.len()).map(sample).collect())
}

/// All selected series with their samples within a range.
///
/// # Errors
/// Those of the store, and when a chunk cannot be decoded.
///
/// # Panics
/// When rows are not in label order, and as [`samples`].
pub fn read_series(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
) -> Result<BTreeMap<Labels, Vec<Sample>>, ReadError> {
    let symbols = SymbolTable::new();
    let selected = select(snapshot, matchers, range, &symbols)?;
    if let Some(fetch) = selected.series.prefetch(0..selected.labels.len() as u32) {
        block_on(fetch)?;
    }
    let table = symbols.read();
    let mut all = BTreeMap::new();
    let mut before: Option<&[Label]> = None;
    let mut chunks = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        if let Some(before) = before {
            assert!(table.compare(before, labels).is_lt(), "rows in order");
        }
        before = Some(labels);
        chunks.clear();
        selected.series.chunks(row as u32, &mut chunks)?;
        let text = |symbol| table.get(symbol).to_string();
        let texts = labels.iter().map(|l| (text(l.name), text(l.value)));
        all.insert(texts.collect(), samples(&chunks, range)?);
    }
    Ok(all)
}
