//! Reads labels of candidates: tests matchers on them, and collects their names
//! and values.

use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::Matcher;
use rustc_hash::{FxHashMap, FxHashSet};

use super::index::{SeriesIndex, Values};
use super::{Block, Candidates};
use crate::tsdb::cache::Cache;

/// Series or values that are looked at between two looks at the query.
const CHECK_EVERY: usize = 256;

/// A matcher on labels of series, which remembers its results by symbol.
pub(super) struct LabelMatcher<'m> {
    matcher: &'m Matcher,
    matches_empty: bool,
    /// Whether a symbol is the name of the matcher's label.
    names: FxHashMap<u32, bool>,
    /// Whether a value matches.
    values: FxHashMap<u32, bool>,
}

impl<'m> LabelMatcher<'m> {
    pub fn new(matcher: &'m Matcher) -> Self {
        let matches_empty = matcher.matches_empty();
        LabelMatcher {
            matcher,
            matches_empty,
            names: FxHashMap::default(),
            values: FxHashMap::default(),
        }
    }

    pub fn matches(
        &mut self,
        index: &impl SeriesIndex,
        labels: &[(u32, u32)],
    ) -> Result<bool, StorageError> {
        for (name, value) in labels {
            let is_name = match self.names.get(name) {
                Some(is_name) => *is_name,
                None => {
                    let is_name = index.symbol(*name)? == self.matcher.name();
                    self.names.insert(*name, is_name);
                    is_name
                }
            };
            if !is_name {
                continue;
            }
            if let Some(matches) = self.values.get(value) {
                return Ok(*matches);
            }
            let matches = self.matcher.matches(index.symbol(*value)?);
            self.values.insert(*value, matches);
            return Ok(matches);
        }
        Ok(self.matches_empty)
    }
}

/// The label names of all candidates that satisfy their remaining matchers.
///
/// # Errors
/// When the index is corrupt, and the end of the query.
pub(crate) fn names_of<I: SeriesIndex>(
    index: &I,
    candidates: Candidates<'_>,
    control: &dyn SelectControl,
) -> Result<Vec<String>, StorageError> {
    let mut names = FxHashSet::default();
    each_selected(index, candidates, control, |labels| {
        names.extend(labels.iter().map(|l| l.0));
        Ok(())
    })?;
    names
        .into_iter()
        .map(|name| index.symbol(name).map(str::to_owned))
        .collect()
}

/// The values of a label in all candidates that satisfy their remaining matchers.
///
/// # Errors
/// When the index is corrupt, and the end of the query.
pub(crate) fn values_of<I: SeriesIndex>(
    index: &I,
    name: &str,
    candidates: Candidates<'_>,
    control: &dyn SelectControl,
) -> Result<Vec<String>, StorageError> {
    let mut is_name: FxHashMap<u32, bool> = FxHashMap::default();
    let mut values = FxHashSet::default();
    each_selected(index, candidates, control, |labels| {
        for (reference, value) in labels {
            let is_it = match is_name.get(reference) {
                Some(is_it) => *is_it,
                None => {
                    let is_it = index.symbol(*reference)? == name;
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
        .map(|value| index.symbol(value).map(str::to_owned))
        .collect()
}

/// Those of the values of a label that satisfy matchers of it; `text` makes text of
/// their bytes.
///
/// # Errors
/// Those of `text`, and the end of the query.
pub(crate) fn matching_values(
    values: &Values,
    matchers: &[Matcher],
    control: &dyn SelectControl,
    text: impl Fn(&[u8]) -> Result<String, StorageError>,
) -> Result<Vec<String>, StorageError> {
    let (mut matching, mut bytes) = (Vec::new(), 0);
    for (i, value) in values.iter().enumerate() {
        if i.is_multiple_of(CHECK_EVERY) {
            control.check()?;
            control.reserve(std::mem::take(&mut bytes))?;
        }
        if matchers.iter().all(|m| m.matches_bytes(value)) {
            bytes += value.len() + size_of::<String>();
            matching.push(text(value)?);
        }
    }
    control.reserve(bytes)?;
    Ok(matching)
}

fn each_selected<I: SeriesIndex>(
    index: &I,
    candidates: Candidates<'_>,
    control: &dyn SelectControl,
    mut visit: impl FnMut(&[(u32, u32)]) -> Result<(), StorageError>,
) -> Result<(), StorageError> {
    let Candidates { ids, remaining } = candidates;
    let mut tests: Vec<LabelMatcher<'_>> = remaining.into_iter().map(LabelMatcher::new).collect();
    let mut labels = Vec::new();
    'series: for (i, id) in ids.into_iter().enumerate() {
        if i.is_multiple_of(CHECK_EVERY) {
            control.check()?;
        }
        labels.clear();
        let entry = index.series(id)?;
        entry
            .labels(&mut labels)
            .map_err(|e| index.series_error(id, e))?;
        for test in &mut tests {
            if !test.matches(index, &labels)? {
                continue 'series;
            }
        }
        visit(&labels)?;
    }
    Ok(())
}

impl Block {
    /// The label names of all series that satisfy the matchers.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub(in crate::tsdb) fn label_names(
        &self,
        matchers: &[Matcher],
        cache: &Cache,
        control: &dyn SelectControl,
    ) -> Result<Vec<String>, StorageError> {
        let candidates = self.candidates(matchers, cache, control)?;
        names_of(&*self.index, candidates, control)
    }

    /// The values of a label in all series that satisfy the matchers.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub(in crate::tsdb) fn label_values(
        &self,
        name: &str,
        matchers: &[Matcher],
        cache: &Cache,
        control: &dyn SelectControl,
    ) -> Result<Vec<String>, StorageError> {
        // Matchers on this label alone are tested without reading series.
        if matchers.iter().all(|m| m.name() == name) {
            let Some(values) = self.index.values(name)? else {
                return Ok(Vec::new());
            };
            return matching_values(&values, matchers, control, |value| self.index.text(value));
        }
        let candidates = self.candidates(matchers, cache, control)?;
        values_of(&*self.index, name, candidates, control)
    }
}
