//! The messages of stores as a storage, without a network between: for those who try
//! what bytes of stores can do.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use quarrel_engine::storage::{
    LabelsRequest, SelectRequest, Selected, Snapshot, Storage, StorageError, TimeRange,
};

use super::super::message;
use crate::sent::collect::Collector;
use crate::sent::merge::merge;

/// What some stores answer to each select: messages of type `SeriesResponse`, encoded.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    stores: Arc<[Vec<Bytes>]>,
}

impl Messages {
    /// The answers of some stores.
    pub fn new(stores: impl IntoIterator<Item = Vec<Bytes>>) -> Self {
        Messages {
            stores: stores.into_iter().collect(),
        }
    }
}

impl Storage for Messages {
    fn snapshot(&self, _: TimeRange) -> BoxFuture<'_, Result<Arc<dyn Snapshot>, StorageError>> {
        ready(Ok(Arc::new(self.clone()) as Arc<dyn Snapshot>)).boxed()
    }

    fn name(&self) -> Cow<'_, str> {
        "messages".into()
    }
}

impl Messages {
    async fn select_now(&self, request: SelectRequest<'_>) -> Result<Selected, StorageError> {
        let (mut all, mut warnings) = (Vec::new(), Vec::new());
        for (number, messages) in self.stores.iter().enumerate() {
            let wrong = |detail: String| StorageError::Remote {
                endpoint: format!("store {number}"),
                detail,
            };
            let mut collector = Collector::new(request.range, None);
            for message in messages {
                let message = message::read(message).map_err(|error| wrong(error.to_string()))?;
                let taken = collector.take(message.series).map_err(wrong)?;
                warnings.extend(message.warnings);
                request.control.reserve(taken.held)?;
            }
            all.push((Arc::from(format!("store {number}")), collector.finish()));
        }
        let (labels, source) = merge(all, request.symbols, request.control).await?;
        Ok(Selected::new(labels, Arc::new(source)).with_warnings(warnings))
    }
}

impl Snapshot for Messages {
    fn select<'a>(
        &'a self,
        request: SelectRequest<'a>,
    ) -> BoxFuture<'a, Result<Selected, StorageError>> {
        self.select_now(request).boxed()
    }

    fn label_names<'a>(
        &'a self,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn label_values<'a>(
        &'a self,
        _: &'a str,
        _: LabelsRequest<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        ready(Ok(Vec::new())).boxed()
    }
}
