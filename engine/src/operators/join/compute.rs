//! Computes a join's rows when all rows of both operands are there.

use std::sync::Arc;

use quarrel_planner::ast::{Cardinality, Span};
use rustc_hash::FxHashMap;

use super::Join;
use super::pairs::{PairRow, Pairs, Piece, Side};
use super::table::{NONE, Sides};
use crate::batch::{Row, Rows};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::exec::operator::{Output, Run, both};
use crate::operators::masks::GroupMasks;

pub(super) async fn compute(join: &Arc<Join>, run: &Run) -> Result<Output, QueryError> {
    let table = &join.table;
    let swapped = join.card == Cardinality::OneToMany;
    let (many, one) = (table.sides.many_labels.len(), table.sides.one_labels.len());
    let (left, right) = if swapped { (one, many) } else { (many, one) };
    let left = run.inputs[0].collect(left, &run.context, "join");
    let right = run.inputs[1].collect(right, &run.context, "join");
    let (left, right) = both(left, right).await?;
    let ((many, mut account), (one, _one)) = if swapped {
        (right, left)
    } else {
        (left, right)
    };
    let check = Check {
        context: &run.context,
        sides: &table.sides,
        card: join.card,
        steps: join.steps,
        span: join.span,
    };
    check.one_side(&many, &one, &mut account)?;
    let sides = &table.sides;
    let (groups, steps) = (sides.group.len(), join.steps);
    let one_there = match sides.fill.one {
        Some(_) => {
            let size = (groups, steps);
            Some(GroupMasks::of(&one, &sides.one_group, size, &mut account)?)
        }
        None => None,
    };
    let matched = match sides.fill.many {
        Some(_) => {
            account.grow(groups * size_of::<Option<Vec<bool>>>())?;
            vec![None; groups]
        }
        None => Vec::new(),
    };
    let mut worker = Worker {
        one: &one,
        united: FxHashMap::default(),
        one_series: Piece::default(),
        one_there,
        pairs: Pairs::new(join, account)?.recording(matched),
        output: Output::new(&run.context, "join").for_rows(sides.many_labels.len()),
    };
    for batch in many.into_batches() {
        let mut many = Piece::default();
        for (i, row) in batch.rows().enumerate() {
            if i % 64 == 0 {
                run.context.check()?;
            }
            worker.row(&row, &mut many)?;
        }
        // The rows of the result take the place of those that they are made of.
        worker.pairs.account.shrink(batch.bytes());
        run.context.spare.give_back(batch);
    }
    if let Some(fill) = sides.fill.many {
        worker.without_many(fill)?;
    }
    worker.pairs.annotations.annotate(join, &run.context);
    Ok(worker.output)
}

/// Looks for rows that repeat in their group.
pub(super) struct Check<'a> {
    pub context: &'a QueryContext,
    pub sides: &'a Sides,
    pub card: Cardinality,
    pub steps: usize,
    pub span: Span,
}

/// Two rows of one group with samples at one step.
struct Repeat {
    /// When the second one came.
    place: u32,
    rows: (u32, u32),
}

impl Check<'_> {
    /// Two rows of one group on the "one" side at a step are an error wherever
    /// the other operand has any sample at that step, matched or not, and
    /// wherever a side is filled. The
    /// reference stops at the first such step, and there at the first row, in
    /// the order in which they come, that repeats its group.
    pub fn one_side(
        &self,
        many: &Rows,
        one: &Rows,
        account: &mut Account,
    ) -> Result<(), QueryError> {
        if self.sides.group.iter().all(|g| g.one_rows < 2) {
            return Ok(());
        }
        account.grow(self.steps * 5 + one.capacity() * 4)?;
        // With a side filled the other operand may be empty.
        let mut any_many = vec![self.sides.fill.any(); self.steps];
        for row in many.arrived() {
            let first = row.first_step as usize;
            row.samples().for_each(|i| any_many[first + i] = true);
        }
        let mut arrival = vec![NONE; one.capacity()];
        for (place, row) in one.arrived().enumerate() {
            arrival[row.series as usize] = place as u32;
        }
        let mut first: Option<(usize, Repeat)> = None;
        let mut seen = vec![NONE; self.steps];
        for group in self.sides.group.iter().filter(|g| g.one_rows > 1) {
            self.context.check()?;
            seen.fill(NONE);
            let mut rows: Vec<u32> = group
                .matched
                .iter()
                .flat_map(|p| self.sides.matched[*p as usize].rows.iter().copied())
                .collect();
            rows.sort_unstable_by_key(|&row| arrival[row as usize]);
            for row in rows.into_iter().filter_map(|number| one.get(number)) {
                let place = arrival[row.series as usize];
                repeats(&row, place, &any_many, &mut seen, &mut first);
            }
        }
        match first {
            Some((_, repeat)) => Err(self.duplicate(repeat.rows)),
            None => Ok(()),
        }
    }

    fn duplicate(&self, (a, b): (u32, u32)) -> QueryError {
        let symbols = self.context.symbols.read();
        let labels = |row: u32| self.sides.one_labels.get(row as usize);
        let mut group = Vec::new();
        self.sides.filter.apply(labels(b), &mut group);
        let group = symbols.display_braces(&group);
        let side = if self.card == Cardinality::OneToMany {
            "left"
        } else {
            "right"
        };
        let mut names = [
            symbols.display_braces(labels(a)),
            symbols.display_braces(labels(b)),
        ];
        names.sort();
        let [a, b] = names;
        QueryError::execution(
            format!(
                "found duplicate series for the match group {group} on the {side} hand-side of \
                 the operation: [{a}, {b}];many-to-many matching not allowed: matching labels \
                 must be unique on one side"
            ),
            self.span,
        )
    }
}

