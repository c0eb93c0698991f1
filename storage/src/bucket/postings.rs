//! Which postings a select has to fetch, and the series that they leave.
//!
//! Each matcher has lists of series in the index: those of the values that satisfy it,
//! or, where series without the label do, too, those of the values that do not. The
//! shortest lists come first; a matcher whose lists have more bytes than the entries of
//! the series that are left is tested on their labels instead.

use std::ops::Range;

use bytes::Bytes;
use quarrel_engine::storage::{SelectControl, StorageError};
use quarrel_matchers::Matcher;

use super::header::IndexHeader;
use super::pages::Pages;
use crate::resolve::resolve_for;
use crate::tsdb::block::Candidates;
use crate::tsdb::block::index::{Postings, Values, union};
use crate::tsdb::block::select::{complement, is_always_true, literals};
use crate::tsdb::decbuf::{DecodeError, Framed};

/// Bytes of lists for each series that is left without them, up to which they are
/// fetched. An entry has some hundred bytes; most matchers leave few of them.
const LIST_BYTES_A_SERIES: u64 = 128;
/// Lists of so few bytes are always fetched.
const SHORT: u64 = 64 << 10;

/// The lists of a matcher: where they are in the index.
#[derive(Debug, Default)]
struct Lists {
    ranges: Vec<Range<u64>>,
    bytes: u64,
}

impl Lists {
    fn of(range: Range<u64>) -> Self {
        let mut lists = Lists::default();
        lists.push(range);
        lists
    }

    fn push(&mut self, range: Range<u64>) {
        self.bytes += range.end - range.start;
        self.ranges.push(range);
    }

    /// About how many series they have.
    fn series(&self) -> u64 {
        self.bytes / 4
    }
}

/// What a select needs of the postings of an index.
#[derive(Debug)]
pub(super) struct Plan<'m> {
    /// Series are in one of the lists of each.
    included: Vec<Lists>,
    /// Series are in none of the lists.
    excluded: Vec<Lists>,
    /// Matchers that are tested on labels.
    remaining: Vec<&'m Matcher>,
}

impl<'m> Plan<'m> {
    /// The plan for some matchers; `None` if no series can match.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub fn new(
        header: &IndexHeader,
        matchers: &'m [Matcher],
        control: &dyn SelectControl,
    ) -> Result<Option<Self>, StorageError> {
        let (mut included, mut excluded) = (Vec::new(), Vec::new());
        for matcher in matchers.iter().filter(|m| !is_always_true(m)) {
            control.check()?;
            let lists = lists(header, matcher, control)?;
            match matcher.matches_empty() {
                true if lists.ranges.is_empty() => {}
                true => excluded.push((lists, matcher)),
                false if lists.ranges.is_empty() => return Ok(None),
                false => included.push((lists, matcher)),
            }
        }
        included.sort_by_key(|(lists, _)| lists.bytes);
        excluded.sort_by_key(|(lists, _)| lists.bytes);
        let mut plan = Plan {
            included: Vec::new(),
            excluded: Vec::new(),
            remaining: Vec::new(),
        };
        let mut included = included.into_iter();
        let first = match included.next() {
            Some((lists, _)) => lists,
            None => match header.postings("", b"")? {
                Some(range) => Lists::of(range),
                None => return Ok(None),
            },
        };
        let most = (first.series() * LIST_BYTES_A_SERIES).max(SHORT);
        plan.included.push(first);
        for (lists, matcher) in included {
            match lists.bytes <= most {
                true => plan.included.push(lists),
                false => plan.remaining.push(matcher),
            }
        }
        for (lists, matcher) in excluded {
            match lists.bytes <= most {
                true => plan.excluded.push(lists),
                false => plan.remaining.push(matcher),
            }
        }
        Ok(Some(plan))
    }

    /// The parts of the index that it needs.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let all = self.included.iter().chain(&self.excluded);
        all.flat_map(|lists| lists.ranges.iter().cloned())
    }

    /// The series that its lists leave, and the matchers that are left. `Err` with
    /// further parts of the index if lists turn out to be longer than they seemed.
    ///
    /// # Errors
    /// When the index is corrupt, and the end of the query.
    pub fn candidates(
        &self,
        header: &IndexHeader,
        pages: &Pages,
        control: &dyn SelectControl,
    ) -> Result<Result<Candidates<'m>, Vec<Range<u64>>>, StorageError> {
        let bodies = |lists: &Lists| {
            let bodies = lists.ranges.iter().map(|range| body_of(pages, range));
            bodies.collect::<Vec<_>>()
        };
        let (mut ids, mut longer): (Option<Vec<u32>>, _) = (None, Vec::new());
        for (lists, is_included) in (self.included.iter().map(|lists| (lists, true)))
            .chain(self.excluded.iter().map(|lists| (lists, false)))
        {
            control.check()?;
            let bodies = bodies(lists);
            let mut found = Vec::with_capacity(bodies.len());
            for (body, range) in bodies.iter().zip(&lists.ranges) {
                match list(body) {
                    Ok(Some(list)) => found.push(list),
                    Ok(None) => longer.push(whole(body, range)),
                    Err(e) => {
                        let at = range.start;
                        return Err(header.corrupt(format!("the postings list at {at} {e}")));
                    }
                }
            }
            if !longer.is_empty() {
                continue;
            }
            let last = found.iter().filter_map(Postings::last).max();
            let united = union(&found, last.map_or(0, |last| last as usize + 1));
            match (&mut ids, is_included) {
                (None, _) => ids = Some(united.to_vec()),
                (Some(ids), true) => united.intersect(ids),
                (Some(ids), false) => united.subtract(ids),
            }
        }
        if !longer.is_empty() {
            return Ok(Err(longer));
        }
        Ok(Ok(Candidates {
            ids: ids.unwrap_or_default(),
            remaining: self.remaining.clone(),
        }))
    }
}

