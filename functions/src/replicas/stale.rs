//! Which stale markers count.

use super::Replica;
use super::block::Block;
use super::neighbourhood::{is_gap, usual};

/// A stale marker of a replica that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleMarker {
    /// Its time, ms.
    pub time: i64,
    /// The replica, by its number.
    pub replica: usize,
    /// The marker, by its number in [`Replica::stale`].
    pub index: usize,
}

/// The stale markers in a closed range of time that count, in order of time; of
/// those at one time, the first replica's.
pub fn stale_markers(replicas: &[Replica<'_>], (from, to): (i64, i64)) -> Vec<StaleMarker> {
    let mut markers = Vec::new();
    for (replica, of) in replicas.iter().enumerate() {
        let begin = of.stale.partition_point(|&t| t < from);
        let end = of.stale.partition_point(|&t| t <= to);
        let marker = |index: usize| StaleMarker {
            time: of.stale[index],
            replica,
            index,
        };
        markers.extend((begin..end.max(begin)).map(marker));
    }
    markers.sort_by_key(|marker| (marker.time, marker.replica));
    markers.dedup_by_key(|marker| marker.time);
    let mut known: Option<(Block, i64)> = None;
    markers.retain(|marker| {
        let block = Block::of(marker.time);
        let usual = match known {
            Some((of, usual)) if of == block => usual,
            _ => usual_interval(replicas, block),
        };
        known = Some((block, usual));
        !replicas
            .iter()
            .any(|replica| runs_on(replica, marker.time, usual))
    });
    markers
}

/// Whether a replica has a sample at a time, or samples around it and neither a
/// gap nor a marker between them.
fn runs_on(replica: &Replica<'_>, time: i64, usual: i64) -> bool {
    let Replica { samples, stale } = replica;
    let behind = samples.partition_point(|&t| t < time);
    let Some(&next) = samples.get(behind) else {
        return false;
    };
    if next == time {
        return true;
    }
    let Some(&before) = behind.checked_sub(1).map(|at| &samples[at]) else {
        return false;
    };
    let (first, last) = Block::of(time).neighbourhood();
    let marker = stale.partition_point(|&t| t < before);
    before >= first
        && next <= last
        && !is_gap(before, next, usual)
        && stale.get(marker).is_none_or(|&t| t > next)
}

/// The usual interval in a block's neighbourhood, ms.
pub(super) fn usual_interval(replicas: &[Replica<'_>], block: Block) -> i64 {
    let (from, to) = block.neighbourhood();
    let mut intervals = Vec::new();
    for Replica { samples, .. } in replicas {
        let begin = samples.partition_point(|&t| t < from);
        let end = samples.partition_point(|&t| t <= to);
        let pairs = samples[begin..end].windows(2);
        intervals.extend(pairs.map(|pair| pair[1] - pair[0]));
    }
    usual(&mut intervals)
}
