use super::*;

/// The signatures of Prometheus v0.316.0, `promql/parser/functions.go`:
/// `name(arguments) variadic result [experimental]`.
const SIGNATURES: &str = "\
abs(vector) 0 vector
absent(vector) 0 vector
absent_over_time(matrix) 0 vector
acos(vector) 0 vector
acosh(vector) 0 vector
asin(vector) 0 vector
asinh(vector) 0 vector
atan(vector) 0 vector
atanh(vector) 0 vector
avg_over_time(matrix) 0 vector
ceil(vector) 0 vector
changes(matrix) 0 vector
clamp(vector,scalar,scalar) 0 vector
clamp_max(vector,scalar) 0 vector
clamp_min(vector,scalar) 0 vector
cos(vector) 0 vector
cosh(vector) 0 vector
count_over_time(matrix) 0 vector
day_of_month(vector) 1 vector
day_of_week(vector) 1 vector
day_of_year(vector) 1 vector
days_in_month(vector) 1 vector
deg(vector) 0 vector
delta(matrix) 0 vector
deriv(matrix) 0 vector
double_exponential_smoothing(matrix,scalar,scalar) 0 vector experimental
end() 0 scalar experimental
exp(vector) 0 vector
first_over_time(matrix) 0 vector
floor(vector) 0 vector
histogram_avg(vector) 0 vector
histogram_count(vector) 0 vector
histogram_fraction(scalar,scalar,vector) 0 vector
histogram_quantile(scalar,vector) 0 vector
histogram_quantiles(vector,string,scalar,scalar) 9 vector experimental
histogram_stddev(vector) 0 vector
histogram_stdvar(vector) 0 vector
histogram_sum(vector) 0 vector
hour(vector) 1 vector
idelta(matrix) 0 vector
increase(matrix) 0 vector
info(vector,vector) 1 vector experimental
integral(matrix,scalar) 1 vector experimental
irate(matrix) 0 vector
label_join(vector,string,string,string) -1 vector
label_replace(vector,string,string,string,string) 0 vector
last_over_time(matrix) 0 vector
ln(vector) 0 vector
log10(vector) 0 vector
log2(vector) 0 vector
mad_over_time(matrix) 0 vector experimental
max_of(scalar,scalar) 0 scalar experimental
max_over_time(matrix) 0 vector
min_of(scalar,scalar) 0 scalar experimental
min_over_time(matrix) 0 vector
minute(vector) 1 vector
month(vector) 1 vector
pi() 0 scalar
predict_linear(matrix,scalar) 0 vector
present_over_time(matrix) 0 vector
quantile_over_time(scalar,matrix) 0 vector
rad(vector) 0 vector
range() 0 scalar experimental
rate(matrix) 0 vector
resets(matrix) 0 vector
round(vector,scalar) 1 vector
scalar(vector) 0 scalar
sgn(vector) 0 vector
sin(vector) 0 vector
sinh(vector) 0 vector
sort(vector) 0 vector
sort_by_label(vector,string) -1 vector experimental
sort_by_label_desc(vector,string) -1 vector experimental
sort_desc(vector) 0 vector
sqrt(vector) 0 vector
start() 0 scalar experimental
start_timestamp(vector) 0 vector experimental
stddev_over_time(matrix) 0 vector
stdvar_over_time(matrix) 0 vector
step() 0 scalar experimental
sum_over_time(matrix) 0 vector
tan(vector) 0 vector
tanh(vector) 0 vector
time() 0 scalar
timestamp(vector) 0 vector
ts_of_first_over_time(matrix) 0 vector experimental
ts_of_last_over_time(matrix) 0 vector experimental
ts_of_max_over_time(matrix) 0 vector experimental
ts_of_min_over_time(matrix) 0 vector experimental
vector(scalar) 0 vector
year(vector) 1 vector
";

fn signature(function: &Function) -> String {
    let args: Vec<_> = function.args.iter().map(|a| a.name()).collect();
    let experimental = if function.experimental {
        " experimental"
    } else {
        ""
    };
    let Function {
        name,
        variadic,
        returns,
        ..
    } = function;
    format!(
        "{name}({}) {variadic} {returns}{experimental}",
        args.join(",")
    )
}

#[test]
fn signatures_are_those_of_prometheus() {
    let got: Vec<String> = all().iter().map(signature).collect();
    let want: Vec<&str> = SIGNATURES.lines().collect();
    assert_eq!(got, want);
}

