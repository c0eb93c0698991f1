//! Remembers which parts of a file have a verified checksum.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Number of words in a page of bits.
const PAGE_WORDS: usize = 512;
const PAGE_BITS: usize = PAGE_WORDS * 64;

type Page = Box<[AtomicU64; PAGE_WORDS]>;

/// A bit for each slot of a file. A page of bits is allocated when its first bit
/// is set.
#[derive(Debug)]
pub(super) struct Verified {
    pages: Box<[OnceLock<Page>]>,
    slot: usize,
}

impl Verified {
    /// Bits for a file of `length` bytes in slots of `slot` bytes. At most one
    /// verified part may begin in a slot.
    pub fn new(length: usize, slot: usize) -> Self {
        let pages = (length / slot).div_ceil(PAGE_BITS).max(1);
        Verified {
            pages: (0..pages).map(|_| OnceLock::new()).collect(),
            slot,
        }
    }

    fn locate(&self, offset: usize) -> (usize, usize, u64) {
        let bit = offset / self.slot;
        (bit / PAGE_BITS, bit % PAGE_BITS / 64, 1 << (bit % 64))
    }

    /// Whether the part at this offset is verified.
    #[inline]
    pub fn get(&self, offset: usize) -> bool {
        let (page, word, bit) = self.locate(offset);
        let page = self.pages.get(page).and_then(OnceLock::get);
        page.is_some_and(|p| p[word].load(Relaxed) & bit != 0)
    }

    /// Marks the part at this offset as verified.
    pub fn set(&self, offset: usize) {
        let (page, word, bit) = self.locate(offset);
        let new = || Box::new([const { AtomicU64::new(0) }; PAGE_WORDS]);
        if let Some(page) = self.pages.get(page) {
            page.get_or_init(new)[word].fetch_or(bit, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_set_is_set() {
        let verified = Verified::new(3_000_000, 4);
        let offsets = [0, 4, 256, 131_072, 2_999_996];
        offsets.iter().for_each(|o| verified.set(*o));
        for offset in (0..3_000_000).step_by(4) {
            assert_eq!(verified.get(offset), offsets.contains(&offset), "{offset}");
        }
        verified.set(usize::MAX);
        assert!(!verified.get(usize::MAX));
    }
}
