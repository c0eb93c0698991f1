//! Combines rows with info metrics, step by step as Prometheus does, since
//! that is the order of its errors.

use std::sync::Arc;

use quarrel_functions::histogram::native::StepHistograms;
use quarrel_planner::logical::{Info as InfoPlan, NodeInfo};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::identity::{Identifying, Identity};
use super::{Collected, WHAT, is_info};
use crate::batch::Row;
use crate::bound::MaterializedRows;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::Output;
use crate::labels::{Grouper, Label, LabelList, Symbol, find_label, set_label};
use crate::operators::merge::SAME_LABELS;
use crate::storage::Matcher;

/// The info metrics' labels and rows.
type Info<'a> = (&'a LabelList, &'a [Row<'a>]);

/// The series of one info metric that belong together: at each step the one
/// with the latest sample counts.
struct Metric {
    name: Symbol,
    /// Numbers of info rows.
    rows: Vec<usize>,
}

/// A row that gets labels.
struct Base<'a> {
    row: Row<'a>,
    /// Whether it is an info metric itself.
    is_info: bool,
    /// Its info metrics.
    metrics: SmallVec<[usize; 2]>,
    /// The output row of what was chosen last.
    last: Option<(Chosen, Option<u32>)>,
}

/// The info row of each metric at a step.
type Chosen = SmallVec<[Option<usize>; 2]>;

/// Combines the rows.
pub(super) fn combine(
    context: &Arc<QueryContext>,
    node: NodeInfo,
    plan: &InfoPlan,
    base: Collected,
    info: Info<'_>,
) -> Result<MaterializedRows, QueryError> {
    let Collected {
        bound,
        rows,
        _account,
    } = base;
    let (metrics, by_identity) = metrics(context, info);
    let identifying = Identifying::new(&context.symbols);
    let mut bases: Vec<Base<'_>> = Vec::new();
    for row in rows.arrived() {
        let labels = bound.labels.get(row.series as usize);
        let found = by_identity.get(&identifying.of(labels));
        bases.push(Base {
            row,
            is_info: is_info(plan, labels, context),
            metrics: found.cloned().unwrap_or_default(),
            last: None,
        });
    }
    let mut rows = OutRows {
        context,
        node,
        data: wanted_labels(&plan.data, context),
        may_be_empty: plan.data.iter().all(|m| m.matches("")),
        labels: &bound.labels,
        info,
        grouper: Grouper::default(),
        out_labels: LabelList::new(),
        first_base: Vec::new(),
        samples: Vec::new(),
        account: context.account(WHAT),
    };
    let mut newest = vec![None; metrics.len()];
    for step in 0..node.grid.len {
        context.check()?;
        let is_there = |base: &Base<'_>| item(&base.row, step).is_some();
        if !bases.iter().any(is_there) {
            continue;
        }
        for (metric, newest) in metrics.iter().zip(&mut newest) {
            *newest = metric.newest(step, info, context, node)?;
        }
        for (number, base) in bases.iter_mut().enumerate() {
            if is_there(base) {
                let chosen = base.metrics.iter().map(|&m| newest[m]).collect();
                rows.take(number as u32, base, chosen, step)?;
            }
        }
    }
    let drop_names = rows
        .first_base
        .iter()
        .map(|&number| {
            bound
                .drop_names
                .get(bases[number as usize].row.series as usize)
        })
        .collect();
    let (batches, out_labels, account) = rows.finish(&bases)?;
    Ok(MaterializedRows {
        labels: Arc::new(out_labels),
        unique: true,
        drop_names,
        grid: node.grid,
        batches: Arc::new(batches),
        account: Arc::new(account),
    })
}

/// The item that a row has at a step, if it is a sample.
fn item(row: &Row<'_>, step: usize) -> Option<usize> {
    let i = step.checked_sub(row.first_step as usize)?;
    (i < row.values.len() && row.is_sample(i)).then_some(i)
}

/// The info metrics, and which of them rows of an identity have.
fn metrics(
    context: &QueryContext,
    (labels, rows): Info<'_>,
) -> (Vec<Metric>, FxHashMap<Identity, SmallVec<[usize; 2]>>) {
    let identifying = Identifying::new(&context.symbols);
    let mut metrics: Vec<Metric> = Vec::new();
    let mut known: FxHashMap<(Symbol, Identity), usize> = FxHashMap::default();
    let mut by_identity: FxHashMap<Identity, SmallVec<[usize; 2]>> = FxHashMap::default();
    for (number, row) in rows.iter().enumerate() {
        let labels = labels.get(row.series as usize);
        let identity = identifying.of(labels);
        let name = find_label(labels, Symbol::NAME).unwrap_or(Symbol::EMPTY);
        let metric = *known.entry((name, identity)).or_insert_with(|| {
            metrics.push(Metric {
                name,
                rows: Vec::new(),
            });
            by_identity
                .entry(identity)
                .or_default()
                .push(metrics.len() - 1);
            metrics.len() - 1
        });
        metrics[metric].rows.push(number);
    }
    debug_assert!(metrics.iter().all(|m| m.name != Symbol::EMPTY));
    (metrics, by_identity)
}