#[test]
fn the_table_is_sorted_and_every_row_is_found() {
    assert!(all().windows(2).all(|w| w[0].name < w[1].name));
    for function in all() {
        assert_eq!(lookup(function.name), Some(function));
        assert!(!function.doc.is_empty());
    }
    assert!(lookup("nope").is_none());
    assert!(lookup("").is_none());
}

#[test]
fn argument_counts_follow_from_the_signature() {
    let counts = |name| {
        let f = lookup(name).unwrap();
        (f.min_args(), f.max_args())
    };
    assert_eq!(counts("rate"), (1, Some(1)));
    assert_eq!(counts("time"), (0, Some(0)));
    assert_eq!(counts("hour"), (0, Some(1)));
    assert_eq!(counts("round"), (1, Some(2)));
    assert_eq!(counts("label_join"), (3, None));
    assert_eq!(counts("histogram_quantiles"), (3, Some(12)));
    let join = lookup("label_join").unwrap();
    assert_eq!(join.arg(0), Some(ValueType::Vector));
    assert_eq!(join.arg(17), Some(ValueType::String));
    assert_eq!(lookup("abs").unwrap().arg(1), None);
    assert_eq!(lookup("pi").unwrap().arg(0), None);
}

#[test]
fn flags_are_those_of_prometheus() {
    let with = |flag: fn(&Function) -> bool| -> Vec<&str> {
        all().iter().filter(|f| flag(f)).map(|f| f.name).collect()
    };
    assert_eq!(
        with(|f| f.anchored),
        ["changes", "delta", "increase", "rate", "resets"]
    );
    assert_eq!(with(|f| f.smoothed), ["delta", "increase", "rate"]);
    assert_eq!(with(|f| f.wants_counter), ["increase", "rate"]);
    // Those that Thanos's deduplication takes for counters'.
    assert_eq!(
        with(|f| f.is_counter),
        ["increase", "irate", "rate", "resets"]
    );
    assert_eq!(
        with(|f| f.uses_start_timestamps),
        ["increase", "irate", "rate", "resets"]
    );
    let eval_time = "day_of_month day_of_week day_of_year days_in_month end hour minute month \
                     predict_linear range start step time timestamp year";
    assert_eq!(with(|f| f.uses_eval_time).join(" "), eval_time);
    assert_eq!(
        with(|f| f.histograms == HistogramNeed::Totals).join(" "),
        "absent histogram_avg histogram_count histogram_sum start_timestamp timestamp"
    );
    assert_eq!(
        with(|f| f.histograms == HistogramNeed::All).join(" "),
        "changes histogram_fraction histogram_quantile histogram_quantiles histogram_stddev \
         histogram_stdvar"
    );
}

#[test]
fn extended_windows_have_kernels() {
    for function in all() {
        let kernel = match function.kind {
            Kind::Window(kernel) => kernel.is_extensible(),
            _ => false,
        };
        assert_eq!(function.anchored, kernel, "{}", function.name);
        assert!(function.anchored || !function.smoothed, "{}", function.name);
    }
}

/// `name(parameter) [experimental]` of Prometheus v0.316.0, `promql/parser/lex.go`.
const AGGREGATORS: &str = "\
avg
bottomk(scalar)
count
count_values(string)
group
limit_ratio(scalar) experimental
limitk(scalar) experimental
max
min
quantile(scalar)
stddev
stdvar
sum
topk(scalar)
";

#[test]
fn aggregators_are_those_of_prometheus() {
    let mut got = String::new();
    for row in aggregators() {
        got.push_str(row.name);
        if let Some(param) = row.param {
            got.push_str(&format!("({param})"));
        }
        got.push_str(if row.experimental {
            " experimental\n"
        } else {
            "\n"
        });
        assert_eq!(aggregator(row.name), Some(row));
        assert!(!row.doc.is_empty());
    }
    assert_eq!(got, AGGREGATORS);
    assert!(aggregator("rate").is_none() && aggregator("SUM").is_none());
}

#[test]
fn what_folds_gives_rows_of_groups() {
    for row in aggregators() {
        let folds = row.fold().is_some();
        assert!(!folds || (row.labels == AggregatedLabels::Group && row.param.is_none()));
        let adds = matches!(
            row.histograms,
            AggregatedHistograms::Added(_) | AggregatedHistograms::Counted
        );
        assert!(!adds || folds, "{}", row.name);
    }
}

#[test]
fn types_have_two_names() {
    assert_eq!(ValueType::Matrix.to_string(), "matrix");
    assert_eq!(ValueType::Matrix.documented(), "range vector");
    assert_eq!(ValueType::Vector.documented(), "instant vector");
    assert_eq!(ValueType::Scalar.documented(), "scalar");
}
