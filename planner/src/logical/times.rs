//! The times at which a node is evaluated, and those that its selectors read.
//!
//! Each subquery opens a scope with a grid of its own. `@` pins a selector to
//! a time, which Prometheus does by an offset from the scope's start. The same
//! is done here, since it shows in answers: offsets of enclosing subqueries
//! count where a subquery happens to start with its parent, and far times
//! overflow Go's nanoseconds.

use quarrel_functions::table::Downsampled;

use super::Grid;

/// Nanoseconds in a millisecond.
const NANOS: i64 = 1_000_000;

/// A subquery around a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Enclosing {
    pub(super) offset_ms: i64,
    pub(super) range_ms: i64,
    /// The time that `@` fixes, ms.
    pub(super) at_ms: Option<i64>,
}

/// The times of a node, and the hints for the store from the syntax above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    pub(super) grid: Grid,
    /// How many of the enclosing subqueries, counted from outside, are not
    /// part of the offsets that `@` makes.
    pub(super) settled: usize,
    /// Whether Prometheus prepares this part of the tree before it
    /// evaluates. Parameters of aggregations are left as they are written:
    /// nothing is step-invariant there, `@ start()` has no effect, and
    /// parentheses stay.
    pub(super) prepared: bool,
    /// The step of the nearest subquery, or of the query, ms; 0 for none.
    pub(super) hint_step_ms: i64,
    /// The nearest function or aggregator above.
    pub(super) function: &'a str,
    /// What the function or aggregator right above reads of downsampled data.
    pub(super) downsampled: Downsampled,
    /// The grouping right above, and whether it is `by`.
    pub(super) grouping: Option<(&'a [String], bool)>,
    /// Whether Prometheus takes it for a range: the end is later than the
    /// start, though there may be one evaluation time.
    pub(super) range_query: bool,
}

impl<'a> Scope<'a> {
    /// The scope of a step-invariant part: its first time alone.
    pub(super) fn invariant(self) -> Self {
        let len = self.grid.len.min(1);
        Scope {
            grid: canonical(Grid { len, ..self.grid }),
            range_query: false,
            ..self
        }
    }

    /// The scope below a function or aggregator.
    pub(super) fn below(self, function: &'a str, downsampled: Downsampled) -> Self {
        Scope {
            function,
            downsampled,
            grouping: None,
            ..self
        }
    }

    /// The scope below anything else.
    pub(super) fn plain(self) -> Self {
        Scope {
            grouping: None,
            ..self
        }
    }

    /// The offset of a selector or subquery from the scope's times, ns.
    fn offset_ns(&self, at_ms: Option<i64>, offset_ms: i64, enclosing: &[Enclosing]) -> i64 {
        let offset = offset_ms.wrapping_mul(NANOS);
        let Some(at_ms) = at_ms else { return offset };
        let start = self.grid.start_ms;
        let around = Around::of(enclosing.get(self.settled..).unwrap_or_default());
        let mut subqueries = around.offset_ms.wrapping_mul(NANOS);
        if let Some(at_ms) = around.at_ms {
            subqueries = subqueries.wrapping_add(distance_ns(start, at_ms));
        }
        offset.wrapping_add(distance_ns(start, at_ms).wrapping_sub(subqueries))
    }

    /// The scope's grid as a selector sees it. A pinned selector in a scope
    /// of many steps moves with them, see [`Scope::prepared`].
    pub(super) fn reference(
        &self,
        at_ms: Option<i64>,
        offset_ms: i64,
        enclosing: &[Enclosing],
    ) -> Grid {
        let offset = self.offset_ns(at_ms, offset_ms, enclosing) / NANOS;
        Grid {
            start_ms: self.grid.start_ms.saturating_sub(offset),
            ..self.grid
        }
    }

