//! The generator: its state, and the parts that any part may be made of.

use std::sync::Arc;

use quarrel_engine::{QueryTimes, Timestamp};
use quarrel_planner::ParserOptions;

use super::catalog::Catalog;
use super::dice::Dice;
use super::metric::{Metric, MetricKind};
use super::options::Options;
use super::schema::Schema;
use crate::cases::{Case, Origin};

/// How many parts a query has at most, about. Joins at each level would be
/// exponential.
const MOST_PARTS: u32 = 40;

/// Makes random queries over the labels, values and types of a [`Schema`].
///
/// The same seed, schema and options give the same queries, on every machine.
/// That holds for one version of this crate: another one may choose otherwise.
/// There is always a next query.
#[derive(Clone, Debug)]
pub struct Generator {
    pub(super) dice: Dice,
    pub(super) schema: Schema,
    pub(super) options: Options,
    pub(super) catalog: Catalog,
    /// The metrics of each kind that there is, with their weights.
    kinds: Vec<(MetricKind, Vec<(u32, usize)>)>,
    weights: Vec<(u32, usize)>,
    seed: u64,
    made: u64,
    /// The times of the query that is being made.
    pub(super) times: QueryTimes,
    /// The subqueries around the part that is being made.
    pub(super) subqueries: u32,
    /// The parts that the query may still have.
    pub(super) parts_left: u32,
}

impl Generator {
    /// A generator that begins anew.
    pub fn new(schema: Schema, seed: u64, options: Options) -> Self {
        let mut kinds: Vec<(MetricKind, Vec<(u32, usize)>)> = Vec::new();
        let mut weights = Vec::new();
        for (index, metric) in schema.metrics().iter().enumerate() {
            let row = (metric.weight(), index);
            weights.push(row);
            match kinds.iter_mut().find(|(kind, _)| *kind == metric.kind()) {
                Some((_, rows)) => rows.push(row),
                None => kinds.push((metric.kind(), vec![row])),
            }
        }
        Generator {
            dice: Dice::new(seed),
            catalog: Catalog::new(options.experimental),
            times: QueryTimes::Instant(Timestamp::from_millis(schema.last_millis())),
            schema,
            options,
            kinds,
            weights,
            seed,
            made: 0,
            subqueries: 0,
            parts_left: MOST_PARTS,
        }
    }

    /// The next query with its times.
    pub fn next_case(&mut self) -> Case {
        self.made += 1;
        self.times = self.pick_times();
        self.subqueries = 0;
        self.parts_left = MOST_PARTS;
        let broken = u32::from(self.options.broken);
        let query = if self.dice.chance(broken) {
            self.broken()
        } else {
            self.query()
        };
        let origin = Origin::new(format!("random, seed {}", self.seed), self.made.to_string());
        Case {
            times: Some(self.times),
            ..Case::new(query, origin)
        }
    }

    /// Whether the query has one evaluation time.
    pub(super) fn is_instant(&self) -> bool {
        matches!(self.times, QueryTimes::Instant(_))
    }

    /// A metric; one of ten is of any kind there is.
    pub(super) fn metric(&mut self) -> Arc<Metric> {
        let rows = match self.dice.chance(10) {
            true => &self.kinds[self.dice.below(self.kinds.len())].1,
            false => &self.weights,
        };
        self.schema.metrics()[self.dice.weighted(rows)].clone()
    }

    /// A metric of a kind, if there is one.
    pub(super) fn metric_of(&mut self, kind: MetricKind) -> Option<Arc<Metric>> {
        let rows = &self.kinds.iter().find(|(k, _)| *k == kind)?.1;
        Some(self.schema.metrics()[self.dice.weighted(rows)].clone())
    }

    /// A metric for which `suits` holds, or any.
    pub(super) fn metric_like(&mut self, suits: impl Fn(&Metric) -> bool) -> Arc<Metric> {
        let all = self.schema.metrics();
        let rows: Vec<(u32, usize)> = self
            .weights
            .iter()
            .copied()
            .filter(|(_, index)| suits(&all[*index]))
            .collect();
        if rows.is_empty() {
            return self.metric();
        }
        all[self.dice.weighted(&rows)].clone()
    }

    /// Whether there is a metric with native histograms.
    pub(super) fn has_native(&self) -> bool {
        let native = MetricKind::NativeHistogram;
        self.kinds.iter().any(|(kind, _)| *kind == native)
    }

    /// Some of the labels in random order, and seldom one that is not there.
    pub(super) fn subset(&mut self, labels: &[String], most: usize) -> Vec<String> {
        let mut some = self.dice.some(labels, most);
        if self.dice.chance(4) {
            let odd = ["nope", "job", "__name__", "le", "service.name"];
            some.push(self.dice.pick(&odd).into());
        }
        some
    }
}

/// An endless iterator.
impl Iterator for Generator {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        Some(self.next_case())
    }
}

/// Whether a text is a query, also where names beyond ASCII need quotes.
pub(super) fn is_query(text: &str) -> bool {
    let options = ParserOptions {
        enable_unquoted_utf8_names: false,
        ..ParserOptions::all()
    };
    quarrel_planner::parse(text, &options).is_ok()
}
