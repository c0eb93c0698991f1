//! Rows that are equal without their replica labels become one.

use std::cmp::Ordering;

use quarrel_engine::labels::{Label, LabelList, Symbol, Symbols};
use quarrel_engine::storage::{SelectRequest, StorageError};
use rustc_hash::FxHashMap;

/// Rows between two looks at whether the query still wants them.
const ROWS_A_CHECK: usize = 4096;

/// Rows without replica labels, in their order, each made of some rows of the store.
pub(super) struct United {
    pub labels: LabelList,
    /// The rows of the store, row by row, in the order of their replica labels.
    pub rows: Vec<u32>,
    /// Where the rows of each row end in `rows`.
    pub ends: Vec<u32>,
}

/// Unites rows that differ in the labels `names` alone.
///
/// # Errors
/// The end of the query.
pub(super) fn unite(
    labels: &LabelList,
    names: &[Symbol],
    request: &SelectRequest<'_>,
) -> Result<United, StorageError> {
    let control = request.control;
    let stripped_bytes = labels.bytes_of(labels.len());
    control.reserve(2 * stripped_bytes + labels.len() * 4 * size_of::<u32>())?;
    let symbols = request.symbols.read();
    let is_replica = |label: &Label| names.contains(&label.name);
    let mut stripped = LabelList::with_capacity(labels.len(), labels.labels_a_row());
    let mut replicas = Replicas::default();
    let mut of_rows = Vec::with_capacity(labels.len());
    for (row, labels) in labels.iter().enumerate() {
        if row.is_multiple_of(ROWS_A_CHECK) {
            control.check()?;
        }
        stripped.push(labels.iter().copied().filter(|label| !is_replica(label)));
        of_rows.push(replicas.number(labels.iter().copied().filter(is_replica)));
    }
    // Rows of one replica are nearly in order, so that sorting them all is not much
    // more than a merge; replicas of a row stay in the order of their labels.
    let ranks = replicas.ranks(&symbols);
    let mut order: Vec<u32> = (0..labels.len() as u32).collect();
    order.sort_by_key(|&row| ranks[of_rows[row as usize] as usize]);
    let mut stopped = None;
    let mut compared = 0usize;
    order.sort_by(|&a, &b| {
        compared += 1;
        if compared.is_multiple_of(ROWS_A_CHECK) && stopped.is_none() {
            stopped = control.check().err();
        }
        // Sorted or not, nobody wants them any more.
        match stopped {
            Some(_) => Ordering::Equal,
            None => symbols.compare(stripped.get(a as usize), stripped.get(b as usize)),
        }
    });
    if let Some(stopped) = stopped {
        return Err(stopped);
    }
    let mut united = United {
        labels: LabelList::with_capacity(order.len(), stripped.labels_a_row()),
        rows: Vec::with_capacity(order.len()),
        ends: Vec::with_capacity(order.len()),
    };
    let row = |row: u32| stripped.get(row as usize);
    for of_row in order.chunk_by(|&a, &b| row(a) == row(b)) {
        united.labels.push(row(of_row[0]).iter().copied());
        united.rows.extend_from_slice(of_row);
        united.ends.push(united.rows.len() as u32);
    }
    control.check()?;
    Ok(united)
}

/// The replica labels of rows, of which there are few.
#[derive(Default)]
struct Replicas {
    numbers: FxHashMap<Vec<Label>, u32>,
    last: Option<(Vec<Label>, u32)>,
}

impl Replicas {
    fn number(&mut self, labels: impl Iterator<Item = Label> + Clone) -> u32 {
        if let Some((last, number)) = &self.last
            && last.iter().copied().eq(labels.clone())
        {
            return *number;
        }
        let labels: Vec<Label> = labels.collect();
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(labels.clone()).or_insert(next);
        self.last = Some((labels, number));
        number
    }

    /// The place of each in the order of their labels.
    fn ranks(&self, symbols: &Symbols<'_>) -> Vec<u32> {
        let mut sorted: Vec<(&Vec<Label>, u32)> =
            self.numbers.iter().map(|(l, n)| (l, *n)).collect();
        sorted.sort_by(|a, b| symbols.compare(a.0, b.0));
        let mut ranks = vec![0; sorted.len()];
        for (rank, (_, number)) in sorted.into_iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        ranks
    }
}
