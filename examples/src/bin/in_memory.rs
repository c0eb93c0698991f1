//! The engine over series that the program itself holds in memory.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin in_memory
//! ```

use std::error::Error;
use std::sync::Arc;

use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, QueryOptions, QueryRange, SampleValue, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let memory = Arc::new(MemoryStorage::new());

    // One sample after the other: labels, ms since the epoch, value.
    for minute in 0..=10 {
        for (job, growth) in [("api", 30.0), ("web", 6.0)] {
            let labels = [("__name__", "requests_total"), ("job", job)];
            memory.append(labels, minute * 60_000, minute as f64 * growth)?;
        }
    }
    // Or a whole series as two columns, which are taken without a copy.
    memory.append_series(
        [("__name__", "requests_total"), ("job", "batch")],
        vec![0, 300_000, 600_000],
        vec![0.0, 300.0, 600.0],
    )?;

    let engine = Engine::builder().build()?;
    let storage: Arc<dyn Storage> = memory;

    // Parsed and checked once, run as often as you like.
    let busiest = engine.prepare("topk(2, sum by (job) (rate(requests_total[5m])))")?;
    let at = Timestamp::from_secs(600);
    let result = busiest
        .instant(Arc::clone(&storage), at, QueryOptions::new())
        .execute()
        .await?;
    let series = result.value.as_vector().ok_or("topk gives a vector")?;
    let lines: Vec<String> = series.to_series().iter().map(line).collect();
    println!("{}", lines.join("\n"));
    assert_eq!(
        lines,
        [r#"{job="api"} 0.5@600s"#, r#"{job="web"} 0.1@600s"#]
    );

    // The same over a range of times, 4 minutes apart.
    let total = engine.prepare("sum(increase(requests_total{job!='batch'}[2m]))")?;
    let times = QueryRange::from_millis(120_000..=600_000, 240_000)?;
    let result = total
        .range(storage, times, QueryOptions::new())
        .execute()
        .await?;
    let series = result
        .value
        .as_matrix()
        .ok_or("a range query gives a matrix")?;
    let lines: Vec<String> = series.to_series().iter().map(line).collect();
    println!("{}", lines.join("\n"));
    assert_eq!(lines, ["{} 72@120s 72@360s 72@600s"]);
    Ok(())
}

/// A series as text.
fn line(series: &quarrel::Series<'_>) -> String {
    let labels: Vec<String> = series
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    let points: Vec<String> = series
        .points
        .iter()
        .map(|point| match point.value {
            SampleValue::Float(value) => format!("{value}@{}s", point.timestamp / 1000),
            SampleValue::Histogram(h) => format!("{}@{}s", h.to_text(), point.timestamp / 1000),
        })
        .collect();
    format!("{{{}}} {}", labels.join(","), points.join(" "))
}
