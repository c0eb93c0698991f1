//! Every kernel against the plain definition, window by window.

use proptest::prelude::*;

use super::naive::{Plain, plain};
use super::*;
use crate::grid::{Grid, Param};
use crate::table::{self, Kind, lookup};

/// The window functions of the table, by name.
pub(super) fn all() -> Vec<&'static str> {
    let windows = table::all().iter();
    let windows = windows.filter(|f| matches!(f.kind, Kind::Window(_)));
    windows.map(|f| f.name).collect()
}

/// The window function of a name.
pub(super) fn kernel(name: &str) -> &'static WindowFunction {
    match lookup(name).unwrap().kind {
        Kind::Window(kernel) => kernel,
        other => panic!("{name} is no window function but {other:?}"),
    }
}

/// One series and the grid that it is looked at.
struct Case {
    timestamps: Vec<i64>,
    values: Vec<f64>,
    ends: Grid,
    eval: Grid,
    range_ms: i64,
    bounds: Vec<Bounds>,
}

impl Case {
    fn new(timestamps: Vec<i64>, values: Vec<f64>, ends: Grid, range_ms: i64) -> Case {
        let mut bounds = Vec::new();
        compute_bounds(&timestamps, ends, range_ms, &mut bounds);
        Case {
            timestamps,
            values,
            ends,
            eval: ends,
            range_ms,
            bounds,
        }
    }

    fn input(&self) -> WindowInput<'_> {
        WindowInput {
            raised_by: None,
            timestamps: &self.timestamps,
            values: &self.values,
            bounds: &self.bounds,
            ends: self.ends,
            range_ms: self.range_ms,
            start_timestamps: None,
            extension: None,
            eval: self.eval,
        }
    }

    fn run(&self, function: &str, params: &[Param<'_>]) -> Vec<Option<f64>> {
        eval(function, &self.input(), params)
    }

    /// A case of one step, which the plain loops compute.
    fn step(&self, i: usize) -> Case {
        let one = |grid: Grid| Grid {
            start_ms: grid.at(i),
            step_ms: 1,
            len: 1,
        };
        Case {
            timestamps: self.timestamps.clone(),
            values: self.values.clone(),
            ends: one(self.ends),
            eval: one(self.eval),
            range_ms: self.range_ms,
            bounds: vec![self.bounds[i]],
        }
    }
}

fn eval(function: &str, input: &WindowInput<'_>, params: &[Param<'_>]) -> Vec<Option<f64>> {
    let steps = input.bounds.len();
    let (mut out, mut present) = (vec![7.0; steps], vec![true; steps]);
    let mut scratch = WindowScratch::default();
    kernel(function)
        .eval(input, params, &mut scratch, &mut out, &mut present)
        .unwrap();
    out.into_iter()
        .zip(present)
        .map(|(v, p)| p.then_some(v))
        .collect()
}

fn params(function: &str, value: f64) -> Vec<Param<'static>> {
    match function {
        "integral" => vec![],
        _ => vec![Param::Const(value), Param::Const(value)],
    }
}

pub(super) fn same(got: Option<f64>, want: Option<f64>, relative: f64) -> bool {
    match (got, want) {
        (Some(a), Some(b)) if a.is_nan() || b.is_nan() => a.is_nan() && b.is_nan(),
        (Some(a), Some(b)) => a == b || (a - b).abs() <= relative * (1.0 + a.abs().max(b.abs())),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Whether two means differ by the last digits of values that cancel.
fn cancels(case: &Case, step: usize, got: Option<f64>, want: Option<f64>) -> bool {
    let values = &case.values[case.bounds[step].range()];
    let largest = values
        .iter()
        .fold(0.0, |largest: f64, v| largest.max(v.abs()));
    matches!((got, want), (Some(a), Some(b)) if (a - b).abs() <= 1e-15 * largest)
}

fn times(gaps: &[i64]) -> Vec<i64> {
    let mut t = 0;
    gaps.iter()
        .map(|gap| {
            t += gap;
            t
        })
        .collect()
}

/// Gaps of samples: any, all the same, or the same with holes.
fn gaps() -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        proptest::collection::vec(1i64..90_000, 0..200),
        (1i64..40_000, 0usize..200).prop_map(|(gap, len)| vec![gap; len]),
        (
            1i64..20_000,
            proptest::collection::vec(prop_oneof![9 => Just(1i64), 1 => 2i64..30], 0..200)
        )
            .prop_map(|(gap, times)| times.iter().map(|n| n * gap).collect()),
    ]
}

