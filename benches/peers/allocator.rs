//! mimalloc, which counts the bytes that it hands out, as Go's runtime does
//! (`TotalAlloc`): what grows is counted anew in its new size.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use mimalloc::MiMalloc;

/// Counters, so that threads rarely share a cache line.
const SHARDS: usize = 32;

#[repr(align(64))]
struct Shard(AtomicU64);

static COUNTED: [Shard; SHARDS] = [const { Shard(AtomicU64::new(0)) }; SHARDS];
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's counter; `usize::MAX` before it has one.
    static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn count(bytes: usize) {
    let shard = MINE.try_with(|mine| {
        if mine.get() == usize::MAX {
            mine.set(NEXT.fetch_add(1, Relaxed) % SHARDS);
        }
        mine.get()
    });
    if let Some(shard) = COUNTED.get(shard.unwrap_or(0)) {
        shard.0.fetch_add(bytes as u64, Relaxed);
    }
}

/// The bytes that all threads have allocated since the process began.
pub fn allocated() -> u64 {
    COUNTED.iter().map(|shard| shard.0.load(Relaxed)).sum()
}

/// Gives back what this thread's part of the allocator keeps.
#[expect(unsafe_code, reason = "the allocator has no safe interface")]
pub fn give_back() {
    // SAFETY: it takes no pointers, and may be called at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// The allocator of this program.
pub struct Counting;

// SAFETY: all calls go to mimalloc as they are.
#[expect(unsafe_code, reason = "a global allocator is unsafe")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promises are those of this call.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { MiMalloc.realloc(memory, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::allocated;

    #[test]
    fn counts_all_threads() {
        let before = allocated();
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| std::hint::black_box(vec![1_u8; 1 << 20]).len()))
            .collect();
        for thread in threads {
            assert_eq!(thread.join().expect("a thread"), 1 << 20);
        }
        assert!(allocated() - before >= 4 << 20);
    }
}
