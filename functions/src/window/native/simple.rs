//! Functions of a window's ends.

use super::output::Writer;
use super::series::{MixedOutput, Series, Window};

/// `count_over_time`
pub(in crate::window) fn count(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    number(series, out, |window| {
        (window.floats.len() + window.histograms.len()) as f64
    });
}

/// `present_over_time`, `absent_over_time`
pub(in crate::window) fn present(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    number(series, out, |_| 1.0);
}

/// `ts_of_first_over_time`
pub(in crate::window) fn time_of_first(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    number(series, out, |window| {
        let histogram = series.time(window.histograms.start);
        let time = first_float(series, window).map_or(histogram, |float| float.min(histogram));
        time as f64 / 1000.0
    });
}

/// `ts_of_last_over_time`
pub(in crate::window) fn time_of_last(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    number(series, out, |window| {
        let histogram = series.time(window.histograms.end - 1);
        let time = last_float(series, window).map_or(histogram, |float| float.max(histogram));
        time as f64 / 1000.0
    });
}

fn number(series: &Series<'_>, out: &mut MixedOutput<'_>, of: impl Fn(&Window) -> f64) {
    for window in series.windows() {
        out.values[window.step] = of(&window);
        out.present[window.step] = true;
    }
}

/// `first_over_time`
pub(in crate::window) fn first(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    pick(series, out, |window| {
        let index = window.histograms.start;
        let float = first_float(series, window);
        float
            .is_none_or(|float| series.time(index) <= float)
            .then_some(index)
    });
}

/// `last_over_time`
pub(in crate::window) fn last(series: &Series<'_>, out: &mut MixedOutput<'_>) {
    pick(series, out, |window| {
        let index = window.histograms.end - 1;
        let float = last_float(series, window);
        float
            .is_none_or(|float| series.time(index) >= float)
            .then_some(index)
    });
}

/// Gives out histograms of windows, where one is picked.
fn pick(series: &Series<'_>, out: &mut MixedOutput<'_>, which: impl Fn(&Window) -> Option<usize>) {
    let mut writer = Writer::new(out.histograms, series.steps());
    for window in series.windows() {
        if let Some(index) = which(&window) {
            out.present[window.step] = false;
            writer.push(window.step, &series.points(index..index + 1)[0]);
        }
    }
    writer.finish();
}

fn first_float(series: &Series<'_>, window: &Window) -> Option<i64> {
    let float = (!window.floats.is_empty()).then(|| window.floats.first())?;
    series.input.floats.timestamps.get(float).copied()
}

fn last_float(series: &Series<'_>, window: &Window) -> Option<i64> {
    let float = (!window.floats.is_empty()).then(|| window.floats.last())?;
    series.input.floats.timestamps.get(float).copied()
}
