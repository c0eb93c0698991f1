//! What is asked of stores, and what becomes of their answers.

use std::sync::Arc;

use quarrel_engine::storage::{LabelsRequest, SelectHints, Storage, TimeRange, Unlimited};
use quarrel_matchers::{MatchOp, Matcher};
use quarrel_proto::labels::Label;
use quarrel_proto::store::{AggrChunk, Series, SeriesResponse, SeriesResult};

use super::super::testing::{FakeStore, xor_chunk};
use super::super::{EndpointSpec, EndpointsConfig, StoreQuery};
use super::stores::*;
use crate::shard::Shard;

fn series_mut(message: &mut SeriesResponse) -> &mut Vec<Series> {
    match &mut message.result {
        Some(SeriesResult::Batch(batch)) => &mut batch.series,
        other => panic!("a batch, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_of_all_stores_are_one_answer() {
    let running = zones(&["b", "a"]).await;
    let storage = over(&running, strict()).await;
    let answer = select(&storage, &[equal("__name__", "up")]).await.unwrap();
    assert_eq!(
        answer.labels(),
        [
            r#"up{job="a", zone="a"}"#,
            r#"up{job="a", zone="b"}"#,
            r#"up{job="b", zone="a"}"#,
            r#"up{job="b", zone="b"}"#,
        ]
    );
    let minutes: Vec<(i64, f64)> = (0..10).map(|at| (at * 60_000, 100.0 + at as f64)).collect();
    assert_eq!(answer.series[3].1, minutes);
    assert_eq!((answer.estimate, answer.warnings.len()), (40, 0));
    let request = &running[0].series_requests()[0];
    assert_eq!(
        (request.response_batch_size, request.skip_chunks),
        (64, false)
    );
    assert!(request.without_replica_labels.is_empty());
    let metrics = storage.endpoints().metrics();
    assert_eq!(
        (metrics[0].series, metrics[0].samples, metrics[0].messages),
        (2, 20, 1)
    );
    assert!(metrics[0].bytes > 50 && metrics[0].healthy);
    assert_eq!(metrics[0].methods[0].durations.count, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_stores_that_can_have_series_are_asked() {
    let mut running = zones(&["a", "b"]).await;
    let late = FakeStore::over(two_series()).with_info(|info| {
        let store = info.store.as_mut().unwrap();
        (store.min_time, store.max_time) = (600_001, 700_000);
    });
    running.push(late.start().await);
    let no_store = FakeStore::over(two_series()).with_info(|info| info.store = None);
    running.push(no_store.start().await);
    let storage = over(&running, strict()).await;
    let asked = || -> Vec<usize> { running.iter().map(|r| r.series_requests().len()).collect() };
    let answer = select(&storage, &[equal("zone", "a")]).await.unwrap();
    assert_eq!((answer.series.len(), asked()), (2, vec![1, 0, 0, 0]));
    let regex = Matcher::new(MatchOp::Regex, "zone", "b|c").unwrap();
    let answer = select(&storage, &[regex]).await.unwrap();
    assert_eq!((answer.series.len(), asked()), (2, vec![1, 1, 0, 0]));
    let answer = select(&storage, &[equal("zone", "c")]).await.unwrap();
    // The late one has no external labels, but nothing of this time.
    assert_eq!((answer.series.len(), asked()), (0, vec![1, 1, 0, 0]));

    let address = running[1].address().to_string();
    let query = StoreQuery {
        store_matchers: vec![vec![equal("__address__", &address)]],
        ..strict()
    };
    let answer = select(&over(&running, query).await, &[equal("job", "a")])
        .await
        .unwrap();
    assert_eq!(answer.labels(), [r#"up{job="a", zone="b"}"#]);
    assert_eq!(asked(), [1, 2, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_series_of_two_stores_is_one_row() {
    // Both send the first chunk; each has one more.
    let edit = |keep: usize| {
        move |mut messages: Vec<SeriesResponse>| {
            for series in series_mut(&mut messages[0]) {
                let whole = series.chunks.clone();
                let part = |from: i64, len: i64| -> AggrChunk {
                    let times: Vec<i64> = (from..from + len).collect();
                    let values = vec![from as f64; len as usize];
                    xor_chunk(&times, &values)
                };
                series.chunks = vec![part(200 * keep as i64, 100), part(0, 100), whole[0].clone()];
            }
            messages
        }
    };
    let one = FakeStore::over(two_series())
        .with_messages(edit(1))
        .start()
        .await;
    let two = FakeStore::over(two_series())
        .with_messages(edit(2))
        .start()
        .await;
    let running = [one, two];
    let storage = over(&running, strict()).await;
    let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
    assert_eq!(answer.labels(), [r#"up{job="a"}"#]);
    // 100 + 100 + 100 + the ten of the whole, each once.
    assert_eq!(answer.estimate, 310);
    let times: Vec<i64> = answer.series[0].1.iter().map(|sample| sample.0).collect();
    assert_eq!(
        (times[0], times[100], times[110], times[209]),
        (0, 0, 200, 299)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsorted_and_repeated_series_are_put_right() {
    let edit = |mut messages: Vec<SeriesResponse>| {
        series_mut(&mut messages[0]).reverse();
        for series in series_mut(&mut messages[0]) {
            series.labels.reverse();
            series.labels.push(Label {
                name: "empty".into(),
                value: "".into(),
            });
        }
        let again = messages[0].clone();
        messages.push(again);
        messages
    };
    let store = FakeStore::over(two_series())
        .with_labels(&[("zone", "a")])
        .with_messages(edit);
    let running = [store.start().await];
    let storage = over(&running, strict()).await;
    let answer = select(&storage, &[equal("__name__", "up")]).await.unwrap();
    assert_eq!(
        answer.labels(),
        [r#"up{job="a", zone="a"}"#, r#"up{job="b", zone="a"}"#]
    );
    assert_eq!(answer.estimate, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_of_the_store_or_our_own() {
    let many: Vec<(String, String)> = (0..40)
        .map(|n| (format!("job-{n}"), n.to_string()))
        .collect();
    let memory = crate::memory::MemoryStorage::new();
    for (job, _) in &many {
        memory
            .append([("__name__", "up"), ("job", job)], 0, 1.0)
            .unwrap();
    }
    let memory = Arc::new(memory);
    for supports_sharding in [true, false] {
        let mut found = Vec::new();
        for index in 0..3 {
            let store = FakeStore::over(memory.clone())
                .with_labels(&[("replica", "x")])
                .with_info(|info| {
                    info.store.as_mut().unwrap().supports_sharding = supports_sharding;
                });
            let shard = Shard {
                index,
                total: 3,
                by: false,
                labels: Vec::new(),
            };
            let query = StoreQuery {
                shard: Some(shard),
                replica_labels: vec!["replica".into()],
                ..strict()
            };
            let running = store.start().await;
            let storage = over(std::slice::from_ref(&running), query).await;
            let answer = select(&storage, &[equal("__name__", "up")]).await.unwrap();
            assert!((1..40).contains(&answer.series.len()));
            found.extend(answer.series.into_iter().map(|(labels, _)| labels));
            let sent = running.series_requests().remove(0).shard_info;
            assert_eq!(sent.is_some(), supports_sharding);
            // Replicas are in one shard.
            assert!(sent.is_none_or(|shard| shard.labels == ["replica"]));
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 40);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look_ups_of_names_and_values() {
    let mut running = zones(&["a", "b"]).await;
    let old = FakeStore::over(memory(&[(&[("__name__", "down"), ("pod", "x")], 0.0)]))
        .with_labels(&[("zone", "c"), ("replica", "1")])
        .with_info(|info| info.store.as_mut().unwrap().supports_without_replica_labels = false);
    running.push(old.start().await);
    let query = StoreQuery {
        replica_labels: vec!["replica".into()],
        ..strict()
    };
    let storage = over(&running, query).await;
    let found = |label: Option<&'static str>, selectors: Vec<Vec<_>>| {
        let storage = &storage;
        async move { names(storage, label, &selectors).await.unwrap().0 }
    };
    assert_eq!(
        found(None, vec![]).await,
        ["__name__", "job", "pod", "zone"]
    );
    assert_eq!(found(Some("zone"), vec![]).await, ["a", "b", "c"]);
    assert_eq!(
        found(Some("job"), vec![vec![equal("zone", "a")]]).await,
        ["a", "b"]
    );
    let either = vec![vec![equal("pod", "x")], vec![equal("zone", "b")]];
    assert_eq!(found(Some("__name__"), either).await, ["down", "up"]);
    assert!(found(Some("replica"), vec![]).await.is_empty());
    assert_eq!(
        running[0].names_requests()[0].without_replica_labels,
        ["replica"]
    );
    assert!(
        running[2].names_requests()[0]
            .without_replica_labels
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn look_ups_of_series_bring_no_chunks() {
    let running = zones(&["a"]).await;
    let storage = over(&running, strict()).await;
    let mut hints = SelectHints::default();
    hints.function = "series".to_string();
    let range = TimeRange { start: 0, end: 1 };
    let answer = select_with(&storage, &[equal("job", "a")], range, &hints, &Unlimited)
        .await
        .unwrap();
    assert_eq!(
        answer.series,
        [(r#"up{job="a", zone="a"}"#.to_string(), vec![])]
    );
    assert!(running[0].series_requests()[0].skip_chunks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_are_told_of_the_tenant() {
    let running = zones(&["a"]).await;
    let query = StoreQuery {
        tenant: Some("team".into()),
        ..strict()
    };
    select(&over(&running, query).await, &[equal("job", "a")])
        .await
        .unwrap();
    assert_eq!(running[0].tenants(), [Some("team".to_string())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_store_there_is_no_answer_or_an_error() {
    let partial = with_config(EndpointsConfig::default(), StoreQuery::default()).await;
    assert!(
        select(&partial, &[equal("job", "a")])
            .await
            .unwrap()
            .series
            .is_empty()
    );
    let strict = with_config(EndpointsConfig::default(), strict()).await;
    let error = select(&strict, &[equal("job", "a")]).await.unwrap_err();
    assert_eq!(error.to_string(), "no store APIs available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_pins_its_stores() {
    let running = zones(&["a"]).await;
    let storage = over(&running, strict()).await;
    let range = TimeRange { start: 0, end: 1 };
    let view = storage.snapshot(range).await.unwrap();
    assert_eq!(view.time_range(), Some(TimeRange::ALL));
    assert!(view.series_count().is_none() && view.is_fed_by_caller());
    drop(storage);
    let selectors = [];
    let request = LabelsRequest::new(&selectors, range);
    assert_eq!(view.label_values("zone", request).await.unwrap(), ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_members_of_a_group_are_one_endpoint() {
    let running = zones(&["a"]).await;
    let name = format!("localhost:{}", running[0].address().port());
    let group = EndpointSpec::new(&name).unwrap().group();
    let storage = with_config(EndpointsConfig::new([group]), strict()).await;
    let status = storage.endpoints().status();
    assert_eq!((status.len(), &*status[0].name), (1, &*name));
    for _ in 0..3 {
        // Of its addresses, one is right.
        let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
        assert_eq!(answer.series.len(), 1);
        let jobs = names(&storage, Some("job"), &[]).await.unwrap().0;
        assert_eq!(jobs, ["a", "b"]);
    }
}
