//! The bucket layout of histograms, which rows share.

use std::sync::{Arc, OnceLock};

use super::bounds;

/// The schema of histograms with custom bucket bounds.
pub const CUSTOM_SCHEMA: i32 = -53;
/// The exponential schema with the widest buckets.
pub const MIN_SCHEMA: i32 = -9;
/// The exponential schema with the narrowest buckets.
pub const MAX_SCHEMA: i32 = 8;
/// Buckets that spans may have on each side of zero.
pub const MAX_BUCKETS: usize = 1 << 17;
/// Below this schema Prometheus does not hide buckets that lie within the
/// zero bucket.
const MIN_HIDING_SCHEMA: i32 = -4;

/// Why a layout is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// Neither an exponential schema nor custom buckets.
    #[error("unknown histogram schema {0}")]
    UnknownSchema(i32),
    /// Buckets that do not come in ascending order.
    #[error("bucket {0} is not in ascending order")]
    NotAscending(i32),
    /// A bucket beyond the last one that custom bounds make, or below the first.
    #[error("bucket {0} has no custom bound")]
    NoCustomBound(i32),
    /// Custom bounds that do not ascend, are not a number, or end in infinity.
    #[error("custom bound {0} does not ascend from the one before to a finite number")]
    BadCustomBound(usize),
    /// Custom buckets together with what only exponential schemas have.
    #[error("custom buckets with a zero bucket or negative buckets")]
    CustomWithOthers,
    /// Custom bounds under an exponential schema.
    #[error("custom bounds under an exponential schema")]
    BoundsWithoutCustomSchema,
    /// A zero bucket without a width.
    #[error("the zero bucket's threshold is not a number")]
    NoZeroThreshold,
    /// A span that begins before the one before it ended, or that goes beyond
    /// the possible buckets.
    #[error("span {0} is out of order or out of range")]
    BadSpan(usize),
    /// More buckets than [`MAX_BUCKETS`] in spans.
    #[error("more than {MAX_BUCKETS} buckets")]
    TooManyBuckets,
}

/// The buckets of a histogram. Columns are numbered from 0: the positive
/// buckets from zero upwards, then the negative ones from zero downwards.
///
/// Layouts are equal if they have the same buckets. (In Prometheus, spans
/// that touch each other differ from one span; see `Equals` there.)
#[derive(Debug)]
pub struct Layout {
    schema: i32,
    zero_threshold: f64,
    positive: Box<[i32]>,
    negative: Box<[i32]>,
    custom_values: Arc<[f64]>,
    /// Buckets at the beginning of each side that lie within the zero bucket.
    hidden: [usize; 2],
    /// The nearer and the farther bound of each column, seen from zero.
    bounds: OnceLock<Box<[Bounds]>>,
}

/// The bounds of a bucket by their distance from zero; for custom buckets the
/// lower and the upper one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) near: f64,
    pub(super) far: f64,
}

impl PartialEq for Layout {
    fn eq(&self, other: &Layout) -> bool {
        self.schema == other.schema
            && self.zero_threshold == other.zero_threshold
            && self.positive == other.positive
            && self.negative == other.negative
            && self.custom_values == other.custom_values
    }
}

