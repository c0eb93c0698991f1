//! What it costs to take in many series; asserts nothing of time.

use std::time::Instant;

use bytes::Bytes;
use futures::executor::block_on;
use prost::Message as _;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{SeriesSource, TimeRange, Unlimited};
use quarrel_proto::labels::Label;
use quarrel_proto::store::{Series, SeriesBatch, SeriesResponse, SeriesResult};

use super::super::message;
use super::super::testing::xor_chunk;
use crate::sent::collect::Collector;
use crate::sent::merge::merge;

const SERIES: usize = 3_000;
const CHUNKS: usize = 6;

/// The messages of a store gateway: batches of 64 series of twelve labels.
fn messages() -> Vec<Bytes> {
    let chunks: Vec<_> = (0..CHUNKS as i64)
        .map(|number| {
            let times: Vec<i64> = (0..120).map(|at| (number * 120 + at) * 15_000).collect();
            let values: Vec<f64> = (0..120).map(|at| f64::from(at) * 1.7).collect();
            xor_chunk(&times, &values)
        })
        .collect();
    let series = |number: usize| {
        let label = |at: usize| Label {
            name: format!("label_{at:02}").into(),
            value: match at {
                5 => format!("pod-{number:05}").into(),
                7 => format!("node-{}", number / 30).into(),
                _ => format!("the value of label {at}").into(),
            },
        };
        Series {
            labels: (0..12).map(label).collect(),
            chunks: chunks.clone(),
        }
    };
    let all: Vec<Series> = (0..SERIES).map(series).collect();
    let batch = |series: &[Series]| {
        let series = series.to_vec();
        let result = Some(SeriesResult::Batch(SeriesBatch { series }));
        SeriesResponse { result }.encode_to_vec().into()
    };
    all.chunks(64).map(batch).collect()
}

#[test]
#[ignore = "measures: run it with --nocapture"]
fn many_series() {
    let messages = messages();
    for _ in 0..3 {
        let began = Instant::now();
        let mut collector = Collector::new(TimeRange::ALL, None);
        for message in &messages {
            collector
                .take(message::read(message).unwrap().series)
                .unwrap();
        }
        let series = collector.finish();
        let collect = began.elapsed();
        let began = Instant::now();
        let symbols = SymbolTable::new();
        let stores = vec![("store".into(), series)];
        let (labels, source) = block_on(merge(stores, &symbols, &Unlimited)).unwrap();
        let merge = began.elapsed();
        assert_eq!(labels.len(), SERIES);
        assert_eq!(
            source.estimated_samples(),
            Some((SERIES * CHUNKS * 120) as u64)
        );
        println!(
            "{SERIES} series x {CHUNKS} chunks: take in {collect:?}, \
             merge {merge:?}, {} bytes held",
            source.held_bytes()
        );
    }
}
