//! Counts the samples that each step of a query looks at, as Prometheus
//! counts them.
//!
//! A selector counts by the steps of its own grid ([`StepSamples`]). What its
//! counts mean for the query's steps follows from what stands above it: a part
//! that is evaluated once counts for each step of its parent, and a subquery's
//! step for each window that it lies in ([`Above`]).

use std::collections::HashMap;
use std::sync::OnceLock;

use parking_lot::Mutex;
use quarrel_functions::grid::Grid;
use quarrel_planner::logical::{LogicalPlan, Plan, PlanOp};
use quarrel_planner::with_stack;

/// Samples by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepSamples {
    /// Those in the step's windows.
    pub total: Vec<u64>,
    /// Those that no earlier step's windows had.
    pub read: Vec<u64>,
}

impl StepSamples {
    /// None at any of `steps` steps.
    pub fn new(steps: usize) -> Self {
        StepSamples {
            total: vec![0; steps],
            read: vec![0; steps],
        }
    }

    fn add(&mut self, other: &StepSamples) {
        for (mine, other) in [
            (&mut self.total, &other.total),
            (&mut self.read, &other.read),
        ] {
            for (sum, more) in mine.iter_mut().zip(other) {
                *sum = sum.saturating_add(*more);
            }
        }
    }

    /// Adds samples of a step that no step before it had.
    pub fn add_fresh(&mut self, step: usize, samples: u64) {
        self.total[step] += samples;
        self.read[step] += samples;
    }

    /// Sets all counts to zero.
    pub fn clear(&mut self) {
        self.total.fill(0);
        self.read.fill(0);
    }
}

/// What stands above a selector, from it to the root.
#[derive(Clone, Copy, Debug)]
enum Above {
    /// What is evaluated once, for `steps` steps.
    Once { steps: usize },
    /// Windows over a subquery's steps: their ends, their length, and how many.
    Windows {
        inner: Grid,
        ends: Grid,
        range_ms: i64,
        steps: usize,
    },
    /// A subquery whose steps are the answer.
    Answer,
}

/// The counts of all selectors of a query.
#[derive(Debug, Default)]
pub struct StepCounts {
    /// What stands above each selector, by plan node.
    above: OnceLock<HashMap<u32, Vec<Above>>>,
    counts: Mutex<HashMap<u32, StepSamples>>,
}

impl StepCounts {
    /// Learns what stands above the selectors of a plan for a query's grid.
    pub fn learn(&self, plan: &LogicalPlan, grid: Grid) {
        self.above.get_or_init(|| {
            let mut out = HashMap::new();
            match plan {
                LogicalPlan::Rows(plan) => walk(plan, grid.len, &mut Vec::new(), &mut out),
                LogicalPlan::RawSelect(raw) => {
                    out.insert(raw.node.id, once(raw.node.grid, grid.len));
                }
                LogicalPlan::RawSubquery(raw) => {
                    let mut chain = once(raw.node.grid, grid.len);
                    chain.push(Above::Answer);
                    walk(&raw.input, raw.inner.len, &mut chain, &mut out);
                }
                LogicalPlan::Text(_) => {}
            }
            out
        });
    }

    /// Adds what a selector counted.
    pub fn add(&self, node: u32, samples: &StepSamples) {
        let mut counts = self.counts.lock();
        match counts.get_mut(&node) {
            Some(sum) => sum.add(samples),
            None => drop(counts.insert(node, samples.clone())),
        }
    }

    /// The counts of a query of `steps` steps.
    pub fn of_query(&self, steps: usize) -> StepSamples {
        let mut sum = StepSamples::new(steps);
        let Some(above) = self.above.get() else {
            return sum;
        };
        for (node, samples) in self.counts.lock().iter() {
            let chain = above.get(node).map_or(&[][..], Vec::as_slice);
            let seen = chain
                .iter()
                .rev()
                .fold(samples.clone(), |samples, above| above.apply(&samples));
            sum.add(&seen);
        }
        sum
    }
}

/// What stands above a node of `grid` whose parent has `steps` steps.
fn once(grid: Grid, steps: usize) -> Vec<Above> {
    if grid.len == 1 && steps > 1 {
        vec![Above::Once { steps }]
    } else {
        Vec::new()
    }
}