/// Whether two layouts are the same, quickly if they are one.
pub(super) fn same(a: &Arc<Layout>, b: &Arc<Layout>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

impl Layout {
    /// A layout with exponential buckets, by their indices.
    ///
    /// # Errors
    /// If there can be no such buckets.
    pub fn exponential(
        schema: i32,
        zero_threshold: f64,
        positive: Vec<i32>,
        negative: Vec<i32>,
    ) -> Result<Arc<Layout>, LayoutError> {
        if !(MIN_SCHEMA..=MAX_SCHEMA).contains(&schema) {
            return Err(LayoutError::UnknownSchema(schema));
        }
        if zero_threshold.is_nan() {
            return Err(LayoutError::NoZeroThreshold);
        }
        check_ascending(&positive)?;
        check_ascending(&negative)?;
        let layout = Layout::unchecked(schema, zero_threshold, positive, negative, Arc::default());
        Ok(Arc::new(layout))
    }

    /// A layout with custom bounds (ascending, without the infinite one) and
    /// buckets by their indices.
    ///
    /// # Errors
    /// If there can be no such buckets.
    pub fn custom(
        custom_values: Arc<[f64]>,
        buckets: Vec<i32>,
    ) -> Result<Arc<Layout>, LayoutError> {
        let mut below = f64::NEG_INFINITY;
        for (number, &bound) in custom_values.iter().enumerate() {
            let ascends = below < bound || (number == 0 && bound == below);
            if !ascends || bound == f64::INFINITY {
                return Err(LayoutError::BadCustomBound(number));
            }
            below = bound;
        }
        check_ascending(&buckets)?;
        let possible = |index: i32| usize::try_from(index).is_ok_and(|i| i <= custom_values.len());
        if let Some(&index) = buckets.iter().find(|&&index| !possible(index)) {
            return Err(LayoutError::NoCustomBound(index));
        }
        let layout = Layout::unchecked(CUSTOM_SCHEMA, 0.0, buckets, vec![], custom_values);
        Ok(Arc::new(layout))
    }

    /// A layout as chunks and protocols write it: spans as pairs of an offset
    /// from the span before (from bucket 0 for the first) and a length.
    /// `custom_values` is empty unless the schema is [`CUSTOM_SCHEMA`].
    ///
    /// # Errors
    /// If there can be no such buckets.
    pub fn from_spans(
        schema: i32,
        zero_threshold: f64,
        positive: impl IntoIterator<Item = (i32, u32)>,
        negative: impl IntoIterator<Item = (i32, u32)>,
        custom_values: Arc<[f64]>,
    ) -> Result<Arc<Layout>, LayoutError> {
        let (positive, negative) = (indices(positive)?, indices(negative)?);
        if schema != CUSTOM_SCHEMA {
            return match custom_values.is_empty() {
                true => Layout::exponential(schema, zero_threshold, positive, negative),
                false => Err(LayoutError::BoundsWithoutCustomSchema),
            };
        }
        if zero_threshold != 0.0 || !negative.is_empty() {
            return Err(LayoutError::CustomWithOthers);
        }
        Layout::custom(custom_values, positive)
    }

    /// The layout of histograms whose buckets are not known: none, and no
    /// bounds, but the schema.
    pub fn without_buckets(&self) -> Arc<Layout> {
        Layout::bare(self.schema)
    }

    /// No buckets, in a schema that a layout has.
    pub fn bare(schema: i32) -> Arc<Layout> {
        let none = Arc::default();
        Arc::new(Layout::unchecked(schema, 0.0, vec![], vec![], none))
    }

    /// No buckets, in schema 0.
    pub(super) fn empty() -> Arc<Layout> {
        Arc::new(Layout::unchecked(0, 0.0, vec![], vec![], Arc::default()))
    }

    fn unchecked(
        schema: i32,
        zero_threshold: f64,
        positive: Vec<i32>,
        negative: Vec<i32>,
        custom_values: Arc<[f64]>,
    ) -> Layout {
        Layout {
            hidden: [&positive, &negative].map(|side| hidden(side, schema, zero_threshold)),
            schema,
            zero_threshold,
            positive: positive.into(),
            negative: negative.into(),
            custom_values,
            bounds: OnceLock::new(),
        }
    }

    /// This layout with other buckets, which ascend.
    pub(super) fn with_buckets(&self, positive: Vec<i32>, negative: Vec<i32>) -> Arc<Layout> {
        let custom_values = Arc::clone(&self.custom_values);
        Arc::new(Layout::unchecked(
            self.schema,
            self.zero_threshold,
            positive,
            negative,
            custom_values,
        ))
    }

    /// This layout with another zero threshold.
    pub(super) fn with_threshold(&self, zero_threshold: f64) -> Arc<Layout> {
        Arc::new(Layout::unchecked(
            self.schema,
            zero_threshold,
            self.positive.to_vec(),
            self.negative.to_vec(),
            Arc::clone(&self.custom_values),
        ))
    }

    /// Custom buckets under other bounds.
    pub(super) fn with_bounds(custom_values: Arc<[f64]>, buckets: Vec<i32>) -> Arc<Layout> {
        Arc::new(Layout::unchecked(
            CUSTOM_SCHEMA,
            0.0,
            buckets,
            vec![],
            custom_values,
        ))
    }

    /// The resolution: each power of two is divided into `2^schema` buckets;
    /// or [`CUSTOM_SCHEMA`].
    pub fn schema(&self) -> i32 {
        self.schema
    }

    /// Half of the zero bucket's width.
    pub fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// Indices of the positive buckets, ascending.
    pub fn positive(&self) -> &[i32] {
        &self.positive
    }

    /// Indices of the negative buckets, ascending, that is away from zero.
    pub fn negative(&self) -> &[i32] {
        &self.negative
    }

    /// Upper bounds of custom buckets.
    pub fn custom_values(&self) -> &Arc<[f64]> {
        &self.custom_values
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.positive.len() + self.negative.len()
    }

    /// Whether the buckets have custom bounds.
    pub fn is_custom(&self) -> bool {
        self.schema == CUSTOM_SCHEMA
    }

    /// Whether any bucket lies within the zero bucket, where additions do not
    /// look at it.
    pub(super) fn hides(&self) -> bool {
        self.hidden != [0, 0]
    }

    /// How many buckets at the beginning of each side would lie within a zero
    /// bucket of some threshold.
    pub(super) fn hidden_within(&self, threshold: f64) -> [usize; 2] {
        if threshold == self.zero_threshold {
            return self.hidden;
        }
        [&self.positive, &self.negative].map(|side| hidden(side, self.schema, threshold))
    }

    /// Whether a bucket of this schema lies within the zero bucket, if there
    /// is one.
    pub(super) fn hides_bucket(&self, index: i32) -> bool {
        let threshold = self.zero_threshold;
        threshold != 0.0 && hidden(&[index], self.schema, threshold) == 1
    }

    /// The bounds of all columns.
    pub(super) fn bounds(&self) -> &[Bounds] {
        self.bounds.get_or_init(|| {
            let indices = self.positive.iter().chain(&self.negative);
            indices.map(|&index| self.bounds_of(index)).collect()
        })
    }

    fn bounds_of(&self, index: i32) -> Bounds {
        if !self.is_custom() {
            return Bounds {
                near: bounds::exponential(index.saturating_sub(1), self.schema),
                far: bounds::exponential(index, self.schema),
            };
        }
        let values = &self.custom_values;
        let place = index as usize;
        let below = place.checked_sub(1).and_then(|i| values.get(i));
        Bounds {
            near: below.copied().unwrap_or(f64::NEG_INFINITY),
            far: values.get(place).copied().unwrap_or(f64::INFINITY),
        }
    }

    /// The layout with the buckets merged to a coarser exponential schema, and
    /// for each column the new one.
    pub(super) fn reduced(&self, schema: i32) -> (Arc<Layout>, Vec<usize>) {
        let by = (self.schema - schema).unsigned_abs();
        let mut targets = Vec::with_capacity(self.width());
        let positive = reduce(&self.positive, by, &mut targets);
        let negative = reduce(&self.negative, by, &mut targets);
        let layout = Layout::unchecked(
            schema,
            self.zero_threshold,
            positive,
            negative,
            Arc::default(),
        );
        (Arc::new(layout), targets)
    }
}

/// How many buckets lie within a zero bucket; custom ones never do.
fn hidden(indices: &[i32], schema: i32, threshold: f64) -> usize {
    if schema < MIN_HIDING_SCHEMA {
        return 0;
    }
    indices.partition_point(|&index| bounds::exponential(index, schema) <= threshold)
}

/// The bucket that holds bucket `index` when `2^by` become one: upper bounds
/// are inclusive, so it is the rounded-up quotient.
pub(super) fn reduced_index(index: i32, by: u32) -> i32 {
    ((i64::from(index) - 1) >> by.min(40)) as i32 + 1
}

fn reduce(indices: &[i32], by: u32, targets: &mut Vec<usize>) -> Vec<i32> {
    let base = targets.last().map_or(0, |last| last + 1);
    let mut merged = Vec::<i32>::new();
    for &index in indices {
        let index = reduced_index(index, by);
        if merged.last() != Some(&index) {
            merged.push(index);
        }
        targets.push(base + merged.len() - 1);
    }
    merged
}

fn check_ascending(indices: &[i32]) -> Result<(), LayoutError> {
    match indices.windows(2).find(|pair| pair[0] >= pair[1]) {
        Some(pair) => Err(LayoutError::NotAscending(pair[1])),
        None => Ok(()),
    }
}

/// The spans of buckets by their ascending indices, as protocols write them: pairs
/// of an offset from the span before (from bucket 0 for the first) and a length.
pub fn spans_of(indices: &[i32]) -> impl Iterator<Item = (i32, u32)> + '_ {
    let (mut rest, mut next) = (indices, 0i32);
    std::iter::from_fn(move || {
        let &first = rest.first()?;
        let follows = |pair: &&[i32]| pair[1] == pair[0].wrapping_add(1);
        let len = 1 + rest.windows(2).take_while(follows).count();
        let offset = first.wrapping_sub(next);
        next = rest[len - 1].wrapping_add(1);
        rest = &rest[len..];
        Some((offset, len as u32))
    })
}

