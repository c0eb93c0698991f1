//! Rows of several parts, united.

use quarrel_engine::labels::{LabelList, SymbolTable};
use quarrel_engine::storage::{SelectControl, StorageError};

use crate::sorted::merge_sorted;

/// Rows between two questions whether the query still wants the answer.
const ROWS_A_CHECK: usize = 4096;

/// The rows of a part.
#[derive(Debug)]
pub(super) struct PartRows {
    /// The labels of all of its rows.
    pub(super) labels: LabelList,
    /// Those that are wanted, in order of their labels.
    pub(super) rows: Vec<u32>,
}

impl PartRows {
    /// Brings the rows in order of their labels.
    pub(super) fn sort(&mut self, symbols: &SymbolTable) {
        let symbols = symbols.read();
        let PartRows { labels, rows } = self;
        rows.sort_by(|&a, &b| symbols.compare(labels.get(a as usize), labels.get(b as usize)));
    }
}

/// For each row of an answer, which rows of which parts it has.
#[derive(Debug, Default)]
pub(super) struct United {
    /// Part and row.
    pub(super) members: Vec<(u32, u32)>,
    /// The end of each row's members.
    pub(super) ends: Vec<u32>,
}

/// One row for each label set.
///
/// # Errors
/// The end of the query.
pub(super) fn unite(
    parts: &[PartRows],
    symbols: &SymbolTable,
    control: &dyn SelectControl,
) -> Result<(LabelList, United), StorageError> {
    let of_part = |(part, list): (usize, &PartRows)| {
        let rows = list.rows.iter();
        rows.map(|&row| (part as u32, row)).collect::<Vec<_>>()
    };
    let lists = parts.iter().enumerate().map(of_part).collect();
    let labels_of = |&(part, row): &(u32, u32)| parts[part as usize].labels.get(row as usize);
    let merged = {
        let symbols = symbols.read();
        merge_sorted(lists, &mut |a, b| {
            symbols.compare(labels_of(a), labels_of(b))
        })
    };
    let mut labels = LabelList::with_capacity(merged.len(), 8);
    let mut ends: Vec<u32> = Vec::with_capacity(merged.len());
    let mut before = None;
    for (number, member) in merged.iter().enumerate() {
        if number.is_multiple_of(ROWS_A_CHECK) {
            control.check()?;
        }
        let own = labels_of(member);
        if before.replace(own) != Some(own) {
            labels.push(own.iter().copied());
            ends.push(number as u32);
        }
        if let Some(end) = ends.last_mut() {
            *end = number as u32 + 1;
        }
    }
    let members = merged;
    Ok((labels, United { members, ends }))
}
