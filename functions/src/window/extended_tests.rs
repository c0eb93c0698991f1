//! Extended windows and start timestamps against plain definitions.

use proptest::prelude::*;

use super::tests::kernel;
use super::*;
use crate::grid::Grid;

/// One series with starts, and the windows that look at it.
struct Case {
    samples: Vec<(i64, f64)>,
    start_timestamps: Option<Vec<i64>>,
    ends: Grid,
    range_ms: i64,
    extension: Option<Extension>,
}

impl Case {
    fn input<T>(&self, look: impl FnOnce(&WindowInput<'_>) -> T) -> T {
        let timestamps: Vec<i64> = self.samples.iter().map(|s| s.0).collect();
        let values: Vec<f64> = self.samples.iter().map(|s| s.1).collect();
        let wide = |e: Extension| e.widen(self.ends, self.range_ms);
        let (ends, range) = self.extension.map_or((self.ends, self.range_ms), wide);
        let mut bounds = Vec::new();
        compute_bounds(&timestamps, ends, range, &mut bounds);
        look(&WindowInput {
            raised_by: None,
            timestamps: &timestamps,
            values: &values,
            start_timestamps: self.start_timestamps.as_deref(),
            bounds: &bounds,
            ends: self.ends,
            range_ms: self.range_ms,
            extension: self.extension,
            eval: self.ends,
        })
    }

    fn run(&self, function: &str) -> Vec<Option<f64>> {
        let mut scratch = WindowScratch::default();
        let (mut out, mut present) = (vec![7.0; self.ends.len], vec![true; self.ends.len]);
        self.input(|input| kernel(function).eval(input, &[], &mut scratch, &mut out, &mut present))
            .unwrap();
        let steps = out.into_iter().zip(present);
        steps.map(|(v, p)| p.then_some(v)).collect()
    }
}

/// The value of a series at a time: on a straight line, where a counter that
/// falls is one that began at zero; beyond the samples that of the nearest one.
fn line(samples: &[(i64, f64)], time: i64, counter: bool) -> f64 {
    let next = samples.iter().find(|s| s.0 >= time);
    let before = samples.iter().rfind(|s| s.0 <= time);
    match (before, next) {
        (Some(a), Some(b)) if a.0 < b.0 => {
            let from = if counter && b.1 < a.1 { 0.0 } else { a.1 };
            from + (b.1 - from) * (time - a.0) as f64 / (b.0 - a.0) as f64
        }
        (Some(a), _) => a.1,
        (None, next) => next.unwrap().1,
    }
}

/// Growth between the two ends: what rises, rises; what falls began at zero.
fn plain(
    function: &str,
    samples: &[(i64, f64)],
    (begin, end): (i64, i64),
    smoothed: bool,
) -> Option<f64> {
    let counter = function != "delta";
    let inside = samples.iter().filter(|s| s.0 > begin && s.0 < end);
    if !samples.iter().any(|s| s.0 > begin) || (smoothed && samples[0].0 > end) {
        return None;
    }
    let mut points: Vec<f64> = inside.map(|s| s.1).collect();
    let (left, right) = if smoothed {
        (line(samples, begin, counter), line(samples, end, counter))
    } else {
        let before = samples.iter().rfind(|s| s.0 <= begin);
        (before.unwrap_or(&samples[0]).1, samples.last()?.1)
    };
    points.insert(0, left);
    points.push(right);
    let pairs = || points.windows(2);
    let falls = |p: &&[f64]| p[1] < p[0];
    Some(match function {
        "delta" => right - left,
        "resets" => pairs().filter(falls).count() as f64,
        "changes" => pairs().filter(|p| p[1] != p[0]).count() as f64,
        _ => pairs()
            .map(|p| if p[1] < p[0] { p[1] } else { p[1] - p[0] })
            .sum(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn extended_windows_are_as_their_plain_definitions(
        gaps in proptest::collection::vec(prop_oneof![Just(10_000i64), 1i64..60_000], 0..60),
        numbers in proptest::collection::vec(0u32..20, 60),
        start in 0i64..100_000,
        step in prop_oneof![Just(10_000i64), 1i64..60_000],
        range in prop_oneof![Just(10_000i64), 1i64..200_000],
        lookback in 1i64..60_000,
        smoothed in any::<bool>(),
    ) {
        let mut time = 0;
        let samples: Vec<(i64, f64)> = gaps.iter().zip(&numbers).map(|(gap, &v)| {
            time += gap;
            (time, f64::from(v) * 0.5)
        }).collect();
        let ends = Grid { start_ms: start, step_ms: step, len: 40 };
        let after = if smoothed { lookback } else { 0 };
        let extension = Extension { smoothed, before_ms: lookback, after_ms: after };
        let case = Case { samples, start_timestamps: None, ends, range_ms: range, extension: Some(extension) };
        let mut functions = vec!["increase", "delta"];
        if !smoothed {
            functions.extend(["resets", "changes"]);
        }
        for function in functions {
            for (i, got) in case.run(function).into_iter().enumerate() {
                let (begin, end) = (ends.at(i) - range, ends.at(i));
                let seen = |s: &&(i64, f64)| s.0 > begin - lookback && s.0 <= end + after;
                let samples: Vec<_> = case.samples.iter().filter(seen).copied().collect();
                let want = plain(function, &samples, (begin, end), smoothed);
                let same = match (got, want) {
                    (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                    (a, b) => a.is_none() && b.is_none(),
                };
                prop_assert!(same, "{function:?} step {i}: {got:?}, want {want:?}");
            }
        }
        let rates = case.run("rate");
        for (rate, increase) in rates.into_iter().zip(case.run("increase")) {
            prop_assert_eq!(rate, increase.map(|v| v / extrapolation::seconds(range)));
        }
    }

    #[test]
    fn smoothed_instants_lie_on_the_line(
        gaps in proptest::collection::vec(prop_oneof![Just(10_000i64), 1i64..60_000], 0..60),
        numbers in proptest::collection::vec(0u32..20, 60),
        step in 1i64..60_000,
        lookback in 1i64..60_000,
    ) {
        let mut time = 0;
        let samples: Vec<(i64, f64)> = gaps.iter().zip(&numbers).map(|(gap, &v)| {
            time += gap;
            (time, f64::from(v) * 0.5)
        }).collect();
        let ends = Grid { start_ms: 0, step_ms: step, len: 40 };
        let extension = Extension { smoothed: true, before_ms: 0, after_ms: lookback };
        let case = Case { samples, start_timestamps: None, ends, range_ms: lookback, extension: Some(extension) };
        let (mut out, mut present) = ([0.0; 40], [false; 40]);
        case.input(|input| super::smoothed(input, &mut out, &mut present));
        for i in 0..40 {
            let at = ends.at(i);
            let seen = |s: &&(i64, f64)| s.0 > at - lookback && s.0 <= at + lookback;
            let samples: Vec<_> = case.samples.iter().filter(seen).copied().collect();
            let want = samples.first().is_some_and(|s| s.0 <= at).then(|| line(&samples, at, false));
            prop_assert_eq!(present[i], want.is_some());
            prop_assert!(want.is_none_or(|want| (want - out[i]).abs() < 1e-9));
        }
    }

    #[test]
    fn a_start_is_a_sample_of_zero(
        gaps in proptest::collection::vec((2i64..60_000, any::<bool>()), 1..40),
        numbers in proptest::collection::vec(1u32..20, 40),
        range in 1i64..200_000,
        end in 0i64..2_000_000,
    ) {
        // Each sample continues the one before or began a millisecond after it.
        let (mut time, mut start, mut samples, mut start_timestamps) = (0, 0, Vec::new(), Vec::new());
        for (&(gap, anew), &v) in gaps.iter().zip(&numbers) {
            if anew || start == 0 {
                start = time + 1;
            }
            time += gap;
            samples.push((time, f64::from(v)));
            start_timestamps.push(start);
        }
        let inside = |s: &(i64, f64)| s.0 > end - range && s.0 <= end;
        let Some(first) = samples.iter().position(inside) else { return Ok(()) };
        let from_zero = start_timestamps[first] > end - range;
        let mut total = if from_zero { samples[first].1 } else { 0.0 };
        let mut resets = 0.0;
        let last = samples.iter().rposition(inside).unwrap_or(first);
        for i in first + 1..=last {
            let anew = start_timestamps[i] != start_timestamps[i - 1] || samples[i].1 < samples[i - 1].1;
            total += if anew { samples[i].1 } else { samples[i].1 - samples[i - 1].1 };
            resets += if anew { 1.0 } else { 0.0 };
        }
        let ends = Grid::instant(end);
        let counted = (samples[last].0 - start_timestamps[first]) as f64;
        let average = (samples[last].0 - samples[first].0) as f64 / (last - first).max(1) as f64;
        let mut to_end = (end - samples[last].0) as f64;
        if to_end >= average * 1.1 {
            to_end = average / 2.0;
        }
        let case = Case { samples, start_timestamps: Some(start_timestamps), ends, range_ms: range, extension: None };
        prop_assert_eq!(case.input(|input| input.start_overlaps(|_| true)), 0);
        prop_assert_eq!(case.run("resets")[0], Some(resets));
        if from_zero {
            let want = total * (counted + to_end) / counted;
            let got = case.run("increase")[0].unwrap_or(f64::NAN);
            prop_assert!((got - want).abs() < 1e-9 * (1.0 + want), "{got}, want {want}");
        }
    }
}

#[test]
fn overlaps_are_found_where_windows_hold_both_samples() {
    let overlaps = |start_ms, len, range_ms, start_timestamps: &[i64]| {
        let case = Case {
            samples: vec![(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)],
            start_timestamps: Some(start_timestamps.to_vec()),
            ends: Grid {
                start_ms,
                step_ms: 10,
                len,
            },
            range_ms,
            extension: None,
        };
        case.input(|input| input.start_overlaps(|_| true))
    };
    let start_timestamps = [5, 5, 15, 15];
    assert_eq!(overlaps(10, 6, 40, &start_timestamps), 3);
    assert_eq!(overlaps(30, 1, 11, &start_timestamps), 1);
    assert_eq!(overlaps(20, 1, 20, &start_timestamps), 0);
    assert_eq!(overlaps(40, 1, 20, &start_timestamps), 0);
    assert_eq!(overlaps(30, 1, 10, &start_timestamps), 0);
    assert_eq!(overlaps(10, 6, 40, &[5, 10, 20, 0]), 0, "deltas");
}

#[test]
fn times_at_the_ends_of_the_time_line_do_not_overflow() {
    let extremes = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX];
    for start_ms in extremes {
        for (before_ms, smoothed) in [(0, false), (i64::MAX, true), (300_000, true)] {
            let extension = Extension {
                smoothed,
                before_ms,
                after_ms: if smoothed { before_ms } else { 0 },
            };
            let case = Case {
                samples: extremes.iter().map(|&t| (t, 1.0)).collect(),
                start_timestamps: Some(extremes.to_vec()),
                ends: Grid {
                    start_ms,
                    step_ms: i64::MAX,
                    len: 3,
                },
                range_ms: i64::MAX,
                extension: Some(extension),
            };
            case.run("rate");
            case.run("delta");
            case.input(|input| super::smoothed(input, &mut [0.0; 3], &mut [false; 3]));
        }
    }
}
