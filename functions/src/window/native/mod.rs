//! Window functions over series that hold native histograms, alone or among
//! floats.
//!
//! Floats and histograms of a series are columns of their own, and so are the
//! bounds of their windows. Windows without histograms are those of the float
//! kernels, which run first; what histograms change in the others is corrected
//! after that. A window whose histograms lie in one run of the column is a
//! pass over dense rows ([`RowWindows`](crate::histogram::native::RowWindows)),
//! others go by way of single histograms.

mod annotations;
mod floats;
mod instant;
mod output;
mod pairs;
mod rate;
mod runs;
mod simple;
mod smoothed;
mod sums;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::ops::Range;

pub use annotations::{WindowAnnotation, WindowAnnotations};
pub use smoothed::smoothed_mixed;

use self::pairs::Pairs;
use self::rate::Rate;
use super::start_timestamps::Started;
use super::{Bounds, Param, ParamError, WindowFunction, WindowInput, WindowScratch, used};
use crate::histogram::native::{
    Growth, HistogramColumn, HistogramRef, StepAggregate, StepHistograms,
};

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

/// What comes out for a row. At a step there is a float, which `present`
/// marks, or a histogram, or nothing.
#[derive(Debug)]
pub struct MixedOutput<'a> {
    /// One value a step.
    pub values: &'a mut [f64],
    /// Whether the step has a float.
    pub present: &'a mut [bool],
    /// The histograms, to which this row's are appended.
    pub histograms: &'a mut StepHistograms,
    /// What users should know.
    pub annotations: &'a mut WindowAnnotations,
}

impl WindowFunction {
    /// Evaluates the function for all steps of one series, as
    /// [`WindowFunction::eval`] does for floats.
    ///
    /// # Errors
    /// As [`WindowFunction::eval`].
    ///
    /// # Panics
    /// As [`WindowFunction::eval`], for both kinds of samples.
    pub fn eval_mixed(
        self,
        input: &MixedInput<'_>,
        params: &[Param<'_>],
        scratch: &mut WindowScratch,
        out: &mut MixedOutput<'_>,
    ) -> Result<(), ParamError> {
        use WindowFunction as W;
        let floats = &input.floats;
        let series = Series::new(input);
        if !series.any() {
            return self.eval(floats, params, scratch, out.values, out.present);
        }
        let pairs = match self {
            W::Changes => Some(Pairs::Changes),
            W::Resets => Some(Pairs::Resets),
            _ => None,
        };
        if let Some(pairs) = pairs {
            pairs::count(&series, pairs, scratch, out);
            return Ok(());
        }
        if let (W::DoubleExponentialSmoothing, &[smoothing, trend, ..]) = (self, params) {
            floats::check_factors(&series, [smoothing, trend])?;
        }
        self.eval(floats, params, scratch, out.values, out.present)?;
        match self {
            W::Changes | W::Resets => {}
            W::Rate => rate::eval(&series, Rate::PER_SECOND, out),
            W::Increase => rate::eval(&series, Rate::INCREASE, out),
            W::Delta => rate::eval(&series, Rate::DELTA, out),
            W::Irate => instant::last_two(&series, Growth::Counter, out),
            W::Idelta => instant::last_two(&series, Growth::Gauge, out),
            W::Sum => sums::aggregate(&series, StepAggregate::Sum, out),
            W::Avg => sums::aggregate(&series, StepAggregate::Mean, out),
            W::Count => simple::count(&series, out),
            W::Present => simple::present(&series, out),
            W::Last => simple::last(&series, out),
            W::First => simple::first(&series, out),
            W::TsOfFirst => simple::time_of_first(&series, out),
            W::TsOfLast => simple::time_of_last(&series, out),
            W::Deriv
            | W::PredictLinear
            | W::Min
            | W::Max
            | W::Stddev
            | W::Stdvar
            | W::Quantile
            | W::Mad
            | W::TsOfMax
            | W::TsOfMin
            | W::DoubleExponentialSmoothing
            | W::Integral => floats::ignore_histograms(&series, out.annotations),
        }
        Ok(())
    }
}

/// A step whose window holds histograms.
struct Window {
    step: usize,
    /// Its floats.
    floats: Bounds,
    /// Its histograms.
    histograms: Range<usize>,
}

/// The samples of a series, and what is prepared of them.
struct Series<'a> {
    input: &'a MixedInput<'a>,
    /// The histograms in any window.
    used: Range<usize>,
    points: OnceCell<Vec<HistogramRef<'a>>>,
}

impl<'a> Series<'a> {
    fn new(input: &'a MixedInput<'a>) -> Self {
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
        }
    }

    /// Whether any window holds a histogram.
    fn any(&self) -> bool {
        self.windows().next().is_some()
    }

    /// The steps whose windows hold histograms.
    fn windows(&self) -> impl Iterator<Item = Window> + 'a {
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
    fn points(&self, range: Range<usize>) -> &[HistogramRef<'a>] {
        let points = self.points.get_or_init(|| {
            let parts = self.input.histograms.histograms.parts(self.used.clone());
            parts
                .flat_map(|(rows, part)| part.map(|row| rows.row(row)))
                .collect()
        });
        &points[range.start - self.used.start..range.end - self.used.start]
    }

    /// When a histogram is from.
    fn time(&self, index: usize) -> i64 {
        self.input.histograms.timestamps[index]
    }

    fn started(&self, index: usize) -> Started {
        let start_timestamps = self.input.histograms.start_timestamps;
        Started {
            start: start_timestamps.map_or(0, |start_timestamps| start_timestamps[index]),
            at: self.time(index),
        }
    }

    /// Whether start timestamps tell of a reset between a histogram and the
    /// next one.
    fn starts_anew(&self, index: usize) -> bool {
        self.input.histograms.start_timestamps.is_some()
            && self.started(index + 1).anew_since(self.started(index))
    }

    /// Whether start timestamps in a window overlap.
    fn overlaps(&self, mut window: Range<usize>) -> bool {
        window.next();
        self.input.histograms.start_timestamps.is_some()
            && window.into_iter().any(|index| {
                let before = self.started(index - 1);
                self.started(index).overlaps(before)
            })
    }
}
