//! One endpoint: its channel, what it has said of itself, and its health.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::{Mutex, RwLock};
use quarrel_proto::info::InfoRequest;
use quarrel_proto::services::encoded::store::store_client::StoreClient;
use quarrel_proto::services::info::info_client::InfoClient;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::transport::Channel;

use super::client_settings::ClientSettings;
use super::discovery::Target;
use super::failure::{StoreName, status_text};
use super::info::{EndpointInfo, print_label_sets};
use super::metrics::{Counters, StoreMetrics};

/// A client of a store, which reads the messages of series itself.
pub(super) type Client = StoreClient<Channel>;

/// An endpoint of a set.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// How it is called: its address.
    pub(super) address: Arc<str>,
    /// Whether it is asked even if it is unhealthy.
    pub(super) strict: bool,
    /// How it is reached, if not as flags say.
    pub(super) client: Option<Arc<ClientSettings>>,
    channels: Channels,
    /// Bytes that a message may have.
    max_message_bytes: usize,
    /// How long it may send nothing.
    pub(super) response_timeout: Option<Duration>,
    state: RwLock<State>,
    pub(super) counters: Counters,
    checked: watch::Sender<bool>,
}

/// How the endpoint was, when it was asked last.
#[derive(Clone, Debug, Default)]
struct State {
    info: Option<Arc<EndpointInfo>>,
    /// When it has answered last.
    last_success: Option<(SystemTime, Instant)>,
    last_error: Option<String>,
}

/// The channels to one endpoint: one, or one for each address of a group.
#[derive(Debug)]
pub(super) enum Channels {
    One(Channel),
    Group {
        members: Mutex<Vec<(String, Channel)>>,
        next: AtomicUsize,
    },
}

/// What an endpoint shows of itself, as in Thanos's `/api/v1/stores`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// Its address.
    pub name: String,
    /// When it has answered last.
    pub last_check: Option<SystemTime>,
    /// Why it has not answered when it was asked last.
    pub last_error: Option<String>,
    /// What it has said when it has answered last.
    pub info: Option<Arc<EndpointInfo>>,
}

impl EndpointStatus {
    /// Whether it has answered when it was asked last.
    pub fn is_healthy(&self) -> bool {
        self.info.is_some() && self.last_error.is_none()
    }
}

impl Channels {
    pub(super) fn group() -> Self {
        Channels::Group {
            members: Mutex::default(),
            next: AtomicUsize::new(0),
        }
    }

    /// The channel of the next request.
    fn next(&self) -> Option<Channel> {
        match self {
            Channels::One(channel) => Some(channel.clone()),
            Channels::Group { members, next } => {
                let members = members.lock();
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let at = turn.checked_rem(members.len())?;
                Some(members[at].1.clone())
            }
        }
    }
}

impl Endpoint {
    pub(super) fn new(
        target: &Target,
        channels: Channels,
        max_message_bytes: usize,
        response_timeout: Option<Duration>,
    ) -> Self {
        Endpoint {
            address: target.name.as_str().into(),
            strict: target.strict,
            client: target.client.clone(),
            channels,
            max_message_bytes,
            response_timeout,
            state: RwLock::default(),
            counters: Counters::default(),
            checked: watch::Sender::new(false),
        }
    }

    /// The members of a group; `None` for a single endpoint.
    pub(super) fn members(&self) -> Option<&Mutex<Vec<(String, Channel)>>> {
        match &self.channels {
            Channels::One(_) => None,
            Channels::Group { members, .. } => Some(members),
        }
    }

    /// How often a request may be tried: others of a group may be there where one
    /// is not.
    pub(super) fn attempts(&self) -> usize {
        self.members()
            .map_or(1, |members| members.lock().len().clamp(1, 3))
    }

    /// A client of the StoreAPI; `None` for a group without an address.
    pub(super) fn store(&self) -> Option<Client> {
        let client = StoreClient::new(self.channels.next()?);
        Some(client.max_decoding_message_size(self.max_message_bytes))
    }