impl Metric {
    /// The row with the latest sample at a step.
    fn newest(
        &self,
        step: usize,
        (labels, rows): Info<'_>,
        context: &QueryContext,
        node: NodeInfo,
    ) -> Result<Option<usize>, QueryError> {
        let mut newest: Option<(usize, f64)> = None;
        for &number in &self.rows {
            let Some(time) = rows[number].at_step(step) else {
                continue;
            };
            match newest {
                Some((_, other)) if other > time => {}
                Some((existing, other)) if other == time => {
                    let symbols = context.symbols.read();
                    let name = |number: usize| {
                        symbols.display_braces(labels.get(rows[number].series as usize))
                    };
                    let ms = (time * 1000.0).round();
                    let message = format!(
                        "found duplicate series for info metric: existing {} @ {ms}, new {} @ {ms}",
                        name(existing),
                        name(number)
                    );
                    return Err(QueryError::execution(message, node.span));
                }
                _ => newest = Some((number, time)),
            }
        }
        Ok(newest.map(|(number, _)| number))
    }
}

/// The labels that matchers name; `None` for all.
fn wanted_labels(matchers: &[Matcher], context: &QueryContext) -> Option<Vec<Symbol>> {
    let interned = |m: &Matcher| context.symbols.intern(m.name());
    (!matchers.is_empty()).then(|| matchers.iter().map(interned).collect())
}

/// The rows that come out.
struct OutRows<'a> {
    context: &'a Arc<QueryContext>,
    node: NodeInfo,
    /// The labels that are taken from info metrics; all if it is `None`.
    data: Option<Vec<Symbol>>,
    /// Whether rows without info metrics stay.
    may_be_empty: bool,
    labels: &'a LabelList,
    info: Info<'a>,
    grouper: Grouper,
    out_labels: LabelList,
    /// The row that each began with, by its place.
    first_base: Vec<u32>,
    /// The step and the base row of each sample.
    samples: Vec<Vec<(u32, u32)>>,
    account: Account,
}

impl OutRows<'_> {
    /// Takes a sample of a base row with its info metrics.
    fn take(
        &mut self,
        number: u32,
        base: &mut Base<'_>,
        chosen: Chosen,
        step: usize,
    ) -> Result<(), QueryError> {
        let same = base.last.as_ref().filter(|(last, _)| *last == chosen);
        let row = match same {
            Some((_, row)) => *row,
            None => {
                let row = self.row_of(number, base, &chosen)?;
                base.last = Some((chosen, row));
                row
            }
        };
        let Some(row) = row else { return Ok(()) };
        let samples = &mut self.samples[row as usize];
        if samples.last().is_some_and(|(s, _)| *s == step as u32) {
            return Err(QueryError::execution(SAME_LABELS, self.node.span));
        }
        if samples.len() == samples.capacity() {
            self.account.grow(samples.len().max(4) * 8)?;
        }
        samples.push((step as u32, number));
        Ok(())
    }

    /// The output row of a base row with some info metrics, if it has any.
    fn row_of(
        &mut self,
        number: u32,
        base: &Base<'_>,
        chosen: &Chosen,
    ) -> Result<Option<u32>, QueryError> {
        let own = self.labels.get(base.row.series as usize);
        let mut labels = own.to_vec();
        if !base.is_info {
            if chosen.iter().all(Option::is_none) && !self.may_be_empty {
                return Ok(None);
            }
            for label in self.added(own, chosen)? {
                set_label(&mut labels, label, &self.context.symbols.read());
            }
        }
        let row = self.grouper.id_of(&labels);
        if row as usize == self.samples.len() {
            self.account.grow(labels.len() * 24 + 64)?;
            self.out_labels.push(labels);
            self.first_base.push(number);
            self.samples.push(Vec::new());
        }
        Ok(Some(row))
    }

    /// The labels that info metrics bring to a row.
    fn added(&self, own: &[Label], chosen: &Chosen) -> Result<Vec<Label>, QueryError> {
        let (info_labels, info_rows) = self.info;
        let mut added: Vec<Label> = Vec::new();
        for &number in chosen.iter().flatten() {
            for label in info_labels.get(info_rows[number].series as usize) {
                let wanted = |names: &Vec<Symbol>| names.contains(&label.name);
                if label.name.is_metadata() || !self.data.as_ref().is_none_or(wanted) {
                    continue;
                }
                match find_label(&added, label.name) {
                    Some(value) if value != label.value => {
                        let symbols = self.context.symbols.read();
                        let message = format!("conflicting label: {}", symbols.get(label.name));
                        return Err(QueryError::execution(message, self.node.span));
                    }
                    Some(_) => {}
                    None if find_label(own, label.name).is_some() => {}
                    None => added.push(*label),
                }
            }
        }
        Ok(added)
    }

    fn finish(
        mut self,
        bases: &[Base<'_>],
    ) -> Result<(Vec<crate::batch::SeriesBatch>, LabelList, Account), QueryError> {
        let mut output = Output::new(self.context, WHAT);
        let (mut values, mut present) = (Vec::new(), Vec::new());
        let mut histograms = StepHistograms::default();
        for (number, samples) in self.samples.iter().enumerate() {
            let (Some(&(first, _)), Some(&(last, _))) = (samples.first(), samples.last()) else {
                continue;
            };
            let len = (last - first) as usize + 1;
            values.clear();
            values.resize(len, 0.0);
            present.clear();
            present.resize(len, false);
            histograms.clear();
            for &(step, base) in samples {
                let row = &bases[base as usize].row;
                let at = (step - first) as usize;
                let i = (step - row.first_step) as usize;
                match row.histogram(i) {
                    Some(h) => histograms.push(step as usize, &h),
                    None => (values[at], present[at]) = (row.values[i], true),
                }
            }
            output.push_mixed(number as u32, first, &values, &present, &histograms)?;
        }
        let batches = output.keep(&mut self.account)?;
        Ok((batches, self.out_labels, self.account))
    }
}
