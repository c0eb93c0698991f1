//! Warnings and infos that accompany an answer.
//!
//! Prometheus deduplicates annotations by their text without the position,
//! and the one that was evaluated last wins. Operators run in parallel here,
//! so each annotation carries the number of its plan node (syntax-tree order)
//! and ties are settled by that: the answer does not depend on scheduling.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use quarrel_planner::ast::Span;

/// Whether an annotation is a warning or an info.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something that is probably wrong.
    Warning,
    /// Something worth knowing.
    Info,
}

#[derive(Debug)]
struct Entry {
    node: u32,
    span: Option<Span>,
    monotonicity: Option<ForcedMonotonicity>,
    /// How often it happened, where that is told.
    occurrences: Option<u64>,
}

/// What `histogram_quantile` had to change in classic buckets; merged over
/// all samples and shown behind the info's text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForcedMonotonicity {
    /// First and last evaluation time concerned, ms.
    pub times: (i64, i64),
    /// Lowest and highest upper bound of the changed buckets.
    pub buckets: (f64, f64),
    /// The largest change.
    pub max_diff: f64,
    /// How many samples were concerned.
    pub samples: u64,
}

impl ForcedMonotonicity {
    /// Joins what two samples had.
    pub fn merge(self, other: Self) -> Self {
        ForcedMonotonicity {
            times: (
                self.times.0.min(other.times.0),
                self.times.1.max(other.times.1),
            ),
            buckets: (
                self.buckets.0.min(other.buckets.0),
                self.buckets.1.max(other.buckets.1),
            ),
            max_diff: self.max_diff.max(other.max_diff),
            samples: self.samples + other.samples,
        }
    }

    fn render(&self) -> String {
        use quarrel_functions::fmt::{format_g, format_g2, rfc3339_seconds};
        format!(
            ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            format_g(self.buckets.0),
            format_g(self.buckets.1),
            format_g2(self.max_diff),
            self.samples,
            rfc3339_seconds(self.times.0.div_euclid(1000)),
            rfc3339_seconds(self.times.1.div_euclid(1000)),
        )
    }
}

/// What some texts end with if the name of the metric is known.
pub(crate) fn for_metric(name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    format!(" for metric name {}", quarrel_functions::fmt::quote(name))
}

/// Collects annotations from all operators of a query.
#[derive(Debug, Default)]
pub struct Annotations {
    entries: Mutex<BTreeMap<(Level, String), Entry>>,
}

impl Annotations {
    /// Adds one; `text` without `PromQL warning: ` and without the position.
    pub fn add(&self, level: Level, node: u32, span: Option<Span>, text: impl Into<String>) {
        self.put(
            level,
            text.into(),
            Entry {
                node,
                span,
                monotonicity: None,
                occurrences: None,
            },
        );
    }

    /// Adds a warning.
    pub fn warn(&self, node: u32, span: Span, text: impl Into<String>) {
        self.add(Level::Warning, node, Some(span), text);
    }

    /// Adds an info.
    pub fn info(&self, node: u32, span: Span, text: impl Into<String>) {
        self.add(Level::Info, node, Some(span), text);
    }

    /// Adds the info that classic buckets were not monotonic.
    pub fn add_monotonicity(
        &self,
        node: u32,
        span: Span,
        text: impl Into<String>,
        detail: ForcedMonotonicity,
    ) {
        let entry = Entry {
            node,
            span: Some(span),
            monotonicity: Some(detail),
            occurrences: None,
        };
        self.put(Level::Info, text.into(), entry);
    }

    /// Adds a warning that tells how often it happened.
    pub fn warn_times(&self, node: u32, span: Span, text: impl Into<String>, times: u64) {
        let entry = Entry {
            node,
            span: Some(span),
            monotonicity: None,
            occurrences: Some(times),
        };
        self.put(Level::Warning, text.into(), entry);
    }

    fn put(&self, level: Level, text: String, mut new: Entry) {
        let mut entries = self.entries.lock();
        match entries.entry((level, text)) {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(new);
            }
            std::collections::btree_map::Entry::Occupied(mut occupied) => {
                let old = occupied.get_mut();
                new.monotonicity = match (old.monotonicity, new.monotonicity) {
                    (Some(a), Some(b)) => Some(a.merge(b)),
                    (a, b) => a.or(b),
                };
                new.occurrences = match (old.occurrences, new.occurrences) {
                    (Some(a), Some(b)) => Some(a.saturating_add(b)),
                    (a, b) => a.or(b),
                };
                // The last place wins; where texts are merged, the first.
                let merged = new.monotonicity.is_some() || new.occurrences.is_some();
                let keeps_old = if merged {
                    old.node <= new.node
                } else {
                    new.node < old.node
                };
                if keeps_old {
                    (new.node, new.span) = (old.node, old.span);
                }
                *old = new;
            }
        }
    }

    /// The texts of one level as Prometheus words them, positions against
    /// `query`, sorted, at most `limit` (0: all); what is over is counted in a
    /// last line as there.
    pub fn render(&self, level: Level, query: &str, limit: usize) -> Vec<String> {
        let entries = self.entries.lock();
        let mut out: Vec<String> = entries
            .iter()
            .filter(|((l, _), _)| *l == level)
            .map(|((_, text), entry)| match entry.span {
                Some(span) => {
                    let detail = match (entry.monotonicity, entry.occurrences) {
                        (Some(monotonicity), _) => monotonicity.render(),
                        (None, Some(times @ 2..)) => format!(" ({times} occurrences)"),
                        (None, _) => String::new(),
                    };
                    format!(
                        "{}{detail} ({})",
                        prefix(level, text),
                        position(query, span)
                    )
                }
                None => text.clone(),
            })
            .collect();
        if limit > 0 && out.len() > limit {
            let over = out.len() - limit;
            out.truncate(limit);
            let what = match level {
                Level::Warning => "warning",
                Level::Info => "info",
            };
            out.push(format!("{over} more {what} annotations omitted"));
        }
        out
    }
}

fn prefix(level: Level, text: &str) -> String {
    match level {
        Level::Warning => format!("PromQL warning: {text}"),
        Level::Info => format!("PromQL info: {text}"),
    }
}

/// `line:column` of a span's start.
fn position(query: &str, span: Span) -> String {
    let (line, column) = span.position(query);
    format!("{line}:{column}")
}
