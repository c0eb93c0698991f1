//! Answers as DataFusion's streams of record batches.

use std::sync::Arc;

use datafusion_common::arrow::record_batch::RecordBatch;
use datafusion_common::{DataFusionError, Result};
use datafusion_execution::SendableRecordBatchStream;
use datafusion_physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use quarrel::{ArrowForm, ArrowLayout, Query, QueryResult, QueryStream};

use crate::columns::SampleColumns;
use crate::error::external;
use crate::rows::BatchShape;

/// Runs a query and gives its samples, one row each, with these columns. The
/// query runs once the stream is polled; dropping the stream cancels it.
///
/// # Errors
/// The stream's first item is the query's error, see
/// [`query_error`](crate::query_error).
///
/// # Examples
/// ```
/// use std::sync::Arc;
/// use futures::TryStreamExt;
/// use quarrel::{Engine, QueryOptions, Timestamp};
/// use quarrel_datafusion::{SampleColumns, query_stream};
/// use quarrel::storage::memory::MemoryStorage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let storage = MemoryStorage::new();
/// storage.append([("__name__", "up"), ("pod", "a")], 0, 1.0)?;
/// let prepared = Engine::builder().build()?.prepare("up")?;
/// let query = prepared.instant(Arc::new(storage), Timestamp::from_secs(1), QueryOptions::new());
/// let columns = SampleColumns::with_labels(["pod"])?;
/// let batches: Vec<_> = query_stream(query, &columns)?.try_collect().await?;
/// assert_eq!((batches[0].num_rows(), batches[0].num_columns()), (1, 4));
/// # Ok(())
/// # }
/// ```
pub fn query_stream(query: Query, columns: &SampleColumns) -> Result<SendableRecordBatchStream> {
    let shape = BatchShape::new(columns.clone(), None)?;
    Ok(samples(query, shape, |_| {}))
}

/// The samples of a query; `observe` sees the whole answer before the first batch.
pub(crate) fn samples(
    query: Query,
    shape: BatchShape,
    observe: impl FnOnce(&QueryResult) + Send + 'static,
) -> SendableRecordBatchStream {
    let schema = Arc::clone(shape.schema());
    let batches = async move {
        let result = query.execute().await.map_err(external)?;
        observe(&result);
        Ok::<_, DataFusionError>(stream::iter(shape.batches(result.value)))
    };
    adapt(schema, stream::once(batches).try_flatten())
}

/// The parts of an answer as record batches of the form. The schema is the
/// answer's own: in the tidy form it has a column for each label of the answer.
pub fn answer_stream(answer: QueryResult, form: ArrowForm) -> SendableRecordBatchStream {
    let layout = ArrowLayout::new(&answer.value, form);
    let schema = Arc::clone(layout.schema());
    let batches =
        QueryStream::from(answer).map(move |part| Ok(layout.batch(&part.map_err(external)?)?));
    adapt(schema, batches)
}

fn adapt(
    schema: datafusion_common::arrow::datatypes::SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> SendableRecordBatchStream {
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}
