//! Aggregators at one step.

use quarrel_planner::ast::{Aggregate, Expr};

use super::{Labels, Oracle, Result, Sample, string, without_metadata};

impl Oracle {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, at: i64) -> Result<Vec<Sample>> {
        let param = aggregate.param.as_ref().map(Expr::unparenthesized);
        let (mut number, mut text) = (f64::NAN, String::new());
        match param {
            Some(expr @ Expr::String(_)) => text = string(expr),
            Some(expr) => number = self.eval(expr, at)?.scalar(),
            None => {}
        }
        let samples = self.eval(&aggregate.expr, at)?.vector();
        if aggregate.op.name == "count_values" {
            return Ok(count_values(aggregate, &text, samples));
        }
        let rows = samples.len();
        let mut groups: Vec<(Labels, Vec<Sample>)> = Vec::new();
        for sample in samples {
            let key = group_of(aggregate, &sample.labels, None);
            match groups.iter_mut().find(|g| g.0 == key) {
                Some(group) => group.1.push(sample),
                None => groups.push((key, vec![sample])),
            }
        }
        match aggregate.op.name {
            "topk" | "bottomk" => {
                let k = limit(number, rows)?;
                let top = aggregate.op.name == "topk";
                let kept = groups.into_iter().flat_map(|g| top_k(top, k, g.1));
                Ok(kept.collect())
            }
            op => Ok(groups
                .into_iter()
                .map(|(labels, samples)| Sample {
                    labels,
                    value: fold(op, number, samples.iter().map(|s| s.value).collect()),
                })
                .collect()),
        }
    }
}

/// The labels of a sample's group; `kept` is kept in any case.
fn group_of(aggregate: &Aggregate, labels: &Labels, kept: Option<&str>) -> Labels {
    let named = |name: &str| aggregate.grouping.iter().any(|n| n == name);
    let labels = labels.clone();
    if aggregate.without {
        return without_metadata(labels)
            .into_iter()
            .filter(|(name, _)| !named(name))
            .collect();
    }
    labels
        .into_iter()
        .filter(|(name, _)| named(name) || kept == Some(name))
        .collect()
}

fn count_values(aggregate: &Aggregate, label: &str, samples: Vec<Sample>) -> Vec<Sample> {
    let mut counts: Vec<Sample> = Vec::new();
    for mut sample in samples {
        let text = quarrel_functions::fmt::format_f(sample.value);
        sample.labels.insert(label.into(), text);
        let labels = group_of(aggregate, &sample.labels, Some(label));
        match counts.iter_mut().find(|c| c.labels == labels) {
            Some(count) => count.value += 1.0,
            None => counts.push(Sample { labels, value: 1.0 }),
        }
    }
    counts
}

fn limit(number: f64, rows: usize) -> Result<usize> {
    if number.is_nan() {
        return Err("Parameter value is NaN".into());
    }
    if number == f64::INFINITY {
        return Err("Scalar value +Inf overflows int64".into());
    }
    Ok((number.max(0.0) as usize).min(rows))
}

/// Go's heap with the worst on top, and then an insertion sort, so that ties
/// come out as there (which sorts so up to twelve elements).
fn top_k(top: bool, k: usize, samples: Vec<Sample>) -> Vec<Sample> {
    let less = |a: f64, b: f64| a.is_nan() || if top { a < b } else { a > b };
    let mut heap: Vec<Sample> = Vec::new();
    for sample in samples {
        if heap.len() < k {
            heap.push(sample);
            let mut j = heap.len() - 1;
            while j > 0 {
                let i = (j - 1) / 2;
                if !less(heap[j].value, heap[i].value) {
                    break;
                }
                heap.swap(i, j);
                j = i;
            }
        } else if k > 0 {
            let worst = heap[0].value;
            let better = if top {
                worst < sample.value
            } else {
                worst > sample.value
            };
            if better || (worst.is_nan() && !sample.value.is_nan()) {
                heap[0] = sample;
                let mut i = 0;
                loop {
                    let (left, right) = (2 * i + 1, 2 * i + 2);
                    if left >= heap.len() {
                        break;
                    }
                    let mut j = left;
                    if right < heap.len() && less(heap[right].value, heap[left].value) {
                        j = right;
                    }
                    if !less(heap[j].value, heap[i].value) {
                        break;
                    }
                    heap.swap(i, j);
                    i = j;
                }
            }
        }
    }
    for i in 1..heap.len() {
        let mut j = i;
        while j > 0 && less(heap[j - 1].value, heap[j].value) {
            heap.swap(j, j - 1);
            j -= 1;
        }
    }
    heap
}

/// Interpolates between the two values around the rank; NaN counts as least.
pub(super) fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| {
        b.is_nan()
            .cmp(&a.is_nan())
            .then(a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal))
    });
    let rank = q * (values.len() - 1) as f64;
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    if weight == 0.0 {
        return values[lower]; // infinity times nothing would be NaN
    }
    values[lower] * (1.0 - weight) + values[upper] * weight
}

fn fold(op: &str, param: f64, values: Vec<f64>) -> f64 {
    let n = values.len() as f64;
    let extreme = |better: fn(f64, f64) -> bool| {
        values[1..].iter().fold(values[0], |best, &value| {
            if best.is_nan() || better(value, best) {
                value
            } else {
                best
            }
        })
    };
    let variance = || {
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n
    };
    match op {
        "sum" => values.iter().sum(),
        "avg" => values.iter().sum::<f64>() / n,
        "min" => extreme(|a, b| a < b),
        "max" => extreme(|a, b| a > b),
        "count" => n,
        "group" => 1.0,
        "stddev" => variance().sqrt(),
        "stdvar" => variance(),
        "quantile" => quantile(param, values),
        other => panic!("the oracle does not know {other}"),
    }
}
