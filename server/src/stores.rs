//! What the server reads from: data directories, Thanos API servers, servers of remote
//! read, and a bucket.

use std::sync::Arc;

use futures::future::{BoxFuture, try_join_all};
use quarrel_engine::storage::{Deduplication, Matcher, Storage, StorageError, TimeRange};
use quarrel_storage::bucket::{Bucket, BucketQuery, BucketStorage};
use quarrel_storage::fanout::{Fanout, Part, PartError};
use quarrel_storage::remote_read::{RemoteRead, RemoteReadMetrics};
use quarrel_storage::replicas::Replicas;
use quarrel_storage::store_api::{EndpointStatus, Endpoints, StoreApi, StoreMetrics, StoreQuery};

use crate::source::{Database, ReadDefaults, ReadOptions, Source};

/// How stores are read.
#[derive(Clone, Debug, Default)]
pub struct StoreSettings {
    /// What holds where requests do not say.
    pub defaults: ReadDefaults,
    /// How replicas become one.
    pub deduplication: Deduplication,
    /// Selects of a query that may wait for stores at the same time.
    pub max_concurrent_selects: usize,
}

/// A server of remote read.
#[derive(Clone, Debug)]
pub struct RemotePart {
    /// The server.
    pub remote: RemoteRead,
    /// External labels that its series get, which it was asked for.
    pub labels: Vec<(String, String)>,
}

/// Data directories, or other storages of the process, Thanos API servers, servers of
/// remote read and a bucket, which requests read as one.
pub struct Stores {
    local: Vec<Arc<dyn Storage>>,
    /// The directories with their labels.
    parts: Vec<Part>,
    /// The external labels of the directories, sorted by name.
    labels: Vec<(String, String)>,
    endpoints: Option<Arc<Endpoints>>,
    bucket: Option<Arc<Bucket>>,
    /// Servers of remote read, and each with its labels.
    remote_read: Vec<(RemotePart, Part)>,
    /// `None` where there are neither replicas nor resolutions: what requests say about
    /// these makes no difference.
    settings: Option<StoreSettings>,
}

impl Stores {
    /// One storage as it is.
    pub fn plain(storage: Arc<dyn Storage>) -> Self {
        Stores {
            parts: vec![Part::new(Arc::clone(&storage))],
            local: vec![storage],
            labels: Vec::new(),
            endpoints: None,
            bucket: None,
            remote_read: Vec::new(),
            settings: None,
        }
    }

    /// One storage whose series get these external labels.
    ///
    /// # Errors
    /// If a name or a value is empty, or a name is there twice.
    pub fn labeled(
        storage: Arc<dyn Storage>,
        labels: Vec<(String, String)>,
    ) -> Result<Self, PartError> {
        let stores = Stores::new(vec![storage], labels, None, StoreSettings::default())?;
        Ok(Stores {
            settings: None,
            ..stores
        })
    }

    /// Directories, whose series get these external labels, beside endpoints.
    ///
    /// # Errors
    /// If a name or a value of a label is empty, or a name is there twice.
    pub fn new(
        local: Vec<Arc<dyn Storage>>,
        mut labels: Vec<(String, String)>,
        endpoints: Option<Arc<Endpoints>>,
        settings: StoreSettings,
    ) -> Result<Self, PartError> {
        labels.sort();
        let part = |storage: &Arc<dyn Storage>| {
            Part::new(Arc::clone(storage)).with_labels(labels.iter().cloned())
        };
        Ok(Stores {
            parts: local.iter().map(part).collect::<Result<_, _>>()?,
            local,
            labels,
            endpoints,
            bucket: None,
            remote_read: Vec::new(),
            settings: Some(settings),
        })
    }

    /// The same with servers of remote read.
    ///
    /// # Errors
    /// As [`Stores::new`].
    pub fn with_remote_read(mut self, servers: Vec<RemotePart>) -> Result<Self, PartError> {
        for server in servers {
            let part = Part::new(Arc::new(server.remote.clone()));
            let part = part.with_labels(server.labels.iter().cloned())?;
            self.remote_read.push((server, part));
        }
        Ok(self)
    }

    /// The servers of remote read that are read: `storeMatch[]` picks them by their URL,
    /// as the label `__address__`, and by the labels that they were asked for.
    fn remote_read(&self, options: &ReadOptions) -> Vec<Part> {
        let is_picked = |part: &RemotePart| {
            let url = part.remote.metrics().url;
            let value = |name: &str| match name {
                "__address__" => &*url,
                name => {
                    let label = part.labels.iter().find(|(own, _)| own == name);
                    label.map_or("", |(_, value)| value)
                }
            };
            let picks = |all: &Vec<Matcher>| all.iter().all(|m| m.matches(value(m.name())));
            options.store_matchers.is_empty() || options.store_matchers.iter().any(picks)
        };
        let picked = self.remote_read.iter().filter(|(own, _)| is_picked(own));
        picked
            .map(|(_, part)| match &options.shard {
                Some(shard) => part.clone().with_shard(shard.clone()),
                None => part.clone(),
            })
            .collect()
    }

    /// The same beside a bucket, whose blocks have labels of their own.
    #[must_use]
    pub fn with_bucket(self, bucket: Option<Arc<Bucket>>) -> Self {
        Stores { bucket, ..self }
    }

