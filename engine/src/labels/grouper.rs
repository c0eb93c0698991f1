//! Numbers of label sets.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::{Label, LabelList};

/// Numbers label sets in order of first appearance.
#[derive(Default, Debug)]
pub struct Grouper {
    ids: HashTable<u32>,
    /// The sets, by number.
    sets: LabelList,
    /// The set that was asked for last: rows of a group often come together.
    last: u32,
}

fn hash(labels: &[Label]) -> u64 {
    let mut hasher = FxHasher::default();
    for label in labels {
        hasher.write_u64(u64::from(label.name.0) << 32 | u64::from(label.value.0));
    }
    hasher.finish()
}

impl Grouper {
    /// The number of `labels`, a new one if the set was not seen yet.
    pub fn id_of(&mut self, labels: &[Label]) -> u32 {
        let last = self.last as usize;
        if last < self.sets.len() && self.sets.get(last) == labels {
            return self.last;
        }
        self.last = self.find(labels).unwrap_or_else(|| self.add(labels));
        self.last
    }

    fn add(&mut self, labels: &[Label]) -> u32 {
        let id = self.sets.len() as u32;
        self.sets.push(labels.iter().copied());
        let sets = &self.sets;
        self.ids
            .insert_unique(hash(labels), id, |&id| hash(sets.get(id as usize)));
        id
    }

    /// The number of `labels` if the set was seen.
    pub fn find(&self, labels: &[Label]) -> Option<u32> {
        let is_it = |&id: &u32| self.sets.get(id as usize) == labels;
        self.ids.find(hash(labels), is_it).copied()
    }

    /// How many sets were seen.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether no set was seen.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The sets that were seen, by number.
    pub fn into_sets(self) -> LabelList {
        self.sets
    }
}
