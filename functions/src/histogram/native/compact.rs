//! Removing empty buckets.

use super::compensation::Compensation;
use super::value::Histogram;

impl Histogram {
    /// Removes empty buckets.
    pub fn compact(&mut self) {
        if self.buckets.contains(&0.0) {
            self.keep(|_, count| count != 0.0);
        }
    }

    /// Removes buckets that are empty and have nothing to compensate.
    pub(super) fn compact_with(&mut self, compensation: &mut Compensation) {
        let comps = &mut compensation.buckets;
        let empty = |count: &f64, comp: &f64| *count == 0.0 && *comp == 0.0;
        if !self
            .buckets
            .iter()
            .zip(&*comps)
            .any(|(count, comp)| empty(count, comp))
        {
            return;
        }
        let old = comps.clone();
        let counts = self.buckets.iter();
        let kept = counts.zip(&old).filter(|(count, comp)| !empty(count, comp));
        *comps = kept.map(|(_, comp)| *comp).collect();
        self.keep(|column, count| !empty(&count, &old[column]));
    }

    /// Keeps the buckets of some columns.
    fn keep(&mut self, keeps: impl Fn(usize, f64) -> bool) {
        let counts = self.buckets.iter().enumerate();
        let kept: Vec<bool> = counts
            .map(|(column, &count)| keeps(column, count))
            .collect();
        let select = |indices: &[i32], kept: &[bool]| -> Vec<i32> {
            let kept = indices.iter().zip(kept).filter(|(_, kept)| **kept);
            kept.map(|(index, _)| *index).collect()
        };
        let (positive, negative) = kept.split_at(self.layout.positive().len());
        let positive = select(self.layout.positive(), positive);
        let negative = select(self.layout.negative(), negative);
        self.layout = self.layout.with_buckets(positive, negative);
        let mut kept = kept.iter();
        self.buckets.retain(|_| kept.next() == Some(&true));
    }
}
