//! A query's text and what is parsed of it.

use std::sync::{Arc, OnceLock};

use quarrel_planner::{AllowedModifiers, Tree};

use crate::error::QueryError;
use crate::options::EngineOptions;

/// What parsing a long text takes, with its tree and its plan, bytes for each
/// byte; `+x` repeated comes near it.
pub(crate) const BYTES_A_CHARACTER: usize = 320;

/// A query's text, and its tree once it is parsed. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub text: Arc<str>,
    tree: Arc<OnceLock<Arc<Tree>>>,
}

impl Statement {
    /// A text that is parsed when the query runs.
    pub fn new(text: Arc<str>) -> Self {
        let tree = Arc::default();
        Statement { text, tree }
    }

    /// A text with its tree.
    pub fn parsed(text: Arc<str>, tree: Arc<Tree>) -> Self {
        let tree = Arc::new(OnceLock::from(tree));
        Statement { text, tree }
    }

    /// The tree, parsed here if it is not yet.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn tree(&self, options: &EngineOptions) -> Result<&Arc<Tree>, QueryError> {
        if let Some(tree) = self.tree.get() {
            return Ok(tree);
        }
        let tree = Arc::new(parse(&self.text, options)?);
        Ok(self.tree.get_or_init(|| tree))
    }
}

/// Parses and checks a text.
///
/// # Errors
/// When it is too long, not PromQL, not well typed, or has a modifier that the
/// options forbid.
pub(crate) fn parse(text: &str, options: &EngineOptions) -> Result<Tree, QueryError> {
    check_length(text, options)?;
    let tree = quarrel_planner::parse(text, &options.parser)?;
    let allowed = AllowedModifiers {
        at: options.enable_at_modifier,
        negative_offset: options.enable_negative_offset,
    };
    let checked = allowed.check(tree.expr());
    checked.map_err(|refused| QueryError::BadData(refused.to_string()))?;
    Ok(tree)
}

/// Refuses a text that is too long, before anything is made of it.
///
/// # Errors
/// [`QueryError::BadData`].
pub(crate) fn check_length(text: &str, options: &EngineOptions) -> Result<(), QueryError> {
    let most = options.max_query_length;
    if text.len() <= most {
        return Ok(());
    }
    Err(QueryError::BadData(format!(
        "the query is longer than {most} bytes (limit max_query_length)"
    )))
}
