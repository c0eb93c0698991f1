//! Reads a store as the engine does, and computes the expected answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_chunks::ChunkError;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Chunk, ChunkData, Matcher, SelectHints, SelectRequest, Selected, Snapshot, Storage, TimeRange,
};
use quarrel_matchers::MatchOp;

use super::check::Stop;
use super::harness::{Harness, TestSeries};
use super::reader::chunk_samples;

/// A row of a select: labels as text, samples as timestamp and bits of the
/// value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) labels: Vec<(String, String)>,
    pub(super) samples: Vec<(i64, u64)>,
}

/// The answer to a select with its symbol table.
pub(super) struct Answer {
    pub(super) symbols: Arc<SymbolTable>,
    pub(super) selected: Selected,
}

/// Runs a future on the harness's runtime and returns its value.
pub(super) fn wait<T: Send>(
    harness: &dyn Harness,
    future: impl Future<Output = T> + Send,
) -> Result<T, Stop> {
    let mut value = None;
    let slot = &mut value;
    harness.block_on(Box::pin(async move { *slot = Some(future.await) }));
    value.ok_or_else(|| Stop::Failed("block_on returned before the future completed".into()))
}

pub(super) fn snapshot(
    harness: &dyn Harness,
    store: &Arc<dyn Storage>,
    range: TimeRange,
) -> Result<Arc<dyn Snapshot>, Stop> {
    wait(harness, store.snapshot(range))?.map_err(|e| Stop::Failed(format!("snapshot: {e}")))
}

pub(super) fn matcher(op: MatchOp, name: &str, value: &str) -> Result<Matcher, Stop> {
    Matcher::new(op, name, value).map_err(|e| Stop::Failed(format!("{name} {value}: {e}")))
}

pub(super) fn select(
    harness: &dyn Harness,
    snapshot: &Arc<dyn Snapshot>,
    matchers: &[Matcher],
    range: TimeRange,
    hints: &SelectHints,
) -> Result<Answer, Stop> {
    let symbols = Arc::new(SymbolTable::new());
    let request = SelectRequest::new(matchers, range, hints, &symbols);
    let selected = wait(harness, snapshot.select(request))?
        .map_err(|e| Stop::Failed(format!("select {}: {e}", text(matchers))))?;
    Ok(Answer { symbols, selected })
}

/// Selects all series for a query that looks at some labels alone.
pub(super) fn select_labels(
    harness: &dyn Harness,
    snapshot: &Arc<dyn Snapshot>,
    names: &[String],
) -> Result<Answer, Stop> {
    let (symbols, hints) = (Arc::new(SymbolTable::new()), SelectHints::default());
    let request = SelectRequest::new(&[], TimeRange::ALL, &hints, &symbols);
    let selected = wait(
        harness,
        snapshot.select(request.with_projection(Some(names))),
    )?
    .map_err(|e| Stop::Failed(format!("select of labels {names:?}: {e}")))?;
    Ok(Answer { symbols, selected })
}

impl Answer {
    pub(super) fn len(&self) -> usize {
        self.selected.labels.len()
    }

    pub(super) fn labels(&self, row: usize) -> Vec<(String, String)> {
        let symbols = self.symbols.read();
        let labels = self.selected.labels.get(row).iter();
        labels
            .map(|l| {
                (
                    symbols.get(l.name).to_string(),
                    symbols.get(l.value).to_string(),
                )
            })
            .collect()
    }

    /// Prefetches some rows.
    pub(super) fn prefetch(
        &self,
        harness: &dyn Harness,
        rows: std::ops::Range<u32>,
    ) -> Result<(), Stop> {
        match self.selected.series.prefetch(rows) {
            None => Ok(()),
            Some(future) => {
                wait(harness, future)?.map_err(|e| Stop::Failed(format!("prefetch: {e}")))
            }
        }
    }

    /// All rows, after a prefetch of all.
    pub(super) fn rows(&self, harness: &dyn Harness) -> Result<Vec<Row>, Stop> {
        self.prefetch(harness, 0..self.len() as u32)?;
        (0..self.len()).map(|row| self.row(row)).collect()
    }

    /// One prefetched row.
    pub(super) fn row(&self, row: usize) -> Result<Row, Stop> {
        let labels = self.labels(row);
        let mut chunks = Vec::new();
        self.selected
            .series
            .chunks(row as u32, &mut chunks)
            .map_err(|e| Stop::Failed(format!("chunks of {labels:?}: {e}")))?;
        let samples = merged(&chunks).map_err(|e| Stop::Failed(format!("{labels:?}: {e}")))?;
        Ok(Row { labels, samples })
    }
}

