//! What to do with an answer: Prometheus's shapes, Arrow record batches, and
//! parts of a large one.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin results
//! ```

use std::error::Error;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use quarrel::storage::Storage;
use quarrel::{Engine, Prepared, QueryOptions, SeriesSet, Value};
use quarrel_storage::memory::MemoryStorage;
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

/// The answer as Prometheus's HTTP API shows it.
async fn prometheus_shaped(
    query: &Prepared,
    storage: &Arc<dyn Storage>,
) -> Result<(), Box<dyn Error>> {
    let query = query.range(Arc::clone(storage), 0, 120_000, 60_000, QueryOptions::new());
    let result = query.execute().await?;
    let series = match &result.value {
        Value::Vector(set) | Value::Matrix(set) => set.to_series(),
        Value::Scalar { .. } | Value::String { .. } => Vec::new(),
    };
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

/// The answer as an Arrow record batch: a row a series, with columns `labels`
/// (`Map<Utf8, Utf8>`), `timestamps` and `values` (lists of equal length).
async fn arrow(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let query = query.range(Arc::clone(storage), 0, 120_000, 60_000, QueryOptions::new());
    let Value::Matrix(set) = query.execute().await?.value else {
        return Err("a range query gives a matrix".into());
    };
    let batch: RecordBatch = set.to_arrow()?;
    assert_eq!(batch.schema(), SeriesSet::arrow_schema());
    let values = batch.column(2).as_list::<i32>();
    for row in 0..batch.num_rows() {
        let labels = batch.column(0).as_map().value(row);
        let names = labels.column(0).as_string::<i32>();
        let texts = labels.column(1).as_string::<i32>();
        let pod = (0..labels.len())
            .find(|&i| names.value(i) == "pod")
            .map(|i| texts.value(i));
        let values = values.value(row);
        let values = values.as_primitive::<Float64Type>().values();
        println!("{pod:?} {values:?}");
        assert_eq!(values[..2], [1e6, 2e6]);
    }
    assert_eq!((batch.num_rows(), values.values().len()), (2, 6));
    Ok(())
}

/// A large answer piece by piece, so that what is made of it need not stand
/// in memory at once.
async fn in_parts(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let query = query.instant(Arc::clone(storage), 60_000, QueryOptions::new());
    let mut stream = query.stream().await?;
    assert_eq!(stream.type_name(), "vector");
    let (mut parts, mut sum) = (0, 0.0);
    while let Some(part) = stream.next().await? {
        let Value::Vector(set) = part else {
            return Err("all parts are of the answer's type".into());
        };
        parts += 1;
        // `iter` borrows: labels stay symbols, samples stay where they are.
        let samples = set.iter().flat_map(|series| series.points());
        sum += samples
            .filter_map(|point| point.value.as_float())
            .sum::<f64>();
    }
    println!("{parts} parts, sum {sum}");
    assert!(parts > 1);
    assert_eq!(sum, 2000.0);
    Ok(())
}

/// Warnings and infos come with the answer, as do the query's costs.
async fn accompanied(query: &Prepared, storage: &Arc<dyn Storage>) -> Result<(), Box<dyn Error>> {
    let query = query.instant(Arc::clone(storage), 120_000, QueryOptions::new());
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
