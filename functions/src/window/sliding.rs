//! Sliding windows in constant work a step, for anything that can be joined.
//!
//! A window is the join of two states: the `front`, for which there is a
//! state from each of its samples to its end, and the `back`, a running state
//! of what came after. When the window's begin has passed the front, the
//! whole window becomes the new front. So each sample is taken in twice at
//! most, whatever the window's length, and nothing is ever subtracted. (It is
//! van Herk's prefixes and suffixes with block borders that follow the
//! windows, so that windows of changing length cost the same.)
//!
//! Bad at short windows: below some dozens of samples the plain loop wins.

use super::bounds::Bounds;
use super::input::WindowInput;

/// States of several samples that can be joined, the earlier first.
pub(super) trait Fold {
    /// The state of some neighbouring samples.
    type State: Copy;

    /// The state of one sample.
    fn one(value: f64) -> Self::State;

    /// Takes in the sample behind.
    fn push(state: &mut Self::State, value: f64);

    /// Takes in the sample before.
    fn push_front(state: &mut Self::State, value: f64);

    /// The state of both.
    fn join(earlier: Self::State, later: Self::State) -> Self::State;
}

/// Calls `finish` with each window that has a sample, and its state.
pub(super) fn slide<F: Fold>(
    input: &WindowInput<'_>,
    front: &mut Vec<F::State>,
    out: &mut [f64],
    present: &mut [bool],
    mut finish: impl FnMut(Bounds, F::State) -> f64,
) {
    // The front ends at `border`; `front[0]` is the state from `border - 1`
    // on, `front[1]` from `border - 2` on. The back is `border..taken`.
    front.clear();
    let (mut border, mut taken) = (0, 0);
    let mut back: Option<F::State> = None;
    for (i, &bounds) in input.bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if bounds.is_empty() {
            continue;
        }
        let (lo, hi) = (bounds.lo as usize, bounds.hi as usize);
        if lo >= border {
            fill_front::<F>(&input.values[lo..hi], front);
            (border, taken, back) = (hi, hi, None);
        } else {
            for &value in &input.values[taken..hi] {
                match &mut back {
                    Some(state) => F::push(state, value),
                    None => back = Some(F::one(value)),
                }
            }
            taken = hi;
        }
        let earlier = front[border - 1 - lo];
        let state = back.map_or(earlier, |later| F::join(earlier, later));
        out[i] = finish(bounds, state);
    }
}

fn fill_front<F: Fold>(values: &[f64], front: &mut Vec<F::State>) {
    front.clear();
    let mut newest_first = values.iter().rev();
    let Some(&last) = newest_first.next() else {
        return;
    };
    let mut state = F::one(last);
    front.push(state);
    for &value in newest_first {
        F::push_front(&mut state, value);
        front.push(state);
    }
}

/// Whether sliding pays: the longest window has at least `long` samples, and
/// the plain loops would visit each sample more than `visits` times.
pub(super) fn pays(input: &WindowInput<'_>, long: usize, visits: usize) -> bool {
    let (longest, all) = input.lengths();
    longest >= long && all > visits * input.used().len()
}
