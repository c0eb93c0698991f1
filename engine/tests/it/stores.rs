//! Stores of every kind: slow ones, odd ones, broken ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow_buffer::ScalarBuffer;
use futures::FutureExt;
use quarrel_engine::storage::{Chunk, ChunkData, Encoding, Storage, StorageError, TimeRange};
use quarrel_engine::{ErrorClass, QueryError, QueryOptions, QueryResult};

use crate::fake::{Fake, FakeSeries, encoded, floats, labels, xor};
use crate::support::{at_secs, engine, show};

const SMALL_AND_LARGE: [u64; 2] = [0, 10_000_000];

async fn ask(store: Arc<dyn Storage>, text: &str, at: i64) -> Result<QueryResult, QueryError> {
    let prepared = engine(2).prepare(text)?;
    let query = prepared.instant(store, at_secs(at), QueryOptions::new());
    query.execute().await
}

#[tokio::test]
async fn chunks_are_brought_near_first() {
    for estimate in SMALL_AND_LARGE {
        let fetched = Arc::new(AtomicUsize::new(0));
        let (counter, seen) = (Arc::clone(&fetched), Arc::clone(&fetched));
        let store = Fake {
            on_prefetch: Some(Arc::new(move |rows| {
                let counter = Arc::clone(&counter);
                async move {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    counter.fetch_max(rows.end as usize, Ordering::SeqCst);
                    Ok(())
                }
                .boxed()
            })),
            on_chunks: Some(Arc::new(move |row| {
                let near = seen.load(Ordering::SeqCst);
                assert!((row as usize) < near, "row {row} is not near, {near} are");
                Ok(())
            })),
            estimate: Some(estimate),
            ..Fake::many("x", 1000, 4)
        };
        let store = store.store();
        let result = ask(Arc::clone(&store), "count(x)", 90).await.unwrap();
        assert_eq!(show(&result), "{} 1000@90");
        assert_eq!(fetched.load(Ordering::SeqCst), 1000);
        let raw = ask(Arc::clone(&store), "x{i=~\"00001.\"}[1m]", 90)
            .await
            .unwrap();
        assert_eq!(show(&raw).lines().count(), 10);
    }
}

#[tokio::test]
async fn a_failing_prefetch_ends_the_query() {
    for estimate in SMALL_AND_LARGE {
        let store = Fake {
            on_prefetch: Some(Arc::new(|_| {
                let failed = StorageError::Remote {
                    endpoint: "store:10901".into(),
                    detail: "connection reset".into(),
                };
                futures::future::ready(Err(failed)).boxed()
            })),
            estimate: Some(estimate),
            ..Fake::many("x", 10, 4)
        };
        let store = store.store();
        for text in [
            "x",
            "sum(x)",
            "x[1m]",
            "count_values(\"a\", x)",
            "scalar(x)",
        ] {
            let error = ask(Arc::clone(&store), text, 90).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Execution);
            assert_eq!(
                error.to_string(),
                "expanding series: store:10901: connection reset"
            );
        }
    }
}

#[tokio::test]
async fn errors_of_the_store_end_the_query() {
    let failing = || {
        let failed = StorageError::Corrupt {
            file: "index".into(),
            detail: "checksum".into(),
        };
        futures::future::ready(Err(failed)).boxed()
    };
    let snapshot = Fake {
        on_snapshot: Some(Arc::new(failing)),
        ..Fake::many("x", 3, 3)
    };
    let select = Fake {
        on_select: Some(Arc::new(failing)),
        ..Fake::many("x", 3, 3)
    };
    let chunks = |estimate| Fake {
        on_chunks: Some(Arc::new(|row| match row {
            2 => Err(StorageError::Corrupt {
                file: "index".into(),
                detail: "checksum".into(),
            }),
            _ => Ok(()),
        })),
        estimate: Some(estimate),
        ..Fake::many("x", 3, 3)
    };
    for store in [snapshot, select, chunks(0), chunks(10_000_000)] {
        let store = store.store();
        for text in ["x", "sum(x)", "x[1m]", "x / x", "count_values(\"a\", x)"] {
            let error = ask(Arc::clone(&store), text, 60).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "expanding series: corrupt data in index: checksum"
            );
        }
    }
}

