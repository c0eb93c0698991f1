//! `topk` and `bottomk` at one step.
//!
//! Which of equal values stay, and in which order they come out, follows from
//! the reference's binary heap; so the heap is replayed here, with the same
//! sifting as Go's `container/heap`, and the same order of comparisons.

/// Which end is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// The largest.
    Top,
    /// The smallest.
    Bottom,
}

type Item = (f64, u32);

impl TopK {
    /// The heap's order: the one to be thrown out first is least, NaN above all.
    fn less(self, a: f64, b: f64) -> bool {
        a.is_nan() || if self == TopK::Top { a < b } else { a > b }
    }
}

/// Keeps `k` of the samples (value and row, in the order of the rows), best first.
pub fn top_k(kind: TopK, k: usize, samples: impl Iterator<Item = Item>, out: &mut Vec<Item>) {
    out.clear();
    if k == 0 {
        return;
    }
    for (value, row) in samples {
        if out.len() < k {
            out.push((value, row));
            sift_up(kind, out);
            continue;
        }
        let worst = out[0].0;
        let better = if kind == TopK::Top {
            worst < value
        } else {
            worst > value
        };
        if better || (worst.is_nan() && !value.is_nan()) {
            out[0] = (value, row);
            sift_down(kind, out);
        }
    }
    best_first(kind, out);
}

/// Up to this length Go's `sort.Sort` is an insertion sort, whose order of
/// ties is replayed; beyond, the reference's ties have no order to speak of.
const INSERTION_SORT: usize = 12;

fn best_first(kind: TopK, items: &mut [Item]) {
    let before = |a: Item, b: Item| kind.less(b.0, a.0);
    if items.len() <= INSERTION_SORT {
        for i in 1..items.len() {
            let mut j = i;
            while j > 0 && before(items[j], items[j - 1]) {
                items.swap(j, j - 1);
                j -= 1;
            }
        }
        return;
    }
    items.sort_by(|a, b| match (a.0.is_nan(), b.0.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Greater,
        (false, true) => std::cmp::Ordering::Less,
        (false, false) if kind == TopK::Top => b.0.total_cmp(&a.0),
        (false, false) => a.0.total_cmp(&b.0),
    });
}

fn sift_up(kind: TopK, heap: &mut [Item]) {
    let mut child = heap.len() - 1;
    while child > 0 {
        let parent = (child - 1) / 2;
        if !kind.less(heap[child].0, heap[parent].0) {
            break;
        }
        heap.swap(child, parent);
        child = parent;
    }
}

fn sift_down(kind: TopK, heap: &mut [Item]) {
    let mut parent = 0;
    loop {
        let left = 2 * parent + 1;
        if left >= heap.len() {
            return;
        }
        let right = left + 1;
        let child = if right < heap.len() && kind.less(heap[right].0, heap[left].0) {
            right
        } else {
            left
        };
        if !kind.less(heap[child].0, heap[parent].0) {
            return;
        }
        heap.swap(child, parent);
        parent = child;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(kind: TopK, k: usize, values: &[f64]) -> Vec<Item> {
        let mut out = Vec::new();
        top_k(kind, k, values.iter().copied().zip(0..), &mut out);
        out
    }

    #[test]
    fn not_a_number_comes_last() {
        let values = [f64::NAN, 1.0, 3.0, 2.0];
        assert_eq!(run(TopK::Top, 2, &values), [(3.0, 2), (2.0, 3)]);
        assert_eq!(run(TopK::Bottom, 2, &values), [(1.0, 1), (2.0, 3)]);
        let all = run(TopK::Top, 9, &values);
        assert!(all.len() == 4 && all[3].0.is_nan());
        assert!(run(TopK::Top, 0, &values).is_empty());
    }

    proptest! {
        #[test]
        fn keeps_the_best(values in proptest::collection::vec(-20i32..20, 0..40), k in 0usize..10) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let got: Vec<f64> = run(TopK::Top, k, &values).iter().map(|i| i.0).collect();
            let mut want = values.clone();
            want.sort_by(|a, b| b.total_cmp(a));
            want.truncate(k);
            prop_assert_eq!(got, want);
        }
    }
}
