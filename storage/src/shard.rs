//! One of several shards of all series, as Thanos's query frontend asks for them.
//!
//! A series belongs to the shard that a hash of its labels says: XXH64 of the names
//! and values, each followed by the byte 0xff, modulo the number of shards (Thanos's
//! `pkg/store/storepb/shard_info.go`). Labels by which a query groups are hashed
//! alone, or those that it leaves out are not, so that the rows of a group are all in
//! one shard.

use quarrel_functions::hash::xxh64;

/// Which shard of how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 0.
    pub index: u64,
    /// How many shards there are, at least one.
    pub total: u64,
    /// Whether `labels` are hashed, else all others.
    pub by: bool,
    /// The names of labels.
    pub labels: Vec<String>,
}

impl Shard {
    /// The shard that a request describes; `None` if it wants all series. A number
    /// that there is not gives a shard without series, as in Thanos.
    pub fn of(index: i64, total: i64, by: bool, labels: Vec<String>) -> Option<Self> {
        let total = u64::try_from(total).ok().filter(|&total| total > 0)?;
        Some(Shard {
            index: index as u64,
            total,
            by,
            labels,
        })
    }

    /// The same shard of series that are one where they differ by `replica_labels`
    /// alone: these labels are not hashed, so that replicas are in one shard.
    #[must_use]
    pub fn without_replica_labels(mut self, replica_labels: &[String]) -> Self {
        if self.by {
            self.labels.retain(|name| !replica_labels.contains(name));
        } else {
            let new = replica_labels.iter();
            let new: Vec<_> = new.filter(|&name| !self.labels.contains(name)).collect();
            let new: Vec<String> = new.into_iter().cloned().collect();
            self.labels.extend(new);
        }
        self
    }

    /// Whether a series is in the shard. Its labels come sorted by name; `buffer` is
    /// scratch.
    pub fn matches<'a>(
        &self,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        buffer: &mut Vec<u8>,
    ) -> bool {
        const SEPARATOR: u8 = 0xff;
        buffer.clear();
        for (name, value) in labels {
            if self.by == self.labels.iter().any(|label| label == name) {
                buffer.extend_from_slice(name.as_bytes());
                buffer.push(SEPARATOR);
                buffer.extend_from_slice(value.as_bytes());
                buffer.push(SEPARATOR);
            }
        }
        xxh64(buffer) % self.total.max(1) == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(index: u64, by: bool, labels: &[&str]) -> Shard {
        let labels = labels.iter().map(|&name| name.into()).collect();
        Shard {
            index,
            total: 3,
            by,
            labels,
        }
    }

    /// The shard of three that has the series.
    fn shard_of(by: bool, names: &[&str], labels: &[(&str, &str)]) -> u64 {
        let mut buffer = Vec::new();
        let has = |&index: &u64| {
            shard(index, by, names).matches(labels.iter().copied(), &mut buffer.clone())
        };
        let found: Vec<u64> = (0..3).filter(has).collect();
        buffer.clear();
        assert_eq!(found.len(), 1, "{labels:?} is in one shard");
        found[0]
    }

    #[test]
    fn a_series_is_in_the_shard_of_its_hash() {
        // XXH64 of "pod\xffa\xff" and of nothing, modulo 3.
        let pod = xxh64(b"pod\xffa\xff") % 3;
        let labels = [("__name__", "up"), ("pod", "a"), ("zone", "x")];
        assert_eq!(shard_of(true, &["pod"], &labels), pod);
        assert_eq!(shard_of(false, &["__name__", "zone"], &labels), pod);
        assert_eq!(shard_of(true, &["job"], &labels), xxh64(b"") % 3);
    }

    /// What Thanos's own code says (`compliance/go/thanosproto/shards`).
    #[test]
    fn series_are_in_the_shards_of_thanos() {
        let list = |text: &str| -> Vec<String> {
            let items = text.split(',').filter(|item| !item.is_empty());
            items.map(str::to_string).collect()
        };
        let mut seen = 0;
        for line in include_str!("../testdata/shards.txt").lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [total, kind, names, index, labels] = fields[..] else {
                panic!("{line}");
            };
            let labels = list(labels);
            let labels: Vec<_> = labels.iter().map(|l| l.split_once('=').unwrap()).collect();
            let shard = Shard {
                index: index.parse().unwrap(),
                total: total.parse().unwrap(),
                by: kind == "by",
                labels: list(names),
            };
            assert!(shard.matches(labels, &mut Vec::new()), "{line}");
            seen += 1;
        }
        assert_eq!(seen, 5 * 2 * 5 * 6);
    }

    #[test]
    fn requests_describe_shards() {
        let of = |index, total| Shard::of(index, total, true, vec![]);
        assert_eq!(of(0, 0), None);
        assert_eq!(of(0, -1), None);
        for index in [-1, 2, i64::MIN] {
            let none = of(index, 2).unwrap();
            assert!((0..100).all(|n| !none.matches([("a", &n.to_string()[..])], &mut Vec::new())));
        }
        assert!(of(0, 1).unwrap().matches([("a", "b")], &mut Vec::new()));
    }

    #[test]
    fn replicas_are_in_one_shard() {
        let of = |shard: Shard, replica: &str| {
            let labels = [("a", "1"), ("replica", replica)];
            shard
                .without_replica_labels(&["replica".to_string()])
                .matches(labels, &mut Vec::new())
        };
        for replica in ["a", "b", "c", "d"] {
            for (by, labels) in [(false, &["x"][..]), (true, &["a", "replica"])] {
                for index in 0..3 {
                    let shard = shard(index, by, labels);
                    assert_eq!(of(shard.clone(), replica), of(shard, "e"));
                }
            }
        }
    }
}
