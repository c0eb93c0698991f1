//! What the services share.

use std::sync::Arc;

use axum::http::HeaderMap;
use tonic::Status;

use crate::api::Api;
use crate::source::Source;

/// The header by which Thanos's components tell each other whose a request is.
const TENANT: &str = "thanos-tenant";
/// Who asks where nobody says so, as in Thanos.
const DEFAULT_TENANT: &str = "default-tenant";

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

    /// Counts a request by whose it is.
    pub(super) fn count_tenant(&self, headers: &HeaderMap) {
        let tenant = headers.get(TENANT).and_then(|value| value.to_str().ok());
        let tenant = tenant.filter(|tenant| !tenant.is_empty());
        self.api.metrics.tenant(tenant.unwrap_or(DEFAULT_TENANT));
    }
}
