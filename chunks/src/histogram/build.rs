//! Builds chunks from histograms whose layouts change. Cuts and widens them
//! where Prometheus does.
//!
//! A chunk accepts a histogram with other buckets where possible: then all of
//! its samples get the union of the buckets. A new chunk begins where the
//! schema, the zero threshold or the custom bounds change, where counts fall
//! or buckets vanish (unless the histograms are gauges), and after a stale
//! marker. The cuts decide what a reader may assume about counter resets, so
//! this follows Prometheus's rules one by one.

use super::count::{Count, CountWriter};
use super::counter_reset::CounterReset;
use super::encode::HistogramEncoder;
use super::error::EncodeError;
use super::layout::{HistogramLayout, MAX_BUCKETS, Span, indices, spans_of};
use super::sample::{Histogram, HistogramSample};
use crate::encoding::Encoding;

/// Most samples of a chunk, in any encoding.
const MAX_SAMPLES: usize = 0x3fff;

/// A finished chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltChunk {
    /// The encoding of `bytes`.
    pub encoding: Encoding,
    /// The chunk's content.
    pub bytes: Vec<u8>,
    /// Time of its first sample, ms.
    pub min_time: i64,
    /// Time of its last sample, ms.
    pub max_time: i64,
    /// Number of samples.
    pub samples: usize,
}

/// Builds chunks from the histograms of one series, in order of time.
#[derive(Debug, Clone)]
pub struct HistogramBuilder<C: Count> {
    with_start: bool,
    /// Whether the next histogram begins a chunk in any case.
    cut: bool,
    open: Option<Open<C>>,
    done: Vec<BuiltChunk>,
}

/// The growing chunk: rows of its current layout.
#[derive(Debug, Clone)]
struct Open<C> {
    counter_reset: CounterReset,
    layout: HistogramLayout,
    rows: Vec<Row<C>>,
    buckets: Vec<C>,
}

#[derive(Debug, Clone, Copy)]
struct Row<C> {
    start: i64,
    timestamp: i64,
    count: C,
    zero_count: C,
    sum: f64,
}

/// Whether a histogram fits into a chunk.
enum Fit {
    /// It fits, with these buckets on both sides of zero.
    Fits(Option<[Union; 2]>),
    /// It does not fit; the next chunk has this header.
    Cut(CounterReset),
}

impl<C: Count> HistogramBuilder<C> {
    /// Builds chunks with or without start timestamps.
    pub fn new(with_start: bool) -> Self {
        HistogramBuilder {
            with_start,
            cut: false,
            open: None,
            done: Vec::new(),
        }
    }

    /// Appends a histogram with its start timestamp (ms, 0 for none).
    ///
    /// # Errors
    /// If the histogram is invalid; the chunks stay as they are.
    pub fn push(
        &mut self,
        start: i64,
        timestamp: i64,
        histogram: &Histogram<C>,
    ) -> Result<(), EncodeError> {
        check(histogram)?;
        let row = Row {
            start,
            timestamp,
            count: histogram.count,
            zero_count: histogram.zero_count,
            sum: histogram.sum,
        };
        let gauge = histogram.counter_reset == CounterReset::Gauge;
        let header = match &mut self.open {
            None => first_header(histogram.counter_reset),
            Some(open) => {
                let full = self.cut || open.rows.len() >= MAX_SAMPLES;
                match open.fit(histogram) {
                    Fit::Fits(unions) if !full => {
                        open.append(row, histogram, unions);
                        return Ok(());
                    }
                    // A chunk that is cut for another reason still records
                    // whether there was a reset before it.
                    Fit::Fits(_) if gauge => CounterReset::Gauge,
                    Fit::Fits(_) => CounterReset::NoReset,
                    Fit::Cut(CounterReset::Unknown) if full && C::IS_FLOAT => CounterReset::NoReset,
                    Fit::Cut(header) => header,
                }
            }
        };
        self.close()?;
        let mut open = Open {
            counter_reset: header,
            layout: HistogramLayout::default(),
            rows: vec![],
            buckets: vec![],
        };
        if !histogram.sample().is_stale() {
            open.layout = histogram.layout.clone();
            open.buckets = histogram.buckets.clone();
        }
        open.rows.push(row);
        self.open = Some(open);
        Ok(())
    }

    /// Ends the growing chunk; the next histogram begins a new one.
    pub fn cut(&mut self) {
        self.cut = true;
    }

    /// Ends the last chunk and returns all chunks.
    ///
    /// # Errors
    /// None in practice: [`HistogramBuilder::push`] refuses invalid histograms.
    pub fn finish(mut self) -> Result<Vec<BuiltChunk>, EncodeError> {
        self.close()?;
        Ok(self.done)
    }

    fn close(&mut self) -> Result<(), EncodeError> {
        self.cut = false;
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        self.done.push(open.encode(self.with_start)?);
        Ok(())
    }
}

