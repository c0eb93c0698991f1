//! Requests of remote write, 1.0 and 2.0.

use std::collections::HashMap;

use quarrel_chunks::histogram::{CounterReset, Histogram, Span};

use super::protobuf::Message;
use crate::histogram::for_chunks;
use crate::loaded::{LoadedSample, LoadedValue};

/// A version of the remote-write protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteVersion {
    /// 1.0, without start timestamps.
    #[default]
    V1,
    /// 2.0.
    V2,
}

/// Some samples of a series.
pub(super) struct SeriesPart<'a> {
    /// Names and values, sorted by name.
    pub(super) labels: &'a [(String, String)],
    /// In order of time.
    pub(super) samples: Vec<&'a LoadedSample>,
}

impl WriteVersion {
    /// The headers that tell the version.
    pub(super) fn headers(self) -> [(&'static str, &'static str); 3] {
        let (kind, version) = match self {
            WriteVersion::V1 => ("application/x-protobuf", "0.1.0"),
            WriteVersion::V2 => (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                "2.0.0",
            ),
        };
        [
            ("content-type", kind),
            ("content-encoding", "snappy"),
            ("x-prometheus-remote-write-version", version),
        ]
    }

    /// The message of a request, whose times are `shift_ms` later.
    pub(super) fn encode(self, parts: &[SeriesPart<'_>], shift_ms: i64) -> Vec<u8> {
        match self {
            WriteVersion::V1 => write_request(parts, shift_ms),
            WriteVersion::V2 => request(parts, shift_ms),
        }
        .into_bytes()
    }
}

/// `WriteRequest` of 1.0.
fn write_request(parts: &[SeriesPart<'_>], shift_ms: i64) -> Message {
    let mut request = Message::default();
    for part in parts {
        let mut series = Message::default();
        for (name, value) in part.labels.iter().filter(|(_, value)| !value.is_empty()) {
            let mut label = Message::default();
            label.bytes(1, name.as_bytes());
            label.bytes(2, value.as_bytes());
            series.message(1, label);
        }
        for sample in &part.samples {
            match &sample.value {
                LoadedValue::Float(value) => {
                    series.message(2, float(*value, sample, shift_ms, false));
                }
                LoadedValue::Histogram(h) => {
                    series.message(4, histogram(&for_chunks(h), sample, shift_ms, false));
                }
            }
        }
        request.message(1, series);
    }
    request
}

/// `Request` of 2.0, whose texts stand in one table; the first one is empty.
fn request(parts: &[SeriesPart<'_>], shift_ms: i64) -> Message {
    let mut symbols: Vec<&str> = vec![""];
    let mut numbers: HashMap<&str, u32> = HashMap::from([("", 0)]);
    let mut all = Vec::new();
    for part in parts {
        let mut references = Vec::new();
        for (name, value) in part.labels.iter().filter(|(_, value)| !value.is_empty()) {
            for text in [name.as_str(), value.as_str()] {
                let number = *numbers.entry(text).or_insert_with(|| {
                    symbols.push(text);
                    symbols.len() as u32 - 1
                });
                references.push(number);
            }
        }
        let mut series = Message::default();
        series.uints(1, &references);
        for sample in &part.samples {
            match &sample.value {
                LoadedValue::Float(value) => {
                    series.message(2, float(*value, sample, shift_ms, true));
                }
                LoadedValue::Histogram(h) => {
                    series.message(3, histogram(&for_chunks(h), sample, shift_ms, true));
                }
            }
        }
        all.push(series);
    }
    let mut request = Message::default();
    for symbol in symbols {
        request.bytes(4, symbol.as_bytes());
    }
    for series in all {
        request.message(5, series);
    }
    request
}

fn float(value: f64, sample: &LoadedSample, shift_ms: i64, with_start: bool) -> Message {
    let mut message = Message::default();
    message.double(1, value);
    message.int(2, sample.time_ms.saturating_add(shift_ms));
    if with_start {
        message.int(3, start(sample, shift_ms));
    }
    message
}

fn start(sample: &LoadedSample, shift_ms: i64) -> i64 {
    match sample.start_ms {
        0 => 0,
        start => start.saturating_add(shift_ms),
    }
}

/// A histogram of floats. It is the same message in both versions.
fn histogram(
    h: &Histogram<f64>,
    sample: &LoadedSample,
    shift_ms: i64,
    with_start: bool,
) -> Message {
    let layout = &h.layout;
    let positive: u32 = layout.positive_spans.iter().map(|span| span.length).sum();
    let (positive, negative) = h.buckets.split_at(h.buckets.len().min(positive as usize));
    let mut message = Message::default();
    message.double_or_zero(2, h.count);
    message.double(3, h.sum);
    message.signed(4, layout.schema);
    message.double(5, layout.zero_threshold);
    message.double_or_zero(7, h.zero_count);
    spans(&mut message, 8, &layout.negative_spans);
    message.doubles(10, negative);
    spans(&mut message, 11, &layout.positive_spans);
    message.doubles(13, positive);
    message.int(
        14,
        match h.counter_reset {
            CounterReset::Unknown => 0,
            CounterReset::Reset => 1,
            CounterReset::NoReset => 2,
            CounterReset::Gauge => 3,
        },
    );
    message.int(15, sample.time_ms.saturating_add(shift_ms));
    message.doubles(16, &layout.custom_values);
    if with_start {
        message.int(17, start(sample, shift_ms));
    }
    message
}

fn spans(message: &mut Message, field: u32, spans: &[Span]) {
    for span in spans {
        let mut inner = Message::default();
        inner.signed(1, span.offset);
        inner.int(2, i64::from(span.length));
        message.message(field, inner);
    }
}
