//! The rows of the table: `name(argument types) -> type: kind, doc, flags...;`

use super::downsampled::Downsampled as D;
use super::function::ValueType::{self, Matrix, Scalar, String, Vector};
use super::function::{Function, HistogramNeed};
use super::kind::{
    ElementwiseFunction as E, HistogramFunction as H, Kind, LabelFunction as L,
    NullaryFunction as N, ScalarFunction as S, SortFunction,
};
use crate::window::{
    extreme, integral, order, rate, regression, simple, smoothing, sums, variance,
};

/// The function of a name.
pub fn lookup(name: &str) -> Option<&'static Function> {
    let rows = all();
    rows.binary_search_by(|function| function.name.cmp(name))
        .ok()
        .map(|row| &rows[row])
}

/// All functions, sorted by name.
pub fn all() -> &'static [Function] {
    FUNCTIONS
}

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
        is_counter: false,
        uses_start_timestamps: false,
        anchored: false,
        smoothed: false,
        uses_eval_time: false,
        query_constant: false,
        default: None,
        histograms: HistogramNeed::None,
        annotates: matches!(
            kind,
            Kind::Window(_) | Kind::Histogram(_) | Kind::Sort(_) | Kind::Info
        ),
        downsampled: D::Average,
        needs_two_samples: false,
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

    const fn counter(mut self) -> Self {
        self.is_counter = true;
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

    const fn query_constant(mut self) -> Self {
        self.query_constant = true;
        self
    }

    const fn default(mut self, value: f64) -> Self {
        self.default = Some(value);
        self
    }

    const fn reads_totals(mut self) -> Self {
        self.histograms = HistogramNeed::Totals;
        self
    }

    const fn reads_buckets(mut self) -> Self {
        self.histograms = HistogramNeed::All;
        self
    }

    const fn silent(mut self) -> Self {
        self.annotates = false;
        self
    }

    const fn downsampled(mut self, downsampled: D) -> Self {
        self.downsampled = downsampled;
        self
    }

    const fn two_samples(mut self) -> Self {
        self.needs_two_samples = true;
        self
    }
}

macro_rules! functions {
    ($($name:ident($($arg:ident),*) -> $returns:ident: $kind:expr, $doc:literal
        $(, $flag:ident $(($value:expr))?)*;)*) => {
        /// Sorted by name, for binary search; a test says so.
        static FUNCTIONS: &[Function] = &[$(
            row(stringify!($name), &[$($arg),*], $returns, $kind, $doc)$(.$flag($($value)?))*
        ),*];
    };
}

use Kind::{Elementwise, Histogram, Label, Nullary, Sort, Window};

