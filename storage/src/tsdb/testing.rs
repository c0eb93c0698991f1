//! What tests of data directories have in common.

use std::collections::BTreeMap;

use futures::executor::block_on;
use quarrel_chunks::{ChunkError, HistogramColumns, decode_floats_with_start, decode_histograms};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Chunk, ChunkData, Matcher, SelectHints, SelectRequest, Selected, Snapshot, StorageError,
    TimeRange,
};

/// A sample: timestamp, start timestamp, float or sum of a histogram, and
/// that one's count.
pub type Sample = (i64, i64, f64, Option<f64>);

/// Selects.
pub fn select(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
    symbols: &SymbolTable,
) -> Result<Selected, StorageError> {
    let hints = SelectHints::default();
    block_on(snapshot.select(SelectRequest {
        matchers,
        range,
        hints: &hints,
        symbols,
    }))
}

/// The samples of chunks within a range, in order of time. Panics if two are
/// at one time.
pub fn samples(chunks: &[Chunk], range: TimeRange) -> Result<Vec<Sample>, ChunkError> {
    let mut all: Vec<Sample> = Vec::new();
    let mut last_start = i64::MIN;
    for chunk in chunks {
        assert!(last_start <= chunk.min_time, "chunks in order");
        last_start = chunk.min_time;
        let deleted = chunk.deleted.as_deref().unwrap_or_default();
        for sample in decode(&chunk.data)? {
            let t = sample.0;
            assert!((chunk.min_time..=chunk.max_time).contains(&t));
            if range.overlaps(t, t) && !deleted.iter().any(|d| d.overlaps(t, t)) {
                all.push(sample);
            }
        }
    }
    all.sort_by_key(|s| s.0);
    let apart = all.windows(2).all(|w| w[0].0 < w[1].0);
    assert!(apart, "two samples at one time");
    Ok(all)
}

fn decode(data: &ChunkData) -> Result<Vec<Sample>, ChunkError> {
    let (mut starts, mut times, mut values) = (vec![], vec![], vec![]);
    match data {
        ChunkData::Encoded { encoding, bytes } if encoding.is_histogram() => {
            let mut columns = HistogramColumns::default();
            decode_histograms(*encoding, bytes, &mut columns)?;
            let count = |i: usize| {
                if columns.is_stale(i) {
                    0.0
                } else {
                    columns.counts[i]
                }
            };
            let sample = |i: usize| {
                let (t, start) = (columns.timestamps[i], columns.start_timestamps[i]);
                (t, start, columns.sums[i], Some(count(i)))
            };
            return Ok((0..columns.len()).map(sample).collect());
        }
        ChunkData::Encoded { encoding, bytes } => {
            let out = (&mut starts, &mut times, &mut values);
            decode_floats_with_start(*encoding, bytes, out.0, out.1, out.2)?;
        }
        ChunkData::Floats {
            timestamps,
            values: v,
        } => {
            starts = vec![0; timestamps.len()];
            times = timestamps.to_vec();
            values = v.to_vec();
        }
    }
    let samples = starts.into_iter().zip(times).zip(values);
    Ok(samples
        .map(|((start, t), value)| (t, start, value, None))
        .collect())
}

/// Labels as one text, as the Go programs print them.
pub fn label_line<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let hex = |v: &str| v.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    labels
        .map(|(name, value)| format!("{name}={};", hex(value)))
        .collect()
}

/// All selected series with their samples.
pub fn read(
    snapshot: &dyn Snapshot,
    matchers: &[Matcher],
    range: TimeRange,
) -> Result<BTreeMap<String, Vec<Sample>>, StorageError> {
    let symbols = SymbolTable::new();
    let selected = select(snapshot, matchers, range, &symbols)?;
    let table = symbols.read();
    let mut all = BTreeMap::new();
    let mut before: Option<&[quarrel_engine::labels::Label]> = None;
    let mut chunks = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        if let Some(before) = before {
            assert!(table.compare(before, labels).is_lt(), "rows in order");
        }
        before = Some(labels);
        chunks.clear();
        selected.series.chunks(row as u32, &mut chunks)?;
        let samples = samples(&chunks, range).map_err(|e| StorageError::Corrupt {
            file: "a chunk".into(),
            detail: e.to_string(),
        })?;
        let pairs = labels
            .iter()
            .map(|l| (table.get(l.name), table.get(l.value)));
        all.insert(label_line(pairs), samples);
    }
    Ok(all)
}
