//! `histogram_quantile` and `histogram_fraction` over classic buckets: rows
//! that differ in `le` alone are one histogram.

use std::fmt;
use std::sync::Arc;

use quarrel_functions::grid::Grid;
use quarrel_functions::histogram::classic::{BucketRow, ClassicRows, Forced, upper_bound};
use quarrel_functions::table::{HistogramFunction, Kind};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Plan, PlanOp};

use super::params::{Params, Values};
use super::{broadcast, merge, quantile};
use crate::annotations::{ForcedMonotonicity, for_metric};
use crate::batch::Row;
use crate::bind::{Binder, Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::labels::{Grouper, LabelList, Symbol};

/// What the user is told when counts fell from one bucket to the next.
const FORCED: &str = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

#[derive(Debug)]
struct Histogram {
    function: HistogramFunction,
    name: &'static str,
    params: Params,
    /// For each input row its histogram, and the bucket's upper bound; `None`
    /// for rows that are no buckets.
    buckets: Vec<Option<(u32, f64)>>,
    /// What is said of rows whose `le` is no bound.
    malformed: Vec<(u32, String)>,
    /// The labels of each histogram as they are in the answer, or before names
    /// are removed there.
    labels: Arc<LabelList>,
    steps: usize,
    grid: Grid,
    node: u32,
    /// Where the first parameter and the vector stand.
    spans: (Span, Span),
}

/// Binds a function of histograms.
pub(crate) fn bind(binder: &Binder<'_>, plan: &Plan) -> Result<Bound, QueryError> {
    let PlanOp::Histogram {
        function,
        params,
        input,
    } = &plan.op
    else {
        return Err(QueryError::Internal("not a function of histograms".into()));
    };
    let Kind::Histogram(kind) = function.kind else {
        return Err(QueryError::unsupported(function.name, plan.span));
    };
    if kind == HistogramFunction::Quantiles {
        return Err(QueryError::unsupported(function.name, plan.span));
    }
    let spans = (params.first().map_or(plan.span, |p| p.span), input.span);
    let input = broadcast::bind(binder.bind(input)?, plan.grid);
    let mut malformed = Vec::new();
    let mut labels = LabelList::new();
    let buckets = if kind.is_native_only() {
        vec![None; input.labels.len()]
    } else {
        group(binder, &input.labels, &mut labels, &mut malformed)
    };
    let labels = binder.drop_names(RowLabels::unique(labels));
    let mut inputs = vec![input];
    let params = Params::bind(binder, params, plan.grid, &mut inputs)?;
    let histogram = Histogram {
        function: kind,
        name: function.name,
        params,
        buckets,
        malformed,
        labels: Arc::clone(&labels.list),
        steps: plan.grid.len,
        grid: plan.grid,
        node: plan.id,
        spans,
    };
    // Histograms that differ in their name alone may have equal labels now.
    let bound = Bound::whole(Arc::new(histogram), inputs, labels, plan.grid);
    Ok(merge::bind(bound, plan.span))
}

/// Finds each row's histogram: all labels but `le`.
fn group(
    binder: &Binder<'_>,
    rows: &LabelList,
    labels: &mut LabelList,
    malformed: &mut Vec<(u32, String)>,
) -> Vec<Option<(u32, f64)>> {
    let symbols = binder.context.symbols.read();
    let mut grouper = Grouper::default();
    let mut key = Vec::new();
    let mut bounds: rustc_hash::FxHashMap<Symbol, Option<f64>> = Default::default();
    let mut out = Vec::with_capacity(rows.len());
    for (number, row) in rows.iter().enumerate() {
        let le = crate::labels::find_label(row, Symbol::LE).unwrap_or(Symbol::EMPTY);
        let bound = *bounds
            .entry(le)
            .or_insert_with(|| upper_bound(symbols.get(le)));
        let Some(bound) = bound else {
            let name = if binder.delays_names() {
                for_metric(symbols.value_of(row, Symbol::NAME))
            } else {
                String::new()
            };
            let le = quarrel_functions::fmt::quote(symbols.get(le));
            let text =
                format!("bucket label \"le\" is missing or has a malformed value of {le}{name}");
            malformed.push((number as u32, text));
            out.push(None);
            continue;
        };
        key.clear();
        key.extend(row.iter().copied().filter(|l| l.name != Symbol::LE));
        let histogram = grouper.id_of(&key);
        if histogram as usize == labels.len() {
            labels.push(key.iter().copied());
        }
        out.push(Some((histogram, bound)));
    }
    out
}

impl Operator for Histogram {
    fn name(&self) -> &'static str {
        "Histogram"
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, params) = (self.name, &self.params);
        write!(
            f,
            ": {name}({params}) histograms={} of {}",
            self.labels.len(),
            self.buckets.len()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let params = self.params.get(&run).await?;
            if self.function == HistogramFunction::Quantile
                && let Some(q) = params.first()
            {
                // Each step's quantile is checked for itself.
                for q in q.iter(self.steps) {
                    quantile::warn(&run, self.node, self.spans.0, q);
                }
            }
            let collecting = run.inputs[0].collect(self.buckets.len(), &run.context, "histogram");
            let (input, mut account) = collecting.await?;
            for (row, text) in &self.malformed {
                if input.get(*row).is_some() {
                    let annotations = &run.context.annotations;
                    annotations.warn(self.node, self.spans.1, text.clone());
                }
            }
            account.grow(self.steps * 9)?;
            let mut order = Vec::new();
            let mut histograms: Vec<Vec<(f64, Row<'_>)>> = vec![Vec::new(); self.labels.len()];
            for row in input.arrived() {
                let Some((histogram, bound)) = self.buckets[row.series as usize] else {
                    continue;
                };
                if histograms[histogram as usize].is_empty() {
                    order.push(histogram);
                }
                histograms[histogram as usize].push((bound, row));
            }
            let mut output = Output::new(&run.context, "histogram");
            for histogram in order {
                run.context.check()?;
                self.one(
                    &run,
                    histogram,
                    &histograms[histogram as usize],
                    &params,
                    &mut output,
                )?;
            }
            Ok(output)
        })
    }
}

