//! Groups of which some rows have the drop-name flag and some have not.
//!
//! A group has the flag if any of its samples of one step has, and the last step
//! that has a result decides, as in Prometheus. That is known when the
//! samples come: such a group has two rows, a dropped-name variant and another, and one
//! of them gets all samples.

use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_functions::histogram::native::StepHistograms;
use rustc_hash::FxHashMap;

use super::grouping::Groups;
use crate::batch::Row;
use crate::bound::{DropNames, RowLabels};

/// What is known of mixed groups from labels alone.
#[derive(Debug)]
pub(crate) struct Mixed {
    /// The drop_names of the input's rows.
    drop_names: DropNames,
    /// The dropped-name variant of each mixed group.
    variants: FxHashMap<u32, u32>,
}

impl Groups {
    /// The rows of the groups, from the drop_names of the input; and what is mixed.
    /// Takes the groups' labels.
    pub fn take_rows(&mut self, drop_names: &DropNames) -> (RowLabels, Option<Arc<Mixed>>) {
        let labels = RowLabels::unique(std::mem::take(&mut self.labels));
        let groups = labels.list.len();
        if !matches!(drop_names, DropNames::Rows(_)) {
            return (labels.with_drop_names(drop_names.clone()), None);
        }
        let mut kinds = vec![(false, false); groups];
        for (row, &group) in self.of_row.iter().enumerate() {
            let (dropped, others) = &mut kinds[group as usize];
            *(if drop_names.get(row) { dropped } else { others }) = true;
        }
        let mixed: Vec<u32> = (0..groups as u32)
            .filter(|&group| kinds[group as usize] == (true, true))
            .collect();
        let mut out: Vec<bool> = kinds.iter().map(|kind| *kind == (true, false)).collect();
        out.resize(groups + mixed.len(), true);
        if mixed.is_empty() {
            return (labels.with_drop_names(out.into_iter().collect()), None);
        }
        let order: Vec<u32> = (0..groups as u32).chain(mixed.iter().copied()).collect();
        let labels =
            RowLabels::new(labels.list.take(&order)).with_drop_names(out.into_iter().collect());
        let variants = mixed.into_iter().zip(groups as u32..).collect();
        let mixed = Mixed {
            drop_names: drop_names.clone(),
            variants,
        };
        (labels, Some(Arc::new(mixed)))
    }
}

/// At which steps mixed groups have samples with the drop-name flag.
#[derive(Debug)]
pub(crate) struct DroppedNameSteps {
    mixed: Arc<Mixed>,
    steps: usize,
    of_group: Mutex<FxHashMap<u32, Vec<bool>>>,
}

impl DroppedNameSteps {
    /// No samples yet.
    pub fn new(mixed: &Arc<Mixed>, steps: usize) -> Self {
        DroppedNameSteps {
            mixed: Arc::clone(mixed),
            steps,
            of_group: Mutex::default(),
        }
    }

    /// The bytes that this can come to.
    pub fn bytes(&self) -> usize {
        self.mixed.variants.len() * self.steps
    }

    /// Takes annotation of a row of a group, in any order.
    pub fn add(&self, group: u32, row: &Row<'_>) {
        if !self.mixed.variants.contains_key(&group)
            || !self.mixed.drop_names.get(row.series as usize)
        {
            return;
        }
        let mut of_group = self.of_group.lock();
        let dropped = of_group
            .entry(group)
            .or_insert_with(|| vec![false; self.steps]);
        let first = row.first_step as usize;
        for i in row.samples() {
            dropped[first + i] = true;
        }
    }

    /// The number of the row that gets a group's results.
    pub fn row_of(&self, group: u32, present: &[bool], histograms: &StepHistograms) -> u32 {
        let of_group = self.of_group.lock();
        let dropped = of_group.get(&group).is_some_and(|dropped| {
            let last = present.iter().rposition(|&p| p);
            let last = last.max(histograms.steps().last().map(|&step| step as usize));
            last.is_some_and(|last| dropped[last])
        });
        match self.mixed.variants.get(&group) {
            Some(&variant) if dropped => variant,
            _ => group,
        }
    }
}
