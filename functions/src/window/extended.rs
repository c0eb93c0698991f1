//! `anchored` and `smoothed` windows, which have values at their ends.
//!
//! An anchored window has at either end the value of the last sample at or
//! before it. A smoothed one has the value on the straight line between the
//! samples around it. The growth between the two ends needs no extrapolation. To find those samples, the bounds of these windows reach
//! further than the windows, see [`Extension`].

use std::ops::Range;

use super::bounds::{Bounds, compute_bounds};
use super::extension::Extension;
use super::extrapolation::seconds;
use super::input::WindowInput;
use super::neighbours::{Resets, find_resets};
use super::scratch::WindowScratch;
use super::start_timestamps::Started;
use crate::grid::Grid;

/// A sample, or what stands for one at an end of a window.
#[derive(Clone, Copy)]
struct Point {
    time: i64,
    value: f64,
    /// As of [`Started`].
    start: i64,
}

impl Point {
    /// Where a counter began to count.
    fn zero(time: i64) -> Point {
        Point {
            time,
            value: 0.0,
            start: 0,
        }
    }

    fn started(self) -> Started {
        let (start, at) = (self.start, self.time);
        Started { start, at }
    }

    /// Whether the counter began anew since the point before.
    fn anew_since(self, before: Point) -> bool {
        self.started().anew_since(before.started())
    }

    /// What a counter lost if it was reset since the point before, else 0.
    fn lost_since(self, before: Point) -> f64 {
        if self.value < before.value || self.anew_since(before) {
            before.value
        } else {
            0.0
        }
    }
}

/// `rate` (`COUNTER`, `PER_SECOND`), `increase` (`COUNTER`), `delta`.
pub fn extended<const COUNTER: bool, const PER_SECOND: bool>(
    input: &WindowInput<'_>,
    extension: Extension,
    scratch: &mut WindowScratch,
    out: &mut [f64],
    present: &mut [bool],
) {
    scratch.indices.clear();
    if COUNTER {
        find_resets(input, &mut scratch.indices);
    }
    let mut resets = Resets::new(&scratch.indices);
    let divisor = seconds(input.range_ms);
    for (i, (out, present)) in out.iter_mut().zip(present).enumerate() {
        let window = Window::of(input, extension, i, COUNTER);
        *present = window.is_some();
        if let Some(window) = window {
            let grown = window.grown(&mut resets);
            *out = if PER_SECOND { grown / divisor } else { grown };
        }
    }
}

/// The samples of a window from the last one at or before its beginning on;
/// `None` without a sample behind its beginning.
pub(super) fn anchored(input: &WindowInput<'_>, i: usize) -> Option<Bounds> {
    let bounds = input.bounds[i];
    let (begin, _) = input.edges(i);
    if bounds.is_empty() || input.timestamps[bounds.last()] <= begin {
        return None;
    }
    let before = input.timestamps[bounds.range()].partition_point(|&t| t <= begin);
    let lo = bounds.lo + (before as u32).saturating_sub(1);
    Some(Bounds { lo, ..bounds })
}

/// A window whose ends have values.
struct Window<'a> {
    input: &'a WindowInput<'a>,
    extension: Extension,
    counter: bool,
    begin: i64,
    end: i64,
    /// The samples that determine the values at the ends.
    first: usize,
    last: usize,
    /// The first sample that is looked at.
    lowest: usize,
}

impl<'a> Window<'a> {
    /// The window of a step, if its ends have values.
    fn of(
        input: &'a WindowInput<'a>,
        extension: Extension,
        i: usize,
        counter: bool,
    ) -> Option<Self> {
        let window = Window::reached(input, extension, i, counter)?;
        let first = window.point(window.first);
        // If all samples are later, only a counter that says that it began in
        // the window, or before it, has grown in it.
        let has_ends = !extension.smoothed
            || first.time <= window.end
            || (counter
                && window.begins_in_sight(first)
                && !first.started().anew_behind(window.end));
        has_ends.then_some(window)
    }

    /// The window of a step, if any sample is behind its beginning.
    fn reached(
        input: &'a WindowInput<'a>,
        extension: Extension,
        i: usize,
        counter: bool,
    ) -> Option<Self> {
        let bounds = input.bounds[i];
        if bounds.is_empty() {
            return None;
        }
        let (begin, end) = input.edges(i);
        let but_last = &input.timestamps[bounds.first()..bounds.last()];
        let first = but_last.partition_point(|&t| t <= begin).saturating_sub(1);
        let last = if extension.smoothed {
            but_last.partition_point(|&t| t < end)
        } else {
            but_last.len()
        };
        let window = Window {
            input,
            extension,
            counter,
            begin,
            end,
            first: bounds.first() + first,
            last: bounds.first() + last,
            lowest: bounds.first(),
        };
        (input.timestamps[window.last] > begin).then_some(window)
    }

    /// The samples between the ends.
    fn between(&self) -> Range<usize> {
        let times = self.input.timestamps;
        let from = self.first + usize::from(times[self.first] <= self.begin);
        let to = self.last + usize::from(times[self.last] < self.end);
        from..to.max(from)
    }

    fn point(&self, i: usize) -> Point {
        Point {
            time: self.input.timestamps[i],
            value: self.input.values[i],
            start: self.input.started(i).start,
        }
    }

    /// Whether a counter began to count where samples would have been seen.
    fn begins_in_sight(&self, point: Point) -> bool {
        let sight = self.begin.saturating_sub(self.extension.before_ms);
        point.started().anew_behind(sight)
    }

