//! The accumulator of one group, for every aggregator that folds.
//!
//! It covers the steps from the first to the last that any of its series has, so
//! that series that live shortly cost their own steps alone.

use std::ops::Range;

use super::widen::widen;
use super::{extreme::Extreme, mean::MeanRow, sum::SumRow, variance::Variance};

/// The aggregators that fold one series after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are PromQL's aggregators
pub enum AggregateFunction {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
}

/// One group's state at a run of steps.
#[derive(Clone, Debug)]
pub struct Accumulator {
    /// The first step that it covers.
    first: usize,
    /// How many samples each covered step has seen.
    counts: Vec<u32>,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Sum(SumRow),
    Avg(MeanRow),
    Extreme(Extreme),
    Count,
    Group,
    Variance { row: Variance, root: bool },
}

impl Accumulator {
    /// An empty group, which covers no step.
    pub fn new(function: AggregateFunction) -> Self {
        use AggregateFunction as F;
        let state = match function {
            F::Sum => State::Sum(SumRow::default()),
            F::Avg => State::Avg(MeanRow::default()),
            F::Min => State::Extreme(Extreme::new(false)),
            F::Max => State::Extreme(Extreme::new(true)),
            F::Count => State::Count,
            F::Group => State::Group,
            F::Stddev => State::Variance {
                row: Variance::default(),
                root: true,
            },
            F::Stdvar => State::Variance {
                row: Variance::default(),
                root: false,
            },
        };
        Accumulator {
            first: 0,
            counts: Vec::new(),
            state,
        }
    }

    /// Makes the group empty again; it keeps its buffers.
    pub fn clear(&mut self) {
        self.counts.clear();
        match &mut self.state {
            State::Sum(row) => row.clear(),
            State::Avg(row) => row.clear(),
            State::Extreme(row) => row.clear(),
            State::Variance { row, .. } => row.clear(),
            State::Count | State::Group => {}
        }
    }

    /// Bytes that the state of `steps` covered steps needs, for reserving them
    /// first.
    pub fn bytes(function: AggregateFunction, steps: usize) -> usize {
        use AggregateFunction as F;
        steps
            * match function {
                F::Count | F::Group => 4,
                F::Min | F::Max => 12,
                F::Sum | F::Stddev | F::Stdvar => 20,
                F::Avg => 21,
            }
    }

    /// Whether a step has seen any sample.
    pub fn has(&self, step: usize) -> bool {
        let place = step.checked_sub(self.first);
        place.is_some_and(|i| self.counts.get(i).is_some_and(|&count| count > 0))
    }

    /// The steps that it covers.
    pub fn covered(&self) -> Range<usize> {
        self.first..self.first + self.counts.len()
    }

    /// The steps, out of `steps`, that it had best cover to take in a row at
    /// `row`: the row's and its own, and some more in the direction in which it
    /// grows, so that many small steps of growth stay cheap.
    pub fn coverage_for(&self, row: Range<usize>, steps: usize) -> Range<usize> {
        let own = self.covered();
        if own.is_empty() || row.is_empty() {
            return if own.is_empty() { row } else { own };
        }
        let more = own.len() / 2;
        let start = match row.start < own.start {
            true => row.start.min(own.start.saturating_sub(more)),
            false => own.start,
        };
        let end = match row.end > own.end {
            true => row.end.max((own.end + more).min(steps)),
            false => own.end,
        };
        start..end
    }

    /// Covers these steps, too, which must hold all that are covered already.
    ///
    /// # Panics
    /// If they do not.
    pub fn cover(&mut self, steps: Range<usize>) {
        let own = self.covered();
        if own == steps {
            return;
        }
        let (before, after) = match own.is_empty() {
            true => (0, steps.len()),
            false => (own.start - steps.start, steps.end - own.end),
        };
        widen(&mut self.counts, before, after, 0);
        match &mut self.state {
            State::Sum(row) => row.widen(before, after),
            State::Avg(row) => row.widen(before, after),
            State::Extreme(row) => row.widen(before, after),
            State::Variance { row, .. } => row.widen(before, after),
            State::Count | State::Group => {}
        }
        self.first = steps.start;
    }

