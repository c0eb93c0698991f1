//! Functions of histograms: `histogram_quantile` and `histogram_fraction` over
//! classic buckets and native histograms; [`quantiles`] for several quantiles
//! at once, and [`values`] for what native histograms alone have.

mod groups;
mod native;
pub(crate) mod quantiles;
mod question;
mod values;

use std::fmt;
use std::sync::Arc;

use quarrel_functions::histogram::classic::{BucketRow, ClassicRows};
use quarrel_functions::table::HistogramFunction;
use quarrel_planner::ast::Span;
use quarrel_planner::logical::{Histogram as HistogramPlan, NodeInfo};

use self::groups::{Arrived, Groups};
use self::native::NativeHistogram;
use self::question::{Annotator, QuantileAnnotations, Question, warn_quantiles};
use super::params::Params;
use super::{broadcast, merge};
use crate::batch::Row;
use crate::bound::{Bound, RowLabels};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::labels::LabelList;

#[derive(Debug)]
struct Histogram {
    function: HistogramFunction,
    name: &'static str,
    params: Params,
    groups: Groups,
    /// How many classic histograms there are. Native ones have the numbers
    /// behind them, one for each input row.
    classic: u32,
    annotator: Annotator,
    /// Where the first parameter stands.
    param_span: Span,
}

/// Binds a function of histograms.
pub(crate) fn bind(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &HistogramPlan,
    params: Vec<Bound>,
    input: Bound,
) -> Bound {
    let (kind, name) = (plan.kind, plan.function.name);
    if let Some(value) = values::of(kind) {
        return values::bind(context, node, name, value, input);
    }
    let input = broadcast::bind(input, node.grid);
    let (groups, labels) = Groups::new(context, &input.labels);
    if !groups.has_buckets() {
        return bind_native(context, node, plan, params, input, groups);
    }
    let classic = labels.len() as u32;
    let labels = with_native(labels, &input.labels).drop_name(context);
    let mut inputs = vec![input];
    let first = plan.params.first();
    let histogram = Histogram {
        function: kind,
        name,
        params: Params::new(&plan.params, params, node.grid, &mut inputs),
        groups,
        classic,
        annotator: annotator(node, plan, &labels.list),
        param_span: first.map_or(node.span, |param| param.node.argument_span),
    };
    // Histograms that differ in their name alone may have equal labels now.
    let bound = Bound::whole(Arc::new(histogram), inputs, labels, node.grid);
    merge::bind(context, bound, node)
}

/// What annotates the rows of a node.
fn annotator(node: NodeInfo, plan: &HistogramPlan, rows: &Arc<LabelList>) -> Annotator {
    Annotator {
        node: node.id,
        span: plan.input.node.argument_span,
        grid: node.grid,
        labels: Arc::clone(rows),
    }
}

/// Binds a function of histograms that are all native.
fn bind_native(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &HistogramPlan,
    params: Vec<Bound>,
    input: Bound,
    groups: Groups,
) -> Bound {
    let labels = with_native(LabelList::new(), &input.labels).drop_name(context);
    let mut inputs = vec![input];
    let first = plan.params.first();
    let histogram = NativeHistogram {
        function: plan.kind,
        name: plan.function.name,
        params: Params::new(&plan.params, params, node.grid, &mut inputs),
        annotator: annotator(node, plan, &labels.list),
        param_span: first.map_or(node.span, |param| param.node.argument_span),
        malformed: groups.into_malformed(),
    };
    let bound = Bound::row_wise(Arc::new(histogram), inputs, labels);
    merge::bind(context, bound, node)
}

/// The labels of classic histograms, and those of all rows, which may have
/// native ones.
fn with_native(mut classic: LabelList, rows: &LabelList) -> RowLabels {
    rows.iter()
        .for_each(|row| classic.push(row.iter().copied()));
    RowLabels::new(classic)
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
            self.classic,
            self.groups.rows()
        )
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move { self.compute(&run).await })
    }
}

