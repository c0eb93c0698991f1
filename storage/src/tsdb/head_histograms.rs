//! Builds chunks from histograms of the head that are in no chunk yet.

use quarrel_chunks::histogram::{
    Count, CounterReset, EncodeError, Histogram, HistogramBuilder, HistogramLayout, Span,
};
use quarrel_engine::storage::Chunk;

use super::head::{self, Counts, HistogramSample, WalHistogram};

/// Why a histogram cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadHistogram {
    /// The histogram is invalid.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The deltas add up to a negative or overflowing count.
    #[error("a bucket has a negative or overflowing count")]
    Count,
}

/// Builds chunks from histograms that are all integer or all float.
///
/// # Errors
/// When one is invalid.
pub(super) fn chunks(samples: &[HistogramSample]) -> Result<Vec<Chunk>, BadHistogram> {
    if samples.first().is_some_and(|s| s.histogram.is_float()) {
        build(samples, float_of)
    } else {
        build(samples, integer_of)
    }
}

fn build<C: Count>(
    samples: &[HistogramSample],
    histogram_of: impl Fn(&WalHistogram) -> Result<Histogram<C>, BadHistogram>,
) -> Result<Vec<Chunk>, BadHistogram> {
    let mut builder = HistogramBuilder::new(samples.iter().any(|s| s.start != 0));
    for sample in samples {
        let histogram = histogram_of(&sample.histogram)?;
        builder.push(sample.start, sample.timestamp, &histogram)?;
    }
    Ok(builder.finish()?.into_iter().map(Chunk::from).collect())
}

fn integer_of(wal: &WalHistogram) -> Result<Histogram<u64>, BadHistogram> {
    let Counts::Integer {
        count,
        zero_count,
        positive,
        negative,
    } = &wal.counts
    else {
        return Err(BadHistogram::Count);
    };
    let mut buckets = Vec::with_capacity(positive.len() + negative.len());
    for deltas in [positive, negative] {
        let mut sum = 0i64;
        for delta in deltas {
            sum = sum.checked_add(*delta).ok_or(BadHistogram::Count)?;
            buckets.push(u64::try_from(sum).map_err(|_| BadHistogram::Count)?);
        }
    }
    Ok(with_layout(wal, *count, *zero_count, buckets))
}

fn float_of(wal: &WalHistogram) -> Result<Histogram<f64>, BadHistogram> {
    let Counts::Float {
        count,
        zero_count,
        positive,
        negative,
    } = &wal.counts
    else {
        return Err(BadHistogram::Count);
    };
    let buckets = positive.iter().chain(negative).copied().collect();
    Ok(with_layout(wal, *count, *zero_count, buckets))
}

fn with_layout<C>(wal: &WalHistogram, count: C, zero_count: C, buckets: Vec<C>) -> Histogram<C> {
    let spans = |spans: &[head::Span]| {
        spans
            .iter()
            .map(|s| Span {
                offset: s.offset,
                length: s.length,
            })
            .collect()
    };
    Histogram {
        counter_reset: match wal.counter_reset_hint {
            1 => CounterReset::Reset,
            2 => CounterReset::NoReset,
            3 => CounterReset::Gauge,
            _ => CounterReset::Unknown,
        },
        layout: HistogramLayout {
            schema: wal.schema,
            zero_threshold: wal.zero_threshold,
            positive_spans: spans(&wal.positive_spans),
            negative_spans: spans(&wal.negative_spans),
            custom_values: wal.custom_values.clone(),
        },
        count,
        zero_count,
        sum: wal.sum,
        buckets,
    }
}
