//! Tests of the suite itself: each check fails on a store that breaks its rule,
//! and none fails on a correct store. At the end the suite runs on `memory`.

mod faulty;

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use quarrel_engine::storage::Storage;

use self::faulty::{Fault, Faulty, ONE_AT_A_TIME, fill};
use super::*;
use crate::memory::MemoryStorage;

/// The check that a fault must fail; it may fail others, too.
const FAILS: &[(Fault, &str)] = &[
    (Fault::PanicsWhenEmpty, "an_empty_store_answers"),
    (Fault::RowsReversed, "rows_are_in_label_order"),
    (Fault::ProjectsAll, "projections_leave_out_labels_alone"),
    (Fault::RowsTwice, "no_two_rows_are_equal"),
    (Fault::LabelsReversed, "labels_are_well_formed"),
    (Fault::NothingWithoutMatchers, "no_matcher_means_all_series"),
    (Fault::NegatedIgnored, "equal_and_not_equal"),
    (Fault::RegexUnanchored, "regular_expressions"),
    (Fault::EmptyNeedsLabel, "matchers_of_the_empty_value"),
    (Fault::OnlyFirstMatcher, "conjunctions_of_matchers"),
    (Fault::AtMost1000, "many_series"),
    (Fault::PiecesAsTheyRan, "pieces_run_in_any_order"),
    (
        Fault::RefusalIgnored,
        "pieces_that_are_refused_end_the_select",
    ),
    (Fault::NanCanonical, "values_keep_their_bits"),
    (Fault::StaleDropped, "stale_markers_are_kept"),
    (Fault::EndExclusive, "time_bounds"),
    (Fault::ChunksReversed, "chunks_are_in_order"),
    (Fault::FirstChunkAlone, "overlapping_parts_are_merged"),
    (Fault::GapsFilled, "gaps_on_a_shared_grid"),
    (Fault::ChunksCleared, "chunks_can_be_read_again"),
    (Fault::PrefetchOnce, "prefetch_does_not_change_the_answer"),
    (Fault::EstimateWild, "estimates_are_near_the_truth"),
    (Fault::RateDownsampled, "hints_do_not_change_the_answer"),
    (Fault::NamesReversed, "label_names"),
    (Fault::SelectorsIgnored, "label_values"),
    (Fault::NoLabelsInRange, "labels_in_a_range"),
    (Fault::TimeRangeShort, "the_time_range_covers_all"),
    (Fault::LiveSnapshot, "two_selects_see_one_snapshot"),
    (Fault::StoreNeeded, "a_snapshot_outlives_its_store"),
    (Fault::SnapshotNeeded, "samples_outlive_their_snapshot"),
    (Fault::OneThread, "concurrent_reads"),
    (Fault::SelectsCollide, "concurrent_selects"),
    (Fault::DroppedFutureJams, "dropped_futures_are_harmless"),
    (Fault::ErrorSwallowed, "errors_stay_with_their_series"),
    (Fault::ErrorSpreads, "errors_stay_with_their_series"),
];

#[test]
fn each_check_finds_its_fault() {
    let _alone = ONE_AT_A_TIME.lock();
    for &(fault, name) in FAILS {
        let check = CHECKS.iter().find(|check| check.0 == name).unwrap().1;
        let outcome = outcome(check, &Faulty(fault));
        assert!(
            matches!(outcome, Outcome::Failed(_)),
            "{fault:?}: {name}: {outcome:?}"
        );
    }
    let covered: HashSet<&str> = FAILS.iter().map(|f| f.1).collect();
    let missing: Vec<_> = CHECKS
        .iter()
        .filter(|c| !covered.contains(c.0))
        .map(|c| c.0)
        .collect();
    assert!(missing.is_empty(), "no fault for {missing:?}");
}

#[test]
fn a_correct_store_passes_all_checks() {
    let _alone = ONE_AT_A_TIME.lock();
    let report = run(&Faulty(Fault::None));
    let passed = report
        .checks
        .iter()
        .all(|(_, outcome)| *outcome == Outcome::Passed);
    assert!(passed && report.passed(), "{report}");
    assert_eq!(report.outcome("label_names"), Some(&Outcome::Passed));
    assert_eq!(report.checks.len(), CHECKS.len());
}

/// The memory store, filled part by part.
struct Memory(Mutex<Option<Arc<MemoryStorage>>>);

impl Harness for Memory {
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
        let storage = Arc::new(MemoryStorage::new());
        fill(&storage, series);
        *self.0.lock() = Some(storage.clone());
        storage
    }

    fn add(&self, _: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        self.0.lock().as_ref().is_some_and(|storage| {
            fill(storage, series);
            true
        })
    }
}

mod grid;

mod memory {
    use super::{Memory, Mutex};

    crate::conformance_tests!(Memory(Mutex::new(None)));
}
