//! Messages that Thanos's own code wrote, those of Prometheus's remote read among them, each with every field set
//! (`compliance/go/thanosproto`): what is read of them is written again to the same
//! bytes, so that no field is missing or has another number or type.

use prost::Message;
use quarrel_proto::samples::{Count, Histogram, ResetHint, TimeSeries, ZeroCount};
use quarrel_proto::{exemplars, info, metadata, query, remote_read, rules, store, targets};

const MESSAGES: &str = include_str!("../testdata/messages.txt");

fn bytes(digits: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// The lines of the file: name, variant, bytes.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, Vec<u8>)> {
    MESSAGES.lines().map(|line| {
        let mut fields = line.split(' ');
        let mut next = || fields.next().expect("three fields");
        (next(), next(), bytes(next()))
    })
}

fn again<M: Message + Default>(bytes: &[u8]) -> Vec<u8> {
    let message = M::decode(bytes).expect("a message");
    let again = message.encode_to_vec();
    assert_eq!(message.encoded_len(), again.len());
    again
}

#[test]
fn what_is_read_is_written_again() {
    let mut seen = 0;
    for (name, variant, bytes) in lines() {
        let again = match name {
            "infopb.InfoRequest" => again::<info::InfoRequest>,
            "infopb.InfoResponse" => again::<info::InfoResponse>,
            "querypb.QueryRequest" => again::<query::QueryRequest>,
            "querypb.QueryResponse" => again::<query::QueryResponse>,
            "querypb.QueryRangeRequest" => again::<query::QueryRangeRequest>,
            "querypb.QueryRangeResponse" => again::<query::QueryRangeResponse>,
            "storepb.SeriesRequest" => again::<store::SeriesRequest>,
            "storepb.SeriesResponse" => again::<store::SeriesResponse>,
            "storepb.LabelNamesRequest" => again::<store::LabelNamesRequest>,
            "storepb.LabelNamesResponse" => again::<store::LabelNamesResponse>,
            "storepb.LabelValuesRequest" => again::<store::LabelValuesRequest>,
            "storepb.LabelValuesResponse" => again::<store::LabelValuesResponse>,
            "rulespb.RulesRequest" => again::<rules::RulesRequest>,
            "rulespb.RulesResponse" => again::<rules::RulesResponse>,
            "targetspb.TargetsRequest" => again::<targets::TargetsRequest>,
            "targetspb.TargetsResponse" => again::<targets::TargetsResponse>,
            "metadatapb.MetricMetadataRequest" => again::<metadata::MetricMetadataRequest>,
            "metadatapb.MetricMetadataResponse" => again::<metadata::MetricMetadataResponse>,
            "exemplarspb.ExemplarsRequest" => again::<exemplars::ExemplarsRequest>,
            "exemplarspb.ExemplarsResponse" => again::<exemplars::ExemplarsResponse>,
            "prompb.TimeSeries" => again::<TimeSeries>,
            "prompb.ReadRequest" => again::<remote_read::ReadRequest>,
            "prompb.ReadResponse" => again::<remote_read::ReadResponse>,
            "prompb.ChunkedReadResponse" => again::<remote_read::ChunkedReadResponse>,
            other => panic!("{other} is not known"),
        };
        assert_eq!(again(&bytes), bytes, "{name} {variant}");
        seen += 1;
    }
    assert!(seen > 30, "{seen}");
}

/// Bytes do not tell which numbers are zigzag-encoded. The Go program numbers the leaves
/// from 1 in their order, and makes every third integer negative.
#[test]
fn numbers_mean_what_they_meant() {
    let mut histograms: Vec<Histogram> = Vec::new();
    for (name, _, bytes) in lines() {
        if name == "prompb.TimeSeries" {
            let series = TimeSeries::decode(&bytes[..]).unwrap();
            assert_eq!(series.labels[1].value, "text 4");
            let sample = &series.samples[0];
            assert_eq!((sample.value, sample.timestamp), (5.5, -6));
            histograms.extend(series.histograms.into_iter().take(1));
        }
    }
    assert_eq!(histograms.len(), 4);
    for histogram in histograms {
        let first = match histogram.count.unwrap() {
            Count::CountInt(count) => count as i64,
            Count::CountFloat(count) => (count - 0.5) as i64,
        };
        let integer = |at: i64| match (first + at) % 3 {
            0 => -(first + at),
            _ => first + at,
        };
        let float = |at: i64| (first + at) as f64 + 0.5;
        assert_eq!(histogram.sum, float(1));
        assert_eq!(i64::from(histogram.schema), integer(2));
        assert_eq!(histogram.zero_threshold, float(3));
        let zero = match histogram.zero_count.unwrap() {
            ZeroCount::ZeroCountInt(count) => count as i64,
            ZeroCount::ZeroCountFloat(count) => (count - 0.5) as i64,
        };
        assert_eq!(zero, first + 4);
        let spans = histogram.negative_spans.iter();
        let spans: Vec<(i64, i64)> = spans
            .map(|span| (i64::from(span.offset), i64::from(span.length)))
            .collect();
        assert_eq!(spans, [(integer(5), first + 6), (integer(7), first + 8)]);
        assert_eq!(histogram.negative_deltas, [integer(9), integer(10)]);
        assert_eq!(histogram.negative_counts, [float(11), float(12)]);
        assert_eq!(histogram.positive_deltas, [integer(17), integer(18)]);
        assert_eq!(histogram.positive_counts, [float(19), float(20)]);
        assert_eq!(histogram.reset_hint, ResetHint::Yes as i32);
        assert_eq!(histogram.timestamp, integer(22));
        assert_eq!(histogram.custom_values, [float(23), float(24)]);
    }
}
