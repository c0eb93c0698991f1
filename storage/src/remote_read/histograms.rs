//! Native histograms as messages have them.

use quarrel_chunks::histogram::{CounterReset, Histogram, HistogramLayout, Span};
use quarrel_proto::samples::{BucketSpan, Count, Histogram as Message, ResetHint, ZeroCount};

/// The message of an integer histogram.
pub fn of_integers(timestamp: i64, histogram: &Histogram<u64>) -> Message {
    let (positive, negative) = sides(histogram);
    Message {
        count: Some(Count::CountInt(histogram.count)),
        zero_count: Some(ZeroCount::ZeroCountInt(histogram.zero_count)),
        positive_deltas: deltas(positive),
        negative_deltas: deltas(negative),
        ..common(timestamp, histogram)
    }
}

/// The message of a float histogram.
pub fn of_floats(timestamp: i64, histogram: &Histogram<f64>) -> Message {
    let (positive, negative) = sides(histogram);
    Message {
        count: Some(Count::CountFloat(histogram.count)),
        zero_count: Some(ZeroCount::ZeroCountFloat(histogram.zero_count)),
        positive_counts: positive.to_vec(),
        negative_counts: negative.to_vec(),
        ..common(timestamp, histogram)
    }
}

/// The positive and the negative buckets.
fn sides<C>(histogram: &Histogram<C>) -> (&[C], &[C]) {
    let positive = histogram.layout.positive_buckets();
    histogram
        .buckets
        .split_at(positive.min(histogram.buckets.len()))
}

fn common<C>(timestamp: i64, histogram: &Histogram<C>) -> Message {
    let layout = &histogram.layout;
    let hint = match histogram.counter_reset {
        CounterReset::Unknown => ResetHint::Unknown,
        CounterReset::Reset => ResetHint::Yes,
        CounterReset::NoReset => ResetHint::No,
        CounterReset::Gauge => ResetHint::Gauge,
    };
    Message {
        sum: histogram.sum,
        schema: layout.schema,
        zero_threshold: layout.zero_threshold,
        negative_spans: spans(&layout.negative_spans),
        positive_spans: spans(&layout.positive_spans),
        reset_hint: hint as i32,
        timestamp,
        custom_values: layout.custom_values.clone(),
        ..Message::default()
    }
}

fn spans(spans: &[Span]) -> Vec<BucketSpan> {
    let span = |&Span { offset, length }: &Span| BucketSpan { offset, length };
    spans.iter().map(span).collect()
}

/// Each count less the one before.
fn deltas(counts: &[u64]) -> Vec<i64> {
    let mut before = 0;
    let delta = |&count: &u64| {
        let delta = count.wrapping_sub(std::mem::replace(&mut before, count));
        delta as i64
    };
    counts.iter().map(delta).collect()
}

/// A histogram of a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SentHistogram {
    /// With integer counts.
    Integers(Histogram<u64>),
    /// With float counts.
    Floats(Histogram<f64>),
}

/// Reads a message. Whether the buckets are those of the spans, an encoder finds out.
///
/// # Errors
/// When it is of neither kind, or counts are negative.
pub fn read(message: &Message) -> Result<SentHistogram, &'static str> {
    let counter_reset = match ResetHint::try_from(message.reset_hint) {
        Ok(ResetHint::Unknown) => CounterReset::Unknown,
        Ok(ResetHint::Yes) => CounterReset::Reset,
        Ok(ResetHint::No) => CounterReset::NoReset,
        Ok(ResetHint::Gauge) => CounterReset::Gauge,
        Err(_) => return Err("has an unknown counter reset hint"),
    };
    let span = |&BucketSpan { offset, length }: &BucketSpan| Span { offset, length };
    let layout = HistogramLayout {
        schema: message.schema,
        zero_threshold: message.zero_threshold,
        positive_spans: message.positive_spans.iter().map(span).collect(),
        negative_spans: message.negative_spans.iter().map(span).collect(),
        custom_values: message.custom_values.clone(),
    };
    if let Some(Count::CountFloat(count)) = message.count {
        let zero_count = match message.zero_count {
            Some(ZeroCount::ZeroCountFloat(count)) => count,
            None => 0.0,
            Some(ZeroCount::ZeroCountInt(_)) => return Err("mixes integer and float counts"),
        };
        let sides = [&message.positive_counts, &message.negative_counts];
        return Ok(SentHistogram::Floats(Histogram {
            counter_reset,
            layout,
            count,
            zero_count,
            sum: message.sum,
            buckets: sides.into_iter().flatten().copied().collect(),
        }));
    }
    let count = match message.count {
        Some(Count::CountInt(count)) => count,
        _ => 0,
    };
    let zero_count = match message.zero_count {
        Some(ZeroCount::ZeroCountInt(count)) => count,
        None => 0,
        Some(ZeroCount::ZeroCountFloat(_)) => return Err("mixes integer and float counts"),
    };
    let mut buckets = counts(&message.positive_deltas)?;
    buckets.extend(counts(&message.negative_deltas)?);
    Ok(SentHistogram::Integers(Histogram {
        counter_reset,
        layout,
        count,
        zero_count,
        sum: message.sum,
        buckets,
    }))
}

fn counts(deltas: &[i64]) -> Result<Vec<u64>, &'static str> {
    let mut count = 0u64;
    let next = |&delta: &i64| {
        count = count.checked_add_signed(delta)?;
        Some(count)
    };
    let counts: Option<Vec<u64>> = deltas.iter().map(next).collect();
    counts.ok_or("has a bucket with a negative count")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layout(positive: usize, negative: usize) -> HistogramLayout {
        let spans = |length: usize| match length {
            0 => Vec::new(),
            length => vec![Span {
                offset: -2,
                length: length as u32,
            }],
        };
        HistogramLayout {
            schema: 3,
            zero_threshold: 0.5,
            positive_spans: spans(positive),
            negative_spans: spans(negative),
            custom_values: Vec::new(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            positive in prop::collection::vec(any::<u64>(), 0..6),
            negative in prop::collection::vec(any::<u64>(), 0..6),
            count in any::<u64>(), sum in any::<f64>(),
        ) {
            let small = |counts: &[u64]| counts.iter().map(|n| n >> 1).collect::<Vec<u64>>();
            let integers = Histogram {
                counter_reset: CounterReset::NoReset,
                layout: layout(positive.len(), negative.len()),
                count,
                zero_count: count / 3,
                sum,
                buckets: small(&[&positive[..], &negative[..]].concat()),
            };
            let floats = Histogram {
                counter_reset: CounterReset::Gauge,
                layout: integers.layout.clone(),
                count: 1.5,
                zero_count: 0.25,
                sum,
                buckets: integers.buckets.iter().map(|&n| n as f64).collect(),
            };
            let message = of_integers(7, &integers);
            prop_assert_eq!(message.timestamp, 7);
            let text = |histogram: SentHistogram| format!("{histogram:?}");
            prop_assert_eq!(text(read(&message).unwrap()), text(SentHistogram::Integers(integers)));
            let message = of_floats(7, &floats);
            prop_assert_eq!(text(read(&message).unwrap()), text(SentHistogram::Floats(floats)));
        }
    }

    #[test]
    fn negative_and_mixed_counts_are_refused() {
        let mut message = of_integers(0, &Histogram::default());
        message.positive_deltas = vec![3, -4];
        assert!(read(&message).is_err());
        let mut message = of_floats(0, &Histogram::default());
        message.zero_count = Some(ZeroCount::ZeroCountInt(1));
        assert!(read(&message).is_err());
        message.reset_hint = 9;
        assert!(read(&message).is_err());
    }
}
