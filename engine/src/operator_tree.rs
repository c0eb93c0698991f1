//! The operators of a plan, and what each of them did.

use std::fmt;
use std::time::{Duration, Instant};

/// The operators of a physical plan, the root first, each before its inputs.
///
/// It is a list, not a tree of boxes: plans are as deep as queries are, and nothing has
/// to recurse over them.
#[derive(Clone, Debug, Default)]
pub struct OperatorTree {
    /// In the order of the text that `explain` prints.
    pub operators: Vec<OperatorReport>,
}

/// An operator of a plan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OperatorReport {
    /// How far it is from the root, whose depth is 0. Its inputs follow it with one
    /// more.
    pub depth: usize,
    /// The operator's name, such as `Aggregate`.
    pub name: &'static str,
    /// The line that `explain` prints: the name, and what the operator says of itself.
    pub text: String,
    /// The matchers of the series that it reads, as the store was asked for them; none
    /// if it reads no series. They are known of a query that has run.
    pub selector: Vec<String>,
    /// What it did; nothing if it has not run.
    pub stats: OperatorStats,
}

/// What an operator did, over all of its partitions.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct OperatorStats {
    /// When its first partition began.
    pub began: Option<Instant>,
    /// When its last partition ended, as far as it has.
    pub ended: Option<Instant>,
    /// Time that its partitions and their inputs have computed, those that ran side by
    /// side added up.
    pub elapsed: Duration,
    /// Rows that it gave.
    pub rows: u64,
    /// Samples that it gave: values of rows at steps.
    pub items: u64,
    /// The most samples that it gave at once.
    pub peak_items: u64,
    /// Samples in its windows, each counted once for each step whose window holds it.
    pub samples: u64,
    /// Encoded bytes that it read.
    pub bytes: u64,
}

impl fmt::Display for OperatorStats {
    /// In the words of DataFusion's `EXPLAIN ANALYZE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "output_rows={}, elapsed_compute={:.2?}, output_items={}, read_bytes={}",
            self.rows, self.elapsed, self.items, self.bytes
        )
    }
}

impl OperatorTree {
    /// A plan that is one thing and has no statistics.
    pub(crate) fn of_one(name: &'static str, text: String) -> Self {
        let stats = OperatorStats::default();
        OperatorTree {
            operators: vec![OperatorReport {
                depth: 0,
                name,
                text,
                selector: Vec::new(),
                stats,
            }],
        }
    }

    /// The plan as text, a line an operator, inputs indented; with the statistics of
    /// those that have run.
    pub(crate) fn print(&self, with_stats: bool) -> String {
        let mut out = String::new();
        for operator in &self.operators {
            out.extend(std::iter::repeat_n("  ", operator.depth));
            out.push_str(&operator.text);
            if with_stats && operator.stats.began.is_some() {
                out.push_str(&format!(", metrics=[{}]", operator.stats));
            }
            out.push('\n');
        }
        out
    }
}
