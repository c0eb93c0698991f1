//! The stores under test.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::Storage;

/// A series for a store under test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestSeries {
    /// Names and values, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Samples (ms, value) in the order of their arrival. Each part is in order
    /// of time; parts may overlap. A timestamp has one value in all parts.
    pub parts: Vec<Vec<(i64, f64)>>,
}

impl TestSeries {
    /// All samples, part by part.
    pub fn samples(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.parts.iter().flatten().copied()
    }
}

/// Creates the stores under test. All samples lie between 0 and two hours (ms
/// since the epoch).
pub trait Harness: Send + Sync {
    /// A store with these series and no others.
    fn store(&self, series: &[TestSeries]) -> Arc<dyn Storage>;

    /// Adds series to a store of [`Harness::store`]. Returns false, the default,
    /// if stores never change; then checks that need a change are skipped.
    fn add(&self, store: &Arc<dyn Storage>, series: &[TestSeries]) -> bool {
        let _ = (store, series);
        false
    }

    /// A store as of [`Harness::store`] in which the labels of series number
    /// `broken` can be read, but not its samples. Returns `None`, the default,
    /// if reading never fails.
    fn broken(&self, series: &[TestSeries], broken: usize) -> Option<Arc<dyn Storage>> {
        let _ = (series, broken);
        None
    }

    /// Runs a future of the store to completion. Override it if the store needs
    /// a runtime.
    fn block_on(&self, future: BoxFuture<'_, ()>) {
        futures::executor::block_on(future);
    }
}
