//! The extrapolation of many steps at once.
//!
//! Gains, times and counts of some steps lie in small arrays, over which
//! [`Extent::factor`] is branch-free arithmetic. Mostly two of its divisions
//! do not matter: where samples lie about where they were expected, and no
//! counter would fall below zero, nobody looks at what they give. A pass of
//! products over the lanes finds that out.
//!
//! Bad at windows that begin or end in a gap of samples: a single one costs
//! its whole array all divisions.

use super::bounds::Bounds;
use super::extrapolation::Extent;
use super::input::WindowInput;

/// Steps that are gathered before they are computed: six arrays of this length
/// stay in L1.
pub(super) const LANES: usize = 64;

/// By how much products differ at least, relatively, if roundings are not to
/// matter.
const CLEARLY: f64 = 1e-3;

/// Products above this have lost no digits to underflow.
const NORMAL: f64 = 1e-280;

/// Between times that are nearer to 0 than this, ms, a difference is an exact
/// float.
const FAR: i64 = 1 << 50;

/// What the extrapolation of some steps needs. Times are ms.
#[derive(Debug)]
pub(super) struct Lanes {
    pub gained: [f64; LANES],
    pub first_value: [f64; LANES],
    pub to_start: [f64; LANES],
    pub to_end: [f64; LANES],
    pub sampled: [f64; LANES],
    pub gaps: [f64; LANES],
}

/// The beginning and the end of the first window, and the distance of two, ms.
pub(super) struct Edges {
    begin: i64,
    end: i64,
    step: i64,
}

impl Edges {
    /// `None` if they do not lie on a line, or far from 0.
    pub fn of(input: &WindowInput<'_>) -> Option<Edges> {
        let near = |time: i64| -FAR < time && time < FAR;
        let step = match input.ends.step_ms {
            0 => input.eval.step_ms,
            step => step,
        };
        let steps = i64::try_from(input.bounds.len()).ok()?;
        let (begin, end) = input.edges(0);
        let behind = step.checked_mul(steps)?.checked_add(end)?;
        (near(begin) && near(end) && near(behind)).then_some(Edges { begin, end, step })
    }

    #[inline]
    pub fn at(&self, step: usize) -> (i64, i64) {
        let passed = self.step * step as i64;
        (self.begin + passed, self.end + passed)
    }
}

/// What `as` makes of a whole number below 2^51, in a way that vectorizes.
#[inline(always)]
fn float(whole: i64) -> f64 {
    /// In 1.5 * 2^52 the last bit counts 1.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    f64::from_bits((MAGIC.to_bits() as i64).wrapping_add(whole) as u64) - MAGIC
}

impl Lanes {
    pub fn new() -> Lanes {
        let ones = [1.0; LANES];
        Lanes {
            gained: [0.0; LANES],
            first_value: ones,
            to_start: ones,
            to_end: ones,
            sampled: ones,
            gaps: ones,
        }
    }

    /// Gathers steps, from step `from` on, of windows that move by one sample
    /// each; false if these do not.
    #[inline]
    pub fn gather_even(
        &mut self,
        input: &WindowInput<'_>,
        bounds: &[Bounds],
        edges: &Edges,
        from: usize,
    ) -> bool {
        let (len, window) = (bounds.len(), bounds[0]);
        let moved = (0u32..).zip(bounds).fold(false, |moved, (i, b)| {
            moved | (b.lo.wrapping_sub(i) != window.lo) | (b.hi.wrapping_sub(i) != window.hi)
        });
        if moved || window.len() < 2 {
            return false;
        }
        let firsts = window.first()..window.first() + len;
        let lasts = window.last()..window.last() + len;
        let (first_times, last_times) = (
            &input.timestamps[firsts.clone()],
            &input.timestamps[lasts.clone()],
        );
        if first_times[0] <= -FAR || last_times[len - 1] >= FAR {
            return false;
        }
        let (mut begin, mut end) = edges.at(from);
        let times = first_times.iter().zip(last_times);
        let ends = self.to_start.iter_mut().zip(&mut self.to_end);
        for (((to_start, to_end), sampled), (first, last)) in ends.zip(&mut self.sampled).zip(times)
        {
            *to_start = float(first - begin);
            *to_end = float(end - last);
            *sampled = float(last - first);
            begin += edges.step;
            end += edges.step;
        }
        let values = input.values[firsts].iter().zip(&input.values[lasts]);
        let lanes = self.gained.iter_mut().zip(&mut self.first_value);
        for ((gained, first_value), (&first, &last)) in lanes.zip(values) {
            *gained = last - first;
            *first_value = first;
        }
        self.gaps[..len].fill((window.len() - 1) as f64);
        true
    }

    /// Gathers steps; `edges` gives the window's ends.
    #[inline]
    pub fn gather(
        &mut self,
        input: &WindowInput<'_>,
        bounds: &[Bounds],
        present: &mut [bool],
        edges: impl Fn(usize) -> (i64, i64),
    ) {
        for (i, (bounds, present)) in bounds.iter().zip(present).enumerate() {
            *present = bounds.len() >= 2;
            if !*present {
                continue;
            }
            let (first, last) = (bounds.first(), bounds.last());
            let (first_time, last_time) = (input.timestamps[first], input.timestamps[last]);
            let (first_value, last_value) = (input.values[first], input.values[last]);
            let (begin, end) = edges(i);
            self.gained[i] = last_value - first_value;
            self.first_value[i] = first_value;
            self.to_start[i] = first_time.wrapping_sub(begin) as f64;
            self.to_end[i] = end.wrapping_sub(last_time) as f64;
            self.sampled[i] = last_time.wrapping_sub(first_time) as f64;
            self.gaps[i] = (bounds.len() - 1) as f64;
        }
    }