impl Histogram {
    /// One histogram at all steps.
    fn one(
        &self,
        run: &Run,
        number: u32,
        rows: &[(f64, Row<'_>)],
        params: &[Values],
        output: &mut Output,
    ) -> Result<(), QueryError> {
        let marks: Vec<Option<Vec<bool>>> = rows
            .iter()
            .map(|(_, row)| {
                (!row.is_full()).then(|| {
                    let mut marks = vec![false; row.values.len()];
                    row.write_presence(&mut marks);
                    marks
                })
            })
            .collect();
        let buckets = rows
            .iter()
            .zip(&marks)
            .map(|((bound, row), marks)| BucketRow {
                upper_bound: *bound,
                first_step: row.first_step as usize,
                values: row.values,
                present: marks.as_deref(),
            });
        let mut buckets = ClassicRows::new(buckets.collect());
        let mut values = vec![0.0; self.steps];
        let mut present = vec![false; self.steps];
        match (self.function, params) {
            (HistogramFunction::Quantile, [q]) => {
                let tell = |step, forced| self.tell_forced(run, number, step, forced);
                buckets.quantile(q.param(), &mut values, &mut present, tell);
            }
            (HistogramFunction::Fraction, [lower, upper]) => {
                buckets.fraction(lower.param(), upper.param(), &mut values, &mut present);
            }
            _ => {}
        }
        output.push(number, 0, &values, &present)
    }

    fn tell_forced(&self, run: &Run, number: u32, step: usize, forced: Forced) {
        let labels = self.labels.get(number as usize);
        let symbols = run.context.symbols.read();
        let name = for_metric(symbols.value_of(labels, Symbol::NAME));
        let at = self.grid.at(step);
        let detail = ForcedMonotonicity {
            times: (at, at),
            buckets: (forced.min_bucket, forced.max_bucket),
            max_diff: forced.max_diff,
            samples: 1,
        };
        run.context.annotations.add_monotonicity(
            self.node,
            self.spans.1,
            format!("{FORCED}{name}"),
            detail,
        );
    }
}
