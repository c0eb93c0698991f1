//! The plain definitions of the window functions over both kinds of samples,
//! window by window.

use super::super::start_timestamps::Started;
use super::annotations::{WindowAnnotation, WindowAnnotations};
use crate::grid::{Grid, Param};
use crate::histogram::native::{
    ExtendedWindow, Found, Growth, Histogram, HistogramRef, IncompatibleSchemas, MeanOfHistograms,
    SumOfHistograms, extended_growth, growth, last_growth,
};
use crate::window::extrapolation::seconds;
use crate::window::tests::kernel;
use crate::window::{Bounds, Extension, WindowInput, WindowScratch};

/// One of the samples of a series, and one of the results.
#[derive(Clone, Debug)]
pub enum Value {
    Float(f64),
    Histogram(Histogram),
}

#[derive(Clone, Debug)]
pub struct Sample {
    pub at: i64,
    pub start: i64,
    pub value: Value,
}

/// One window's samples, all of them in the order of time.
pub struct Plain<'a> {
    pub samples: &'a [Sample],
    pub end: i64,
    pub range: i64,
    pub use_start_timestamps: bool,
    /// The samples are those of the extended window.
    pub extension: Option<Extension>,
}

impl Plain<'_> {
    fn floats(&self) -> Vec<(i64, f64, i64)> {
        let floats = self.samples.iter().filter_map(|s| match s.value {
            Value::Float(value) => Some((s.at, value, s.start)),
            Value::Histogram(_) => None,
        });
        floats.collect()
    }

    fn histograms(&self) -> Vec<(Started, HistogramRef<'_>)> {
        let all = self.samples.iter().filter_map(|s| match &s.value {
            Value::Histogram(h) => Some((self.started(s), h.view())),
            Value::Float(_) => None,
        });
        all.collect()
    }

    fn started(&self, sample: &Sample) -> Started {
        Started {
            start: if self.use_start_timestamps {
                sample.start
            } else {
                0
            },
            at: sample.at,
        }
    }

    /// What the float kernel makes of the floats.
    fn of_floats(&self, function: &str, param: f64) -> Option<f64> {
        let floats = self.floats();
        let timestamps: Vec<i64> = floats.iter().map(|s| s.0).collect();
        let values: Vec<f64> = floats.iter().map(|s| s.1).collect();
        let start_timestamps: Vec<i64> = floats.iter().map(|s| s.2).collect();
        let bounds = Bounds {
            lo: 0,
            hi: floats.len() as u32,
        };
        let input = WindowInput {
            raised_by: None,
            timestamps: &timestamps,
            values: &values,
            bounds: &[bounds],
            ends: Grid::instant(self.end),
            range_ms: self.range,
            start_timestamps: self.use_start_timestamps.then_some(&start_timestamps),
            extension: self.extension,
            eval: Grid::instant(self.end),
        };
        let params = params(function, param);
        let (mut out, mut present) = ([0.0], [false]);
        let mut scratch = WindowScratch::default();
        kernel(function)
            .eval(&input, &params, &mut scratch, &mut out, &mut present)
            .unwrap();
        present[0].then_some(out[0])
    }

    /// Neighbours for which `hit` holds, or which are of different kinds.
    fn pairs(
        &self,
        floats: impl Fn(f64, f64) -> bool,
        histograms: impl Fn(&Histogram, &Histogram) -> bool,
        uses_start_timestamps: bool,
    ) -> Option<Value> {
        let mut samples = self.samples;
        if self.extension.is_some() {
            let begin = self.end - self.range;
            let anchor = samples.iter().rposition(|s| s.at <= begin);
            samples = &samples[anchor.unwrap_or(0)..];
            samples.iter().find(|s| s.at > begin)?;
        }
        let pairs = samples.windows(2).filter(|pair| {
            let [before, now] = [0, 1].map(|i| self.started(&pair[i]));
            let anew = uses_start_timestamps && now.anew_since(before);
            match [&pair[0].value, &pair[1].value] {
                [Value::Float(a), Value::Float(b)] => anew || floats(*a, *b),
                [Value::Histogram(a), Value::Histogram(b)] => anew || histograms(a, b),
                _ => true,
            }
        });
        Some(Value::Float(pairs.count() as f64))
    }
}

