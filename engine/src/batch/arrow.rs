//! Series batches as Arrow record batches, and back.
//!
//! A batch that has histograms has a fourth column, `histograms`: a list as
//! long as that of the values, whose items are keys into a dictionary of
//! histograms, null where there is none. A histogram's bucket layout is a key
//! into a dictionary of layouts. No sample is copied on either way.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, UInt8Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, LargeListArray,
    ListArray, RecordBatch, StructArray, UInt8Array, UInt32Array,
};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use quarrel_functions::histogram::native::Layout;

use super::SeriesBatch;
use super::histograms::{Columns, HINTS, HistogramItems, LayoutRun, NONE};

static ITEM: LazyLock<Arc<Field>> =
    LazyLock::new(|| Arc::new(Field::new("item", DataType::Float64, true)));

/// The schema of series batches; those with histograms have one column more.
static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("series", DataType::UInt32, false),
        Field::new("first_step", DataType::UInt32, false),
        Field::new("values", DataType::List(Arc::clone(&ITEM)), false),
    ]))
});

static INDEX: LazyLock<Arc<Field>> =
    LazyLock::new(|| Arc::new(Field::new("item", DataType::Int32, true)));

static LAYOUT: LazyLock<Fields> = LazyLock::new(|| {
    vec![
        Field::new("schema", DataType::Int32, false),
        Field::new("zero_threshold", DataType::Float64, false),
        Field::new("positive", DataType::List(Arc::clone(&INDEX)), false),
        Field::new("negative", DataType::List(Arc::clone(&INDEX)), false),
        Field::new("custom_values", DataType::List(Arc::clone(&ITEM)), false),
    ]
    .into()
});

fn dictionary_of(fields: &Fields) -> DataType {
    let values = DataType::Struct(fields.clone());
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(values))
}

static HISTOGRAM: LazyLock<Fields> = LazyLock::new(|| {
    vec![
        Field::new("layout", dictionary_of(&LAYOUT), false),
        Field::new("compact", DataType::Boolean, false),
        Field::new("counter_reset", DataType::UInt8, false),
        Field::new("zero_count", DataType::Float64, false),
        Field::new("count", DataType::Float64, false),
        Field::new("sum", DataType::Float64, false),
        Field::new("buckets", DataType::LargeList(Arc::clone(&ITEM)), false),
    ]
    .into()
});

static HISTOGRAM_ITEM: LazyLock<Arc<Field>> =
    LazyLock::new(|| Arc::new(Field::new("item", dictionary_of(&HISTOGRAM), true)));

static MIXED_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields = SCHEMA.fields().to_vec();
    let list = DataType::List(Arc::clone(&HISTOGRAM_ITEM));
    fields.push(Arc::new(Field::new("histograms", list, false)));
    Arc::new(Schema::new(fields))
});

impl From<SeriesBatch> for RecordBatch {
    fn from(batch: SeriesBatch) -> RecordBatch {
        let nulls = batch.present.map(NullBuffer::new);
        let items = Float64Array::new(batch.values, nulls);
        let offsets = batch.offsets;
        let list = ListArray::new(Arc::clone(&ITEM), offsets.clone(), Arc::new(items), None);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::new(batch.series, None)),
            Arc::new(UInt32Array::new(batch.first_step, None)),
            Arc::new(list),
        ];
        let mut schema = &SCHEMA;
        if let Some(histograms) = batch.histograms {
            schema = &MIXED_SCHEMA;
            columns.push(Arc::new(list_of(histograms, offsets)));
        }
        RecordBatch::try_new(Arc::clone(schema), columns)
            .expect("columns of one length by construction")
    }
}

fn list_of(items: HistogramItems, offsets: OffsetBuffer<i32>) -> ListArray {
    let HistogramItems { places, columns } = items;
    let there = places.contains(&NONE).then(|| {
        let there = BooleanBuffer::collect_bool(places.len(), |item| places[item] != NONE);
        NullBuffer::new(there)
    });
    let keys = UInt32Array::new(places, there);
    let values = Arc::new(histograms_of(columns));
    let items = DictionaryArray::new(keys, values);
    ListArray::new(
        Arc::clone(&HISTOGRAM_ITEM),
        offsets,
        Arc::new(items) as ArrayRef,
        None,
    )
}

