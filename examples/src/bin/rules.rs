//! The rules of a group: queries that see one snapshot and run side by side.
//!
//! ```sh
//! cargo run -p quarrel-examples --bin rules
//! ```

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use quarrel::storage::Storage;
use quarrel::storage::memory::MemoryStorage;
use quarrel::{Engine, Prepared, QueryError, QueryOptions, QueryResult, Timestamp};

/// A rule that records its answer under a new name.
struct Rule {
    record: &'static str,
    query: Prepared,
}

/// What the rules of a group have made of the data at one time.
async fn evaluate(
    engine: &Engine,
    storage: Arc<dyn Storage>,
    rules: &[Rule],
    at: Timestamp,
) -> Vec<Result<QueryResult, QueryError>> {
    let mut group = engine.group(storage);
    for rule in rules {
        // Limits are those of each query.
        let options = QueryOptions::new()
            .timeout(Duration::from_secs(10))
            .max_series(1000);
        group.push(&rule.query, at, options);
    }
    group.execute().await
}

/// Appends an answer under the rule's name, without the name it had.
fn record(memory: &MemoryStorage, name: &str, result: &QueryResult) -> Result<(), Box<dyn Error>> {
    let vector = result.value.as_vector().ok_or("a rule gives a vector")?;
    for series in vector.to_series() {
        let mut labels = series.labels;
        labels.retain(|(label, _)| label != "__name__");
        labels.push(("__name__".to_string(), name.to_string()));
        for point in series.points {
            let value = point.value.as_float().ok_or("a rule of floats")?;
            memory.append(labels.clone(), point.timestamp, value)?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let memory = Arc::new(MemoryStorage::new());
    for pod in 0..100 {
        let labels = [
            ("__name__", "requests_total".to_string()),
            ("job", ["api", "web"][pod % 2].to_string()),
            ("pod", pod.to_string()),
        ];
        let times = (0..=60).map(|minute| minute * 60_000).collect();
        let values = (0..=60).map(|minute| f64::from(minute) * 60.0).collect();
        memory.append_series(labels, times, values)?;
    }
    let engine = Engine::builder().build()?;
    let rule = |record, text: &str| -> Result<Rule, QueryError> {
        let query = engine.prepare(text)?;
        Ok(Rule { record, query })
    };
    // Parsed once, evaluated every minute.
    let rules = [
        rule(
            "job:requests:rate5m",
            "sum by (job) (rate(requests_total[5m]))",
        )?,
        rule("job:pods:count", "count by (job) (requests_total)")?,
        rule("requests:total", "sum(requests_total)")?,
    ];
    // A rule that reads what others record belongs into a later group.
    let late = [rule(
        "job:requests:rate5m_per_pod",
        "job:requests:rate5m / on (job) job:pods:count",
    )?];
    for minute in 10..=12 {
        let at = Timestamp::from_secs(minute * 60);
        for rules in [&rules[..], &late[..]] {
            let storage = Arc::clone(&memory) as Arc<dyn Storage>;
            let results = evaluate(&engine, storage, rules, at).await;
            for (rule, result) in rules.iter().zip(results) {
                record(&memory, rule.record, &result?)?;
            }
        }
    }

    let recorded = engine.prepare(r#"{__name__=~".+:.+"}"#)?;
    let at = Timestamp::from_secs(12 * 60);
    let recorded = recorded.instant(memory, at, QueryOptions::new());
    let value = recorded.execute().await?.value;
    let mut lines: Vec<String> = value
        .iter()
        .filter_map(|series| {
            Some(format!(
                "{} {}",
                series.metric(),
                series.value()?.as_float()?
            ))
        })
        .collect();
    lines.sort();
    println!("{}", lines.join("\n"));
    let expected = [
        r#"job:pods:count{job="api"} 50"#,
        r#"job:pods:count{job="web"} 50"#,
        r#"job:requests:rate5m_per_pod{job="api"} 1"#,
        r#"job:requests:rate5m_per_pod{job="web"} 1"#,
        r#"job:requests:rate5m{job="api"} 50"#,
        r#"job:requests:rate5m{job="web"} 50"#,
        "requests:total 72000",
    ];
    assert_eq!(lines, expected);
    Ok(())
}
