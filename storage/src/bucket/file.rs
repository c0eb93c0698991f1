//! The files of a block, and the pages that they have.

use std::ops::Range;
use std::sync::Arc;

use super::disk_pages::{DiskKey, PAGE};

/// A page of a file: the numbers of its block, its file, and its own.
pub(super) type PageKey = (u64, u32, u32);

/// An object of a block.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its name below the bucket's prefix.
    pub name: Arc<str>,
    /// The block's number, and the file's there: unique while the process lives.
    pub key: (u64, u32),
    /// The block's name.
    pub ulid: [u8; 26],
    pub size: u64,
}

impl File {
    pub fn page_key(&self, page: u32) -> PageKey {
        (self.key.0, self.key.1, page)
    }

    pub fn disk_key(&self, page: u32) -> DiskKey {
        DiskKey {
            ulid: self.ulid,
            file: self.key.1,
            page,
        }
    }

    /// The pages that have some ranges, clipped to the file. They ascend.
    pub fn pages(&self, ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<u32> {
        let mut pages: Vec<u32> = Vec::new();
        for range in ranges {
            let range = range.start..range.end.min(self.size);
            if range.start < range.end {
                let (first, last) = (range.start / PAGE, (range.end - 1) / PAGE);
                let known = pages.last().copied();
                pages.extend((first as u32..=last as u32).filter(|page| Some(*page) != known));
            }
        }
        pages.sort_unstable();
        pages.dedup();
        pages
    }
}
