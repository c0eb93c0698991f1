//! Which rows are buckets of which classic histogram, and what becomes of
//! native histograms beside them.
//!
//! Rows that differ in `le` alone are one classic histogram. A native
//! histogram with the same labels (without `le`) at the same step is in
//! conflict with it: then neither of them counts.

use std::sync::Arc;

use quarrel_functions::histogram::classic::upper_bound;
use quarrel_planner::ast::Span;
use rustc_hash::FxHashMap;

use crate::annotations::for_metric;
use crate::batch::{Row, Rows};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::labels::{Grouper, Label, LabelList, Symbol, Symbols, find_label};

/// The classic histograms of an input, as labels have it.
#[derive(Debug)]
pub(super) struct Groups {
    /// The input's labels.
    rows: Arc<LabelList>,
    /// For each input row its histogram, and the bucket's upper bound; `None`
    /// for rows that are no buckets.
    buckets: Vec<Option<(u32, f64)>>,
    /// What is said of floats whose `le` is no bound.
    malformed: Vec<(u32, String)>,
    /// The histograms by their labels.
    grouper: Grouper,
    /// Whether names are known although they are dropped.
    names: bool,
}

/// The histograms of an input that has come.
pub(super) struct Arrived<'a> {
    /// Classic histograms with their buckets, in the order of their first rows.
    pub classic: Vec<(u32, Vec<(f64, Row<'a>)>)>,
    /// Rows that have native histograms.
    pub native: Vec<Row<'a>>,
    /// Steps at which classic histograms are in conflict with native ones.
    conflicts: FxHashMap<u32, Vec<bool>>,
    /// The classic histogram that a row may be in conflict with.
    rivals: FxHashMap<u32, u32>,
}

impl Groups {
    /// Finds each row's histogram; gives the labels of all histograms, too.
    pub fn new(context: &QueryContext, rows: &Arc<LabelList>) -> (Self, LabelList) {
        let symbols = context.symbols.read();
        let mut groups = Groups {
            rows: Arc::clone(rows),
            buckets: Vec::with_capacity(rows.len()),
            malformed: Vec::new(),
            grouper: Grouper::default(),
            names: context.semantics.delayed_name_removal,
        };
        let mut labels = LabelList::new();
        let mut bounds: FxHashMap<Symbol, Option<f64>> = FxHashMap::default();
        let mut key = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let le = find_label(row, Symbol::LE).unwrap_or(Symbol::EMPTY);
            let bound = *bounds
                .entry(le)
                .or_insert_with(|| upper_bound(symbols.get(le)));
            let Some(bound) = bound else {
                let text = groups.malformed_text(row, le, &symbols);
                groups.malformed.push((number as u32, text));
                groups.buckets.push(None);
                continue;
            };
            key.clear();
            key.extend(row.iter().copied().filter(|l| l.name != Symbol::LE));
            let histogram = groups.grouper.id_of(&key);
            if histogram as usize == labels.len() {
                labels.push(key.iter().copied());
            }
            groups.buckets.push(Some((histogram, bound)));
        }
        (groups, labels)
    }

    fn malformed_text(&self, row: &[Label], le: Symbol, symbols: &Symbols<'_>) -> String {
        let le = quarrel_functions::fmt::quote(symbols.get(le));
        let name = self.name_of(row, symbols);
        format!("bucket label \"le\" is missing or has a malformed value of {le}{name}")
    }

    /// How a text about a row ends.
    pub fn name_of(&self, row: &[Label], symbols: &Symbols<'_>) -> String {
        match self.names {
            true => for_metric(symbols.value_of(row, Symbol::NAME)),
            false => String::new(),
        }
    }

    /// Whether any row may be a bucket of a classic histogram.
    pub fn has_buckets(&self) -> bool {
        self.buckets.iter().any(Option::is_some)
    }

    /// What is said of each row, in their order, if it has floats; there is no
    /// bucket.
    pub fn into_malformed(self) -> Vec<(u32, String)> {
        self.malformed
    }

    /// How many rows the input has.
    pub fn rows(&self) -> usize {
        self.buckets.len()
    }

    /// The labels of an input row.
    pub fn labels_of(&self, row: u32) -> &[Label] {
        self.rows.get(row as usize)
    }

    /// Sorts the rows that have come, and annotates what does not count.
    ///
    /// # Errors
    /// The memory limit.
    pub fn arrive<'a>(
        &self,
        input: &'a Rows,
        steps: usize,
        (node, span): (u32, Span),
        account: &mut Account,
    ) -> Result<Arrived<'a>, QueryError> {
        let context = Arc::clone(account.context());
        for (row, text) in &self.malformed {
            if input
                .get(*row)
                .is_some_and(|row| row.floats().next().is_some())
            {
                context.annotations.warn(node, span, text.clone());
            }
        }
        let mut arrived = Arrived {
            classic: Vec::new(),
            native: Vec::new(),
            conflicts: FxHashMap::default(),
            rivals: FxHashMap::default(),
        };
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        for row in input.arrived() {
            if row.has_histograms() {
                arrived.native.push(row);
            }
            let Some((histogram, bound)) = self.buckets[row.series as usize] else {
                continue;
            };
            let place = *places.entry(histogram).or_insert_with(|| {
                arrived.classic.push((histogram, Vec::new()));
                arrived.classic.len() - 1
            });
            arrived.classic[place].1.push((bound, row));
        }
        for row in arrived.native.clone() {
            let rival = self.grouper.find(self.labels_of(row.series));
            let Some(&place) = rival.and_then(|rival| places.get(&rival)) else {
                continue;
            };
            account.grow(steps)?;
            if arrived.meet(place, &row, steps) {
                let name = self.name_of(self.labels_of(row.series), &context.symbols.read());
                let text = format!("vector contains a mix of classic and native histograms{name}");
                context.annotations.warn(node, span, text);
            }
        }
        Ok(arrived)
    }
}

impl Arrived<'_> {
    /// Sets the steps at which a native histogram stands beside a classic one;
    /// gives whether there is any.
    fn meet(&mut self, place: usize, native: &Row<'_>, steps: usize) -> bool {
        let (number, buckets) = &self.classic[place];
        let mut there = vec![false; steps];
        for (_, row) in buckets {
            let first = row.first_step as usize;
            row.floats().for_each(|i| there[first + i] = true);
        }
        let conflicts = self
            .conflicts
            .entry(*number)
            .or_insert_with(|| vec![false; steps]);
        let mut any = false;
        for (i, _) in native.histograms() {
            let step = native.first_step as usize + i;
            conflicts[step] |= there[step];
            any |= there[step];
        }
        self.rivals.insert(native.series, *number);
        any
    }

    /// Whether a classic histogram does not count at a step.
    pub fn is_in_conflict(&self, histogram: u32, step: usize) -> bool {
        let conflicts = self.conflicts.get(&histogram);
        conflicts.is_some_and(|steps| steps[step])
    }

    /// Whether a row's native histogram does not count at a step.
    pub fn has_rival(&self, row: u32, step: usize) -> bool {
        let rival = self.rivals.get(&row);
        rival.is_some_and(|&rival| self.is_in_conflict(rival, step))
    }
}

/// Asks the query's limits now and then.
pub(super) fn check(context: &QueryContext, number: usize) -> Result<(), QueryError> {
    if number.is_multiple_of(16) {
        context.check()?;
    }
    Ok(())
}
