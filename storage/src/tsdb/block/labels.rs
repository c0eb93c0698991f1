//! Looks at the labels of candidates: matchers that are tried on them, and
//! the names and values that they have.

use quarrel_engine::storage::StorageError;
use quarrel_matchers::Matcher;
use rustc_hash::{FxHashMap, FxHashSet};

use super::index::Index;
use super::{Block, Candidates};
use crate::tsdb::cache::Cache;

/// A matcher that is tried on series' labels, with what it said of values.
pub(super) struct Trial<'m> {
    matcher: &'m Matcher,
    takes_empty: bool,
    names: FxHashMap<u32, bool>,
    values: FxHashMap<u32, bool>,
}

impl<'m> Trial<'m> {
    pub fn new(matcher: &'m Matcher) -> Self {
        let takes_empty = matcher.matches_empty();
        Trial {
            matcher,
            takes_empty,
            names: FxHashMap::default(),
            values: FxHashMap::default(),
        }
    }

    pub fn passes(&mut self, index: &Index, labels: &[(u32, u32)]) -> Result<bool, StorageError> {
        for (name, value) in labels {
            let is_it = match self.names.get(name) {
                Some(is_it) => *is_it,
                None => {
                    let is_it = index.symbol(*name)? == self.matcher.name();
                    self.names.insert(*name, is_it);
                    is_it
                }
            };
            if !is_it {
                continue;
            }
            if let Some(passes) = self.values.get(value) {
                return Ok(*passes);
            }
            let passes = self.matcher.matches(index.symbol(*value)?);
            self.values.insert(*value, passes);
            return Ok(passes);
        }
        Ok(self.takes_empty)
    }
}

impl Block {
    /// The label names of all series that satisfy the matchers.
    ///
    /// # Errors
    /// When the index is corrupt.
    pub(in crate::tsdb) fn label_names(
        &self,
        matchers: &[Matcher],
        cache: &Cache,
    ) -> Result<Vec<String>, StorageError> {
        let mut names = FxHashSet::default();
        self.each_selected(matchers, cache, |labels| {
            names.extend(labels.iter().map(|l| l.0));
            Ok(())
        })?;
        names
            .into_iter()
            .map(|name| self.index.symbol(name).map(str::to_owned))
            .collect()
    }

    /// The values of a label in all series that satisfy the matchers.
    ///
    /// # Errors
    /// When the index is corrupt.
    pub(in crate::tsdb) fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        cache: &Cache,
    ) -> Result<Vec<String>, StorageError> {
        // Matchers on this label alone need no look at any series.
        if matchers.iter().all(|m| m.name() == name) {
            let Some(values) = self.index.values(name)? else {
                return Ok(Vec::new());
            };
            let matching = values
                .iter()
                .filter(|v| matchers.iter().all(|m| m.matches_bytes(v)));
            return matching.map(|value| self.index.text(value)).collect();
        }
        let mut is_name: FxHashMap<u32, bool> = FxHashMap::default();
        let mut values = FxHashSet::default();
        self.each_selected(matchers, cache, |labels| {
            for (reference, value) in labels {
                let is_it = match is_name.get(reference) {
                    Some(is_it) => *is_it,
                    None => {
                        let is_it = self.index.symbol(*reference)? == name;
                        is_name.insert(*reference, is_it);
                        is_it
                    }
                };
                if is_it {
                    values.insert(*value);
                    break;
                }
            }
            Ok(())
        })?;
        values
            .into_iter()
            .map(|value| self.index.symbol(value).map(str::to_owned))
            .collect()
    }

    fn each_selected(
        &self,
        matchers: &[Matcher],
        cache: &Cache,
        mut visit: impl FnMut(&[(u32, u32)]) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let Candidates { ids, untried } = self.candidates(matchers, cache)?;
        let mut trials: Vec<Trial<'_>> = untried.into_iter().map(Trial::new).collect();
        let mut labels = Vec::new();
        'series: for id in ids {
            labels.clear();
            let entry = self.index.series(id)?;
            entry
                .labels(&mut labels)
                .map_err(|e| self.index.series_error(id, e))?;
            for trial in &mut trials {
                if !trial.passes(&self.index, &labels)? {
                    continue 'series;
                }
            }
            visit(&labels)?;
        }
        Ok(())
    }
}
