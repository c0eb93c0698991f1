//! An answer as an Arrow record batch, with labels spelled out: the form for
//! other processes and other engines.

use std::sync::{Arc, LazyLock};

use arrow_array::RecordBatch;
use arrow_array::builder::{
    Float64Builder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::histograms::{self, HistogramLists};
use super::{SampleValue, SeriesSet};

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let entries = Field::new(
        "entries",
        DataType::Struct(
            vec![
                Field::new("keys", DataType::Utf8, false),
                Field::new("values", DataType::Utf8, true),
            ]
            .into(),
        ),
        false,
    );
    let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
    Arc::new(Schema::new(vec![
        Field::new("labels", DataType::Map(Arc::new(entries), false), false),
        Field::new(
            "timestamps",
            list(DataType::Timestamp(TimeUnit::Millisecond, None)),
            false,
        ),
        Field::new("values", list(DataType::Float64), false),
        Field::new("histograms", list(histograms::data_type()), false),
    ]))
});

impl SeriesSet {
    /// The schema of [`SeriesSet::to_arrow`].
    pub fn arrow_schema() -> SchemaRef {
        Arc::clone(&SCHEMA)
    }

    /// One row a series: `labels` (`Map<Utf8, Utf8>`, sorted by name),
    /// `timestamps` (`List<Timestamp(ms)>`), `values` (`List<Float64>`) and
    /// `histograms` (`List<Struct>`) of equal length: a sample is in one of the
    /// last two, and null in the other. A histogram has the fields of
    /// Prometheus's protocols: `schema`, `zero_threshold`, `zero_count`,
    /// `count`, `sum`, `counter_reset` (0: unknown, 1: yes, 2: no, 3: gauge),
    /// spans of buckets and their counts on either side of zero, and
    /// `custom_values`.
    ///
    /// # Errors
    /// When the answer is larger than Arrow's 32-bit offsets reach; take
    /// [`SeriesSet::slice`]s then.
    pub fn to_arrow(&self) -> Result<RecordBatch, ArrowError> {
        let samples: usize = self.iter().map(|s| s.points().count()).sum();
        if i32::try_from(samples).is_err() {
            let message = format!("{samples} samples do not fit into one record batch");
            return Err(ArrowError::InvalidArgumentError(message));
        }
        let names = MapFieldNames {
            entry: "entries".into(),
            key: "keys".into(),
            value: "values".into(),
        };
        let mut labels = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
        let mut timestamps = ListBuilder::new(TimestampMillisecondBuilder::new());
        let mut values = ListBuilder::new(Float64Builder::new());
        let mut histograms = HistogramLists::default();
        let symbols = self.symbols().read();
        for series in self.iter() {
            for label in series.labels() {
                labels.keys().append_value(symbols.get(label.name));
                labels.values().append_value(symbols.get(label.value));
            }
            labels.append(true)?;
            for point in series.points() {
                timestamps.values().append_value(point.timestamp);
                match point.value {
                    SampleValue::Float(value) => {
                        values.values().append_value(value);
                        histograms.append(None);
                    }
                    SampleValue::Histogram(h) => {
                        values.values().append_null();
                        histograms.append(Some(&h));
                    }
                }
            }
            timestamps.append(true);
            values.append(true);
            histograms.end_row();
        }
        RecordBatch::try_new(
            Self::arrow_schema(),
            vec![
                Arc::new(labels.finish()),
                Arc::new(timestamps.finish()),
                Arc::new(values.finish()),
                Arc::new(histograms.finish()),
            ],
        )
    }
}
