//! Every window function over both kinds of samples against its plain
//! definition, window by window.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::naive::{Plain, Sample, Value, params, plain};
use super::*;
use crate::grid::{Grid, Param};
use crate::histogram::native::tests::{compact, counter_rows, layout, parts};
use crate::histogram::native::{CounterReset, Histogram, HistogramColumn, Layout, StepHistograms};
use crate::table::lookup;
use crate::window::tests::{all, kernel, same as close};
use crate::window::{Extension, ParamError, WindowInput, WindowScratch, compute_bounds};

/// Samples in the order of time, and the grid at which they are looked at.
#[derive(Clone, Debug)]
struct Case {
    samples: Vec<Sample>,
    ends: Grid,
    range: i64,
    use_start_timestamps: bool,
    extension: Option<Extension>,
    /// Whether the histograms are stored with empty buckets as absent.
    compact: bool,
}

/// What comes out at a step.
#[derive(Clone, Debug)]
struct Row {
    values: Vec<Option<Value>>,
    annotations: WindowAnnotations,
}

impl Case {
    fn run(&self, function: &str, params: &[Param<'_>]) -> Result<Row, ParamError> {
        let mut scratch = WindowScratch::default();
        self.run_with(|input, out| kernel(function).eval_mixed(input, params, &mut scratch, out))
    }

    fn run_with(
        &self,
        eval: impl FnOnce(&MixedInput<'_>, &mut MixedOutput<'_>) -> Result<(), ParamError>,
    ) -> Result<Row, ParamError> {
        let (mut float_times, mut floats, mut float_start_timestamps) = (vec![], vec![], vec![]);
        let (mut times, mut start_timestamps) = (vec![], vec![]);
        let mut column = HistogramColumn::default();
        for sample in &self.samples {
            match &sample.value {
                Value::Float(value) => {
                    float_times.push(sample.at);
                    floats.push(*value);
                    float_start_timestamps.push(sample.start);
                }
                Value::Histogram(h) => {
                    times.push(sample.at);
                    start_timestamps.push(sample.start);
                    column.push(&if self.compact { compact(h) } else { h.view() });
                }
            }
        }
        let (mut float_bounds, mut bounds) = (vec![], vec![]);
        let (ends, range) = self.reached();
        compute_bounds(&float_times, ends, range, &mut float_bounds);
        compute_bounds(&times, ends, range, &mut bounds);
        let input = MixedInput {
            floats: WindowInput {
                raised_by: None,
                timestamps: &float_times,
                values: &floats,
                bounds: &float_bounds,
                ends: self.ends,
                range_ms: self.range,
                start_timestamps: self.use_start_timestamps.then_some(&float_start_timestamps),
                extension: self.extension,
                eval: self.ends,
            },
            histograms: HistogramInput {
                timestamps: &times,
                start_timestamps: self.use_start_timestamps.then_some(&start_timestamps),
                histograms: &column,
                bounds: &bounds,
            },
        };
        let steps = self.ends.len;
        let (mut out, mut present) = (vec![7.0; steps], vec![true; steps]);
        let mut histograms = StepHistograms::default();
        let mut annotations = WindowAnnotations::default();
        let mut output = MixedOutput {
            values: &mut out,
            present: &mut present,
            histograms: &mut histograms,
            annotations: &mut annotations,
        };
        eval(&input, &mut output)?;
        let floats = out.iter().zip(&present);
        let mut values: Vec<Option<Value>> = floats
            .map(|(value, present)| present.then_some(Value::Float(*value)))
            .collect();
        for (step, h) in histograms.iter() {
            assert!(values[step].is_none(), "one result a step");
            values[step] = Some(Value::Histogram(h.to_histogram()));
        }
        Ok(Row {
            values,
            annotations,
        })
    }

    /// The ends and the length of the windows with what they look at beyond.
    fn reached(&self) -> (Grid, i64) {
        let own = (self.ends, self.range);
        self.extension.map_or(own, |e| e.widen(own.0, own.1))
    }

    /// The samples of a step's window.
    fn window(&self, step: usize) -> &[Sample] {
        let (ends, range) = self.reached();
        let end = ends.at(step);
        let from = self.samples.partition_point(|s| s.at <= end - range);
        let to = self.samples.partition_point(|s| s.at <= end);
        &self.samples[from..to.max(from)]
    }
}

/// Some samples of one kind.
fn segment(layouts: usize) -> impl Strategy<Value = (usize, Vec<(Vec<f64>, f64, usize)>)> {
    let count = prop_oneof![3 => Just(0.0), 4 => (0u32..50).prop_map(f64::from), 1 => 0.0..10.0];
    let row = (vec(count.clone(), 20), count, 0usize..9);
    (0..layouts + 1, vec(row, 1..8))
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    let odd = prop_oneof![16 => Just(0usize), 1 => 1usize..4];
    let start_timestamps = vec((0usize..8, odd, 1i64..30_000), 80);
    vec(layout(), 1..4)
        .prop_flat_map(move |layouts| {
            let segments = vec(segment(layouts.len()), 0..7);
            (Just(layouts), segments, start_timestamps.clone())
        })
        .prop_map(|(layouts, segments, rest)| {
            let values = segments
                .iter()
                .flat_map(|(kind, rows)| match layouts.get(*kind) {
                    Some(layout) => {
                        let rows = counter_rows(layout, rows);
                        rows.into_iter().map(Value::Histogram).collect::<Vec<_>>()
                    }
                    None => rows.iter().map(|row| Value::Float(row.1)).collect(),
                });
            let (mut at, mut samples) = (0, Vec::<Sample>::new());
            for (mut value, (start, odd, gap)) in values.zip(rest) {
                let before = at;
                at += gap;
                if let Value::Histogram(h) = &mut value {
                    match odd {
                        1 => h.sum = f64::NAN,
                        2 => h.scale(3e306),
                        3 => h.scale(-1.0),
                        _ => {}
                    }
                }
                let last = samples.last().map_or(0, |s| s.start);
                let start = match start {
                    0 => 0,
                    1 => before,
                    2 => before + gap / 2,
                    3 => at,
                    4 => (before - 5_000).max(0),
                    5 => at + 1,
                    _ => last,
                };
                samples.push(Sample { at, start, value });
            }
            samples
        })
}

fn case() -> impl Strategy<Value = Case> {
    (
        samples(),
        0i64..100_000,
        prop_oneof![Just(0i64), 1i64..40_000],
        prop_oneof![1i64..60_000, 60_000i64..400_000],
        any::<[bool; 2]>(),
    )
        .prop_map(
            |(samples, start_ms, step_ms, range, [use_start_timestamps, compact])| Case {
                samples,
                ends: Grid {
                    start_ms,
                    step_ms,
                    len: 25,
                },
                range,
                use_start_timestamps,
                extension: None,
                compact,
            },
        )
}

fn same(got: &Option<Value>, want: &Option<Value>, is_compact: bool) -> bool {
    match (got, want) {
        // Long windows slide, which may change the last bits.
        (Some(Value::Float(a)), Some(Value::Float(b))) => close(Some(*a), Some(*b), 1e-10),
        (Some(Value::Histogram(a)), Some(Value::Histogram(b))) => {
            // All NaN are equal here, and both zeros.
            let bits = |bits: &mut u64| {
                let value = f64::from_bits(*bits);
                *bits = match value.is_nan() {
                    true => f64::NAN.to_bits(),
                    false => (value + 0.0).to_bits(),
                };
            };
            let [a, b] = [a, b].map(|h| {
                let mut h = h.clone();
                if is_compact {
                    h.compact();
                }
                let mut parts = parts(&h);
                parts.2.iter_mut().chain(&mut parts.3).for_each(bits);
                parts
            });
            a == b
        }
        (None, None) => true,
        _ => false,
    }
}

/// Compares each window of each function with its plain definition.
fn check(case: &Case, functions: &[&str], param: f64) -> Result<(), TestCaseError> {
    let mut stored = case.clone();
    for sample in &mut stored.samples {
        if let (true, Value::Histogram(h)) = (case.compact, &mut sample.value) {
            h.compact();
        }
    }
    for function in functions {
        let got = case.run(function, &params(function, param)).unwrap();
        let mut annotations = WindowAnnotations::default();
        for (step, got) in got.values.iter().enumerate() {
            let window = Plain {
                samples: stored.window(step),
                end: case.ends.at(step),
                range: case.range,
                use_start_timestamps: case.use_start_timestamps,
                extension: case.extension,
            };
            let (want, found) = plain(function, &window, param);
            found
                .iter()
                .for_each(|annotation| annotations.add(annotation));
            prop_assert!(
                same(got, &want, case.compact),
                "{function:?} step {step}: {got:?}, want {want:?}"
            );
        }
        let annotates = lookup(function).unwrap().annotates;
        prop_assert!(annotates || annotations.is_empty(), "{function} is silent");
        let all = |annotations: WindowAnnotations| annotations.iter().collect::<Vec<_>>();
        prop_assert_eq!(all(got.annotations), all(annotations), "{:?}", function);
        prop_assert_eq!(
            got.annotations.overlaps(),
            annotations.overlaps(),
            "{:?}",
            function
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn mixed_kernels_are_as_their_plain_definitions(case in case(), param in 0.05f64..0.95) {
        check(&case, &all(), param)?;
    }

    #[test]
    fn windows_that_reach_beyond_their_ends_are_as_their_plain_definitions(
        mut case in case(),
        smoothed in any::<bool>(),
        beyond_ms in 1i64..100_000,
    ) {
        case.extension = Some(Extension {
            smoothed,
            before_ms: beyond_ms,
            after_ms: if smoothed { beyond_ms } else { 0 },
        });
        // A pinned window moves, other than its samples, in Prometheus.
        case.ends.step_ms = case.ends.step_ms.max(1);
        check(&case, &["rate", "increase", "delta"], 0.5)?;
        if !smoothed {
            check(&case, &["changes", "resets"], 0.5)?;
        }
    }
}

/// A counter of histograms with one bucket, every 10 s, that counts `counts`.
fn counter(counts: &[f64]) -> Vec<Sample> {
    let layout = Layout::exponential(0, 0.0, vec![1], vec![]).unwrap();
    let samples = counts.iter().zip(1..).map(|(&count, i)| {
        let mut h = Histogram::new(Arc::clone(&layout), vec![count]).unwrap();
        (h.count, h.sum) = (count, 2.0 * count);
        Sample {
            at: i * 10_000,
            start: 0,
            value: Value::Histogram(h),
        }
    });
    samples.collect()
}

fn at_once(samples: Vec<Sample>, end: i64, range: i64) -> Case {
    Case {
        samples,
        ends: Grid::instant(end),
        range,
        use_start_timestamps: true,
        extension: None,
        compact: false,
    }
}

fn totals(row: &Row) -> Option<(CounterReset, f64, f64, Vec<f64>)> {
    match &row.values[0] {
        Some(Value::Histogram(h)) => Some((h.counter_reset, h.count, h.sum, h.buckets().to_vec())),
        _ => None,
    }
}

#[test]
fn rates_of_histograms_extrapolate_as_those_of_floats() {
    // The window begins at 5 s, so that 10 s more fit before 50 s and after 20 s.
    let case = at_once(counter(&[5.0, 15.0, 25.0, 35.0]), 45_000, 40_000);
    let got = case.run("increase", &[]).unwrap();
    let want = (CounterReset::Gauge, 40.0, 80.0, vec![40.0]);
    assert_eq!(totals(&got), Some(want));
    assert!(got.annotations.is_empty());
    let got = case.run("delta", &[]).unwrap();
    assert_eq!(
        got.annotations.iter().collect::<Vec<_>>(),
        [WindowAnnotation::NotGauge]
    );
    // Before it was reset it had counted 15.
    let case = at_once(counter(&[5.0, 15.0, 3.0]), 30_000, 20_001);
    let got = case.run("increase", &[]).unwrap();
    assert_eq!(
        totals(&got).map(|t| t.1),
        Some(13.0 * (20.0 + 0.001) / 20.0)
    );
}

#[test]
fn a_start_in_the_window_is_where_a_counter_was_zero() {
    let mut samples = counter(&[5.0, 15.0]);
    samples.iter_mut().for_each(|sample| sample.start = 5_000);
    let case = at_once(samples.clone(), 20_000, 20_000);
    let got = case.run("increase", &[]).unwrap();
    assert_eq!(totals(&got).map(|t| t.1), Some(15.0));
    let one = at_once(samples.clone(), 10_000, 10_000);
    let got = one.run("rate", &[]).unwrap();
    assert_eq!(totals(&got).map(|t| t.1), Some(0.5));
    // At the window's beginning it is outside of it.
    let case = at_once(samples.clone(), 20_000, 15_000);
    let got = case.run("increase", &[]).unwrap();
    assert_eq!(totals(&got).map(|t| t.1), Some(10.0 * 1.5));
    samples[1].start = 8_000;
    let case = at_once(samples, 20_000, 20_000);
    let got = case.run("increase", &[]).unwrap();
    let annotations: Vec<_> = got.annotations.iter().collect();
    assert_eq!(
        (annotations, got.annotations.overlaps()),
        (vec![WindowAnnotation::StartTimeOverlap], 1)
    );
}

#[test]
fn factors_are_refused_where_there_are_histograms_alone() {
    let case = at_once(counter(&[1.0]), 10_000, 10_000);
    let run = |param| {
        let params = [Param::Const(0.5), Param::Const(param)];
        case.run("double_exponential_smoothing", &params)
    };
    assert_eq!(run(2.0).unwrap_err(), ParamError::TrendFactor(2.0));
    assert!(run(0.5).unwrap().values[0].is_none());
    let none = case.run("double_exponential_smoothing", &[]);
    assert!(matches!(none, Err(ParamError::Missing { index: 0, .. })));
}

#[test]
fn the_later_sample_is_the_last_one() {
    let mut samples = counter(&[1.0, 2.0, 3.0]);
    samples[1].value = Value::Float(7.0);
    let run = |function, end| {
        let case = at_once(samples.clone(), end, 30_000);
        case.run(function, &[]).unwrap()
    };
    let last = run("last_over_time", 20_000);
    assert!(matches!(last.values[0], Some(Value::Float(7.0))));
    assert_eq!(
        totals(&run("last_over_time", 30_000)).map(|t| t.1),
        Some(3.0)
    );
    assert_eq!(
        totals(&run("first_over_time", 30_000)).map(|t| t.1),
        Some(1.0)
    );
    let changes = run("changes", 30_000);
    assert!(matches!(changes.values[0], Some(Value::Float(2.0))));
    let sum = run("sum_over_time", 30_000);
    let annotations: Vec<_> = sum.annotations.iter().collect();
    assert_eq!(
        (totals(&sum), annotations),
        (None, vec![WindowAnnotation::MixedFloatsHistograms])
    );
}

#[test]
fn smoothed_histograms_lie_between_those_around_them() {
    let at = |samples: &[Sample], end: i64| {
        let mut case = at_once(samples.to_vec(), end, 0);
        case.extension = Some(Extension {
            smoothed: true,
            before_ms: 15_000,
            after_ms: 15_000,
        });
        let smooth = |input: &MixedInput<'_>, out: &mut MixedOutput<'_>| {
            smoothed_mixed(input, out);
            Ok(())
        };
        case.run_with(smooth).unwrap()
    };
    let mut samples = counter(&[5.0, 15.0, 3.0]);
    let count = |samples: &[Sample], end| totals(&at(samples, end)).map(|t| (t.0, t.1));
    let unknown = |count| Some((CounterReset::Unknown, count));
    assert_eq!(count(&samples, 9_000), None, "nothing before");
    assert_eq!(count(&samples, 10_000), unknown(5.0));
    assert_eq!(count(&samples, 14_000), unknown(9.0));
    assert_eq!(count(&samples, 25_000), unknown(1.5), "from zero");
    assert_eq!(count(&samples, 35_000), unknown(3.0));
    assert_eq!(count(&samples, 45_000), None, "too late");
    samples[2].value = Value::Float(7.0);
    let row = at(&samples, 25_000);
    let annotations: Vec<_> = row.annotations.iter().collect();
    assert_eq!(annotations, [WindowAnnotation::MixedFloatsHistograms]);
    assert!(row.values[0].is_none());
    assert_eq!(count(&samples, 9_000), None);
}
