//! A storage of which only some series are seen: those that match some matchers, as
//! the tenants of a shared store see their own.

use std::borrow::Cow;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use quarrel_engine::storage::{
    LabelsRequest, Matcher, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};

/// The series of another storage that match. It costs nothing to make.
///
/// # Examples
/// ```
/// # #[cfg(feature = "memory")] {
/// use std::sync::Arc;
///
/// use quarrel_engine::storage::{MatchOp, Matcher};
/// use quarrel_storage::memory::MemoryStorage;
/// use quarrel_storage::restricted::Restricted;
///
/// let tenant = Matcher::new(MatchOp::Equal, "tenant_id", "a").unwrap();
/// let own = Restricted::new(Arc::new(MemoryStorage::new()), [tenant]);
/// # }
/// ```
#[derive(Clone)]
pub struct Restricted {
    inner: Arc<dyn Storage>,
    matchers: Arc<[Matcher]>,
}

impl Restricted {
    /// The series of `inner` that all of `matchers` match.
    pub fn new(inner: Arc<dyn Storage>, matchers: impl IntoIterator<Item = Matcher>) -> Self {
        Restricted {
            inner,
            matchers: matchers.into_iter().collect(),
        }
    }
}

impl Storage for Restricted {
    fn snapshot(&self, range: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        async move {
            let snapshot: Arc<dyn Snapshot> = Arc::new(RestrictedSnapshot {
                inner: self.inner.snapshot(range).await?,
                matchers: Arc::clone(&self.matchers),
            });
            Ok(snapshot)
        }
        .boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        self.inner.name()
    }
}

struct RestrictedSnapshot {
    inner: Arc<dyn Snapshot>,
    matchers: Arc<[Matcher]>,
}

impl RestrictedSnapshot {
    fn all(&self, own: &[Matcher]) -> Vec<Matcher> {
        own.iter().chain(&*self.matchers).cloned().collect()
    }

    /// The selectors of a look-up; one alone where it asks for all series.
    fn selectors(&self, own: &[Vec<Matcher>]) -> Vec<Vec<Matcher>> {
        match own {
            [] => vec![self.all(&[])],
            own => own.iter().map(|matchers| self.all(matchers)).collect(),
        }
    }
}

impl Snapshot for RestrictedSnapshot {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        async move {
            let matchers = self.all(request.matchers);
            let mut request = request;
            request.matchers = &matchers;
            self.inner.select(request).await
        }
        .boxed()
    }

    fn label_names<'a>(
        &'a self,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let selectors = self.selectors(request.selectors);
            let mut request = request;
            request.selectors = &selectors;
            self.inner.label_names(request).await
        }
        .boxed()
    }

    fn label_values<'a>(
        &'a self,
        name: &'a str,
        request: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        async move {
            let selectors = self.selectors(request.selectors);
            let mut request = request;
            request.selectors = &selectors;
            self.inner.label_values(name, request).await
        }
        .boxed()
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings()
    }

    fn series_count(&self) -> Option<u64> {
        self.inner.series_count()
    }

    fn is_fed_by_caller(&self) -> bool {
        self.inner.is_fed_by_caller()
    }

    fn time_range(&self) -> Option<TimeRange> {
        self.inner.time_range()
    }
}

#[cfg(all(test, feature = "memory"))]
mod tests {
    use super::*;
    use crate::memory::MemoryStorage;
    use futures::executor::block_on;
    use quarrel_engine::labels::SymbolTable;
    use quarrel_engine::storage::{MatchOp, SelectHints};

    fn matcher(op: MatchOp, name: &str, value: &str) -> Matcher {
        Matcher::new(op, name, value).unwrap()
    }

    fn own() -> Arc<dyn Snapshot> {
        let storage = MemoryStorage::new();
        for (tenant, pod) in [("a", "1"), ("a", "2"), ("b", "3")] {
            let labels = [("__name__", "up"), ("pod", pod), ("tenant_id", tenant)];
            storage.append(labels, 0, 1.0).unwrap();
        }
        storage.append([("other", "x")], 0, 1.0).unwrap();
        let tenant = matcher(MatchOp::Equal, "tenant_id", "a");
        let restricted = Restricted::new(Arc::new(storage), [tenant]);
        block_on(restricted.snapshot(TimeRange::ALL)).unwrap()
    }

    #[test]
    fn selects_find_own_series_alone() {
        let (own, symbols, hints) = (own(), SymbolTable::new(), SelectHints::default());
        for (matchers, found) in [
            (vec![matcher(MatchOp::Equal, "__name__", "up")], 2),
            (vec![matcher(MatchOp::NotEqual, "tenant_id", "a")], 0),
            (vec![matcher(MatchOp::Equal, "tenant_id", "b")], 0),
            (vec![matcher(MatchOp::Equal, "pod", "3")], 0),
            (vec![], 2),
        ] {
            let request = SelectRequest::new(&matchers, TimeRange::ALL, &hints, &symbols);
            let selected = block_on(own.select(request)).unwrap();
            assert_eq!(selected.labels.len(), found, "{matchers:?}");
        }
    }

    #[test]
    fn look_ups_tell_of_own_series_alone() {
        let own = own();
        let ask = |selectors: &[Vec<Matcher>]| {
            let request = LabelsRequest::new(selectors, TimeRange::ALL);
            let values = block_on(own.label_values("pod", request)).unwrap();
            (block_on(own.label_names(request)).unwrap(), values)
        };
        let names = ["__name__", "pod", "tenant_id"].map(String::from).to_vec();
        let (all, values) = ask(&[]);
        assert_eq!((all, values.join(",")), (names.clone(), "1,2".to_string()));
        let up = vec![matcher(MatchOp::Equal, "__name__", "up")];
        let three = vec![matcher(MatchOp::Equal, "pod", "3")];
        assert_eq!(ask(&[up, three.clone()]).1.join(","), "1,2");
        assert_eq!(ask(&[three]), (Vec::new(), Vec::new()));
    }
}
