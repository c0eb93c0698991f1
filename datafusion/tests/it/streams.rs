//! Answers as streams, and what becomes of queries whose stream is dropped.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, poll};
use quarrel::storage::{Snapshot, Storage, StorageError, TimeRange};
use quarrel::{ArrowForm, Query, QueryOptions, QueryRange, Timestamp};
use quarrel_datafusion::{
    PromqlFunctions, SampleColumns, answer_stream, query_error, query_stream,
};

use crate::{engine, session, store};

fn query(text: &str) -> Query {
    let range = QueryRange::from_millis(0..=600_000, 60_000).unwrap();
    engine()
        .prepare(text)
        .unwrap()
        .range(store(), range, QueryOptions::new())
}

#[tokio::test]
async fn a_query_is_a_stream_of_samples() {
    let columns = SampleColumns::with_labels(["pod"]).unwrap();
    let stream = query_stream(query("cpu_seconds_total"), &columns).unwrap();
    assert_eq!(stream.schema(), *columns.schema());
    let batches: Vec<_> = stream.try_collect().await.unwrap();
    assert!(
        batches
            .iter()
            .all(|batch| batch.schema_ref() == columns.schema())
    );
    assert_eq!(
        batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
        33
    );
}

#[tokio::test]
async fn the_error_of_a_query_is_an_item_of_the_stream() {
    let columns = SampleColumns::with_label_map();
    let query = query("cpu_seconds_total + on (job) cpu_seconds_total");
    let mut stream = query_stream(query, &columns).unwrap();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(query_error(&error).is_some());
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn an_answer_is_a_stream_of_its_own_columns() {
    for (form, columns, rows) in [(ArrowForm::Tidy, 4, 33), (ArrowForm::Nested, 3, 3)] {
        let answer = query("rate(cpu_seconds_total[5m])")
            .execute()
            .await
            .unwrap();
        let stream = answer_stream(answer, form);
        let schema = stream.schema();
        assert_eq!(schema.fields().len(), columns);
        let batches: Vec<_> = stream.try_collect().await.unwrap();
        assert!(batches.iter().all(|batch| *batch.schema_ref() == schema));
        // A rate needs two samples, so the first step has none.
        let first = if form == ArrowForm::Tidy { 3 } else { 0 };
        let found: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(found, rows - first);
    }
}

/// A store that never answers, and counts those who still wait.
#[derive(Default)]
struct Silent {
    waiting: Arc<AtomicUsize>,
}

/// Counts itself as long as it lives.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Storage for Silent {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let waiting = Waiting::new(&self.waiting);
        async move {
            let _waiting = waiting;
            pending().await
        }
        .boxed()
    }
}

#[tokio::test]
async fn dropping_a_stream_cancels_its_query() {
    let storage = Silent::default();
    let waiting = Arc::clone(&storage.waiting);
    let engine = engine();
    let context = SessionContext::new();
    PromqlFunctions::new(engine.clone(), Arc::new(storage))
        .register(|name, function| context.register_udtf(name, function));

    let answer = context
        .sql("SELECT value FROM promql('up', 0)")
        .await
        .unwrap();
    let mut stream = answer.execute_stream().await.unwrap();
    assert_eq!(
        waiting.load(Ordering::SeqCst),
        0,
        "runs before it is polled"
    );
    assert!(poll!(stream.next()).is_pending());
    assert_eq!(waiting.load(Ordering::SeqCst), 1);
    assert_eq!(engine.active_queries(), 1);
    drop(stream);
    assert_eq!(waiting.load(Ordering::SeqCst), 0);
    assert_eq!(engine.active_queries(), 0);
}

#[tokio::test]
async fn a_stream_can_be_dropped_half_way() {
    let engine = engine();
    let prepared = engine.prepare("cpu_seconds_total").unwrap();
    let query = prepared.instant(store(), Timestamp::from_secs(60), QueryOptions::new());
    let columns = SampleColumns::with_label_map();
    let mut stream = query_stream(query, &columns).unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    assert_eq!(engine.active_queries(), 0);

    let sql = "SELECT * FROM promql_range('cpu_seconds_total', 0, 600000, '1s')";
    let answer = session().sql(sql).await.unwrap();
    let mut stream = answer.execute_stream().await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
}
