//! Which blocks there are, and which of them a query reads.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use rustc_hash::FxHashSet;

use super::block::BucketBlock;

/// The blocks of a bucket at one moment.
#[derive(Debug, Default)]
pub(super) struct View {
    /// By external labels.
    pub groups: Vec<Arc<Group>>,
    /// Blocks that are left out.
    pub skipped: Vec<Skipped>,
}

/// A block that is left out, since it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Why, with the object's name.
    pub why: String,
    /// The time range that the block has; `None` if nobody knows.
    pub range: Option<(i64, i64)>,
}

impl Skipped {
    /// The warning for a query of this range, if the block may have samples in it.
    pub fn warning(&self, range: TimeRange) -> Option<String> {
        let overlaps = |(min, max): (i64, i64)| min <= range.end && range.start < max;
        let touches = self.range.is_none_or(overlaps);
        touches.then(|| format!("a block was left out: {}", self.why))
    }
}

/// The blocks of the same external labels.
#[derive(Debug)]
pub(super) struct Group {
    /// External labels, sorted by name.
    pub labels: Vec<(String, String)>,
    /// By resolution, the finest first, each sorted by min time.
    blocks: BTreeMap<i64, Vec<Arc<BucketBlock>>>,
}

impl Group {
    /// The closed range of its samples, as far as blocks tell.
    pub fn range(&self) -> TimeRange {
        let metas = || self.all().map(|block| &block.meta.block);
        TimeRange {
            start: metas().map(|meta| meta.min_time).min().unwrap_or(0),
            end: metas()
                .map(|meta| meta.max_time.saturating_sub(1))
                .max()
                .unwrap_or(-1),
        }
    }

    /// The same labels without blocks.
    pub fn emptied(&self) -> Group {
        Group {
            labels: self.labels.clone(),
            blocks: BTreeMap::new(),
        }
    }

    /// All blocks.
    pub fn all(&self) -> impl Iterator<Item = &Arc<BucketBlock>> {
        self.blocks.values().flatten()
    }

    /// The blocks that are read for a range, as Thanos's store gateway chooses them:
    /// those of the coarsest resolution that is allowed, and where they leave gaps those
    /// of the next finer one, and so on.
    pub fn blocks_for(&self, range: TimeRange, max_resolution_ms: i64) -> Vec<Arc<BucketBlock>> {
        let allowed = self.blocks.range(..=max_resolution_ms.max(0));
        let levels: Vec<&[Arc<BucketBlock>]> = allowed.map(|(_, of)| &of[..]).rev().collect();
        let mut out = Vec::new();
        fill(&levels, range, &mut out);
        // A finer block may reach over two gaps.
        let mut seen = FxHashSet::default();
        out.retain(|block| seen.insert(block.number));
        out
    }
}

/// Appends the blocks of the first level that overlap the range, and those of the
/// others in the gaps between.
fn fill(levels: &[&[Arc<BucketBlock>]], range: TimeRange, out: &mut Vec<Arc<BucketBlock>>) {
    let Some((coarsest, finer)) = levels.split_first() else {
        return;
    };
    let mut start = range.start;
    if range.start > range.end {
        return;
    }
    for block in coarsest.iter() {
        let meta = &block.meta.block;
        if meta.max_time <= range.start {
            continue;
        }
        if meta.min_time > range.end {
            break;
        }
        let end = meta.min_time.saturating_sub(1);
        fill(finer, TimeRange { start, end }, out);
        out.push(Arc::clone(block));
        start = start.max(meta.max_time);
    }
    let end = range.end;
    fill(finer, TimeRange { start, end }, out);
}

impl View {
    /// The view of some blocks. Those whose samples another block of their group has are
    /// left out, as in Thanos: a compacted block stands beside its sources until these
    /// are deleted.
    pub fn new(blocks: impl IntoIterator<Item = Arc<BucketBlock>>, skipped: Vec<Skipped>) -> Self {
        type Labels = Vec<(String, String)>;
        let mut by_labels: BTreeMap<Labels, BTreeMap<i64, Vec<Arc<BucketBlock>>>> = BTreeMap::new();
        for block in blocks {
            let of_labels = by_labels.entry(block.meta.labels.clone()).or_default();
            let of_resolution = of_labels.entry(block.meta.resolution_ms).or_default();
            of_resolution.push(block);
        }
        let groups = by_labels.into_iter().map(|(labels, blocks)| {
            let each = blocks.into_iter();
            let blocks = each.map(|(resolution, blocks)| (resolution, needed(blocks)));
            Arc::new(Group {
                labels,
                blocks: blocks.collect(),
            })
        });
        View {
            groups: groups.collect(),
            skipped,
        }
    }

    /// All blocks.
    pub fn blocks(&self) -> impl Iterator<Item = &Arc<BucketBlock>> {
        self.groups.iter().flat_map(|group| group.all())
    }

    /// The group of these labels.
    pub fn group(&self, labels: &[(String, String)]) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| group.labels == labels)
    }
}

