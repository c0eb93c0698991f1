//! Joins the rows of the "many" side as they come.
//!
//! The rows of the "one" side are collected, those of the "many" side are never
//! there together. That asks for a match table that has no more to find out
//! ([`can_stream`](super::table::Table::can_stream)): no row of the "one" side
//! repeats its group, no two pairs may collide, and no side is filled.

use std::sync::Arc;

use super::Join;
use super::pairs::{Pairs, Piece};
use super::table::NONE;
use crate::batch::{BatchBuilder, Row, Rows, SeriesBatch};
use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::operator::Run;
use crate::exec::streamed::{Streamed, Together};

/// The rows of the "one" side.
#[derive(Debug)]
pub(super) struct One {
    rows: Rows,
    _account: Account,
}

impl Streamed for Join {
    type Others = One;
    type State = Pairs;

    fn together(&self) -> &Together<One> {
        &self.together
    }

    fn streamed_input(&self) -> usize {
        self.many_input()
    }

    async fn collect_others(&self, run: &Run) -> Result<One, QueryError> {
        let rows = self.table.sides.one_labels.len();
        let one = &run.inputs[1 - self.many_input()];
        let (rows, _account) = one.collect(rows, &run.context, "join").await?;
        Ok(One { rows, _account })
    }

    fn begin(self: &Arc<Self>, run: &Run) -> Result<Pairs, QueryError> {
        Pairs::new(self, run.context.account("join"))
    }

    fn fill(
        &self,
        one: &One,
        pairs: &mut Pairs,
        batch: &SeriesBatch,
        next: &mut usize,
        builder: &mut BatchBuilder,
    ) -> Result<(), QueryError> {
        let mut pieces = Pieces::default();
        while *next < batch.len() && !builder.is_full() {
            self.pair(&batch.row(*next), &one.rows, &mut pieces, pairs, builder)?;
            *next += 1;
        }
        Ok(())
    }

    fn end(&self, run: &Run, pairs: Pairs, last: impl FnOnce() -> bool) {
        let mut annotations = self.annotations.lock();
        annotations.merge(pairs.annotations);
        if last() {
            annotations.annotate(self, &run.context);
        }
    }
}

/// Room for a row of each side.
#[derive(Default)]
struct Pieces<'a> {
    many: Piece<'a>,
    one: Piece<'a>,
}

impl Join {
    /// Pairs a row of the "many" side.
    fn pair<'a>(
        &self,
        row: &Row<'a>,
        one: &'a Rows,
        pieces: &mut Pieces<'a>,
        pairs: &mut Pairs,
        builder: &mut BatchBuilder,
    ) -> Result<(), QueryError> {
        let table = &self.table;
        let group = table.sides.many_group[row.series as usize];
        if group == NONE {
            return Ok(());
        }
        pieces.many.set(row);
        let first_pair = table.first_pair[row.series as usize];
        let matched = &table.sides.group[group as usize].matched;
        for (pair, &series) in (first_pair..).zip(matched) {
            let series = &table.sides.matched[series as usize];
            for row in series.rows.iter().filter_map(|&row| one.get(row)) {
                pieces.one.set(&row);
                if let Some(made) = pairs.combine(pair, &pieces.many, &pieces.one)? {
                    builder.push_mixed(
                        pair,
                        made.first_step,
                        made.values,
                        made.present,
                        made.histograms,
                    );
                }
            }
        }
        Ok(())
    }
}
