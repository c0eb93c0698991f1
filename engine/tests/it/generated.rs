//! Generated stores and expressions: the engine against a plain evaluation
//! step at once, at one time and over many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use proptest::prelude::*;
use proptest::sample::select;
use quarrel_engine::{
    Engine, EngineOptions, QueryOptions, QueryRange, QueryResult, Timestamp, Value,
};
use quarrel_storage::memory::MemoryStorage;

use crate::oracle::{self, Labels, Oracle, STALE, Stored};

const LOOKBACK_MS: i64 = 45_000;

/// Samples 15 s apart, with gaps, stale markers, and a life that may be short.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let value = prop_oneof![
        20 => (-2i32..4).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ];
    let sample = prop_oneof![
        8 => value.prop_map(Some),
        2 => Just(None),
        1 => Just(Some(f64::from_bits(STALE))),
    ];
    let life = (0i64..40, 1usize..50);
    (life, proptest::collection::vec(sample, 50)).prop_map(|((first, len), samples)| {
        let times = (first..).map(|i| i * 15_000);
        times
            .zip(samples.into_iter().take(len))
            .filter_map(|(t, v)| Some((t, v?)))
            .collect()
    })
}

/// A few series of a few names and labels.
fn series() -> impl Strategy<Value = Vec<Stored>> {
    let label = || select(vec!["", "1", "2"]);
    let one = (select(vec!["a", "b", "c"]), label(), label(), samples());
    proptest::collection::vec(one, 0..9).prop_map(|all| {
        let mut by_labels: BTreeMap<Vec<(String, String)>, _> = BTreeMap::new();
        for (name, x, y, samples) in all {
            let labels = [("__name__", name), ("x", x), ("y", y)];
            let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
            let labels = labels
                .map(|(n, v)| (n.to_string(), v.to_string()))
                .collect();
            by_labels.insert(labels, samples);
        }
        let stored = |(labels, samples): (Vec<_>, _)| Stored {
            labels: Labels::from_iter(labels),
            samples,
        };
        by_labels.into_iter().map(stored).collect()
    })
}

fn selector() -> impl Strategy<Value = String> {
    let name = select(vec![
        "a",
        "a",
        "b",
        "b",
        "c",
        "nothing",
        "{__name__=~\"a|b\"}",
    ]);
    let matcher = select(vec![
        "",
        "",
        "",
        "x=\"1\"",
        "x!=\"1\"",
        "y=~\"1|2\"",
        "x=\"\"",
        "y=\"2\"",
        "x=~\".+\"",
    ]);
    (name, matcher).prop_map(|(name, matcher)| match (name.strip_suffix('}'), matcher) {
        (_, "") => name.to_string(),
        (Some(open), matcher) => format!("{open},{matcher}}}"),
        (None, matcher) => format!("{name}{{{matcher}}}"),
    })
}

/// What stands behind a selector or subquery: `@` and `offset`.
fn modifiers() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "",
        "",
        "",
        "",
        " offset 30s",
        " offset -45s",
        " @ 300",
        " @ start()",
        " @ end()",
        " @ 330 offset 1m",
    ])
}

fn plain_vector() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (selector(), modifiers()).prop_map(|(s, m)| format!("{s}{m}")),
        2 => (over_time(), selector(), select(vec!["30s", "1m", "100s"]), modifiers())
            .prop_map(|(f, s, r, m)| format!("{f}({s}[{r}]{m})")),
        1 => (selector(), modifiers()).prop_map(|(s, m)| format!("timestamp({s}{m})")),
    ]
}

fn over_time() -> impl Strategy<Value = &'static str> {
    select(vec![
        "count_over_time",
        "sum_over_time",
        "max_over_time",
        "min_over_time",
        "last_over_time",
        "present_over_time",
        "absent_over_time",
        "changes",
    ])
}

fn grouping() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "by (x) ",
        "by (x, y) ",
        "without (x) ",
        "by (__name__) ",
        "without () ",
        "by () ",
    ])
}

