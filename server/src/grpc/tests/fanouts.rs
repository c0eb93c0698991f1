//! Rules, targets, metadata and exemplars of the endpoints behind the server.

use std::time::Instant;

use quarrel_proto::exemplars::{ExemplarsRequest, ExemplarsResult};
use quarrel_proto::info::InfoRequest;
use quarrel_proto::metadata::{MetricMetadataRequest, MetricMetadataResult};
use quarrel_proto::rules::{RulesRequest, RulesResult};
use quarrel_proto::services::exemplars::exemplars_client::ExemplarsClient;
use quarrel_proto::services::info::info_client::InfoClient;
use quarrel_proto::services::metadata::metadata_client::MetadataClient;
use quarrel_proto::services::rules::rules_client::RulesClient;
use quarrel_proto::services::targets::targets_client::TargetsClient;
use quarrel_proto::store::PartialResponseStrategy;
use quarrel_proto::targets::{TargetsRequest, TargetsResult};
use quarrel_storage::store_api::{EndpointSpec, Endpoints, EndpointsConfig};
use tonic::{Code, Request, Status};

use super::*;
use crate::fanout::testing::{Fake, Fault, Running, start, stores};
use crate::stores::{StoreSettings, Stores};
use crate::tenancy::Enforced;

const WARN: i32 = PartialResponseStrategy::Warn as i32;
const ABORT: i32 = PartialResponseStrategy::Abort as i32;

/// A server over two endpoints, of which the second one may fail.
async fn over(fault: Fault) -> (Served, [Running; 2]) {
    let first = start(Fake::new("0").of("a")).await;
    let second = start(Fake::new("1").of("b").with(fault)).await;
    let running = [first, second];
    let api = api();
    api.set_source(Arc::new(stores(&running).await));
    let served = Served::with(api, options(), GrpcLimits::default()).await;
    (served, running)
}

/// What a call of each API found, printed, and its warnings.
struct Answer {
    found: Vec<String>,
    warnings: Vec<String>,
}

/// A message of a tenant that waits for 400 ms.
fn asked<T>(message: T, tenant: &str) -> Request<T> {
    let mut request = Request::new(message);
    let tenant = tenant.parse().unwrap();
    request.metadata_mut().insert("thanos-tenant", tenant);
    request.set_timeout(Duration::from_millis(400));
    request
}

macro_rules! all {
    ($frames:expr, $content:path, $warning:path) => {{
        let (mut found, mut warnings) = (Vec::new(), Vec::new());
        let mut frames = $frames.await?.into_inner();
        while let Some(frame) = frames.message().await? {
            match frame.result.unwrap() {
                $content(content) => found.push(format!("{content:?}")),
                $warning(warning) => warnings.push(warning),
            }
        }
        Ok(Answer { found, warnings })
    }};
}

/// Calls one of the four APIs.
async fn call(served: &Served, api: usize, strategy: i32, tenant: &str) -> Result<Answer, Status> {
    let channel = served.channel().await;
    match api {
        0 => {
            let request = RulesRequest {
                partial_response_strategy: strategy,
                ..RulesRequest::default()
            };
            let mut client = RulesClient::new(channel);
            let frames = client.rules(asked(request, tenant));
            all!(frames, RulesResult::Group, RulesResult::Warning)
        }
        1 => {
            let request = TargetsRequest {
                partial_response_strategy: strategy,
                ..TargetsRequest::default()
            };
            let mut client = TargetsClient::new(channel);
            let frames = client.targets(asked(request, tenant));
            all!(frames, TargetsResult::Targets, TargetsResult::Warning)
        }
        2 => {
            let request = MetricMetadataRequest {
                limit: -1,
                partial_response_strategy: strategy,
                ..MetricMetadataRequest::default()
            };
            let mut client = MetadataClient::new(channel);
            let frames = client.metric_metadata(asked(request, tenant));
            all!(
                frames,
                MetricMetadataResult::Metadata,
                MetricMetadataResult::Warning
            )
        }
        _ => {
            let request = ExemplarsRequest {
                query: "m".to_string(),
                end: i64::MAX,
                partial_response_strategy: strategy,
                ..ExemplarsRequest::default()
            };
            let mut client = ExemplarsClient::new(channel);
            let frames = client.exemplars(asked(request, tenant));
            all!(frames, ExemplarsResult::Data, ExemplarsResult::Warning)
        }
    }
}

