//! Checks of errors while samples are read.

use quarrel_engine::storage::{SelectHints, TimeRange};

use super::check::{Stop, ensure};
use super::data::many;
use super::harness::Harness;
use super::read::{expected, same, select, snapshot, wait};

const ALL: TimeRange = TimeRange::ALL;
const BROKEN: usize = 17;

/// A broken series fails at each read; the others stay readable.
pub(super) fn errors_stay_with_their_series(harness: &dyn Harness) -> Result<(), Stop> {
    let series = many(40);
    let Some(store) = harness.broken(&series, BROKEN) else {
        return Err(Stop::Skipped("reading never fails"));
    };
    let view = snapshot(harness, &store, ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    let want = expected(&series, &[], ALL);
    ensure!(
        answer.len() == want.len(),
        "{} series, not {}",
        answer.len(),
        want.len()
    );
    let mut errors = 0;
    for round in 0..2 {
        for row in 0..answer.len() {
            let broken = answer.labels(row) == series[BROKEN].labels;
            let at = row as u32;
            let prefetched = match answer.selected.series.prefetch(at..at + 1) {
                Some(future) => wait(harness, future)?.map_err(|e| e.to_string()),
                None => Ok(()),
            };
            let got = prefetched.and_then(|()| match answer.row(row) {
                Ok(row) => Ok(row),
                Err(Stop::Failed(text)) => Err(text),
                Err(Stop::Skipped(reason)) => Err(reason.to_string()),
            });
            match (broken, got) {
                (true, Err(_)) => errors += 1,
                (true, Ok(row)) => {
                    ensure!(
                        false,
                        "round {round}: {} samples instead of an error",
                        row.samples.len()
                    );
                }
                (false, Err(error)) => ensure!(false, "round {round}: row {row}: {error}"),
                (false, Ok(got)) => same(&want[row..=row], &[got])?,
            }
        }
    }
    ensure!(errors == 2, "{errors} errors in two rounds");
    Ok(())
}
