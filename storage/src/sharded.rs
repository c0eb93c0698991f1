//! One shard of a store's series.
//!
//! What is not in the shard is left out when series are selected, from their labels
//! alone: its samples are neither fetched nor decoded.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use futures::future::{BoxFuture, try_join_all};
use quarrel_engine::labels::{Label, LabelList};
use quarrel_engine::storage::{
    Chunk, LabelsRequest, SelectRequest, Selected, SeriesSource, Snapshot, Storage, StorageError,
    TimeRange,
};

use crate::shard::Shard;

/// Rows between two looks whether the query still wants the answer.
const ROWS_A_CHECK: usize = 1024;

/// A storage that has only the series of one shard of another one. Look-ups of label
/// names and values are those of the other one.
pub struct Sharded {
    inner: Arc<dyn Storage>,
    shard: Arc<Shard>,
}

impl Sharded {
    /// The shard of a storage.
    pub fn new(inner: Arc<dyn Storage>, shard: Shard) -> Self {
        Sharded {
            inner,
            shard: Arc::new(shard),
        }
    }
}

impl Storage for Sharded {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        Box::pin(async move {
            let inner = self.inner.snapshot(range).await?;
            let shard = Arc::clone(&self.shard);
            Ok(Arc::new(View { inner, shard }) as Arc<dyn Snapshot>)
        })
    }

    fn name(&self) -> Cow<'_, str> {
        self.inner.name()
    }
}

struct View {
    inner: Arc<dyn Snapshot>,
    shard: Arc<Shard>,
}

impl Snapshot for View {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        Box::pin(async move {
            // The hash may be one of labels that the query does not look at.
            let all = self.inner.select(request.with_projection(None)).await?;
            let rows = rows(&all.labels, &self.shard, &request)?;
            if rows.len() == all.labels.len() {
                return Ok(all);
            }
            request.control.reserve(all.labels.bytes_of(rows.len()))?;
            let labels = all.labels.take(&rows);
            let total = all.labels.len() as u64;
            let part = Part {
                estimated_samples: all.series.estimated_samples().map(|samples| {
                    let share = u128::from(samples) * rows.len() as u128 / u128::from(total.max(1));
                    share as u64
                }),
                inner: all.series,
                rows: rows.into(),
            };
            Ok(Selected::new(labels, Arc::new(part)).with_warnings(all.warnings))
        })
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_names(request)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.inner.label_values(name, request)
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings()
    }

    fn series_count(&self) -> Option<u64> {
        self.inner.series_count()
    }

    fn is_fed_by_caller(&self) -> bool {
        self.inner.is_fed_by_caller()
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.inner.time_range()
    }
}

/// The rows that are in the shard.
fn rows(
    labels: &LabelList,
    shard: &Shard,
    request: &SelectRequest<'_>,
) -> Result<Vec<u32>, StorageError> {
    let mut out = Vec::new();
    let mut buffer = Vec::new();
    let mut row = 0;
    while row < labels.len() {
        request.control.check()?;
        let end = labels.len().min(row + ROWS_A_CHECK);
        request.control.reserve((end - row) * size_of::<u32>())?;
        let symbols = request.symbols.read();
        for number in row..end {
            let text = |label: &Label| (symbols.get(label.name), symbols.get(label.value));
            if shard.matches(labels.get(number).iter().map(text), &mut buffer) {
                out.push(number as u32);
            }
        }
        row = end;
    }
    Ok(out)
}

/// Some rows of a source.
struct Part {
    inner: Arc<dyn SeriesSource>,
    /// For each row its number in `inner`, ascending.
    rows: Arc<[u32]>,
    estimated_samples: Option<u64>,
}

