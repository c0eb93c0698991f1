//! The series of an answer in its order: by labels without those that the answer
//! leaves out.

use std::cmp::Ordering;
use std::sync::Arc;

use quarrel_engine::labels::{LabelList, Symbol, SymbolTable, Symbols};
use quarrel_engine::{MemoryPool, Reservation, SeriesLabels};
use tonic::Status;

use crate::wire;

/// Field number of the labels in `Series`.
const LABELS: u32 = 1;

/// The series of an answer.
#[derive(Debug)]
pub(super) struct Rows {
    /// Their labels, by their numbers in the store's answer.
    labels: LabelList,
    symbols: Arc<SymbolTable>,
    /// Those numbers in the answer's order; `None` if it is the same.
    order: Option<Vec<u32>>,
    len: usize,
    _memory: Option<Reservation>,
}

impl Rows {
    /// At most `limit` series (0: all), without labels of some names.
    ///
    /// # Errors
    /// If there is no memory to sort them.
    pub(super) fn new(
        series: &SeriesLabels,
        without: &[String],
        limit: usize,
        pool: &MemoryPool,
    ) -> Result<Self, Status> {
        let len = series.labels.len();
        let mut rows = Rows {
            labels: series.labels.clone(),
            symbols: Arc::clone(&series.symbols),
            order: None,
            len: if limit > 0 { len.min(limit) } else { len },
            _memory: None,
        };
        let symbols = series.symbols.read();
        let names: Vec<Symbol> = without
            .iter()
            .filter_map(|name| symbols.find(name))
            .collect();
        let is_left_out = |row: &[_]| {
            let mut row = row.iter();
            row.any(|label: &quarrel_engine::labels::Label| names.contains(&label.name))
        };
        if names.is_empty() || !rows.labels.iter().any(is_left_out) {
            return Ok(rows);
        }
        let bytes = rows.labels.bytes_of(len) + len * size_of::<u32>();
        let memory = pool.reserve(bytes as u64);
        rows._memory = Some(memory.ok_or_else(|| {
            Status::unavailable(format!("there is no memory to sort {len} series"))
        })?);
        rows.labels = rows.labels.map(|row, out| {
            out.extend(row.iter().filter(|label| !names.contains(&label.name)));
        });
        let mut order: Vec<u32> = (0..len as u32).collect();
        order.sort_by(|&a, &b| rows.compare(a, b, &symbols));
        rows.order = Some(order);
        Ok(rows)
    }

    fn compare(&self, a: u32, b: u32, symbols: &Symbols<'_>) -> Ordering {
        symbols.compare(self.labels.get(a as usize), self.labels.get(b as usize))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of series `at` in the store's answer.
    pub(super) fn row(&self, at: usize) -> u32 {
        self.order.as_ref().map_or(at as u32, |order| order[at])
    }

    pub(super) fn symbols(&self) -> Symbols<'_> {
        self.symbols.read()
    }

    /// Appends the labels of series `at`, as fields of `Series`.
    pub(super) fn write(&self, at: usize, symbols: &Symbols<'_>, out: &mut Vec<u8>) {
        for label in self.labels.get(self.row(at) as usize) {
            let (name, value) = (symbols.get(label.name), symbols.get(label.value));
            wire::label(out, LABELS, name, value);
        }
    }

    /// The labels of series `at` as an error shows them.
    pub(super) fn display(&self, at: usize) -> String {
        let row = self.labels.get(self.row(at) as usize);
        self.symbols.read().display_braces(row)
    }
}
