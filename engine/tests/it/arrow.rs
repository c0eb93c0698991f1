//! Answers as Arrow record batches and as streams of parts.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMillisecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use futures::StreamExt;
use futures::executor::block_on;
use quarrel_chunks::histogram::{Histogram, HistogramLayout, Span};
use quarrel_engine::storage::Storage;
use quarrel_engine::{ArrowForm, ArrowLayout, QueryOptions, QueryStream, SeriesSet, Value};
use quarrel_storage::memory::{HistogramSample, MemoryStorage};

use crate::fake::Fake;
use crate::support::{at_secs, engine, instant, over_secs, range, store};

const FLOATS: &str = "
    x{a=\"1\"} 1 2 3
    x{a=\"2\",value=\"v\"} 4 _ stale
    x{b=\"3\",timestamp=\"t\"} _ _ 5
";

/// A float at 0 s, histograms at 30 s and 60 s, and a series of floats.
fn mixed() -> Arc<dyn Storage> {
    let memory = MemoryStorage::new();
    memory.append([("__name__", "x")], 0, 1.0).unwrap();
    let histogram = |timestamp, count| HistogramSample {
        timestamp,
        start_timestamp: 0,
        histogram: Histogram {
            layout: HistogramLayout {
                schema: 2,
                zero_threshold: 0.5,
                positive_spans: vec![Span {
                    offset: 1,
                    length: 2,
                }],
                ..HistogramLayout::default()
            },
            count: 2 * count + 1,
            zero_count: 1,
            sum: 7.0,
            buckets: vec![count, count],
            ..Histogram::default()
        },
    };
    let histograms = [histogram(30_000, 3_u64), histogram(60_000, 4)];
    memory
        .append_histograms([("__name__", "x")], &histograms)
        .unwrap();
    let labels = || [("__name__", "x"), ("a", "1")];
    memory.append(labels(), 0, 8.0).unwrap();
    memory.append(labels(), 60_000, 9.0).unwrap();
    Arc::new(memory)
}

fn over(store: &Arc<dyn Storage>, text: &str) -> Value {
    range(store, text, (0, 60, 30)).unwrap().value
}

fn names(batch: &RecordBatch) -> Vec<String> {
    let fields = batch.schema_ref().fields().iter();
    fields.map(|field| field.name().clone()).collect()
}

fn floats(column: &dyn Array) -> Vec<Option<f64>> {
    column.as_primitive::<Float64Type>().iter().collect()
}

fn times(column: &dyn Array) -> Vec<i64> {
    column
        .as_primitive::<TimestampMillisecondType>()
        .values()
        .to_vec()
}

/// A column of labels, `-` where there is none.
fn texts(batch: &RecordBatch, name: &str) -> String {
    let column = batch.column_by_name(name).expect("a column of that name");
    let column = column.as_dictionary::<Int32Type>();
    let values = column.values().as_string::<i32>();
    let text = |key: Option<i32>| key.map_or("-", |key| values.value(key as usize));
    let all: Vec<&str> = column.keys().iter().map(text).collect();
    all.join(" ")
}

fn series(value: &Value) -> &SeriesSet {
    value.series().expect("series")
}

#[test]
fn a_row_of_the_nested_form_is_a_series() {
    let value = over(&store(FLOATS), "x");
    let batch = series(&value).to_arrow().unwrap();
    assert_eq!(names(&batch), ["labels", "timestamps", "values"]);
    let utc = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    assert_eq!(batch.column(1).as_list::<i32>().value_type(), utc);
    assert_eq!(batch.num_rows(), 3);
    let lists = |column: usize, row: usize| batch.column(column).as_list::<i32>().value(row);
    assert_eq!(times(&lists(1, 0)), [0, 30_000, 60_000]);
    assert_eq!(floats(&lists(2, 0)), [Some(1.0), Some(2.0), Some(3.0)]);
    assert_eq!(times(&lists(1, 1)), [0, 30_000]);
    assert_eq!(floats(&lists(2, 1)), [Some(4.0), Some(4.0)]);
    assert_eq!(times(&lists(1, 2)), [60_000]);
    let labels = batch.column(0).as_map().value(1);
    let text = |column: usize| {
        let column = labels.column(column).as_string::<i32>();
        column.iter().flatten().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        (text(0), text(1)),
        ("__name__ a value".into(), "x 2 v".into())
    );
}

#[test]
fn a_row_of_the_tidy_form_is_a_sample() {
    let value = over(&store(FLOATS), "x");
    let batch = series(&value).to_arrow_tidy().unwrap();
    let expected = [
        "__name__",
        "a",
        "b",
        "label_timestamp",
        "label_value",
        "timestamp",
        "value",
    ];
    assert_eq!(names(&batch), expected);
    assert_eq!(texts(&batch, "__name__"), "x x x x x x");
    assert_eq!(texts(&batch, "a"), "1 1 1 2 2 -");
    assert_eq!(texts(&batch, "b"), "- - - - - 3");
    assert_eq!(texts(&batch, "label_timestamp"), "- - - - - t");
    assert_eq!(texts(&batch, "label_value"), "- - - v v -");
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let expected = [0, 30_000, 60_000, 0, 30_000, 60_000];
    assert_eq!(times(column("timestamp")), expected);
    let expected = [1.0, 2.0, 3.0, 4.0, 4.0, 5.0].map(Some);
    assert_eq!(floats(column("value")), expected);
    assert_eq!(column("value").null_count(), 0);
}

#[test]
fn a_label_gives_way_to_the_columns_of_samples() {
    let value = over(&store("x{label_value=\"a\",value=\"b\"} 1"), "x");
    let batch = series(&value).to_arrow_tidy().unwrap();
    assert_eq!(texts(&batch, "label_value"), "a a a");
    assert_eq!(texts(&batch, "label_label_value"), "b b b");
}

#[test]
fn raw_samples_and_vectors_have_both_forms() {
    let store = store(FLOATS);
    let raw = instant(&store, "x{a=~\".+\"}[50s]", 60).unwrap().value;
    let nested = series(&raw).to_arrow().unwrap();
    assert_eq!(nested.num_rows(), 1);
    let list = nested.column(1).as_list::<i32>().value(0);
    assert_eq!(times(&list), [30_000, 60_000]);
    let tidy = raw.to_arrow_tidy().unwrap();
    assert_eq!(texts(&tidy, "a"), "1 1");

    let vector = instant(&store, "sort_desc(x)", 60).unwrap().value;
    let tidy = vector.to_arrow_tidy().unwrap();
    assert_eq!(
        floats(tidy.column_by_name("value").unwrap()),
        [Some(5.0), Some(3.0)]
    );
    assert_eq!(vector.to_arrow().unwrap().num_rows(), 2);

    let none = instant(&store, "nothing", 60).unwrap().value;
    assert_eq!(none.to_arrow().unwrap().num_rows(), 0);
    assert_eq!(
        names(&none.to_arrow_tidy().unwrap()),
        ["timestamp", "value"]
    );
}

#[test]
fn scalars_and_strings_are_a_row_each() {
    let store = store(FLOATS);
    for form in [ArrowForm::Nested, ArrowForm::Tidy] {
        let batch = |text: &str| {
            let value = instant(&store, text, 60).unwrap().value;
            ArrowLayout::new(&value, form).batch(&value).unwrap()
        };
        let number = batch("1 + 1");
        assert_eq!(names(&number), ["timestamp", "value"]);
        assert_eq!(times(number.column(0)), [60_000]);
        assert_eq!(floats(number.column(1)), [Some(2.0)]);
        let text = batch("\"text\"");
        assert_eq!(text.column(1).as_string::<i32>().value(0), "text");
    }
}

#[test]
fn histograms_have_a_column_where_there_are_any() {
    let store = mixed();
    let value = over(&store, "x");
    let nested = value.to_arrow().unwrap();
    let expected = ["labels", "timestamps", "values", "histograms"];
    assert_eq!(names(&nested), expected);
    let values = nested.column(2).as_list::<i32>().value(0);
    assert_eq!(floats(&values), [Some(1.0), None, None]);
    let histograms = nested.column(3).as_list::<i32>();
    let of_first = histograms.value(0);
    assert!(of_first.is_null(0) && of_first.is_valid(1) && of_first.is_valid(2));
    assert_eq!(histograms.value(1).null_count(), 3);

    let tidy = value.to_arrow_tidy().unwrap();
    assert_eq!(
        names(&tidy),
        ["__name__", "a", "timestamp", "value", "histogram"]
    );
    let histograms = tidy.column_by_name("histogram").unwrap().as_struct();
    assert_eq!(histograms.null_count(), 4);
    let column = |name: &str| histograms.column_by_name(name).unwrap();
    let counts = column("count").as_primitive::<Float64Type>();
    assert_eq!((counts.value(1), counts.value(2)), (7.0, 9.0));
    let buckets = column("positive_counts").as_list::<i32>();
    assert_eq!(floats(&buckets.value(2)), [Some(4.0), Some(4.0)]);
    let spans = column("positive_spans").as_list::<i32>().value(1);
    let offsets = spans.as_struct().column(0).as_primitive::<Int32Type>();
    assert_eq!(offsets.values(), &[1]);
    let values = floats(tidy.column_by_name("value").unwrap());
    let expected = [Some(1.0), None, None, Some(8.0), Some(8.0), Some(9.0)];
    assert_eq!(values, expected);

    // Raw samples have them, too; what has none has no column.
    let raw = instant(&store, "x[2m]", 60).unwrap().value;
    assert_eq!(raw.to_arrow().unwrap().num_columns(), 4);
    let floats_alone = over(&store, "x{a=\"1\"}");
    assert_eq!(floats_alone.to_arrow().unwrap().num_columns(), 3);
    assert!(!series(&floats_alone).has_histograms());
}

#[test]
fn parts_have_the_schema_of_the_whole() {
    let value = over(&mixed(), "x");
    let set = series(&value);
    for form in [ArrowForm::Nested, ArrowForm::Tidy] {
        let layout = ArrowLayout::new(&value, form);
        for part in [set.slice(0, 1), set.slice(1, 1), set.slice(0, 0)] {
            let batch = layout.batch(&Value::Matrix(part)).unwrap();
            assert_eq!(batch.schema(), *layout.schema());
        }
        // Of another answer: with histograms, or with other labels.
        let floats = over(&mixed(), "x{a=\"1\"}");
        let layout = ArrowLayout::new(&floats, form);
        assert!(layout.batch(&value).is_err());
        let scalar = Value::Scalar {
            timestamp: 0,
            value: 1.0,
        };
        assert!(layout.batch(&scalar).is_err());
        assert!(ArrowLayout::new(&scalar, form).batch(&value).is_err());
    }
}

#[test]
fn a_stream_gives_parts_and_then_its_trailer() {
    let store = Fake::many("x", 600, 3).store();
    let prepared = engine(2).prepare("rate(x[1m])").unwrap();
    let times = over_secs((0, 60, 30));
    block_on(async {
        let query = prepared.range(Arc::clone(&store), times, QueryOptions::new());
        let result = query.execute().await.unwrap();
        let layout = ArrowLayout::new(&result.value, ArrowForm::Tidy);
        let mut stream = QueryStream::from(result);
        assert_eq!(stream.type_name(), "matrix");
        let (mut parts, mut series, mut rows) = (0, 0, 0);
        while let Some(part) = stream.next().await {
            assert!(stream.trailer().is_none());
            let part = part.unwrap();
            parts += 1;
            series += part.iter().count();
            rows += layout.batch(&part).unwrap().num_rows();
        }
        assert_eq!((parts, series, rows), (3, 600, 1200));
        assert!(stream.next().await.is_none());
        let trailer = stream.trailer().expect("the stream has ended");
        assert_eq!((trailer.infos.len(), trailer.stats.series), (1, 600));

        // A scalar is one part.
        let scalar = engine(2).prepare("1").unwrap();
        let query = scalar.instant(store, at_secs(0), QueryOptions::new());
        let stream = query.stream().await.unwrap();
        let parts: Vec<_> = stream.collect().await;
        assert_eq!(parts.len(), 1);
        assert_eq!(parts[0].as_ref().unwrap().as_scalar(), Some(1.0));
    });
}
