//! Answers as Arrow.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_ipc::reader::StreamReader;

use super::*;

async fn asked(router: &Router, path: &str, accept: &str) -> (u16, String, Bytes) {
    let request = Request::get(path).header("Accept", accept);
    let (status, headers, body) = send(router, request.body(Body::empty()).unwrap()).await;
    let kind = headers["content-type"].to_str().unwrap().to_string();
    (status.as_u16(), kind, body)
}

const ARROW: &str = "application/vnd.apache.arrow.stream";

async fn batches(path: &str, accept: &str) -> (Vec<RecordBatch>, arrow_schema::SchemaRef) {
    let (status, kind, body) = asked(&ready(), path, accept).await;
    assert_eq!((status, kind.as_str()), (200, ARROW));
    let reader = StreamReader::try_new(&body[..], None).unwrap();
    let schema = reader.schema();
    (reader.map(Result::unwrap).collect(), schema)
}

#[tokio::test]
async fn samples_are_rows_and_labels_columns() {
    let path = format!(
        "/api/v1/query_range?query=rate(up[1m])&start={}&end={}&step=15",
        START + 60,
        START + 90
    );
    let accept = format!("text/html, {ARROW};q=0.9");
    let (batches, schema) = batches(&path, &accept).await;
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    assert_eq!(names, ["job", "timestamp", "value"]);
    assert_eq!(schema.metadata()["resultType"], "matrix");
    assert!(schema.metadata()["infos"].starts_with("[\"PromQL info: metric might not be"));
    assert!(!schema.metadata().contains_key("warnings"));
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 9);
    let values = batches[0].column(2).as_primitive::<Float64Type>();
    assert_eq!(values.value(0), 0.0);
}

#[tokio::test]
async fn series_are_rows_of_the_nested_form_and_are_limited() {
    let path = format!("/api/v1/query?query=up[1m]&time={}&limit=2", START + 60);
    let (batches, schema) = batches(&path, &format!("{ARROW}; form=nested")).await;
    assert_eq!(batches[0].num_rows(), 2);
    assert_eq!(batches[0].num_columns(), 3);
    let warnings = &schema.metadata()["warnings"];
    assert_eq!(warnings, "[\"results truncated due to limit\"]");
}

#[tokio::test]
async fn an_answer_without_rows_is_a_stream() {
    let (batches, schema) = batches("/api/v1/query?query=nope", ARROW).await;
    assert!(batches.is_empty());
    assert_eq!(schema.fields().len(), 2);
    let (batches, schema) = self::batches("/api/v1/query?query=1%2B1", ARROW).await;
    assert_eq!(batches[0].num_rows(), 1);
    assert_eq!(schema.metadata()["resultType"], "scalar");
}

#[tokio::test]
async fn errors_are_json_for_everybody() {
    let (status, kind, body) = asked(&ready(), "/api/v1/query?query=(", ARROW).await;
    assert_eq!((status, kind.as_str()), (400, "application/json"));
    assert!(body.starts_with(b"{\"status\":\"error\""));
    let (_, kind, _) = asked(&ready(), "/api/v1/query?query=1", "application/json").await;
    assert_eq!(kind, "application/json");
}
