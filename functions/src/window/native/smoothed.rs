//! A `smoothed` instant selector.

use super::annotations::WindowAnnotation;
use super::output::Writer;
use super::series::{MixedInput, MixedOutput, Series};
use crate::histogram::native::{
    CounterReset, Growth, GrowthAnnotations, Histogram, HistogramRef, IncompatibleSchemas,
    interpolate,
};
use crate::window::extended::smoothed;

/// As [`smoothed`], for both kinds of samples: a histogram at each time on the
/// straight line between those around it. Around a time there must be samples
/// of one kind alone.
///
/// # Panics
/// As [`smoothed`], for both kinds of samples.
pub fn smoothed_mixed(input: &MixedInput<'_>, out: &mut MixedOutput<'_>) {
    smoothed(&input.floats, out.values, out.present);
    let series = Series::new(input);
    let mut writer = Writer::new(out.histograms, series.steps());
    for window in series.windows() {
        out.present[window.step] = false;
        if !window.floats.is_empty() {
            out.annotations.add(WindowAnnotation::MixedFloatsHistograms);
            continue;
        }
        let time = input.floats.ends.at(window.step);
        let times = &input.histograms.timestamps[window.histograms.clone()];
        let points = series.points(window.histograms);
        let next = times.partition_point(|&t| t < time);
        let before = next.checked_sub(1);
        match (before, times.get(next)) {
            (_, Some(&at)) if at == time => writer.push(window.step, &points[next]),
            (None, _) => {}
            (Some(before), None) => {
                // What it is to the one before says nothing about its value.
                let mut last = points[before];
                last.counter_reset = CounterReset::Unknown;
                writer.push(window.step, &last);
            }
            (Some(before), Some(_)) => {
                let around = [before, next].map(|i| (points[i], times[i]));
                let mut annotations = GrowthAnnotations::default();
                match between(around, time, &mut annotations) {
                    Ok(h) => writer.push(window.step, &h.view()),
                    Err(IncompatibleSchemas) => annotations.mixed_schemas = true,
                }
                out.annotations.growth(annotations);
            }
        }
    }
    writer.finish();
}

/// The histogram at a time between two samples, which are a counter's unless
/// both say that they are a gauge's.
fn between(
    around: [(HistogramRef<'_>, i64); 2],
    time: i64,
    annotations: &mut GrowthAnnotations,
) -> Result<Histogram, IncompatibleSchemas> {
    let [left, right] = &around;
    if left.0.layout.is_custom() != right.0.layout.is_custom() {
        return Err(IncompatibleSchemas);
    }
    let gauges = around.map(|(h, _)| h.counter_reset == CounterReset::Gauge);
    let kind = match gauges {
        [true, true] => Growth::Gauge,
        _ => Growth::Counter,
    };
    interpolate(around, time, kind, annotations)
}
