//! Checks of selects that run in pieces
//! ([`SelectControl::run_pieces`](quarrel_engine::storage::SelectControl::run_pieces)).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use futures::FutureExt;
use futures::future::BoxFuture;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{
    Pieces, SelectControl, SelectHints, SelectRequest, Selected, StorageError, TimeRange,
};

use super::check::{Stop, ensure};
use super::data::many;
use super::harness::Harness;
use super::read::{Answer, expected, same, snapshot, wait};

const ALL: TimeRange = TimeRange::ALL;

/// So many series that stores do their work in pieces.
const SERIES: usize = 17_000;

/// Runs pieces on two threads, the last ones first, or refuses them.
#[derive(Debug, Default)]
struct Elsewhere {
    refuses: bool,
    was_asked: AtomicBool,
}

impl SelectControl for Elsewhere {
    fn check(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn reserve(&self, _: usize) -> Result<(), StorageError> {
        Ok(())
    }

    fn run_pieces(&self, count: usize, pieces: Pieces) -> BoxFuture<'_, Result<(), StorageError>> {
        self.was_asked.store(true, Ordering::Relaxed);
        let refuses = self.refuses;
        let run = move |which: usize| {
            let mut numbers = (0..count).rev().filter(|n| n % 2 == which);
            numbers.try_for_each(|number| pieces(number))
        };
        async move {
            if refuses {
                return Err(StorageError::Stopped);
            }
            let odd = run.clone();
            let odd = thread::spawn(move || odd(1));
            let even = run(0);
            let panicked = |_| Err(StorageError::Other("a piece panicked".into()));
            odd.join().unwrap_or_else(panicked).and(even)
        }
        .boxed()
    }
}

/// Selects all of [`SERIES`] series for a query that looks at `names`, or all labels.
fn select(
    harness: &dyn Harness,
    control: &Elsewhere,
    names: Option<&[String]>,
) -> Result<(Result<Selected, StorageError>, Arc<SymbolTable>), Stop> {
    let view = snapshot(harness, &harness.store(&many(SERIES)), ALL)?;
    let (symbols, hints) = (Arc::new(SymbolTable::new()), SelectHints::default());
    let request = SelectRequest::new(&[], ALL, &hints, &symbols)
        .with_control(control)
        .with_projection(names);
    let selected = wait(harness, view.select(request))?;
    Ok((selected, symbols))
}

pub(super) fn pieces_run_in_any_order(harness: &dyn Harness) -> Result<(), Stop> {
    let control = Elsewhere::default();
    let (selected, symbols) = select(harness, &control, None)?;
    let selected = selected.map_err(|e| Stop::Failed(format!("select in pieces: {e}")))?;
    let got = Answer { symbols, selected }.rows(harness)?;
    same(&expected(&many(SERIES), &[], ALL), &got)?;
    let shard = ["shard".to_string()];
    let (selected, symbols) = select(harness, &control, Some(&shard))?;
    let selected = selected.map_err(|e| Stop::Failed(format!("select in pieces: {e}")))?;
    let projected = selected.projected;
    let got = Answer { symbols, selected }.rows(harness)?;
    let mut want = expected(&many(SERIES), &[], ALL);
    if projected {
        want.iter_mut()
            .for_each(|row| row.labels.retain(|(name, _)| name != "pod"));
    }
    same(&want, &got)?;
    Ok(())
}

pub(super) fn pieces_that_are_refused_end_the_select(harness: &dyn Harness) -> Result<(), Stop> {
    let control = Elsewhere {
        refuses: true,
        ..Elsewhere::default()
    };
    let (selected, _) = select(harness, &control, None)?;
    let was_asked = control.was_asked.load(Ordering::Relaxed);
    ensure!(
        matches!(selected, Err(StorageError::Stopped)) == was_asked,
        "a select whose pieces were {} answers {selected:?}",
        if was_asked {
            "refused"
        } else {
            "not asked for"
        },
    );
    Ok(())
}
