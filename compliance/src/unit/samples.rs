//! Queries over a test's samples.

use std::sync::Arc;

use quarrel_engine::{Prepared, QueryError, SampleValue as Got, Timestamp, Value};

use super::context::Context;
use crate::template::{Labels, Sample, SampleValue};

/// Why a query gives no samples.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    /// The engine says why.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// Strings and range vectors are no samples.
    #[error("rule result is not a vector or scalar")]
    Type,
}

/// The samples of an instant query in the order of the answer; a scalar is one
/// without labels.
///
/// # Errors
/// When the query fails, or gives something else.
pub(super) fn ask(
    query: &Prepared,
    at_ms: i64,
    context: &Context<'_>,
) -> Result<Vec<Sample>, AskError> {
    let time = Timestamp::from_millis(at_ms);
    let query = query.instant(context.store.clone(), time, context.query_options.clone());
    let result = context.runtime.block_on(query.execute())?;
    match &result.value {
        Value::Scalar { value, .. } => Ok(vec![Sample {
            labels: Arc::default(),
            value: SampleValue::Float(*value),
        }]),
        Value::Vector(set) => {
            let series = set.to_series().into_iter();
            Ok(series
                .filter_map(|series| {
                    let value = match series.points.first()?.value {
                        Got::Float(value) => SampleValue::Float(value),
                        Got::Histogram(h) => SampleValue::Histogram(Arc::new(h.to_histogram())),
                    };
                    let labels = series.labels.into_iter().collect::<Labels>();
                    Some(Sample {
                        labels: Arc::new(labels),
                        value,
                    })
                })
                .collect())
        }
        _ => Err(AskError::Type),
    }
}