    /// The value at the window's beginning, and the start that goes with it.
    fn left(&self) -> Point {
        let mut first = self.point(self.first);
        if first.time == self.begin {
            return first;
        }
        let start = if first.start > self.begin {
            0
        } else {
            first.start
        };
        if first.time > self.begin {
            let value = self.before_all(first, self.begin);
            let time = self.begin;
            return Point { time, value, start };
        }
        let (mut next, mut start) = (self.point(self.first + 1), start);
        if self.counter && next.started().anew_behind(self.begin) {
            next = Point::zero(next.start);
        } else if self.counter && next.anew_since(first) {
            start = next.start;
            first = Point::zero(next.start);
        }
        let value = if self.extension.smoothed {
            interpolate(first, next, self.begin, self.counter)
        } else {
            first.value
        };
        let time = self.begin;
        Point { time, value, start }
    }

    /// The value at the window's end, and the start that goes with it.
    fn right(&self) -> Point {
        let (mut last, time) = (self.point(self.last), self.end);
        let mut start = if last.start > time { 0 } else { last.start };
        if last.time <= time || self.last == self.lowest {
            let value = if last.time <= time {
                last.value
            } else {
                self.before_all(last, time)
            };
            return Point { time, value, start };
        }
        let mut before = self.point(self.last - 1);
        if self.counter && last.started().anew_behind(time) {
            start = before.start;
            last = Point::zero(last.start);
        } else if self.counter && last.anew_since(before) {
            before = Point::zero(last.start);
        }
        let value = if self.extension.smoothed {
            interpolate(before, last, time, self.counter)
        } else {
            before.value
        };
        Point { time, value, start }
    }

    /// The value at an end of the window before all samples.
    fn before_all(&self, first: Point, edge: i64) -> f64 {
        if !self.counter || !self.begins_in_sight(first) {
            first.value
        } else if self.extension.smoothed && !first.started().anew_behind(edge) {
            interpolate(Point::zero(first.start), first, edge, true)
        } else {
            0.0
        }
    }

    /// What was gained from the beginning to the end.
    fn grown(&self, resets: &mut Resets<'_>) -> f64 {
        let (left, right) = (self.left(), self.right());
        let gained = right.value - left.value;
        if !self.counter {
            return gained;
        }
        let Range {
            start: from,
            end: to,
        } = self.between();
        let (mut lost, mut before) = (0.0, left);
        if from < to {
            lost += self.point(from).lost_since(before);
            lost = resets.correct(self.input.values, from, to - 1, lost);
            before = self.point(to - 1);
        }
        lost += right.lost_since(before);
        gained + lost
    }
}

/// The value at a time on the straight line through two points; a counter that
/// was reset between them has grown from zero.
fn interpolate(a: Point, b: Point, time: i64, counter: bool) -> f64 {
    let from = if counter && b.value < a.value {
        0.0
    } else {
        a.value
    };
    let passed = time.wrapping_sub(a.time) as f64;
    from + (b.value - from) * passed / b.time.wrapping_sub(a.time) as f64
}

/// A `smoothed` instant selector: the value at each time on the straight line
/// between the samples around it, the last value where there is no later one.
/// Stale markers are no samples here.
///
/// # Panics
/// If `out` and `present` have not one item for each of `input.bounds`, or
/// bounds lie outside of the samples.
pub fn smoothed(input: &WindowInput<'_>, out: &mut [f64], present: &mut [bool]) {
    assert_eq!(input.bounds.len(), out.len(), "one item a step");
    assert_eq!(input.bounds.len(), present.len(), "one flag a step");
    let point = |i: usize| Point {
        time: input.timestamps[i],
        value: input.values[i],
        start: 0,
    };
    for (i, (bounds, (out, present))) in input
        .bounds
        .iter()
        .zip(out.iter_mut().zip(present))
        .enumerate()
    {
        let time = input.ends.at(i);
        let before = input.timestamps[bounds.range()].partition_point(|&t| t < time);
        let next = bounds.first() + before;
        let found = if next < bounds.hi as usize && input.timestamps[next] == time {
            Some(input.values[next])
        } else if before == 0 {
            None
        } else if next < bounds.hi as usize {
            Some(interpolate(point(next - 1), point(next), time, false))
        } else {
            Some(input.values[next - 1])
        };
        *present = found.is_some();
        *out = found.unwrap_or_default();
    }
}

/// The samples of one window as `anchored` and `smoothed` change them: values
/// at both ends, and the samples between. `end` is the window's.
pub fn extend_samples(
    timestamps: &[i64],
    values: &[f64],
    end: i64,
    range_ms: i64,
    extension: Extension,
) -> (Vec<i64>, Vec<f64>) {
    let (ends, mut bounds) = (Grid::instant(end), Vec::new());
    let (wide_ends, wide_range) = extension.widen(ends, range_ms);
    compute_bounds(timestamps, wide_ends, wide_range, &mut bounds);
    let input = WindowInput {
        raised_by: None,
        timestamps,
        values,
        start_timestamps: None,
        bounds: &bounds,
        ends,
        range_ms,
        extension: Some(extension),
        eval: ends,
    };
    let Some(window) = Window::reached(&input, extension, 0, false) else {
        return (Vec::new(), Vec::new());
    };
    let between = window.between();
    let (left, right) = (window.left(), window.right());
    let mut times = vec![window.begin];
    times.extend_from_slice(&timestamps[between.clone()]);
    times.push(window.end);
    let mut out = vec![left.value];
    out.extend_from_slice(&values[between]);
    out.push(right.value);
    (times, out)
}
