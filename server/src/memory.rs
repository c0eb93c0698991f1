//! The memory of the process: how much there is, and how it goes back when
//! nobody needs it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quarrel_engine::Engine;

/// The part of the machine's memory that all queries may hold by default: one of
/// this many.
const SHARE_OF_ALL: u64 = 2;
/// The part of that which one query may hold by default: one of this many.
const SHARE_OF_ONE: u64 = 2;
/// What all queries may hold where nothing tells how much memory there is.
const UNKNOWN: u64 = 4 << 30;

/// How often it is looked whether memory should go back.
const QUIET: Duration = Duration::from_millis(500);

/// What has to be held beyond the last time for that, bytes: the next queries
/// have to get it anew.
const WORTH_IT: u64 = 64 << 20;

/// Tasks that wake up idle threads.
const WAKE_UPS: usize = 16;

/// Bytes that all queries may hold by default: half of what the process may
/// have, by the machine, its control group, and its limit of data.
pub fn default_total() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let known = [
        of_machine(&read("/proc/meminfo")),
        of_group(&read("/sys/fs/cgroup/memory.max")),
        of_group(&read("/sys/fs/cgroup/memory/memory.limit_in_bytes")),
        of_limits(&read("/proc/self/limits")),
    ];
    known.into_iter().flatten().min().unwrap_or(UNKNOWN) / SHARE_OF_ALL
}

/// Bytes that one query may hold by default, of a total.
pub fn default_of_query(total: u64) -> u64 {
    total / SHARE_OF_ONE
}

/// `MemTotal` of `/proc/meminfo`.
fn of_machine(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The limit of a control group; `max` is none.
fn of_group(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// The soft limit of data of `/proc/self/limits`; `unlimited` is none.
fn of_limits(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Max data size"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How long the allocator keeps pages that nobody uses, ms. Its own default, a second,
/// keeps what queries with large strings let go of meanwhile: under attack the
/// process held 545 MiB where 260 suffice, and other queries are not faster by it.
const KEPT_MS: std::ffi::c_long = 10;
/// `mi_option_purge_delay` of mimalloc.h, which the crate does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Sets how soon memory goes back, unless `MIMALLOC_PURGE_DELAY` says otherwise. To be
/// called before there are threads.
#[expect(unsafe_code, reason = "the allocator has no safe interface")]
pub fn configure() {
    // SAFETY: it takes no pointers, and the option is one of mimalloc's.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, KEPT_MS) }
}

/// Counts the times at which memory is to go back. Each thread that has not
/// heard of the last one gives back its own when it falls idle: an allocator
/// keeps pages by thread.
static ROUND: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static HEARD: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Gives back what this thread's part of the allocator keeps, if that was asked
/// for since the last time. For threads that fall idle.
pub fn give_back_if_asked() {
    let round = ROUND.load(Ordering::Relaxed);
    if HEARD.replace(round) != round {
        give_back();
    }
}

/// Gives back what this thread's part of the allocator keeps.
#[expect(unsafe_code, reason = "the allocator has no safe interface")]
fn give_back() {
    // SAFETY: it takes no pointers, and may be called at any time.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// Bytes of anonymous memory that the process holds, of `/proc/self/status`.
fn held() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// Gives memory back to the system when no query runs and much more is held than
/// the last time.
pub async fn watch(engine: Engine) {
    let mut level = 0;
    loop {
        tokio::time::sleep(QUIET).await;
        let quiet = engine.active_queries() + engine.waiting_queries() == 0;
        if quiet && held() > level + WORTH_IT {
            ROUND.fetch_add(1, Ordering::Relaxed);
            engine.on_all_threads(give_back);
            for _ in 0..WAKE_UPS {
                tokio::spawn(async { give_back_if_asked() });
            }
            tokio::time::sleep(QUIET).await;
            level = held();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        assert_eq!(
            of_machine("MemFree: 7 kB\nMemTotal:       24623456 kB\n"),
            Some(24_623_456 << 10)
        );
        assert_eq!((of_group("max\n"), of_group("1024\n")), (None, Some(1024)));
        let line = "Max data size             1000                 unlimited            bytes";
        assert_eq!(of_limits(line), Some(1000));
        let line = "Max data size             unlimited            unlimited            bytes";
        assert_eq!(of_limits(line), None);
    }

    #[test]
    #[expect(unsafe_code, reason = "the allocator has no safe interface")]
    fn pages_are_kept_for_a_moment() {
        configure();
        // SAFETY: it takes no pointers.
        let kept = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(kept, KEPT_MS);
    }

    #[test]
    fn the_defaults_fit_the_machine() {
        let total = default_total();
        assert!(total > 1 << 20, "{total}");
        assert!(default_of_query(total) <= total);
    }
}