fn first_header(hint: CounterReset) -> CounterReset {
    match hint {
        CounterReset::Gauge | CounterReset::Reset => hint,
        CounterReset::Unknown | CounterReset::NoReset => CounterReset::Unknown,
    }
}

fn check<C: Count>(histogram: &Histogram<C>) -> Result<(), EncodeError> {
    if histogram.sample().is_stale() {
        return Ok(());
    }
    histogram.layout.validate()?;
    let expected = histogram.layout.buckets();
    let got = histogram.buckets.len();
    if expected != got {
        return Err(EncodeError::WrongBuckets { expected, got });
    }
    <C::Writer as CountWriter<C>>::check(&histogram.buckets)
}

impl<C: Count> Open<C> {
    fn fit(&self, next: &Histogram<C>) -> Fit {
        match next.counter_reset {
            CounterReset::Gauge => self.fit_gauge(next),
            hint => self.fit_counter(next, hint),
        }
    }

    fn last(&self) -> Option<(Row<C>, &[C])> {
        let row = *self.rows.last()?;
        let width = self.layout.buckets();
        let buckets = self.buckets.get(self.buckets.len() - width..)?;
        Some((row, buckets))
    }

    fn ends_stale(&self) -> bool {
        self.last()
            .is_some_and(|(row, _)| row.sample(&[]).is_stale())
    }

    fn fit_gauge(&self, next: &Histogram<C>) -> Fit {
        if self.counter_reset != CounterReset::Gauge {
            return Fit::Cut(CounterReset::Gauge);
        }
        if next.sample().is_stale() {
            return Fit::Fits(None);
        }
        if self.ends_stale() || !self.same_bounds(next) || !self.same_schema(next) {
            return Fit::Cut(CounterReset::Gauge);
        }
        self.unite(self.unions(next), CounterReset::Gauge)
    }

    /// In Prometheus, the header of an integer chunk gives the reason of the
    /// cut, that of a float chunk only a reset.
    fn fit_counter(&self, next: &Histogram<C>, hint: CounterReset) -> Fit {
        let unknown = Fit::Cut(CounterReset::Unknown);
        let reset = Fit::Cut(CounterReset::Reset);
        if self.counter_reset == CounterReset::Gauge {
            return match C::IS_FLOAT {
                true => unknown,
                false => Fit::Cut(CounterReset::NoReset),
            };
        }
        if hint == CounterReset::Reset {
            return reset;
        }
        if next.sample().is_stale() {
            return Fit::Fits(None);
        }
        let Some((last, buckets)) = self.last() else {
            return unknown;
        };
        if self.ends_stale() {
            return unknown;
        }
        if next.count < last.count {
            return reset;
        }
        if !self.same_schema(next) {
            return unknown;
        }
        if !self.same_bounds(next) || next.zero_count < last.zero_count {
            return reset;
        }
        let unions = self.unions(next);
        let [positive, negative] = &unions;
        let old = buckets.split_at(self.layout.positive_buckets());
        let new = next.buckets.split_at(next.layout.positive_buckets());
        if positive.falls(old.0, new.0) || negative.falls(old.1, new.1) {
            return reset;
        }
        self.unite(unions, CounterReset::Unknown)
    }

    /// Fits, unless the union has too many buckets.
    fn unite(&self, unions: [Union; 2], otherwise: CounterReset) -> Fit {
        let buckets: usize = unions.iter().map(|union| union.indices.len()).sum();
        if buckets > MAX_BUCKETS {
            return Fit::Cut(otherwise);
        }
        Fit::Fits(Some(unions))
    }

    fn same_schema(&self, next: &Histogram<C>) -> bool {
        self.layout.schema == next.layout.schema
            && self.layout.zero_threshold == next.layout.zero_threshold
    }

    fn same_bounds(&self, next: &Histogram<C>) -> bool {
        !next.layout.is_custom() || self.layout.custom_values == next.layout.custom_values
    }

    fn unions(&self, next: &Histogram<C>) -> [Union; 2] {
        let (old, new) = (&self.layout, &next.layout);
        [
            Union::new(&old.positive_spans, &new.positive_spans),
            Union::new(&old.negative_spans, &new.negative_spans),
        ]
    }

    fn append(&mut self, row: Row<C>, next: &Histogram<C>, unions: Option<[Union; 2]>) {
        match unions {
            Some(unions) => {
                if unions.iter().any(Union::adds) {
                    self.widen(next, &unions);
                }
                let next_row = next.buckets.split_at(next.layout.positive_buckets());
                let [positive, negative] = &unions;
                positive.place(next_row.0, &positive.new, &mut self.buckets);
                negative.place(next_row.1, &negative.new, &mut self.buckets);
            }
            // A stale marker's buckets are not written.
            None => {
                let cells = self.buckets.len() + self.layout.buckets();
                self.buckets.resize(cells, C::default());
            }
        }
        self.rows.push(row);
    }

