//! A query that is parsed and checked, to be run as often as you like.

use std::sync::Arc;

use quarrel_planner::ast::Expr;

use crate::options::QueryOptions;
use crate::query::{Query, QueryTarget, Statement};
use crate::shared::EngineShared;
use crate::storage::Storage;

/// A query that is parsed and checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Prepared {
    engine: Arc<EngineShared>,
    statement: Statement,
}

impl Prepared {
    pub(crate) fn new(engine: Arc<EngineShared>, statement: Statement) -> Self {
        Prepared { engine, statement }
    }

    /// The query's text.
    pub fn text(&self) -> &str {
        &self.statement.text
    }

    /// The syntax tree.
    pub fn expr(&self) -> &Expr {
        self.statement.tree.expr()
    }

    fn query(&self, target: QueryTarget, options: QueryOptions) -> Query {
        let engine = Arc::clone(&self.engine);
        Query::new(engine, self.statement.clone(), target, options)
    }

    /// The query at one time, ms since the epoch.
    pub fn instant(&self, storage: Arc<dyn Storage>, at_ms: i64, options: QueryOptions) -> Query {
        let target = QueryTarget {
            storage,
            start_ms: at_ms,
            end_ms: at_ms,
            step_ms: 0,
        };
        self.query(target, options)
    }

    /// The query at all times from `start_ms` to `end_ms`, `step_ms` apart. A
    /// step that is not positive is an error when the query runs.
    pub fn range(
        &self,
        storage: Arc<dyn Storage>,
        start_ms: i64,
        end_ms: i64,
        step_ms: i64,
        options: QueryOptions,
    ) -> Query {
        // 0 means "instant" further down; whoever asks for a range gets one.
        let step_ms = if step_ms == 0 { -1 } else { step_ms };
        let target = QueryTarget {
            storage,
            start_ms,
            end_ms,
            step_ms,
        };
        self.query(target, options)
    }
}
