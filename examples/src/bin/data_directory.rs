//! The engine over a Prometheus data directory as it is on disk: blocks, head
//! chunks and write-ahead log. Nothing is written there, and a Prometheus may
//! be at work on it at the same time.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin data_directory
//! ```

use std::error::Error;
use std::sync::Arc;

use quarrel::storage::tsdb::{Tsdb, TsdbOptions};
use quarrel::storage::{LabelsRequest, Storage, TimeRange};
use quarrel::{Engine, QueryOptions, Timestamp};

/// 2026-11-24 00:29 UTC, some seconds before the recording ends.
const AT: Timestamp = Timestamp::from_millis(1_795_480_140_000);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/demo-data");
    let tsdb = Tsdb::open(directory, TsdbOptions::default())?;
    let storage: Arc<dyn Storage> = Arc::new(tsdb);

    // What there is.
    let view = storage.snapshot(TimeRange::ALL).await?;
    let jobs = view
        .label_values("job", LabelsRequest::new(&[], TimeRange::ALL))
        .await?;
    let times = view.time_range().ok_or("an empty directory")?;
    println!(
        "jobs {jobs:?}, {} minutes",
        (times.end - times.start) / 60_000
    );
    assert_eq!(jobs, ["missing", "node", "prometheus"]);

    let engine = Engine::builder().build()?;
    let ask = async |text: &str| -> Result<Vec<(String, f64)>, Box<dyn Error>> {
        let options = QueryOptions::new();
        let query = engine
            .prepare(text)?
            .instant(Arc::clone(&storage), AT, options);
        let value = query.execute().await?.value;
        let row = |series: quarrel::SeriesRef<'_>| {
            let value = series.value()?.as_float()?;
            Some((series.metric(), value))
        };
        Ok(value.iter().filter_map(row).collect())
    };

    // A target that never answered, and one that went away some times.
    let down = ask("up == 0").await?;
    println!("{down:?}");
    let missing = r#"up{env="demo", instance="127.0.0.1:19199", job="missing"}"#;
    assert_eq!(down, [(missing.to_string(), 0.0)]);
    let changes = ask("sum by (job) (changes(up[1h])) > 0").await?;
    println!("{changes:?}");
    assert_eq!(changes, [(r#"{job="node"}"#.to_string(), 6.0)]);

    // What Prometheus 3.16 answers over this directory.
    let modes = ask("topk(3, sum by (mode) (rate(node_cpu_seconds_total[5m])))").await?;
    println!("{modes:?}");
    let expected = [
        (r#"{mode="idle"}"#, 1.817_328_226_161_825_5),
        (r#"{mode="user"}"#, 0.097_861_089_454_595_63),
        (r#"{mode="steal"}"#, 0.045_896_749_262_736_88),
    ];
    assert_eq!(modes.len(), expected.len());
    for ((labels, value), (expected_labels, expected_value)) in modes.iter().zip(expected) {
        assert_eq!(labels, expected_labels);
        let difference = (value - expected_value).abs() / expected_value;
        assert!(difference < 1e-9, "{labels}: {value}, not {expected_value}");
    }
    Ok(())
}
