//! Checks of label names and values.

use std::collections::BTreeSet;

use quarrel_engine::storage::{LabelsRequest, Matcher, TimeRange};
use quarrel_matchers::MatchOp;

use super::check::{Stop, ensure};
use super::data::{END, MINUTE, labelled, with_stale_markers};
use super::harness::{Harness, TestSeries};
use super::read::{expected, matcher, snapshot, wait};

const ALL: TimeRange = TimeRange::ALL;

/// Selectors: none, one, several, with matchers of the empty value, and one
/// that matches nothing.
fn selectors() -> Result<Vec<Vec<Vec<Matcher>>>, Stop> {
    let up = || matcher(MatchOp::Equal, "__name__", "up");
    Ok(vec![
        vec![],
        vec![vec![up()?]],
        vec![vec![up()?, matcher(MatchOp::Equal, "job", "")?]],
        vec![vec![up()?], vec![matcher(MatchOp::Equal, "code", "404")?]],
        vec![
            vec![matcher(MatchOp::Regex, "v", ".+")?],
            vec![matcher(MatchOp::Regex, "v", "a.*")?],
        ],
        vec![vec![matcher(MatchOp::Equal, "__name__", "no such metric")?]],
        vec![
            vec![matcher(MatchOp::Equal, "no_such_label", "x")?],
            vec![up()?],
        ],
    ])
}

/// The labels of all series that match any selector, in a range.
fn labels_of(
    series: &[TestSeries],
    selectors: &[Vec<Matcher>],
    range: TimeRange,
) -> BTreeSet<(String, String)> {
    let none = [Vec::new()];
    let selectors = if selectors.is_empty() {
        &none
    } else {
        selectors
    };
    let rows = selectors
        .iter()
        .flat_map(|matchers| expected(series, matchers, range));
    rows.flat_map(|row| row.labels).collect()
}

fn show(selectors: &[Vec<Matcher>]) -> String {
    let selectors: Vec<String> = selectors.iter().map(|s| super::read::text(s)).collect();
    selectors.join(" ")
}

pub(super) fn label_names(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    for selectors in selectors()? {
        let got = wait(
            harness,
            view.label_names(LabelsRequest::new(&selectors, ALL)),
        )?
        .map_err(|e| e.to_string())?;
        let names = labels_of(&series, &selectors, ALL).into_iter().map(|l| l.0);
        let want: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
        ensure!(
            got == want,
            "{}: expected {want:?}, got {got:?}",
            show(&selectors)
        );
    }
    Ok(())
}

pub(super) fn label_values(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    for selectors in selectors()? {
        for name in ["__name__", "job", "v", "größe", "no_such_label"] {
            let got = wait(
                harness,
                view.label_values(name, LabelsRequest::new(&selectors, ALL)),
            )?;
            let got = got.map_err(|e| e.to_string())?;
            let labels = labels_of(&series, &selectors, ALL).into_iter();
            let want: BTreeSet<String> = labels.filter(|l| l.0 == name).map(|l| l.1).collect();
            let want: Vec<String> = want.into_iter().collect();
            ensure!(
                got == want,
                "{name} of {}: expected {want:?}, got {got:?}",
                show(&selectors)
            );
        }
    }
    Ok(())
}

/// Labels of series with samples in the range are returned; labels of no series
/// are not.
pub(super) fn labels_in_a_range(harness: &dyn Harness) -> Result<(), Stop> {
    let series = with_stale_markers();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let possible: BTreeSet<String> = labels_of(&series, &[], ALL)
        .into_iter()
        .filter(|l| l.0 == "kind")
        .map(|l| l.1)
        .collect();
    for (start, end) in [
        (0, MINUTE),
        (30 * MINUTE, 30 * MINUTE),
        (60 * MINUTE, END),
        (0, END),
    ] {
        let range = TimeRange { start, end };
        let got = wait(
            harness,
            view.label_values("kind", LabelsRequest::new(&[], range)),
        )?
        .map_err(|e| e.to_string())?;
        ensure!(
            got.windows(2).all(|v| v[0] < v[1]),
            "values are not sorted: {got:?}"
        );
        let inside = labels_of(&series, &[], range)
            .into_iter()
            .filter(|l| l.0 == "kind");
        for (_, value) in inside {
            ensure!(
                got.contains(&value),
                "{value:?} has samples from {start} to {end}, but is not in {got:?}"
            );
        }
        let odd = got.iter().find(|v| !possible.contains(*v));
        ensure!(odd.is_none(), "no series has {odd:?}");
    }
    Ok(())
}

pub(super) fn the_time_range_covers_all(harness: &dyn Harness) -> Result<(), Stop> {
    let series = with_stale_markers();
    let view = snapshot(harness, &harness.store(&series), ALL)?;
    let Some(TimeRange { start, end }) = view.time_range() else {
        return Err(Stop::Skipped("the store has no time range"));
    };
    let times = || series.iter().flat_map(TestSeries::samples).map(|s| s.0);
    let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
    ensure!(
        start <= first && end >= last,
        "{start} to {end}, but samples are from {first} to {last}"
    );
    Ok(())
}
