//! The samples of a data directory, from blocks into tsink's memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use quarrel_engine::storage::Storage as Blocks;
use quarrel_engine::{EngineOptions, QueryOptions, Timestamp};
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};
use tsink::{DataPoint, Label, Row, Storage, StorageBuilder, TimestampPrecision};

use crate::Failure;

/// Rows that are inserted at once.
const ROWS: usize = 50_000;

/// After all samples, ms: `fixtures.Start` and 40 days.
const AFTER: i64 = 1_700_006_400_000 + 40 * 86_400_000;

/// A store with the floats of a data directory.
pub fn load(data: &str) -> Result<Arc<dyn Storage>, Failure> {
    let storage = StorageBuilder::new()
        .with_timestamp_precision(TimestampPrecision::Milliseconds)
        .with_retention(Duration::from_secs(100 * 365 * 86_400))
        .with_wal_enabled(false)
        .build()?;
    let blocks: Arc<dyn Blocks> = Arc::new(Tsdb::open(Path::new(data), TsdbOptions::default())?);
    let engine = EngineOptions::new().max_samples(u64::MAX).build()?;
    let all = engine.query(
        r#"{__name__=~".+"}[40d]"#,
        blocks,
        Timestamp::from_millis(AFTER),
        QueryOptions::new(),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_time()
        .build()?;
    let result = runtime.block_on(all.execute())?;
    let mut rows = Vec::with_capacity(ROWS);
    let series = result.value.as_matrix().ok_or("no raw samples")?;
    for series in series.to_series() {
        let mut metric = String::new();
        let mut labels = Vec::new();
        for (name, value) in series.labels {
            if name == "__name__" {
                metric = value;
            } else {
                labels.push(Label::new(name, value));
            }
        }
        for point in series.points {
            let Some(value) = point.value.as_float() else {
                continue;
            };
            let point = DataPoint::new(point.timestamp, value);
            rows.push(Row::with_labels(metric.as_str(), labels.clone(), point));
            if rows.len() == ROWS {
                storage.insert_rows(&rows)?;
                rows.clear();
            }
        }
    }
    storage.insert_rows(&rows)?;
    Ok(storage)
}
