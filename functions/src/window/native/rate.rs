//! `rate`, `increase`, `delta`.

use super::annotations::{WindowAnnotation, WindowAnnotations};
use super::output::Writer;
use super::runs::Runs;
use super::series::{MixedOutput, Series, Window};
use crate::histogram::native::{
    ExtendedWindow, Growth, Histogram, IncompatibleSchemas, extended_growth, growth_between,
};
use crate::window::extension::Extension;
use crate::window::extrapolation::{Extent, seconds};

/// Which growth is asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::window) struct Rate {
    growth: Growth,
    per_second: bool,
}

impl Rate {
    /// `rate`
    pub const PER_SECOND: Rate = Rate {
        growth: Growth::Counter,
        per_second: true,
    };
    /// `increase`
    pub const INCREASE: Rate = Rate {
        growth: Growth::Counter,
        per_second: false,
    };
    /// `delta`
    pub const DELTA: Rate = Rate {
        growth: Growth::Gauge,
        per_second: false,
    };
}

pub(in crate::window) fn eval(series: &Series<'_>, rate: Rate, out: &mut MixedOutput<'_>) {
    match series.input.floats.extension {
        Some(extension) => extended(series, extension, rate, out),
        None => extrapolated(series, rate, out),
    }
}

/// Windows of histograms alone, two of them or more, have a growth; of
/// counters of which a start in the window is known, one is enough.
fn extrapolated(series: &Series<'_>, rate: Rate, out: &mut MixedOutput<'_>) {
    let mut writer = Writer::new(out.histograms, series.steps());
    let mut runs = Runs::new(Some(rate.growth));
    for window in series.windows() {
        out.present[window.step] = false;
        if !window.floats.is_empty() {
            out.annotations.add(WindowAnnotation::MixedFloatsHistograms);
            continue;
        }
        let stretch = Stretch::of(series, &window, rate);
        if stretch.since.is_none() && window.histograms.len() < 2 {
            continue;
        }
        let dense = runs.window(series, window.histograms.clone());
        if let (None, Some(dense)) = (stretch.since, dense) {
            let first = dense.rows.counts()[*dense.range.start()];
            let rows = writer.rows(dense.rows.layout(), true);
            let factor = |grown: f64| stretch.factor(first, grown);
            let windows = dense.windows;
            let found = windows.scaled_growth(dense.range, rate.growth, factor, rows);
            out.annotations.growth(found);
            writer.appended(window.step);
            overlaps(series, &window, rate, out.annotations);
        } else if let Some(mut grown) = grown(series, &window, &stretch, out.annotations) {
            let first = series.points(window.histograms)[0].count;
            grown.scale(stretch.factor(first, grown.count));
            writer.push(window.step, &grown.view());
        }
    }
    writer.finish();
}

/// As [`extrapolated`], where windows are anchored or smoothed.
fn extended(series: &Series<'_>, extension: Extension, rate: Rate, out: &mut MixedOutput<'_>) {
    let floats = &series.input.floats;
    let times = series.input.histograms.timestamps;
    let mut writer = Writer::new(out.histograms, series.steps());
    for window in series.windows() {
        out.present[window.step] = false;
        if !window.floats.is_empty() {
            out.annotations.add(WindowAnnotation::MixedFloatsHistograms);
            continue;
        }
        let (start, end) = floats.edges(window.step);
        let smoothed = extension.smoothed;
        let ends = ExtendedWindow {
            start,
            end,
            smoothed,
        };
        let times = &times[window.histograms.clone()];
        let points = series.points(window.histograms);
        let (grown, found) = extended_growth(points, times, ends, rate.growth);
        out.annotations.growth(found);
        if let Some(mut grown) = grown {
            if rate.per_second {
                grown.divide(seconds(floats.range_ms));
            }
            writer.push(window.step, &grown.view());
        }
    }
    writer.finish();
}

/// The growth from the first to the last histogram, or from zero where the
/// start is known.
fn grown(
    series: &Series<'_>,
    window: &Window,
    stretch: &Stretch,
    annotations: &mut WindowAnnotations,
) -> Option<Histogram> {
    let points = series.points(window.histograms.clone());
    let [first, _, ..] = points else {
        return points.first().map(|only| only.to_histogram());
    };
    let from = window.histograms.start;
    let anew = |index: usize| series.starts_anew(from + index);
    let is_reset = |index: usize| series.is_reset(from + index);
    let (grown, found) = growth_between(points, stretch.rate.growth, anew, is_reset);
    annotations.growth(found);
    let mut grown = grown?;
    overlaps(series, window, stretch.rate, annotations);
    if stretch.since.is_none() {
        return Some(grown);
    }
    match grown.add(first) {
        Ok(found) => {
            annotations.add_if(
                found.bounds_reconciled,
                WindowAnnotation::AdditionReconciled,
            );
            Some(grown)
        }
        Err(IncompatibleSchemas) => {
            annotations.add(WindowAnnotation::MixedExponentialCustom);
            None
        }
    }
}

fn overlaps(series: &Series<'_>, window: &Window, rate: Rate, annotations: &mut WindowAnnotations) {
    let overlaps = rate.growth == Growth::Counter && series.overlaps(window.histograms.clone());
    annotations.add_if(overlaps, WindowAnnotation::StartTimeOverlap);
}

/// How a growth is stretched to its window.
struct Stretch {
    rate: Rate,
    extent: Extent,
    /// From the start of the counter to the last histogram, in seconds, if it
    /// started in the window before the first one.
    since: Option<f64>,
    range_ms: i64,
}

impl Stretch {
    fn of(series: &Series<'_>, window: &Window, rate: Rate) -> Self {
        let floats = &series.input.floats;
        let (begin, end) = floats.edges(window.step);
        let first = series.started(window.histograms.start);
        let last = series.time(window.histograms.end - 1);
        let between = |from: i64, to: i64| to.wrapping_sub(from) as f64 / 1000.0;
        let started = first.start != 0 && first.start > begin && first.start < first.at;
        Stretch {
            rate,
            extent: Extent {
                to_start: between(begin, first.at),
                to_end: between(last, end),
                sampled: between(first.at, last),
                gaps: (window.histograms.len() - 1) as f64,
            },
            since: (started && rate.growth == Growth::Counter).then(|| between(first.start, last)),
            range_ms: floats.range_ms,
        }
    }

    /// The factor of a growth, of which the count is given, and that of the
    /// first histogram.
    fn factor(&self, first: f64, grown: f64) -> f64 {
        let counter = self.rate.growth == Growth::Counter;
        let factor = match self.since {
            Some(since) => self.extent.factor_since(since),
            None => self.extent.factor(counter, first, grown),
        };
        match self.rate.per_second {
            true => factor / seconds(self.range_ms),
            false => factor,
        }
    }
}
