//! Windows over selectors and subqueries.

use quarrel_planner::ast::{Call, Expr, Subquery};

use super::{
    Labels, Oracle, Result, STALE, Sample, Value, absent_labels, distinct, millis, without_metadata,
};

/// The samples of one series within a window.
type Window = (Labels, Vec<(i64, f64)>);

impl Oracle {
    pub(super) fn over_time(&self, call: &Call, at: i64) -> Result<Value> {
        let mut windows = None;
        let mut param = f64::NAN;
        for arg in &call.args {
            match arg.unparenthesized() {
                Expr::MatrixSelector(matrix) => {
                    let selector = &matrix.selector;
                    let end = self.fixed(selector.at, at) - millis(&selector.offset);
                    let begin = end - millis(&matrix.range);
                    let of_series = self.matching(selector).map(|series| {
                        let samples = series.samples.iter().copied();
                        let inside =
                            samples.filter(|s| begin < s.0 && s.0 <= end && s.1.to_bits() != STALE);
                        (series.labels.clone(), inside.collect())
                    });
                    windows = Some(of_series.collect::<Vec<Window>>());
                }
                Expr::Subquery(subquery) => windows = Some(self.subquery(subquery, at)?),
                scalar => param = self.eval(scalar, at)?.scalar(),
            }
        }
        let windows = windows.expect("a range");
        let name = call.function.name;
        let full = windows
            .into_iter()
            .filter(|(_, samples)| !samples.is_empty());
        if name == "absent_over_time" {
            let range = call.args.first().expect("an argument");
            let absent = full.count() == 0;
            return Ok(Value::Vector(if absent {
                vec![Sample {
                    labels: absent_labels(range),
                    value: 1.0,
                }]
            } else {
                Vec::new()
            }));
        }
        let rows = full.map(|(labels, samples)| Sample {
            labels: match name {
                "last_over_time" => labels,
                _ => without_metadata(labels),
            },
            value: fold(name, param, &samples),
        });
        Ok(Value::Vector(distinct(rows.collect())?))
    }

    /// The inner expression at all multiples of the step within the window.
    fn subquery(&self, subquery: &Subquery, at: i64) -> Result<Vec<Window>> {
        let end = self.fixed(subquery.at, at) - millis(&subquery.offset);
        let begin = end - millis(&subquery.range);
        let step = subquery.step.as_ref().map_or(60_000, millis);
        let mut time = begin.div_euclid(step) * step + step;
        let mut windows: Vec<Window> = Vec::new();
        while time <= end {
            for sample in self.eval(&subquery.expr, time)?.vector() {
                let row = windows.iter_mut().find(|w| w.0 == sample.labels);
                match row {
                    Some(row) => row.1.push((time, sample.value)),
                    None => windows.push((sample.labels, vec![(time, sample.value)])),
                }
            }
            time += step;
        }
        Ok(windows)
    }
}

fn fold(name: &str, param: f64, samples: &[(i64, f64)]) -> f64 {
    let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
    let extreme = |better: fn(f64, f64) -> bool| {
        values[1..].iter().fold(values[0], |best, &value| {
            if best.is_nan() || better(value, best) {
                value
            } else {
                best
            }
        })
    };
    match name {
        "count_over_time" => values.len() as f64,
        "present_over_time" => 1.0,
        "sum_over_time" => values.iter().sum(),
        "last_over_time" => values[values.len() - 1],
        "max_over_time" => extreme(|a, b| a > b),
        "min_over_time" => extreme(|a, b| a < b),
        "quantile_over_time" => super::aggregate::quantile(param, values),
        "changes" => values
            .windows(2)
            .filter(|pair| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan()))
            .count() as f64,
        other => panic!("the oracle does not know {other}"),
    }
}