    /// The grid of a subquery's expression, which steps by `step_ms`.
    pub(super) fn subquery(
        &self,
        subquery: Enclosing,
        step_ms: i64,
        enclosing: &[Enclosing],
    ) -> Grid {
        let Enclosing {
            offset_ms,
            range_ms,
            at_ms,
        } = subquery;
        let step_ms = step_ms.max(1);
        let offset = self.offset_ns(at_ms, offset_ms, enclosing) / NANOS;
        let first = self
            .grid
            .start_ms
            .saturating_sub(offset)
            .saturating_sub(range_ms);
        let last = if at_ms.is_some() {
            self.grid.start_ms
        } else {
            self.grid.end_ms()
        };
        // Go's division truncates, so that negative times round up.
        let mut start = step_ms * (first / step_ms);
        if start <= first {
            start = start.saturating_add(step_ms);
        }
        let end = last.saturating_sub(offset);
        let grid = Grid::range(start, end, step_ms);
        let len = if self.grid.len == 0 { 0 } else { grid.len };
        Grid { len, ..grid }
    }

    /// The grid of a subquery's windows, on the time line of its expression.
    pub(super) fn subquery_windows(&self, subquery: Enclosing) -> Grid {
        let Enclosing {
            offset_ms, at_ms, ..
        } = subquery;
        let offset = offset_ms.wrapping_mul(NANOS);
        match at_ms {
            None => self.reference(None, offset_ms, &[]),
            Some(at_ms) => {
                let start = self.grid.start_ms;
                let offset = offset.wrapping_add(distance_ns(start, at_ms)) / NANOS;
                self.pinned(start.saturating_sub(offset))
            }
        }
    }

    /// One time for all steps.
    pub(super) fn pinned(&self, start_ms: i64) -> Grid {
        canonical(Grid {
            start_ms,
            step_ms: 0,
            len: self.grid.len,
        })
    }
}

/// Grids of one time have one form.
pub(super) fn canonical(grid: Grid) -> Grid {
    let step_ms = if grid.len <= 1 { 1 } else { grid.step_ms };
    Grid { step_ms, ..grid }
}

/// `a - b` in Go's nanoseconds, which wrap after 292 years.
fn distance_ns(a_ms: i64, b_ms: i64) -> i64 {
    a_ms.wrapping_sub(b_ms).wrapping_mul(NANOS)
}

/// What subqueries around a selector add up to. `@` on one of them makes all
/// around it irrelevant.
struct Around {
    offset_ms: i64,
    range_ms: i64,
    at_ms: Option<i64>,
}

impl Around {
    fn of(enclosing: &[Enclosing]) -> Self {
        let mut around = Around {
            offset_ms: 0,
            range_ms: 0,
            at_ms: None,
        };
        for subquery in enclosing {
            if subquery.at_ms.is_some() {
                around = Around {
                    offset_ms: 0,
                    range_ms: 0,
                    at_ms: subquery.at_ms,
                };
            }
            around.offset_ms = around.offset_ms.saturating_add(subquery.offset_ms);
            around.range_ms = around.range_ms.saturating_add(subquery.range_ms);
        }
        around
    }
}

/// The closed range of time that Prometheus asks its store for, ms.
/// `window_ms` is the range, or the lookback delta of an instant selector;
/// `after_ms` is how far the selector looks beyond its windows' ends.
pub(super) fn select_range(
    query: (i64, i64),
    enclosing: &[Enclosing],
    at_ms: Option<i64>,
    offset_ms: i64,
    (window_ms, after_ms): (i64, i64),
) -> (i64, i64) {
    let around = Around::of(enclosing);
    let (mut start, mut end) = around.at_ms.map_or(query, |at| (at, at));
    if let Some(at) = at_ms {
        (start, end) = (at, at);
    } else {
        start = start
            .saturating_sub(around.offset_ms)
            .saturating_sub(around.range_ms);
        end = end.saturating_sub(around.offset_ms);
    }
    start = start.saturating_sub(window_ms.saturating_sub(1));
    end = end.saturating_add(after_ms);
    (
        start.saturating_sub(offset_ms),
        end.saturating_sub(offset_ms),
    )
}
