//! Makes one run of samples from several that overlap, as Prometheus does.
//!
//! Where two runs have a sample at one time, the one kept is, in short, the
//! one of the run that the sample before was *not* taken from. That follows
//! from how Prometheus's iterator over several ones (`storage/merge.go`) goes
//! on: it looks for the next sample in its current one, and leaves it if
//! another one has a sample that is not later. With three or more the layout
//! of its heap decides, so the heap is the same here.

/// A binary heap laid out as Go's `container/heap` lays it out.
#[derive(Debug)]
pub(super) struct GoHeap<T>(pub Vec<T>);

impl<T> GoHeap<T> {
    /// Adds an item.
    pub fn push(&mut self, item: T, less: impl Fn(&T, &T) -> bool) {
        self.0.push(item);
        let mut at = self.0.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !less(&self.0[at], &self.0[parent]) {
                break;
            }
            self.0.swap(at, parent);
            at = parent;
        }
    }

    /// Takes the least item.
    pub fn pop(&mut self, less: impl Fn(&T, &T) -> bool) -> Option<T> {
        let end = self.0.len().checked_sub(1)?;
        self.0.swap(0, end);
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            if left >= end {
                break;
            }
            let right = left + 1;
            let child = if right < end && less(&self.0[right], &self.0[left]) {
                right
            } else {
                left
            };
            if !less(&self.0[child], &self.0[at]) {
                break;
            }
            self.0.swap(at, child);
            at = child;
        }
        self.0.pop()
    }
}

/// How the iterator comes to its first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// By its `Next`, while it is at this run.
    In(usize),
    /// By its `Seek`.
    Seek,
}

/// Merges runs that are each in order of time.
pub(super) fn chain<T: Copy>(runs: &[Vec<T>], start: Start, time: impl Fn(&T) -> i64) -> Vec<T> {
    let less = |a: &(i64, usize), b: &(i64, usize)| a.0 < b.0;
    let mut merged = Vec::with_capacity(runs.iter().map(Vec::len).sum());
    let mut heap = GoHeap(Vec::with_capacity(runs.len()));
    // The next sample of each run that is in the heap, or in its turn.
    let mut at = vec![0; runs.len()];
    for (run, samples) in runs
        .iter()
        .enumerate()
        .filter(|(run, _)| start != Start::In(*run))
    {
        if let Some(first) = samples.first() {
            heap.push((time(first), run), less);
        }
    }
    // Whether the current run's next sample was not looked at yet.
    let (mut current, mut last, mut is_new) = match start {
        Start::In(run) => (run, None, true),
        Start::Seek => {
            let Some((t, run)) = heap.pop(less) else {
                return merged;
            };
            merged.push(runs[run][0]);
            (run, Some(t), false)
        }
    };
    loop {
        // Go on in the current run.
        if !is_new {
            at[current] += 1;
        }
        is_new = false;
        if let Some(sample) = runs.get(current).and_then(|r| r.get(at[current])) {
            let t = time(sample);
            if last == Some(t) {
                continue;
            }
            if heap.0.first().is_none_or(|top| t < top.0) {
                merged.push(*sample);
                last = Some(t);
                continue;
            }
            heap.push((t, current), less);
        }
        let Some((t, run)) = heap.pop(less) else {
            return merged;
        };
        current = run;
        if last != Some(t) {
            merged.push(runs[run][at[run]]);
            last = Some(t);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(start: Start, runs: &[&[i64]]) -> String {
        let runs: Vec<Vec<(i64, usize)>> = runs
            .iter()
            .enumerate()
            .map(|(run, times)| times.iter().map(|t| (*t, run)).collect())
            .collect();
        let samples = chain(&runs, start, |s| s.0);
        samples
            .iter()
            .map(|(t, run)| format!("{t}{}", ["a", "b", "c"][*run]))
            .collect()
    }

    #[test]
    fn the_sample_of_the_other_run_is_kept() {
        let merged = |runs: &[&[i64]]| merged(Start::In(0), runs);
        assert_eq!(merged(&[&[1, 2, 3, 4], &[3]]), "1a2a3b4a");
        assert_eq!(merged(&[&[1, 2, 3], &[1, 2, 3]]), "1b2b3b");
        assert_eq!(merged(&[&[1, 5, 6], &[3, 5, 7]]), "1a3b5a6a7b");
        assert_eq!(merged(&[&[1], &[], &[0]]), "0c1a");
        assert_eq!(merged(&[&[], &[2], &[2]]), "2b");
        assert_eq!(merged(&[]), "");
    }

    #[test]
    fn a_seek_begins_with_the_first_of_equals() {
        let merged = |runs: &[&[i64]]| merged(Start::Seek, runs);
        assert_eq!(merged(&[&[1, 2, 3], &[1, 2, 3]]), "1a2a3a");
        assert_eq!(merged(&[&[1, 2, 4], &[1, 3, 4]]), "1a2a3b4a");
        assert_eq!(merged(&[&[2, 3], &[1, 2, 3]]), "1b2a3a");
        assert_eq!(merged(&[&[], &[]]), "");
    }

    #[test]
    fn it_goes_on_in_the_run_before() {
        assert_eq!(merged(Start::In(1), &[&[1, 2], &[1, 2]]), "1a2a");
        assert_eq!(merged(Start::In(1), &[&[1, 2], &[]]), "1a2a");
    }
}
