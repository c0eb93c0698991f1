//! Native histograms, downsampled: the Compactor keeps their number, sum and counter,
//! the latter two as float histograms.

use std::sync::Arc;

use futures::executor::block_on;
use quarrel_engine::storage::histogram_chunks::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::{Aggregates, Chunk, ChunkData, EncodedChunk, Storage, TimeRange};
use quarrel_engine::{QueryOptions, QueryResult, Timestamp};

use super::compactor::{FINE, HOUR, encode};
use super::{engine, store};
use crate::support::show;

fn histogram(count: f64) -> Histogram<f64> {
    Histogram {
        layout: HistogramLayout {
            positive_spans: vec![Span {
                offset: 0,
                length: 1,
            }],
            ..HistogramLayout::default()
        },
        count,
        sum: 2.0 * count,
        buckets: vec![count],
        ..Histogram::default()
    }
}

/// Histograms of some counts.
fn encoded(samples: &[(i64, f64)]) -> Option<EncodedChunk> {
    let histograms: Vec<_> = (samples.iter()).map(|&(t, n)| (t, histogram(n))).collect();
    let chunks = Chunk::histograms(histograms.iter().map(|(t, h)| (*t, h))).unwrap();
    match &chunks[0].data {
        ChunkData::Encoded { encoding, bytes } => Some(EncodedChunk {
            encoding: *encoding,
            bytes: bytes.clone(),
        }),
        other => panic!("{other:?}"),
    }
}

fn downsampled(change: impl FnOnce(&mut Aggregates)) -> Arc<dyn Storage> {
    let mut aggregates = Aggregates {
        count: Some(encode(&[(FINE - 1, 2.0), (2 * FINE - 1, 1.0)])),
        sum: encoded(&[(FINE - 1, 6.0), (2 * FINE - 1, 9.0)]),
        min: None,
        max: None,
        counter: encoded(&[(FINE - 1, 6.0), (2 * FINE - 1, 9.0)]),
    };
    change(&mut aggregates);
    let times = TimeRange {
        start: FINE - 1,
        end: 2 * FINE - 1,
    };
    let after = Chunk::histograms([(2 * FINE + 10, &histogram(5.0))]).unwrap();
    let mut chunks = vec![Chunk::aggregates(aggregates, times)];
    chunks.extend(after);
    store(chunks)
}

fn ask(store: &Arc<dyn Storage>, text: &str) -> QueryResult {
    let prepared = engine().prepare(text).unwrap();
    let options = QueryOptions::new().max_resolution_ms(HOUR);
    let at = Timestamp::from_millis(HOUR / 4);
    block_on(prepared.instant(Arc::clone(store), at, options).execute()).unwrap()
}

#[test]
fn each_function_reads_sum_number_or_counter() {
    let store = downsampled(|_| {});
    for (text, wanted) in [
        // 6, 9 and 5, which are four samples.
        ("histogram_count(sum_over_time(x[1h]))", "{} 20@900"),
        ("histogram_count(avg_over_time(x[1h]))", "{} 5@900"),
        ("count_over_time(x[1h])", "{} 4@900"),
        ("histogram_count(first_over_time(x[1h]))", "{} 3@900"),
        ("histogram_count(x)", "{} 5@900"),
        ("histogram_count(x offset 5m)", "{} 9@900"),
        ("histogram_count(irate(x[1h] offset 5m)) * 300", "{} 3@900"),
        ("count(x)", "{} 1@900"),
        ("present_over_time(x[1h])", "{} 1@900"),
    ] {
        assert_eq!(show(&ask(&store, text)), wanted, "{text}");
    }
}

#[test]
fn functions_of_floats_ignore_them() {
    let answer = ask(&downsampled(|_| {}), "max_over_time(x[1h])");
    assert_eq!(show(&answer), "");
}

#[test]
fn what_is_wrong_is_told() {
    let error = |change: &dyn Fn(&mut Aggregates), text: &str| {
        let prepared = engine().prepare(text).unwrap();
        let at = Timestamp::from_millis(HOUR / 4);
        let options = QueryOptions::new().max_resolution_ms(HOUR);
        let query = prepared.instant(downsampled(change), at, options);
        block_on(query.execute()).unwrap_err().to_string()
    };
    let apart = |a: &mut Aggregates| a.count = Some(encode(&[(FINE - 1, 2.0)]));
    for text in ["x", "avg_over_time(x[1h])"] {
        let told = error(&apart, text);
        assert!(
            told.ends_with("count and sum of different windows"),
            "{told}"
        );
    }
    let cut = |a: &mut Aggregates| {
        let chunk = a.counter.as_mut().unwrap();
        chunk.bytes = chunk.bytes.slice(..chunk.bytes.len() - 2);
    };
    let told = error(&cut, "rate(x[1h])");
    assert!(
        told.contains("series {__name__=\"x\"} a wrong downsampled chunk: counter: "),
        "{told}"
    );
    let unordered = |a: &mut Aggregates| a.sum = encoded(&[(FINE, 6.0), (FINE, 9.0)]);
    let told = error(&unordered, "sum_over_time(x[1h])");
    assert!(told.ends_with("sum: windows out of order"), "{told}");
}
