//! The Store API.

use quarrel_chunks::{Encoding, decode_floats};
use quarrel_proto::labels::{LabelMatcher, MatcherType};
use quarrel_proto::services::store::store_client::StoreClient;
use quarrel_proto::store::{
    LabelNamesRequest, LabelValuesRequest, Series, SeriesRequest, SeriesResult, ShardInfo,
};
use tonic::{Code, Status};

use super::*;

fn matcher(kind: MatcherType, name: &str, value: &str) -> LabelMatcher {
    LabelMatcher {
        r#type: kind as i32,
        name: name.to_string(),
        value: value.to_string(),
    }
}

fn request() -> SeriesRequest {
    SeriesRequest {
        min_time: START * 1000,
        max_time: (START + 1000) * 1000,
        matchers: vec![matcher(MatcherType::Eq, "__name__", "up")],
        ..SeriesRequest::default()
    }
}

/// The series of an answer, those of each frame, and the warnings.
async fn ask(served: &Served, request: SeriesRequest) -> Result<(Vec<Series>, Vec<usize>), Status> {
    let mut client = StoreClient::new(served.channel().await);
    let mut frames = client.series(request).await?.into_inner();
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    while let Some(frame) = frames.message().await? {
        match frame.result.unwrap() {
            SeriesResult::Series(one) => {
                sizes.push(1);
                all.push(one);
            }
            SeriesResult::Batch(batch) => {
                sizes.push(batch.series.len());
                all.extend(batch.series);
            }
            other => panic!("{other:?}"),
        }
    }
    Ok((all, sizes))
}

fn names(series: &[Series]) -> Vec<String> {
    series.iter().map(|one| text(&one.labels)).collect()
}

fn samples(series: &Series) -> Vec<(i64, f64)> {
    let (mut timestamps, mut values) = (Vec::new(), Vec::new());
    for chunk in &series.chunks {
        let raw = chunk.raw.as_ref().unwrap();
        decode_floats(Encoding::Xor, &raw.data, &mut timestamps, &mut values).unwrap();
    }
    timestamps.into_iter().zip(values).collect()
}

#[tokio::test]
async fn series_have_labels_and_chunks() {
    let served = Served::over(storage()).await;
    let (all, sizes) = ask(&served, request()).await.unwrap();
    assert_eq!(sizes, [1, 1, 1]);
    assert_eq!(names(&all)[0], "__name__=up,cluster=a,job=api");
    let want: Vec<(i64, f64)> = (0..10).map(|i| ((START + i * 15) * 1000, 1.0)).collect();
    assert_eq!(samples(&all[0]), want);
    let mut part = request();
    (part.min_time, part.max_time) = ((START + 15) * 1000, (START + 30) * 1000);
    let (all, _) = ask(&served, part.clone()).await.unwrap();
    assert_eq!(samples(&all[0]), want[1..3]);
    part.skip_chunks = true;
    let (all, _) = ask(&served, part).await.unwrap();
    assert!(all.len() == 3 && all.iter().all(|one| one.chunks.is_empty()));
    // Nothing lies between two scrapes, nor in a range that ends before it starts.
    for (start, end) in [(START * 1000 + 1, START * 1000 + 2), (5, 4)] {
        let mut none = request();
        (none.min_time, none.max_time) = (start, end);
        assert!(ask(&served, none).await.unwrap().0.is_empty());
    }
}

