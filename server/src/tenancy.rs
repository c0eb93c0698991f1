//! Tenants: who a request is of, as Thanos's header says, and that a tenant sees its own
//! series alone.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::{MatchOp, Matcher, Storage, StorageError};
use quarrel_storage::bucket::Bucket;
use quarrel_storage::memory::MemoryStorage;
use quarrel_storage::restricted::Restricted;
use quarrel_storage::store_api::{EndpointStatus, StoreMetrics};

use crate::source::{Database, ReadDefaults, ReadOptions, Source};

/// The header that Thanos's components send.
pub const THANOS_TENANT: &str = "thanos-tenant";

/// How the tenant of a request is told.
#[derive(Clone, Debug)]
pub struct Tenancy {
    /// The header that names it, beside [`THANOS_TENANT`].
    pub header: String,
    /// The tenant of requests that do not say.
    pub default: String,
}

impl Default for Tenancy {
    fn default() -> Self {
        Tenancy {
            header: THANOS_TENANT.to_string(),
            default: "default-tenant".to_string(),
        }
    }
}

impl Tenancy {
    /// The tenant of a request with these headers.
    ///
    /// # Errors
    /// If its name could be part of a path, as in Thanos.
    pub fn tenant<'a>(&self, header: impl Fn(&str) -> &'a str) -> Result<String, String> {
        let named = [header(&self.header), header(THANOS_TENANT)];
        let named = named.into_iter().find(|name| !name.is_empty());
        let tenant = named.unwrap_or(&self.default);
        match tenant {
            "." | ".." => Err(format!("tenant name not valid: {tenant:?}")),
            _ if tenant.contains(['/', '\\']) => Err(format!("tenant name not valid: {tenant:?}")),
            _ => Ok(tenant.to_string()),
        }
    }
}

/// A source of which each tenant sees the series that have its name in a label. What
/// endpoints have beside series is of no tenant, and nobody sees it.
pub struct Enforced {
    inner: Arc<dyn Source>,
    label: String,
}

impl Enforced {
    /// The series of `inner` by the tenant's name in `label`.
    pub fn new(inner: Arc<dyn Source>, label: String) -> Self {
        Enforced { inner, label }
    }
}

impl Source for Enforced {
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage> {
        let tenant = options.tenant.as_deref().unwrap_or_default();
        match Matcher::new(MatchOp::Equal, &self.label, tenant) {
            Ok(own) => Arc::new(Restricted::new(self.inner.storage(options), [own])),
            Err(_) => Arc::new(MemoryStorage::new()),
        }
    }

    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>> {
        self.inner.databases()
    }

    fn stores(&self) -> Vec<EndpointStatus> {
        self.inner.stores()
    }

    fn store_metrics(&self) -> Vec<StoreMetrics> {
        self.inner.store_metrics()
    }

    fn bucket(&self) -> Option<&Arc<Bucket>> {
        self.inner.bucket()
    }

    fn defaults(&self) -> Option<&ReadDefaults> {
        self.inner.defaults()
    }
}
