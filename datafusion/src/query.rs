//! The query behind a table: what each scan runs.

use std::fmt;
use std::sync::Arc;

use quarrel::storage::Storage;
use quarrel::{Prepared, Query, QueryOptions, QueryResult, QueryTimes};

use crate::columns::SampleColumns;

/// Sees answers before their rows go on.
pub(crate) type Observer = Arc<dyn Fn(&QueryResult) + Send + Sync>;

/// A query over a storage, with the columns of its samples.
#[derive(Clone)]
pub(crate) struct TableQuery {
    pub query: Prepared,
    pub storage: Arc<dyn Storage>,
    pub times: QueryTimes,
    pub options: QueryOptions,
    pub columns: SampleColumns,
    pub observer: Option<Observer>,
}

impl TableQuery {
    /// One run of the query.
    pub fn run(&self) -> Query {
        let (storage, options) = (Arc::clone(&self.storage), self.options.clone());
        self.query.query(storage, self.times, options)
    }

    /// Shows an answer to the observer, if there is one.
    pub fn observe(&self, result: &QueryResult) {
        if let Some(observer) = &self.observer {
            observer(result);
        }
    }
}

impl fmt::Debug for TableQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableQuery")
            .field("query", &self.query.text())
            .field("times", &self.times)
            .field("options", &self.options)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
