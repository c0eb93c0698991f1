//! Computes a join's rows.

use quarrel_functions::grid::Param;
use quarrel_planner::ast::{Cardinality, Span};
use rustc_hash::FxHashMap;

use super::Join;
use super::table::{NONE, Sides};
use crate::batch::{Row, Rows};
use crate::error::QueryError;
use crate::exec::context::{Account, QueryContext};
use crate::exec::operator::{Output, Run};
use crate::operators::ops::FloatOp;

/// A piece of a row with its presence spelled out.
#[derive(Default)]
struct Piece {
    first: usize,
    values: Vec<f64>,
    present: Vec<bool>,
}

impl Piece {
    fn set(&mut self, row: &Row<'_>) {
        self.first = row.first_step as usize;
        self.values.clear();
        self.values.extend_from_slice(row.values);
        self.present.resize(row.values.len(), false);
        row.write_presence(&mut self.present);
    }

    fn end(&self) -> usize {
        self.first + self.values.len()
    }
}

pub(super) async fn compute(join: &Join, run: &Run) -> Result<Output, QueryError> {
    let table = &join.table;
    let swapped = join.card == Cardinality::OneToMany;
    let (many_input, one_input) = if swapped {
        (&run.inputs[1], &run.inputs[0])
    } else {
        (&run.inputs[0], &run.inputs[1])
    };
    let many = many_input.collect(table.sides.many_labels.len(), &run.context, "join");
    let one = one_input.collect(table.sides.one_labels.len(), &run.context, "join");
    let ((many, mut account), (one, _one)) = futures::try_join!(many, one)?;
    let check = Check {
        context: &run.context,
        sides: &table.sides,
        card: join.card,
        steps: join.steps,
        span: join.span,
    };
    check.one_side(&many, &one, &mut account)?;
    account.grow(join.steps * 40)?;
    let mut worker = Worker {
        join,
        one: &one,
        united: FxHashMap::default(),
        met: vec![None; table.classes],
        many: Piece::default(),
        partner: Piece::default(),
        values: Vec::new(),
        present: Vec::new(),
        account: &mut account,
        output: Output::new(&run.context, "join"),
    };
    for (i, row) in many.arrived().enumerate() {
        if i % 64 == 0 {
            run.context.check()?;
        }
        worker.row(&row)?;
    }
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
    /// the other operand has any sample at that step, partner or not. The
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
        let mut any_many = vec![false; self.steps];
        for row in many.arrived() {
            let first = row.first_step as usize;
            for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
                any_many[first + i] = true;
            }
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
                .partners
                .iter()
                .flat_map(|p| self.sides.partners[*p as usize].rows.iter().copied())
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

/// Marks a row's steps in `seen`, and keeps the earliest step, and there the
/// earliest row, at which another row of its group has a sample.
fn repeats(
    row: &Row<'_>,
    place: u32,
    any_many: &[bool],
    seen: &mut [u32],
    first: &mut Option<(usize, Repeat)>,
) {
    let from = row.first_step as usize;
    for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
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

struct Worker<'a> {
    join: &'a Join,
    one: &'a Rows,
    /// Partners of several rows, put together when first met.
    united: FxHashMap<u32, Piece>,
    /// For each class the steps at which a pair had samples.
    met: Vec<Option<Vec<bool>>>,
    many: Piece,
    partner: Piece,
    values: Vec<f64>,
    present: Vec<bool>,
    account: &'a mut Account,
    output: Output,
}

impl Worker<'_> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), QueryError> {
        let table = &self.join.table;
        let sides = &table.sides;
        let group = sides.many_group[row.series as usize];
        if group == NONE {
            return Ok(());
        }
        self.many.set(row);
        let first_pair = table.first_pair[row.series as usize];
        for (i, &partner) in sides.group[group as usize].partners.iter().enumerate() {
            let rows = &sides.partners[partner as usize].rows;
            let pair = first_pair + i as u32;
            if let [single] = rows[..] {
                let Some(row) = self.one.get(single) else {
                    continue;
                };
                self.partner.set(&row);
                let partner = std::mem::take(&mut self.partner);
                let result = self.pair(pair, &partner);
                self.partner = partner;
                result?;
            } else {
                let united = self.unite(partner)?;
                let result = self.pair(pair, &united);
                self.united.insert(partner, united);
                result?;
            }
        }
        Ok(())
    }

    /// The rows of a partner as one row; they have no step in common that
    /// matters, as was checked before.
    fn unite(&mut self, partner: u32) -> Result<Piece, QueryError> {
        if let Some(piece) = self.united.remove(&partner) {
            return Ok(piece);
        }
        let steps = self.join.steps;
        self.account.grow(steps * 9)?;
        let mut piece = Piece {
            first: 0,
            values: vec![0.0; steps],
            present: vec![false; steps],
        };
        for row in self.join.table.sides.partners[partner as usize].rows.iter() {
            let Some(row) = self.one.get(*row) else {
                continue;
            };
            let first = row.first_step as usize;
            for i in (0..row.values.len()).filter(|&i| row.is_present(i)) {
                piece.values[first + i] = row.values[i];
                piece.present[first + i] = true;
            }
        }
        Ok(piece)
    }

    /// One pair at all steps at which both have samples.
    fn pair(&mut self, pair: u32, partner: &Piece) -> Result<(), QueryError> {
        let many = &self.many;
        let from = many.first.max(partner.first);
        let to = many.end().min(partner.end());
        if from >= to {
            return Ok(());
        }
        let many_items = from - many.first..to - many.first;
        let one_items = from - partner.first..to - partner.first;
        self.present.clear();
        self.present.extend(
            many.present[many_items.clone()]
                .iter()
                .zip(&partner.present[one_items.clone()])
                .map(|(a, b)| *a && *b),
        );
        check_class(
            self.join,
            pair,
            from,
            &self.present,
            &mut self.met,
            self.account,
        )?;
        let (mut left, mut right) = (&many.values[many_items], &partner.values[one_items]);
        if self.join.card == Cardinality::OneToMany {
            std::mem::swap(&mut left, &mut right);
        }
        self.values.clear();
        self.values.extend_from_slice(left);
        let (left, right) = (Param::PerStep(left), Param::PerStep(right));
        match self.join.op {
            FloatOp::Arithmetic(op) => op.eval_left(&mut self.values, right),
            FloatOp::Bool(op) => op.eval_bool(left, right, &mut self.values),
            FloatOp::Filter(op) => op.filter(left, right, &mut self.present),
        }
        self.output
            .push(pair, from as u32, &self.values, &self.present)
    }
}

/// Two samples of a class at one step are an error, also where a comparison
/// drops them.
fn check_class(
    join: &Join,
    pair: u32,
    from: usize,
    present: &[bool],
    met: &mut [Option<Vec<bool>>],
    account: &mut Account,
) -> Result<(), QueryError> {
    let class = join.table.class[pair as usize];
    if class == NONE {
        return Ok(());
    }
    let slot = &mut met[class as usize];
    let seen = match slot {
        Some(seen) => seen,
        None => {
            account.grow(join.steps)?;
            slot.insert(vec![false; join.steps])
        }
    };
    for (seen, &now) in seen[from..].iter_mut().zip(present) {
        if *seen && now {
            let text = if join.card == Cardinality::OneToOne {
                "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            } else {
                "multiple matches for labels: grouping labels must ensure unique matches"
            };
            return Err(QueryError::execution(text, join.span));
        }
        *seen |= now;
    }
    Ok(())
}
