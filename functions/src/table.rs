//! The one table of PromQL's functions. The type check, the planner, the
//! dispatch to kernels and the docs all come from it: adding a function means
//! a row here and its kernel.

use std::fmt;

use crate::elementwise::{DateFunction, MathFunction};
use crate::window::WindowFunction;

/// The types of PromQL expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// No value.
    None,
    /// One number a step.
    Scalar,
    /// At most one sample a series and step.
    Vector,
    /// A window of samples a series and step.
    Matrix,
    /// A text.
    String,
}

impl ValueType {
    /// The name in the user's documentation: `instant vector`, `range vector`.
    pub fn documented(self) -> &'static str {
        match self {
            ValueType::Vector => "instant vector",
            ValueType::Matrix => "range vector",
            other => other.name(),
        }
    }

    /// The name in code and in the HTTP API.
    pub fn name(self) -> &'static str {
        match self {
            ValueType::None => "none",
            ValueType::Scalar => "scalar",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
            ValueType::String => "string",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which kind of operator evaluates a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One number for each window of one series.
    Window(WindowFunction),
    /// `absent_over_time`
    AbsentOverTime,
    /// A function of each float.
    Math(MathFunction),
    /// A part of the date that each float stands for, seconds since 1970.
    Date(DateFunction),
    /// `timestamp`
    Timestamp,
    /// `round`, `clamp` and its kin: each float with scalar parameters.
    Clamp(ClampFunction),
    /// `label_replace`
    LabelReplace,
    /// `label_join`
    LabelJoin,
    /// `sort`, `sort_desc`
    Sort {
        /// Largest first.
        descending: bool,
    },
    /// `sort_by_label`, `sort_by_label_desc`
    SortByLabel {
        /// Last first.
        descending: bool,
    },
    /// `absent`
    Absent,
    /// `scalar`
    ScalarOf,
    /// `vector`
    VectorOf,
    /// `time`
    Time,
    /// `pi`
    Pi,
    /// A number that the query's times give: `start`, `end`, `range`, `step`.
    QueryTime(QueryTime),
    /// `max_of`, `min_of`
    Extreme {
        /// Whether it is the larger.
        max: bool,
    },
    /// `histogram_quantile`
    HistogramQuantile,
    /// `histogram_fraction`
    HistogramFraction,
    /// Native histograms alone: evaluated once those are.
    NativeHistogram,
    /// Parsed and checked, not evaluated yet.
    Later,
}

/// Functions with scalar parameters beside the vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClampFunction {
    /// `round(v, to_nearest = 1)`
    Round,
    /// `clamp(v, min, max)`
    Clamp,
    /// `clamp_min(v, min)`
    ClampMin,
    /// `clamp_max(v, max)`
    ClampMax,
}

/// What of the query's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryTime {
    /// The first evaluation time, s.
    Start,
    /// The last evaluation time, s.
    End,
    /// End minus start, s.
    Range,
    /// The step, s; 0 in instant queries.
    Step,
}

/// A PromQL function.
#[derive(Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub args: &'static [ValueType],
    /// 0: all arguments are needed. n > 0: the last n may be missing (n more
    /// than the one declared may follow). -1: the last may be missing or repeated.
    pub variadic: i32,
    /// The type of its result.
    pub returns: ValueType,
    /// Whether it needs `--enable-feature=promql-experimental-functions`.
    pub experimental: bool,
    /// What evaluates it.
    pub kind: Kind,
    /// One line for users.
    pub doc: &'static str,
}

impl Function {
    /// Whether the result keeps the metric's name.
    pub fn keeps_name(&self) -> bool {
        match self.kind {
            Kind::Window(w) => matches!(w, WindowFunction::Last | WindowFunction::First),
            Kind::LabelReplace | Kind::LabelJoin | Kind::Sort { .. } | Kind::SortByLabel { .. } => {
                true
            }
            _ => self.name == "info",
        }
    }
}

