//! Answers as tables: joins, aggregation, columns, values.

use std::sync::{Arc, Mutex};

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::prelude::SessionContext;
use quarrel::storage::histogram_chunks::{Histogram, HistogramLayout, Span};
use quarrel::storage::memory::{HistogramSample, MemoryStorage};
use quarrel::{QueryOptions, QueryRange, QueryTimes, Timestamp};
use quarrel_datafusion::{PromqlFunctions, PromqlTable};

use crate::{batches, engine, rows, session, store};

fn table(query: &str, times: impl Into<QueryTimes>) -> PromqlTable {
    let query = engine().prepare(query).unwrap();
    PromqlTable::try_new(query, store(), times, QueryOptions::new()).unwrap()
}

/// A session with a table `answer`.
fn with_table(table: PromqlTable) -> SessionContext {
    let context = session();
    context.register_table("answer", Arc::new(table)).unwrap();
    context
}

fn names(batch: &RecordBatch) -> Vec<String> {
    let fields = batch.schema_ref().fields().clone();
    fields.iter().map(|field| field.name().clone()).collect()
}

#[tokio::test]
async fn an_answer_joins_a_table_on_a_label() {
    let sql = "
        SELECT team, value
        FROM promql('sum by (pod) (rate(cpu_seconds_total[5m]))', 600000, 'pod') AS usage
        JOIN inventory ON inventory.pod = usage.pod
        ORDER BY team";
    assert_eq!(rows(&session(), sql).await, ["blue 2.0", "red 1.0"]);
}

