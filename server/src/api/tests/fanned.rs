//! Rules, targets, metadata and exemplars of endpoints.

use std::convert::Infallible;
use std::net::SocketAddr;

use futures::stream::{self, BoxStream, StreamExt as _};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
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
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::{Response, Status};

use super::*;
use crate::source::ReadDefaults;
use crate::stores::{StoreSettings, Stores};

/// What an endpoint does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// It refuses.
    Refuses,
    /// It sends what it has, and then nothing more.
    Hangs,
}

/// An endpoint with one thing of each kind.
#[derive(Clone)]
struct Fake {
    replica: &'static str,
    fault: Fault,
}

type Frames<T> = BoxStream<'static, Result<T, Status>>;

impl Fake {
    fn answer<T: Send + 'static>(&self, frame: T) -> Result<Response<Frames<T>>, Status> {
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
        let labels = vec![label("job", "x"), label("replica", self.replica)];
        Some(LabelSet { labels })
    }
}

#[tonic::async_trait]
impl Info for Fake {
    async fn info(&self, _: tonic::Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        Ok(Response::new(InfoResponse {
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
        _: tonic::Request<RulesRequest>,
    ) -> Result<Response<Self::RulesStream>, Status> {
        let rule = Alert {
            name: "Down".to_string(),
            labels: self.labels(),
            alerts: vec![AlertInstance::default()],
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
        self.answer(RulesResponse { result })
    }
}

#[tonic::async_trait]
impl Targets for Fake {
    type TargetsStream = Frames<TargetsResponse>;

    async fn targets(
        &self,
        _: tonic::Request<TargetsRequest>,
    ) -> Result<Response<Self::TargetsStream>, Status> {
        let target = ActiveTarget {
            labels: self.labels(),
            ..ActiveTarget::default()
        };
        let found = TargetDiscovery {
            active_targets: vec![target],
            dropped_targets: Vec::new(),
        };
        let result = Some(TargetsResult::Targets(found));
        self.answer(TargetsResponse { result })
    }
}

#[tonic::async_trait]
impl Metadata for Fake {
    type MetricMetadataStream = Frames<MetricMetadataResponse>;

    async fn metric_metadata(
        &self,
        _: tonic::Request<MetricMetadataRequest>,
    ) -> Result<Response<Self::MetricMetadataStream>, Status> {
        let meta = |help: &str| MetricMetadataEntry {
            metas: vec![Meta {
                r#type: "gauge".to_string(),
                help: help.to_string(),
                unit: String::new(),
            }],
        };
        let entries = [("up", meta("same")), ("differs", meta(self.replica))];
        let metadata = entries.map(|(name, entry)| (name.to_string(), entry));
        let metadata = MetricMetadata {
            metadata: metadata.into(),
        };
        let result = Some(MetricMetadataResult::Metadata(metadata));
        self.answer(MetricMetadataResponse { result })
    }
}

#[tonic::async_trait]
impl Exemplars for Fake {
    type ExemplarsStream = Frames<ExemplarsResponse>;

    async fn exemplars(
        &self,
        request: tonic::Request<ExemplarsRequest>,
    ) -> Result<Response<Self::ExemplarsStream>, Status> {
        assert_eq!(request.get_ref().query, r#"{__name__="m"}"#);
        let exemplar = exemplar_messages::Exemplar {
            labels: Some(LabelSet::default()),
            value: 1.5,
            ts: 2_500,
        };
        let series = exemplar_messages::ExemplarData {
            series_labels: self.labels(),
            exemplars: vec![exemplar],
        };
        let result = Some(ExemplarsResult::Data(series));
        self.answer(ExemplarsResponse { result })
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
struct Running {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn start(fake: Fake) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let fake = fake.clone();
            let service = service_fn(move |request| dispatch(fake.clone(), request));
            let connection = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    Running { address, task }
}

/// The API over two endpoints, of which the second one may fail.
async fn over(fault: Fault) -> (Router, [Running; 2]) {
    let fakes = [("0", Fault::None), ("1", fault)];
    let fakes = fakes.map(|(replica, fault)| start(Fake { replica, fault }));
    let [first, second] = fakes;
    let running = [first.await, second.await];
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
    let stores = Stores::new(Vec::new(), Vec::new(), Some(Arc::new(endpoints)), settings);
    let api = api();
    api.set_source(Arc::new(stores.unwrap()));
    (router(api), running)
}

async fn ask(router: &Router, path: &str) -> (u16, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, _, body) = send(router, request).await;
    (status.as_u16(), serde_json::from_slice(&body).unwrap())
}

const PATHS: [&str; 5] = [
    "/api/v1/rules?a=b",
    "/api/v1/alerts?a=b",
    "/api/v1/targets?a=b",
    "/api/v1/metadata?a=b",
    "/api/v1/query_exemplars?query=m",
];

#[tokio::test]
async fn endpoints_answer_as_one() {
    let (router, _running) = over(Fault::None).await;
    let mut found = Vec::new();
    for path in PATHS {
        let (status, answer) = ask(&router, path).await;
        assert_eq!(status, 200, "{path}: {answer}");
        assert_eq!(answer.get("warnings"), None, "{path}: {answer}");
        found.push(answer["data"].clone());
    }
    let [rules, alerts, targets, metadata, exemplars] = &found[..] else {
        panic!("five answers");
    };
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1);
    assert_eq!(rules[0]["labels"], json!({"job": "x"}));
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 1);
    let targets = targets["activeTargets"].as_array().unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["labels"], json!({"job": "x"}));
    let meta = |help: &str| json!({"type": "gauge", "unit": "", "help": help});
    assert_eq!(metadata["up"], json!([meta("same")]));
    assert_eq!(metadata["differs"].as_array().unwrap().len(), 2);
    let want = json!([{
        "seriesLabels": {"job": "x"},
        "exemplars": [{"labels": {}, "value": "1.5", "timestamp": 2.5}],
    }]);
    assert_eq!(*exemplars, want);
    let (_, apart) = ask(&router, "/api/v1/targets?dedup=false").await;
    let apart = apart["data"]["activeTargets"].as_array().unwrap().len();
    assert_eq!(apart, 2);
    let (_, limited) = ask(&router, "/api/v1/metadata?limit=1").await;
    assert_eq!(limited["data"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn an_endpoint_that_fails_is_a_warning_or_an_error() {
    for (fault, why) in [
        (Fault::Refuses, "out of order"),
        (Fault::Hangs, "no complete answer in 300ms"),
    ] {
        let (router, running) = over(fault).await;
        let name = running[1].address.to_string();
        for path in PATHS {
            let path = format!("{path}&timeout=300ms");
            let (status, answer) = ask(&router, &path).await;
            assert_eq!(status, 200, "{path}: {answer}");
            assert!(answer["data"].to_string().len() > 30, "{path}: {answer}");
            let warnings = answer["warnings"].as_array().unwrap();
            let warning = warnings[0].as_str().unwrap();
            assert_eq!(warnings.len(), 1, "{path}: {answer}");
            assert!(
                warning.contains(&name) && warning.contains(why),
                "{warning}"
            );
            let (status, answer) = ask(&router, &format!("{path}&partial_response=0")).await;
            assert_eq!((status, &answer["errorType"]), (500, &json!("internal")));
            let error = answer["error"].as_str().unwrap();
            assert!(error.contains(&name) && error.contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let (router, _running) = over(Fault::None).await;
    for path in [
        "/api/v1/rules?type=x",
        "/api/v1/rules?match[]=%7B",
        "/api/v1/rules?timeout=-1s",
        "/api/v1/targets?state=x",
        "/api/v1/metadata?limit=x",
        "/api/v1/query_exemplars?query=%7B",
        "/api/v1/alerts?partial_response=x",
    ] {
        let (status, answer) = ask(&router, path).await;
        assert_eq!(status, 400, "{path}: {answer}");
    }
}
