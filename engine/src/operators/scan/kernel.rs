//! Runs the kernel of a window function over one series, at the steps that its
//! samples reach: a series that lived for minutes costs no more in a query of
//! days.

use std::ops::Range;

use quarrel_functions::grid::{Grid, Param};
use quarrel_functions::histogram::native::StepHistograms;
use quarrel_functions::table::{Downsampled, WindowKind};
use quarrel_functions::window::{
    Bounds, HistogramInput, MixedInput, MixedOutput, ParamError, WindowAnnotations, WindowFunction,
    WindowInput, WindowScratch, compute_bounds, latest, latest_start, latest_timestamp, smoothed,
    smoothed_mixed, weighted_average,
};

use smallvec::SmallVec;

use super::WindowKernel;
use super::histogram_samples::HistogramSamples;
use super::samples::SampleColumns;
use super::stale::{STALE_NAN, is_stale};
use crate::exec::step_counts::StepSamples;

/// Buffers of one thread for running kernels.
#[derive(Debug, Default)]
pub(crate) struct KernelScratch {
    bounds: Vec<Bounds>,
    histogram_bounds: Vec<Bounds>,
    window: WindowScratch,
    /// The steps that the samples reach.
    steps: Range<usize>,
    values: Vec<f64>,
    present: Vec<bool>,
    /// The histograms, by their step on the whole grid.
    pub histograms: StepHistograms,
    /// The annotations on the windows.
    pub annotations: WindowAnnotations,
}

impl KernelScratch {
    /// Buffers for `steps` steps.
    pub fn new(steps: usize) -> Self {
        KernelScratch {
            values: vec![0.0; steps],
            present: vec![false; steps],
            ..KernelScratch::default()
        }
    }

    /// Bytes that buffers for `steps` steps take.
    pub fn bytes(steps: usize) -> usize {
        steps * (size_of::<Bounds>() + size_of::<f64>() + size_of::<bool>())
    }

    /// About the bytes of the histograms that `steps` steps give, of which there
    /// are two copies before a batch is full, and of what is looked at for them.
    pub fn histogram_bytes(samples: &HistogramSamples, steps: usize) -> usize {
        match samples.timestamps.len() {
            0 => 0,
            count => steps * (2 * (samples.column.bytes() / count) + size_of::<Bounds>()),
        }
    }

    /// The first step of the last run's result.
    pub fn first_step(&self) -> usize {
        self.steps.start
    }

    /// The last run's result: one value for each step that samples reach.
    pub fn values(&self) -> &[f64] {
        &self.values[..self.steps.len()]
    }

    /// Whether these steps have a float.
    pub fn present(&self) -> &[bool] {
        &self.present[..self.steps.len()]
    }

