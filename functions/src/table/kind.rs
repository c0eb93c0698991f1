//! Which kind of operator evaluates a function.

pub use crate::elementwise::ElementwiseFunction;
use crate::elementwise::{max_of, min_of};
pub use crate::window::WindowFunction;

/// Which kind of operator evaluates a function, and which of its kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One number for each window of one series; scalar parameters beside it.
    Window(&'static WindowFunction),
    /// One number for each sample, and scalar parameters beside it.
    Elementwise(ElementwiseFunction),
    /// New labels for each series.
    Label(LabelFunction),
    /// Another order of the series.
    Sort(SortFunction),
    /// `absent`: a sample where the vector has none.
    Absent,
    /// `absent_over_time`: a sample where no window has any.
    AbsentOverTime,
    /// `scalar`: the one sample of a vector.
    ScalarOf,
    /// `vector`: a scalar as a series without labels.
    VectorOf,
    /// A function of classic or native histograms.
    Histogram(HistogramFunction),
    /// `info`: labels of info metrics, by a second select.
    Info,
    /// `start_timestamp`: of a selector's samples.
    StartTimestamp,
    /// A scalar from nothing but the query's times.
    Nullary(NullaryFunction),
    /// A scalar from scalars.
    Scalar(ScalarFunction),
}

/// The functions that change labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelFunction {
    /// `label_replace(v, dst, replacement, src, regex)`
    Replace,
    /// `label_join(v, dst, separator, src...)`
    Join,
}

/// The functions that order series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortFunction {
    /// `sort`: by value, NaN last.
    Value,
    /// `sort_desc`: by value, largest first, NaN last.
    ValueDescending,
    /// `sort_by_label`: by labels in natural order.
    Label,
    /// `sort_by_label_desc`: by labels in reversed natural order.
    LabelDescending,
}

/// The functions of histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HistogramFunction {
    /// `histogram_quantile(q, v)`
    Quantile,
    /// `histogram_quantiles(v, label, q...)`
    Quantiles,
    /// `histogram_fraction(lower, upper, v)`
    Fraction,
    /// `histogram_avg(v)`; of native histograms alone, as those that follow
    Avg,
    /// `histogram_count(v)`
    Count,
    /// `histogram_sum(v)`
    Sum,
    /// `histogram_stddev(v)`
    Stddev,
    /// `histogram_stdvar(v)`
    Stdvar,
}

impl HistogramFunction {
    /// Whether the function reads native histograms alone, so that it has no
    /// answer on floats.
    pub const fn is_native_only(self) -> bool {
        !matches!(
            self,
            HistogramFunction::Quantile
                | HistogramFunction::Quantiles
                | HistogramFunction::Fraction
        )
    }
}

/// The scalars that need no argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NullaryFunction {
    /// `time()`: the evaluation time, s.
    Time,
    /// `pi()`
    Pi,
    /// `start()`: the query's first evaluation time, s.
    Start,
    /// `end()`: the query's last evaluation time, s.
    End,
    /// `range()`: the query's end minus its start, s.
    Range,
    /// `step()`: the query's step, s; 0 where start and end are one.
    Step,
}

/// The scalars from scalars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScalarFunction {
    /// `max_of(a, b)`
    MaxOf,
    /// `min_of(a, b)`
    MinOf,
}

impl ScalarFunction {
    /// The function of two numbers, as Go has it.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            ScalarFunction::MaxOf => max_of(a, b),
            ScalarFunction::MinOf => min_of(a, b),
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            ScalarFunction::MaxOf => "max_of",
            ScalarFunction::MinOf => "min_of",
        }
    }
}
