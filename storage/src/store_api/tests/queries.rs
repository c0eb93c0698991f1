//! Whole queries and look-ups over fake stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use quarrel_engine::storage::{
    Chunk, LabelsRequest, SelectRequest, Selected, SeriesSource, Snapshot, Storage, StorageError,
    TimeRange,
};
use quarrel_engine::{
    Engine, EngineOptions, LimitError, MemoryPool, QueryError, QueryOptions, Timestamp,
};
use quarrel_proto::store::SeriesResult;
use tonic::Status;

use super::super::testing::{FakeStore, Fault, RunningStore};
use super::super::{StoreApi, StoreQuery};
use super::stores::*;
use crate::fanout::{Fanout, Part};
use crate::memory::MemoryStorage;

const AT: Timestamp = Timestamp::from_millis(540_000);

fn engine(options: EngineOptions) -> Engine {
    Engine::new(options.threads(2)).unwrap()
}

async fn ask(
    engine: &Engine,
    storage: Arc<dyn Storage>,
    text: &str,
) -> Result<(Vec<String>, Vec<String>), QueryError> {
    let query = engine
        .prepare(text)?
        .instant(storage, AT, QueryOptions::new());
    let result = query.execute().await?;
    let row = |series: quarrel_engine::SeriesRef<'_>| {
        let value = series.value().and_then(|value| value.as_float());
        format!("{} {}", series.metric(), value.unwrap_or(f64::NAN))
    };
    Ok((result.value.iter().map(row).collect(), result.warnings))
}