/// DropNames a row's steps in `seen`, and keeps the earliest step, and there the
/// earliest row, at which another row of its group has a sample.
fn repeats(
    row: &Row<'_>,
    place: u32,
    any_many: &[bool],
    seen: &mut [u32],
    first: &mut Option<(usize, Repeat)>,
) {
    let from = row.first_step as usize;
    for i in row.samples() {
        let step = from + i;
        if seen[step] == NONE {
            seen[step] = row.series;
            continue;
        }
        let earlier = first
            .as_ref()
            .is_none_or(|(s, f)| (step, place) < (*s, f.place));
        if any_many[step] && earlier {
            let rows = (seen[step], row.series);
            *first = Some((step, Repeat { place, rows }));
        }
    }
}

/// Gives a pair's row out, if it has one.
fn push(output: &mut Output, pair: u32, row: Option<PairRow<'_>>) -> Result<(), QueryError> {
    let Some(row) = row else {
        return Ok(());
    };
    output.push_mixed(
        pair,
        row.first_step,
        row.values,
        row.present,
        row.histograms,
    )
}

struct Worker<'a> {
    one: &'a Rows,
    /// Matched series of several rows, united when first needed.
    united: FxHashMap<u32, Piece<'a>>,
    one_series: Piece<'a>,
    /// For each group the steps at which the "one" side is there, if that is
    /// filled.
    one_there: Option<GroupMasks>,
    pairs: Pairs,
    output: Output,
}

impl<'a> Worker<'a> {
    /// Pairs a row of the "many" side, whose samples go into `many`.
    fn row<'m>(&mut self, row: &Row<'m>, many: &mut Piece<'m>) -> Result<(), QueryError> {
        let join = Arc::clone(&self.pairs.join);
        let table = &join.table;
        let sides = &table.sides;
        let group = sides.many_group[row.series as usize];
        if group == NONE {
            return Ok(());
        }
        many.set(row);
        self.pairs.group = group;
        let first_pair = table.first_pair[row.series as usize];
        let matched = &sides.group[group as usize].matched;
        for (pair, &one_series) in (first_pair..).zip(matched) {
            self.with_matched(one_series, |worker, piece| {
                let made = worker.pairs.combine(pair, many, piece)?;
                push(&mut worker.output, pair, made)
            })?;
        }
        if let Some(fill) = sides.fill.one {
            let there = self.one_there.as_ref().and_then(|masks| masks.get(group));
            let pair = first_pair + matched.len() as u32;
            let sides = (Side::Row(many), Side::Fill(fill));
            let made = self.pairs.alone(pair, many, there, sides)?;
            push(&mut self.output, pair, made)?;
        }
        Ok(())
    }

    /// The matched series at the steps at which no "many" row of their group is paired with
    /// them.
    fn without_many(&mut self, fill: f64) -> Result<(), QueryError> {
        let join = Arc::clone(&self.pairs.join);
        let table = &join.table;
        let sides = &table.sides;
        let mut seen = vec![false; sides.matched.len()];
        let matched_of = sides.matched_of();
        let one = self.one;
        for (i, row) in one.arrived().enumerate() {
            if i % 64 == 0 {
                self.pairs.account.context().check()?;
            }
            let one_series = matched_of[row.series as usize];
            if std::mem::replace(&mut seen[one_series as usize], true) {
                continue;
            }
            let group = sides.one_group[row.series as usize];
            self.pairs.group = NONE;
            let matched = self.pairs.matched[group as usize].take();
            self.with_matched(one_series, |worker, piece| {
                let pair = table.first_filled + one_series;
                let sides = (Side::Fill(fill), Side::Row(piece));
                let made = worker.pairs.alone(pair, piece, matched.as_deref(), sides)?;
                push(&mut worker.output, pair, made)
            })?;
            self.pairs.matched[group as usize] = matched;
        }
        Ok(())
    }

    /// Does something with the samples of a matched series, if it has any.
    fn with_matched(
        &mut self,
        one_series: u32,
        act: impl FnOnce(&mut Self, &Piece<'a>) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let matched = &self.pairs.join.table.sides.matched;
        if let [single] = matched[one_series as usize].rows[..] {
            let Some(row) = self.one.get(single) else {
                return Ok(());
            };
            self.one_series.set(&row);
            let piece = std::mem::take(&mut self.one_series);
            let result = act(self, &piece);
            self.one_series = piece;
            result
        } else {
            let united = self.unite(one_series)?;
            let result = act(self, &united);
            self.united.insert(one_series, united);
            result
        }
    }

    /// The rows of a matched series as one row; they have no step in common that
    /// matters, as was checked before.
    fn unite(&mut self, one_series: u32) -> Result<Piece<'a>, QueryError> {
        if let Some(piece) = self.united.remove(&one_series) {
            return Ok(piece);
        }
        let steps = self.pairs.join.steps;
        self.pairs.account.grow(steps * 9)?;
        let mut piece = Piece {
            values: vec![0.0; steps],
            present: vec![false; steps],
            ..Piece::default()
        };
        let rows = &self.pairs.join.table.sides.matched[one_series as usize].rows;
        for row in rows.iter().filter_map(|&row| self.one.get(row)) {
            let first = row.first_step as usize;
            for i in row.floats() {
                piece.values[first + i] = row.values[i];
                piece.present[first + i] = true;
            }
            let at = |(i, h)| (first + i, h);
            piece.histograms.extend(row.histograms().map(at));
        }
        piece.histograms.sort_by_key(|(step, _)| *step);
        Ok(piece)
    }
}
