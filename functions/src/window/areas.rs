//! Areas under neighbouring samples, which slide from window to window.

use super::sliding::Fold;
use crate::kahan;

/// Areas between neighbours, of which the first lies before the first sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Areas {
    first: kahan::Sum,
    /// Between the window's own samples.
    pub(super) within: kahan::Sum,
}

/// Adds a sum and its rounding error to another.
#[inline]
fn add_sum(sum: &mut kahan::Sum, term: kahan::Sum) {
    sum.add(term.sum);
    sum.compensation += term.compensation;
}

impl Fold for Areas {
    type Item = kahan::Sum;
    type State = Areas;

    fn one(area: kahan::Sum) -> Areas {
        Areas {
            first: area,
            within: kahan::Sum::default(),
        }
    }

    #[inline]
    fn push(state: &mut Areas, area: kahan::Sum) {
        add_sum(&mut state.within, area);
    }

    #[inline]
    fn push_front(state: &mut Areas, area: kahan::Sum) {
        add_sum(&mut state.within, state.first);
        state.first = area;
    }

    #[inline]
    fn join(earlier: Areas, later: Areas) -> Areas {
        let mut areas = earlier;
        add_sum(&mut areas.within, later.first);
        add_sum(&mut areas.within, later.within);
        areas
    }
}
