//! Histograms of an answer as Arrow structs, with spans as Prometheus's
//! protocols have them.

use std::sync::{Arc, LazyLock};

use arrow_array::builder::{
    ArrayBuilder as _, Float64Builder, Int32Builder, ListBuilder, NullBufferBuilder, UInt8Builder,
    UInt32Builder,
};
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use quarrel_functions::histogram::native::{CounterReset, HistogramRef, spans_of};

use super::types::invalid;

static SPAN: LazyLock<Fields> = LazyLock::new(|| {
    vec![
        Field::new("offset", DataType::Int32, false),
        Field::new("length", DataType::UInt32, false),
    ]
    .into()
});

static HISTOGRAM: LazyLock<Fields> = LazyLock::new(|| {
    let list =
        |item: DataType, nullable| DataType::List(Arc::new(Field::new("item", item, nullable)));
    let spans = || list(DataType::Struct(SPAN.clone()), false);
    let floats = || list(DataType::Float64, true);
    vec![
        Field::new("schema", DataType::Int32, false),
        Field::new("zero_threshold", DataType::Float64, false),
        Field::new("zero_count", DataType::Float64, false),
        Field::new("count", DataType::Float64, false),
        Field::new("sum", DataType::Float64, false),
        Field::new("counter_reset", DataType::UInt8, false),
        Field::new("positive_spans", spans(), false),
        Field::new("positive_counts", floats(), false),
        Field::new("negative_spans", spans(), false),
        Field::new("negative_counts", floats(), false),
        Field::new("custom_values", floats(), false),
    ]
    .into()
});

/// The type of a histogram.
pub(super) fn data_type() -> DataType {
    DataType::Struct(HISTOGRAM.clone())
}

/// One side of zero.
#[derive(Default)]
struct Side {
    offsets: Int32Builder,
    lengths: UInt32Builder,
    /// Spans of each histogram.
    spans: Vec<usize>,
    counts: ListBuilder<Float64Builder>,
}

impl Side {
    fn append(&mut self, indices: &[i32], counts: &[f64]) {
        let before = self.lengths.len();
        for (offset, length) in spans_of(indices) {
            self.offsets.append_value(offset);
            self.lengths.append_value(length);
        }
        self.spans.push(self.lengths.len() - before);
        self.counts.values().append_slice(counts);
        self.counts.append(true);
    }

    fn finish(mut self) -> [ArrayRef; 2] {
        let spans: Vec<ArrayRef> = vec![
            Arc::new(self.offsets.finish()),
            Arc::new(self.lengths.finish()),
        ];
        let spans = ListArray::new(
            Arc::new(Field::new("item", DataType::Struct(SPAN.clone()), false)),
            OffsetBuffer::from_lengths(self.spans),
            Arc::new(StructArray::new(SPAN.clone(), spans, None)),
            None,
        );
        [Arc::new(spans), Arc::new(self.counts.finish())]
    }
}

/// Builds a column of histograms.
pub(super) struct HistogramColumn {
    present: NullBufferBuilder,
    schema: Int32Builder,
    /// Zero threshold, zero count, count, sum.
    numbers: [Float64Builder; 4],
    counter_reset: UInt8Builder,
    positive: Side,
    negative: Side,
    custom_values: ListBuilder<Float64Builder>,
    /// List items of all histograms together.
    items: usize,
}

impl Default for HistogramColumn {
    fn default() -> Self {
        HistogramColumn {
            present: NullBufferBuilder::new(0),
            schema: Int32Builder::new(),
            numbers: Default::default(),
            counter_reset: UInt8Builder::new(),
            positive: Side::default(),
            negative: Side::default(),
            custom_values: ListBuilder::default(),
            items: 0,
        }
    }
}

impl HistogramColumn {
    /// Appends a histogram, or null.
    pub fn append(&mut self, h: Option<&HistogramRef<'_>>) {
        self.present.append(h.is_some());
        let copy = h.map(HistogramRef::to_histogram);
        let view = copy.as_ref().map(|h| h.view());
        let number = |of: fn(&HistogramRef<'_>) -> f64| view.as_ref().map_or(0.0, of);
        let numbers = [
            number(|h| h.layout.zero_threshold()),
            number(|h| h.zero_count),
            number(|h| h.count),
            number(|h| h.sum),
        ];
        for (builder, number) in self.numbers.iter_mut().zip(numbers) {
            builder.append_value(number);
        }
        self.counter_reset.append_value(
            match view.map_or(CounterReset::Unknown, |h| h.counter_reset) {
                CounterReset::Unknown => 0,
                CounterReset::Reset => 1,
                CounterReset::NoReset => 2,
                CounterReset::Gauge => 3,
            },
        );
        let Some(h) = view else {
            self.append_empty();
            return;
        };
        self.items += h.buckets.len() + h.layout.custom_values().len();
        if i32::try_from(self.items).is_err() {
            // Too many for the offsets: `finish` is the error.
            self.append_empty();
            return;
        }
        self.schema.append_value(h.layout.schema());
        let (positive, negative) = h.buckets.split_at(h.layout.positive().len());
        self.positive.append(h.layout.positive(), positive);
        self.negative.append(h.layout.negative(), negative);
        self.custom_values
            .values()
            .append_slice(h.layout.custom_values());
        self.custom_values.append(true);
    }

    /// A layout without buckets, for what is null.
    fn append_empty(&mut self) {
        self.schema.append_value(0);
        self.positive.append(&[], &[]);
        self.negative.append(&[], &[]);
        self.custom_values.append(true);
    }

    /// The column.
    ///
    /// # Errors
    /// When there are more buckets than Arrow's 32-bit offsets reach.
    pub fn finish(mut self) -> Result<StructArray, ArrowError> {
        if i32::try_from(self.items).is_err() {
            let message = format!("{} buckets do not fit into one record batch", self.items);
            return Err(invalid(message));
        }
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(self.schema.finish())];
        for builder in &mut self.numbers {
            arrays.push(Arc::new(builder.finish()));
        }
        arrays.push(Arc::new(self.counter_reset.finish()));
        arrays.extend(self.positive.finish());
        arrays.extend(self.negative.finish());
        arrays.push(Arc::new(self.custom_values.finish()));
        StructArray::try_new(HISTOGRAM.clone(), arrays, self.present.finish())
    }
}