/// The blocks whose sources are not all in another one, sorted by min time.
fn needed(mut blocks: Vec<Arc<BucketBlock>>) -> Vec<Arc<BucketBlock>> {
    fn sources(block: &BucketBlock) -> &[String] {
        &block.meta.block.compaction.sources
    }
    blocks.sort_by(|a, b| {
        let key = |block: &BucketBlock| (Reverse(sources(block).len()), block.ulid.clone());
        key(a).cmp(&key(b))
    });
    let mut kept: Vec<Arc<BucketBlock>> = Vec::with_capacity(blocks.len());
    // The kept blocks that have a source.
    let mut having: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for block in blocks {
        let own = sources(&block);
        // Who has all of them has the first.
        let candidates = own.first().and_then(|first| having.get(first));
        let is_covered = candidates.into_iter().flatten().any(|&at| {
            let theirs: FxHashSet<&str> = sources(&kept[at]).iter().map(String::as_str).collect();
            own.iter().all(|source| theirs.contains(source.as_str()))
        });
        if is_covered {
            continue;
        }
        for source in own {
            having.entry(source.clone()).or_default().push(kept.len());
        }
        kept.push(block);
    }
    kept.sort_by_key(|block| {
        let meta = &block.meta.block;
        (meta.min_time, meta.max_time, block.ulid.clone())
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::super::block::Sizes;
    use super::super::meta::ThanosMeta;
    use super::*;
    use crate::tsdb::block::BlockMeta;

    fn block(name: &str, resolution: i64, times: (i64, i64), sources: &[&str]) -> Arc<BucketBlock> {
        let mut meta = ThanosMeta {
            resolution_ms: resolution,
            ..ThanosMeta::default()
        };
        meta.block = BlockMeta::default();
        (meta.block.min_time, meta.block.max_time) = times;
        meta.block.compaction.sources = sources.iter().map(|s| s.to_string()).collect();
        let sizes = Sizes {
            index: Some(100),
            ..Sizes::default()
        };
        Arc::new(BucketBlock::new(name, meta, &sizes).unwrap())
    }

    fn group(blocks: Vec<Arc<BucketBlock>>) -> Arc<Group> {
        Arc::clone(&View::new(blocks, Vec::new()).groups[0])
    }

    fn chosen(group: &Group, start: i64, end: i64, resolution: i64) -> Vec<String> {
        let blocks = group.blocks_for(TimeRange { start, end }, resolution);
        blocks.iter().map(|block| block.ulid.clone()).collect()
    }

    #[test]
    fn coarse_blocks_come_first_and_finer_ones_fill_gaps() {
        let group = group(vec![
            block("raw0", 0, (0, 100), &["a"]),
            block("raw1", 0, (100, 200), &["b"]),
            block("raw2", 0, (200, 300), &["c"]),
            block("raw3", 0, (300, 400), &["d"]),
            block("five1", 300, (100, 200), &["b"]),
            block("five2", 300, (200, 300), &["c"]),
            block("hour2", 3600, (200, 300), &["c"]),
        ]);
        let all = |resolution| chosen(&group, 0, 399, resolution);
        assert_eq!(all(0), ["raw0", "raw1", "raw2", "raw3"]);
        assert_eq!(all(299), ["raw0", "raw1", "raw2", "raw3"]);
        assert_eq!(all(300), ["raw0", "five1", "five2", "raw3"]);
        assert_eq!(all(9999), ["raw0", "five1", "hour2", "raw3"]);
        assert_eq!(chosen(&group, 150, 210, 9999), ["five1", "hour2"]);
        assert_eq!(chosen(&group, 300, 300, 9999), ["raw3"]);
        assert!(chosen(&group, 400, 900, 9999).is_empty());
        assert!(chosen(&group, 9, 5, 9999).is_empty());
        // A select without samples asks for anything.
        assert_eq!(
            chosen(&group, 0, 399, i64::MAX),
            ["raw0", "five1", "hour2", "raw3"]
        );
    }

    #[test]
    fn a_finer_block_over_several_gaps_is_read_once() {
        let group = group(vec![
            block("raw", 0, (0, 400), &["a", "b"]),
            block("five", 300, (100, 200), &["a"]),
        ]);
        assert_eq!(chosen(&group, 0, 399, 300), ["raw", "five"]);
    }

    #[test]
    fn sources_of_a_compacted_block_are_left_out() {
        let group = group(vec![
            block("a", 0, (0, 100), &["a"]),
            block("b", 0, (100, 200), &["b"]),
            block("ab", 0, (0, 200), &["a", "b"]),
            block("bc", 0, (100, 300), &["b", "c"]),
            block("same", 0, (0, 200), &["a", "b"]),
            block("five", 300, (0, 100), &["a"]),
            block("none", 0, (300, 400), &[]),
        ]);
        assert_eq!(chosen(&group, 0, 399, 0), ["ab", "bc", "none"]);
        assert_eq!(chosen(&group, 0, 99, 300), ["five"]);
    }

    #[test]
    fn groups_have_the_same_labels() {
        let label = |value: &str| vec![("replica".to_string(), value.to_string())];
        let of = |name, value| {
            let one = block(name, 0, (0, 100), &[name]);
            let mut meta = one.meta.clone();
            meta.labels = label(value);
            let sizes = Sizes {
                index: Some(1),
                ..Sizes::default()
            };
            Arc::new(BucketBlock::new(name, meta, &sizes).unwrap())
        };
        let view = View::new(vec![of("x", "b"), of("y", "a"), of("z", "b")], Vec::new());
        let groups = view.groups.iter();
        let groups: Vec<(&str, usize)> = groups
            .map(|group| (&*group.labels[0].1, group.all().count()))
            .collect();
        assert_eq!(groups, [("a", 1), ("b", 2)]);
        assert!(view.group(&label("a")).is_some() && view.group(&[]).is_none());
    }
}
