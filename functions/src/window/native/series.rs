//! The samples of a series that holds native histograms, and its windows.

use std::cell::OnceCell;
use std::ops::Range;

use super::annotations::WindowAnnotations;
use crate::histogram::native::{HistogramColumn, HistogramRef, StepHistograms};
use crate::window::bounds::Bounds;
use crate::window::input::{WindowInput, used};
use crate::window::start_timestamps::Started;

/// The histogram samples of one series. No stale markers.
#[derive(Clone, Copy, Debug)]
pub struct HistogramInput<'a> {
    /// Milliseconds, ascending.
    pub timestamps: &'a [i64],
    /// Start timestamps, ms, one a timestamp; 0 where it is not known. `None`
    /// if they are not to be looked at.
    pub start_timestamps: Option<&'a [i64]>,
    /// One histogram a timestamp.
    pub histograms: &'a HistogramColumn,
    /// The samples of each step's window: both ends never fall.
    pub bounds: &'a [Bounds],
}

/// Both kinds of samples of a series. Either may be empty; each has its own
/// bounds.
#[derive(Clone, Copy, Debug)]
pub struct MixedInput<'a> {
    /// The floats, and the windows of both.
    pub floats: WindowInput<'a>,
    /// The histograms.
    pub histograms: HistogramInput<'a>,
}

/// The result of a row. A step has a float, where `present` is true, or a
/// histogram, or nothing.
#[derive(Debug)]
pub struct MixedOutput<'a> {
    /// One value a step.
    pub values: &'a mut [f64],
    /// Whether the step has a float.
    pub present: &'a mut [bool],
    /// The histograms, to which this row's are appended.
    pub histograms: &'a mut StepHistograms,
    /// The annotations on its windows.
    pub annotations: &'a mut WindowAnnotations,
}

/// A step whose window holds histograms.
pub(in crate::window) struct Window {
    pub step: usize,
    /// Its floats.
    pub floats: Bounds,
    /// Its histograms.
    pub histograms: Range<usize>,
}

/// The samples of a series, and what is prepared of them.
pub(in crate::window) struct Series<'a> {
    pub input: &'a MixedInput<'a>,
    /// The histograms in any window.
    pub used: Range<usize>,
    points: OnceCell<Vec<HistogramRef<'a>>>,
    resets: OnceCell<Vec<bool>>,
}

impl<'a> Series<'a> {
    pub fn new(input: &'a MixedInput<'a>) -> Self {
        let histograms = &input.histograms;
        let samples = histograms.timestamps.len();
        assert_eq!(samples, histograms.histograms.len(), "one a timestamp");
        let start_timestamps = histograms.start_timestamps.map_or(samples, <[i64]>::len);
        assert_eq!(samples, start_timestamps, "one start a timestamp");
        let steps = input.floats.bounds.len();
        assert_eq!(steps, histograms.bounds.len(), "as many windows");
        Series {
            input,
            used: used(histograms.bounds),
            points: OnceCell::new(),
            resets: OnceCell::new(),
        }
    }

    /// How many windows there are.
    pub fn steps(&self) -> usize {
        self.input.floats.bounds.len()
    }

    /// Whether any window holds a histogram.
    pub fn any(&self) -> bool {
        self.windows().next().is_some()
    }

    /// The steps whose windows hold histograms.
    pub fn windows(&self) -> impl Iterator<Item = Window> + 'a {
        let floats = self.input.floats.bounds.iter();
        let bounds = floats.zip(self.input.histograms.bounds).enumerate();
        let bounds = bounds.filter(|(_, (_, histograms))| !histograms.is_empty());
        bounds.map(|(step, (floats, histograms))| Window {
            step,
            floats: *floats,
            histograms: histograms.range(),
        })
    }

    /// Some of the histograms in windows, one by one.
    pub fn points(&self, range: Range<usize>) -> &[HistogramRef<'a>] {
        let points = self.points.get_or_init(|| {
            let parts = self.input.histograms.histograms.parts(self.used.clone());
            parts
                .flat_map(|(rows, part)| part.map(|row| rows.row(row)))
                .collect()
        });
        &points[range.start - self.used.start..range.end - self.used.start]
    }

    /// When a histogram is from.
    pub fn time(&self, index: usize) -> i64 {
        self.input.histograms.timestamps[index]
    }

    pub fn started(&self, index: usize) -> Started {
        let start_timestamps = self.input.histograms.start_timestamps;
        Started {
            start: start_timestamps.map_or(0, |start_timestamps| start_timestamps[index]),
            at: self.time(index),
        }
    }

    /// Whether start timestamps show a reset between a histogram and the
    /// next one.
    pub fn starts_anew(&self, index: usize) -> bool {
        self.input.histograms.start_timestamps.is_some()
            && self.started(index + 1).anew_since(self.started(index))
    }

    /// Whether a counter was reset between a histogram in a window and the next
    /// one. That is found once for all windows.
    pub fn is_reset(&self, index: usize) -> bool {
        let resets = self.resets.get_or_init(|| {
            let points = self.points(self.used.clone()).windows(2);
            let pairs = (self.used.start..).zip(points);
            let is_reset = |(index, pair): (usize, &[HistogramRef<'_>])| {
                self.starts_anew(index) || pair[1].is_reset_from(&pair[0])
            };
            pairs.map(is_reset).collect()
        });
        resets[index - self.used.start]
    }

    /// Whether start timestamps in a window overlap.
    pub fn overlaps(&self, mut window: Range<usize>) -> bool {
        window.next();
        self.input.histograms.start_timestamps.is_some()
            && window.into_iter().any(|index| {
                let before = self.started(index - 1);
                self.started(index).overlaps(before)
            })
    }
}
