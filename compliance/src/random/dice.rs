//! Random choices that are the same on every machine: no `usize`, whose width
//! differs, and no floats.

use fastrand::Rng;

/// A source of choices.
#[derive(Clone, Debug)]
pub(super) struct Dice(Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Dice(Rng::with_seed(seed))
    }

    /// A number below `end`; 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => self.0.u64(..end as u64) as usize,
        }
    }

    /// A number of milliseconds below `end`; 0 if there is none.
    pub(super) fn millis(&mut self, end: i64) -> i64 {
        if end <= 0 { 0 } else { self.0.i64(0..end) }
    }

    /// True in `percent` of 100 calls.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(..100) < percent
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// One of a list that is not empty.
    pub(super) fn any<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// One of a list, if it is not empty.
    pub(super) fn maybe<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// One of a list that is not empty, as often as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(u32, T)]) -> T {
        let total: u32 = from.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.u32(..total.max(1));
        for (weight, choice) in from {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        from[from.len() - 1].1
    }

    /// At most `most` of a list, in random order.
    pub(super) fn some<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut rest = from.to_vec();
        let count = self.below(most + 1).min(rest.len());
        (0..count)
            .map(|_| rest.swap_remove(self.below(rest.len())))
            .collect()
    }

    /// Orders a list anew.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_choose_from_is_no_panic() {
        let mut dice = Dice::new(1);
        assert_eq!((dice.below(0), dice.millis(0), dice.millis(-5)), (0, 0, 0));
        assert_eq!(dice.maybe::<u8>(&[]), None);
        assert!(dice.some::<u8>(&[], 3).is_empty());
        assert_eq!(dice.weighted(&[(0, 'x')]), 'x');
    }

    /// These are what a seed gives in this version; on other machines, too.
    #[test]
    fn a_seed_fixes_the_choices() {
        let mut dice = Dice::new(7);
        let numbers: Vec<usize> = (0..8).map(|_| dice.below(100)).collect();
        let mut order: Vec<u8> = (0..8).collect();
        dice.shuffle(&mut order);
        assert_eq!(numbers, GOLDEN_NUMBERS);
        assert_eq!(order, GOLDEN_ORDER);
    }

    const GOLDEN_NUMBERS: [usize; 8] = [77, 22, 71, 48, 11, 16, 79, 9];
    const GOLDEN_ORDER: [u8; 8] = [7, 4, 2, 5, 0, 6, 3, 1];

    #[test]
    fn weights_count() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 3];
        for _ in 0..4_000 {
            seen[dice.weighted(&[(1, 0_usize), (0, 1), (3, 2)])] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!((900..1_100).contains(&seen[0]), "{seen:?}");
    }
}
