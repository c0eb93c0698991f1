//! `double_exponential_smoothing`.

use super::function::FloatKernel::WithParams;
use super::function::{HistogramKernel, WindowFunction};
use super::input::{ParamError, WindowInput, required};
use super::native::series::Series;
use crate::grid::Param;

/// `double_exponential_smoothing`
pub static DOUBLE_EXPONENTIAL: WindowFunction = WindowFunction::new(
    WithParams(|input, params, _, out, present| {
        double_exponential(input, both(params)?, out, present)
    }),
    HistogramKernel::IgnoredAfter(|series, params| check_factors(series, both(params)?)),
);

/// The smoothing and the trend factor.
fn both<'a>(params: &[Param<'a>]) -> Result<[Param<'a>; 2], ParamError> {
    Ok([required(params, 0)?, required(params, 1)?])
}

/// Windows that are smoothed at once.
const LANES: usize = 8;

/// The last smoothed value of each window with two samples or more.
///
/// A window's value hangs on all its samples in turn, and each step of that
/// waits for the one before. Windows do not wait for each other, so eight of
/// them are smoothed at once. Bad at few steps, whose lanes stay empty.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
fn double_exponential(
    input: &WindowInput<'_>,
    params: [Param<'_>; 2],
    out: &mut [f64],
    present: &mut [bool],
) -> Result<(), ParamError> {
    let mut lanes = Lanes::new();
    for (i, bounds) in input.bounds.iter().enumerate() {
        present[i] = false;
        if bounds.is_empty() {
            continue;
        }
        let factors = factors(params, i)?;
        if bounds.len() < 2 {
            continue;
        }
        present[i] = true;
        lanes.push(i, &input.values[bounds.range()], factors);
        if lanes.len == LANES {
            lanes.smooth(out);
        }
    }
    lanes.smooth(out);
    Ok(())
}

/// Windows that wait to be smoothed. Lanes from `len` on are not used.
struct Lanes<'a> {
    len: usize,
    steps: [usize; LANES],
    windows: [&'a [f64]; LANES],
    factors: Factors<LANES>,
}

/// The smoothing and the trend factors of some windows.
#[derive(Clone, Copy)]
struct Factors<const N: usize> {
    smoothing: [f64; N],
    trend: [f64; N],
}

/// Where the smoothing of some windows stands.
struct Smoothed<const N: usize> {
    before: [f64; N],
    level: [f64; N],
    slope: [f64; N],
}

impl<'a> Lanes<'a> {
    fn new() -> Self {
        Lanes {
            len: 0,
            steps: [0; LANES],
            windows: [&[]; LANES],
            factors: Factors {
                smoothing: [0.0; LANES],
                trend: [0.0; LANES],
            },
        }
    }

    /// Takes a window of two samples or more.
    fn push(&mut self, step: usize, window: &'a [f64], [smoothing, trend]: [f64; 2]) {
        self.steps[self.len] = step;
        self.windows[self.len] = window;
        self.factors.smoothing[self.len] = smoothing;
        self.factors.trend[self.len] = trend;
        self.len += 1;
    }

    /// Writes the smoothed value of each window, and is empty then.
    fn smooth(&mut self, out: &mut [f64]) {
        let together = match self.len {
            LANES => self.windows.iter().map(|w| w.len()).min().unwrap_or(2),
            _ => 2,
        };
        let begin = self
            .windows
            .map(|window| window.get(..together).unwrap_or(&[0.0; 2]));
        let all = Smoothed::begin(begin, &self.factors);
        for lane in 0..self.len {
            let behind = &self.windows[lane][together..];
            let one = all.lane(lane).advance([behind], &self.factors.lane(lane));
            out[self.steps[lane]] = one.level[0];
        }
        self.len = 0;
    }
}

impl<const N: usize> Factors<N> {
    fn lane(&self, lane: usize) -> Factors<1> {
        Factors {
            smoothing: [self.smoothing[lane]],
            trend: [self.trend[lane]],
        }
    }
}

impl<const N: usize> Smoothed<N> {
    /// Windows of one length, two or more.
    fn begin(windows: [&[f64]; N], factors: &Factors<N>) -> Self {
        let mut begun = Smoothed {
            before: [0.0; N],
            level: windows.map(|window| window[0]),
            slope: windows.map(|window| window[1] - window[0]),
        };
        begun.take(windows.map(|window| window[1]), factors);
        begun.advance(windows.map(|window| &window[2..]), factors)
    }

    /// Further samples of each window, as many of one as of the other.
    fn advance(mut self, windows: [&[f64]; N], factors: &Factors<N>) -> Self {
        let len = windows.first().map_or(0, |window| window.len());
        let windows = windows.map(|window| &window[..len]);
        for at in 0..len {
            for lane in 0..N {
                let (trend, slope) = (factors.trend[lane], self.slope[lane]);
                let gained = self.level[lane] - self.before[lane];
                self.slope[lane] = trend * gained + (1.0 - trend) * slope;
            }
            self.take(windows.map(|window| window[at]), factors);
        }
        self
    }

    /// One sample of each window, after their slopes.
    #[inline(always)]
    fn take(&mut self, values: [f64; N], factors: &Factors<N>) {
        for (lane, value) in values.into_iter().enumerate() {
            let smoothing = factors.smoothing[lane];
            let level = self.level[lane];
            let expected = level + self.slope[lane];
            self.level[lane] = smoothing * value + (1.0 - smoothing) * expected;
            self.before[lane] = level;
        }
    }

    fn lane(&self, lane: usize) -> Smoothed<1> {
        Smoothed {
            before: [self.before[lane]],
            level: [self.level[lane]],
            slope: [self.slope[lane]],
        }
    }
}

/// The two factors at a step.
///
/// # Errors
/// When one is not inside (0, 1).
fn factors(params: [Param<'_>; 2], step: usize) -> Result<[f64; 2], ParamError> {
    let [sf, tf] = params.map(|param| param.at(step));
    if sf <= 0.0 || sf >= 1.0 {
        return Err(ParamError::SmoothingFactor(sf));
    }
    if tf <= 0.0 || tf >= 1.0 {
        return Err(ParamError::TrendFactor(tf));
    }
    Ok([sf, tf])
}

/// Looks at the factors of `double_exponential_smoothing`, which are refused
/// also where there are histograms alone.
///
/// # Errors
/// When a factor is not inside (0, 1) at a step whose window has a sample.
fn check_factors(series: &Series<'_>, params: [Param<'_>; 2]) -> Result<(), ParamError> {
    let bounds = series.input.floats.bounds.iter();
    let bounds = bounds.zip(series.input.histograms.bounds);
    for (step, (floats, histograms)) in bounds.enumerate() {
        if !(floats.is_empty() && histograms.is_empty()) {
            factors(params, step)?;
        }
    }
    Ok(())
}
