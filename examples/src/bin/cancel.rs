//! Ending a query early: by its handle, by dropping its future, and looking
//! at how far it has come.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin cancel
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, ErrorClass, Query, QueryOptions, QueryRange};

/// An hour of 2,000 series.
fn series() -> Result<Arc<dyn Storage>, Box<dyn Error>> {
    let memory = MemoryStorage::new();
    for pod in 0..2000 {
        let labels = [("__name__", "load".to_string()), ("pod", pod.to_string())];
        let values = (0..3600).map(|i| f64::from((i * pod) % 1009)).collect();
        memory.append_series(labels, (0..3600).map(|i| i * 1000).collect(), values)?;
    }
    Ok(Arc::new(memory))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let storage = series()?;
    let engine = Engine::builder().build()?;
    let prepared = engine.prepare("sum(quantile_over_time(0.9, load[10m]))")?;
    let times = QueryRange::from_millis(600_000..=3_600_000, 1000)?;
    let long = || -> Query { prepared.range(Arc::clone(&storage), times, QueryOptions::new()) };

    // From elsewhere, by a handle that is taken before the query starts.
    let query = long();
    let (handle, progress) = (query.cancel_handle(), query.progress());
    let running = tokio::spawn(query.execute());
    while progress.decoded_samples() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("canceled at {:.0} %", progress.fraction() * 100.0);
    handle.cancel();
    let error = running.await?.expect_err("canceled");
    println!("{error}");
    assert_eq!(error.class(), ErrorClass::Canceled);

    // By dropping its future, which is what happens to the query of a client
    // that hangs up.
    let query = long();
    let progress = query.progress();
    let given_up = tokio::time::timeout(Duration::from_millis(20), query.execute()).await;
    assert!(given_up.is_err(), "20 ms are too short");
    // Threads end what they have in hand and take no more.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let decoded = progress.decoded_samples();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        progress.decoded_samples(),
        decoded,
        "nobody works on it any more"
    );
    assert_eq!(engine.active_queries(), 0);
    println!("dropped after {decoded} of 7200000 samples");
    assert!(decoded < 7_200_000);
    Ok(())
}
