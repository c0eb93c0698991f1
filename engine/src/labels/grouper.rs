//! Numbers of label sets.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::{Label, LabelList};

/// Numbers label sets in order of first appearance.
#[derive(Default, Debug)]
pub struct Grouper {
    ids: HashTable<Entry>,
    /// The sets, by number.
    sets: LabelList,
    /// The set that was asked for last: rows of a group often come together.
    last: u32,
}

/// A set in the table, with half of its hash: a table that grows looks at no
/// labels.
#[derive(Debug)]
struct Entry {
    hash: u32,
    id: u32,
}

fn hash(labels: &[Label]) -> u32 {
    let mut hasher = FxHasher::default();
    for label in labels {
        hasher.write_u64(u64::from(label.name.0) << 32 | u64::from(label.value.0));
    }
    (hasher.finish() >> 16) as u32
}

/// The hash for the table, which looks at its lowest and its highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Grouper {
    /// The number of `labels`, a new one if the set was not seen yet.
    pub fn id_of(&mut self, labels: &[Label]) -> u32 {
        if self.is_last(labels) {
            return self.last;
        }
        let hash = hash(labels);
        self.last = match self.find_hashed(hash, labels) {
            Some(id) => id,
            None => self.add(hash, labels),
        };
        self.last
    }

    fn add(&mut self, hash: u32, labels: &[Label]) -> u32 {
        let id = self.sets.len() as u32;
        self.sets.push(labels.iter().copied());
        let entry = Entry { hash, id };
        self.ids
            .insert_unique(spread(hash), entry, |entry| spread(entry.hash));
        id
    }

    fn find_hashed(&self, hash: u32, labels: &[Label]) -> Option<u32> {
        let is_it =
            |entry: &Entry| entry.hash == hash && self.sets.get(entry.id as usize) == labels;
        let found = self.ids.find(spread(hash), is_it);
        found.map(|entry| entry.id)
    }

    /// The number of `labels` if the set was seen.
    pub fn find(&self, labels: &[Label]) -> Option<u32> {
        self.find_hashed(hash(labels), labels)
    }

    /// As [`Grouper::find`], for sets that are often the one before.
    pub fn find_next(&mut self, labels: &[Label]) -> Option<u32> {
        if self.is_last(labels) {
            return Some(self.last);
        }
        let found = self.find(labels)?;
        self.last = found;
        Some(found)
    }

    fn is_last(&self, labels: &[Label]) -> bool {
        let last = self.last as usize;
        last < self.sets.len() && self.sets.get(last) == labels
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
