//! Which rows lose name, type and unit when the answer is complete.
//!
//! Without delayed name removal a function takes these labels away at once.
//! With it the function marks its rows, whose labels stay readable for all
//! that stands above, and the root removes them.

use std::sync::Arc;

use super::RowLabels;
use crate::labels::LabelList;

/// The marks of a node's rows.
#[derive(Clone, Debug, Default)]
pub(crate) enum Marks {
    /// No row is marked.
    #[default]
    None,
    /// All rows are.
    All,
    /// Some are, by number.
    Rows(Arc<[bool]>),
}

impl FromIterator<bool> for Marks {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let rows: Vec<bool> = rows.into_iter().collect();
        if !rows.contains(&true) {
            Marks::None
        } else if !rows.contains(&false) {
            Marks::All
        } else {
            Marks::Rows(rows.into())
        }
    }
}

impl Marks {
    /// Whether a row is marked.
    pub fn get(&self, row: usize) -> bool {
        match self {
            Marks::None => false,
            Marks::All => true,
            Marks::Rows(rows) => rows[row],
        }
    }

    /// The marks of the rows at `order`.
    pub fn take(&self, order: &[u32]) -> Marks {
        match self {
            Marks::Rows(_) => order.iter().map(|&row| self.get(row as usize)).collect(),
            same => same.clone(),
        }
    }
}

impl RowLabels {
    /// The same rows, marked or not.
    pub fn marked(self, marks: Marks) -> Self {
        RowLabels { marks, ..self }
    }

    /// The same rows without name, type and unit.
    pub fn without_metadata(self) -> Self {
        let Some((list, one_name)) = self.list.without_metadata() else {
            return self;
        };
        RowLabels {
            list: Arc::new(list),
            unique: self.unique && one_name,
            marks: self.marks,
        }
    }

    /// The rows as they stand in the answer: marked ones lose their name.
    pub fn finished(self) -> Self {
        match &self.marks {
            Marks::None => self,
            Marks::All => self.without_metadata().marked(Marks::None),
            Marks::Rows(rows) => RowLabels::new(finished(&self.list, rows)),
        }
    }
}

fn finished(list: &LabelList, marks: &[bool]) -> LabelList {
    let mut marks = marks.iter();
    list.map(|row, out| {
        let marked = marks.next().is_some_and(|mark| *mark);
        let kept = row.iter().filter(|l| !(marked && l.name.is_metadata()));
        out.extend(kept.copied());
    })
}