#[tokio::test]
async fn an_answer_joins_a_table_on_an_entry_of_the_label_map() {
    let sql = "
        SELECT inventory.pod, team, value
        FROM promql('rate(cpu_seconds_total[5m])', 600000) AS usage
        LEFT JOIN inventory ON inventory.pod = usage.labels['pod']
        ORDER BY value";
    let expected = ["a red 1.0", "b blue 2.0", "3.0"];
    let rows = rows(&session(), sql).await;
    let rows: Vec<&str> = rows.iter().map(|row| row.trim()).collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn two_answers_join_each_other() {
    let sql = "
        SELECT a.pod, a.value, b.value
        FROM promql('cpu_seconds_total', 60000, 'pod') AS a
        JOIN promql('cpu_seconds_total', 120000, 'pod') AS b ON a.pod = b.pod
        WHERE a.value > 100
        ORDER BY a.pod";
    assert_eq!(
        rows(&session(), sql).await,
        ["b 120.0 240.0", "c 180.0 360.0"]
    );
}

#[tokio::test]
async fn samples_of_a_range_are_aggregated() {
    let sql = "
        SELECT pod, count(*), max(value), min(timestamp)
        FROM promql_range('cpu_seconds_total', 0, 600000, '1m', 'pod')
        GROUP BY pod
        ORDER BY pod";
    let expected = [
        "a 11 600.0 1970-01-01T00:00:00Z",
        "b 11 1200.0 1970-01-01T00:00:00Z",
        "c 11 1800.0 1970-01-01T00:00:00Z",
    ];
    assert_eq!(rows(&session(), sql).await, expected);
}

#[tokio::test]
async fn times_and_steps_come_in_all_forms() {
    let context = session();
    for times in [
        "0, 600000, 60000",
        "'1970-01-01T00:00:00Z', '1970-01-01T02:10:00+02:00', '1m'",
        "TIMESTAMP '1970-01-01 00:00:00', TIMESTAMP '1970-01-01 00:10:00', INTERVAL '1 minute'",
        "TIMESTAMP '1970-01-01 00:00:00', TIMESTAMP '1970-01-01 00:00:00' + INTERVAL '10 minutes', 6 * 10000",
        "DATE '1970-01-01', to_timestamp_millis(600000), INTERVAL '60' SECOND",
    ] {
        let sql = format!("SELECT count(*) FROM promql_range('cpu_seconds_total', {times})");
        assert_eq!(rows(&context, &sql).await, ["33"], "{times}");
    }
    let sql = "
        SELECT timestamp BETWEEN now() - INTERVAL '1 minute' AND now()
        FROM promql('vector(1)', now())";
    assert_eq!(rows(&context, sql).await, ["true"]);
}

#[tokio::test]
async fn the_schema_is_fixed() {
    let sql = "SELECT * FROM promql('cpu_seconds_total', 60000)";
    let batches = batches(&session(), sql).await.unwrap();
    let expected = ["labels", "timestamp", "value", "histogram"];
    assert_eq!(names(&batches[0]), expected);
    let column = |i: usize| batches[0].column(i);
    assert!(matches!(column(0).data_type(), DataType::Map(_, _)));
    assert!(matches!(column(3).data_type(), DataType::Struct(_)));
    assert_eq!(column(3).null_count(), 3);
    let first = column(0).as_map().value(0);
    let text = |i: usize| first.column(i).as_string::<i32>().value(2).to_string();
    assert_eq!((text(0), text(1)), ("pod".to_string(), "a".to_string()));
}

#[tokio::test]
async fn the_columns_that_are_used_are_made() {
    let context = session();
    let source = "promql_range('cpu_seconds_total', 0, 60000, '1m', 'job', 'none')";
    let sql = format!("SELECT value AS v, none, job FROM {source} ORDER BY v LIMIT 1");
    assert_eq!(rows(&context, &sql).await, ["0.0  api"]);
    assert_eq!(
        rows(&context, &format!("SELECT count(*) FROM {source}")).await,
        ["6"]
    );
    assert_eq!(
        rows(&context, &format!("SELECT 1 FROM {source} LIMIT 2")).await,
        ["1", "1"]
    );
}

#[tokio::test]
async fn a_scalar_is_one_row_without_labels() {
    let context = session();
    let sql = "SELECT value, cardinality(labels) FROM promql('1 + 1', 1000)";
    assert_eq!(rows(&context, sql).await, ["2.0 0"]);
    let sql = "SELECT value, pod IS NULL FROM promql('1 + 1', 1000, 'pod')";
    assert_eq!(rows(&context, sql).await, ["2.0 true"]);
    let sql = "SELECT count(*), sum(value) FROM promql_range('1 + 1', 0, 9000, '1s')";
    assert_eq!(rows(&context, sql).await, ["10 20.0"]);
}

#[tokio::test]
async fn an_empty_answer_has_no_rows() {
    let context = session();
    let sql = "SELECT * FROM promql('absent_metric', 1000)";
    assert!(rows(&context, sql).await.is_empty());
}

#[tokio::test]
async fn a_range_selector_gives_the_samples_as_stored() {
    let sql = "SELECT timestamp, value FROM promql('cpu_seconds_total{pod=\"b\"}[2m]', 300000)";
    let expected = ["1970-01-01T00:04:00Z 480.0", "1970-01-01T00:05:00Z 600.0"];
    assert_eq!(rows(&session(), sql).await, expected);
}

#[tokio::test]
async fn histograms_and_floats_are_in_two_columns() {
    let storage = MemoryStorage::new();
    storage
        .append([("__name__", "m"), ("kind", "float")], 0, 1.5)
        .unwrap();
    let histogram = HistogramSample {
        timestamp: 0,
        start_timestamp: 0,
        histogram: Histogram {
            layout: HistogramLayout {
                positive_spans: vec![Span {
                    offset: 0,
                    length: 1,
                }],
                ..HistogramLayout::default()
            },
            count: 3u64,
            sum: 4.5,
            buckets: vec![3],
            ..Histogram::default()
        },
    };
    let labels = [("__name__", "m"), ("kind", "histogram")];
    storage.append_histograms(labels, &[histogram]).unwrap();

    let context = SessionContext::new();
    PromqlFunctions::new(engine(), Arc::new(storage))
        .register(|name, function| context.register_udtf(name, function));
    let sql = "
        SELECT kind, value, histogram['count'] AS count
        FROM promql('m', 0, 'kind')
        ORDER BY kind";
    let batches = batches(&context, sql).await.unwrap();
    let column = |i: usize| {
        batches[0]
            .column(i)
            .as_primitive::<Float64Type>()
            .iter()
            .collect()
    };
    let (values, counts): (Vec<_>, Vec<_>) = (column(1), column(2));
    assert_eq!(values, [Some(1.5), None]);
    assert_eq!(counts, [None, Some(3.0)]);
}

#[tokio::test]
async fn a_table_has_the_columns_of_its_labels() {
    let range = QueryRange::from_millis(0..=120_000, 60_000).unwrap();
    let table = table("rate(cpu_seconds_total[5m])", range);
    let context = with_table(table.with_answer_labels().await.unwrap());
    let batch = &batches(&context, "SELECT * FROM answer").await.unwrap()[0];
    assert_eq!(
        names(batch),
        ["job", "pod", "timestamp", "value", "histogram"]
    );
    let sql = "SELECT DISTINCT pod FROM answer NATURAL JOIN inventory ORDER BY pod";
    assert_eq!(rows(&context, sql).await, ["a", "b"]);
}

#[tokio::test]
async fn labels_named_as_columns_are_found() {
    let relabeled = "label_replace(cpu_seconds_total, 'value', '$1', 'pod', '(.*)')";
    let table = table(relabeled, Timestamp::from_secs(60));
    let context = with_table(table.with_labels(["value"]).unwrap());
    let sql = "SELECT label_value, value FROM answer ORDER BY label_value LIMIT 1";
    assert_eq!(rows(&context, sql).await, ["a 60.0"]);
}

#[tokio::test]
async fn each_scan_sees_what_the_store_has_then() {
    let storage = Arc::new(MemoryStorage::new());
    let append = |pod, value| {
        storage
            .append([("__name__", "m"), ("pod", pod)], 0, value)
            .unwrap()
    };
    append("a", 1.0);
    let query = engine().prepare("m").unwrap();
    let (store, at) = (storage.clone(), Timestamp::from_secs(1));
    let table = PromqlTable::try_new(query, store, at, QueryOptions::new()).unwrap();
    let context = with_table(table);
    let sql = "SELECT count(*) FROM answer";
    assert_eq!(rows(&context, sql).await, ["1"]);
    append("b", 2.0);
    assert_eq!(rows(&context, sql).await, ["2"]);
}

#[tokio::test]
async fn an_observer_sees_the_warnings() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let warnings = Arc::clone(&seen);
    let table = table("quantile(2, cpu_seconds_total)", Timestamp::from_secs(60));
    let table = table.with_observer(move |result| {
        warnings
            .lock()
            .unwrap()
            .extend(result.warnings.iter().cloned());
    });
    let context = with_table(table);
    assert_eq!(rows(&context, "SELECT value FROM answer").await, ["inf"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(
        seen[0].contains("quantile value should be between 0 and 1"),
        "{seen:?}"
    );
}
