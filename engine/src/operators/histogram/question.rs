//! What is asked of a histogram, and what is said of the answers.

use std::sync::Arc;

use quarrel_functions::grid::{Grid, Param};
use quarrel_functions::histogram::classic::Forced;
use quarrel_functions::histogram::native::{FractionAnnotation, HistogramRef, QuantileAnnotation};
use quarrel_functions::table::HistogramFunction;
use quarrel_planner::ast::Span;

use crate::annotations::{ForcedMonotonicity, for_metric};
use crate::error::QueryError;
use crate::exec::context::QueryContext;
use crate::exec::operator::Run;
use crate::labels::{LabelList, Symbol};
use crate::operators::params::Values;
use crate::operators::quantile;

/// The info when counts fell from one bucket to the next.
const FORCED: &str = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)";

/// Where annotations go, and what they may name.
#[derive(Debug)]
pub(super) struct Annotator {
    pub node: u32,
    /// Where the vector stands.
    pub span: Span,
    pub grid: Grid,
    /// The labels of the results: classic histograms, then native ones.
    pub labels: Arc<LabelList>,
}

/// What is asked of each histogram.
#[derive(Clone, Copy)]
pub(super) enum Question<'a> {
    Quantile(Param<'a>),
    Fraction(Param<'a>, Param<'a>),
}

impl<'a> Question<'a> {
    pub fn new(function: HistogramFunction, params: &'a [Values]) -> Result<Self, QueryError> {
        match (function, params) {
            (HistogramFunction::Quantile, [q]) => Ok(Question::Quantile(q.param())),
            (HistogramFunction::Fraction, [lower, upper]) => {
                Ok(Question::Fraction(lower.param(), upper.param()))
            }
            _ => Err(QueryError::Internal("parameters of a histogram".into())),
        }
    }

    /// The answer of a native histogram at a step.
    pub fn answer(self, h: &HistogramRef<'_>, step: usize, found: &mut QuantileAnnotations) -> f64 {
        match self {
            Question::Quantile(q) => {
                let (value, annotation) = h.quantile(q.at(step));
                found.nan_result |= annotation == QuantileAnnotation::NanResult;
                found.nan_skew |= annotation == QuantileAnnotation::NanSkew;
                value
            }
            Question::Fraction(lower, upper) => {
                let (value, annotation) = h.fraction(lower.at(step), upper.at(step));
                found.nan_excluded |= annotation != FractionAnnotation::None;
                value
            }
        }
    }
}

/// What is to be said of a row of native histograms.
#[derive(Default)]
pub(super) struct QuantileAnnotations {
    nan_result: bool,
    nan_skew: bool,
    nan_excluded: bool,
}

impl QuantileAnnotations {
    /// Says it of the result with a number.
    pub fn annotate(&self, annotator: &Annotator, context: &QueryContext, number: u32) {
        let annotations = [
            (
                self.nan_result,
                "input to histogram_quantile has NaN observations, result is NaN",
            ),
            (
                self.nan_skew,
                "input to histogram_quantile has NaN observations, result is skewed higher",
            ),
            (
                self.nan_excluded,
                "input to histogram_fraction has NaN observations, which are excluded from all fractions",
            ),
        ];
        for (_, text) in annotations.into_iter().filter(|(is_so, _)| *is_so) {
            let text = format!("{text}{}", annotator.name_of(context, number));
            context
                .annotations
                .info(annotator.node, annotator.span, text);
        }
    }
}

/// Warns of each step's quantile outside of [0, 1].
pub(super) fn warn_quantiles(run: &Run, node: u32, span: Span, q: &Values, steps: usize) {
    let mut last = None;
    for q in q.iter(steps).filter(|q| !(0.0..=1.0).contains(q)) {
        if last != Some(q.to_bits()) {
            quantile::warn(&run.context, node, span, q);
        }
        last = Some(q.to_bits());
    }
}

impl Annotator {
    /// How a text about a result ends.
    pub fn name_of(&self, context: &QueryContext, number: u32) -> String {
        let symbols = context.symbols.read();
        for_metric(symbols.value_of(self.labels.get(number as usize), Symbol::NAME))
    }

    pub fn annotate_forced(
        &self,
        context: &QueryContext,
        number: u32,
        step: usize,
        forced: Forced,
    ) {
        let name = self.name_of(context, number);
        let at = self.grid.at(step);
        let detail = ForcedMonotonicity {
            times: (at, at),
            buckets: (forced.min_bucket, forced.max_bucket),
            max_diff: forced.max_diff,
            samples: 1,
        };
        context.annotations.add_monotonicity(
            self.node,
            self.span,
            format!("{FORCED}{name}"),
            detail,
        );
    }
}