#[tokio::test]
async fn matchers_select() {
    let served = Served::over(storage()).await;
    for (more, want) in [
        (matcher(MatcherType::Eq, "cluster", "a"), 3),
        (matcher(MatcherType::Eq, "cluster", "b"), 0),
        (matcher(MatcherType::Neq, "job", "api"), 2),
        (matcher(MatcherType::Re, "job", "api|web"), 2),
        (matcher(MatcherType::Nre, "job", "a.*"), 2),
    ] {
        let mut request = request();
        request.matchers.push(more.clone());
        let (all, _) = ask(&served, request).await.unwrap();
        assert_eq!(all.len(), want, "{more:?}");
    }
    for wrong in [
        vec![],
        vec![matcher(MatcherType::Re, "job", "(")],
        vec![LabelMatcher {
            r#type: 7,
            ..matcher(MatcherType::Eq, "job", "api")
        }],
    ] {
        let request = SeriesRequest {
            matchers: wrong,
            ..request()
        };
        let error = ask(&served, request).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn batches_and_limits_are_heeded() {
    let served = Served::over(storage()).await;
    for (batch, limit, want) in [
        (2, 0, vec![2, 1]),
        (64, 0, vec![3]),
        (64, 2, vec![2]),
        (0, 1, vec![1]),
        (-1, -1, vec![1, 1, 1]),
    ] {
        let mut request = request();
        (request.response_batch_size, request.limit) = (batch, limit);
        let (_, sizes) = ask(&served, request).await.unwrap();
        assert_eq!(sizes, want, "{batch} {limit}");
    }
}

/// Series whose order changes without the label `replica`.
fn replicas() -> Arc<MemoryStorage> {
    let storage = MemoryStorage::new();
    for (replica, zone) in [("0", "z"), ("1", "a"), ("0", "b"), ("1", "b")] {
        let labels = [("__name__", "up"), ("replica", replica), ("zone", zone)];
        storage.append(labels, START * 1000, 1.0).unwrap();
    }
    Arc::new(storage)
}

#[tokio::test]
async fn without_replica_labels_series_are_sorted_anew() {
    let served = Served::over(replicas()).await;
    let mut request = request();
    request.without_replica_labels = vec!["replica".to_string(), "nothing".to_string()];
    for skip_chunks in [false, true] {
        request.skip_chunks = skip_chunks;
        let (all, _) = ask(&served, request.clone()).await.unwrap();
        let want = ["a", "b", "b", "z"].map(|zone| format!("__name__=up,cluster=a,zone={zone}"));
        assert_eq!(names(&all), want);
    }
}

#[tokio::test]
async fn shards_are_disjoint_and_replicas_in_one() {
    let served = Served::over(replicas()).await;
    for without in [vec![], vec!["replica".to_string()]] {
        let mut all = Vec::new();
        for shard_index in 0..3 {
            let mut request = request();
            request.without_replica_labels = without.clone();
            request.shard_info = Some(ShardInfo {
                shard_index,
                total_shards: 3,
                by: false,
                labels: vec!["__name__".to_string()],
            });
            let (part, _) = ask(&served, request).await.unwrap();
            let part = names(&part);
            if !without.is_empty() {
                let both = part.iter().filter(|name| name.ends_with("zone=b")).count();
                assert!(both == 0 || both == 2, "{part:?}");
            }
            all.extend(part);
        }
        assert_eq!(all.len(), 4, "{all:?}");
    }
}

#[tokio::test]
async fn a_call_has_limits() {
    let api = api();
    api.set_storage(storage());
    for (series, samples, code) in [
        (2, 0, Some(Code::ResourceExhausted)),
        (0, 29, Some(Code::ResourceExhausted)),
        (3, 30, None),
    ] {
        let limits = GrpcLimits {
            request_series: series,
            request_samples: samples,
        };
        let served = Served::with(Arc::clone(&api), options(), limits).await;
        let answer = ask(&served, request()).await;
        assert_eq!(answer.err().map(|status| status.code()), code);
    }
}

#[tokio::test]
async fn names_and_values_are_found() {
    let served = Served::over(storage()).await;
    let mut client = StoreClient::new(served.channel().await);
    let names = LabelNamesRequest {
        start: 0,
        end: i64::MAX,
        ..LabelNamesRequest::default()
    };
    let found = client
        .label_names(names.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.names, ["__name__", "cluster", "job"]);
    let request = LabelNamesRequest {
        without_replica_labels: vec!["cluster".to_string()],
        limit: 1,
        matchers: vec![matcher(MatcherType::Eq, "job", "db")],
        ..names
    };
    let found = client.label_names(request).await.unwrap().into_inner();
    assert_eq!(found.names, ["__name__"]);

    let values = LabelValuesRequest {
        label: "job".to_string(),
        start: 0,
        end: i64::MAX,
        ..LabelValuesRequest::default()
    };
    let found = client
        .label_values(values.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.values, ["api", "db", "web"]);
    let request = LabelValuesRequest {
        matchers: vec![matcher(MatcherType::Neq, "job", "api")],
        limit: 1,
        ..values.clone()
    };
    let found = client.label_values(request).await.unwrap().into_inner();
    assert_eq!(found.values, ["db"]);
    let request = LabelValuesRequest {
        without_replica_labels: vec!["job".to_string()],
        ..values.clone()
    };
    let found = client.label_values(request).await.unwrap().into_inner();
    assert!(found.values.is_empty());
    let request = LabelValuesRequest {
        label: String::new(),
        ..values
    };
    let error = client.label_values(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