/// Gaps of a scrape, with some ms of jitter and, at times, missing samples.
fn scraped() -> impl Strategy<Value = Vec<i64>> {
    let early =
        proptest::collection::vec((0i64..9, prop_oneof![60 => Just(1i64), 1 => 2i64..9]), 400);
    (1000i64..60_000, 0i64..9, early).prop_map(|(gap, jitter, early)| {
        let mut late = 0;
        let gaps = early.iter().map(|&(early, scrapes)| {
            let before = std::mem::replace(&mut late, early.min(jitter));
            scrapes * gap + late - before
        });
        gaps.collect()
    })
}

/// Ranges of a few samples, of some dozens, of all.
fn ranges() -> impl Strategy<Value = i64> {
    prop_oneof![
        1i64..120_000,
        120_000i64..2_000_000,
        1_000_000i64..9_000_000
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn kernels_are_as_their_plain_definitions(
        gaps in gaps(),
        numbers in proptest::collection::vec(0u32..50, 200),
        start in 0i64..200_000,
        step in 1i64..100_000,
        range in ranges(),
        param in 0.05f64..0.95,
        moved in -50_000i64..50_000,
    ) {
        let timestamps = times(&gaps);
        let values: Vec<f64> =
            numbers.iter().take(timestamps.len()).map(|&v| f64::from(v) * 0.5).collect();
        let ends = Grid { start_ms: start, step_ms: step, len: 70 };
        let mut case = Case::new(timestamps, values, ends, range);
        case.eval.start_ms += moved;
        for function in all() {
            let got = case.run(function, &params(function, param));
            for (i, &got) in got.iter().enumerate() {
                let (end, eval) = (ends.at(i), case.eval.at(i));
                let all = case.timestamps.iter().copied().zip(case.values.iter().copied());
                let samples = all.filter(|s| s.0 > end - range && s.0 <= end).collect();
                let want = plain(function, &Plain { samples, end, range, eval }, param);
                // A line through samples 1 ms apart is known less well far off.
                let far = function == "predict_linear";
                let close = same(got, want, if far { 1e-4 } else { 1e-7 });
                prop_assert!(close, "{function:?} step {i}: {got:?}, want {want:?}");
            }
        }
    }

    #[test]
    fn long_windows_are_as_short_ones_also_on_special_values(
        gaps in gaps(),
        odd in prop_oneof![2 => Just(0u32), 1 => 1u32..40],
        numbers in proptest::collection::vec((0u32..200, -1e3f64..1e3), 200),
        offset in prop_oneof![Just(0.0), Just(1e9), Just(-1e12)],
        step in 1i64..60_000,
        range in ranges(),
        q in 0.0f64..=1.0,
    ) {
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -f64::MAX, 0.0, -0.0];
        let timestamps = times(&gaps);
        let values: Vec<f64> = numbers.iter().take(timestamps.len()).map(|&(kind, v)| {
            if kind < odd { special[kind as usize % special.len()] } else { v + offset }
        }).collect();
        let ends = Grid { start_ms: 0, step_ms: step, len: 100 };
        let case = Case::new(timestamps, values, ends, range);
        for function in all() {
            let params = params(function, q.clamp(0.01, 0.99));
            let got = case.run(function, &params);
            for (i, &got) in got.iter().enumerate() {
                let want = case.step(i).run(function, &params)[0];
                let close = same(got, want, 1e-10)
                    || (function == "avg_over_time" && cancels(&case, i, got, want));
                prop_assert!(close, "{function:?} step {i}: {got:?}, want {want:?}");
            }
        }
    }

    #[test]
    fn bounds_hold_what_lies_in_the_window(
        gaps in prop_oneof![1 => gaps(), 2 => scraped()],
        from in -3_000_000i64..3_000_000,
        start in -1_000_000i64..5_000_000,
        step in prop_oneof![Just(0i64), 1i64..200_000],
        aligned in prop_oneof![3 => Just(None), 1 => (1i64..5, 1i64..4).prop_map(Some)],
        range in prop_oneof![
            3 => (-20i64..400_000).prop_map(|ms| (0, ms)),
            1 => (0i64..12).prop_map(|steps| (steps, 0))
        ],
        len in 2usize..=200,
    ) {
        let timestamps: Vec<i64> = times(&gaps).iter().map(|t| t + from).collect();
        // Steps of as many gaps, or as a part of one.
        let gap = gaps.first().copied().unwrap_or(1);
        let step = aligned.map_or(step, |(times, part)| (gap * times / part).max(1));
        let range = range.0 * step + range.1;
        let ends = Grid { start_ms: start, step_ms: step, len };
        let mut bounds = vec![Bounds { lo: 9, hi: 9 }];
        compute_bounds(&timestamps, ends, range, &mut bounds);
        prop_assert_eq!(bounds.len(), len);
        for (i, b) in bounds.iter().enumerate() {
            let inside = |&t: &i64| t > ends.at(i) - range && t <= ends.at(i);
            let want: Vec<i64> = timestamps.iter().copied().filter(inside).collect();
            prop_assert_eq!(&timestamps[b.range()], &want[..]);
        }
        prop_assert!(bounds.windows(2).all(|w| w[0].lo <= w[1].lo && w[0].hi <= w[1].hi));
    }
}

