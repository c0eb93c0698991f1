//! Counters at a change of replica.
//!
//! Of two replicas, one may have read a counter a little later than its timestamp
//! says, so that the other one's next sample is below it: no reset, and it must not
//! look like one. A sample that counts is lifted to the highest one of other clocks
//! that counts in the ten minutes before it, as far back as it is known that there
//! was no reset:
//!
//! - its own replica has seen none: samples without a gap, none below the one before,
//!   the first of them not below one in the ten minutes before it;
//! - where these begin with a gap, the replica of the sample that counts before them
//!   has seen none from there to the end of the gap, nor before.

use super::block::{BLOCK_MS, Block};
use super::neighbourhood::is_gap;
use super::stale::usual_interval;
use super::unite::Run;
use super::{Place, Replica};

/// The values of counters.
pub trait CounterValues {
    /// Whether the counter was reset between the sample before one of a replica and
    /// that one, which is not the first.
    fn is_reset(&self, place: Place) -> bool;

    /// Whether a sample is below one of another replica that is earlier.
    fn is_below(&self, place: Place, earlier: Place) -> bool;
}

/// A sample that has the value of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lift {
    /// The sample, by its number among those that count.
    pub number: usize,
    /// The sample whose value it has.
    pub to: Place,
}

/// The samples of `runs` that are lifted, in order of time. Right for samples with
/// at least a block of `runs` before them.
pub fn lift(replicas: &[Replica<'_>], runs: &[Run], values: &impl CounterValues) -> Vec<Lift> {
    let mut out = Vec::new();
    if runs.windows(2).all(|pair| pair[0].clock == pair[1].clock) {
        return out;
    }
    let mut lifting = Lifting {
        replicas,
        runs,
        values,
        usual: Vec::new(),
        highest: Vec::new(),
    };
    let mut number = 0;
    for (at, run) in runs.iter().enumerate() {
        lifting.lift_run(at, number, &mut out);
        number += run.to - run.from;
    }
    out
}

struct Lifting<'a, V> {
    replicas: &'a [Replica<'a>],
    runs: &'a [Run],
    values: &'a V,
    /// The usual intervals of some blocks.
    usual: Vec<(Block, i64)>,
    /// Samples of other clocks, the latest first, each higher than those before it.
    highest: Vec<(i64, Place)>,
}

/// How far back samples follow each other without a reset.
struct Back {
    time: i64,
    /// Whether the replica has seen a reset there.
    is_reset: bool,
}

impl<V: CounterValues> Lifting<'_, V> {
    fn time(&self, place: Place) -> i64 {
        self.replicas[place.replica].samples[place.index]
    }

    /// Lifts samples of a run from its first one on.
    fn lift_run(&mut self, at: usize, number: usize, out: &mut Vec<Lift>) {
        let run = self.runs[at];
        let mut place = Place {
            replica: run.replica,
            index: run.from,
        };
        if !self.find_highest(at, place) {
            return;
        }
        for index in run.from..run.to {
            place.index = index;
            let time = self.time(place);
            let follows = index == run.from || self.follows(place);
            let near = |t: i64| i128::from(time) - i128::from(t) < i128::from(BLOCK_MS);
            while self.highest.last().is_some_and(|(t, _)| !near(*t)) {
                self.highest.pop();
            }
            match self.highest.last() {
                Some(&(_, to)) if follows && self.values.is_below(place, to) => {
                    let number = number + (index - run.from);
                    out.push(Lift { number, to });
                }
                _ => return,
            }
        }
    }

    /// Finds the samples of other clocks to which the first sample of a run may be
    /// lifted; tells whether there are any.
    fn find_highest(&mut self, at: usize, place: Place) -> bool {
        self.highest.clear();
        let (clock, time) = (self.runs[at].clock, self.time(place));
        let oldest = time.saturating_sub(BLOCK_MS);
        let recent = |run: &&Run| self.replicas[run.replica].samples[run.to - 1] > oldest;
        let mut before = self.runs[..at].iter().rev().take_while(recent);
        if !before.any(|run| run.clock != clock) {
            return false;
        }
        let Some(since) = self.known_since(at, place, oldest) else {
            return false;
        };
        let from = since.max(oldest.saturating_add(1));
        for run in self.runs[..at].iter().rev() {
            for index in (run.from..run.to).rev() {
                let replica = run.replica;
                let candidate = Place { replica, index };
                let t = self.time(candidate);
                if t < from {
                    return !self.highest.is_empty();
                }
                let higher = |&(_, last): &(i64, Place)| self.values.is_below(last, candidate);
                if run.clock != clock && self.highest.last().is_none_or(higher) {
                    self.highest.push((t, candidate));
                }
            }
        }
        !self.highest.is_empty()
    }

    /// Since when it is known that there was no reset before the first sample of a
    /// run; no farther back than `oldest`.
    fn known_since(&mut self, at: usize, place: Place, oldest: i64) -> Option<i64> {
        let own = self.back(place, oldest);
        if own.is_reset || own.time <= oldest {
            return Some(own.time);
        }
        // The sample that counts before that.
        let counting = self.runs[..at].iter().rev().find_map(|run| {
            let samples = &self.replicas[run.replica].samples[run.from..run.to];
            let index = samples.partition_point(|&t| t < own.time).checked_sub(1)?;
            Some(Place {
                replica: run.replica,
                index: run.from + index,
            })
        });
        let Some(before) = counting else {
            return Some(own.time);
        };
        let mut other = before;
        while self.time(other) < own.time {
            other.index += 1;
            let samples = self.replicas[other.replica].samples;
            if other.index == samples.len() || !self.follows(other) {
                return Some(own.time);
            }
        }
        Some(self.back(before, oldest).time)
    }

    /// How far back from a sample those of its replica follow each other.
    fn back(&mut self, mut place: Place, oldest: i64) -> Back {
        while self.time(place) > oldest && self.follows(place) {
            place.index -= 1;
        }
        Back {
            time: self.time(place),
            is_reset: self.is_near(place) && self.values.is_reset(place),
        }
    }

    /// Whether neither gap nor reset lies between a sample and the one before it.
    fn follows(&mut self, place: Place) -> bool {
        if !self.is_near(place) || self.values.is_reset(place) {
            return false;
        }
        let samples = self.replicas[place.replica].samples;
        let (before, time) = (samples[place.index - 1], samples[place.index]);
        !is_gap(before, time, self.usual_at(time))
    }

    /// Whether there is a sample in the ten minutes before one. What is farther away
    /// may lie beyond what is looked at.
    fn is_near(&self, place: Place) -> bool {
        let samples = self.replicas[place.replica].samples;
        let before = place.index.checked_sub(1).map(|before| samples[before]);
        let time = i128::from(samples[place.index]);
        before.is_some_and(|before| time - i128::from(before) <= i128::from(BLOCK_MS))
    }

    fn usual_at(&mut self, time: i64) -> i64 {
        let block = Block::of(time);
        if let Some((_, usual)) = self.usual.iter().rev().find(|(of, _)| *of == block) {
            return *usual;
        }
        let usual = usual_interval(self.replicas, block);
        self.usual.push((block, usual));
        usual
    }
}
