//! `topk` and `bottomk`.
//!
//! Which of equal values are selected, and in which order, follows from
//! Prometheus's binary heap. So the heap is replayed here, with the sifting of
//! Go's `container/heap` and the same order of comparisons. The rows of a group
//! are added one after the other, each along all of its steps: one comparison
//! with the heap's worst value is enough to reject a sample.

use crate::grid::Param;

/// Which end of the order is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeepOrder {
    /// The largest: `topk`.
    Top,
    /// The smallest: `bottomk`.
    Bottom,
}

/// A selected sample: its value, and its row's ordinal.
pub type Selected = (f64, u32);

/// One group's best samples at each step.
#[derive(Clone, Debug)]
pub struct TopK {
    order: KeepOrder,
    /// How many samples each step selects.
    limits: Vec<usize>,
    /// A heap for each step, the worst on top.
    heaps: Vec<Vec<Selected>>,
}

impl KeepOrder {
    /// The heap's order: the one to be thrown out first is least, NaN above all.
    #[inline]
    fn less(self, a: f64, b: f64) -> bool {
        let worse = match self {
            KeepOrder::Top => a < b,
            KeepOrder::Bottom => a > b,
        };
        a.is_nan() || worse
    }

    #[inline]
    fn beats(self, value: f64, worst: f64) -> bool {
        let better = match self {
            KeepOrder::Top => worst < value,
            KeepOrder::Bottom => worst > value,
        };
        better || (worst.is_nan() && !value.is_nan())
    }
}

/// How many samples a parameter selects: its whole part, none below 1, and not
/// more than there are `rows`. (NaN and numbers beyond an int64 are errors of
/// the query, before it gets here.)
pub fn limit_of(parameter: f64, rows: usize) -> usize {
    // The cast takes negative numbers and NaN to 0.
    (parameter as usize).min(rows)
}

impl TopK {
    /// An empty group. `parameter` is `k`, `rows` how many rows the
    /// aggregation has in all groups, at least those of this one.
    pub fn new(order: KeepOrder, parameter: Param<'_>, steps: usize, rows: usize) -> Self {
        TopK {
            order,
            limits: (0..steps)
                .map(|step| limit_of(parameter.at(step), rows))
                .collect(),
            heaps: vec![Vec::new(); steps],
        }
    }

    /// Adds a row's samples from `first_step` on; `present` tells which items
    /// are samples, `None` that all are. Rows come in the order of their
    /// ordinals, which decides ties.
    ///
    /// # Panics
    /// If the row reaches beyond the steps.
    pub fn add(&mut self, row: u32, first_step: usize, values: &[f64], present: Option<&[bool]>) {
        let range = first_step..first_step + values.len();
        let steps = self.heaps[range.clone()]
            .iter_mut()
            .zip(&self.limits[range]);
        for (i, ((heap, &limit), &value)) in steps.zip(values).enumerate() {
            if present.is_none_or(|p| p[i]) {
                offer(self.order, limit, heap, (value, row));
            }
        }
    }

    /// The selected samples of a step, best first.
    pub fn finish_step(&mut self, step: usize) -> &[Selected] {
        let heap = &mut self.heaps[step];
        best_first(self.order, heap);
        heap
    }

    /// Bytes that the kept samples occupy.
    pub fn bytes(&self) -> usize {
        let kept: usize = self.heaps.iter().map(Vec::capacity).sum();
        kept * size_of::<Selected>()
            + self.heaps.len() * (size_of::<Vec<Selected>>() + size_of::<usize>())
    }
}

/// Keeps `k` of one step's samples (in the order of their rows), best first.
pub fn top_k(order: KeepOrder, k: usize, samples: impl Iterator<Item = Selected>) -> Vec<Selected> {
    let mut heap = Vec::new();
    samples.for_each(|sample| offer(order, k, &mut heap, sample));
    best_first(order, &mut heap);
    heap
}

/// The samples in the order that a heap of them has, as `limitk` gives them.
pub fn heap_order(samples: impl Iterator<Item = Selected>) -> Vec<Selected> {
    let mut heap = Vec::new();
    for sample in samples {
        heap.push(sample);
        sift_up(KeepOrder::Top, &mut heap);
    }
    heap
}

#[inline]
fn offer(order: KeepOrder, limit: usize, heap: &mut Vec<Selected>, sample: Selected) {
    if heap.len() < limit {
        heap.push(sample);
        sift_up(order, heap);
    } else if heap
        .first()
        .is_some_and(|worst| order.beats(sample.0, worst.0))
    {
        heap[0] = sample;
        sift_down(order, heap);
    }
}

fn sift_up(order: KeepOrder, heap: &mut [Selected]) {
    let mut child = heap.len() - 1;
    while child > 0 {
        let parent = (child - 1) / 2;
        if !order.less(heap[child].0, heap[parent].0) {
            break;
        }
        heap.swap(child, parent);
        child = parent;
    }
}

