//! Accumulators of partials that were merged, for the groups of later morsels:
//! over long grids they are larger than what is folded into them.

use parking_lot::Mutex;
use quarrel_functions::aggregate::{Accumulator, AggregateFunction};

/// Bytes that accumulators may take while nobody uses them.
const KEPT_BYTES: usize = 2 << 20;

/// The most of them.
const KEPT: usize = 256;

/// Empty accumulators of one function.
#[derive(Debug)]
pub(super) struct SpareAccumulators {
    function: AggregateFunction,
    most: usize,
    spare: Mutex<Vec<Accumulator>>,
}

impl SpareAccumulators {
    /// None yet; they will cover at most `steps` steps.
    pub fn new(function: AggregateFunction, steps: usize) -> Self {
        let bytes = Accumulator::bytes(function, steps).max(1);
        SpareAccumulators {
            function,
            most: (KEPT_BYTES / bytes).min(KEPT),
            spare: Mutex::default(),
        }
    }

    /// An empty accumulator.
    pub fn take(&self) -> Accumulator {
        let spare = self.spare.lock().pop();
        spare.unwrap_or_else(|| Accumulator::new(self.function))
    }

    /// Keeps an accumulator for later.
    pub fn give_back(&self, mut accumulator: Accumulator) {
        accumulator.clear();
        let mut spare = self.spare.lock();
        if spare.len() < self.most {
            spare.push(accumulator);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_empty_and_little_is_kept() {
        let steps = KEPT_BYTES / Accumulator::bytes(AggregateFunction::Sum, 1) / 2;
        let spare = SpareAccumulators::new(AggregateFunction::Sum, steps);
        for _ in 0..3 {
            let mut used = spare.take();
            used.cover(3..5);
            used.add(3, &[1.0, 2.0], None);
            let another = spare.take();
            spare.give_back(used);
            spare.give_back(another.clone());
            spare.give_back(another);
            assert_eq!(spare.spare.lock().len(), 2);
            assert!(spare.take().covered().is_empty());
        }
    }
}
