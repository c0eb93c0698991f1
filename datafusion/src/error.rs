//! Errors of queries as errors of DataFusion.

use std::error::Error;

use datafusion_common::DataFusionError;
use quarrel::QueryError;

/// The error of a query as DataFusion's. [`query_error`] is the way back.
pub(crate) fn external(error: impl Into<QueryError>) -> DataFusionError {
    DataFusionError::External(Box::new(error.into()))
}

/// The error of the PromQL query that is behind an error of DataFusion, if
/// there is one, below whatever context DataFusion has put around it.
///
/// # Examples
/// ```
/// use datafusion_common::DataFusionError;
/// use quarrel::{Engine, ErrorClass};
/// use quarrel_datafusion::query_error;
///
/// let engine = Engine::builder().build()?;
/// let bad = engine.prepare("sum(").unwrap_err();
/// let error = DataFusionError::External(Box::new(bad)).context("while planning");
/// let found = query_error(&error).expect("a query's error");
/// assert_eq!(found.class(), ErrorClass::BadData);
/// assert!(query_error(&DataFusionError::Plan("no table".into())).is_none());
/// # Ok::<(), quarrel::QueryError>(())
/// ```
pub fn query_error(error: &DataFusionError) -> Option<&QueryError> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<QueryError>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
