//! Endpoints with one thing of each kind, for tests.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use quarrel_proto::exemplars as exemplar_messages;
use quarrel_proto::exemplars::{ExemplarsRequest, ExemplarsResponse, ExemplarsResult};
use quarrel_proto::info::{
    ExemplarsInfo, InfoRequest, InfoResponse, MetricMetadataInfo, RulesInfo, TargetsInfo,
};
use quarrel_proto::labels::{Label, LabelSet};
use quarrel_proto::metadata::{
    Meta, MetricMetadata, MetricMetadataEntry, MetricMetadataRequest, MetricMetadataResponse,
    MetricMetadataResult,
};
use quarrel_proto::rules::{
    Alert, AlertInstance, Rule, RuleGroup, RuleResult, RulesRequest, RulesResponse, RulesResult,
};
use quarrel_proto::services::exemplars::exemplars_server::{Exemplars, ExemplarsServer};
use quarrel_proto::services::info::info_server::{Info, InfoServer};
use quarrel_proto::services::metadata::metadata_server::{Metadata, MetadataServer};
use quarrel_proto::services::rules::rules_server::{Rules, RulesServer};
use quarrel_proto::services::targets::targets_server::{Targets, TargetsServer};
use quarrel_proto::targets::{
    ActiveTarget, TargetDiscovery, TargetsRequest, TargetsResponse, TargetsResult,
};
use quarrel_storage::store_api::{EndpointSpec, Endpoints, EndpointsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};
use tower::ServiceExt as _;

use crate::source::ReadDefaults;
use crate::stores::{StoreSettings, Stores};

/// What an endpoint does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It refuses.
    Refuses,
    /// It sends what it has, and then nothing more.
    Hangs,
}

/// An endpoint with one thing of each kind.
#[derive(Clone)]
pub(crate) struct Fake {
    replica: &'static str,
    /// Whose all of it is.
    tenant: Option<&'static str>,
    fault: Fault,
    /// The tenants that have asked.
    seen: Arc<Mutex<Vec<String>>>,
}

type Frames<T> = BoxStream<'static, Result<T, Status>>;

impl Fake {
    pub(crate) fn new(replica: &'static str) -> Self {
        Fake {
            replica,
            tenant: None,
            fault: Fault::None,
            seen: Arc::default(),
        }
    }

    pub(crate) fn with(self, fault: Fault) -> Self {
        Fake { fault, ..self }
    }

    pub(crate) fn of(self, tenant: &'static str) -> Self {
        let tenant = Some(tenant);
        Fake { tenant, ..self }
    }

    /// A text that tells whose something is.
    fn mark(&self) -> String {
        format!("of {}", self.tenant.unwrap_or(self.replica))
    }

    fn answer<T: Send + 'static>(
        &self,
        metadata: &MetadataMap,
        frame: T,
    ) -> Result<Response<Frames<T>>, Status> {
        let tenant = metadata.get("thanos-tenant").unwrap();
        self.seen.lock().push(tenant.to_str().unwrap().to_string());
        assert!(metadata.contains_key("grpc-timeout"));
        let frames = stream::iter([Ok(frame)]);
        match self.fault {
            Fault::None => Ok(Response::new(frames.boxed())),
            Fault::Refuses => Err(Status::unavailable("out of order")),
            Fault::Hangs => Ok(Response::new(frames.chain(stream::pending()).boxed())),
        }
    }

    fn labels(&self) -> Option<LabelSet> {
        let label = |name: &'static str, value: &'static str| Label {
            name: name.as_bytes().into(),
            value: value.as_bytes().into(),
        };
        let mut labels = vec![label("job", "x"), label("replica", self.replica)];
        if let Some(tenant) = self.tenant {
            labels.push(label("tenant_id", tenant));
        }
        Some(LabelSet { labels })
    }
}

#[tonic::async_trait]
impl Info for Fake {
    async fn info(&self, _: tonic::Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        let external = self.labels().filter(|_| self.tenant.is_some());
        Ok(Response::new(InfoResponse {
            label_sets: external.into_iter().collect(),
            component_type: "sidecar".to_string(),
            rules: Some(RulesInfo {}),
            targets: Some(TargetsInfo {}),
            metric_metadata: Some(MetricMetadataInfo {}),
            exemplars: Some(ExemplarsInfo::default()),
            ..InfoResponse::default()
        }))
    }
}

#[tonic::async_trait]
impl Rules for Fake {
    type RulesStream = Frames<RulesResponse>;

    async fn rules(
        &self,
        request: tonic::Request<RulesRequest>,
    ) -> Result<Response<Self::RulesStream>, Status> {
        let rule = Alert {
            name: "Down".to_string(),
            labels: self.labels(),
            alerts: vec![AlertInstance {
                value: self.mark(),
                ..AlertInstance::default()
            }],
            ..Alert::default()
        };
        let rule = Rule {
            result: Some(RuleResult::Alert(rule)),
        };
        let group = RuleGroup {
            name: "g".to_string(),
            file: "f".to_string(),
            rules: vec![rule],
            ..RuleGroup::default()
        };
        let result = Some(RulesResult::Group(group));
        self.answer(request.metadata(), RulesResponse { result })
    }
}