functions! {
    abs(Vector) -> Vector: Elementwise(E::Abs), "absolute value of each sample";
    absent(Vector) -> Vector: Kind::Absent, "1 if the vector has no sample", reads_totals, downsampled(D::Presence);
    absent_over_time(Matrix) -> Vector: Kind::AbsentOverTime, "1 if no window has a sample", downsampled(D::Presence);
    acos(Vector) -> Vector: Elementwise(E::Acos), "arccosine, in radians";
    acosh(Vector) -> Vector: Elementwise(E::Acosh), "inverse hyperbolic cosine";
    asin(Vector) -> Vector: Elementwise(E::Asin), "arcsine, in radians";
    asinh(Vector) -> Vector: Elementwise(E::Asinh), "inverse hyperbolic sine";
    atan(Vector) -> Vector: Elementwise(E::Atan), "arctangent, in radians";
    atanh(Vector) -> Vector: Elementwise(E::Atanh), "inverse hyperbolic tangent";
    avg_over_time(Matrix) -> Vector: Window(&sums::AVG), "mean of the window's samples", downsampled(D::WeightedAverage);
    ceil(Vector) -> Vector: Elementwise(E::Ceil), "rounds up to an integer";
    changes(Matrix) -> Vector: Window(&simple::CHANGES), "how often the value changed in the window", anchored, silent, reads_buckets;
    clamp(Vector, Scalar, Scalar) -> Vector: Elementwise(E::Clamp), "keeps values within [min, max]";
    clamp_max(Vector, Scalar) -> Vector: Elementwise(E::ClampMax), "keeps values from rising above max";
    clamp_min(Vector, Scalar) -> Vector: Elementwise(E::ClampMin), "keeps values from falling below min";
    cos(Vector) -> Vector: Elementwise(E::Cos), "cosine of radians";
    cosh(Vector) -> Vector: Elementwise(E::Cosh), "hyperbolic cosine";
    count_over_time(Matrix) -> Vector: Window(&simple::COUNT), "number of the window's samples", silent, downsampled(D::Count);
    day_of_month(Vector) -> Vector: Elementwise(E::DayOfMonth), "1 to 31, UTC", variadic(1), eval_time;
    day_of_week(Vector) -> Vector: Elementwise(E::DayOfWeek), "0 (Sunday) to 6, UTC", variadic(1), eval_time;
    day_of_year(Vector) -> Vector: Elementwise(E::DayOfYear), "1 to 366, UTC", variadic(1), eval_time;
    days_in_month(Vector) -> Vector: Elementwise(E::DaysInMonth), "28 to 31, UTC", variadic(1), eval_time;
    deg(Vector) -> Vector: Elementwise(E::Deg), "radians to degrees";
    delta(Matrix) -> Vector: Window(&rate::DELTA), "difference over the window, extrapolated to its bounds", anchored, smoothed, two_samples;
    deriv(Matrix) -> Vector: Window(&regression::DERIV), "slope per second by linear regression", two_samples;
    double_exponential_smoothing(Matrix, Scalar, Scalar) -> Vector: Window(&smoothing::DOUBLE_EXPONENTIAL), "smoothed value, by a smoothing and a trend factor", experimental, two_samples;
    end() -> Scalar: Nullary(N::End), "the query's end, in seconds", experimental, eval_time, query_constant;
    exp(Vector) -> Vector: Elementwise(E::Exp), "e to the power of each sample";
    first_over_time(Matrix) -> Vector: Window(&simple::FIRST), "oldest sample of the window", keeps_name, silent;
    floor(Vector) -> Vector: Elementwise(E::Floor), "rounds down to an integer";
    histogram_avg(Vector) -> Vector: Histogram(H::Avg), "mean of native histograms' observations", reads_totals;
    histogram_count(Vector) -> Vector: Histogram(H::Count), "number of native histograms' observations", reads_totals;
    histogram_fraction(Scalar, Scalar, Vector) -> Vector: Histogram(H::Fraction), "estimated fraction of observations between two values", reads_buckets;
    histogram_quantile(Scalar, Vector) -> Vector: Histogram(H::Quantile), "estimated quantile of a histogram's observations", reads_buckets;
    histogram_quantiles(Vector, String, Scalar, Scalar) -> Vector: Histogram(H::Quantiles), "several estimated quantiles, each under a label", variadic(9), experimental, reads_buckets;
    histogram_stddev(Vector) -> Vector: Histogram(H::Stddev), "estimated standard deviation of native histograms' observations", reads_buckets;
    histogram_stdvar(Vector) -> Vector: Histogram(H::Stdvar), "estimated variance of native histograms' observations", reads_buckets;
    histogram_sum(Vector) -> Vector: Histogram(H::Sum), "sum of native histograms' observations", reads_totals;
    hour(Vector) -> Vector: Elementwise(E::Hour), "0 to 23, UTC", variadic(1), eval_time;
    idelta(Matrix) -> Vector: Window(&rate::IDELTA), "difference of the window's last two samples", two_samples;
    increase(Matrix) -> Vector: Window(&rate::INCREASE), "growth of a counter, extrapolated to the window's bounds", wants_counter, counter, start_timestamps, anchored, smoothed, downsampled(D::Counter), two_samples;
    info(Vector, Vector) -> Vector: Kind::Info, "adds labels of info metrics", variadic(1), experimental, keeps_name;
    integral(Matrix, Scalar) -> Vector: Window(&integral::INTEGRAL), "area under the window's samples, in value times seconds", variadic(1), experimental, default(2.0);
    irate(Matrix) -> Vector: Window(&rate::IRATE), "per-second growth of a counter between the window's last two samples", counter, start_timestamps, downsampled(D::Counter), two_samples;
    label_join(Vector, String, String, String) -> Vector: Label(L::Join), "joins labels' values into a label", variadic(-1), keeps_name;
    label_replace(Vector, String, String, String, String) -> Vector: Label(L::Replace), "sets a label where another one matches", keeps_name;
    last_over_time(Matrix) -> Vector: Window(&simple::LAST), "newest sample of the window", keeps_name, silent;
    ln(Vector) -> Vector: Elementwise(E::Ln), "natural logarithm";
    log10(Vector) -> Vector: Elementwise(E::Log10), "decimal logarithm";
    log2(Vector) -> Vector: Elementwise(E::Log2), "binary logarithm";
    mad_over_time(Matrix) -> Vector: Window(&order::MAD), "median absolute deviation of the window's samples", experimental;
    max_of(Scalar, Scalar) -> Scalar: Kind::Scalar(S::MaxOf), "the larger of two scalars", experimental;
    max_over_time(Matrix) -> Vector: Window(&extreme::MAX), "largest sample of the window", downsampled(D::Max);
    min_of(Scalar, Scalar) -> Scalar: Kind::Scalar(S::MinOf), "the smaller of two scalars", experimental;
    min_over_time(Matrix) -> Vector: Window(&extreme::MIN), "smallest sample of the window", downsampled(D::Min);
    minute(Vector) -> Vector: Elementwise(E::Minute), "0 to 59, UTC", variadic(1), eval_time;
    month(Vector) -> Vector: Elementwise(E::Month), "1 to 12, UTC", variadic(1), eval_time;
    pi() -> Scalar: Nullary(N::Pi), "3.14159...";
    predict_linear(Matrix, Scalar) -> Vector: Window(&regression::PREDICT_LINEAR), "value a number of seconds from now, by linear regression", eval_time, two_samples;
    present_over_time(Matrix) -> Vector: Window(&simple::PRESENT), "1 if the window has a sample", silent, downsampled(D::Presence);
    quantile_over_time(Scalar, Matrix) -> Vector: Window(&order::QUANTILE), "quantile of the window's samples";
    rad(Vector) -> Vector: Elementwise(E::Rad), "degrees to radians";
    range() -> Scalar: Nullary(N::Range), "the query's length, in seconds", experimental, eval_time, query_constant;
    rate(Matrix) -> Vector: Window(&rate::RATE), "per-second growth of a counter, extrapolated to the window's bounds", wants_counter, counter, start_timestamps, anchored, smoothed, downsampled(D::Counter), two_samples;
    resets(Matrix) -> Vector: Window(&simple::RESETS), "how often a counter was reset in the window", counter, start_timestamps, anchored, silent, downsampled(D::Counter);
    round(Vector, Scalar) -> Vector: Elementwise(E::Round), "rounds to the nearest multiple, ties up", variadic(1), default(1.0);
    scalar(Vector) -> Scalar: Kind::ScalarOf, "the one sample of a vector, NaN if it is not one";
    sgn(Vector) -> Vector: Elementwise(E::Sgn), "sign: -1, 0 or 1";
    sin(Vector) -> Vector: Elementwise(E::Sin), "sine of radians";
    sinh(Vector) -> Vector: Elementwise(E::Sinh), "hyperbolic sine";
    sort(Vector) -> Vector: Sort(SortFunction::Value), "orders by value", keeps_name;
    sort_by_label(Vector, String) -> Vector: Sort(SortFunction::Label), "orders by labels", variadic(-1), experimental, keeps_name;
    sort_by_label_desc(Vector, String) -> Vector: Sort(SortFunction::LabelDescending), "orders by labels, last first", variadic(-1), experimental, keeps_name;
    sort_desc(Vector) -> Vector: Sort(SortFunction::ValueDescending), "orders by value, largest first", keeps_name;
    sqrt(Vector) -> Vector: Elementwise(E::Sqrt), "square root";
    start() -> Scalar: Nullary(N::Start), "the query's start, in seconds", experimental, eval_time, query_constant;
    start_timestamp(Vector) -> Vector: Kind::StartTimestamp, "start time of each sample, in seconds", experimental, reads_totals;
    stddev_over_time(Matrix) -> Vector: Window(&variance::STDDEV), "standard deviation of the window's samples";
    stdvar_over_time(Matrix) -> Vector: Window(&variance::STDVAR), "variance of the window's samples";
    step() -> Scalar: Nullary(N::Step), "the query's step, in seconds", experimental, eval_time, query_constant;
    sum_over_time(Matrix) -> Vector: Window(&sums::SUM), "sum of the window's samples", downsampled(D::Sum);
    tan(Vector) -> Vector: Elementwise(E::Tan), "tangent of radians";
    tanh(Vector) -> Vector: Elementwise(E::Tanh), "hyperbolic tangent";
    time() -> Scalar: Nullary(N::Time), "the evaluation time, in seconds", eval_time;
    timestamp(Vector) -> Vector: Elementwise(E::Timestamp), "time of each sample, in seconds", eval_time, reads_totals, downsampled(D::Presence);
    ts_of_first_over_time(Matrix) -> Vector: Window(&simple::TS_OF_FIRST), "time of the window's oldest sample, in seconds", experimental, silent, downsampled(D::Presence);
    ts_of_last_over_time(Matrix) -> Vector: Window(&simple::TS_OF_LAST), "time of the window's newest sample, in seconds", experimental, silent, downsampled(D::Presence);
    ts_of_max_over_time(Matrix) -> Vector: Window(&extreme::TS_OF_MAX), "time of the window's last largest sample, in seconds", experimental, downsampled(D::Max);
    ts_of_min_over_time(Matrix) -> Vector: Window(&extreme::TS_OF_MIN), "time of the window's last smallest sample, in seconds", experimental, downsampled(D::Min);
    vector(Scalar) -> Vector: Kind::VectorOf, "a scalar as a vector of one series without labels";
    year(Vector) -> Vector: Elementwise(E::Year), "the year, UTC", variadic(1), eval_time;
}