/// A list in its place in the index; `None` if the bytes end before it does.
fn list(body: &[u8]) -> Result<Option<Postings<'_>>, DecodeError> {
    match Framed::be32_at(body, 0) {
        Ok(framed) => Postings::decode(framed.checked()?).map(Some),
        Err(_) => Ok(None),
    }
}

/// The bytes of a list as far as they are there: beyond the range, too, where the list is
/// longer.
fn body_of(pages: &Pages, range: &Range<u64>) -> Bytes {
    let mut body = pages.slice(range.clone());
    // First its length may be missing, then what that tells of.
    for _ in 0..2 {
        let whole = whole(&body, range);
        if whole.end - whole.start > body.len() as u64 {
            body = pages.slice(whole);
        }
    }
    body
}

/// Where all of a list is.
fn whole(body: &[u8], range: &Range<u64>) -> Range<u64> {
    let length = body.first_chunk().map(|length| u32::from_be_bytes(*length));
    let bytes = length.map_or(8, |length| u64::from(length) + 8);
    range.start..range.start + bytes
}

/// The lists of a matcher: of the values that satisfy it, or do not if a missing label
/// does.
fn lists(
    header: &IndexHeader,
    matcher: &Matcher,
    control: &dyn SelectControl,
) -> Result<Lists, StorageError> {
    if let Some(literals) = literals(matcher)
        && literals.iter().all(|literal| !literal.is_empty())
    {
        // Of a negated matcher these are the values that do not satisfy it.
        let mut all = Lists::default();
        for literal in literals {
            if let Some(range) = header.postings(matcher.name(), literal)? {
                all.push(range);
            }
        }
        return Ok(all);
    }
    let Some(values) = header.values(matcher.name())? else {
        return Ok(Lists::default());
    };
    let mut ranges = resolve_for(matcher, &values.texts(), control)?;
    if matcher.matches_empty() {
        ranges = complement(&ranges, values.len() as u32);
    }
    Ok(of_values(header, &values, &ranges))
}

fn of_values(header: &IndexHeader, values: &Values, ranges: &[Range<u32>]) -> Lists {
    let mut all = Lists::default();
    for range in ranges {
        let offsets = values.postings(range.clone());
        for (at, &offset) in offsets.iter().enumerate() {
            // Of the last value that matches the next one may not.
            let next = offsets.get(at + 1).copied();
            all.push(header.postings_range(offset, next.or_else(|| values.after(range.end))));
        }
    }
    all
}
