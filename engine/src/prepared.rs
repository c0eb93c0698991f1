//! A query that is parsed and checked, to be run as often as you like.

use std::sync::Arc;

use quarrel_planner::ast::Expr;

use crate::options::QueryOptions;
use crate::query::{Query, QueryTarget};
use crate::shared::EngineShared;
use crate::statement::{Parsed, Statement};
use crate::storage::Storage;
use crate::times::{QueryRange, QueryTimes, Timestamp};

/// A query that is parsed and checked. Cheap to clone. It keeps the last plan, and
/// moves it to the times of its next run where the query allows that.
#[derive(Clone, Debug)]
pub struct Prepared {
    engine: Arc<EngineShared>,
    text: Arc<str>,
    parsed: Arc<Parsed>,
}

impl Prepared {
    pub(crate) fn new(engine: Arc<EngineShared>, text: Arc<str>, parsed: Arc<Parsed>) -> Self {
        Prepared {
            engine,
            text,
            parsed,
        }
    }

    /// The query's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The syntax tree.
    pub fn expr(&self) -> &Expr {
        self.parsed.tree().expr()
    }

    /// The query at one time. `at` is a [`Timestamp`] or a
    /// [`SystemTime`](std::time::SystemTime).
    pub fn instant(
        &self,
        storage: Arc<dyn Storage>,
        at: impl Into<Timestamp>,
        options: QueryOptions,
    ) -> Query {
        self.query(storage, at.into(), options)
    }

    /// The query at all times of a range.
    pub fn range(
        &self,
        storage: Arc<dyn Storage>,
        range: QueryRange,
        options: QueryOptions,
    ) -> Query {
        self.query(storage, range, options)
    }

    /// The query at one time or at all times of a range.
    pub fn query(
        &self,
        storage: Arc<dyn Storage>,
        times: impl Into<QueryTimes>,
        options: QueryOptions,
    ) -> Query {
        let times = times.into();
        let target = QueryTarget { storage, times };
        let engine = Arc::clone(&self.engine);
        let statement = Statement::known(Arc::clone(&self.text), Arc::clone(&self.parsed));
        Query::new(engine, statement, target, options)
    }
}
