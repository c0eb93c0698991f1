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
use crate::source::{ReadOptions, Source, TenantLabel};
use crate::tenancy::ClientCertificate;
use crate::trace::Trace;

/// A request to an endpoint, with the engine and the storage that answer it.
pub(super) struct Call {
    pub(super) api: Arc<Api>,
    pub(super) source: Arc<dyn Source>,
    pub(super) request: Request,
    /// Takes what is to be canceled if the client leaves.
    pub(super) cancel: CancelSlot,
    /// What the client has identified itself with.
    pub(super) certificate: Option<ClientCertificate>,
    /// Its trace.
    pub(super) trace: Trace,
}

impl Call {
    /// How the request wants its data read.
    pub(super) fn read_options(
        &self,
        kind: QueryKind,
    ) -> std::result::Result<ReadOptions, ApiError> {
        let mut options = read_options::of(&self.request, &*self.source, kind)?;
        options.tenant = Some(self.tenant()?);
        options.observer = self.trace.calls().map(|calls| calls as _);
        Ok(options)
    }

    /// Who asks.
    pub(super) fn tenant(&self) -> std::result::Result<String, ApiError> {
        let header = |name: &str| self.request.header(name);
        let tenant = (self.api.options.tenancy).tenant(header, self.certificate.as_ref());
        tenant.map_err(ApiError::bad_data)
    }

    /// What is seen by who asks of what is no series.
    pub(super) fn tenant_label(&self) -> std::result::Result<Option<TenantLabel>, ApiError> {
        Ok(self.source.tenant_label(&self.tenant()?))
    }

    /// The storage as the request wants it read.
    pub(super) fn storage(
        &self,
        kind: QueryKind,
    ) -> std::result::Result<Arc<dyn Storage>, ApiError> {
        Ok(self.source.storage(&self.read_options(kind)?))
    }
}

pub(super) type Result = std::result::Result<Answer, ApiError>;
