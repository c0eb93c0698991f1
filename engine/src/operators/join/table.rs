//! Match groups and result labels.
//!
//! The "one" side's rows of a match group that would bring the same labels
//! along are one [`MatchedSeries`]: their samples do not overlap in time. Each
//! row of the "many" side is paired with each matched series of its group, and
//! every pair is a row of the result. Where a side is filled, each row of the
//! "many" side is also paired with a number, and so is each matched series, at
//! the steps at which the other side of the group has no sample.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use quarrel_planner::ast::{Cardinality, VectorMatching};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::labels::{Grouper, Label, LabelList, Symbol, find_label, set_label};
use crate::operators::aggregate::grouping::LabelFilter;

/// Rows of the "one" side that bring the same labels.
#[derive(Debug)]
pub(super) struct MatchedSeries {
    pub rows: SmallVec<[u32; 1]>,
}

/// The matched series of a match group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Numbers in [`Sides::matched`].
    pub matched: SmallVec<[u32; 1]>,
    /// How many rows the matched series have together.
    pub one_rows: u32,
    /// How many rows the "many" side has.
    pub many_rows: u32,
}

/// The numbers that stand for missing samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fill {
    /// Of the "many" side.
    pub many: Option<f64>,
    /// Of the "one" side.
    pub one: Option<f64>,
}

impl Fill {
    fn of(matching: &VectorMatching) -> Self {
        let (left, right) = (matching.fill_left, matching.fill_right);
        let (many, one) = match matching.card {
            Cardinality::OneToMany => (right, left),
            _ => (left, right),
        };
        Fill { many, one }
    }

    /// Whether any side is filled.
    pub fn any(self) -> bool {
        self.many.is_some() || self.one.is_some()
    }
}

/// The match groups of both sides.
#[derive(Debug)]
pub(super) struct Sides {
    /// For each "many" row its group, `u32::MAX` if it matches nothing.
    pub many_group: Vec<u32>,
    /// For each "one" row its group.
    pub one_group: Vec<u32>,
    /// The groups; if the "one" side is filled also those without matched series.
    pub group: Vec<Group>,
    /// What stands for missing samples.
    pub fill: Fill,
    /// All matched series.
    pub matched: Vec<MatchedSeries>,
    /// The most rows that the result can have, from labels.
    pub pairs: usize,
    /// The rows of both sides.
    pub many_labels: Arc<LabelList>,
    pub one_labels: Arc<LabelList>,
    /// For error texts: the labels that decide.
    pub filter: LabelFilter,
    /// Bytes of the table.
    account: Account,
}

/// The match table of a join.
#[derive(Debug)]
pub(super) struct Table {
    pub sides: Sides,
    /// For each "many" row the number of its first result row; the others
    /// follow in the order of the group's matched series, the filled one last.
    pub first_pair: Vec<u32>,
    /// The result rows of matched series beside a filled "many" side begin here,
    /// one for each.
    pub first_filled: u32,
    /// For each pair the class within which samples must not overlap;
    /// `u32::MAX` if the pair is alone.
    pub class: Vec<u32>,
    /// How many classes there are.
    pub classes: usize,
}

/// No group, no class.
pub(super) const NONE: u32 = u32::MAX;

impl Sides {
    /// Matches two label lists.
    ///
    /// # Errors
    /// The memory limit.
    pub fn build(
        context: &Arc<QueryContext>,
        many: &Arc<LabelList>,
        one: &Arc<LabelList>,
        matching: &VectorMatching,
    ) -> Result<Self, QueryError> {
        let symbols = &context.symbols;
        let filter = if matching.on {
            LabelFilter::only(&matching.labels, symbols)
        } else {
            LabelFilter::all_but(&matching.labels, symbols)
        };
        let include: Vec<Symbol> = matching.include.iter().map(|n| symbols.intern(n)).collect();
        let fill = Fill::of(matching);
        let mut account = context.account("join");
        account.grow((many.len() + one.len()) * 28)?;
        let OneSide {
            mut grouper,
            mut group,
            matched,
            one_group,
        } = one_side(one, &filter, &include);
        let mut many_group = Vec::with_capacity(many.len());
        let mut pairs = if fill.many.is_some() {
            matched.len()
        } else {
            0
        };
        let mut buffer = Vec::new();
        for row in many.iter() {
            filter.apply(row, &mut buffer);
            let number = if fill.one.is_some() {
                grouper.id_of(&buffer)
            } else {
                grouper.find_next(&buffer).unwrap_or(NONE)
            };
            many_group.push(number);
            if number == NONE {
                continue;
            }
            if number as usize == group.len() {
                group.push(Group::default());
            }
            let group = &mut group[number as usize];
            group.many_rows += 1;
            let met = group.matched.len() + usize::from(fill.one.is_some());
            pairs = pairs.saturating_add(met);
        }
        Ok(Sides {
            many_group,
            one_group,
            group,
            fill,
            matched,
            pairs,
            many_labels: Arc::clone(many),
            one_labels: Arc::clone(one),
            filter,
            account,
        })
    }

