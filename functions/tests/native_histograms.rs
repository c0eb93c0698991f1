//! Compares with what Prometheus computes with native histograms, see
//! `compliance/go/cmd/histgolden`. To compare with another file of that
//! program, made from another seed, name it in `QUARREL_HISTOGRAM_GOLDEN`.

use std::sync::Arc;

use quarrel_functions::histogram::native::{
    CounterReset, ExtendedWindow, FractionAnnotation, Growth, GrowthAnnotations, Histogram,
    HistogramRef, Layout, MeanOfHistograms, QuantileAnnotation, SumOfHistograms, Trim,
    extended_growth, growth, last_growth,
};
use serde_json::Value;

fn records() -> Vec<Value> {
    let text = match std::env::var_os("QUARREL_HISTOGRAM_GOLDEN") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("data/histograms.jsonl").to_string(),
    };
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(records.len() > 800, "the file is cut");
    records
}

fn float(value: &Value) -> f64 {
    match value.as_str().unwrap() {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    }
}

fn floats(value: &Value) -> Vec<f64> {
    items(value).iter().map(float).collect()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn spans(value: &Value) -> Vec<(i32, u32)> {
    let pairs = items(value).chunks(2);
    pairs
        .map(|pair| {
            (
                pair[0].as_i64().unwrap() as i32,
                pair[1].as_i64().unwrap() as u32,
            )
        })
        .collect()
}

fn histogram(value: &Value) -> Histogram {
    let layout = Layout::from_spans(
        value[1].as_i64().unwrap() as i32,
        float(&value[2]),
        spans(&value[6]),
        spans(&value[8]),
        Arc::from(floats(&value[10])),
    );
    let mut buckets = floats(&value[7]);
    buckets.extend(floats(&value[9]));
    let mut h = Histogram::new(layout.unwrap(), buckets).unwrap();
    h.counter_reset = match value[0].as_u64().unwrap() {
        0 => CounterReset::Unknown,
        1 => CounterReset::Reset,
        2 => CounterReset::NoReset,
        _ => CounterReset::Gauge,
    };
    (h.zero_count, h.count, h.sum) = (float(&value[3]), float(&value[4]), float(&value[5]));
    h
}

/// Equal to the bit, all NaN alike.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// Equal but for the last digits, which logarithms and powers may change.
fn close(a: f64, b: f64) -> bool {
    same(a, b) || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn check(
    got: &Histogram,
    want: &Histogram,
    equal: fn(f64, f64) -> bool,
) -> Result<(), &'static str> {
    let totals = |h: &Histogram| [h.zero_count, h.count, h.sum];
    let pairs =
        |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(*a, *b));
    if got.layout() != want.layout() {
        return Err("layouts");
    }
    if !pairs(&totals(got), &totals(want)) {
        return Err("totals");
    }
    if !pairs(got.buckets(), want.buckets()) {
        return Err("buckets");
    }
    if got.counter_reset != want.counter_reset {
        return Err("hints");
    }
    Ok(())
}

struct Case<'a> {
    record: &'a Value,
    inputs: Vec<Histogram>,
    x: Vec<f64>,
    y: Vec<f64>,
}

