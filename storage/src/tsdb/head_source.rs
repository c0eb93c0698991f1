//! The head as one of the sources of a select.

use std::path::Path;
use std::sync::Arc;

use quarrel::labels::{Label, LabelList, Symbol, SymbolTable};
use quarrel::storage::{Chunk, ChunkData, Matcher, StorageError, TimeRange};
use rustc_hash::FxHashMap;

use super::block::Rows;
use super::head::{Head, HeadChunk, HeadChunkData, HeadError, merge_overlapping};

/// Series whose labels are interned under one lock.
const BATCH: usize = 256;

/// The series of the head that satisfy the matchers and have samples in the
/// range.
pub(super) fn rows(
    head: &Head,
    matchers: &[Matcher],
    range: TimeRange,
    table: &SymbolTable,
) -> Rows {
    let mut samples = 0;
    let mut ids = head.select(matchers);
    ids.retain(|id| {
        let in_range = head.series(*id).samples_in(range.start, range.end);
        samples += in_range.unwrap_or(0);
        in_range.is_some()
    });
    let mut rows = Rows {
        labels: LabelList::with_capacity(ids.len(), 8),
        ids: Vec::new(),
        samples: samples as f64,
    };
    let mut memo: FxHashMap<u32, Symbol> = FxHashMap::default();
    let mut labels = Vec::with_capacity(16);
    for batch in ids.chunks(BATCH) {
        let mut symbols = table.write();
        for id in batch {
            labels.clear();
            for (name, value) in head.series(*id).label_symbols() {
                let [name, value] = [name, value].map(|s| {
                    *memo
                        .entry(s.0)
                        .or_insert_with(|| symbols.intern(head.symbols().get(*s)))
                });
                labels.push(Label { name, value });
            }
            rows.labels.push(labels.iter().copied());
        }
    }
    rows.ids = ids;
    rows
}

/// Appends the chunks of a series, which do not overlap, in order of time.
pub(super) fn chunks(
    head: &Head,
    id: u32,
    range: TimeRange,
    out: &mut Vec<Chunk>,
) -> Result<(), StorageError> {
    let series = head.series(id);
    let mut found = Vec::new();
    series.chunks(range.start, range.end, &mut found);
    let corrupt = |detail: String| {
        let labels: Vec<String> = series.labels().map(|(n, v)| format!("{n}={v:?}")).collect();
        let file = "the head".to_owned();
        StorageError::Corrupt {
            file,
            detail: format!("{{{}}}: {detail}", labels.join(", ")),
        }
    };
    let found = merge_overlapping(found).map_err(|e| corrupt(e.to_string()))?;
    let stones = series.tombstones();
    let deleted: Option<Arc<[TimeRange]>> = (!stones.is_empty()).then(|| {
        stones
            .iter()
            .map(|(start, end)| TimeRange {
                start: *start,
                end: *end,
            })
            .collect()
    });
    for HeadChunk {
        min_time,
        max_time,
        data,
        ..
    } in found
    {
        let data = match data {
            HeadChunkData::Encoded { encoding, bytes } => ChunkData::Encoded { encoding, bytes },
            HeadChunkData::Samples { timestamps, values } => ChunkData::Floats {
                timestamps: timestamps.into(),
                values: values.into(),
            },
            HeadChunkData::Histograms(_) => {
                return Err(StorageError::Unsupported(
                    "native histograms that are not in a chunk yet".into(),
                ));
            }
        };
        let touches = |d: &TimeRange| d.overlaps(min_time, max_time);
        let deleted = deleted
            .as_ref()
            .filter(|all| all.iter().any(touches))
            .cloned();
        out.push(Chunk {
            min_time,
            max_time,
            data,
            deleted,
        });
    }
    Ok(())
}

/// A head's error as a store's.
pub(super) fn error(dir: &Path, e: HeadError) -> StorageError {
    match e {
        HeadError::Io { path, source } => StorageError::Io { path, source },
        HeadError::Corrupt {
            path,
            offset,
            detail,
        } => StorageError::Corrupt {
            file: path.display().to_string(),
            detail: format!("at byte {offset}: {detail}"),
        },
        HeadError::MissingSegment { dir, missing } => StorageError::Corrupt {
            file: dir.display().to_string(),
            detail: format!("segments are not sequential: {missing} is missing"),
        },
        other => StorageError::Other(format!("{}: {other}", dir.display())),
    }
}
