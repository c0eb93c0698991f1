//! Downsampled data: what each function answers over windows of some minutes.

mod compactor;
mod hints;
mod histograms;

use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use quarrel_engine::storage::{Chunk, Storage};
use quarrel_engine::{
    Engine, EngineOptions, QueryError, QueryOptions, QueryRange, SampleValue, Timestamp, Value,
};
use quarrel_functions::table::{self, Downsampled as Reads, Kind, ValueType};
use quarrel_planner::ParserOptions;

use self::compactor::{
    FINE, HOUR, MINUTE, Samples, chunks, downsample, in_chunks, raw, window_end,
};
use crate::fake::Fake;

/// A store with one series, `x`, which gives chunks of what it is asked for.
fn store(chunks: Vec<Chunk>) -> Arc<dyn Storage> {
    let mut fake = Fake::new([("x".to_string(), chunks)]);
    fake.narrow = true;
    fake.store()
}

fn engine() -> Engine {
    let options = EngineOptions::new().threads(1).parser(ParserOptions::all());
    Engine::new(options).unwrap()
}

/// What a query answers: the samples of its only series.
fn ask(
    engine: &Engine,
    store: &Arc<dyn Storage>,
    text: &str,
    (start, end, step): (i64, i64, i64),
) -> Result<Samples, QueryError> {
    let options = || {
        let lookback = std::time::Duration::from_millis(HOUR as u64);
        let options = QueryOptions::new().max_resolution_ms(HOUR);
        options.lookback_delta(lookback)
    };
    let prepared = engine.prepare(text)?;
    let store = Arc::clone(store);
    let query = match step {
        0 => prepared.instant(store, Timestamp::from_millis(start), options()),
        _ => {
            let range = QueryRange::from_millis(start..=end, step).unwrap();
            prepared.range(store, range, options())
        }
    };
    let result = block_on(query.execute())?;
    let (Value::Vector(set) | Value::Matrix(set)) = &result.value else {
        panic!("no series");
    };
    let all = set.to_series();
    assert!(all.len() <= 1, "{text}: one series");
    let points = all.iter().flat_map(|series| &series.points);
    let float = |value: &SampleValue<'_>| match value {
        SampleValue::Float(value) => *value,
        SampleValue::Histogram(_) => panic!("{text}: a histogram"),
    };
    Ok(points.map(|p| (p.timestamp, float(&p.value))).collect())
}

fn assert_near(text: &str, got: &[(i64, f64)], wanted: &[(i64, f64)]) {
    let times = |samples: &[(i64, f64)]| samples.iter().map(|s| s.0).collect::<Vec<_>>();
    assert_eq!(times(got), times(wanted), "{text}");
    for (&(time, got), &(_, wanted)) in got.iter().zip(wanted) {
        let same = got.to_bits() == wanted.to_bits() || (got.is_nan() && wanted.is_nan());
        let near = (got - wanted).abs() <= 1e-9 * wanted.abs().max(1.0);
        assert!(same || near, "{text} at {time}: {got} for {wanted}");
    }
}

/// Samples some seconds apart, with gaps.
fn gauge() -> impl Strategy<Value = Samples> {
    samples(3 * HOUR)
}

/// Samples some seconds apart, with gaps of up to some time.
fn samples(longest_gap: i64) -> impl Strategy<Value = Samples> {
    let apart = prop_oneof![8 => 1_000i64..90_000, 1 => MINUTE..longest_gap];
    let samples = proptest::collection::vec((apart, -50.0f64..50.0), 1..120);
    samples.prop_map(|samples| {
        let mut time = 100 * HOUR;
        let with_times = samples.into_iter().map(|(apart, value)| {
            time += apart;
            (time, value)
        });
        with_times.collect()
    })
}

/// A counter, reset now and then, without gaps that are longer than its windows are
/// looked back beyond.
fn counter() -> impl Strategy<Value = Samples> {
    (samples(HOUR / 2), proptest::collection::vec(0u32..12, 120)).prop_map(
        |(mut samples, growth)| {
            let mut total = 3.0;
            for (sample, growth) in samples.iter_mut().zip(growth) {
                total = if growth == 11 {
                    1.0
                } else {
                    total + f64::from(growth)
                };
                sample.1 = total;
            }
            samples
        },
    )
}

fn resolution() -> impl Strategy<Value = i64> {
    prop_oneof![Just(FINE), Just(HOUR)]
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1usize..60, 1..4)
}

