//! The bucket layout of a histogram chunk, and its encoding at the beginning of
//! the chunk.

use crate::bits::{BitReader, BitWriter};

/// The schema of histograms with custom bucket bounds.
pub const CUSTOM_SCHEMA: i32 = -53;
/// The exponential schema with the widest buckets that a chunk may have.
pub const MIN_SCHEMA: i32 = -9;
/// The exponential schema with the narrowest buckets that a chunk may have.
pub const MAX_SCHEMA: i32 = 52;
/// The finest schema that queries compute with. Buckets of finer schemas, which
/// later versions of Prometheus may write, are merged to it when they are read.
pub const MAX_USED_SCHEMA: i32 = 8;
/// Most buckets of a histogram. A histogram of schema 8 with observations of
/// each magnitude between 1e-60 and 1e60 has fewer.
pub const MAX_BUCKETS: usize = 1 << 17;

/// A run of consecutive buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Buckets skipped since the previous span; for the first span the index
    /// of its first bucket, which may be negative.
    pub offset: i32,
    /// Buckets in the span, possibly none.
    pub length: u32,
}

/// The positions of a histogram's buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramLayout {
    /// The resolution: each power of two is divided into `2^schema` buckets.
    /// [`CUSTOM_SCHEMA`] for custom bounds.
    pub schema: i32,
    /// Half of the zero bucket's width.
    pub zero_threshold: f64,
    /// Buckets of positive observations, from zero upwards.
    pub positive_spans: Vec<Span>,
    /// Buckets of negative observations, from zero downwards.
    pub negative_spans: Vec<Span>,
    /// Upper bounds of custom buckets, ascending, without infinity.
    pub custom_values: Vec<f64>,
}

/// Why a bucket layout is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Neither an exponential schema nor the one of custom buckets.
    #[error("unknown histogram schema {0}")]
    UnknownSchema(i64),
    /// A zero bucket whose threshold is NaN.
    #[error("the zero bucket's threshold is not a number")]
    NoZeroThreshold,
    /// A span that begins before the end of the previous one.
    #[error("span {span} has the negative offset {offset}")]
    NegativeOffset {
        /// Number of the span on its side of zero, from 0.
        span: usize,
        /// Its offset.
        offset: i64,
    },
    /// A bucket whose index does not fit into 32 bits.
    #[error("span {0} reaches beyond the possible buckets")]
    IndexOutOfRange(usize),
    /// More buckets than [`MAX_BUCKETS`].
    #[error("{0} buckets are more than {MAX_BUCKETS}")]
    TooManyBuckets(u64),
    /// Custom bounds that do not ascend, are not a number, or end in infinity.
    #[error("custom bound {0} does not ascend from the one before to a finite number")]
    BadCustomBound(usize),
    /// A bucket above the last custom bound.
    #[error("{bounds} custom bounds are too few for bucket {bucket}")]
    TooFewCustomBounds {
        /// How many bounds there are.
        bounds: usize,
        /// The highest bucket's index.
        bucket: i64,
    },
    /// Custom buckets together with a zero bucket or negative buckets.
    #[error("custom buckets with a zero bucket or negative buckets")]
    CustomWithOthers,
    /// Custom bounds under an exponential schema.
    #[error("custom bounds under the exponential schema {0}")]
    BoundsWithoutCustomSchema(i32),
    /// More spans or bounds than the chunk has bits for.
    #[error("{0} spans or bounds are more than the chunk has bits for")]
    TooLong(u64),
}

/// The number of buckets in valid spans.
pub(crate) fn count(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.length as usize).sum()
}

/// The indices of the buckets in valid spans.
pub(crate) fn indices(spans: &[Span]) -> impl Iterator<Item = i32> + '_ {
    let mut next = 0i64;
    spans.iter().flat_map(move |span| {
        let from = next + i64::from(span.offset);
        next = from + i64::from(span.length);
        (from..next).map(|index| index as i32)
    })
}

