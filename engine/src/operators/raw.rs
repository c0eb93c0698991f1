//! Samples as they are: a bare range selector or subquery at the root of an
//! instant query.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::native::HistogramColumn;
use quarrel_functions::window::extend_samples;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Extension, RawSelect};

use super::broadcast;
use super::scan::{
    Deduplicate, ReplicaColumns, SampleColumns, are_several, asked_with, samples_error,
};
use crate::batch::Row;
use crate::bound::{Bound, lower_root};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::metrics::OperatorMetrics;
use crate::exec::operator::{Input, series_batch};
use crate::exec::plan_node::PlanNode;
use crate::exec::step_counts::StepSamples;
use crate::labels::LabelList;
use crate::operator_tree::{OperatorReport, OperatorTree};
use crate::selections::Selection;
use crate::storage::TimeRange;

/// The samples of one series.
#[derive(Debug, Clone)]
pub(crate) struct RawSeries {
    /// The series' place in the label list.
    pub row: u32,
    /// Of the floats, milliseconds.
    pub timestamps: Vec<i64>,
    /// One value a timestamp.
    pub values: Vec<f64>,
    /// Of the histograms, milliseconds.
    pub histogram_timestamps: Vec<i64>,
    /// One histogram a timestamp.
    pub histograms: HistogramColumn,
}

/// A root that gives raw samples.
#[derive(Debug)]
pub(crate) struct RawRoot {
    pub labels: Arc<LabelList>,
    source: Source,
    /// The matchers that the store was asked with, if somebody wants to know.
    selector: Vec<String>,
    metrics: OperatorMetrics,
}

#[derive(Debug)]
enum Source {
    Series {
        selection: Selection,
        range: TimeRange,
        extended: Option<Extended>,
        node: u32,
    },
    Rows {
        plan: Arc<PlanNode>,
        inner: Grid,
    },
}

/// A window that has values at its ends.
#[derive(Debug, Clone, Copy)]
struct Extended {
    end_ms: i64,
    range_ms: i64,
    extension: Extension,
    span: Span,
}

impl RawRoot {
    /// The samples of a bare range selector, whose series are `selection`.
    pub fn of_select(context: &QueryContext, raw: &RawSelect, selection: Selection) -> Self {
        let select = &raw.select;
        let (start, end) = select.time_range;
        let windows = select.windows;
        let extended = windows.extension.map(|extension| Extended {
            end_ms: windows.ends.start_ms,
            range_ms: windows.range_ms,
            extension,
            span: select.span,
        });
        RawRoot {
            labels: Arc::clone(&selection.labels),
            source: Source::Series {
                selection,
                range: TimeRange { start, end },
                extended,
                node: raw.node.id,
            },
            selector: asked_with(context, select),
            metrics: OperatorMetrics::default(),
        }
    }

    /// The samples of the rows of a bare subquery, on its times `inner`.
    pub fn of_subquery(context: &Arc<QueryContext>, inner: Grid, input: Bound) -> Self {
        let bound = broadcast::bind(input, inner);
        RawRoot {
            source: Source::Rows {
                plan: lower_root(&bound, context),
                inner,
            },
            labels: bound.labels,
            selector: Vec::new(),
            metrics: OperatorMetrics::default(),
        }
    }
}

impl RawRoot {
    /// What reads the samples, and the operators of a subquery below it.
    pub fn operators(&self) -> OperatorTree {
        let own = OperatorReport {
            depth: 0,
            name: "Raw",
            text: format!("Raw: series={}", self.labels.len()),
            selector: self.selector.clone(),
            stats: self.metrics.stats(),
        };
        let mut operators = vec![own];
        if let Source::Rows { plan, .. } = &self.source {
            let below = plan.operators().operators.into_iter();
            operators.extend(below.map(|operator| OperatorReport {
                depth: operator.depth + 1,
                ..operator
            }));
        }
        OperatorTree { operators }
    }

    /// Reads all samples.
    pub async fn compute(
        &self,
        context: &Arc<QueryContext>,
    ) -> Result<(Vec<RawSeries>, Account), QueryError> {
        let began = Instant::now();
        self.metrics.begin(began);
        let (series, account) = self.read(context).await?;
        let samples = series
            .iter()
            .map(|one| one.timestamps.len() + one.histogram_timestamps.len());
        let samples = samples.sum();
        self.metrics.add_batch(series.len(), samples);
        if matches!(self.source, Source::Series { .. }) {
            self.metrics.add_samples(samples as u64);
        }
        self.metrics.add_elapsed(began);
        self.metrics.end(Instant::now());
        Ok((series, account))
    }

    async fn read(
        &self,
        context: &Arc<QueryContext>,
    ) -> Result<(Vec<RawSeries>, Account), QueryError> {
        match &self.source {
            Source::Series {
                selection,
                range,
                extended,
                node,
            } => read_series(context, selection, *range, *extended, *node).await,
            Source::Rows { plan, inner } => read_rows(context, plan, *inner).await,
        }
    }
}

