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
use crate::paths::takes_fast;

/// States of several samples that can be joined, the earlier first.
pub(super) trait Fold {
    /// What counts of a sample.
    type Item: Copy;

    /// The state of some neighbouring samples.
    type State: Copy;

    /// The state of one sample.
    fn one(item: Self::Item) -> Self::State;

    /// Takes in the sample behind.
    fn push(state: &mut Self::State, item: Self::Item);

    /// Takes in the sample before.
    fn push_front(state: &mut Self::State, item: Self::Item);

    /// The state of both.
    fn join(earlier: Self::State, later: Self::State) -> Self::State;
}

/// Calls `finish` with each window that has a sample, and its state.
pub(super) fn slide<F: Fold<Item = f64>>(
    input: &WindowInput<'_>,
    front: &mut Vec<F::State>,
    out: &mut [f64],
    present: &mut [bool],
    finish: impl FnMut(Bounds, F::State) -> f64,
) {
    slide_over::<F>(
        input.bounds,
        |i| input.values[i],
        front,
        out,
        present,
        finish,
    );
}

/// As [`slide`], for what `item` gives of each sample.
pub(super) fn slide_over<F: Fold>(
    bounds: &[Bounds],
    item: impl Fn(usize) -> F::Item,
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
    for (i, &bounds) in bounds.iter().enumerate() {
        present[i] = !bounds.is_empty();
        if bounds.is_empty() {
            continue;
        }
        let (lo, hi) = (bounds.lo as usize, bounds.hi as usize);
        if lo >= border {
            fill_front::<F>((lo..hi).rev().map(&item), front);
            (border, taken, back) = (hi, hi, None);
        } else {
            for item in (taken..hi).map(&item) {
                match &mut back {
                    Some(state) => F::push(state, item),
                    None => back = Some(F::one(item)),
                }
            }
            taken = hi;
        }
        let earlier = front[border - 1 - lo];
        let state = back.map_or(earlier, |later| F::join(earlier, later));
        out[i] = finish(bounds, state);
    }
}

fn fill_front<F: Fold>(mut newest_first: impl Iterator<Item = F::Item>, front: &mut Vec<F::State>) {
    front.clear();
    let Some(last) = newest_first.next() else {
        return;
    };
    let mut state = F::one(last);
    front.push(state);
    front.extend(newest_first.map(|item| {
        F::push_front(&mut state, item);
        state
    }));
}

/// Whether sliding pays: the longest window has at least `long` samples, and
/// the plain loops would visit each sample more than `visits` times.
pub(super) fn pays(input: &WindowInput<'_>, long: usize, visits: usize) -> bool {
    let (longest, all) = input.lengths();
    takes_fast(longest >= long && all > visits * input.used().len())
}