    /// Adds a series' samples from `first_step` on; `present` tells which
    /// items are samples, `None` that all are.
    ///
    /// # Panics
    /// If the row reaches beyond the covered steps, or `present` is not as long as
    /// it.
    pub fn add(&mut self, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        assert!(
            present.is_none_or(|p| p.len() == values.len()),
            "one flag an item"
        );
        let at = first_step - self.first;
        let counts = &mut self.counts[at..at + values.len()];
        match &mut self.state {
            State::Sum(row) => row.add(at, values, present),
            State::Avg(row) => row.add(at, values, present, counts),
            State::Extreme(row) => row.add(at, values, present),
            State::Variance { row, .. } => row.add(at, values, present, counts),
            State::Count | State::Group => {}
        }
        match present {
            None => counts.iter_mut().for_each(|c| *c += 1),
            Some(present) => {
                for (c, &p) in counts.iter_mut().zip(present) {
                    *c += u32::from(p);
                }
            }
        }
    }

    /// Takes in the state of later series. The same parts merged in the same
    /// order give the same bits.
    ///
    /// # Panics
    /// If the other is of another function, or covers other steps beside.
    pub fn merge(&mut self, later: &Accumulator) {
        if later.counts.is_empty() {
            return;
        }
        let at = later.first - self.first;
        let counts = &mut self.counts[at..at + later.counts.len()];
        match (&mut self.state, &later.state) {
            (State::Sum(a), State::Sum(b)) => a.merge(at, b),
            (State::Avg(a), State::Avg(b)) => a.merge(at, b, counts, &later.counts),
            (State::Extreme(a), State::Extreme(b)) => a.merge(at, b),
            (State::Variance { row: a, .. }, State::Variance { row: b, .. }) => {
                a.merge(at, b, counts, &later.counts);
            }
            (State::Count, State::Count) | (State::Group, State::Group) => {}
            (ours, theirs) => panic!("states of one function merge, not {ours:?} and {theirs:?}"),
        }
        for (a, b) in counts.iter_mut().zip(&later.counts) {
            *a += b;
        }
    }

