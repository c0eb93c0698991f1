//! Info and health.

use quarrel_proto::health::{HealthCheckRequest, ServingStatus};
use quarrel_proto::info::InfoRequest;
use quarrel_proto::services::health::health_client::HealthClient;
use quarrel_proto::services::info::info_client::InfoClient;
use tonic::Code;

use super::*;

#[tokio::test]
async fn info_tells_the_labels_and_the_true_range() {
    let served = Served::over(storage()).await;
    let mut client = InfoClient::new(served.channel().await);
    let info = client.info(InfoRequest {}).await.unwrap().into_inner();
    assert_eq!(info.component_type, "query");
    assert!(info.query.is_some());
    assert_eq!(text(&info.label_sets[0].labels), "cluster=a");
    let store = info.store.unwrap();
    assert!(store.supports_sharding && store.supports_without_replica_labels);
    let range = (START * 1000, (START + 135) * 1000);
    assert_eq!((store.min_time, store.max_time), range);
    let tsdb = &store.tsdb_infos[0];
    assert_eq!((tsdb.min_time, tsdb.max_time), range);
    assert_eq!(text(&tsdb.labels.as_ref().unwrap().labels), "cluster=a");
}

#[tokio::test]
async fn health_follows_the_data() {
    let api = api();
    let served = Served::with(Arc::clone(&api), options(), GrpcLimits::default()).await;
    let mut client = HealthClient::new(served.channel().await);
    let ask = |service: &str| HealthCheckRequest {
        service: service.to_string(),
    };
    let status = client.check(ask("")).await.unwrap().into_inner().status;
    assert_eq!(status, ServingStatus::NotServing as i32);
    let mut watch = client
        .watch(ask("thanos.Query"))
        .await
        .unwrap()
        .into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!(first.status, ServingStatus::NotServing as i32);
    let mut info = InfoClient::new(served.channel().await);
    let error = info.info(InfoRequest {}).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);

    api.set_storage(storage());
    let next = watch.message().await.unwrap().unwrap();
    assert_eq!(next.status, ServingStatus::Serving as i32);
    let status = client.check(ask("thanos.info.Info")).await.unwrap();
    assert_eq!(status.into_inner().status, ServingStatus::Serving as i32);
    let error = client.check(ask("nobody")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);

    api.stop();
    let next = watch.message().await.unwrap().unwrap();
    assert_eq!(next.status, ServingStatus::NotServing as i32);
}