/// Steps a little longer or shorter than the gaps between samples, and grids that
/// end anywhere in a block.
#[test]
fn blocks_of_all_lengths_are_counted() {
    let timestamps: Vec<i64> = (0..400).map(|i| i * 60_000).collect();
    for step_ms in [59_001, 60_000, 60_001, 61_001, 61_900] {
        for len in 2..=140 {
            let start_ms = 600_000 + len as i64 * 7;
            let ends = Grid {
                start_ms,
                step_ms,
                len,
            };
            let mut bounds = Vec::new();
            compute_bounds(&timestamps, ends, 300_000, &mut bounds);
            for (i, b) in bounds.iter().enumerate() {
                let hi = timestamps.partition_point(|&t| t <= ends.at(i));
                let lo = timestamps.partition_point(|&t| t <= ends.at(i) - 300_000);
                assert_eq!((b.lo, b.hi), (lo as u32, hi as u32), "{ends:?} at {i}");
            }
        }
    }
}

#[test]
fn times_at_the_ends_of_the_time_line_do_not_overflow() {
    let extremes = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for start_ms in extremes {
        for step_ms in [0, 1, i64::MAX] {
            for range_ms in [0, 1, i64::MAX] {
                for timestamps in [
                    extremes.to_vec(),
                    vec![i64::MIN, 0],
                    vec![i64::MIN, -1, i64::MAX - 1],
                ] {
                    let ends = Grid {
                        start_ms,
                        step_ms,
                        len: 5,
                    };
                    let values = vec![1.0; timestamps.len()];
                    let case = Case::new(timestamps, values, ends, range_ms);
                    for function in all() {
                        case.run(function, &params(function, 0.5));
                    }
                }
            }
        }
    }
}

fn every_second(values: &[f64], ends: Grid, range_ms: i64) -> Case {
    let timestamps = (1..=values.len() as i64).map(|i| i * 1000).collect();
    Case::new(timestamps, values.to_vec(), ends, range_ms)
}

#[test]
fn an_infinite_value_before_a_reset_poisons_only_its_own_windows() {
    let ends = Grid {
        start_ms: 3000,
        step_ms: 3000,
        len: 2,
    };
    let case = every_second(&[1.0, f64::INFINITY, 1.0, 2.0, 3.0, 4.0], ends, 3000);
    let got = case.run("increase", &[]);
    assert!(got[0].unwrap().is_infinite() && got[1].unwrap().is_finite());
}

/// From the documentation of extrapolation: a counter that rises by 10 each
/// 10 s from 0 rises by as much in each second, at whatever window.
#[test]
fn rates_extrapolate_to_the_window_but_not_below_zero() {
    let timestamps: Vec<i64> = (0..=30).map(|i| i * 10_000).collect();
    let values: Vec<f64> = (0..=30).map(|i| f64::from(i) * 10.0).collect();
    let ends = Grid {
        start_ms: 55_000,
        step_ms: 50_000,
        len: 3,
    };
    let case = Case::new(timestamps, values, ends, 50_000);
    let rate = case.run("rate", &[]);
    assert_eq!(rate, [Some(1.0); 3]);
    assert_eq!(case.run("increase", &[]), [Some(50.0); 3]);
    assert_eq!(case.run("irate", &[]), [Some(1.0); 3]);
    assert_eq!(case.run("idelta", &[]), [Some(10.0); 3]);
    // Samples at 10, 20 s of values 5 and 15, a window that begins at 0: the
    // counter would be 0 at 5 s, so it is stretched by 5 s to the left only.
    let ends = Grid {
        start_ms: 20_000,
        step_ms: 1,
        len: 1,
    };
    let case = Case::new(vec![10_000, 20_000], vec![5.0, 15.0], ends, 20_000);
    assert_eq!(case.run("increase", &[]), [Some(15.0)]);
    assert_eq!(case.run("delta", &[]), [Some(20.0)]);
}