    /// Adds the new buckets of the next histogram to all rows.
    fn widen(&mut self, next: &Histogram<C>, unions: &[Union; 2]) {
        let [positive, negative] = unions;
        let (width, old_positive) = (self.layout.buckets(), self.layout.positive_buckets());
        let new_width = positive.indices.len() + negative.indices.len();
        let mut buckets = Vec::with_capacity((self.rows.len() + 1) * new_width);
        for row in 0..self.rows.len() {
            let row = &self.buckets[row * width..][..width];
            let (p, n) = row.split_at(old_positive);
            positive.place(p, &positive.old, &mut buckets);
            negative.place(n, &negative.old, &mut buckets);
        }
        self.buckets = buckets;
        // Prometheus keeps the given spans where they have all buckets; for
        // gauges, only if the spans of the other side of zero have them, too.
        let gauge = self.counter_reset == CounterReset::Gauge;
        let lacks = gauge && unions.iter().any(Union::lacks);
        let spans = |union: &Union, given: &[Span]| match lacks || union.lacks() {
            true => spans_of(union.indices.iter().copied()),
            false => given.to_vec(),
        };
        self.layout.positive_spans = spans(positive, &next.layout.positive_spans);
        self.layout.negative_spans = spans(negative, &next.layout.negative_spans);
    }

    fn encode(&self, with_start: bool) -> Result<BuiltChunk, EncodeError> {
        let mut encoder =
            HistogramEncoder::new(self.layout.clone(), self.counter_reset, with_start)?;
        let width = self.layout.buckets();
        let (mut min_time, mut max_time) = (i64::MAX, i64::MIN);
        for (number, row) in self.rows.iter().enumerate() {
            let buckets = self.buckets.get(number * width..(number + 1) * width);
            encoder.append(
                row.start,
                row.timestamp,
                row.sample(buckets.unwrap_or_default()),
            )?;
            min_time = min_time.min(row.timestamp);
            max_time = max_time.max(row.timestamp);
        }
        Ok(BuiltChunk {
            encoding: encoder.encoding(),
            bytes: encoder.bytes().to_vec(),
            min_time,
            max_time,
            samples: self.rows.len(),
        })
    }
}

impl<C: Copy> Row<C> {
    fn sample(self, buckets: &[C]) -> HistogramSample<'_, C> {
        HistogramSample {
            count: self.count,
            zero_count: self.zero_count,
            sum: self.sum,
            buckets,
        }
    }
}

/// The union of the buckets of two layouts, on one side of zero.
struct Union {
    /// Indices of the buckets that either layout has.
    indices: Vec<i32>,
    /// For each old bucket, its position in `indices`.
    old: Vec<usize>,
    /// For each new bucket, its position in `indices`.
    new: Vec<usize>,
}

impl Union {
    fn new(old: &[Span], new: &[Span]) -> Self {
        let mut union = Union {
            indices: vec![],
            old: vec![],
            new: vec![],
        };
        let (mut a, mut b) = (indices(old).peekable(), indices(new).peekable());
        loop {
            let index = match (a.peek(), b.peek()) {
                (Some(&a), Some(&b)) => a.min(b),
                (Some(&index), None) | (None, Some(&index)) => index,
                (None, None) => return union,
            };
            let place = union.indices.len();
            union.indices.push(index);
            if a.next_if_eq(&index).is_some() {
                union.old.push(place);
            }
            if b.next_if_eq(&index).is_some() {
                union.new.push(place);
            }
        }
    }

    /// Whether the new layout has buckets that the old one lacks.
    fn adds(&self) -> bool {
        self.old.len() < self.indices.len()
    }

    /// Whether the new layout lacks buckets that the old one has.
    fn lacks(&self) -> bool {
        self.new.len() < self.indices.len()
    }

    /// Whether a bucket's count falls; a missing bucket has count zero.
    fn falls<C: Count>(&self, old: &[C], new: &[C]) -> bool {
        let mut new = self.new.iter().zip(new).peekable();
        self.old.iter().zip(old).any(|(place, &before)| {
            while new.next_if(|(at, _)| *at < place).is_some() {}
            match new.next_if(|(at, _)| *at == place) {
                Some((_, &now)) => before > now,
                None => before != C::default(),
            }
        })
    }

    /// Appends counts at their positions in the union.
    fn place<C: Count>(&self, counts: &[C], places: &[usize], out: &mut Vec<C>) {
        let from = out.len();
        out.resize(from + self.indices.len(), C::default());
        let row = out.get_mut(from..).unwrap_or_default();
        for (&count, &place) in counts.iter().zip(places) {
            row[place] = count;
        }
    }
}
