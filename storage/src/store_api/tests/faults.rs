//! Stores that misbehave: an error that names the store, or a warning, in time, and
//! nothing is left behind.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use quarrel_engine::storage::{
    SelectControl, SelectHints, Storage, StorageError, TimeRange, Unlimited,
};
use quarrel_proto::labels::Label;
use quarrel_proto::store::{AggrChunk, Chunk, Series, SeriesResponse, SeriesResult};
use tokio::net::TcpListener;
use tonic::Status;

use super::super::testing::{FakeStore, Fault, RunningStore};
use super::super::{EndpointSpec, EndpointsConfig, StoreApi, StoreQuery};
use super::stores::*;

/// Longer than any time-out of these tests.
const LONG: Duration = Duration::from_secs(20);

/// How long a store may send nothing.
const SILENCE: Duration = Duration::from_millis(300);

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("within the time-outs")
}

/// Waits until something holds.
async fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "it never held");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn config(specs: impl IntoIterator<Item = EndpointSpec>) -> EndpointsConfig {
    EndpointsConfig {
        response_timeout: Some(SILENCE),
        info_interval: Duration::from_millis(20),
        info_timeout: Duration::from_millis(500),
        connect_timeout: Duration::from_millis(300),
        ..EndpointsConfig::new(specs)
    }
}

fn wrong() -> FakeStore {
    FakeStore::over(two_series()).with_labels(&[("zone", "wrong")])
}

fn edited(edit: impl Fn(&mut Series) + Send + Sync + 'static) -> FakeStore {
    wrong().with_messages(move |mut messages| {
        for message in &mut messages {
            if let Some(SeriesResult::Batch(batch)) = &mut message.result {
                batch.series.iter_mut().for_each(&edit);
            }
        }
        messages
    })
}

fn with_label(name: &'static [u8], value: &'static [u8]) -> FakeStore {
    edited(move |series| {
        series.labels.push(Label {
            name: Bytes::from_static(name),
            value: Bytes::from_static(value),
        });
    })
}

fn with_chunk(edit: impl Fn(&mut AggrChunk) + Send + Sync + 'static) -> FakeStore {
    edited(move |series| series.chunks.iter_mut().for_each(&edit))
}

fn chunk(kind: i32, data: &'static [u8]) -> Option<Chunk> {
    Some(Chunk {
        r#type: kind,
        data: Bytes::from_static(data),
        hash: 0,
    })
}

/// Asks a healthy store and the store at `spec`, strictly and partially; how the failure
/// was told both times.
async fn told(spec: EndpointSpec, max_message_bytes: usize) -> (String, String) {
    let healthy = zones(&["right"]).await;
    let config = || EndpointsConfig {
        max_message_bytes,
        ..config([healthy[0].spec(), spec.clone()])
    };
    let matchers = [equal("__name__", "up")];
    let storage = with_config(config(), strict()).await;
    let error = in_time(select(&storage, &matchers)).await.unwrap_err();
    let storage = with_config(config(), StoreQuery::default()).await;
    let answer = in_time(select(&storage, &matchers)).await.unwrap();
    let right = answer
        .labels()
        .iter()
        .filter(|l| l.contains("right"))
        .count();
    assert_eq!(right, 2, "the other store's series are there");
    let [warning] = &answer.warnings[..] else {
        panic!("one warning: {:?}", answer.warnings);
    };
    // Nobody reads any more.
    until(|| healthy[0].streams() == 0).await;
    (error.to_string(), warning.clone())
}

