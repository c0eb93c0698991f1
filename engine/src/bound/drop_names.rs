//! Which rows lose name, type and unit when the answer is complete.
//!
//! Without delayed name removal a function takes these labels away at once.
//! With it the function flags its rows, as Prometheus's `DropName` does; their
//! labels stay readable for all that stands above, and the root removes them.

use std::sync::Arc;

use super::RowLabels;
use crate::exec::context::QueryContext;
use crate::labels::LabelList;

/// The drop-name flags of a node's rows.
#[derive(Clone, Debug, Default)]
pub(crate) enum DropNames {
    /// No row has the flag.
    #[default]
    None,
    /// All rows have it.
    All,
    /// Some have it, by number.
    Rows(Arc<[bool]>),
}

impl FromIterator<bool> for DropNames {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let rows: Vec<bool> = rows.into_iter().collect();
        if !rows.contains(&true) {
            DropNames::None
        } else if !rows.contains(&false) {
            DropNames::All
        } else {
            DropNames::Rows(rows.into())
        }
    }
}

impl DropNames {
    /// The flag of a row.
    pub fn get(&self, row: usize) -> bool {
        match self {
            DropNames::None => false,
            DropNames::All => true,
            DropNames::Rows(rows) => rows[row],
        }
    }

    /// The flags of the rows at `order`.
    pub fn take(&self, order: &[u32]) -> DropNames {
        match self {
            DropNames::Rows(_) => order.iter().map(|&row| self.get(row as usize)).collect(),
            same => same.clone(),
        }
    }
}

impl RowLabels {
    /// The same rows with these flags.
    pub fn with_drop_names(self, drop_names: DropNames) -> Self {
        RowLabels { drop_names, ..self }
    }

    /// The labels of rows whose function drops the name: without it, or with
    /// the flag where names are removed when the answer is complete.
    pub fn drop_name(self, context: &QueryContext) -> Self {
        if context.semantics.delayed_name_removal {
            self.with_drop_names(DropNames::All)
        } else {
            self.without_metadata()
        }
    }

    /// The same rows without name, type and unit.
    fn without_metadata(self) -> Self {
        let Some((list, one_name)) = self.list.without_metadata() else {
            return self;
        };
        RowLabels {
            list: Arc::new(list),
            unique: self.unique && one_name,
            drop_names: self.drop_names,
        }
    }

    /// The rows as they stand in the answer: those with the flag lose their
    /// name.
    pub fn finished(self) -> Self {
        match &self.drop_names {
            DropNames::None => self,
            DropNames::All => self.without_metadata().with_drop_names(DropNames::None),
            DropNames::Rows(rows) => RowLabels::new(finished(&self.list, rows)),
        }
    }
}

fn finished(list: &LabelList, drop_names: &[bool]) -> LabelList {
    let mut drop_names = drop_names.iter();
    list.map(|row, out| {
        let drops = drop_names.next().is_some_and(|drops| *drops);
        let kept = row.iter().filter(|l| !(drops && l.name.is_metadata()));
        out.extend(kept.copied());
    })
}