fn matching() -> impl Strategy<Value = &'static str> {
    select(vec![
        "",
        "on (x) ",
        "on (x, y) ",
        "ignoring (x) ",
        "ignoring (y) ",
        "on () ",
    ])
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["1", "0", "-2", "2", "NaN", "0.5", "time()"]).prop_map(String::from),
        selector().prop_map(|s| format!("scalar({s})")),
        aggregated().prop_map(|s| format!("scalar({s})")),
    ]
}

/// For parameters of aggregations, in which the reference does not pin `@`.
fn plain_scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["0.3", "NaN"]).prop_map(String::from),
        selector().prop_map(|s| format!("scalar({s})")),
        selector().prop_map(|s| format!("scalar(max({s})) / 3")),
    ]
}

fn aggregated() -> impl Strategy<Value = String> {
    let op = select(vec![
        "sum", "count", "max", "min", "avg", "group", "stddev", "stdvar",
    ]);
    (op, grouping(), plain_vector()).prop_map(|(op, by, of)| format!("{op} {by}({of})"))
}

/// Aggregators that need all rows at once, where rows come in a known order:
/// after joins and the like the order, and so ties, are not determined.
fn ordered_aggregate() -> impl Strategy<Value = String> {
    let top = || select(vec!["topk", "bottomk"]);
    let k = select(vec!["1", "2", "0", "100", "-1"]);
    let changing_k = selector().prop_map(|s| format!("scalar(max({s}) > 0 or vector(2))"));
    let q = select(vec!["0.5", "0", "1", "0.9", "-1", "2", "NaN"]);
    prop_oneof![
        (top(), grouping(), k, plain_vector())
            .prop_map(|(op, by, k, of)| format!("{op} {by}({k}, {of})")),
        // Where all of the input is pinned, the reference looks at the
        // parameter once.
        (top(), grouping(), changing_k, selector())
            .prop_map(|(op, by, k, of)| format!("{op} {by}({k}, {of})")),
        (grouping(), q, plain_vector()).prop_map(|(by, q, of)| format!("quantile {by}({q}, {of})")),
        (grouping(), plain_scalar(), selector())
            .prop_map(|(by, q, of)| format!("quantile {by}({q}, {of})")),
        (grouping(), select(vec!["v", "x"]), plain_vector())
            .prop_map(|(by, label, of)| format!("count_values {by}(\"{label}\", {of})")),
    ]
}

fn vector() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => plain_vector(),
        2 => aggregated(),
        2 => ordered_aggregate(),
        1 => scalar().prop_map(|s| format!("vector({s})")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let inner = inner.boxed();
        let two = || (inner.clone(), inner.clone());
        let arithmetic = select(vec!["+", "-", "*", "/"]);
        let compare = select(vec![
            "==", "!=", ">", "<", ">=", "<=", "> bool", "== bool",
        ]);
        let op = prop_oneof![arithmetic, compare].boxed();
        let group = select(vec![
            "", "", "group_left () ", "group_right () ", "group_left (y) ", "group_right (y) ",
            "group_left (x, z) ",
        ]);
        prop_oneof![
            4 => (two(), op.clone(), matching(), group).prop_map(|((l, r), op, on, group)| {
                // Grouping needs on or ignoring, and may not bring a label of on.
                let clash = on.starts_with("on")
                    && ["x", "y"].iter().any(|n| group.contains(n) && on.contains(n));
                let group = if on.is_empty() || clash { "" } else { group };
                format!("({l}) {op} {on}{group}({r})")
            }),
            3 => (two(), select(vec!["and", "or", "unless"]), matching())
                .prop_map(|((l, r), op, on)| format!("({l}) {op} {on}({r})")),
            2 => (inner.clone(), op.clone(), scalar()).prop_map(|(v, op, s)| format!("({v}) {op} {s}")),
            1 => (inner.clone(), op, scalar()).prop_map(|(v, op, s)| format!("{s} {op} ({v})")),
            2 => (inner.clone(), grouping(), select(vec!["sum", "count", "max", "min", "group"]))
                .prop_map(|(v, by, op)| format!("{op} {by}({v})")),
            2 => (inner.clone(), over_time(), select(vec!["1m", "2m"]), select(vec![":30s", ":1m", ":"]),
                  select(vec!["", "", "", " offset 15s", " @ 310", " @ end()"]))
                .prop_map(|(v, f, range, step, m)| {
                    // What `@` fixes depends in the reference on whether the
                    // subqueries around happen to start with their parent.
                    let m = if v.contains('@') { "" } else { m };
                    format!("{f}(({v})[{range}{step}]{m})")
                }),
            1 => (inner.clone(), select(vec!["x", "y", "z", "__name__"]), select(vec!["", "1", "n"]))
                .prop_map(|(v, label, text)| format!("label_replace({v}, \"{label}\", \"{text}\", \"\", \".*\")")),
            1 => inner.clone().prop_map(|v| format!("-({v})")),
            1 => inner.clone().prop_map(|v| format!("absent({v})")),
            1 => inner.clone().prop_map(|v| format!("vector(scalar({v}))")),
            1 => (inner.clone(), scalar()).prop_map(|(v, s)| format!("clamp_min({v}, {s})")),
            1 => inner.clone().prop_map(|v| format!("abs({v})")),
            1 => inner.prop_map(|v| format!("timestamp({v})")),
        ]
    })
}

