//! Merges runs of samples that overlap in time, as Prometheus's
//! `chainSampleIterator` does (`storage/merge.go`).
//!
//! Where two runs have a sample at one time, the kept one is in short that of
//! the run that the previous sample is *not* from: the iterator advances its
//! current run and leaves it if another run has a sample that is not later. With
//! three or more runs the layout of its heap decides, so the heap has the same
//! layout here.

/// A binary heap laid out as Go's `container/heap` lays it out.
#[derive(Debug)]
pub(crate) struct GoHeap<T>(pub Vec<T>);

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

/// How the iterator reaches its first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// By `Next`, with this run as the current one.
    In(usize),
    /// By `Seek`.
    Seek,
}

/// Merges runs that are each in order of time.
pub(crate) fn chain<T: Copy>(runs: &[Vec<T>], start: Start, time: impl Fn(&T) -> i64) -> Vec<T> {
    let less = |a: &(i64, usize), b: &(i64, usize)| a.0 < b.0;
    let mut merged = Vec::with_capacity(runs.iter().map(Vec::len).sum());
    let mut heap = GoHeap(Vec::with_capacity(runs.len()));
    // For each run, the position of its next sample.
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
    // Whether the next sample of the current run is still to be examined.
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
        // Advance the current run.
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
    fn a_seek_begins_with_the_first_run() {
        let merged = |runs: &[&[i64]]| merged(Start::Seek, runs);
        assert_eq!(merged(&[&[1, 2, 3], &[1, 2, 3]]), "1a2a3a");
        assert_eq!(merged(&[&[1, 2, 4], &[1, 3, 4]]), "1a2a3b4a");
        assert_eq!(merged(&[&[2, 3], &[1, 2, 3]]), "1b2a3a");
        assert_eq!(merged(&[&[], &[]]), "");
    }

    #[test]
    fn it_continues_in_the_current_run() {
        assert_eq!(merged(Start::In(1), &[&[1, 2], &[1, 2]]), "1a2a");
        assert_eq!(merged(Start::In(1), &[&[1, 2], &[]]), "1a2a");
    }
}
