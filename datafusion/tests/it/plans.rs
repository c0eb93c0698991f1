//! Plans as text.

use datafusion::prelude::SessionConfig;

use crate::{batches, rows, session, session_with};

/// The line of the physical plan that runs the query.
async fn leaf(sql: &str) -> String {
    let lines = rows(&session(), &format!("EXPLAIN FORMAT INDENT {sql}")).await;
    let leaf = lines
        .iter()
        .find_map(|line| line.find("PromqlExec").map(|at| &line[at..]));
    leaf.unwrap_or_else(|| panic!("{lines:#?}")).trim().into()
}

#[tokio::test]
async fn a_plan_shows_the_query_and_its_times() {
    let line = leaf("SELECT value FROM promql('sum(\n  up)', 1500)").await;
    assert_eq!(
        line,
        "PromqlExec: query=[sum(   up)], time=1970-01-01T00:00:01.500Z"
    );
    let line = leaf("SELECT value FROM promql_range('up', 0, 60000, '15s')").await;
    let times = "start=1970-01-01T00:00:00.000Z, end=1970-01-01T00:01:00.000Z, step=15000ms";
    assert_eq!(line, format!("PromqlExec: query=[up], {times}"));
}

#[tokio::test]
async fn a_limit_reaches_the_query() {
    let line = leaf("SELECT value FROM promql('up', 0) LIMIT 3").await;
    assert!(line.ends_with(", fetch=3"), "{line}");
    let line = leaf("SELECT value FROM promql('up', 0) WHERE value > 1 LIMIT 3").await;
    assert!(!line.contains("fetch"), "{line}");
}

#[tokio::test]
async fn a_tree_shows_the_query() {
    let sql = "EXPLAIN FORMAT TREE SELECT value FROM promql('up', 1500)";
    let text = rows(&session(), sql).await.join("\n");
    assert!(text.contains("query: [up]"), "{text}");
}

#[tokio::test]
async fn analyze_counts_rows_and_samples() {
    let sql = "EXPLAIN ANALYZE SELECT value FROM promql('quantile(2, cpu_seconds_total)', 60000)";
    let text = rows(&session(), sql).await.join("\n");
    for part in ["output_rows=1", "decoded_samples=", "warnings=1", "infos=0"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn batches_have_the_size_of_the_session() {
    let source = "promql_range('cpu_seconds_total', 0, 600000, '1m', 'pod')";
    for (size, sizes) in [
        (3, vec![3, 3, 3, 2, 3, 3, 3, 2, 3, 3, 3, 2]),
        (25, vec![22, 11]),
        (1000, vec![33]),
    ] {
        let config = SessionConfig::new().with_batch_size(size);
        let context = session_with(config);
        let batches = batches(&context, &format!("SELECT * FROM {source}"))
            .await
            .unwrap();
        let rows: Vec<usize> = batches.iter().map(|batch| batch.num_rows()).collect();
        assert_eq!(rows, sizes, "{size}");
    }
}
