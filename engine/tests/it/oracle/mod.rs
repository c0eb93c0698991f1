//! PromQL step at once, as its documentation and the reference's evaluator
//! say: every expression is evaluated at one time after the other, by plain
//! loops over label sets as text. Slow, and easy to compare with the reference.
//!
//! It knows what is easy to get wrong when whole rows are computed at once:
//! joins, set operators, equal label sets, topk, count_values, quantile,
//! grouping, absent, scalar, subqueries, `@` and `offset`.

mod aggregate;
mod binary;
mod range;

use std::collections::BTreeMap;

use quarrel_planner::ast::{AtModifier, Call, DurationValue, Expr, VectorSelector};

/// Label names and values.
pub type Labels = BTreeMap<String, String>;

/// One sample of an instant vector.
#[derive(Clone, Debug)]
pub struct Sample {
    pub labels: Labels,
    pub value: f64,
}

/// A stored series; stale markers are samples. Times in milliseconds.
#[derive(Clone)]
pub struct Stored {
    pub labels: Labels,
    pub samples: Vec<(i64, f64)>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        write!(f, "{{{}}}", labels.join(","))?;
        for (time, value) in &self.samples {
            match value.to_bits() {
                STALE => write!(f, " stale@{}", time / 1000)?,
                _ => write!(f, " {value}@{}", time / 1000)?,
            }
        }
        Ok(())
    }
}

/// Prometheus's stale marker.
pub const STALE: u64 = 0x7ff0_0000_0000_0002;

/// Prometheus's words.
pub const SAME_LABELS: &str = "vector cannot contain metrics with the same labelset";

/// A store and a query's times.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// Sorted by labels.
    pub series: Vec<Stored>,
    pub start_ms: i64,
    pub end_ms: i64,
    pub lookback_ms: i64,
}

type Result<T> = std::result::Result<T, String>;

/// What an expression is at one time.
#[derive(Clone, Debug)]
pub enum Value {
    Scalar(f64),
    Vector(Vec<Sample>),
}

impl Value {
    fn scalar(self) -> f64 {
        match self {
            Value::Scalar(value) => value,
            Value::Vector(_) => panic!("a vector where the type check wants a scalar"),
        }
    }

    fn vector(self) -> Vec<Sample> {
        match self {
            Value::Vector(samples) => samples,
            Value::Scalar(_) => panic!("a scalar where the type check wants a vector"),
        }
    }
}

/// The labels without name, type and unit.
fn without_metadata(mut labels: Labels) -> Labels {
    for name in ["__name__", "__type__", "__unit__"] {
        labels.remove(name);
    }
    labels
}

/// No two samples may have the same labels.
fn distinct(samples: Vec<Sample>) -> Result<Vec<Sample>> {
    for (i, sample) in samples.iter().enumerate() {
        if samples[..i].iter().any(|s| s.labels == sample.labels) {
            return Err(SAME_LABELS.into());
        }
    }
    Ok(samples)
}

fn millis(duration: &DurationValue) -> i64 {
    match duration {
        DurationValue::Known(nanos) => nanos / 1_000_000,
        DurationValue::Computed(_) => panic!("the oracle does not compute durations"),
    }
}

