//! The table of aggregators: `name(parameter): kind, labels, histograms, doc, flags...;`

use super::downsampled::Downsampled;
use super::function::ValueType::{self, Scalar, String};
use crate::aggregate::{AggregateFunction as F, KeepOrder};
use crate::histogram::native::StepAggregate;

/// A PromQL aggregator.
#[derive(Debug)]
pub struct Aggregator {
    /// Its name.
    pub name: &'static str,
    /// The type of its parameter, if it takes one.
    pub param: Option<ValueType>,
    /// What computes it.
    pub kind: AggregatorKind,
    /// The labels of its rows.
    pub labels: AggregatedLabels,
    /// How it treats native histograms.
    pub histograms: AggregatedHistograms,
    /// One line for users.
    pub doc: &'static str,
    /// Whether it needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
    /// Whether the answer is the same for any order of the input's rows, to the
    /// last bit.
    pub any_order: bool,
    /// What a selector right below it reads of downsampled data.
    pub downsampled: Downsampled,
}

/// What computes an aggregator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregatorKind {
    /// An operator whose rows have labels that do not depend on samples.
    Rows(RowAggregation),
    /// `count_values`: one row for each value.
    CountValues,
}

/// Which operator computes an aggregator, and with which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowAggregation {
    /// Takes one row after the other into one accumulator for each group.
    Fold(F),
    /// `topk`, `bottomk`: the first samples of each group in an order by value.
    TopK(KeepOrder),
    /// `limitk`: the first samples of each group.
    LimitK,
    /// `limit_ratio`: samples by the hash of their labels.
    LimitRatio,
    /// `quantile`: from all samples of a group and step.
    Quantile,
}

/// The labels of an aggregation's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregatedLabels {
    /// Those of their group.
    Group,
    /// Those of the input's rows, some of which stay.
    Input,
}

/// How an aggregator treats native histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AggregatedHistograms {
    /// Added up, with annotations where that fails.
    Added(StepAggregate),
    /// Samples like any other.
    Counted,
    /// Left out, with an info annotation.
    Ignored,
    /// Counted by their text, buckets included.
    Printed,
    /// Kept or dropped as they are.
    Selected,
}

impl Aggregator {
    /// The accumulator of one that takes one row after the other and gives one
    /// row for each group.
    pub const fn fold(&self) -> Option<F> {
        match self.kind {
            AggregatorKind::Rows(RowAggregation::Fold(function)) => Some(function),
            _ => None,
        }
    }

    /// Whether the samples or the parameter can make it annotate the answer, or
    /// refuse the query.
    pub const fn annotates(&self) -> bool {
        self.param.is_some()
            || matches!(
                self.histograms,
                AggregatedHistograms::Added(_) | AggregatedHistograms::Ignored
            )
    }

    /// Whether it needs the buckets of native histograms.
    pub const fn needs_buckets(&self) -> bool {
        matches!(self.histograms, AggregatedHistograms::Printed)
    }

    const fn experimental(mut self) -> Self {
        self.experimental = true;
        self
    }

    const fn any_order(mut self) -> Self {
        self.any_order = true;
        self
    }

    const fn downsampled(mut self, downsampled: Downsampled) -> Self {
        self.downsampled = downsampled;
        self
    }
}

/// Aggregators are equal if they have the same name.
impl PartialEq for Aggregator {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Aggregator {}

/// The aggregator of a name in lower case.
pub fn aggregator(name: &str) -> Option<&'static Aggregator> {
    let rows = aggregators();
    let found = rows.binary_search_by(|row| row.name.cmp(name)).ok();
    found.map(|row| &rows[row])
}

/// All aggregators, sorted by name.
pub fn aggregators() -> &'static [Aggregator] {
    AGGREGATORS
}

macro_rules! aggregators {
    ($($name:ident $(($param:ident))?: $kind:expr, $labels:ident, $histograms:expr, $doc:literal
        $(, $flag:ident $(($value:expr))?)*;)*) => {
        /// Sorted by name, for binary search.
        static AGGREGATORS: &[Aggregator] = &[$(
            Aggregator {
                name: stringify!($name),
                param: param(&[$($param)?]),
                kind: $kind,
                labels: AggregatedLabels::$labels,
                histograms: $histograms,
                doc: $doc,
                experimental: false,
                any_order: false,
                downsampled: Downsampled::Average,
            }$(.$flag($($value)?))*
        ),*];
    };
}

const fn param(types: &[ValueType]) -> Option<ValueType> {
    match types {
        [] => None,
        [only, ..] => Some(*only),
    }
}

use AggregatedHistograms::{Added, Counted, Ignored, Printed, Selected};
use AggregatorKind::{CountValues, Rows};
use RowAggregation::{Fold, LimitK, LimitRatio, Quantile, TopK};

aggregators! {
    avg: Rows(Fold(F::Avg)), Group, Added(StepAggregate::Mean), "mean of the samples";
    bottomk(Scalar): Rows(TopK(KeepOrder::Bottom)), Input, Ignored, "the k smallest samples";
    count: Rows(Fold(F::Count)), Group, Counted, "number of samples", any_order, downsampled(Downsampled::Presence);
    count_values(String): CountValues, Group, Printed, "how often each value comes, under a label";
    group: Rows(Fold(F::Group)), Group, Counted, "1 for each group with a sample", any_order, downsampled(Downsampled::Presence);
    limit_ratio(Scalar): Rows(LimitRatio), Input, Selected, "about the given share of the series", experimental;
    limitk(Scalar): Rows(LimitK), Input, Selected, "k of the samples", experimental;
    max: Rows(Fold(F::Max)), Group, Ignored, "largest sample", downsampled(Downsampled::Max);
    min: Rows(Fold(F::Min)), Group, Ignored, "smallest sample", downsampled(Downsampled::Min);
    quantile(Scalar): Rows(Quantile), Group, Ignored, "quantile of the samples";
    stddev: Rows(Fold(F::Stddev)), Group, Ignored, "standard deviation of the samples";
    stdvar: Rows(Fold(F::Stdvar)), Group, Ignored, "variance of the samples";
    sum: Rows(Fold(F::Sum)), Group, Added(StepAggregate::Sum), "sum of the samples";
    topk(Scalar): Rows(TopK(KeepOrder::Top)), Input, Ignored, "the k largest samples";
}