fn histograms_of(columns: Columns) -> StructArray {
    let mut layouts = Vec::with_capacity(columns.counts.len());
    let mut compact = BooleanBufferBuilder::new(columns.counts.len());
    let mut widths = Vec::with_capacity(columns.counts.len());
    for (number, run) in columns.runs.iter().enumerate() {
        let rows = run.end - run.start;
        layouts.resize(layouts.len() + rows, number as u32);
        compact.append_n(rows, run.compact);
        widths.resize(widths.len() + rows, run.layout.width());
    }
    let layouts = DictionaryArray::new(
        UInt32Array::from(layouts),
        Arc::new(layouts_of(&columns.runs)),
    );
    let buckets = LargeListArray::new(
        Arc::clone(&ITEM),
        OffsetBuffer::from_lengths(widths),
        Arc::new(Float64Array::new(columns.buckets, None)),
        None,
    );
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(layouts),
        Arc::new(BooleanArray::new(compact.finish(), None)),
        Arc::new(UInt8Array::new(columns.hints, None)),
        Arc::new(Float64Array::new(columns.zero_counts, None)),
        Arc::new(Float64Array::new(columns.counts, None)),
        Arc::new(Float64Array::new(columns.sums, None)),
        Arc::new(buckets),
    ];
    StructArray::new(HISTOGRAM.clone(), arrays, None)
}

fn layouts_of(runs: &[LayoutRun]) -> StructArray {
    let layouts = || runs.iter().map(|run| &run.layout);
    // Builders would reserve for a thousand items each.
    let indices = |side: fn(&Layout) -> &[i32]| {
        let all: Vec<i32> = layouts().flat_map(|l| side(l)).copied().collect();
        let offsets = OffsetBuffer::from_lengths(layouts().map(|l| side(l).len()));
        let items = Arc::new(Int32Array::from(all));
        Arc::new(ListArray::new(Arc::clone(&INDEX), offsets, items, None)) as ArrayRef
    };
    let bounds: Vec<f64> = layouts()
        .flat_map(|l| l.custom_values().iter().copied())
        .collect();
    let offsets = OffsetBuffer::from_lengths(layouts().map(|l| l.custom_values().len()));
    let items = Arc::new(Float64Array::from(bounds));
    let bounds = ListArray::new(Arc::clone(&ITEM), offsets, items, None);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(layouts().map(|l| l.schema()).collect::<Int32Array>()),
        Arc::new(
            layouts()
                .map(|l| l.zero_threshold())
                .collect::<Float64Array>(),
        ),
        indices(Layout::positive),
        indices(Layout::negative),
        Arc::new(bounds),
    ];
    StructArray::new(LAYOUT.clone(), arrays, None)
}

/// A `RecordBatch` that is not a series batch.
#[derive(Debug, thiserror::Error)]
#[error("not a series batch: {0}")]
pub struct NotASeriesBatch(String);

/// The number of a batch's items, absent ones included.
pub(crate) fn items(batch: &RecordBatch) -> usize {
    let list = batch.columns().get(2).and_then(|c| c.as_list_opt::<i32>());
    list.map_or(0, |list| list.values().len())
}

impl TryFrom<&RecordBatch> for SeriesBatch {
    type Error = NotASeriesBatch;

    fn try_from(batch: &RecordBatch) -> Result<Self, NotASeriesBatch> {
        let wrong = || NotASeriesBatch(format!("{:?}", batch.schema()));
        series_batch(batch).ok_or_else(wrong)
    }
}

fn series_batch(batch: &RecordBatch) -> Option<SeriesBatch> {
    let column = |i: usize| batch.columns().get(i);
    let numbers = |i: usize| column(i)?.as_primitive_opt::<UInt32Type>();
    let list = column(2)?.as_list_opt::<i32>()?;
    let items = list.values().as_primitive_opt::<Float64Type>()?;
    let histograms = match column(3) {
        None => None,
        Some(list) => Some(histogram_items(list.as_list_opt()?, items.len())?),
    };
    Some(SeriesBatch {
        series: numbers(0)?.values().clone(),
        first_step: numbers(1)?.values().clone(),
        offsets: list.offsets().clone(),
        values: items.values().clone(),
        present: items.nulls().map(|n| n.inner().clone()),
        histograms,
    })
}

