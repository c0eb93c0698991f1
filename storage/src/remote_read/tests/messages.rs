//! Whatever a body holds, it is an answer or an error.

use std::collections::BTreeMap;

use futures::executor::block_on;
use proptest::prelude::*;
use prost::Message as _;
use quarrel_chunks::{Encoding, FloatEncoder as _, XorEncoder};
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{SeriesSource, TimeRange, Unlimited};
use quarrel_proto::labels::Label;
use quarrel_proto::remote_read::{Chunk, ChunkedReadResponse};
use quarrel_proto::samples::{Histogram, Sample, TimeSeries};

use super::super::convert;
use crate::sent::collect::{Collector, sent_labels};
use crate::sent::merge::merge;

fn series() -> impl Strategy<Value = TimeSeries> {
    let times = || prop::collection::btree_set(-50i64..50, 0..8);
    (times(), times()).prop_map(|(floats, histograms)| TimeSeries {
        labels: vec![Label {
            name: "a".into(),
            value: "b".into(),
        }],
        samples: floats
            .into_iter()
            .map(|timestamp| Sample {
                value: timestamp as f64,
                timestamp,
            })
            .collect(),
        histograms: histograms
            .into_iter()
            .map(|timestamp| Histogram {
                timestamp,
                sum: 1000.0,
                count: Some(quarrel_proto::samples::Count::CountInt(0)),
                ..Histogram::default()
            })
            .collect(),
        ..TimeSeries::default()
    })
}

proptest! {
    /// Each time of the range has one sample, the float where there are two.
    #[test]
    fn samples_are_those_of_the_message(message in series(), start in -60i64..60, length in 0i64..100) {
        let range = TimeRange { start, end: start + length };
        let mut expected: BTreeMap<i64, bool> = BTreeMap::new();
        for histogram in &message.histograms {
            expected.insert(histogram.timestamp, true);
        }
        for sample in &message.samples {
            expected.insert(sample.timestamp, false);
        }
        expected.retain(|time, _| range.start <= *time && *time <= range.end);
        let chunks = convert::samples(&message, range).unwrap();
        let samples: u64 = chunks.iter().map(|chunk| chunk.samples()).sum();
        prop_assert_eq!(samples, expected.len() as u64);
        let mut collector = Collector::new(range, None);
        collector.take([(sent_labels(&message.labels), chunks.into_iter().map(|chunk| Ok(Some(chunk))))]).unwrap();
        let symbols = SymbolTable::new();
        let (labels, source) =
            block_on(merge(vec![("a".into(), collector.finish())], &symbols, &Unlimited)).unwrap();
        prop_assert_eq!(labels.len(), 1);
        prop_assert_eq!(source.estimated_samples(), Some(expected.len() as u64));
    }

    #[test]
    fn any_frame_is_series_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = ChunkedReadResponse::decode(&bytes[..]) {
            let mut collector = Collector::new(TimeRange::ALL, None);
            let series = message.chunked_series.iter();
            let _ = collector.take(series.map(|one| {
                (sent_labels(&one.labels), one.chunks.iter().cloned().map(convert::chunk))
            }));
        }
    }

    #[test]
    fn any_series_is_chunks_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = TimeSeries::decode(&bytes[..]) {
            let _ = convert::samples(&message, TimeRange::ALL);
        }
    }
}

#[test]
fn encodings_have_the_numbers_of_prometheus() {
    let mut encoder = XorEncoder::new();
    encoder.append(5, 1.0);
    let xor = encoder.bytes().to_vec();
    let chunk = |kind: i32, data: &[u8]| {
        convert::chunk(Chunk {
            min_time_ms: 5,
            max_time_ms: 5,
            r#type: kind,
            data: data.to_vec().into(),
        })
    };
    assert_eq!(chunk(1, &xor).unwrap().unwrap().samples(), 1);
    assert_eq!(encoder.encoding(), Encoding::Xor);
    for unknown in [0, 7, -1] {
        let error = chunk(unknown, &xor).unwrap_err();
        assert_eq!(
            error,
            format!("chunk from 5 to 5: unknown encoding {unknown}")
        );
    }
    assert!(chunk(4, &xor[..1]).is_err());
}
