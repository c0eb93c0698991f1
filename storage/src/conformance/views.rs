//! Checks of snapshots: consistency, lifetime and concurrent readers.

use std::task::{Context, Waker};

use futures::FutureExt;
use quarrel_engine::labels::SymbolTable;
use quarrel_engine::storage::{LabelsRequest, SelectHints, SelectRequest, TimeRange};
use quarrel_matchers::MatchOp;

use super::check::{Stop, ensure};
use super::data::{MINUTE, labelled, many, minutes, overlapping, series};
use super::harness::Harness;
use super::read::{Row, check_select, expected, matcher, same, select, snapshot, wait};

const ALL: TimeRange = TimeRange::ALL;
/// Number of concurrent readers.
const READERS: usize = 8;

pub(super) fn two_selects_see_one_snapshot(harness: &dyn Harness) -> Result<(), Stop> {
    let before = vec![
        series(&[("__name__", "a")], minutes(0, 30)),
        series(&[("__name__", "c")], minutes(0, 30)),
    ];
    let store = harness.store(&before);
    let view = snapshot(harness, &store, ALL)?;
    let early = select(harness, &view, &[], ALL, &SelectHints::default())?;
    // More samples of a known series, a series between others and one after.
    let more = [
        series(&[("__name__", "a")], minutes(60 * MINUTE, 30)),
        series(&[("__name__", "b")], minutes(60 * MINUTE, 30)),
        series(&[("__name__", "d")], minutes(60 * MINUTE, 30)),
    ];
    if !harness.add(&store, &more) {
        return Err(Stop::Skipped("the store never changes"));
    }
    let want = expected(&before, &[], ALL);
    same(&want, &early.rows(harness)?).map_err(|e| format!("a select made before: {e}"))?;
    let late = select(harness, &view, &[], ALL, &SelectHints::default())?;
    same(&want, &late.rows(harness)?).map_err(|e| format!("a second select: {e}"))?;
    let names = wait(
        harness,
        view.label_values("__name__", LabelsRequest::new(&[], ALL)),
    )?;
    let names = names.map_err(|e| e.to_string())?;
    ensure!(
        names == ["a", "c"],
        "the snapshot has label values that were added later: {names:?}"
    );
    // A new snapshot has all series.
    let mut after = before;
    after[0].parts.extend(more[0].parts.clone());
    after.extend_from_slice(&more[1..]);
    check_select(harness, &store, &after, &[], ALL)
}

pub(super) fn a_snapshot_outlives_its_store(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    let store = harness.store(&series);
    let view = snapshot(harness, &store, ALL)?;
    drop(store);
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    same(&expected(&series, &[], ALL), &answer.rows(harness)?).map_err(Stop::Failed)
}

pub(super) fn samples_outlive_their_snapshot(harness: &dyn Harness) -> Result<(), Stop> {
    let series = overlapping();
    let store = harness.store(&series);
    let view = snapshot(harness, &store, ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    drop(view);
    drop(store);
    same(&expected(&series, &[], ALL), &answer.rows(harness)?).map_err(Stop::Failed)
}

/// Runs a closure on several threads and returns the first failure.
fn run_concurrently(run: impl Fn(usize) -> Result<(), Stop> + Sync) -> Result<(), Stop> {
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..READERS).map(|i| scope.spawn(move || run(i))).collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Result<(), Stop>>| {
            thread
                .join()
                .unwrap_or_else(|_| Err(Stop::Failed("a reader panicked".into())))
        };
        threads.into_iter().map(join).fold(Ok(()), Result::and)
    })
}

pub(super) fn concurrent_reads(harness: &dyn Harness) -> Result<(), Stop> {
    let series = many(400);
    let store = harness.store(&series);
    let view = snapshot(harness, &store, ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    answer.prefetch(harness, 0..answer.len() as u32)?;
    let want = expected(&series, &[], ALL);
    ensure!(
        answer.len() == want.len(),
        "{} series, not {}",
        answer.len(),
        want.len()
    );
    run_concurrently(|reader| {
        for i in 0..want.len() {
            // Half of the readers go in reverse order.
            let row = if reader % 2 == 0 {
                i
            } else {
                want.len() - 1 - i
            };
            let got: Row = answer.row(row)?;
            same(&want[row..=row], &[got])?;
        }
        Ok(())
    })
}

pub(super) fn concurrent_selects(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    let store = harness.store(&series);
    let cases = [
        (MatchOp::Equal, "up"),
        (MatchOp::NotEqual, "up"),
        (MatchOp::Regex, "o.*"),
    ];
    run_concurrently(|reader| {
        for i in 0..20 {
            let (op, value) = cases[(reader + i) % cases.len()];
            check_select(
                harness,
                &store,
                &series,
                &[matcher(op, "__name__", value)?],
                ALL,
            )?;
        }
        Ok(())
    })
}

pub(super) fn dropped_futures_are_harmless(harness: &dyn Harness) -> Result<(), Stop> {
    let series = many(300);
    let store = harness.store(&series);
    for polls in 0..3 {
        drop_after(harness, polls, store.snapshot(ALL))?;
        let view = snapshot(harness, &store, ALL)?;
        let symbols = SymbolTable::new();
        let hints = SelectHints::default();
        let request = SelectRequest::new(&[], ALL, &hints, &symbols);
        drop_after(harness, polls, view.select(request))?;
        drop_after(
            harness,
            polls,
            view.label_names(LabelsRequest::new(&[], ALL)),
        )?;
        drop_after(
            harness,
            polls,
            view.label_values("pod", LabelsRequest::new(&[], ALL)),
        )?;
        let answer = select(harness, &view, &[], ALL, &hints)?;
        if let Some(future) = answer.selected.series.prefetch(0..100) {
            drop_after(harness, polls, future)?;
        }
        let rows = answer.rows(harness)?;
        same(&expected(&series, &[], ALL), &rows)
            .map_err(|e| format!("after {polls} polls: {e}"))?;
        drop(view);
        check_select(harness, &store, &series, &[], ALL)?;
    }
    Ok(())
}

/// Polls a future some times and drops it, as a cancelled query does.
fn drop_after<T: Send>(
    harness: &dyn Harness,
    polls: usize,
    mut future: impl Future<Output = T> + Unpin + Send,
) -> Result<(), Stop> {
    wait(harness, async move {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            if future.poll_unpin(&mut context).is_ready() {
                return;
            }
        }
    })
}