/// The histograms of a list as long as that of the values.
fn histogram_items(list: &ListArray, items: usize) -> Option<HistogramItems> {
    let dictionary = list.values().as_dictionary_opt::<UInt32Type>()?;
    let keys = dictionary.keys();
    if keys.len() != items {
        return None;
    }
    let values = dictionary.values().as_struct_opt()?;
    // Places of items without a histogram are kept under the nulls.
    let values_of = keys.values();
    let whole = keys.nulls().is_none_or(|nulls| {
        let marked = values_of.iter().filter(|&&place| place == NONE).count();
        marked == nulls.null_count()
            && (0..items).all(|i| nulls.is_valid(i) != (values_of[i] == NONE))
    });
    let places: ScalarBuffer<u32> = if whole {
        keys.values().clone()
    } else {
        keys.iter()
            .map(|key| key.unwrap_or(NONE))
            .collect::<Vec<_>>()
            .into()
    };
    let column = |i: usize| values.columns().get(i);
    let floats = |i: usize| {
        Some(
            column(i)?
                .as_primitive_opt::<Float64Type>()?
                .values()
                .clone(),
        )
    };
    let hints = column(2)?.as_primitive_opt::<UInt8Type>()?.values();
    if hints
        .iter()
        .any(|&number| usize::from(number) >= HINTS.len())
    {
        return None;
    }
    let buckets = column(6)?.as_list_opt::<i64>()?;
    let columns = Columns {
        hints: hints.clone(),
        zero_counts: floats(3)?,
        counts: floats(4)?,
        sums: floats(5)?,
        buckets: buckets
            .values()
            .as_primitive_opt::<Float64Type>()?
            .values()
            .clone(),
        runs: runs_of(column(0)?, column(1)?.as_boolean_opt()?, buckets)?,
    };
    Some(HistogramItems { places, columns })
}

/// Runs of histograms that share a layout.
fn runs_of(
    layouts: &ArrayRef,
    compact: &BooleanArray,
    buckets: &LargeListArray,
) -> Option<Arc<[LayoutRun]>> {
    let dictionary = layouts.as_dictionary_opt::<UInt32Type>()?;
    let keys = dictionary.keys().values();
    let known = dictionary.values().as_struct_opt()?;
    let mut runs: Vec<LayoutRun> = Vec::new();
    let mut start = 0;
    while start < keys.len() {
        let (key, is_compact) = (keys[start], compact.value(start));
        let others = keys[start..].iter().position(|&other| other != key);
        let end = others.map_or(keys.len(), |others| start + others);
        let same = |i: &usize| compact.value(*i) == is_compact;
        let end = match compact.has_true() && compact.has_false() {
            true => (start..end).take_while(same).count() + start,
            false => end,
        };
        let layout = layout_of(known, keys[start] as usize)?;
        let offsets = &buckets.offsets()[start..=end];
        let width = layout.width() as i64;
        if offsets.windows(2).any(|pair| pair[1] - pair[0] != width) {
            return None;
        }
        runs.push(LayoutRun {
            layout,
            compact: is_compact,
            start,
            end,
            buckets_from: usize::try_from(offsets[0]).ok()?,
        });
        start = end;
    }
    Some(runs.into())
}

fn layout_of(known: &StructArray, row: usize) -> Option<Arc<Layout>> {
    let column = |i: usize| known.columns().get(i);
    let range = |list: &ListArray| -> Range<usize> {
        list.offsets()[row] as usize..list.offsets()[row + 1] as usize
    };
    let indices = |i: usize| {
        let list = column(i)?.as_list_opt::<i32>()?;
        let values = list.values().as_primitive_opt::<Int32Type>()?.values();
        Some(values[range(list)].to_vec())
    };
    let schema = column(0)?.as_primitive_opt::<Int32Type>()?.value(row);
    let zero_threshold = column(1)?.as_primitive_opt::<Float64Type>()?.value(row);
    let (positive, negative) = (indices(2)?, indices(3)?);
    let bounds = column(4)?.as_list_opt::<i32>()?;
    let custom = bounds.values().as_primitive_opt::<Float64Type>()?.values();
    let custom = &custom[range(bounds)];
    if schema == quarrel_functions::histogram::native::CUSTOM_SCHEMA {
        return Layout::custom(custom.into(), positive).ok();
    }
    Layout::exponential(schema, zero_threshold, positive, negative).ok()
}
