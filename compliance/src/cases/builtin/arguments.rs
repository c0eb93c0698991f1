//! Variant arguments of the built-in list, beside the suite's.

/// Names and values.
pub(super) static ARGUMENTS: &[(&str, &[&str])] = &[
    (
        "aggregator",
        &[
            "sum", "avg", "min", "max", "count", "group", "stddev", "stdvar",
        ],
    ),
    ("arithmetic", &["+", "-", "*", "/", "%", "^", "atan2"]),
    (
        "calendarFunc",
        &[
            "minute",
            "hour",
            "day_of_week",
            "day_of_month",
            "day_of_year",
            "days_in_month",
            "month",
            "year",
        ],
    ),
    ("counterFunc", &["rate", "increase", "irate", "resets"]),
    (
        "experimentalOverTime",
        &["mad", "ts_of_first", "ts_of_last", "ts_of_max", "ts_of_min"],
    ),
    (
        "extendedFunc",
        &["rate", "increase", "delta", "changes", "resets"],
    ),
    ("gaugeFunc", &["delta", "idelta", "deriv", "changes"]),
    (
        "mathFunc",
        &[
            "abs", "ceil", "exp", "floor", "ln", "log10", "log2", "round", "sgn", "sqrt",
        ],
    ),
    (
        "nativeFunc",
        &[
            "histogram_avg",
            "histogram_count",
            "histogram_stddev",
            "histogram_stdvar",
            "histogram_sum",
        ],
    ),
    (
        "overTime",
        &[
            "avg", "count", "first", "last", "max", "min", "present", "stddev", "stdvar", "sum",
        ],
    ),
    ("phi", &["-0.1", "0", "0.5", "0.99", "1", "1.1"]),
    ("setOp", &["and", "or", "unless"]),
    ("smoothedFunc", &["rate", "increase", "delta"]),
    (
        "trigFunc",
        &[
            "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "deg", "rad", "sin",
            "sinh", "tan", "tanh",
        ],
    ),
    ("window", &["30s", "5m", "1h"]),
];