/// The function of a name.
pub fn lookup(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .binary_search_by(|f| f.name.cmp(name))
        .ok()
        .map(|i| &FUNCTIONS[i])
}

/// All functions, sorted by name.
pub fn all() -> &'static [Function] {
    FUNCTIONS
}

const S: ValueType = ValueType::Scalar;
const V: ValueType = ValueType::Vector;
const M: ValueType = ValueType::Matrix;
const T: ValueType = ValueType::String;

const fn stable(
    name: &'static str,
    args: &'static [ValueType],
    returns: ValueType,
    kind: Kind,
    doc: &'static str,
) -> Function {
    Function {
        name,
        args,
        variadic: 0,
        returns,
        experimental: false,
        kind,
        doc,
    }
}

const fn window(name: &'static str, function: WindowFunction, doc: &'static str) -> Function {
    stable(name, &[M], V, Kind::Window(function), doc)
}

const fn math(name: &'static str, function: MathFunction, doc: &'static str) -> Function {
    stable(name, &[V], V, Kind::Math(function), doc)
}

const fn date(name: &'static str, function: DateFunction, doc: &'static str) -> Function {
    optional(stable(name, &[V], V, Kind::Date(function), doc), 1)
}

const fn optional(mut function: Function, variadic: i32) -> Function {
    function.variadic = variadic;
    function
}

const fn experimental(mut function: Function) -> Function {
    function.experimental = true;
    function
}

use WindowFunction as W;