fn engine() -> Engine {
    Engine::new(
        EngineOptions::new()
            .threads(2)
            .lookback_delta(Duration::from_millis(LOOKBACK_MS as u64)),
    )
    .expect("an engine")
}

fn store(series: &[Stored]) -> Arc<MemoryStorage> {
    let memory = MemoryStorage::new();
    for Stored { labels, samples } in series {
        let (timestamps, values) = samples.iter().copied().unzip();
        memory
            .append_series(labels, timestamps, values)
            .expect("samples in order");
    }
    Arc::new(memory)
}

/// For each series of an answer its values by time.
type Answer = BTreeMap<Labels, BTreeMap<i64, f64>>;

fn answer(result: &QueryResult) -> Vec<(Labels, BTreeMap<i64, f64>)> {
    let set = match &result.value {
        Value::Vector(set) | Value::Matrix(set) => set,
        Value::Scalar { timestamp, value } => {
            return vec![(Labels::new(), BTreeMap::from([(*timestamp, *value)]))];
        }
        Value::String { .. } => panic!("no text was asked for"),
    };
    set.to_series()
        .into_iter()
        .map(|series| {
            let points = series.points.iter().map(|p| {
                let value = p.value.as_float().expect("a float");
                (p.timestamp, value)
            });
            (Labels::from_iter(series.labels), points.collect())
        })
        .collect()
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

fn agree(a: &Answer, b: &Answer) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((la, pa), (lb, pb))| {
            la == lb
                && pa.len() == pb.len()
                && pa
                    .iter()
                    .zip(pb)
                    .all(|((ta, va), (tb, vb))| ta == tb && close(*va, *vb))
        })
}

fn samples_of(value: oracle::Value) -> Vec<oracle::Sample> {
    match value {
        oracle::Value::Vector(samples) => samples,
        oracle::Value::Scalar(value) => vec![oracle::Sample {
            labels: Labels::new(),
            value,
        }],
    }
}

/// Whether the oracle has the order of an instant query's rows: that of
/// count_values is random in the reference, and that of subqueries comes from
/// all of their steps together.
fn is_ordered(text: &str) -> bool {
    !text.contains("count_values") && !text.contains(':')
}

/// What an error tells. Where the order of rows is left open, so is which two of
/// several duplicates are named.
fn told<'e>(text: &str, error: &'e str) -> &'e str {
    let named = error.find("operation: [").filter(|_| !is_ordered(text));
    named.map_or(error, |at| &error[..at])
}

