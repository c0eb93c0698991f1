//! The methods that are served, and the way to their services.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use quarrel_proto::services::encoded::query::query_server::QueryServer;
use quarrel_proto::services::encoded::store::store_server::StoreServer;
use quarrel_proto::services::exemplars::exemplars_server::ExemplarsServer;
use quarrel_proto::services::health::health_server::HealthServer;
use quarrel_proto::services::info::info_server::InfoServer;
use quarrel_proto::services::metadata::metadata_server::MetadataServer;
use quarrel_proto::services::rules::rules_server::RulesServer;
use quarrel_proto::services::targets::targets_server::TargetsServer;
use tonic::codegen::Service as _;

use super::call_info::MAX_REQUEST;
use super::fanouts::FanoutService;
use super::health::HealthService;
use super::info::InfoService;
use super::query::QueryService;
use super::state::Grpc;
use super::store::StoreService;

/// A method of a service.
#[derive(Debug)]
pub(super) struct Method {
    /// The service's full name.
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    /// `unary` or `server_stream`.
    pub(super) kind: &'static str,
}

impl Method {
    /// Whether it asks how the server is, and no more.
    pub(super) fn is_check(&self) -> bool {
        matches!(self.service, "grpc.health.v1.Health" | "thanos.info.Info")
    }
}

const UNARY: &str = "unary";
const STREAM: &str = "server_stream";

static METHODS: &[Method] = &[
    method("grpc.health.v1.Health", "Check", UNARY),
    method("grpc.health.v1.Health", "Watch", STREAM),
    method("thanos.info.Info", "Info", UNARY),
    method("thanos.Query", "Query", STREAM),
    method("thanos.Query", "QueryRange", STREAM),
    method("thanos.Metadata", "MetricMetadata", STREAM),
    method("thanos.Exemplars", "Exemplars", STREAM),
    method("thanos.Rules", "Rules", STREAM),
    method("thanos.Targets", "Targets", STREAM),
    method("thanos.Store", "Series", STREAM),
    method("thanos.Store", "LabelNames", UNARY),
    method("thanos.Store", "LabelValues", UNARY),
];

const fn method(service: &'static str, name: &'static str, kind: &'static str) -> Method {
    Method {
        service,
        name,
        kind,
    }
}

/// The method of a path such as `/thanos.Query/QueryRange`.
pub(super) fn find(path: &str) -> Option<&'static Method> {
    let (service, name) = path.strip_prefix('/')?.split_once('/')?;
    let is_it = |method: &&Method| method.service == service && method.name == name;
    METHODS.iter().find(is_it)
}

/// Whether there is a service of this name.
fn is_served(service: &str) -> bool {
    METHODS.iter().any(|method| method.service == service)
}

/// Has a method's service answer.
pub(super) async fn dispatch(
    grpc: &Arc<Grpc>,
    method: &Method,
    request: Request<Body>,
) -> Response<tonic::body::Body> {
    let grpc = Arc::clone(grpc);
    macro_rules! served_by {
        ($server:ident, $service:expr) => {
            $server::new($service)
                .max_decoding_message_size(MAX_REQUEST)
                .call(request)
                .await
        };
    }
    let answered = match method.service {
        "thanos.info.Info" => served_by!(InfoServer, InfoService(grpc)),
        "thanos.Query" => served_by!(QueryServer, QueryService(grpc)),
        "thanos.Store" => served_by!(StoreServer, StoreService(grpc)),
        "thanos.Metadata" => served_by!(MetadataServer, FanoutService(grpc)),
        "thanos.Exemplars" => served_by!(ExemplarsServer, FanoutService(grpc)),
        "thanos.Rules" => served_by!(RulesServer, FanoutService(grpc)),
        "thanos.Targets" => served_by!(TargetsServer, FanoutService(grpc)),
        _ => served_by!(HealthServer, HealthService::new(grpc, is_served)),
    };
    match answered {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
