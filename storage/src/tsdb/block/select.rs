//! Selects the series of a block that satisfy matchers.
//!
//! Matchers with few literals are looked up in the postings offset table. Their
//! lists are intersected from the shortest on; those of negated matchers are
//! subtracted. Any other matcher is tested on all values of its label, which
//! gives a list again, or on the labels of the remaining candidates, whichever
//! costs less. Lists from values are cached for further queries.

use std::sync::Arc;

use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::{Class, MatchOp, Matcher};

use super::Block;
use super::index::{Ids, Values};
use crate::resolve::resolve_for;
use crate::tsdb::cache::{Cache, Entry, Key};

// Costs in units of about 1 ns.

/// Cost of testing the labels of a candidate: reading its entry, and verifying
/// the checksum the first time.
const CANDIDATE_COST: usize = 150;
/// Cost of testing a pattern on a value.
const VALUE_COST: usize = 10;
/// Additional cost of a value that is not in the cache.
const COLD_VALUE_COST: usize = 30;
/// Cost of adding a series to a union of lists.
const UNION_COST: usize = 3;
/// Most literals that are looked up one by one.
const FEW_LITERALS: usize = 1024;

/// Series that may match.
#[derive(Debug)]
pub(crate) struct Candidates<'m> {
    /// Ascending, which is label order.
    pub ids: Vec<u32>,
    /// Matchers that are still to be tested on the labels.
    pub remaining: Vec<&'m Matcher>,
}

/// The values of a matcher with few literals: those that satisfy it, or for a
/// negated matcher those that do not.
pub(crate) fn literals(matcher: &Matcher) -> Option<Vec<&[u8]>> {
    match matcher.regex().map(|r| r.class()) {
        None => Some(vec![matcher.value().as_bytes()]),
        Some(Class::Nothing) => Some(Vec::new()),
        Some(Class::Equal(literal)) => Some(vec![literal]),
        Some(Class::Set(set)) if set.as_slice().len() <= FEW_LITERALS => {
            Some(set.as_slice().iter().map(|l| &**l).collect())
        }
        _ => None,
    }
}

/// Whether every value and a missing label satisfy the matcher.
pub(crate) fn is_always_true(matcher: &Matcher) -> bool {
    matches!(
        (matcher.op(), matcher.regex().map(|r| r.class())),
        (MatchOp::Regex, Some(Class::Any)) | (MatchOp::NotRegex, Some(Class::Nothing))
    )
}

/// A select in one block.
struct Selection<'a> {
    block: &'a Block,
    cache: &'a Cache,
    control: &'a dyn SelectControl,
    /// Series that satisfy the matchers so far; `None` stands for all.
    base: Option<Vec<u32>>,
}

impl Block {
    /// The series that satisfy the matchers, except for those that are cheaper
    /// to test on labels.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub(in crate::tsdb) fn candidates<'m>(
        &self,
        matchers: &'m [Matcher],
        cache: &Cache,
        control: &dyn SelectControl,
    ) -> Result<Candidates<'m>, StorageError> {
        let mut selection = Selection {
            block: self,
            cache,
            control,
            base: None,
        };
        let mut remaining = Vec::new();
        if selection.run(matchers, &mut remaining)?.is_none() {
            return Ok(Candidates {
                ids: Vec::new(),
                remaining: Vec::new(),
            });
        }
        let ids = match selection.base {
            Some(ids) => ids,
            None => self.index.all()?.to_vec(),
        };
        Ok(Candidates { ids, remaining })
    }
}