    /// Runs the kernel over one series; `values`, `present` and `histograms`
    /// have the result. Gives the samples of all windows together.
    ///
    /// # Errors
    /// When a parameter is one that the function refuses.
    pub fn run(
        &mut self,
        windows: &WindowKernel,
        samples: &SampleColumns,
        params: &[Param<'_>],
    ) -> Result<u64, ParamError> {
        self.steps = reached(windows, samples);
        if self.steps.len() == windows.eval.len {
            return self.run_reached(windows, samples, params);
        }
        let part = |grid: Grid| grid.part(self.steps.clone());
        let mut reached = windows.clone();
        reached.over.ends = part(windows.over.ends);
        reached.eval = part(windows.eval);
        let params: SmallVec<[Param<'_>; 2]> = (params.iter())
            .map(|param| param.part(self.steps.clone()))
            .collect();
        let counted = self.run_reached(&reached, samples, &params)?;
        self.histograms.shift(self.steps.start);
        Ok(counted)
    }

    /// Runs the kernel at the steps of `windows`, which are those of
    /// `self.steps`.
    fn run_reached(
        &mut self,
        windows: &WindowKernel,
        samples: &SampleColumns,
        params: &[Param<'_>],
    ) -> Result<u64, ParamError> {
        let (ends, range_ms) = windows.over.widened();
        let (timestamps, values) = (&samples.timestamps, &samples.values);
        compute_bounds(timestamps, ends, range_ms, &mut self.bounds);
        self.histograms.clear();
        self.annotations = WindowAnnotations::default();
        let mixed = !samples.histograms.is_empty();
        if mixed {
            let times = &samples.histograms.timestamps;
            compute_bounds(times, ends, range_ms, &mut self.histogram_bounds);
        }
        let input = WindowInput {
            raised_by: samples.raised_by(),
            timestamps,
            values,
            bounds: &self.bounds,
            ends: windows.over.ends,
            range_ms: windows.over.range_ms,
            start_timestamps: samples.start_timestamps.as_deref(),
            extension: windows.over.extension,
            eval: windows.eval,
        };
        if windows.function.wants_counter() && windows.over.extension.is_none() {
            // A window with histograms among its floats has no growth.
            let floats_alone = |step: usize| !mixed || self.histogram_bounds[step].is_empty();
            self.annotations
                .add_overlaps(input.start_overlaps(floats_alone));
        }
        let steps = self.steps.len();
        let (out, present) = (&mut self.values[..steps], &mut self.present[..steps]);
        match windows.function {
            WindowKind::Latest => latest(&input, out, present),
            WindowKind::LatestTimestamp | WindowKind::InfoTime => {
                latest_timestamp(&input, out, present)
            }
            WindowKind::LatestStart => latest_start(&input, out, present),
            WindowKind::Smoothed | WindowKind::Function(..) if mixed => {
                let input = MixedInput {
                    floats: input,
                    histograms: HistogramInput {
                        timestamps: &samples.histograms.timestamps,
                        start_timestamps: windows
                            .start_timestamps
                            .then_some(&samples.histograms.start_timestamps),
                        histograms: &samples.histograms.column,
                        bounds: &self.histogram_bounds,
                    },
                };
                let mut out = MixedOutput {
                    values: out,
                    present,
                    histograms: &mut self.histograms,
                    annotations: &mut self.annotations,
                };
                match windows.function {
                    WindowKind::Function(_, function) => {
                        let function = windows.over_windows(function, samples);
                        function.eval_mixed(&input, params, &mut self.window, &mut out)?;
                    }
                    _ => smoothed_mixed(&input, &mut out),
                }
                if samples.has_windows && windows.downsampled == Downsampled::WeightedAverage {
                    self.divide_sums(samples);
                }
                return Ok(count(&self.bounds) + count(&self.histogram_bounds));
            }
            WindowKind::Smoothed => smoothed(&input, out, present),
            WindowKind::Function(..) if let Some(weights) = samples.weights() => {
                weighted_average(&input, weights, &mut self.window, out, present)?;
                return Ok(count(&self.bounds));
            }
            WindowKind::Function(_, function) => {
                let function = windows.over_windows(function, samples);
                function.eval(&input, params, &mut self.window, out, present)?;
                return Ok(count(&self.bounds));
            }
        }
        if mixed {
            self.latest_histograms(windows, timestamps, &samples.histograms);
        }
        let floats = self.present().iter().filter(|&&p| p).count();
        Ok((floats + self.histograms.steps().len()) as u64)
    }

    /// Divides sums of floats or of histograms by the number of samples that they are
    /// sums of.
    fn divide_sums(&mut self, samples: &SampleColumns) {
        let (floats, histograms) = (&self.bounds, &self.histogram_bounds);
        for (step, value) in self.values.iter_mut().take(floats.len()).enumerate() {
            if self.present[step] {
                *value /= samples.beside[floats[step].range()].iter().sum::<f64>();
            }
        }
        let sums = std::mem::take(&mut self.histograms);
        for (step, h) in sums.iter() {
            let times = &samples.histograms.timestamps[histograms[step].range()];
            let weights = times.iter().map(|&time| samples.histogram_weight(time));
            let weight = weights.sum();
            (self.histograms).push_with(step, |column| column.push_divided(&h, weight));
        }
    }

    /// Adds the samples that the last run looked at, step by step.
    pub fn count_steps(
        &self,
        windows: &WindowKernel,
        samples: &SampleColumns,
        out: &mut StepSamples,
    ) {
        let first = self.steps.start;
        match windows.function {
            WindowKind::Function(..) => self.count_windows(windows, samples, out),
            // Prometheus does not count these.
            WindowKind::Smoothed => {}
            WindowKind::LatestStart => {
                let steps = 0..self.bounds.len();
                let seen = steps.filter(|&step| self.has_latest(samples, step));
                seen.for_each(|step| out.add_fresh(first + step, 1));
            }
            WindowKind::Latest | WindowKind::LatestTimestamp | WindowKind::InfoTime => {
                let floats = self.present().iter().enumerate().filter(|(_, p)| **p);
                floats.for_each(|(step, _)| out.add_fresh(first + step, 1));
                for (step, h) in self.histograms.iter() {
                    out.add_fresh(step, h.size_in_samples());
                }
            }
        }
    }

    /// Whether a step has a latest sample that is not stale.
    fn has_latest(&self, samples: &SampleColumns, step: usize) -> bool {
        let SampleColumns {
            timestamps,
            values,
            histograms,
            ..
        } = samples;
        let last = |bounds: &Bounds| (!bounds.is_empty()).then(|| bounds.last());
        let float = last(&self.bounds[step]);
        let known = self.histogram_bounds.get(step);
        let histogram = known.filter(|_| !histograms.is_empty()).and_then(last);
        match (float, histogram) {
            (None, None) => false,
            (Some(i), histogram)
                if histogram.is_none_or(|h| histograms.timestamps[h] < timestamps[i]) =>
            {
                values[i].to_bits() != STALE_NAN
            }
            (_, Some(h)) => !is_stale(&histograms.column.get(h)),
            (Some(_), None) => false,
        }
    }

    fn count_windows(
        &self,
        windows: &WindowKernel,
        samples: &SampleColumns,
        out: &mut StepSamples,
    ) {
        let histograms = &samples.histograms;
        let (ends, _) = windows.over.widened();
        for (number, bounds) in self.bounds.iter().enumerate() {
            let step = self.steps.start + number;
            // What the step before has looked at.
            let known = match number {
                0 => i64::MIN,
                _ if ends.step_ms == 0 => i64::MAX,
                _ => ends.at(step).saturating_sub(ends.step_ms),
            };
            let floats = &samples.timestamps[bounds.range()];
            out.total[step] += floats.len() as u64;
            out.read[step] += (floats.len() - floats.partition_point(|&t| t <= known)) as u64;
            if histograms.is_empty() {
                continue;
            }
            for i in self.histogram_bounds[number].range() {
                let size = histograms.column.get(i).size_in_samples();
                out.total[step] += size;
                if histograms.timestamps[i] > known {
                    out.read[step] += size;
                }
            }
        }
    }

    /// Whether any step has a float.
    pub fn has_floats(&self) -> bool {
        self.present().contains(&true)
    }

    /// Corrects the steps at which a histogram is later than the last float.
    fn latest_histograms(
        &mut self,
        windows: &WindowKernel,
        floats: &[i64],
        samples: &HistogramSamples,
    ) {
        let steps = self.bounds.len();
        // Samples at consecutive steps, which are copied together.
        let (mut picked, mut behind) = (0..0, 0);
        let bounds = self.bounds.iter().zip(&self.histogram_bounds);
        for (step, (float, histogram)) in bounds.enumerate() {
            if histogram.is_empty() {
                continue;
            }
            let time = samples.timestamps[histogram.last()];
            if !float.is_empty() && floats[float.last()] > time {
                continue;
            }
            self.present[step] = false;
            let h = samples.column.get(histogram.last());
            if is_stale(&h) {
                continue;
            }
            let number = match windows.function {
                WindowKind::LatestTimestamp => time,
                WindowKind::LatestStart if windows.start_timestamps => {
                    samples.start_timestamps[histogram.last()]
                }
                WindowKind::LatestStart => continue,
                _ => {
                    let sample = histogram.last();
                    if (picked.end, behind) != (sample, step) {
                        let first = behind - picked.len();
                        self.histograms
                            .extend_from(first, &samples.column, picked, steps);
                        picked = sample..sample;
                    }
                    (picked.end, behind) = (sample + 1, step + 1);
                    continue;
                }
            };
            self.present[step] = true;
            self.values[step] = number as f64 / 1000.0;
        }
        let first = behind - picked.len();
        self.histograms
            .extend_from(first, &samples.column, picked, steps);
    }
}

impl WindowKernel {
    /// The function to run where samples may be those of downsampled windows.
    fn over_windows(
        &self,
        function: &'static WindowFunction,
        samples: &SampleColumns,
    ) -> &'static WindowFunction {
        match samples.has_windows {
            true => self.downsampled.kernel(function),
            false => function,
        }
    }
}

/// The steps whose windows can hold any of the samples; all where all windows
/// end at one time.
fn reached(windows: &WindowKernel, samples: &SampleColumns) -> Range<usize> {
    let (ends, range_ms) = windows.over.widened();
    if windows.eval.len <= 1 || ends.step_ms == 0 {
        return 0..windows.eval.len;
    }
    let (floats, histograms) = (&samples.timestamps, &samples.histograms.timestamps);
    let firsts = [floats.first(), histograms.first()];
    let lasts = [floats.last(), histograms.last()];
    let (first, last) = (
        firsts.into_iter().flatten().min(),
        lasts.into_iter().flatten().max(),
    );
    match (first, last) {
        (Some(&first), Some(&last)) => {
            ends.steps_within(first, last.saturating_add(range_ms).saturating_sub(1))
        }
        _ => 0..0,
    }
}

/// The samples of all windows together.
fn count(bounds: &[Bounds]) -> u64 {
    bounds.iter().map(|b| b.len() as u64).sum()
}