pub fn params(function: &str, value: f64) -> Vec<Param<'static>> {
    match function {
        "integral" => vec![],
        _ => vec![Param::Const(value), Param::Const(value)],
    }
}

/// The result of a window, and what is noted on it.
pub fn plain(function: &str, w: &Plain<'_>, param: f64) -> (Option<Value>, WindowAnnotations) {
    let mut annotations = WindowAnnotations::default();
    let (floats, histograms) = (w.floats(), w.histograms());
    let is_mixed = !floats.is_empty() && !histograms.is_empty();
    let of_floats = || w.of_floats(function, param).map(Value::Float);
    let [Some(first), Some(last)] = [w.samples.first(), w.samples.last()] else {
        return (None, annotations);
    };
    let seconds = |sample: &Sample| Value::Float(sample.at as f64 / 1000.0);
    let result = match function {
        "count_over_time" => Some(Value::Float(w.samples.len() as f64)),
        "present_over_time" => Some(Value::Float(1.0)),
        "first_over_time" => Some(first.value.clone()),
        "last_over_time" => Some(last.value.clone()),
        "ts_of_first_over_time" => Some(seconds(first)),
        "ts_of_last_over_time" => Some(seconds(last)),
        "changes" => {
            let floats = |a: f64, b: f64| a != b && !(a.is_nan() && b.is_nan());
            let histograms = |a: &Histogram, b: &Histogram| !b.view().equals(&a.view());
            w.pairs(floats, histograms, false)
        }
        "resets" => {
            let histograms = |a: &Histogram, b: &Histogram| b.view().is_reset_from(&a.view());
            w.pairs(|a, b| b < a, histograms, true)
        }
        "irate" | "idelta" => last_two(function == "irate", w, of_floats, &mut annotations),
        "rate" | "increase" | "delta" | "sum_over_time" | "avg_over_time" if is_mixed => {
            annotations.add(WindowAnnotation::MixedFloatsHistograms);
            None
        }
        "rate" | "increase" | "delta" | "sum_over_time" | "avg_over_time"
            if histograms.is_empty() =>
        {
            of_floats()
        }
        "rate" | "increase" | "delta" if w.extension.is_some() => {
            extended(function, w, &histograms, &mut annotations).map(Value::Histogram)
        }
        "rate" | "increase" | "delta" => {
            extrapolated(function, w, &histograms, &mut annotations).map(Value::Histogram)
        }
        "sum_over_time" | "avg_over_time" => {
            match combined(function == "sum_over_time", &histograms) {
                Ok((h, found)) => {
                    annotations.add_if(
                        found.reset_collision,
                        WindowAnnotation::AggregationCollision,
                    );
                    annotations.add_if(
                        found.bounds_reconciled,
                        WindowAnnotation::AggregationReconciled,
                    );
                    Some(Value::Histogram(h))
                }
                Err(IncompatibleSchemas) => {
                    annotations.add(WindowAnnotation::MixedExponentialCustom);
                    None
                }
            }
        }
        _ => {
            annotations.add_if(is_mixed, WindowAnnotation::HistogramsIgnored);
            of_floats()
        }
    };
    (result, annotations)
}

fn last_two(
    is_rate: bool,
    w: &Plain<'_>,
    of_floats: impl Fn() -> Option<Value>,
    annotations: &mut WindowAnnotations,
) -> Option<Value> {
    let [.., before, now] = w.samples else {
        return None;
    };
    let (a, b) = match (&before.value, &now.value) {
        (Value::Float(_), Value::Float(_)) => return of_floats(),
        (Value::Histogram(a), Value::Histogram(b)) => (a, b),
        _ => {
            annotations.add(WindowAnnotation::MixedFloatsHistograms);
            return None;
        }
    };
    let kind = if is_rate {
        Growth::Counter
    } else {
        Growth::Gauge
    };
    let anew = w.started(now).anew_since(w.started(before));
    let (grown, found) = last_growth(&a.view(), &b.view(), kind, anew);
    annotations.growth(found);
    let mut grown = grown?;
    if is_rate {
        grown.divide((now.at - before.at) as f64 / 1000.0);
    }
    Some(Value::Histogram(grown))
}

