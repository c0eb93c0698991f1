//! A window function over a subquery: the inner rows, on the inner times, are
//! the samples of the same kernels that run over selectors.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::HistogramRef;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{NodeInfo, SubqueryWindow as SubqueryPlan};

use super::merge;
use super::params::{Params, Values, as_params};
use super::scan::kernel::KernelScratch;
use super::scan::{AnnotationSource, LastAnnotated, ParamWarning, SampleColumns, WindowKernel};
use crate::batch::{BatchBuilder, Row};
use crate::bound::Bound;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Pruning, Run, expanded};

#[derive(Debug)]
struct SubqueryWindow {
    windows: WindowKernel,
    /// The times of the inner rows.
    inner: Grid,
    /// Whether the inner rows have one step for all these times.
    invariant: bool,
    params: Params,
    annotations: Option<AnnotationSource>,
    warning: Option<ParamWarning>,
    span: Span,
}

/// Binds a window function over a subquery.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    subquery: &SubqueryPlan,
    input: Bound,
    params: Vec<Bound>,
) -> Bound {
    let (call, inner) = (&subquery.call, subquery.inner);
    let invariant = input.grid.len != inner.len;
    let labels = input.row_labels();
    let annotations = AnnotationSource::of(context, call, node.id, &labels.list);
    let labels = match call.drops_name {
        true => labels.drop_name(context),
        false => labels,
    };
    let mut inputs = vec![input];
    let params = Params::new(&call.params, params, node.grid, &mut inputs);
    let operator = SubqueryWindow {
        windows: WindowKernel::new(call, subquery.windows, node.grid),
        inner,
        invariant,
        params,
        annotations,
        warning: ParamWarning::of(call, node.id),
        span: call.argument,
    };
    let bound = Bound::row_wise(Arc::new(operator), inputs, labels);
    let grid = node.grid;
    merge::bind(context, Bound { grid, ..bound }, node)
}

impl Operator for SubqueryWindow {
    fn name(&self) -> &'static str {
        "SubqueryWindow"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.windows.function.name();
        write!(
            f,
            ": {name} range={}ms inner steps={} step={}ms",
            self.windows.over.range_ms, self.inner.len, self.inner.step_ms
        )
    }

    fn is_row_wise(&self) -> bool {
        true
    }

    fn prune(&self, _: &[bool]) -> Pruning {
        // Rows that annotate something, or refuse a parameter, have an
        // effect.
        let counter = self
            .annotations
            .as_ref()
            .is_some_and(AnnotationSource::wants_counter);
        if counter || !self.params.is_empty() {
            Pruning::Ignored
        } else {
            Pruning::PassedOn
        }
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        let input = run.inputs[0].open(run.partition);
        let context = Arc::clone(&run.context);
        let this = Arc::clone(&self);
        let prepare = async move {
            let mut account = run.context.account("subquery");
            let steps = this.windows.eval.len;
            account.grow(KernelScratch::bytes(steps))?;
            account.grow(this.inner.len * 16)?;
            Ok(Worker {
                params: this.params.get(&run).await?,
                scratch: KernelScratch::new(steps),
                samples: SampleColumns::default(),
                last_annotated: LastAnnotated::default(),
                run,
                account,
                row_bytes: 0,
            })
        };
        expanded(input, &context, prepare, move |worker, row, builder| {
            self.row(worker, &row, builder)
        })
    }
}

/// What one partition computes with.
struct Worker {
    run: Run,
    params: Arc<Vec<Values>>,
    scratch: KernelScratch,
    samples: SampleColumns,
    last_annotated: LastAnnotated,
    account: Account,
    /// What is reserved for a row's histograms.
    row_bytes: usize,
}

impl SubqueryWindow {
    /// One inner row: window function, result row.
    fn row(
        &self,
        worker: &mut Worker,
        row: &Row<'_>,
        builder: &mut BatchBuilder,
    ) -> Result<(), QueryError> {
        self.samples(row, &mut worker.samples);
        let histograms = &worker.samples.histograms;
        let steps = self.windows.eval.len;
        let bytes = histograms.bytes() + KernelScratch::histogram_bytes(histograms, steps);
        if bytes > worker.row_bytes {
            worker.account.grow(bytes - worker.row_bytes)?;
            worker.row_bytes = bytes;
        }
        let params = as_params(&worker.params);
        let scratch = &mut worker.scratch;
        let windowed = scratch
            .run(&self.windows, &worker.samples, &params)
            .map_err(|e| QueryError::execution(e.to_string(), self.span))?;
        let before = builder.rows();
        builder.push_mixed(
            row.series,
            scratch.first_step() as u32,
            scratch.values(),
            scratch.present(),
            &scratch.histograms,
        );
        if let Some(annotations) = &self.annotations {
            annotations.annotate(&worker.run, row.series, scratch, &mut worker.last_annotated);
        }
        if let Some(warning) = &self.warning
            && builder.rows() > before
        {
            warning.annotate(&worker.run, &params, scratch);
        }
        let stats = &worker.run.context.stats;
        stats
            .queryable_samples
            .fetch_add(windowed, Ordering::Relaxed);
        worker.run.metrics.add_samples(windowed);
        Ok(())
    }

    /// An inner row as samples.
    fn samples(&self, row: &Row<'_>, out: &mut SampleColumns) {
        out.clear();
        if self.invariant {
            let times = (0..self.inner.len).map(|i| self.inner.at(i));
            match row.histogram(0) {
                Some(h) => times.for_each(|t| push(out, t, h)),
                None => {
                    out.timestamps.extend(times);
                    out.values.resize(self.inner.len, row.values[0]);
                }
            }
            return;
        }
        let first = row.first_step as usize;
        for i in row.floats() {
            out.timestamps.push(self.inner.at(first + i));
            out.values.push(row.values[i]);
        }
        for (i, h) in row.histograms() {
            push(out, self.inner.at(first + i), h);
        }
    }
}

/// Appends a histogram of an inner row. A reset may lie at a sample that no
/// step shows, or at one that several steps show: counts have to be compared.
fn push(samples: &mut SampleColumns, time: i64, mut h: HistogramRef<'_>) {
    h.counter_reset = h.counter_reset.out_of_order();
    samples.histograms.push(time, 0, &h);
}
