//! A window function: its kernels, and running them over one series.

use super::extension::Extension;
use super::input::{ParamError, WindowInput};
use super::native::floats::ignore_histograms;
use super::native::series::{MixedInput, MixedOutput, Series};
use super::scratch::WindowScratch;
use crate::grid::Param;

/// The kernels of a window function. Each function is a `static` in the file of
/// its float kernel, and a row of [`crate::table`] names it. Functions are equal
/// if they are the same static.
#[derive(Debug)]
pub struct WindowFunction {
    floats: FloatKernel,
    extended: Option<ExtendedKernel>,
    histograms: HistogramKernel,
    bounds: Option<ParamBounds>,
}

/// The kernel for all steps of one series of floats.
#[derive(Debug)]
pub(super) enum FloatKernel {
    /// From the samples alone.
    Samples(fn(&WindowInput<'_>, &mut [f64], &mut [bool])),
    /// As `Samples`, with buffers.
    Buffered(fn(&WindowInput<'_>, &mut WindowScratch, &mut [f64], &mut [bool])),
    /// With the scalar arguments, which may be refused.
    WithParams(ParamKernel),
}

/// See [`FloatKernel::WithParams`].
type ParamKernel = fn(
    &WindowInput<'_>,
    &[Param<'_>],
    &mut WindowScratch,
    &mut [f64],
    &mut [bool],
) -> Result<(), ParamError>;

/// A kernel for windows that reach beyond their ends.
type ExtendedKernel = fn(&WindowInput<'_>, Extension, &mut WindowScratch, &mut [f64], &mut [bool]);

/// How a function treats windows that hold native histograms.
#[derive(Debug)]
pub(super) enum HistogramKernel {
    /// It is of floats alone. Histograms beside floats are ignored, with an
    /// info annotation.
    Ignored,
    /// As `Ignored`, and parameters are refused also where there are histograms
    /// alone.
    IgnoredAfter(fn(&Series<'_>, &[Param<'_>]) -> Result<(), ParamError>),
    /// Corrects the steps of windows with histograms when the float kernel is
    /// done.
    Corrects(fn(&Series<'_>, &mut MixedOutput<'_>)),
    /// Computes all steps, so that the float kernel does not run.
    Replaces(fn(&Series<'_>, &mut WindowScratch, &mut MixedOutput<'_>)),
}

/// The bounds of a function's first scalar parameter. Outside of them there is
/// a result, and a warning.
#[derive(Clone, Copy, Debug)]
pub struct ParamBounds {
    /// Whether a parameter is within.
    pub holds: fn(f64) -> bool,
    /// The warning, in Prometheus's words.
    pub text: &'static str,
}

impl PartialEq for WindowFunction {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for WindowFunction {}

impl std::hash::Hash for WindowFunction {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::hash(self, state);
    }
}

impl WindowFunction {
    /// A function of windows that end where they end.
    pub(super) const fn new(floats: FloatKernel, histograms: HistogramKernel) -> Self {
        WindowFunction {
            floats,
            extended: None,
            histograms,
            bounds: None,
        }
    }

    /// With a kernel for `anchored` and `smoothed` windows.
    pub(super) const fn extended(mut self, kernel: ExtendedKernel) -> Self {
        self.extended = Some(kernel);
        self
    }

    /// With bounds of the first scalar parameter.
    pub(super) const fn bounded(mut self, bounds: ParamBounds) -> Self {
        self.bounds = Some(bounds);
        self
    }

    /// The bounds of the first scalar parameter, if it has any.
    pub fn param_bounds(&self) -> Option<ParamBounds> {
        self.bounds
    }

    /// Whether windows may be `anchored` or `smoothed`.
    pub fn is_extensible(&self) -> bool {
        self.extended.is_some()
    }

    /// Evaluates the function for all steps of one series. `params` are the
    /// scalar arguments in the order of the signature. Where `present` comes
    /// out false, `out` means nothing.
    ///
    /// # Errors
    /// When a parameter is missing, or is one that the function refuses.
    ///
    /// # Panics
    /// If `out` and `present` have not one item for each of `input.bounds`,
    /// or bounds lie outside of the samples.
    pub fn eval(
        &self,
        input: &WindowInput<'_>,
        params: &[Param<'_>],
        scratch: &mut WindowScratch,
        out: &mut [f64],
        present: &mut [bool],
    ) -> Result<(), ParamError> {
        let samples = input.values.len();
        assert_eq!(input.timestamps.len(), samples, "one value a timestamp");
        let starts = input.start_timestamps.map_or(samples, <[i64]>::len);
        assert_eq!(starts, samples, "one start a timestamp");
        assert_eq!(input.bounds.len(), out.len(), "one item a step");
        assert_eq!(input.bounds.len(), present.len(), "one flag a step");
        if let Some(extension) = input.extension {
            return match self.extended {
                Some(kernel) => {
                    kernel(input, extension, scratch, out, present);
                    Ok(())
                }
                // A query without any step is not refused.
                None if input.bounds.is_empty() => Ok(()),
                None => Err(ParamError::Extended),
            };
        }
        match self.floats {
            FloatKernel::Samples(kernel) => kernel(input, out, present),
            FloatKernel::Buffered(kernel) => kernel(input, scratch, out, present),
            FloatKernel::WithParams(kernel) => {
                return kernel(input, params, scratch, out, present);
            }
        }
        Ok(())
    }

    /// Evaluates the function for all steps of one series, as
    /// [`WindowFunction::eval`] does for floats.
    ///
    /// # Errors
    /// As [`WindowFunction::eval`].
    ///
    /// # Panics
    /// As [`WindowFunction::eval`], for both kinds of samples.
    pub fn eval_mixed(
        &self,
        input: &MixedInput<'_>,
        params: &[Param<'_>],
        scratch: &mut WindowScratch,
        out: &mut MixedOutput<'_>,
    ) -> Result<(), ParamError> {
        let floats = &input.floats;
        let series = Series::new(input);
        if !series.any() {
            return self.eval(floats, params, scratch, out.values, out.present);
        }
        match self.histograms {
            HistogramKernel::Replaces(kernel) => {
                kernel(&series, scratch, out);
                return Ok(());
            }
            HistogramKernel::IgnoredAfter(check) => check(&series, params)?,
            HistogramKernel::Ignored | HistogramKernel::Corrects(_) => {}
        }
        self.eval(floats, params, scratch, out.values, out.present)?;
        match self.histograms {
            HistogramKernel::Corrects(kernel) => kernel(&series, out),
            _ => ignore_histograms(&series, out.annotations),
        }
        Ok(())
    }
}