#[tokio::test]
async fn panics_of_the_store_become_errors() {
    let sync = || -> futures::future::BoxFuture<'static, Result<(), StorageError>> {
        panic!("a defect of the store")
    };
    let later = || async { panic!("a defect of the store") }.boxed();
    let mut stores = vec![
        Fake {
            on_snapshot: Some(Arc::new(sync)),
            ..Fake::many("x", 3, 3)
        },
        Fake {
            on_snapshot: Some(Arc::new(later)),
            ..Fake::many("x", 3, 3)
        },
        Fake {
            on_select: Some(Arc::new(sync)),
            ..Fake::many("x", 3, 3)
        },
        Fake {
            on_select: Some(Arc::new(later)),
            ..Fake::many("x", 3, 3)
        },
    ];
    for estimate in SMALL_AND_LARGE {
        stores.push(Fake {
            on_chunks: Some(Arc::new(|row| {
                assert!(row != 1, "a defect of the store");
                Ok(())
            })),
            estimate: Some(estimate),
            ..Fake::many("x", 3, 3)
        });
        stores.push(Fake {
            on_prefetch: Some(Arc::new(move |_| sync())),
            estimate: Some(estimate),
            ..Fake::many("x", 3, 3)
        });
        stores.push(Fake {
            on_prefetch: Some(Arc::new(move |_| later())),
            estimate: Some(estimate),
            ..Fake::many("x", 3, 3)
        });
    }
    let engine = engine(2);
    for (i, store) in stores.into_iter().enumerate() {
        let store = store.store();
        for text in ["x", "sum(x)", "x[1m]", "x / x", "count_values(\"a\", x)"] {
            let query = engine.prepare(text).unwrap();
            let query = query.instant(Arc::clone(&store), at_secs(60), QueryOptions::new());
            let error = query.execute().await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Internal, "{i} {text}: {error}");
            assert!(
                error.to_string().contains("a defect of the store"),
                "{i} {text}: {error}"
            );
            // It is the store's panic, not the engine's.
            let QueryError::Storage(StorageError::Panicked { store, message }) = &error else {
                panic!("{i} {text}: {error}")
            };
            assert!(store.ends_with("::Fake"), "{store}");
            assert_eq!(message, "a defect of the store");
        }
    }
    let good = Fake::many("x", 3, 3).store();
    let query = engine.prepare("count(x)").unwrap();
    let query = query.instant(good, at_secs(60), QueryOptions::new());
    assert_eq!(show(&query.execute().await.unwrap()), "{} 3@60");
    assert_eq!(engine.active_queries(), 0);
}

#[tokio::test]
async fn corrupt_chunks_name_their_series() {
    let good = xor(&[(0, 1.0), (30, 2.0), (60, 3.0)]);
    let ChunkData::Encoded { bytes, .. } = &good.data else {
        panic!("an encoded chunk")
    };
    let cut = bytes[..bytes.len() - 3].to_vec();
    for broken in [Vec::new(), vec![0], cut] {
        for estimate in SMALL_AND_LARGE {
            let bad = encoded(Encoding::Xor, broken.clone(), good.clone());
            let store = Fake {
                estimate: Some(estimate),
                ..Fake::new([
                    ("x{a=\"1\"}".to_string(), vec![good.clone()]),
                    ("x{a=\"2\"}".to_string(), vec![bad]),
                ])
            };
            let store = store.store();
            for text in ["x", "sum(x)", "rate(x[1m])", "x[1m]", "x + x"] {
                let error = ask(Arc::clone(&store), text, 60).await.unwrap_err();
                let QueryError::Chunk { series, .. } = &error else {
                    panic!("{error}")
                };
                assert_eq!(series, "{__name__=\"x\", a=\"2\"}");
                assert_eq!(error.class(), ErrorClass::Execution);
                let message = error.to_string();
                let begin = "expanding series: series {__name__=\"x\", a=\"2\"}: chunk ";
                assert!(message.starts_with(begin), "{message}");
            }
            let answer = ask(store, "x{a=\"1\"}", 60).await.unwrap();
            assert_eq!(show(&answer), "{__name__=x,a=1} 3@60");
        }
    }
}

#[tokio::test]
async fn corrupt_chunks_of_histograms_say_whose_they_are() {
    let histogram = encoded(
        Encoding::Histogram,
        vec![0, 1, 2, 3],
        floats(&[(0, 0.0), (60, 0.0)]),
    );
    let store = Fake::new([
        ("h".to_string(), vec![histogram]),
        ("x".to_string(), vec![floats(&[(60, 1.0)])]),
    ]);
    let store = store.store();
    for text in ["h", "1 + rate(h[5m])", "h[5m]", "{__name__=~\"h|x\"}"] {
        let error = ask(Arc::clone(&store), text, 60).await.unwrap_err();
        assert!(matches!(error, QueryError::Chunk { .. }), "{error}");
        let begin = "expanding series: series {__name__=\"h\"}: chunk ";
        assert!(error.to_string().starts_with(begin), "{error}");
    }
    // Out of range they do not matter.
    assert_eq!(
        show(&ask(Arc::clone(&store), "h", 100_000).await.unwrap()),
        ""
    );
    assert_eq!(
        show(&ask(store, "x", 60).await.unwrap()),
        "{__name__=x} 1@60"
    );
}