#[test]
fn resets_count_from_zero() {
    let ends = Grid {
        start_ms: 5000,
        step_ms: 1,
        len: 1,
    };
    let case = every_second(&[5.0, 6.0, 2.0, 4.0, 1.0], ends, 5000);
    assert_eq!(case.run("resets", &[]), [Some(2.0)]);
    assert_eq!(case.run("changes", &[]), [Some(4.0)]);
    assert_eq!(case.run("irate", &[]), [Some(1.0)]);
    // 5 to 6, 0 to 2 to 4, 0 to 1: 6 gained, stretched by a second of four.
    assert_eq!(case.run("increase", &[]), [Some(7.5)]);
}

#[test]
fn integrals_by_each_rule() {
    let ends = Grid {
        start_ms: 4000,
        step_ms: 1,
        len: 1,
    };
    let case = every_second(&[1.0, 3.0, f64::NAN, 5.0], ends, 4000);
    let by = |strategy| case.run("integral", &[Param::Const(strategy)])[0].unwrap();
    assert_eq!(by(0.0), 4.0);
    assert_eq!(by(1.0), 8.0);
    assert_eq!(by(2.0), 6.0);
    assert_eq!(by(7.0), 6.0);
    let holds = kernel("integral").param_bounds().unwrap().holds;
    assert!(holds(2.0) && !holds(0.5) && !holds(f64::NAN));
}

#[test]
fn stale_markers_end_a_series_at_once() {
    let stale = f64::from_bits(STALE_NAN_BITS);
    let ends = Grid {
        start_ms: 1000,
        step_ms: 1000,
        len: 4,
    };
    let case = every_second(&[1.0, stale, f64::NAN, 4.0], ends, 5000);
    let (mut out, mut present) = ([0.0; 4], [false; 4]);
    latest(&case.input(), &mut out, &mut present);
    assert_eq!(present, [true, false, true, true]);
    assert_eq!((out[0], out[3]), (1.0, 4.0));
    latest_timestamp(&case.input(), &mut out, &mut present);
    assert_eq!(present, [true, false, true, true]);
    assert_eq!((out[0], out[2]), (1.0, 3.0));
}

#[test]
fn refused_parameters_are_errors() {
    let ends = Grid {
        start_ms: 1000,
        step_ms: 1000,
        len: 2,
    };
    let case = every_second(&[1.0], ends, 1000);
    let run = |params: &[Param<'_>]| {
        let smoothing = kernel("double_exponential_smoothing");
        let mut scratch = WindowScratch::default();
        smoothing.eval(
            &case.input(),
            params,
            &mut scratch,
            &mut [0.0; 2],
            &mut [false; 2],
        )
    };
    let half = Param::Const(0.5);
    assert_eq!(
        run(&[Param::Const(1.0), half]),
        Err(ParamError::SmoothingFactor(1.0))
    );
    assert_eq!(
        run(&[half, Param::Const(0.0)]),
        Err(ParamError::TrendFactor(0.0))
    );
    assert_eq!(run(&[half, half]), Ok(()));
    // At the second step the window is empty, so that nobody asks for its factor.
    assert_eq!(run(&[half, Param::PerStep(&[0.5, 2.0])]), Ok(()));
    let text = run(&[Param::Const(f64::INFINITY), half])
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "invalid smoothing factor. Expected: 0 < sf < 1, got: +Inf"
    );
    assert!(matches!(
        run(&[half]),
        Err(ParamError::Missing { index: 1, .. })
    ));
}

/// Windows that wait for others, of different lengths and factors, are smoothed
/// to the bit as each is alone.
#[test]
fn windows_are_smoothed_together_as_alone() {
    let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17) / 3.0).collect();
    let grid = |start: i64, len| Grid {
        start_ms: start * 1000,
        step_ms: 2000,
        len,
    };
    let factors: Vec<f64> = (1..=25).map(|i| f64::from(i) / 26.0).collect();
    let run = |ends, from: usize, to: usize| {
        let case = every_second(&values, ends, 21_000);
        let factors = Param::PerStep(&factors[from..to]);
        let smoothed = case.run("double_exponential_smoothing", &[factors, factors]);
        smoothed
            .into_iter()
            .map(|value| value.map(f64::to_bits))
            .collect::<Vec<_>>()
    };
    let together = run(grid(1, 25), 0, 25);
    for (step, value) in together.iter().enumerate() {
        let alone = run(grid(1 + 2 * step as i64, 1), step, step + 1);
        assert_eq!([*value], alone[..], "step {step}");
    }
    assert_eq!(together.iter().flatten().count(), 24);
}