    /// Stretches what was gained between the first and the last sample
    /// towards the window's ends, on any processor.
    #[inline]
    pub fn extrapolate<const COUNTER: bool, const PER_SECOND: bool>(
        &self,
        divisor: f64,
        out: &mut [f64; LANES],
    ) {
        self.extrapolate_by::<COUNTER, PER_SECOND>(divisor, out, |ms| ms / 1000.0);
    }

    /// As [`Lanes::extrapolate`], with a way to make seconds of ms.
    #[inline(always)]
    pub fn extrapolate_by<const COUNTER: bool, const PER_SECOND: bool>(
        &self,
        divisor: f64,
        out: &mut [f64; LANES],
        seconds: impl Fn(f64) -> f64,
    ) {
        let finish =
            |gained: f64, factor: f64| gained * if PER_SECOND { factor / divisor } else { factor };
        if self.reach_ends::<COUNTER>() {
            for (i, out) in out.iter_mut().enumerate() {
                let sampled = seconds(self.sampled[i]);
                let whole = sampled + seconds(self.to_start[i]) + seconds(self.to_end[i]);
                *out = finish(self.gained[i], whole / sampled);
            }
            return;
        }
        for (i, out) in out.iter_mut().enumerate() {
            let extent = Extent {
                to_start: seconds(self.to_start[i]),
                to_end: seconds(self.to_end[i]),
                sampled: seconds(self.sampled[i]),
                gaps: self.gaps[i],
            };
            let factor = extent.factor(COUNTER, self.first_value[i], self.gained[i]);
            *out = finish(self.gained[i], factor);
        }
    }

    /// Whether all steps are certainly stretched right to their windows' ends.
    #[inline(always)]
    fn reach_ends<const COUNTER: bool>(&self) -> bool {
        let mut reach = true;
        for i in 0..LANES {
            let (to_start, sampled, gaps) = (self.to_start[i], self.sampled[i], self.gaps[i]);
            let expected = sampled * (1.1 - CLEARLY);
            reach &=
                (sampled > 0.0) & (to_start * gaps < expected) & (self.to_end[i] * gaps < expected);
            if COUNTER {
                let (first, gained) = (self.first_value[i], self.gained[i]);
                let to_start = (to_start * gained) * (1.0 + CLEARLY) + NORMAL;
                let rises = (gained > 0.0) & (first >= 0.0);
                reach &= !rises | (sampled * first > to_start);
            }
        }
        reach
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => 0.0f64..1e6,
            1 => -1e3f64..1e3,
            1 => proptest::num::f64::ANY,
            1 => prop_oneof![Just(0.0), Just(5e-324), Just(1e-290), Just(f64::MAX)],
        ]
    }

    /// Windows of 5 minutes with a sample each `gap` or so.
    pub fn lanes() -> impl Strategy<Value = Lanes> {
        let lane = (
            number(),
            number(),
            0i64..31_000,
            -10i64..31_000,
            -20i64..=20,
        );
        let odd = prop_oneof![
            Just((1.0, 1.0, 0, 0, 0)),
            (
                number(),
                number(),
                -400_000i64..400_000,
                0i64..400_000,
                -300_000i64..1 << 45
            ),
        ];
        let lanes = proptest::collection::vec(lane, LANES);
        (lanes, proptest::option::of((0..LANES, odd)), any::<bool>()).prop_map(
            |(mut all, odd, is_tame)| {
                if let Some((at, odd)) = odd {
                    all[at] = odd;
                }
                let mut lanes = Lanes::new();
                for (i, (gained, first, to_start, to_end, more)) in all.into_iter().enumerate() {
                    lanes.gained[i] = if is_tame {
                        gained.abs().min(1e3)
                    } else {
                        gained
                    };
                    lanes.first_value[i] = if is_tame { first + 1e3 } else { first };
                    lanes.to_start[i] = to_start as f64;
                    lanes.to_end[i] = to_end as f64;
                    lanes.sampled[i] = (300_000 + more) as f64;
                    lanes.gaps[i] = 10.0;
                }
                lanes
            },
        )
    }

    /// What a step gives by itself, a second.
    pub fn plain<const COUNTER: bool>(lanes: &Lanes, i: usize) -> f64 {
        let extent = Extent {
            to_start: lanes.to_start[i] / 1000.0,
            to_end: lanes.to_end[i] / 1000.0,
            sampled: lanes.sampled[i] / 1000.0,
            gaps: lanes.gaps[i],
        };
        let factor = extent.factor(COUNTER, lanes.first_value[i], lanes.gained[i]);
        lanes.gained[i] * (factor / 300.0)
    }

    proptest! {
        #[test]
        fn whole_numbers_become_floats(whole in -(1i64 << 51) + 1..1i64 << 51) {
            prop_assert_eq!(float(whole), whole as f64);
        }
    }
}
