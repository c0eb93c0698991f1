//! The leaf: decodes the samples of selected series and runs a window
//! function over them in one pass, morsel by morsel. An instant selector is
//! the window function "the latest sample within the lookback, unless stale".

mod annotations;
mod histogram_samples;
pub(crate) mod kernel;
mod param_warning;
mod samples;
mod stream;
mod totals;

use std::fmt;
use std::sync::{Arc, OnceLock};

use quarrel_functions::grid::Grid;
use quarrel_planner::logical::{Extension, Plan, Window, WindowCall};
use quarrel_planner::with_stack;

pub(crate) use self::annotations::{AnnotationSource, LastAnnotated};
use self::kernel::Kernel;
pub(crate) use self::param_warning::ParamWarning;
pub(crate) use self::samples::{SampleColumns, SamplesError};
pub(crate) use self::stream::samples_error;
use self::totals::Reading;
use super::merge;
use super::params::Params;
use crate::bind::selections::Selection;
use crate::bind::{Binder, Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::morsels::Morsels;
use crate::exec::operator::{BatchStream, Operator, Pruning, Run};
use crate::storage::TimeRange;

/// The windows of a scan: what is computed over which times.
#[derive(Debug, Clone)]
pub(crate) struct Windows {
    /// What is computed over each window.
    pub kernel: Kernel,
    /// The windows' ends on the samples' time line.
    pub ends: Grid,
    /// The evaluation times.
    pub eval: Grid,
    /// The windows' length, ms.
    pub range_ms: i64,
    /// How far samples beyond the windows are looked at.
    pub extension: Option<Extension>,
    /// Whether start timestamps are looked at.
    pub start_timestamps: bool,
}

impl Windows {
    /// The windows of a call at the times of its node.
    pub fn new(call: &WindowCall, eval: Grid) -> Self {
        Windows {
            kernel: Kernel::of(call.function),
            ends: call.reference,
            eval,
            range_ms: call.range_ms,
            extension: call.extension,
            start_timestamps: call.start_timestamps,
        }
    }

    /// The ends and the length of windows that hold all samples that are looked
    /// at.
    pub fn reach(&self) -> (Grid, i64) {
        let wide = |extension: Extension| extension.widen(self.ends, self.range_ms);
        self.extension.map_or((self.ends, self.range_ms), wide)
    }
}

/// See the module's words.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(super) selection: Selection,
    pub(super) windows: Windows,
    pub(super) range: TimeRange,
    /// Whether windows reach out of `range`, where no sample counts.
    pub(super) cut: bool,
    /// How histograms are reduced to their totals, if they are.
    pub(super) totals: Option<Reading>,
    pub(super) params: Params,
    pub(super) morsels: Arc<Morsels>,
    pub(super) annotations: Option<AnnotationSource>,
    /// The plan node.
    pub(super) node: u32,
    /// Whether the samples of each step are counted, those of rows that do not
    /// matter, too.
    pub(super) counts_steps: bool,
    /// The rows that matter; all if it is not set.
    pub(super) keep: OnceLock<Box<[bool]>>,
    pub(super) warning: Option<ParamWarning>,
    pub(super) span: quarrel_planner::ast::Span,
}

/// Binds a window function over a selector.
pub(crate) fn bind(binder: &Binder<'_>, plan: &Plan, window: &Window) -> Result<Bound, QueryError> {
    let selection = binder.selection(plan.id)?.clone();
    let mut inputs = Vec::new();
    let params = Params::bind(binder, &window.call.params, plan.grid, &mut inputs)?;
    let (start, end) = window.select.time_range;
    let rows = selection.labels.len();
    let partitions = binder.context.partitions();
    let morsels = Arc::new(Morsels::new(rows, plan.grid.len, partitions));
    binder.context.stats.expect_morsels(morsels.count());
    let selected = RowLabels::shared(Arc::clone(&selection.labels));
    let labels = if window.call.drops_name {
        binder.drop_names(selected)
    } else {
        selected
    };
    let windows = Windows::new(&window.call, plan.grid);
    let (ends, reach_ms) = windows.reach();
    let scan = Scan {
        windows,
        range: TimeRange { start, end },
        cut: window.select.is_cut(),
        totals: window.select.totals_only.then(|| Reading {
            ends,
            // An instant selector keeps one millisecond less.
            kept_ms: reach_ms - i64::from(window.select.instant),
        }),
        params,
        morsels: Arc::clone(&morsels),
        annotations: AnnotationSource::of(binder, &window.call, plan.id, &selection.labels),
        node: plan.id,
        counts_steps: binder.context.semantics.counts_steps,
        keep: OnceLock::new(),
        warning: ParamWarning::of(&window.call, plan.id),
        span: window.select.span,
        selection,
    };
    let bound = Bound {
        labels: labels.list,
        unique: labels.unique,
        marks: labels.marks,
        grid: plan.grid,
        operator: Arc::new(scan),
        inputs: inputs.into(),
        morsels: Some(morsels),
    };
    Ok(merge::bind(binder, bound, plan))
}

impl Operator for Scan {
    fn name(&self) -> &'static str {
        "Scan"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            ": {} series={} range={}ms morsels={} partitions={}",
            self.windows.kernel.name(),
            self.selection.labels.len(),
            self.windows.range_ms,
            self.morsels.count(),
            self.morsels.partitions(),
        )?;
        match self.keep.get() {
            Some(keep) => write!(f, " needed={}", keep.iter().filter(|k| **k).count()),
            None => Ok(()),
        }
    }

    fn partitions(&self, _: Option<usize>) -> usize {
        self.morsels.partitions()
    }

    fn prune(&self, keep: &[bool]) -> Pruning {
        // Rows that tell the user something, or refuse a parameter, have an
        // effect; histograms are looked for by series.
        let counter = self
            .annotations
            .as_ref()
            .is_some_and(AnnotationSource::wants_counter);
        if counter || self.counts_steps || !self.params.is_empty() {
            return Pruning::Ignored;
        }
        let _ = self.keep.set(keep.into());
        Pruning::Done
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        with_stack(|| stream::scan(self, run))
    }
}
