//! The rows of the table: `name(argument types) -> type: kind, doc, flags...;`

use super::ValueType::{Matrix, Scalar, String, Vector};
use super::kind::{
    ElementwiseFunction as E, HistogramFunction as H, Kind, LabelFunction as L,
    NullaryFunction as N, ScalarFunction as S, SortFunction, WindowFunction as W,
};
use super::{Function, ValueType};

const fn row(
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
        keeps_name: false,
        wants_counter: false,
        uses_start_timestamps: false,
        anchored: false,
        smoothed: false,
        uses_eval_time: false,
    }
}

/// The flags of a row.
impl Function {
    const fn variadic(mut self, variadic: i32) -> Self {
        self.variadic = variadic;
        self
    }

    const fn experimental(mut self) -> Self {
        self.experimental = true;
        self
    }

    const fn keeps_name(mut self) -> Self {
        self.keeps_name = true;
        self
    }

    const fn wants_counter(mut self) -> Self {
        self.wants_counter = true;
        self
    }

    const fn start_timestamps(mut self) -> Self {
        self.uses_start_timestamps = true;
        self
    }

    const fn anchored(mut self) -> Self {
        self.anchored = true;
        self
    }

    const fn smoothed(mut self) -> Self {
        self.smoothed = true;
        self
    }

    const fn eval_time(mut self) -> Self {
        self.uses_eval_time = true;
        self
    }
}

macro_rules! functions {
    ($($name:ident($($arg:ident),*) -> $returns:ident: $kind:expr, $doc:literal
        $(, $flag:ident $(($value:expr))?)*;)*) => {
        /// Sorted by name, for binary search; a test says so.
        pub(super) static FUNCTIONS: &[Function] = &[$(
            row(stringify!($name), &[$($arg),*], $returns, $kind, $doc)$(.$flag($($value)?))*
        ),*];
    };
}

use Kind::{Elementwise, Histogram, Label, Nullary, Sort, Window};

