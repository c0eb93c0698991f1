//! Checks of the selected series and their order.

use std::cmp::Ordering;

use quarrel_engine::storage::{LabelsRequest, SelectHints, TimeRange};
use quarrel_matchers::MatchOp;

use super::check::{Stop, ensure};
use super::data::{labelled, many};
use super::harness::Harness;
use super::read::{Answer, check_select, matcher, select, snapshot};

const ALL: TimeRange = TimeRange::ALL;

pub(super) fn an_empty_store_answers(harness: &dyn Harness) -> Result<(), Stop> {
    let store = harness.store(&[]);
    check_select(harness, &store, &[], &[], ALL)?;
    let up = matcher(MatchOp::Equal, "__name__", "up")?;
    check_select(harness, &store, &[], std::slice::from_ref(&up), ALL)?;
    let view = snapshot(harness, &store, ALL)?;
    let names = super::read::wait(
        harness,
        view.label_names(LabelsRequest::new(&[vec![up]], ALL)),
    )?;
    ensure!(
        matches!(&names, Ok(names) if names.is_empty()),
        "an empty store has label names: {names:?}"
    );
    Ok(())
}

/// Selects all of [`labelled`].
fn all(harness: &dyn Harness) -> Result<Answer, Stop> {
    let store = harness.store(&labelled());
    let view = snapshot(harness, &store, ALL)?;
    select(harness, &view, &[], ALL, &SelectHints::default())
}

pub(super) fn rows_are_in_label_order(harness: &dyn Harness) -> Result<(), Stop> {
    let answer = all(harness)?;
    let symbols = answer.symbols.read();
    for row in 1..answer.len() {
        let labels = &answer.selected.labels;
        let order = symbols.compare(labels.get(row - 1), labels.get(row));
        ensure!(
            order != Ordering::Greater,
            "row {} ({}) comes before row {row} ({})",
            row - 1,
            symbols.display(labels.get(row - 1)),
            symbols.display(labels.get(row))
        );
    }
    Ok(())
}

pub(super) fn no_two_rows_are_equal(harness: &dyn Harness) -> Result<(), Stop> {
    let answer = all(harness)?;
    let (groups, distinct) = answer.selected.labels.distinct();
    ensure!(
        distinct == groups.len(),
        "{} rows, but {distinct} label sets",
        groups.len()
    );
    Ok(())
}

pub(super) fn labels_are_well_formed(harness: &dyn Harness) -> Result<(), Stop> {
    let answer = all(harness)?;
    for row in 0..answer.len() {
        let labels = answer.labels(row);
        ensure!(
            labels.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "{labels:?}: not sorted by name"
        );
        ensure!(
            labels.iter().all(|l| !l.1.is_empty()),
            "{labels:?}: an empty value"
        );
    }
    Ok(())
}

pub(super) fn no_matcher_means_all_series(harness: &dyn Harness) -> Result<(), Stop> {
    let series = labelled();
    check_select(harness, &harness.store(&series), &series, &[], ALL)
}

/// Compares a select of each matcher with the expected rows.
fn check_each(harness: &dyn Harness, cases: &[(MatchOp, &str, &str)]) -> Result<(), Stop> {
    let series = labelled();
    let store = harness.store(&series);
    for &(op, name, value) in cases {
        check_select(harness, &store, &series, &[matcher(op, name, value)?], ALL)?;
    }
    Ok(())
}

pub(super) fn equal_and_not_equal(harness: &dyn Harness) -> Result<(), Stop> {
    use MatchOp::{Equal, NotEqual};
    check_each(
        harness,
        &[
            (Equal, "__name__", "up"),
            (Equal, "__name__", "no such metric"),
            (Equal, "no_such_label", "x"),
            (Equal, "v", "é"),
            (Equal, "v.w", "x y"),
            (Equal, "größe", "\"quoted\"\n"),
            (NotEqual, "__name__", "up"),
            (NotEqual, "job", "api"),
            (NotEqual, "no_such_label", "x"),
            (NotEqual, "v", "no such value"),
        ],
    )
}

pub(super) fn regular_expressions(harness: &dyn Harness) -> Result<(), Stop> {
    use MatchOp::{NotRegex, Regex};
    let patterns = [
        "up",
        "up.*",
        "u.+",
        "up|order",
        ".*",
        ".+",
        "(?i)UP2?",
        ".*_total",
        "[a-z]p\\d",
        "a|aa|~|é",
        "no such",
    ];
    let names = ["__name__", "v", "job", "no_such_label"];
    let cases = names.iter().flat_map(|&name| {
        patterns
            .iter()
            .flat_map(move |&p| [(Regex, name, p), (NotRegex, name, p)])
    });
    check_each(harness, &cases.collect::<Vec<_>>())
}

pub(super) fn matchers_of_the_empty_value(harness: &dyn Harness) -> Result<(), Stop> {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let ops = [Equal, NotEqual, Regex, NotRegex];
    let names = ["job", "instance", "__name__", "no_such_label", "w"];
    let cases = names.iter().flat_map(|&name| {
        ops.iter()
            .flat_map(move |&op| [(op, name, ""), (op, name, "|api"), (op, name, "a?")])
    });
    check_each(harness, &cases.collect::<Vec<_>>())
}

pub(super) fn conjunctions_of_matchers(harness: &dyn Harness) -> Result<(), Stop> {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    let cases: &[&[(MatchOp, &str, &str)]] = &[
        &[(Equal, "__name__", "up"), (Equal, "job", "api")],
        &[(Equal, "__name__", "up"), (NotEqual, "job", "api")],
        &[(Equal, "__name__", "up"), (Equal, "instance", "")],
        &[
            (Regex, "__name__", "up.*"),
            (NotRegex, "job", "w.*"),
            (NotEqual, "instance", "a:9090"),
        ],
        &[(Equal, "__name__", "up"), (Equal, "__name__", "up2")],
        &[(Equal, "__name__", "up"), (Regex, "__name__", ".*")],
        &[(NotEqual, "job", ""), (NotEqual, "code", "200")],
        &[
            (Equal, "job", ""),
            (Equal, "v", ""),
            (Regex, "__name__", ".+"),
        ],
        &[(Equal, "no_such_label", ""), (Equal, "job", "nameless")],
        &[(Equal, "no_such_label", "x"), (Equal, "job", "api")],
    ];
    let series = labelled();
    let store = harness.store(&series);
    for case in cases {
        let matchers = case
            .iter()
            .map(|&(op, name, value)| matcher(op, name, value));
        check_select(
            harness,
            &store,
            &series,
            &matchers.collect::<Result<Vec<_>, _>>()?,
            ALL,
        )?;
    }
    Ok(())
}

pub(super) fn many_series(harness: &dyn Harness) -> Result<(), Stop> {
    let series = many(3000);
    let store = harness.store(&series);
    check_select(harness, &store, &series, &[], ALL)?;
    let some = [
        matcher(MatchOp::Regex, "pod", "pod-1.*5")?,
        matcher(MatchOp::NotEqual, "shard", "3")?,
    ];
    check_select(harness, &store, &series, &some, ALL)
}