/// Waits until nobody reads from a store.
async fn until_left(running: &RunningStore) {
    for _ in 0..2_000 {
        if running.streams() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("streams are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_read_from_stores() {
    let running = zones(&["a", "b"]).await;
    let storage: Arc<dyn Storage> = Arc::new(over(&running, strict()).await);
    let engine = engine(EngineOptions::new());
    let (rows, _) = ask(&engine, Arc::clone(&storage), "sum by (zone) (up)")
        .await
        .unwrap();
    assert_eq!(rows, [r#"{zone="a"} 118"#, r#"{zone="b"} 118"#]);
    let (rows, _) = ask(&engine, storage, r#"increase(up{job="a", zone="b"}[9m])"#)
        .await
        .unwrap();
    assert_eq!(rows, [r#"{job="a", zone="b"} 9"#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_corrupt_chunks_name_the_store() {
    let store = FakeStore::over(two_series()).with_messages(|mut messages| {
        for message in &mut messages {
            if let Some(SeriesResult::Batch(batch)) = &mut message.result {
                for chunk in batch
                    .series
                    .iter_mut()
                    .flat_map(|series| &mut series.chunks)
                {
                    // It says that it has ten samples, and ends.
                    let raw = chunk.raw.as_mut().unwrap();
                    raw.data = Bytes::copy_from_slice(&raw.data[..8]);
                }
            }
        }
        messages
    });
    let running = store.start().await;
    let storage = Arc::new(over(std::slice::from_ref(&running), StoreQuery::default()).await);
    let address = running.address();
    for text in ["sum(up)", "up[5m]"] {
        let error = ask(&engine(EngineOptions::new()), storage.clone(), text)
            .await
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(&format!("{{__name__=\"up\", job=\"a\"}} of {address}: ")),
            "{error}"
        );
    }
    let error = ask(
        &engine(EngineOptions::new()),
        Arc::new(Fanout::new(vec![
            Part::new(storage),
            Part::new(memory(&[])),
        ])),
        "up",
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_ends_with_its_limits() {
    let flood = FakeStore::over(two_series())
        .with_fault(Fault::Floods)
        .start()
        .await;
    let storage = Arc::new(over(std::slice::from_ref(&flood), StoreQuery::default()).await);
    let small = engine(EngineOptions::new().max_memory(1 << 20));
    let error = ask(&small, storage, "up").await.unwrap_err();
    assert!(
        matches!(error, QueryError::Limit(LimitError::Memory { .. })),
        "{error}"
    );
    until_left(&flood).await;

    let hung = FakeStore::over(two_series())
        .with_fault(Fault::HangsAfter(1))
        .start()
        .await;
    let storage = Arc::new(over(std::slice::from_ref(&hung), StoreQuery::default()).await);
    let short = engine(EngineOptions::new().timeout(Duration::from_millis(300)));
    let error = ask(&short, storage.clone(), "up").await.unwrap_err();
    assert!(matches!(error, QueryError::Timeout { .. }), "{error}");
    until_left(&hung).await;
    // So does one that is cancelled.
    let engine = engine(EngineOptions::new());
    let query = engine
        .prepare("up")
        .unwrap()
        .instant(storage, AT, QueryOptions::new());
    let cancel = query.cancel_handle();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    };
    let (result, ()) = futures::future::join(query.execute(), stop).await;
    assert!(matches!(result, Err(QueryError::Canceled { .. })));
    until_left(&hung).await;
}

/// A storage whose samples note how much of a pool is reserved when they are read.
struct Noting {
    storage: StoreApi,
    pool: MemoryPool,
    reserved: Arc<AtomicU64>,
}

struct NotingView(Arc<dyn Snapshot>, MemoryPool, Arc<AtomicU64>);

struct NotingSource(Arc<dyn SeriesSource>, MemoryPool, Arc<AtomicU64>);

impl Storage for Noting {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        let (pool, reserved) = (self.pool.clone(), Arc::clone(&self.reserved));
        let view = self.storage.snapshot(range);
        let wrap = |view| Arc::new(NotingView(view, pool, reserved)) as Arc<dyn Snapshot>;
        view.map(|view| view.map(wrap)).boxed()
    }
}

impl Snapshot for NotingView {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let mut selected = self.0.select(request).await?;
            let (pool, reserved) = (self.1.clone(), Arc::clone(&self.2));
            selected.series = Arc::new(NotingSource(selected.series, pool, reserved));
            Ok(selected)
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.0.label_names(request)
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        self.0.label_values(name, request)
    }
}

impl SeriesSource for NotingSource {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        self.2.store(self.1.reserved(), Ordering::Relaxed);
        self.0.chunks(row, out)
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }
}

/// The chunks of an answer count against the query's memory while it is computed, and
/// no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_count_to_the_end_of_the_query() {
    let memory = MemoryStorage::new();
    let times: Vec<i64> = (0..50_000).map(|at| at * 10).collect();
    // Values that do not compress: some 400 KB.
    let values = (0..50_000).map(|at| f64::from(at).sin()).collect();
    memory
        .append_series([("__name__", "noise")], times, values)
        .unwrap();
    let running = FakeStore::over(Arc::new(memory)).start().await;
    let storage = over(std::slice::from_ref(&running), strict()).await;
    let answer = select(&storage, &[equal("__name__", "noise")])
        .await
        .unwrap();
    assert!(answer.held > 300_000, "{}", answer.held);
    let pool = MemoryPool::new(1 << 30);
    let engine = engine(EngineOptions::new().memory_pool(pool.clone()));
    let reserved = Arc::new(AtomicU64::new(0));
    let noting = Noting {
        storage,
        pool: pool.clone(),
        reserved: Arc::clone(&reserved),
    };
    let (rows, _) = ask(&engine, Arc::new(noting), "count_over_time(noise[10m])")
        .await
        .unwrap();
    assert_eq!(rows, ["{} 50000"]);
    assert!(reserved.load(Ordering::Relaxed) as usize > answer.held);
    assert!((pool.reserved() as usize) < answer.held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_stores_are_asked_once() {
    // Longer than a store may work without a turn.
    let store = FakeStore::over(two_series()).with_fault(Fault::Slow(Duration::from_millis(150)));
    let running = store.start().await;
    let storage: Arc<dyn Storage> = Arc::new(over(std::slice::from_ref(&running), strict()).await);
    let engine = engine(EngineOptions::new());
    let both = Fanout::new(vec![
        Part::new(Arc::clone(&storage)),
        Part::new(two_series()),
    ]);
    let both: Arc<dyn Storage> = Arc::new(both);
    // Side by side, so that there are not turns for all.
    let queries = (0..6).map(|number| {
        let storage = if number % 2 == 0 { &storage } else { &both };
        ask(&engine, Arc::clone(storage), "count(up)")
    });
    for answer in futures::future::join_all(queries).await {
        assert_eq!(answer.unwrap().0, ["{} 2"]);
    }
    assert_eq!(running.series_requests().len(), 6);
    let range = TimeRange {
        start: 0,
        end: 600_000,
    };
    let found = (0..4).map(|_| {
        let selectors = vec!["up".to_string()];
        engine
            .lookup(Arc::clone(&storage), selectors, range, QueryOptions::new())
            .series()
    });
    for found in futures::future::join_all(found).await {
        assert_eq!(found.unwrap().found.labels.len(), 2);
    }
    assert_eq!(running.series_requests().len(), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_missing_is_told() {
    let mut running = zones(&["a"]).await;
    let refused = Status::unavailable("gone");
    let bad = FakeStore::over(two_series()).with_fault(Fault::Refused(refused));
    running.push(bad.start().await);
    let storage: Arc<dyn Storage> = Arc::new(over(&running, StoreQuery::default()).await);
    let engine = engine(EngineOptions::new());
    let (rows, warnings) = ask(&engine, Arc::clone(&storage), "count(up)")
        .await
        .unwrap();
    let told = |what: &str| {
        format!(
            "{what} Store Gateway {}: rpc error: code = Unavailable desc = gone",
            running[1].address()
        )
    };
    assert_eq!(
        (rows, warnings),
        (vec!["{} 2".to_string()], vec![told("fetch series for")])
    );
    let range = TimeRange {
        start: 0,
        end: 600_000,
    };
    let lookup = || {
        engine.lookup(
            Arc::clone(&storage),
            vec!["up".to_string()],
            range,
            QueryOptions::new(),
        )
    };
    let found = lookup().label_values("job").await.unwrap();
    assert_eq!(
        (found.found.len(), found.warnings),
        (2, vec![told("fetch label values from store")])
    );
    let found = lookup().label_names().await.unwrap();
    assert_eq!(
        (found.found.len(), found.warnings),
        (3, vec![told("fetch label names from store")])
    );
    let found = lookup().series().await.unwrap();
    assert_eq!(
        (found.found.labels.len(), found.warnings),
        (2, vec![told("fetch series for")])
    );
}