/// Checks that a failing store is named, and what is said of it.
async fn check(store: FakeStore, asked: &str, cause: &str) {
    let running = store.start().await;
    let (error, warning) = told(running.spec(), 1 << 20).await;
    let address = running.address();
    let expected = format!("{address}: {asked} series of {{zone=\"wrong\"}}: {cause}");
    assert!(error.starts_with(&expected), "{error}\n{expected}");
    let asked = if asked == "fetch" {
        "fetch series for"
    } else {
        "receive series from"
    };
    let expected = format!("{asked} {{zone=\"wrong\"}} {address}: {cause}");
    assert!(warning.starts_with(&expected), "{warning}\n{expected}");
    until(|| running.streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_that_hang_die_or_fail() {
    let silent = "failed to receive any data in 300ms";
    check(wrong().with_fault(Fault::HangsAfter(0)), "fetch", silent).await;
    check(wrong().with_fault(Fault::HangsAfter(1)), "receive", silent).await;
    let refused = Status::resource_exhausted("too much");
    let cause = "rpc error: code = ResourceExhausted desc = too much";
    check(wrong().with_fault(Fault::Refused(refused)), "fetch", cause).await;
    let failed = Status::internal("broken block");
    let cause = "rpc error: code = Internal desc = broken block";
    check(
        wrong().with_fault(Fault::FailsAfter(1, failed)),
        "receive",
        cause,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_dies_in_the_middle() {
    for partial in [true, false] {
        let running = [wrong().with_fault(Fault::DiesAfter(1)).start().await];
        let query = StoreQuery {
            partial_response: partial,
            ..StoreQuery::default()
        };
        let storage = over(&running, query).await;
        let answer = in_time(select(&storage, &[equal("job", "a")])).await;
        let address = running[0].address().to_string();
        match answer {
            // What has arrived is there.
            Ok(answer) => {
                assert!(partial && answer.series.len() == 1);
                assert!(
                    answer.warnings[0].starts_with("receive series from"),
                    "{:?}",
                    answer.warnings
                );
                assert!(answer.warnings[0].contains(&address));
            }
            Err(error) => assert!(
                !partial && error.to_string().starts_with(&address),
                "{error}"
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_what_it_should_be() {
    let series = "series {__name__=\"up\", job=\"a\", zone=\"wrong\"";
    for (name, value, why) in [
        (
            &b"x"[..],
            &b"\xff"[..],
            ", x=\"\\xff\"} has a label that is not UTF-8",
        ),
        (
            b"\xc3",
            b"x",
            ", \u{fffd}=\"x\"} has a label that is not UTF-8",
        ),
        (b"", b"x", ", =\"x\"} has a label without a name"),
        (b"job", b"x", ", job=\"x\"} has a label twice"),
    ] {
        check(
            with_label(name, value),
            "receive",
            &format!("{series}{why}"),
        )
        .await;
    }
    let at = "chunk from 0 to 540000: ";
    let unknown = with_chunk(|c| c.raw = chunk(7, b"\0\x01abc"));
    check(unknown, "receive", &format!("{at}unknown encoding 7")).await;
    let empty = with_chunk(|c| c.raw = chunk(0, b""));
    check(empty, "receive", at).await;
    let nothing = with_chunk(|c| c.raw = None);
    check(nothing, "receive", &format!("{at}has no data")).await;
    let turned = with_chunk(|c| (c.min_time, c.max_time) = (10, 9));
    check(
        turned,
        "receive",
        "chunk from 10 to 9: ends before it begins",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_too_large() {
    let large = edited(|series| {
        series.labels.push(Label {
            name: "z".into(),
            value: vec![b'x'; 2 << 20].into(),
        });
    });
    check(
        large,
        "fetch",
        "rpc error: code = OutOfRange desc = Error, decoded message length too large",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn warnings_of_stores_are_told() {
    let store = || {
        wrong().with_messages(|mut messages| {
            let result = Some(SeriesResult::Warning("a part is missing".into()));
            messages.push(SeriesResponse { result });
            messages
        })
    };
    let running = [store().start().await];
    let storage = over(&running, StoreQuery::default()).await;
    let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
    assert_eq!(
        (answer.series.len(), &answer.warnings[..]),
        (1, &["a part is missing".to_string()][..])
    );
    let storage = over(&running, strict()).await;
    let error = select(&storage, &[equal("job", "a")]).await.unwrap_err();
    assert!(
        error.to_string().ends_with(": a part is missing"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strict_endpoints_that_are_not_there() {
    // One refuses connections, one takes them and says nothing.
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for (address, cause) in [
        (gone, "rpc error: code = Unavailable desc = "),
        (
            mute.local_addr().unwrap(),
            "failed to receive any data in 300ms",
        ),
    ] {
        let spec = EndpointSpec::new(&address.to_string())
            .unwrap()
            .strict()
            .unwrap();
        let (error, warning) = told(spec.clone(), 1 << 20).await;
        assert!(
            error.starts_with(&format!("{address}: fetch series: {cause}")),
            "{error}"
        );
        let expected = format!("fetch series for Store Gateway {address}: {cause}");
        assert!(warning.starts_with(&expected), "{warning}");
        let storage = with_config(config([spec]), StoreQuery::default()).await;
        let (found, warnings) = in_time(names(&storage, Some("job"), &[])).await.unwrap();
        assert!(found.is_empty());
        assert!(
            warnings[0].starts_with("fetch label values from store"),
            "{warnings:?}"
        );
        let status = storage.endpoints().status().remove(0);
        assert!(status.last_error.is_some() && status.last_check.is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endpoints_leave_and_come_back() {
    let running = wrong().start().await;
    let address = running.address();
    let storage = with_config(config([running.spec()]), strict()).await;
    assert_eq!(
        select(&storage, &[equal("job", "a")])
            .await
            .unwrap()
            .series
            .len(),
        1
    );
    drop(running);
    let healthy = || storage.endpoints().status()[0].is_healthy();
    until(|| !healthy()).await;
    // It is not asked, and that is told of what it could have had.
    let told = format!("store {{zone=\"wrong\"}} {address} is unhealthy");
    let is_told = |warnings: &[String]| warnings.len() == 1 && warnings[0].starts_with(&told);
    let partial = StoreApi::new(Arc::clone(storage.endpoints()), StoreQuery::default());
    let of = async |zone: &str| {
        let matchers = [equal("zone", zone)];
        let answer = select(&partial, &matchers).await.unwrap();
        let names = names(&partial, None, &[matchers.to_vec()]).await.unwrap();
        assert!(answer.series.is_empty() && names.0.is_empty());
        assert_eq!(answer.warnings, names.1);
        is_told(&names.1)
    };
    assert!(of("wrong").await && !of("other").await);
    assert!(select(&storage, &[]).await.is_err());
    let status = storage.endpoints().status().remove(0);
    assert!(status.last_check.is_some() && status.info.unwrap().label_sets.len() == 1);
    assert!(!storage.endpoints().metrics()[0].healthy);
    let _again = wrong().start_at(address).await;
    until(healthy).await;
    assert_eq!(
        select(&storage, &[equal("job", "a")])
            .await
            .unwrap()
            .series
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_is_dropped_asks_nobody() {
    let running = wrong().start().await;
    let storage = with_config(config([running.spec()]), strict()).await;
    until(|| running.infos() > 2).await;
    drop(storage);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let before = running.infos();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(running.infos(), before);
}

/// A query with so many bytes.
#[derive(Debug)]
struct Budget(Mutex<usize>);

impl SelectControl for Budget {
    fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<(), StorageError> {
        let mut left = self.0.lock();
        *left = left.checked_sub(bytes).ok_or(StorageError::Stopped)?;
        Ok(())
    }
}

async fn flooded(
    running: &RunningStore,
    storage: &StoreApi,
    control: &dyn SelectControl,
) -> StorageError {
    let range = TimeRange::ALL;
    let matchers = [equal("__name__", "up")];
    let hints = SelectHints::default();
    let asked = select_with(storage, &matchers, range, &hints, control);
    let error = in_time(asked).await.unwrap_err();
    until(|| running.streams() == 0).await;
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_end_at_the_limits() {
    let running = wrong().with_fault(Fault::Floods).start().await;
    for partial_response in [true, false] {
        let query = StoreQuery {
            partial_response,
            ..StoreQuery::default()
        };
        let storage = over(std::slice::from_ref(&running), query).await;
        let control = Budget(Mutex::new(1 << 20));
        let error = flooded(&running, &storage, &control).await;
        assert!(matches!(error, StorageError::Stopped), "{error}");
    }
    let query = StoreQuery {
        max_samples: Some(1_000),
        ..strict()
    };
    let storage = over(std::slice::from_ref(&running), query).await;
    let error = flooded(&running, &storage, &Unlimited).await.to_string();
    assert!(
        error.ends_with("exceeded samples limit: limit 1000 violated"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_series_are_of_all_stores() {
    let running = zones(&["a", "b"]).await;
    for (limit, is_enough) in [(4, true), (3, false), (1, false)] {
        let query = StoreQuery {
            max_series: Some(limit),
            ..strict()
        };
        let answer = select(&over(&running, query).await, &[equal("__name__", "up")]).await;
        match answer {
            Ok(answer) => assert!(is_enough && answer.series.len() == 4),
            Err(error) => {
                let end = format!("exceeded series limit: limit {limit} violated");
                assert!(!is_enough && error.to_string().ends_with(&end), "{error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_select_that_is_dropped_ends_its_streams() {
    let running = [wrong().with_fault(Fault::HangsAfter(1)).start().await];
    let storage = over(&running, strict()).await;
    let matchers = [equal("job", "a")];
    {
        let asked = select(&storage, &matchers);
        let waited = tokio::time::timeout(Duration::from_millis(200), asked).await;
        assert!(waited.is_err());
        assert_eq!(running[0].series_requests().len(), 1);
    }
    until(|| running[0].streams() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_stores_are_waited_for() {
    let store = wrong()
        .with_fault(Fault::Slow(SILENCE / 3))
        .with_messages(|messages| std::iter::repeat_n(messages, 5).flatten().collect());
    let running = store.start().await;
    let storage = with_config(config([running.spec()]), strict()).await;
    let answer = in_time(select(&storage, &[equal("job", "a")]))
        .await
        .unwrap();
    assert_eq!((answer.series.len(), answer.estimate), (1, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn selects_wait_for_their_turn() {
    let store = wrong().with_fault(Fault::Slow(Duration::from_millis(100)));
    let running = store.start().await;
    let query = StoreQuery {
        max_concurrent_selects: Some(1),
        ..strict()
    };
    let storage = over(std::slice::from_ref(&running), query).await;
    let view = storage.snapshot(TimeRange::ALL).await.unwrap();
    let most = AtomicUsize::new(0);
    let ask = || async {
        let symbols = quarrel_engine::labels::SymbolTable::new();
        let (hints, matchers) = (SelectHints::default(), [equal("job", "a")]);
        let request = quarrel_engine::storage::SelectRequest::new(
            &matchers,
            TimeRange::ALL,
            &hints,
            &symbols,
        );
        view.select(request).await.unwrap().labels.len()
    };
    let watch = async {
        loop {
            most.fetch_max(running.streams(), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let asked = async { (ask().await, ask().await) };
    let both = futures::future::join(futures::future::join(ask(), ask()), asked);
    tokio::select! {
        () = watch => unreachable!(),
        ((a, b), (c, d)) = both => assert_eq!([a, b, c, d], [1; 4]),
    }
    assert_eq!(most.into_inner(), 1);
}
