//! `thanos.info.Info`: what the server is and has.

use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use quarrel_proto::info::{
    ExemplarsInfo, InfoRequest, InfoResponse, MetricMetadataInfo, QueryApiInfo, RulesInfo,
    StoreInfo, TargetsInfo, TsdbInfo,
};
use quarrel_proto::labels::{Label, LabelSet};
use quarrel_proto::services::info::info_server::Info;
use tonic::{Request, Response, Status};

use super::state::Grpc;
use super::status;
use crate::source::Database;

pub(super) struct InfoService(pub(super) Arc<Grpc>);

/// What Thanos says of a store without samples.
const NOTHING: TimeRange = TimeRange {
    start: i64::MAX,
    end: i64::MIN,
};

#[tonic::async_trait]
impl Info for InfoService {
    async fn info(&self, _: Request<InfoRequest>) -> Result<Response<InfoResponse>, Status> {
        let source = self.0.source()?;
        let databases = source.databases().await.map_err(|error| {
            tracing::error!(%error, "Unable to tell what data there is");
            status::of_storage(&error)
        })?;
        let mut info = describe(&databases);
        let has_endpoints = source.endpoints().is_some();
        if has_endpoints {
            info.rules = Some(RulesInfo {});
            info.targets = Some(TargetsInfo {});
        }
        if has_endpoints || self.0.api.tsdb().is_some() {
            info.metric_metadata = Some(MetricMetadataInfo {});
            info.exemplars = Some(exemplars(&info, has_endpoints));
        }
        Ok(Response::new(info))
    }
}

/// The range of exemplars: all of time where endpoints may have some.
fn exemplars(info: &InfoResponse, of_endpoints: bool) -> ExemplarsInfo {
    match &info.store {
        Some(store) if !of_endpoints => ExemplarsInfo {
            min_time: store.min_time,
            max_time: store.max_time,
        },
        _ => ExemplarsInfo {
            min_time: i64::MIN,
            max_time: i64::MAX,
        },
    }
}

/// The answer. Thanos sends queries to a server only if it says that it has the
/// Query API, and a database with a label that is no replica label.
fn describe(databases: &[Database]) -> InfoResponse {
    let ranges = databases.iter().filter_map(|database| database.range);
    let whole = ranges.reduce(|a, b| TimeRange {
        start: a.start.min(b.start),
        end: a.end.max(b.end),
    });
    let whole = whole.unwrap_or(NOTHING);
    let mut label_sets: Vec<LabelSet> = Vec::new();
    for database in databases {
        let labels = label_set(&database.labels);
        if !labels.labels.is_empty() && !label_sets.contains(&labels) {
            label_sets.push(labels);
        }
    }
    let tsdb_infos = databases.iter().map(|database| {
        let range = database.range.unwrap_or(NOTHING);
        TsdbInfo {
            labels: Some(label_set(&database.labels)),
            min_time: range.start,
            max_time: range.end,
        }
    });
    InfoResponse {
        label_sets,
        component_type: "query".to_string(),
        store: Some(StoreInfo {
            min_time: whole.start,
            max_time: whole.end,
            supports_sharding: true,
            supports_without_replica_labels: true,
            tsdb_infos: tsdb_infos.collect(),
        }),
        query: Some(QueryApiInfo {}),
        ..InfoResponse::default()
    }
}

/// Labels as a message.
pub(super) fn label_set(labels: &[(String, String)]) -> LabelSet {
    let label = |(name, value): &(String, String)| Label {
        name: name.clone().into_bytes().into(),
        value: value.clone().into_bytes().into(),
    };
    LabelSet {
        labels: labels.iter().map(label).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_described_each_and_together() {
        let database = |cluster: &str, range: Option<(i64, i64)>| Database {
            labels: vec![("cluster".to_string(), cluster.to_string())],
            range: range.map(|(start, end)| TimeRange { start, end }),
        };
        let info = describe(&[
            database("a", Some((5, 10))),
            database("a", Some((7, 20))),
            database("b", None),
        ]);
        assert_eq!(
            (info.component_type.as_str(), info.query.is_some()),
            ("query", true)
        );
        assert_eq!(info.label_sets.len(), 2);
        let store = info.store.unwrap();
        assert_eq!((store.min_time, store.max_time), (5, 20));
        let times = store
            .tsdb_infos
            .iter()
            .map(|tsdb| (tsdb.min_time, tsdb.max_time));
        assert!(times.eq([(5, 10), (7, 20), (i64::MAX, i64::MIN)]));
        let nothing = describe(&[]).store.unwrap();
        assert_eq!((nothing.min_time, nothing.max_time), (i64::MAX, i64::MIN));
    }
}