fn deleted(chunk: Chunk, ranges: &[(i64, i64)]) -> Chunk {
    let ranges = ranges.iter().map(|&(start, end)| TimeRange {
        start: start * 1000,
        end: end * 1000,
    });
    chunk.with_deleted(ranges.collect::<Vec<_>>())
}

#[tokio::test]
async fn overlapping_chunks_merge_and_deleted_samples_are_gone() {
    let chunks = vec![
        floats(&[(0, 1.0), (30, 2.0), (90, 4.0)]),
        xor(&[(30, 99.0), (60, 3.0), (120, 5.0)]),
        deleted(
            floats(&[(60, 98.0), (150, 6.0), (180, 7.0), (210, 8.0)]),
            &[(180, 180), (500, 600)],
        ),
    ];
    let gone = vec![deleted(floats(&[(0, 1.0), (30, 2.0)]), &[(-10, 1000)])];
    let store = Fake::new([("x".to_string(), chunks), ("y".to_string(), gone)]).store();
    let raw = ask(Arc::clone(&store), "{__name__=~\"x|y\"}[1h]", 300)
        .await
        .unwrap();
    assert_eq!(
        show(&raw),
        "{__name__=x} 1@0 2@30 3@60 4@90 5@120 6@150 8@210"
    );
    let sum = ask(Arc::clone(&store), "sum_over_time(x[3m])", 210)
        .await
        .unwrap();
    assert_eq!(show(&sum), "{} 26@210");
    let latest = ask(Arc::clone(&store), "x", 200).await.unwrap();
    assert_eq!(show(&latest), "{__name__=x} 6@200");
    assert_eq!(show(&ask(store, "absent(y)", 30).await.unwrap()), "{} 1@30");
}

#[tokio::test]
async fn series_without_samples_are_nowhere() {
    let mut series = vec![("x{a=\"1\"}".to_string(), Vec::new())];
    series.push(("x{a=\"2\"}".to_string(), vec![floats(&[])]));
    series.push(("x{a=\"3\"}".to_string(), vec![floats(&[(60, 3.0)])]));
    series.push(("x{a=\"4\"}".to_string(), vec![floats(&[(99_999, 4.0)])]));
    let store = Fake::new(series).store();
    for (text, answer) in [
        ("x", "{__name__=x,a=3} 3@60"),
        ("x[1m]", "{__name__=x,a=3} 3@60"),
        ("count(x)", "{} 1@60"),
        ("count by (a) (x)", "{a=3} 1@60"),
        ("topk(4, x)", "{__name__=x,a=3} 3@60"),
        ("x{a!=\"3\"}", ""),
        ("sum(x{a!=\"3\"})", ""),
        ("absent(x{a=\"1\"})", "{a=1} 1@60"),
        ("scalar(x)", "3 @60"),
        ("x + on () group_left () sum(x)", "{a=3} 6@60"),
        ("nothing", ""),
        ("nothing[1m]", ""),
        ("nothing or x", "{__name__=x,a=3} 3@60"),
    ] {
        let result = ask(Arc::clone(&store), text, 60).await.unwrap();
        assert_eq!(show(&result), answer, "{text}");
    }
}

/// Order decides ties and what is equal, so a store that breaks its word is
/// told so.
#[tokio::test]
async fn unsorted_answers_are_refused() {
    let sample = || vec![floats(&[(60, 1.0)])];
    let store = Fake::new([
        ("x{a=\"2\"}".to_string(), sample()),
        ("x{a=\"1\"}".to_string(), sample()),
    ]);
    let error = ask(store.store(), "sum(x)", 60).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Execution);
    assert_eq!(
        error.to_string(),
        "expanding series: the store gave series {__name__=\"x\", a=\"1\"} behind \
         {__name__=\"x\", a=\"2\"}: series must be sorted by labels and differ"
    );
    let store = Fake::new([("x".to_string(), sample()), ("x".to_string(), sample())]);
    let error = ask(store.store(), "x", 60).await.unwrap_err();
    assert!(
        error.to_string().contains("series must be sorted"),
        "{error}"
    );
    let mut swapped = Fake::new([("x{a=\"1\",b=\"1\"}".to_string(), sample())]);
    Arc::make_mut(&mut swapped.series)[0].labels.reverse();
    let error = ask(swapped.store(), "{a=\"1\"}", 60).await.unwrap_err();
    assert!(error.to_string().contains("labels"), "{error}");
    let mut empty = Fake::new([("x{a=\"1\"}".to_string(), sample())]);
    Arc::make_mut(&mut empty.series).push(FakeSeries {
        labels: vec![("__name__".into(), "y".into()), ("b".into(), String::new())],
        chunks: sample(),
    });
    assert!(ask(empty.store(), "y", 60).await.is_err());
    assert_eq!(labels("x{a=\"1\"}").len(), 2);
}

