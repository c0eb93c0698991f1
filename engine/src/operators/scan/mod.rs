//! The leaf: decodes the samples of selected series and runs a window
//! function over them in one pass, morsel by morsel. An instant selector is
//! the window function "the latest sample within the lookback, unless stale".

mod aggregates;
mod annotations;
mod counters;
mod histogram_samples;
pub(crate) mod kernel;
mod param_warning;
mod replicas;
mod samples;
mod stale;
mod stream;
mod totals;
mod window_columns;

use std::fmt;
use std::sync::{Arc, OnceLock};

use quarrel_functions::grid::Grid;
use quarrel_functions::table::{Downsampled, WindowKind};
use quarrel_planner::logical::{NodeInfo, Select, Window, WindowCall, Windows};
use quarrel_planner::with_stack;

pub(crate) use self::annotations::{AnnotationSource, LastAnnotated};
pub(crate) use self::param_warning::ParamWarning;
pub(crate) use self::replicas::{Deduplicate, ReplicaColumns, are_several};
pub(crate) use self::samples::{SampleColumns, SamplesError};
pub(crate) use self::stream::samples_error;
use self::totals::Reading;
use super::merge;
use super::params::Params;
use crate::bound::{Bound, RowLabels};
use crate::exec::context::QueryContext;
use crate::exec::morsels::{Morsels, RowItems};
use crate::exec::operator::{BatchStream, Operator, Pruning, Run};
use crate::selections::Selection;
use crate::storage::TimeRange;

/// The windows of a scan: what is computed over which times.
#[derive(Debug, Clone)]
pub(crate) struct WindowKernel {
    /// What is computed over each window.
    pub function: WindowKind,
    /// The windows' ends on the samples' time line, their length, and how far
    /// samples beyond them are looked at.
    pub over: Windows,
    /// The evaluation times.
    pub eval: Grid,
    /// Whether start timestamps are looked at.
    pub start_timestamps: bool,
    /// What is read of downsampled data.
    pub downsampled: Downsampled,
}

impl WindowKernel {
    /// The windows of a call at the times of its node.
    pub fn new(call: &WindowCall, over: Windows, eval: Grid) -> Self {
        WindowKernel {
            function: call.function,
            over,
            eval,
            start_timestamps: call.start_timestamps,
            downsampled: call.function.downsampled(Downsampled::Average),
        }
    }

    /// The same windows of a selector, which may say what is read of downsampled
    /// data.
    fn selected(self, downsampled: Downsampled) -> Self {
        WindowKernel {
            downsampled: self.function.downsampled(downsampled),
            ..self
        }
    }
}

/// Decodes series and runs a window function over them.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(super) selection: Selection,
    /// The matchers that the store was asked with, if somebody wants to know.
    selector: Vec<String>,
    pub(super) windows: WindowKernel,
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

/// The matchers that the store was asked with for a selector, if somebody wants to know.
pub(crate) fn asked_with(context: &QueryContext, select: &Select) -> Vec<String> {
    if !context.semantics.operator_stats {
        return Vec::new();
    }
    let group = select.group.as_ref();
    let matchers = group.map_or(&select.matchers, |group| &group.matchers);
    matchers.iter().map(ToString::to_string).collect()
}

/// Binds a window function over a selector, whose series are `selection`.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    window: &Window,
    selection: Selection,
    params: Vec<Bound>,
) -> Bound {
    let Window { select, call } = window;
    let mut inputs = Vec::new();
    let params = Params::new(&call.params, params, node.grid, &mut inputs);
    let (start, end) = select.time_range;
    let items = RowItems::new(node.grid.len, select.time_range);
    let morsels = Morsels::new(selection.labels.len(), items, context.partitions());
    let morsels = Arc::new(morsels);
    let selected = RowLabels::shared(Arc::clone(&selection.labels));
    let labels = match call.drops_name {
        true => selected.drop_name(context),
        false => selected,
    };
    let (ends, reach_ms) = select.windows.widened();
    let scan = Scan {
        windows: WindowKernel::new(call, select.windows, node.grid).selected(select.downsampled),
        range: TimeRange { start, end },
        cut: select.is_cut(),
        totals: select.totals_only.then(|| Reading {
            ends,
            // An instant selector keeps one millisecond less.
            kept_ms: reach_ms - i64::from(select.instant),
        }),
        params,
        morsels: Arc::clone(&morsels),
        annotations: AnnotationSource::of(context, call, node.id, &selection.labels),
        node: node.id,
        counts_steps: context.semantics.counts_steps,
        keep: OnceLock::new(),
        warning: ParamWarning::of(call, node.id),
        span: select.span,
        selector: asked_with(context, select),
        selection,
    };
    let bound = Bound {
        labels: labels.list,
        unique: labels.unique,
        drop_names: labels.drop_names,
        grid: node.grid,
        operator: Arc::new(scan),
        inputs: inputs.into(),
        morsels: Some(morsels),
    };
    merge::bind(context, bound, node)
}

impl Operator for Scan {
    fn name(&self) -> &'static str {
        "Scan"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            ": {} series={} range={}ms morsels={} partitions={}",
            self.windows.function.name(),
            self.selection.labels.len(),
            self.windows.over.range_ms,
            self.morsels.count(),
            self.morsels.partitions(),
        )?;
        match self.keep.get() {
            Some(keep) => write!(f, " needed={}", keep.iter().filter(|k| **k).count()),
            None => Ok(()),
        }
    }

    fn selector(&self) -> &[String] {
        &self.selector
    }

    fn partitions(&self, _: &[usize]) -> usize {
        self.morsels.partitions()
    }

    fn prune(&self, keep: &[bool]) -> Pruning {
        // Rows that annotate something, or refuse a parameter, have an
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
