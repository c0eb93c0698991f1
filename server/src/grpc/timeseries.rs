//! Series of an answer as messages, and messages as frames.

use prost::Message as _;
use quarrel_engine::labels::Symbols;
use quarrel_engine::{SampleValue, SeriesRef, SeriesSet};
use quarrel_proto::encoded::Encoded;

use super::batches::Batches;
use super::histogram;
use crate::wire;

/// The field of a series in `QueryResponse` and in `QueryRangeResponse`.
const TIMESERIES: u32 = 2;
/// Those of `TimeSeries`.
const LABELS: u32 = 1;
const SAMPLES: u32 = 2;
const HISTOGRAMS: u32 = 4;

/// Frames of at most `batch` series each; of one, as a message without a batch, if
/// that is less than two. Series without samples are left out: Thanos takes the first
/// sample of each without a look whether it is there.
pub(super) fn frames(set: &SeriesSet, batch: usize) -> Vec<Encoded> {
    let symbols = set.symbols().read();
    let mut writer = Batches::new(TIMESERIES, batch);
    let mut series = Vec::new();
    for one in set {
        series.clear();
        if write(&mut series, &one, &symbols) {
            writer.push(&series);
        }
    }
    writer.finish()
}

/// A number as a series without labels.
pub(super) fn scalar(timestamp: i64, value: f64) -> Vec<Encoded> {
    let mut series = Vec::new();
    wire::sample(&mut series, SAMPLES, timestamp, value);
    let mut writer = Batches::new(TIMESERIES, 1);
    writer.push(&series);
    writer.finish()
}

/// Appends a `TimeSeries`. False if it has no sample.
fn write(out: &mut Vec<u8>, series: &SeriesRef<'_>, symbols: &Symbols<'_>) -> bool {
    for label in series.labels() {
        let (name, value) = (symbols.get(label.name), symbols.get(label.value));
        wire::label(out, LABELS, name, value);
    }
    let before = out.len();
    series.for_each_float(|timestamp, value| wire::sample(out, SAMPLES, timestamp, value));
    if series.has_histograms() {
        for point in series.points() {
            if let SampleValue::Histogram(one) = point.value {
                let message = histogram::message(point.timestamp, &one);
                wire::bytes(out, HISTOGRAMS, &message.encode_to_vec());
            }
        }
    }
    out.len() > before
}