#[tonic::async_trait]
impl Targets for Fake {
    type TargetsStream = Frames<TargetsResponse>;

    async fn targets(
        &self,
        request: tonic::Request<TargetsRequest>,
    ) -> Result<Response<Self::TargetsStream>, Status> {
        let target = ActiveTarget {
            labels: self.labels(),
            last_error: self.mark(),
            ..ActiveTarget::default()
        };
        let found = TargetDiscovery {
            active_targets: vec![target],
            dropped_targets: Vec::new(),
        };
        let result = Some(TargetsResult::Targets(found));
        self.answer(request.metadata(), TargetsResponse { result })
    }
}

#[tonic::async_trait]
impl Metadata for Fake {
    type MetricMetadataStream = Frames<MetricMetadataResponse>;

    async fn metric_metadata(
        &self,
        request: tonic::Request<MetricMetadataRequest>,
    ) -> Result<Response<Self::MetricMetadataStream>, Status> {
        let meta = |help: &str| MetricMetadataEntry {
            metas: vec![Meta {
                r#type: "gauge".to_string(),
                help: help.to_string(),
                unit: String::new(),
            }],
        };
        let entries = [("up", meta("same")), ("differs", meta(&self.mark()))];
        let metadata = entries.map(|(name, entry)| (name.to_string(), entry));
        let metadata = MetricMetadata {
            metadata: metadata.into(),
        };
        let result = Some(MetricMetadataResult::Metadata(metadata));
        self.answer(request.metadata(), MetricMetadataResponse { result })
    }
}

#[tonic::async_trait]
impl Exemplars for Fake {
    type ExemplarsStream = Frames<ExemplarsResponse>;

    async fn exemplars(
        &self,
        request: tonic::Request<ExemplarsRequest>,
    ) -> Result<Response<Self::ExemplarsStream>, Status> {
        let query = r#"{__name__="m"}"#;
        // An external label is the endpoint's, which does not know it.
        assert_eq!(request.get_ref().query, query);
        let exemplar = exemplar_messages::Exemplar {
            labels: Some(LabelSet {
                labels: (self.tenant.iter())
                    .map(|_| Label {
                        name: "id".into(),
                        value: self.mark().into(),
                    })
                    .collect(),
            }),
            value: 1.5,
            ts: 2_500,
        };
        let series = exemplar_messages::ExemplarData {
            series_labels: self.labels(),
            exemplars: vec![exemplar],
        };
        let result = Some(ExemplarsResult::Data(series));
        self.answer(request.metadata(), ExemplarsResponse { result })
    }
}

/// Answers a call by the service that its path names.
async fn dispatch(
    fake: Fake,
    request: Request<Incoming>,
) -> Result<axum::http::Response<tonic::body::Body>, Infallible> {
    let path = request.uri().path();
    let service = path.split('/').nth(1).unwrap_or_default().to_string();
    match service.as_str() {
        "thanos.info.Info" => InfoServer::new(fake).oneshot(request).await,
        "thanos.Rules" => RulesServer::new(fake).oneshot(request).await,
        "thanos.Targets" => TargetsServer::new(fake).oneshot(request).await,
        "thanos.Metadata" => MetadataServer::new(fake).oneshot(request).await,
        "thanos.Exemplars" => ExemplarsServer::new(fake).oneshot(request).await,
        other => panic!("{other} is asked for"),
    }
}

/// A server of a fake that ends on drop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Running {
    /// The tenants that have asked.
    pub(crate) fn tenants(&self) -> Vec<String> {
        self.seen.lock().clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn start(fake: Fake) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::clone(&fake.seen);
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let fake = fake.clone();
            let service = service_fn(move |request| dispatch(fake.clone(), request));
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Running {
        address,
        seen,
        task,
    }
}

/// These endpoints, with `replica` as replica label.
pub(crate) async fn stores(running: &[Running]) -> Stores {
    let specs = running
        .iter()
        .map(|one| EndpointSpec::new(&one.address.to_string()).unwrap());
    let endpoints = Endpoints::start(EndpointsConfig::new(specs)).unwrap();
    endpoints.ready().await;
    let settings = StoreSettings {
        defaults: ReadDefaults {
            replica_labels: vec!["replica".to_string()],
            partial_response: true,
            ..ReadDefaults::default()
        },
        max_concurrent_selects: 4,
        ..StoreSettings::default()
    };
    Stores::new(Vec::new(), Vec::new(), Some(Arc::new(endpoints)), settings).unwrap()
}