fn indices(spans: impl IntoIterator<Item = (i32, u32)>) -> Result<Vec<i32>, LayoutError> {
    let (mut indices, mut next) = (Vec::new(), 0i64);
    for (number, (offset, length)) in spans.into_iter().enumerate() {
        let from = next + i64::from(offset);
        next = from + i64::from(length);
        let backwards = number > 0 && offset < 0;
        if backwards || next - 1 > i64::from(i32::MAX) || from <= i64::from(i32::MIN) {
            return Err(LayoutError::BadSpan(number));
        }
        if indices.len() + length as usize > MAX_BUCKETS {
            return Err(LayoutError::TooManyBuckets);
        }
        indices.extend((from..next).map(|index| index as i32));
    }
    Ok(indices)
}

/// All indices of two ascending lists, and the place of each side's in it.
pub(super) struct Union {
    pub(super) indices: Vec<i32>,
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
}

pub(super) fn union(left: &[i32], right: &[i32]) -> Union {
    let mut union = Union {
        indices: Vec::with_capacity(left.len().max(right.len())),
        left: Vec::with_capacity(left.len()),
        right: Vec::with_capacity(right.len()),
    };
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let index = match (a.peek(), b.peek()) {
            (Some(&&a), Some(&&b)) => a.min(b),
            (Some(&&index), None) | (None, Some(&&index)) => index,
            (None, None) => return union,
        };
        let place = union.indices.len();
        union.indices.push(index);
        if a.next_if(|&&i| i == index).is_some() {
            union.left.push(place);
        }
        if b.next_if(|&&i| i == index).is_some() {
            union.right.push(place);
        }
    }
}
