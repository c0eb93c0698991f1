//! Queries over very many native histograms.

use std::sync::Arc;

use quarrel_chunks::histogram::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::Storage;
use quarrel_engine::{EngineOptions, QueryOptions};
use quarrel_storage::memory::{HistogramSample, MemoryStorage};

use crate::support::at_secs;

const SERIES: usize = 66_000;
const BUCKETS: u32 = 100;

/// Series of two histograms each.
fn many() -> Arc<dyn Storage> {
    let layout = HistogramLayout {
        positive_spans: vec![Span {
            offset: -50,
            length: BUCKETS,
        }],
        ..HistogramLayout::default()
    };
    let sample = |timestamp: i64, times: u64| {
        let buckets: Vec<u64> = (0..u64::from(BUCKETS)).map(|i| times * (i % 7)).collect();
        HistogramSample {
            timestamp,
            start_timestamp: 0,
            histogram: Histogram {
                layout: layout.clone(),
                count: buckets.iter().sum(),
                zero_count: 0,
                sum: times as f64,
                buckets,
                ..Histogram::default()
            },
        }
    };
    let samples = [sample(30_000, 10), sample(60_000, 20)];
    let memory = MemoryStorage::new();
    for number in 0..SERIES {
        let labels = [
            ("__name__", "latency".to_string()),
            ("pod", number.to_string()),
        ];
        memory.append_histograms(labels, &samples).unwrap();
    }
    Arc::new(memory)
}

#[tokio::test]
async fn many_rows_of_histograms_fit_into_memory() {
    let store = many();
    let options = EngineOptions::new().threads(2).max_memory(512 << 20);
    let engine = options.build().unwrap();
    for (text, rows) in [
        ("latency", SERIES),
        ("rate(latency[1m]) * 2", SERIES),
        ("histogram_quantile(0.9, rate(latency[1m]))", SERIES),
        ("sum(rate(latency[1m]))", 1),
        ("histogram_count(sum(latency))", 1),
    ] {
        let query = engine.query(text, Arc::clone(&store), at_secs(60), QueryOptions::new());
        let result = query.execute().await;
        let result = result.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(result.value.series().unwrap().len(), rows, "{text}");
    }
}
