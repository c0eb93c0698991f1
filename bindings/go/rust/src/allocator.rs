//! The allocator of the Rust side. Small queries spend a tenth of their time in the
//! system's otherwise.

use libmimalloc_sys::{mi_option_get, mi_option_set, mi_option_t};
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// `mi_option_purge_delay`, which the crate does not name.
const PURGE_DELAY: mi_option_t = 15;
/// What it is if nobody has set it, ms.
const SHORT: std::ffi::c_long = 1_000;
/// Memory that is free for so long goes back to the system, ms. Queries that come one
/// after the other use the same pages again, which the system would have to clear,
/// huge ones: an eighth of the time of a query over 3,000 series.
const LONG: std::ffi::c_long = 10_000;

/// Sets how long free memory is kept, unless the environment does.
pub(crate) fn keep_pages() {
    // SAFETY: both take and give numbers, and may be called at any time.
    unsafe {
        if mi_option_get(PURGE_DELAY) == SHORT {
            mi_option_set(PURGE_DELAY, LONG);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_there() {
        // SAFETY: it gives a number.
        let before = unsafe { mi_option_get(PURGE_DELAY) };
        assert!([SHORT, LONG].contains(&before), "{before}");
        keep_pages();
        // SAFETY: the same.
        assert_eq!(unsafe { mi_option_get(PURGE_DELAY) }, LONG);
    }
}