impl Case<'_> {
    fn annotations(&self) -> Vec<&str> {
        items(&self.record["n"])
            .iter()
            .map(|n| n.as_str().unwrap())
            .collect()
    }

    fn expect(&self, got: Option<&Histogram>, annotations: &[&str], equal: fn(f64, f64) -> bool) {
        let want = match &self.record["out"] {
            Value::Null => None,
            value => Some(histogram(value)),
        };
        let difference = match (got, &want) {
            (None, None) => Ok(()),
            (Some(got), Some(want)) => check(got, want, equal),
            _ => Err("whether there is a result"),
        };
        if let Err(difference) = difference {
            panic!(
                "{difference} differ: got {got:#?}, want {want:#?}, of {}",
                self.record
            );
        }
        let mut annotations = annotations.to_vec();
        annotations.sort_unstable();
        let mut expected = self.annotations();
        expected.sort_unstable();
        assert_eq!(annotations, expected, "annotations of {}", self.record);
    }

    fn expect_numbers(&self, got: &[f64], equal: fn(f64, f64) -> bool) {
        let all = got.len() == self.y.len() && got.iter().zip(&self.y).all(|(a, b)| equal(*a, *b));
        assert!(all, "got {got:?}, want {:?}, of {}", self.y, self.record);
    }

    fn run(&mut self) {
        let mut h = self.inputs[0].clone();
        let op = self.record["op"].as_str().unwrap();
        match op {
            "add" | "sub" => self.combine(op == "sub"),
            "compact" => {
                h.compact();
                self.expect(Some(&h), &[], same);
            }
            "mul" => {
                h.scale(self.x[0]);
                self.expect(Some(&h), &[], same);
            }
            "div" => {
                h.divide(self.x[0]);
                self.expect(Some(&h), &[], same);
            }
            "reduce" => {
                h.reduce_to(self.x[0] as i32);
                self.expect(Some(&h), &[], same);
            }
            "reset" => {
                let reset = h.view().is_reset_from(&self.inputs[1].view());
                self.expect_numbers(&[f64::from(u8::from(reset))], same);
            }
            "equals" => {
                let equal = h.view().equals(&self.inputs[1].view());
                self.expect_numbers(&[f64::from(u8::from(equal))], same);
            }
            "text" => {
                let texts = [h.to_text(), h.to_test_expression()];
                let want: Vec<&str> = items(&self.record["t"])
                    .iter()
                    .map(|t| t.as_str().unwrap())
                    .collect();
                assert_eq!(texts.as_slice(), want);
            }
            "trim_below" | "trim_above" => {
                let keep = if op == "trim_below" {
                    Trim::Below
                } else {
                    Trim::Above
                };
                h.trim(self.x[0], keep);
                self.expect(Some(&h), &[], close);
            }
            "quantile" => self.quantiles(&h.view()),
            "fraction" => self.fractions(&h.view()),
            "moments" => {
                let h = h.view();
                self.expect_numbers(&[h.average(), h.variance(), h.standard_deviation()], same);
            }
            "sum_over_time" | "avg_over_time" => self.aggregate(op == "avg_over_time"),
            "increase" | "delta" => self.growth(op == "increase"),
            "idelta" => self.last_growth(),
            _ if op.starts_with("increase ") || op.starts_with("delta ") => {
                self.extended_growth(op)
            }
            other => panic!("unknown operation {other}"),
        }
    }

    fn combine(&self, subtract: bool) {
        let mut h = self.inputs[0].clone();
        let other = self.inputs[1].view();
        let found = if subtract {
            h.subtract(&other)
        } else {
            h.add(&other)
        };
        let Ok(found) = found else {
            return self.expect(None, &["incompatible"], same);
        };
        let mut annotations = vec![];
        annotations.extend(found.reset_collision.then_some("collision"));
        annotations.extend(found.bounds_reconciled.then_some("reconciled"));
        self.expect(Some(&h), &annotations, same);
    }

    fn quantiles(&self, h: &HistogramRef<'_>) {
        let (values, annotations): (Vec<f64>, Vec<QuantileAnnotation>) =
            self.x.iter().map(|&q| h.quantile(q)).unzip();
        self.expect_numbers(&values, close);
        let annotations: Vec<&str> = annotations
            .iter()
            .map(|annotation| match annotation {
                QuantileAnnotation::None => "",
                QuantileAnnotation::NanResult => "nan",
                QuantileAnnotation::NanSkew => "skew",
            })
            .collect();
        assert_eq!(annotations, self.annotations(), "of {}", self.record);
    }

    fn fractions(&self, h: &HistogramRef<'_>) {
        let (values, annotations): (Vec<f64>, Vec<FractionAnnotation>) =
            self.x.chunks(2).map(|x| h.fraction(x[0], x[1])).unzip();
        self.expect_numbers(&values, |a, b| close(a, b) || (a - b).abs() < 1e-14);
        let annotations: Vec<&str> = annotations
            .iter()
            .map(|annotation| match annotation {
                FractionAnnotation::None => "",
                FractionAnnotation::NanExcluded => "excluded",
            })
            .collect();
        assert_eq!(annotations, self.annotations(), "of {}", self.record);
    }

    fn aggregate(&self, mean: bool) {
        let (first, rest) = self.inputs.split_first().unwrap();
        let result = if mean {
            let mut state = MeanOfHistograms::new(&first.view());
            let all = rest.iter().try_for_each(|h| state.add(&h.view()));
            all.map(|()| state.finish())
        } else {
            let mut state = SumOfHistograms::new(&first.view());
            let all = rest.iter().try_for_each(|h| state.add(&h.view()));
            all.map(|()| state.finish())
        };
        let Ok((h, found)) = result else {
            return self.expect(None, &["mixed"], same);
        };
        let mut annotations = vec![];
        annotations.extend(found.reset_collision.then_some("collision"));
        annotations.extend(found.bounds_reconciled.then_some("reconciled"));
        self.expect(Some(&h), &annotations, same);
    }

    fn growth(&self, counter: bool) {
        let points: Vec<HistogramRef<'_>> = self.inputs.iter().map(Histogram::view).collect();
        let kind = if counter {
            Growth::Counter
        } else {
            Growth::Gauge
        };
        self.expect_growth(growth(&points, kind, |_| false));
    }

    fn last_growth(&self) {
        let [.., before, now] = &self.inputs[..] else {
            panic!("two inputs, not {}", self.inputs.len());
        };
        self.expect_growth(last_growth(
            &before.view(),
            &now.view(),
            Growth::Gauge,
            false,
        ));
    }

    fn extended_growth(&self, op: &str) {
        let points: Vec<HistogramRef<'_>> = self.inputs.iter().map(Histogram::view).collect();
        let times: Vec<i64> = self.x.iter().map(|&t| t as i64).collect();
        let (times, window) = times.split_at(points.len());
        let window = ExtendedWindow {
            start: window[0],
            end: window[1],
            smoothed: op.ends_with("smoothed"),
        };
        let kind = match op.starts_with("increase") {
            true => Growth::Counter,
            false => Growth::Gauge,
        };
        self.expect_growth(extended_growth(&points, times, window, kind));
    }

    fn expect_growth(&self, (grown, annotations): (Option<Histogram>, GrowthAnnotations)) {
        let GrowthAnnotations {
            not_counter,
            not_gauge,
            mixed_schemas,
            subtraction_reconciled,
            addition_reconciled,
        } = annotations;
        let mut texts = vec![];
        texts.extend(not_counter.then_some("not_counter"));
        texts.extend(not_gauge.then_some("not_gauge"));
        texts.extend(mixed_schemas.then_some("mixed"));
        texts.extend(subtraction_reconciled.then_some("reconciled_sub"));
        texts.extend(addition_reconciled.then_some("reconciled_add"));
        self.expect(grown.as_ref(), &texts, same);
    }
}

#[test]
fn operations_give_what_the_reference_gives() {
    for record in records() {
        let mut case = Case {
            inputs: items(&record["in"]).iter().map(histogram).collect(),
            x: floats(&record["x"]),
            y: floats(&record["y"]),
            record: &record,
        };
        case.run();
    }
}
