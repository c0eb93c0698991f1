//! The memory that the automata of one query may take.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A budget may build twice its size over its life. What is dropped can be
/// built again, but not without end: a build takes about 10 ns a byte, so the
/// limit bounds the time of all builds as well.
const LIFETIME: usize = 2;

/// A bound on the memory of automata, in bytes, that the regular expressions of
/// one query share. Cheap to clone; clones share the bound.
///
/// Whoever finds the budget spent falls back to an automaton that needs next to
/// no memory and is slower, so a budget never changes a result.
///
/// # Examples
/// ```
/// use quarrel_matchers::{MatchOp, Matcher, RegexBudget};
///
/// let budget = RegexBudget::default();
/// let job = Matcher::new_within(MatchOp::Regex, "job", "(api|web)-[0-9]+", &budget)?;
/// assert_eq!(budget.used(), 0, "built when it pays");
/// assert!((0..10_000).all(|i| job.matches(&format!("api-{i}"))));
/// assert!(budget.used() > 0 && budget.used() < budget.limit());
/// # Ok::<(), quarrel_matchers::RegexError>(())
/// ```
#[derive(Clone)]
pub struct RegexBudget {
    shared: Arc<Shared>,
}

struct Shared {
    limit: usize,
    /// Bytes that are reserved now.
    used: AtomicUsize,
    /// Bytes that were ever built.
    built: AtomicUsize,
}

impl RegexBudget {
    /// The default, bytes. An ordinary automaton takes some ten kilobytes and a
    /// megabyte while it is built, a lazy one two megabytes a thread: this is
    /// room for hundreds of the former or a handful of the latter.
    pub const DEFAULT_LIMIT: usize = 16 << 20;

    /// A budget of some bytes.
    pub fn new(bytes: usize) -> Self {
        RegexBudget {
            shared: Arc::new(Shared {
                limit: bytes,
                used: AtomicUsize::new(0),
                built: AtomicUsize::new(0),
            }),
        }
    }

    /// The bytes of the whole budget.
    pub fn limit(&self) -> usize {
        self.shared.limit
    }

    /// The bytes in use.
    pub fn used(&self) -> usize {
        self.shared.used.load(Ordering::Relaxed)
    }

    /// Reserves bytes; `None` if not so many are left.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let limit = self.shared.limit;
        add(&self.shared.built, bytes, limit.saturating_mul(LIFETIME))?;
        if add(&self.shared.used, bytes, limit).is_none() {
            self.shared.built.fetch_sub(bytes, Ordering::Relaxed);
            return None;
        }
        Some(Reservation {
            budget: self.clone(),
            bytes,
        })
    }
}

/// Adds unless the sum exceeds the limit.
fn add(to: &AtomicUsize, bytes: usize, limit: usize) -> Option<()> {
    let sum = |now: usize| now.checked_add(bytes).filter(|&sum| sum <= limit);
    to.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum)
        .ok()
        .map(drop)
}

impl Default for RegexBudget {
    /// A budget of [`RegexBudget::DEFAULT_LIMIT`].
    fn default() -> Self {
        RegexBudget::new(RegexBudget::DEFAULT_LIMIT)
    }
}

impl fmt::Debug for RegexBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegexBudget({} of {})", self.used(), self.limit())
    }
}

/// Reserved bytes, given back on drop.
#[derive(Debug)]
pub(crate) struct Reservation {
    budget: RegexBudget,
    bytes: usize,
}

impl Reservation {
    /// Gives back what a build did not take. The rest counts as built.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let rest = self.bytes.saturating_sub(bytes);
        self.bytes -= rest;
        self.budget.shared.used.fetch_sub(rest, Ordering::Relaxed);
        self.budget.shared.built.fetch_sub(rest, Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let used = &self.budget.shared.used;
        used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_are_bounded_and_given_back() {
        let budget = RegexBudget::new(100);
        let mut first = budget.reserve(80).unwrap();
        assert!(budget.clone().reserve(21).is_none());
        first.shrink_to(10);
        assert_eq!(budget.used(), 10);
        let second = budget.reserve(90).unwrap();
        assert!(budget.reserve(1).is_none());
        drop((first, second));
        assert_eq!(budget.used(), 0);
        assert!(budget.reserve(usize::MAX).is_none());
    }

    #[test]
    fn builds_end() {
        let budget = RegexBudget::new(100);
        let builds = (0..10).filter(|_| budget.reserve(50).is_some()).count();
        assert_eq!(builds, 4, "twice the limit in all");
    }
}
