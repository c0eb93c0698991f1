//! Queries over all functions of ranges, and their answers.

use std::sync::{Arc, LazyLock};

use futures::executor::block_on;
use quarrel_engine::storage::Storage;
use quarrel_engine::{Engine, EngineOptions, QueryOptions, QueryRange, Timestamp};
use quarrel_functions::table::{self, ValueType};
use quarrel_planner::ParserOptions;

use super::data::Metric;
use crate::support::show;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| engine(false));
static WITH_STARTS: LazyLock<Engine> = LazyLock::new(|| engine(true));

fn engine(use_start_timestamps: bool) -> Engine {
    let options = EngineOptions::new()
        .threads(1)
        .use_start_timestamps(use_start_timestamps)
        .parser(ParserOptions::all());
    Engine::new(options).unwrap()
}

/// A call of each function that takes a range, over a selector.
pub fn calls(selector: &str) -> Vec<String> {
    let functions = table::all().iter();
    let of_ranges = functions.filter(|f| f.args.contains(&ValueType::Matrix));
    let call = |function: &table::Function| {
        let argument = |of: &ValueType| match of {
            ValueType::Matrix => selector.to_owned(),
            _ => "0.5".to_owned(),
        };
        let arguments: Vec<String> = function.args.iter().map(argument).collect();
        format!("{}({})", function.name, arguments.join(", "))
    };
    of_ranges.map(call).collect()
}

/// Functions over ranges, selectors, and what aggregates them, of a metric.
pub fn queries(metric: Metric) -> Vec<String> {
    let name = metric.name();
    let mut all = calls(&format!("{name}[3m]"));
    all.extend(calls(&format!("{name}[17m] offset 2m")));
    let others = [
        "x",
        "x offset 5m",
        "timestamp(x)",
        "start_timestamp(x)",
        "absent(x)",
        "sum(x)",
        "count by (job) (x)",
        "max without (job) (x)",
        "topk(1, x)",
        "quantile(0.5, x)",
        "-x + x",
        "max_over_time(x[10m:1m])",
        "rate(x[10m:30s])",
        "sum(rate(x[5m]))",
        "rate(x[5m] anchored)",
        "increase(x[5m] smoothed)",
        "x smoothed",
        "histogram_count(x)",
        "histogram_quantile(0.9, sum(rate(x[5m])))",
        "histogram_sum(increase(x[4m]))",
    ];
    all.extend(others.map(|text| replace(text, name)));
    all
}

fn replace(text: &str, name: &str) -> String {
    // No function that is used has an `x` of its own behind a bracket or blank.
    let mut out = format!(" {text}");
    for before in [" ", "(", "-"] {
        for behind in ["[", ")", " ", ""] {
            let from = format!("{before}x{behind}");
            let to = format!("{before}{name}{behind}");
            if behind.is_empty() {
                if out.ends_with(&from) {
                    out.truncate(out.len() - from.len());
                    out.push_str(&to);
                }
            } else {
                out = out.replace(&from, &to);
            }
        }
    }
    out.trim_start().to_owned()
}

/// When a query is asked, ms.
#[derive(Debug, Clone, Copy)]
pub enum Times {
    At(i64),
    Over(i64, i64, i64),
}

/// The answer as text, its error, and what it tells of itself.
pub fn ask(storage: &Arc<dyn Storage>, text: &str, times: Times, starts: bool) -> String {
    let engine = if starts { &WITH_STARTS } else { &ENGINE };
    let prepared = engine.prepare(text).unwrap();
    let (storage, options) = (Arc::clone(storage), QueryOptions::new());
    let query = match times {
        Times::At(at) => prepared.instant(storage, Timestamp::from_millis(at), options),
        Times::Over(start, end, step) => {
            let range = QueryRange::from_millis(start..=end, step).unwrap();
            prepared.range(storage, range, options)
        }
    };
    match block_on(query.execute()) {
        Ok(result) => {
            let told = [&result.warnings[..], &result.infos].concat();
            format!("{}\n{told:?}", show(&result))
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_name_takes_the_place_of_x() {
    assert_eq!(replace("-x + x", "m"), "-m + m");
    assert_eq!(
        replace("max_over_time(x[1m:]) > x", "m"),
        "max_over_time(m[1m:]) > m"
    );
    assert_eq!(replace("x smoothed", "m"), "m smoothed");
    assert!(calls("m[1m]").contains(&"quantile_over_time(0.5, m[1m])".to_owned()));
}