    /// A channel for the endpoint's other services.
    pub(super) fn channel(&self) -> Option<Channel> {
        self.channels.next()
    }

    /// What it has said of itself.
    pub(super) fn info(&self) -> Option<Arc<EndpointInfo>> {
        self.state.read().info.clone()
    }

    /// How errors call it.
    pub(super) fn name(&self) -> Arc<StoreName> {
        let info = self.info();
        let sets = info.as_ref().map_or(&[][..], |info| &info.label_sets);
        Arc::new(StoreName {
            address: Arc::clone(&self.address),
            labels: print_label_sets(sets),
        })
    }

    /// Whether it takes part in queries.
    pub(super) fn is_queryable(&self) -> bool {
        let state = self.state.read();
        self.strict || (state.info.is_some() && state.last_error.is_none())
    }

    /// The error of an endpoint that has answered within `time`, but does not now.
    pub(super) fn lost(&self, time: Duration) -> Option<String> {
        let state = self.state.read();
        let (_, last) = state.last_success?;
        (last.elapsed() < time).then(|| state.last_error.clone())?
    }

    pub(super) fn status(&self) -> EndpointStatus {
        let state = self.state.read().clone();
        EndpointStatus {
            name: self.address.to_string(),
            last_check: state.last_success.map(|(time, _)| time),
            last_error: state.last_error,
            info: state.info,
        }
    }

    pub(super) fn metrics(&self) -> StoreMetrics {
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let info = self.info().unwrap_or_default();
        let counters = &self.counters;
        StoreMetrics {
            address: self.address.to_string(),
            component: info.component.clone(),
            external_labels: print_label_sets(&info.label_sets),
            healthy: self.status().is_healthy(),
            methods: counters.methods(),
            messages: load(&counters.messages),
            bytes: load(&counters.bytes),
            series: load(&counters.series),
            chunks: load(&counters.chunks),
            samples: load(&counters.samples),
        }
    }

    /// Asks it what it has, again and again.
    pub(super) async fn watch(self: Arc<Self>, interval: Duration, timeout: Duration) {
        loop {
            let asked = Instant::now();
            let answer = tokio::time::timeout(timeout, self.ask_info()).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer in {timeout:?}")));
            self.take(answer);
            self.checked.send_replace(true);
            tokio::time::sleep_until(asked + interval).await;
        }
    }

    fn take(&self, answer: Result<EndpointInfo, String>) {
        let mut state = self.state.write();
        match answer {
            Ok(info) => {
                if state.info.is_none() || state.last_error.is_some() {
                    let labels = print_label_sets(&info.label_sets);
                    tracing::info!(address = %self.address, component = %info.component, %labels, "endpoint is healthy");
                }
                if state.info.as_deref() != Some(&info) {
                    state.info = Some(Arc::new(info));
                }
                state.last_success = Some((SystemTime::now(), Instant::now()));
                state.last_error = None;
            }
            Err(error) => {
                if state.last_error.as_ref() != Some(&error) {
                    tracing::warn!(address = %self.address, %error, "endpoint is unhealthy");
                }
                state.last_error = Some(error);
            }
        }
    }

    async fn ask_info(&self) -> Result<EndpointInfo, String> {
        let no_address = || "the group has no address".to_string();
        let channel = self.channels.next().ok_or_else(no_address)?;
        let mut client = InfoClient::new(channel).max_decoding_message_size(self.max_message_bytes);
        let answer = client.info(InfoRequest {}).await;
        let answer = answer.map_err(|status| status_text(&status))?;
        EndpointInfo::read(answer.into_inner())
    }

    /// Waits until it was asked once what it has.
    pub(super) async fn checked(&self) {
        let mut checked = self.checked.subscribe();
        // The sender lives as long as this endpoint.
        let _ = checked.wait_for(|&checked| checked).await;
    }
}