fn combined(
    sum: bool,
    points: &[(Started, HistogramRef<'_>)],
) -> Result<(Histogram, Found), IncompatibleSchemas> {
    if sum {
        let mut sum = SumOfHistograms::new(&points[0].1);
        points[1..].iter().try_for_each(|p| sum.add(&p.1))?;
        return Ok(sum.finish());
    }
    let mut mean = MeanOfHistograms::new(&points[0].1);
    points[1..].iter().try_for_each(|p| mean.add(&p.1))?;
    Ok(mean.finish())
}

fn extended(
    function: &str,
    w: &Plain<'_>,
    points: &[(Started, HistogramRef<'_>)],
    annotations: &mut WindowAnnotations,
) -> Option<Histogram> {
    let kind = match function {
        "delta" => Growth::Gauge,
        _ => Growth::Counter,
    };
    let window = ExtendedWindow {
        start: w.end - w.range,
        end: w.end,
        smoothed: w.extension?.smoothed,
    };
    let all: Vec<HistogramRef<'_>> = points.iter().map(|p| p.1).collect();
    let times: Vec<i64> = points.iter().map(|p| p.0.at).collect();
    let (grown, found) = extended_growth(&all, &times, window, kind);
    annotations.growth(found);
    let mut grown = grown?;
    if function == "rate" {
        grown.divide(seconds(w.range));
    }
    Some(grown)
}

fn extrapolated(
    function: &str,
    w: &Plain<'_>,
    points: &[(Started, HistogramRef<'_>)],
    annotations: &mut WindowAnnotations,
) -> Option<Histogram> {
    let is_counter = function != "delta";
    let kind = if is_counter {
        Growth::Counter
    } else {
        Growth::Gauge
    };
    let all: Vec<HistogramRef<'_>> = points.iter().map(|p| p.1).collect();
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let begin = w.end - w.range;
    let started = is_counter && first.start > begin && first.start != 0 && first.start < first.at;
    let mut grown = None;
    if points.len() > 1 {
        let anew = |i: usize| points[i + 1].0.anew_since(points[i].0);
        let (result, found) = growth(&all, kind, anew);
        annotations.growth(found);
        grown = Some(result?);
        let overlap = points.windows(2).any(|p| p[1].0.overlaps(p[0].0));
        annotations.add_if(is_counter && overlap, WindowAnnotation::StartTimeOverlap);
    } else if !started {
        return None;
    }
    let gaps = (points.len() - 1) as f64;
    let mut sampled = (last.at - first.at) as f64 / 1000.0;
    let average = if gaps > 0.0 { sampled / gaps } else { 0.0 };
    let within = |seconds: f64| match seconds >= average * 1.1 {
        true => average / 2.0,
        false => seconds,
    };
    let to_end = within((w.end - last.at) as f64 / 1000.0);
    let mut to_start = within((first.at - begin) as f64 / 1000.0);
    let mut grown = match (grown, started) {
        (Some(mut grown), true) => {
            match grown.add(&all[0]) {
                Ok(found) => annotations.add_if(
                    found.bounds_reconciled,
                    WindowAnnotation::AdditionReconciled,
                ),
                Err(IncompatibleSchemas) => {
                    annotations.add(WindowAnnotation::MixedExponentialCustom);
                    return None;
                }
            }
            grown
        }
        (Some(grown), false) => grown,
        (None, _) => all[0].to_histogram(),
    };
    if started {
        sampled = (last.at - first.start) as f64 / 1000.0;
        to_start = 0.0;
    } else if is_counter && grown.count > 0.0 && all[0].count >= 0.0 {
        to_start = to_start.min(sampled * (all[0].count / grown.count));
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if function == "rate" {
        factor /= seconds(w.range);
    }
    grown.scale(factor);
    Some(grown)
}