functions! {
    abs(Vector) -> Vector: Elementwise(E::Abs), "absolute value of each sample";
    absent(Vector) -> Vector: Kind::Absent, "1 if the vector has no sample";
    absent_over_time(Matrix) -> Vector: Kind::AbsentOverTime, "1 if no window has a sample";
    acos(Vector) -> Vector: Elementwise(E::Acos), "arccosine, in radians";
    acosh(Vector) -> Vector: Elementwise(E::Acosh), "inverse hyperbolic cosine";
    asin(Vector) -> Vector: Elementwise(E::Asin), "arcsine, in radians";
    asinh(Vector) -> Vector: Elementwise(E::Asinh), "inverse hyperbolic sine";
    atan(Vector) -> Vector: Elementwise(E::Atan), "arctangent, in radians";
    atanh(Vector) -> Vector: Elementwise(E::Atanh), "inverse hyperbolic tangent";
    avg_over_time(Matrix) -> Vector: Window(W::Avg), "mean of the window's samples";
    ceil(Vector) -> Vector: Elementwise(E::Ceil), "rounds up to an integer";
    changes(Matrix) -> Vector: Window(W::Changes), "how often the value changed in the window", anchored;
    clamp(Vector, Scalar, Scalar) -> Vector: Elementwise(E::Clamp), "keeps values within [min, max]";
    clamp_max(Vector, Scalar) -> Vector: Elementwise(E::ClampMax), "keeps values from rising above max";
    clamp_min(Vector, Scalar) -> Vector: Elementwise(E::ClampMin), "keeps values from falling below min";
    cos(Vector) -> Vector: Elementwise(E::Cos), "cosine of radians";
    cosh(Vector) -> Vector: Elementwise(E::Cosh), "hyperbolic cosine";
    count_over_time(Matrix) -> Vector: Window(W::Count), "number of the window's samples";
    day_of_month(Vector) -> Vector: Elementwise(E::DayOfMonth), "1 to 31, UTC", variadic(1), eval_time;
    day_of_week(Vector) -> Vector: Elementwise(E::DayOfWeek), "0 (Sunday) to 6, UTC", variadic(1), eval_time;
    day_of_year(Vector) -> Vector: Elementwise(E::DayOfYear), "1 to 366, UTC", variadic(1), eval_time;
    days_in_month(Vector) -> Vector: Elementwise(E::DaysInMonth), "28 to 31, UTC", variadic(1), eval_time;
    deg(Vector) -> Vector: Elementwise(E::Deg), "radians to degrees";
    delta(Matrix) -> Vector: Window(W::Delta), "difference over the window, extrapolated to its bounds", anchored, smoothed;
    deriv(Matrix) -> Vector: Window(W::Deriv), "slope per second by linear regression";
    double_exponential_smoothing(Matrix, Scalar, Scalar) -> Vector: Window(W::DoubleExponentialSmoothing), "smoothed value, by a smoothing and a trend factor", experimental;
    end() -> Scalar: Nullary(N::End), "the query's end, in seconds", experimental, eval_time;
    exp(Vector) -> Vector: Elementwise(E::Exp), "e to the power of each sample";
    first_over_time(Matrix) -> Vector: Window(W::First), "oldest sample of the window", keeps_name;
    floor(Vector) -> Vector: Elementwise(E::Floor), "rounds down to an integer";
    histogram_avg(Vector) -> Vector: Histogram(H::Avg), "mean of native histograms' observations";
    histogram_count(Vector) -> Vector: Histogram(H::Count), "number of native histograms' observations";
    histogram_fraction(Scalar, Scalar, Vector) -> Vector: Histogram(H::Fraction), "estimated fraction of observations between two values";
    histogram_quantile(Scalar, Vector) -> Vector: Histogram(H::Quantile), "estimated quantile of a histogram's observations";
    histogram_quantiles(Vector, String, Scalar, Scalar) -> Vector: Histogram(H::Quantiles), "several estimated quantiles, each under a label", variadic(9), experimental;
    histogram_stddev(Vector) -> Vector: Histogram(H::Stddev), "estimated standard deviation of native histograms' observations";
    histogram_stdvar(Vector) -> Vector: Histogram(H::Stdvar), "estimated variance of native histograms' observations";
    histogram_sum(Vector) -> Vector: Histogram(H::Sum), "sum of native histograms' observations";
    hour(Vector) -> Vector: Elementwise(E::Hour), "0 to 23, UTC", variadic(1), eval_time;
    idelta(Matrix) -> Vector: Window(W::Idelta), "difference of the window's last two samples";
    increase(Matrix) -> Vector: Window(W::Increase), "growth of a counter, extrapolated to the window's bounds", wants_counter, start_timestamps, anchored, smoothed;
    info(Vector, Vector) -> Vector: Kind::Info, "adds labels of info metrics", variadic(1), experimental, keeps_name;
    integral(Matrix, Scalar) -> Vector: Window(W::Integral), "area under the window's samples, in value times seconds", variadic(1), experimental;
    irate(Matrix) -> Vector: Window(W::Irate), "per-second growth of a counter between the window's last two samples", start_timestamps;
    label_join(Vector, String, String, String) -> Vector: Label(L::Join), "joins labels' values into a label", variadic(-1), keeps_name;
    label_replace(Vector, String, String, String, String) -> Vector: Label(L::Replace), "sets a label where another one matches", keeps_name;
    last_over_time(Matrix) -> Vector: Window(W::Last), "newest sample of the window", keeps_name;
    ln(Vector) -> Vector: Elementwise(E::Ln), "natural logarithm";
    log10(Vector) -> Vector: Elementwise(E::Log10), "decimal logarithm";
    log2(Vector) -> Vector: Elementwise(E::Log2), "binary logarithm";
    mad_over_time(Matrix) -> Vector: Window(W::Mad), "median absolute deviation of the window's samples", experimental;
    max_of(Scalar, Scalar) -> Scalar: Kind::Scalar(S::MaxOf), "the larger of two scalars", experimental;
    max_over_time(Matrix) -> Vector: Window(W::Max), "largest sample of the window";
    min_of(Scalar, Scalar) -> Scalar: Kind::Scalar(S::MinOf), "the smaller of two scalars", experimental;
    min_over_time(Matrix) -> Vector: Window(W::Min), "smallest sample of the window";
    minute(Vector) -> Vector: Elementwise(E::Minute), "0 to 59, UTC", variadic(1), eval_time;
    month(Vector) -> Vector: Elementwise(E::Month), "1 to 12, UTC", variadic(1), eval_time;
    pi() -> Scalar: Nullary(N::Pi), "3.14159...";
    predict_linear(Matrix, Scalar) -> Vector: Window(W::PredictLinear), "value so many seconds from now, by linear regression", eval_time;
    present_over_time(Matrix) -> Vector: Window(W::Present), "1 if the window has a sample";
    quantile_over_time(Scalar, Matrix) -> Vector: Window(W::Quantile), "quantile of the window's samples";
    rad(Vector) -> Vector: Elementwise(E::Rad), "degrees to radians";
    range() -> Scalar: Nullary(N::Range), "the query's length, in seconds", experimental, eval_time;
    rate(Matrix) -> Vector: Window(W::Rate), "per-second growth of a counter, extrapolated to the window's bounds", wants_counter, start_timestamps, anchored, smoothed;
    resets(Matrix) -> Vector: Window(W::Resets), "how often a counter was reset in the window", start_timestamps, anchored;
    round(Vector, Scalar) -> Vector: Elementwise(E::Round), "rounds to the nearest multiple, ties up", variadic(1);
    scalar(Vector) -> Scalar: Kind::ScalarOf, "the one sample of a vector, NaN if it is not one";
    sgn(Vector) -> Vector: Elementwise(E::Sgn), "sign: -1, 0 or 1";
    sin(Vector) -> Vector: Elementwise(E::Sin), "sine of radians";
    sinh(Vector) -> Vector: Elementwise(E::Sinh), "hyperbolic sine";
    sort(Vector) -> Vector: Sort(SortFunction::Value), "orders by value", keeps_name;
    sort_by_label(Vector, String) -> Vector: Sort(SortFunction::Label), "orders by labels", variadic(-1), experimental, keeps_name;
    sort_by_label_desc(Vector, String) -> Vector: Sort(SortFunction::LabelDescending), "orders by labels, last first", variadic(-1), experimental, keeps_name;
    sort_desc(Vector) -> Vector: Sort(SortFunction::ValueDescending), "orders by value, largest first", keeps_name;
    sqrt(Vector) -> Vector: Elementwise(E::Sqrt), "square root";
    start() -> Scalar: Nullary(N::Start), "the query's start, in seconds", experimental, eval_time;
    start_timestamp(Vector) -> Vector: Kind::StartTimestamp, "start time of each sample, in seconds", experimental;
    stddev_over_time(Matrix) -> Vector: Window(W::Stddev), "standard deviation of the window's samples";
    stdvar_over_time(Matrix) -> Vector: Window(W::Stdvar), "variance of the window's samples";
    step() -> Scalar: Nullary(N::Step), "the query's step, in seconds", experimental, eval_time;
    sum_over_time(Matrix) -> Vector: Window(W::Sum), "sum of the window's samples";
    tan(Vector) -> Vector: Elementwise(E::Tan), "tangent of radians";
    tanh(Vector) -> Vector: Elementwise(E::Tanh), "hyperbolic tangent";
    time() -> Scalar: Nullary(N::Time), "the evaluation time, in seconds", eval_time;
    timestamp(Vector) -> Vector: Elementwise(E::Timestamp), "time of each sample, in seconds", eval_time;
    ts_of_first_over_time(Matrix) -> Vector: Window(W::TsOfFirst), "time of the window's oldest sample, in seconds", experimental;
    ts_of_last_over_time(Matrix) -> Vector: Window(W::TsOfLast), "time of the window's newest sample, in seconds", experimental;
    ts_of_max_over_time(Matrix) -> Vector: Window(W::TsOfMax), "time of the window's last largest sample, in seconds", experimental;
    ts_of_min_over_time(Matrix) -> Vector: Window(W::TsOfMin), "time of the window's last smallest sample, in seconds", experimental;
    vector(Scalar) -> Vector: Kind::VectorOf, "a scalar as a vector of one series without labels";
    year(Vector) -> Vector: Elementwise(E::Year), "the year, UTC", variadic(1), eval_time;
}
