//! Who meets whom: match groups and result labels.
//!
//! The "one" side's rows of a match group that would bring the same labels
//! along are one [`Partner`]: they may take turns over time. Each row of the
//! "many" side meets each partner of its group, and every such pair is a row
//! of the result.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use quarrel_planner::ast::{Cardinality, VectorMatching};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::labels::{Grouper, Label, LabelList, Symbol, find_label, set_label};
use crate::operators::aggregate::grouping::LabelFilter;

/// Rows of the "one" side that bring the same labels.
#[derive(Debug)]
pub(super) struct Partner {
    pub rows: SmallVec<[u32; 1]>,
}

/// The partners of a match group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Numbers in [`Sides::partners`].
    pub partners: SmallVec<[u32; 1]>,
    /// How many rows the partners have together.
    pub one_rows: u32,
}

/// The match groups of both sides.
#[derive(Debug)]
pub(super) struct Sides {
    /// For each "many" row its group, `u32::MAX` if it meets nobody.
    pub many_group: Vec<u32>,
    /// The groups that have partners.
    pub group: Vec<Group>,
    /// For each group how many rows of the "many" side it has.
    met: Vec<u32>,
    /// All partners.
    pub partners: Vec<Partner>,
    /// How many rows the result can have, as far as labels tell.
    pub pairs: usize,
    /// The rows of both sides.
    pub many_labels: Arc<LabelList>,
    pub one_labels: Arc<LabelList>,
    /// For error texts: the labels that decide.
    pub filter: LabelFilter,
    /// Bytes of the table.
    account: Account,
}

/// Who meets whom.
#[derive(Debug)]
pub(super) struct Table {
    pub sides: Sides,
    /// For each "many" row the number of its first result row; the others
    /// follow in the order of the group's partners.
    pub first_pair: Vec<u32>,
    /// For each pair the class within which samples must not meet at a step;
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
        let mut account = context.account("join");
        account.grow((many.len() + one.len()) * 24)?;
        let (grouper, group, partners) = partners(one, &filter, &include);
        let mut many_group = Vec::with_capacity(many.len());
        let mut pairs = 0usize;
        let mut buffer = Vec::new();
        let mut met = vec![0u32; group.len()];
        for row in many.iter() {
            filter.apply(row, &mut buffer);
            let number = grouper.find(&buffer).unwrap_or(NONE);
            many_group.push(number);
            if number != NONE {
                met[number as usize] += 1;
                pairs = pairs.saturating_add(group[number as usize].partners.len());
            }
        }
        Ok(Sides {
            many_group,
            group,
            met,
            partners,
            pairs,
            many_labels: Arc::clone(many),
            one_labels: Arc::clone(one),
            filter,
            account,
        })
    }

    /// Whether there are far more pairs than rows: most of them can have no
    /// samples, since the rows of one group have to take turns.
    pub fn is_large(&self) -> bool {
        let rows = self.many_labels.len() + self.one_labels.len();
        self.pairs > FEW_PAIRS + rows.saturating_mul(PAIRS_A_ROW)
    }

    /// How many match groups have rows on both sides.
    pub fn groups(&self) -> usize {
        self.met.iter().filter(|m| **m > 0).count()
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
        let Sides {
            many_group,
            group,
            partners,
            ..
        } = &sides;
        let mut first_pair = Vec::with_capacity(many_group.len());
        let mut next = 0u32;
        for &number in many_group {
            first_pair.push(next);
            if number != NONE {
                next += group[number as usize].partners.len() as u32;
            }
        }
        let (many, one) = (&sides.many_labels, &sides.one_labels);
        let labels = result_labels(context, matching, drops_name, many, one, |visit| {
            for (row, &number) in many_group.iter().enumerate().filter(|(_, g)| **g != NONE) {
                for &partner in &group[number as usize].partners {
                    visit(row, partners[partner as usize].rows[0] as usize);
                }
            }
        });
        let (class, classes) = classes(matching.card, many_group, group, &sides.met, &labels);
        let table = Table {
            sides,
            first_pair,
            class,
            classes,
        };
        Ok((table, labels))
    }
}

