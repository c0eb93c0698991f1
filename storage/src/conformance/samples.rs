//! Checks of the returned samples.

use quarrel_engine::storage::{SelectHints, TimeRange};

use super::check::{Stop, ensure};
use super::data::{END, MINUTE, gridded, labelled, many, overlapping, values, with_stale_markers};
use super::harness::{Harness, TestSeries};
use super::read::{check_select, decode, expected, same, select, select_labels, snapshot, within};

const ALL: TimeRange = TimeRange::ALL;

pub(super) fn values_keep_their_bits(harness: &dyn Harness) -> Result<(), Stop> {
    let series = values();
    check_select(harness, &harness.store(&series), &series, &[], ALL)
}

pub(super) fn stale_markers_are_kept(harness: &dyn Harness) -> Result<(), Stop> {
    let series = with_stale_markers();
    let store = harness.store(&series);
    check_select(harness, &store, &series, &[], ALL)?;
    // A range with nothing but a stale marker.
    let marker = TimeRange {
        start: 30 * MINUTE,
        end: 30 * MINUTE,
    };
    check_select(harness, &store, &series, &[], marker)
}

pub(super) fn time_bounds(harness: &dyn Harness) -> Result<(), Stop> {
    let mut series = with_stale_markers();
    series.extend(values());
    let store = harness.store(&series);
    for (start, end) in [
        (0, END),
        (0, 0),
        (7, 7),
        (8, 8),
        (MINUTE, 10 * MINUTE),
        (10 * MINUTE, 10 * MINUTE),
        (10 * MINUTE + 1, 20 * MINUTE - 1),
        (59 * MINUTE, 61 * MINUTE),
        (500, 501),
        (END - 1, END),
        (END, 2 * END),
        (-END, -1),
        (i64::MIN, 0),
        (i64::MIN, i64::MAX),
        (END - 1, i64::MAX),
    ] {
        check_select(harness, &store, &series, &[], TimeRange { start, end })?;
    }
    Ok(())
}

pub(super) fn chunks_are_in_order(harness: &dyn Harness) -> Result<(), Stop> {
    for series in [values(), overlapping(), with_stale_markers()] {
        let store = harness.store(&series);
        let view = snapshot(harness, &store, ALL)?;
        let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
        answer.prefetch(harness, 0..answer.len() as u32)?;
        for row in 0..answer.len() {
            let labels = answer.labels(row);
            let mut chunks = Vec::new();
            answer
                .selected
                .series
                .chunks(row as u32, &mut chunks)
                .map_err(|e| e.to_string())?;
            let mut of_replicas = chunks.chunk_by(|a, b| a.replica == b.replica);
            ensure!(
                of_replicas.all(|of_one| of_one.is_sorted_by_key(|c| c.min_time)),
                "{labels:?}: chunks are not in order of their first sample"
            );
            for chunk in &chunks {
                let times: Vec<i64> = decode(chunk)?.iter().map(|s| s.0).collect();
                ensure!(
                    times.windows(2).all(|t| t[0] < t[1]),
                    "{labels:?}: timestamps of a chunk do not ascend"
                );
                let (min, max) = (chunk.min_time, chunk.max_time);
                let inside = times.iter().all(|&t| min <= t && t <= max);
                ensure!(
                    inside,
                    "{labels:?}: samples outside of their chunk's {min} to {max}"
                );
            }
        }
    }
    Ok(())
}

pub(super) fn overlapping_parts_are_merged(harness: &dyn Harness) -> Result<(), Stop> {
    let series = overlapping();
    let store = harness.store(&series);
    check_select(harness, &store, &series, &[], ALL)?;
    for (start, end) in [
        (0, 5 * MINUTE),
        (15 * MINUTE, 45 * MINUTE),
        (60 * MINUTE, 60 * MINUTE),
    ] {
        check_select(harness, &store, &series, &[], TimeRange { start, end })?;
    }
    Ok(())
}

pub(super) fn gaps_on_a_shared_grid(harness: &dyn Harness) -> Result<(), Stop> {
    let series = gridded();
    let store = harness.store(&series);
    check_select(harness, &store, &series, &[], ALL)?;
    for (start, end) in [
        (10 * MINUTE, 12 * MINUTE),
        (20 * MINUTE, 20 * MINUTE),
        (21 * MINUTE, 21 * MINUTE),
        (30 * MINUTE + 1, 40 * MINUTE - 1),
    ] {
        check_select(harness, &store, &series, &[], TimeRange { start, end })?;
    }
    Ok(())
}

