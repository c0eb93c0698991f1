//! Joins the answer of a PromQL query with a table in SQL.
//!
//! ```sh
//! cargo run --example join
//! ```

use std::error::Error;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use quarrel::Engine;
use quarrel::storage::memory::MemoryStorage;
use quarrel_datafusion::PromqlFunctions;

/// CPU seconds of four pods: ten minutes, a sample each 15 seconds.
fn usage() -> Result<MemoryStorage, Box<dyn Error>> {
    let storage = MemoryStorage::new();
    let cores = [
        ("api-0", 0.5),
        ("api-1", 0.25),
        ("web-0", 2.0),
        ("job-7", 1.0),
    ];
    for (pod, cores) in cores {
        let labels = [("__name__", "cpu_seconds_total"), ("pod", pod)];
        let times = (0..=40).map(|i| i * 15_000).collect();
        let seconds = (0..=40).map(|i| cores * 15.0 * f64::from(i)).collect();
        storage.append_series(labels, times, seconds)?;
    }
    Ok(storage)
}

/// Which team owns which pod.
fn inventory() -> Result<RecordBatch, Box<dyn Error>> {
    let column = |values: &[&str]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let columns = [
        ("pod", column(&["api-0", "api-1", "web-0"])),
        ("team", column(&["search", "search", "shop"])),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// The cores that each team used in the last five minutes before ten past.
/// PromQL knows counters, SQL knows tables.
const TEAMS: &str = "
    SELECT coalesce(team, 'nobody') AS team, count(*) AS pods, sum(value) AS cores
    FROM promql(
        'round(sum by (pod) (rate(cpu_seconds_total[5m])), 0.01)',
        '1970-01-01T00:10:00Z',
        'pod'
    ) AS usage
    LEFT JOIN inventory ON inventory.pod = usage.pod
    GROUP BY team
    ORDER BY cores DESC, team DESC";

/// What each pod used in its busiest minute. All labels are in a map where
/// none is named.
const PEAKS: &str = "
    SELECT labels['pod'] AS pod, max(value) AS cores, count(*) AS minutes
    FROM promql_range(
        'round(rate(cpu_seconds_total[1m]), 0.01)',
        TIMESTAMP '1970-01-01 00:01:00',
        TIMESTAMP '1970-01-01 00:10:00',
        INTERVAL '1 minute'
    )
    GROUP BY labels['pod']
    ORDER BY pod";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let context = SessionContext::new();
    PromqlFunctions::new(Engine::builder().build()?, Arc::new(usage()?))
        .register(|name, function| context.register_udtf(name, function));
    context.register_batch("inventory", inventory()?)?;

    let teams = context.sql(TEAMS).await?.collect().await?;
    let teams = pretty_format_batches(&teams)?.to_string();
    println!("{teams}");
    let peaks = context.sql(PEAKS).await?.collect().await?;
    println!("{}", pretty_format_batches(&peaks)?);

    let expected = "\
+--------+------+-------+
| team   | pods | cores |
+--------+------+-------+
| shop   | 1    | 2.0   |
| nobody | 1    | 1.0   |
| search | 2    | 0.75  |
+--------+------+-------+";
    assert_eq!(teams, expected);
    Ok(())
}
