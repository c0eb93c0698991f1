//! Selectors, and the windows that functions look at.

use quarrel_functions::grid::Grid;
use quarrel_functions::table::{Downsampled, WindowKind};
use quarrel_functions::window::Extension;
use quarrel_matchers::Matcher;

use super::Plan;
use crate::ast::Span;

/// The windows of a selector or a subquery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The times that windows end at, on the time line of the samples: the
    /// node's grid moved by `offset`, or one fixed time for `@`. Has the length
    /// of the node's grid, or 1.
    pub ends: Grid,
    /// The window before each time, ms: the range, or the lookback delta for
    /// an instant selector. Left-open, right-closed.
    pub range_ms: i64,
    /// How far `anchored` and `smoothed` look beyond the windows.
    pub extension: Option<Extension>,
}

impl Windows {
    /// The ends and the length (ms) of windows that hold all samples that are
    /// looked at.
    pub fn widened(&self) -> (Grid, i64) {
        match self.extension {
            Some(extension) => extension.widen(self.ends, self.range_ms),
            None => (self.ends, self.range_ms),
        }
    }

    /// The closed range of time that the windows reach, ms.
    pub fn reach(&self) -> (i64, i64) {
        let (ends, range_ms) = self.widened();
        let oldest = ends.start_ms.saturating_sub(range_ms);
        (oldest.saturating_add(1), ends.end_ms())
    }
}

/// A selector: which series, and when to look at them.
#[derive(Clone, Debug)]
pub struct Select {
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// When its samples are looked at.
    pub windows: Windows,
    /// The closed range of time that samples are asked for, ms, narrowed by
    /// rules; empty if its end is earlier. Samples outside count as not there
    /// even if the store delivers them, see [`Select::is_cut`].
    pub time_range: (i64, i64),
    /// Set by the rule on shared selects: the store is asked once for the
    /// group's matchers, and this selector's own matchers pick from the answer.
    pub group: Option<SelectGroup>,
    /// The function or aggregator right above, for the store.
    pub function: String,
    /// The grouping right above, for the store.
    pub grouping: Vec<String>,
    /// Whether `grouping` is `by`.
    pub by: bool,
    /// What is read of downsampled data.
    pub downsampled: Downsampled,
    /// Whether the windows need two samples for a result.
    pub needs_two_samples: bool,
    /// The query's or subquery's step, ms; 0 for an instant query.
    pub hint_step_ms: i64,
    /// Whether this is an instant selector.
    pub instant: bool,
    /// Whether native histograms are read without their buckets: count and
    /// sum, and what is known of resets from the samples before.
    pub totals_only: bool,
    /// The names of the labels that the plan needs beside name, type and unit,
    /// sorted; all labels if it is not set. Set by the rule on label projection.
    pub projection: Option<Vec<String>>,
    /// Where the selector stands in the query.
    pub span: Span,
}

impl Select {
    /// Whether windows reach out of [`Select::time_range`], so that samples
    /// there have to be left out: with `@` in some odd places.
    pub fn is_cut(&self) -> bool {
        let (start, end) = self.windows.reach();
        start < self.time_range.0 || end > self.time_range.1
    }
}

/// Selectors that share one select.
#[derive(Clone, Debug)]
pub struct SelectGroup {
    /// The group's number in its plan.
    pub id: u32,
    /// What the store is asked for; each selector of the group has these
    /// matchers, too, and perhaps more.
    pub matchers: Vec<Matcher>,
    /// The closed range of time over all selectors of the group, ms.
    pub time_range: (i64, i64),
}

/// A window function over a selector: one scan does both.
#[derive(Clone, Debug)]
pub struct Window {
    /// The samples and their windows.
    pub select: Select,
    /// What is computed over each window.
    pub call: WindowCall,
}

/// A window function over a subquery.
#[derive(Clone, Debug)]
pub struct SubqueryWindow {
    /// The inner expression; its grid is `inner`, or one step where it does
    /// not change.
    pub input: Box<Plan>,
    /// The subquery's times, without an offset of its own taken off: the times
    /// at which `input` is evaluated.
    pub inner: Grid,
    /// The windows over these times.
    pub windows: Windows,
    /// What is computed over each window.
    pub call: WindowCall,
}

/// A window function with its arguments.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// What is computed.
    pub function: WindowKind,
    /// The scalar arguments, in the order of the signature, those that were
    /// left out with their defaults.
    pub params: Vec<Plan>,
    /// Whether start timestamps are read, where the store has them.
    pub start_timestamps: bool,
    /// Whether the function drops the metric name.
    pub drops_name: bool,
    /// Where the call's first argument stands, for annotations; nowhere (zero)
    /// if that is a subquery, as in Prometheus.
    pub argument: Span,
}
