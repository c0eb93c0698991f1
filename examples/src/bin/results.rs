//! What to do with an answer: Prometheus's shapes, Arrow record batches, and
//! parts of a large one.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin results
//! ```

use std::error::Error;
use std::sync::Arc;

use futures::StreamExt;
use quarrel::arrow::arrow_array::cast::AsArray;
use quarrel::arrow::arrow_array::types::Float64Type;
use quarrel::arrow::arrow_array::{Array, RecordBatch};
use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, Prepared, QueryOptions, QueryRange, RangeError, SeriesSet, Timestamp};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let memory = MemoryStorage::new();
    for pod in 0..1000 {
        let labels = [
            ("__name__", "memory_bytes".to_string()),
            ("pod", format!("pod-{pod:03}")),
        ];
        memory.append_series(
            labels,
            vec![0, 60_000, 120_000],
            vec![1e6, 2e6, f64::from(pod)],
        )?;
    }
    let storage: Arc<dyn Storage> = Arc::new(memory);
    let engine = Engine::builder().build()?;

    let few = engine.prepare("memory_bytes{pod=~'pod-00[12]'}")?;
    prometheus_shaped(&few, &storage).await?;
    arrow(&few, &storage).await?;
    in_parts(&engine.prepare("memory_bytes / 1e6")?, &storage).await?;
    accompanied(&engine.prepare("rate(memory_bytes[5m])")?, &storage).await
}

/// Three times a minute apart.
fn minutes() -> Result<QueryRange, RangeError> {
    QueryRange::from_millis(0..=120_000, 60_000)
}

/// The answer as Prometheus's HTTP API shows it.
async fn prometheus_shaped(
    query: &Prepared,
    storage: &Arc<dyn Storage>,
) -> Result<(), Box<dyn Error>> {
    let query = query.range(Arc::clone(storage), minutes()?, QueryOptions::new());
    let result = query.execute().await?;
    let series = result
        .value
        .series()
        .map_or_else(Vec::new, SeriesSet::to_series);
    let series: Vec<_> = series
        .into_iter()
        .map(|series| {
            let metric: serde_json::Map<_, _> = series
                .labels
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let values: Vec<_> = series
                .points
                .iter()
                .filter_map(|p| Some((p.timestamp / 1000, p.value.as_float()?.to_string())))
                .collect();
            json!({ "metric": metric, "values": values })
        })
        .collect();
    let text = json!({ "resultType": result.value.type_name(), "result": series }).to_string();
    println!("{text}");
    assert!(text.starts_with(
        r#"{"result":[{"metric":{"__name__":"memory_bytes","pod":"pod-001"},"values":[[0,"1000000"],[60,"2000000"],[120,"1"]]},"#
    ));
    assert!(text.ends_with(r#""resultType":"matrix"}"#));
    Ok(())
}

/// The answer as Arrow record batches: a row a series, and a row a sample.
async fn arrow(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let query = query.range(Arc::clone(storage), minutes()?, QueryOptions::new());
    let value = query.execute().await?.value;

    let nested: RecordBatch = value.to_arrow()?;
    let values = nested.column_by_name("values").ok_or("no values")?;
    let values = values.as_list::<i32>();
    assert_eq!((nested.num_rows(), values.values().len()), (2, 6));

    // What SQL and data frames take as it is.
    let tidy: RecordBatch = value.to_arrow_tidy()?;
    let fields = tidy.schema();
    let names: Vec<&String> = fields.fields().iter().map(|field| field.name()).collect();
    println!("{names:?}");
    assert_eq!(names, ["__name__", "pod", "timestamp", "value"]);
    let values = tidy.column_by_name("value").ok_or("no values")?;
    let values = values.as_primitive::<Float64Type>().values();
    println!("{values:?}");
    assert_eq!(values, &[1e6, 2e6, 1.0, 1e6, 2e6, 2.0]);
    Ok(())
}

/// A large answer piece by piece, so that what is made of it need not stand
/// in memory at once.
async fn in_parts(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let at = Timestamp::from_secs(60);
    let query = query.instant(Arc::clone(storage), at, QueryOptions::new());
    let mut stream = query.stream().await?;
    assert_eq!(stream.type_name(), "vector");
    let (mut parts, mut sum) = (0, 0.0);
    while let Some(part) = stream.next().await {
        let part = part?;
        parts += 1;
        // `iter` borrows: labels stay symbols, samples stay where they are.
        let samples = part.iter().flat_map(|series| series.points());
        sum += samples
            .filter_map(|point| point.value.as_float())
            .sum::<f64>();
    }
    println!("{parts} parts, sum {sum}");
    assert!(parts > 1);
    assert_eq!(sum, 2000.0);
    // Warnings, infos and costs follow the parts.
    let trailer = stream.trailer().ok_or("the stream has ended")?;
    assert!(trailer.warnings.is_empty());
    assert_eq!(trailer.stats.series, 1000);
    Ok(())
}

/// Warnings and infos come with the answer, as do the query's costs.
async fn accompanied(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let at = Timestamp::from_secs(120);
    let query = query.instant(Arc::clone(storage), at, QueryOptions::new());
    let result = query.execute().await?;
    println!("{}", result.infos.join("\n"));
    assert_eq!(
        result.infos,
        [
            "PromQL info: metric might not be a counter, name does not end in \
             _total/_sum/_count/_bucket: \"memory_bytes\" (1:6)"
        ]
    );
    assert!(result.warnings.is_empty());
    println!(
        "{} series, {} samples decoded",
        result.stats.series, result.stats.decoded_samples
    );
    assert_eq!(
        (result.stats.series, result.stats.decoded_samples),
        (1000, 3000)
    );
    Ok(())
}