/// Sorted by name, for binary search; a test says so.
static FUNCTIONS: &[Function] = &[
    math("abs", MathFunction::Abs, "absolute value"),
    stable(
        "absent",
        &[V],
        V,
        Kind::Absent,
        "1 if the vector has no sample",
    ),
    stable(
        "absent_over_time",
        &[M],
        V,
        Kind::AbsentOverTime,
        "1 if no window has a sample",
    ),
    math("acos", MathFunction::Acos, "arccosine, in radians"),
    math("acosh", MathFunction::Acosh, "inverse hyperbolic cosine"),
    math("asin", MathFunction::Asin, "arcsine, in radians"),
    math("asinh", MathFunction::Asinh, "inverse hyperbolic sine"),
    math("atan", MathFunction::Atan, "arctangent, in radians"),
    math("atanh", MathFunction::Atanh, "inverse hyperbolic tangent"),
    window("avg_over_time", W::Avg, "mean of the window's samples"),
    math("ceil", MathFunction::Ceil, "rounds up"),
    window("changes", W::Changes, "how often the value changed"),
    stable(
        "clamp",
        &[V, S, S],
        V,
        Kind::Clamp(ClampFunction::Clamp),
        "keeps values in [min, max]",
    ),
    stable(
        "clamp_max",
        &[V, S],
        V,
        Kind::Clamp(ClampFunction::ClampMax),
        "keeps values <= max",
    ),
    stable(
        "clamp_min",
        &[V, S],
        V,
        Kind::Clamp(ClampFunction::ClampMin),
        "keeps values >= min",
    ),
    math("cos", MathFunction::Cos, "cosine of radians"),
    math("cosh", MathFunction::Cosh, "hyperbolic cosine"),
    window(
        "count_over_time",
        W::Count,
        "number of the window's samples",
    ),
    date("day_of_month", DateFunction::DayOfMonth, "1 to 31, UTC"),
    date(
        "day_of_week",
        DateFunction::DayOfWeek,
        "0 (Sunday) to 6, UTC",
    ),
    date("day_of_year", DateFunction::DayOfYear, "1 to 366, UTC"),
    date("days_in_month", DateFunction::DaysInMonth, "28 to 31, UTC"),
    math("deg", MathFunction::Deg, "radians to degrees"),
    window(
        "delta",
        W::Delta,
        "difference over the window, extrapolated",
    ),
    window("deriv", W::Deriv, "slope by linear regression, per second"),
    experimental(stable(
        "double_exponential_smoothing",
        &[M, S, S],
        V,
        Kind::Window(W::DoubleExponentialSmoothing),
        "smoothed value, with smoothing and trend factors",
    )),
    experimental(stable(
        "end",
        &[],
        S,
        Kind::QueryTime(QueryTime::End),
        "the query's end, in s",
    )),
    math("exp", MathFunction::Exp, "e to the power"),
    window("first_over_time", W::First, "oldest sample of the window"),
    math("floor", MathFunction::Floor, "rounds down"),
    stable(
        "histogram_avg",
        &[V],
        V,
        Kind::NativeHistogram,
        "mean of native histograms",
    ),
    stable(
        "histogram_count",
        &[V],
        V,
        Kind::NativeHistogram,
        "count of native histograms",
    ),
    stable(
        "histogram_fraction",
        &[S, S, V],
        V,
        Kind::HistogramFraction,
        "estimated fraction of observations between two bounds",
    ),
    stable(
        "histogram_quantile",
        &[S, V],
        V,
        Kind::HistogramQuantile,
        "quantile from buckets",
    ),
    experimental(optional(
        stable(
            "histogram_quantiles",
            &[V, T, S, S],
            V,
            Kind::Later,
            "several quantiles from buckets, each under a label",
        ),
        9,
    )),
    stable(
        "histogram_stddev",
        &[V],
        V,
        Kind::NativeHistogram,
        "standard deviation of native histograms",
    ),
    stable(
        "histogram_stdvar",
        &[V],
        V,
        Kind::NativeHistogram,
        "variance of native histograms",
    ),
    stable(
        "histogram_sum",
        &[V],
        V,
        Kind::NativeHistogram,
        "sum of native histograms",
    ),
    date("hour", DateFunction::Hour, "0 to 23, UTC"),
    window("idelta", W::Idelta, "difference of the last two samples"),
    window(
        "increase",
        W::Increase,
        "growth of a counter over the window, extrapolated",
    ),
    experimental(optional(
        stable(
            "info",
            &[V, V],
            V,
            Kind::Later,
            "adds labels of info metrics",
        ),
        1,
    )),
    experimental(optional(
        stable(
            "integral",
            &[M, S],
            V,
            Kind::Later,
            "area under the window's samples",
        ),
        1,
    )),
    window(
        "irate",
        W::Irate,
        "per-second growth between the last two samples of a counter",
    ),
    optional(
        stable(
            "label_join",
            &[V, T, T, T],
            V,
            Kind::LabelJoin,
            "joins labels' values into a label",
        ),
        -1,
    ),
    stable(
        "label_replace",
        &[V, T, T, T, T],
        V,
        Kind::LabelReplace,
        "sets a label from another's match",
    ),
    window("last_over_time", W::Last, "newest sample of the window"),
    math("ln", MathFunction::Ln, "natural logarithm"),
    math("log10", MathFunction::Log10, "decimal logarithm"),
    math("log2", MathFunction::Log2, "binary logarithm"),
    experimental(window("mad_over_time", W::Mad, "median absolute deviation")),
    experimental(stable(
        "max_of",
        &[S, S],
        S,
        Kind::Extreme { max: true },
        "the larger scalar",
    )),
    window("max_over_time", W::Max, "largest sample of the window"),
    experimental(stable(
        "min_of",
        &[S, S],
        S,
        Kind::Extreme { max: false },
        "the smaller scalar",
    )),
    window("min_over_time", W::Min, "smallest sample of the window"),
    date("minute", DateFunction::Minute, "0 to 59, UTC"),
    date("month", DateFunction::Month, "1 to 12, UTC"),
    stable("pi", &[], S, Kind::Pi, "3.14159..."),
    stable(
        "predict_linear",
        &[M, S],
        V,
        Kind::Window(W::PredictLinear),
        "value t seconds from now by linear regression",
    ),
    window(
        "present_over_time",
        W::Present,
        "1 if the window has a sample",
    ),
    stable(
        "quantile_over_time",
        &[S, M],
        V,
        Kind::Window(W::Quantile),
        "quantile of the window's samples",
    ),
    math("rad", MathFunction::Rad, "degrees to radians"),
    experimental(stable(
        "range",
        &[],
        S,
        Kind::QueryTime(QueryTime::Range),
        "the query's length, in s",
    )),
    window(
        "rate",
        W::Rate,
        "per-second growth of a counter over the window, extrapolated",
    ),
    window("resets", W::Resets, "how often a counter was reset"),
    optional(
        stable(
            "round",
            &[V, S],
            V,
            Kind::Clamp(ClampFunction::Round),
            "rounds to the nearest multiple",
        ),
        1,
    ),
    stable(
        "scalar",
        &[V],
        S,
        Kind::ScalarOf,
        "the one sample of a vector",
    ),
    math("sgn", MathFunction::Sgn, "sign: -1, 0 or 1"),
    math("sin", MathFunction::Sin, "sine of radians"),
    math("sinh", MathFunction::Sinh, "hyperbolic sine"),
    stable(
        "sort",
        &[V],
        V,
        Kind::Sort { descending: false },
        "orders by value",
    ),
    experimental(optional(
        stable(
            "sort_by_label",
            &[V, T],
            V,
            Kind::SortByLabel { descending: false },
            "orders by labels",
        ),
        -1,
    )),
    experimental(optional(
        stable(
            "sort_by_label_desc",
            &[V, T],
            V,
            Kind::SortByLabel { descending: true },
            "orders by labels, last first",
        ),
        -1,
    )),
    stable(
        "sort_desc",
        &[V],
        V,
        Kind::Sort { descending: true },
        "orders by value, largest first",
    ),
    math("sqrt", MathFunction::Sqrt, "square root"),
    experimental(stable(
        "start",
        &[],
        S,
        Kind::QueryTime(QueryTime::Start),
        "the query's start, in s",
    )),
    experimental(stable(
        "start_timestamp",
        &[V],
        V,
        Kind::Later,
        "start time of each sample, in s",
    )),
    window(
        "stddev_over_time",
        W::Stddev,
        "standard deviation of the window's samples",
    ),
    window(
        "stdvar_over_time",
        W::Stdvar,
        "variance of the window's samples",
    ),
    experimental(stable(
        "step",
        &[],
        S,
        Kind::QueryTime(QueryTime::Step),
        "the query's step, in s",
    )),
    window("sum_over_time", W::Sum, "sum of the window's samples"),
    math("tan", MathFunction::Tan, "tangent of radians"),
    math("tanh", MathFunction::Tanh, "hyperbolic tangent"),
    stable("time", &[], S, Kind::Time, "the evaluation time, in s"),
    stable(
        "timestamp",
        &[V],
        V,
        Kind::Timestamp,
        "time of each sample, in s",
    ),
    experimental(window(
        "ts_of_first_over_time",
        W::TsOfFirst,
        "time of the oldest sample, in s",
    )),
    experimental(window(
        "ts_of_last_over_time",
        W::TsOfLast,
        "time of the newest sample, in s",
    )),
    experimental(window(
        "ts_of_max_over_time",
        W::TsOfMax,
        "time of the last largest sample, in s",
    )),
    experimental(window(
        "ts_of_min_over_time",
        W::TsOfMin,
        "time of the last smallest sample, in s",
    )),
    stable(
        "vector",
        &[S],
        V,
        Kind::VectorOf,
        "a scalar as a vector of one series",
    ),
    date("year", DateFunction::Year, "the year, UTC"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_row_is_found() {
        assert!(all().windows(2).all(|w| w[0].name < w[1].name));
        for function in all() {
            assert_eq!(lookup(function.name), Some(function));
            assert!(!function.doc.is_empty());
        }
        assert_eq!(all().len(), 91);
        assert!(lookup("nope").is_none());
    }
}
