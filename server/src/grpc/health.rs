//! `grpc.health.v1.Health`: whether the server is ready.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use quarrel_proto::health::{HealthCheckRequest, HealthCheckResponse, ServingStatus};
use quarrel_proto::services::health::health_server::Health;
use tonic::{Request, Response, Status};

use super::state::Grpc;

#[derive(Clone)]
pub(super) struct HealthService {
    grpc: Arc<Grpc>,
    is_served: fn(&str) -> bool,
}

/// How often `Watch` looks.
const PACE: std::time::Duration = std::time::Duration::from_secs(1);

impl HealthService {
    /// The health of services by name.
    pub(super) fn new(grpc: Arc<Grpc>, is_served: fn(&str) -> bool) -> Self {
        HealthService { grpc, is_served }
    }

    /// The status of a service, or of the server if the name is empty.
    fn status(&self, service: &str) -> ServingStatus {
        if !service.is_empty() && !(self.is_served)(service) {
            return ServingStatus::ServiceUnknown;
        }
        match self.grpc.source() {
            Ok(_) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        }
    }
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status as i32,
    }
}

#[tonic::async_trait]
impl Health for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match self.status(&request.get_ref().service) {
            ServingStatus::ServiceUnknown => Err(Status::not_found("unknown service")),
            status => Ok(Response::new(answer(status))),
        }
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let state = (self.clone(), request.into_inner().service, None);
        let changes = stream::unfold(state, |(health, service, last)| async move {
            loop {
                let now = health.status(&service);
                if last != Some(now) {
                    return Some((Ok(answer(now)), (health, service, Some(now))));
                }
                tokio::time::sleep(PACE).await;
            }
        });
        Ok(Response::new(changes.boxed()))
    }
}
