//! Memory that the caller of a query writes series into.
//!
//! A part is words of 64 bits, so that columns in it are aligned. Parts of the
//! common size are used again by later queries: the memory is mapped already.
//! What lies in them from before is series of the same process, and is never
//! read.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// Bytes of a common part: enough that calls cost little, and little compared with
/// the memory of a query.
pub(crate) const PART_BYTES: usize = 256 << 10;

const WORD: usize = size_of::<u64>();

/// Parts that rest: 16 MiB.
const MOST_SPARE: usize = 64;

/// The parts of an engine that nobody uses.
#[derive(Debug, Default)]
pub(crate) struct SpareParts(Mutex<Vec<Vec<u64>>>);

/// Memory for a part of an answer to a select.
#[derive(Debug)]
pub(crate) struct Part {
    words: Vec<u64>,
    spare: Arc<SpareParts>,
}

impl Part {
    /// A part of at least `least` bytes.
    pub fn new(spare: &Arc<SpareParts>, least: usize) -> Self {
        let common = || vec![0; PART_BYTES / WORD];
        let words = match least <= PART_BYTES {
            true => spare.0.lock().pop().unwrap_or_else(common),
            false => vec![0; least.div_ceil(WORD)],
        };
        let spare = Arc::clone(spare);
        Part { words, spare }
    }

    /// Where to write, and how many bytes. The memory stays there until the part
    /// is dropped.
    pub fn memory(&mut self) -> (*mut u8, usize) {
        let bytes = self.words.len() * WORD;
        (self.words.as_mut_ptr().cast(), bytes)
    }

    /// The first `len` bytes as they are now; `None` if there are fewer.
    pub fn filled(self, len: usize) -> Option<Bytes> {
        (len <= self.words.len() * WORD).then(|| Bytes::from_owner(Filled { part: self, len }))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.words.len() == PART_BYTES / WORD {
            let mut spare = self.spare.0.lock();
            if spare.len() < MOST_SPARE {
                spare.push(std::mem::take(&mut self.words));
            }
        }
    }
}

struct Filled {
    part: Part,
    len: usize,
}

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        let words = &self.part.words;
        // SAFETY: `len` bytes or more of words, which are plain numbers, are there,
        // and nobody writes to them while they are borrowed.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_used_again_and_large_ones_go() {
        let spare = Arc::default();
        let mut part = Part::new(&spare, 1);
        let (at, bytes) = part.memory();
        assert_eq!((bytes, at as usize % WORD), (PART_BYTES, 0));
        let filled = part.filled(3).unwrap();
        assert_eq!(&filled[..], [0; 3]);
        drop(filled);
        assert_eq!(Part::new(&spare, PART_BYTES).memory().0, at);
        assert_eq!(spare.0.lock().len(), 1);
        let mut large = Part::new(&spare, PART_BYTES + 1);
        assert_eq!(large.memory().1, PART_BYTES + WORD);
        assert!(large.filled(PART_BYTES + WORD + 1).is_none());
        assert_eq!(spare.0.lock().len(), 1);
    }
}
