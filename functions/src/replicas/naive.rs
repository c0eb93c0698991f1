//! The plain definition: what counts of each sample, one at a time.

use super::block::BLOCK_MS;
use super::{CounterValues, Place, Replica};

/// A sample that counts, with its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counting {
    pub time: i64,
    pub clock: usize,
    pub place: Place,
}

fn block_of(time: i64) -> i64 {
    time.div_euclid(BLOCK_MS)
}

fn around(block: i64, time: i64) -> bool {
    (block - 1..=block + 1).contains(&block_of(time))
}

/// The samples of a replica around a block, with their numbers.
fn part(replica: &Replica<'_>, block: i64) -> Vec<(usize, i64)> {
    let samples = replica.samples.iter().copied().enumerate();
    samples.filter(|(_, t)| around(block, *t)).collect()
}

fn clocks(replicas: &[Replica<'_>], block: i64) -> Vec<usize> {
    let parts: Vec<Vec<i64>> = replicas
        .iter()
        .map(|r| part(r, block).into_iter().map(|s| s.1).collect())
        .collect();
    let mut clocks: Vec<usize> = Vec::new();
    for (number, own) in parts.iter().enumerate() {
        let same = (0..number).find(|&before| {
            let common = own.iter().filter(|t| parts[before].contains(t)).count();
            let sparser = own.len().min(parts[before].len());
            sparser > 0 && 4 * common >= sparser
        });
        clocks.push(same.map_or(number, |before| clocks[before]));
    }
    clocks
}

pub(super) fn usual(replicas: &[Replica<'_>], block: i64) -> i64 {
    let mut intervals = Vec::new();
    for replica in replicas {
        let part = part(replica, block);
        intervals.extend(part.windows(2).map(|pair| pair[1].1 - pair[0].1));
    }
    intervals.sort_unstable();
    match intervals.len() {
        0 => 2 * BLOCK_MS,
        len => intervals[(len - 1) / 6],
    }
}

/// All samples that count.
pub(super) fn unite(replicas: &[Replica<'_>]) -> Vec<Counting> {
    let times = replicas.iter().flat_map(|r| r.samples);
    let mut blocks: Vec<i64> = times.map(|&t| block_of(t)).collect();
    blocks.sort_unstable();
    blocks.dedup();
    let mut out = Vec::new();
    for block in blocks {
        let mut counting = in_neighbourhood(replicas, block);
        counting.retain(|sample| block_of(sample.time) == block);
        out.append(&mut counting);
    }
    out
}

fn in_neighbourhood(replicas: &[Replica<'_>], block: i64) -> Vec<Counting> {
    let (clocks, usual) = (clocks(replicas, block), usual(replicas, block));
    let mut counting: Vec<Counting> = Vec::new();
    for clock in 0..replicas.len() {
        let mut of_clock: Vec<Counting> = Vec::new();
        for (number, replica) in replicas.iter().enumerate().filter(|r| clocks[r.0] == clock) {
            for (index, time) in part(replica, block) {
                let place = Place {
                    replica: number,
                    index,
                };
                if of_clock.iter().all(|s| s.time != time) {
                    of_clock.push(Counting { time, clock, place });
                }
            }
        }
        let gaps = |time: i64| {
            let before = counting.iter().map(|s| s.time).filter(|&t| t <= time).max();
            let behind = counting.iter().map(|s| s.time).filter(|&t| t > time).min();
            let is_gap = match (before, behind) {
                (Some(a), Some(b)) => 2 * (b - a) > 3 * usual,
                _ => true,
            };
            is_gap
                && before.is_none_or(|a| 2 * (time - a) >= usual)
                && behind.is_none_or(|b| 2 * (b - time) > usual)
        };
        of_clock.retain(|sample| gaps(sample.time));
        counting.append(&mut of_clock);
        counting.sort_by_key(|sample| sample.time);
    }
    counting
}

/// The times of the stale markers that count.
pub(super) fn stale(replicas: &[Replica<'_>]) -> Vec<i64> {
    let mut times: Vec<i64> = replicas.iter().flat_map(|r| r.stale).copied().collect();
    times.sort_unstable();
    times.dedup();
    times.retain(|&time| {
        let usual = usual(replicas, block_of(time));
        let near = |t: &&i64| around(block_of(time), **t);
        !replicas.iter().any(|replica| {
            let samples = || replica.samples.iter().filter(near);
            let before = samples().filter(|t| **t < time).max();
            let behind = samples().filter(|t| **t > time).min();
            let runs_on = before.zip(behind).is_some_and(|(a, b)| {
                2 * (b - a) <= 3 * usual && !replica.stale.iter().any(|m| a <= m && m <= b)
            });
            runs_on || replica.samples.contains(&time)
        })
    });
    times
}

/// For each sample that counts the one whose value it has.
pub(super) fn lifted(
    replicas: &[Replica<'_>],
    counting: &[Counting],
    values: &impl CounterValues,
) -> Vec<Place> {
    let time = |place: Place| replicas[place.replica].samples[place.index];
    let is_near = |place: Place| {
        let samples = replicas[place.replica].samples;
        place.index > 0 && time(place) - samples[place.index - 1] <= BLOCK_MS
    };
    let follows = |place: Place| {
        let before = Place {
            index: place.index.wrapping_sub(1),
            ..place
        };
        is_near(place)
            && !values.is_reset(place)
            && 2 * (time(place) - time(before)) <= 3 * usual(replicas, block_of(time(place)))
    };
    let back = |mut place: Place, oldest: i64| {
        while time(place) > oldest && follows(place) {
            place.index -= 1;
        }
        place
    };
    let value_of = |sample: &Counting| {
        let oldest = sample.time - BLOCK_MS;
        let first = back(sample.place, oldest);
        let mut since = time(first);
        let saw_reset = is_near(first) && values.is_reset(first);
        let before = counting.iter().rfind(|s| s.time < since);
        if let Some(before) = before.filter(|_| since > oldest && !saw_reset) {
            let of = before.place.replica;
            let behind = replicas[of].samples.iter().position(|&t| t >= since);
            let known = behind.is_some_and(|behind| {
                (before.place.index + 1..=behind).all(|index| follows(Place { replica: of, index }))
            });
            if known {
                since = time(back(before.place, oldest));
            }
        }
        let others = counting.iter().rev().filter(|s| {
            s.clock != sample.clock && s.time < sample.time && s.time >= since && s.time > oldest
        });
        let mut highest = None;
        for other in others {
            if highest.is_none_or(|highest| values.is_below(highest, other.place)) {
                highest = Some(other.place);
            }
        }
        match highest {
            Some(highest) if values.is_below(sample.place, highest) => highest,
            _ => sample.place,
        }
    };
    counting.iter().map(value_of).collect()
}