impl<'a> Selection<'a> {
    /// Applies all matchers. `None` if no series can match.
    fn run<'m>(
        &mut self,
        matchers: &'m [Matcher],
        remaining: &mut Vec<&'m Matcher>,
    ) -> Result<Option<()>, StorageError> {
        let index = &self.block.index;
        let mut included = Vec::new();
        let mut excluded = Vec::new();
        let mut others = Vec::new();
        for matcher in matchers.iter().filter(|m| !is_always_true(m)) {
            let Some(literals) = literals(matcher) else {
                others.push((index.value_count(matcher.name())?, matcher));
                continue;
            };
            // The empty value has no list: it stands for series without the
            // label.
            let names_empty = literals.iter().any(|l| l.is_empty());
            match (matcher.is_negated(), names_empty) {
                (false, false) => {
                    included.push(index.any_of(matcher.name(), literals.into_iter())?);
                }
                (true, false) => excluded.push((matcher, literals)),
                _ => others.push((index.value_count(matcher.name())?, matcher)),
            }
        }
        included.sort_by_key(Ids::len);
        for list in included {
            self.intersect(&list);
        }
        if self.base.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        for (matcher, literals) in excluded {
            self.control.check()?;
            let list = index.any_of(matcher.name(), literals.into_iter())?;
            self.subtract(&list)?;
        }
        // Few values first: they are cheap and reduce the candidates.
        others.sort_by_key(|(values, _)| *values);
        for (values, matcher) in others {
            self.control.check()?;
            if self.general(matcher, values, remaining)?.is_none()
                || self.base.as_ref().is_some_and(Vec::is_empty)
            {
                return Ok(None);
            }
        }
        Ok(Some(()))
    }

    fn intersect(&mut self, list: &Ids<'_>) {
        match &mut self.base {
            Some(base) => list.intersect(base),
            None => self.base = Some(list.to_vec()),
        }
    }

    fn subtract(&mut self, list: &Ids<'_>) -> Result<(), StorageError> {
        if self.base.is_none() {
            self.base = Some(self.block.index.all()?.to_vec());
        }
        if let Some(base) = &mut self.base {
            list.subtract(base);
        }
        Ok(())
    }

    /// Tests a matcher on all `count` values of its label, or adds it to
    /// `remaining` if that is cheaper.
    fn general<'m>(
        &mut self,
        matcher: &'m Matcher,
        count: usize,
        remaining: &mut Vec<&'m Matcher>,
    ) -> Result<Option<()>, StorageError> {
        let matches_empty = matcher.matches_empty();
        if count == 0 {
            return Ok(matches_empty.then_some(()));
        }
        let block = self.block.number;
        // If the empty value matches, series without the label do, too. Then the
        // series that do not match are excluded.
        let key = if matches_empty {
            Key::Failing(block, matcher.into())
        } else {
            Key::Matching(block, matcher.into())
        };
        let list = match self.cache.get(&key) {
            Some(Entry::Series(ids)) => Ids::Owned(ids),
            _ => match self.resolve(matcher, count, matches_empty)? {
                Some(list) => {
                    if let Ids::Owned(ids) = &list {
                        self.cache.put(key, Entry::Series(ids.clone()));
                    }
                    list
                }
                None => {
                    remaining.push(matcher);
                    return Ok(Some(()));
                }
            },
        };
        if matches_empty {
            self.subtract(&list)?;
        } else {
            self.intersect(&list);
        }
        Ok(Some(()))
    }

    /// The series with a value that satisfies the matcher, or with `failing`
    /// that does not. `None` if testing the candidates costs less.
    fn resolve(
        &self,
        matcher: &Matcher,
        count: usize,
        failing: bool,
    ) -> Result<Option<Ids<'a>>, StorageError> {
        let candidates = self.base.as_ref().map_or(usize::MAX, Vec::len);
        let budget = candidates.saturating_mul(CANDIDATE_COST);
        let key = Key::Values(self.block.number, matcher.name().into());
        let values = match self.cache.get(&key) {
            Some(Entry::Values(values)) => values,
            _ if count.saturating_mul(VALUE_COST + COLD_VALUE_COST) > budget => return Ok(None),
            _ => self.values(key, matcher.name())?,
        };
        if count.saturating_mul(VALUE_COST) > budget {
            return Ok(None);
        }
        let mut ranges = resolve_for(matcher, &values.texts(), self.control)?;
        if failing {
            ranges = complement(&ranges, values.len() as u32);
        }
        // The lists are stored in the order of the values, so their offsets give
        // their lengths.
        let length = |r: &std::ops::Range<u32>| match values.postings(r.clone()) {
            [first, .., last] => (last.saturating_sub(*first) / 4) as usize,
            _ => 0,
        };
        let series: usize = ranges.iter().map(length).sum();
        if series.saturating_mul(UNION_COST) > budget {
            return Ok(None);
        }
        self.block.index.of_ranges(&values, &ranges).map(Some)
    }

    fn values(&self, key: Key, name: &str) -> Result<Arc<Values>, StorageError> {
        let values = self.block.index.values(name)?;
        let Some(values) = values.map(Arc::new) else {
            return Err(self.block.index.corrupt("has no values of a label name"));
        };
        self.cache.put(key, Entry::Values(values.clone()));
        Ok(values)
    }
}

pub(crate) fn complement(
    ranges: &[std::ops::Range<u32>],
    length: u32,
) -> Vec<std::ops::Range<u32>> {
    let mut from = 0;
    let mut gaps: Vec<_> = Vec::with_capacity(ranges.len() + 1);
    for range in ranges {
        gaps.push(from..range.start);
        from = range.end;
    }
    gaps.push(from..length);
    gaps.retain(|r| !r.is_empty());
    gaps
}