    /// The directories, if they are read.
    fn local(&self, options: &ReadOptions) -> Vec<Part> {
        let picked = self.settings.is_none()
            || options.store_matchers.is_empty()
            || (options.store_matchers.iter()).any(|all| self.labels_match(all));
        let parts = self.parts.iter().filter(|_| picked).cloned();
        parts
            .map(|part| match &options.shard {
                Some(shard) => part.with_shard(shard.clone()),
                None => part,
            })
            .collect()
    }

    fn labels_match(&self, matchers: &[Matcher]) -> bool {
        matchers.iter().all(|matcher| {
            let label = self.labels.iter().find(|(name, _)| name == matcher.name());
            matcher.matches(label.map_or("", |(_, value)| value))
        })
    }

    /// The endpoints as a request reads them.
    fn remote(&self, endpoints: &Arc<Endpoints>, options: &ReadOptions) -> StoreApi {
        let mut query = StoreQuery::default();
        query.partial_response = options.partial_response;
        query.store_matchers.clone_from(&options.store_matchers);
        query.shard.clone_from(&options.shard);
        query.tenant.clone_from(&options.tenant);
        query.observer.clone_from(&options.observer);
        query.max_concurrent_selects = self.settings.as_ref().map(|s| s.max_concurrent_selects);
        if options.dedup {
            query.replica_labels.clone_from(&options.replica_labels);
        }
        StoreApi::new(Arc::clone(endpoints), query)
    }
}

/// The bucket as a request reads it.
fn in_bucket(bucket: &Arc<Bucket>, options: &ReadOptions) -> BucketStorage {
    let mut query = BucketQuery::default();
    query.partial_response = options.partial_response;
    query.store_matchers.clone_from(&options.store_matchers);
    query.shard.clone_from(&options.shard);
    BucketStorage::new(Arc::clone(bucket), query)
}

impl Source for Stores {
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage> {
        let settings = self.settings.as_ref();
        let united = settings.filter(|_| options.dedup && !options.replica_labels.is_empty());
        if let ([storage], None, None, None) =
            (&*self.local, &self.endpoints, settings, &options.shard)
            && self.labels.is_empty()
        {
            return Arc::clone(storage);
        }
        let mut options = options.clone();
        if united.is_some()
            && let Some(shard) = options.shard
        {
            options.shard = Some(shard.without_replica_labels(&options.replica_labels));
        }
        let mut parts = self.local(&options);
        if let Some(endpoints) = &self.endpoints {
            parts.push(Part::new(Arc::new(self.remote(endpoints, &options))));
        }
        parts.extend(self.remote_read(&options));
        if let Some(bucket) = &self.bucket {
            parts.push(Part::new(Arc::new(in_bucket(bucket, &options))));
        }
        let all = Fanout::new(parts).with_partial_response(options.partial_response);
        let Some(settings) = united else {
            return Arc::new(all);
        };
        let replicas = Replicas::new(Arc::new(all), options.replica_labels);
        Arc::new(replicas.with_deduplication(settings.deduplication))
    }

    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>> {
        Box::pin(async {
            let views = self.local.iter().map(|s| s.snapshot(TimeRange::ALL));
            let views = try_join_all(views).await?;
            let local = views.iter().map(|view| Database {
                labels: self.labels.clone(),
                range: view.time_range(),
            });
            let stores = self.stores();
            let healthy = stores.iter().filter(|store| store.is_healthy());
            let facts = healthy.filter_map(|store| store.info.as_ref()?.store.as_ref());
            let remote = facts.flat_map(|store| &store.tsdbs).map(|tsdb| Database {
                labels: tsdb.labels.clone(),
                range: Some(tsdb.range),
            });
            let of_servers = self.remote_read.iter().map(|(server, _)| Database {
                labels: server.labels.clone(),
                range: None,
            });
            let bucket = self.bucket.iter().flat_map(|bucket| bucket.databases());
            let bucket = bucket.map(|database| Database {
                labels: database.labels,
                range: Some(database.range),
            });
            Ok((local.chain(remote))
                .chain(of_servers)
                .chain(bucket)
                .collect())
        })
    }

    fn stores(&self) -> Vec<EndpointStatus> {
        let endpoints = self.endpoints.as_ref();
        endpoints.map_or_else(Vec::new, |endpoints| endpoints.status())
    }

    fn endpoints(&self) -> Option<Arc<Endpoints>> {
        self.endpoints.clone()
    }

    fn store_metrics(&self) -> Vec<StoreMetrics> {
        let endpoints = self.endpoints.as_ref();
        endpoints.map_or_else(Vec::new, |endpoints| endpoints.metrics())
    }

    fn remote_read_metrics(&self) -> Vec<RemoteReadMetrics> {
        let servers = self.remote_read.iter();
        servers.map(|(server, _)| server.remote.metrics()).collect()
    }

    fn bucket(&self) -> Option<&Arc<Bucket>> {
        self.bucket.as_ref()
    }

    fn defaults(&self) -> Option<&ReadDefaults> {
        self.settings.as_ref().map(|settings| &settings.defaults)
    }
}