/// Steps at the ends of windows.
fn aligned(samples: &[(i64, f64)], resolution: i64) -> (i64, i64, i64) {
    let (first, last) = (samples[0].0, samples[samples.len() - 1].0);
    let start = window_end(first, resolution);
    (
        start,
        window_end(last, resolution) + 2 * resolution,
        resolution,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Over windows that are those of the data, or some of them, the answer is that
    /// of the raw samples.
    #[test]
    fn aligned_windows_answer_as_raw_samples(
        samples in gauge(),
        resolution in resolution(),
        sizes in sizes(),
        windows in 1i64..5,
    ) {
        let downsampled = store(chunks(&samples, resolution, &sizes));
        let raw = store(vec![raw(&samples)]);
        let times = aligned(&samples, resolution);
        let engine = engine();
        let range = windows * resolution;
        for function in ["count", "sum", "min", "max", "avg", "present"] {
            let text = format!("{function}_over_time(x[{range}ms])");
            let got = ask(&engine, &downsampled, &text, times).unwrap();
            assert_near(&text, &got, &ask(&engine, &raw, &text, times).unwrap());
        }
    }

    /// The growth of a counter between the ends of windows is that of the raw
    /// samples, wherever it was reset.
    #[test]
    fn counters_grow_as_raw_samples_do(
        samples in counter(),
        resolution in resolution(),
        sizes in sizes(),
        windows in 1i64..5,
    ) {
        let downsampled = store(chunks(&samples, resolution, &sizes));
        let raw = store(vec![raw(&samples)]);
        let times = aligned(&samples, resolution);
        let range = windows * resolution;
        let engine = engine();
        for function in ["increase", "rate"] {
            let text = format!("{function}(x[{range}ms] anchored)");
            let got = ask(&engine, &downsampled, &text, times).unwrap();
            let wanted = ask(&engine, &raw, &text, times).unwrap();
            // A window with one sample alone, of a chunk's first window, has two.
            let got: Samples = got.into_iter()
                .filter(|(t, _)| wanted.iter().any(|(w, _)| w == t)).collect();
            assert_near(&text, &got, &wanted);
        }
    }

    /// Raw samples beside windows, in any order of chunks: aligned windows answer
    /// as the raw samples alone.
    #[test]
    fn raw_samples_and_windows_are_one_series(
        samples in counter(),
        resolution in resolution(),
        sizes in sizes(),
        kinds in proptest::collection::vec(any::<bool>(), 120),
        order in any::<proptest::sample::Index>(),
        windows in 1i64..5,
    ) {
        let parts = in_chunks(&samples, resolution, &sizes);
        // Nothing tells the windows of such a chunk from those of an hour.
        let of_an_hour = |windows: &Samples| {
            let whole = &windows[..windows.len().saturating_sub(1)];
            !whole.is_empty() && whole.iter().all(|(time, _)| (time + 1) % HOUR == 0)
        };
        let short = parts.iter().map(|part| downsample(part, resolution).count);
        prop_assume!(resolution == HOUR || !short.into_iter().any(|windows| of_an_hour(&windows)));
        let mut mixed: Vec<Chunk> = parts.iter().zip(kinds).map(|(part, is_raw)| match is_raw {
            true => raw(part),
            false => compactor::chunk(&downsample(part, resolution)),
        }).collect();
        let by = order.index(mixed.len());
        mixed.rotate_left(by);
        let mixed = store(mixed);
        let raw = store(vec![raw(&samples)]);
        let times = aligned(&samples, resolution);
        let range = windows * resolution;
        let engine = engine();
        for (name, extension) in [
            ("count_over_time", ""), ("sum_over_time", ""), ("min_over_time", ""),
            ("max_over_time", ""), ("avg_over_time", ""), ("increase", " anchored"),
        ] {
            let text = format!("{name}(x[{range}ms]{extension})");
            let got = ask(&engine, &mixed, &text, times).unwrap();
            let wanted = ask(&engine, &raw, &text, times).unwrap();
            let got: Samples = got.into_iter()
                .filter(|(t, _)| wanted.iter().any(|(w, _)| w == t)).collect();
            assert_near(&text, &got, &wanted);
        }
    }

    /// Each function over any window is that of the samples that it reads: of each
    /// window's average, least, greatest, sum, number.
    #[test]
    fn each_function_is_that_of_what_it_reads(
        samples in gauge(),
        resolution in resolution(),
        sizes in sizes(),
        (range, step) in (MINUTE..4 * HOUR, 30_000i64..HOUR),
    ) {
        let parts = in_chunks(&samples, resolution, &sizes);
        let windows: Vec<compactor::Downsampled> =
            parts.iter().map(|part| downsample(part, resolution)).collect();
        let column = |of: fn(&compactor::Downsampled) -> &Samples| -> Samples {
            windows.iter().flat_map(|w| of(w).iter().copied()).collect()
        };
        let (counts, sums) = (column(|w| &w.count), column(|w| &w.sum));
        let averages: Samples = sums.iter().zip(&counts)
            .map(|(&(t, sum), &(_, n))| (t, sum / n)).collect();
        let downsampled = store(chunks(&samples, resolution, &sizes));
        let times = (samples[0].0 - MINUTE, samples[samples.len() - 1].0 + 2 * HOUR, step);
        let engine = engine();
        for function in table::all() {
            let (text, plain) = match call(function, range) {
                Some(text) => (text.clone(), text),
                None => continue,
            };
            let (read, plain) = match function.downsampled {
                Reads::Average => (&averages, plain),
                Reads::Min => (&column(|w| &w.min), plain),
                Reads::Max => (&column(|w| &w.max), plain),
                Reads::Sum => (&sums, plain),
                Reads::Presence => (&counts, plain),
                Reads::Count => (&counts, format!("sum_over_time(x[{range}ms])")),
                // Tested apart.
                Reads::Counter | Reads::WeightedAverage => continue,
            };
            let got = ask(&engine, &downsampled, &text, times).unwrap();
            let wanted = ask(&engine, &store(vec![raw(read)]), &plain, times).unwrap();
            assert_near(&text, &got, &wanted);
        }
        // Sums over numbers of samples.
        let sum = ask(&engine, &store(vec![raw(&sums)]),
            &format!("sum_over_time(x[{range}ms])"), times).unwrap();
        let count = ask(&engine, &store(vec![raw(&counts)]),
            &format!("sum_over_time(x[{range}ms])"), times).unwrap();
        let wanted: Samples = sum.iter().zip(&count).map(|(&(t, s), &(_, n))| (t, s / n)).collect();
        let text = format!("avg_over_time(x[{range}ms])");
        assert_near(&text, &ask(&engine, &downsampled, &text, times).unwrap(), &wanted);
    }

    /// Of counters, functions that look at two samples alone, and at resets, see the
    /// ends of windows and the first sample of each chunk; a reset is seen where a
    /// chunk begins lower than the one before it ended.
    #[test]
    fn functions_of_counters_read_the_counter(
        samples in counter(),
        resolution in resolution(),
        sizes in sizes(),
        (range, step) in (MINUTE..4 * HOUR, 30_000i64..HOUR),
    ) {
        let parts = in_chunks(&samples, resolution, &sizes);
        let mut plain: Samples = Vec::new();
        let (mut resets, mut base, mut before) = (Vec::new(), 0.0, None);
        for part in &parts {
            let first = part[0].1;
            let is_reset = before.is_some_and(|before| first < before);
            // Growth from the last sample before to the first one here.
            base += match before {
                None => 0.0,
                Some(_) if is_reset => first,
                Some(before) => first - before,
            };
            let points = downsample(part, resolution).counter;
            let points = &points[..points.len() - 1];
            resets.push((part[0].0, f64::from(u8::from(is_reset))));
            for &(time, value) in points {
                if plain.last().is_none_or(|last| last.0 < time) {
                    plain.push((time, base + (value - first)));
                }
            }
            base += points[points.len() - 1].1 - first;
            before = part.last().map(|sample| sample.1);
        }
        let downsampled = store(chunks(&samples, resolution, &sizes));
        let plain = store(vec![raw(&plain)]);
        let times = (samples[0].0 - MINUTE, samples[samples.len() - 1].0 + 2 * HOUR, step);
        let engine = engine();
        let irate = format!("irate(x[{range}ms])");
        let got = ask(&engine, &downsampled, &irate, times).unwrap();
        assert_near(&irate, &got, &ask(&engine, &plain, &irate, times).unwrap());
        let increase = format!("increase(x[{range}ms] anchored)");
        let got = ask(&engine, &downsampled, &increase, times).unwrap();
        assert_near(&increase, &got, &ask(&engine, &plain, &increase, times).unwrap());
        // All resets that can be seen, in a window around all samples.
        let all = (times.1, times.1, 0);
        let text = format!("resets(x[{}ms])", times.1 - times.0);
        let got = ask(&engine, &downsampled, &text, all).unwrap();
        let seen: f64 = resets.iter().map(|(_, n)| n).sum();
        prop_assert_eq!(got, [(times.1, seen)]);
    }

    /// What is asked for does not change what a moment answers: a range query is as
    /// many instant ones.
    #[test]
    fn answers_do_not_depend_on_where_a_query_begins(
        samples in counter(),
        resolution in resolution(),
        sizes in sizes(),
        (range, step) in (MINUTE..2 * HOUR, 10 * MINUTE..3 * HOUR),
    ) {
        let downsampled = store(chunks(&samples, resolution, &sizes));
        let times = (samples[0].0 - MINUTE, samples[samples.len() - 1].0 + HOUR, step);
        let engine = engine();
        for function in table::all() {
            let Some(text) = call(function, range) else { continue };
            let whole = ask(&engine, &downsampled, &text, times).unwrap();
            let mut parts = Vec::new();
            let mut time = times.0;
            while time <= times.1 {
                parts.extend(ask(&engine, &downsampled, &text, (time, time, 0)).unwrap());
                time += step;
            }
            assert_near(&text, &whole, &parts);
        }
    }
}

/// A call of a function over `x[range]`, or of one that reads selectors itself.
fn call(function: &table::Function, range: i64) -> Option<String> {
    let matrix = function.args.contains(&ValueType::Matrix);
    // Its answer has no sample where the series has any.
    if !matrix || matches!(function.kind, Kind::AbsentOverTime) {
        return None;
    }
    let args: Vec<String> = (function.args.iter())
        .map(|arg| match arg {
            ValueType::Matrix => format!("x[{range}ms]"),
            _ => "0.5".to_string(),
        })
        .take(function.min_args())
        .collect();
    Some(format!("{}({})", function.name, args.join(", ")))
}

#[test]
fn raw_counters_show_their_resets() {
    let samples: Samples = vec![
        (0, 5.0),
        (MINUTE, 2.0),
        (2 * MINUTE, 4.0),
        (3 * MINUTE, 1.0),
    ];
    let raw = store(vec![raw(&samples)]);
    let at = 3 * MINUTE;
    let got = ask(&engine(), &raw, "resets(x[10m])", (at, at, 0)).unwrap();
    assert_eq!(got, [(at, 2.0)]);
}

/// Six hours with a sample a minute: Thanos counts 72 windows, or 6.
#[test]
fn samples_are_counted_not_windows() {
    let samples: Samples = (0..360).map(|i| (i * MINUTE, 1.0)).collect();
    for resolution in [FINE, HOUR] {
        let downsampled = store(chunks(&samples, resolution, &[100]));
        let at = 6 * HOUR - 1;
        let got = ask(
            &engine(),
            &downsampled,
            "count_over_time(x[6h])",
            (at, at, 0),
        )
        .unwrap();
        assert_eq!(got, [(at, 360.0)]);
    }
}

/// Windows that are not equally full.
#[test]
fn averages_weigh_windows_by_their_samples() {
    let mut samples: Samples = (0..50).map(|i| (i * 1000, 2.0)).collect();
    samples.push((2 * FINE, 53.0));
    let downsampled = store(chunks(&samples, FINE, &[100]));
    let at = 3 * FINE - 1;
    let got = ask(
        &engine(),
        &downsampled,
        "avg_over_time(x[15m])",
        (at, at, 0),
    )
    .unwrap();
    assert_eq!(got, [(at, 3.0)]);
}

#[test]
fn what_is_wrong_names_the_series() {
    let downsampled = downsample(&[(0, 1.0), (FINE, 2.0)], FINE);
    let good = compactor::chunk(&downsampled);
    let quarrel_engine::storage::ChunkData::Aggregates(aggregates) = &good.data else {
        panic!("aggregates");
    };
    let error = |change: &dyn Fn(&mut quarrel_engine::storage::Aggregates), text: &str| {
        let mut aggregates = (**aggregates).clone();
        change(&mut aggregates);
        let times = quarrel_engine::storage::TimeRange {
            start: 0,
            end: FINE,
        };
        let store = store(vec![Chunk::aggregates(aggregates, times)]);
        ask(&engine(), &store, text, (FINE, FINE, 0))
            .unwrap_err()
            .to_string()
    };
    let cut = |chunk: &mut Option<quarrel_engine::storage::EncodedChunk>| {
        let chunk = chunk.as_mut().unwrap();
        chunk.bytes = chunk.bytes.slice(..chunk.bytes.len() - 1);
    };
    let told = error(&|a| cut(&mut a.sum), "sum_over_time(x[1h])");
    assert!(
        told.contains("series {__name__=\"x\"} a wrong downsampled chunk: sum: "),
        "{told}"
    );
    let told = error(&|a| a.count = None, "x");
    assert!(
        told.ends_with("a wrong downsampled chunk: no count of its windows"),
        "{told}"
    );
    // What is not read does not matter.
    let mut other = (**aggregates).clone();
    other.sum = None;
    cut(&mut other.min);
    let times = quarrel_engine::storage::TimeRange {
        start: 0,
        end: FINE,
    };
    let store = store(vec![Chunk::aggregates(other, times)]);
    let got = ask(&engine(), &store, "max_over_time(x[1h])", (FINE, FINE, 0)).unwrap();
    assert_eq!(got, [(FINE, 2.0)]);
}

/// A bare range selector gives each window's average.
#[test]
fn raw_answers_are_averages() {
    let samples: Samples = (0..10).map(|i| (i * MINUTE, i as f64)).collect();
    let downsampled = store(chunks(&samples, FINE, &[100]));
    let got = ask(&engine(), &downsampled, "x[1h]", (HOUR, HOUR, 0)).unwrap();
    // The last window ends with the chunk.
    assert_eq!(got, [(FINE - 1, 2.0), (9 * MINUTE, 7.0)]);
}