/// The samples of a chunk in its order, without the deleted ones.
pub(super) fn decode(chunk: &Chunk) -> Result<Vec<(i64, u64)>, String> {
    let [times, values, validity] = match &chunk.data {
        ChunkData::Floats {
            timestamps, values, ..
        } => [timestamps.len(), values.len(), values.len()],
        ChunkData::FloatGrid {
            timestamps,
            values,
            validity,
        } => [timestamps.len(), values.len(), validity.len()],
        _ => [0; 3],
    };
    if times != values || values != validity {
        return Err(format!(
            "{times} timestamps, {values} values, and validity of {validity}"
        ));
    }
    if chunk.data.is_histogram() {
        return Err(ChunkError::NotFloats.to_string());
    }
    let samples = chunk_samples(chunk).map_err(|e| e.to_string())?;
    let bits = samples.iter().map(|s| (s.timestamp, s.value.to_bits()));
    Ok(bits.collect())
}

/// Merges the chunks of a series. Of two samples at one time, that of the earlier
/// chunk remains.
fn merged(chunks: &[Chunk]) -> Result<Vec<(i64, u64)>, String> {
    let mut all = BTreeMap::new();
    for chunk in chunks {
        for (time, bits) in decode(chunk)? {
            all.entry(time).or_insert(bits);
        }
    }
    Ok(all.into_iter().collect())
}

/// The expected rows of a select of these series, sorted.
pub(super) fn expected(series: &[TestSeries], matchers: &[Matcher], range: TimeRange) -> Vec<Row> {
    let matches = |s: &&TestSeries| {
        let value = |name: &str| {
            s.labels
                .iter()
                .find(|l| l.0 == name)
                .map_or("", |l| l.1.as_str())
        };
        matchers.iter().all(|m| m.matches(value(m.name())))
    };
    let row = |s: &TestSeries| {
        let samples: BTreeMap<i64, u64> = s.samples().map(|(t, v)| (t, v.to_bits())).collect();
        Row {
            labels: s.labels.clone(),
            samples: samples.into_iter().collect(),
        }
    };
    let mut rows: Vec<Row> = series.iter().filter(matches).map(row).collect();
    rows.sort();
    within(rows, range)
}

/// Keeps the samples in a range and the rows that have any.
pub(super) fn within(mut rows: Vec<Row>, range: TimeRange) -> Vec<Row> {
    for row in &mut rows {
        row.samples
            .retain(|s| range.start <= s.0 && s.0 <= range.end);
    }
    rows.retain(|row| !row.samples.is_empty());
    rows
}

/// Selects and compares with the expected rows.
pub(super) fn check_select(
    harness: &dyn Harness,
    store: &Arc<dyn Storage>,
    series: &[TestSeries],
    matchers: &[Matcher],
    range: TimeRange,
) -> Result<(), Stop> {
    let view = snapshot(harness, store, range)?;
    let answer = select(harness, &view, matchers, range, &SelectHints::default())?;
    let got = within(answer.rows(harness)?, range);
    let want = expected(series, matchers, range);
    same(&want, &got).map_err(|e| {
        let (matchers, TimeRange { start, end }) = (text(matchers), range);
        Stop::Failed(format!("{matchers} from {start} to {end}: {e}"))
    })
}

/// Compares two lists of rows. The error describes the first difference.
pub(super) fn same(want: &[Row], got: &[Row]) -> Result<(), String> {
    for (want, got) in want.iter().zip(got) {
        if want.labels != got.labels {
            return Err(format!(
                "expected series {:?}, got {:?}",
                want.labels, got.labels
            ));
        }
        if want.samples == got.samples {
            continue;
        }
        let first = want.samples.iter().zip(&got.samples).find(|(w, g)| w != g);
        let show = |s: &(i64, u64)| format!("{} at {} ms", f64::from_bits(s.1), s.0);
        let difference = match first {
            Some((want, got)) => format!("expected {}, got {}", show(want), show(got)),
            None => format!(
                "expected {} samples, got {}",
                want.samples.len(),
                got.samples.len()
            ),
        };
        return Err(format!("series {:?}: {difference}", want.labels));
    }
    if want.len() != got.len() {
        let next = want.get(got.len()).or_else(|| got.get(want.len()));
        let (want, got) = (want.len(), got.len());
        return Err(format!(
            "expected {want} series, got {got}; the first that differs: {next:?}"
        ));
    }
    Ok(())
}

pub(super) fn text(matchers: &[Matcher]) -> String {
    let matchers: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", matchers.join(", "))
}
