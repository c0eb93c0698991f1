//! Pairs of rows: the operator, and which pairs must not overlap.

use std::ops::Range;
use std::sync::Arc;

use quarrel_functions::grid::Param;
use quarrel_functions::histogram::native::{HistogramRef, StepHistograms};
use quarrel_planner::ast::Cardinality;
use rustc_hash::FxHashSet;

use super::Join;
use super::table::NONE;
use crate::batch::Row;
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::QueryContext;
use crate::operators::ops::{OpAnnotation, Operand, Outcome, SampleOp};

/// Bytes of two rows and their pair, a step.
const BYTES_A_STEP: usize = 40;

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

/// Computes pairs.
pub(super) struct Pairs {
    pub join: Arc<Join>,
    /// For each class the steps at which a pair had samples.
    met: Vec<Option<Vec<bool>>>,
    /// The group of the current row.
    pub group: u32,
    /// If the "many" side is filled, for each group the steps at which a row of
    /// it has met somebody. Pairs without a meaning have not.
    pub matched: Vec<Option<Vec<bool>>>,
    values: Vec<f64>,
    present: Vec<bool>,
    histograms: StepHistograms,
    pub annotations: LastAnnotations,
    pub account: Account,
}

/// The row of a pair.
pub(super) struct PairRow<'a> {
    pub first_step: u32,
    pub values: &'a [f64],
    pub present: &'a [bool],
    pub histograms: &'a StepHistograms,
}

/// The annotation of each step's last pair that has one: Prometheus keeps no
/// other. Made at the first one.
#[derive(Debug, Default)]
pub(super) struct LastAnnotations(Vec<Option<(u32, OpAnnotation)>>);

impl LastAnnotations {
    fn set(&mut self, step: usize, last: (u32, OpAnnotation), steps: usize) {
        self.0.resize(steps, None);
        self.0[step] = Some(last);
    }

    /// Those of other pairs, too.
    pub fn merge(&mut self, others: LastAnnotations) {
        self.0.resize(self.0.len().max(others.0.len()), None);
        for (last, other) in self.0.iter_mut().zip(others.0) {
            let number = |of: &Option<(u32, OpAnnotation)>| of.map(|(pair, _)| pair);
            if number(&other) > number(last) {
                *last = other;
            }
        }
    }

    /// Tells the query.
    pub fn annotate(&self, join: &Join, context: &QueryContext) {
        let all: FxHashSet<OpAnnotation> = self.0.iter().flatten().map(|last| last.1).collect();
        for annotation in all {
            annotation.annotate(&context.annotations, join.node, join.span, join.symbol);
        }
    }
}

impl Pairs {
    /// No pairs yet; `account` holds what is needed for them.
    ///
    /// # Errors
    /// The memory limit.
    pub fn new(join: &Arc<Join>, mut account: Account) -> Result<Self, QueryError> {
        account.grow(join.steps * BYTES_A_STEP)?;
        Ok(Pairs {
            join: Arc::clone(join),
            met: vec![None; join.table.classes],
            group: NONE,
            matched: Vec::new(),
            values: Vec::new(),
            present: Vec::new(),
            histograms: StepHistograms::default(),
            annotations: LastAnnotations::default(),
            account,
        })
    }

    /// The same, which fills in what rows of each group have met.
    pub fn recording(self, matched: Vec<Option<Vec<bool>>>) -> Self {
        Pairs { matched, ..self }
    }

    /// One pair at all steps at which both have samples.
    pub fn combine<'a>(
        &mut self,
        pair: u32,
        many: &Piece<'a>,
        one_series: &Piece<'a>,
    ) -> Result<Option<PairRow<'_>>, QueryError> {
        let from = many.first.max(one_series.first);
        let to = many.end().min(one_series.end());
        if from >= to {
            return Ok(None);
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
    ) -> Result<Option<PairRow<'_>>, QueryError> {
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
    ) -> Result<Option<PairRow<'_>>, QueryError> {
        let (op, all_steps) = (self.join.op, self.join.steps);
        let (left, right) = if self.join.card == Cardinality::OneToMany {
            (one, many)
        } else {
            (many, one)
        };
        self.histograms.clear();
        if let SampleOp::Trim(_) = op {
            for i in 0..self.present.len() {
                if std::mem::take(&mut self.present[i]) {
                    let annotation = OpAnnotation::Types(false, false);
                    self.annotations
                        .set(steps.start + i, (pair, annotation), all_steps);
                }
            }
        }
        let with_histograms = !(left.histograms().is_empty() && right.histograms().is_empty());
        let others = match with_histograms {
            true => self.with_histograms(pair, &steps, (left, right), wanted),
            false => Others::default(),
        };
        if !self.present.contains(&true) && others.met.is_empty() {
            return Ok(None);
        }
        let with_others;
        let met = if others.met.is_empty() {
            &self.present
        } else {
            with_others = others.with(&self.present, steps.start);
            &with_others
        };
        check_class(
            &self.join,
            pair,
            steps.start,
            met,
            &mut self.met,
            &mut self.account,
        )?;
        if let Some(slot) = self.matched.get_mut(self.group as usize) {
            if slot.is_none() {
                self.account.grow(all_steps)?;
            }
            let matched = slot.get_or_insert_with(|| vec![false; all_steps]);
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
        match op {
            SampleOp::Arithmetic(op) => op.eval_left(&mut self.values, right),
            SampleOp::Bool(op) => op.eval_bool(left, right, &mut self.values),
            SampleOp::Filter(op) => op.filter(left, right, &mut self.present),
            SampleOp::Trim(_) => {}
        }
        for (step, value) in others.floats {
            self.values[step - steps.start] = value;
            self.present[step - steps.start] = true;
        }
        Ok(Some(PairRow {
            first_step: steps.start as u32,
            values: &self.values,
            present: &self.present,
            histograms: &self.histograms,
        }))
    }

    /// The operator where either side has a histogram.
    fn with_histograms<'a>(
        &mut self,
        pair: u32,
        steps: &Range<usize>,
        (left, right): (Side<'_, 'a>, Side<'_, 'a>),
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
            let (op, all_steps) = (self.join.op, self.join.steps);
            match op.eval_histograms(left, right, step, &mut self.histograms) {
                // A pair without a meaning has not met, as in Prometheus.
                Err(annotation) => self.annotations.set(step, (pair, annotation), all_steps),
                Ok((outcome, annotation)) => {
                    others.met.push(step);
                    if let Some(annotation) = annotation {
                        self.annotations.set(step, (pair, annotation), all_steps);
                    }
                    if let Outcome::Float(value) = outcome {
                        others.floats.push((step, value));
                    }
                }
            }
        }
        others
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
