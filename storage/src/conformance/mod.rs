//! A test suite for implementations of
//! [`Storage`](quarrel_engine::storage::Storage).
//!
//! The author of a connector writes a [`Harness`], which creates a store with
//! given series. [`run`] runs all checks and returns a [`Report`] with a line
//! for each; [`conformance_tests!`](crate::conformance_tests) makes each check a
//! test of its own. [`reader`] reads a snapshot for further tests.
//!
//! The checks require what the engine relies on. A store may return samples
//! outside of the requested range, and series without a sample inside.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//!
//! use quarrel_engine::storage::Storage;
//! use quarrel_storage::conformance::{self, Harness, TestSeries};
//! use quarrel_storage::memory::MemoryStorage;
//!
//! struct Memory;
//!
//! impl Harness for Memory {
//!     fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage> {
//!         let storage = MemoryStorage::new();
//!         for series in series {
//!             for (timestamp, value) in series.samples() {
//!                 let labels = series.labels.iter().map(|(n, v)| (n, v));
//!                 storage.append(labels, timestamp, value).unwrap();
//!             }
//!         }
//!         Arc::new(storage)
//!     }
//! }
//!
//! let report = conformance::run(&Memory);
//! assert!(report.passed(), "{report}");
//! ```

mod check;
mod data;
mod failures;
mod harness;
mod labels;
mod pieces;
mod read;
pub mod reader;
mod samples;
mod selects;
#[cfg(all(test, feature = "memory"))]
mod tests;
mod views;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use check::Stop;

pub use harness::{Harness, TestSeries};

type Check = fn(&dyn Harness) -> Result<(), Stop>;

/// Runs `$then!` with the names of all checks.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_checks {
    ([$($then:tt)*] $($argument:tt)*) => {
        $($then)* ! { $($argument)*
            an_empty_store_answers
            rows_are_in_label_order
            no_two_rows_are_equal
            labels_are_well_formed
            no_matcher_means_all_series
            equal_and_not_equal
            regular_expressions
            matchers_of_the_empty_value
            conjunctions_of_matchers
            many_series
            pieces_run_in_any_order
            pieces_that_are_refused_end_the_select
            values_keep_their_bits
            stale_markers_are_kept
            time_bounds
            chunks_are_in_order
            overlapping_parts_are_merged
            gaps_on_a_shared_grid
            chunks_can_be_read_again
            prefetch_does_not_change_the_answer
            estimates_are_near_the_truth
            hints_do_not_change_the_answer
            projections_leave_out_labels_alone
            label_names
            label_values
            labels_in_a_range
            the_time_range_covers_all
            two_selects_see_one_snapshot
            a_snapshot_outlives_its_store
            samples_outlive_their_snapshot
            concurrent_reads
            concurrent_selects
            dropped_futures_are_harmless
            errors_stay_with_their_series
        }
    };
}

macro_rules! table {
    ($($name:ident)*) => {
        &[$((stringify!($name), checks::$name as Check)),*]
    };
}

mod checks {
    pub(super) use super::failures::*;
    pub(super) use super::labels::*;
    pub(super) use super::pieces::*;
    pub(super) use super::samples::*;
    pub(super) use super::selects::*;
    pub(super) use super::views::*;
}

const CHECKS: &[(&str, Check)] = crate::conformance_checks!([table]);

/// Makes each check of the suite a test, with the harness of the given
/// expression. Put it into a module of its own.
///
/// ```ignore
/// mod conformance {
///     quarrel_storage::conformance_tests!(super::MyHarness::new());
/// }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::conformance_checks!([$crate::conformance_test_functions] ($harness););
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! conformance_test_functions {
    (($harness:expr); $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                $crate::conformance::assert_check(stringify!($name), &$harness);
            }
        )*
    };
}

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The store meets the requirement.
    Passed,
    /// It does not: the expected and the actual answer.
    Failed(String),
    /// The harness does not support what the check needs.
    Skipped(&'static str),
}

/// The outcomes of all checks.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name and outcome in the order of execution.
    pub checks: Vec<(&'static str, Outcome)>,
}

impl Report {
    /// Whether no check failed.
    pub fn passed(&self) -> bool {
        !self
            .checks
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    /// The outcome of a check.
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.checks
            .iter()
            .find(|check| check.0 == name)
            .map(|check| &check.1)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.checks {
            match outcome {
                Outcome::Passed => writeln!(f, "{name}: passed")?,
                Outcome::Failed(text) => writeln!(f, "{name}: FAILED: {text}")?,
                Outcome::Skipped(reason) => writeln!(f, "{name}: skipped: {reason}")?,
            }
        }
        Ok(())
    }
}

/// Runs all checks. A panic fails the check in which it happens.
pub fn run(harness: &dyn Harness) -> Report {
    let checks = CHECKS
        .iter()
        .map(|&(name, check)| (name, outcome(check, harness)));
    Report {
        checks: checks.collect(),
    }
}

fn outcome(check: Check, harness: &dyn Harness) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| check(harness))) {
        Ok(Ok(())) => Outcome::Passed,
        Ok(Err(Stop::Failed(text))) => Outcome::Failed(text),
        Ok(Err(Stop::Skipped(reason))) => Outcome::Skipped(reason),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Outcome::Failed(format!("panic: {}", text.unwrap_or("no message")))
        }
    }
}

/// Runs one check in a test.
///
/// # Panics
/// When the check fails or does not exist.
pub fn assert_check(name: &str, harness: &dyn Harness) {
    let Some((_, check)) = CHECKS.iter().find(|check| check.0 == name) else {
        panic!("unknown check {name}");
    };
    if let Outcome::Failed(text) = outcome(*check, harness) {
        panic!("{name}: {text}");
    }
}
