//! The samples of rows that several parts have.

use std::ops::Range;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use quarrel_engine::storage::{Chunk, SeriesSource, StorageError};

use super::rows::United;

/// The sources of all parts.
pub(super) struct FanoutSource {
    parts: Vec<Arc<dyn SeriesSource>>,
    rows: United,
}

impl FanoutSource {
    pub(super) fn new(parts: Vec<Arc<dyn SeriesSource>>, rows: United) -> Self {
        FanoutSource { parts, rows }
    }

    /// Bytes of room for so many rows of parts.
    pub(super) fn room(rows: usize) -> usize {
        rows * (size_of::<(u32, u32)>() + size_of::<u32>())
    }

    /// The members of some rows.
    fn members(&self, rows: Range<u32>) -> Option<&[(u32, u32)]> {
        let United { members, ends } = &self.rows;
        let end = |row: u32| match row.checked_sub(1) {
            None => Some(0),
            Some(last) => ends.get(last as usize).map(|&end| end as usize),
        };
        members.get(end(rows.start)?..end(rows.end)?)
    }

    /// The parts that some rows are of, with the range of their rows there.
    fn ranges(
        &self,
        rows: Range<u32>,
    ) -> impl Iterator<Item = (&Arc<dyn SeriesSource>, Range<u32>)> {
        let members = self.members(rows).unwrap_or_default();
        let parts = self.parts.iter().enumerate();
        parts.filter_map(move |(number, part)| {
            let own = members.iter().filter(|member| member.0 as usize == number);
            let first = own.clone().map(|member| member.1).min()?;
            let last = own.map(|member| member.1).max()?;
            Some((part, first..last + 1))
        })
    }
}

impl SeriesSource for FanoutSource {
    fn chunks(&self, row: u32, out: &mut Vec<Chunk>) -> Result<(), StorageError> {
        let Some(members) = self.members(row..row + 1) else {
            let rows = self.rows.ends.len();
            return Err(StorageError::Other(format!(
                "row {row} of {rows} selected series"
            )));
        };
        let from = out.len();
        for &(part, row) in members {
            self.parts[part as usize].chunks(row, out)?;
        }
        if members.len() > 1 {
            out[from..].sort_by_key(|chunk| chunk.min_time);
        }
        Ok(())
    }

    fn prefetch(&self, rows: Range<u32>) -> Option<BoxFuture<'static, Result<(), StorageError>>> {
        let fetch = |(part, rows): (&Arc<dyn SeriesSource>, _)| part.prefetch(rows);
        let all: Vec<_> = self.ranges(rows).filter_map(fetch).collect();
        let is_needed = !all.is_empty();
        let wait = || try_join_all(all).map(|result| result.map(drop)).boxed();
        is_needed.then(wait)
    }

    fn take_warnings(&self) -> Vec<String> {
        let parts = self.parts.iter();
        parts.flat_map(|part| part.take_warnings()).collect()
    }

    fn release(&self, rows: Range<u32>) {
        for (part, rows) in self.ranges(rows) {
            part.release(rows);
        }
    }

    fn origin(&self, row: u32) -> Option<String> {
        let members = self.members(row..row + 1)?.iter();
        let origin = |&(part, row): &(u32, u32)| self.parts[part as usize].origin(row);
        let all: Vec<String> = members.filter_map(origin).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    fn estimated_samples(&self) -> Option<u64> {
        self.parts.iter().map(|part| part.estimated_samples()).sum()
    }

    fn held_bytes(&self) -> usize {
        let United { members, ends } = &self.rows;
        let own = size_of_val(&members[..]) + size_of_val(&ends[..]);
        own + self
            .parts
            .iter()
            .map(|part| part.held_bytes())
            .sum::<usize>()
    }
}
