//! What tests of data directories have in common.

use std::collections::BTreeMap;

use futures::executor::block_on;
use quarrel::labels::SymbolTable;
use quarrel::storage::{
    Chunk, ChunkData, Matcher, SelectHints, SelectRequest, Selected, Snapshot, StorageError,
    TimeRange,
};
use quarrel_chunks::decode_floats_with_start;

/// A sample: timestamp, start timestamp, value.
pub type Sample = (i64, i64, f64);

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

/// The samples of chunks within a range, in order of time; `None` if there
/// are histograms. Panics if two are at one time.
pub fn samples(
    chunks: &[Chunk],
    range: TimeRange,
) -> Result<Option<Vec<Sample>>, quarrel_chunks::ChunkError> {
    let mut all: Vec<Sample> = Vec::new();
    let mut last_start = i64::MIN;
    for chunk in chunks {
        assert!(last_start <= chunk.min_time, "chunks in order");
        last_start = chunk.min_time;
        let (mut starts, mut times, mut values) = (vec![], vec![], vec![]);
        match &chunk.data {
            ChunkData::Encoded { encoding, .. } if encoding.is_histogram() => return Ok(None),
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
        let deleted = chunk.deleted.as_deref().unwrap_or_default();
        for ((start, t), value) in starts.into_iter().zip(times).zip(values) {
            assert!((chunk.min_time..=chunk.max_time).contains(&t));
            if range.overlaps(t, t) && !deleted.iter().any(|d| d.overlaps(t, t)) {
                all.push((t, start, value));
            }
        }
    }
    all.sort_by_key(|s| s.0);
    assert!(
        all.windows(2).all(|w| w[0].0 < w[1].0),
        "two samples at one time"
    );
    Ok(Some(all))
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
) -> Result<BTreeMap<String, Option<Vec<Sample>>>, StorageError> {
    let symbols = SymbolTable::new();
    let selected = select(snapshot, matchers, range, &symbols)?;
    let table = symbols.read();
    let mut all = BTreeMap::new();
    let mut before: Option<&[quarrel::labels::Label]> = None;
    let mut chunks = Vec::new();
    for (row, labels) in selected.labels.iter().enumerate() {
        if let Some(before) = before {
            assert!(table.compare(before, labels).is_lt(), "rows in order");
        }
        before = Some(labels);
        chunks.clear();
        let samples = match selected.series.chunks(row as u32, &mut chunks) {
            Ok(()) => samples(&chunks, range).map_err(|e| StorageError::Corrupt {
                file: "a chunk".into(),
                detail: e.to_string(),
            })?,
            // Histograms of the head.
            Err(StorageError::Unsupported(_)) => None,
            Err(e) => return Err(e),
        };
        let pairs = labels
            .iter()
            .map(|l| (table.get(l.name), table.get(l.value)));
        all.insert(label_line(pairs), samples);
    }
    Ok(all)
}
