//! The values of variant arguments.

/// The values of an argument, in the suite's order.
pub(super) fn values(argument: &str) -> Option<&'static [&'static str]> {
    let found = VARIANTS.iter().find(|(name, _)| *name == argument);
    found.map(|(_, values)| *values)
}

/// The names of all arguments, for an error.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|(name, _)| *name)
}

/// A list of queries depends on these values as much as on the templates.
static VARIANTS: &[(&str, &[&str])] = &[
    ("arithBinOp", &["+", "-", "*", "/", "%", "^"]),
    (
        "binOp",
        &[
            "+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=",
        ],
    ),
    ("clampFunc", &["clamp_min", "clamp_max"]),
    ("compBinOp", &["==", "!=", "<", ">", "<=", ">="]),
    (
        "dateFunc",
        &[
            "day_of_month",
            "day_of_week",
            "days_in_month",
            "hour",
            "minute",
            "month",
            "year",
        ],
    ),
    ("extrapolatedRateFunc", &["delta", "rate", "increase"]),
    ("instantRateFunc", &["idelta", "irate"]),
    ("offset", &["1m", "5m", "10m"]),
    (
        "quantile",
        &[
            "-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5",
        ],
    ),
    ("range", &["1s", "15s", "1m", "5m", "15m", "1h"]),
    (
        "simpleAggrOp",
        &["sum", "avg", "max", "min", "count", "stddev", "stdvar"],
    ),
    (
        "simpleMathFunc",
        &[
            "abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round",
        ],
    ),
    (
        "simpleTimeAggrOp",
        &[
            "sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last",
        ],
    ),
    ("smoothingFactor", &["0.1", "0.5", "0.8"]),
    ("topBottomOp", &["topk", "bottomk"]),
    ("trendFactor", &["0.1", "0.5", "0.8"]),
];