/// Spans for ascending indices.
pub(crate) fn spans_of(indices: impl Iterator<Item = i32>) -> Vec<Span> {
    let (mut spans, mut next) = (Vec::<Span>::new(), 0i64);
    for index in indices {
        let mut offset = i64::from(index) - next;
        match spans.last_mut() {
            Some(span) if offset == 0 => span.length += 1,
            _ => {
                // Indices may lie further apart than the largest offset.
                while offset > i64::from(i32::MAX) {
                    spans.push(Span {
                        offset: i32::MAX,
                        length: 0,
                    });
                    offset -= i64::from(i32::MAX);
                }
                spans.push(Span {
                    offset: offset as i32,
                    length: 1,
                });
            }
        }
        next = i64::from(index) + 1;
    }
    spans
}

impl HistogramLayout {
    /// Number of buckets of positive observations, or of all observations with
    /// custom bounds.
    pub fn positive_buckets(&self) -> usize {
        count(&self.positive_spans)
    }

    /// Number of buckets of negative observations.
    pub fn negative_buckets(&self) -> usize {
        count(&self.negative_spans)
    }

    /// Number of buckets without the zero bucket.
    pub fn buckets(&self) -> usize {
        self.positive_buckets() + self.negative_buckets()
    }

    /// Whether the buckets have custom bounds.
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_SCHEMA
    }

    /// Checks that a histogram can have this layout.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn validate(&self) -> Result<(), LayoutError> {
        check_schema(i64::from(self.schema))?;
        let (positive, end) = check_spans(&self.positive_spans)?;
        let (negative, _) = check_spans(&self.negative_spans)?;
        if positive + negative > MAX_BUCKETS as u64 {
            return Err(LayoutError::TooManyBuckets(positive + negative));
        }
        if self.zero_threshold.is_nan() {
            return Err(LayoutError::NoZeroThreshold);
        }
        if self.is_custom() {
            return self.check_custom(end);
        }
        if !self.custom_values.is_empty() {
            return Err(LayoutError::BoundsWithoutCustomSchema(self.schema));
        }
        Ok(())
    }

    fn check_custom(&self, end: i64) -> Result<(), LayoutError> {
        let bounds = &self.custom_values;
        let ascends = |pair: &[f64]| pair[0] < pair[1];
        if let Some(at) = bounds.windows(2).position(|pair| !ascends(pair)) {
            return Err(LayoutError::BadCustomBound(at + 1));
        }
        if bounds.first().is_some_and(|first| first.is_nan()) {
            return Err(LayoutError::BadCustomBound(0));
        }
        if bounds.last() == Some(&f64::INFINITY) {
            return Err(LayoutError::BadCustomBound(bounds.len() - 1));
        }
        if let Some(&Span { offset, .. }) = self.positive_spans.first().filter(|s| s.offset < 0) {
            let offset = i64::from(offset);
            return Err(LayoutError::NegativeOffset { span: 0, offset });
        }
        if end > bounds.len() as i64 + 1 {
            return Err(LayoutError::TooFewCustomBounds {
                bounds: bounds.len(),
                bucket: end - 1,
            });
        }
        if self.zero_threshold != 0.0 || !self.negative_spans.is_empty() {
            return Err(LayoutError::CustomWithOthers);
        }
        Ok(())
    }

    /// Reads and checks a layout.
    pub(super) fn read(reader: &mut BitReader<'_>) -> Result<Self, LayoutError> {
        let zero_threshold = read_zero_threshold(reader);
        let schema = reader.varbit_int();
        check_schema(schema)?;
        let positive_spans = read_spans(reader)?;
        let negative_spans = read_spans(reader)?;
        let mut layout = HistogramLayout {
            schema: schema as i32,
            zero_threshold,
            positive_spans,
            negative_spans,
            custom_values: Vec::new(),
        };
        if layout.is_custom() {
            // A bound takes at least five bits.
            let bounds = read_length(reader, 5)?;
            layout.custom_values = (0..bounds).map(|_| read_bound(reader)).collect();
        }
        layout.validate()?;
        Ok(layout)
    }

    /// Writes a valid layout.
    pub(super) fn write(&self, out: &mut BitWriter) {
        write_zero_threshold(out, self.zero_threshold);
        out.varbit_int(i64::from(self.schema));
        for spans in [&self.positive_spans, &self.negative_spans] {
            out.varbit_uint(spans.len() as u64);
            for span in spans {
                out.varbit_uint(u64::from(span.length));
                out.varbit_int(i64::from(span.offset));
            }
        }
        if self.is_custom() {
            out.varbit_uint(self.custom_values.len() as u64);
            self.custom_values
                .iter()
                .for_each(|&bound| write_bound(out, bound));
        }
    }
}

