//! Every kernel against the plain definition, window by window.

use proptest::prelude::*;

use super::*;

/// One window's samples, spelled out.
struct Plain {
    samples: Vec<(i64, f64)>,
    end: i64,
    range: i64,
    eval: i64,
}

fn plain(function: WindowFunction, w: &Plain, param: f64) -> Option<f64> {
    use WindowFunction as W;
    let v: Vec<f64> = w.samples.iter().map(|s| s.1).collect();
    let (first, last) = (*w.samples.first()?, *w.samples.last()?);
    let n = v.len() as f64;
    let mean = v.iter().sum::<f64>() / n;
    let variance = v.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let pairs = || w.samples.windows(2);
    let by = |f: fn(f64, f64) -> f64| v.iter().copied().reduce(f);
    Some(match function {
        W::Sum => v.iter().sum(),
        W::Avg => mean,
        W::Count => n,
        W::Present => 1.0,
        W::Min => by(f64::min)?,
        W::Max => by(f64::max)?,
        W::Last => last.1,
        W::First => first.1,
        W::TsOfFirst => first.0 as f64 / 1000.0,
        W::TsOfLast => last.0 as f64 / 1000.0,
        W::TsOfMax => {
            let best = by(f64::max)?;
            w.samples.iter().rfind(|s| s.1 == best)?.0 as f64 / 1000.0
        }
        W::TsOfMin => {
            let best = by(f64::min)?;
            w.samples.iter().rfind(|s| s.1 == best)?.0 as f64 / 1000.0
        }
        W::Stdvar => variance,
        W::Stddev => variance.sqrt(),
        W::Resets => pairs().filter(|p| p[1].1 < p[0].1).count() as f64,
        W::Changes => pairs().filter(|p| p[1].1 != p[0].1).count() as f64,
        W::Integral => pairs()
            .map(|p| (p[0].1 + p[1].1) / 2.0 * (p[1].0 - p[0].0) as f64 / 1000.0)
            .sum(),
        W::Quantile => sorted_quantile(param, &v),
        W::Mad => {
            let median = sorted_quantile(0.5, &v);
            sorted_quantile(
                0.5,
                &v.iter().map(|x| (x - median).abs()).collect::<Vec<_>>(),
            )
        }
        _ if v.len() < 2 => return None,
        W::Irate | W::Idelta => {
            let p = pairs().next_back()?;
            let mut d = p[1].1 - p[0].1;
            if function == W::Idelta {
                return Some(d);
            }
            if d < 0.0 {
                d = p[1].1;
            }
            d / ((p[1].0 - p[0].0) as f64 / 1000.0)
        }
        W::Rate | W::Increase | W::Delta => {
            let mut gained = last.1 - first.1;
            if function != W::Delta {
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
            if function != W::Delta && gained > 0.0 && first.1 >= 0.0 {
                left = left.min(sampled * first.1 / gained);
            }
            let whole = gained * (sampled + left + right) / sampled;
            if function == W::Rate {
                whole / (w.range as f64 / 1000.0)
            } else {
                whole
            }
        }
        W::Deriv | W::PredictLinear => {
            let x: Vec<f64> = w
                .samples
                .iter()
                .map(|s| (s.0 - w.eval) as f64 / 1000.0)
                .collect();
            let mx = x.iter().sum::<f64>() / n;
            let covariance: f64 = x.iter().zip(&v).map(|(x, y)| (x - mx) * (y - mean)).sum();
            let slope = covariance / x.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>();
            if function == W::Deriv {
                slope
            } else {
                mean + slope * (param - mx)
            }
        }
        W::DoubleExponentialSmoothing => {
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
    })
}

fn sorted_quantile(q: f64, values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = q * (sorted.len() - 1) as f64;
    let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (rank - rank.floor())
}

const ALL: [WindowFunction; 27] = {
    use WindowFunction as W;
    [
        W::Rate,
        W::Increase,
        W::Delta,
        W::Irate,
        W::Idelta,
        W::Resets,
        W::Changes,
        W::Deriv,
        W::PredictLinear,
        W::Sum,
        W::Avg,
        W::Min,
        W::Max,
        W::Count,
        W::Stddev,
        W::Stdvar,
        W::Quantile,
        W::Last,
        W::First,
        W::Present,
        W::Mad,
        W::TsOfFirst,
        W::TsOfLast,
        W::TsOfMax,
        W::TsOfMin,
        W::DoubleExponentialSmoothing,
        W::Integral,
    ]
};

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-7 * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn kernels_are_as_their_plain_definitions(
        gaps in proptest::collection::vec((1i64..90_000, 0u32..50), 0..200),
        start in 0i64..200_000,
        step in 1i64..100_000,
        range in prop_oneof![1i64..120_000, 1_000_000i64..9_000_000],
        param in 0.05f64..0.95,
        moved in -50_000i64..50_000,
    ) {
        let mut t = 0;
        let samples: Vec<(i64, f64)> =
            gaps.iter().map(|&(gap, v)| { t += gap; (t, f64::from(v) * 0.5) }).collect();
        let timestamps: Vec<i64> = samples.iter().map(|s| s.0).collect();
        let values: Vec<f64> = samples.iter().map(|s| s.1).collect();
        let ends = Times { start, step };
        let eval = Times { start: start + moved, step };
        let steps = 40;
        let mut bounds = Vec::new();
        compute_bounds(&timestamps, ends, range, steps, &mut bounds);
        let input = WindowInput {
            timestamps: &timestamps, values: &values, bounds: &bounds, ends, range_ms: range, eval,
        };
        let per_step = vec![param; steps];
        for function in ALL {
            let (mut out, mut present) = (vec![7.0; steps], vec![true; steps]);
            let params: &[Param] = if function == WindowFunction::Integral { &[] } else { &[Param::Const(param), Param::PerStep(&per_step)] };
            function.eval(&input, params, &mut out, &mut present).unwrap();
            for i in 0..steps {
                let end = ends.at(i);
                let window = Plain {
                    samples: samples.iter().copied().filter(|s| s.0 > end - range && s.0 <= end).collect(),
                    end, range, eval: eval.at(i),
                };
                let got = present[i].then_some(out[i]);
                let want = plain(function, &window, param);
                let same = match (got, want) {
                    (Some(a), Some(b)) => close(a, b),
                    (a, b) => a.is_none() && b.is_none(),
                };
                prop_assert!(same, "{function:?} step {i}: got {got:?}, want {want:?}");
            }
        }
    }
}

#[test]
fn an_infinite_value_before_a_reset_poisons_only_its_own_windows() {
    let timestamps: Vec<i64> = (1..=6).map(|i| i * 1000).collect();
    let values = [1.0, f64::INFINITY, 1.0, 2.0, 3.0, 4.0];
    let ends = Times {
        start: 3000,
        step: 3000,
    };
    let mut bounds = Vec::new();
    compute_bounds(&timestamps, ends, 3000, 2, &mut bounds);
    let input = WindowInput {
        timestamps: &timestamps,
        values: &values,
        bounds: &bounds,
        ends,
        range_ms: 3000,
        eval: ends,
    };
    let (mut out, mut present) = ([0.0; 2], [false; 2]);
    WindowFunction::Increase
        .eval(&input, &[], &mut out, &mut present)
        .unwrap();
    assert!(out[0].is_infinite() && out[1].is_finite());
}

#[test]
fn stale_markers_end_a_series_at_once() {
    let values = [1.0, f64::from_bits(instant::STALE_NAN), f64::NAN];
    let timestamps = [1000, 2000, 3000];
    let ends = Times {
        start: 1000,
        step: 1000,
    };
    let mut bounds = Vec::new();
    compute_bounds(&timestamps, ends, 5000, 3, &mut bounds);
    let input = WindowInput {
        timestamps: &timestamps,
        values: &values,
        bounds: &bounds,
        ends,
        range_ms: 5000,
        eval: ends,
    };
    let (mut out, mut present) = ([0.0; 3], [false; 3]);
    latest(&input, &mut out, &mut present);
    assert_eq!(present, [true, false, true]);
}

#[test]
fn smoothing_refuses_factors_outside_of_its_range() {
    let input = WindowInput {
        timestamps: &[1],
        values: &[1.0],
        bounds: &[Bounds { lo: 0, hi: 1 }],
        ends: Times { start: 1, step: 1 },
        range_ms: 10,
        eval: Times { start: 1, step: 1 },
    };
    let run = |a, b| {
        WindowFunction::DoubleExponentialSmoothing.eval(
            &input,
            &[Param::Const(a), Param::Const(b)],
            &mut [0.0],
            &mut [false],
        )
    };
    assert_eq!(run(1.0, 0.5), Err(ParamError::SmoothingFactor(1.0)));
    assert_eq!(run(0.5, 0.0), Err(ParamError::TrendFactor(0.0)));
    assert_eq!(run(0.5, 0.5), Ok(()));
}
