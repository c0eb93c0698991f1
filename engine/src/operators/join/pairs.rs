//! Pairs of rows: the operator, and which pairs must not overlap.

use std::ops::Range;

use quarrel_functions::grid::Param;
use quarrel_functions::histogram::native::{HistogramRef, StepHistograms};
use quarrel_planner::ast::Cardinality;

use super::Join;
use super::table::NONE;
use crate::batch::Row;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::operator::Output;
use crate::operators::ops::{OpAnnotation, Operand, Outcome, SampleOp};

/// A piece of a row with its presence spelled out.
#[derive(Default)]
pub(super) struct Piece<'a> {
    pub first: usize,
    pub values: Vec<f64>,
    /// Whether there is a float.
    pub present: Vec<bool>,
    /// Histograms by step, ascending.
    pub histograms: Vec<(usize, HistogramRef<'a>)>,
}

impl<'a> Piece<'a> {
    pub fn set(&mut self, row: &Row<'a>) {
        self.first = row.first_step as usize;
        self.values.clear();
        self.values.extend_from_slice(row.values);
        self.present.resize(row.values.len(), false);
        row.write_presence(&mut self.present);
        self.histograms.clear();
        let at = |(i, h)| (self.first + i, h);
        self.histograms.extend(row.histograms().map(at));
    }

    fn end(&self) -> usize {
        self.first + self.values.len()
    }

    /// The sample at a step.
    fn sample(&self, step: usize) -> Option<Operand<'a>> {
        if let Ok(at) = self
            .histograms
            .binary_search_by_key(&step, |(step, _)| *step)
        {
            return Some(Operand::Histogram(self.histograms[at].1));
        }
        let i = step.checked_sub(self.first)?;
        let is_float = *self.present.get(i)?;
        is_float.then(|| Operand::Float(self.values[i]))
    }
}

/// One side of a pair: samples, or a number that stands for them.
#[derive(Clone, Copy)]
pub(super) enum Side<'p, 'a> {
    Row(&'p Piece<'a>),
    Fill(f64),
}

impl<'p, 'a> Side<'p, 'a> {
    fn sample(self, step: usize) -> Option<Operand<'a>> {
        match self {
            Side::Row(piece) => piece.sample(step),
            Side::Fill(value) => Some(Operand::Float(value)),
        }
    }

    /// The floats of some steps.
    fn floats(self, steps: &Range<usize>) -> Param<'p> {
        match self {
            Side::Row(p) => Param::PerStep(&p.values[steps.start - p.first..steps.end - p.first]),
            Side::Fill(value) => Param::Const(value),
        }
    }

    fn histograms(self) -> &'p [(usize, HistogramRef<'a>)] {
        match self {
            Side::Row(piece) => &piece.histograms,
            Side::Fill(_) => &[],
        }
    }
}

/// Computes pairs and gives them out.
pub(super) struct Pairs<'a> {
    pub join: &'a Join,
    /// For each class the steps at which a pair had samples.
    pub met: Vec<Option<Vec<bool>>>,
    /// The group of the current row.
    pub group: u32,
    /// If the "many" side is filled, for each group the steps at which a row of
    /// it has met somebody. Pairs without a meaning have not.
    pub matched: Vec<Option<Vec<bool>>>,
    pub values: Vec<f64>,
    pub present: Vec<bool>,
    pub histograms: StepHistograms,
    /// The last annotation of each step: Prometheus keeps no other. Made at the
    /// first one.
    pub annotations: Vec<Option<OpAnnotation>>,
    pub account: &'a mut Account,
    pub output: Output,
}

