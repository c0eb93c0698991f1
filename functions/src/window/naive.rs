//! The plain definitions of the window functions, window by window.

/// One window's samples, spelled out.
pub struct Plain {
    pub samples: Vec<(i64, f64)>,
    pub end: i64,
    pub range: i64,
    pub eval: i64,
}

pub fn plain(function: &str, w: &Plain, param: f64) -> Option<f64> {
    let v: Vec<f64> = w.samples.iter().map(|s| s.1).collect();
    let (first, last) = (*w.samples.first()?, *w.samples.last()?);
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let variance = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let pairs = || w.samples.windows(2);
    let by = |f: fn(f64, f64) -> f64| v.iter().copied().reduce(f);
    Some(match function {
        "sum_over_time" => v.iter().sum(),
        "avg_over_time" => mean,
        "count_over_time" => n,
        "present_over_time" => 1.0,
        "min_over_time" => by(f64::min)?,
        "max_over_time" => by(f64::max)?,
        "last_over_time" => last.1,
        "first_over_time" => first.1,
        "ts_of_first_over_time" => first.0 as f64 / 1000.0,
        "ts_of_last_over_time" => last.0 as f64 / 1000.0,
        "ts_of_max_over_time" => {
            let best = by(f64::max)?;
            w.samples.iter().rfind(|s| s.1 == best)?.0 as f64 / 1000.0
        }
        "ts_of_min_over_time" => {
            let best = by(f64::min)?;
            w.samples.iter().rfind(|s| s.1 == best)?.0 as f64 / 1000.0
        }
        "stdvar_over_time" => variance,
        "stddev_over_time" => variance.sqrt(),
        "resets" => pairs().filter(|p| p[1].1 < p[0].1).count() as f64,
        "changes" => pairs().filter(|p| p[1].1 != p[0].1).count() as f64,
        "integral" => pairs()
            .map(|p| (p[0].1 + p[1].1) / 2.0 * (p[1].0 - p[0].0) as f64 / 1000.0)
            .sum(),
        "quantile_over_time" => sorted_quantile(param, &v),
        "mad_over_time" => {
            let median = sorted_quantile(0.5, &v);
            sorted_quantile(
                0.5,
                &v.iter().map(|x| (x - median).abs()).collect::<Vec<_>>(),
            )
        }
        _ if v.len() < 2 => return None,
        "irate" | "idelta" => {
            let p = pairs().next_back()?;
            let mut d = p[1].1 - p[0].1;
            if function == "idelta" {
                return Some(d);
            }
            if d < 0.0 {
                d = p[1].1;
            }
            d / ((p[1].0 - p[0].0) as f64 / 1000.0)
        }
        "rate" | "increase" | "delta" => {
            let mut gained = last.1 - first.1;
            if function != "delta" {
                gained += pairs()
                    .filter(|p| p[1].1 < p[0].1)
                    .map(|p| p[0].1)
                    .sum::<f64>();
            }
            let sampled = (last.0 - first.0) as f64 / 1000.0;
            let average = sampled / (n - 1.0);
            let mut left = (first.0 - (w.end - w.range)) as f64 / 1000.0;
            let mut right = (w.end - last.0) as f64 / 1000.0;
            if left >= average * 1.1 {
                left = average / 2.0;
            }
            if right >= average * 1.1 {
                right = average / 2.0;
            }
            if function != "delta" && gained > 0.0 && first.1 >= 0.0 {
                left = left.min(sampled * first.1 / gained);
            }
            let whole = gained * (sampled + left + right) / sampled;
            if function == "rate" {
                whole / (w.range as f64 / 1000.0)
            } else {
                whole
            }
        }
        "deriv" | "predict_linear" => {
            let x: Vec<f64> = w
                .samples
                .iter()
                .map(|s| (s.0 - w.eval) as f64 / 1000.0)
                .collect();
            let mx = x.iter().sum::<f64>() / n;
            let covariance: f64 = x.iter().zip(&v).map(|(x, y)| (x - mx) * (y - mean)).sum();
            let slope = covariance / x.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>();
            if function == "deriv" {
                slope
            } else {
                mean + slope * (param - mx)
            }
        }
        "double_exponential_smoothing" => {
            let (mut level, mut slope) = (v[0], v[1] - v[0]);
            for (i, x) in v.iter().enumerate().skip(1) {
                let next = param * x + (1.0 - param) * (level + slope);
                if i + 1 < v.len() {
                    slope = param * (next - level) + (1.0 - param) * slope;
                }
                level = next;
            }
            level
        }
        other => panic!("no plain definition of {other}"),
    })
}

fn sorted_quantile(q: f64, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = q * (sorted.len() - 1) as f64;
    let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (rank - rank.floor())
}