/// Finds the selectors of a plan. `chain` stands above it, from the root on;
/// `steps` is how many its parent has.
fn walk(plan: &Plan, steps: usize, chain: &mut Vec<Above>, out: &mut HashMap<u32, Vec<Above>>) {
    with_stack(|| {
        let depth = chain.len();
        chain.extend(once(plan.node.grid, steps));
        let steps = plan.node.grid.len;
        if let PlanOp::SubqueryWindow(subquery) = &plan.op {
            let params = subquery.call.params.iter();
            params.for_each(|param| walk(param, steps, chain, out));
            chain.push(Above::Windows {
                inner: subquery.inner,
                ends: subquery.windows.ends,
                range_ms: subquery.windows.range_ms,
                steps,
            });
            walk(&subquery.input, subquery.inner.len, chain, out);
        } else {
            if matches!(plan.op, PlanOp::Window(_)) {
                out.insert(plan.node.id, chain.clone());
            }
            let inputs = plan.inputs().into_iter();
            inputs.for_each(|input| walk(input, steps, chain, out));
        }
        chain.truncate(depth);
    });
}

impl Above {
    fn apply(self, below: &StepSamples) -> StepSamples {
        let sum = |counts: &[u64]| counts.iter().fold(0u64, |a, b| a.saturating_add(*b));
        let once = |total: u64, read: u64, steps: usize| {
            let mut out = StepSamples::new(steps);
            out.total.fill(total);
            if let Some(first) = out.read.first_mut() {
                *first = read;
            }
            out
        };
        match self {
            Above::Answer => once(sum(&below.total), sum(&below.read), 1),
            Above::Once { steps } => once(sum(&below.total), sum(&below.read), steps),
            Above::Windows { steps: 1, .. } => once(sum(&below.total), sum(&below.read), 1),
            Above::Windows {
                inner,
                ends,
                range_ms,
                steps,
            } => {
                let bounds = |step: usize| {
                    let end = ends.at(step);
                    let steps_until = |t: i64| steps_until(inner, t).min(below.total.len());
                    steps_until(end.saturating_sub(range_ms))..steps_until(end)
                };
                if ends.step_ms == 0 {
                    let window = bounds(0);
                    let (total, read) = (&below.total[window.clone()], &below.read[window]);
                    return once(sum(total), sum(read), steps);
                }
                let mut out = StepSamples::new(steps);
                let mut taken = 0;
                for step in 0..steps {
                    let window = bounds(step);
                    out.total[step] = sum(&below.total[window.clone()]);
                    let fresh = window.start.max(taken)..window.end;
                    if !fresh.is_empty() {
                        out.read[step] = sum(&below.read[fresh]);
                    }
                    taken = taken.max(window.end);
                }
                out
            }
        }
    }
}

/// How many times of a grid are at or before `t`.
fn steps_until(grid: Grid, t: i64) -> usize {
    let (mut low, mut high) = (0, grid.len);
    while low < high {
        let middle = low + (high - low) / 2;
        if grid.at(middle) <= t {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below() -> StepSamples {
        StepSamples {
            total: vec![1, 2, 4, 8, 16, 32],
            read: vec![1; 6],
        }
    }

    fn windows(start_ms: i64, step_ms: i64, range_ms: i64, steps: usize) -> Above {
        Above::Windows {
            inner: Grid {
                start_ms: 10,
                step_ms: 10,
                len: 6,
            },
            ends: Grid {
                start_ms,
                step_ms,
                len: steps,
            },
            range_ms,
            steps,
        }
    }

    #[test]
    fn windows_count_the_steps_that_lie_in_them() {
        let seen = windows(20, 10, 20, 5).apply(&below());
        assert_eq!(seen.total, [3, 6, 12, 24, 48]);
        assert_eq!(seen.read, [2, 1, 1, 1, 1]);
        // Steps between windows belong to none.
        let seen = windows(20, 30, 10, 2).apply(&below());
        assert_eq!((seen.total, seen.read), (vec![2, 16], vec![1, 1]));
        // A pinned window is the same at each step, and read once.
        let seen = windows(30, 0, 20, 3).apply(&below());
        assert_eq!((seen.total, seen.read), (vec![6, 6, 6], vec![2, 0, 0]));
        // One step gets all.
        assert_eq!(windows(30, 0, 20, 1).apply(&below()).total, [63]);
    }

    #[test]
    fn what_is_evaluated_once_counts_at_each_step() {
        let one = StepSamples {
            total: vec![3],
            read: vec![2],
        };
        let seen = Above::Once { steps: 3 }.apply(&one);
        assert_eq!((seen.total, seen.read), (vec![3, 3, 3], vec![2, 0, 0]));
    }
}
