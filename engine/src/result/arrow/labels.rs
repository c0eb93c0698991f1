//! The labels of an answer: a map for each series, or a column for each label.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow_array::builder::{NullBufferBuilder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, MapArray, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields};
use rustc_hash::{FxHashMap, FxHashSet};

use super::types::invalid;
use crate::labels::{Symbol, SymbolTable, Symbols};
use crate::result::series::SeriesSet;

fn map_fields() -> Fields {
    vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Utf8, false),
    ]
    .into()
}

fn map_entries() -> Field {
    Field::new("entries", DataType::Struct(map_fields()), false)
}

/// The type of label maps.
pub(super) fn map_type() -> DataType {
    DataType::Map(Arc::new(map_entries()), false)
}

/// Strings one after the other.
fn texts(
    symbols: &Symbols<'_>,
    all: impl Iterator<Item = Symbol> + Clone,
) -> Result<StringArray, ArrowError> {
    let bytes: usize = all.clone().map(|symbol| symbols.get(symbol).len()).sum();
    if i32::try_from(bytes).is_err() {
        let message = format!("{bytes} bytes of labels do not fit into one record batch");
        return Err(invalid(message));
    }
    let mut builder = StringBuilder::with_capacity(all.clone().count(), bytes);
    for symbol in all {
        builder.append_value(symbols.get(symbol));
    }
    Ok(builder.finish())
}

/// A map of labels for each series.
pub(super) fn maps(set: &SeriesSet) -> Result<MapArray, ArrowError> {
    let symbols = set.symbols().read();
    let all = || set.iter().flat_map(|series| series.labels());
    let keys = texts(&symbols, all().map(|label| label.name))?;
    let values = texts(&symbols, all().map(|label| label.value))?;
    let offsets = OffsetBuffer::from_lengths(set.iter().map(|series| series.labels().len()));
    let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(values)];
    let entries = StructArray::try_new(map_fields(), columns, None)?;
    MapArray::try_new(Arc::new(map_entries()), offsets, entries, None, false)
}

/// A column for each label name of an answer.
#[derive(Debug)]
pub(super) struct LabelColumns {
    symbols: Arc<SymbolTable>,
    /// The column of each label name.
    index: FxHashMap<Symbol, usize>,
    /// The columns' names.
    names: Vec<String>,
}

/// The name of a label's column: not one of `reserved`, and no other label's.
fn column_name(label: &str, reserved: &[&str], labels: &FxHashSet<&str>) -> String {
    let mut name = label.to_string();
    if reserved.contains(&label) {
        while reserved.contains(&name.as_str()) || labels.contains(name.as_str()) {
            name.insert_str(0, "label_");
        }
    }
    name
}

impl LabelColumns {
    /// The columns of all labels in a set; none is named as one of `reserved`.
    pub fn of(set: &SeriesSet, reserved: &[&str]) -> Self {
        let symbols = set.symbols().read();
        let labels = set.iter().flat_map(|series| series.labels());
        let distinct: FxHashSet<Symbol> = labels.map(|label| label.name).collect();
        let mut sorted: Vec<Symbol> = distinct.into_iter().collect();
        sorted.sort_unstable_by(|a, b| symbols.get(*a).cmp(symbols.get(*b)));
        let labels: FxHashSet<&str> = sorted.iter().map(|&name| symbols.get(name)).collect();
        let names = sorted.iter().map(|&name| symbols.get(name));
        LabelColumns {
            names: names
                .map(|name| column_name(name, reserved, &labels))
                .collect(),
            index: sorted
                .iter()
                .enumerate()
                .map(|(i, &name)| (name, i))
                .collect(),
            symbols: Arc::clone(set.symbols()),
        }
    }

    /// The columns' fields.
    pub fn fields(&self) -> Vec<Field> {
        let data_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let field = |name: &String| Field::new(name, data_type.clone(), true);
        self.names.iter().map(field).collect()
    }

    /// The labels of each series, repeated for all of its samples. `None` if
    /// the set is of another answer.
    pub fn repeated(
        &self,
        set: &SeriesSet,
        lengths: &[usize],
    ) -> Option<Result<Vec<ArrayRef>, ArrowError>> {
        if !Arc::ptr_eq(&self.symbols, set.symbols()) {
            return None;
        }
        let rows = lengths.iter().sum();
        let mut columns: Vec<_> = self.names.iter().map(|_| Column::new(rows)).collect();
        let mut keys: Vec<Option<i32>> = vec![None; columns.len()];
        for (series, &samples) in set.iter().zip(lengths) {
            keys.fill(None);
            for label in series.labels() {
                let column = *self.index.get(&label.name)?;
                keys[column] = Some(columns[column].key(label.value));
            }
            for (column, key) in columns.iter_mut().zip(&keys) {
                column.append(*key, samples);
            }
        }
        let symbols = self.symbols.read();
        let columns = columns.into_iter().map(|column| column.finish(&symbols));
        Some(columns.collect())
    }
}

/// Builds a column of label values as a dictionary.
struct Column {
    keys: Vec<i32>,
    nulls: NullBufferBuilder,
    index: FxHashMap<Symbol, i32>,
    values: Vec<Symbol>,
}

impl Column {
    fn new(rows: usize) -> Self {
        Column {
            keys: Vec::with_capacity(rows),
            nulls: NullBufferBuilder::new(rows),
            index: FxHashMap::default(),
            values: Vec::new(),
        }
    }

    /// The dictionary's key of a value. Values are distinct and not empty, so
    /// that [`texts`] refuses more of them than there are keys.
    fn key(&mut self, value: Symbol) -> i32 {
        let next = self.values.len() as i32;
        *self.index.entry(value).or_insert_with(|| {
            self.values.push(value);
            next
        })
    }

    fn append(&mut self, key: Option<i32>, samples: usize) {
        self.keys.extend(repeat_n(key.unwrap_or(0), samples));
        match key {
            Some(_) => self.nulls.append_n_non_nulls(samples),
            None => self.nulls.append_n_nulls(samples),
        }
    }

    fn finish(mut self, symbols: &Symbols<'_>) -> Result<ArrayRef, ArrowError> {
        let keys = Int32Array::try_new(self.keys.into(), self.nulls.finish())?;
        let values = texts(symbols, self.values.iter().copied())?;
        let column = DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))?;
        Ok(Arc::new(column))
    }
}
