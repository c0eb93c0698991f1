//! Compares with histogram chunks of Prometheus, which
//! `compliance/go/cmd/chunkgolden` writes. `QUARREL_CHUNK_GOLDEN` names another
//! file of that program.

use quarrel_chunks::histogram::{
    Count, CounterReset, Histogram, HistogramBuilder, HistogramLayout, Span,
};
use quarrel_chunks::{
    Encoding, HistogramColumns, aggregate, decode_floats, decode_histograms, num_samples,
};
use serde_json::Value;

fn records() -> Vec<Value> {
    let text = match std::env::var_os("QUARREL_CHUNK_GOLDEN") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("data/histograms.jsonl").to_string(),
    };
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > 50, "the file is cut");
    records
}

fn float(value: &Value) -> f64 {
    let text = value.as_str().unwrap();
    match text.strip_prefix("0x") {
        Some(bits) => f64::from_bits(u64::from_str_radix(bits, 16).unwrap()),
        None => text.parse().unwrap(),
    }
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn integers(value: &Value) -> Vec<i64> {
    items(value).iter().map(|v| v.as_i64().unwrap()).collect()
}

fn spans(value: &Value) -> Vec<Span> {
    let span = |pair: &[i64]| Span {
        offset: pair[0] as i32,
        length: pair[1] as u32,
    };
    integers(value).chunks(2).map(span).collect()
}

fn layout(value: &Value) -> HistogramLayout {
    HistogramLayout {
        schema: value[0].as_i64().unwrap() as i32,
        zero_threshold: float(&value[1]),
        positive_spans: spans(&value[2]),
        negative_spans: spans(&value[3]),
        custom_values: items(&value[4]).iter().map(float).collect(),
    }
}

fn hint(value: &Value) -> CounterReset {
    match value.as_u64().unwrap() {
        0 => CounterReset::Unknown,
        1 => CounterReset::Reset,
        2 => CounterReset::NoReset,
        3 => CounterReset::Gauge,
        other => panic!("hint {other}"),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

fn encoding(chunk: &Value) -> Encoding {
    Encoding::try_from(chunk["encoding"].as_u64().unwrap() as u8).unwrap()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn chunks_are_decoded_as_in_prometheus() {
    let mut columns = HistogramColumns::default();
    let mut samples = 0;
    for record in records() {
        for chunk in items(&record["out"]) {
            let bytes = bytes(&chunk["bytes"]);
            decode_histograms(encoding(chunk), &bytes, &mut columns).unwrap();
            let name = &record["name"];
            let want = items(&chunk["samples"]);
            assert_eq!(columns.len(), want.len(), "{name}");
            assert_eq!(num_samples(encoding(chunk), &bytes), Ok(want.len()));
            assert_eq!(columns.layout, layout(&chunk["layout"]), "{name}");
            for (i, want) in want.iter().enumerate() {
                let times = [columns.start_timestamps[i], columns.timestamps[i]];
                assert_eq!(times.as_slice(), integers(&Value::from(&items(want)[..2])));
                let got = [columns.counts[i], columns.zero_counts[i], columns.sums[i]];
                let totals = [&want[3], &want[4], &want[5]].map(float);
                assert_eq!(bits(&got), bits(&totals), "{name}, sample {i}");
                let buckets: Vec<f64> = items(&want[6]).iter().map(float).collect();
                if columns.is_stale(i) {
                    assert!(columns.row(i).iter().all(|&count| count == 0.0));
                } else {
                    assert_eq!(bits(columns.row(i)), bits(&buckets), "{name}, sample {i}");
                    assert_eq!(columns.counter_reset.of_sample(i), hint(&want[2]), "{name}");
                }
                samples += 1;
            }
        }
    }
    assert!(samples > 1000);
}

/// Builds chunks from the input that Prometheus got.
fn build<C: Count>(record: &Value, count: impl Fn(&Value) -> C) {
    let mut builder = HistogramBuilder::<C>::new(record["st"] == true);
    for input in items(&record["in"]) {
        let counts = &input["counts"];
        let histogram = Histogram {
            counter_reset: hint(&counts[2]),
            layout: layout(&input["layout"]),
            count: count(&counts[3]),
            zero_count: count(&counts[4]),
            sum: float(&counts[5]),
            buckets: items(&counts[6]).iter().map(&count).collect(),
        };
        if input["cut"] == true {
            builder.cut();
        }
        let times = integers(&Value::from(&items(counts)[..2]));
        builder.push(times[0], times[1], &histogram).unwrap();
    }
    let got = builder.finish().unwrap();
    let want = items(&record["out"]);
    let name = format!(
        "{}, float {}, st {}",
        record["name"], record["float"], record["st"]
    );
    let lengths: Vec<usize> = want.iter().map(|c| items(&c["samples"]).len()).collect();
    let got_lengths: Vec<usize> = got.iter().map(|c| c.samples).collect();
    assert_eq!(got_lengths, lengths, "{name}");
    for (number, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.encoding, encoding(want));
        assert_eq!(got.bytes, bytes(&want["bytes"]), "{name}, chunk {number}");
        let times = items(&want["samples"])
            .iter()
            .map(|s| s[1].as_i64().unwrap());
        assert_eq!(Some(got.min_time), times.clone().min());
        assert_eq!(Some(got.max_time), times.max());
    }
}

#[test]
fn chunks_are_built_as_in_prometheus() {
    for record in records() {
        match record["float"] == true {
            true => build(&record, float),
            false => build(&record, |value| value.as_u64().unwrap()),
        }
    }
}

/// Compares with downsampled chunks of Thanos, which `downsamplegolden` in
/// `compliance/go/stack/programs/thanos` writes: the aggregates, and of those that are
/// histograms the counts.
#[test]
fn downsampled_chunks_are_split_as_in_thanos() {
    let names = ["count", "sum", "min", "max", "counter"];
    let mut samples = 0;
    for line in include_str!("data/downsampled.jsonl").lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let bytes = bytes(&record["bytes"]);
        let parts = aggregate::split(&bytes).unwrap();
        for (name, part) in names.into_iter().zip(&parts) {
            let want = &record["aggregates"][name];
            let Some(part) = part else {
                assert!(want.is_null(), "{name}");
                continue;
            };
            let (mut times, mut values) = (Vec::new(), Vec::new());
            let chunk = &bytes[part.bytes.clone()];
            if part.encoding.is_histogram() {
                let mut columns = HistogramColumns::default();
                decode_histograms(part.encoding, chunk, &mut columns).unwrap();
                (times, values) = (columns.timestamps, columns.counts);
            } else {
                decode_floats(part.encoding, chunk, &mut times, &mut values).unwrap();
            }
            let want = items(want);
            let want_times: Vec<i64> = want.iter().map(|s| s["t"].as_i64().unwrap()).collect();
            let want_values: Vec<f64> = want.iter().map(|s| float(&s["v"])).collect();
            assert_eq!(times, want_times, "{} {name}", record["series"]);
            assert_eq!(
                bits(&values),
                bits(&want_values),
                "{} {name}",
                record["series"]
            );
            samples += times.len();
        }
        let joined = aggregate::join(
            parts.map(|part| part.map(|part| (part.encoding, bytes[part.bytes].to_vec()))),
        );
        assert_eq!(joined, bytes);
    }
    assert!(samples > 300, "the file is cut");
}
