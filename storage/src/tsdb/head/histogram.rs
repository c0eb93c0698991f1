//! Native histograms in the form of the log.

use crate::tsdb::decbuf::{Decbuf, DecodeError};

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Buckets skipped since the previous span (since bucket 0 for the first).
    pub offset: i32,
    /// Buckets in this span.
    pub length: u32,
}

/// Observation counts: integers with buckets as deltas to the previous bucket,
/// or floats with absolute buckets.
#[derive(Clone, Debug, PartialEq)]
pub enum Counts {
    /// An integer histogram.
    Integer {
        /// Number of observations.
        count: u64,
        /// Observations in the zero bucket.
        zero_count: u64,
        /// Positive buckets, each the difference to the previous one.
        positive: Vec<i64>,
        /// Negative buckets, each the difference to the previous one.
        negative: Vec<i64>,
    },
    /// A float histogram.
    Float {
        /// Number of observations.
        count: f64,
        /// Observations in the zero bucket.
        zero_count: f64,
        /// Positive buckets.
        positive: Vec<f64>,
        /// Negative buckets.
        negative: Vec<f64>,
    },
}

/// A native histogram sample.
#[derive(Clone, Debug, PartialEq)]
pub struct WalHistogram {
    /// The counter reset hint: 0 unknown, 1 reset, 2 no reset, 3 gauge.
    pub counter_reset_hint: u8,
    /// Resolution; -53 for custom buckets.
    pub schema: i32,
    /// Threshold of the zero bucket.
    pub zero_threshold: f64,
    /// Sum of observations, or a stale marker.
    pub sum: f64,
    /// The counts.
    pub counts: Counts,
    /// Spans of the positive buckets.
    pub positive_spans: Vec<Span>,
    /// Spans of the negative buckets.
    pub negative_spans: Vec<Span>,
    /// Upper bounds of custom buckets.
    pub custom_values: Vec<f64>,
}

const CUSTOM_BUCKETS: i32 = -53;

impl WalHistogram {
    /// Whether the counts are floats.
    pub fn is_float(&self) -> bool {
        matches!(self.counts, Counts::Float { .. })
    }

    /// A stale marker in a series of histograms.
    pub(super) fn stale(float: bool, marker: f64) -> Self {
        let counts = if float {
            Counts::Float {
                count: 0.0,
                zero_count: 0.0,
                positive: vec![],
                negative: vec![],
            }
        } else {
            Counts::Integer {
                count: 0,
                zero_count: 0,
                positive: vec![],
                negative: vec![],
            }
        };
        WalHistogram {
            counter_reset_hint: 0,
            schema: 0,
            zero_threshold: 0.0,
            sum: marker,
            counts,
            positive_spans: vec![],
            negative_spans: vec![],
            custom_values: vec![],
        }
    }

    /// Whether Prometheus accepts the schema: an exponential one, or that of
    /// custom buckets.
    pub(super) fn has_known_schema(&self) -> bool {
        self.schema == CUSTOM_BUCKETS || (-9..=52).contains(&self.schema)
    }
}

/// Reads a list after its length. Each item takes at least `least` bytes.
fn list<T>(
    buf: &mut Decbuf<'_>,
    least: u64,
    mut item: impl FnMut(&mut Decbuf<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let length = buf.uvarint64()?;
    // Do not reserve more than the remaining bytes can fill.
    let mut items = Vec::with_capacity(length.min(buf.len() as u64 / least) as usize);
    for _ in 0..length {
        items.push(item(buf)?);
    }
    Ok(items)
}

fn spans(buf: &mut Decbuf<'_>) -> Result<Vec<Span>, DecodeError> {
    list(buf, 2, |buf| {
        Ok(Span {
            offset: buf.varint64()? as i32,
            length: buf.uvarint64()? as u32,
        })
    })
}

fn float(buf: &mut Decbuf<'_>) -> Result<f64, DecodeError> {
    Ok(f64::from_bits(buf.be64()?))
}

/// Decodes one histogram.
pub(super) fn decode(buf: &mut Decbuf<'_>, is_float: bool) -> Result<WalHistogram, DecodeError> {
    let counter_reset_hint = buf.u8()?;
    let schema = buf.varint64()? as i32;
    let zero_threshold = float(buf)?;
    let (zero_count, count) = match is_float {
        true => (buf.be64()?, buf.be64()?),
        false => (buf.uvarint64()?, buf.uvarint64()?),
    };
    let sum = float(buf)?;
    let positive_spans = spans(buf)?;
    let negative_spans = spans(buf)?;
    let counts = if is_float {
        Counts::Float {
            count: f64::from_bits(count),
            zero_count: f64::from_bits(zero_count),
            positive: list(buf, 8, float)?,
            negative: list(buf, 8, float)?,
        }
    } else {
        Counts::Integer {
            count,
            zero_count,
            positive: list(buf, 1, |buf| buf.varint64())?,
            negative: list(buf, 1, |buf| buf.varint64())?,
        }
    };
    let custom_values = match schema {
        CUSTOM_BUCKETS => list(buf, 8, float)?,
        _ => Vec::new(),
    };
    Ok(WalHistogram {
        counter_reset_hint,
        schema,
        zero_threshold,
        sum,
        counts,
        positive_spans,
        negative_spans,
        custom_values,
    })
}
