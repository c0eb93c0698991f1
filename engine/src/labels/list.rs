//! The label sets of rows.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Grouper, Label};

/// The label sets of a plan node's rows, row by row. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LabelList {
    columns: Arc<Columns>,
    /// How many labels are left out at the beginning of each row: where all rows
    /// begin with the same name, the list without it is the same columns.
    skip: u32,
}

#[derive(Clone, Debug, Default)]
struct Columns {
    labels: Vec<Label>,
    ends: Vec<u32>,
}

impl Columns {
    fn with_capacity(rows: usize, labels: usize) -> Self {
        Columns {
            labels: Vec::with_capacity(labels),
            ends: Vec::with_capacity(rows),
        }
    }

    fn push(&mut self, labels: impl IntoIterator<Item = Label>) {
        self.labels.extend(labels);
        self.end_row();
    }

    fn end_row(&mut self) {
        let end = u32::try_from(self.labels.len()).expect("a label list stays below 2^32 labels");
        self.ends.push(end);
    }
}

impl From<Columns> for LabelList {
    fn from(columns: Columns) -> Self {
        LabelList {
            columns: Arc::new(columns),
            skip: 0,
        }
    }
}

impl LabelList {
    /// A list without rows.
    pub fn new() -> Self {
        LabelList::default()
    }

    /// A list of one row without labels, as scalars have it.
    pub fn one_empty() -> Self {
        let mut list = LabelList::new();
        list.push([]);
        list
    }

    /// Room for `rows` rows of about `labels` labels each.
    pub fn with_capacity(rows: usize, labels: usize) -> Self {
        Columns::with_capacity(rows, rows * labels).into()
    }

    /// The columns, to append rows to.
    fn columns_mut(&mut self) -> &mut Columns {
        if self.skip > 0 {
            *self = self.map(|row, out| out.extend_from_slice(row));
        }
        Arc::make_mut(&mut self.columns)
    }

    /// Appends a row; its labels are sorted by name and none has an empty value.
    pub fn push(&mut self, labels: impl IntoIterator<Item = Label>) {
        self.columns_mut().push(labels);
    }

    /// Appends all rows of another list.
    pub fn append(&mut self, rows: &LabelList) {
        let columns = self.columns_mut();
        if rows.skip > 0 {
            return rows
                .iter()
                .for_each(|row| columns.push(row.iter().copied()));
        }
        let before = columns.labels.len();
        let total = before + rows.columns.labels.len();
        u32::try_from(total).expect("a label list stays below 2^32 labels");
        columns.labels.extend_from_slice(&rows.columns.labels);
        let ends = rows.columns.ends.iter();
        columns.ends.extend(ends.map(|end| before as u32 + end));
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.columns.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.columns.ends.is_empty()
    }

    /// The labels of a row.
    pub fn get(&self, row: usize) -> &[Label] {
        let Columns { labels, ends } = &*self.columns;
        let start = if row == 0 { 0 } else { ends[row - 1] };
        &labels[(start + self.skip) as usize..ends[row] as usize]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Label]> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Bytes that the list holds.
    pub fn bytes(&self) -> usize {
        let Columns { labels, ends } = &*self.columns;
        labels.capacity() * size_of::<Label>() + ends.capacity() * size_of::<u32>()
    }

    /// Whether the other list holds the same memory.
    pub fn shares(&self, other: &LabelList) -> bool {
        Arc::ptr_eq(&self.columns, &other.columns)
    }

    /// About the bytes that `rows` of its rows hold.
    pub fn bytes_of(&self, rows: usize) -> usize {
        rows * (self.labels_a_row() * size_of::<Label>() + size_of::<u32>())
    }

    /// How many labels a row has, about.
    pub fn labels_a_row(&self) -> usize {
        self.columns.labels.len().div_ceil(self.len().max(1))
    }

    /// The rows at `order`, in that order.
    pub fn take(&self, order: &[u32]) -> LabelList {
        let mut out = Columns::with_capacity(order.len(), order.len() * self.labels_a_row());
        for &row in order {
            out.push(self.get(row as usize).iter().copied());
        }
        out.into()
    }

    /// Every row changed by `edit`, which gets the row's labels and an empty
    /// buffer to fill.
    pub fn map(&self, mut edit: impl FnMut(&[Label], &mut Vec<Label>)) -> LabelList {
        let mut out = Columns::with_capacity(self.len(), self.columns.labels.len());
        let mut buffer = Vec::new();
        for row in self.iter() {
            buffer.clear();
            edit(row, &mut buffer);
            out.push(buffer.iter().copied());
        }
        out.into()
    }

    /// Every row without its metric name, type and unit, and whether all rows
    /// had the same of these, so that rows that differed still differ. `None`
    /// if no row has any.
    pub fn without_metadata(&self) -> Option<(LabelList, bool)> {
        let first = self.iter().next().map(metadata)?;
        if self.all_begin_with(&first) {
            let list = LabelList {
                columns: Arc::clone(&self.columns),
                skip: self.skip + first.len() as u32,
            };
            return (!first.is_empty()).then_some((list, true));
        }
        let same = self.has_one_metadata();
        let list =
            self.map(|row, out| out.extend(row.iter().copied().filter(|l| !l.name.is_metadata())));
        Some((list, same))
    }

