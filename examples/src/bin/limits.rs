//! Limits: what a query may take, and what it is told when it wants more.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin limits
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, ErrorClass, LimitError, QueryError, QueryOptions, QueryRange, Timestamp};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let memory = MemoryStorage::new();
    for pod in 0..500 {
        let labels = [("__name__", "up".to_string()), ("pod", pod.to_string())];
        memory.append_series(labels, (0..600).map(|i| i * 1000).collect(), vec![1.0; 600])?;
    }
    let storage: Arc<dyn Storage> = Arc::new(memory);

    // Limits of the engine hold for all of its queries.
    let engine = Engine::builder()
        .timeout(Duration::from_secs(30))
        .max_samples(200_000)
        .max_memory(64 << 20)
        .max_series(1000)
        .max_concurrency(4)
        .build()?;
    // A query may lower them for itself, never raise them.
    let own = QueryOptions::new().max_series(100);
    let times = QueryRange::from_millis(0..=590_000, 10_000)?;
    let minutes = |text: &str, options: QueryOptions| {
        let prepared = engine.prepare(text);
        let storage = Arc::clone(&storage);
        async move { prepared?.range(storage, times, options).execute().await }
    };

    let answer = minutes("sum(up)", own.clone()).await?;
    println!("sum(up): a {}", answer.value.type_name());

    let error = minutes("up", own.clone()).await.expect_err("500 series");
    println!("up: {error}");
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Series { limit: 100 })
    ));

    let modest = QueryOptions::new().max_memory(200_000);
    let error = minutes("up + on (pod) up", modest).await;
    let error = error.expect_err("twice 500 series of 60 samples of 8 bytes");
    println!("up + on (pod) up: {error}");
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Memory { .. })
    ));
    assert_eq!(error.class(), ErrorClass::Execution);

    // Samples are counted while they are alive, as in Prometheus.
    let error = engine
        .prepare("up[10m]")?
        .instant(
            Arc::clone(&storage),
            Timestamp::from_secs(600),
            QueryOptions::new(),
        )
        .execute()
        .await
        .expect_err("300,000 samples");
    println!("up[10m]: {error}");
    assert!(matches!(
        error,
        QueryError::Limit(LimitError::Samples { limit: 200_000 })
    ));

    let hasty = QueryOptions::new().timeout(Duration::ZERO);
    let error = minutes("sum(up)", hasty).await.expect_err("no time at all");
    println!("sum(up): {error}");
    assert_eq!(error.class(), ErrorClass::Timeout);
    Ok(())
}