impl Histogram {
    async fn compute(&self, run: &Run) -> Result<Output, QueryError> {
        let steps = self.annotator.grid.len;
        let params = self.params.get(run).await?;
        let question = Question::new(self.function, &params)?;
        if let (Question::Quantile(_), [q]) = (question, params.as_slice()) {
            warn_quantiles(run, self.annotator.node, self.param_span, q, steps);
        }
        let collecting = run.inputs[0].collect(self.groups.rows(), &run.context, "histogram");
        let (input, mut account) = collecting.await?;
        account.grow(steps * 9)?;
        let site = (self.annotator.node, self.annotator.span);
        let arrived = self.groups.arrive(&input, steps, site, &mut account)?;
        let mut answers = Answers::new(&self.annotator, &arrived, &run.context);
        let mut output = Output::new(&run.context, "histogram");
        for (i, row) in arrived.native.iter().enumerate() {
            groups::check(&run.context, i)?;
            let number = self.classic + row.series;
            answers.native(number, row, question);
            output.push(number, 0, &answers.values, &answers.present)?;
        }
        for (i, (number, buckets)) in arrived.classic.iter().enumerate() {
            groups::check(&run.context, i)?;
            answers.classic(*number, buckets, question);
            output.push(*number, 0, &answers.values, &answers.present)?;
        }
        Ok(output)
    }
}

/// Computes answers of one histogram after the other, over all steps.
struct Answers<'a> {
    annotator: &'a Annotator,
    arrived: &'a Arrived<'a>,
    context: &'a QueryContext,
    values: Vec<f64>,
    present: Vec<bool>,
}

impl<'a> Answers<'a> {
    fn new(annotator: &'a Annotator, arrived: &'a Arrived<'a>, context: &'a QueryContext) -> Self {
        let steps = annotator.grid.len;
        Answers {
            annotator,
            arrived,
            context,
            values: vec![0.0; steps],
            present: vec![false; steps],
        }
    }

    /// The native histograms of a row, whose results have a number.
    fn native(&mut self, number: u32, row: &Row<'_>, question: Question<'_>) {
        self.present.fill(false);
        let mut found = QuantileAnnotations::default();
        for (i, h) in row.histograms() {
            let step = row.first_step as usize + i;
            if self.arrived.has_rival(row.series, step) {
                continue;
            }
            self.present[step] = true;
            self.values[step] = question.answer(&h, step, &mut found);
        }
        found.annotate(self.annotator, self.context, number);
    }

    /// A classic histogram.
    fn classic(&mut self, number: u32, rows: &[(f64, Row<'_>)], question: Question<'_>) {
        let drop_names: Vec<Option<Vec<bool>>> = rows
            .iter()
            .map(|(_, row)| {
                (!row.is_full()).then(|| {
                    let mut drop_names = vec![false; row.values.len()];
                    row.write_presence(&mut drop_names);
                    drop_names
                })
            })
            .collect();
        let buckets = rows
            .iter()
            .zip(&drop_names)
            .map(|((bound, row), drop_names)| BucketRow {
                upper_bound: *bound,
                first_step: row.first_step as usize,
                values: row.values,
                present: drop_names.as_deref(),
            });
        let mut buckets = ClassicRows::new(buckets.collect());
        let (values, present) = (&mut self.values[..], &mut self.present[..]);
        let arrived = self.arrived;
        match question {
            Question::Quantile(q) => {
                let annotate = |step, forced| {
                    if !arrived.is_in_conflict(number, step) {
                        self.annotator
                            .annotate_forced(self.context, number, step, forced);
                    }
                };
                buckets.quantile(q, values, present, annotate);
            }
            Question::Fraction(lower, upper) => buckets.fraction(lower, upper, values, present),
        }
        for (step, present) in present.iter_mut().enumerate() {
            *present &= !arrived.is_in_conflict(number, step);
        }
    }
}
