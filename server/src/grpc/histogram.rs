//! Native histograms of an answer as remote write has them.

use quarrel_engine::histogram::{CounterReset, HistogramRef, spans_of};
use quarrel_proto::samples::{BucketSpan, Count, Histogram, ResetHint, ZeroCount};

/// A histogram of floats.
pub(super) fn message(timestamp: i64, histogram: &HistogramRef<'_>) -> Histogram {
    // Without the buckets that count as absent.
    let histogram = histogram.to_histogram();
    let layout = histogram.layout();
    let (positive, negative) = histogram.buckets().split_at(layout.positive().len());
    Histogram {
        count: Some(Count::CountFloat(histogram.count)),
        sum: histogram.sum,
        schema: layout.schema(),
        zero_threshold: layout.zero_threshold(),
        zero_count: Some(ZeroCount::ZeroCountFloat(histogram.zero_count)),
        negative_spans: spans(layout.negative()),
        negative_deltas: Vec::new(),
        negative_counts: negative.to_vec(),
        positive_spans: spans(layout.positive()),
        positive_deltas: Vec::new(),
        positive_counts: positive.to_vec(),
        reset_hint: reset_hint(histogram.counter_reset) as i32,
        timestamp,
        custom_values: layout.custom_values().to_vec(),
    }
}

fn spans(indices: &[i32]) -> Vec<BucketSpan> {
    let spans = spans_of(indices).map(|(offset, length)| BucketSpan { offset, length });
    spans.collect()
}

fn reset_hint(reset: CounterReset) -> ResetHint {
    match reset {
        CounterReset::Unknown => ResetHint::Unknown,
        CounterReset::Reset => ResetHint::Yes,
        CounterReset::NoReset => ResetHint::No,
        CounterReset::Gauge => ResetHint::Gauge,
    }
}

#[cfg(test)]
mod tests {
    use quarrel_engine::histogram::{CUSTOM_SCHEMA, Histogram as Owned, Layout};

    use super::*;

    #[test]
    fn buckets_become_spans_and_counts() {
        let layout = Layout::exponential(2, 0.5, vec![-1, 0, 4], vec![2]).unwrap();
        let mut own = Owned::new(layout, vec![1.0, 0.0, 3.0, 7.5]).unwrap();
        (own.count, own.sum, own.zero_count) = (12.5, -3.0, 1.0);
        own.counter_reset = CounterReset::Gauge;
        let all = message(5, &own.view());
        let span = |offset, length| BucketSpan { offset, length };
        assert_eq!(all.positive_spans, [span(-1, 2), span(3, 1)]);
        assert_eq!(all.positive_counts, [1.0, 0.0, 3.0]);
        assert_eq!(
            (&all.negative_spans[..], &all.negative_counts[..]),
            (&[span(2, 1)][..], &[7.5][..])
        );
        assert_eq!((all.schema, all.zero_threshold, all.timestamp), (2, 0.5, 5));
        assert_eq!((all.count, all.sum), (Some(Count::CountFloat(12.5)), -3.0));
        assert_eq!(all.zero_count, Some(ZeroCount::ZeroCountFloat(1.0)));
        assert_eq!(all.reset_hint, ResetHint::Gauge as i32);
        let compact = HistogramRef {
            compact: true,
            ..own.view()
        };
        let less = message(5, &compact);
        assert_eq!(less.positive_spans, [span(-1, 1), span(4, 1)]);
        assert_eq!(less.positive_counts, [1.0, 3.0]);
    }

    #[test]
    fn custom_bounds_are_passed_on() {
        let layout = Layout::custom(vec![0.5, 1.0].into(), vec![0, 2]).unwrap();
        let own = Owned::new(layout, vec![1.0, 2.0]).unwrap();
        let all = message(0, &own.view());
        assert_eq!(
            (all.schema, &all.custom_values[..]),
            (CUSTOM_SCHEMA, &[0.5, 1.0][..])
        );
        assert_eq!(all.positive_counts, [1.0, 2.0]);
    }
}
