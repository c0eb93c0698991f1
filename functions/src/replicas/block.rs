//! Blocks of absolute time, and the neighbourhood in which a block's samples are
//! looked at.

/// The length of a block, ms: 10 minutes.
pub const BLOCK_MS: i64 = 600_000;

/// One of the blocks that begin at multiples of [`BLOCK_MS`], by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block(i64);

impl Block {
    /// The block that holds a time.
    pub fn of(time: i64) -> Self {
        Block(time.div_euclid(BLOCK_MS))
    }

    /// The block after this one.
    pub fn next(self) -> Self {
        Block(self.0 + 1)
    }

    /// Its first and its last millisecond.
    pub fn range(self) -> (i64, i64) {
        (first_of(self.0), last_of(self.0))
    }

    /// The first and the last millisecond of the block and its two neighbours.
    pub fn neighbourhood(self) -> (i64, i64) {
        self.with_neighbours(1)
    }

    /// The first and the last millisecond of the block and some neighbours on both
    /// sides.
    pub fn with_neighbours(self, count: i64) -> (i64, i64) {
        (first_of(self.0 - count), last_of(self.0 + count))
    }
}

fn first_of(number: i64) -> i64 {
    clamp(i128::from(number) * i128::from(BLOCK_MS))
}

fn last_of(number: i64) -> i64 {
    clamp((i128::from(number) + 1) * i128::from(BLOCK_MS) - 1)
}

fn clamp(time: i128) -> i64 {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(time.clamp(least, most)).unwrap_or(0)
}

/// The first of ascending times, from `from` on, that is at `time` or later. Takes
/// the longer the farther that is.
pub(super) fn seek(times: &[i64], from: usize, time: i64) -> usize {
    let (mut low, mut step) = (from, 1);
    while let Some(&t) = times.get(low + step)
        && t < time
    {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(times.len());
    let low = low.min(high);
    low + times[low..high].partition_point(|&t| t < time)
}

/// The first that is later than `time`, as [`seek`].
pub(super) fn seek_past(times: &[i64], from: usize, time: i64) -> usize {
    match time.checked_add(1) {
        Some(next) => seek(times, from, next),
        None => times.len().max(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_cut_at_absolute_times() {
        assert_eq!(Block::of(0).range(), (0, 599_999));
        assert_eq!(Block::of(-1).range(), (-600_000, -1));
        assert_eq!(Block::of(1_200_000).neighbourhood(), (600_000, 2_399_999));
        for time in [i64::MIN, i64::MAX] {
            let (first, last) = Block::of(time).range();
            assert!(first <= time && time <= last && first < last);
        }
    }

    #[test]
    fn what_is_sought_is_found_from_anywhere_before_it() {
        let times: Vec<i64> = (0..50).map(|i| i * 10).collect();
        for from in 0..=times.len() {
            for time in -5..520 {
                let expected = times.partition_point(|&t| t < time).max(from);
                assert_eq!(seek(&times, from, time), expected, "{time} from {from}");
                let past = times.partition_point(|&t| t <= time).max(from);
                assert_eq!(seek_past(&times, from, time), past);
            }
        }
        assert_eq!(seek_past(&times, 3, i64::MAX), 50);
    }
}
