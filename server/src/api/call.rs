//! The argument and the result of a handler.

use std::sync::Arc;

use quarrel_engine::storage::Storage;

use super::answer::Answer;
use super::error::ApiError;
use super::read_options;
use super::request::Request;
use super::service::Api;
use super::task::CancelSlot;
use crate::metrics::QueryKind;
use crate::source::Source;

/// A request to an endpoint, with the engine and the storage that answer it.
pub(super) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) source: Arc<dyn Source>,
    pub(super) request: Request,
    /// Takes what is to be canceled if the client leaves.
    pub(super) cancel: CancelSlot,
}

impl Call {
    /// The storage as the request wants it read.
    pub(super) fn storage(
        &self,
        kind: QueryKind,
    ) -> std::result::Result<Arc<dyn Storage>, ApiError> {
        let options = read_options::of(&self.request, &*self.source, kind)?;
        Ok(self.source.storage(&options))
    }
}

pub(super) type Result = std::result::Result<Answer, ApiError>;
