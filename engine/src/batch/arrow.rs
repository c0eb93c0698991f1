//! Series batches as Arrow record batches, and back.
//!
//! A batch that has histograms has a fourth column, `histograms`: a list as
//! long as that of the values, whose items are keys into a dictionary of
//! histograms, null where there is none. A histogram's bucket layout is a key
//! into a dictionary of layouts. No sample is copied on either way.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{Float64Builder, Int32Builder, ListBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, UInt8Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int32Array, LargeListArray,
    ListArray, RecordBatch, StructArray, UInt8Array, UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use quarrel_functions::histogram::native::{CounterReset, Layout};

use super::SeriesBatch;
use super::histograms::{Columns, HistogramItems, LayoutRun, NONE};

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

/// The hints by their numbers in the column `counter_reset`.
const HINTS: [CounterReset; 4] = [
    CounterReset::Unknown,
    CounterReset::Reset,
    CounterReset::NoReset,
    CounterReset::Gauge,
];

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
    let there: NullBuffer = places.iter().map(|&place| place != NONE).collect();
    let keys = UInt32Array::new(places, Some(there));
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
    let mut compact = Vec::with_capacity(columns.counts.len());
    let mut widths = Vec::with_capacity(columns.counts.len());
    for (number, run) in columns.runs.iter().enumerate() {
        let rows = run.end - run.start;
        layouts.resize(layouts.len() + rows, number as u32);
        compact.resize(compact.len() + rows, run.compact);
        widths.resize(widths.len() + rows, run.layout.width());
    }
    let number = |hint: &CounterReset| HINTS.iter().position(|h| h == hint).unwrap_or(0) as u8;
    let hints: Vec<u8> = columns.hints.iter().map(number).collect();
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
        Arc::new(BooleanArray::from(compact)),
        Arc::new(UInt8Array::from(hints)),
        Arc::new(Float64Array::new(columns.zero_counts, None)),
        Arc::new(Float64Array::new(columns.counts, None)),
        Arc::new(Float64Array::new(columns.sums, None)),
        Arc::new(buckets),
    ];
    StructArray::new(HISTOGRAM.clone(), arrays, None)
}

fn layouts_of(runs: &[LayoutRun]) -> StructArray {
    let layouts = || runs.iter().map(|run| &run.layout);
    let indices = |side: fn(&Layout) -> &[i32]| {
        let mut list = ListBuilder::new(Int32Builder::new());
        for layout in layouts() {
            list.values().append_slice(side(layout));
            list.append(true);
        }
        Arc::new(list.finish()) as ArrayRef
    };
    let mut bounds = ListBuilder::new(Float64Builder::new());
    for layout in layouts() {
        bounds.values().append_slice(layout.custom_values());
        bounds.append(true);
    }
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(layouts().map(|l| l.schema()).collect::<Int32Array>()),
        Arc::new(
            layouts()
                .map(|l| l.zero_threshold())
                .collect::<Float64Array>(),
        ),
        indices(Layout::positive),
        indices(Layout::negative),
        Arc::new(bounds.finish()),
    ];
    StructArray::new(LAYOUT.clone(), arrays, None)
}

/// A `RecordBatch` that is not a series batch.
#[derive(Debug, thiserror::Error)]
#[error("not a series batch: {0}")]
pub struct NotASeriesBatch(String);

impl TryFrom<&RecordBatch> for SeriesBatch {
    type Error = NotASeriesBatch;

    fn try_from(batch: &RecordBatch) -> Result<Self, NotASeriesBatch> {
        let wrong = || NotASeriesBatch(format!("{:?}", batch.schema()));
        series_batch(batch).ok_or_else(wrong)
    }
}

/// The items of a series batch, absent ones included; 0 for any other batch.
pub(crate) fn items_of(batch: &RecordBatch) -> usize {
    let values = batch.columns().get(2);
    let list = values.and_then(|column| column.as_list_opt::<i32>());
    list.map_or(0, |list| list.values().len())
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
    let whole = keys
        .nulls()
        .is_none_or(|nulls| (0..items).all(|i| nulls.is_valid(i) || keys.values()[i] == NONE));
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
    let hint = |&number: &u8| HINTS.get(usize::from(number)).copied();
    let hints = column(2)?.as_primitive_opt::<UInt8Type>()?.values();
    let buckets = column(6)?.as_list_opt::<i64>()?;
    let columns = Columns {
        hints: hints.iter().map(hint).collect::<Option<_>>()?,
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
        let same = |i: &usize| keys[*i] == keys[start] && compact.value(*i) == compact.value(start);
        let end = (start..keys.len()).take_while(same).count() + start;
        let layout = layout_of(known, keys[start] as usize)?;
        let offsets = &buckets.offsets()[start..=end];
        let width = layout.width() as i64;
        if offsets.windows(2).any(|pair| pair[1] - pair[0] != width) {
            return None;
        }
        runs.push(LayoutRun {
            layout,
            compact: compact.value(start),
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
