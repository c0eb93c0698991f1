//! The set of endpoints, which keeps itself up to date.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use parking_lot::RwLock;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tonic::transport::Channel;

use super::config::EndpointsConfig;
use super::config_error::ConfigError;
use super::dialer::Dialer;
use super::discovery::{Discovery, Target};
use super::endpoint::{Channels, Endpoint, EndpointStatus};
use super::metrics::StoreMetrics;
use crate::tasks::Task;

/// A set of endpoints, as `thanos query` has it.
///
/// Each endpoint is asked every few seconds what it has. One that does not answer
/// takes part in no query, unless it is strict. What was looked up or named by a file
/// leaves the set when it is no longer found.
///
/// The tasks that do so end when the set is dropped; the streams of queries do not.
#[derive(Debug)]
pub struct Endpoints {
    shared: Arc<Shared>,
    _task: Task<()>,
}

#[derive(Debug)]
struct Shared {
    config: EndpointsConfig,
    dialer: Dialer,
    runtime: Handle,
    members: RwLock<BTreeMap<Arc<str>, Member>>,
    /// Whether names were looked up once.
    discovered: watch::Sender<bool>,
}

#[derive(Debug)]
struct Member {
    endpoint: Arc<Endpoint>,
    _task: Task<()>,
}

impl Endpoints {
    /// Begins to watch endpoints, on the current tokio runtime, on which the streams
    /// of queries run as well.
    ///
    /// # Errors
    /// When the settings are wrong; an endpoint that is not there is no error.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(config: EndpointsConfig) -> Result<Self, ConfigError> {
        let dialer = Dialer::new(config.tls.as_ref(), config.connect_timeout)?;
        let discovery = Discovery::new(&config)?;
        let targets = discovery.known();
        let shared = Arc::new(Shared {
            dialer,
            runtime: Handle::current(),
            members: RwLock::default(),
            discovered: watch::Sender::new(false),
            config,
        });
        shared.update(&targets);
        let task = Task::spawn(&shared.runtime, keep_up(Arc::clone(&shared), discovery));
        Ok(Endpoints {
            shared,
            _task: task,
        })
    }

    /// Waits until names were looked up and each endpoint was asked what it has, once.
    /// Takes at most about the time-outs of these.
    pub async fn ready(&self) {
        let mut discovered = self.shared.discovered.subscribe();
        // The sender is in `shared`.
        let _ = discovered.wait_for(|&discovered| discovered).await;
        let endpoints = self.all();
        join_all(endpoints.iter().map(|endpoint| endpoint.checked())).await;
    }

    /// What is known of each endpoint, by address.
    pub fn status(&self) -> Vec<EndpointStatus> {
        self.all()
            .iter()
            .map(|endpoint| endpoint.status())
            .collect()
    }

    /// What was counted of each endpoint's StoreAPI, by address.
    pub fn metrics(&self) -> Vec<StoreMetrics> {
        self.all()
            .iter()
            .map(|endpoint| endpoint.metrics())
            .collect()
    }

    /// Channels to the healthy endpoints for which `has` holds, such as those that have
    /// rules: status and channel.
    pub fn channels(
        &self,
        has: impl Fn(&EndpointStatus) -> bool,
    ) -> Vec<(EndpointStatus, Channel)> {
        let all = self.all();
        let of = |endpoint: &Arc<Endpoint>| {
            let status = endpoint.status();
            let picked = endpoint.is_queryable() && has(&status);
            Some((status, picked.then(|| endpoint.channel())??))
        };
        all.iter().filter_map(of).collect()
    }

    /// All endpoints, by address.
    pub(super) fn all(&self) -> Vec<Arc<Endpoint>> {
        let members = self.shared.members.read();
        members.values().map(|m| Arc::clone(&m.endpoint)).collect()
    }

    pub(super) fn config(&self) -> &EndpointsConfig {
        &self.shared.config
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.shared.runtime
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        // The task that keeps the set up to date holds it.
        self.shared.members.write().clear();
    }
}

async fn keep_up(shared: Arc<Shared>, mut discovery: Discovery) {
    loop {
        let targets = discovery.look_up().await;
        shared.update(&targets);
        shared.discovered.send_replace(true);
        tokio::time::sleep(discovery.pause()).await;
    }
}

impl Shared {
    /// Brings the set in line with what there is now.
    fn update(&self, targets: &[Target]) {
        let mut members = self.members.write();
        // One that is reached in another way now is another one.
        members.retain(|address, member| {
            let mut same = targets.iter().filter(|target| *target.name == **address);
            same.any(|target| target.client == member.endpoint.client)
        });
        for target in targets {
            let known = members.get(&*target.name).map(|m| Arc::clone(&m.endpoint));
            let endpoint = match known.map_or_else(|| self.endpoint(target), Ok) {
                Ok(endpoint) => endpoint,
                Err(error) => {
                    tracing::warn!(%error, "endpoint is left out");
                    continue;
                }
            };
            self.update_group(&endpoint, target);
            members
                .entry(Arc::clone(&endpoint.address))
                .or_insert_with(|| {
                    let config = &self.config;
                    let watch =
                        Arc::clone(&endpoint).watch(config.info_interval, config.info_timeout);
                    Member {
                        endpoint,
                        _task: Task::spawn(&self.runtime, watch),
                    }
                });
        }
    }

    fn endpoint(&self, target: &Target) -> Result<Arc<Endpoint>, ConfigError> {
        let channels = match &target.members {
            None => Channels::One(
                self.dialer
                    .channel(&target.name, target.client.as_deref())?,
            ),
            Some(_) => Channels::group(),
        };
        Ok(Arc::new(Endpoint::new(
            target,
            channels,
            self.config.max_message_bytes,
            self.config.response_timeout,
        )))
    }

    /// Gives a group the addresses that it has now; those that stay keep their
    /// connections.
    fn update_group(&self, endpoint: &Endpoint, target: &Target) {
        let (Some(members), Some(addresses)) = (endpoint.members(), &target.members) else {
            return;
        };
        let mut members = members.lock();
        members.retain(|(address, _)| addresses.contains(address));
        for address in addresses {
            if members.iter().any(|(known, _)| known == address) {
                continue;
            }
            match self.dialer.channel(address, endpoint.client.as_deref()) {
                Ok(channel) => members.push((address.clone(), channel)),
                Err(error) => tracing::warn!(%error, "address of a group is left out"),
            }
        }
    }
}
