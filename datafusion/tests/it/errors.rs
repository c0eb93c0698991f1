//! Errors of queries and of calls.

use quarrel::{ErrorClass, QueryError};
use quarrel_datafusion::query_error;

use crate::{batches, session};

async fn text_of(sql: &str) -> String {
    batches(&session(), sql).await.unwrap_err().to_string()
}

#[tokio::test]
async fn bad_promql_is_an_error_of_the_query() {
    let sql = "SELECT * FROM promql('sum(rat(up[5m]))', 0)";
    let error = batches(&session(), sql).await.unwrap_err();
    let found = query_error(&error).expect("a query's error");
    assert!(matches!(found, QueryError::Parse(_)));
    assert_eq!(found.class(), ErrorClass::BadData);
    assert_eq!(found.span().unwrap().start, 4);
    assert!(
        error
            .to_string()
            .contains("unknown function with name \"rat\""),
        "{error}"
    );
}

#[tokio::test]
async fn what_fails_while_it_runs_is_an_error_of_the_query() {
    let sql = "SELECT * FROM promql('cpu_seconds_total + on (job) cpu_seconds_total', 60000)";
    let error = batches(&session(), sql).await.unwrap_err();
    let found = query_error(&error).expect("a query's error");
    assert_eq!(found.class(), ErrorClass::Execution);
    assert!(
        error.to_string().contains("found duplicate series"),
        "{error}"
    );
}

#[tokio::test]
async fn a_range_is_checked() {
    for (times, text) in [
        (
            "0, 1000, -1",
            "the step of a range query must be at least a millisecond",
        ),
        (
            "0, 1000, 0",
            "the step of a range query must be at least a millisecond",
        ),
        (
            "0, 1000, INTERVAL '-1 minute'",
            "must be at least a millisecond",
        ),
        (
            "1000, 0, '1m'",
            "end timestamp must not be before start time",
        ),
    ] {
        let sql = format!("SELECT * FROM promql_range('up', {times})");
        let error = batches(&session(), &sql).await.unwrap_err();
        let found = query_error(&error).expect("a query's error");
        assert!(matches!(found, QueryError::Range(_)), "{found}");
        assert!(error.to_string().contains(text), "{times}: {error}");
    }
}

#[tokio::test]
async fn calls_are_checked() {
    for (call, text) in [
        (
            "promql()",
            "promql(query, time, label...) needs 2 arguments, 0 are given",
        ),
        (
            "promql('up')",
            "promql(query, time, label...) needs 2 arguments, 1 are given",
        ),
        (
            "promql_range('up', 0, 1)",
            "promql_range(query, start, end, step, label...) needs 4 arguments, 3 are given",
        ),
        (
            "promql(1, 0)",
            "promql: argument 1 (query) must be a text, not 1 (Int64)",
        ),
        (
            "promql('up', 'soon')",
            "promql: argument 2 (time) must be a timestamp",
        ),
        (
            "promql('up', NULL)",
            "promql: argument 2 (time) must be a timestamp",
        ),
        (
            "promql('up', random())",
            "promql: argument 2 (time) must be constant, not random()",
        ),
        (
            "promql_range('up', 0, 1, '1 minute')",
            "promql_range: argument 4 (step) must be an interval without months",
        ),
        (
            "promql('up', 0, 'pod', 7)",
            "promql: argument 4 (label) must be a text, not 7",
        ),
        (
            "promql('up', 0, 'pod', 'pod')",
            "the label pod is named twice",
        ),
    ] {
        let error = text_of(&format!("SELECT * FROM {call}")).await;
        assert!(error.contains(text), "{call}: {error}");
    }
}

#[tokio::test]
async fn a_string_is_no_table() {
    let error = text_of("SELECT * FROM promql('((\"text\"))', 0)").await;
    assert!(error.contains("gives a string, no samples"), "{error}");
}

#[tokio::test]
async fn a_range_selector_over_a_range_is_an_error() {
    let error = text_of("SELECT * FROM promql_range('up[5m]', 0, 1, 1)").await;
    assert!(error.contains("range vector"), "{error}");
}
