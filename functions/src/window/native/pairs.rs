//! `changes` and `resets`: neighbours in time, whichever they are.

use super::series::{MixedInput, MixedOutput, Series};
use crate::histogram::native::HistogramRef;
use crate::window::bounds::Bounds;
use crate::window::neighbours::{is_change, is_reset};
use crate::window::scratch::WindowScratch;

/// Which neighbours are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::window) enum Pairs {
    Changes,
    Resets,
}

/// Counts neighbours. Windows are cut from the one sequence of all samples, so
/// that a running count over it serves all of them. Anchored ones begin with
/// the last sample at or before their beginning, and need one behind that.
pub(in crate::window) fn count(
    series: &Series<'_>,
    pairs: Pairs,
    scratch: &mut WindowScratch,
    out: &mut MixedOutput<'_>,
) {
    let running = &mut scratch.indices;
    let before = run_up(series, pairs, running);
    let input = series.input;
    let bounds = input.floats.bounds.iter().zip(input.histograms.bounds);
    for (step, (floats, histograms)) in bounds.enumerate() {
        let mut samples = floats.len() + histograms.len();
        let mut first = floats.first() + histograms.first() - before;
        if input.floats.extension.is_some() {
            let outside = outside(series, step);
            // Of those before the window the last one counts, of either kind.
            let skipped = outside.saturating_sub(1);
            samples = if outside < samples {
                samples - skipped
            } else {
                0
            };
            first += skipped;
        }
        out.present[step] = samples > 0;
        if samples > 0 {
            let counts = running[first + samples - 1] - running[first];
            out.values[step] = f64::from(counts);
        }
    }
}

/// How many of a step's samples are at or before the beginning of its window.
fn outside(series: &Series<'_>, step: usize) -> usize {
    let MixedInput { floats, histograms } = series.input;
    let (begin, _) = floats.edges(step);
    let before =
        |times: &[i64], bounds: Bounds| times[bounds.range()].partition_point(|&t| t <= begin);
    before(floats.timestamps, floats.bounds[step])
        + before(histograms.timestamps, histograms.bounds[step])
}

enum Sample<'a> {
    Float(f64),
    Histogram(HistogramRef<'a>),
}

/// Fills `running` with the neighbours counted up to each sample in any
/// window; gives the number of samples before these.
fn run_up(series: &Series<'_>, pairs: Pairs, running: &mut Vec<u32>) -> usize {
    let floats = &series.input.floats;
    let (of_floats, of_histograms) = (floats.used(), series.used.clone());
    let points = series.points(of_histograms.clone());
    let (mut float, mut histogram) = (of_floats.start, of_histograms.start);
    let (mut count, mut before) = (0u32, None);
    running.clear();
    while float < of_floats.end || histogram < of_histograms.end {
        let is_float = float < of_floats.end
            && (histogram == of_histograms.end
                || floats.timestamps[float] < series.time(histogram));
        let sample = if is_float {
            float += 1;
            Sample::Float(floats.values[float - 1])
        } else {
            histogram += 1;
            Sample::Histogram(points[histogram - 1 - of_histograms.start])
        };
        let hit = match (&before, &sample) {
            (None, _) => false,
            (Some(Sample::Float(before)), Sample::Float(value)) => match pairs {
                Pairs::Changes => is_change(*before, *value),
                Pairs::Resets => is_reset(*before, *value) || floats.starts_anew(float - 1),
            },
            (Some(Sample::Histogram(before)), Sample::Histogram(now)) => match pairs {
                Pairs::Changes => !now.equals(before),
                Pairs::Resets => series.starts_anew(histogram - 2) || now.is_reset_from(before),
            },
            _ => true,
        };
        count += u32::from(hit);
        running.push(count);
        before = Some(sample);
    }
    of_floats.start + of_histograms.start
}