impl SeriesSource for Part {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let missing = || StorageError::Other(format!("there is no series {row} in the shard"));
        let inner = self.rows.get(row as usize).ok_or_else(missing)?;
        self.inner.chunks(*inner, out)
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let wanted = self.rows.get(rows.start as usize..rows.end as usize)?;
        let runs = wanted.chunk_by(|a, b| a + 1 == *b);
        let fetches = runs.filter_map(|run| self.inner.prefetch(run[0]..run[run.len() - 1] + 1));
        let fetches: Vec<_> = fetches.collect();
        if fetches.is_empty() {
            return None;
        }
        Some(Box::pin(async { try_join_all(fetches).await.map(|_| ()) }))
    }

    fn held_bytes(&self) -> usize {
        // Rows that are not in the shard are held as well.
        self.inner.held_bytes() + size_of_val(&self.rows[..])
    }

    fn origin(&self, row: u32) -> Option<String> {
        self.inner.origin(*self.rows.get(row as usize)?)
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.estimated_samples
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;
    use quarrel_engine::labels::SymbolTable;
    use quarrel_engine::storage::{ChunkData, MatchOp, Matcher, SelectHints};

    use super::*;
    use crate::conformance::{Harness, TestSeries};
    use crate::memory::MemoryStorage;

    /// The only shard.
    struct Whole;

    fn memory(series: &[TestSeries]) -> Arc<MemoryStorage> {
        let storage = MemoryStorage::new();
        for one in series {
            for (timestamp, value) in one.samples() {
                // Of equal timestamps the first stays.
                let _ = storage.append(one.labels.iter().cloned(), timestamp, value);
            }
        }
        Arc::new(storage)
    }

    fn shard(index: u64, total: u64, by: bool, labels: &[&str]) -> Shard {
        Shard {
            index,
            total,
            by,
            labels: labels.iter().map(|&name| name.to_string()).collect(),
        }
    }

    impl Harness for Whole {
        fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
            let mut series = series.to_vec();
            for one in &mut series {
                let mut samples: Vec<_> = one.samples().collect();
                samples.sort_by_key(|sample| sample.0);
                one.parts = vec![samples];
            }
            Arc::new(Sharded::new(memory(&series), shard(0, 1, true, &["a"])))
        }
    }

    #[test]
    fn the_only_shard_is_a_store() {
        let report = crate::conformance::run(&Whole);
        assert!(report.passed(), "{report}");
    }

    /// Labels as text, and the first value, of all series.
    fn all(storage: &dyn Storage, projection: Option<&[String]>) -> Vec<(String, f64)> {
        let matchers = [Matcher::new(MatchOp::NotEqual, "n", "").unwrap()];
        let (hints, symbols) = (SelectHints::default(), SymbolTable::new());
        let request = SelectRequest::new(&matchers, TimeRange::ALL, &hints, &symbols);
        let snapshot = block_on(storage.snapshot(TimeRange::ALL)).unwrap();
        let selected = block_on(snapshot.select(request.with_projection(projection))).unwrap();
        let mut chunks = Vec::new();
        let value = |chunks: &[Chunk]| match &chunks[0].data {
            ChunkData::Floats { values, .. } => values[0],
            other => panic!("{other:?}"),
        };
        (0..selected.labels.len())
            .map(|row| {
                chunks.clear();
                selected.series.chunks(row as u32, &mut chunks).unwrap();
                let name = symbols.read().display(selected.labels.get(row));
                (name, value(&chunks))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn shards_are_disjoint_and_everything(
            count in 0usize..60,
            total in 1u64..6,
            by in any::<bool>(),
            names in prop::collection::vec(prop::sample::select(vec!["n", "zone", "other"]), 0..3),
        ) {
            let storage = MemoryStorage::new();
            for n in 0..count {
                let (n, zone) = (n.to_string(), (n % 3).to_string());
                let labels = [("__name__", "x"), ("n", n.as_str()), ("zone", zone.as_str())];
                storage.append(labels, 5, n.parse().unwrap()).unwrap();
            }
            let storage: Arc<dyn Storage> = Arc::new(storage);
            let parts: Vec<_> = (0..total)
                .map(|index| {
                    let part = shard(index, total, by, &names);
                    let part = Sharded::new(Arc::clone(&storage), part);
                    let projection = ["zone".to_string()];
                    let found = all(&part, None);
                    let projected = all(&part, Some(&projection));
                    assert_eq!(projected.len(), found.len());
                    found
                })
                .collect();
            for part in &parts {
                prop_assert!(part.is_sorted_by(|a, b| a.0 < b.0), "{part:?}");
            }
            let mut together = parts.concat();
            together.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(together, all(&*storage, None));
        }
    }
}
