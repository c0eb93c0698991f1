//! Blocks that Thanos's Compactor has downsampled, read as a data directory: over
//! whole windows they answer as the raw blocks do. `downsamplegolden` in
//! `compliance/go/stack/programs/thanos` writes them.

#![cfg(feature = "tsdb")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, EngineOptions, QueryOptions, QueryRange, SampleValue, Value};
use quarrel_planner::ParserOptions;
use quarrel_storage::tsdb::{Tsdb, TsdbOptions};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// Where the first part of the data, 160 hours with a sample each ten minutes, ends
/// and two of 14 hours with one each minute begin.
const BASE: i64 = 498_720 * HOUR;

/// Series with their points.
type Answer = Vec<(String, Vec<(i64, f64)>)>;

struct Data {
    engine: Engine,
    raw: Arc<dyn Storage>,
    downsampled: Vec<(i64, Arc<dyn Storage>)>,
}

impl Data {
    fn open() -> Self {
        let open = |name| -> Arc<dyn Storage> {
            let home = Path::new(env!("CARGO_MANIFEST_DIR"));
            let dir = home.join("testdata/downsampled").join(name);
            Arc::new(Tsdb::open(dir, TsdbOptions::default()).unwrap())
        };
        // Some raw samples are ten minutes apart.
        let options = EngineOptions::new().lookback_delta(Duration::from_secs(7200));
        let options = options.threads(1).parser(ParserOptions::all());
        Data {
            engine: options.build().unwrap(),
            raw: open("raw"),
            downsampled: vec![(5 * MINUTE, open("5m")), (HOUR, open("1h"))],
        }
    }

    fn ask(&self, store: &Arc<dyn Storage>, text: &str, range: QueryRange) -> Answer {
        let options = QueryOptions::new().max_resolution_ms(HOUR);
        let prepared = self.engine.prepare(text).unwrap();
        let query = prepared.range(Arc::clone(store), range, options);
        let result = block_on(query.execute()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let Value::Matrix(set) = &result.value else {
            panic!("no series");
        };
        let series = set.to_series().into_iter().map(|series| {
            let points = series.points.iter().map(|p| match p.value {
                SampleValue::Float(value) => (p.timestamp, value),
                SampleValue::Histogram(_) => panic!("{text}: a histogram"),
            });
            let labels = series.labels.iter().map(|(n, v)| format!("{n}={v}"));
            (labels.collect::<Vec<_>>().join(","), points.collect())
        });
        series.collect()
    }

    /// Makes sure that downsampled blocks answer as raw ones at the ends of windows.
    fn compare(&self, text: &str) {
        for (resolution, store) in &self.downsampled {
            let ends = BASE - 170 * HOUR - 1..=BASE + 32 * HOUR - 1;
            let range = QueryRange::from_millis(ends, *resolution.max(&(HOUR / 2))).unwrap();
            let got = self.ask(store, text, range);
            let wanted = self.ask(&self.raw, text, range);
            assert!(!wanted.is_empty(), "{text}");
            assert_eq!(got.len(), wanted.len(), "{text}");
            for ((name, got), (same, wanted)) in got.iter().zip(&wanted) {
                assert_eq!(name, same);
                let times = |points: &[(i64, f64)]| points.iter().map(|p| p.0).collect::<Vec<_>>();
                assert_eq!(times(got), times(wanted), "{text} {name} {resolution}");
                for (&(time, got), &(_, wanted)) in got.iter().zip(wanted) {
                    let near = (got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
                    assert!(
                        near,
                        "{text} {name} {resolution} at {time}: {got} for {wanted}"
                    );
                }
            }
        }
    }
}

#[test]
fn whole_windows_answer_as_raw_samples() {
    let data = Data::open();
    for function in ["count", "sum", "min", "max", "avg", "present"] {
        for range in ["1h", "3h", "1d"] {
            for metric in ["gauge", "single", "requests_total", "restarting_total"] {
                data.compare(&format!("{function}_over_time({metric}[{range}])"));
            }
        }
    }
    data.compare("count_over_time(mixed[2h])");
    data.compare("count_over_time(latency[1h])");
}

/// Resets lie within windows, at their borders, and at those of chunks and blocks.
#[test]
fn counters_grow_as_raw_samples_do() {
    let data = Data::open();
    for metric in ["requests_total", "steady_total", "restarting_total"] {
        for range in ["1h", "3h", "1d"] {
            data.compare(&format!("increase({metric}[{range}] anchored)"));
        }
    }
}

#[test]
fn histograms_have_their_sums_and_averages() {
    let data = Data::open();
    for metric in ["latency", "sizes"] {
        for range in ["1h", "3h"] {
            for part in ["histogram_count", "histogram_sum"] {
                for function in ["sum", "avg"] {
                    data.compare(&format!("{part}({function}_over_time({metric}[{range}]))"));
                }
            }
            let over = format!("avg_over_time({metric}[{range}])");
            data.compare(&format!("histogram_quantile(0.9, {over})"));
            data.compare(&format!("histogram_fraction(1, 3, {over})"));
        }
    }
    data.compare("histogram_count(sum_over_time(mixed[1h]))");
}