fn instants_agree(
    engine: &Engine,
    series: &[Stored],
    text: &str,
    at: i64,
) -> Result<(), TestCaseError> {
    let prepared = engine
        .prepare(text)
        .map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
    let query = prepared.instant(
        store(series),
        Timestamp::from_millis(at),
        QueryOptions::new(),
    );
    let got = block_on(query.execute());
    let oracle = Oracle {
        series: series.to_vec(),
        start_ms: at,
        end_ms: at,
        lookback_ms: LOOKBACK_MS,
    };
    match (oracle.eval(prepared.expr(), at), got) {
        (Err(wanted), Err(error)) => {
            let error = error.to_string();
            let (wanted, error) = (told(text, &wanted), told(text, &error));
            prop_assert_eq!(wanted, error, "{}", text);
        }
        (Ok(wanted), Ok(result)) => {
            let wanted: Vec<_> = samples_of(wanted)
                .into_iter()
                .map(|s| (s.labels, BTreeMap::from([(at, s.value)])))
                .collect();
            let got = answer(&result);
            let order = |rows: &[(Labels, BTreeMap<i64, f64>)]| -> Vec<Labels> {
                rows.iter().map(|r| r.0.clone()).collect()
            };
            if is_ordered(text) {
                prop_assert_eq!(order(&wanted), order(&got), "order of {} at {}", text, at);
            }
            let (a, b) = (Answer::from_iter(wanted), Answer::from_iter(got));
            prop_assert!(agree(&a, &b), "{text} at {at}\nwanted {a:?}\ngot    {b:?}");
        }
        (wanted, got) => {
            let got = got.map(|r| answer(&r));
            prop_assert!(false, "{text} at {at}\nwanted {wanted:?}\ngot    {got:?}");
        }
    }
    Ok(())
}

fn ranges_agree(
    engine: &Engine,
    series: &[Stored],
    text: &str,
    (start, end, step): (i64, i64, i64),
) -> Result<(), TestCaseError> {
    let prepared = engine
        .prepare(text)
        .map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
    let times = QueryRange::from_millis(start..=end, step).expect("times in order");
    let query = prepared.range(store(series), times, QueryOptions::new());
    let got = block_on(query.execute());
    let oracle = Oracle {
        series: series.to_vec(),
        start_ms: start,
        end_ms: end,
        lookback_ms: LOOKBACK_MS,
    };
    let mut wanted = Answer::new();
    let mut failed = None;
    let steps = (0..).map(|i| start + i * step).take_while(|t| *t <= end);
    for at in steps {
        match oracle.eval(prepared.expr(), at) {
            Ok(value) => {
                for sample in samples_of(value) {
                    wanted
                        .entry(sample.labels)
                        .or_default()
                        .insert(at, sample.value);
                }
            }
            Err(error) => {
                failed.get_or_insert((at, error));
            }
        }
    }
    match (failed, got) {
        // Which of several errors is told depends on the order of evaluation.
        (Some(_), Err(_)) => {}
        (Some((at, wanted)), Ok(result)) => {
            let got = answer(&result);
            prop_assert!(
                false,
                "{text} ({start}, {end}, {step})\nwanted {wanted} at {at}\ngot    {got:?}"
            );
        }
        (None, Err(error)) => {
            prop_assert!(
                false,
                "{text} ({start}, {end}, {step})\nwanted {wanted:?}\ngot    {error}"
            );
        }
        (None, Ok(result)) => {
            let rows = answer(&result);
            prop_assert!(
                rows.is_sorted_by(|a, b| a.0.iter().lt(&b.0)),
                "{text} is not sorted"
            );
            let got = Answer::from_iter(rows);
            prop_assert!(
                agree(&wanted, &got),
                "{text} ({start}, {end}, {step})\nwanted {wanted:?}\ngot    {got:?}"
            );
        }
    }
    Ok(())
}

/// Start, end and step, ms.
fn times() -> impl Strategy<Value = (i64, i64, i64)> {
    let step = select(vec![10i64, 15, 30, 40, 60]);
    (280i64..340, step, 1i64..9)
        .prop_map(|(start, step, steps)| (start * 1000, (start + step * steps) * 1000, step * 1000))
}

fn cases() -> u32 {
    let asked = std::env::var("QUARREL_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn at_one_time(series in series(), text in vector(), at in 280i64..560) {
        instants_agree(&engine(), &series, &text, at * 1000)?;
    }

    #[test]
    fn over_many_times(series in series(), text in vector(), times in times()) {
        ranges_agree(&engine(), &series, &text, times)?;
    }
}
