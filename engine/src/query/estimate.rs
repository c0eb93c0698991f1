//! What a query will read, before it runs.

use super::Query;
use crate::annotations::Level;
use crate::error::QueryError;

/// What a query is expected to read, see [`Query::estimate`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostEstimate {
    /// Series of all selectors together, each counted for itself.
    pub series: u64,
    /// Samples of these series, in floats by their cost.
    pub samples: u64,
    /// Warnings of the store.
    pub warnings: Vec<String>,
}

impl Query {
    /// What the query will read, without running it: labels are read, samples are
    /// not. Neither number is a bound.
    ///
    /// # Errors
    /// As [`Query::execute`], as far as they show before samples are read.
    pub async fn estimate(self) -> Result<CostEstimate, QueryError> {
        let estimate = async {
            self.enter().await?;
            let plan = self.planned(Query::optimized).await?;
            let selections = self.admitted(&plan).await?;
            Ok(CostEstimate {
                series: selections.series() as u64,
                samples: selections.estimated_samples(),
                warnings: Vec::new(),
            })
        };
        let mut estimate = self.context.contained(Box::pin(estimate)).await?;
        let text = &self.statement.text;
        estimate.warnings = self.context.annotations.render(Level::Warning, text, 0);
        Ok(estimate)
    }
}