impl Oracle {
    /// The expression at one time.
    pub fn eval(&self, expr: &Expr, at: i64) -> Result<Value> {
        Ok(match expr {
            Expr::Number(number) => Value::Scalar(number.value),
            Expr::Paren(paren) => self.eval(&paren.expr, at)?,
            Expr::Unary(unary) => match self.eval(&unary.expr, at)? {
                value if !unary.minus => value,
                Value::Scalar(value) => Value::Scalar(-value),
                Value::Vector(samples) => Value::Vector(distinct(
                    samples
                        .into_iter()
                        .map(|s| Sample {
                            labels: without_metadata(s.labels),
                            value: -s.value,
                        })
                        .collect(),
                )?),
            },
            Expr::VectorSelector(selector) => {
                let found = self.select(selector, at);
                let samples = found.map(|(series, sample)| Sample {
                    labels: series.labels.clone(),
                    value: sample.1,
                });
                Value::Vector(samples.collect())
            }
            Expr::Aggregate(aggregate) => Value::Vector(self.aggregate(aggregate, at)?),
            Expr::Binary(binary) => self.binary(binary, at)?,
            Expr::Call(call) => self.call(call, at)?,
            Expr::String(_) | Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                panic!("no value at one time: {expr:?}")
            }
        })
    }

    fn fixed(&self, at: Option<AtModifier>, now: i64) -> i64 {
        match at {
            None => now,
            Some(AtModifier::Timestamp(ms)) => ms,
            Some(AtModifier::Start) => self.start_ms,
            Some(AtModifier::End) => self.end_ms,
        }
    }

    fn matching<'a>(&'a self, selector: &'a VectorSelector) -> impl Iterator<Item = &'a Stored> {
        self.series.iter().filter(move |series| {
            selector.matchers.iter().all(|matcher| {
                let value = series.labels.get(matcher.name());
                matcher.matches(value.map_or("", String::as_str))
            })
        })
    }

    /// The latest sample of each series within the lookback, unless stale.
    fn select<'a>(
        &'a self,
        selector: &'a VectorSelector,
        at: i64,
    ) -> impl Iterator<Item = (&'a Stored, (i64, f64))> {
        let end = self.fixed(selector.at, at) - millis(&selector.offset);
        self.matching(selector).filter_map(move |series| {
            let latest = series.samples.iter().rev().find(|s| s.0 <= end)?;
            let seen = latest.0 > end - self.lookback_ms && latest.1.to_bits() != STALE;
            seen.then_some((series, *latest))
        })
    }

    /// `timestamp` of a selector. The reference forgets the offset of a pinned
    /// selector, but asked its store for samples with the offset in mind.
    fn times(&self, selector: &VectorSelector, at: i64) -> Vec<Sample> {
        let asked_end = self.fixed(selector.at, at) - millis(&selector.offset);
        let end = selector
            .at
            .map_or(asked_end, |_| self.fixed(selector.at, at));
        let time = |series: &Stored| {
            let there =
                |s: &&(i64, f64)| s.0 <= end.min(asked_end) && s.0 > asked_end - self.lookback_ms;
            let latest = series.samples.iter().rev().find(there)?;
            let seen = latest.0 > end - self.lookback_ms && latest.1.to_bits() != STALE;
            seen.then_some(latest.0 as f64 / 1000.0)
        };
        self.matching(selector)
            .filter_map(|series| {
                Some(Sample {
                    labels: without_metadata(series.labels.clone()),
                    value: time(series)?,
                })
            })
            .collect()
    }

    fn call(&self, call: &Call, at: i64) -> Result<Value> {
        let seconds = at as f64 / 1000.0;
        let arg = |i: usize| -> Result<Value> { self.eval(&call.args[i], at) };
        let each = |keep_name: bool, f: &dyn Fn(f64) -> f64| -> Result<Value> {
            let samples = arg(0)?.vector().into_iter().map(|s| Sample {
                labels: if keep_name {
                    s.labels
                } else {
                    without_metadata(s.labels)
                },
                value: f(s.value),
            });
            Ok(Value::Vector(distinct(samples.collect())?))
        };
        match call.function.name {
            "time" => Ok(Value::Scalar(seconds)),
            "vector" => Ok(Value::Vector(vec![Sample {
                labels: Labels::new(),
                value: arg(0)?.scalar(),
            }])),
            "scalar" => Ok(Value::Scalar(match arg(0)?.vector()[..] {
                [ref sample] => sample.value,
                _ => f64::NAN,
            })),
            "absent" => Ok(Value::Vector(if arg(0)?.vector().is_empty() {
                vec![Sample {
                    labels: absent_labels(&call.args[0]),
                    value: 1.0,
                }]
            } else {
                Vec::new()
            })),
            "abs" => each(false, &f64::abs),
            "sgn" => each(false, &|v| {
                if v == 0.0 || v.is_nan() {
                    v
                } else {
                    v.signum()
                }
            }),
            "clamp_min" => {
                let least = self.eval(&call.args[1], at)?.scalar();
                each(false, &|v| {
                    // Go's maximum with infinity is infinity.
                    if v == f64::INFINITY || least == f64::INFINITY {
                        f64::INFINITY
                    } else if v.is_nan() || least.is_nan() {
                        f64::NAN
                    } else {
                        v.max(least)
                    }
                })
            }
            "timestamp" => match call.args[0].unparenthesized() {
                Expr::VectorSelector(selector) => {
                    let samples = self.times(selector, at);
                    Ok(Value::Vector(distinct(samples)?))
                }
                _ => each(false, &|_| seconds),
            },
            "label_replace" => {
                let [label, text] = [1, 2].map(|i| string(&call.args[i]));
                let samples = arg(0)?.vector().into_iter().map(|mut s| {
                    // The generator asks for no source and for `.*` alone.
                    if text.is_empty() {
                        s.labels.remove(&label);
                    } else {
                        s.labels.insert(label.clone(), text.clone());
                    }
                    s
                });
                Ok(Value::Vector(distinct(samples.collect())?))
            }
            "sort" | "sort_desc" => {
                let descending = call.function.name == "sort_desc";
                let mut samples = arg(0)?.vector();
                samples.sort_by(|a, b| match (a.value.is_nan(), b.value.is_nan()) {
                    (false, false) if descending => b.value.total_cmp(&a.value),
                    (false, false) => a.value.total_cmp(&b.value),
                    (a, b) => a.cmp(&b),
                });
                Ok(Value::Vector(samples))
            }
            _ => self.over_time(call, at),
        }
    }
}

fn string(expr: &Expr) -> String {
    match expr {
        Expr::String(literal) => literal.value.clone(),
        other => panic!("no string: {other:?}"),
    }
}

/// The labels that equality matchers give, where nothing contradicts.
fn absent_labels(expr: &Expr) -> Labels {
    let matchers = match expr.unparenthesized() {
        Expr::VectorSelector(selector) => &selector.matchers,
        Expr::MatrixSelector(matrix) => &matrix.selector.matchers,
        _ => return Labels::new(),
    };
    let mut labels = Labels::new();
    for matcher in matchers.iter().filter(|m| m.name() != "__name__") {
        let of_name = matchers.iter().filter(|m| m.name() == matcher.name());
        let equal = matcher.op() == quarrel_matchers::MatchOp::Equal;
        if equal && of_name.count() == 1 && !matcher.value().is_empty() {
            labels.insert(matcher.name().into(), matcher.value().into());
        }
    }
    labels
}
