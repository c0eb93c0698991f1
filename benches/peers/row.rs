//! What was measured of a query, by engine.

use quarrel_benches::BenchQuery;
use quarrel_benches::classes::Class;

use crate::protocol::Answer;
use quarrel_benches::stats::{median, quantile};

/// One engine's part of a row.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The wall time of each run, ns.
    pub times: Vec<u64>,
    pub rows: u64,
    /// The bytes that a run allocates.
    pub allocated: Option<u64>,
    /// The peak of anonymous memory above that of the idle process.
    pub peak: Option<u64>,
    /// Why there are no times.
    pub failure: Option<String>,
    /// Whether this is quarrel, by another door: no peer.
    pub door: bool,
}

/// A query and what the engines made of it. quarrel is the first of them, and
/// Prometheus, if it takes part, the second.
#[derive(Clone, Debug)]
pub struct Row {
    pub class: Class,
    pub query: BenchQuery,
    pub outcomes: Vec<Outcome>,
}

/// Below this many bytes of the better peer, memory is not compared.
const WORTH_COMPARING: u64 = 1 << 20;

impl Outcome {
    /// Adds the runs of an answer.
    pub fn add(&mut self, answer: Answer, timeout_ms: u64) {
        if answer.timed_out {
            self.failure = Some(format!("> {} s", timeout_ms / 1_000));
        } else if !answer.error.is_empty() {
            self.failure = Some(answer.error);
        }
        self.times.extend(answer.times_ns);
        self.rows = answer.rows;
        self.allocated = answer.alloc_bytes.or(self.allocated);
        self.peak = self.peak.max(answer.peak_bytes);
    }

    /// The median, ns, unless a run failed.
    pub fn median(&self) -> Option<u64> {
        if self.failure.is_some() {
            return None;
        }
        median(&self.times)
    }

    pub fn min(&self) -> Option<u64> {
        if self.failure.is_some() {
            return None;
        }
        quantile(&self.times, 0.0)
    }
}

impl Row {
    pub fn own(&self) -> Option<&Outcome> {
        self.outcomes.first()
    }

    pub fn peers(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().skip(1).filter(|outcome| !outcome.door)
    }

    /// How many times as fast quarrel is as the fastest peer.
    pub fn times(&self) -> Option<f64> {
        let best = self.peers().filter_map(Outcome::median).min()?;
        Some(best as f64 / self.own()?.median()?.max(1) as f64)
    }

    /// A figure of quarrel's, and the least of the peers', if that peer
    /// allocates enough for a comparison.
    pub fn compared(&self, figure: fn(&Outcome) -> Option<u64>) -> Option<(u64, u64)> {
        let of_peer = |peer: &Outcome| Some((figure(peer)?, peer.allocated?));
        let (least, allocated) = self.peers().filter_map(of_peer).min()?;
        if allocated <= WORTH_COMPARING {
            return None;
        }
        Some((figure(self.own()?)?, least))
    }

    /// Whether Prometheus has another number of rows.
    pub fn other_rows(&self) -> Option<u64> {
        let (own, prometheus) = (self.own()?, self.peers().next()?);
        let both = own.failure.is_none() && prometheus.failure.is_none();
        (both && own.rows != prometheus.rows).then_some(prometheus.rows)
    }

    /// What is to be said of the row.
    pub fn remarks(&self) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(rows) = self.other_rows() {
            out.push(format!("**rows: Prometheus has {rows}**"));
        }
        let half = |figure: Option<(u64, u64)>| figure.is_some_and(|(own, peer)| own * 2 > peer);
        if half(self.compared(|o| o.allocated)) {
            out.push("allocates".to_string());
        }
        if half(self.compared(|o| o.peak)) {
            out.push("peak".to_string());
        }
        if self.times().is_some_and(|times| times < 1.0) {
            out.push("slower".to_string());
        }
        out
    }
}

#[cfg(test)]
pub mod tests {
    use quarrel_benches::Shape;

    use super::*;

    /// An outcome of so many ms, rows, MiB allocated and MiB at the peak.
    pub fn outcome(ms: u64, rows: u64, allocated: u64, peak: u64) -> Outcome {
        Outcome {
            times: vec![ms * 1_000_000 + 1, ms * 1_000_000, ms * 1_000_000 - 1],
            rows,
            allocated: Some(allocated << 20),
            peak: Some(peak << 20),
            failure: None,
            door: false,
        }
    }

    pub fn row(outcomes: Vec<Outcome>) -> Row {
        let query = BenchQuery::range(Shape::X, "a | b", (0, 7_200_000), 30_000);
        Row {
            class: Class::Thanos,
            query,
            outcomes,
        }
    }

    #[test]
    fn the_better_peer_counts() {
        let row = row(vec![
            outcome(10, 3, 1, 1),
            outcome(80, 3, 20, 10),
            outcome(40, 3, 30, 4),
        ]);
        assert_eq!(row.times(), Some(4.0));
        assert_eq!(row.compared(|o| o.peak), Some((1 << 20, 4 << 20)));
        assert_eq!(row.remarks(), Vec::<String>::new());
    }

    #[test]
    fn another_door_is_no_peer() {
        let mut door = outcome(12, 2, 1, 1);
        door.door = true;
        let row = row(vec![outcome(10, 3, 1, 1), outcome(80, 3, 20, 10), door]);
        assert_eq!((row.times(), row.other_rows()), (Some(8.0), None));
    }

    #[test]
    fn remarks() {
        let slow = row(vec![outcome(50, 2, 11, 3), outcome(40, 3, 20, 5)]);
        let expected = ["**rows: Prometheus has 3**", "allocates", "peak", "slower"];
        assert_eq!(slow.remarks(), expected);
        // A peer that allocates less than a MiB is not compared.
        let small = row(vec![outcome(1, 1, 9, 9), outcome(4, 1, 1, 9)]);
        assert_eq!(small.remarks(), Vec::<String>::new());
    }

    #[test]
    fn failures_have_no_times() {
        let mut late = Outcome::default();
        let answer = Answer {
            timed_out: true,
            error: "query timed out".to_string(),
            ..Answer::default()
        };
        late.add(answer, 60_000);
        assert_eq!(late.failure.as_deref(), Some("> 60 s"));
        let row = row(vec![outcome(1, 1, 1, 1), late.clone(), outcome(7, 1, 1, 1)]);
        assert_eq!(row.times(), Some(7.0));
        assert_eq!(row.other_rows(), None);
        assert_eq!(
            super::Row {
                outcomes: vec![outcome(1, 1, 1, 1), late],
                ..row
            }
            .times(),
            None
        );
    }
}
