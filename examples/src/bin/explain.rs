//! What the engine makes of a query, and where its time goes.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin explain
//! ```

use std::error::Error;
use std::sync::Arc;

use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, QueryOptions, QueryRange};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let memory = MemoryStorage::new();
    for (pod, job) in [("0", "api"), ("1", "api"), ("2", "web")] {
        let labels = [("__name__", "requests_total"), ("job", job), ("pod", pod)];
        let values = (0..240).map(f64::from).collect();
        memory.append_series(labels, (0..240).map(|i| i * 15_000).collect(), values)?;
    }
    let storage: Arc<dyn Storage> = Arc::new(memory);
    let engine = Engine::builder().build()?;
    let prepared = engine.prepare("sum by (job) (rate(requests_total[5m])) > 0.01")?;
    let times = QueryRange::from_millis(300_000..=3_600_000, 60_000)?;
    let query = || prepared.range(Arc::clone(&storage), times, QueryOptions::new());

    // Without data: the logical plan, and what each optimizer rule made of it.
    let explanation = query().plan()?;
    println!("{explanation}");
    assert!(explanation.logical.contains("Window") && explanation.physical.is_none());

    // With labels but without samples: the physical plan, too.
    let explanation = query().explain().await?;
    let physical = explanation.physical.clone().unwrap_or_default();
    assert!(physical.contains("Scan: rate series=3"), "{physical}");
    assert!(
        physical.contains("Aggregate: sum groups=2 of 3"),
        "{physical}"
    );

    // After a run: time, rows, samples and bytes of each operator.
    let explanation = query().analyze().await?;
    println!("{explanation}");
    let physical = explanation.physical.unwrap_or_default();
    assert!(physical.contains("output_rows=3") && physical.contains("elapsed_compute="));
    let stats = explanation.stats.ok_or("a query that ran has costs")?;
    // Windows are left-open: no window holds the sample at time 0.
    assert_eq!((stats.series, stats.decoded_samples), (3, 3 * 239));
    Ok(())
}
