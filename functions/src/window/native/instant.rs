//! `irate` and `idelta`: the last two samples of a window, whichever they are.

use super::annotations::WindowAnnotation;
use super::output::Writer;
use super::runs::Runs;
use super::series::{MixedOutput, Series, Window};
use crate::histogram::native::{Growth, last_growth};

pub(in crate::window) fn last_two(series: &Series<'_>, kind: Growth, out: &mut MixedOutput<'_>) {
    let mut writer = Writer::new(out.histograms, series.steps());
    let mut runs = Runs::new(Some(kind));
    for window in series.windows() {
        let histograms = of_last_two(series, &window);
        if histograms == 0 {
            // Two floats, or one alone, as they were computed.
            continue;
        }
        out.present[window.step] = false;
        let last = window.histograms.end - 1;
        if histograms == 1 {
            let alone = window.floats.is_empty();
            out.annotations
                .add_if(!alone, WindowAnnotation::MixedFloatsHistograms);
            continue;
        }
        let interval = series.time(last).wrapping_sub(series.time(last - 1));
        if interval == 0 {
            continue;
        }
        let divisor = (kind == Growth::Counter).then(|| interval as f64 / 1000.0);
        if let Some(dense) = runs.window(series, last - 1..last + 1) {
            let rows = writer.rows(dense.rows.layout(), true);
            out.annotations
                .growth(dense.windows.growth(dense.range, kind, rows));
            if let Some(divisor) = divisor {
                rows.divide_last(divisor);
            }
            writer.appended(window.step);
            continue;
        }
        let points = series.points(last - 1..last + 1);
        let anew = series.starts_anew(last - 1);
        let (grown, found) = last_growth(&points[0], &points[1], kind, anew);
        out.annotations.growth(found);
        if let Some(mut grown) = grown {
            if let Some(divisor) = divisor {
                grown.divide(divisor);
            }
            writer.push(window.step, &grown.view());
        }
    }
    writer.finish();
}

/// How many of a window's last two samples are histograms.
fn of_last_two(series: &Series<'_>, window: &Window) -> usize {
    let floats = series.input.floats.timestamps;
    let (mut float, mut histogram) = (window.floats.range().end, window.histograms.end);
    for _ in 0..2 {
        let is_float = float > window.floats.first()
            && (histogram == window.histograms.start
                || floats[float - 1] > series.time(histogram - 1));
        if is_float {
            float -= 1;
        } else if histogram > window.histograms.start {
            histogram -= 1;
        }
    }
    window.histograms.end - histogram
}
