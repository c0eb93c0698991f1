//! The exemplars of a head's log, as Prometheus's storage of exemplars keeps them.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

/// The most exemplars that are kept, Prometheus's default. Later ones replace the
/// first.
const MAX: usize = 100_000;
/// The most characters of an exemplar's labels.
const MAX_LABELS: usize = 128;

/// Names and values of labels.
pub type TextLabels = Vec<(String, String)>;

/// An observation that a series' sample counts, with labels of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Its labels, usually the trace's.
    pub labels: TextLabels,
    /// Its value.
    pub value: f64,
    /// When it was observed, ms.
    pub timestamp: i64,
}

impl Exemplar {
    /// Whether it is to be kept behind the newest of its series.
    fn follows(&self, newest: &Exemplar) -> bool {
        let is_same = self.labels == newest.labels
            && self.timestamp == newest.timestamp
            && self.value.to_bits() == newest.value.to_bits();
        let is_older = self.timestamp < newest.timestamp
            || (self.timestamp == newest.timestamp && self.value < newest.value);
        !is_same && !is_older
    }

    fn is_valid(&self) -> bool {
        let characters =
            |(name, value): &(String, String)| name.chars().count() + value.chars().count();
        let is_unique = |(i, (name, _)): (usize, &(String, String))| {
            !self.labels[..i].iter().any(|(other, _)| other == name)
        };
        self.labels.iter().map(characters).sum::<usize>() <= MAX_LABELS
            && self.labels.iter().enumerate().all(is_unique)
    }
}

/// The exemplars of a series in a range of time.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesExemplars {
    /// The series' labels.
    pub labels: TextLabels,
    /// In order of time.
    pub exemplars: Vec<Exemplar>,
}

/// Exemplars with the series that they belong to, the oldest first.
pub(super) type Ring = VecDeque<(u32, Arc<Exemplar>)>;

/// The exemplars of a replay.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    /// Views share it until there are new ones.
    pub ring: Arc<Ring>,
    newest: FxHashMap<u32, Arc<Exemplar>>,
}

impl Exemplars {
    /// Adds an exemplar of a series, if it is valid and in order.
    pub fn add(&mut self, series: u32, exemplar: Exemplar) {
        let newest = self.newest.get(&series);
        if !exemplar.is_valid() || newest.is_some_and(|newest| !exemplar.follows(newest)) {
            return;
        }
        let exemplar = Arc::new(exemplar);
        let ring = Arc::make_mut(&mut self.ring);
        if ring.len() == MAX
            && let Some((old, evicted)) = ring.pop_front()
            && self
                .newest
                .get(&old)
                .is_some_and(|newest| Arc::ptr_eq(newest, &evicted))
        {
            self.newest.remove(&old);
        }
        self.newest.insert(series, Arc::clone(&exemplar));
        ring.push_back((series, exemplar));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(value: f64, timestamp: i64, id: &str) -> Exemplar {
        Exemplar {
            labels: vec![("id".into(), id.into())],
            value,
            timestamp,
        }
    }

    #[test]
    fn exemplars_are_kept_in_order_and_once() {
        let mut all = Exemplars::default();
        for (series, value, timestamp, id) in [
            (1, 1.0, 10, "a"),
            (1, 1.0, 10, "a"),
            (1, 0.5, 10, "b"),
            (1, 2.0, 10, "b"),
            (1, 9.0, 9, "old"),
            (2, 9.0, 9, "other"),
            (2, 1.0, 12, &"x".repeat(MAX_LABELS - 2)),
            (2, 1.0, 13, &"x".repeat(MAX_LABELS)),
        ] {
            all.add(series, exemplar(value, timestamp, id));
        }
        let kept = all
            .ring
            .iter()
            .map(|(series, e)| (*series, e.timestamp, e.value));
        let want = [(1, 10, 1.0), (1, 10, 2.0), (2, 9, 9.0), (2, 12, 1.0)];
        assert_eq!(kept.collect::<Vec<_>>(), want);
        let twice = Exemplar {
            labels: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
            ..exemplar(1.0, 99, "")
        };
        all.add(1, twice);
        assert_eq!(all.ring.len(), 4);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut all = Exemplars::default();
        all.add(7, exemplar(1.0, 5, "a"));
        for timestamp in 0..MAX as i64 {
            all.add(1, exemplar(1.0, timestamp, "b"));
        }
        assert_eq!(all.ring.len(), MAX);
        assert!(all.ring.iter().all(|(series, _)| *series == 1));
        // Nothing is newer than one that is gone.
        all.add(7, exemplar(1.0, 1, "a"));
        assert_eq!(all.ring.back().unwrap().0, 7);
    }
}