pub(super) fn chunks_can_be_read_again(harness: &dyn Harness) -> Result<(), Stop> {
    let series = overlapping();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    let first = answer.rows(harness)?;
    for row in (0..answer.len()).rev() {
        let again = answer.row(row)?;
        same(&first[row..=row], std::slice::from_ref(&again))?;
    }
    // The chunks are appended to what the vector holds.
    let (mut chunks, mut count) = (Vec::new(), 0);
    for row in 0..answer.len() as u32 {
        let mut own = Vec::new();
        let source = &answer.selected.series;
        source.chunks(row, &mut own).map_err(|e| e.to_string())?;
        source.chunks(row, &mut chunks).map_err(|e| e.to_string())?;
        count += own.len();
        ensure!(
            chunks.len() == count,
            "chunks() does not append: {} chunks instead of {count}",
            chunks.len()
        );
    }
    Ok(())
}

pub(super) fn prefetch_does_not_change_the_answer(harness: &dyn Harness) -> Result<(), Stop> {
    let series = many(500);
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    let want = expected(&series, &[], ALL);
    ensure!(
        answer.len() == want.len(),
        "{} series, not {}",
        answer.len(),
        want.len()
    );
    // Parts in reverse order, one of them twice, and an empty one.
    for start in [400, 300, 200, 100, 0, 100] {
        answer.prefetch(harness, start..start + 100)?;
        let rows = start as usize..start as usize + 100;
        let got = rows
            .clone()
            .map(|row| answer.row(row))
            .collect::<Result<Vec<_>, _>>()?;
        same(&want[rows], &got)?;
    }
    answer.prefetch(harness, 0..0)
}

pub(super) fn estimates_are_near_the_truth(harness: &dyn Harness) -> Result<(), Stop> {
    let series = values();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let answer = select(harness, &view, &[], ALL, &SelectHints::default())?;
    let samples: usize = answer
        .rows(harness)?
        .iter()
        .map(|row| row.samples.len())
        .sum();
    if let Some(estimate) = answer.selected.series.estimated_samples() {
        // Plans depend on it, so it must be right within a factor.
        let samples = samples as u64;
        ensure!(
            estimate >= samples / 100 && estimate <= samples.saturating_mul(100),
            "estimated {estimate} samples of {samples}"
        );
    }
    Ok(())
}

/// Various hints.
fn hints() -> Vec<SelectHints> {
    let of = |function: &str, step_ms, range_ms| {
        let mut hints = SelectHints::default();
        hints.function = function.into();
        (hints.step_ms, hints.range_ms) = (step_ms, range_ms);
        hints
    };
    let grouped = |by| {
        let mut hints = of("sum", MINUTE, 0);
        hints.grouping = vec!["job".into()];
        hints.by = by;
        hints
    };
    vec![
        of("rate", MINUTE, 5 * MINUTE),
        of("max_over_time", 0, MINUTE),
        of("no such function", i64::MAX, i64::MAX),
        grouped(true),
        grouped(false),
    ]
}

pub(super) fn projections_leave_out_labels_alone(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    for names in [&[][..], &["job"], &["code", "instance", "nothing"]] {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let answer = select_labels(harness, &view, &names)?;
        let mut want = expected(&series, &[], ALL);
        if answer.selected.projected {
            let kept = |name: &String| names.contains(name) || name == "__name__";
            let rows = want.iter_mut();
            rows.for_each(|row| row.labels.retain(|(name, _)| kept(name)));
        }
        let got = within(answer.rows(harness)?, ALL);
        same(&want, &got).map_err(|e| format!("labels {names:?}: {e}"))?;
    }
    Ok(())
}

pub(super) fn hints_do_not_change_the_answer(harness: &dyn Harness) -> Result<(), Stop> {
    let series: Vec<TestSeries> = labelled().into_iter().chain(values()).collect();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let want = expected(&series, &[], ALL);
    for hints in hints() {
        let got = select(harness, &view, &[], ALL, &hints)?.rows(harness)?;
        same(&want, &within(got, ALL)).map_err(|e| format!("{hints:?}: {e}"))?;
    }
    Ok(())
}
