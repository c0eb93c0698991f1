//! What the services share.

use std::sync::Arc;

use axum::http::HeaderMap;
use tonic::Status;

use crate::api::Api;
use crate::source::Source;
use crate::tenancy::ClientCertificate;

/// Limits of the Store API.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcLimits {
    /// Series that one `Series` call may touch; 0: no limit.
    pub request_series: u64,
    /// Samples that one `Series` call may touch; 0: no limit.
    pub request_samples: u64,
}

/// The gRPC services over what an API reads.
pub struct Grpc {
    pub(super) api: Arc<Api>,
    pub(super) limits: GrpcLimits,
}

impl Grpc {
    /// Services that are unavailable until the API is ready.
    pub fn new(api: Arc<Api>, limits: GrpcLimits) -> Self {
        Grpc { api, limits }
    }

    /// What requests read from.
    ///
    /// # Errors
    /// If requests may not be answered now.
    pub(super) fn source(&self) -> Result<Arc<dyn Source>, Status> {
        let why = if self.api.is_stopping() {
            "the server is stopping"
        } else {
            "the server is not ready yet"
        };
        self.api.source().ok_or_else(|| Status::unavailable(why))
    }

    /// Whose a request is; it is counted.
    ///
    /// # Errors
    /// If its name is none.
    pub(super) fn tenant(
        &self,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
    ) -> Result<String, Status> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let tenancy = &self.api.options.tenancy;
        let tenant = tenancy.tenant(|name| header(name).unwrap_or_default(), certificate);
        let tenant = tenant.map_err(Status::invalid_argument)?;
        self.api.metrics.tenant(&tenant);
        Ok(tenant)
    }
}
