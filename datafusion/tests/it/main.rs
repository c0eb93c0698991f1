//! SQL over answers of PromQL.

mod errors;
mod plans;
mod sql;
mod streams;

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::prelude::{SessionConfig, SessionContext};
use quarrel::Engine;
use quarrel::storage::memory::MemoryStorage;
use quarrel_datafusion::PromqlFunctions;

/// Ten minutes of a counter a pod, a sample each minute; it grows by 60, 120
/// and 180 a minute.
fn store() -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for (pod, growth) in [("a", 60.0), ("b", 120.0), ("c", 180.0)] {
        let labels = [
            ("__name__", "cpu_seconds_total"),
            ("job", "api"),
            ("pod", pod),
        ];
        let times = (0..=10).map(|minute| minute * 60_000).collect();
        let values = (0..=10).map(|minute| growth * f64::from(minute)).collect();
        storage.append_series(labels, times, values).unwrap();
    }
    Arc::new(storage)
}

fn engine() -> Engine {
    Engine::builder().threads(2).build().unwrap()
}

/// The table of who owns which pod; nobody owns `c`.
fn inventory() -> Arc<MemTable> {
    let column = |values: [&str; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let columns = [
        ("pod", column(["a", "b"])),
        ("team", column(["red", "blue"])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

/// A session with the table functions over [`store`], and the inventory.
fn session() -> SessionContext {
    session_with(SessionConfig::new())
}

fn session_with(config: SessionConfig) -> SessionContext {
    let context = SessionContext::new_with_config(config.with_target_partitions(2));
    let functions = PromqlFunctions::new(engine(), store());
    functions.register(|name, function| context.register_udtf(name, function));
    context.register_table("inventory", inventory()).unwrap();
    context
}

async fn batches(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

/// The answer as lines of a table, without its frame.
async fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    let batches = batches(context, sql).await.unwrap();
    let table = pretty_format_batches(&batches).unwrap().to_string();
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        cells.join(" ")
    };
    lines.map(cells).collect()
}