fn check_schema(schema: i64) -> Result<(), LayoutError> {
    let exponential = i64::from(MIN_SCHEMA)..=i64::from(MAX_SCHEMA);
    if schema == i64::from(CUSTOM_SCHEMA) || exponential.contains(&schema) {
        return Ok(());
    }
    Err(LayoutError::UnknownSchema(schema))
}

/// The number of buckets, and the index after the last one.
fn check_spans(spans: &[Span]) -> Result<(u64, i64), LayoutError> {
    let (mut buckets, mut end) = (0u64, 0i64);
    for (number, span) in spans.iter().enumerate() {
        let (offset, length) = (i64::from(span.offset), i64::from(span.length));
        if number > 0 && offset < 0 {
            return Err(LayoutError::NegativeOffset {
                span: number,
                offset,
            });
        }
        // A bucket of the lowest index would have no lower bound.
        if span.offset == i32::MIN {
            return Err(LayoutError::IndexOutOfRange(number));
        }
        buckets += u64::from(span.length);
        end += offset + length;
        if end - 1 > i64::from(i32::MAX) {
            return Err(LayoutError::IndexOutOfRange(number));
        }
    }
    Ok((buckets, end))
}

/// Reads the length of a list whose items take at least `least` bits.
fn read_length(reader: &mut BitReader<'_>, least: usize) -> Result<usize, LayoutError> {
    let length = reader.varbit_uint();
    if length > (reader.remaining() / least) as u64 {
        return Err(LayoutError::TooLong(length));
    }
    Ok(length as usize)
}

fn read_spans(reader: &mut BitReader<'_>) -> Result<Vec<Span>, LayoutError> {
    let spans = read_length(reader, 2)?;
    (0..spans)
        .map(|span| {
            let (length, offset) = (reader.varbit_uint(), reader.varbit_int());
            let length = u32::try_from(length).map_err(|_| LayoutError::TooManyBuckets(length))?;
            let offset = i32::try_from(offset).map_err(|_| LayoutError::IndexOutOfRange(span))?;
            Ok(Span { offset, length })
        })
        .collect()
}

/// Lowest exponent of a zero threshold that takes one byte as a power of two.
const FIRST_EXPONENT: i32 = -243;
/// Highest exponent of such a threshold.
const LAST_EXPONENT: i32 = 10;
/// Bias of a float's exponent.
const EXPONENT_BIAS: i32 = 1023;

fn read_zero_threshold(reader: &mut BitReader<'_>) -> f64 {
    match reader.read(8) {
        0 => 0.0,
        255 => f64::from_bits(reader.read(64)),
        code => {
            let exponent = code as i32 - 1 + FIRST_EXPONENT;
            f64::from_bits(((exponent + EXPONENT_BIAS) as u64) << 52)
        }
    }
}

fn write_zero_threshold(out: &mut BitWriter, threshold: f64) {
    if threshold == 0.0 {
        return out.write(0, 8);
    }
    let exponent = (threshold.to_bits() >> 52) as i32 - EXPONENT_BIAS;
    let is_power = threshold.to_bits() & ((1 << 52) - 1) == 0;
    if is_power && (FIRST_EXPONENT..=LAST_EXPONENT).contains(&exponent) {
        return out.write((exponent - FIRST_EXPONENT + 1) as u64, 8);
    }
    out.write(255, 8);
    out.write(threshold.to_bits(), 64);
}

/// Bounds that are whole thousandths up to this number take fewer bits.
const MAX_THOUSANDTHS: f64 = 33_554_430.0;

fn read_bound(reader: &mut BitReader<'_>) -> f64 {
    match reader.varbit_uint() {
        0 => f64::from_bits(reader.read(64)),
        code => (code - 1) as f64 / 1000.0,
    }
}

fn write_bound(out: &mut BitWriter, bound: f64) {
    let thousandths = (bound * 1000.0).round();
    let small = (0.0..=MAX_THOUSANDTHS).contains(&(bound * 1000.0));
    if small && thousandths / 1000.0 == bound {
        return out.varbit_uint(thousandths as u64 + 1);
    }
    out.write(0, 1);
    out.write(bound.to_bits(), 64);
}
