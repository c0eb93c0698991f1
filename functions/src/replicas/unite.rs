//! Which samples of which replica count.

use super::block::Block;
use super::neighbourhood::{Neighbourhood, Part, is_gap};
use super::{Place, Replica};

/// Samples of one replica that count, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The replica, by its number.
    pub replica: usize,
    /// The first of the replicas that have its clock.
    pub clock: usize,
    /// Its first sample, by its number in [`Replica::samples`].
    pub from: usize,
    /// Behind its last sample.
    pub to: usize,
}

/// Buffers that are used again.
#[derive(Debug, Default)]
pub struct Scratch {
    neighbourhood: Neighbourhood,
    united: Vec<Sample>,
    other: Vec<Sample>,
    merged: Vec<Sample>,
}

impl Scratch {
    /// Bytes that the buffers hold.
    pub fn bytes(&self) -> usize {
        let samples = self.united.capacity() + self.other.capacity() + self.merged.capacity();
        samples * size_of::<Sample>()
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    time: i64,
    clock: usize,
    place: Place,
}

/// Finds the samples that count, in order of time, in all blocks that reach into the
/// closed range of time `from..=to`; `out` is replaced. Samples more than two
/// blocks out of the range change nothing.
pub fn unite(
    replicas: &[Replica<'_>],
    (from, to): (i64, i64),
    scratch: &mut Scratch,
    out: &mut Vec<Run>,
) {
    out.clear();
    scratch.neighbourhood.begin(replicas);
    let mut block = Block::of(from);
    let last = Block::of(to);
    let mut next = vec![0; replicas.len()];
    while block <= last {
        let first = block.range().0;
        let later = next.iter_mut().zip(replicas).filter_map(|(next, replica)| {
            *next = super::block::seek(replica.samples, *next, first);
            replica.samples.get(*next).copied()
        });
        // Blocks without samples are left out.
        let Some(time) = later.min() else {
            return;
        };
        block = block.max(Block::of(time));
        if block > last {
            return;
        }
        scratch.neighbourhood.move_to(block, replicas);
        scratch.unite_block(block, replicas, out);
        block = block.next();
    }
}

impl Scratch {
    fn unite_block(&mut self, block: Block, replicas: &[Replica<'_>], out: &mut Vec<Run>) {
        let one_clock = self.neighbourhood.find_clocks(replicas);
        let Some(first) = self.neighbourhood.parts.first().cloned() else {
            return;
        };
        if one_clock {
            return self.unite_clock(replicas, out);
        }
        if self.runs_on(&first, replicas) {
            return push(
                out,
                first.replica,
                first.clock,
                first.own.start,
                first.own.end,
            );
        }
        let usual = self.neighbourhood.usual_interval(replicas);
        let parts = &self.neighbourhood.parts;
        let (united, other, merged) = (&mut self.united, &mut self.other, &mut self.merged);
        let is_first = |part: &&Part| part.clock == part.replica;
        let others = || parts.iter().skip(1).filter(is_first);
        // Of two clocks, a sample of the second one counts by its neighbours of the
        // first one alone; where there are more, what counts around it counts, too.
        let all_count = others().count() > 1;
        let around = |part: &Part| match all_count {
            true => part.all.clone(),
            false => {
                let before = part.own.start.saturating_sub(1).max(part.all.start);
                before..(part.own.end + 1).min(part.all.end)
            }
        };
        let own = |part: &Part| match all_count {
            true => part.all.clone(),
            false => part.own.clone(),
        };
        merge_clock(parts, first.clock, replicas, around, united, merged);
        for part in others() {
            merge_clock(parts, part.clock, replicas, own, other, merged);
            fill(united, other, usual, merged);
            std::mem::swap(united, merged);
        }
        let (first, last) = block.range();
        let own = |sample: &&Sample| first <= sample.time && sample.time <= last;
        push_all(out, self.united.iter().filter(own));
    }

    /// Unites a block's samples, which have one clock.
    fn unite_clock(&mut self, replicas: &[Replica<'_>], out: &mut Vec<Run>) {
        let parts = &self.neighbourhood.parts;
        let first = &parts[0];
        let times = |part: &Part| &replicas[part.replica].samples[part.own.clone()];
        if parts.iter().all(|part| times(part) == times(first)) {
            return push(
                out,
                first.replica,
                first.clock,
                first.own.start,
                first.own.end,
            );
        }
        let own = |part: &Part| part.own.clone();
        let (united, merged) = (&mut self.united, &mut self.merged);
        merge_clock(parts, first.clock, replicas, own, united, merged);
        push_all(out, self.united.iter());
    }

    /// Whether a part is all that has its clock, and has no gap in the block,
    /// whatever the usual interval.
    fn runs_on(&self, part: &Part, replicas: &[Replica<'_>]) -> bool {
        let mut others = self.neighbourhood.parts.iter().skip(1);
        let surrounded = part.all.start < part.own.start && part.own.end < part.all.end;
        if !surrounded || others.any(|other| other.clock == part.clock) {
            return false;
        }
        let around = &replicas[part.replica].samples[part.own.start - 1..=part.own.end];
        let longest = around.windows(2).map(|pair| pair[1] - pair[0]).max();
        let shortest = self.neighbourhood.shortest_interval(replicas);
        match (longest, shortest) {
            (Some(longest), Some(shortest)) => !is_gap(0, longest, shortest),
            _ => false,
        }
    }
}

/// Merges the samples of all parts with a clock; of those at one time, the first
/// part's remains.
fn merge_clock(
    parts: &[Part],
    clock: usize,
    replicas: &[Replica<'_>],
    range: impl Fn(&Part) -> std::ops::Range<usize>,
    out: &mut Vec<Sample>,
    merged: &mut Vec<Sample>,
) {
    out.clear();
    for part in parts.iter().filter(|part| part.clock == clock) {
        let replica = part.replica;
        let sample = |index: usize| Sample {
            time: replicas[replica].samples[index],
            clock,
            place: Place { replica, index },
        };
        let samples = range(part).map(sample);
        if out.is_empty() {
            out.extend(samples);
            continue;
        }
        merged.clear();
        let mut own = out.iter().copied().peekable();
        for sample in samples {
            while let Some(before) = own.next_if(|own| own.time <= sample.time) {
                merged.push(before);
            }
            if merged.last().is_none_or(|last| last.time < sample.time) {
                merged.push(sample);
            }
        }
        merged.extend(own);
        std::mem::swap(out, merged);
    }
}

/// Merges into `united` those samples of another clock that lie in its gaps.
fn fill(united: &[Sample], other: &[Sample], usual: i64, out: &mut Vec<Sample>) {
    out.clear();
    let usual_length = i128::from(usual);
    let twice = |from: i64, to: i64| 2 * (i128::from(to) - i128::from(from));
    let mut next = 0;
    for sample in other {
        while let Some(own) = united.get(next).filter(|own| own.time <= sample.time) {
            out.push(*own);
            next += 1;
        }
        let before = next.checked_sub(1).map(|at| united[at].time);
        let behind = united.get(next).map(|own| own.time);
        let in_gap = match (before, behind) {
            (Some(before), Some(behind)) => is_gap(before, behind, usual),
            _ => true,
        };
        let after = before.is_none_or(|before| twice(before, sample.time) >= usual_length);
        let ahead = behind.is_none_or(|behind| twice(sample.time, behind) > usual_length);
        if in_gap && after && ahead {
            out.push(*sample);
        }
    }
    out.extend_from_slice(&united[next..]);
}

fn push_all<'s>(out: &mut Vec<Run>, samples: impl Iterator<Item = &'s Sample>) {
    for sample in samples {
        let Place { replica, index } = sample.place;
        push(out, replica, sample.clock, index, index + 1);
    }
}

/// Appends some samples, to the last run if they continue it.
fn push(out: &mut Vec<Run>, replica: usize, clock: usize, from: usize, to: usize) {
    if from == to {
        return;
    }
    if let Some(last) = out.last_mut()
        && (last.replica, last.clock, last.to) == (replica, clock, from)
    {
        last.to = to;
        return;
    }
    out.push(Run {
        replica,
        clock,
        from,
        to,
    });
}