    /// Whether all rows have the same name, type and unit.
    pub fn has_one_metadata(&self) -> bool {
        let mut rows = self.iter().map(metadata);
        let Some(first) = rows.next() else {
            return true;
        };
        self.all_begin_with(&first) || rows.all(|row| row == first)
    }

    /// Whether all rows begin with these labels and have no other metadata.
    fn all_begin_with(&self, metadata: &[Label]) -> bool {
        self.iter().all(|row| {
            row.split_at_checked(metadata.len())
                .is_some_and(|(begin, rest)| {
                    begin == metadata && !rest.iter().any(|label| label.name.is_metadata())
                })
        })
    }

    /// Whether each row's symbols are above those of the row before, so that all
    /// differ. Rows of a store often are: they come sorted by text, and symbols
    /// of lent strings are, too.
    pub fn ascends(&self) -> bool {
        let mut rows = self.iter();
        let Some(mut before) = rows.next() else {
            return true;
        };
        rows.all(|row| std::mem::replace(&mut before, row) < row)
    }

    /// Groups equal rows: for each row the number of its group, in order of
    /// first appearance, and the number of groups.
    pub fn distinct(&self) -> (Vec<u32>, usize) {
        if self.ascends() {
            return ((0..self.len() as u32).collect(), self.len());
        }
        let mut groups = Grouper::default();
        let ids = self.iter().map(|row| groups.id_of(row)).collect();
        (ids, groups.len())
    }
}

/// The labels of a row that are metadata.
fn metadata(row: &[Label]) -> SmallVec<[Label; 3]> {
    let own = row.iter().copied();
    own.filter(|label| label.name.is_metadata()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Symbol;

    fn labels(pairs: &[(u32, u32)]) -> Vec<Label> {
        let label = |&(name, value): &(u32, u32)| Label {
            name: Symbol(name),
            value: Symbol(value),
        };
        pairs.iter().map(label).collect()
    }

    fn list(rows: &[&[(u32, u32)]]) -> LabelList {
        let mut list = LabelList::new();
        rows.iter().for_each(|row| list.push(labels(row)));
        list
    }

    fn rows(list: &LabelList) -> Vec<Vec<Label>> {
        list.iter().map(<[Label]>::to_vec).collect()
    }

    const NAME: u32 = Symbol::NAME.0;
    const UNIT: u32 = Symbol::UNIT.0;

    #[test]
    fn one_name_in_front_goes_without_a_copy() {
        let named = list(&[&[(NAME, 9), (10, 1)], &[(NAME, 9)], &[(NAME, 9), (10, 2)]]);
        let (mut bare, same) = named.without_metadata().unwrap();
        assert!(same && bare.shares(&named));
        let expected = [labels(&[(10, 1)]), labels(&[]), labels(&[(10, 2)])];
        assert_eq!(rows(&bare), expected);
        assert!(bare.without_metadata().is_none());
        assert_eq!(bare.take(&[2]).get(0), labels(&[(10, 2)]));
        // What is appended is not cut.
        bare.push(labels(&[(10, 3)]));
        assert_eq!(bare.get(3), labels(&[(10, 3)]));
        assert_eq!((bare.get(0), named.len()), (&labels(&[(10, 1)])[..], 3));
    }

    #[test]
    fn names_that_differ_or_stand_behind_others_are_cut_out() {
        for (of, same) in [
            (list(&[&[(NAME, 8), (10, 1)], &[(NAME, 9), (10, 2)]]), false),
            (list(&[&[(10, 1), (NAME, 9)], &[(10, 2), (NAME, 9)]]), true),
            (list(&[&[(10, 1)], &[(NAME, 9), (10, 2)]]), false),
            (
                list(&[&[(NAME, 9), (10, 1)], &[(NAME, 9), (10, 2), (UNIT, 7)]]),
                false,
            ),
        ] {
            let (bare, one) = of.without_metadata().unwrap();
            assert_eq!(rows(&bare), [labels(&[(10, 1)]), labels(&[(10, 2)])]);
            assert_eq!((one, of.has_one_metadata()), (same, same));
        }
        assert!(list(&[&[(10, 1)]]).without_metadata().is_none());
        assert!(LabelList::new().has_one_metadata());
    }

    #[test]
    fn lists_are_appended_row_by_row() {
        let mut all = list(&[&[(NAME, 9), (10, 1)]]);
        let more = list(&[&[(NAME, 9), (10, 2)], &[(NAME, 9)]]);
        all.append(&more);
        all.append(&more.without_metadata().unwrap().0);
        let expected = [
            labels(&[(NAME, 9), (10, 1)]),
            labels(&[(NAME, 9), (10, 2)]),
            labels(&[(NAME, 9)]),
            labels(&[(10, 2)]),
            labels(&[]),
        ];
        assert_eq!(rows(&all), expected);
    }
}