async fn read_series(
    context: &Arc<QueryContext>,
    selection: &Selection,
    range: TimeRange,
    extended: Option<Extended>,
    node: u32,
) -> Result<(Vec<RawSeries>, Account), QueryError> {
    let mut account = context.account("raw samples");
    let (mut columns, mut replicas) = (SampleColumns::default(), ReplicaColumns::default());
    let how = Deduplicate {
        deduplication: selection.deduplication,
        is_counter: false,
    };
    let (mut chunks, mut out) = (Vec::new(), Vec::new());
    for row in 0..selection.labels.len() as u32 {
        context.check()?;
        let source_row = selection.source_row(row);
        selection.fetch(source_row..source_row + 1, context).await?;
        chunks.clear();
        selection.source.chunks(source_row, &mut chunks)?;
        selection.source.release(source_row..source_row + 1);
        let loaded = match are_several(&chunks) {
            true => replicas.load(&mut chunks, range, how, &mut columns),
            false => columns.load(&chunks, range),
        };
        loaded.map_err(|e| samples_error(context, selection, row, e))?;
        context.count_decoded(columns.len() as u64)?;
        columns.drop_stale();
        columns.cut_to(range);
        if let Some(extended) = extended {
            extended.apply(&mut columns)?;
        }
        if columns.is_empty() {
            continue;
        }
        let histograms = &columns.histograms;
        if let Some(counts) = &context.step_counts {
            let column = &histograms.column;
            let sizes = (0..histograms.timestamps.len()).map(|i| column.get(i).size_in_samples());
            let count = columns.timestamps.len() as u64 + sizes.sum::<u64>();
            let samples = StepSamples {
                total: vec![count],
                read: vec![count],
            };
            counts.add(node, &samples);
        }
        account.grow(columns.len() * 16 + histograms.column.bytes())?;
        account.hold_samples(columns.len() as u64)?;
        out.push(RawSeries {
            row,
            timestamps: columns.timestamps.clone(),
            values: columns.values.clone(),
            histogram_timestamps: histograms.timestamps.clone(),
            histograms: histograms.column.clone(),
        });
        account.grow(size_of::<RawSeries>())?;
    }
    Ok((out, account))
}

impl Extended {
    /// Puts values at the window's ends.
    fn apply(self, columns: &mut SampleColumns) -> Result<(), QueryError> {
        let Extended {
            end_ms,
            range_ms,
            extension,
            span,
        } = self;
        if !columns.histograms.is_empty() {
            let word = if extension.smoothed {
                "smoothed"
            } else {
                "anchored"
            };
            let message = format!("{word} modifier is not supported with histograms");
            return Err(QueryError::execution(message, span));
        }
        let (timestamps, values) = (&columns.timestamps, &columns.values);
        let extended = extend_samples(timestamps, values, end_ms, range_ms, extension);
        (columns.timestamps, columns.values) = extended;
        Ok(())
    }
}

async fn read_rows(
    context: &Arc<QueryContext>,
    plan: &Arc<PlanNode>,
    inner: Grid,
) -> Result<(Vec<RawSeries>, Account), QueryError> {
    let mut account = context.account("raw samples");
    let mut stream = Input::new(Arc::clone(plan) as _).open(0);
    let mut out = Vec::new();
    while let Some(record) = stream.next().await {
        let batch = series_batch(&record?)?;
        account.hold_samples(batch.items() as u64)?;
        for row in batch.rows() {
            out.push(raw_row(&row, inner, &mut account)?);
        }
    }
    Ok((out, account))
}

/// Histograms that are copied between two looks at what they take.
const HISTOGRAMS_A_LOOK: usize = 256;

/// A row's samples as a series of the answer, reserved as they are copied.
fn raw_row(row: &Row<'_>, inner: Grid, account: &mut Account) -> Result<RawSeries, QueryError> {
    let first = row.first_step as usize;
    let (floats, histograms) = (row.floats().count(), row.histograms().count());
    account.grow(size_of::<RawSeries>() + floats * 16 + histograms * 8)?;
    let mut timestamps = Vec::with_capacity(floats);
    let mut values = Vec::with_capacity(floats);
    for i in row.floats() {
        timestamps.push(inner.at(first + i));
        values.push(row.values[i]);
    }
    let mut histogram_timestamps = Vec::with_capacity(histograms);
    let mut column = HistogramColumn::default();
    let mut reserved = 0;
    for (n, (i, h)) in row.histograms().enumerate() {
        histogram_timestamps.push(inner.at(first + i));
        column.push(&h);
        if n.is_multiple_of(HISTOGRAMS_A_LOOK) {
            account.context().check()?;
            account.grow(column.bytes().saturating_sub(reserved))?;
            reserved = column.bytes();
        }
    }
    column.shrink_to_fit();
    account.shrink(reserved);
    account.grow(column.bytes())?;
    Ok(RawSeries {
        row: row.series,
        timestamps,
        values,
        histogram_timestamps,
        histograms: column,
    })
}