    /// The group's row, from the first covered step to the last.
    ///
    /// # Panics
    /// If `out` and `present` have not one item for each covered step.
    pub fn finish(&self, out: &mut [f64], present: &mut [bool]) {
        let steps = self.counts.len();
        assert_eq!(
            (out.len(), present.len()),
            (steps, steps),
            "one item a step"
        );
        for (p, &c) in present.iter_mut().zip(&self.counts) {
            *p = c > 0;
        }
        match &self.state {
            State::Sum(row) => row.finish(out),
            State::Avg(row) => row.finish(&self.counts, out),
            State::Extreme(row) => row.finish(out),
            State::Count => {
                for (o, &c) in out.iter_mut().zip(&self.counts) {
                    *o = f64::from(c);
                }
            }
            State::Group => out.fill(1.0),
            State::Variance { row, root } => row.finish(*root, &self.counts, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covering(function: AggregateFunction, steps: usize) -> Accumulator {
        let mut accumulator = Accumulator::new(function);
        accumulator.cover(0..steps);
        accumulator
    }

    fn one_step(function: AggregateFunction) -> Accumulator {
        covering(function, 1)
    }

    fn plain(function: AggregateFunction, values: &[f64]) -> f64 {
        use AggregateFunction as F;
        let n = values.len() as f64;
        let sum: f64 = values.iter().sum();
        let variance = values
            .iter()
            .map(|v| (v - sum / n) * (v - sum / n))
            .sum::<f64>()
            / n;
        match function {
            F::Sum => sum,
            F::Avg => sum / n,
            F::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
            F::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            F::Count => n,
            F::Group => 1.0,
            F::Stdvar => variance,
            F::Stddev => variance.sqrt(),
        }
    }

    const ALL: [AggregateFunction; 8] = {
        use AggregateFunction as F;
        [
            F::Sum,
            F::Avg,
            F::Min,
            F::Max,
            F::Count,
            F::Group,
            F::Stddev,
            F::Stdvar,
        ]
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn accumulators_are_as_their_plain_definitions(
            series in proptest::collection::vec(
                (0usize..6, proptest::collection::vec(proptest::option::of(-1000i32..1000), 1..7)),
                1..12),
            cut in 0usize..12,
        ) {
            for function in ALL {
                let mut parts = [Accumulator::new(function), Accumulator::new(function)];
                for (i, (first, row)) in series.iter().enumerate() {
                    let values: Vec<f64> = row.iter().map(|v| f64::from(v.unwrap_or(77))).collect();
                    let present: Vec<bool> = row.iter().map(Option::is_some).collect();
                    let all = present.iter().all(|&p| p);
                    let part = &mut parts[usize::from(i >= cut)];
                    part.cover(part.coverage_for(*first..first + row.len(), 12));
                    part.add(*first, &values, (!all).then_some(&present[..]));
                }
                let [mut total, later] = parts;
                total.cover(total.coverage_for(later.covered(), 12));
                total.merge(&later);
                total.cover(0..12);
                let (mut out, mut present) = ([0.0; 12], [false; 12]);
                total.finish(&mut out, &mut present);
                for step in 0..12usize {
                    let values: Vec<f64> = series
                        .iter()
                        .filter_map(|(first, row)| *row.get(step.checked_sub(*first)?)?)
                        .map(f64::from)
                        .collect();
                    prop_assert_eq!(total.has(step), !values.is_empty());
                    prop_assert_eq!(present[step], !values.is_empty());
                    if present[step] {
                        let want = plain(function, &values);
                        prop_assert!((out[step] - want).abs() <= 1e-9 * (1.0 + want.abs()),
                            "{:?}: {} {}", function, out[step], want);
                    }
                }
            }
        }
    }

    /// One value after the other at one step, as Prometheus does it.
    fn in_sequence(function: AggregateFunction, values: &[f64]) -> f64 {
        use AggregateFunction as F;
        let first = values[0];
        match function {
            F::Min | F::Max => values[1..].iter().fold(first, |best, &v| {
                let wins = if function == F::Max {
                    best < v
                } else {
                    best > v
                };
                if wins || best.is_nan() { v } else { best }
            }),
            F::Sum => values.iter().sum(),
            F::Avg => values.iter().map(|v| v / values.len() as f64).sum(),
            F::Count => values.len() as f64,
            F::Group => 1.0,
            F::Stddev | F::Stdvar => match values.iter().all(|v| v.is_finite()) {
                true => plain(function, values),
                false => f64::NAN,
            },
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn special_values_are_as_one_after_the_other(
            values in proptest::collection::vec(
                proptest::sample::select(&[
                    f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0,
                ][..]),
                1..7),
            cut in 0usize..7,
        ) {
            for function in ALL {
                let mut parts = [one_step(function), one_step(function)];
                for (i, &value) in values.iter().enumerate() {
                    parts[usize::from(i >= cut)].add(0, &[value], None);
                }
                let [mut total, later] = parts;
                total.merge(&later);
                let (mut out, mut present) = ([0.0], [false]);
                total.finish(&mut out, &mut present);
                let want = in_sequence(function, &values);
                let same = out[0] == want || (out[0].is_nan() && want.is_nan())
                    || (out[0] - want).abs() <= 1e-9 * (1.0 + want.abs());
                prop_assert!(present[0] && same, "{:?}: {} {}", function, out[0], want);
            }
        }
    }

    #[test]
    fn not_a_number_is_no_extreme_unless_alone() {
        for function in [AggregateFunction::Min, AggregateFunction::Max] {
            let mut acc = covering(function, 2);
            acc.add(0, &[f64::NAN, f64::NAN], None);
            acc.add(0, &[1.0, f64::NAN], None);
            let mut other = covering(function, 2);
            other.add(0, &[f64::NAN, f64::NAN], None);
            acc.merge(&other);
            let (mut out, mut present) = ([0.0; 2], [false; 2]);
            acc.finish(&mut out, &mut present);
            assert_eq!(out[0], 1.0);
            assert!(out[1].is_nan() && present[1]);
        }
    }

    #[test]
    fn means_survive_overflow_also_when_merged() {
        let mut a = one_step(AggregateFunction::Avg);
        let mut b = one_step(AggregateFunction::Avg);
        for _ in 0..3 {
            a.add(0, &[f64::MAX], None);
            b.add(0, &[f64::MAX], None);
        }
        a.merge(&b);
        let (mut out, mut present) = ([0.0], [false]);
        a.finish(&mut out, &mut present);
        assert!((out[0] / f64::MAX - 1.0).abs() < 1e-12);
    }

    #[test]
    fn infinities_make_a_variance_nan() {
        let mut acc = one_step(AggregateFunction::Stdvar);
        acc.add(0, &[f64::INFINITY], None);
        let (mut out, mut present) = ([0.0], [false]);
        acc.finish(&mut out, &mut present);
        assert!(out[0].is_nan());
    }
}