    /// How many result rows a "many" row has.
    fn pairs_of(&self, row: usize) -> usize {
        match self.many_group[row] {
            NONE => 0,
            number => {
                let matched = self.group[number as usize].matched.len();
                matched + usize::from(self.fill.one.is_some())
            }
        }
    }

    /// Shows the labels that each pair gets together, in the pairs' order.
    fn visit_pairs(&self, mut visit: impl FnMut(&[Label], &[Label])) {
        let mut filled = Vec::new();
        let pairs = self.many_labels.iter().zip(&self.many_group);
        for (row, &number) in pairs.filter(|(_, group)| **group != NONE) {
            for &one_series in &self.group[number as usize].matched {
                visit(row, self.one_labels.get(self.first_row(one_series)));
            }
            if self.fill.one.is_some() {
                self.filter.apply(row, &mut filled);
                visit(row, &filled);
            }
        }
        if self.fill.many.is_some() {
            for one_series in 0..self.matched.len() as u32 {
                let row = self.one_labels.get(self.first_row(one_series));
                self.filter.apply(row, &mut filled);
                visit(&filled, row);
            }
        }
    }

    /// For each "one" row its matched series.
    pub fn matched_of(&self) -> Vec<u32> {
        let mut of = vec![NONE; self.one_labels.len()];
        for (number, one_series) in (0..).zip(&self.matched) {
            one_series
                .rows
                .iter()
                .for_each(|&r| of[r as usize] = number);
        }
        of
    }

    fn first_row(&self, one_series: u32) -> usize {
        self.matched[one_series as usize].rows[0] as usize
    }

    /// Whether there are far more pairs than rows: most of them can have no
    /// samples, since the rows of one group must not overlap.
    pub fn is_large(&self) -> bool {
        let rows = self.many_labels.len() + self.one_labels.len();
        self.pairs > FEW_PAIRS + rows.saturating_mul(PAIRS_A_ROW)
    }

    /// How many match groups have rows on both sides.
    pub fn groups(&self) -> usize {
        let met = |g: &&Group| g.many_rows > 0 && g.one_rows > 0;
        self.group.iter().filter(met).count()
    }
}

/// Pairs that are few in any case.
const FEW_PAIRS: usize = 65_536;

/// Pairs for each row of both sides that are to be expected: a pod that was
/// restarted some times has as many rows of information.
const PAIRS_A_ROW: usize = 16;

impl Table {
    /// Numbers the pairs; gives the result's labels, too.
    ///
    /// # Errors
    /// The memory limit.
    pub fn build(
        context: &Arc<QueryContext>,
        mut sides: Sides,
        matching: &VectorMatching,
        drops_name: bool,
    ) -> Result<(Self, LabelList), QueryError> {
        u32::try_from(sides.pairs).map_err(|_| too_large())?;
        let labels_of = |list: &LabelList| list.bytes() / list.len().max(1);
        let pair_bytes = labels_of(&sides.many_labels) + matching.include.len() * 8 + 32;
        sides.account.grow(sides.pairs.saturating_mul(pair_bytes))?;
        let mut first_pair = Vec::with_capacity(sides.many_group.len());
        let mut next = 0u32;
        for row in 0..sides.many_group.len() {
            first_pair.push(next);
            next += sides.pairs_of(row) as u32;
        }
        let labels = result_labels(context, matching, drops_name, &sides);
        let (class, classes) = classes(matching.card, &sides, &labels);
        let table = Table {
            sides,
            first_pair,
            first_filled: next,
            class,
            classes,
        };
        Ok((table, labels))
    }

    /// Whether each row of the "many" side can be joined by itself: no row of the
    /// "one" side repeats its group, no two pairs can collide, no side is filled.
    pub fn can_stream(&self) -> bool {
        let repeats = |group: &Group| group.one_rows > 1;
        self.classes == 0 && !self.sides.fill.any() && !self.sides.group.iter().any(repeats)
    }
}