impl Pairs<'_> {
    /// One pair at all steps at which both have samples.
    pub fn combine<'a>(
        &mut self,
        pair: u32,
        many: &Piece<'a>,
        one_series: &Piece<'a>,
    ) -> Result<(), QueryError> {
        let from = many.first.max(one_series.first);
        let to = many.end().min(one_series.end());
        if from >= to {
            return Ok(());
        }
        self.present.clear();
        self.present.extend(
            many.present[from - many.first..to - many.first]
                .iter()
                .zip(&one_series.present[from - one_series.first..to - one_series.first])
                .map(|(a, b)| *a && *b),
        );
        let sides = (Side::Row(many), Side::Row(one_series));
        self.compute(pair, from..to, sides, |_| true)
    }

    /// A row of one side at the steps at which the other side is not there.
    /// `sides` are the "many" and the "one" side; one of them is the row.
    pub fn alone<'a>(
        &mut self,
        pair: u32,
        row: &Piece<'a>,
        there: Option<&[bool]>,
        sides: (Side<'_, 'a>, Side<'_, 'a>),
    ) -> Result<(), QueryError> {
        self.present.clear();
        self.present.extend_from_slice(&row.present);
        let missing = |step: usize| there.is_none_or(|there| !there[step]);
        for (i, present) in self.present.iter_mut().enumerate() {
            *present &= missing(row.first + i);
        }
        self.compute(pair, row.first..row.end(), sides, missing)
    }

    /// The operator, at the floats that are present, and at histograms
    /// whose steps are `wanted`.
    fn compute<'a>(
        &mut self,
        pair: u32,
        steps: Range<usize>,
        (many, one): (Side<'_, 'a>, Side<'_, 'a>),
        wanted: impl Fn(usize) -> bool,
    ) -> Result<(), QueryError> {
        let join = self.join;
        let (left, right) = if join.card == Cardinality::OneToMany {
            (one, many)
        } else {
            (many, one)
        };
        self.histograms.clear();
        if let SampleOp::Trim(_) = join.op {
            for i in 0..self.present.len() {
                if std::mem::take(&mut self.present[i]) {
                    self.annotation(steps.start + i, OpAnnotation::Types(false, false));
                }
            }
        }
        let with_histograms = !(left.histograms().is_empty() && right.histograms().is_empty());
        let others = match with_histograms {
            true => self.with_histograms(&steps, left, right, wanted),
            false => Others::default(),
        };
        if !self.present.contains(&true) && others.met.is_empty() {
            return Ok(());
        }
        let with_others;
        let met = if others.met.is_empty() {
            &self.present
        } else {
            with_others = others.with(&self.present, steps.start);
            &with_others
        };
        check_class(join, pair, steps.start, met, &mut self.met, self.account)?;
        if let Some(slot) = self.matched.get_mut(self.group as usize) {
            if slot.is_none() {
                self.account.grow(join.steps)?;
            }
            let matched = slot.get_or_insert_with(|| vec![false; join.steps]);
            for (matched, met) in matched[steps.start..].iter_mut().zip(met) {
                *matched |= met;
            }
        }
        let (left, right) = (left.floats(&steps), right.floats(&steps));
        self.values.clear();
        match left {
            Param::PerStep(left) => self.values.extend_from_slice(left),
            Param::Const(left) => self.values.resize(self.present.len(), left),
        }
        match join.op {
            SampleOp::Arithmetic(op) => op.eval_left(&mut self.values, right),
            SampleOp::Bool(op) => op.eval_bool(left, right, &mut self.values),
            SampleOp::Filter(op) => op.filter(left, right, &mut self.present),
            SampleOp::Trim(_) => {}
        }
        for (step, value) in others.floats {
            self.values[step - steps.start] = value;
            self.present[step - steps.start] = true;
        }
        let first = steps.start as u32;
        let (values, present) = (&self.values, &self.present);
        self.output
            .push_mixed(pair, first, values, present, &self.histograms)
    }

    /// The operator where either side has a histogram.
    fn with_histograms<'a>(
        &mut self,
        steps: &Range<usize>,
        left: Side<'_, 'a>,
        right: Side<'_, 'a>,
        wanted: impl Fn(usize) -> bool,
    ) -> Others {
        let all = left.histograms().iter().chain(right.histograms());
        let mut places: Vec<usize> = all.map(|(step, _)| *step).collect();
        places.retain(|step| steps.contains(step) && wanted(*step));
        places.sort_unstable();
        places.dedup();
        let mut others = Others::default();
        for step in places {
            let (Some(left), Some(right)) = (left.sample(step), right.sample(step)) else {
                continue;
            };
            let op = self.join.op;
            match op.eval_histograms(left, right, step, &mut self.histograms) {
                // A pair without a meaning has not met, as in Prometheus.
                Err(annotation) => self.annotation(step, annotation),
                Ok((outcome, annotation)) => {
                    others.met.push(step);
                    if let Some(annotation) = annotation {
                        self.annotation(step, annotation);
                    }
                    if let Outcome::Float(value) = outcome {
                        others.floats.push((step, value));
                    }
                }
            }
        }
        others
    }

    fn annotation(&mut self, step: usize, annotation: OpAnnotation) {
        self.annotations.resize(self.join.steps, None);
        self.annotations[step] = Some(annotation);
    }
}

/// What came of pairs with histograms, but for the histograms.
#[derive(Default)]
struct Others {
    /// Steps at which both had samples.
    met: Vec<usize>,
    floats: Vec<(usize, f64)>,
}

impl Others {
    /// The steps, from `first` on, at which floats or others have met.
    fn with(&self, floats: &[bool], first: usize) -> Vec<bool> {
        let mut met = floats.to_vec();
        self.met.iter().for_each(|&step| met[step - first] = true);
        met
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