#[tokio::test]
async fn columns_that_are_none_are_refused() {
    let odd = |timestamps: Vec<i64>, values: Vec<f64>| {
        let chunk = Chunk::floats(timestamps, values);
        Fake::new([("x".to_string(), vec![chunk])]).store()
    };
    for text in ["x", "rate(x[1m])", "x[1m]"] {
        let error = ask(odd(vec![0, 30_000, 60_000], vec![1.0]), text, 60)
            .await
            .unwrap_err();
        assert_eq!(error.class(), ErrorClass::Execution, "{text}");
        assert!(error.to_string().contains("{__name__=\"x\"}"), "{error}");
        let error = ask(odd(vec![0, 60_000, 30_000], vec![1.0; 3]), text, 60)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("{__name__=\"x\"}"), "{error}");
    }
}

/// An error of a connector's own.
#[derive(Debug)]
struct Refused {
    below: std::io::Error,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused by shard 7")
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.below)
    }
}

#[tokio::test]
async fn a_stores_own_error_can_be_downcast_and_prints_nothing_twice() {
    let store = Fake {
        on_chunks: Some(Arc::new(|_| {
            let below = std::io::Error::other("no route");
            Err(StorageError::external(Refused { below }))
        })),
        ..Fake::many("x", 1, 3)
    };
    let error = ask(store.store(), "x", 60).await.unwrap_err();
    assert_eq!(error.to_string(), "expanding series: refused by shard 7");
    let QueryError::Storage(inner) = &error else {
        panic!("{error}")
    };
    assert!(inner.downcast_ref::<Refused>().is_some());
    let mut texts = vec![error.to_string()];
    let mut next = std::error::Error::source(&error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    assert_eq!(texts, ["expanding series: refused by shard 7", "no route"]);
}

#[tokio::test]
async fn series_on_a_shared_grid_have_gaps() {
    let grid: ScalarBuffer<i64> = (0..8).map(|i| i * 30_000).collect();
    let series = |name: &str, valid: [bool; 8]| {
        let values: Vec<f64> = (0..8).map(f64::from).collect();
        let chunk = Chunk::float_grid(grid.clone(), values, valid.to_vec().into());
        (format!("x{{a=\"{name}\"}}"), vec![chunk])
    };
    let (yes, no) = (true, false);
    let store = Fake::new([
        series("all", [yes; 8]),
        series("gap", [no, yes, yes, no, no, no, yes, no]),
        series("none", [no; 8]),
    ]);
    let store = store.store();
    let count = ask(Arc::clone(&store), "count_over_time(x[10m])", 210).await;
    assert_eq!(show(&count.unwrap()), "{a=all} 8@210\n{a=gap} 3@210");
    let raw = ask(store, "x{a!=\"all\"}[10m]", 210).await.unwrap();
    assert_eq!(show(&raw), "{__name__=x,a=gap} 1@30 2@60 6@180");
}

#[tokio::test]
async fn what_stores_say_reaches_the_user() {
    let store = Fake {
        warnings: vec!["a torn segment was repaired".into()],
        ..Fake::many("x", 1, 3)
    };
    let result = ask(store.store(), "x", 60).await.unwrap();
    assert_eq!(result.warnings, ["a torn segment was repaired"]);
    assert!(result.infos.is_empty());
}

#[tokio::test]
async fn labels_that_are_left_out_change_no_answer() {
    let series = |kind: &'static str, count: i64| {
        (0..count).map(move |i| {
            let labels = format!(
                "x_total{{__type__=\"{kind}\",g=\"{}\",i=\"{i:02}\"}}",
                i % 3
            );
            let samples: Vec<_> = (0..8).map(|s| (s * 30, (s * i) as f64)).collect();
            (labels, vec![floats(&samples)])
        })
    };
    let one_type = Fake::new(series("counter", 9)).sorted();
    // Without the type, and without what is left out, rows are equal or are not.
    let two_types = Fake::new(series("counter", 9).chain(series("gauge", 2))).sorted();
    let apart = Fake::new(series("counter", 2).chain(series("gauge", 9).skip(2))).sorted();
    for store in [one_type, two_types, apart] {
        let projecting = Fake {
            projects: true,
            ..store.clone()
        }
        .store();
        let whole = store.store();
        for text in [
            "sum by (g) (rate(x_total[2m]))",
            "count(-x_total * 2)",
            "avg by (nothing) (x_total)",
            "max(sum_over_time(rate(x_total[1m])[2m:30s]))",
        ] {
            let told = |answer: Result<QueryResult, QueryError>| {
                answer
                    .map(|result| show(&result))
                    .map_err(|e| e.to_string())
            };
            let projected = told(ask(Arc::clone(&projecting), text, 200).await);
            assert_eq!(
                projected,
                told(ask(Arc::clone(&whole), text, 200).await),
                "{text}"
            );
        }
    }
}