impl Sides {
    /// The rows of either side that match, or have an effect on errors:
    /// repeated rows of the "one" side are an error while the other side has
    /// any sample.
    pub fn needed(&self) -> (Vec<bool>, Vec<bool>) {
        let repeated = self.group.iter().any(|g| g.one_rows > 1);
        let many = self
            .many_group
            .iter()
            .map(|g| repeated || *g != NONE)
            .collect();
        let one = self.one_group.iter().map(|&number| {
            let group = &self.group[number as usize];
            group.many_rows > 0 || group.one_rows > 1 || self.fill.many.is_some()
        });
        (many, one.collect())
    }
}

fn too_large() -> QueryError {
    QueryError::Execution {
        message: "a join has more than 2^32 rows".into(),
        span: None,
    }
}

/// The values of the included labels.
type Brought = SmallVec<[Option<Symbol>; 2]>;

/// The groups of the "one" side.
struct OneSide {
    grouper: Grouper,
    group: Vec<Group>,
    matched: Vec<MatchedSeries>,
    one_group: Vec<u32>,
}

fn one_side(one: &LabelList, filter: &LabelFilter, include: &[Symbol]) -> OneSide {
    let mut grouper = Grouper::default();
    let mut group: Vec<Group> = Vec::new();
    let mut matched: Vec<MatchedSeries> = Vec::new();
    let mut one_group = Vec::with_capacity(one.len());
    // A matched series by its group and the labels that it brings along.
    let mut known: FxHashMap<(u32, Brought), u32> = FxHashMap::default();
    let mut buffer = Vec::new();
    for (row, labels) in one.iter().enumerate() {
        filter.apply(labels, &mut buffer);
        let number = grouper.id_of(&buffer);
        one_group.push(number);
        if number as usize == group.len() {
            group.push(Group::default());
        }
        let group = &mut group[number as usize];
        group.one_rows += 1;
        let brought: Brought = include.iter().map(|n| find_label(labels, *n)).collect();
        match known.entry((number, brought)) {
            Entry::Occupied(entry) => matched[*entry.get() as usize].rows.push(row as u32),
            Entry::Vacant(entry) => {
                entry.insert(matched.len() as u32);
                group.matched.push(matched.len() as u32);
                matched.push(MatchedSeries {
                    rows: SmallVec::from_elem(row as u32, 1),
                });
            }
        }
    }
    OneSide {
        grouper,
        group,
        matched,
        one_group,
    }
}

/// The labels of each pair, in order.
fn result_labels(
    context: &QueryContext,
    matching: &VectorMatching,
    drops_name: bool,
    sides: &Sides,
) -> LabelList {
    let interned = |names: &[String]| -> Vec<Symbol> {
        names.iter().map(|n| context.symbols.intern(n)).collect()
    };
    let (names, include) = (interned(&matching.labels), interned(&matching.include));
    let symbols = context.symbols.read();
    let mut labels = LabelList::new();
    let mut row: Vec<Label> = Vec::new();
    sides.visit_pairs(|many, one| {
        row.clear();
        row.extend_from_slice(many);
        if drops_name {
            row.retain(|l| !l.name.is_metadata());
        }
        if matching.card == Cardinality::OneToOne {
            row.retain(|l| names.contains(&l.name) == matching.on);
        }
        for &name in &include {
            let value = find_label(one, name).unwrap_or(Symbol::EMPTY);
            set_label(&mut row, Label { name, value }, &symbols);
        }
        labels.push(row.iter().copied());
    });
    labels
}

/// The pairs that must not have samples at one step: in a one-to-one match all
/// of a group, else those of a group with equal result labels. A matched series that
/// meets a filled "many" side is alone in its group then.
fn classes(card: Cardinality, sides: &Sides, labels: &LabelList) -> (Vec<u32>, usize) {
    if card != Cardinality::OneToOne && labels.ascends() {
        return (vec![NONE; labels.len()], 0);
    }
    let (label_ids, _) = labels.distinct();
    let mut counts: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let mut keys = Vec::with_capacity(label_ids.len());
    for (row, &number) in sides.many_group.iter().enumerate() {
        for _ in 0..sides.pairs_of(row) {
            let id = if card == Cardinality::OneToOne {
                0
            } else {
                label_ids[keys.len()]
            };
            if sides.group[number as usize].many_rows > 1 {
                *counts.entry((number, id)).or_default() += 1;
            }
            keys.push((number, id));
        }
    }
    let mut numbers: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let mut class: Vec<u32> = keys
        .iter()
        .map(|key| match counts.get(key) {
            Some(2..) => {
                let next = numbers.len() as u32;
                *numbers.entry(*key).or_insert(next)
            }
            _ => NONE,
        })
        .collect();
    class.resize(label_ids.len(), NONE);
    (class, numbers.len())
}
