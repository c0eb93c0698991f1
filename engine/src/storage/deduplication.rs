//! How the replicas of a series become one.

use std::fmt;
use std::str::FromStr;

use quarrel_functions::replicas::REACH_MS;

use super::time_range::TimeRange;

/// How far beyond the asked range, on both sides, samples are looked at where a row
/// has several replicas, ms: half an hour. A store that gives replicas gives the
/// samples there, too; without them, what a replica misses at the ends of a range
/// may be filled otherwise than in a longer one.
pub const REPLICA_REACH_MS: i64 = REACH_MS;

/// How the replicas of a series become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deduplication {
    /// The first replica's samples, and in its gaps those of the next ones. What
    /// counts depends on the samples alone: `docs/deduplication.md` has the rule.
    #[default]
    Replicas,
    /// Thanos's algorithm `penalty`, for who wants its answers. They depend on where
    /// a query begins.
    Penalty,
    /// All samples of all replicas; of those at one time, one. Right where replicas
    /// are copies; where they scrape at different times, all count.
    Chain,
}

impl Deduplication {
    /// All ways, the default first.
    pub const ALL: [Deduplication; 3] = [
        Deduplication::Replicas,
        Deduplication::Penalty,
        Deduplication::Chain,
    ];

    /// Its name in flags and parameters: `replicas`, `penalty` or `chain`.
    pub const fn name(self) -> &'static str {
        match self {
            Deduplication::Replicas => "replicas",
            Deduplication::Penalty => "penalty",
            Deduplication::Chain => "chain",
        }
    }

    /// The range of time that a store is asked for, so that a range has its samples.
    pub const fn reach(self, range: TimeRange) -> TimeRange {
        match self {
            Deduplication::Replicas => TimeRange {
                start: range.start.saturating_sub(REPLICA_REACH_MS),
                end: range.end.saturating_add(REPLICA_REACH_MS),
            },
            Deduplication::Penalty | Deduplication::Chain => range,
        }
    }
}

impl fmt::Display for Deduplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of no way to unite replicas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown deduplication {0:?}: it is \"replicas\", \"penalty\" or \"chain\"")]
pub struct UnknownDeduplication(String);

impl FromStr for Deduplication {
    type Err = UnknownDeduplication;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Deduplication::ALL.into_iter().find(|d| d.name() == name);
        found.ok_or_else(|| UnknownDeduplication(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for deduplication in Deduplication::ALL {
            let read: Deduplication = deduplication.to_string().parse().unwrap();
            assert_eq!(read, deduplication);
        }
        let error = "one".parse::<Deduplication>().unwrap_err();
        assert!(error.to_string().contains("\"one\""));
    }
}