#[tokio::test]
async fn messages_of_endpoints_pass_as_they_are() {
    let (served, running) = over(Fault::None).await;
    for api in 0..4 {
        let answer = call(&served, api, WARN, "me").await.unwrap();
        assert_eq!(answer.warnings, Vec::<String>::new());
        assert_eq!(answer.found.len(), 2, "{api}: {:?}", answer.found);
        for mark in ["of a", "of b"] {
            let has = answer.found.iter().filter(|text| text.contains(mark));
            assert_eq!(has.count(), 1, "{api} {mark}: {:?}", answer.found);
        }
    }
    assert_eq!(running[0].tenants(), ["me"; 4]);
    let mut client = InfoClient::new(served.channel().await);
    let info = client.info(InfoRequest {}).await.unwrap().into_inner();
    assert!(info.rules.is_some() && info.targets.is_some());
    assert!(info.metric_metadata.is_some() && info.exemplars.is_some());
}

#[tokio::test]
async fn an_endpoint_that_fails_is_a_warning_or_an_error() {
    for (fault, why) in [
        (Fault::Refuses, "out of order"),
        (Fault::Hangs, "no complete answer in"),
    ] {
        let (served, running) = over(fault).await;
        let name = running[1].address.to_string();
        for api in 0..4 {
            match call(&served, api, WARN, "me").await {
                Ok(answer) => {
                    let [warning] = &answer.warnings[..] else {
                        panic!("{api}: {:?}", answer.warnings);
                    };
                    let names_it = warning.contains(&name) && warning.contains(why);
                    assert!(names_it, "{warning}");
                    assert!(!answer.found.is_empty());
                }
                // The client's own clock.
                Err(error) => {
                    assert!(fault == Fault::Hangs, "{api}: {error}");
                    let late = matches!(error.code(), Code::DeadlineExceeded | Code::Cancelled);
                    assert!(late, "{error}");
                }
            }
            let error = call(&served, api, ABORT, "me").await.err().unwrap();
            if fault == Fault::Refuses {
                assert_eq!(error.code(), Code::Aborted, "{error}");
                assert!(error.message().contains(&name), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_what_has_its_label() {
    let first = start(Fake::new("0").of("a")).await;
    let second = start(Fake::new("1").of("b")).await;
    let running = [first, second];
    let api = api();
    let all = Arc::new(stores(&running).await);
    api.set_source(Arc::new(Enforced::new(all, "tenant_id".to_string())));
    let served = Served::with(api, options(), GrpcLimits::default()).await;
    for api in 0..4 {
        for (tenant, other) in [("a", "of b"), ("b", "of a")] {
            let answer = call(&served, api, WARN, tenant).await.unwrap();
            let found = answer.found.concat();
            let own = format!("of {tenant}");
            assert!(found.contains(&own) && !found.contains(other), "{found}");
        }
        let found = call(&served, api, WARN, "c").await.unwrap().found.concat();
        assert!(!found.contains("of "), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_behind_itself_ends_by_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let specs = [EndpointSpec::new(&address.to_string()).unwrap()];
    let endpoints = Arc::new(Endpoints::start(EndpointsConfig::new(specs)).unwrap());
    let behind = Some(Arc::clone(&endpoints));
    let stores = Stores::new(Vec::new(), Vec::new(), behind, StoreSettings::default());
    let api = api();
    api.set_source(Arc::new(stores.unwrap()));
    let served = Served::on(listener, api, options(), GrpcLimits::default());
    endpoints.ready().await;
    let begun = Instant::now();
    for strategy in [WARN, ABORT] {
        match call(&served, 0, strategy, "me").await {
            Ok(answer) => assert!(!answer.warnings.is_empty() && answer.found.is_empty()),
            Err(error) => assert_ne!(error.code(), Code::Unavailable, "{error}"),
        }
    }
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let mut client = InfoClient::new(served.channel().await);
    assert!(client.info(InfoRequest {}).await.is_ok());
}
