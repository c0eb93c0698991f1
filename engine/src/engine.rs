//! The engine: threads, limits, and texts that become queries.

use std::sync::Arc;

use quarrel_planner::AllowedModifiers;

use crate::error::QueryError;
use crate::group::QueryGroup;
use crate::options::EngineOptions;
use crate::prepared::Prepared;
use crate::query::Statement;
use crate::shared::EngineShared;
use crate::storage::Storage;

/// Evaluates PromQL over any [`Storage`]. Cheap to clone; clones share their
/// threads and their limit of concurrent queries.
///
/// Queries run on the caller's tokio runtime where they wait (its clock must
/// be enabled), and on the engine's own threads where they compute. Without a
/// runtime they run too, but a store that waits cannot be timed out.
///
/// # Examples
/// ```
/// use quarrel_engine::Engine;
///
/// let engine = Engine::builder().threads(4).build().unwrap();
/// let query = engine.prepare("sum(rate(http_requests_total[5m]))").unwrap();
/// assert!(engine.prepare("sum(rate(").is_err());
/// # let _ = query;
/// ```
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<EngineShared>,
}

impl Engine {
    /// Options to be set one by one, from which [`EngineOptions::build`] makes
    /// an engine.
    pub fn builder() -> EngineOptions {
        EngineOptions::new()
    }

    /// An engine with its own threads.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn new(options: EngineOptions) -> Result<Self, QueryError> {
        let shared = Arc::new(EngineShared::new(options)?);
        Ok(Engine { shared })
    }

    /// How the engine works.
    pub fn options(&self) -> &EngineOptions {
        &self.shared.options
    }

    /// Parses and checks a query, to be run as often as you like.
    ///
    /// # Errors
    /// When the text is not PromQL, or not well typed, or has a modifier that
    /// the engine's options forbid.
    pub fn prepare(&self, text: &str) -> Result<Prepared, QueryError> {
        let options = &self.shared.options;
        let tree = quarrel_planner::parse(text, &options.parser)?;
        let allowed = AllowedModifiers {
            at: options.enable_at_modifier,
            negative_offset: options.enable_negative_offset,
        };
        let checked = allowed.check(tree.expr());
        checked.map_err(|refused| QueryError::BadData(refused.to_string()))?;
        let statement = Statement {
            text: text.into(),
            tree: Arc::new(tree),
        };
        Ok(Prepared::new(Arc::clone(&self.shared), statement))
    }

    /// A group of queries over one storage, empty yet: queries that see one
    /// snapshot and run side by side.
    pub fn group(&self, storage: Arc<dyn Storage>) -> QueryGroup {
        QueryGroup::new(Arc::clone(&self.shared), storage)
    }

    /// Queries that run now.
    pub fn active_queries(&self) -> usize {
        self.shared.active()
    }

    /// Queries that wait for a permit to run.
    pub fn waiting_queries(&self) -> usize {
        self.shared.waiting()
    }
}

impl EngineOptions {
    /// Starts an engine.
    ///
    /// # Errors
    /// When the operating system gives no threads.
    pub fn build(self) -> Result<Engine, QueryError> {
        Engine::new(self)
    }
}