impl Sides {
    /// The rows of either side that have a partner, or an effect on errors:
    /// repeated rows of the "one" side are an error while the other side has
    /// any sample.
    pub fn needed(&self) -> (Vec<bool>, Vec<bool>) {
        let mut met = vec![false; self.group.len()];
        for &group in self.many_group.iter().filter(|g| **g != NONE) {
            met[group as usize] = true;
        }
        let repeated = self.group.iter().any(|g| g.one_rows > 1);
        let many = self
            .many_group
            .iter()
            .map(|g| repeated || *g != NONE)
            .collect();
        let mut one = vec![false; self.one_labels.len()];
        for (group, met) in self.group.iter().zip(met) {
            if met || group.one_rows > 1 {
                for partner in &group.partners {
                    self.partners[*partner as usize]
                        .rows
                        .iter()
                        .for_each(|r| one[*r as usize] = true);
                }
            }
        }
        (many, one)
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
fn partners(
    one: &LabelList,
    filter: &LabelFilter,
    include: &[Symbol],
) -> (Grouper, Vec<Group>, Vec<Partner>) {
    let mut grouper = Grouper::default();
    let mut group: Vec<Group> = Vec::new();
    let mut partners: Vec<Partner> = Vec::new();
    // A partner by its group and the labels that it brings along.
    let mut known: FxHashMap<(u32, Brought), u32> = FxHashMap::default();
    let mut buffer = Vec::new();
    for (row, labels) in one.iter().enumerate() {
        filter.apply(labels, &mut buffer);
        let number = grouper.id_of(&buffer);
        if number as usize == group.len() {
            group.push(Group::default());
        }
        let group = &mut group[number as usize];
        group.one_rows += 1;
        let brought: Brought = include.iter().map(|n| find_label(labels, *n)).collect();
        match known.entry((number, brought)) {
            Entry::Occupied(entry) => partners[*entry.get() as usize].rows.push(row as u32),
            Entry::Vacant(entry) => {
                entry.insert(partners.len() as u32);
                group.partners.push(partners.len() as u32);
                partners.push(Partner {
                    rows: SmallVec::from_elem(row as u32, 1),
                });
            }
        }
    }
    (grouper, group, partners)
}

/// The labels of each pair, in order.
fn result_labels(
    context: &QueryContext,
    matching: &VectorMatching,
    drops_name: bool,
    many: &LabelList,
    one: &LabelList,
    visit_pairs: impl FnOnce(&mut dyn FnMut(usize, usize)),
) -> LabelList {
    let names: Vec<Symbol> = matching
        .labels
        .iter()
        .map(|n| context.symbols.intern(n))
        .collect();
    let include: Vec<Symbol> = matching
        .include
        .iter()
        .map(|n| context.symbols.intern(n))
        .collect();
    let symbols = context.symbols.read();
    let mut labels = LabelList::new();
    let mut row: Vec<Label> = Vec::new();
    visit_pairs(&mut |m, o| {
        row.clear();
        row.extend_from_slice(many.get(m));
        if drops_name {
            row.retain(|l| !l.name.is_metadata());
        }
        if matching.card == Cardinality::OneToOne {
            row.retain(|l| names.contains(&l.name) == matching.on);
        }
        for &name in &include {
            let value = find_label(one.get(o), name).unwrap_or(Symbol::EMPTY);
            set_label(&mut row, Label { name, value }, &symbols);
        }
        labels.push(row.iter().copied());
    });
    labels
}

/// The pairs that must not have samples at one step: in a one-to-one match all
/// of a group, else those of a group with equal result labels.
fn classes(
    card: Cardinality,
    many_group: &[u32],
    group: &[Group],
    met: &[u32],
    labels: &LabelList,
) -> (Vec<u32>, usize) {
    let (label_ids, _) = labels.distinct();
    let mut counts: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let mut keys = Vec::with_capacity(label_ids.len());
    for &number in many_group.iter().filter(|g| **g != NONE) {
        for _ in &group[number as usize].partners {
            let id = if card == Cardinality::OneToOne {
                0
            } else {
                label_ids[keys.len()]
            };
            if met[number as usize] > 1 {
                *counts.entry((number, id)).or_default() += 1;
            }
            keys.push((number, id));
        }
    }
    let mut numbers: FxHashMap<(u32, u32), u32> = FxHashMap::default();
    let class = keys
        .iter()
        .map(|key| match counts.get(key) {
            Some(2..) => {
                let next = numbers.len() as u32;
                *numbers.entry(*key).or_insert(next)
            }
            _ => NONE,
        })
        .collect();
    (class, numbers.len())
}
