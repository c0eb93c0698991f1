//! Which series of a block satisfy some matchers.
//!
//! Matchers of few literals are looked up in the postings offset table, the
//! lists intersected from the shortest on, and those that negated literals
//! name taken out. Any other matcher is either tried on every value of its
//! label, which gives a list again, or on the labels of the candidates that
//! the others have left, whichever costs less. Lists found the first way are
//! kept for the next query.

use std::sync::Arc;

use quarrel_engine::storage::StorageError;
use quarrel_matchers::{Class, MatchOp, Matcher, resolve};

use super::Block;
use super::index::{Ids, Values};
use crate::tsdb::cache::{Cache, Found, Key};

/// What a candidate costs whose labels are looked at: its entry is read, and
/// compared with a checksum the first time. In units of about 1 ns.
const CANDIDATE: usize = 150;
/// What a value costs that a pattern is tried on.
const VALUE: usize = 10;
/// What it costs in addition if the values were not laid end to end yet.
const COLD_VALUE: usize = 30;
/// What a series costs on its way into a list made from many.
const LISTED: usize = 3;
/// Literals up to this number are looked up one by one.
const FEW_LITERALS: usize = 1024;

/// Series that may match.
#[derive(Debug)]
pub(in crate::tsdb) struct Candidates<'m> {
    /// Ascending, which is the order of their labels.
    pub ids: Vec<u32>,
    /// Matchers that are yet to be tried on their labels.
    pub untried: Vec<&'m Matcher>,
}

/// The only values that a matcher names, if it is one of few literals:
/// those that satisfy it, or, for a negated one, those that do not.
fn literals(matcher: &Matcher) -> Option<Vec<&[u8]>> {
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

/// Whether every value, and none, satisfies the matcher.
fn is_always_true(matcher: &Matcher) -> bool {
    matches!(
        (matcher.op(), matcher.regex().map(|r| r.class())),
        (MatchOp::Regex, Some(Class::Any)) | (MatchOp::NotRegex, Some(Class::Nothing))
    )
}

/// Selects in one block.
struct Selecting<'a> {
    block: &'a Block,
    cache: &'a Cache,
    /// Series that satisfy what was tried so far; `None` stands for all.
    base: Option<Vec<u32>>,
}

impl Block {
    /// The series that satisfy all matchers, but for some that shall be tried
    /// on the series' labels.
    ///
    /// # Errors
    /// When the index is corrupt.
    pub(in crate::tsdb) fn candidates<'m>(
        &self,
        matchers: &'m [Matcher],
        cache: &Cache,
    ) -> Result<Candidates<'m>, StorageError> {
        let mut selecting = Selecting {
            block: self,
            cache,
            base: None,
        };
        let mut untried = Vec::new();
        if selecting.run(matchers, &mut untried)?.is_none() {
            return Ok(Candidates {
                ids: Vec::new(),
                untried: Vec::new(),
            });
        }
        let ids = match selecting.base {
            Some(ids) => ids,
            None => self.index.all()?.to_vec(),
        };
        Ok(Candidates { ids, untried })
    }
}

impl<'a> Selecting<'a> {
    /// `None` if no series can match.
    fn run<'m>(
        &mut self,
        matchers: &'m [Matcher],
        untried: &mut Vec<&'m Matcher>,
    ) -> Result<Option<()>, StorageError> {
        let index = &self.block.index;
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        let mut others = Vec::new();
        for matcher in matchers.iter().filter(|m| !is_always_true(m)) {
            let Some(literals) = literals(matcher) else {
                others.push((index.value_count(matcher.name())?, matcher));
                continue;
            };
            // Of the values that a matcher names, the empty one has no list:
            // it stands for series without the label.
            let names_empty = literals.iter().any(|l| l.is_empty());
            match (matcher.is_negated(), names_empty) {
                (false, false) => {
                    wanted.push(index.any_of(matcher.name(), literals.into_iter())?);
                }
                (true, false) => unwanted.push((matcher, literals)),
                _ => others.push((index.value_count(matcher.name())?, matcher)),
            }
        }
        wanted.sort_by_key(Ids::len);
        for list in wanted {
            self.intersect(&list);
        }
        if self.base.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        for (matcher, literals) in unwanted {
            let list = index.any_of(matcher.name(), literals.into_iter())?;
            self.subtract(&list)?;
        }
        // Few values first: cheap, and what is left makes the next cheaper.
        others.sort_by_key(|(values, _)| *values);
        for (values, matcher) in others {
            if self.general(matcher, values, untried)?.is_none()
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

    /// Tries a matcher on all `count` values of its label, or leaves it.
    fn general<'m>(
        &mut self,
        matcher: &'m Matcher,
        count: usize,
        untried: &mut Vec<&'m Matcher>,
    ) -> Result<Option<()>, StorageError> {
        let takes_empty = matcher.matches_empty();
        if count == 0 {
            return Ok(takes_empty.then_some(()));
        }
        let block = self.block.number;
        // Series without the label match, too, if the empty value does: then
        // those are looked for that do not match.
        let key = if takes_empty {
            Key::Failing(block, matcher.clone())
        } else {
            Key::Matching(block, matcher.clone())
        };
        let list = match self.cache.get(&key) {
            Some(Found::Series(ids)) => Ids::Made(ids),
            _ => match self.resolve(matcher, count, takes_empty)? {
                Some(list) => {
                    if let Ids::Made(ids) = &list {
                        self.cache.put(key, Found::Series(ids.clone()));
                    }
                    list
                }
                None => {
                    untried.push(matcher);
                    return Ok(Some(()));
                }
            },
        };
        if takes_empty {
            self.subtract(&list)?;
        } else {
            self.intersect(&list);
        }
        Ok(Some(()))
    }

    /// The series with a value that satisfies the matcher, or that does not
    /// if `failing`; `None` if that costs more than a look at the candidates.
    fn resolve(
        &self,
        matcher: &Matcher,
        count: usize,
        failing: bool,
    ) -> Result<Option<Ids<'a>>, StorageError> {
        let candidates = self.base.as_ref().map_or(usize::MAX, Vec::len);
        let budget = candidates.saturating_mul(CANDIDATE);
        let key = Key::Values(self.block.number, matcher.name().into());
        let values = match self.cache.get(&key) {
            Some(Found::Values(values)) => values,
            _ if count.saturating_mul(VALUE + COLD_VALUE) > budget => return Ok(None),
            _ => self.values(key, matcher.name())?,
        };
        if count.saturating_mul(VALUE) > budget {
            return Ok(None);
        }
        let mut ranges = resolve(matcher, &values.texts());
        if failing {
            ranges = complement(&ranges, values.len() as u32);
        }
        // Lists follow each other in the order of the values: where they
        // begin says how long they are.
        let length = |r: &std::ops::Range<u32>| match values.postings(r.clone()) {
            [first, .., last] => (last.saturating_sub(*first) / 4) as usize,
            _ => 0,
        };
        let listed: usize = ranges.iter().map(length).sum();
        if listed.saturating_mul(LISTED) > budget {
            return Ok(None);
        }
        self.block.index.of_ranges(&values, &ranges).map(Some)
    }

    fn values(&self, key: Key, name: &str) -> Result<Arc<Values>, StorageError> {
        let values = self.block.index.values(name)?;
        let Some(values) = values.map(Arc::new) else {
            return Err(self.block.index.corrupt("lost a label name"));
        };
        self.cache.put(key, Found::Values(values.clone()));
        Ok(values)
    }
}

fn complement(ranges: &[std::ops::Range<u32>], length: u32) -> Vec<std::ops::Range<u32>> {
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