fn sift_down(order: KeepOrder, heap: &mut [Selected]) {
    let mut parent = 0;
    loop {
        let (left, right) = (2 * parent + 1, 2 * parent + 2);
        if left >= heap.len() {
            return;
        }
        let right_is_less = right < heap.len() && order.less(heap[right].0, heap[left].0);
        let child = if right_is_less { right } else { left };
        if !order.less(heap[child].0, heap[parent].0) {
            return;
        }
        heap.swap(child, parent);
        parent = child;
    }
}

/// Up to this length Go's `sort.Sort` is an insertion sort, whose order of
/// ties is replayed. In longer results ties come out by row.
const INSERTION_SORT: usize = 12;

fn best_first(order: KeepOrder, items: &mut [Selected]) {
    let before = |a: Selected, b: Selected| order.less(b.0, a.0);
    if items.len() > INSERTION_SORT {
        return items.sort_by(|a, b| {
            let nan_last = a.0.is_nan().cmp(&b.0.is_nan());
            let by_value = match order {
                KeepOrder::Top => b.0.partial_cmp(&a.0),
                KeepOrder::Bottom => a.0.partial_cmp(&b.0),
            };
            nan_last
                .then(by_value.unwrap_or(std::cmp::Ordering::Equal))
                .then(a.1.cmp(&b.1))
        });
    }
    for i in 1..items.len() {
        let mut j = i;
        while j > 0 && before(items[j], items[j - 1]) {
            items.swap(j, j - 1);
            j -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(order: KeepOrder, k: usize, values: &[f64]) -> Vec<Selected> {
        top_k(order, k, values.iter().copied().zip(0..))
    }

    #[test]
    fn not_a_number_comes_last() {
        let values = [f64::NAN, 1.0, 3.0, 2.0];
        assert_eq!(run(KeepOrder::Top, 2, &values), [(3.0, 2), (2.0, 3)]);
        assert_eq!(run(KeepOrder::Bottom, 2, &values), [(1.0, 1), (2.0, 3)]);
        let all = run(KeepOrder::Top, 9, &values);
        assert!(all.len() == 4 && all[3].0.is_nan());
        assert!(run(KeepOrder::Top, 0, &values).is_empty());
    }

    /// By hand, from the heap: of equal values the first rows stay, and the
    /// swaps of the heap and of the insertion sort order them.
    #[test]
    fn ties_come_out_as_the_heap_leaves_them() {
        let rows = |kept: Vec<Selected>| kept.into_iter().map(|k| k.1).collect::<Vec<_>>();
        assert_eq!(rows(run(KeepOrder::Top, 2, &[1.0, 1.0, 1.0])), [0, 1]);
        // The heap is 0 1 2, then 2 takes the place of 0: 3 1 2.
        assert_eq!(
            rows(run(KeepOrder::Top, 3, &[1.0, 1.0, 1.0, 2.0])),
            [3, 1, 2]
        );
        assert_eq!(
            rows(run(KeepOrder::Bottom, 2, &[2.0, 1.0, 1.0, 1.0])),
            [2, 1]
        );
    }

    #[test]
    fn limits_are_whole_numbers_of_rows() {
        for (parameter, limit) in [
            (2.9, 2),
            (0.9, 0),
            (-3.0, 0),
            (f64::NAN, 0),
            (1e18, 7),
            (f64::INFINITY, 7),
        ] {
            assert_eq!(limit_of(parameter, 7), limit);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn keeps_the_best(values in proptest::collection::vec(-20i32..20, 0..60), k in 0usize..30) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let value = |kept: Vec<Selected>| kept.into_iter().map(|k| k.0).collect::<Vec<_>>();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let smallest: Vec<f64> = sorted.iter().copied().take(k).collect();
            prop_assert_eq!(value(run(KeepOrder::Bottom, k, &values)), smallest);
            let largest: Vec<f64> = sorted.iter().rev().copied().take(k).collect();
            prop_assert_eq!(value(run(KeepOrder::Top, k, &values)), largest);
        }

        #[test]
        fn rows_are_as_one_step_after_the_other(
            rows in proptest::collection::vec(
                (0usize..3, proptest::collection::vec(proptest::option::of(0i32..4), 0..4)), 0..12),
            limits in proptest::collection::vec(-1f64..9.0, 6),
        ) {
            let mut group = TopK::new(KeepOrder::Top, Param::PerStep(&limits), 6, rows.len());
            for (row, (first, items)) in rows.iter().enumerate() {
                let values: Vec<f64> = items.iter().map(|v| f64::from(v.unwrap_or(99))).collect();
                let present: Vec<bool> = items.iter().map(Option::is_some).collect();
                let all = present.iter().all(|&p| p);
                group.add(row as u32, *first, &values, (!all).then_some(&present[..]));
            }
            for (step, &limit) in limits.iter().enumerate() {
                let samples = rows.iter().zip(0u32..).filter_map(|((first, items), row)| {
                    let value = (*items.get(step.checked_sub(*first)?)?)?;
                    Some((f64::from(value), row))
                });
                let want = top_k(KeepOrder::Top, limit_of(limit, rows.len()), samples);
                prop_assert_eq!(group.finish_step(step), &want[..]);
            }
        }
    }
}
